//! What `faaslens loadgen` wrote of a load: a store with one run, whose records join the logs of the functions.
//!
//! They hold what the lines of a console do not: due time, lateness, connecting, first byte, class of the outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use faaslens_schemas::manifest::{LOADGEN_FORMAT, Manifest, State};
use faaslens_schemas::store::Store;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::ClientRequest;

use crate::{Error, Result};

/// Rows read at a time.
const BATCH: usize = 4096;

/// The output of one load generator, opened.
#[derive(Debug)]
pub(crate) struct Load {
    name: String,
    store: Store,
    manifest: Manifest,
}

impl Load {
    /// Opens output folders in an order of their own, each under a name of its own.
    ///
    /// # Errors
    /// When a folder is no such output, or holds more than one run.
    pub(crate) fn open_all(folders: &[PathBuf]) -> Result<Vec<Self>> {
        let mut folders: Vec<PathBuf> =
            folders.iter().map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.clone())).collect();
        folders.sort();
        folders.dedup();
        let mut names = BTreeSet::new();
        let mut loads = Vec::new();
        for folder in &folders {
            let own = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let fresh = (1..).map(|n| if n == 1 { own.clone() } else { format!("{own}-{n}") });
            let name = fresh.into_iter().find(|name| !names.contains(name)).unwrap_or_default();
            names.insert(name.clone());
            loads.push(Self::open(folder, name)?);
        }
        Ok(loads)
    }

    fn open(folder: &Path, name: String) -> Result<Self> {
        let refuse = |found: String| Error::NothingToRead {
            path: folder.to_owned(),
            expected: "the output folder of one load (faaslens loadgen PROFILE --out DIR)".to_owned(),
            found,
        };
        let root = if folder.join("runs").is_dir() { folder.to_owned() } else { folder.join("store") };
        if !root.join("runs").is_dir() {
            let found = if folder.is_dir() { "a folder without store" } else { "no such folder" };
            return Err(refuse(found.to_owned()));
        }
        let store = Store::open(root)?;
        let mut manifests = store.manifests()?;
        manifests.retain(|manifest| manifest.state == State::Complete);
        if manifests.len() > 1 {
            let runs: Vec<&str> = manifests.iter().map(|manifest| manifest.run.as_str()).collect();
            return Err(refuse(format!("a store of {} runs ({})", runs.len(), runs.join(", "))));
        }
        match manifests.pop() {
            Some(manifest) if is_load(&manifest) => Ok(Self { name, store, manifest }),
            Some(manifest) => {
                Err(refuse(format!("a store with run {:?}, which no load generator wrote", manifest.run)))
            }
            None => Err(refuse("a store without a complete run".to_owned())),
        }
    }

    /// What the records are called in the run they join.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Labels of the load.
    pub(crate) fn labels(&self) -> &BTreeMap<String, String> {
        &self.manifest.labels
    }

    /// Bytes of the files of records.
    pub(crate) fn bytes(&self) -> u64 {
        self.manifest.files.iter().filter(|file| file.table == ClientRequest::TABLE.name).map(|file| file.bytes).sum()
    }

    /// Gives the records, some thousand at a time.
    pub(crate) fn each(&self, mut take: impl FnMut(Vec<ClientRequest>) -> Result<()>) -> Result<()> {
        for path in self.store.files(&self.manifest, ClientRequest::TABLE, None) {
            for batch in Store::batches(&path, &[], BATCH)? {
                let batch = batch
                    .map_err(|source| faaslens_schemas::Error::Arrow { table: ClientRequest::TABLE.name, source })?;
                take(ClientRequest::from_batch(&batch)?)?;
            }
        }
        Ok(())
    }
}

/// Whether a run holds nothing but a load generator's own records.
fn is_load(manifest: &Manifest) -> bool {
    !manifest.sources.is_empty() && manifest.sources.iter().all(|source| source.format == LOADGEN_FORMAT)
}

/// The output folders of loads that lie in a folder of logs.
pub(crate) fn beside(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let holds_load = |path: &PathBuf| {
        path.join("store/runs").is_dir()
            && Store::open(path.join("store"))
                .and_then(|store| store.manifests())
                .is_ok_and(|manifests| manifests.iter().any(is_load))
    };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(holds_load).collect();
    folders.sort();
    folders
}
