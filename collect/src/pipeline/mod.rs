//! From input files to store tables: blocks are parsed in parallel and written in order.
//!
//! ```text
//! blocks::Blocks ──▶ scan::scan ──▶ sequence::Sequencer ──▶ part::Part (one for each part)
//! one at a time      in parallel     in order of blocks      in parallel, each part in order
//! ```
//!
//! * A block is about 1 MiB of whole units (lines, array entries) of one file; its limits depend on the bytes alone.
//! * Scanning turns a block into columns with dictionaries of its own. It knows nothing of other blocks.
//! * The sequencer takes blocks in order, gives executors run-wide keys, and hands each part its rows.
//! * A part leaves out repetitions, joins the client's requests, and encodes Parquet from the block's columns.
//! * Platform statements are columns of their block too (`statements`). In order of blocks it is only decided whose they are
//!   and which are repetitions (`placing`); whichever thread is free encodes the rest of them (`statement_batch`).
//!
//! What is written depends on the bytes of the inputs alone, whatever the number of threads. Memory is bounded by
//! blocks under way, the row groups of the parts, and 8 bytes for every distinct record (to know repetitions).

mod attribution;
mod blocks;
mod client;
mod columns;
mod executors;
mod existing;
mod part;
mod placing;
mod requests;
mod scan;
mod seen;
mod sequence;
mod small_tables;
mod statement_batch;
mod statements;
mod unclaimed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use faaslens_schemas::manifest::{FileEntry, Source};
use faaslens_schemas::store::Transaction;
use faaslens_schemas::time::Timestamp;

use crate::formats::Dialect;
use crate::sources::loads::Load;
use crate::{Error, Progress, Result};

pub use scan::scan_bytes;

/// Bytes of input for one part: what an analysis holds in memory at a time follows from it.
const BYTES_PER_PART: u64 = 256 << 20;
/// Typical ratio of log bytes to compressed ones.
const COMPRESSION: u64 = 16;
/// Parts at most: files of a store stay countable.
const MAX_PARTS: u64 = 64;

/// One input file of a run.
pub(crate) struct InputFile {
    /// Where it is; `None` for a file of an earlier collection, of which only the name is left.
    pub(crate) path: Option<PathBuf>,
    /// What it is called in the store.
    pub(crate) name: String,
    /// Provider of its records.
    pub(crate) provider: String,
    /// How it is written.
    pub(crate) dialect: &'static dyn Dialect,
}

impl InputFile {
    /// Bytes as it lies on the disk; 0 where that is not known.
    fn bytes(&self) -> u64 {
        self.path.as_ref().and_then(|path| path.metadata().ok()).map_or(0, |metadata| metadata.len())
    }
}

/// Parts that fit the size of the inputs.
pub(crate) fn parts_for(inputs: &[InputFile]) -> u32 {
    let size = |input: &InputFile| {
        let path = input.path.as_deref().unwrap_or(Path::new(""));
        let packed = path.extension().is_some_and(|end| end == "gz" || end == "zst");
        input.bytes() * if packed { COMPRESSION } else { 1 }
    };
    let bytes: u64 = inputs.iter().map(size).sum();
    u32::try_from(bytes.div_ceil(BYTES_PER_PART).clamp(1, MAX_PARTS)).unwrap_or(1)
}

/// What all records of a run share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// Records of another deployment are rejects.
    pub(crate) deployment_id: Option<String>,
    /// Keep all headers.
    pub(crate) keep_headers: bool,
}

/// What a pipeline wrote.
pub(crate) struct Written {
    pub(crate) sources: Vec<Source>,
    pub(crate) files: Vec<FileEntry>,
    pub(crate) window: Option<(Timestamp, Timestamp)>,
    /// Requests of console lines that were left out, as the load generator's own records have them too.
    pub(crate) doubled: u64,
}

impl Written {
    /// What a user should know of requests that were given twice.
    pub(crate) fn hint(&self) -> Option<String> {
        (self.doubled > 0).then(|| {
            format!("{} requests of the console log are taken from the load generator's own records", self.doubled)
        })
    }
}

/// What was collected of the run before, to be kept.
pub(crate) use existing::Existing;

/// Reads all files and writes the tables of a run.
///
/// `files` must be sorted by name: the order decides which of two repetitions is kept. `loads` are outputs of faaslens's
/// own load generator, whose requests join those of console lines.
///
/// # Errors
/// When the store cannot be written, or the collection is cancelled. What is wrong with a file is in its [`Source`].
pub(crate) fn run(
    files: &[InputFile],
    rules: &Rules,
    parts: u32,
    transaction: &Transaction,
    loads: &[Load],
    existing: Option<Existing>,
    progress: &dyn Progress,
) -> Result<Written> {
    let sequencer = sequence::Sequencer::new(files, parts, transaction);
    let mut kept = Vec::new();
    if let Some(mut existing) = existing {
        kept.append(&mut existing.requests);
        sequencer.take_existing(existing)?;
    }
    let crew = Crew {
        files,
        rules,
        progress,
        blocks: Mutex::new(blocks::Blocks::new(files)),
        sequencer,
        failure: Mutex::new(None),
    };
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            scope.spawn(|scope| crew.step(scope));
        }
    });
    if let Some(error) = crew.failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(error);
    }
    let blocks = crew.blocks.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    crew.sequencer.finish(blocks.into_ends(), &requests::Loads { opened: loads, kept, progress })
}

/// The threads of one pipeline and what they share.
struct Crew<'a> {
    files: &'a [InputFile],
    rules: &'a Rules,
    progress: &'a dyn Progress,
    blocks: Mutex<blocks::Blocks<'a>>,
    sequencer: sequence::Sequencer<'a>,
    failure: Mutex<Option<Error>>,
}

impl<'a> Crew<'a> {
    /// Takes the next block, scans it, hands it on, and asks for another step.
    fn step<'s>(&'s self, scope: &rayon::Scope<'s>)
    where
        'a: 's,
    {
        let block = {
            let mut blocks = lock(&self.blocks);
            if lock(&self.failure).is_some() {
                return;
            }
            if self.progress.cancelled() {
                *lock(&self.failure) = Some(Error::Interrupted { run: self.sequencer.run_id().to_owned() });
                return;
            }
            match blocks.next_block(self.progress) {
                Some(block) => block,
                None => return,
            }
        };
        let scanned = scan::scan(block, self.files, self.rules, self.sequencer.columns());
        // Pushed first, taken last: encoding what is ready goes before reading more, which bounds memory.
        scope.spawn(|scope| self.step(scope));
        let (ready, spent) = self.sequencer.accept(scanned);
        lock(&self.blocks).recycle(spent);
        if self.sequencer.small_tables_wait() {
            scope.spawn(|_| self.check(self.sequencer.drain_small_tables()));
        }
        for part in ready {
            scope.spawn(move |_| self.check(self.sequencer.drain(part)));
        }
    }

    fn check(&self, result: Result<()>) {
        if let Err(error) = result {
            lock(&self.failure).get_or_insert(error);
        }
    }
}

/// Locks, also after a panic in another thread: the panic itself is passed on by the scope.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Locks if nobody else has it, or waits for it; `None` where somebody has and one need not `wait`.
fn take<T>(mutex: &Mutex<T>, wait: bool) -> Option<std::sync::MutexGuard<'_, T>> {
    if wait {
        return Some(lock(mutex));
    }
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => None,
    }
}

/// Counts of rejects by reason.
type Reasons = BTreeMap<String, u64>;
