//! Writing one Parquet file: compression, encodings, checksum.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::arrow::array::RecordBatch;
use crate::arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriterOptions};
use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use xxhash_rust::xxh3::Xxh3;

use super::cells::Cells;
use super::row_group::{RowGroup, is_labels};
use super::unsynced::Unsynced;
use crate::error::{Error, Result};
use crate::manifest::FileEntry;
use crate::table::{Column, Row, Table};
use crate::tables::Event;

/// Rows of a row group at most.
pub(super) const ROW_GROUP_ROWS: usize = 1 << 15;
/// Rows of a page at most, and rows encoded at a time.
pub(super) const PAGE_ROWS: usize = 1 << 11;

/// A Parquet file of one table that is being written.
pub struct TableFile {
    writer: SerializedFileWriter<Checksummed>,
    factory: ArrowRowGroupWriterFactory,
    /// The row group being filled, and how many came before it.
    group: RowGroup,
    groups: usize,
    path: PathBuf,
    final_path: String,
    table: &'static Table,
    part: u32,
    rows: u64,
    unsynced: Arc<Unsynced>,
}

impl std::fmt::Debug for TableFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableFile").field("path", &self.path).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl TableFile {
    pub(super) fn create(
        path: PathBuf,
        final_path: String,
        table: &'static Table,
        part: u32,
        unsynced: Arc<Unsynced>,
    ) -> Result<Self> {
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        let sink = Checksummed { file: BufWriter::with_capacity(1 << 18, file), hash: Box::new(Xxh3::new()), bytes: 0 };
        let options = ArrowWriterOptions::new().with_properties(properties(table));
        let schema = table.schema();
        let (writer, factory) = ArrowWriter::try_new_with_options(sink, schema.clone(), options)
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(Error::parquet(&path))?;
        let group = RowGroup::new(&factory, &writer, &schema).map_err(Error::parquet(&path))?;
        Ok(Self { writer, factory, group, groups: 0, path, final_path, table, part, rows: 0, unsynced })
    }

    /// Appends a batch of the table's schema.
    ///
    /// # Errors
    /// When the file cannot be written or the batch is of another schema.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.write_groups(batch).map_err(Error::parquet(&self.path))
    }

    fn write_groups(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let mut at = 0;
        while at < batch.num_rows() {
            let rows = self.group.room().min(batch.num_rows() - at);
            self.group.write(&batch.slice(at, rows))?;
            at += rows;
            self.end_full_group()?;
        }
        Ok(())
    }

    /// Appends rows column by column, in the order of the table's columns.
    ///
    /// # Errors
    /// When the file cannot be written or the cells are not those of the table.
    ///
    /// # Panics
    /// When a column has fewer rows.
    pub fn append(&mut self, rows: usize, cells: &[Cells<'_>]) -> Result<()> {
        self.rows += rows as u64;
        self.append_to_groups(rows, cells).map_err(Error::parquet(&self.path))
    }

    fn append_to_groups(&mut self, rows: usize, cells: &[Cells<'_>]) -> Result<(), ParquetError> {
        if rows < self.group.room() {
            return self.group.append(rows, cells);
        }
        let mut at = 0;
        while at < rows {
            let until = rows.min(at + self.group.room());
            let piece: Vec<Cells<'_>> = cells.iter().map(|cells| cells.slice(&(at..until))).collect();
            self.group.append(until - at, &piece)?;
            at = until;
            self.end_full_group()?;
        }
        Ok(())
    }

    fn end_full_group(&mut self) -> Result<(), ParquetError> {
        if self.group.room() == 0 { self.end_group() } else { Ok(()) }
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        if !self.group.is_empty() {
            self.groups += 1;
            self.group.append_to(&mut self.writer, &self.factory, self.groups)?;
        }
        Ok(())
    }

    /// Appends rows.
    ///
    /// # Errors
    /// As [`TableFile::write`].
    pub fn write_rows<R: Row>(&mut self, rows: &[R]) -> Result<()> {
        debug_assert_eq!(R::TABLE.name, self.table.name);
        self.write(&R::to_batch(rows)?)
    }

    /// Encodes what was appended so far as a row group: bounds the memory of a long file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.end_group().map_err(Error::parquet(&self.path))
    }

    /// Rows appended so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file and describes it. It is on the disk for certain once its transaction is committed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<FileEntry> {
        self.flush()?;
        let Self { writer, path, final_path, table, part, rows, unsynced, .. } = self;
        let sink = writer.into_inner().map_err(Error::parquet(&path))?;
        let (bytes, digest) = (sink.bytes, sink.hash.digest128());
        let file = sink.file.into_inner().map_err(|error| Error::io("write", &path)(error.into_error()))?;
        unsynced.add(file, path)?;
        Ok(FileEntry {
            path: final_path,
            table: table.name.to_owned(),
            part,
            rows,
            bytes,
            xxh3: format!("{digest:032x}"),
        })
    }
}

/// Snappy, but not for dictionaries' keys, which are packed already. Ranges only of numbers and instants (ids are spread at
/// random); dictionaries only where values repeat; deltas for instants and offsets.
fn properties(table: &Table) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::SNAPPY)
        .set_encoding(Encoding::PLAIN)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by("faaslens".to_owned());
    for column in (table.columns)() {
        let path = ColumnPath::from(column.name);
        if !column.data_type.is_numeric() && !matches!(column.data_type, DataType::Timestamp(..)) {
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        let repeats = repeats(table, &column);
        builder = builder.set_column_dictionary_enabled(path.clone(), repeats);
        if repeats {
            builder = builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
        }
        if matches!(column.data_type, DataType::Timestamp(..) | DataType::Int64) {
            builder = builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    builder.build()
}

/// Whether the texts of a column are written as a dictionary and indexes: labels, and the ids and URLs of events, which
/// stand in several rows each.
fn repeats(table: &Table, column: &Column) -> bool {
    let in_events = table.name == Event::TABLE.name && column.data_type == DataType::Utf8 && column.name != "headers";
    in_events || is_labels(&column.data_type)
}

/// Hashes and counts what passes.
struct Checksummed {
    file: BufWriter<File>,
    hash: Box<Xxh3>,
    bytes: u64,
}

impl Write for Checksummed {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Writes a small file so that it is there whole or not at all.
pub(super) fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary).map_err(Error::io("create", &temporary))?;
    file.write_all(content).map_err(Error::io("write", &temporary))?;
    file.sync_data().map_err(Error::io("sync", &temporary))?;
    std::fs::rename(&temporary, path).map_err(Error::io("rename to", path))
}

/// The shape of a part's path in the store.
pub(super) fn part_path(table: &Table, run: &str, part: u32) -> String {
    format!("{}/run={run}/part={part}/{}.parquet", table.name, table.name)
}
