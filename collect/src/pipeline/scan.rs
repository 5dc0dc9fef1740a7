//! Reading one block: finding the records, taking them apart, accounting for everything between them.

use faaslens_schemas::table::Label;
use faaslens_schemas::tables::{PlatformRecord, Reject};
use memchr::memmem::Finder;
use xxhash_rust::xxh3::xxh3_64;

use super::blocks::Block;
use super::columns::{BlockColumns, label};
use super::{InputFile, Rules};
use crate::formats::befaas::{self, Record, Refusal};
use crate::formats::{Dialect, Findings, Gap};
use crate::redact::excerpt;

/// Platform statements that a block has room for at once.
const STATEMENTS: usize = 256;

/// Bytes of a reject that are kept.
const EXCERPT: usize = 200;

/// What a block holds.
pub(super) struct Scanned {
    pub(super) sequence: u64,
    pub(super) file: usize,
    pub(super) events: BlockColumns,
    pub(super) platform: Vec<PlatformRecord>,
    pub(super) rejects: Vec<Reject>,
    /// Hosts of executors, by key of the block's dictionary.
    pub(super) hosts: Vec<(u32, String)>,
    /// Line feeds in the block: the next block's first line.
    pub(super) lines: i64,
    /// Platform statements whose execution began in an earlier block.
    pub(super) inherit: Vec<usize>,
    /// Platform statements whose records begin in a later block.
    pub(super) open: Vec<usize>,
    /// Whose records come first, for the statements that the block before left open.
    pub(super) lead: Option<Lead>,
    /// Function and executor that statements at the start of the next block belong to; `None` to pass on what this
    /// block itself inherited.
    pub(super) bequest: Bequest,
    /// What is wrong with the end of the file, in its last block.
    pub(super) cut_short: Option<&'static str>,
    /// The block's buffer, to be used again.
    pub(super) buffer: Vec<u8>,
}

/// Function and executor of the first records of a block.
pub(super) struct Lead {
    pub(super) function: Label,
    pub(super) executor: Label,
    /// Executions that began in the block before them: an initialisation still belongs to the first of these.
    pub(super) starts: usize,
}

/// Whose execution goes on in the next block.
pub(super) enum Bequest {
    /// That of the block before: this one says nothing.
    Inherited,
    /// Nobody's, or it cannot be told.
    Nobody,
    /// That of a function's executor.
    Executor(Label, Label),
}

