//! Google Cloud Logging entries: one JSON array, pretty-printed or not, or one entry a line.
//!
//! An entry with an instrumentation record is its record. Any other entry is a platform statement: the execution lines
//! of first-generation functions, or text.

use std::borrow::Cow;

use serde_json::Value;

use super::dialect::{Dialect, Findings, Gap, Statement, TEXT, text_line};
use super::stamp;

/// The dialect of `google.log`.
#[derive(Debug)]
pub struct CloudLogging;

impl Dialect for CloudLogging {
    fn name(&self) -> &'static str {
        "cloud-logging-entries"
    }

    /// An entry begins with a brace at the start of a line, after at most four blanks; in an array without line ends,
    /// after a closing brace and a comma.
    fn boundary(&self, buffer: &[u8]) -> Option<usize> {
        let mut end = buffer.len();
        while let Some(at) = memchr::memrchr(b'\n', &buffer[..end]) {
            if begins_entry(&buffer[at + 1..]) {
                return Some(at + 1);
            }
            end = at;
            if buffer.len() - end > 1 << 18 {
                break;
            }
        }
        memchr::memmem::rfind(buffer, br#"},{""#).map(|at| at + 2)
    }

    fn gap(&self, gap: Gap<'_>, findings: &mut dyn Findings) {
        let mut starts = entry_starts(gap.bytes);
        let Some(mut start) = starts.next() else {
            if !gap.after_record && !gap.before_record {
                stray(gap.bytes, gap.offset, findings);
            }
            return;
        };
        for end in starts {
            entry(&gap.bytes[start..end], gap.offset + start, findings);
            start = end;
        }
        // The last entry is that of the record that follows, or the last of all.
        if !gap.before_record {
            entry(&gap.bytes[start..], gap.offset + start, findings);
        }
    }

    fn host<'a>(&self, before: &'a [u8]) -> Option<&'a str> {
        // Only the record's own entry: the one before may be of another instance.
        let before = &before[entry_starts(before).last().unwrap_or(0)..];
        // First and second generation.
        let name = [&b"\"instance_id\""[..], b"\"instanceId\""];
        let at = name.iter().find_map(|name| Some(memchr::memmem::rfind(before, name)? + name.len()))?;
        let value = before[at..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
        std::str::from_utf8(&value[..memchr::memchr(b'"', value)?]).ok()
    }

    fn end(&self, last_block: &[u8]) -> Option<&'static str> {
        let text = last_block.trim_ascii_end();
        let whole = text.is_empty() || matches!(text.last(), Some(b']' | b'}'));
        (!whole).then_some("the array of log entries does not end: the file is cut off")
    }
}

fn begins_entry(line: &[u8]) -> bool {
    let blanks = line.iter().take(5).take_while(|&&b| b == b' ').count();
    blanks <= 4 && line.get(blanks) == Some(&b'{')
}

/// Where entries begin in a gap, in order: at the start of the line of a brace, or at the brace in an array without
/// line ends.
fn entry_starts(bytes: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b'{', bytes).filter_map(|brace| {
        let before = &bytes[..brace];
        let blanks = before.iter().rev().take(5).take_while(|&&b| b == b' ').count();
        let line = brace - blanks;
        if blanks <= 4 && (line == 0 || bytes[line - 1] == b'\n') {
            return Some(line);
        }
        let compact =
            bytes.get(brace + 1) == Some(&b'"') && (before.ends_with(b"},") || (brace < 62 && before.ends_with(b"[")));
        compact.then_some(brace)
    })
}

/// An entry without an instrumentation record.
fn entry(bytes: &[u8], offset: usize, findings: &mut dyn Findings) {
    let text = trim_array(bytes);
    match serde_json::from_slice::<Value>(text) {
        Ok(value) => findings.platform(&statement(&value), offset),
        Err(error) => {
            let reason = if error.is_eof() { "truncated json" } else { "invalid json" };
            let detail = format!("line {} of the entry: expected a log entry: {error}", error.line());
            findings.reject(text, offset, reason, detail);
        }
    }
}

/// Cuts the commas and brackets of the array around an entry.
fn trim_array(bytes: &[u8]) -> &[u8] {
    let mut text = bytes.trim_ascii();
    while let Some((b']' | b',', rest)) = text.split_last() {
        text = rest.trim_ascii_end();
    }
    text
}

/// Text that belongs to no entry: the brackets of the array are none.
fn stray(bytes: &[u8], offset: usize, findings: &mut dyn Findings) {
    let text = bytes.trim_ascii();
    if text.iter().all(|b| b"[],".contains(b) || b.is_ascii_whitespace()) {
        return;
    }
    findings.reject(text, offset, "invalid json", "expected an array of log entries".to_owned());
}

