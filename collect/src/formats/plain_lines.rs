//! Plain log lines: Azure's host log, OpenFaaS's watchdog, tinyFaaS, OpenWhisk, the load generator's console.
//!
//! They differ in what stands before a record and in the statements of the platform; each is a [`PlainLines`] with its
//! own reader of statements.

use faaslens_schemas::table::Label;
use faaslens_schemas::tables::PlatformRecord;

use super::dialect::{Dialect, Findings, Gap, Place, lines, text_line};
use super::stamp;

/// A dialect of plain lines.
#[derive(Debug)]
pub struct PlainLines {
    name: &'static str,
    /// What a line without a record says; `None` for a blank one.
    statement: fn(&[u8]) -> Option<PlatformRecord>,
    /// The host named before a record.
    host: fn(&[u8]) -> Option<&str>,
    /// Whether a line without a stamp goes on with the line before it.
    continued: bool,
}

/// Azure's host log: `YYYY-MM-DDTHH:MM:SS.mmm [Level] text`, entries of several lines.
pub static AZURE_HOST: PlainLines =
    PlainLines { name: "azure-host-log", statement: azure_statement, host: no_host, continued: true };

/// OpenFaaS: what the watchdog forwards and says itself, glued to the line before.
pub static WATCHDOG: PlainLines =
    PlainLines { name: "openfaas-watchdog", statement: watchdog_statement, host: no_host, continued: false };

/// tinyFaaS: raw lines, or `function=F handler=H STAMP line` of its manager.
pub static TINYFAAS: PlainLines =
    PlainLines { name: "tinyfaas-log", statement: tinyfaas_statement, host: tinyfaas_handler, continued: false };

/// OpenWhisk: `STAMP stdout: line`.
pub static OPENWHISK: PlainLines =
    PlainLines { name: "openwhisk-activation-log", statement: openwhisk_statement, host: no_host, continued: false };

/// The load generator's console, with terminal colours and the provisioner's prefix.
pub static ARTILLERY_CONSOLE: PlainLines =
    PlainLines { name: "artillery-console", statement: console_statement, host: no_host, continued: false };

impl Dialect for PlainLines {
    fn name(&self) -> &'static str {
        self.name
    }

    fn gap(&self, gap: Gap<'_>, findings: &mut dyn Findings) {
        let mut pending: Option<(PlatformRecord, usize)> = None;
        for (line, offset, place) in lines(gap) {
            if place == Place::BeforeRecord {
                break;
            }
            if let Err(error) = std::str::from_utf8(line) {
                let detail = format!("expected text in utf-8, found another byte after {} bytes", error.valid_up_to());
                findings.reject(line, offset, "invalid utf-8", detail);
                continue;
            }
            let Some(record) = (self.statement)(line) else { continue };
            match &mut pending {
                Some((before, _)) if self.continued && record.at.is_none() && place == Place::Whole => {
                    continue_text(before, record);
                }
                _ => {
                    if let Some((done, at)) = pending.replace((record, offset)) {
                        findings.platform(done, at);
                    }
                }
            }
        }
        if let Some((done, at)) = pending {
            findings.platform(done, at);
        }
    }

    fn host<'a>(&self, before: &'a [u8]) -> Option<&'a str> {
        (self.host)(before)
    }
}

/// Appends a continuation line to an entry's text, up to 500 bytes.
fn continue_text(entry: &mut PlatformRecord, line: PlatformRecord) {
    if let (Some(text), Some(more)) = (&mut entry.text, line.text)
        && text.len() + more.len() < 500
    {
        text.push('\n');
        text.push_str(&more);
    }
}

fn no_host(_before: &[u8]) -> Option<&str> {
    None
}

fn azure_statement(line: &[u8]) -> Option<PlatformRecord> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let Some((at, length)) = stamp::read(line) else { return text_line(line) };
    let mut record = azure_entry(line[length..].trim_ascii()).unwrap_or_default();
    record.at = Some(at);
    (!record.kind.is_empty()).then_some(record)
}

/// A message of one of Azure's tables, `[Level] text` of one line or several: read as an entry of the host log.
pub(super) fn azure_message(message: &str) -> Option<PlatformRecord> {
    let mut entry: Option<PlatformRecord> = None;
    for line in message.lines() {
        match &mut entry {
            None => entry = azure_entry(line.trim().as_bytes()),
            Some(entry) => {
                if let Some(more) = text_line(line.as_bytes()) {
                    continue_text(entry, more);
                }
            }
        }
    }
    entry
}

/// `[Level] text`: an execution, or other text, which keeps its level.
fn azure_entry(text: &[u8]) -> Option<PlatformRecord> {
    let message = match memchr::memmem::find(text, b"] ") {
        Some(end) if text.starts_with(b"[") => &text[end + 2..],
        _ => text,
    };
    azure_execution(&String::from_utf8_lossy(message)).or_else(|| text_line(text))
}

/// `Executing 'Functions.f' (Reason='…', Id=…)` and `Executed 'Functions.f' (Succeeded, Id=…, Duration=1ms)`.
pub(super) fn azure_execution(message: &str) -> Option<PlatformRecord> {
    let (kind, rest) = match message.strip_prefix("Executing '") {
        Some(rest) => ("executing", rest),
        None => ("executed", message.strip_prefix("Executed '")?),
    };
    let (function, rest) = rest.split_once('\'')?;
    let id = rest.split_once("Id=").map(|(_, id)| id.split([',', ')']).next().unwrap_or_default().to_owned());
    let duration =
        rest.split_once("Duration=").and_then(|(_, d)| d.split_once("ms")).and_then(|(ms, _)| ms.parse().ok());
    let status = rest.trim_start().strip_prefix('(').and_then(|inner| inner.split(',').next());
    Some(PlatformRecord {
        kind: Label::fixed(kind),
        function: Some(function.strip_prefix("Functions.").unwrap_or(function).into()),
        request_id: id,
        duration_ms: duration,
        status: status.filter(|_| kind == "executed").map(Into::into),
        ..PlatformRecord::default()
    })
}

