//! Results of k6, JSON lines or CSV: each file is a run.

use std::path::PathBuf;

use super::PerFile;
use super::request_file::{self, Generator};
use crate::error::Result;
use crate::formats::k6;
use crate::{Options, Progress};

/// What this source reads, in one line.
pub const DESCRIPTION: &str =
    "k6: points of a test as JSON lines (--out json) or CSV (--out csv), put together to requests";

const K6: Generator = Generator {
    name: "k6",
    extensions: &["json", "ndjson", "jsonl", "csv"],
    expected: "results of k6, JSON lines or CSV",
    hint: None,
};

/// Collects files, and all `*.json`, `*.ndjson`, `*.jsonl` and `*.csv` below folders.
///
/// The run id is the file's stem unless [`Options::run`] gives one.
///
/// # Errors
/// When [`Options::run`] is given for several files. What is wrong with one file stands in its own result.
pub fn collect(options: &Options, files: &[PathBuf], progress: &dyn Progress) -> Result<PerFile> {
    request_file::collect(options, &K6, files, progress, |reader, first, source, run| {
        k6::read(reader, first, source, run)
    })
}
