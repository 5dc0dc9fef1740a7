//! CSV result files of JMeter: any order and subset of columns, with a header or, in a classic layout, without.
//!
//! Separators `,`, `;` and tab are told apart by the first row. Quoting is that of RFC 4180: quoted fields may hold
//! separators, line ends and doubled quotes. A second header, written by an appended run, gives the columns from there on.
//! Without a header, a first row of 12 columns (JMeter 2), 16 (JMeter 3, or 2 with more columns) or 17 (JMeter 4 and 5)
//! is taken as the default columns of those versions; columns after the 17th are variables without a name.
//!
//! A row that does not fit is a reject. Where a broken quote has swallowed further rows, reading goes on at the next
//! line that begins like a row. Memory is bounded by [`ROW_LIMIT`].

use std::io::Read;
use std::ops::ControlFlow;

use csv_core::ReadRecordResult;

use super::jtl::{Column, Outcome, Place, Sample, Sink, Unfit, parse_count, parse_instant};
use super::window::Window;
use crate::redact;

pub use super::jtl::ROW_LIMIT;

/// Separators that are tried, in this order.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Records looked at before the file is given up as none of JMeter's.
const FIRST_RECORDS: usize = 10;

/// Bytes of a line that are looked at to tell whether a row begins there.
const LOOK_AHEAD: usize = 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Default columns of JMeter 4.0 and later.
const CLASSIC_17: &str = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,\
                          bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect";
/// Default columns of JMeter 3.1 to 3.3.
const CLASSIC_16: &str = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,\
                          bytes,sentBytes,grpThreads,allThreads,Latency,IdleTime,Connect";
/// Columns of today as far as JMeter 2.13 has them.
const URL_16: &str = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,\
                      bytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect";
/// Default columns of JMeter 2.
const CLASSIC_12: &str = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,\
                          bytes,grpThreads,allThreads,Latency";

/// Reads a CSV result file.
///
/// `source` is the name that rows and rejects carry. A read error ends the reading and is told in
/// [`Outcome::cut_short`]. A last row without a line end is kept when it has all its fields, with a note.
/// An empty input gives no row.
///
/// # Errors
/// [`Unfit`] when none of the first records is a header or a row of a classic layout.
pub fn read(reader: impl Read, source: &str, sink: &mut impl Sink) -> Result<Outcome, Unfit> {
    let mut file = File {
        window: Window::new(reader),
        record: Record::default(),
        source,
        sink,
        headers: 0,
        not_utf8: 0,
        text_stamps: false,
        open_end: false,
    };
    if let Some((layout, mut splitter)) = file.recognise()? {
        // A sink that breaks has its reason; what was read until then stands.
        let _stopped = file.read_rows(layout, &mut splitter);
    }
    Ok(file.outcome())
}

/// What the fields of a row mean, by position.
struct Layout {
    targets: Vec<Target>,
    time_stamp: usize,
    separator: u8,
}

enum Target {
    Known(Column),
    Variable(String),
}

impl Layout {
    /// The layout that a header gives, or `None` when the fields are no header.
    fn of_header(record: &Record, separator: u8) -> Option<Self> {
        let mut targets: Vec<Target> = Vec::with_capacity(record.len());
        let mut time_stamp = None;
        for i in 0..record.len() {
            let text = record.text(i);
            let name = text.trim_start_matches('\u{feff}').trim();
            let known = Column::by_csv_name(name).filter(|column| !has(&targets, *column));
            if known == Some(Column::TimeStamp) {
                time_stamp = Some(i);
            }
            targets.push(known.map_or_else(|| Target::Variable(new_name(&targets, name, i)), Target::Known));
        }
        Some(Self { targets, time_stamp: time_stamp?, separator })
    }

    /// The classic layout that a row without a header fits.
    fn of_row(record: &Record, separator: u8) -> Option<Self> {
        [CLASSIC_17, CLASSIC_16, URL_16, CLASSIC_12].into_iter().find_map(|names| {
            let columns: Vec<Column> = names.split(',').filter_map(Column::by_csv_name).collect();
            let fits = record.len() == columns.len() || (names == CLASSIC_17 && record.len() > columns.len());
            if !fits || !columns.iter().enumerate().all(|(i, column)| plausible(*column, &record.text(i))) {
                return None;
            }
            let unnamed = (columns.len()..record.len()).map(|i| Target::Variable(format!("column_{}", i + 1)));
            let targets = columns.iter().copied().map(Target::Known).chain(unnamed).collect();
            Some(Self { targets, time_stamp: 0, separator })
        })
    }

