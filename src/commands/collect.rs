//! `faaslens collect`: from logs to the store.

use clap::Args;

use crate::collection::{bytes_of, conclude};
use crate::outcome::Outcome;
use crate::printer::Printer;
use crate::progress::{Bar, catch_interruption};
use crate::sources::Source;

/// Collects logs into a store; a run that is there already is replaced.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    source: Source,
}

impl Arguments {
    /// Collects.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let source = self.source.source();
        let common = self.source.options();
        let options = common.open(source.keep_headers())?;
        catch_interruption()?;
        let bar = Bar::bytes("collect", bytes_of(source.inputs()), printer.quiet());
        let results = source.collect(&options, &bar);
        drop(bar);
        let collection = conclude(results?, printer)?;
        if common.json {
            printer.json(&collection.manifests)?;
        }
        Ok(collection.outcome)
    }
}
