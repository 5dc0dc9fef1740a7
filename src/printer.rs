//! The only writer to the terminal: results on standard output, everything else on standard error.
//!
//! A reader that closes standard output early (`| head`) ends the command without an error. Colour only on a
//! terminal, and never where `NO_COLOR` is set.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use faaslens_report::escape::visible;
use serde::Serialize;

use crate::outcome::{Outcome, code_of};

/// Bytes gathered before they go to standard output.
const BUFFER_BYTES: usize = 1 << 16;

/// Writes to the terminal.
#[derive(Debug)]
pub(crate) struct Printer {
    quiet: bool,
    colour_out: bool,
    colour_err: bool,
    /// Whether the reader of standard output went away.
    closed: Cell<bool>,
}

impl Printer {
    /// A printer; a quiet one writes errors and warnings only to standard error.
    pub(crate) fn new(quiet: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let wanted = !set("NO_COLOR") && !dumb;
        Self {
            quiet,
            colour_out: wanted && io::stdout().is_terminal(),
            colour_err: wanted && io::stderr().is_terminal(),
            closed: Cell::new(false),
        }
    }

    /// Whether results may be coloured.
    pub(crate) fn colour(&self) -> bool {
        self.colour_out
    }

    /// Whether progress and summaries are to be left out.
    pub(crate) fn quiet(&self) -> bool {
        self.quiet
    }

    /// Standard output, buffered.
    pub(crate) fn results(&self) -> Results<'_> {
        Results { out: io::BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock()), closed: &self.closed }
    }

    /// Writes a text to standard output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn text(&self, text: &str) -> io::Result<()> {
        let mut results = self.results();
        results.write_all(text.as_bytes())?;
        results.flush()
    }

    /// Writes a value as JSON to standard output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn json<T: Serialize>(&self, value: &T) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        Ok(self.text(&format!("{text}\n"))?)
    }

    /// A line of a summary or about progress, on standard error.
    pub(crate) fn note(&self, line: &str) {
        if !self.quiet {
            self.complain("", "", line);
        }
    }

    /// Something the user has to know to trust the result, on standard error.
    pub(crate) fn warning(&self, line: &str) {
        self.complain("warning: ", "\x1b[33m", line);
    }

    /// Why the command, or a part of it, failed; on standard error.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        self.complain("error: ", "\x1b[31m", &chain(error));
    }

    /// Ends the program: prints the error, if any, and gives the exit code.
    pub(crate) fn conclude(&self, result: anyhow::Result<Outcome>) -> ExitCode {
        match result {
            Ok(outcome) => ExitCode::from(outcome.code()),
            Err(_) if self.closed.get() => ExitCode::SUCCESS,
            Err(error) => {
                self.error(&error);
                ExitCode::from(code_of(&error))
            }
        }
    }

    fn complain(&self, prefix: &str, colour: &str, text: &str) {
        let prefix =
            if self.colour_err && !prefix.is_empty() { format!("{colour}{prefix}\x1b[0m") } else { prefix.to_owned() };
        let lines: Vec<String> = text.lines().map(|line| visible(line).into_owned()).collect();
        // There is nobody left to tell where standard error is closed.
        drop(writeln!(io::stderr().lock(), "{prefix}{}", lines.join("\n")));
    }
}

/// An error and its causes in one text; a cause that its error repeats is left out.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Standard output while a command writes its results.
#[derive(Debug)]
pub(crate) struct Results<'a> {
    out: io::BufWriter<io::StdoutLock<'static>>,
    closed: &'a Cell<bool>,
}

impl Results<'_> {
    fn watch<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.closed.set(true);
        }
        result
    }
}

impl Write for Results<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let result = self.out.write(buffer);
        self.watch(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.watch(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_cause_that_its_error_repeats_is_said_once() {
        let inner = io::Error::other("disk full");
        let error = Err::<(), _>(inner).context("a.csv: cannot write: disk full").expect_err("an error");
        assert_eq!(chain(&error), "a.csv: cannot write: disk full");
        let other = Err::<(), _>(io::Error::other("disk full")).context("a.csv").expect_err("an error");
        assert_eq!(chain(&other), "a.csv: disk full");
    }
}
