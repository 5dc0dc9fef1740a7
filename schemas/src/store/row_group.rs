//! The row group that a Parquet file is being given: its columns side by side, in memory until it is full.

use std::io::Write;

use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedFileWriter;

use super::dictionary_column::DictionaryColumn;
use super::writer::{PAGE_ROWS, ROW_GROUP_ROWS};
use crate::arrow::array::RecordBatch;
use crate::arrow::datatypes::DataType;

/// Bytes of the texts of one column at most: with more of them, a row group ends early.
const TEXTS_MAX: usize = 16 << 20;

/// Columns of one row group.
pub(super) struct RowGroup {
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    Labels(Box<DictionaryColumn>),
    Values(Box<ArrowColumnWriter>),
}

impl RowGroup {
    /// A row group without rows; `number` row groups of the file came before.
    ///
    /// # Errors
    /// When a column is of a type that the library cannot write.
    pub(super) fn new<W: Write + Send>(
        factory: &ArrowRowGroupWriterFactory,
        file: &SerializedFileWriter<W>,
        number: usize,
    ) -> Result<Self> {
        let descriptors = file.schema_descr().columns();
        let columns =
            factory.create_column_writers(number)?.into_iter().zip(descriptors).map(|(writer, descriptor)| {
                if file.properties().dictionary_enabled(descriptor.path()) {
                    Column::Labels(Box::new(DictionaryColumn::new(descriptor.clone(), PAGE_ROWS)))
                } else {
                    Column::Values(Box::new(writer))
                }
            });
        Ok(Self { columns: columns.collect(), rows: 0 })
    }

    /// Rows that it may still be given.
    pub(super) fn room(&self) -> usize {
        let full = self.columns.iter().any(|column| matches!(column, Column::Labels(c) if c.text_bytes() > TEXTS_MAX));
        if full { 0 } else { ROW_GROUP_ROWS.saturating_sub(self.rows) }
    }

    /// Appends rows.
    ///
    /// # Errors
    /// When the batch is of another schema.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let schema = batch.schema();
        if batch.num_columns() != self.columns.len() {
            let found = format!("expected {} columns, found {}", self.columns.len(), batch.num_columns());
            return Err(ParquetError::General(found));
        }
        for ((column, field), array) in self.columns.iter_mut().zip(schema.fields()).zip(batch.columns()) {
            match column {
                Column::Labels(labels) => labels.write(array)?,
                Column::Values(writer) => {
                    for leaf in compute_leaves(field, array)? {
                        writer.write(&leaf)?;
                    }
                }
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Ends the row group and writes it to its file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn append_to<W: Write + Send>(self, file: &mut SerializedFileWriter<W>) -> Result<()> {
        let mut group = file.next_row_group()?;
        for column in self.columns {
            match column {
                Column::Labels(labels) => labels.append_to(&mut group)?,
                Column::Values(writer) => writer.close()?.append_to_row_group(&mut group)?,
            }
        }
        group.close()?;
        Ok(())
    }
}

/// Whether a column is written as labels: a dictionary of texts with 32-bit keys.
pub(super) fn is_labels(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Dictionary(key, value) if **key == DataType::Int32 && **value == DataType::Utf8)
}
