//! Result files (JTL) of JMeter, as CSV or XML: each file is a run.

use std::path::PathBuf;

use super::result_files::{Opened, RunFile, collect_each, stem, unfit};
use super::result_run::{Reading, ResultRun};
use super::{Collected, PerFile};
use crate::error::{Error, Result};
use crate::formats::{jtl_csv, jtl_xml};
use crate::labels;
use crate::{Options, Progress};

/// What this source reads, in one line.
pub const DESCRIPTION: &str =
    "JMeter result files (JTL), CSV or XML: each file is a run, with labels from a name like BenchFaaS gives";

/// Name endings that are looked for in folders, also with `.gz` or `.zst` behind.
const EXTENSIONS: [&str; 3] = ["csv", "jtl", "xml"];

const EXPECTED: &str = "a JMeter result file, CSV or XML";

/// Collects result files, and all `*.csv`, `*.jtl` and `*.xml` below folders, several at a time.
///
/// The run id is the file's stem unless [`Options::run`] gives one. A file without rows becomes a run without rows, with a
/// hint. With [`Options::append`], rows that the run already has (equal in all but their place) are counted as duplicates.
///
/// # Errors
/// When [`Options::run`] is given for several files. What is wrong with one file stands in its own result.
pub fn collect(options: &Options, files: &[PathBuf], progress: &dyn Progress) -> Result<PerFile> {
    collect_each(options, files, &EXTENSIONS, progress, |file| collect_file(options, file, progress))
}

fn collect_file(options: &Options, file: &RunFile, progress: &dyn Progress) -> Result<Collected> {
    let input = Opened::open(&file.path, EXPECTED, progress)?;
    let first = input.first_byte();
    if matches!(first, Some(b'{' | b'[')) {
        let found = "JSON; a report of Artillery is collected with `collect artillery`".to_owned();
        return Err(Error::NothingToRead { path: file.path.clone(), expected: EXPECTED.to_owned(), found });
    }
    let mut run = ResultRun::begin(options, file, "jmeter", progress)?;
    let reader = input.into_reader();
    let outcome = if first == Some(b'<') {
        jtl_xml::read(reader, &file.name, &mut run)
    } else {
        jtl_csv::read(reader, &file.name, &mut run)
    };
    let outcome = outcome.map_err(|reason| unfit(&file.path, reason))?;
    let named = labels::from_stem(&stem(&file.path));
    let told = named.hint.filter(|_| !options.labels.keys().any(|name| labels::NAMES.contains(&name.as_str())));
    let mut hints: Vec<String> = told.into_iter().chain(outcome.notes).collect();
    let (format, bytes, cut_short) = (outcome.format, outcome.bytes, outcome.cut_short);
    let manifest = run.finish(Reading { format, bytes, cut_short }, named.labels, options)?;
    if manifest.sources.iter().all(|source| source.records == 0) {
        let found = if bytes == 0 { "the file is empty" } else { "the file has a header or a frame only" };
        let rejected = if manifest.rejects() > 0 { "every row was rejected" } else { found };
        hints.push(format!("no rows: {rejected}"));
    }
    Ok(Collected { manifest, hint: (!hints.is_empty()).then(|| hints.join("; ")) })
}
