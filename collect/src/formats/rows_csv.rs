//! Rows of a CSV file with a header, for result files whose columns are known by name.
//!
//! Quoting is that of RFC 4180. A row with another number of fields than the header, and one that is too long, is a reject. Memory
//! is bounded by [`ROW_LIMIT`].

use std::borrow::Cow;
use std::io::Read;
use std::ops::ControlFlow;

use csv_core::ReadRecordResult;

use super::jtl::{Outcome, Place, ROW_LIMIT, Sink, Unfit};
use super::window::Window;
use crate::redact;

/// The fields of one row.
#[derive(Debug, Default)]
pub(super) struct Row {
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl Row {
    /// Number of fields.
    fn len(&self) -> usize {
        self.fields
    }

    /// A field; empty beyond the last one.
    pub(super) fn text(&self, field: usize) -> Cow<'_, str> {
        let from = if field == 0 { Some(0) } else { self.ends.get(field - 1).copied() };
        let bytes = match (from, self.ends.get(field)) {
            (Some(from), Some(&to)) if field < self.fields => self.text.get(from..to).unwrap_or_default(),
            _ => &[],
        };
        String::from_utf8_lossy(bytes)
    }
}

/// What a format does with its rows.
pub(super) trait Layout: Sized {
    /// What a header of the format has, for messages.
    const EXPECTED: &'static str;
    /// Format, as in the manifest.
    const FORMAT: &'static str;

    /// The layout of a header; `None` when it is none of the format.
    fn of_header(names: &[String]) -> Option<Self>;

    /// Takes a row; a text is why it is none.
    fn row(&mut self, row: &Row, place: Place<'_>, sink: &mut impl Sink) -> Result<ControlFlow<()>, String>;

    /// Gives what is left at the end, and what the reader took for granted.
    fn end(self, _sink: &mut impl Sink) -> Vec<String> {
        Vec::new()
    }
}

/// Reads a file with a layout that `make` makes of its header.
///
/// # Errors
/// [`Unfit`] when the first row is no header of the format. An empty file gives no row.
pub(super) fn read<L: Layout, S: Sink>(
    reader: impl Read,
    source: &str,
    prepare: impl FnOnce(&mut L),
    sink: &mut S,
) -> Result<Outcome, Unfit> {
    let mut file = File { window: Window::new(reader), row: Row::default(), splitter: csv_core::Reader::new() };
    let mut notes = Vec::new();
    if let Some(length) = file.cut() {
        let names: Vec<String> =
            (0..file.row.len()).map(|n| file.row.text(n).trim_start_matches('\u{feff}').trim().to_owned()).collect();
        let found = length.ok().and_then(|length| Some((L::of_header(&names)?, length)));
        let Some((mut layout, length)) = found else {
            file.window.ensure(80);
            let head = &file.window.bytes()[..file.window.bytes().len().min(80)];
            let found = format!("it begins {:?}", redact::excerpt(head, 80));
            return Err(Unfit { expected: L::EXPECTED.to_owned(), found });
        };
        file.window.consume(length);
        prepare(&mut layout);
        // A sink that breaks has its reason; what was read until then stands.
        let _stopped = file.rows(names.len(), source, &mut layout, sink);
        notes = layout.end(sink);
    }
    let bytes = file.window.offset();
    Ok(Outcome { format: L::FORMAT, bytes, cut_short: file.window.failure(), notes })
}

struct File<R> {
    window: Window<R>,
    row: Row,
    splitter: csv_core::Reader,
}

/// A row that is too long.
struct TooLong;

impl<R: Read> File<R> {
    /// Splits the row at the beginning of the window, without consuming it; its length, or `None` at the end.
    fn cut(&mut self) -> Option<Result<usize, TooLong>> {
        while self.window.ensure(1) && matches!(self.window.bytes()[0], b'\n' | b'\r') {
            self.window.consume(1);
        }
        self.splitter.reset();
        let (mut used, mut written, mut fields) = (0, 0, 0);
        let row = &mut self.row;
        loop {
            if used == self.window.bytes().len() {
                self.window.fill();
            }
            let input = &self.window.bytes()[used..];
            let (result, n_in, n_out, n_ends) =
                self.splitter.read_record(input, &mut row.text[written..], &mut row.ends[fields..]);
            (used, written, fields) = (used + n_in, written + n_out, fields + n_ends);
            if used > ROW_LIMIT {
                return Some(Err(TooLong));
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => row.text.resize((row.text.len() * 2).max(1024), 0),
                ReadRecordResult::OutputEndsFull => row.ends.resize((row.ends.len() * 2).max(32), 0),
                ReadRecordResult::Record => {
                    row.fields = fields;
                    return Some(Ok(used));
                }
                ReadRecordResult::End => return None,
            }
        }
    }

    fn rows<L: Layout, S: Sink>(
        &mut self,
        fields: usize,
        source: &str,
        layout: &mut L,
        sink: &mut S,
    ) -> ControlFlow<()> {
        while let Some(cut) = self.cut() {
            let place = Place { source, offset: self.window.offset(), line: self.window.line() };
            let Ok(length) = cut else {
                self.window.ensure(500);
                let head = self.window.bytes()[..500].to_vec();
                let (skipped, _) = self.window.skip_past(b"\n");
                let detail = format!("expected at most {ROW_LIMIT} bytes, found {skipped}");
                sink.reject(place.reject(skipped, "row too long", detail, &head))?;
                continue;
            };
            let raw = &self.window.bytes()[..length];
            let open_end = !raw.ends_with(b"\n") && !raw.ends_with(b"\r");
            let found = self.row.len();
            if found == fields {
                match layout.row(&self.row, place, sink) {
                    Ok(flow) => flow?,
                    Err(detail) => sink.reject(place.reject(length as u64, "bad value", detail, raw))?,
                }
            } else {
                let reason = if open_end { "truncated row" } else { "field count" };
                let detail = format!("expected {fields} fields, found {found}");
                sink.reject(place.reject(length as u64, reason, detail, raw))?;
            }
            self.window.consume(length);
        }
        ControlFlow::Continue(())
    }
}

/// A number of seconds that is not negative, in milliseconds.
pub(super) fn seconds_ms(name: &str, text: &str) -> Result<f64, String> {
    let seconds = text.trim().parse::<f64>().ok().filter(|seconds| (0.0..1e9).contains(seconds));
    let seconds =
        seconds.ok_or_else(|| format!("{name}: expected seconds, found {:?}", redact::excerpt(text.as_bytes(), 60)))?;
    // Decimal digits of the file, not of the multiplication: nanoseconds.
    Ok((seconds * 1e9).round() / 1e6)
}
