//! `faaslens export`: call trees for other tools, and tables as files.

use std::collections::HashSet;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use faaslens_export::{Exporter, FORMATS, Format, Scene, by_name};
use faaslens_report::tables::Format as TextFormat;
use faaslens_schemas::arrow::array::RecordBatch;
use faaslens_schemas::arrow::datatypes::SchemaRef;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use faaslens_schemas::table::{Layout, Stage, Table};
use faaslens_schemas::tables;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::schema::unknown_table;
use super::table::{batches, schema_of};
use crate::cli::{RunArguments, warn_of_missing_analysis};
use crate::filtering::FilterArguments;
use crate::outcome::{Outcome, wrong_use};
use crate::output::NewFile;
use crate::printer::Printer;
use crate::progress::{Bar, catch_interruption};
use crate::table_filter::TableFilter;
use crate::{stream, traces};

/// Names of the formats of tables.
const CSV: &str = "csv";
const PARQUET: &str = "parquet";

const EXAMPLES: &str = "\
Formats:
  perfetto    Perfetto's TrackEvent protobuf: open it in ui.perfetto.dev
  jaeger      Jaeger's JSON
  otlp        OpenTelemetry protocol, JSON lines
  folded      call paths by category along critical paths: for inferno, flamegraph.pl, speedscope
  folded-all  the same over all invocations, parallel and triggered ones too
  csv, parquet  a table: --table NAME

Examples:
  faaslens export perfetto --store store --run webservice-1 --out shop.pftrace
  faaslens export jaeger --store store --route 'POST /checkout' --starts cold --out slow.json
  faaslens export folded --store store --complete-only | inferno-flamegraph --countname us > flame.svg
  faaslens export parquet --table calls --store store --provider aws --out calls.parquet";

