//! A run pulled from living systems, into the store.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use faaslens_schemas::manifest::{LOADGEN_FORMAT, Manifest, Pulled, State, Window as LogWindow};
use faaslens_schemas::store::{PULLED, Store, check_run_id, run_id_from};
use faaslens_schemas::table::Stage;
use rayon::prelude::*;

use super::gather::Gather;
use super::http::Api;
use super::journal::{Header, Journal, header_in};
use super::merge::{Merged, merge};
use super::pace::Patience;
use super::window::{Window, now_us};
use super::{Log, Source};
use crate::formats::Dialect;
use crate::pipeline::{self, Existing, InputFile, Rules, parts_for};
use crate::sources::Collected;
use crate::sources::loads::Load;
use crate::{Error, Options, Progress, Result};

/// End of the window of files when nothing is said: 9999-12-31T00:00:00Z, in microseconds since the Unix epoch.
const END_OF_TIME_US: i64 = 253_402_214_400_000_000;

/// What is pulled, and how.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Begin of the window as the user wrote it.
    pub since: String,
    /// End of the window as the user wrote it; now when `None`.
    pub until: Option<String>,
    /// Length of a slice; it follows from the window when `None`.
    pub slice: Option<Duration>,
    /// Time without anything new after which the tail counts as complete; the tail is read once when zero.
    pub settle: Duration,
    /// Requests a second instead of the API's default.
    pub rate: Option<f64>,
    /// Logs pulled at a time instead of the source's default.
    pub workers: Option<usize>,
    /// How failures are waited out.
    pub patience: Patience,
    /// Allow plain HTTP to other machines.
    pub plain_http: bool,
    /// Begin anew where an unfinished collection is kept.
    pub restart: bool,
    /// Read every slice until a reading gives all that any reading gave: at least twice.
    pub verify: bool,
    /// Records of other deployments are rejects.
    pub deployment_id: Option<String>,
}

/// One source with its settings.
#[derive(Debug)]
pub struct Pull {
    /// The source.
    pub source: Box<dyn Source>,
    /// Its settings.
    pub settings: Settings,
}

/// A log file that becomes part of a pulled run as it is.
#[derive(Debug, Clone)]
pub struct LocalLog {
    /// Where it is.
    pub path: PathBuf,
    /// Provider of its records.
    pub provider: String,
    /// How it is written.
    pub dialect: &'static dyn Dialect,
}

/// Sources and files that become one run.
#[derive(Debug, Default)]
pub struct Federation {
    /// Sources, pulled side by side.
    pub pulls: Vec<Pull>,
    /// Files.
    pub files: Vec<LocalLog>,
    /// Configuration of the experiment, kept in the manifest.
    pub config: Option<serde_json::Value>,
}

/// What a collection would ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Source.
    pub source: &'static str,
    /// Window.
    pub window: Window,
    /// Logs that would be read.
    pub logs: Vec<Log>,
    /// Slices of all logs.
    pub slices: u64,
    /// Requests at least.
    pub calls: u64,
    /// Requests at most, where the API tells.
    pub calls_at_most: Option<u64>,
    /// Time at least, from the rate alone.
    pub at_least: Duration,
}

/// What each pull would read: it discovers, and pulls nothing.
///
/// # Errors
/// When a window is no window, or a source cannot be asked.
pub fn estimate(pulls: &[Pull], progress: &dyn Progress) -> Result<Vec<Estimate>> {
    pulls.iter().map(|pull| estimate_one(pull, progress)).collect()
}

fn estimate_one(pull: &Pull, progress: &dyn Progress) -> Result<Estimate> {
    let settings = &pull.settings;
    let (window, slice_us) = window_of(pull)?;
    let per_log = window.slices(slice_us).len() as u64;
    let api = Api::new(settings.patience, settings.rate, settings.plain_http, progress)?;
    let logs = pull.source.discover(window, &api)?;
    let slices: u64 = logs.iter().map(|log| if log.sliced { per_log } else { 1 }).sum();
    let more = |exact: bool| {
        let pages = logs.iter().map(|log| log.size.pages.filter(|_| !exact || !log.size.at_most));
        pages.map(|pages| pages.unwrap_or(0)).sum::<u64>()
    };
    let known = logs.iter().all(|log| log.size.pages.is_some());
    let calls = slices + more(true);
    let rate = settings.rate.unwrap_or_else(|| pull.source.per_second());
    let at_least = if rate > 0.0 { Duration::from_secs_f64(calls as f64 / rate) } else { Duration::ZERO };
    let calls_at_most = known.then(|| slices + more(false));
    Ok(Estimate { source: pull.source.name(), window, logs, slices, calls, calls_at_most, at_least })
}

