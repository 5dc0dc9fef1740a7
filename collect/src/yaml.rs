//! YAML, and with it JSON, as JSON values: files that a user keeps by hand.
//!
//! Nothing of a file is repeated in an error: it may hold secrets.

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Value};

/// Levels of nesting at most.
const MAX_DEPTH: usize = 64;
/// Nodes at most, aliases counted as often as they are used.
const MAX_NODES: usize = 1 << 18;

/// The one document of a text; an empty text is null. Keys are texts, and of a key that stands twice the last one counts.
///
/// # Errors
/// The line and what is wrong there, when the text is no YAML, has several documents, or is nested or grows too far.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: Vec::new(), nodes: 0, line: 1 };
    reader.document().map_err(|reason| format!("line {}: {reason}", reader.line))
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: Vec<(usize, Value)>,
    nodes: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    fn event(&mut self) -> Result<Event<'a>, String> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok(event)
            }
            Some(Err(error)) => {
                self.line = error.marker().line();
                Err("no valid YAML".to_owned())
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn document(&mut self) -> Result<Value, String> {
        let mut found = None;
        loop {
            match self.event()? {
                Event::StreamEnd => return Ok(found.unwrap_or_default()),
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                other if found.is_none() => found = Some(self.value(other, 0)?),
                _ => return Err("expected one document, found a second one".to_owned()),
            }
        }
    }

    fn value(&mut self, event: Event<'a>, depth: usize) -> Result<Value, String> {
        self.count(1)?;
        if depth > MAX_DEPTH {
            return Err(format!("expected at most {MAX_DEPTH} levels, found more"));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, ScalarStyle::Plain, anchor, _) => (plain(&text), anchor),
            Event::Scalar(text, _, anchor, _) => (Value::String(text.into_owned()), anchor),
            Event::SequenceStart(anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.map(depth)?, anchor),
            Event::Alias(id) => {
                let known = self.anchors.iter().rev().find(|(anchor, _)| *anchor == id).map(|(_, value)| value.clone());
                let value = known.ok_or("expected the name of an anchor, found another one")?;
                self.count(size(&value))?;
                return Ok(value);
            }
            _ => return Err("expected a value".to_owned()),
        };
        if anchor > 0 {
            self.anchors.push((anchor, value.clone()));
        }
        Ok(value)
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES { Err(format!("expected at most {MAX_NODES} values, found more")) } else { Ok(()) }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                Event::SequenceEnd => return Ok(Value::Array(items)),
                event => items.push(self.value(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, String> {
        let mut entries = Map::new();
        loop {
            let key = match self.event()? {
                Event::MappingEnd => return Ok(Value::Object(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err("expected a text as key".to_owned()),
            };
            let event = self.event()?;
            entries.insert(key, self.value(event, depth + 1)?);
        }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(entries) => 1 + entries.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// A plain scalar by YAML's core schema, as far as JSON has it.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kubeconfig_as_people_write_it_is_read() {
        let text = "# mine\nusers:\n- name: \"a\"\n  user: {token: abc}\ncurrent-context: 'x'\nn: 1.5\ne:\nb: &b [1, yes]\nc: *b\n";
        let expected = json!({"users": [{"name": "a", "user": {"token": "abc"}}], "current-context": "x", "n": 1.5, "e": null, "b": [1, "yes"], "c": [1, "yes"]});
        assert_eq!(parse(text), Ok(expected));
        assert_eq!(parse(""), Ok(Value::Null));
    }

    #[test]
    fn what_is_no_yaml_is_refused_by_line_and_never_repeated() {
        for text in
            ["a: [PLANTED", "a: 1\n\tPLANTED: 2", "a: 1\n--- \nPLANTED: 2\n", "? {PLANTED: 1}\n: 2", "a: *PLANTED"]
        {
            let error = parse(text).expect_err("refused");
            assert!(error.starts_with("line ") && !error.contains("PLANTED"), "{error}");
        }
    }

    #[test]
    fn nothing_grows_without_bound() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        assert!(parse(&deep).is_err());
        let level = |n: usize| format!("a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(","));
        let mut bomb = vec!["a0: &a0 [x,x,x,x,x,x,x,x,x,x]".to_owned()];
        bomb.extend((1..12).map(level));
        assert!(parse(&bomb.join("\n")).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\n\t]{0,200}") {
            drop(parse(&text));
        }

        #[test]
        fn json_is_yaml(keys in prop::collection::btree_map("[a-z]{1,5}", -1000_i64..1000, 0..6)) {
            let value = json!({"m": keys, "l": [true, null, "text: \"x\""]});
            prop_assert_eq!(parse(&value.to_string()), Ok(value));
        }
    }
}