    /// Whether a row, or a header, seems to begin here: the field at the place of the time stamp says so.
    fn begins(&self, line: &[u8]) -> bool {
        let line = &line[..line.len().min(LOOK_AHEAD)];
        let line = &line[..memchr::memchr2(b'\n', b'\r', line).unwrap_or(line.len())];
        let mut fields = line.split(|b| *b == self.separator);
        let Some(field) = fields.nth(self.time_stamp) else { return false };
        // The field must be whole: another one follows, unless it is the last.
        if fields.next().is_none() && self.time_stamp + 1 < self.targets.len() {
            return false;
        }
        let text = String::from_utf8_lossy(field);
        let text = text.trim_matches('"');
        (!text.is_empty() && parse_instant(text).is_some()) || text.eq_ignore_ascii_case(Column::TimeStamp.name())
    }
}

fn has(targets: &[Target], wanted: Column) -> bool {
    targets.iter().any(|target| matches!(target, Target::Known(column) if *column == wanted))
}

/// The name of a further column, made different from those before it.
fn new_name(targets: &[Target], name: &str, position: usize) -> String {
    let taken = |candidate: &str| targets.iter().any(|t| matches!(t, Target::Variable(other) if other == candidate));
    let plain = if name.is_empty() { format!("column_{}", position + 1) } else { name.to_owned() };
    if taken(&plain) { format!("{plain}_{}", position + 1) } else { plain }
}

/// Whether a value could be one of that column; decides only which classic layout a first row has.
fn plausible(column: Column, text: &str) -> bool {
    match column {
        Column::TimeStamp => !text.is_empty() && parse_instant(text).is_some(),
        Column::Elapsed => parse_count(text).is_some(),
        Column::Success => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        Column::Bytes
        | Column::SentBytes
        | Column::GrpThreads
        | Column::AllThreads
        | Column::Latency
        | Column::IdleTime
        | Column::Connect => text.is_empty() || parse_count(text).is_some(),
        _ => true,
    }
}

/// The fields of one record, unquoted.
#[derive(Default)]
struct Record {
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl Record {
    fn len(&self) -> usize {
        self.fields
    }

    fn bytes(&self, i: usize) -> &[u8] {
        let from = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[from..self.ends[i]]
    }

    fn text(&self, i: usize) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes(i))
    }
}

/// What stands at the beginning of the window.
enum Cut {
    /// A record of so many bytes, with its line end.
    Record(usize),
    /// A record of more than [`ROW_LIMIT`] bytes.
    TooLong,
    /// Nothing.
    End,
}

struct File<'a, R, S> {
    window: Window<R>,
    record: Record,
    source: &'a str,
    sink: &'a mut S,
    headers: u64,
    not_utf8: u64,
    text_stamps: bool,
    open_end: bool,
}

