//! `faaslens table`: one table of a store as text.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use faaslens_report::tables::Format;
use faaslens_schemas::arrow::array::{ArrayRef, RecordBatch, StringArray};
use faaslens_schemas::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use faaslens_schemas::table::{Layout, Stage, Table};
use faaslens_schemas::tables;

use super::schema::unknown_table;
use crate::cli::{RunArguments, warn_of_missing_analysis};
use crate::outcome::{Outcome, wrong_use};
use crate::output::NewFile;
use crate::printer::Printer;
use crate::stream;

/// Rows of one batch.
const BATCH_ROWS: usize = 1 << 14;

const EXAMPLES: &str = "\
Examples:
  faaslens table durations --store store
  faaslens table responses --store store --format latex --out table.tex
  faaslens table rejects --store store --run webservice-1 --format json

faaslens schema NAME says what the columns mean.";

/// Prints one table of a store.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Table, as `faaslens schema` names it.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    runs: RunArguments,
    /// Format of the table.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = parse_format)]
    format: Format,
    /// File to write instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A text format by its name on the command line.
pub(crate) fn parse_format(name: &str) -> Result<Format, String> {
    Format::by_name(name).ok_or_else(|| format!("expected {}", format_names().join(", ")))
}

/// Every text format by name.
pub(crate) fn format_names() -> Vec<&'static str> {
    faaslens_report::tables::FORMATS.iter().map(|(name, ..)| *name).collect()
}

impl Arguments {
    /// Prints the table.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let table = tables::by_name(&self.name).ok_or_else(|| wrong_use(unknown_table(&self.name)))?;
        let (store, manifests) = self.runs.select(printer)?;
        if table.stage == Stage::Analyze {
            warn_of_missing_analysis(&manifests, printer);
        }
        let schema = schema_of(table);
        let batches = batches(&store, table, &manifests, &schema);
        let left_out = match &self.out {
            Some(path) => {
                let mut file = NewFile::create(path)?;
                stream::write(&schema, batches, self.format, &mut file)?;
                file.finish()?;
                0
            }
            None => stream::write(&schema, batches, self.format, &mut printer.results())?,
        };
        if left_out > 0 {
            printer.note(&stream::left_out_note(left_out));
        }
        Ok(Outcome::Done)
    }
}

/// The columns printed: `run` for tables of one run, then the declared ones.
pub(crate) fn schema_of(table: &Table) -> SchemaRef {
    let run = (table.layout == Layout::PerRun).then(|| Field::new("run", DataType::Utf8, false));
    let columns = (table.columns)().into_iter();
    let declared = columns.map(|column| Field::new(column.name, column.data_type, column.nullable));
    Arc::new(Schema::new(run.into_iter().chain(declared).collect::<Vec<_>>()))
}

/// The rows of a table of some runs, piece by piece.
pub(crate) fn batches<'a>(
    store: &'a Store,
    table: &'static Table,
    manifests: &'a [Manifest],
    schema: &'a SchemaRef,
) -> Box<dyn Iterator<Item = anyhow::Result<RecordBatch>> + 'a> {
    if table.layout == Layout::Pooled {
        let path = store.pooled_path(table);
        let file = path.is_file().then_some(path);
        return Box::new(file.into_iter().flat_map(move |path| of_file(&path, None, schema)));
    }
    Box::new(manifests.iter().flat_map(move |manifest| {
        let files = store.files(manifest, table, None);
        files.into_iter().flat_map(move |path| of_file(&path, Some(&manifest.run), schema))
    }))
}

/// The batches of one file; an error in place of those that cannot be read.
fn of_file<'a>(
    path: &Path,
    run: Option<&'a str>,
    schema: &'a SchemaRef,
) -> Box<dyn Iterator<Item = anyhow::Result<RecordBatch>> + 'a> {
    let reader = match Store::batches(path, &[], BATCH_ROWS) {
        Ok(reader) => reader,
        Err(error) => return Box::new(std::iter::once(Err(error.into()))),
    };
    let shown = path.display().to_string();
    Box::new(reader.map(move |batch| {
        let batch = batch.with_context(|| format!("{shown}: cannot read"))?;
        conform(&batch, run, schema).with_context(|| shown.clone())
    }))
}

/// A batch with the columns of `schema`, in its order; columns that only the file has are left out.
fn conform(batch: &RecordBatch, run: Option<&str>, schema: &SchemaRef) -> anyhow::Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| -> anyhow::Result<ArrayRef> {
        if let (Some(run), "run") = (run, field.name().as_str()) {
            return Ok(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(run, batch.num_rows()))));
        }
        let column = batch.column_by_name(field.name()).with_context(|| format!("no column {:?}", field.name()))?;
        let (expected, found) = (field.data_type(), column.data_type());
        anyhow::ensure!(expected == found, "column {}: expected {expected}, found {found}", field.name());
        Ok(column.clone())
    });
    Ok(RecordBatch::try_new(schema.clone(), columns.collect::<anyhow::Result<Vec<_>>>()?)?)
}
