//! `faaslens loadgen profiles`: the ready profiles.

use clap::Args;
use faaslens_loadgen::profile::READY;

use crate::outcome::{Outcome, wrong_use};
use crate::printer::Printer;

#[derive(Debug, Args)]
pub(super) struct ProfilesArguments {
    /// Ready profile to print.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl ProfilesArguments {
    pub(super) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let Some(name) = &self.name else {
            let lines = READY.iter().map(|(name, text)| {
                let description = text.lines().find_map(|line| line.strip_prefix("description: ")).unwrap_or_default();
                format!("{name:<24} {description}\n")
            });
            printer.text(&lines.collect::<String>())?;
            return Ok(Outcome::Done);
        };
        let known: Vec<&str> = READY.iter().map(|(name, _)| *name).collect();
        let found = READY.iter().find(|(ready, _)| ready == name);
        let (_, text) = found
            .ok_or_else(|| wrong_use(format!("expected a ready profile ({}), found {name:?}", known.join(", "))))?;
        printer.text(text)?;
        Ok(Outcome::Done)
    }
}