/// Scans a block of one of `files` into `columns`, which are empty.
pub(super) fn scan(block: Block, files: &[InputFile], rules: &Rules, columns: BlockColumns) -> Scanned {
    let file = &files[block.file];
    let Block { sequence, offset, bytes, oversized, last, .. } = block;
    let mut scan = Scan::new(&bytes, file.dialect, &file.provider, rules, columns, offset);
    if oversized > 0 {
        scan.reject_oversized(oversized);
    }
    scan.run();
    let bequest = scan.attribution.bequest(&scan.events);
    let lead = scan.attribution.lead(&scan.events);
    let open = scan.attribution.close(&mut scan.platform, &scan.events);
    let Scan { events, platform, rejects, hosts, attribution, .. } = scan;
    let cut_short = if last { file.dialect.end(&bytes) } else { None };
    let lines = i64::try_from(memchr::memchr_iter(b'\n', &bytes).count()).unwrap_or(i64::MAX);
    Scanned {
        sequence,
        file: block.file,
        events,
        platform,
        rejects,
        hosts,
        lines,
        inherit: attribution.inherit,
        open,
        lead,
        bequest,
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
    (scan.events.len(), scan.platform, scan.rejects)
}

struct Scan<'a> {
    bytes: &'a [u8],
    dialect: &'a dyn Dialect,
    rules: &'a Rules,
    /// Offset of the block in its file.
    base: u64,
    provider: Label,
    provider_hash: u64,
    /// The block as text, where all of it is UTF-8.
    text: Option<&'a str>,
    reader: befaas::Reader<'a>,
    events: BlockColumns,
    platform: Vec<PlatformRecord>,
    rejects: Vec<Reject>,
    hosts: Vec<(u32, String)>,
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
            provider: provider.into(),
            provider_hash: xxh3_64(provider.as_bytes()),
            text: std::str::from_utf8(bytes).ok(),
            reader: befaas::Reader::default(),
            events: columns,
            platform: Vec::with_capacity(STATEMENTS),
            rejects: Vec::new(),
            hosts: Vec::new(),
            attribution: Attribution::new(dialect.statements_enclose_records()),
        }
    }

    fn run(&mut self) {
        let finder = Finder::new(befaas::MARKER);
        let mut done = 0;
        let mut after_record = false;
        let mut next = finder.find(self.bytes);
        while let Some(marker) = next {
            let before = &self.bytes[done..marker];
            self.gap(Gap { bytes: before, offset: done, after_record, before_record: true });
            done = self.record(marker, before, &finder);
            after_record = true;
            next = finder.find(&self.bytes[done..]).map(|at| done + at);
        }
        self.gap(Gap { bytes: &self.bytes[done..], offset: done, after_record, before_record: false });
    }

    fn gap(&mut self, gap: Gap<'_>) {
        let dialect = self.dialect;
        dialect.gap(gap, self);
    }

    /// Reads the record at `marker`; returns where it, or the piece that is refused, ends.
    fn record(&mut self, marker: usize, before: &[u8], finder: &Finder<'_>) -> usize {
        let bytes = self.bytes;
        let start = marker + befaas::TAG_LENGTH;
        let keep_headers = self.rules.keep_headers;
        let mut record = Record::empty();
        let canonical = self.text.and_then(|text| self.reader.read(text.get(start..)?, keep_headers, &mut record));
        let length = match canonical.map_or_else(|| self.parse(start, &mut record), Ok) {
            Ok(length) => length,
            Err(refusal) => {
                let line = self.rest_of_line(start);
                let end = start + finder.find(line).unwrap_or(line.len());
                self.refuse(marker, end, refusal);
                return end;
            }
        };
        let end = start + length;
        if let Some(expected) = &self.rules.deployment_id
            && record.deployment_id.as_deref() != Some(expected)
        {
            let found = excerpt(record.deployment_id.as_deref().unwrap_or("none").as_bytes(), 64);
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
    fn parse(&self, start: usize, record: &mut Record<'a>) -> Result<usize, Refusal> {
        let line = self.rest_of_line(start);
        let (parsed, length) = match self.text.and_then(|text| text.get(start..start + line.len())) {
            Some(line) => befaas::parse(line, self.rules.keep_headers),
            None => befaas::parse_bytes(line, self.rules.keep_headers),
        }?;
        refuse_control(&line[..length])?;
        *record = parsed;
        Ok(length)
    }

    fn rest_of_line(&self, start: usize) -> &'a [u8] {
        let rest = &self.bytes[start..];
        &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())]
    }

    fn refuse(&mut self, marker: usize, end: usize, refusal: Refusal) {
        let piece = &self.bytes[marker..end];
        let at = befaas::TAG_LENGTH + refusal.at;
        let found = piece.get(at..).unwrap_or_default();
        let found = if found.is_empty() { "the end of the line".to_owned() } else { excerpt(found, 20).into_owned() };
        let detail = format!("byte {at}: expected {}, found {found}", refusal.expected);
        self.push_reject(piece, marker, refusal.reason, detail);
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
    fn platform(&mut self, mut record: PlatformRecord, offset: usize) {
        if let Some(length) = fragment_length(&record) {
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
        record.provider = self.provider.clone();
        record.offset = (self.base + offset as u64).cast_signed();
        self.platform.push(record);
        let index = self.platform.len() - 1;
        self.attribution.statement(index, &mut self.platform, &self.events);
    }

    fn reject(&mut self, piece: &[u8], offset: usize, reason: &'static str, detail: String) {
        self.push_reject(piece, offset, reason, detail);
    }
}

/// Length of a text line that is the rest of a record whose beginning is lost; `None` for any other statement.
fn fragment_length(record: &PlatformRecord) -> Option<i64> {
    let text = record.text.as_deref().filter(|_| &*record.kind == "text")?;
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

/// Whose statements the platform makes: an execution's records stand between its start and its report.
struct Attribution {
    enabled: bool,
    current: Current,
    /// Statements whose records are still to come.
    waiting: Vec<usize>,
    /// Statements whose execution began before the block.
    inherit: Vec<usize>,
    /// Executor of the first records and executions begun before them, unless a statement ended what came before.
    first: Option<((u32, u32), usize)>,
    starts: usize,
    first_is_settled: bool,
    /// Function and executor named last.
    named: Option<((u32, u32), (Label, Label))>,
}

#[derive(Clone, Copy, PartialEq)]
enum Current {
    /// Nothing but what an earlier block left.
    Inherited,
    /// An execution without records yet.
    Unknown,
    /// Records of one executor, by keys of the block's dictionaries.
    Known((u32, u32)),
    /// Records of several executors: lines are out of order.
    Ambiguous,
}

impl Attribution {
    fn new(enabled: bool) -> Self {
        Self {
            enabled,
            current: Current::Inherited,
            waiting: Vec::new(),
            inherit: Vec::new(),
            first: None,
            starts: 0,
            first_is_settled: false,
            named: None,
        }
    }

    fn record(&mut self, executor: (u32, u32)) {
        if !self.enabled {
            return;
        }
        if !self.first_is_settled {
            self.first = Some((executor, self.starts));
            self.first_is_settled = true;
        }
        self.current = match self.current {
            Current::Inherited | Current::Unknown => Current::Known(executor),
            Current::Known(known) if known == executor => self.current,
            _ => Current::Ambiguous,
        };
    }

    fn statement(&mut self, index: usize, platform: &mut [PlatformRecord], events: &BlockColumns) {
        if !self.enabled {
            return;
        }
        match &*platform[index].kind {
            "start" => self.starts += 1,
            "init_start" | "end" | "report" => self.first_is_settled = true,
            _ => {}
        }
        match &*platform[index].kind {
            "init_start" => {
                self.settle(platform, events);
                self.current = Current::Unknown;
                self.waiting.push(index);
            }
            "start" => {
                // An initialisation's statement waits on for the first execution's records.
                let initialising = matches!(self.current, Current::Known(_) | Current::Unknown)
                    && self.waiting.iter().any(|&i| &*platform[i].kind == "init_start");
                if !initialising {
                    self.settle(platform, events);
                    self.current = Current::Unknown;
                }
                self.waiting.push(index);
            }
            "end" | "report" => {
                if self.current == Current::Inherited {
                    self.inherit.push(index);
                } else {
                    self.waiting.push(index);
                    let current = self.current;
                    self.settle(platform, events);
                    self.current = current;
                }
            }
            _ => {}
        }
    }

    /// Function and executor of some keys; those asked for last are at hand.
    fn names_of(&mut self, known: (u32, u32), events: &BlockColumns) -> (Label, Label) {
        match &self.named {
            Some((named, names)) if *named == known => names.clone(),
            _ => {
                let names = names_of(known, events);
                self.named = Some((known, names.clone()));
                names
            }
        }
    }

    /// Gives the waiting statements the executor of the records seen since.
    fn settle(&mut self, platform: &mut [PlatformRecord], events: &BlockColumns) {
        let waiting = std::mem::take(&mut self.waiting);
        if let Current::Known(known) = self.current {
            for index in waiting {
                let (function, executor) = self.names_of(known, events);
                platform[index].function = Some(function);
                platform[index].executor = Some(executor);
            }
        }
    }

    /// Settles the statements whose records were seen, at the end of the block; the rest stay open.
    fn close(&mut self, platform: &mut [PlatformRecord], events: &BlockColumns) -> Vec<usize> {
        if matches!(self.current, Current::Known(_)) {
            self.settle(platform, events);
        }
        std::mem::take(&mut self.waiting)
    }

    fn lead(&self, events: &BlockColumns) -> Option<Lead> {
        let (known, starts) = self.first?;
        let (function, executor) = names_of(known, events);
        Some(Lead { function, executor, starts })
    }

    fn bequest(&self, events: &BlockColumns) -> Bequest {
        match self.current {
            Current::Inherited => Bequest::Inherited,
            Current::Unknown | Current::Ambiguous => Bequest::Nobody,
            Current::Known(known) => {
                let (function, executor) = names_of(known, events);
                Bequest::Executor(function, executor)
            }
        }
    }
}

/// Function and executor of some keys.
fn names_of((function, executor): (u32, u32), events: &BlockColumns) -> (Label, Label) {
    let name = |column: usize, key: u32| Label::from(events.dictionaries[column].get(key));
    (name(label::FUNCTION, function), name(label::EXECUTOR, executor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::plain_lines::TINYFAAS;

    #[test]
    fn the_rest_of_a_broken_record_leaves_no_secret() {
        let log = br#"bj=a; sid=SECRETsid","accept":"*/*"}}}}"#;
        let (records, statements, rejects) = scan_bytes(log, &TINYFAAS, false);
        assert_eq!((records, statements.len()), (0, 0));
        assert_eq!((&*rejects[0].reason, &*rejects[0].excerpt, rejects[0].length), ("json fragment", "", 39));
    }
}
