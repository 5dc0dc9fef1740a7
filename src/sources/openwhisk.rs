//! `faaslens collect openwhisk`: activations of OpenWhisk.

use clap::Args;
use faaslens_collect::living::Source;
use faaslens_collect::sources::openwhisk;

use super::pulling::{Living, Pulling};

/// What this source reads.
pub(super) const DESCRIPTION: &str = openwhisk::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  faaslens collect openwhisk --since 1h --store store
  faaslens collect openwhisk --apihost https://whisk.example.org --function shop --since 1h --store store

docs/sources/openwhisk.md: permissions, costs, what can go wrong.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Host of the API; by default that of the environment or of ~/.wskprops.
    #[arg(long, value_name = "HOST")]
    apihost: Option<String>,
    /// Namespace.
    #[arg(long, value_name = "NAME", default_value = "_")]
    namespace: String,
    /// One action instead of all.
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
        let source =
            openwhisk::OpenWhisk::new(self.apihost.as_deref(), &self.namespace, self.function.clone(), plain_http)?;
        Ok(Box::new(source))
    }
}
