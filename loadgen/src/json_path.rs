//! Finding values in JSON: the part of `JSONPath` that profiles use.
//!
//! `$.a.b`, `$['a']`, `$.list[0]`, `$.list[-1]`, `$.list[*].id`, `$..id`. Filters and scripts are refused.

use serde_json::Value;

/// A path into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(i64),
    All,
    /// Anywhere below.
    Below,
}

/// Values found at most, and values looked at.
const MAX_FOUND: usize = 100_000;

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// When it is no path, or uses filters, slices or scripts.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || format!("expected a JSONPath of names, indices, * and .., found {text:?}");
        let mut rest = text.trim();
        rest = rest.strip_prefix('$').unwrap_or(rest);
        let mut steps = Vec::new();
        if !rest.is_empty() && !rest.starts_with(['.', '[']) {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(name(&rest[..end]).ok_or_else(refuse)?);
            rest = &rest[end..];
        }
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("..") {
                steps.push(Step::Below);
                rest = after;
                if rest.starts_with('[') {
                    continue;
                }
            } else if let Some(after) = rest.strip_prefix('.') {
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let end = after.find(']').ok_or_else(refuse)?;
                steps.push(bracket(after[..end].trim()).ok_or_else(refuse)?);
                rest = &after[end + 1..];
                continue;
            } else {
                return Err(refuse());
            }
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(name(&rest[..end]).ok_or_else(refuse)?);
            rest = &rest[end..];
        }
        Ok(Self { steps })
    }

    /// The values at the path, in the order of the document.
    pub fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.steps {
            let mut next = Vec::new();
            for value in found {
                walk(step, value, &mut next);
            }
            next.truncate(MAX_FOUND);
            found = next;
        }
        found
    }
}

fn name(text: &str) -> Option<Step> {
    match text {
        "" => None,
        "*" => Some(Step::All),
        _ if text.contains(['?', '(', ')', '@', '\'', '"', ']']) => None,
        _ => Some(Step::Name(text.to_owned())),
    }
}

fn bracket(text: &str) -> Option<Step> {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            return Some(Step::Name(inner.to_owned()));
        }
    }
    if text == "*" { Some(Step::All) } else { text.parse().ok().map(Step::Index) }
}

fn walk<'a>(step: &Step, value: &'a Value, found: &mut Vec<&'a Value>) {
    match (step, value) {
        (Step::Name(name), Value::Object(entries)) => found.extend(entries.get(name)),
        (Step::Name(name), Value::Array(items)) => {
            found.extend(name.parse::<usize>().ok().and_then(|index| items.get(index)));
        }
        (Step::Index(index), Value::Array(items)) => {
            let from_end = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
            let index = if *index < 0 { items.len().checked_sub(from_end) } else { Some(from_end) };
            found.extend(index.and_then(|index| items.get(index)));
        }
        (Step::All, Value::Array(items)) => found.extend(items),
        (Step::All, Value::Object(entries)) => found.extend(entries.values()),
        (Step::Below, _) => below(value, found),
        _ => {}
    }
}

fn below<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if found.len() >= MAX_FOUND {
            return;
        }
        found.push(value);
        match value {
            Value::Array(items) => open.extend(items.iter().rev()),
            Value::Object(entries) => open.extend(entries.values().rev()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_find_what_jsonpath_finds() {
        let value = json!({"token": "t", "list": [{"id": 1}, {"id": 2}], "a": {"id": 3, "b c": [4]}});
        let cases = [
            ("$.token", json!(["t"])),
            ("token", json!(["t"])),
            ("$['list'][1].id", json!([2])),
            ("$.list[-1].id", json!([2])),
            ("$.list[*].id", json!([1, 2])),
            ("$..id", json!([3, 1, 2])),
            ("$.a['b c'][0]", json!([4])),
            ("$.missing.x", json!([])),
            ("$", json!([value])),
        ];
        for (path, wanted) in cases {
            let path = JsonPath::parse(path).expect(path);
            let found: Value = path.find(&value).into_iter().cloned().collect();
            assert_eq!(found, wanted, "{path:?}");
        }
    }

    #[test]
    fn filters_and_scripts_are_refused() {
        for path in ["$.a[?(@.b)]", "$.a[1:2]", "$.(x)", "$.a[", "$.", "$..", "$x.."] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }
}
