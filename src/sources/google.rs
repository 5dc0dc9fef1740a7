//! `faaslens collect google`: Cloud Logging.

use clap::Args;
use faaslens_collect::living::Source;
use faaslens_collect::sources::google;

use super::pulling::{Living, Pulling};

/// What this source reads.
pub(super) const DESCRIPTION: &str = google::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  faaslens collect google --project my-project --since 2h --store store --dry-run
  faaslens collect google --project my-project --prefix shop- --since 2h --settle 1m --store store

docs/sources/google.md: permissions, costs, what can go wrong.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Project; may be given several times. By default that of the environment.
    #[arg(long, value_name = "ID")]
    project: Vec<String>,
    /// Functions or services whose names begin so.
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
        let plain_http = self.pulling.plain_http();
        Ok(Box::new(google::Google::new(self.project.clone(), self.prefix.clone(), plain_http)?))
    }
}
