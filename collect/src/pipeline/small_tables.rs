//! Tables of part 0 that are written as they come.

use std::collections::VecDeque;
use std::sync::Mutex;

use faaslens_schemas::manifest::FileEntry;
use faaslens_schemas::store::{NO_CONTEXT, TableFile, Transaction};
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{PlatformRecord, Reject};

use super::{lock, take};
use crate::Result;

/// Rows of a small table that are encoded together, and those of the block that comes last.
const BATCH: usize = 1024;
/// Batches that may wait for one table.
const QUEUED: usize = 8;

/// A small table of part 0 that is written as it comes: rows are given in order of blocks, batches are encoded by
/// whichever thread is free.
pub(super) struct SmallTable<R> {
    /// The batch being filled.
    rows: Mutex<Vec<R>>,
    /// Full batches, in order.
    queue: Mutex<VecDeque<Vec<R>>>,
    /// Batches that were encoded, for their memory.
    spare: Mutex<Vec<Vec<R>>>,
    file: Mutex<Option<TableFile>>,
}

impl<R: Row> SmallTable<R> {
    pub(super) fn new() -> Self {
        Self { rows: Mutex::default(), queue: Mutex::default(), spare: Mutex::default(), file: Mutex::new(None) }
    }

    pub(super) fn push(&self, row: R) {
        self.fill(|rows| rows.push(row));
    }

    pub(super) fn extend(&self, mut more: Vec<R>) {
        self.fill(|rows| rows.append(&mut more));
    }

    fn fill(&self, add: impl FnOnce(&mut Vec<R>)) {
        let mut rows = lock(&self.rows);
        add(&mut rows);
        if rows.len() >= BATCH {
            let empty = lock(&self.spare).pop().unwrap_or_else(|| Vec::with_capacity(BATCH));
            lock(&self.queue).push_back(std::mem::replace(&mut *rows, empty));
        }
    }

    pub(super) fn has_batches(&self) -> bool {
        !lock(&self.queue).is_empty()
    }

    /// Encodes the full batches, unless another thread does.
    pub(super) fn drain(&self, transaction: &Transaction) -> Result<()> {
        loop {
            let waiting = lock(&self.queue).len();
            let Some(mut file) = take(&self.file, waiting >= QUEUED) else { return Ok(()) };
            loop {
                let next = lock(&self.queue).pop_front();
                let Some(mut rows) = next else { break };
                let mut open = match file.take() {
                    Some(open) => open,
                    None => transaction.file(R::TABLE, NO_CONTEXT)?,
                };
                open.write_rows(&rows)?;
                *file = Some(open);
                rows.clear();
                lock(&self.spare).push(rows);
            }
            drop(file);
            if !self.has_batches() {
                return Ok(());
            }
        }
    }

    pub(super) fn finish(self, transaction: &Transaction) -> Result<Option<FileEntry>> {
        let rest = std::mem::take(&mut *lock(&self.rows));
        if !rest.is_empty() {
            lock(&self.queue).push_back(rest);
        }
        self.drain(transaction)?;
        let file = self.file.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(file.map(TableFile::finish).transpose()?)
    }
}

/// The small tables of a run.
pub(super) struct SmallTables {
    pub(super) platform: SmallTable<PlatformRecord>,
    pub(super) rejects: SmallTable<Reject>,
}
