//! One column of labels in one row group, encoded from the dictionary keys that its batches bring.
//!
//! The Parquet library looks every value of a column up by its text; of the labels of an event, ten a row, that is a tenth
//! of a collection (BENCHMARKS.md). Here a text is looked up once a batch, and rows pass as keys. Pages, metadata and their
//! place in the file stay the library's; what is written here are the indexes within a page, in the format's hybrid of
//! runs and packed bits (Apache Parquet format, "Encodings", RLE = 3 and `RLE_DICTIONARY` = 8).

use std::collections::HashMap;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, EncodingMask, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use crate::arrow::datatypes::Int32Type;

/// Stands for a value of a batch that no row had yet.
const UNASKED: u32 = u32::MAX;

/// Labels of the rows of one row group.
pub(super) struct DictionaryColumn {
    descriptor: ColumnDescPtr,
    page_rows: usize,
    /// Distinct texts in the order of their first row, as the format stores them.
    texts: Vec<u8>,
    indexes: HashMap<Box<str>, u32>,
    /// Rows of the page being filled: 1 for a label, 0 for none; and the indexes of those with one.
    present: Vec<u32>,
    labels: Vec<u32>,
    /// Index of each value of the batch being taken; kept for its memory.
    asked: Vec<u32>,
    pages: TrackedWrite<Vec<u8>>,
    page_count: i32,
    rows: u64,
    sizes: Sizes,
}

/// Bytes of pages, their headers included.
#[derive(Default)]
struct Sizes {
    uncompressed: usize,
    compressed: usize,
}

impl Sizes {
    fn add(&mut self, spec: &PageWriteSpec) {
        self.uncompressed += spec.uncompressed_size;
        self.compressed += spec.compressed_size;
    }
}

impl DictionaryColumn {
    /// No rows yet; pages of `page_rows` rows.
    pub(super) fn new(descriptor: ColumnDescPtr, page_rows: usize) -> Self {
        Self {
            descriptor,
            page_rows,
            texts: Vec::new(),
            indexes: HashMap::new(),
            present: Vec::new(),
            labels: Vec::new(),
            asked: Vec::new(),
            pages: TrackedWrite::new(Vec::new()),
            page_count: 0,
            rows: 0,
            sizes: Sizes::default(),
        }
    }

    /// Bytes of the distinct texts so far.
    pub(super) fn text_bytes(&self) -> usize {
        self.texts.len()
    }

    /// Appends a dictionary array of texts with 32-bit keys.
    ///
    /// # Errors
    /// When the array is another one, has an absent value where the column needs one, or a page cannot be written.
    pub(super) fn write(&mut self, array: &ArrayRef) -> Result<()> {
        let other = || ParquetError::General(format!("expected labels, found {}", array.data_type()));
        let array = array.as_dictionary_opt::<Int32Type>().ok_or_else(other)?;
        let values = array.values().as_string_opt::<i32>().ok_or_else(other)?;
        if array.null_count() > 0 && self.descriptor.max_def_level() == 0 {
            return Err(ParquetError::General("a label is missing where none may be".to_owned()));
        }
        self.asked.clear();
        self.asked.resize(values.len(), UNASKED);
        for (row, key) in array.keys().values().iter().enumerate() {
            let present = array.keys().is_valid(row);
            self.present.push(u32::from(present));
            if present {
                let index = self.index(key.cast_unsigned() as usize, values);
                self.labels.push(index);
            }
            if self.present.len() == self.page_rows {
                self.end_page()?;
            }
        }
        self.rows += array.len() as u64;
        Ok(())
    }

