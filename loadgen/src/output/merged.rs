//! Records of several generator processes as one sequence.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use faaslens_schemas::time::Timestamp;

use crate::error::{Error, Result};
use crate::measure::record::Record;
use crate::measure::spill::Reader;

/// Several files of records, read side by side: the earliest sent of the records that come next in each; of two sent at
/// the same time, the one of the first file. So the sequence depends on the files and their order alone, and a file is
/// never held in memory.
pub(super) struct Merged {
    files: Vec<(PathBuf, Reader<BufReader<File>>)>,
    /// The next record of each file.
    heads: Vec<Option<Record>>,
    order: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl Merged {
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self> {
        let open = |path: &PathBuf| {
            let file = File::open(path).map_err(Error::io("read", path))?;
            let reader = Reader::new(BufReader::with_capacity(1 << 18, file)).map_err(Error::io("read", path))?;
            Ok((path.clone(), reader))
        };
        let files = paths.iter().map(open).collect::<Result<Vec<_>>>()?;
        let mut merged = Self { heads: files.iter().map(|_| None).collect(), files, order: BinaryHeap::new() };
        for number in 0..merged.files.len() {
            merged.advance(number)?;
        }
        Ok(merged)
    }

    /// The next record; `None` after the last one.
    pub(super) fn next(&mut self) -> Result<Option<Record>> {
        let Some(Reverse((_, number))) = self.order.pop() else { return Ok(None) };
        let record = self.heads[number].take();
        self.advance(number)?;
        Ok(record)
    }

    /// Files that ended within a record.
    pub(super) fn cut(&self) -> Vec<&Path> {
        self.files.iter().filter(|(_, reader)| !reader.whole).map(|(path, _)| path.as_path()).collect()
    }

    fn advance(&mut self, number: usize) -> Result<()> {
        let (path, reader) = &mut self.files[number];
        self.heads[number] = reader.next().map_err(Error::io("read", &*path))?;
        if let Some(record) = &self.heads[number] {
            self.order.push(Reverse((record.sent, number)));
        }
        Ok(())
    }
}
