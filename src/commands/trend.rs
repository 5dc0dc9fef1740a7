//! `faaslens trend`: medians over many runs, and where a new level begins.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use faaslens_analyze::compare::{Measured, Point, SEED, trend};
use faaslens_report::tables::{Format, render, write};
use faaslens_report::{Answer, render_answer, trend_sheet};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::Trend;

use super::table::parse_format;
use crate::cli::{StoreArguments, warn_of_missing_analysis};
use crate::measuring::measures;
use crate::outcome::{Outcome, wrong_use};
use crate::output::OutputFolder;
use crate::printer::Printer;
use crate::rendering::AnswerFigureArguments;
use crate::selection;

const EXAMPLES: &str = "\
Examples:
  faaslens trend --by date --store store
  faaslens trend 'webservice-*' --by date --store store --out out
  faaslens trend test=scalability_30 --by parameter --store store --format json

By date each run is a point; by a label all runs with the same value are one, in the order of the values (numbers by size).";

/// Shows each measure over many runs with intervals and change points.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Runs: ids separated by commas, globs, label filters.
    #[arg(value_name = "RUNS", default_value = "*")]
    runs: String,
    /// What orders the runs: date (of the first log stamp), or a label such as commit or parameter.
    #[arg(long, value_name = "KEY", default_value = "date")]
    by: String,
    #[command(flatten)]
    store: StoreArguments,
    /// Format of the table.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = parse_format)]
    format: Format,
    /// Folder to write to as well: tables/ and figures/.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    figures: AnswerFigureArguments,
}

impl Arguments {
    /// Orders the runs, prints, writes.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let figures = self.figures.options()?;
        let store = self.store.open()?;
        let manifests = selection::runs(&self.runs, &store.manifests()?)?;
        warn_of_missing_analysis(&manifests, printer);
        let output = self.out.as_ref().map(|out| OutputFolder::prepare(out)).transpose()?;
        let measured = measures(&store, &manifests)?;
        let points =
            if self.by == "date" { by_date(&measured) } else { self.by_label(&manifests, &measured, printer)? };
        let rows = trend(&points, Some(&self.by));
        let text = match self.format {
            Format::Csv | Format::Json => render(&Trend::to_batch(&rows)?, self.format)?,
            brief => write(&trend_sheet(&rows), brief),
        };
        printer.text(&text)?;
        let changes = rows.iter().filter(|row| row.change).count();
        let note = format!(
            "{} runs at {} points by {}; {changes} changes of level (E-divisive, p at most 0.01, seed {SEED})",
            manifests.len(),
            points.len(),
            self.by
        );
        if let Some(output) = output {
            output.write(&render_answer(&Answer::Trend(&rows), std::slice::from_ref(&note), &figures)?)?;
        }
        printer.note(&note);
        Ok(Outcome::Done)
    }

    /// One point a label value.
    fn by_label<'a>(
        &self,
        manifests: &[Manifest],
        measured: &'a [Measured],
        printer: &Printer,
    ) -> anyhow::Result<Vec<Point<'a>>> {
        let mut points: BTreeMap<(u64, String), Vec<&Measured>> = BTreeMap::new();
        let mut without = Vec::new();
        for (manifest, run) in manifests.iter().zip(measured) {
            match selection::label(manifest, &self.by) {
                Some(value) => points.entry((faaslens_report::tables::magnitude(&value), value)).or_default().push(run),
                None => without.push(run.run.as_str()),
            }
        }
        if points.is_empty() {
            let mut known: Vec<&String> = manifests.iter().flat_map(|manifest| manifest.labels.keys()).collect();
            known.sort_unstable();
            known.dedup();
            return Err(wrong_use(format!("no run has a label {:?}, expected date or one of {known:?}", self.by)));
        }
        if !without.is_empty() {
            printer.warning(&format!("left out, without a label {:?}: {}", self.by, without.join(", ")));
        }
        let point = |((_, name), mut runs): ((u64, String), Vec<&'a Measured>)| {
            runs.sort_by(|a, b| (a.load.first, &a.run).cmp(&(b.load.first, &b.run)));
            Point { name, at: runs.iter().filter_map(|run| run.load.first).min(), runs }
        };
        Ok(points.into_iter().map(point).collect())
    }
}

/// One point a run, in the order of their first requests; a run without any stands first.
fn by_date(measured: &[Measured]) -> Vec<Point<'_>> {
    let point = |run| -> Point<'_> {
        let run: &Measured = run;
        Point { name: run.run.clone(), at: run.load.first, runs: vec![run] }
    };
    let mut points: Vec<Point<'_>> = measured.iter().map(point).collect();
    points.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    points
}
