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

#[derive(Deserialize)]
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
    match serde_json::from_slice::<LogEvent<'_>>(line) {
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

/// After a record come the message's line end and the event's other members; anything else is text of the function.
fn rest_of_line(rest: &[u8], offset: usize, findings: &mut dyn Findings) {
    let mut text = rest;
    while let Some(shorter) = text.strip_prefix(br"\n").or_else(|| text.strip_prefix(b" ")) {
        text = shorter;
    }
    if text.is_empty() || text.starts_with(b"\"") {
        return;
    }
    let text = text.split(|&b| b == b'"').next().unwrap_or_default();
    let record: Option<PlatformRecord> = text_line(text);
    if let Some(record) = record {
        findings.platform(record, offset);
    }
}
