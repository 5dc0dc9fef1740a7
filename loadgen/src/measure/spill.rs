//! Records on their way to the disk: a compact form that costs the measured run little.
//!
//! Each record is its length and its fields in order, little-endian; texts have their length before them. A file that
//! ends within a record, as after a kill, reads up to the last whole one.

use std::io::{self, Read};
use std::time::Duration;

use faaslens_schemas::time::Timestamp;

use super::class::Class;
use super::record::Record;

/// First bytes of a file of records; the digit is the version.
pub(crate) const MAGIC: &[u8; 8] = b"FLREC\0\0\x01";
/// Bytes of a text at most.
const MAX_TEXT: usize = 4096;
/// Bytes of a record at most.
const MAX_RECORD: usize = 6 * MAX_TEXT + 256;
/// Stands for an unknown duration.
const NONE: u64 = u64::MAX;

/// Appends a record.
pub(crate) fn write(record: &Record, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&record.site.to_le_bytes());
    out.extend_from_slice(&record.phase.to_le_bytes());
    out.extend_from_slice(&[record.class.number(), u8::from(record.reused), record.retries, record.redirects]);
    out.extend_from_slice(&record.status.unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&record.threads.to_le_bytes());
    out.extend_from_slice(&record.group_threads.to_le_bytes());
    out.extend_from_slice(&record.sent.micros().to_le_bytes());
    out.extend_from_slice(&record.scheduled.map_or(i64::MIN, Timestamp::micros).to_le_bytes());
    let durations = [
        record.late,
        record.corrected,
        record.resolved,
        record.connected,
        record.secured,
        record.first_byte,
        Some(record.elapsed),
        Some(record.idle),
    ];
    let numbers = durations.map(|d| d.map_or(NONE, nanos)).into_iter();
    for number in numbers.chain([record.user, record.bytes_received, record.bytes_sent]) {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for text in [&record.thread, &record.url, &record.context, &record.pair, &record.message] {
        let text = shortened(text);
        out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    let length = u32::try_from(out.len() - start - 4).unwrap_or(0);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NONE - 1)
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Records of a file, one after the other.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    file: R,
    buffer: Vec<u8>,
    /// Whether the file has ended after a whole record, as far as it was read.
    pub(crate) whole: bool,
}

impl<R: Read> Reader<R> {
    /// Begins to read; refuses a file of something else.
    pub(crate) fn new(mut file: R) -> io::Result<Self> {
        let mut magic = [0; 8];
        if !fill(&mut file, &mut magic)? || &magic != MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "expected records of faaslens loadgen"));
        }
        Ok(Self { file, buffer: Vec::new(), whole: true })
    }

    /// The next record; `None` at the end, also at that of a file that was cut off.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record>> {
        let mut length = [0; 4];
        let begun = fill_some(&mut self.file, &mut length)?;
        if begun == 0 {
            return Ok(None);
        }
        let length = u32::from_le_bytes(length) as usize;
        if begun < 4 || length > MAX_RECORD {
            self.whole = false;
            return Ok(None);
        }
        self.buffer.resize(length, 0);
        let record =
            if fill(&mut self.file, &mut self.buffer)? { (Fields { rest: &self.buffer }).record() } else { None };
        self.whole = record.is_some();
        Ok(record)
    }
}

/// Fills the buffer as far as the file goes; gives how far that was.
fn fill_some(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Fills the buffer; false where the file ends before.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    Ok(fill_some(file, buffer)? == buffer.len())
}

/// A duration, unless it is unknown.
fn known(nanos: u64) -> Option<Duration> {
    (nanos != NONE).then(|| Duration::from_nanos(nanos))
}

struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn nanos(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(u16::from_le_bytes(self.bytes()?));
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn record(mut self) -> Option<Record> {
        let site = u16::from_le_bytes(self.bytes()?);
        let phase = u16::from_le_bytes(self.bytes()?);
        let [class, reused, retries, redirects] = self.bytes()?;
        let status = u16::from_le_bytes(self.bytes()?);
        let threads = u32::from_le_bytes(self.bytes()?);
        let group_threads = u32::from_le_bytes(self.bytes()?);
        let sent = Timestamp::from_micros(i64::from_le_bytes(self.bytes()?));
        let scheduled = i64::from_le_bytes(self.bytes()?);
        let late = known(self.nanos()?);
        let corrected = known(self.nanos()?);
        let resolved = known(self.nanos()?);
        let connected = known(self.nanos()?);
        let secured = known(self.nanos()?);
        let first_byte = known(self.nanos()?);
        let elapsed = known(self.nanos()?)?;
        let idle = known(self.nanos()?)?;
        let user = u64::from_le_bytes(self.bytes()?);
        let bytes_received = u64::from_le_bytes(self.bytes()?);
        let bytes_sent = u64::from_le_bytes(self.bytes()?);
        Some(Record {
            site,
            phase,
            user,
            scheduled: (scheduled != i64::MIN).then(|| Timestamp::from_micros(scheduled)),
            sent,
            late,
            corrected,
            resolved,
            connected,
            secured,
            first_byte,
            elapsed,
            idle,
            status: (status > 0).then_some(status),
            class: Class::from_number(class)?,
            reused: reused > 0,
            retries,
            redirects,
            bytes_received,
            bytes_sent,
            threads,
            group_threads,
            thread: self.text()?,
            url: self.text()?,
            context: self.text()?,
            pair: self.text()?,
            message: self.text()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: u64) -> Record {
        Record {
            site: 3,
            phase: 1,
            user: n,
            thread: format!("user-{n}"),
            scheduled: n.is_multiple_of(2).then(|| Timestamp::from_micros(5)),
            sent: Timestamp::from_micros(7),
            late: None,
            corrected: Some(Duration::from_nanos(11)),
            resolved: None,
            connected: Some(Duration::from_nanos(n)),
            secured: None,
            first_byte: Some(Duration::ZERO),
            elapsed: Duration::from_millis(9),
            idle: Duration::ZERO,
            status: Some(200),
            class: Class::Status5xx,
            reused: true,
            retries: 1,
            redirects: 2,
            bytes_received: 1 << 40,
            bytes_sent: 0,
            threads: 9,
            group_threads: 8,
            url: "http://a/é".to_owned(),
            context: "c".to_owned(),
            pair: "c-p".to_owned(),
            message: String::new(),
        }
    }

    #[test]
    fn records_come_back_and_a_cut_file_reads_up_to_the_last_whole_one() {
        let mut file = MAGIC.to_vec();
        let records: Vec<Record> = (0..5).map(sample).collect();
        for record in &records {
            write(record, &mut file);
        }
        assert_eq!(all(&file), (records, true));
        for cut in MAGIC.len()..file.len() {
            let (found, whole) = all(&file[..cut]);
            assert!(found.len() < 5);
            assert_eq!(whole, cut == ends_of(&file)[found.len()], "{cut}");
        }
    }

    /// All records of a file, and whether it ended after a whole one.
    fn all(file: &[u8]) -> (Vec<Record>, bool) {
        let mut reader = Reader::new(file).expect("a file of records");
        let mut found = Vec::new();
        while let Some(record) = reader.next().expect("bytes") {
            found.push(record);
        }
        (found, reader.whole)
    }

    /// Where records end, from the start of the file on.
    fn ends_of(file: &[u8]) -> Vec<usize> {
        let mut ends = vec![MAGIC.len()];
        while let Some(at) = ends.last().copied().filter(|at| *at < file.len()) {
            let length = u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
            ends.push(at + 4 + length as usize);
        }
        ends
    }

    #[test]
    fn long_texts_are_cut_at_a_letter() {
        let mut record = sample(1);
        record.url = "é".repeat(5000);
        let mut file = MAGIC.to_vec();
        write(&record, &mut file);
        assert_eq!(all(&file).0[0].url.len(), MAX_TEXT);
    }
}
