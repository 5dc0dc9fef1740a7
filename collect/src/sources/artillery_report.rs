//! JSON reports of Artillery 2: each file is a run, without request rows.

use std::path::PathBuf;

use super::result_files::{Opened, RunFile, collect_each, unfit};
use super::result_run::{Reading, ResultRun};
use super::{Collected, PerFile};
use crate::error::Result;
use crate::formats::artillery_report;
use crate::{Options, Progress};

/// What this source reads, in one line.
pub const DESCRIPTION: &str =
    "JSON reports of Artillery 2: counters and percentiles of the test and of its periods, no request rows";

/// What a user must know of every such run.
const HINT: &str = "an Artillery report has counters and percentiles only, no requests: those are in the console log \
                    (artillery.log) of a run with BeFaaS's logger";

const EXPECTED: &str = "the JSON report of Artillery 2";

/// Collects reports, and all `*.json` below folders.
///
/// The run id is the file's stem unless [`Options::run`] gives one. Each period, and the whole test, becomes a row of
/// `platform_records` of kind `period`, with its figures as JSON in `text`. With [`Options::append`], the periods of other
/// files stay and those of this one are replaced.
///
/// # Errors
/// When [`Options::run`] is given for several files. What is wrong with one file stands in its own result.
pub fn collect(options: &Options, files: &[PathBuf], progress: &dyn Progress) -> Result<PerFile> {
    collect_each(options, files, &["json"], progress, |file| collect_file(options, file, progress))
}

fn collect_file(options: &Options, file: &RunFile, progress: &dyn Progress) -> Result<Collected> {
    let input = Opened::open(&file.path, EXPECTED, progress)?;
    let mut run = ResultRun::begin(options, file, "artillery", progress)?;
    let outcome = artillery_report::read(input.into_reader(), &file.name, &mut run)
        .map_err(|reason| unfit(&file.path, reason))?;
    if let Some((from, to)) = outcome.window {
        run.widen(from, to);
    }
    let reading = Reading { format: "artillery report", bytes: outcome.bytes, cut_short: outcome.cut_short };
    let manifest = run.finish(reading, std::collections::BTreeMap::new(), options)?;
    Ok(Collected { manifest, hint: Some(HINT.to_owned()) })
}
