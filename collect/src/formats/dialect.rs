//! How a provider's log wraps instrumentation records.

use faaslens_schemas::table::Label;
use faaslens_schemas::tables::PlatformRecord;

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

/// What a dialect finds in a gap.
pub trait Findings {
    /// A platform statement or another log line, at an offset of the block. Provider, source and offset are set by
    /// the receiver.
    fn platform(&mut self, record: PlatformRecord, offset: usize);
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
    /// Before a record in its line.
    BeforeRecord,
}

/// The lines of a gap, without line ends, with their offsets in the block and their places.
pub(crate) fn lines(gap: Gap<'_>) -> impl Iterator<Item = (&[u8], usize, Place)> {
    let mut at = 0;
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let rest = &gap.bytes[at..];
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        let place = match (at == 0 && gap.after_record, end.is_none() && gap.before_record) {
            (true, _) => Place::AfterRecord,
            (false, true) => Place::BeforeRecord,
            (false, false) => Place::Whole,
        };
        let offset = gap.offset + at;
        match end {
            Some(end) => at += end + 1,
            None => done = true,
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some((line, offset, place))
    })
}

/// A line that says nothing that a column could hold, kept as text; `None` for a blank one.
pub(crate) fn text_line(line: &[u8]) -> Option<PlatformRecord> {
    let text = crate::redact::excerpt(line.trim_ascii(), 500).into_owned();
    (!text.is_empty()).then(|| PlatformRecord {
        kind: Label::fixed("text"),
        text: Some(text),
        ..PlatformRecord::default()
    })
}
