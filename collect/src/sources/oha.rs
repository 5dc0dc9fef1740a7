//! CSV files of oha.

use std::path::PathBuf;

use faaslens_schemas::time::Timestamp;

use super::PerFile;
use super::request_file::{self, Generator};
use crate::error::Result;
use crate::formats::relative_csv;
use crate::{Options, Progress};

/// What this source reads, in one line.
pub const DESCRIPTION: &str =
    "oha: requests of a CSV file (--output-format csv), whose times count from a start that the user names";

const GENERATOR: Generator = Generator {
    name: "oha",
    extensions: &["csv"],
    expected: "a CSV file of oha",
    hint: Some("oha writes requests that got a response only: those that failed are in its summary, not here"),
};

/// Collects the file of a load that began at an instant.
///
/// The run id is the file's stem unless [`Options::run`] gives one.
///
/// # Errors
/// What is wrong with the file stands in its result.
pub fn collect(options: &Options, file: PathBuf, started_at: Timestamp, progress: &dyn Progress) -> Result<PerFile> {
    request_file::collect(options, &GENERATOR, &[file], progress, |reader, _, source, run| {
        relative_csv::read_oha(reader, source, started_at, run)
    })
}
