//! Texts that repeat, as indexes into the distinct ones (Apache Parquet format, "Encodings", `RLE_DICTIONARY` = 8).

use std::io::Write;

use parquet::basic::Encoding;
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, DictionaryPage, Extras};
use super::hybrid;
use crate::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use crate::arrow::datatypes::Int32Type;
use crate::dictionary::{Dictionary, NONE};

/// One such column of one row group.
pub(in crate::store) struct LabelColumn {
    chunk: Chunk,
    /// Distinct texts in the order of their first row, as the format stores them.
    texts: Dictionary,
    /// Indexes of the rows of the page being filled that have a text.
    indexes: Vec<u32>,
    /// Index of each text of what is being appended, or [`NONE`] while no row had it; kept for its memory.
    asked: Vec<u32>,
    page: Vec<u8>,
}

/// Texts by number: those of a [`Dictionary`], or of an array's dictionary.
pub(in crate::store) trait Source {
    /// How many texts there are; their numbers count from 0.
    fn count(&self) -> usize;
    /// Key in `texts` of the text that has `key` here.
    fn key_in(&self, key: u32, texts: &mut Dictionary) -> u32;
}

impl Source for Dictionary {
    fn count(&self) -> usize {
        self.len()
    }

    fn key_in(&self, key: u32, texts: &mut Dictionary) -> u32 {
        texts.intern_hashed(self.get(key), self.hash(key)).0
    }
}

impl Source for StringArray {
    fn count(&self) -> usize {
        self.len()
    }

    fn key_in(&self, key: u32, texts: &mut Dictionary) -> u32 {
        texts.intern(self.value(key as usize)).0
    }
}

impl LabelColumn {
    /// No rows yet.
    pub(in crate::store) fn new(descriptor: ColumnDescPtr) -> Self {
        Self {
            chunk: Chunk::new(descriptor, Encoding::RLE_DICTIONARY, false),
            texts: Dictionary::default(),
            indexes: Vec::new(),
            asked: Vec::new(),
            page: Vec::new(),
        }
    }

    /// Bytes of the distinct texts so far.
    pub(in crate::store) fn text_bytes(&self) -> usize {
        self.texts.text_bytes()
    }

    /// Appends rows that all have one text.
    ///
    /// # Errors
    /// When a page cannot be written.
    pub(in crate::store) fn append_one(&mut self, text: &str, rows: usize) -> Result<()> {
        let (index, _) = self.texts.intern(text);
        let mut left = rows;
        while left > 0 {
            let rows = left.min(self.chunk.room());
            self.chunk.add_present(rows);
            self.indexes.extend(std::iter::repeat_n(index, rows));
            left -= rows;
            self.end_full_page()?;
        }
        Ok(())
    }

    /// Appends an array of texts, plain or with a dictionary of 32-bit keys.
    ///
    /// # Errors
    /// As [`LabelColumn::append`]; also when the array is another one.
    pub(in crate::store) fn write(&mut self, array: &ArrayRef) -> Result<()> {
        let key_of = |valid: bool, key: u32| if valid { key } else { NONE };
        if let Some(texts) = array.as_string_opt::<i32>() {
            let keys: Vec<u32> =
                (0_u32..).zip(0..texts.len()).map(|(key, row)| key_of(texts.is_valid(row), key)).collect();
            return self.append(&keys, |key| key, texts);
        }
        let other = || ParquetError::General(format!("expected labels, found {}", array.data_type()));
        let array = array.as_dictionary_opt::<Int32Type>().ok_or_else(other)?;
        let values = array.values().as_string_opt::<i32>().ok_or_else(other)?;
        let keys = array.keys();
        if keys.null_count() == 0 {
            return self.append(keys.values(), i32::cast_unsigned, values);
        }
        let keys: Vec<u32> =
            (0..keys.len()).map(|row| key_of(keys.is_valid(row), keys.value(row).cast_unsigned())).collect();
        self.append(&keys, |key| key, values)
    }

    /// Appends rows whose texts are those of `keys` in a source; `key_of` gives [`NONE`] for an absent one.
    ///
    /// # Errors
    /// When a text is absent where none may be, or a page cannot be written.
    pub(in crate::store) fn append<K: Copy>(
        &mut self,
        keys: &[K],
        key_of: impl Fn(K) -> u32,
        source: &impl Source,
    ) -> Result<()> {
        self.asked.clear();
        self.asked.resize(source.count(), NONE);
        let mut rest = keys;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.chunk.room()));
            let absent = self.ask(now, &key_of, source);
            if absent == 0 {
                self.chunk.add_present(now.len());
                self.indexes.extend(now.iter().map(|key| self.asked[key_of(*key) as usize]));
            } else {
                self.chunk.add_some_absent(now.iter().map(|key| key_of(*key) != NONE))?;
                self.push_present(now, &key_of);
            }
            self.end_full_page()?;
            rest = later;
        }
        Ok(())
    }

    /// Gives each text of some rows its index; how many rows have none.
    fn ask<K: Copy>(&mut self, keys: &[K], key_of: &impl Fn(K) -> u32, source: &impl Source) -> usize {
        let mut absent = 0;
        for key in keys {
            let key = key_of(*key);
            match self.asked.get(key as usize) {
                Some(&NONE) => self.asked[key as usize] = source.key_in(key, &mut self.texts),
                Some(_) => {}
                None => absent += 1,
            }
        }
        absent
    }

    /// Adds the indexes of the rows that have a text.
    fn push_present<K: Copy>(&mut self, keys: &[K], key_of: &impl Fn(K) -> u32) {
        let mut end = self.indexes.len();
        self.indexes.resize(end + keys.len(), 0);
        for key in keys {
            let index = self.asked.get(key_of(*key) as usize);
            self.indexes[end] = index.copied().unwrap_or_default();
            end += usize::from(index.is_some());
        }
        self.indexes.truncate(end);
    }

    fn end_full_page(&mut self) -> Result<()> {
        if self.chunk.room() == 0 { self.end_page() } else { Ok(()) }
    }

    fn end_page(&mut self) -> Result<()> {
        let width = self.texts.len().saturating_sub(1).checked_ilog2().map_or(0, |log| log + 1);
        self.page.clear();
        self.page.push(u8::try_from(width).unwrap_or(u8::MAX));
        hybrid::encode(&self.indexes, width, &mut self.page);
        self.indexes.clear();
        self.chunk.end_page(&self.page)
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
        let mut values = Vec::with_capacity(self.texts.text_bytes() + 4 * self.texts.len());
        for text in self.texts.texts() {
            values.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            values.extend_from_slice(text.as_bytes());
        }
        let dictionary = Some(DictionaryPage { values, count: self.texts.len() });
        self.texts.clear();
        self.chunk.append_to(group, Extras { dictionary, statistics: None })
    }
}
