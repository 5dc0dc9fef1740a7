//! Reading one block: finding the records, taking them apart, accounting for everything between them.

use std::borrow::Cow;

use faaslens_schemas::tables::{PlatformRecord, Reject};
use xxhash_rust::xxh3::xxh3_64;

use super::attribution::{Attributed, Attribution};
use super::blocks::Block;
use super::columns::BlockColumns;
use super::statements::Statements;
use super::{InputFile, Rules};
use crate::formats::befaas::{self, Record, Refusal};
use crate::formats::{Dialect, Findings, Gap, Statement, TEXT};
use crate::redact::excerpt;

/// Bytes of a reject that are kept.
const EXCERPT: usize = 200;

/// What a block holds.
pub(super) struct Scanned {
    pub(super) sequence: u64,
    pub(super) file: usize,
    pub(super) events: BlockColumns,
    pub(super) statements: Statements,
    pub(super) rejects: Vec<Reject>,
    /// Hosts of executors, by key of the block's dictionary.
    pub(super) hosts: Vec<(u32, String)>,
    /// Line feeds in the block: the next block's first line.
    pub(super) lines: i64,
    /// Whose the statements are, as far as only the blocks before and after tell.
    pub(super) attributed: Attributed,
    /// What is wrong with the end of the file, in its last block.
    pub(super) cut_short: Option<&'static str>,
    /// The block's buffer, to be used again.
    pub(super) buffer: Vec<u8>,
}

/// Scans a block of one of `files` into `columns`, which are empty.
pub(super) fn scan(block: Block, files: &[InputFile], rules: &Rules, columns: BlockColumns) -> Scanned {
    let file = &files[block.file];
    let Block { sequence, offset, bytes, oversized, last, .. } = block;
    let mut scan = Scan::new(&bytes, file.dialect, &file.provider, rules, columns, offset);
    scan.statements = Statements::of(&file.provider, &file.name);
    if oversized > 0 {
        scan.reject_oversized(oversized);
    }
    scan.run();
    let Scan { events, mut statements, rejects, hosts, lines, attribution, .. } = scan;
    let attributed = attribution.finish(&mut statements, &events);
    let cut_short = if last { file.dialect.end(&bytes) } else { None };
    Scanned {
        sequence,
        file: block.file,
        events,
        statements,
        rejects,
        hosts,
        lines,
        attributed,
        cut_short,
        buffer: bytes,
    }
}

/// What scanning some bytes of a format finds: records, platform statements and other lines, rejects.
///
/// For fuzzing and for tools that look at a piece of log without a store.
pub fn scan_bytes(
    bytes: &[u8],
    dialect: &dyn Dialect,
    keep_headers: bool,
) -> (usize, Vec<PlatformRecord>, Vec<Reject>) {
    let rules = Rules { deployment_id: None, keep_headers };
    let mut columns = BlockColumns::default();
    columns.reset(1);
    let mut scan = Scan::new(bytes, dialect, "", &rules, columns, 0);
    scan.run();
    let statements = (0..scan.statements.len()).map(|row| scan.statements.record(row)).collect();
    (scan.events.len(), statements, scan.rejects)
}

struct Scan<'a> {
    bytes: &'a [u8],
    dialect: &'a dyn Dialect,
    rules: &'a Rules,
    /// Offset of the block in its file.
    base: u64,
    provider_hash: u64,
    /// The block as text, where all of it is UTF-8.
    text: Option<&'a str>,
    reader: befaas::Reader<'a>,
    events: BlockColumns,
    statements: Statements,
    rejects: Vec<Reject>,
    hosts: Vec<(u32, String)>,
    /// Line feeds up to the record that is being read: they stand between records only.
    lines: i64,
    attribution: Attribution,
}

impl<'a> Scan<'a> {
    fn new(
        bytes: &'a [u8],
        dialect: &'a dyn Dialect,
        provider: &'a str,
        rules: &'a Rules,
        columns: BlockColumns,
        base: u64,
    ) -> Self {
        Self {
            bytes,
            dialect,
            rules,
            base,
            provider_hash: xxh3_64(provider.as_bytes()),
            text: simdutf8::basic::from_utf8(bytes).ok(),
            reader: befaas::Reader::default(),
            events: columns,
            statements: Statements::of(provider, ""),
            rejects: Vec::new(),
            hosts: Vec::new(),
            lines: 0,
            attribution: Attribution::new(dialect.statements_enclose_records()),
        }
    }

