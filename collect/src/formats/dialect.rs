//! How a provider's log wraps instrumentation records.

use std::borrow::Cow;

use faaslens_schemas::time::Timestamp;

/// Text between two instrumentation records of a block, or before the first or after the last.
///
/// It holds the rest of the line (or entry) of the record before it, whole lines without a record, and the beginning
/// of the line of the record after it.
#[derive(Debug, Clone, Copy)]
pub struct Gap<'a> {
    /// The text.
    pub bytes: &'a [u8],
    /// Its offset in the block.
    pub offset: usize,
    /// Whether it follows a record in the same block.
    pub after_record: bool,
    /// Whether a record follows it in the same block.
    pub before_record: bool,
}

/// A statement of a platform about its own work, or a log line without a record, as a format reads it: a row of
/// [`PlatformRecord`](faaslens_schemas::tables::PlatformRecord), whose columns these are, without provider, executor, source and offset.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(missing_docs, reason = "PlatformRecord says what its columns mean")]
pub struct Statement<'a> {
    pub kind: &'a str,
    pub at: Option<Timestamp>,
    pub function: Option<Cow<'a, str>>,
    pub request_id: Option<Cow<'a, str>>,
    pub duration_ms: Option<f64>,
    pub billed_ms: Option<f64>,
    pub init_ms: Option<f64>,
    pub restore_ms: Option<f64>,
    pub billed_restore_ms: Option<f64>,
    pub memory_mb: Option<f64>,
    pub memory_used_mb: Option<f64>,
    pub host: Option<Cow<'a, str>>,
    pub status: Option<Cow<'a, str>>,
    pub error_type: Option<Cow<'a, str>>,
    pub trace_id: Option<Cow<'a, str>>,
    pub segment_id: Option<Cow<'a, str>>,
    pub text: Option<Cow<'a, str>>,
}

/// Kind of a line that says nothing that a column could hold.
pub(crate) const TEXT: &str = "text";

/// What a dialect finds in a gap.
pub trait Findings {
    /// A platform statement or another log line, at an offset of the block.
    fn platform(&mut self, statement: &Statement<'_>, offset: usize);
    /// A piece that cannot be read.
    fn reject(&mut self, piece: &[u8], offset: usize, reason: &'static str, detail: String);
}

/// A provider's log format, seen from its instrumentation records.
///
/// Implementors hold no state: a block is read without its neighbours. They may be called from several threads, must
/// return for any bytes, and must report every non-blank byte that belongs to no record as a finding.
pub trait Dialect: Sync + std::fmt::Debug {
    /// Name of the format, as in the manifest.
    fn name(&self) -> &'static str;

    /// Where the last whole unit of a buffer ends, so that what follows may continue in the next block; `None` when
    /// no unit ends in it. The default unit is a line.
    fn boundary(&self, buffer: &[u8]) -> Option<usize> {
        memchr::memrchr(b'\n', buffer).map(|at| at + 1)
    }

    /// Reads a gap.
    fn gap(&self, gap: Gap<'_>, findings: &mut dyn Findings);

    /// The machine or instance named in the text before a record, where the format names it.
    fn host<'a>(&self, _before: &'a [u8]) -> Option<&'a str> {
        None
    }

    /// Whether the records between two platform statements of an execution belong to it, so that function and
    /// executor of the statements can be taken from them.
    fn statements_enclose_records(&self) -> bool {
        false
    }

    /// What is wrong with the end of a file, judged by its last block.
    fn end(&self, _last_block: &[u8]) -> Option<&'static str> {
        None
    }
}

/// Where a line of a gap stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// After a record in its line.
    AfterRecord,
    /// A whole line.
    Whole,
}

/// The lines of a gap that may say something, without line ends, with their offsets in the block and their places: not
/// the blank ones, nor what stands before a record in the record's own line.
pub(crate) fn lines(gap: Gap<'_>) -> impl Iterator<Item = (&[u8], usize, Place)> {
    let Gap { bytes, offset, after_record, before_record } = gap;
    let end = match memchr::memrchr(b'\n', bytes).filter(|_| before_record) {
        Some(last) => last + 1,
        None if before_record && !after_record => 0,
        None => bytes.len(),
    };
    let mut next = 0;
    std::iter::from_fn(move || {
        while next < end {
            let (start, rest) = (next, &bytes[next..end]);
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            next += length + 1;
            let line = &rest[..length];
            if !line.trim_ascii().is_empty() {
                let place = if start == 0 && after_record { Place::AfterRecord } else { Place::Whole };
                return Some((line.strip_suffix(b"\r").unwrap_or(line), offset + start, place));
            }
        }
        None
    })
}

/// What a line says that is no statement: its text, as far as it may be kept; `None` for a blank one.
pub(crate) fn text_of(line: &[u8]) -> Option<Cow<'_, str>> {
    let line = line.trim_ascii();
    (!line.is_empty()).then(|| crate::redact::excerpt(line, 500))
}

/// A line that says nothing that a column could hold, kept as text; `None` for a blank one.
pub(crate) fn text_line(line: &[u8]) -> Option<Statement<'_>> {
    text_of(line).map(|text| Statement { kind: TEXT, text: Some(text), ..Statement::default() })
}

/// What stands before and after the first `mark`, which must be ASCII, in a short text: `str::split_once` takes its time
/// to prepare for a long one.
pub(crate) fn cut<'a, const N: usize>(text: &'a str, mark: &[u8; N]) -> Option<(&'a str, &'a str)> {
    let mut at = 0;
    loop {
        let rest = &text.as_bytes()[at..];
        at += rest.iter().position(|b| *b == mark[0])?;
        if text.as_bytes()[at..].starts_with(mark) {
            return Some((&text[..at], &text[at + N..]));
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, after_record: bool, before_record: bool) -> Vec<(String, usize, Place)> {
        let gap = Gap { bytes: text.as_bytes(), offset: 7, after_record, before_record };
        lines(gap).map(|(line, offset, place)| (String::from_utf8_lossy(line).into_owned(), offset, place)).collect()
    }

    #[test]
    fn lines_of_a_gap_are_those_that_belong_to_no_record() {
        let line = |text: &str, offset, place| (text.to_owned(), offset, place);
        let text = "rest\r\n \nwhole\nhead";
        assert_eq!(of(text, true, true), [line("rest", 7, Place::AfterRecord), line("whole", 15, Place::Whole)]);
        assert_eq!(of(text, false, true), [line("rest", 7, Place::Whole), line("whole", 15, Place::Whole)]);
        assert_eq!(of(text, false, false)[2], line("head", 21, Place::Whole));
        assert_eq!(of("between", true, true), [line("between", 7, Place::AfterRecord)]);
        assert_eq!(of("head", false, true), []);
        assert_eq!(of("\n", true, true), []);
    }

    #[test]
    fn a_text_is_cut_at_its_first_mark() {
        assert_eq!(cut("a: b: c", b": "), Some(("a", "b: c")));
        assert_eq!(cut("ä: ", b": "), Some(("ä", "")));
        assert_eq!(cut("a - b -- c", b"--"), Some(("a - b ", " c")));
        assert_eq!(cut(":", b": "), None);
    }
}
