//! `faaslens collect befaas`: log folders as BeFaaS leaves them.

use std::path::PathBuf;

use clap::Args;
use faaslens_collect::sources::{PerFile, befaas};
use faaslens_collect::{Options, Progress};

use super::{Collect, LoadArguments};

/// What this source reads.
pub(super) const DESCRIPTION: &str = befaas::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  faaslens collect befaas logs/webservice/2026-11-22_07-01-51 --store store
  faaslens collect befaas logs/webservice/* --store store --label hardware=edge
  faaslens collect befaas logs/webservice/2026-11-22_07-01-51 --loadgen run --store store
  faaslens collect befaas lambda.log.gz --provider aws --run trial-1 --store store";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Log folders, each a run; with --provider, log files of one run.
    #[arg(value_name = "DIR", required = true)]
    inputs: Vec<PathBuf>,
    /// Provider that single files are of: aws, google, azure, tinyfaas, openfaas, openwhisk, artillery.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Keep all headers of logged requests, cookies and credentials included. By default only harmless ones are kept.
    #[arg(long)]
    keep_headers: bool,
    #[command(flatten)]
    load: LoadArguments,
}

impl Collect for Arguments {
    fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    fn keep_headers(&self) -> bool {
        self.keep_headers
    }

    fn loads(&self) -> &[PathBuf] {
        &self.load.loads
    }

    fn collect(&self, options: &Options, progress: &dyn Progress) -> anyhow::Result<PerFile> {
        Ok(befaas::collect(options, &self.inputs, self.provider.as_deref(), progress)?)
    }
}
