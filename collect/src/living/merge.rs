//! All chunks of a log as one log file: each event once, streams one after another, each in order of time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::chunk::{ChunkReader, ChunkWriter, Row};
use crate::{Error, Progress, Result};

/// Chunks that are open at a time.
const OPEN_MAX: usize = 48;
/// Rows between two questions whether to stop.
const ROWS: u64 = 1 << 14;

/// What a merge gave.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merged {
    /// Distinct events.
    pub(super) events: u64,
    /// Uncompressed bytes of the log file.
    pub(super) bytes: u64,
}

/// Writes the log file of some chunks; `scratch` names further files beside it.
///
/// # Errors
/// When a chunk is damaged or the file cannot be written; [`Error::Paused`].
pub(super) fn merge(mut chunks: Vec<PathBuf>, log: &Path, progress: &dyn Progress) -> Result<Merged> {
    let mut scratch = Vec::new();
    while chunks.len() > OPEN_MAX {
        let rest = chunks.split_off(OPEN_MAX);
        let path = log.with_extension(format!("{}.zst", scratch.len()));
        let failed = |source| Error::Io { action: "write", path: path.clone(), source };
        let mut writer = ChunkWriter::create(&path)?;
        distinct(&chunks, progress, &mut |row| {
            writer.write(&row.stream, (row.at_us, row.order, row.identity), &row.line).map_err(failed)
        })?;
        writer.finish(false).map_err(failed)?;
        scratch.push(path.clone());
        // What was merged stays in front: its rows came first.
        chunks = std::iter::once(path).chain(rest).collect();
    }
    let failed = |source| Error::Io { action: "write", path: log.to_owned(), source };
    let mut file = BufWriter::with_capacity(1 << 18, File::create(log).map_err(failed)?);
    let mut merged = Merged::default();
    distinct(&chunks, progress, &mut |row| {
        merged.events += 1;
        merged.bytes += row.line.len() as u64 + 1;
        file.write_all(&row.line).and_then(|()| file.write_all(b"\n")).map_err(failed)
    })?;
    file.flush().map_err(failed)?;
    for path in scratch {
        // A file that stays goes with its folder.
        drop(std::fs::remove_file(path));
    }
    Ok(merged)
}

/// Gives the rows of all chunks in order, each identity once in its stream and time: the one that came first.
fn distinct(chunks: &[PathBuf], progress: &dyn Progress, take: &mut dyn FnMut(&Row) -> Result<()>) -> Result<()> {
    let mut readers = Vec::new();
    let mut heap = BinaryHeap::new();
    for (number, path) in chunks.iter().enumerate() {
        let mut reader = ChunkReader::open(path)?;
        let mut row = Row::default();
        if reader.next_into(&mut row)? {
            heap.push(Reverse((row, number)));
        }
        readers.push(reader);
    }
    let mut place: (Vec<u8>, i64) = (Vec::new(), i64::MIN);
    let mut seen: HashSet<u128> = HashSet::new();
    let mut rows = 0_u64;
    while let Some(mut first) = heap.peek_mut() {
        let Reverse((row, number)) = &mut *first;
        rows += 1;
        if rows.is_multiple_of(ROWS) && progress.cancelled() {
            return Err(Error::Paused);
        }
        if place.1 != row.at_us || place.0 != row.stream {
            place.0.clone_from(&row.stream);
            place.1 = row.at_us;
            seen.clear();
        }
        if seen.insert(row.identity) {
            take(row)?;
        }
        // The row's memory is used for the next of its chunk; the heap finds its place when `first` goes.
        if !readers[*number].next_into(row)? {
            std::collections::binary_heap::PeekMut::pop(first);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn every_event_is_there_once_and_in_order(events in prop::collection::vec((0_u8..3, 0_i64..20, 0_u128..30), 0..200), chunks in 1_usize..120) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut paths = Vec::new();
            for chunk in 0..chunks {
                let path = folder.path().join(format!("c{chunk}"));
                let mut writer = ChunkWriter::create(&path).expect("a chunk");
                let mut own: Vec<_> = (0_u64..).zip(&events).skip(chunk).step_by(chunks).collect();
                own.sort_by_key(|(order, (stream, at, _))| (*stream, *at, *order));
                for (order, (stream, at, identity)) in own {
                    writer.write(&[*stream], (*at, order, *identity), format!("{stream} {at:02} {identity}").as_bytes()).expect("a row");
                }
                writer.finish(false).expect("the end");
                paths.push(path);
            }
            let log = folder.path().join("log");
            let merged = merge(paths, &log, &()).expect("merged");
            let text = std::fs::read_to_string(&log).expect("the log");
            let lines: Vec<&str> = text.lines().collect();
            let expected: BTreeSet<String> = events.iter().map(|(stream, at, identity)| format!("{stream} {at:02} {identity}")).collect();
            prop_assert_eq!(lines.len(), expected.len());
            prop_assert_eq!(merged, Merged { events: expected.len() as u64, bytes: text.len() as u64 });
            prop_assert!(lines.iter().all(|line| expected.contains(*line)));
            let places: Vec<&str> = lines.iter().map(|line| &line[..4]).collect();
            prop_assert!(places.is_sorted());
        }
    }
}
