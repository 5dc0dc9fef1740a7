//! `faaslens collect openfaas`: functions behind an OpenFaaS gateway.

use clap::Args;
use faaslens_collect::living::Source;
use faaslens_collect::sources::openfaas;

use super::pulling::{Living, Pulling};

/// What this source reads.
pub(super) const DESCRIPTION: &str = openfaas::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  OPENFAAS_PASSWORD=… faaslens collect openfaas --since 1h --store store
  faaslens collect openfaas --gateway https://gateway.example.org --prefix shop --since 1h --store store

docs/sources/openfaas.md: permissions, costs, what can go wrong.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// URL of the gateway; by default `OPENFAAS_URL`, or <http://127.0.0.1:8080>.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// Namespace of the functions.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Functions whose names begin so.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// One instance (pod or container) alone.
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    #[command(flatten)]
    pulling: Pulling,
}

impl Living for Arguments {
    fn pulling(&self) -> &Pulling {
        &self.pulling
    }

    fn source(&self) -> anyhow::Result<Box<dyn Source>> {
        let (namespace, prefix, instance) = (self.namespace.clone(), self.prefix.clone(), self.instance.clone());
        let plain_http = self.pulling.plain_http();
        Ok(Box::new(openfaas::OpenFaas::new(self.gateway.as_deref(), namespace, prefix, instance, plain_http)?))
    }
}