impl<R: Read, S: Sink> File<'_, R, S> {
    /// Finds the separator and the layout. A header is consumed; a row is left for [`File::read_rows`].
    fn recognise(&mut self) -> Result<Option<(Layout, csv_core::Reader)>, Unfit> {
        let mut before = Vec::new();
        let mut first = None;
        for _ in 0..FIRST_RECORDS {
            for separator in SEPARATORS {
                let mut splitter = csv_core::ReaderBuilder::new().delimiter(separator).build();
                let Cut::Record(length) = self.cut(&mut splitter) else { continue };
                let of_row = Layout::of_row(&self.record, separator);
                let has_header = of_row.is_none();
                let Some(layout) = of_row.or_else(|| Layout::of_header(&self.record, separator)) else { continue };
                if has_header {
                    self.window.consume(length);
                }
                // A sink that breaks here breaks again at the first row.
                let _stopped = before.into_iter().try_for_each(|reject| self.sink.reject(reject));
                return Ok(Some((layout, splitter)));
            }
            if self.window.bytes().is_empty() {
                break;
            }
            self.window.ensure(500);
            let mut head = self.window.bytes()[..self.window.bytes().len().min(500)].to_vec();
            let (offset, line) = (self.window.offset(), self.window.line());
            let (length, _) = self.window.skip_past(b"\n");
            head.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            first.get_or_insert_with(|| redact::excerpt(&head[..head.len().min(80)], 80).into_owned());
            let detail = "expected a header with timeStamp or a row of 12, 16 or 17 columns".to_owned();
            before.push(Place { source: self.source, offset, line }.reject(length, "no row", detail, &head));
        }
        let Some(first) = first else { return Ok(None) };
        let expected = "a header with timeStamp, or rows of 12, 16 or 17 columns (separated by a comma, a semicolon or \
                        a tab), or XML with <testResults>";
        Err(Unfit { expected: expected.to_owned(), found: format!("not a JMeter result file: it begins {first:?}") })
    }

    fn read_rows(&mut self, mut layout: Layout, splitter: &mut csv_core::Reader) -> ControlFlow<()> {
        loop {
            match self.cut(splitter) {
                Cut::End => return ControlFlow::Continue(()),
                Cut::TooLong => self.refuse_long(&layout)?,
                Cut::Record(length) => {
                    if let Some(next) = self.take(&layout, length)? {
                        layout = next;
                    }
                }
            }
        }
    }

    /// Splits the record at the beginning of the window into its fields, without consuming it.
    fn cut(&mut self, splitter: &mut csv_core::Reader) -> Cut {
        self.skip_blank();
        splitter.reset();
        let (mut used, mut written, mut fields) = (0, 0, 0);
        let record = &mut self.record;
        loop {
            if used == self.window.bytes().len() {
                self.window.fill();
            }
            let input = &self.window.bytes()[used..];
            let (result, n_in, n_out, n_ends) =
                splitter.read_record(input, &mut record.text[written..], &mut record.ends[fields..]);
            used += n_in;
            written += n_out;
            fields += n_ends;
            if used > ROW_LIMIT {
                return Cut::TooLong;
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => record.text.resize((record.text.len() * 2).max(1024), 0),
                ReadRecordResult::OutputEndsFull => record.ends.resize((record.ends.len() * 2).max(32), 0),
                ReadRecordResult::Record => {
                    record.fields = fields;
                    return Cut::Record(used);
                }
                ReadRecordResult::End => return Cut::End,
            }
        }
    }

    /// Consumes empty lines and byte order marks.
    fn skip_blank(&mut self) {
        while self.window.ensure(1) {
            let bytes = self.window.bytes();
            let blank = bytes.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
            self.window.consume(blank);
            if blank == 0 && self.window.bytes()[0] != BYTE_ORDER_MARK[0] {
                return;
            }
            if blank == 0 {
                self.window.ensure(BYTE_ORDER_MARK.len());
                if !self.window.bytes().starts_with(BYTE_ORDER_MARK) {
                    return;
                }
                self.window.consume(BYTE_ORDER_MARK.len());
            }
        }
    }

    /// Turns the record into a row or a reject; gives the new layout when it is a header.
    fn take(&mut self, layout: &Layout, length: usize) -> ControlFlow<(), Option<Layout>> {
        let raw = &self.window.bytes()[..length];
        let open_end = !raw.ends_with(b"\n") && !raw.ends_with(b"\r");
        let several_lines = memchr::memchr(b'\n', &raw[..length - 1]).is_some();
        let broken_quote = (open_end || several_lines) && !is_well_quoted(raw, layout.separator);
        if let Some(next) = self.header(layout) {
            self.headers += 1;
            self.window.consume(length);
            return ControlFlow::Continue(Some(next));
        }
        let found = self.record.len();
        if found != layout.targets.len() || broken_quote {
            let expected = layout.targets.len();
            let quote = if broken_quote { ", one with a broken quote" } else { "" };
            let detail = format!("expected {expected} fields, found {found}{quote}");
            let reason = match (open_end, broken_quote) {
                (true, _) => "truncated row",
                (false, true) => "broken quote",
                (false, false) => "field count",
            };
            return self.refuse_record(layout, length, reason, detail);
        }
        let place = Place { source: self.source, offset: self.window.offset(), line: self.window.line() };
        match self.sample(layout).row(place) {
            Err(bad) => return self.refuse_record(layout, length, "bad value", bad.to_string()),
            Ok(row) => {
                self.note_row(layout, open_end);
                self.window.consume(length);
                self.sink.row(row)?;
            }
        }
        ControlFlow::Continue(None)
    }

    /// The layout that the record gives when it is a header.
    fn header(&self, layout: &Layout) -> Option<Layout> {
        let name = Column::TimeStamp.name();
        let at_stamp = (layout.time_stamp < self.record.len()).then(|| self.record.text(layout.time_stamp));
        if at_stamp.is_some_and(|text| !text.is_empty() && parse_instant(&text).is_some()) {
            return None;
        }
        let named = (0..self.record.len())
            .any(|i| self.record.text(i).trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(name));
        named.then(|| Layout::of_header(&self.record, layout.separator)).flatten()
    }

    fn sample<'r>(&'r self, layout: &Layout) -> Sample<'r> {
        let mut sample = Sample::default();
        for (i, target) in layout.targets.iter().enumerate() {
            match target {
                Target::Known(column) => sample.set(*column, self.record.text(i)),
                Target::Variable(name) => sample.set_variable(name, &self.record.text(i)),
            }
        }
        sample
    }

    fn note_row(&mut self, layout: &Layout, open_end: bool) {
        self.open_end |= open_end;
        self.text_stamps |= self.record.bytes(layout.time_stamp).contains(&b':');
        self.not_utf8 += u64::from((0..self.record.len()).any(|i| std::str::from_utf8(self.record.bytes(i)).is_err()));
    }

    /// Rejects the record, or only its first lines where a row begins inside of it.
    fn refuse_record(
        &mut self,
        layout: &Layout,
        length: usize,
        reason: &'static str,
        detail: String,
    ) -> ControlFlow<(), Option<Layout>> {
        let raw = &self.window.bytes()[..length];
        let next_row = memchr::memchr_iter(b'\n', raw).map(|at| at + 1).find(|at| layout.begins(&raw[*at..]));
        let taken = next_row.unwrap_or(length);
        let reason = if next_row.is_some() { "broken quote" } else { reason };
        let place = Place { source: self.source, offset: self.window.offset(), line: self.window.line() };
        let reject = place.reject(taken as u64, reason, detail, &raw[..taken]);
        self.window.consume(taken);
        self.sink.reject(reject)?;
        ControlFlow::Continue(None)
    }

    /// Skips a record that is too long, up to the next line that begins like a row.
    fn refuse_long(&mut self, layout: &Layout) -> ControlFlow<()> {
        let head = self.window.bytes()[..500].to_vec();
        let (offset, line) = (self.window.offset(), self.window.line());
        loop {
            let more = self.window.ensure(4 * LOOK_AHEAD);
            let bytes = self.window.bytes();
            let region = if more { bytes.len() - LOOK_AHEAD } else { bytes.len() };
            let starts = memchr::memchr_iter(b'\n', &bytes[..region]).map(|at| at + 1);
            let next_row = starts.filter(|at| *at < bytes.len()).find(|at| layout.begins(&bytes[*at..]));
            let taken = next_row.unwrap_or(region);
            self.window.consume(taken);
            if next_row.is_some() || !more {
                break;
            }
        }
        let length = self.window.offset() - offset;
        let detail = format!("expected at most {ROW_LIMIT} bytes, found {length}");
        self.sink.reject(Place { source: self.source, offset, line }.reject(length, "row too long", detail, &head))
    }

    fn outcome(self) -> Outcome {
        let mut notes = Vec::new();
        if self.headers > 0 {
            notes.push(format!("further header lines skipped: {} (several runs were appended)", self.headers));
        }
        if self.text_stamps {
            notes.push("the time stamps are text without a time zone and were taken as UTC".to_owned());
        }
        if self.not_utf8 > 0 {
            notes.push(format!("{} rows have bytes that are not UTF-8, shown as U+FFFD", self.not_utf8));
        }
        if self.open_end {
            notes.push("the last row has no line end: its last field may be cut".to_owned());
        }
        let bytes = self.window.offset();
        Outcome { format: "jmeter csv", bytes, cut_short: self.window.failure(), notes }
    }
}

/// Whether every quoted field of a record ends with a quote, a separator or the record's end behind it. Where a quote was
/// never closed, the quotes of later rows close and open it in odd places.
fn is_well_quoted(record: &[u8], separator: u8) -> bool {
    let mut rest = record;
    loop {
        if rest.first() == Some(&b'"') {
            rest = &rest[1..];
            loop {
                let Some(quote) = memchr::memchr(b'"', rest) else { return false };
                rest = &rest[quote + 1..];
                match rest.first() {
                    Some(b'"') => rest = &rest[1..],
                    Some(next) if *next != separator && !matches!(next, b'\r' | b'\n') => return false,
                    _ => break,
                }
            }
        }
        match memchr::memchr3(separator, b'\r', b'\n', rest) {
            Some(at) if rest[at] == separator => rest = &rest[at + 1..],
            _ => return true,
        }
    }
}
