//! YAML as a tree that keeps lines and maps used as keys.
//!
//! `{ { username } }`, a template that a formatter has pulled apart, is YAML for a map whose key is a map. Ordinary
//! readers refuse that or lose it; here it stays what it is, so that it can be replayed or repaired.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Result};

/// Levels of nesting at most.
const MAX_DEPTH: usize = 64;
/// Nodes at most, anchors and aliases counted as often as they are used.
const MAX_NODES: usize = 1 << 20;

/// A node and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Line, from 1.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Text; a plain one may also be a number, a truth value or null.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file.
    Map(Vec<(Node, Node)>),
}

/// A YAML file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
}

impl Source {
    /// An error at a node.
    pub(crate) fn error(&self, line: usize, key: &str, message: impl Into<String>) -> Error {
        let shown: String = message.into().chars().take(400).collect();
        let key = if key.is_empty() { "\"\"".to_owned() } else { key.chars().take(100).collect() };
        Error::Profile { path: self.path.clone(), line, key, message: shown }
    }

    /// The one document of a file.
    ///
    /// # Errors
    /// When the text is no YAML, or has no or several documents.
    pub(crate) fn parse(&self, text: &str) -> Result<Node> {
        let (parser, lines) = (Parser::new_from_str(text), lines_of_file(text));
        Reader { source: self, parser, lines, anchors: Vec::new(), nodes: 0 }.document()
    }
}

/// The line of the file, as editors and `grep` count them, of each line of YAML, where they differ: there a lone carriage
/// return ends a line too. Empty where they are the same.
fn lines_of_file(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let is_lone = |at: usize| bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    if !(0..bytes.len()).any(is_lone) {
        return Vec::new();
    }
    let (mut line, mut lines) = (1, vec![1]);
    for (at, &byte) in bytes.iter().enumerate() {
        line += usize::from(byte == b'\n');
        if byte == b'\n' || is_lone(at) {
            lines.push(line);
        }
    }
    lines
}

struct Reader<'a> {
    source: &'a Source,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// See [`lines_of_file`].
    lines: Vec<usize>,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn event(&mut self) -> Result<(Event<'a>, usize)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, self.line(span.start.line()))),
            Some(Err(error)) => Err(self.source.error(self.line(error.marker().line()), "YAML", error.info())),
            None => Ok((Event::StreamEnd, 1)),
        }
    }

    fn line(&self, of_yaml: usize) -> usize {
        self.lines.get(of_yaml.saturating_sub(1)).or(self.lines.last()).copied().unwrap_or(of_yaml)
    }

    fn document(&mut self) -> Result<Node> {
        let mut found = None;
        loop {
            let (event, line) = self.event()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                other if found.is_none() => found = Some(self.node(other, line, 0)?),
                _ => return Err(self.source.error(line, "YAML", "expected one document, found a second one")),
            }
        }
        found.ok_or_else(|| self.source.error(1, "YAML", "expected a map, found an empty file"))
    }

    fn node(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Node> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            let message = format!("expected at most {MAX_DEPTH} levels and {MAX_NODES} nodes, found more");
            return Err(self.source.error(line, "YAML", message));
        }
        let (kind, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                (Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }, anchor)
            }
            Event::SequenceStart(anchor, _) => (Kind::List(self.list(depth)?), anchor),
            Event::MappingStart(anchor, _) => (Kind::Map(self.map(depth)?), anchor),
            Event::Alias(id) => return self.alias(id, line),
            other => return Err(self.source.error(line, "YAML", format!("expected a value, found {other:?}"))),
        };
        let node = Node { line, kind };
        if anchor > 0 {
            // Anchors within anchors are kept again and again.
            self.count(node.size(), line)?;
            self.anchors.push((anchor, node.clone()));
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, line: usize) -> Result<Node> {
        let found = self.anchors.iter().rev().find(|(anchor, _)| *anchor == id).map(|(_, node)| node.clone());
        let node =
            found.ok_or_else(|| self.source.error(line, "YAML", "expected an anchor, found an unknown alias"))?;
        self.count(node.size(), line)?;
        Ok(node)
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<()> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            let message = format!("anchors and aliases expand to more than {MAX_NODES} nodes");
            return Err(self.source.error(line, "YAML", message));
        }
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Node, Node)>> {
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut names = HashSet::new();
        loop {
            let key = match self.event()? {
                (Event::MappingEnd, _) => return Ok(entries),
                (event, line) => self.node(event, line, depth + 1)?,
            };
            let (event, line) = self.event()?;
            let value = self.node(event, line, depth + 1)?;
            if let Some(text) = key.text()
                && !names.insert(text.to_owned())
            {
                return Err(self.source.error(key.line, text, "the key stands twice in one map"));
            }
            entries.push((key, value));
        }
    }
}