/// Pulls every source, several at a time, and writes the run. What is pulled is kept until the run is whole: the same
/// command goes on where it was stopped.
///
/// # Errors
/// [`Error::Slice`] names the slice that could not be pulled; [`Error::Paused`]; when nothing was found.
pub fn collect(options: &Options, federation: &Federation, progress: &dyn Progress) -> Result<Collected> {
    let Federation { pulls, files, config } = federation;
    let loads = Load::open_all(&options.loads)?;
    let wanted = pulls.iter().map(header).collect::<Result<Vec<Header>>>()?;
    let run = run_id(options, &wanted)?;
    let folder = options.store.root().join(PULLED).join(&run);
    if pulls.iter().any(|pull| pull.settings.restart) {
        remove(&folder)?;
    }
    let before = match options.store.manifest(&run) {
        Ok(manifest) if options.append && manifest.state == State::Complete => Some(manifest),
        _ => None,
    };
    let transaction = options.store.begin(&run, Stage::Collect, options.parts.unwrap_or(1))?;
    let folders: Vec<PathBuf> = wanted
        .iter()
        .enumerate()
        .map(|(number, wanted)| folder.join(format!("{number:02}-{}", wanted.source)))
        .collect();
    let pulled = std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for ((pull, wanted), folder) in pulls.iter().zip(&wanted).zip(&folders) {
            threads.push(scope.spawn(move || pull_one(pull, wanted, folder, progress)));
        }
        let ended =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        ended.collect::<Vec<Result<OneSource>>>()
    });
    let pulled = pulled.into_iter().collect::<Result<Vec<OneSource>>>()?;
    let mut inputs: Vec<InputFile> = files.iter().map(local).collect();
    let mut manifest = Manifest::new(&run, 1);
    if let Some(before) = &before {
        manifest.labels.clone_from(&before.labels);
        manifest.pulled.clone_from(&before.pulled);
        manifest.config.clone_from(&before.config);
    }
    manifest.config = config.clone().or(manifest.config);
    for (one, pull) in pulled.into_iter().zip(pulls) {
        inputs.extend(one.logs.into_iter().map(|(name, path)| InputFile {
            path: Some(path),
            name,
            provider: pull.source.provider().to_owned(),
            dialect: pull.source.dialect(),
        }));
        manifest.pulled.push(one.pulled);
        manifest.deployment_id = manifest.deployment_id.or_else(|| pull.settings.deployment_id.clone());
    }
    manifest.labels.extend(loads.iter().flat_map(|load| load.labels().clone()));
    manifest.labels.extend(options.labels.clone());
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    let existing = match &before {
        Some(before) => Some(Existing::read(&options.store, before, &mut inputs)?),
        None => None,
    };
    let parts = options.parts.unwrap_or_else(|| parts_for(&inputs));
    manifest.parts = before.as_ref().map_or(parts, |before| before.parts);
    let rules = Rules { deployment_id: manifest.deployment_id.clone(), keep_headers: options.keep_headers };
    let written = pipeline::run(&inputs, &rules, manifest.parts, &transaction, &loads, existing, progress);
    let written =
        written.map_err(|error| if matches!(error, Error::Interrupted { .. }) { Error::Paused } else { error })?;
    let hints = [nothing_found(&written.sources, &manifest)?, written.hint()];
    let hints: Vec<String> = hints.into_iter().flatten().collect();
    let hint = (!hints.is_empty()).then(|| hints.join("; "));
    manifest.sources = written.sources;
    manifest.files = written.files;
    manifest.window = written.window.map(|(from, to)| LogWindow { from: from.to_string(), to: to.to_string() });
    let manifest = transaction.commit(manifest)?;
    remove(&folder)?;
    // The folder of folders goes with its last one.
    drop(fs::remove_dir(options.store.root().join(PULLED)));
    Ok(Collected { manifest, hint })
}

/// An empty run is an error; one without instrumentation records has a hint.
fn nothing_found(sources: &[faaslens_schemas::manifest::Source], manifest: &Manifest) -> Result<Option<String>> {
    let logs = sources.iter().filter(|source| source.format != LOADGEN_FORMAT);
    let sum = |of: fn(&faaslens_schemas::manifest::Source) -> u64| logs.clone().map(of).sum::<u64>();
    if sum(|source| source.bytes) == 0 {
        let windows: Vec<String> = manifest
            .pulled
            .iter()
            .map(|pulled| format!("{} [{}, {})", pulled.source, pulled.from, pulled.until))
            .collect();
        return Err(Error::Usage(format!("no log event in {}: check window and selection", windows.join(", "))));
    }
    let none = sum(|source| source.records) == 0;
    Ok(none.then(|| "no instrumentation record among the lines: nothing to rebuild call trees from".to_owned()))
}

fn local(log: &LocalLog) -> InputFile {
    let name = log.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    InputFile { path: Some(log.path.clone()), name, provider: log.provider.clone(), dialect: log.dialect }
}

/// What one source gave.
struct OneSource {
    /// Names of logs and the files of their events.
    logs: Vec<(String, PathBuf)>,
    pulled: Pulled,
}

