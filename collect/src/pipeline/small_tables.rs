//! Tables of part 0 that are written as they come.

use std::collections::VecDeque;
use std::sync::Mutex;

use faaslens_schemas::manifest::FileEntry;
use faaslens_schemas::store::{NO_CONTEXT, TableFile, Transaction};
use faaslens_schemas::table::{Row, Table};
use faaslens_schemas::tables::Reject;

use super::statement_batch::StatementBatch;
use super::{lock, take};
use crate::Result;

/// Rows of a small table that are encoded together, and those of the block that comes last.
const BATCH: usize = 1024;
/// Batches that may wait for one table.
const QUEUED: usize = 8;

/// Rows that wait to be encoded together.
pub(super) trait Batch: Default + Send {
    /// What they are rows of.
    const TABLE: &'static Table;

    /// How many they are.
    fn rows(&self) -> usize;

    /// Appends the rows to a file of their table.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn write(&self, file: &mut TableFile) -> Result<()>;

    /// Forgets the rows.
    fn clear(&mut self);
}

impl Batch for Vec<Reject> {
    const TABLE: &'static Table = Reject::TABLE;

    fn rows(&self) -> usize {
        self.len()
    }

    fn write(&self, file: &mut TableFile) -> Result<()> {
        Ok(file.write_rows(self)?)
    }

    fn clear(&mut self) {
        Self::clear(self);
    }
}

/// A small table of part 0 that is written as it comes: rows are given in order of blocks, batches are encoded by
/// whichever thread is free.
pub(super) struct SmallTable<B> {
    /// The batch being filled.
    filling: Mutex<B>,
    /// Full batches, in order.
    queue: Mutex<VecDeque<B>>,
    /// Batches that were encoded, for their memory.
    spare: Mutex<Vec<B>>,
    file: Mutex<Option<TableFile>>,
}

impl<B: Batch> SmallTable<B> {
    pub(super) fn new() -> Self {
        Self { filling: Mutex::default(), queue: Mutex::default(), spare: Mutex::default(), file: Mutex::new(None) }
    }

    /// Adds rows to the batch being filled.
    pub(super) fn fill(&self, add: impl FnOnce(&mut B)) {
        let mut filling = lock(&self.filling);
        add(&mut filling);
        if filling.rows() >= BATCH {
            let empty = lock(&self.spare).pop().unwrap_or_default();
            lock(&self.queue).push_back(std::mem::replace(&mut *filling, empty));
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
                let Some(mut batch) = next else { break };
                let mut open = match file.take() {
                    Some(open) => open,
                    None => transaction.file(B::TABLE, NO_CONTEXT)?,
                };
                batch.write(&mut open)?;
                *file = Some(open);
                batch.clear();
                lock(&self.spare).push(batch);
            }
            drop(file);
            if !self.has_batches() {
                return Ok(());
            }
        }
    }

    pub(super) fn finish(self, transaction: &Transaction) -> Result<Option<FileEntry>> {
        let rest = std::mem::take(&mut *lock(&self.filling));
        if rest.rows() > 0 {
            lock(&self.queue).push_back(rest);
        }
        self.drain(transaction)?;
        let file = self.file.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(file.map(TableFile::finish).transpose()?)
    }
}

/// The small tables of a run.
pub(super) struct SmallTables {
    pub(super) platform: SmallTable<StatementBatch>,
    pub(super) rejects: SmallTable<Vec<Reject>>,
}
