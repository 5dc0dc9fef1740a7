//! Lambda's own statements: text lines and their JSON forms.
//!
//! Text: `START|END|REPORT RequestId: …`, fields of a report separated by tabs; `INIT_START`, `INIT_REPORT`,
//! `RESTORE_START`, `RESTORE_REPORT`. JSON: `{"time", "type": "platform.…", "record": {…}}`.

use std::borrow::Cow;

use serde_json::Value;

use super::Statement;
use super::dialect::cut;
use super::stamp;

/// Reads a message that Lambda itself wrote; `None` for any other text. Missing fields stay null.
pub fn parse(message: &str) -> Option<Statement<'_>> {
    let message = message.trim_end();
    if message.starts_with('{') { parse_json(message) } else { parse_text(message) }
}

fn parse_text(message: &str) -> Option<Statement<'_>> {
    let (word, rest) = message.split_once([' ', '\t']).unwrap_or((message, ""));
    let kind = match word {
        "INIT_START" => "init_start",
        "INIT_REPORT" => "init_report",
        "RESTORE_START" => "restore_start",
        "RESTORE_REPORT" => "restore_report",
        "START" => "start",
        "END" => "end",
        "REPORT" => "report",
        _ => return None,
    };
    let mut statement = Statement { kind, ..Statement::default() };
    match kind {
        "init_start" | "restore_start" => {
            let text = rest.replace('\t', "; ");
            statement.text = Some(Cow::Owned(crate::redact::excerpt(text.as_bytes(), 500).into_owned()));
        }
        "start" | "end" => {
            let id = rest.strip_prefix("RequestId: ")?;
            let end = id.bytes().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(id.len());
            statement.request_id = Some(Cow::Borrowed(&id[..end]));
        }
        "report" if !rest.starts_with("RequestId: ") => return None,
        "report" => fields(rest).for_each(|field| set_field(&mut statement, field.trim())),
        _ => fields(rest).flat_map(split_blank_fields).for_each(|field| set_field(&mut statement, field.trim())),
    }
    Some(statement)
}

/// The fields of a report, separated by tabs.
fn fields(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (field, more) = cut(text, b"\t").map_or((text, None), |(field, more)| (field, Some(more)));
        rest = more;
        Some(field)
    })
}

/// `INIT_REPORT` and `RESTORE_REPORT` may separate fields by blanks: cut before each further `Name: `.
fn split_blank_fields(text: &str) -> impl Iterator<Item = &str> {
    const NAMES: [&str; 5] = [" Phase: ", " Status: ", " Error Type: ", " Duration: ", " SegmentId: "];
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // `Init Duration`, `Billed Duration` and the like are one name.
        let own = |at: usize| !["Init", "Billed", "Restore"].iter().any(|word| rest[..at].ends_with(word));
        let cut = NAMES.iter().filter_map(|name| rest.find(name).filter(|&at| at > 0 && own(at))).min();
        let (field, tail) = rest.split_at(cut.unwrap_or(rest.len()));
        rest = tail.trim_start();
        Some(field)
    })
}

fn set_field<'a>(statement: &mut Statement<'a>, field: &'a str) {
    let Some((name, value)) = cut(field, b": ") else { return };
    let number = |unit: &str| value.strip_suffix(unit).and_then(|number| number.trim().parse().ok());
    let text = |text| Some(Cow::Borrowed(text));
    match name {
        "RequestId" => statement.request_id = text(value.trim()),
        "Duration" if statement.kind == "init_report" => statement.init_ms = number("ms"),
        "Init Duration" => statement.init_ms = number("ms"),
        "Duration" if statement.kind == "restore_report" => statement.restore_ms = number("ms"),
        "Restore Duration" => statement.restore_ms = number("ms"),
        "Billed Restore Duration" => statement.billed_restore_ms = number("ms"),
        "Duration" => statement.duration_ms = number("ms"),
        "Billed Duration" => statement.billed_ms = number("ms"),
        "Memory Size" => statement.memory_mb = number("MB"),
        "Max Memory Used" => statement.memory_used_mb = number("MB"),
        "XRAY TraceId" => statement.trace_id = text(value),
        "SegmentId" => statement.segment_id = text(value),
        "Status" => statement.status = text(value),
        "Error Type" => statement.error_type = text(value),
        _ => {}
    }
}