fn statement(entry: &Value) -> Statement<'_> {
    let labels = &entry["labels"];
    let resource = &entry["resource"]["labels"];
    let payload = &entry["jsonPayload"];
    let text = entry["textPayload"].as_str().or_else(|| payload["message"].as_str());
    let whole = || crate::redact::excerpt(payload.to_string().as_bytes(), 500).into_owned();
    let mut statement = execution(text.unwrap_or_default())
        .or_else(|| text.and_then(|text| text_line(text.as_bytes())))
        .unwrap_or_else(|| Statement { kind: TEXT, text: Some(Cow::Owned(whole())), ..Statement::default() });
    statement.at = entry["timestamp"].as_str().and_then(|time| stamp::read(time.as_bytes())).map(|(at, _)| at);
    statement.trace_id = member(&entry["trace"]);
    statement.host = member(&labels["instance_id"]).or_else(|| member(&labels["instanceId"]));
    statement.function = member(&resource["function_name"]).or_else(|| member(&resource["service_name"]));
    if statement.duration_ms.is_none()
        && let Some(latency) = entry["httpRequest"]["latency"].as_str()
    {
        statement.kind = "execution_finished";
        statement.duration_ms = latency.strip_suffix('s').and_then(|s| s.parse::<f64>().ok()).map(|s| s * 1000.0);
        statement.status = entry["httpRequest"]["status"].as_u64().map(|status| Cow::Owned(status.to_string()));
        statement.text = None;
    }
    // The execution's id is optional; a trace is that of one request.
    let id = member(&labels["execution_id"]).or_else(|| member(&entry["trace"]));
    statement.request_id = id.filter(|_| statement.kind != TEXT);
    statement
}

fn member(value: &Value) -> Option<Cow<'_, str>> {
    value.as_str().map(Cow::Borrowed)
}

/// `Function execution started` and `Function execution took 12 ms, finished with status code: 200`.
fn execution(text: &str) -> Option<Statement<'_>> {
    let rest = text.strip_prefix("Function execution ")?;
    if rest.starts_with("started") {
        return Some(Statement { kind: "execution_started", ..Statement::default() });
    }
    let rest = rest.strip_prefix("took ")?;
    let (duration, rest) = rest.split_once(" ms")?;
    let status = rest
        .split_once("finished with status")
        .map(|(_, status)| status.trim_start_matches([' ', ':']).trim_start_matches("code:").trim().trim_matches('\''));
    Some(Statement {
        kind: "execution_finished",
        duration_ms: duration.parse().ok(),
        status: status.map(Cow::Borrowed),
        ..Statement::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn execution_lines_give_duration_and_status() {
        let done =
            execution("Function execution took 12 ms, finished with status code: 200").expect("an execution line");
        assert_eq!((done.duration_ms, done.status), (Some(12.0), Some("200".into())));
        let crash =
            execution("Function execution took 60002 ms, finished with status: 'timeout'").expect("an execution line");
        assert_eq!((crash.duration_ms, crash.status), (Some(60_002.0), Some("timeout".into())));
        assert_eq!(execution("Function execution started").map(|r| r.kind), Some("execution_started"));
        assert_eq!(execution("my function took 12 ms"), None);
    }

    #[test]
    fn a_records_instance_is_that_of_its_own_entry() {
        let two = b"[\n  {\n    \"labels\": {\n      \"instance_id\": \"i1\"\n    },\n    \"textPayload\": \"x\"\n  },\n  {\n    \"labels\": {\n      \"instanceId\": \"i2\"\n    },\n    \"textPayload\": \"";
        assert_eq!(CloudLogging.host(two), Some("i2"));
        let lines = b"{\"labels\":{\"instance_id\":\"i1\"},\"textPayload\":\"x\"}\n{\"textPayload\":\"";
        assert_eq!(CloudLogging.host(lines), None);
    }

    #[test]
    fn blocks_end_between_entries() {
        let pretty = b"[\n  {\n    \"a\": {\n      \"b\": 1\n    }\n  },\n  {\n    \"a\": 2";
        let end = CloudLogging.boundary(pretty).expect("a boundary");
        assert_eq!(&pretty[end..], b"  {\n    \"a\": 2");
        let compact = br#"[{"a":{"b":1}},{"a":2"#;
        let end = CloudLogging.boundary(compact).expect("a boundary");
        assert_eq!(&compact[end..], br#"{"a":2"#);
    }
}