    fn run(&mut self) {
        let mut done = 0;
        let mut after_record = false;
        let mut next = befaas::find_marker(self.bytes);
        while let Some(marker) = next {
            let before = &self.bytes[done..marker];
            self.gap(Gap { bytes: before, offset: done, after_record, before_record: true });
            done = self.record(marker, before);
            after_record = true;
            next = befaas::find_marker(&self.bytes[done..]).map(|at| done + at);
        }
        self.gap(Gap { bytes: &self.bytes[done..], offset: done, after_record, before_record: false });
    }

    fn gap(&mut self, gap: Gap<'_>) {
        self.lines += befaas::count_lines(gap.bytes).cast_signed() as i64;
        // A line end says nothing in any format.
        if gap.bytes != b"\n" {
            let dialect = self.dialect;
            dialect.gap(gap, self);
        }
    }

    /// Reads the record at `marker`; returns where it, or the piece that is refused, ends.
    fn record(&mut self, marker: usize, before: &[u8]) -> usize {
        let bytes = self.bytes;
        let start = marker + befaas::TAG_LENGTH;
        let canonical = self.text.and_then(|text| self.reader.read(text.get(start..)?, self.rules.keep_headers));
        let general;
        let (record, length) = match canonical {
            Some(found) => found,
            None => match self.parse(start) {
                Ok((record, length)) => {
                    general = record;
                    (general.as_deref(), length)
                }
                Err(refusal) => return self.refuse(marker, refusal),
            },
        };
        let end = start + length;
        if let Some(expected) = &self.rules.deployment_id
            && record.deployment_id != Some(expected)
        {
            let found = excerpt(record.deployment_id.unwrap_or("none").as_bytes(), 64);
            let detail = format!("expected {expected}, found {found}");
            self.push_reject(&bytes[marker..end], marker, "deployment mismatch", detail);
            return end;
        }
        let appended = self.events.push(&record, self.provider_hash, self.base + marker as u64);
        self.attribution.record((appended.function, appended.executor));
        if appended.new_executor
            && let Some(host) = self.dialect.host(before)
        {
            self.hosts.push((appended.executor, host.to_owned()));
        }
        end
    }

    /// Reads a record of any form.
    #[cold]
    fn parse(&self, start: usize) -> Result<(Record<Cow<'a, str>>, usize), Refusal> {
        let line = self.rest_of_line(start);
        let (record, length) = match self.text.and_then(|text| text.get(start..start + line.len())) {
            Some(line) => befaas::parse(line, self.rules.keep_headers),
            None => befaas::parse_bytes(line, self.rules.keep_headers),
        }?;
        refuse_control(&line[..length])?;
        Ok((record, length))
    }

    fn rest_of_line(&self, start: usize) -> &'a [u8] {
        let rest = &self.bytes[start..];
        &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())]
    }

    /// Refuses the record at `marker`, up to the next one in its line or the end of the line, which is returned.
    fn refuse(&mut self, marker: usize, refusal: Refusal) -> usize {
        let start = marker + befaas::TAG_LENGTH;
        let line = self.rest_of_line(start);
        let end = start + befaas::find_marker(line).unwrap_or(line.len());
        let piece = &self.bytes[marker..end];
        let at = befaas::TAG_LENGTH + refusal.at;
        let found = piece.get(at..).unwrap_or_default();
        let found = if found.is_empty() { "the end of the line".to_owned() } else { excerpt(found, 20).into_owned() };
        let detail = format!("byte {at}: expected {}, found {found}", refusal.expected);
        self.push_reject(piece, marker, refusal.reason, detail);
        end
    }

    /// `offset` is in the block; the line is counted from the block's start until the sequencer knows better.
    fn push_reject(&mut self, piece: &[u8], offset: usize, reason: &'static str, detail: String) {
        let line = memchr::memchr_iter(b'\n', &self.bytes[..offset]).count();
        self.rejects.push(Reject {
            source: "".into(),
            offset: (self.base + offset as u64).cast_signed(),
            line: i64::try_from(line).ok(),
            length: piece.len().cast_signed() as i64,
            reason: reason.into(),
            detail,
            excerpt: excerpt(piece, EXCERPT).into_owned(),
        });
    }

    fn reject_oversized(&mut self, length: u64) {
        self.rejects.push(Reject {
            source: "".into(),
            offset: (self.base - length).cast_signed(),
            line: Some(-1),
            length: length.cast_signed(),
            reason: "line too long".into(),
            detail: format!("expected at most 16777216 bytes, found {length}"),
            excerpt: String::new(),
        });
    }
}

