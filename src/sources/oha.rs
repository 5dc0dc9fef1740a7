//! `faaslens collect oha`: CSV files of oha.

use std::path::PathBuf;

use clap::Args;
use faaslens_collect::sources::{PerFile, oha};
use faaslens_collect::{Options, Progress};
use faaslens_schemas::time::Timestamp;

use super::{Collect, instant};

/// What this source reads.
pub(super) const DESCRIPTION: &str = oha::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  date -u +%FT%T.%6NZ; oha -z 30s --no-tui --output-format csv URL > result.csv
  faaslens collect oha result.csv --started-at 2026-11-22T07:00:00.123456Z --store store";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Result file (also .gz and .zst).
    #[arg(value_name = "FILE", required = true, num_args = 1)]
    inputs: Vec<PathBuf>,
    /// When the load began (RFC 3339): the file has times since then only, and its own date says nothing.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    started_at: Timestamp,
}

impl Collect for Arguments {
    fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    fn collect(&self, options: &Options, progress: &dyn Progress) -> anyhow::Result<PerFile> {
        let file = self.inputs.first().cloned().unwrap_or_default();
        Ok(oha::collect(options, file, self.started_at, progress)?)
    }
}
