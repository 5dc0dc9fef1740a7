//! The pages of one column of one row group.

use std::io::Write;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, EncodingMask, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::hybrid;
use crate::store::writer::PAGE_ROWS;

/// Pages, in memory until their row group ends, and the rows of the page being filled.
pub(super) struct Chunk {
    descriptor: ColumnDescPtr,
    /// Encoding of the values of data pages.
    encoding: Encoding,
    /// `None` where values are not worth a try.
    compressor: Option<Compressor>,
    /// Rows of the page being filled.
    page_rows: usize,
    /// Whether each of them has a value (1) or not (0); empty while all have one.
    present: Vec<u32>,
    pages: TrackedWrite<Vec<u8>>,
    page_count: i32,
    rows: u64,
    sizes: Sizes,
    /// What a page and the whole column chunk are put together in; kept for their memory.
    page: Vec<u8>,
    whole: Vec<u8>,
}

/// Compresses the values of pages while that pays: after a page that got hardly smaller, no other of its column and row
/// group is tried.
struct Compressor {
    snappy: Box<snap::raw::Encoder>,
    pays: bool,
}

impl Compressor {
    fn new() -> Self {
        Self { snappy: Box::new(snap::raw::Encoder::new()), pays: true }
    }

    /// Appends values compressed; false, and nothing is appended, where that does not pay.
    fn append(&mut self, values: &[u8], bytes: &mut Vec<u8>) -> bool {
        if !self.pays || values.is_empty() {
            return false;
        }
        let before = bytes.len();
        bytes.resize(before + snap::raw::max_compress_len(values.len()), 0);
        // Only values of 4 GiB and more cannot be compressed.
        let size = self.snappy.compress(values, &mut bytes[before..]).unwrap_or(values.len());
        self.pays = size < values.len() - values.len() / 16;
        bytes.truncate(before + if self.pays { size } else { 0 });
        self.pays
    }
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

/// What a column has beside its data pages.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) dictionary: Option<DictionaryPage>,
    pub(super) statistics: Option<Statistics>,
}

/// The distinct values that pages refer to.
pub(super) struct DictionaryPage {
    /// In the format's plain encoding.
    pub(super) values: Vec<u8>,
    pub(super) count: usize,
}

impl Chunk {
    /// No rows yet; `compress` says whether values are worth a try.
    pub(super) fn new(descriptor: ColumnDescPtr, encoding: Encoding, compress: bool) -> Self {
        Self {
            descriptor,
            encoding,
            compressor: compress.then(Compressor::new),
            page_rows: 0,
            present: Vec::new(),
            pages: TrackedWrite::new(Vec::new()),
            page_count: 0,
            rows: 0,
            sizes: Sizes::default(),
            page: Vec::new(),
            whole: Vec::new(),
        }
    }

    /// Whether values may be absent.
    fn is_optional(&self) -> bool {
        self.descriptor.max_def_level() > 0
    }

    /// Rows that the page being filled still takes; at 0 it is to be ended.
    pub(super) fn room(&self) -> usize {
        PAGE_ROWS - self.page_rows
    }

    /// Bytes of the pages so far.
    pub(super) fn bytes(&self) -> usize {
        self.pages.bytes_written()
    }

    /// Adds rows with a value to the page being filled, at most [`Chunk::room`] of them.
    pub(super) fn add_present(&mut self, rows: usize) {
        self.page_rows += rows;
        if !self.present.is_empty() {
            self.present.resize(self.page_rows, 1);
        }
    }

    /// Adds rows to the page being filled, at most [`Chunk::room`] of them, some of which have no value.
    ///
    /// # Errors
    /// When none may be absent.
    pub(super) fn add_some_absent(&mut self, present: impl ExactSizeIterator<Item = bool>) -> Result<()> {
        if !self.is_optional() {
            let column = self.descriptor.name();
            return Err(ParquetError::General(format!("column {column}: a value is missing where none may be")));
        }
        self.present.resize(self.page_rows, 1);
        self.page_rows += present.len();
        self.present.extend(present.map(u32::from));
        Ok(())
    }

    /// Adds rows to the page being filled, at most [`Chunk::room`] of them.
    ///
    /// # Errors
    /// As [`Chunk::add_some_absent`].
    pub(super) fn add_each(&mut self, present: impl ExactSizeIterator<Item = bool> + Clone) -> Result<()> {
        if present.clone().fold(true, |all, present| all & present) {
            self.add_present(present.len());
            return Ok(());
        }
        self.add_some_absent(present)
    }

