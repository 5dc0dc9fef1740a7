//! Plain log lines: Azure's host log, OpenFaaS's watchdog, tinyFaaS, OpenWhisk, the load generator's console.
//!
//! They differ in what stands before a record and in the statements of the platform; each is a [`PlainLines`] with its
//! own reader of statements.

use std::borrow::Cow;

use super::Statement;
use super::dialect::{Dialect, Findings, Gap, Place, TEXT, cut, lines, text_line, text_of};
use super::stamp;

/// A dialect of plain lines.
#[derive(Debug)]
pub struct PlainLines {
    name: &'static str,
    /// What a line without a record says; `None` for a blank one.
    statement: fn(&str) -> Option<Statement<'_>>,
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
        let mut pending: Option<(Statement<'_>, usize)> = None;
        for (line, offset, place) in lines(gap) {
            let line = match std::str::from_utf8(line) {
                Ok(line) => line,
                Err(error) => {
                    let place = error.valid_up_to();
                    let detail = format!("expected text in utf-8, found another byte after {place} bytes");
                    findings.reject(line, offset, "invalid utf-8", detail);
                    continue;
                }
            };
            let Some(statement) = (self.statement)(line) else { continue };
            match &mut pending {
                Some((before, _)) if self.continued && statement.at.is_none() && place == Place::Whole => {
                    continue_text(before, &statement);
                }
                _ => {
                    if let Some((done, at)) = pending.replace((statement, offset)) {
                        findings.platform(&done, at);
                    }
                }
            }
        }
        if let Some((done, at)) = pending {
            findings.platform(&done, at);
        }
    }

    fn host<'a>(&self, before: &'a [u8]) -> Option<&'a str> {
        (self.host)(before)
    }
}

/// Appends a continuation line to an entry's text, up to 500 bytes.
fn continue_text(entry: &mut Statement<'_>, line: &Statement<'_>) {
    if let (Some(text), Some(more)) = (&mut entry.text, &line.text)
        && text.len() + more.len() < 500
    {
        let text = text.to_mut();
        text.push('\n');
        text.push_str(more);
    }
}

fn no_host(_before: &[u8]) -> Option<&str> {
    None
}

fn azure_statement(line: &str) -> Option<Statement<'_>> {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let Some((at, length)) = stamp::read(line.as_bytes()) else { return text_line(line.as_bytes()) };
    Some(Statement { at: Some(at), ..azure_entry(line[length..].trim_ascii())? })
}

/// A message of one of Azure's tables, `[Level] text` of one line or several: read as an entry of the host log.
pub(super) fn azure_message(message: &str) -> Option<Statement<'_>> {
    let mut entry: Option<Statement<'_>> = None;
    for line in message.lines() {
        match &mut entry {
            None => entry = azure_entry(line.trim()),
            Some(entry) => {
                if let Some(more) = text_line(line.as_bytes()) {
                    continue_text(entry, &more);
                }
            }
        }
    }
    entry
}

/// `[Level] text`: an execution, or other text, which keeps its level.
fn azure_entry(text: &str) -> Option<Statement<'_>> {
    let message = match cut(text, b"] ") {
        Some((_, message)) if text.starts_with('[') => message,
        _ => text,
    };
    azure_execution(message).or_else(|| text_line(text.as_bytes()))
}

/// `Executing 'Functions.f' (Reason='…', Id=…)` and `Executed 'Functions.f' (Succeeded, Id=…, Duration=1ms)`.
pub(super) fn azure_execution(message: &str) -> Option<Statement<'_>> {
    let (kind, rest) = match message.strip_prefix("Executing '") {
        Some(rest) => ("executing", rest),
        None => ("executed", message.strip_prefix("Executed '")?),
    };
    let (function, rest) = cut(rest, b"'")?;
    let id = cut(rest, b"Id=").map(|(_, id)| id.split([',', ')']).next().unwrap_or_default());
    let duration = cut(rest, b"Duration=").and_then(|(_, d)| cut(d, b"ms")).and_then(|(ms, _)| ms.parse().ok());
    let status = rest.trim_start().strip_prefix('(').and_then(|inner| inner.split(',').next());
    Some(Statement {
        kind,
        function: Some(function.strip_prefix("Functions.").unwrap_or(function).into()),
        request_id: id.map(Cow::Borrowed),
        duration_ms: duration,
        status: status.filter(|_| kind == "executed").map(Cow::Borrowed),
        ..Statement::default()
    })
}