fn pull_one(pull: &Pull, wanted: &Header, folder: &Path, progress: &dyn Progress) -> Result<OneSource> {
    let settings = &pull.settings;
    let source = &*pull.source;
    let journal = Journal::open(folder, wanted)?;
    let api = Api::new(settings.patience, settings.rate, settings.plain_http, progress)?;
    let workers = settings.workers.unwrap_or_else(|| source.workers());
    let gather =
        Gather { source, api: &api, folder, journal: &journal, progress, verify: settings.verify && !source.at_rest() };
    let found = gather.missing(workers)?;
    let late = if settings.settle.is_zero() { 0 } else { gather.settle(&found, settings.settle, workers)? };
    let mut chunks: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let (mut gaps, mut sampled) = (Vec::new(), 0);
    for done in journal.done() {
        let own = chunks.entry(done.log.clone()).or_default();
        own.extend(done.chunks.iter().map(|chunk| folder.join(chunk)));
        sampled += done.sampled;
        gaps.extend(done.gaps.iter().map(|gap| format!("{}: {gap}", done.log)));
    }
    gaps.sort();
    gaps.dedup();
    let paths: Vec<(String, PathBuf, Vec<PathBuf>)> = (0_usize..)
        .zip(chunks)
        .filter(|(_, (_, chunks))| !chunks.is_empty())
        .map(|(number, (log, chunks))| (log, folder.join(format!("{number:06}.log")), chunks))
        .collect();
    let merged = paths
        .into_par_iter()
        .map(|(log, path, chunks)| Ok((log, merge(chunks, &path, progress)?, path)))
        .collect::<Result<Vec<(String, Merged, PathBuf)>>>()?;
    let window = journal.header.window();
    let pulled = Pulled {
        source: source.name().to_owned(),
        provider: source.provider().to_owned(),
        from: window.from().to_string(),
        until: window.until().to_string(),
        selection: source.selection(),
        logs: found.len() as u64,
        events: merged.iter().map(|(_, merged, _)| merged.events).sum(),
        late,
        sampled,
        gaps,
    };
    Ok(OneSource { logs: merged.into_iter().map(|(log, _, path)| (log, path)).collect(), pulled })
}

/// The window of a pull and the length of its slices. Files are read to their end, whatever the clock of this machine says.
fn window_of(pull: &Pull) -> Result<(Window, i64)> {
    let settings = &pull.settings;
    let mut window = Window::parse(&settings.since, settings.until.as_deref(), now_us())?;
    if !pull.source.at_rest() {
        return Ok((window, window.slice_us(settings.slice)));
    }
    if settings.until.is_none() {
        window.until_us = END_OF_TIME_US;
    }
    Ok((window, window.until_us - window.from_us))
}

fn header(pull: &Pull) -> Result<Header> {
    let settings = &pull.settings;
    let (window, slice_us) = window_of(pull)?;
    let header = Header::new(pull.source.name(), pull.source.selection(), window, slice_us);
    Ok(Header { since: settings.since.clone(), until: settings.until.clone(), ..header })
}

/// The id given; else that of an unfinished collection of the same command; else the sources and the begin of the window.
fn run_id(options: &Options, wanted: &[Header]) -> Result<String> {
    if let Some(run) = &options.run {
        check_run_id(run)?;
        return Ok(run.clone());
    }
    if let Some(run) = unfinished(&options.store, wanted) {
        return Ok(run);
    }
    let mut names: Vec<&str> = wanted.iter().map(|header| header.source.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok("files".to_owned());
    }
    let from = wanted.iter().map(|header| header.window().from()).min();
    let from = from.map(|from| from.to_string().chars().take(19).collect::<String>()).unwrap_or_default();
    Ok(run_id_from(&format!("{}_{}", names.join("-"), from.replace('T', "_").replace(':', "-"))))
}

fn unfinished(store: &Store, wanted: &[Header]) -> Option<String> {
    let mut runs: Vec<PathBuf> =
        fs::read_dir(store.root().join(PULLED)).ok()?.flatten().map(|entry| entry.path()).collect();
    runs.sort();
    let fits = |run: &PathBuf| {
        !wanted.is_empty()
            && wanted.iter().enumerate().all(|(number, wanted)| {
                let left = header_in(&run.join(format!("{number:02}-{}", wanted.source)));
                left.is_some_and(|left| left.same_command(wanted))
            })
    };
    let run = runs.into_iter().find(fits)?;
    run.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// Removes the folder of a run at one stroke: what is left of a removal that was cut short is never read.
fn remove(folder: &Path) -> Result<()> {
    let gone = folder.with_file_name(format!(".gone-{}", folder.file_name().unwrap_or_default().to_string_lossy()));
    let failed = |source| Error::Io { action: "remove", path: folder.to_owned(), source };
    remove_all(&gone).map_err(failed)?;
    if folder.exists() {
        fs::rename(folder, &gone).map_err(failed)?;
    }
    remove_all(&gone).map_err(failed)
}

fn remove_all(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
