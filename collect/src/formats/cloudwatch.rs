//! `CloudWatch` events, one JSON object a line: `{"timestamp":…,"message":"…","ingestionTime":…}`.
//!
//! Lines without an instrumentation record are Lambda's own statements or other text; their time is the event's.

use faaslens_schemas::tables::PlatformRecord;
use faaslens_schemas::time::Timestamp;
use serde::Deserialize;

use super::dialect::{Dialect, Findings, Gap, Place, lines, text_line};
use super::lambda;

/// The dialect of `aws.log`.
#[derive(Debug)]
pub struct CloudWatch;

#[derive(Debug, PartialEq, Deserialize)]
struct LogEvent<'a> {
    timestamp: Option<i64>,
    #[serde(borrow)]
    message: std::borrow::Cow<'a, str>,
}

impl Dialect for CloudWatch {
    fn name(&self) -> &'static str {
        "cloudwatch-events"
    }

    fn statements_enclose_records(&self) -> bool {
        true
    }

    fn gap(&self, gap: Gap<'_>, findings: &mut dyn Findings) {
        for (line, offset, place) in lines(gap) {
            match place {
                Place::Whole if !line.trim_ascii().is_empty() => whole_line(line, offset, findings),
                Place::AfterRecord => rest_of_line(line, offset, findings),
                Place::Whole | Place::BeforeRecord => {}
            }
        }
    }
}

fn whole_line(line: &[u8], offset: usize, findings: &mut dyn Findings) {
    let event = canonical(line).map_or_else(|| serde_json::from_slice::<LogEvent<'_>>(line), Ok);
    match event {
        Ok(event) => {
            let known = lambda::parse(&event.message);
            let Some(mut record) = known.or_else(|| text_line(event.message.as_bytes())) else { return };
            record.at = record.at.or(event.timestamp.map(Timestamp::from_millis));
            findings.platform(record, offset);
        }
        Err(error) => {
            let reason = if error.is_eof() { "truncated json" } else { "invalid json" };
            let detail = format!("column {}: expected a log event with timestamp and message: {error}", error.column());
            findings.reject(line, offset, reason, detail);
        }
    }
}

/// An event as `CloudWatch` prints it, with no other escapes than those of line ends and tabs; `None` for any other form.
fn canonical(line: &[u8]) -> Option<LogEvent<'static>> {
    let (timestamp, rest) = number(line.strip_prefix(br#"{"timestamp":"#)?)?;
    let mut rest = rest.strip_prefix(br#","message":""#)?;
    let mut message = String::with_capacity(rest.len());
    let rest = loop {
        let at = memchr::memchr2(b'\\', b'"', rest)?;
        let piece = std::str::from_utf8(&rest[..at]).ok()?;
        if piece.bytes().any(|b| b < b' ') {
            return None;
        }
        message.push_str(piece);
        match &rest[at..] {
            [b'"', end @ ..] => break end,
            [b'\\', b'n', more @ ..] => {
                message.push('\n');
                rest = more;
            }
            [b'\\', b't', more @ ..] => {
                message.push('\t');
                rest = more;
            }
            _ => return None,
        }
    };
    let (_, end) = number(rest.strip_prefix(br#","ingestionTime":"#)?)?;
    (end == b"}").then_some(LogEvent { timestamp: Some(timestamp), message: message.into() })
}

/// A whole number of thirteen digits and what follows it.
fn number(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (digits, rest) = bytes.split_first_chunk::<13>()?;
    let digit = |n: i64, b: &u8| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0'));
    let value = digits.iter().try_fold(0, digit).filter(|_| digits[0] != b'0')?;
    (!rest.first()?.is_ascii_digit()).then_some((value, rest))
}

/// After a record come the message's line end and the event's other members; anything else is text of the function.
pub(super) fn rest_of_line(rest: &[u8], offset: usize, findings: &mut dyn Findings) {
    let mut text = rest;
    // Of a message within a message (Lambda's JSON lines) ends are escaped twice.
    let ends = [&br"\n"[..], br"\\n", b" "];
    while let Some(shorter) = ends.iter().find_map(|end| text.strip_prefix(*end)) {
        text = shorter;
    }
    let quote = text.iter().take_while(|&&b| b == b'\\').count();
    if text[quote..].is_empty() || text[quote..].starts_with(b"\"") {
        return;
    }
    let text = text.split(|&b| b == b'"').next().unwrap_or_default();
    let record: Option<PlatformRecord> = text_line(text);
    if let Some(record) = record {
        findings.platform(record, offset);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENT: &str = r#"{"timestamp":1795330947291,"message":"REPORT RequestId: 8864\tDuration: 2.81 ms\t\n","ingestionTime":1795330947615}"#;

    #[test]
    fn a_record_in_lambdas_json_leaves_no_line_of_its_own_behind() {
        let message = |text: &str| serde_json::json!({"level": "INFO", "requestId": "r1", "message": text}).to_string();
        let record = r#"BEFAAS{"timestamp":1795330915904,"now":5.5,"version":"8","deploymentId":"D","fn":{"id":"e","name":"f"},"event":{"coldstart":true}}"#;
        let mut log = String::new();
        for text in [record.to_owned(), format!("{record}\n"), "hello".to_owned()] {
            log += &serde_json::json!({"timestamp": 1_795_330_915_904_i64, "message": message(&text)}).to_string();
            log.push('\n');
        }
        let (records, statements, rejects) = crate::pipeline::scan_bytes(log.as_bytes(), &CloudWatch, false);
        assert_eq!((records, statements.len(), rejects.len()), (2, 1, 0), "{statements:?}");
    }

    #[test]
    fn an_event_as_it_is_printed_needs_no_general_reader() {
        let event = canonical(EVENT.as_bytes()).expect("canonical");
        assert_eq!(event.message, "REPORT RequestId: 8864\tDuration: 2.81 ms\t\n");
        assert_eq!(event.timestamp, Some(1_795_330_947_291));
    }

    proptest! {
        #[test]
        fn a_damaged_event_is_read_as_by_the_general_reader_or_not_at_all(at in 0..EVENT.len(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = EVENT.as_bytes().to_vec();
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            if let Some(event) = canonical(&bytes) {
                prop_assert_eq!(Some(event), serde_json::from_slice(&bytes).ok());
            }
        }
    }
}
