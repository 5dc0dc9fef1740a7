//! `faaslens loadgen finish`: outputs from the records that reached the disk.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use faaslens_loadgen::output::{self, RECORDS, Run};

use crate::outcome::Outcome;
use crate::printer::Printer;

#[derive(Debug, Args)]
pub(super) struct FinishArguments {
    /// Folder of the run.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Name of the file that says how a killed run is finished.
pub(super) const RUN_FILE: &str = "run.json";

impl FinishArguments {
    pub(super) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let path = self.folder.join(RUN_FILE);
        let text = std::fs::read(&path).with_context(|| format!("{}: nothing to finish", path.display()))?;
        let run: Run = serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))?;
        write_outputs(&self.folder, &run, printer)
    }
}

/// Writes the outputs, and removes what they were made of.
pub(super) fn write_outputs(folder: &Path, run: &Run, printer: &Printer) -> anyhow::Result<Outcome> {
    let written = output::write(folder, run)?;
    for name in [RECORDS, RUN_FILE] {
        std::fs::remove_file(folder.join(name)).with_context(|| format!("{name}: cannot remove"))?;
    }
    printer.note(&format!("{} records in {} ({})", written.records, folder.display(), run.outputs.join(", ")));
    if !written.whole {
        printer.warning("the last record was cut off: the generator was killed while it wrote");
    }
    Ok(if written.whole { Outcome::Done } else { Outcome::Lossy })
}
