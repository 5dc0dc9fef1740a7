//! A BeFaaS log folder: one run.
//!
//! `aws.log`, `google.log`, `azure.log`, `tinyfaas.log`, `openfaas.log`, `openwhisk.log`, `artillery.log`, each plain,
//! `.gz` or `.zst`; `deployment_id.txt` (records of another deployment are rejects) and `experiment.json` (function to
//! provider). Single files are read with the provider named by the user. A new log is one line in [`LOGS`].
//!
//! The output folder of `faaslens loadgen` in the folder, or one that the user names, joins the run: its records take the
//! place of what `artillery.log` says of the same requests.

use std::path::{Path, PathBuf};

use faaslens_schemas::manifest::{LOADGEN_FORMAT, Manifest, Source, State, Window};
use faaslens_schemas::store::run_id_from;
use faaslens_schemas::table::Stage;

use super::loads::{self, Load};
use super::result_files::{Collected, PerFile};
use crate::formats::Dialect;
use crate::formats::cloud_logging::CloudLogging;
use crate::formats::cloudwatch::CloudWatch;
use crate::formats::plain_lines::{ARTILLERY_CONSOLE, AZURE_HOST, OPENWHISK, TINYFAAS, WATCHDOG};
use crate::pipeline::{self, Existing, InputFile, Rules, parts_for};
use crate::{Error, Options, Progress, Result};

/// What this source reads, for `faaslens sources`.
pub const DESCRIPTION: &str = "BeFaaS log folders (aws, google, azure, tinyfaas, openfaas, openwhisk, artillery .log, plain, .gz or .zst), or \
     single files with --provider";

/// Provider of the load generator's own records.
pub const CLIENT: &str = "client";

/// One log of a folder.
#[derive(Debug)]
pub struct Log {
    /// File name without `.log`.
    pub stem: &'static str,
    /// Provider of its records.
    pub provider: &'static str,
    /// How it is written.
    pub dialect: &'static dyn Dialect,
}

/// Every log a folder may hold.
pub static LOGS: &[Log] = &[
    Log { stem: "artillery", provider: CLIENT, dialect: &ARTILLERY_CONSOLE },
    Log { stem: "aws", provider: "aws", dialect: &CloudWatch },
    Log { stem: "azure", provider: "azure", dialect: &AZURE_HOST },
    Log { stem: "google", provider: "google", dialect: &CloudLogging },
    Log { stem: "openfaas", provider: "openfaas", dialect: &WATCHDOG },
    Log { stem: "openwhisk", provider: "openwhisk", dialect: &OPENWHISK },
    Log { stem: "tinyfaas", provider: "tinyfaas", dialect: &TINYFAAS },
];

/// Whether a folder holds a log that this source reads.
pub fn is_log_folder(folder: &Path) -> bool {
    folder.is_dir() && LOGS.iter().any(|log| variants(folder, log.stem).next().is_some())
}

/// Collects folders, each a run, or with `provider` (a stem of [`LOGS`]) files that together are one run.
///
/// # Errors
/// When the inputs fit neither; what goes wrong with one run is in its place of the result.
pub fn collect(
    options: &Options,
    inputs: &[PathBuf],
    provider: Option<&str>,
    progress: &dyn Progress,
) -> Result<PerFile> {
    if let Some(provider) = provider {
        let result = single_files(options, inputs, provider, progress);
        let name = inputs.first().cloned().unwrap_or_default();
        return Ok(vec![(name, result)]);
    }
    if options.run.is_some() && inputs.len() > 1 {
        return Err(Error::Usage(format!("--run names one run, found {} folders", inputs.len())));
    }
    if !options.loads.is_empty() && inputs.len() > 1 {
        return Err(Error::Usage(format!("--loadgen belongs to one run, found {} folders", inputs.len())));
    }
    let one = |folder: &PathBuf| (folder.clone(), folder_run(options, folder, progress));
    Ok(inputs.iter().map(one).collect())
}

