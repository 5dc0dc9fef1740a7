//! Chunks: sorted pieces of a log on the disk.
//!
//! A chunk is a zstd stream of rows. A row is its fixed fields (time, order, identity, lengths; little-endian), the name of
//! its stream and its line.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use crate::{Error, Result};

/// Bytes of the fixed fields.
const HEAD: usize = 8 + 8 + 16 + 4 + 4;
/// Longest stream name and line that are believed.
const TEXT_MAX: u32 = 64 << 20;

/// One event as it lies in a chunk, in the order of a log: by stream, time, and order of coming.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// What is in order within the log: a log stream, a container.
    pub(super) stream: Vec<u8>,
    /// Time, in microseconds.
    pub(super) at_us: i64,
    /// Reading (upper 16 bits) and number of the event in it.
    pub(super) order: u64,
    /// What tells it from every other of its stream and time.
    pub(super) identity: u128,
    /// The line, without its end.
    pub(super) line: Vec<u8>,
}

/// Writes a chunk; it is in its place, synced, when [`ChunkWriter::finish`] returns.
pub(super) struct ChunkWriter {
    encoder: zstd::Encoder<'static, BufWriter<File>>,
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path: path.clone(), source }
}

impl ChunkWriter {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(failed("create", path))?;
        let mut encoder =
            zstd::Encoder::new(BufWriter::with_capacity(1 << 17, file), 1).map_err(failed("create", path))?;
        encoder.include_checksum(true).map_err(failed("create", path))?;
        Ok(Self { encoder })
    }

    pub(super) fn write(
        &mut self,
        stream: &[u8],
        (at_us, order, identity): (i64, u64, u128),
        line: &[u8],
    ) -> io::Result<()> {
        let length = |text: &[u8]| u32::try_from(text.len()).map_err(io::Error::other);
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(&at_us.to_le_bytes());
        head[8..16].copy_from_slice(&order.to_le_bytes());
        head[16..32].copy_from_slice(&identity.to_le_bytes());
        head[32..36].copy_from_slice(&length(stream)?.to_le_bytes());
        head[36..].copy_from_slice(&length(line)?.to_le_bytes());
        self.encoder.write_all(&head)?;
        self.encoder.write_all(stream)?;
        self.encoder.write_all(line)
    }

    /// Ends the chunk; synced where it is to outlive the machine's power.
    pub(super) fn finish(self, sync: bool) -> io::Result<()> {
        let file = self.encoder.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        if sync { file.sync_all() } else { Ok(()) }
    }
}

/// Reads a chunk row by row.
pub(super) struct ChunkReader {
    decoder: zstd::Decoder<'static, BufReader<File>>,
    path: std::path::PathBuf,
}

impl ChunkReader {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(failed("open", path))?;
        let decoder = zstd::Decoder::new(file).map_err(failed("read", path))?;
        Ok(Self { decoder, path: path.to_owned() })
    }

    /// The next row, in the place of `row`; false at the end.
    pub(super) fn next_into(&mut self, row: &mut Row) -> Result<bool> {
        self.read(row).map_err(failed("read", &self.path))
    }

    fn read(&mut self, row: &mut Row) -> io::Result<bool> {
        let mut head = [0; HEAD];
        match self.decoder.read(&mut head[..1])? {
            0 => return Ok(false),
            _ => self.decoder.read_exact(&mut head[1..])?,
        }
        let number = |at: usize| head[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
        let length = |at: usize| head[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
        row.at_us = number(0).cast_signed();
        row.order = number(8);
        row.identity = u128::from(number(16)) | u128::from(number(24)) << 64;
        for (text, length) in [(&mut row.stream, length(32)), (&mut row.line, length(36))] {
            if length > TEXT_MAX {
                return Err(io::Error::other("damaged: a row is too long"));
            }
            text.resize(length as usize, 0);
            self.decoder.read_exact(text)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_back_as_they_were(rows in prop::collection::vec((any::<i64>(), any::<u64>(), any::<u128>(), prop::collection::vec(any::<u8>(), 0..20), prop::collection::vec(any::<u8>(), 0..200)), 0..50)) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("chunk");
            let mut writer = ChunkWriter::create(&path).expect("a chunk");
            for (at, order, identity, stream, line) in &rows {
                writer.write(stream, (*at, *order, *identity), line).expect("a row");
            }
            writer.finish(false).expect("the end");
            let mut reader = ChunkReader::open(&path).expect("the chunk");
            let mut row = Row::default();
            for (at_us, order, identity, stream, line) in rows {
                prop_assert!(reader.next_into(&mut row).expect("a row"));
                prop_assert_eq!(&row, &Row { stream, at_us, order, identity, line });
            }
            prop_assert!(!reader.next_into(&mut row).expect("the end"));
        }
    }

    #[test]
    fn a_chunk_that_was_cut_is_an_error_and_not_a_shorter_chunk() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chunk");
        let mut writer = ChunkWriter::create(&path).expect("a chunk");
        for n in 0..1000_u64 {
            writer.write(b"s", (0, n, u128::from(n)), n.to_string().as_bytes()).expect("a row");
        }
        writer.finish(true).expect("the end");
        let bytes = std::fs::read(&path).expect("the file");
        for cut in [bytes.len() - 1, bytes.len() / 2, 10] {
            std::fs::write(&path, &bytes[..cut]).expect("written");
            let mut reader = ChunkReader::open(&path).expect("it opens");
            let mut row = Row::default();
            let end = std::iter::from_fn(|| Some(reader.next_into(&mut row))).find(|read| !matches!(read, Ok(true)));
            assert!(matches!(end, Some(Err(_))), "cut at {cut}");
        }
    }
}
