//! `faaslens sources`: what can be collected.

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use crate::outcome::Outcome;
use crate::printer::Printer;
use crate::sources::SOURCES;

/// Lists the sources that `faaslens collect` reads.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    description: &'static str,
}

impl Arguments {
    /// Prints the list.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        if self.json {
            let listed: Vec<Listed> =
                SOURCES.iter().map(|source| Listed { name: source.name, description: source.description }).collect();
            printer.json(&listed)?;
            return Ok(Outcome::Done);
        }
        let width = SOURCES.iter().map(|source| source.name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for source in SOURCES {
            writeln!(text, "{:width$}  {}", source.name, source.description)?;
        }
        printer.text(&text)?;
        Ok(Outcome::Done)
    }
}
