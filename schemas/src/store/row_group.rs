//! The row group that a Parquet file is being given: its columns side by side, in memory until it is full.

use std::io::Write;
use std::sync::Arc;

use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Type;
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedFileWriter;

use super::cells::Cells;
use super::column::labels::LabelColumn;
use super::column::plain::PlainColumn;
use super::writer::{PAGE_ROWS, ROW_GROUP_ROWS};
use crate::arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use crate::arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use crate::arrow::datatypes::{DataType, FieldRef, Schema};

/// Bytes of one column at most: with more of them, a row group ends early.
const BYTES_MAX: usize = 16 << 20;

/// Columns of one row group.
pub(super) struct RowGroup {
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    Labels(Box<LabelColumn>),
    Plain(Box<PlainColumn>),
    Other(Box<LibraryColumn>),
}

impl Column {
    /// Bytes of what is held of texts and numbers; whole numbers are few.
    fn bytes(&self) -> usize {
        match self {
            Self::Labels(column) => column.text_bytes(),
            Self::Plain(column) => column.bytes(),
            Self::Other(_) => 0,
        }
    }
}

impl RowGroup {
    /// The first row group of a file, without rows.
    ///
    /// # Errors
    /// When a column is of a type that the library cannot write.
    pub(super) fn new<W: Write + Send>(
        factory: &ArrowRowGroupWriterFactory,
        file: &SerializedFileWriter<W>,
        schema: &Schema,
    ) -> Result<Self> {
        let writers = factory.create_column_writers(0)?;
        let columns = writers.into_iter().zip(schema.fields()).zip(file.schema_descr().columns());
        let columns = columns.map(|((writer, field), descriptor)| {
            if file.properties().dictionary_enabled(descriptor.path()) {
                return Column::Labels(Box::new(LabelColumn::new(descriptor.clone())));
            }
            match descriptor.physical_type() {
                Type::DOUBLE | Type::BYTE_ARRAY => Column::Plain(Box::new(PlainColumn::new(descriptor.clone()))),
                _ => Column::Other(Box::new(LibraryColumn::new(writer, field.clone()))),
            }
        });
        Ok(Self { columns: columns.collect(), rows: 0 })
    }

    /// Rows that it may still be given.
    pub(super) fn room(&self) -> usize {
        let full = self.columns.iter().any(|column| column.bytes() > BYTES_MAX);
        if full { 0 } else { ROW_GROUP_ROWS.saturating_sub(self.rows) }
    }

    /// Appends rows.
    ///
    /// # Errors
    /// When the batch is of another schema.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.expect_columns(batch.num_columns())?;
        for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
            match column {
                Column::Labels(column) => column.write(array)?,
                Column::Plain(column) => column.write(array)?,
                Column::Other(column) => column.write(array)?,
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Appends `rows` rows.
    ///
    /// # Errors
    /// When the cells are not those of the schema.
    pub(super) fn append(&mut self, rows: usize, cells: &[Cells<'_>]) -> Result<()> {
        self.expect_columns(cells.len())?;
        for (number, (column, cells)) in self.columns.iter_mut().zip(cells).enumerate() {
            match (column, cells) {
                (Column::Labels(column), Cells::Same(text)) => column.append_one(text, rows)?,
                (Column::Labels(column), Cells::Keyed(keys, texts)) => column.append(keys, |key| key, *texts)?,
                (Column::Labels(column), Cells::Named(keys, texts)) => column.append(keys, widen, *texts)?,
                (Column::Plain(column), Cells::Numbers(numbers)) => column.append_numbers(numbers)?,
                (Column::Plain(column), Cells::Texts(texts)) => column.append_texts(*texts)?,
                (Column::Other(column), Cells::Integers(numbers)) => column.append(numbers)?,
                (_, cells) => {
                    return Err(ParquetError::General(format!("column {number}: its values cannot be {cells:?}")));
                }
            }
        }
        self.rows += rows;
        Ok(())
    }

    fn expect_columns(&self, found: usize) -> Result<()> {
        if found == self.columns.len() {
            return Ok(());
        }
        Err(ParquetError::General(format!("expected {} columns, found {found}", self.columns.len())))
    }

    /// Writes the row group to its file, and begins the next one in the same memory; `number` row groups of the file came
    /// before that.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn append_to<W: Write + Send>(
        &mut self,
        file: &mut SerializedFileWriter<W>,
        factory: &ArrowRowGroupWriterFactory,
        number: usize,
    ) -> Result<()> {
        let mut group = file.next_row_group()?;
        for (column, writer) in self.columns.iter_mut().zip(factory.create_column_writers(number)?) {
            match column {
                Column::Labels(column) => column.append_to(&mut group)?,
                Column::Plain(column) => column.append_to(&mut group)?,
                Column::Other(column) => column.renew(writer)?.close()?.append_to_row_group(&mut group)?,
            }
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    /// Whether it has no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

/// A small key as a key; the absent one stays absent.
fn widen(key: u8) -> u32 {
    if key == u8::MAX { crate::dictionary::NONE } else { u32::from(key) }
}

/// A column that the Parquet library encodes.
struct LibraryColumn {
    writer: ArrowColumnWriter,
    field: FieldRef,
    /// Whole numbers that wait to be a page.
    waiting: Vec<i64>,
}

impl LibraryColumn {
    fn new(writer: ArrowColumnWriter, field: FieldRef) -> Self {
        Self { writer, field, waiting: Vec::new() }
    }

    fn append(&mut self, numbers: &[i64]) -> Result<()> {
        self.waiting.extend_from_slice(numbers);
        if self.waiting.len() < PAGE_ROWS {
            return Ok(());
        }
        self.hand_over()
    }

    fn hand_over(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let numbers = std::mem::take(&mut self.waiting);
        let present = |row: usize| numbers[row] != i64::MIN;
        let some_absent = self.field.is_nullable() && numbers.contains(&i64::MIN);
        let valid = some_absent.then(|| NullBuffer::new(BooleanBuffer::collect_bool(numbers.len(), present)));
        let numbers = ScalarBuffer::from(numbers);
        let array: ArrayRef = match self.field.data_type() {
            DataType::Timestamp(..) => Arc::new(TimestampMicrosecondArray::new(numbers, valid).with_timezone("UTC")),
            _ => Arc::new(Int64Array::new(numbers, valid)),
        };
        self.encode(&array)
    }

    fn write(&mut self, array: &ArrayRef) -> Result<()> {
        self.hand_over()?;
        self.encode(array)
    }

    fn encode(&mut self, array: &ArrayRef) -> Result<()> {
        for leaf in compute_leaves(&self.field, array)? {
            self.writer.write(&leaf)?;
        }
        Ok(())
    }

    /// The writer, with all numbers; the next ones are for another.
    fn renew(&mut self, next: ArrowColumnWriter) -> Result<ArrowColumnWriter> {
        self.hand_over()?;
        Ok(std::mem::replace(&mut self.writer, next))
    }
}

/// Whether a column is written as labels: a dictionary of texts with 32-bit keys.
pub(super) fn is_labels(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Dictionary(key, value) if **key == DataType::Int32 && **value == DataType::Utf8)
}
