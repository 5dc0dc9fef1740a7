//! `faaslens loadgen finish`: outputs from the records that reached the disk.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use faaslens_loadgen::output::{self, RECORDS, Run, SHARD_RECORDS, SHARD_RUN, Summary, Written};

use super::texts::summary_text;
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

/// Name of the file that sums up a load.
pub(super) const SUMMARY_FILE: &str = "summary.json";

impl FinishArguments {
    pub(super) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let path = self.folder.join(RUN_FILE);
        let text = std::fs::read(&path).with_context(|| format!("{}: nothing to finish", path.display()))?;
        let run: Run = serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))?;
        // A summary that is there was made by the generator itself, which then could not write the outputs.
        let known = self.folder.join(SUMMARY_FILE).is_file();
        let killed = |written: &Written| (!known).then(|| Summary::of_killed(&run, written));
        let (outcome, summary) = write_outputs(&self.folder, &run, killed, printer)?;
        if let Some(summary) = summary {
            printer.text(&summary_text(&summary))?;
        }
        Ok(outcome)
    }
}

/// Writes the outputs and the summary that `summarise` makes, if any, and puts away what they were made of: a process that
/// drove a share keeps its records, from which the whole is merged.
pub(super) fn write_outputs(
    folder: &Path,
    run: &Run,
    summarise: impl FnOnce(&Written) -> Option<Summary>,
    printer: &Printer,
) -> anyhow::Result<(Outcome, Option<Summary>)> {
    let written = output::write(folder, run, &[folder.join(RECORDS)])?;
    let summary = summarise(&written);
    if let Some(summary) = &summary {
        write_summary(folder, summary)?;
    }
    for (name, kept) in [(RECORDS, SHARD_RECORDS), (RUN_FILE, SHARD_RUN)] {
        let path = folder.join(name);
        if run.shard.1 > 1 {
            std::fs::rename(&path, folder.join(kept)).with_context(|| format!("{name}: cannot rename to {kept}"))?;
        } else {
            std::fs::remove_file(&path).with_context(|| format!("{name}: cannot remove"))?;
        }
    }
    printer.note(&format!("{} records in {} ({})", written.records, folder.display(), run.outputs.join(", ")));
    if !written.whole {
        printer.warning("the last record was cut off: the generator was killed while it wrote");
    }
    Ok((if written.whole { Outcome::Done } else { Outcome::Lossy }, summary))
}

/// Writes the file that sums up a load.
pub(super) fn write_summary(folder: &Path, summary: &Summary) -> anyhow::Result<()> {
    let path = folder.join(SUMMARY_FILE);
    let text = serde_json::to_vec_pretty(summary)?;
    std::fs::write(&path, text).with_context(|| format!("{}: cannot write", path.display()))
}
