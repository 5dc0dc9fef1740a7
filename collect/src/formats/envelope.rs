//! Lines of living systems whose own forms are no lines: one JSON object a line, with what the API says of it beside the
//! message. A line with a `kind` is a statement of the platform; its members are columns of `platform_records`.
//!
//! `{"at":"2026-11-22T07:01:55.904Z","function":"f","host":"pod-1","message":"…"}`

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::cloudwatch::rest_of_line;
use super::dialect::{Dialect, Findings, Gap, Place, Statement, TEXT, lines, text_line, text_of};
use super::plain_lines::{azure_message, openwhisk_statement, watchdog_statement};
use super::stamp;

/// One line: what is known beside the message, and the message.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line<'a> {
    /// When it was logged, as the API wrote it.
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub at: Cow<'a, str>,
    /// Function.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub function: Option<Cow<'a, str>>,
    /// Machine, instance, pod or container.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub host: Option<Cow<'a, str>>,
    /// The platform's id of the execution.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// Trace id.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Cow<'a, str>>,
    /// Kind of a statement, as in `platform_records`; absent for a line of log.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Cow<'a, str>>,
    /// Outcome.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub status: Option<Cow<'a, str>>,
    /// Duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// Initialisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_ms: Option<f64>,
    /// Memory configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<f64>,
    /// The line itself, or what no other member says.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
}

impl Line<'_> {
    /// The line as it is written.
    pub fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A dialect of such lines: what a message without a record says depends on the platform.
#[derive(Debug)]
pub struct Envelope {
    name: &'static str,
    statement: fn(&str) -> Option<Statement<'_>>,
}

/// Containers of Kubernetes.
pub static CONTAINER: Envelope = Envelope { name: "container-lines", statement: |text| text_line(text.as_bytes()) };
/// Containers with OpenFaaS's watchdog.
pub static WATCHDOG_LINES: Envelope = Envelope { name: "watchdog-lines", statement: watchdog_statement };
/// Log Analytics and Application Insights.
pub static AZURE_ROWS: Envelope = Envelope { name: "azure-rows", statement: azure_message };
/// OpenWhisk's activations.
pub static ACTIVATIONS: Envelope = Envelope { name: "openwhisk-activations", statement: openwhisk_statement };

/// Every dialect of such lines.
pub static ENVELOPES: &[&Envelope] = &[&CONTAINER, &WATCHDOG_LINES, &AZURE_ROWS, &ACTIVATIONS];

impl Dialect for Envelope {
    fn name(&self) -> &'static str {
        self.name
    }

    fn gap(&self, gap: Gap<'_>, findings: &mut dyn Findings) {
        for (line, offset, place) in lines(gap) {
            match place {
                Place::Whole => self.whole_line(line, offset, findings),
                Place::AfterRecord => rest_of_line(line, offset, findings),
            }
        }
    }

    fn host<'a>(&self, before: &'a [u8]) -> Option<&'a str> {
        let line = &before[memchr::memrchr(b'\n', before).map_or(0, |at| at + 1)..];
        let at = memchr::memmem::find(line, br#""host":""#)? + br#""host":""#.len();
        std::str::from_utf8(&line[at..at + memchr::memchr(b'"', &line[at..])?]).ok()
    }
}

impl Envelope {
    fn whole_line(&self, line: &[u8], offset: usize, findings: &mut dyn Findings) {
        let parsed = match serde_json::from_slice::<Line<'_>>(line) {
            Ok(parsed) => parsed,
            Err(error) => {
                let reason = if error.is_eof() { "truncated json" } else { "invalid json" };
                let detail = format!("column {}: expected a line of log in an object", error.column());
                findings.reject(line, offset, reason, detail);
                return;
            }
        };
        let statement = match &parsed.kind {
            Some(kind) => Some(Statement { kind, text: text_of(parsed.message.as_bytes()), ..Statement::default() }),
            None => (self.statement)(&parsed.message),
        };
        let Some(mut statement) = statement else { return };
        statement.at = stamp::read(parsed.at.as_bytes()).map(|(at, _)| at).or(statement.at);
        statement.function = statement.function.or_else(|| parsed.function.as_deref().map(Cow::Borrowed));
        statement.host = parsed.host.as_deref().map(Cow::Borrowed);
        statement.request_id = statement.request_id.or_else(|| parsed.id.as_deref().map(Cow::Borrowed));
        statement.trace_id = parsed.trace.as_deref().map(Cow::Borrowed);
        statement.status = statement.status.or_else(|| parsed.status.as_deref().map(Cow::Borrowed));
        statement.duration_ms = statement.duration_ms.or(parsed.duration_ms);
        statement.init_ms = parsed.init_ms;
        statement.memory_mb = parsed.memory_mb;
        // Two lines of one execution may say the same: only a statement is said once.
        if statement.kind == TEXT {
            statement.request_id = None;
        }
        findings.platform(&statement, offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::scan_bytes;

    #[test]
    fn a_record_in_a_message_is_read_with_its_host() {
        let message = r#"BEFAAS{"timestamp":1,"now":2}"#;
        let line = Line { host: Some("pod-1".into()), message: message.into(), ..Line::default() }.text();
        let before = &line[..memchr::memmem::find(&line, b"BEFAAS").expect("the marker")];
        assert_eq!(CONTAINER.host(before), Some("pod-1"));
    }

    #[test]
    fn statements_and_other_lines_keep_what_the_api_said() {
        let mut log = Line {
            at: "2026-11-22T07:01:55.904Z".into(),
            host: Some("pod-1".into()),
            kind: Some("pod_ready".into()),
            duration_ms: Some(1500.0),
            message: "node=n1".into(),
            ..Line::default()
        }
        .text();
        log.extend(b"\nno json\n");
        log.extend(Line { function: Some("f".into()), message: "hello".into(), ..Line::default() }.text());
        let (records, statements, rejects) = scan_bytes(&log, &CONTAINER, false);
        assert_eq!((records, statements.len(), rejects.len()), (0, 2, 1));
        assert_eq!((&*statements[0].kind, statements[0].duration_ms), ("pod_ready", Some(1500.0)));
        assert_eq!(statements[0].host.as_deref(), Some("pod-1"));
        assert_eq!((&*statements[1].kind, statements[1].function.as_deref()), ("text", Some("f")));
    }
}