    /// Ends the page being filled; `values` are those of its rows that have one. Nothing happens without rows.
    ///
    /// # Errors
    /// When the page cannot be written.
    pub(super) fn end_page(&mut self, values: &[u8]) -> Result<()> {
        if self.page_rows == 0 {
            return Ok(());
        }
        let mut bytes = emptied(std::mem::take(&mut self.page));
        let absent = self.encode_levels(&mut bytes);
        let levels = bytes.len();
        let is_compressed = self.compressor.as_mut().is_some_and(|compressor| compressor.append(values, &mut bytes));
        if !is_compressed {
            bytes.extend_from_slice(values);
        }
        let bytes = Bytes::from(bytes);
        let page = Page::DataPageV2 {
            buf: bytes.clone(),
            num_values: count(self.page_rows),
            encoding: self.encoding,
            num_nulls: count(absent),
            num_rows: count(self.page_rows),
            def_levels_byte_len: count(levels),
            rep_levels_byte_len: 0,
            is_compressed,
            statistics: None,
        };
        self.sizes.add(&write_page(&mut self.pages, page, levels + values.len())?);
        self.page = Vec::from(bytes);
        self.page_count += 1;
        self.rows += self.page_rows as u64;
        self.page_rows = 0;
        self.present.clear();
        Ok(())
    }

    /// Appends which rows have a value, where some may have none; how many have none.
    fn encode_levels(&self, bytes: &mut Vec<u8>) -> usize {
        if !self.is_optional() {
            return 0;
        }
        if self.present.is_empty() {
            hybrid::repeat(1, self.page_rows, 1, bytes);
            return 0;
        }
        hybrid::encode(&self.present, 1, bytes);
        self.page_rows - self.present.iter().map(|present| *present as usize).sum::<usize>()
    }

    /// Puts the column, whose last page has ended, into its row group, and forgets its rows. The memory of its pages is
    /// kept for the next row group: fresh memory is dear.
    ///
    /// # Errors
    /// When its pages cannot be written, or it is not the row group's next column.
    pub(super) fn append_to<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        extras: Extras,
    ) -> Result<()> {
        let (whole, close) = self.close(extras)?;
        let whole = Bytes::from(whole);
        group.append_column(&whole, close)?;
        self.whole = Vec::from(whole);
        Ok(())
    }

    /// All pages, that of the dictionary first, and what the file says of them.
    fn close(&mut self, extras: Extras) -> Result<(Vec<u8>, ColumnCloseResult)> {
        let stats = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
        let mut encodings = vec![Encoding::RLE, self.encoding];
        let mut page_stats = vec![stats(PageType::DATA_PAGE, self.encoding, self.page_count)];
        let mut whole = std::mem::take(&mut self.whole);
        whole.clear();
        let has_dictionary = extras.dictionary.is_some();
        if let Some(dictionary) = extras.dictionary {
            encodings.push(Encoding::PLAIN);
            page_stats.insert(0, stats(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1));
            let mut sink = TrackedWrite::new(whole);
            self.sizes.add(&dictionary.write(&mut sink)?);
            whole = sink.into_inner()?;
        }
        let pages_begin = whole.len();
        let pages = std::mem::replace(&mut self.pages, TrackedWrite::new(Vec::new())).into_inner()?;
        whole.extend_from_slice(&pages);
        self.pages = TrackedWrite::new(emptied(pages));
        let compression = if self.compressor.is_some() { Compression::SNAPPY } else { Compression::UNCOMPRESSED };
        let mut metadata = ColumnChunkMetaData::builder(self.descriptor.clone())
            .set_compression(compression)
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(page_stats)
            .set_total_compressed_size(offset(self.sizes.compressed))
            .set_total_uncompressed_size(offset(self.sizes.uncompressed))
            .set_num_values(self.rows.cast_signed())
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_data_page_offset(offset(pages_begin));
        if let Some(statistics) = extras.statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: whole.len() as u64,
            rows_written: self.rows,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        (self.page_count, self.rows, self.sizes) = (0, 0, Sizes::default());
        if let Some(compressor) = &mut self.compressor {
            compressor.pays = true;
        }
        Ok((whole, close))
    }
}

impl DictionaryPage {
    fn write(self, sink: &mut TrackedWrite<Vec<u8>>) -> Result<PageWriteSpec> {
        let size = self.values.len();
        let page = Page::DictionaryPage {
            buf: Bytes::from(self.values),
            num_values: count(self.count),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        write_page(sink, page, size)
    }
}

/// The memory of what was written.
fn emptied(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.clear();
    bytes
}

fn write_page(sink: &mut TrackedWrite<Vec<u8>>, page: Page, uncompressed: usize) -> Result<PageWriteSpec> {
    SerializedPageWriter::new(sink).write_page(CompressedPage::new(page, uncompressed))
}

/// A number of rows or bytes of a page, which are far fewer than 2^32.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn offset(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
