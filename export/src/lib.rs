//! Exports of faaslens: call trees for the tools that people look at traces with.
//!
//! Sans-I/O: the rows of one trace go in after another, bytes come out to any [`Write`]; nothing is opened here, and
//! the same rows give the same bytes. What an export keeps in memory is said in its file; it never is the run.
//!
//! * [`FORMATS`]: every format, one file each.
//! * [`Exporter`]: what a format does with traces.
//! * [`TraceRows`]: one trace as the store has it.
//!
//! A new format is one file with a `pub(crate) static FORMAT: Format` and its line in [`FORMATS`].
//!
//! ```
//! use faaslens_export::{Scene, TraceRows, by_name};
//!
//! let format = by_name("otlp").ok_or("no such format")?;
//! let mut exporter = (format.exporter)();
//! let mut bytes = Vec::new();
//! exporter.begin(&mut bytes)?;
//! exporter.write(&Scene { run: "run-1", rows: &TraceRows::default() }, &mut bytes)?;
//! exporter.finish(&mut bytes)?;
//! assert!(bytes.is_empty(), "a trace without rows has no spans");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

mod folded;
mod jaeger;
mod otlp;
mod perfetto;
mod rows;
mod spans;

use std::io::{Result, Write};

pub use rows::{Scene, TraceRows};

/// Every format of call trees, in the order of the documentation.
pub static FORMATS: &[&Format] = &[&perfetto::FORMAT, &jaeger::FORMAT, &otlp::FORMAT, &folded::CRITICAL, &folded::ALL];

/// One format of call trees.
#[derive(Debug)]
pub struct Format {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is and which tools read it.
    pub description: &'static str,
    /// Extension of its files, without the dot.
    pub extension: &'static str,
    /// Whether it is text, which can go to a terminal.
    pub text: bool,
    /// Whether [`Exporter::survey`] has to see every trace before anything is written.
    pub surveys: bool,
    /// Begins an export.
    pub exporter: fn() -> Box<dyn Exporter>,
}

/// The format of that name.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}

/// What was left out of an export, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub count: u64,
    /// What they are and why they are left out, in the plural.
    pub what: &'static str,
}

/// Turns traces into the bytes of a format.
///
/// The caller gives every trace to [`survey`](Self::survey) first where the format asks for it, then calls
/// [`begin`](Self::begin), gives every trace to [`write`](Self::write) in the same order, and calls
/// [`finish`](Self::finish). Traces come run by run, in order of part and context.
pub trait Exporter {
    /// Sees a trace before anything is written.
    fn survey(&mut self, _scene: &Scene<'_>) {}

    /// Writes what stands before the first trace.
    ///
    /// # Errors
    /// When the bytes cannot be written.
    fn begin(&mut self, _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    /// Takes a trace, and writes what can be written of it.
    ///
    /// # Errors
    /// When the bytes cannot be written.
    fn write(&mut self, scene: &Scene<'_>, out: &mut dyn Write) -> Result<()>;

    /// Writes what stands after the last trace.
    ///
    /// # Errors
    /// When the bytes cannot be written.
    fn finish(&mut self, _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    /// What could not be written, such as calls of which nothing says when they began.
    fn left_out(&self) -> Vec<LeftOut> {
        Vec::new()
    }
}