    /// Index of a value of the batch being taken.
    #[inline]
    fn index(&mut self, key: usize, values: &StringArray) -> u32 {
        let known = self.asked[key];
        if known != UNASKED {
            return known;
        }
        let text = values.value(key);
        let index = self.indexes.get(text).copied().unwrap_or_else(|| self.add(text));
        self.asked[key] = index;
        index
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a row group has far fewer than 2^32 rows, and texts below 4 GiB"
    )]
    fn add(&mut self, text: &str) -> u32 {
        let index = self.indexes.len() as u32;
        self.indexes.insert(text.into(), index);
        self.texts.extend((text.len() as u32).to_le_bytes());
        self.texts.extend(text.as_bytes());
        index
    }

    fn end_page(&mut self) -> Result<()> {
        let mut bytes = Vec::with_capacity(self.labels.len() + 16);
        if self.descriptor.max_def_level() > 0 {
            bytes.extend([0; 4]);
            hybrid(&self.present, 1, &mut bytes);
            let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
            bytes[..4].copy_from_slice(&length.to_le_bytes());
        }
        let width = self.indexes.len().saturating_sub(1).checked_ilog2().map_or(0, |log| log + 1);
        bytes.push(u8::try_from(width).unwrap_or(u8::MAX));
        hybrid(&self.labels, width, &mut bytes);
        let page = Page::DataPage {
            buf: Bytes::from(bytes),
            num_values: u32::try_from(self.present.len()).unwrap_or(u32::MAX),
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.sizes.add(&write_page(&mut self.pages, page)?);
        self.page_count += 1;
        self.present.clear();
        self.labels.clear();
        Ok(())
    }

    /// Ends the column and puts it into its row group.
    ///
    /// # Errors
    /// When its pages cannot be written, or it is not the row group's next column.
    pub(super) fn append_to<W: std::io::Write + Send>(
        mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        if !self.present.is_empty() {
            self.end_page()?;
        }
        let mut chunk = TrackedWrite::new(Vec::new());
        let texts = Page::DictionaryPage {
            buf: Bytes::from(std::mem::take(&mut self.texts)),
            num_values: u32::try_from(self.indexes.len()).unwrap_or(u32::MAX),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        self.sizes.add(&write_page(&mut chunk, texts)?);
        let mut chunk = chunk.into_inner()?;
        let texts_end = chunk.len();
        chunk.extend(self.pages.into_inner()?);
        let stats = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
        let metadata = ColumnChunkMetaData::builder(self.descriptor)
            .set_compression(Compression::UNCOMPRESSED)
            .set_encodings_mask(EncodingMask::new_from_encodings(
                [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY].iter(),
            ))
            .set_page_encoding_stats(vec![
                stats(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1),
                stats(PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, self.page_count),
            ])
            .set_total_compressed_size(offset(self.sizes.compressed))
            .set_total_uncompressed_size(offset(self.sizes.uncompressed))
            .set_num_values(self.rows.cast_signed())
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(offset(texts_end))
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: chunk.len() as u64,
            rows_written: self.rows,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        group.append_column(&Bytes::from(chunk), close)
    }
}

fn write_page(sink: &mut TrackedWrite<Vec<u8>>, page: Page) -> Result<PageWriteSpec> {
    let size = page.buffer().len();
    SerializedPageWriter::new(sink).write_page(CompressedPage::new(page, size))
}

fn offset(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Appends numbers below `2^width` as runs of one number and, between them, packed groups of eight.
fn hybrid(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let (mut packed, mut at) = (0, 0);
    while at < numbers.len() {
        let run = numbers[at..].iter().take_while(|number| **number == numbers[at]).count();
        if run < 8 {
            at = (at + 8).min(numbers.len());
            continue;
        }
        pack(&numbers[packed..at], width, out);
        varint((run as u64) << 1, out);
        out.extend(&numbers[at].to_le_bytes()[..width.div_ceil(8) as usize]);
        at += run;
        packed = at;
    }
    pack(&numbers[packed..], width, out);
}

/// Appends numbers as groups of eight, the lowest bits first, the last group filled up with zeros.
fn pack(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let groups = numbers.len().div_ceil(8);
    if groups == 0 {
        return;
    }
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut filled) = (0_u64, 0);
    for number in numbers {
        bits |= u64::from(*number) << filled;
        filled += width;
        if filled >= 32 {
            let [a, b, c, d, ..] = bits.to_le_bytes();
            out.extend([a, b, c, d]);
            bits >>= 32;
            filled -= 32;
        }
    }
    let rest = (end - out.len()).min(4);
    out.extend(&bits.to_le_bytes()[..rest]);
    out.resize(end, 0);
}

/// Appends an unsigned number, seven bits a byte, the lowest first.
fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number > 127 {
        out.push(number.to_le_bytes()[0] | 128);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}
