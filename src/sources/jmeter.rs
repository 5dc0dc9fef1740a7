//! `faaslens collect jmeter`: JTL files.

use std::path::PathBuf;

use clap::Args;
use faaslens_collect::sources::{PerFile, jmeter};
use faaslens_collect::{Options, Progress};

use super::Collect;

/// What this source reads.
pub(super) const DESCRIPTION: &str = jmeter::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  faaslens collect jmeter results --store store
  faaslens collect jmeter run.jtl --store store --label test=overhead --label hardware=vm.large --label network=lcl

Labels come from names like scalability_30_100_3vm.large.cld_1122-0740.csv:
<test>_<parameter>_<nodes><pm|vm>.<size>.<network>_<campaign>.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Result files, each a run, or folders of them (*.csv, *.jtl, *.xml, also .gz and .zst).
    #[arg(value_name = "FILE", required = true)]
    inputs: Vec<PathBuf>,
}

impl Collect for Arguments {
    fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    fn collect(&self, options: &Options, progress: &dyn Progress) -> anyhow::Result<PerFile> {
        Ok(jmeter::collect(options, &self.inputs, progress)?)
    }
}
