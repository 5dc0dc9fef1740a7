//! What a load says on the terminal: the lines that its profile logs, and its summary.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use faaslens_loadgen::engine;
use faaslens_loadgen::output::Summary;

use crate::printer::Printer;

/// Lines that a profile logs, on standard error unless quiet.
#[derive(Debug)]
pub(super) struct Notes {
    quiet: bool,
    lines: Mutex<u64>,
}

/// Lines of a profile that are shown.
const LOG_LINES: u64 = 20;

impl Notes {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, lines: Mutex::new(0) }
    }
}

impl engine::Log for Notes {
    fn line(&self, text: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        *lines += 1;
        if *lines <= LOG_LINES {
            let printer = Printer::new(self.quiet);
            printer.note(&format!("log: {text}"));
            if *lines == LOG_LINES {
                printer.note("log: further lines are left out");
            }
        }
    }
}

fn known(n: Option<u64>) -> String {
    n.map_or_else(|| "n/a".to_owned(), |n| n.to_string())
}

/// The summary as a person reads it.
pub(super) fn summary_text(summary: &Summary) -> String {
    let mut text = format!(
        "{} requests in {:.1} s ({:.1}/s), {} failed; {} arrivals, {} dropped, {} overdue, {} abandoned\n",
        summary.requests,
        summary.length_s,
        summary.requests_per_s,
        summary.failed,
        known(summary.arrivals),
        known(summary.dropped),
        known(summary.overdue),
        known(summary.abandoned)
    );
    let classes: Vec<String> = summary.classes.iter().map(|(class, n)| format!("{class} {n}")).collect();
    writeln!(text, "outcomes: {}\n", if classes.is_empty() { "none".to_owned() } else { classes.join(", ") })
        .unwrap_or_default();
    text.push_str("ms                     n       p50       p90       p95       p99     p99.9       max\n");
    let rows = [
        ("response", &summary.response_ms),
        ("corrected", &summary.corrected_ms),
        ("first byte", &summary.first_byte_ms),
        ("own lateness", &summary.late_ms),
    ];
    for (name, d) in rows {
        let cell = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"));
        write!(text, "{name:<14} {:>9}", d.n).unwrap_or_default();
        for value in [d.p50, d.p90, d.p95, d.p99, d.p99_9, d.max] {
            write!(text, " {:>9}", cell(value)).unwrap_or_default();
        }
        text.push('\n');
    }
    text
}
