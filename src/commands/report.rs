//! `faaslens report`: the main job in one step.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use faaslens_collect::Options;
use faaslens_collect::sources::{PerFile, befaas, jmeter};
use faaslens_schemas::manifest::{Manifest, State};
use faaslens_schemas::store::Store;
use faaslens_schemas::tables::Trigger;

use super::analyze::{MethodArguments, analyze_with_bar, write_pooled};
use crate::analysis::{Analyzed, pooled_responses};
use crate::cli::LabelArguments;
use crate::collection::{bytes_of, conclude};
use crate::detect;
use crate::figure_plan;
use crate::outcome::{Interrupted, Outcome};
use crate::output::OutputFolder;
use crate::printer::Printer;
use crate::progress::{Bar, catch_interruption, interrupted};
use crate::rendering::{FigureArguments, entry, render};

const EXAMPLES: &str = "\
Examples:
  faaslens report logs/webservice/2026-11-22_07-01-51 --out out
  faaslens report results/*.csv --out out --figure throughput --format pdf --width 3.5in
  faaslens report --store out/store --out out --figure execution-duration --order median --palette grey
  faaslens report --store store --out out --figure triggers --where \"n >= 30 AND provider <> 'azure'\" --log
  faaslens report --store store --out paper/figures --figures-from paper/figures.toml

LOGS are BeFaaS log folders, JMeter result files, or folders of them. What they hold is collected into DIR/store.";

/// Makes tables, figures and a page: from logs, or from the runs of a store.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Logs to collect and analyze first.
    #[arg(value_name = "LOGS", required_unless_present = "store", conflicts_with = "store")]
    logs: Vec<PathBuf>,
    /// Store to read instead of logs.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Run of the store; may be given several times. All complete runs when not given.
    #[arg(long = "run", value_name = "ID", requires = "store")]
    runs: Vec<String>,
    /// Folder to write to: index.html, tables/, figures/.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    labels: LabelArguments,
    /// Keep all headers of logged requests, cookies and credentials included.
    #[arg(long)]
    keep_headers: bool,
    #[command(flatten)]
    method: MethodArguments,
    #[command(flatten)]
    figures: FigureArguments,
    /// File (TOML) that says which figures to draw and how: writes these alone into DIR, see docs/figures.md.
    #[arg(
        long,
        value_name = "FILE",
        requires = "store",
        conflicts_with_all = [
            "figures", "format", "width", "font_size", "palette", "order", "log", "linear", "condition", "as_published", "title"
        ]
    )]
    figures_from: Option<PathBuf>,
}

impl Arguments {
    /// Collects and analyses where there are logs, and writes the report.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let options = self.figures.options()?;
        let stored = self.store.as_ref().map(Store::open).transpose()?;
        let logs = if stored.is_none() { detect::find(&self.logs)? } else { detect::Logs::default() };
        let output = OutputFolder::prepare(&self.out)?;
        catch_interruption()?;
        let (store, manifests, outcome) = match stored {
            Some(store) => self.open_store(store, printer)?,
            None => self.collect(&logs, printer)?,
        };
        let (manifests, analyzed) = self.analyze(&store, manifests, printer)?;
        if let Some(path) = &self.figures_from {
            let files = figure_plan::render(path, &store, &manifests)?;
            output.write(&files).context("not every figure is written")?;
            printer.note(&format!("{} files of the figures that {} asks for", files.len(), path.display()));
            return Ok(outcome);
        }
        let rows = self.method.rows_taken();
        let responses = pooled_responses(&store, &manifests, &analyzed, rows)?;
        let files = render(&store, &manifests, responses, &self.figures)?;
        if let (true, Some(last)) = (interrupted(), manifests.last()) {
            return Err(Interrupted { run: last.run.clone() }.into());
        }
        output.write(&files).context("the report is not complete")?;
        if options.as_published {
            Self::warn_of_wrapped(&store, &manifests, printer)?;
        }
        printer.text(&format!("{}\n", entry(&self.out).display()))?;
        printer.note(&format!(
            "open {} in a browser; tables and figures are beside it, the store is {}",
            entry(&self.out).display(),
            store.root().display()
        ));
        Ok(outcome)
    }

    /// Says how many trigger delays the published method wraps.
    fn warn_of_wrapped(store: &Store, manifests: &[Manifest], printer: &Printer) -> anyhow::Result<()> {
        for manifest in manifests {
            let rows: Vec<Trigger> = store.rows(manifest, None)?;
            let (wrapped, n) = rows.iter().fold((0, 0), |(wrapped, n), row| (wrapped + row.over_1s, n + row.n));
            if n > 0 {
                printer.warning(&format!(
                    "run {}: {wrapped} of {n} trigger delays last 1 s or more; as published they are drawn without their whole seconds",
                    manifest.run
                ));
            }
        }
        Ok(())
    }

    fn open_store(&self, store: Store, printer: &Printer) -> anyhow::Result<(Store, Vec<Manifest>, Outcome)> {
        let mut manifests = store.select(&self.runs)?;
        for manifest in manifests.iter().filter(|manifest| manifest.state == State::Unfinished) {
            printer.warning(&format!("run {:?} is unfinished and left out: collect it again", manifest.run));
        }
        manifests.retain(|manifest| manifest.state == State::Complete);
        anyhow::ensure!(!manifests.is_empty(), "{}: no complete run to report on", store.root().display());
        let lossy = manifests.iter().any(Manifest::lossy);
        Ok((store, manifests, if lossy { Outcome::Lossy } else { Outcome::Done }))
    }

    fn collect(&self, logs: &detect::Logs, printer: &Printer) -> anyhow::Result<(Store, Vec<Manifest>, Outcome)> {
        let store = Store::create(self.out.join("store"))?;
        let options = Options {
            store: store.clone(),
            run: None,
            labels: self.labels.by_key(),
            keep_headers: self.keep_headers,
            append: false,
            parts: None,
            loads: Vec::new(),
        };
        let bar = Bar::bytes("collect", bytes_of(&logs.befaas) + bytes_of(&logs.jmeter), printer.quiet());
        let mut results = PerFile::new();
        if !logs.befaas.is_empty() {
            results.extend(befaas::collect(&options, &logs.befaas, None, &bar)?);
        }
        if !logs.jmeter.is_empty() {
            results.extend(jmeter::collect(&options, &logs.jmeter, &bar)?);
        }
        drop(bar);
        let collection = conclude(results, printer).inspect_err(|_| store.discard_if_empty())?;
        let mut manifests = collection.manifests;
        manifests.sort_by(|a, b| a.run.cmp(&b.run));
        manifests.dedup_by(|a, b| a.run == b.run);
        Ok((store, manifests, collection.outcome))
    }

    /// Analyses the runs that have no analysis; all of them where a function set is asked for.
    fn analyze(
        &self,
        store: &Store,
        manifests: Vec<Manifest>,
        printer: &Printer,
    ) -> anyhow::Result<(Vec<Manifest>, Vec<Analyzed>)> {
        let plan = self.method.plan();
        let (done, open): (Vec<Manifest>, Vec<Manifest>) =
            manifests.into_iter().partition(|manifest| plan.is_that_of(manifest));
        if open.is_empty() {
            return Ok((done, Vec::new()));
        }
        let analyzed = analyze_with_bar(store, &open, &self.method, printer)?;
        write_pooled(store, &analyzed, &self.method)?;
        let fresh = analyzed.iter().map(|analyzed| analyzed.manifest.clone());
        let mut manifests: Vec<Manifest> = done.into_iter().chain(fresh).collect();
        manifests.sort_by(|a, b| a.run.cmp(&b.run));
        Ok((manifests, analyzed))
    }
}
