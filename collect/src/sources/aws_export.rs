//! AWS: `CloudWatch` log groups as `CreateExportTask` writes them to S3, copied from there.
//!
//! ```text
//! <prefix>/<task>/<stream>/000000.gz      2026-11-22T07:01:55.904Z START RequestId: …
//! ```
//!
//! An event is a line that begins with a stamp and a blank, with the lines that follow it and do not. Events of a stream come in
//! any order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use xxhash_rust::xxh3::xxh3_128;

use super::local_files::{each_line, files_below};
use crate::formats::cloudwatch::CloudWatch;
use crate::formats::{Dialect, stamp};
use crate::input::Input;
use crate::living::{Api, Failure, Log, Piece, Sink, Size, Source, Window};
use crate::{Error, Result};

/// Bytes of a stamp, such as `2026-11-22T07:01:55.904Z`.
const STAMP: usize = 24;
/// Bytes of an event at most: `CloudWatch` takes 1 MiB.
const EVENT_MAX: usize = 2 << 20;

/// Folders with exported log groups.
#[derive(Debug)]
pub struct AwsExport {
    folders: Vec<PathBuf>,
}

impl AwsExport {
    /// Exports below some folders.
    ///
    /// # Errors
    /// [`Error::NothingToRead`] when a folder is none.
    pub fn new(folders: Vec<PathBuf>) -> Result<Self> {
        if let Some(path) = folders.iter().find(|folder| !folder.is_dir()) {
            let found = if path.exists() { "a file" } else { "no such folder" }.to_owned();
            return Err(Error::NothingToRead { path: path.clone(), expected: expected(), found });
        }
        Ok(Self { folders })
    }

    /// Streams by name, each with its files in order.
    fn streams(&self) -> Result<BTreeMap<String, Vec<PathBuf>>> {
        let mut streams: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for folder in &self.folders {
            let mut any = false;
            for path in files_below(folder)?.into_iter().filter(|path| is_piece(path)) {
                let stream = path.parent().unwrap_or(folder);
                let name = stream.strip_prefix(folder).unwrap_or(stream).to_string_lossy().into_owned();
                streams.entry(name).or_default().push(path);
                any = true;
            }
            if !any {
                let found = "no such file".to_owned();
                return Err(Error::NothingToRead { path: folder.clone(), expected: expected(), found });
            }
        }
        Ok(streams)
    }
}

fn expected() -> String {
    "an export of CloudWatch Logs: …/<task>/<stream>/000000.gz".to_owned()
}

/// Whether a file is a numbered piece of a stream, packed or not.
fn is_piece(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let number = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
    number.len() >= 6 && number.bytes().all(|b| b.is_ascii_digit())
}

impl Source for AwsExport {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn provider(&self) -> &'static str {
        "aws"
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &CloudWatch
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let mut names: Vec<String> = self.folders.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
        names.sort();
        BTreeMap::from([("export".to_owned(), names.join(","))])
    }

    fn per_second(&self) -> f64 {
        0.0
    }

    fn at_rest(&self) -> bool {
        true
    }

    fn discover(&self, _window: Window, _api: &Api<'_>) -> Result<Vec<Log>> {
        let log = |(name, paths): (String, Vec<PathBuf>)| {
            let key = serde_json::to_string(&paths).unwrap_or_default();
            Log { name, key, sliced: false, size: Size::default() }
        };
        Ok(self.streams()?.into_iter().map(log).collect())
    }

    fn pull(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let unfit = |error: serde_json::Error| Error::Usage(format!("{}: {error}", log.name));
        let paths: Vec<PathBuf> = serde_json::from_str(&log.key).map_err(unfit)?;
        for path in paths {
            let piece = xxh3_128(path.as_os_str().as_encoded_bytes());
            let mut event = Event { stream: &log.name, piece, at_us: slice.from_us, ..Event::default() };
            let cut = each_line(Input::open(&path)?, api, |line, offset| event.line(line, offset, sink))?;
            event.push(sink)?;
            if let Some(reason) = cut {
                sink.gap(format!("{}: {reason}", path.file_name().unwrap_or_default().to_string_lossy()));
            }
        }
        Ok(())
    }
}

/// The event that the next line may go on with.
#[derive(Default)]
struct Event<'a> {
    stream: &'a str,
    /// The file that it stands in.
    piece: u128,
    at_us: i64,
    offset: u64,
    text: Vec<u8>,
}

impl Event<'_> {
    fn line(&mut self, line: &[u8], offset: u64, sink: &mut Sink<'_>) -> Result<()> {
        if let Some(at_us) = stamped(line) {
            self.push(sink)?;
            (self.at_us, self.offset) = (at_us, offset);
            self.text.extend_from_slice(&line[STAMP + 1..]);
            return Ok(());
        }
        if self.text.len() + line.len() > EVENT_MAX {
            self.push(sink)?;
            self.offset = offset;
        }
        if !self.text.is_empty() {
            self.text.push(b'\n');
        }
        self.text.extend_from_slice(line);
        Ok(())
    }

    /// Gives what was read of an event.
    fn push(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        let text = self.text.trim_ascii_end();
        if !text.is_empty() {
            let message = String::from_utf8_lossy(text);
            let line = json!({ "timestamp": self.at_us.div_euclid(1000), "message": message }).to_string();
            let identity = xxh3_128(&[&self.piece.to_le_bytes()[..], &self.offset.to_le_bytes()].concat());
            let line = line.as_bytes();
            sink.push(Piece { stream: self.stream, at_us: self.at_us, identity, line })?;
        }
        self.text.clear();
        Ok(())
    }
}

/// The time of a line that begins with a stamp and a blank, in microseconds.
fn stamped(line: &[u8]) -> Option<i64> {
    if line.get(STAMP) != Some(&b' ') || line.get(STAMP - 1) != Some(&b'Z') {
        return None;
    }
    let (at, length) = stamp::read(line)?;
    (length == STAMP).then(|| at.micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_begins_with_a_stamp_and_a_blank() {
        assert_eq!(stamped(b"2026-11-22T07:01:55.904Z START RequestId: x"), Some(1_795_330_915_904_000));
        for other in [&b"2026-11-22T07:01:55.904Z\tx\tINFO\thello"[..], b"2026-11-22 07:01:55.904 hello", b"hello", b""]
        {
            assert_eq!(stamped(other), None);
        }
    }

    #[test]
    fn numbered_pieces_are_told_from_other_files() {
        for name in ["a/task/stream/000000.gz", "a/task/stream/000012"] {
            assert!(is_piece(Path::new(name)), "{name}");
        }
        for name in ["a/aws-logs-write-test", "a/task/x.gz", "a/1.gz"] {
            assert!(!is_piece(Path::new(name)), "{name}");
        }
    }
}
