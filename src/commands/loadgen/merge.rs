//! `faaslens loadgen merge`: one run from the processes that shared a schedule.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use faaslens_loadgen::output::{self, SHARD_RECORDS, Shards, Summary};
use faaslens_schemas::store::{check_run_id, run_id_from};

use super::finish::write_summary;
use super::texts::summary_text;
use crate::outcome::{Outcome, wrong_use};
use crate::printer::Printer;

#[derive(Debug, Args)]
pub(super) struct MergeArguments {
    /// Output folders of all shares, in any order.
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Folder to write to, as one process would have done.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Run id in the store; the profile's name when not given.
    #[arg(long = "run", value_name = "ID")]
    id: Option<String>,
}

impl MergeArguments {
    pub(super) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let out = &self.out;
        if out.join(SHARD_RECORDS).exists() {
            return Err(wrong_use(format!(
                "--out: expected a folder of its own, found that of a share: {}",
                out.display()
            )));
        }
        let shards = Shards::open(&self.folders)?;
        let named = shards.run(String::new()).profile;
        let id = self.id.clone().unwrap_or_else(|| run_id_from(&named));
        check_run_id(&id)?;
        let run = shards.run(id);
        std::fs::create_dir_all(out).with_context(|| format!("{}: cannot create", out.display()))?;
        let written = output::write(out, &run, &shards.records())?;
        let summary = Summary::of_shards(&run, &written, shards.summaries());
        write_summary(out, &summary)?;
        printer.note(&format!("{} records in {} ({})", written.records, out.display(), run.outputs.join(", ")));
        printer.text(&summary_text(&summary))?;
        for limit in &summary.generator_limits {
            printer.warning(&format!("a generator was the limit: {limit}"));
        }
        if let Some(reason) = &summary.stopped_by {
            printer.warning(&format!("stopped before the end: {reason}"));
        }
        if !written.whole {
            printer.warning("the last record of a share was cut off: its generator was killed while it wrote");
        }
        let sound = written.whole && summary.stopped_by.is_none() && summary.generator_limits.is_empty();
        Ok(if sound { Outcome::Done } else { Outcome::Lossy })
    }
}
