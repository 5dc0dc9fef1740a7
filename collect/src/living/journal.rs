//! Which slices of a log are done: what a collection that was killed goes on from.
//!
//! One JSON object a line: first what is collected, then each slice, written after its chunks are in their place and
//! synced. A last line that was cut off counts as not written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::window::Window;
use crate::{Error, Result};

/// Version of the journal and of the chunks; another one cannot be resumed.
const VERSION: u32 = 1;

/// What is collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) source: String,
    pub(super) selection: BTreeMap<String, String>,
    /// As the user wrote it: a duration means the same window when the command is run again.
    pub(super) since: String,
    pub(super) until: Option<String>,
    pub(super) from_us: i64,
    pub(super) until_us: i64,
    pub(super) slice_us: i64,
}

impl Header {
    pub(super) fn new(source: &str, selection: BTreeMap<String, String>, window: Window, slice_us: i64) -> Self {
        let (from_us, until_us) = (window.from_us, window.until_us);
        let (version, source) = (VERSION, source.to_owned());
        Self { version, source, selection, since: String::new(), until: None, from_us, until_us, slice_us }
    }

    pub(super) fn window(&self) -> Window {
        Window { from_us: self.from_us, until_us: self.until_us }
    }

    /// Whether it is of the same command: everything but the instants that a duration stood for.
    pub(super) fn same_command(&self, other: &Self) -> bool {
        let instants = |header: &Self| Self { from_us: 0, until_us: 0, slice_us: 0, ..header.clone() };
        instants(self) == instants(other)
    }
}

/// A slice that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) log: String,
    /// Number of the slice in the window, from 0.
    pub(super) slice: usize,
    /// 0 for the first reading, counted on by readings of the tail.
    pub(super) reading: u16,
    pub(super) chunks: Vec<String>,
    pub(super) events: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) gaps: Vec<String>,
    /// Events that the provider dropped by sampling.
    #[serde(default)]
    pub(super) sampled: u64,
}

/// The journal of one source of a run.
pub(super) struct Journal {
    path: PathBuf,
    pub(super) header: Header,
    file: Mutex<File>,
    done: Mutex<Vec<Done>>,
}

/// Reads a header; `None` where there is no journal that could be resumed.
pub(super) fn header_in(folder: &Path) -> Option<Header> {
    read(&folder.join(NAME)).map(|(header, _, _)| header)
}

const NAME: &str = "journal.jsonl";

/// Header, slices, and the length of what was written whole.
fn read(path: &Path) -> Option<(Header, Vec<Done>, u64)> {
    let text = fs::read(path).ok()?;
    let whole = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
    let mut lines = text[..whole].split(|&b| b == b'\n').filter(|line| !line.is_empty());
    let header: Header = serde_json::from_slice(lines.next()?).ok()?;
    let done = lines.map_while(|line| serde_json::from_slice(line).ok()).collect();
    (header.version == VERSION).then_some((header, done, whole as u64))
}

impl Journal {
    /// Opens the journal in a folder, or begins one. `wanted` is what the command asks for now.
    ///
    /// # Errors
    /// [`Error::Usage`] when another command left it; when it cannot be written.
    pub(super) fn open(folder: &Path, wanted: &Header) -> Result<Self> {
        let path = folder.join(NAME);
        let failed = |action| {
            let path = path.clone();
            move |source| Error::Io { action, path, source }
        };
        fs::create_dir_all(folder).map_err(failed("create"))?;
        let (header, done, length) = match read(&path) {
            Some((header, _, _)) if !header.same_command(wanted) => {
                return Err(Error::Usage(format!(
                    "an unfinished collection of {} with another selection or window is kept in {}: finish it with its own \
                     command, or add --restart to begin anew",
                    header.source,
                    folder.display()
                )));
            }
            Some(found) => found,
            None => (wanted.clone(), Vec::new(), 0),
        };
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed("open"))?;
        file.set_len(length).map_err(failed("write"))?;
        if length == 0 {
            append(&mut file, &header).map_err(failed("write"))?;
        }
        Ok(Self { path, header, file: Mutex::new(file), done: Mutex::new(done) })
    }

    /// Notes that a slice is done.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) fn note(&self, done: Done) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        append(&mut file, &done).map_err(|source| Error::Io { action: "write", path: self.path.clone(), source })?;
        self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(done);
        Ok(())
    }

    /// Everything done so far, in the order of log, reading and slice.
    pub(super) fn done(&self) -> Vec<Done> {
        let mut done = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        done.sort_by(|a, b| (&a.log, a.reading, a.slice).cmp(&(&b.log, b.reading, b.slice)));
        done
    }

    /// Log and slice of every first reading that is done.
    pub(super) fn read_once(&self) -> BTreeSet<(String, usize)> {
        self.done().into_iter().filter(|done| done.reading == 0).map(|done| (done.log, done.slice)).collect()
    }
}

fn append<T: Serialize>(file: &mut File, line: &T) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(since: &str, from_us: i64) -> Header {
        let window = Window { from_us, until_us: from_us + 10 };
        Header { since: since.to_owned(), ..Header::new("aws", BTreeMap::new(), window, 5) }
    }

    fn slice(slice: usize) -> Done {
        Done {
            log: "a".to_owned(),
            slice,
            reading: 0,
            chunks: vec!["c".to_owned()],
            events: 1,
            gaps: Vec::new(),
            sampled: 0,
        }
    }

    #[test]
    fn a_journal_cut_at_any_byte_keeps_the_slices_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path(), &header("2h", 0)).expect("a journal");
        let mut lengths = Vec::new();
        for n in 0..3 {
            lengths.push(fs::metadata(folder.path().join(NAME)).expect("the file").len());
            journal.note(slice(n)).expect("noted");
        }
        drop(journal);
        let whole = fs::read(folder.path().join(NAME)).expect("the file");
        for cut in usize::try_from(lengths[0]).expect("a length")..whole.len() {
            fs::write(folder.path().join(NAME), &whole[..cut]).expect("written");
            let journal = Journal::open(folder.path(), &header("2h", 77)).expect("it opens");
            let expected = lengths[1..].iter().filter(|&&length| length <= cut as u64).count();
            assert_eq!(journal.done().len(), expected, "cut at {cut}");
            assert_eq!(journal.header.from_us, 0, "the window is the one of the first command");
            journal.note(slice(9)).expect("noted");
            assert_eq!(read(&folder.path().join(NAME)).map(|found| found.1.len()), Some(expected + 1));
        }
    }

    #[test]
    fn another_command_does_not_go_on_from_it() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(Journal::open(folder.path(), &header("2h", 0)).expect("a journal"));
        assert!(matches!(Journal::open(folder.path(), &header("3h", 0)), Err(Error::Usage(_))));
    }
}
