//! Numbers and texts one after another (Apache Parquet format, "Encodings", PLAIN = 0), compressed.

use std::io::Write;

use parquet::basic::Encoding;
use parquet::errors::{ParquetError, Result};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, Extras};
use crate::arrow::array::{Array, ArrayRef, AsArray};
use crate::arrow::datatypes::Float64Type;
use crate::store::cells::{TextRows, Texts};

/// Bytes of values that end a page, however few rows it has.
const PAGE_BYTES: usize = 1 << 20;

/// One such column of one row group.
pub(in crate::store) struct PlainColumn {
    chunk: Chunk,
    /// Values of the page being filled, as the format stores them.
    values: Vec<u8>,
    /// Least and greatest number of the column; the first is greater while there is none.
    least: f64,
    greatest: f64,
}

/// Least and greatest of no numbers.
const NO_RANGE: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

impl PlainColumn {
    /// No rows yet.
    pub(in crate::store) fn new(descriptor: ColumnDescPtr) -> Self {
        let (least, greatest) = NO_RANGE;
        Self { chunk: Chunk::new(descriptor, Encoding::PLAIN, true), values: Vec::new(), least, greatest }
    }

    /// Appends numbers, NaN for absent ones.
    ///
    /// # Errors
    /// When a number is absent where none may be, or a page cannot be written.
    pub(in crate::store) fn append_numbers(&mut self, numbers: &[f64]) -> Result<()> {
        let mut rest = numbers;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.chunk.room()));
            self.chunk.add_each(now.iter().map(|number| !number.is_nan()))?;
            self.push_numbers(now);
            self.end_full_page()?;
            rest = later;
        }
        Ok(())
    }

    /// Adds the numbers that are there to the values.
    fn push_numbers(&mut self, numbers: &[f64]) {
        let before = self.values.len();
        self.values.resize(before + 8 * numbers.len(), 0);
        let mut end = before;
        for number in numbers {
            self.values[end..end + 8].copy_from_slice(&number.to_le_bytes());
            end += if number.is_nan() { 0 } else { 8 };
        }
        self.values.truncate(end);
        // Neither `min` nor `max` takes a NaN.
        self.least = numbers.iter().copied().fold(self.least, f64::min);
        self.greatest = numbers.iter().copied().fold(self.greatest, f64::max);
    }

    /// Appends texts.
    ///
    /// # Errors
    /// When a text is absent where none may be, or a page cannot be written.
    pub(in crate::store) fn append_texts(&mut self, texts: TextRows<'_>) -> Result<()> {
        let mut rest = texts;
        while rest.len() > 0 {
            let (now, later) = rest.split_at(self.chunk.room());
            self.chunk.add_each(now.present())?;
            self.values.extend_from_slice(now.plain());
            self.end_full_page()?;
            rest = later;
        }
        Ok(())
    }

    /// Appends an array of 64-bit floats or of texts.
    ///
    /// # Errors
    /// As the other ways to append; also when the array is another one.
    pub(in crate::store) fn write(&mut self, array: &ArrayRef) -> Result<()> {
        if let Some(numbers) = array.as_primitive_opt::<Float64Type>() {
            return self.append_array(numbers, |column, row| column.push_number(numbers.value(row)));
        }
        if let Some(texts) = array.as_string_opt::<i32>() {
            return self.append_array(texts, |column, row| Texts::push_plain(texts.value(row), &mut column.values));
        }
        Err(ParquetError::General(format!("expected numbers or texts, found {}", array.data_type())))
    }

    fn append_array(&mut self, array: &impl Array, push: impl Fn(&mut Self, usize)) -> Result<()> {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let mut row = 0;
        while row < array.len() {
            let until = array.len().min(row + self.chunk.room());
            match nulls {
                None => {
                    self.chunk.add_present(until - row);
                    (row..until).for_each(|row| push(self, row));
                }
                Some(nulls) => {
                    self.chunk.add_each((row..until).map(|row| nulls.is_valid(row)))?;
                    (row..until).filter(|row| nulls.is_valid(*row)).for_each(|row| push(self, row));
                }
            }
            self.end_full_page()?;
            row = until;
        }
        Ok(())
    }

    fn push_number(&mut self, number: f64) {
        self.values.extend_from_slice(&number.to_le_bytes());
        self.least = self.least.min(number);
        self.greatest = self.greatest.max(number);
    }

    /// Bytes of the column in memory.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.chunk.bytes() + self.values.len()
    }

    fn end_full_page(&mut self) -> Result<()> {
        if self.chunk.room() == 0 || self.values.len() >= PAGE_BYTES { self.end_page() } else { Ok(()) }
    }

    fn end_page(&mut self) -> Result<()> {
        self.chunk.end_page(&self.values)?;
        self.values.clear();
        Ok(())
    }

    /// Puts the column into its row group, and begins the next one.
    ///
    /// # Errors
    /// When its pages cannot be written, or it is not the row group's next column.
    pub(in crate::store) fn append_to<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        self.end_page()?;
        // The format wants no plain zero at an end: it may stand for either sign.
        let least = if self.least == 0.0 { -0.0 } else { self.least };
        let greatest = if self.greatest == 0.0 { 0.0 } else { self.greatest };
        let statistics =
            (least <= greatest).then(|| Statistics::double(Some(least), Some(greatest), None, None, false));
        (self.least, self.greatest) = NO_RANGE;
        self.chunk.append_to(group, Extras { dictionary: None, statistics })
    }
}