/// `2026/11/22 07:01:55 POST / - 200 OK - ContentLength: 77`, and anything else the watchdog says.
pub(super) fn watchdog_statement(line: &str) -> Option<Statement<'_>> {
    let line = line.trim_ascii();
    let mut statement = text_line(line.as_bytes())?;
    let Some((at, length)) = stamp::read(line.as_bytes()) else { return Some(statement) };
    statement.at = Some(at);
    statement.kind = "watchdog";
    let text = &line[length..];
    if let Some((_, outcome)) = cut(text, b" - ") {
        let status = cut(outcome, b" - ").map_or(outcome, |(status, _)| status).trim();
        if status.starts_with(|c: char| c.is_ascii_digit()) {
            statement.status = Some(Cow::Borrowed(status));
        }
        statement.duration_ms = text
            .rsplit_once('(')
            .and_then(|(_, s)| cut(s, b"s)"))
            .and_then(|(s, _)| s.parse::<f64>().ok().map(|seconds| seconds * 1000.0));
    }
    Some(statement)
}

fn tinyfaas_statement(line: &str) -> Option<Statement<'_>> {
    let mut words = line.trim().splitn(4, ' ');
    let fields = (words.next(), words.next(), words.next(), words.next());
    if let (Some(function), Some(handler), Some(time), message) = fields
        && let (Some(function), Some(handler)) = (function.strip_prefix("function="), handler.strip_prefix("handler="))
    {
        let mut statement = text_line(message.unwrap_or_default().as_bytes())?;
        statement.function = Some(Cow::Borrowed(function));
        statement.host = Some(Cow::Borrowed(handler));
        statement.at = stamp::read(time.as_bytes()).map(|(at, _)| at);
        return Some(statement);
    }
    text_line(line.as_bytes())
}

fn tinyfaas_handler(before: &[u8]) -> Option<&str> {
    let line = &before[memchr::memrchr(b'\n', before).map_or(0, |at| at + 1)..];
    let at = memchr::memmem::find(line, b" handler=")? + b" handler=".len();
    std::str::from_utf8(line[at..].split(|&b| b == b' ').next()?).ok()
}

pub(super) fn openwhisk_statement(line: &str) -> Option<Statement<'_>> {
    let Some((at, length)) = stamp::read(line.as_bytes()) else { return text_line(line.as_bytes()) };
    Some(Statement { at: Some(at), ..text_line(&line.as_bytes()[length..])? })
}

fn console_statement(line: &str) -> Option<Statement<'_>> {
    let plain = without_colours(line.as_bytes());
    let text = match memchr::memmem::find(&plain, b"(remote-exec): ") {
        Some(at) => &plain[at + b"(remote-exec): ".len()..],
        None => &plain,
    };
    let text = text_of(text)?.into_owned();
    Some(Statement { kind: TEXT, text: Some(Cow::Owned(text)), ..Statement::default() })
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
            "2026-11-22T07:03:09.808 [Information] Executed 'Functions.email' (Succeeded, Id=e2e94958, Duration=1ms)";
        let record = azure_statement(line).expect("a statement");
        assert_eq!((record.kind, record.function), ("executed", Some("email".into())));
        assert_eq!((record.request_id.as_deref(), record.duration_ms), (Some("e2e94958"), Some(1.0)));
        assert_eq!(record.status, Some("Succeeded".into()));
        let line = "2026-11-22T07:03:09.807 [Information] Executing 'Functions.email' (Reason='called', Id=e2e94958)";
        let record = azure_statement(line).expect("a statement");
        assert_eq!((record.kind, record.request_id.as_deref(), record.status), ("executing", Some("e2e94958"), None));
    }

    #[test]
    fn the_watchdog_gives_time_and_status() {
        let record = watchdog_statement("2026/11/22 07:01:55 POST / - 200 OK - ContentLength: 77B (0.0213s)")
            .expect("a statement");
        assert_eq!(record.kind, "watchdog");
        assert_eq!((record.status, record.duration_ms), (Some("200 OK".into()), Some(21.3)));
        assert_eq!(watchdog_statement("  \t"), None);
    }

    #[test]
    fn the_tinyfaas_manager_names_function_handler_and_time() {
        let record = tinyfaas_statement("function=f handler=70c4 2026-11-22T06:57:13.721812963Z (node:27) warning")
            .expect("a line");
        assert_eq!((record.function, record.host), (Some("f".into()), Some("70c4".into())));
        assert_eq!(record.text.as_deref(), Some("(node:27) warning"));
        assert_eq!(tinyfaas_handler(b"x\nfunction=f handler=70c4 2026-11-22T06:57:13Z "), Some("70c4"));
    }

    #[test]
    fn terminal_colours_and_the_provisioner_are_taken_off() {
        let record =
            console_statement("\x1b[0m\x1b[0maws_instance.w (remote-exec): vusers.created: 16").expect("a line");
        assert_eq!(record.text.as_deref(), Some("vusers.created: 16"));
        assert_eq!(console_statement("\x1b[0m\x1b[0maws_instance.w (remote-exec): "), None);
    }
}