/// Collects one load generator's console log, or several of one run.
///
/// # Errors
/// As for a run of [`collect`].
pub fn collect_console(options: &Options, files: &[PathBuf], progress: &dyn Progress) -> Result<Collected> {
    single_files(options, files, "artillery", progress)
}

fn single_files(options: &Options, files: &[PathBuf], provider: &str, progress: &dyn Progress) -> Result<Collected> {
    let Some(log) = LOGS.iter().find(|log| log.stem == provider || log.provider == provider) else {
        let known: Vec<_> = LOGS.iter().map(|log| log.stem).collect();
        return Err(Error::Usage(format!("provider {provider:?}: expected one of {}", known.join(", "))));
    };
    let mut inputs = Vec::new();
    for path in files {
        if !path.is_file() {
            let found = if path.is_dir() { "a folder" } else { "no such file" }.to_owned();
            return Err(Error::NothingToRead { path: path.clone(), expected: format!("a log of {provider}"), found });
        }
        inputs.push(input(path, log));
    }
    let Some(first) = files.first() else { return Err(Error::Usage("no file to collect".to_owned())) };
    let stem = first.file_name().unwrap_or_default().to_string_lossy();
    let stem =
        [".zst", ".gz", ".log"].iter().fold(&*stem, |stem, end| stem.strip_suffix(end).unwrap_or(stem)).to_owned();
    let id = options.run.clone().unwrap_or_else(|| run_id_from(&stem));
    Run { id, place: first.clone(), manifest_of: None, inputs, hints: Vec::new() }.collect(options, progress)
}

fn folder_run(options: &Options, folder: &Path, progress: &dyn Progress) -> Result<Collected> {
    let expected = || {
        let names: Vec<_> = LOGS.iter().map(|log| format!("{}.log", log.stem)).collect();
        format!("a folder with at least one of {} (or .gz, .zst)", names.join(", "))
    };
    if !folder.is_dir() {
        let found =
            if folder.exists() { "a file (for single files name --provider)" } else { "no such folder" }.to_owned();
        return Err(Error::NothingToRead { path: folder.to_owned(), expected: expected(), found });
    }
    let mut inputs: Vec<InputFile> =
        LOGS.iter().flat_map(|log| variants(folder, log.stem).map(move |path| input(&path, log))).collect();
    if inputs.is_empty() {
        let found = "no log that faaslens knows".to_owned();
        return Err(Error::NothingToRead { path: folder.to_owned(), expected: expected(), found });
    }
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    let id = options.run.clone().unwrap_or_else(|| run_id_of_folder(folder));
    let hints = Vec::new();
    Run { id, place: folder.to_owned(), manifest_of: Some(folder.to_owned()), inputs, hints }.collect(options, progress)
}

fn variants(folder: &Path, stem: &'static str) -> impl Iterator<Item = PathBuf> {
    let paths = ["log", "log.gz", "log.zst"].map(|end| folder.join(format!("{stem}.{end}")));
    paths.into_iter().filter(|path| path.is_file())
}

fn input(path: &Path, log: &Log) -> InputFile {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    InputFile { path: Some(path.to_owned()), name, provider: log.provider.to_owned(), dialect: log.dialect }
}

/// `<experiment>_<start>` for `<experiment>/<start>/`, as BeFaaS lays its logs out.
fn run_id_of_folder(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = name(&folder).unwrap_or_default();
    match folder.parent().and_then(name).filter(|_| own.starts_with(|c: char| c.is_ascii_digit())) {
        Some(experiment) => run_id_from(&format!("{experiment}_{own}")),
        None => run_id_from(&own),
    }
}

/// One run about to be collected.
struct Run {
    id: String,
    /// What errors name.
    place: PathBuf,
    /// Folder with `deployment_id.txt` and `experiment.json`.
    manifest_of: Option<PathBuf>,
    inputs: Vec<InputFile>,
    hints: Vec<String>,
}

