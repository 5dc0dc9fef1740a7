//! Reading tables of a store.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::arrow::array::RecordBatch;
use crate::arrow::datatypes::{DataType, Fields, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};

use super::writer::write_atomically;
use super::{Store, part_of};
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::table::{Label, Layout, Row, Table, read_column};

impl Store {
    /// Paths of the files of a table of a run, one part or all, in order of part.
    pub fn files(&self, manifest: &Manifest, table: &Table, part: Option<u32>) -> Vec<PathBuf> {
        let wanted =
            |file: &&crate::manifest::FileEntry| file.table == table.name && part.is_none_or(|part| file.part == part);
        let mut entries: Vec<_> = manifest.all_files().filter(wanted).collect();
        entries.sort_by_key(|file| file.part);
        entries.into_iter().map(|file| self.root.join(&file.path)).collect()
    }

    /// The rows of a table of a run, one part or all, in order of part; none where it has no file.
    ///
    /// # Errors
    /// When a file is missing, damaged or lacks a declared column.
    pub fn rows<R: Row>(&self, manifest: &Manifest, part: Option<u32>) -> Result<Vec<R>> {
        let mut rows = Vec::new();
        for path in self.files(manifest, R::TABLE, part) {
            rows.extend(rows_of(&path)?);
        }
        Ok(rows)
    }

    /// The rows of one context; none where the table has none. Its part is in order of context: only the ids are read to find
    /// them, and then only the pages that hold them are decoded.
    ///
    /// # Errors
    /// When a file is missing, damaged or lacks a declared column.
    pub fn rows_of_context<R: Row>(&self, manifest: &Manifest, context: &str) -> Result<Vec<R>> {
        let part = part_of(context.as_bytes(), manifest.parts);
        let mut rows = Vec::new();
        for path in self.files(manifest, R::TABLE, Some(part)) {
            let Some(range) = range_of(&path, R::TABLE, context)? else { continue };
            let file = File::open(&path).map_err(Error::io("open", &path))?;
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(Error::parquet(&path))?;
            let total = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
            let selection = RowSelection::from_consecutive_ranges(std::iter::once(range), total);
            for batch in builder.with_row_selection(selection).build().map_err(Error::parquet(&path))? {
                let batch = batch.map_err(|source| Error::Arrow { table: R::TABLE.name, source })?;
                rows.extend(R::from_batch(&batch).map_err(|error| with_path(error, &path))?);
            }
        }
        Ok(rows)
    }

    /// Record batches of a file, of the named columns or of all when `columns` is empty.
    ///
    /// # Errors
    /// When the file is missing or damaged.
    pub fn batches(path: &Path, columns: &[&str], rows: usize) -> Result<ParquetRecordBatchReader> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let options = ArrowReaderOptions::new();
        let builder =
            ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(Error::parquet(path))?;
        let mask = if columns.is_empty() {
            ProjectionMask::all()
        } else {
            ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied())
        };
        builder.with_projection(mask).with_batch_size(rows).build().map_err(Error::parquet(path))
    }

    /// As [`Store::batches`], but texts that a file keeps in dictionaries come as arrays with dictionaries: each is there once a
    /// row group, as far as a batch does not reach into the next one.
    ///
    /// # Errors
    /// When the file is missing or damaged.
    pub fn keyed_batches(path: &Path, columns: &[&str], rows: usize) -> Result<ParquetRecordBatchReader> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let keyed = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).and_then(|plain| {
            let options = ArrowReaderOptions::new().with_schema(keyed_schema(&plain));
            ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options)
        });
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, keyed.map_err(Error::parquet(path))?);
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder.with_projection(mask).with_batch_size(rows).build().map_err(Error::parquet(path))
    }

    /// Rows of a file, from its footer.
    ///
    /// # Errors
    /// When the file is missing or damaged.
    pub fn row_count(path: &Path) -> Result<usize> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(Error::parquet(path))?;
        Ok(usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0))
    }

    /// Replaces a table that pools runs.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_pooled<R: Row>(&self, rows: &[R]) -> Result<()> {
        debug_assert_eq!(R::TABLE.layout, Layout::Pooled);
        let path = self.pooled_path(R::TABLE);
        let folder = self.root.join(R::TABLE.name);
        std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let mut bytes = Vec::new();
        let mut writer =
            parquet::arrow::ArrowWriter::try_new(&mut bytes, R::schema(), None).map_err(Error::parquet(&path))?;
        writer.write(&R::to_batch(rows)?).map_err(Error::parquet(&path))?;
        writer.close().map_err(Error::parquet(&path))?;
        write_atomically(&path, &bytes)
    }

    /// The rows of a table that pools runs; none before the first analysis.
    ///
    /// # Errors
    /// When the file is damaged or lacks a declared column.
    pub fn pooled_rows<R: Row>(&self) -> Result<Vec<R>> {
        let path = self.pooled_path(R::TABLE);
        if path.is_file() { rows_of(&path) } else { Ok(Vec::new()) }
    }

    /// Path of the file of a table that pools runs.
    pub fn pooled_path(&self, table: &Table) -> PathBuf {
        self.root.join(table.name).join(format!("{}.parquet", table.name))
    }
}

/// First row and one after the last row of a context in a file.
fn range_of(path: &Path, table: &'static Table, context: &str) -> Result<Option<Range<usize>>> {
    let mut found: Option<Range<usize>> = None;
    let mut before = 0;
    for batch in Store::batches(path, &["context_id"], 8192)? {
        let batch: RecordBatch = batch.map_err(|source| Error::Arrow { table: table.name, source })?;
        let ids: Vec<Option<Label>> = read_column(&batch, table.name, "context_id")?;
        for (row, id) in ids.iter().enumerate() {
            if id.as_deref() == Some(context) {
                let from = found.as_ref().map_or(before + row, |range| range.start);
                found = Some(from..before + row + 1);
            }
        }
        if found.as_ref().is_some_and(|range| range.end < before + batch.num_rows()) {
            break;
        }
        before += batch.num_rows();
    }
    Ok(found)
}

fn rows_of<R: Row>(path: &Path) -> Result<Vec<R>> {
    let mut rows = Vec::new();
    for batch in Store::batches(path, &[], 8192)? {
        let batch: RecordBatch = batch.map_err(|source| Error::Arrow { table: R::TABLE.name, source })?;
        rows.extend(R::from_batch(&batch).map_err(|error| with_path(error, path))?);
    }
    Ok(rows)
}

fn with_path(error: Error, file: &Path) -> Error {
    match error {
        Error::Column { table, column, expected, found, .. } => {
            Error::Column { path: file.to_owned(), table, column, expected, found }
        }
        other => other,
    }
}

/// The schema of a file whose texts are labels where its first row group keeps them in a dictionary.
fn keyed_schema(file: &ArrowReaderMetadata) -> SchemaRef {
    let group = file.metadata().row_groups().first();
    let is_keyed = |column: usize| group.is_some_and(|group| group.column(column).dictionary_page_offset().is_some());
    let fields = file.schema().fields().iter().enumerate().map(|(column, field)| {
        if field.data_type() == &DataType::Utf8 && is_keyed(column) {
            let labels = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            return Arc::new(field.as_ref().clone().with_data_type(labels));
        }
        Arc::clone(field)
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Fields>(), file.schema().metadata().clone()))
}