impl Node {
    /// Nodes in the tree.
    fn size(&self) -> usize {
        match &self.kind {
            Kind::Scalar { .. } => 1,
            Kind::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Kind::Map(entries) => 1 + entries.iter().map(|(key, value)| key.size() + value.size()).sum::<usize>(),
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether it is null: nothing, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The name of a template that a formatter has pulled apart: `{ { name } }`, a map whose only key is a map whose
    /// only key is a name, both without values.
    pub(crate) fn mangled(&self) -> Option<&str> {
        let Kind::Map(outer) = &self.kind else { return None };
        let [(key, value)] = &outer[..] else { return None };
        let Kind::Map(inner) = &key.kind else { return None };
        let [(name, nothing)] = &inner[..] else { return None };
        (value.is_null() && nothing.is_null()).then(|| name.text()).flatten()
    }

    /// What it is, for error messages.
    pub(crate) fn found(&self) -> String {
        match &self.kind {
            Kind::Scalar { .. } if self.is_null() => "nothing".to_owned(),
            Kind::Scalar { text, .. } => format!("{:?}", text.chars().take(80).collect::<String>()),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// As JSON, by YAML's core schema. A map used as a key becomes the text that JavaScript makes of it.
    pub(crate) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Scalar { text, plain: false } => Value::String(text.clone()),
            Kind::Scalar { text, plain: true } => plain_value(text),
            Kind::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Kind::Map(entries) => {
                let text = |key: &Self| key.text().map_or_else(|| "[object Object]".to_owned(), str::to_owned);
                Value::Object(entries.iter().map(|(key, value)| (text(key), value.to_json())).collect::<Map<_, _>>())
            }
        }
    }
}

/// A plain scalar by YAML's core schema.
fn plain_value(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        && digits.bytes().any(|b| b.is_ascii_digit());
    if !numeric {
        return Value::String(text.to_owned());
    }
    if let Ok(whole) = text.trim_start_matches('+').parse::<i64>() {
        return Value::Number(whole.into());
    }
    match text.parse::<f64>().ok().and_then(whole_or_fraction) {
        Some(number) => Value::Number(number),
        None => Value::String(text.to_owned()),
    }
}

/// A number as JavaScript prints it: `10.0` is `10`.
pub(crate) fn whole_or_fraction(value: f64) -> Option<Number> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 2^53")]
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

/// Opens a source and its tree.
///
/// # Errors
/// When the file cannot be read or is no YAML.
pub(crate) fn open(path: &Path, text: &str) -> Result<(Source, Node)> {
    let source = Source { path: path.to_owned() };
    let node = source.parse(text)?;
    Ok((source, node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(text: &str) -> Node {
        open(Path::new("profile.yml"), text).expect("valid YAML").1
    }

    #[test]
    fn a_mangled_template_is_kept_and_told() {
        let node = parse("userName: { { username } }\nother: { a: 1 }\n");
        let Kind::Map(entries) = &node.kind else { panic!("{node:?}") };
        assert_eq!(entries[0].1.mangled(), Some("username"));
        assert_eq!(entries[0].1.to_json(), json!({"[object Object]": null}));
        assert_eq!(entries[1].1.mangled(), None);
    }

    #[test]
    fn plain_scalars_have_types_and_quoted_ones_none() {
        let node = parse("[1, -2.5, 10.0, true, ~, 0x10, a-b, '1', 1e3, .5, 4432-8015, 1.2.3]");
        let wanted = json!([1, -2.5, 10, true, null, "0x10", "a-b", "1", 1000, 0.5, "4432-8015", "1.2.3"]);
        assert_eq!(node.to_json(), wanted);
    }

    #[test]
    fn errors_name_the_line() {
        let error = open(Path::new("p.yml"), "a: 1\na: 2\n").expect_err("a key twice");
        assert_eq!(error.to_string(), "p.yml:2: a: the key stands twice in one map");
        assert!(open(Path::new("p.yml"), "a: [1\n").expect_err("open list").to_string().starts_with("p.yml:2: YAML"));
        assert!(open(Path::new("p.yml"), "").is_err());
        // YAML ends a line at each carriage return, `sed -n 2p` does not.
        let error = open(Path::new("p.yml"), "a: 1\r\r\r\nb: 1\r\nb: 2\n").expect_err("a key twice");
        assert_eq!(error.to_string(), "p.yml:3: b: the key stands twice in one map");
        let error = open(Path::new("p.yml"), "# a\r# b\rb: 1\nb: 2\n").expect_err("a key twice");
        assert_eq!(error.to_string(), "p.yml:2: b: the key stands twice in one map");
    }

    #[test]
    fn aliases_cannot_blow_up() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for i in 1..12 {
            let line = format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(","));
            text.push_str(&line);
        }
        assert!(open(Path::new("p.yml"), &text).is_err());
    }
}
