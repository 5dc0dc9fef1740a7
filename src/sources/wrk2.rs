//! `faaslens collect wrk2`: summaries of wrk2 and wrk.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use faaslens_collect::sources::{PerFile, wrk2};
use faaslens_collect::{Options, Progress};
use faaslens_schemas::time::Timestamp;

use super::{Collect, instant};

/// What this source reads.
pub(super) const DESCRIPTION: &str = wrk2::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  wrk2 -t2 -c100 -d30s -R2000 -L URL > result.txt && faaslens collect wrk2 result.txt --store store
  faaslens collect wrk2 latency.hgrm --unit us --store store";

/// Unit of the values of a bare histogram.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Unit {
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Outputs, each a run, or folders of them (*.txt, *.log, *.hgrm, also .gz and .zst).
    #[arg(value_name = "FILE", required = true)]
    inputs: Vec<PathBuf>,
    /// Unit of the values of a bare histogram; wrk2's are milliseconds.
    #[arg(long, value_name = "UNIT")]
    unit: Option<Unit>,
    /// When the load began (RFC 3339); unknown when not given.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    started_at: Option<Timestamp>,
}

impl Collect for Arguments {
    fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    fn collect(&self, options: &Options, progress: &dyn Progress) -> anyhow::Result<PerFile> {
        let unit_ms = self.unit.map(|unit| match unit {
            Unit::Ns => 1e-6,
            Unit::Us => 1e-3,
            Unit::Ms => 1.0,
            Unit::S => 1e3,
        });
        let told = wrk2::Told { started_at: self.started_at, unit_ms };
        Ok(wrk2::collect(options, &self.inputs, told, progress)?)
    }
}
