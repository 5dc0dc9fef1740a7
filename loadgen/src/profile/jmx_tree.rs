//! The XML of a plan as a tree with line numbers, and its properties with `${__P(name,default)}` in place.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Settings;
use crate::error::{Error, Result};

/// Levels of nesting at most.
const MAX_DEPTH: usize = 256;

/// One XML element.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    pub(super) line: usize,
    pub(super) children: Vec<Element>,
}

/// A plan's elements.
#[derive(Debug)]
pub(super) struct Tree {
    path: PathBuf,
    pub(super) root: Element,
    properties: BTreeMap<String, String>,
    /// What was understood otherwise than it may have been meant.
    pub(super) warnings: RefCell<Vec<String>>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn enabled(&self) -> bool {
        self.attribute("enabled") != Some("false")
    }

    /// A property's text and line, as written.
    pub(super) fn property(&self, name: &str) -> Option<(&str, usize)> {
        let child = self.property_element(name)?;
        Some((&child.text, child.line))
    }

    /// The element of a property.
    pub(super) fn property_element(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.attribute("name") == Some(name))
    }

    /// The first child with a name.
    pub(super) fn descendant(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

impl Tree {
    /// Reads a plan.
    pub(super) fn parse(path: &Path, text: &str, settings: &Settings) -> Result<Self> {
        let at = |line: usize, key: &str, message: String| Error::Profile {
            path: path.to_owned(),
            line,
            key: key.to_owned(),
            message,
        };
        let mut reader = Reader::from_str(text);
        let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
        let mut open: Vec<Element> = vec![Element::default()];
        loop {
            let event = reader.read_event();
            let line = lines.line_at(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
            let event = event.map_err(|error| at(line, "XML", error.to_string()))?;
            match event {
                Event::Start(start) => {
                    if open.len() > MAX_DEPTH {
                        return Err(at(line, "XML", format!("expected at most {MAX_DEPTH} levels, found more")));
                    }
                    open.push(element(&start, line).map_err(|error| at(line, "XML", error))?);
                }
                Event::Empty(start) => {
                    let element = element(&start, line).map_err(|error| at(line, "XML", error))?;
                    if let Some(parent) = open.last_mut() {
                        parent.children.push(element);
                    }
                }
                Event::End(_) => {
                    if let Some(done) = open.pop()
                        && let Some(parent) = open.last_mut()
                    {
                        parent.children.push(done);
                    }
                }
                Event::Text(piece) => {
                    add_text(&mut open, &piece);
                }
                Event::CData(piece) => {
                    add_text(&mut open, &piece);
                }
                Event::GeneralRef(reference) => {
                    let whole = format!("&{};", &*reference);
                    let text =
                        quick_xml::escape::unescape(&whole).map_err(|error| at(line, "XML", error.to_string()))?;
                    add_text(&mut open, &text);
                }
                Event::Eof if open.len() > 1 => {
                    let name = open.last().map_or("", |element| element.name.as_str());
                    return Err(at(line, "XML", format!("expected the end of {name}, found the end of the file")));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let root = open.pop().and_then(|document| document.children.into_iter().next());
        let root = root.ok_or_else(|| at(1, "XML", "expected an element, found none".to_owned()))?;
        Ok(Self { path: path.to_owned(), root, properties: settings.properties.clone(), warnings: RefCell::default() })
    }

    /// An error at an element.
    pub(super) fn error(&self, element: &Element, message: impl Into<String>) -> Error {
        let name = element.attribute("testname").map_or_else(String::new, |name| format!(" {name:?}"));
        let key: String = format!("{}{name}", element.name).chars().take(120).collect();
        let message: String = message.into().chars().take(400).collect();
        Error::Profile { path: self.path.clone(), line: element.line, key, message }
    }

    /// A property's text with properties of the command line in place.
    pub(super) fn text(&self, element: &Element, property: &str) -> Result<Option<String>> {
        let Some((text, line)) = element.property(property) else { return Ok(None) };
        let refuse =
            |message: String| Error::Profile { path: self.path.clone(), line, key: property.to_owned(), message };
        self.expand(text, line).map(Some).map_err(refuse)
    }

    /// A whole number; nothing where the property is missing or empty.
    pub(super) fn number(&self, element: &Element, property: &str) -> Result<Option<i64>> {
        let Some(text) = self.text(element, property)?.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        let value = text.trim().parse::<i64>().ok().filter(|value| (-1..=1 << 40).contains(value));
        let line = element.property(property).map_or(element.line, |(_, line)| line);
        value.map(Some).ok_or_else(|| Error::Profile {
            path: self.path.clone(),
            line,
            key: property.to_owned(),
            message: format!("expected a whole number, found {:?}", text.chars().take(80).collect::<String>()),
        })
    }

    /// Seconds; 0 where the property is missing or empty.
    pub(super) fn seconds(&self, element: &Element, property: &str) -> Result<Duration> {
        let seconds = self.number(element, property)?.unwrap_or(0).clamp(0, 31_536_000);
        Ok(Duration::from_secs(seconds.unsigned_abs()))
    }

    /// A truth value; false where the property is missing.
    pub(super) fn truth(&self, element: &Element, property: &str) -> Result<bool> {
        Ok(self.text(element, property)?.is_some_and(|text| text.trim() == "true"))
    }

    /// Puts `${__P(name,default)}` in place; `JMeter`'s default for a property that is missing is `1`.
    fn expand(&self, text: &str, line: usize) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            out.push_str(&rest[..start]);
            let inside = &rest[start..];
            let call = inside.strip_prefix("${__P(").and_then(|call| call.split_once(")}"));
            let Some((arguments, after)) = call else {
                let shown: String = inside.chars().take(60).collect();
                return Err(format!("expected ${{__P(name,default)}}, found {shown}"));
            };
            let (name, default) = match arguments.split_once(',') {
                Some((name, default)) => (name.trim(), Some(default.trim())),
                None => (arguments.trim(), None),
            };
            match (self.properties.get(name), default) {
                (Some(value), _) => out.push_str(value),
                (None, Some(default)) => out.push_str(default),
                (None, None) => {
                    let path = self.path.display();
                    let warning =
                        format!("{path}:{line}: property {name} is not set (-J {name}=…): JMeter's default 1 is taken");
                    self.warnings.borrow_mut().push(warning);
                    out.push('1');
                }
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Counts lines as positions grow.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn line_at(&mut self, position: usize) -> usize {
        let end = position.min(self.text.len());
        if end > self.at {
            self.line += memchr::memchr_iter(b'\n', &self.text[self.at..end]).count();
            self.at = end;
        }
        self.line
    }
}

fn add_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>, line: usize) -> Result<Element, String> {
    let name = start.name().as_ref().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key = attribute.key.as_ref().to_owned();
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?.into_owned();
        attributes.push((key, value));
    }
    Ok(Element { name, attributes, text: String::new(), line, children: Vec::new() })
}
