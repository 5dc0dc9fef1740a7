//! `CloudWatch` events, one JSON object a line: `{"timestamp":…,"message":"…","ingestionTime":…}`.
//!
//! Lines without an instrumentation record are Lambda's own statements or other text; their time is the event's.

use std::borrow::Cow;

use faaslens_schemas::time::Timestamp;
use serde::Deserialize;

use super::dialect::{Dialect, Findings, Gap, Place, cut, lines, text_line};
use super::lambda;

/// The dialect of `aws.log`.
#[derive(Debug)]
pub struct CloudWatch;

#[derive(Debug, PartialEq, Deserialize)]
struct LogEvent<'a> {
    timestamp: Option<i64>,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

impl Dialect for CloudWatch {
    fn name(&self) -> &'static str {
        "cloudwatch-events"
    }

    fn statements_enclose_records(&self) -> bool {
        true
    }

    fn gap(&self, gap: Gap<'_>, findings: &mut dyn Findings) {
        if gap.after_record && gap.before_record && is_between_records(gap.bytes) {
            return;
        }
        read_lines(gap, findings);
    }
}

/// Apart from the look at a gap: most have nothing to be read.
#[inline(never)]
fn read_lines(gap: Gap<'_>, findings: &mut dyn Findings) {
    for (line, offset, place) in lines(gap) {
        match place {
            Place::Whole => whole_line(line, offset, findings),
            Place::AfterRecord => rest_of_line(line, offset, findings),
        }
    }
}

fn whole_line(line: &[u8], offset: usize, findings: &mut dyn Findings) {
    let event = canonical(line).map_or_else(|| serde_json::from_slice::<LogEvent<'_>>(line), Ok);
    match event {
        Ok(event) => {
            let known = lambda::parse(&event.message);
            let Some(mut statement) = known.or_else(|| text_line(event.message.as_bytes())) else { return };
            statement.at = statement.at.or(event.timestamp.map(Timestamp::from_millis));
            findings.platform(&statement, offset);
        }
        Err(error) => {
            let reason = if error.is_eof() { "truncated json" } else { "invalid json" };
            let detail = format!("column {}: expected a log event with timestamp and message: {error}", error.column());
            findings.reject(line, offset, reason, detail);
        }
    }
}

/// What stands between the message of one event and that of the next one, as `CloudWatch` prints them.
const AFTER_MESSAGE: &[u8] = br#"","ingestionTime":"#;
const BEFORE_TIMESTAMP: &[u8] = br#"{"timestamp":"#;
const BEFORE_MESSAGE: &[u8] = br#","message":""#;

/// Whether nothing is printed but the end of a record's event and the beginning of the next one.
fn is_between_records(bytes: &[u8]) -> bool {
    let next_message = || {
        let (ingested, rest) = bytes.strip_prefix(br"\n")?.strip_prefix(AFTER_MESSAGE)?.split_first_chunk()?;
        let (logged, rest) = rest.strip_prefix(b"}\n")?.strip_prefix(BEFORE_TIMESTAMP)?.split_first_chunk()?;
        (is_number(ingested) && is_number(logged)).then_some(rest)
    };
    next_message() == Some(BEFORE_MESSAGE)
}

/// An event as `CloudWatch` prints it, with no other escapes than those of line ends and tabs, and without the line ends
/// at the end of its message; `None` for any other form.
fn canonical(line: &[u8]) -> Option<LogEvent<'_>> {
    let (logged, rest) = line.strip_prefix(BEFORE_TIMESTAMP)?.split_first_chunk()?;
    let (rest, ingested) = rest.strip_prefix(BEFORE_MESSAGE)?.strip_suffix(b"}")?.split_last_chunk()?;
    if !is_number(logged) || !is_number(ingested) {
        return None;
    }
    let mut message = rest.strip_suffix(AFTER_MESSAGE)?;
    while let Some(shorter) = message.strip_suffix(br"\n") {
        message = shorter;
    }
    let timestamp = logged.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    Some(LogEvent { timestamp: Some(timestamp), message: unescaped(message)? })
}

/// The text that a JSON text without its quotes stands for; `None` for one with other escapes than `\n` and `\t`.
fn unescaped(text: &[u8]) -> Option<Cow<'_, str>> {
    let is_allowed = |b: &u8| !matches!(b, ..b' ' | b'"');
    // Looked at to the end: no branch a byte.
    if !text.iter().fold(true, |all, b| all & is_allowed(b)) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    if !text.as_bytes().contains(&b'\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((piece, more)) = cut(rest, br"\") {
        whole.push_str(piece);
        whole.push(match more.as_bytes().first()? {
            b'n' => '\n',
            b't' => '\t',
            _ => return None,
        });
        rest = &more[1..];
    }
    whole.push_str(rest);
    Some(Cow::Owned(whole))
}

/// Whether these are the digits of a number of milliseconds as it is printed.
fn is_number(digits: &[u8; 13]) -> bool {
    const UPPER_HALVES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    const THREES: u64 = 0x3333_3333_3333_3333;
    // Digits are 0x30 to 0x39: with 6 more they still begin with 3.
    let are_digits = |eight: &[u8; 8]| {
        let eight = u64::from_le_bytes(*eight);
        (eight & UPPER_HALVES) | (eight.wrapping_add(SIXES) & UPPER_HALVES) >> 4 == THREES
    };
    digits[0] != b'0' && digits.first_chunk().is_some_and(are_digits) && digits.last_chunk().is_some_and(are_digits)
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
    if let Some(statement) = text_line(text) {
        findings.platform(&statement, offset);
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
        assert_eq!(event.message, "REPORT RequestId: 8864\tDuration: 2.81 ms\t");
        assert_eq!(event.timestamp, Some(1_795_330_947_291));
        let plain = EVENT.replace(r"\t", " ");
        assert!(matches!(canonical(plain.as_bytes()).expect("canonical").message, Cow::Borrowed(_)));
    }

    #[test]
    fn between_two_records_stands_nothing_but_what_is_printed_there() {
        let gap = "\\n\",\"ingestionTime\":1795330948099}\n{\"timestamp\":1795330947225,\"message\":\"";
        assert!(is_between_records(gap.as_bytes()));
        for at in 0..gap.len() {
            let damaged = [&gap.as_bytes()[..at], b"\n", &gap.as_bytes()[at + 1..]].concat();
            assert!(!is_between_records(&damaged) || gap.as_bytes()[at] == b'\n', "{at}");
            assert!(!is_between_records(&gap.as_bytes()[..at]));
        }
    }

    proptest! {
        #[test]
        fn a_number_is_made_of_digits(digits in any::<[u8; 13]>(), printed in 0..10_000_000_000_000_u64, at in 0..13_usize) {
            let damaged: [u8; 13] = std::array::from_fn(|n| if n == at { digits[n] } else { b'1' + digits[n] % 9 });
            let printed: [u8; 13] = std::array::from_fn(|n| format!("{printed:013}").as_bytes()[n]);
            for digits in [digits, damaged, printed] {
                prop_assert_eq!(is_number(&digits), digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit));
            }
        }

        #[test]
        fn a_damaged_event_is_read_as_by_the_general_reader_or_not_at_all(at in 0..EVENT.len(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = EVENT.as_bytes().to_vec();
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            if let Some(event) = canonical(&bytes) {
                let read = serde_json::from_slice(&bytes).ok().map(|read: LogEvent<'_>| LogEvent {
                    message: read.message.trim_end_matches('\n').to_owned().into(),
                    ..read
                });
                prop_assert_eq!(Some(event), read);
            }
        }
    }
}
