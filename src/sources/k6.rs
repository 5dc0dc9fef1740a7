//! `faaslens collect k6`: results of k6.

use std::path::PathBuf;

use clap::Args;
use faaslens_collect::sources::{PerFile, k6};
use faaslens_collect::{Options, Progress};

use super::Collect;

/// What this source reads.
pub(super) const DESCRIPTION: &str = k6::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  k6 run --out json=result.json script.js && faaslens collect k6 result.json --store store
  K6_CSV_TIME_FORMAT=unix_micro k6 run --out csv=result.csv script.js && faaslens collect k6 result.csv --store store";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Result files, each a run, or folders of them (*.json, *.ndjson, *.jsonl, *.csv, also .gz and .zst).
    #[arg(value_name = "FILE", required = true)]
    inputs: Vec<PathBuf>,
}

impl Collect for Arguments {
    fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    fn collect(&self, options: &Options, progress: &dyn Progress) -> anyhow::Result<PerFile> {
        Ok(k6::collect(options, &self.inputs, progress)?)
    }
}