fn parse_json(message: &str) -> Option<Statement<'static>> {
    let line: Value = serde_json::from_str(message).ok()?;
    let kind = match line["type"].as_str()?.strip_prefix("platform.")? {
        "initStart" => "init_start",
        "initRuntimeDone" | "initReport" => "init_report",
        "restoreStart" => "restore_start",
        "restoreRuntimeDone" | "restoreReport" => "restore_report",
        "start" => "start",
        "runtimeDone" | "end" => "end",
        "report" => "report",
        _ => return None,
    };
    let body = &line["record"];
    let metrics = &body["metrics"];
    let text = |value: &Value| value.as_str().map(|text| Cow::Owned(text.to_owned()));
    let mut statement = Statement {
        kind,
        at: line["time"].as_str().and_then(|time| stamp::read(time.as_bytes())).map(|(at, _)| at),
        request_id: text(&body["requestId"]),
        duration_ms: metrics["durationMs"].as_f64(),
        billed_ms: metrics["billedDurationMs"].as_f64(),
        init_ms: metrics["initDurationMs"].as_f64(),
        restore_ms: metrics["restoreDurationMs"].as_f64(),
        billed_restore_ms: metrics["billedRestoreDurationMs"].as_f64(),
        memory_mb: metrics["memorySizeMB"].as_f64(),
        memory_used_mb: metrics["maxMemoryUsedMB"].as_f64(),
        status: text(&body["status"]),
        error_type: text(&body["errorType"]),
        trace_id: text(&body["tracing"]["value"]),
        segment_id: text(&body["tracing"]["spanId"]),
        function: text(&body["functionName"]),
        ..Statement::default()
    };
    match kind {
        "init_report" => statement.init_ms = statement.init_ms.or(statement.duration_ms.take()),
        "restore_report" => statement.restore_ms = statement.restore_ms.or(statement.duration_ms.take()),
        _ => {}
    }
    Some(statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_gives_every_field() {
        let line = "REPORT RequestId: a29e9a24-9bc1-4a39-a896-afc8df271110\tDuration: 2.81 ms\tBilled Duration: 3 ms\t\
                    Memory Size: 256 MB\tMax Memory Used: 63 MB\tInit Duration: 141.52 ms\t\
                    XRAY TraceId: 1-5e1b4151-5ac6c58dc39a6b7b\tSegmentId: 0b1c2d3e4f5a6b7c\tSampled: true\t\
                    Status: error\tError Type: Runtime.ExitError\t\n";
        let record = parse(line).expect("a report");
        assert_eq!(record.request_id.as_deref(), Some("a29e9a24-9bc1-4a39-a896-afc8df271110"));
        assert_eq!(record.duration_ms, Some(2.81));
        assert_eq!(record.billed_ms, Some(3.0));
        assert_eq!(record.memory_mb, Some(256.0));
        assert_eq!(record.memory_used_mb, Some(63.0));
        assert_eq!(record.init_ms, Some(141.52));
        assert_eq!(record.trace_id.as_deref(), Some("1-5e1b4151-5ac6c58dc39a6b7b"));
        assert_eq!(record.segment_id.as_deref(), Some("0b1c2d3e4f5a6b7c"));
        assert_eq!(record.status, Some("error".into()));
        assert_eq!(record.error_type, Some("Runtime.ExitError".into()));
    }

    #[test]
    fn snap_start_reports_restoring() {
        let line = "REPORT RequestId: x\tDuration: 1.5 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\t\
                    Restore Duration: 310.22 ms\tBilled Restore Duration: 105 ms\t\n";
        let record = parse(line).expect("a report");
        assert_eq!(record.restore_ms, Some(310.22));
        assert_eq!(record.billed_restore_ms, Some(105.0));
        let init =
            parse("INIT_REPORT Init Duration: 2431.23 ms\tPhase: init\tStatus: timeout\n").expect("an init report");
        assert_eq!((init.init_ms, init.status), (Some(2431.23), Some("timeout".into())));
        let blank =
            parse("RESTORE_REPORT Restore Duration: 17.5 ms Phase: restore Status: error").expect("a restore report");
        assert_eq!((blank.restore_ms, blank.status), (Some(17.5), Some("error".into())));
    }

    #[test]
    fn start_and_end_name_their_request() {
        let start = parse("START RequestId: 8864cce8 Version: $LATEST\n").expect("a start");
        assert_eq!((start.kind, start.request_id.as_deref()), ("start", Some("8864cce8")));
        let end = parse("END RequestId: 8864cce8\n").expect("an end");
        assert_eq!((end.kind, end.request_id.as_deref()), ("end", Some("8864cce8")));
        assert_eq!(parse("START of my own log line"), None);
        assert_eq!(parse("hello"), None);
    }

    #[test]
    fn json_forms_say_the_same() {
        let line = r#"{"time":"2026-11-22T07:01:55.904Z","type":"platform.report","record":{"requestId":"r1","metrics":
            {"durationMs":2.81,"billedDurationMs":3,"memorySizeMB":256,"maxMemoryUsedMB":63,"initDurationMs":141.5},
            "tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-5e","spanId":"0b1c"},"status":"success"}}"#;
        let record = parse(line).expect("a report");
        assert_eq!((record.kind, record.request_id.as_deref(), record.init_ms), ("report", Some("r1"), Some(141.5)));
        assert_eq!(record.at.map(|at| at.to_string()).as_deref(), Some("2026-11-22T07:01:55.904000Z"));
        assert_eq!(record.segment_id.as_deref(), Some("0b1c"));
        assert_eq!(parse(r#"{"type":"function","record":"hello"}"#), None);
    }
}
