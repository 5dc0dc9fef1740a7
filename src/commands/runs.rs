//! `faaslens runs`: what a store holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use faaslens_report::tables::{Format, render};
use faaslens_schemas::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use faaslens_schemas::manifest::{Manifest, Source, State, Window};
use serde::Serialize;

use crate::cli::StoreArguments;
use crate::outcome::Outcome;
use crate::printer::Printer;

/// Lists the runs of a store: their state, time window, records, what was refused, and labels.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Print JSON, with every source of every run.
    #[arg(long)]
    json: bool,
}

/// A run as `--json` shows it.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    run: &'a str,
    state: State,
    analyzed: bool,
    lossy: bool,
    window: Option<&'a Window>,
    deployment_id: Option<&'a str>,
    parts: u32,
    records: u64,
    platform: u64,
    duplicates: u64,
    rejects: u64,
    labels: &'a BTreeMap<String, String>,
    sources: &'a [Source],
    tool_version: &'a str,
    schema_version: u32,
}

impl<'a> Listed<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        Self {
            run: &manifest.run,
            state: manifest.state,
            analyzed: manifest.analysis.is_some(),
            lossy: manifest.lossy(),
            window: manifest.window.as_ref(),
            deployment_id: manifest.deployment_id.as_deref(),
            parts: manifest.parts,
            records: manifest.sources.iter().map(|source| source.records).sum(),
            platform: manifest.sources.iter().map(|source| source.platform).sum(),
            duplicates: manifest.sources.iter().map(|source| source.duplicates).sum(),
            rejects: manifest.rejects(),
            labels: &manifest.labels,
            sources: &manifest.sources,
            tool_version: &manifest.tool_version,
            schema_version: manifest.schema_version,
        }
    }

    /// The state in one word.
    fn condition(&self) -> &'static str {
        match (self.state, self.analyzed) {
            (State::Unfinished, _) => "unfinished",
            (State::Complete, false) => "collected",
            (State::Complete, true) => "analyzed",
        }
    }
}

impl Arguments {
    /// Prints the list.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let store = self.store.open()?;
        let manifests = store.manifests()?;
        let listed: Vec<Listed<'_>> = manifests.iter().map(Listed::of).collect();
        if self.json {
            printer.json(&listed)?;
        } else if listed.is_empty() {
            printer.note(&format!("{}: no runs yet; faaslens collect makes them", store.root().display()));
        } else {
            printer.text(&render(&batch(&listed)?, Format::Text)?)?;
        }
        Ok(Outcome::Done)
    }
}

fn batch(runs: &[Listed<'_>]) -> anyhow::Result<RecordBatch> {
    let texts = |value: &dyn Fn(&Listed<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(runs.iter().map(value).collect::<StringArray>())
    };
    let counts = |value: &dyn Fn(&Listed<'_>) -> u64| -> ArrayRef {
        Arc::new(runs.iter().map(|run| i64::try_from(value(run)).ok()).collect::<Int64Array>())
    };
    let labels = |run: &Listed<'_>| {
        let pairs: Vec<String> = run.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Some(pairs.join(" "))
    };
    Ok(RecordBatch::try_from_iter([
        ("run", texts(&|run| Some(run.run.to_owned()))),
        ("state", texts(&|run| Some(run.condition().to_owned()))),
        ("from", texts(&|run| run.window.map(|window| window.from.clone()))),
        ("to", texts(&|run| run.window.map(|window| window.to.clone()))),
        ("sources", counts(&|run| run.sources.len() as u64)),
        ("records", counts(&|run| run.records)),
        ("platform", counts(&|run| run.platform)),
        ("duplicates", counts(&|run| run.duplicates)),
        ("rejects", counts(&|run| run.rejects)),
        ("labels", texts(&labels)),
    ])?)
}
