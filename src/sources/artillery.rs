//! `faaslens collect artillery`: console logs and JSON reports of Artillery.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use faaslens_collect::input::Input;
use faaslens_collect::sources::{PerFile, artillery_report, befaas};
use faaslens_collect::{Options, Progress};

use super::Collect;

/// What this source reads.
pub(super) const DESCRIPTION: &str = "Artillery: console logs with BeFaaS's records (requests), JSON reports of Artillery 2 (counters and percentiles only)";

const EXAMPLES: &str = "\
Examples:
  faaslens collect artillery artillery.log --store store --run load-only
  faaslens collect artillery report.json --store store";

/// Bytes looked at to tell a report from a console log.
const PEEKED_BYTES: u64 = 256;

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Console logs, together one run, or JSON reports, each a run.
    #[arg(value_name = "FILE", required = true)]
    inputs: Vec<PathBuf>,
}

impl Collect for Arguments {
    fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    fn collect(&self, options: &Options, progress: &dyn Progress) -> anyhow::Result<PerFile> {
        let (mut reports, mut consoles) = (Vec::new(), Vec::new());
        for path in &self.inputs {
            let group = if path.is_dir() || is_json(path)? { &mut reports } else { &mut consoles };
            group.push(path.clone());
        }
        let mut results = Vec::new();
        if let Some(first) = consoles.first() {
            results.push((first.clone(), befaas::collect_console(options, &consoles, progress)));
        }
        if !reports.is_empty() {
            results.extend(artillery_report::collect(options, &reports, progress)?);
        }
        Ok(results)
    }
}

/// Whether a file begins like a JSON object.
fn is_json(path: &Path) -> anyhow::Result<bool> {
    let mut start = Vec::new();
    // A file that breaks off early is for the collector to judge.
    drop(Input::open(path)?.take(PEEKED_BYTES).read_to_end(&mut start));
    Ok(start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'))
}
