//! Summaries of wrk2 and wrk, and printed `HdrHistogram`s: each file is a run, without request rows.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use faaslens_schemas::time::Timestamp;

use super::result_files::{Opened, RunFile, collect_each, unfit};
use super::result_run::{Reading, ResultRun};
use super::{Collected, PerFile};
use crate::error::{Error, Result};
use crate::formats::latency_text::{TEXT_LIMIT, parse};
use crate::{Options, Progress};

/// What this source reads, in one line.
pub const DESCRIPTION: &str =
    "wrk2 and wrk: latencies by percentile of their output or of a printed HdrHistogram, no request rows";

/// What a user must know of every such run.
const HINT: &str = "the output of wrk2 has counters and percentiles only, no requests";

const EXPECTED: &str = "the output of wrk2 or wrk, or a printed HdrHistogram";

/// What the file does not say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// When the load began.
    pub started_at: Option<Timestamp>,
    /// The unit of a bare histogram, in milliseconds.
    pub unit_ms: Option<f64>,
}

/// Collects files, and all `*.txt`, `*.log` and `*.hgrm` below folders.
///
/// The run id is the file's stem unless [`Options::run`] gives one. The summary becomes a row of `platform_records` of kind `period`,
/// with its figures as JSON in `text`.
///
/// # Errors
/// When [`Options::run`] is given for several files. What is wrong with one file stands in its own result.
pub fn collect(options: &Options, files: &[PathBuf], told: Told, progress: &dyn Progress) -> Result<PerFile> {
    let extensions = ["txt", "log", "hgrm"];
    collect_each(options, files, &extensions, progress, |file| collect_file(options, file, told, progress))
}

fn collect_file(options: &Options, file: &RunFile, told: Told, progress: &dyn Progress) -> Result<Collected> {
    let input = Opened::open(&file.path, EXPECTED, progress)?;
    let mut bytes = Vec::new();
    let read = input.into_reader().take(TEXT_LIMIT as u64).read_to_end(&mut bytes);
    read.map_err(|source| Error::Io { action: "read", path: file.path.clone(), source })?;
    let summary = parse(&String::from_utf8_lossy(&bytes), told.unit_ms).map_err(|reason| unfit(&file.path, reason))?;
    let mut run = ResultRun::begin(options, file, "wrk2", progress)?;
    // A run that breaks says why when it is finished.
    let _stopped = summary.give(&file.name, told.started_at, &mut run);
    if let Some(at) = told.started_at {
        run.widen(at, at.plus_ms(summary.counters.get("duration_ms").copied().unwrap_or(0.0)));
    }
    let cut_short = (bytes.len() == TEXT_LIMIT).then(|| format!("longer than {TEXT_LIMIT} bytes"));
    let reading = Reading { format: "wrk2 text", bytes: bytes.len() as u64, cut_short };
    let manifest = run.finish(reading, BTreeMap::new(), options)?;
    Ok(Collected { manifest, hint: Some(HINT.to_owned()) })
}
