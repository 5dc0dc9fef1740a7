//! Rows of one table in one part, encoded in batches as they come.

use super::transaction::Transaction;
use super::writer::TableFile;
use crate::error::Result;
use crate::manifest::FileEntry;
use crate::table::Row;

/// Rows that are encoded together.
const BATCH: usize = 1024;

/// The rows of one part of a table that is being written: a batch of them waits in memory, the rest is encoded. The file
/// is made with the first batch, so a part without rows has none.
#[derive(Debug)]
pub struct PartRows<R> {
    number: u32,
    waiting: Vec<R>,
    file: Option<TableFile>,
}

impl<R: Row> PartRows<R> {
    /// Part `number` of the table, without rows.
    pub fn new(number: u32) -> Self {
        Self { number, waiting: Vec::new(), file: None }
    }

    /// Appends a row.
    ///
    /// # Errors
    /// When the part's file cannot be written.
    pub fn push(&mut self, row: R, transaction: &Transaction) -> Result<()> {
        self.waiting.push(row);
        if self.waiting.len() >= BATCH { self.encode(transaction) } else { Ok(()) }
    }

    fn encode(&mut self, transaction: &Transaction) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(transaction.file(R::TABLE, self.number)?),
        };
        file.write_rows(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    /// Ends the part and describes its file; `None` without rows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self, transaction: &Transaction) -> Result<Option<FileEntry>> {
        if !self.waiting.is_empty() {
            self.encode(transaction)?;
        }
        self.file.map(TableFile::finish).transpose()
    }
}