impl Findings for Scan<'_> {
    fn platform(&mut self, statement: &Statement<'_>, offset: usize) {
        if let Some(length) = fragment_length(statement) {
            let detail = "expected a log line, found the rest of a record".to_owned();
            // Nothing tells which of its values are secrets: no excerpt.
            self.push_reject(b"", offset, "json fragment", detail);
            // A text may be longer than its bytes: what is no UTF-8 is replaced.
            let line = &self.bytes[offset..];
            let line = memchr::memchr(b'\n', line).unwrap_or(line.len()).cast_signed() as i64;
            if let Some(reject) = self.rejects.last_mut() {
                reject.length = length.min(line);
            }
            return;
        }
        let row = self.statements.len();
        self.statements.push(statement, (self.base + offset as u64).cast_signed());
        self.attribution.statement(row, statement.kind, &mut self.statements, &self.events);
    }

    fn reject(&mut self, piece: &[u8], offset: usize, reason: &'static str, detail: String) {
        self.push_reject(piece, offset, reason, detail);
    }
}

/// Length of a text line that is the rest of a record whose beginning is lost; `None` for any other statement.
fn fragment_length(statement: &Statement<'_>) -> Option<i64> {
    let text = statement.text.as_deref().filter(|_| statement.kind == TEXT)?;
    let begins = text.trim_start().starts_with(['{', '[']);
    let is_fragment = !begins && [r#"",""#, r#"\",\""#, r#"":""#, "}}"].iter().any(|mark| text.contains(mark));
    if is_fragment { i64::try_from(text.len()).ok() } else { None }
}

/// Refuses bare control characters, which JSON does not allow in a text.
fn refuse_control(record: &[u8]) -> Result<(), Refusal> {
    match record.iter().position(|&b| b < b' ') {
        Some(at) => Err(Refusal { reason: "control character", expected: "no bare control character", at }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::plain_lines::TINYFAAS;

    #[test]
    fn line_feeds_between_records_are_all_that_a_log_has() {
        let start = r#"BEFAAS{"timestamp":1795330912945,"now":80.2,"version":"8","deploymentId":"d","fn":{"id":"e","name":"f"},"#;
        let entry = r#""perf":{"mark":"start:rpcIn","name":"n","entryType":"mark","startTime":1.5,"duration":0}"#;
        let events = [
            format!(r#""event":{{"contextId":"c","xPair":"p",{entry}}}}}"#),
            r#""event":{"coldstart":true}}"#.to_owned(),
            r#""event":{"contextId":"c\nd"}}"#.to_owned(),
            format!("\"event\":{{\"contextId\":\"c\nd\",\"xPair\":\"p\",{entry}}}}}"),
        ];
        for event in &events {
            let log = format!("\n\nfirst\n{start}{event}\n{start}{event} {start}{event}\n\nlast{start}{event}\n");
            let rules = Rules::default();
            let mut columns = BlockColumns::default();
            columns.reset(1);
            let mut scan = Scan::new(log.as_bytes(), &TINYFAAS, "", &rules, columns, 0);
            scan.run();
            assert_eq!(scan.lines, log.matches('\n').count().cast_signed() as i64, "{log}");
        }
    }

    #[test]
    fn the_rest_of_a_broken_record_leaves_no_secret() {
        let log = br#"bj=a; sid=SECRETsid","accept":"*/*"}}}}"#;
        let (records, statements, rejects) = scan_bytes(log, &TINYFAAS, false);
        assert_eq!((records, statements.len()), (0, 0));
        assert_eq!((&*rejects[0].reason, &*rejects[0].excerpt, rejects[0].length), ("json fragment", "", 39));
    }
}
