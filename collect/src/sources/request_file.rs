//! Result files with a row for each request, in a format of which nothing else is known than how to read it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use super::result_files::{Opened, RunFile, collect_each, unfit};
use super::result_run::{Reading, ResultRun};
use super::{Collected, PerFile};
use crate::error::Result;
use crate::formats::jtl::{Outcome, Unfit};
use crate::{Options, Progress};

/// What a generator's files are.
pub(super) struct Generator {
    /// Its name, as in `client_requests`.
    pub(super) name: &'static str,
    /// Name endings that are looked for in folders.
    pub(super) extensions: &'static [&'static str],
    /// What a file of it is.
    pub(super) expected: &'static str,
    /// What a user must know of every such run.
    pub(super) hint: Option<&'static str>,
}

/// Collects files, each a run; `read` reads the rows of one, told its first byte and its name.
///
/// # Errors
/// When a run id is given for several files. What is wrong with one file stands in its own result.
pub(super) fn collect(
    options: &Options,
    generator: &Generator,
    files: &[PathBuf],
    progress: &dyn Progress,
    read: impl Fn(&mut dyn Read, Option<u8>, &str, &mut ResultRun<'_>) -> Result<Outcome, Unfit> + Sync,
) -> Result<PerFile> {
    collect_each(options, files, generator.extensions, progress, |file: &RunFile| {
        let input = Opened::open(&file.path, generator.expected, progress)?;
        let first = input.first_byte();
        let mut run = ResultRun::begin(options, file, generator.name, progress)?;
        let outcome = read(&mut input.into_reader(), first, &file.name, &mut run);
        let outcome = outcome.map_err(|reason| unfit(&file.path, reason))?;
        let mut hints: Vec<String> = generator.hint.map(str::to_owned).into_iter().chain(outcome.notes).collect();
        let reading = Reading { format: outcome.format, bytes: outcome.bytes, cut_short: outcome.cut_short };
        let manifest = run.finish(reading, BTreeMap::new(), options)?;
        if manifest.sources.iter().all(|source| source.records == 0) {
            hints.push("no rows".to_owned());
        }
        Ok(Collected { manifest, hint: (!hints.is_empty()).then(|| hints.join("; ")) })
    })
}
