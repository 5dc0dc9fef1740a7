//! Texts with variables in them, as Artillery renders them.
//!
//! A text that is nothing but one `{{ x }}` gives the variable's value with its type; within a longer text the value is
//! written out, an object as JSON, a missing one as `undefined`. `$randomString(n)` and `$randomNumber(a, b)` are
//! drawn anew each time and always give text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::node::{Kind, Node};
use crate::random::Random;

/// The variables of one virtual user.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// What all users share.
    shared: Arc<HashMap<String, Value>>,
    own: HashMap<String, Value>,
}

impl Variables {
    /// Variables on top of those that all users share.
    pub(crate) fn new(shared: Arc<HashMap<String, Value>>) -> Self {
        Self { shared, own: HashMap::new() }
    }

    /// Sets a variable of this user.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.own.insert(name.to_owned(), value);
    }

    /// A variable by name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.own.get(name).or_else(|| self.shared.get(name))
    }

    /// Everything as one map, for the users that come after a `before` flow.
    pub(crate) fn into_shared(self) -> HashMap<String, Value> {
        let mut all = Arc::unwrap_or_clone(self.shared);
        all.extend(self.own);
        all
    }

    /// A value by a path such as `users[0].name` or `$loopElement.id`.
    fn at(&self, path: &[Key]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        let Key::Name(name) = first else { return None };
        let mut value = self.get(name)?;
        for key in rest {
            value = match key {
                Key::Name(name) => match value {
                    Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
                    other => other.get(&**name)?,
                },
                Key::Index(index) => value.get(index)?,
            };
        }
        Some(value)
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Name(String),
    Index(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(Vec<Key>),
    RandomText(usize),
    RandomNumber(i64, i64),
}

/// A text with variables in it.
#[derive(Debug, Clone, Default)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// A text without variables.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { parts: if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] } }
    }

    /// Reads a template.
    ///
    /// # Errors
    /// When it calls a function that is not known, or one with wrong arguments.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            literal.push_str(&rest[..open]);
            let inside = &rest[open..];
            let Some((part, length)) = variable(inside)? else {
                literal.push_str("{{");
                rest = &inside[2..];
                continue;
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(part);
            rest = &inside[length..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// Its text where it has no variable.
    pub fn as_literal(&self) -> Option<&str> {
        match &self.parts[..] {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The names of the variables it uses.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(path) => match path.first() {
                Some(Key::Name(name)) => Some(name.as_str()),
                _ => None,
            },
            _ => None,
        })
    }

    /// The text with variables in place.
    pub fn render<'a>(&'a self, variables: &Variables, random: &mut Random) -> Cow<'a, str> {
        if let Some(literal) = self.as_literal() {
            return Cow::Borrowed(literal);
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Variable(path) => text.push_str(&written(variables.at(path))),
                Part::RandomText(length) => text.push_str(&random.text(*length)),
                Part::RandomNumber(low, high) => text.push_str(&random.between(*low, *high).to_string()),
            }
        }
        Cow::Owned(text)
    }

    /// The value: that of a lone variable with its type, otherwise text; `None` for a lone variable that is missing.
    pub fn value(&self, variables: &Variables, random: &mut Random) -> Option<Value> {
        if let [Part::Variable(path)] = &self.parts[..] {
            return variables.at(path).cloned();
        }
        Some(Value::String(self.render(variables, random).into_owned()))
    }
}

/// A value within a longer text.
fn written(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None => Cow::Borrowed("undefined"),
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(other) => Cow::Owned(other.to_string()),
    }
}

/// The variable or call at the start of a text, and the bytes it takes; `None` where `{{` opens none.
fn variable(text: &str) -> Result<Option<(Part, usize)>, String> {
    let Some(close) = text.find("}}") else { return Ok(None) };
    let mut length = close + 2;
    if text.starts_with("{{{") && text[length..].starts_with('}') {
        length += 1;
    }
    let inside = text[2..close].trim_start_matches('{').trim();
    if inside.starts_with('$') && inside.ends_with(')') {
        return call(inside).map(|part| Some((part, length)));
    }
    let fits = |c: char| c.is_whitespace() || c.is_alphanumeric() || "_$.[]'\"-".contains(c);
    if inside.is_empty() || !inside.chars().all(fits) {
        return Ok(None);
    }
    Ok(Some((Part::Variable(path(inside)), length)))
}

