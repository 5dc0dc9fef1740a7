//! `faaslens collect cri`: container logs copied from nodes.

use std::path::PathBuf;

use clap::Args;
use faaslens_collect::living::Source;
use faaslens_collect::sources::cri;

use super::pulling::{Living, Pulling};

/// What this source reads.
pub(super) const DESCRIPTION: &str = cri::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  scp -r node1:/var/log/pods node1 && faaslens collect cri node1 --provider openfaas --store store --run trial-1

docs/sources/cri.md: permissions, costs, what can go wrong.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folders copied from nodes: /var/log/pods, /var/log/containers, or what holds them.
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Provider of the records: openfaas reads the watchdog's lines.
    #[arg(long, value_name = "NAME", default_value = "kubernetes")]
    provider: String,
    /// Namespace.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Pods whose names begin so.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    #[command(flatten)]
    pulling: Pulling,
}

impl Living for Arguments {
    fn pulling(&self) -> &Pulling {
        &self.pulling
    }

    fn source(&self) -> anyhow::Result<Box<dyn Source>> {
        let (folders, namespace, prefix) = (self.folders.clone(), self.namespace.clone(), self.prefix.clone());
        Ok(Box::new(cri::Cri::new(folders, &self.provider, namespace, prefix)?))
    }
}
