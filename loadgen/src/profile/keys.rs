//! Reading maps key by key, so that no key goes unread.

use std::time::Duration;

use super::node::{Kind, Node, Source};
use super::template::Template;
use crate::error::{Error, Result};

/// A map that is being read. What nobody asked for is an error at the end.
#[derive(Debug)]
pub(crate) struct Keys<'a> {
    pub(crate) source: &'a Source,
    /// Name of the map in errors.
    pub(crate) name: String,
    pub(crate) line: usize,
    entries: Vec<(&'a Node, &'a Node, bool)>,
}

impl<'a> Keys<'a> {
    /// Opens a map.
    ///
    /// # Errors
    /// When the node is no map.
    pub(crate) fn open(source: &'a Source, name: &str, node: &'a Node) -> Result<Self> {
        let Kind::Map(entries) = &node.kind else {
            return Err(source.error(node.line, name, format!("expected a map, found {}", node.found())));
        };
        let entries = entries.iter().map(|(key, value)| (key, value, false)).collect();
        Ok(Self { source, name: name.to_owned(), line: node.line, entries })
    }

    /// The value of a key; one that is null counts as missing.
    pub(crate) fn take(&mut self, key: &str) -> Option<&'a Node> {
        self.take_even_null(key).filter(|node| !node.is_null())
    }

    /// The value of a key, null or not.
    pub(crate) fn take_even_null(&mut self, key: &str) -> Option<&'a Node> {
        let found = self.entries.iter_mut().find(|(name, _, _)| name.text() == Some(key))?;
        found.2 = true;
        Some(found.1)
    }

    /// The first of several keys that is there.
    pub(crate) fn take_any(&mut self, keys: &[&'static str]) -> Option<(&'static str, &'a Node)> {
        keys.iter().find_map(|key| self.take_even_null(key).map(|node| (*key, node)))
    }

    /// A key that must be there.
    pub(crate) fn need(&mut self, key: &str) -> Result<&'a Node> {
        let (source, line) = (self.source, self.line);
        self.take(key).ok_or_else(|| source.error(line, key, format!("missing in {}", self.name)))
    }

    /// Reads a key with `read`.
    pub(crate) fn read<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&'a Source, &str, &'a Node) -> Result<T>,
    ) -> Result<Option<T>> {
        let source = self.source;
        self.take(key).map(|node| read(source, key, node)).transpose()
    }

    /// Ends the map.
    ///
    /// # Errors
    /// When it has a key that nobody asked for.
    pub(crate) fn finish(self, known: &str) -> Result<()> {
        let Some((key, _, _)) = self.entries.iter().find(|(_, _, read)| !read) else { return Ok(()) };
        let name = key.text().unwrap_or("{ }");
        Err(self.source.error(key.line, name, format!("not supported in {}; expected {known}", self.name)))
    }

    /// An error at the map.
    pub(crate) fn error(&self, key: &str, message: impl Into<String>) -> Error {
        self.source.error(self.line, key, message)
    }
}

/// A text.
pub(crate) fn text(source: &Source, key: &str, node: &Node) -> Result<String> {
    let found = || source.error(node.line, key, format!("expected a text, found {}", node.found()));
    node.text().map(str::to_owned).ok_or_else(found)
}

/// A text with variables.
pub(crate) fn template(source: &Source, key: &str, node: &Node) -> Result<Template> {
    let text = text(source, key, node)?;
    Template::parse(&text).map_err(|message| source.error(node.line, key, message))
}

/// A truth value.
pub(crate) fn truth(source: &Source, key: &str, node: &Node) -> Result<bool> {
    match node.text() {
        Some("true" | "True" | "TRUE") => Ok(true),
        Some("false" | "False" | "FALSE") => Ok(false),
        _ => Err(source.error(node.line, key, format!("expected true or false, found {}", node.found()))),
    }
}

/// A number of 0 or more.
pub(crate) fn number(source: &Source, key: &str, node: &Node) -> Result<f64> {
    let value = node.text().and_then(|text| text.trim().parse::<f64>().ok());
    value
        .filter(|value| value.is_finite() && *value >= 0.0 && *value <= 1e12)
        .ok_or_else(|| source.error(node.line, key, format!("expected a number of 0 to 1e12, found {}", node.found())))
}

/// A whole number of 0 or more.
pub(crate) fn whole(source: &Source, key: &str, node: &Node) -> Result<u64> {
    let value = node.text().and_then(|text| text.trim().parse::<u64>().ok());
    value
        .filter(|value| *value <= 1 << 40)
        .ok_or_else(|| source.error(node.line, key, format!("expected a whole number, found {}", node.found())))
}

/// A time: seconds, or with a unit as `90s`, `500ms`, `1.5m`, `2 minutes`.
pub(crate) fn duration(source: &Source, key: &str, node: &Node) -> Result<Duration> {
    node.text().and_then(seconds).ok_or_else(|| {
        let found = node.found();
        source.error(node.line, key, format!("expected seconds or a time as 500ms, 90s, 2m, 1h, found {found}"))
    })
}

/// A time from its text; at most a year.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let value: f64 = text[..end].parse().ok()?;
    let unit = match text[end..].trim() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 0.001,
        "us" => 0.000_001,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    let seconds = value * unit;
    (seconds.is_finite() && seconds <= 31_536_000.0).then(|| Duration::from_secs_f64(seconds))
}

/// The items of a list, or the one item that stands for a list of one.
pub(crate) fn items(node: &Node) -> Vec<&Node> {
    match &node.kind {
        Kind::List(items) => items.iter().collect(),
        _ => vec![node],
    }
}

/// The items of a list.
pub(crate) fn list<'a>(source: &Source, key: &str, node: &'a Node) -> Result<Vec<&'a Node>> {
    match &node.kind {
        Kind::List(items) => Ok(items.iter().collect()),
        _ => Err(source.error(node.line, key, format!("expected a list, found {}", node.found()))),
    }
}

/// The entries of a map whose keys are texts.
pub(crate) fn entries<'a>(source: &Source, key: &str, node: &'a Node) -> Result<Vec<(&'a str, &'a Node)>> {
    let Kind::Map(entries) = &node.kind else {
        return Err(source.error(node.line, key, format!("expected a map, found {}", node.found())));
    };
    let entry = |(name, value): &'a (Node, Node)| {
        let text = name.text().ok_or_else(|| source.error(name.line, key, "expected a text as key, found a map"))?;
        Ok((text, value))
    };
    entries.iter().map(entry).collect()
}