/// `$randomString(10)`, `$randomNumber(1, 6)`.
fn call(text: &str) -> Result<Part, String> {
    let (name, arguments) = text.split_once('(').unwrap_or((text, ")"));
    let arguments: Vec<&str> =
        arguments.trim_end_matches(')').split(',').map(str::trim).filter(|argument| !argument.is_empty()).collect();
    let number = |text: &&str| {
        text.parse::<i64>().map_err(|_invalid| format!("{name}: expected whole numbers as arguments, found {text:?}"))
    };
    match (name.trim(), &arguments[..]) {
        ("$randomString", []) => Ok(Part::RandomText(10)),
        ("$randomString", [length]) => match usize::try_from(number(length)?) {
            Ok(length) if length <= 1 << 20 => Ok(Part::RandomText(length)),
            _ => Err(format!("$randomString: expected a length of 0 to 1048576, found {length}")),
        },
        ("$randomNumber", [low, high]) => Ok(Part::RandomNumber(number(low)?, number(high)?)),
        _ => Err(format!("expected $randomString(n) or $randomNumber(low, high), found {text}")),
    }
}

/// `a.b[0]['c']` as steps.
fn path(text: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    for piece in text.split(['.', '[']) {
        let bare = piece.trim().trim_end_matches(']').trim();
        let name = bare.trim_matches(['\'', '"']);
        if name.is_empty() {
            continue;
        }
        match bare.parse::<usize>() {
            Ok(index) if piece.trim_end().ends_with(']') => keys.push(Key::Index(index)),
            _ => keys.push(Key::Name(name.to_owned())),
        }
    }
    keys
}

/// A JSON value with templates in its texts and keys.
#[derive(Debug, Clone)]
pub enum JsonTemplate {
    /// A value without variables.
    Fixed(Value),
    /// A text with variables.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// A map.
    Map(Vec<(Template, JsonTemplate)>),
}

impl JsonTemplate {
    /// Reads the templates within a YAML value; maps keep their order.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub(crate) fn from_node(node: &Node) -> Result<Self, String> {
        Ok(match &node.kind {
            Kind::Scalar { text, .. } if text.contains("{{") => Self::Text(Template::parse(text)?),
            Kind::Scalar { .. } => Self::Fixed(node.to_json()),
            Kind::List(items) => Self::List(items.iter().map(Self::from_node).collect::<Result<_, _>>()?),
            Kind::Map(entries) => {
                let key = |key: &Node| Template::parse(key.text().unwrap_or(MAP_AS_KEY));
                let entry = |(name, value): &(Node, Node)| Ok((key(name)?, Self::from_node(value)?));
                Self::Map(entries.iter().map(entry).collect::<Result<Vec<_>, String>>()?)
            }
        })
    }

    /// Appends the JSON text with variables in place; false, and nothing appended, for a lone variable that is missing.
    /// In a map such an entry is left out, in a list it is null, as `JSON.stringify` does.
    pub(crate) fn write(&self, variables: &Variables, random: &mut Random, out: &mut String) -> bool {
        match self {
            Self::Fixed(value) => out.push_str(&value.to_string()),
            Self::Text(template) => match template.value(variables, random) {
                Some(value) => out.push_str(&value.to_string()),
                None => return false,
            },
            Self::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    if !item.write(variables, random, out) {
                        out.push_str("null");
                    }
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                let start = out.len();
                for (key, value) in entries {
                    let before = out.len();
                    out.push_str(if before > start { "," } else { "" });
                    out.push_str(&Value::from(&*key.render(variables, random)).to_string());
                    out.push(':');
                    if !value.write(variables, random, out) {
                        out.truncate(before);
                    }
                }
                out.push('}');
            }
        }
        true
    }

    /// The value as the text of a form field; `None` where it is missing.
    pub(crate) fn field_text(&self, variables: &Variables, random: &mut Random) -> Option<String> {
        match self {
            Self::Fixed(Value::Null) => Some(String::new()),
            Self::Fixed(value) => Some(as_text(value).into_owned()),
            Self::Text(template) => template.value(variables, random).map(|value| match value {
                Value::Null => String::new(),
                value => as_text(&value).into_owned(),
            }),
            Self::List(items) => {
                let texts = items.iter().map(|item| item.field_text(variables, random).unwrap_or_default());
                Some(texts.collect::<Vec<_>>().join(","))
            }
            Self::Map(_) => Some(MAP_AS_KEY.to_owned()),
        }
    }

    /// The names of the variables it uses.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Text(template) => template.names().collect(),
            Self::List(items) => items.iter().flat_map(Self::names).collect(),
            Self::Map(entries) => {
                entries.iter().flat_map(|(key, value)| key.names().chain(value.names()).collect::<Vec<_>>()).collect()
            }
        }
    }
}

