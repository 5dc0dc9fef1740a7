//! `faaslens schema`: the generated documentation of tables and manifest.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use faaslens_schemas::{docs, tables};

use crate::outcome::{Outcome, wrong_use};
use crate::output::NewFile;
use crate::printer::Printer;

/// Prints what the tables of a store mean, column by column.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Table to print; all when not given.
    #[arg(value_name = "TABLE", conflicts_with_all = ["write", "manifest"])]
    table: Option<String>,
    /// Print the JSON Schema of the run manifest instead.
    #[arg(long, conflicts_with = "write")]
    manifest: bool,
    /// Write `tables.md` and `manifest.schema.json` into this folder instead of printing.
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

impl Arguments {
    /// Prints or writes the documentation.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        if let Some(folder) = &self.write {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{}: cannot create the folder", folder.display()))?;
            let manifest = format!("{}\n", serde_json::to_string_pretty(&docs::manifest_schema())?);
            for (name, text) in [("tables.md", docs::tables_markdown()), ("manifest.schema.json", manifest)] {
                let path = folder.join(name);
                let mut file = NewFile::create(&path)?;
                file.write_all(text.as_bytes()).with_context(|| format!("{}: cannot write", path.display()))?;
                file.finish()?;
                printer.note(&format!("wrote {}", path.display()));
            }
        } else if self.manifest {
            printer.json(&docs::manifest_schema())?;
        } else if let Some(name) = &self.table {
            let answer = || tables::ANSWERS.iter().copied().find(|table| table.name == name);
            let table = tables::by_name(name).or_else(answer).ok_or_else(|| wrong_use(unknown_table(name)))?;
            printer.text(&docs::table_markdown(table))?;
        } else {
            printer.text(&docs::tables_markdown())?;
        }
        Ok(Outcome::Done)
    }
}

/// Says that there is no table of that name, and which there are.
pub(crate) fn unknown_table(name: &str) -> String {
    let known: Vec<&str> = tables::TABLES.iter().map(|table| table.name).collect();
    format!("no table {name:?}; there are {}", known.join(", "))
}