/// Writes call trees or tables for other tools.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Format: perfetto, jaeger, otlp, folded, folded-all, csv or parquet.
    #[arg(value_name = "FORMAT")]
    format: String,
    #[command(flatten)]
    runs: RunArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// Table to export, as `faaslens schema` names it; for csv and parquet.
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// File to write instead of standard output; needed for parquet.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Arguments {
    /// Writes the export.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let known = by_name(&self.format);
        let tabular = [CSV, PARQUET].contains(&self.format.as_str());
        if known.is_none() && !tabular {
            let names: Vec<&str> = FORMATS.iter().map(|format| format.name).chain([CSV, PARQUET]).collect();
            let expected = names.join(", ");
            return Err(wrong_use(format!("unknown format {:?}, expected one of: {expected}", self.format)));
        }
        if tabular != self.table.is_some() {
            return Err(wrong_use("--table NAME goes with csv and parquet, and only with them"));
        }
        let binary = self.format == PARQUET || known.is_some_and(|format| !format.text);
        if binary && self.out.is_none() && (self.format == PARQUET || std::io::stdout().is_terminal()) {
            return Err(wrong_use(format!("{} is no text: give --out FILE", self.format)));
        }
        let (store, manifests) = self.runs.select(printer)?;
        let mut file = self.out.as_deref().map(NewFile::create).transpose()?;
        catch_interruption()?;
        match (known, &self.table) {
            (Some(format), _) => {
                warn_of_missing_analysis(&manifests, printer);
                match &mut file {
                    Some(file) => self.trees(format, &store, &manifests, file, printer)?,
                    None => self.trees(format, &store, &manifests, &mut printer.results(), printer)?,
                }
            }
            (None, table) => {
                self.table(table.as_deref().unwrap_or_default(), &store, &manifests, &mut file, printer)?;
            }
        }
        file.map_or(Ok(()), NewFile::finish)?;
        Ok(Outcome::Done)
    }

    fn trees(
        &self,
        format: &Format,
        store: &Store,
        manifests: &[Manifest],
        out: &mut dyn Write,
        printer: &Printer,
    ) -> anyhow::Result<()> {
        let mut exporter = (format.exporter)();
        let passes = if format.surveys { 2 } else { 1 };
        let parts: u64 = manifests.iter().map(|manifest| u64::from(manifest.parts)).sum();
        let bar = Bar::pieces("export", parts * passes, printer.quiet());
        if format.surveys {
            self.each(store, manifests, &bar, |scene| {
                exporter.survey(scene);
                Ok(())
            })?;
        }
        let mut out = BufWriter::with_capacity(1 << 16, out);
        exporter.begin(&mut out)?;
        let mut count = 0_u64;
        self.each(store, manifests, &bar, |scene| {
            count += 1;
            Ok(exporter.write(scene, &mut out)?)
        })?;
        exporter.finish(&mut out)?;
        out.flush()?;
        drop(bar);
        report(count, exporter.as_ref(), printer);
        Ok(())
    }

    fn each(
        &self,
        store: &Store,
        manifests: &[Manifest],
        bar: &Bar,
        mut take: impl FnMut(&Scene<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for manifest in manifests {
            let filter = self.filter.filter(manifest)?;
            traces::each(store, manifest, &filter, bar, |rows| take(&Scene { run: &manifest.run, rows }))?;
        }
        Ok(())
    }

    fn table(
        &self,
        name: &str,
        store: &Store,
        manifests: &[Manifest],
        file: &mut Option<NewFile>,
        printer: &Printer,
    ) -> anyhow::Result<()> {
        let table = tables::by_name(name).ok_or_else(|| wrong_use(unknown_table(name)))?;
        if table.stage == Stage::Analyze {
            warn_of_missing_analysis(manifests, printer);
        }
        let schema = schema_of(table);
        let filtered = self.filtered(table, store, manifests, &schema, printer)?;
        match file {
            Some(file) if self.format == PARQUET => write_parquet(&schema, filtered, file),
            Some(file) => stream::write(&schema, filtered, TextFormat::Csv, file).map(drop),
            None => stream::write(&schema, filtered, TextFormat::Csv, &mut printer.results()).map(drop),
        }
    }

    /// The rows of a table that pass the filter, run by run.
    fn filtered<'a>(
        &'a self,
        table: &'static Table,
        store: &'a Store,
        manifests: &'a [Manifest],
        schema: &'a SchemaRef,
        printer: &'a Printer,
    ) -> anyhow::Result<Box<dyn Iterator<Item = anyhow::Result<RecordBatch>> + 'a>> {
        let mut divided = Vec::new();
        for manifest in manifests {
            divided.push(TableFilter::new(&self.filter.filter(manifest)?, table)?);
        }
        if table.layout == Layout::Pooled {
            // Its rows are of no single run; the filter is the same for all of them.
            let Some(filter) = divided.pop() else { return Ok(Box::new(std::iter::empty())) };
            let rows = batches(store, table, manifests, schema);
            return Ok(Box::new(rows.map(move |batch| filter.apply(&batch?, None))));
        }
        let of_run = move |(manifest, filter): (&'a Manifest, TableFilter)| {
            let contexts = match contexts_of(store, manifest, &filter, printer) {
                Ok(contexts) => contexts,
                Err(error) => return Box::new(std::iter::once(Err(error))) as Box<dyn Iterator<Item = _> + 'a>,
            };
            let rows = batches(store, table, std::slice::from_ref(manifest), schema);
            Box::new(rows.map(move |batch| filter.apply(&batch?, contexts.as_ref())))
        };
        Ok(Box::new(manifests.iter().zip(divided).flat_map(of_run)))
    }
}

/// Contexts of the traces that pass, where the table's own columns do not tell.
fn contexts_of(
    store: &Store,
    manifest: &Manifest,
    filter: &TableFilter,
    printer: &Printer,
) -> anyhow::Result<Option<HashSet<String>>> {
    if filter.by_trace.keeps_all() {
        return Ok(None);
    }
    let bar = Bar::pieces("filter", manifest.parts.into(), printer.quiet());
    let mut contexts = HashSet::new();
    traces::each(store, manifest, &filter.by_trace, &bar, |rows| {
        contexts.insert(rows.trace.context_id.clone());
        Ok(())
    })?;
    Ok(Some(contexts))
}

/// Says how much was exported and what was not.
fn report(count: u64, exporter: &dyn Exporter, printer: &Printer) {
    printer.note(&format!("{count} traces exported"));
    if count == 0 {
        printer.warning("no trace passes the filter: faaslens query shows which routes, functions and times there are");
    }
    for left_out in exporter.left_out().iter().filter(|left_out| left_out.count > 0) {
        printer.warning(&format!("left out: {} {}", left_out.count, left_out.what));
    }
}

fn write_parquet(
    schema: &SchemaRef,
    rows: impl Iterator<Item = anyhow::Result<RecordBatch>>,
    out: &mut NewFile,
) -> anyhow::Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer =
        ArrowWriter::try_new(out, schema.clone(), Some(properties)).context("cannot begin the Parquet file")?;
    for batch in rows {
        writer.write(&batch?).context("cannot write the table")?;
    }
    writer.close().context("cannot finish the Parquet file").map(drop)
}
