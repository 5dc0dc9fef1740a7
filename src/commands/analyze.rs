//! `faaslens analyze`: from collected records to call trees and result tables.

use clap::Args;
use faaslens_analyze::clocks::{Align, Choice};
use faaslens_analyze::results::RowsTaken;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;

use crate::analysis::{Analyzed, Plan, analyze, parts_of, pooled_responses};
use crate::cli::RunArguments;
use crate::outcome::Outcome;
use crate::printer::Printer;
use crate::progress::{Bar, catch_interruption};

const EXAMPLES: &str = "\
Examples:
  faaslens analyze --store store
  faaslens analyze --store store --run webservice-1 --functions addcartitem,cartkvstorage

RAYON_NUM_THREADS sets the number of threads; it changes no result.";

/// Rebuilds call trees and makes the result tables of the runs of a store.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    runs: RunArguments,
    #[command(flatten)]
    pub(crate) method: MethodArguments,
}

/// Choices of method.
#[derive(Debug, Args)]
pub(crate) struct MethodArguments {
    /// Functions, separated by commas, over which compute, network and database time are summed up as published; the
    /// first must have run in a context. May be given several times.
    #[arg(long, value_name = "A,B")]
    functions: Vec<String>,
    /// Response times over all requests instead of over the successful ones.
    #[arg(long)]
    all_rows: bool,
    /// Durations, calls and what is made of them over the invocations of complete traces only. What is missing may not be
    /// missing at random: compare with and without.
    #[arg(long)]
    complete_only: bool,
    /// Whose clocks are shifted to the middle of their bounds: those alone that put callees outside their calls
    /// (violating), all but the load generator's (midpoint), all but a provider's (anchor=PROVIDER), or none.
    #[arg(long, value_name = "CLOCKS", default_value_t = Align::default())]
    align_clocks: Align,
    /// Share of a network round trip that the request takes, for estimates of clock offsets; 0.75 where a connection is
    /// opened for each call.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = parse_share)]
    request_share: f64,
    /// How fast two clocks may drift apart, in millionths; where calls contradict that, 1000 are allowed.
    #[arg(long, value_name = "PPM", default_value_t = 100.0, value_parser = parse_drift)]
    max_drift_ppm: f64,
}

/// A drift of no more than two clocks can have that are slewed as fast as possible.
fn parse_drift(text: &str) -> Result<f64, String> {
    let drift = text.parse().ok().filter(|drift: &f64| (0.0..=1000.0).contains(drift));
    drift.ok_or_else(|| "expected a number from 0 to 1000".to_owned())
}

/// A share above 0 and below 1.
fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "expected a number above 0 and below 1".to_owned())
}

impl MethodArguments {
    /// The plan of the analysis.
    pub(crate) fn plan(&self) -> Plan {
        let sets: Vec<Vec<String>> = self.functions.iter().map(|set| names_in(set)).collect();
        let clocks = Choice {
            align: self.align_clocks.clone(),
            request_share: self.request_share,
            max_drift_ppm: self.max_drift_ppm,
        };
        Plan::new(&sets, self.complete_only, clocks)
    }

    /// Which rows response times stand on.
    pub(crate) fn rows_taken(&self) -> RowsTaken {
        if self.all_rows { RowsTaken::All } else { RowsTaken::Successes }
    }
}

/// The names in a list separated by commas.
fn names_in(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

impl Arguments {
    /// Analyses.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let (store, manifests) = self.runs.select(printer)?;
        if manifests.is_empty() {
            printer.warning(&format!("{}: no complete run to analyze", store.root().display()));
            return Ok(Outcome::Done);
        }
        catch_interruption()?;
        let analyzed = analyze_with_bar(&store, &manifests, &self.method, printer)?;
        write_pooled(&store, &analyzed, &self.method)?;
        printer.note(&format!(
            "analyzed {} runs: faaslens table NAME --store {}",
            analyzed.len(),
            store.root().display()
        ));
        let lossy: Vec<&str> =
            manifests.iter().filter(|manifest| manifest.lossy()).map(|manifest| manifest.run.as_str()).collect();
        if lossy.is_empty() {
            return Ok(Outcome::Done);
        }
        printer.warning(&format!("results rest on incomplete input: {}", lossy.join(", ")));
        Ok(Outcome::Lossy)
    }
}

/// Analyses runs under a progress bar.
///
/// # Errors
/// As [`analyze`].
pub(crate) fn analyze_with_bar(
    store: &Store,
    manifests: &[Manifest],
    method: &MethodArguments,
    printer: &Printer,
) -> anyhow::Result<Vec<Analyzed>> {
    let bar = Bar::pieces("analyze", parts_of(manifests), printer.quiet());
    let analyzed = analyze(store, manifests, &method.plan(), &bar)?;
    drop(bar);
    for one in &analyzed {
        for warning in &one.clock_warnings {
            printer.warning(&format!("run {}: {warning}", one.manifest.run));
        }
    }
    Ok(analyzed)
}

/// Replaces the tables that pool every complete run of the store.
///
/// # Errors
/// When the store cannot be read or written.
pub(crate) fn write_pooled(store: &Store, analyzed: &[Analyzed], method: &MethodArguments) -> anyhow::Result<()> {
    let all = store.select(&[])?;
    let rows = pooled_responses(store, &all, analyzed, method.rows_taken())?;
    Ok(store.write_pooled(&rows)?)
}