/// What JavaScript makes of a map where a text is wanted.
const MAP_AS_KEY: &str = "[object Object]";

/// A value as the text of a form field or a header, as JavaScript's `String()` writes it.
pub(crate) fn as_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Object(_) => Cow::Borrowed(MAP_AS_KEY),
        Value::Array(items) => {
            let texts = items.iter().map(|item| if item.is_null() { Cow::Borrowed("") } else { as_text(item) });
            Cow::Owned(texts.collect::<Vec<_>>().join(","))
        }
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        variables.set("speed", json!(800));
        variables.set("name", json!("Ada"));
        variables.set("users", json!([{"id": "u1"}, {"id": "u2"}]));
        variables.set("$loopElement", json!({"id": "x"}));
        variables
    }

    fn value(text: &str) -> Option<Value> {
        Template::parse(text).expect("a template").value(&variables(), &mut Random::new(1))
    }

    #[test]
    fn a_lone_variable_keeps_its_type_and_a_missing_one_is_nothing() {
        assert_eq!(value("{{ speed }}"), Some(json!(800)));
        assert_eq!(value("{{speed}} km/h"), Some(json!("800 km/h")));
        assert_eq!(value("{{ users }}"), Some(json!([{"id": "u1"}, {"id": "u2"}])));
        assert_eq!(value("{{ missing }}"), None);
        assert_eq!(value("a {{ missing }}"), Some(json!("a undefined")));
        assert_eq!(value("u: {{ users }}"), Some(json!("u: [{\"id\":\"u1\"},{\"id\":\"u2\"}]")));
    }

    #[test]
    fn paths_reach_into_lists_and_maps() {
        assert_eq!(value("{{ users[1].id }}"), Some(json!("u2")));
        assert_eq!(value("{{ $loopElement.id }}"), Some(json!("x")));
        assert_eq!(value("{{ users[0]['id'] }}"), Some(json!("u1")));
        assert_eq!(value("{{ users.1.id }}"), Some(json!("u2")));
    }

    #[test]
    fn random_calls_give_text() {
        let Some(Value::String(number)) = value("{{$randomNumber(5400,7200)}}") else { panic!("no text") };
        assert!((5400..=7200).contains(&number.parse::<i64>().expect("a number")));
        let Some(Value::String(text)) = value("order-{{ $randomString() }}") else { panic!("no text") };
        assert_eq!(text.len(), 16);
        assert!(Template::parse("{{ $randomDate() }}").is_err());
        assert!(Template::parse("{{ $randomString(99999999999) }}").is_err());
    }

    #[test]
    fn braces_that_hold_no_variable_stay() {
        assert_eq!(value("{{ a + b }} {{"), Some(json!("{{ a + b }} {{")));
        assert_eq!(value("{\"a\":{\"b\":1}}"), Some(json!("{\"a\":{\"b\":1}}")));
    }

    #[test]
    fn a_json_body_keeps_its_order_and_leaves_missing_entries_out() {
        let text = "z: '{{ speed }}'\nb: '{{ missing }}'\nc: ['{{ missing }}', 1]\n'{{ name }}': true\nd: { { x } }\n";
        let (_, node) = super::super::node::open(std::path::Path::new("p.yml"), text).expect("YAML");
        let body = JsonTemplate::from_node(&node).expect("a body");
        let mut out = String::new();
        assert!(body.write(&variables(), &mut Random::new(1), &mut out));
        assert_eq!(out, r#"{"z":800,"c":[null,1],"Ada":true,"d":{"[object Object]":null}}"#);
    }
}