/// `2026/11/22 07:01:55 POST / - 200 OK - ContentLength: 77`, and anything else the watchdog says.
pub(super) fn watchdog_statement(line: &[u8]) -> Option<PlatformRecord> {
    let mut record = text_line(line)?;
    let line = line.trim_ascii();
    let Some((at, length)) = stamp::read(line) else { return Some(record) };
    record.at = Some(at);
    record.kind = Label::fixed("watchdog");
    let text = String::from_utf8_lossy(&line[length..]);
    if let Some((_, outcome)) = text.split_once(" - ") {
        let status = outcome.split(" - ").next().unwrap_or(outcome).trim();
        if status.starts_with(|c: char| c.is_ascii_digit()) {
            record.status = Some(status.into());
        }
        record.duration_ms = text
            .rsplit_once('(')
            .and_then(|(_, s)| s.split_once("s)"))
            .and_then(|(s, _)| s.parse::<f64>().ok().map(|seconds| seconds * 1000.0));
    }
    Some(record)
}

fn tinyfaas_statement(line: &[u8]) -> Option<PlatformRecord> {
    let text = String::from_utf8_lossy(line);
    let mut words = text.trim().splitn(4, ' ');
    let fields = (words.next(), words.next(), words.next(), words.next());
    if let (Some(function), Some(handler), Some(time), message) = fields
        && let (Some(function), Some(handler)) = (function.strip_prefix("function="), handler.strip_prefix("handler="))
    {
        let mut record = text_line(message.unwrap_or_default().as_bytes())?;
        record.function = Some(function.into());
        record.host = Some(handler.into());
        record.at = stamp::read(time.as_bytes()).map(|(at, _)| at);
        return Some(record);
    }
    text_line(line)
}

fn tinyfaas_handler(before: &[u8]) -> Option<&str> {
    let line = &before[memchr::memrchr(b'\n', before).map_or(0, |at| at + 1)..];
    let at = memchr::memmem::find(line, b" handler=")? + b" handler=".len();
    std::str::from_utf8(line[at..].split(|&b| b == b' ').next()?).ok()
}

pub(super) fn openwhisk_statement(line: &[u8]) -> Option<PlatformRecord> {
    let Some((at, length)) = stamp::read(line) else { return text_line(line) };
    let mut record = text_line(&line[length..])?;
    record.at = Some(at);
    Some(record)
}

fn console_statement(line: &[u8]) -> Option<PlatformRecord> {
    let plain = without_colours(line);
    let text = match memchr::memmem::find(&plain, b"(remote-exec): ") {
        Some(at) => &plain[at + b"(remote-exec): ".len()..],
        None => &plain,
    };
    text_line(text)
}

/// A console line without its terminal control sequences.
fn without_colours(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        plain.extend_from_slice(&rest[..at]);
        let sequence = &rest[at + 1..];
        let end = sequence.iter().position(u8::is_ascii_alphabetic).map_or(sequence.len(), |end| end + 1);
        rest = &sequence[end..];
    }
    plain.extend_from_slice(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_executions_give_function_id_duration_and_outcome() {
        let line =
            b"2026-11-22T07:03:09.808 [Information] Executed 'Functions.email' (Succeeded, Id=e2e94958, Duration=1ms)";
        let record = azure_statement(line).expect("a statement");
        assert_eq!((&*record.kind, record.function), ("executed", Some("email".into())));
        assert_eq!((record.request_id.as_deref(), record.duration_ms), (Some("e2e94958"), Some(1.0)));
        assert_eq!(record.status, Some("Succeeded".into()));
        let line = b"2026-11-22T07:03:09.807 [Information] Executing 'Functions.email' (Reason='called', Id=e2e94958)";
        let record = azure_statement(line).expect("a statement");
        assert_eq!((&*record.kind, record.request_id.as_deref(), record.status), ("executing", Some("e2e94958"), None));
    }

    #[test]
    fn the_watchdog_gives_time_and_status() {
        let record = watchdog_statement(b"2026/11/22 07:01:55 POST / - 200 OK - ContentLength: 77B (0.0213s)")
            .expect("a statement");
        assert_eq!(&*record.kind, "watchdog");
        assert_eq!((record.status, record.duration_ms), (Some("200 OK".into()), Some(21.3)));
        assert_eq!(watchdog_statement(b"  \t"), None);
    }

    #[test]
    fn the_tinyfaas_manager_names_function_handler_and_time() {
        let record = tinyfaas_statement(b"function=f handler=70c4 2026-11-22T06:57:13.721812963Z (node:27) warning")
            .expect("a line");
        assert_eq!((record.function, record.host), (Some("f".into()), Some("70c4".into())));
        assert_eq!(record.text.as_deref(), Some("(node:27) warning"));
        assert_eq!(tinyfaas_handler(b"x\nfunction=f handler=70c4 2026-11-22T06:57:13Z "), Some("70c4"));
    }

    #[test]
    fn terminal_colours_and_the_provisioner_are_taken_off() {
        let record =
            console_statement(b"\x1b[0m\x1b[0maws_instance.w (remote-exec): vusers.created: 16").expect("a line");
        assert_eq!(record.text.as_deref(), Some("vusers.created: 16"));
        assert_eq!(console_statement(b"\x1b[0m\x1b[0maws_instance.w (remote-exec): "), None);
    }
}
