//! `faaslens collect tinyfaas`: a tinyFaaS manager.

use clap::Args;
use faaslens_collect::living::Source;
use faaslens_collect::sources::tinyfaas;

use super::pulling::{Living, Pulling};

/// What this source reads.
pub(super) const DESCRIPTION: &str = tinyfaas::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  faaslens collect tinyfaas --since 1h --store store
  faaslens collect tinyfaas --manager http://10.0.0.7:8080 --plain-http --since 1h --store store

docs/sources/tinyfaas.md: permissions, costs, what can go wrong.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// URL of the manager.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    manager: String,
    /// One function instead of all.
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    #[command(flatten)]
    pulling: Pulling,
}

impl Living for Arguments {
    fn pulling(&self) -> &Pulling {
        &self.pulling
    }

    fn source(&self) -> anyhow::Result<Box<dyn Source>> {
        let plain_http = self.pulling.plain_http();
        Ok(Box::new(tinyfaas::TinyFaas::new(&self.manager, self.function.clone(), plain_http)?))
    }
}