impl Run {
    fn collect(mut self, options: &Options, progress: &dyn Progress) -> Result<Collected> {
        let store = &options.store;
        let before = match store.manifest(&self.id) {
            Ok(manifest) if options.append && manifest.state == State::Complete => Some(manifest),
            _ => None,
        };
        let parts = before
            .as_ref()
            .map_or_else(|| options.parts.unwrap_or_else(|| parts_for(&self.inputs)), |before| before.parts);
        let mut manifest = Manifest::new(&self.id, parts);
        self.describe(&mut manifest, before.as_ref());
        let existing = match &before {
            Some(before) => Some(Existing::read(store, before, &mut self.inputs)?),
            None => None,
        };
        let loads = self.loads(options)?;
        for load in &loads {
            manifest.labels.extend(load.labels().clone());
        }
        manifest.labels.extend(options.labels.clone());
        let rules = Rules { deployment_id: manifest.deployment_id.clone(), keep_headers: options.keep_headers };
        let transaction = store.begin(&self.id, Stage::Collect, parts)?;
        let written = pipeline::run(&self.inputs, &rules, parts, &transaction, &loads, existing, progress)?;
        self.hints.extend(written.hint());
        let of_logs = |source: &&Source| source.format != LOADGEN_FORMAT;
        let records: u64 = written.sources.iter().filter(of_logs).map(|source| source.records).sum();
        if records == 0 {
            return Err(self.nothing_found(&written.sources));
        }
        for source in written.sources.iter().filter(|source| source.bytes == 0 && source.records == 0) {
            self.hints.push(format!("{}: empty", source.name));
        }
        manifest.sources = written.sources;
        manifest.files = written.files;
        manifest.window = written.window.map(|(from, to)| Window { from: from.to_string(), to: to.to_string() });
        let manifest = transaction.commit(manifest)?;
        Ok(Collected { manifest, hint: (!self.hints.is_empty()).then(|| self.hints.join("; ")) })
    }

    fn nothing_found(&self, sources: &[Source]) -> Error {
        let looked_at: Vec<String> = sources
            .iter()
            .map(|source| match &source.cut_short {
                Some(reason) => format!("{} ({reason})", source.name),
                None => format!("{} ({} bytes, {} refused)", source.name, source.bytes, source.rejects()),
            })
            .collect();
        Error::NothingToRead {
            path: self.place.clone(),
            expected: "lines with BEFAAS{\"timestamp\":…".to_owned(),
            found: format!("no instrumentation record in {}", looked_at.join(", ")),
        }
    }

    /// The load generator's outputs: those named, and those in the folder.
    fn loads(&self, options: &Options) -> Result<Vec<Load>> {
        let mut folders = options.loads.clone();
        folders.extend(self.manifest_of.as_deref().map(loads::beside).unwrap_or_default());
        Load::open_all(&folders)
    }

    /// Deployment, configuration and labels from the folder, or from the collection before.
    fn describe(&mut self, manifest: &mut Manifest, before: Option<&Manifest>) {
        if let Some(before) = before {
            manifest.labels.clone_from(&before.labels);
            manifest.deployment_id.clone_from(&before.deployment_id);
            manifest.config.clone_from(&before.config);
        }
        let Some(folder) = &self.manifest_of else { return };
        match std::fs::read_to_string(folder.join("deployment_id.txt")) {
            Ok(text) if !text.trim().is_empty() => manifest.deployment_id = Some(text.trim().to_owned()),
            _ => self.hints.push("no deployment_id.txt: records of other deployments cannot be told".to_owned()),
        }
        if let Ok(text) = std::fs::read(folder.join("experiment.json")) {
            match serde_json::from_slice(&text) {
                Ok(config) => manifest.config = Some(config),
                Err(error) => self.hints.push(format!("experiment.json: line {}: {error}", error.line())),
            }
        }
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        if let Some(experiment) = folder.parent().and_then(name) {
            manifest.labels.insert("experiment".to_owned(), experiment);
        }
        if let Some(start) = name(&folder) {
            manifest.labels.insert("started".to_owned(), start);
        }
    }
}
