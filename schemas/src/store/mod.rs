//! A store: a folder of hive-partitioned Parquet files and run manifests.
//!
//! ```text
//! <store>/<table>/run=<run>/part=<k>/<table>.parquet     tables of one run
//! <store>/<table>/<table>.parquet                        tables that pool runs
//! <store>/runs/<run>.json                                manifests
//! <store>/.staging/<run>/                                files of a collection or analysis that is under way
//! <store>/.pulled/<run>/                                 what was pulled of a run that is not whole yet
//! ```
//!
//! A run is replaced as a whole: its files are written and synced in the staging folder, the manifest says
//! `unfinished`, the folders are swapped by renames, and the manifest is replaced last. A process killed at any
//! moment leaves a store that opens; doing the same again completes it.

mod cells;
mod column;
mod part_rows;
mod read;
mod row_group;
mod transaction;
mod unsynced;
mod writer;

use std::fs;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::manifest::{Manifest, State};

pub use cells::{Cells, TextRows, Texts};
pub use part_rows::PartRows;
pub use transaction::Transaction;
pub use writer::TableFile;

/// Folder of a store in which what is being pulled from living systems waits until its run is whole.
pub const PULLED: &str = ".pulled";

/// The part of rows that have no context.
pub const NO_CONTEXT: u32 = 0;

/// The part of a context: 1 to `parts`, by the XXH3 hash of its id. A context never straddles parts.
///
/// `parts` of 0 counts as 1.
pub fn part_of(context_id: &[u8], parts: u32) -> u32 {
    part_of_hash(xxh3_64(context_id), parts)
}

/// Part of a context whose XXH3 hash is known: from 1 to `parts`.
#[expect(clippy::cast_possible_truncation, reason = "a remainder of a u32")]
pub fn part_of_hash(context_hash: u64, parts: u32) -> u32 {
    1 + (context_hash % u64::from(parts.max(1))) as u32
}

/// Refuses a run id that could leave the store or confuse a reader of its paths.
///
/// # Errors
/// [`Error::RunId`] unless the id is 1 to 150 of `A-Z a-z 0-9 . _ -` without a leading dot.
pub fn check_run_id(id: &str) -> Result<()> {
    let fits = (1..=150).contains(&id.len())
        && !id.starts_with('.')
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if fits { Ok(()) } else { Err(Error::RunId { id: id.chars().take(200).collect() }) }
}

/// A text as a valid run id: every other character becomes `-`, a leading dot goes.
pub fn run_id_from(text: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let id: String = text.trim_start_matches('.').chars().map(allowed).take(150).collect();
    if id.is_empty() { "run".to_owned() } else { id }
}

/// An opened store.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the store in `root`, making it where there is nothing or an empty folder.
    ///
    /// # Errors
    /// When the folder cannot be made, or holds something that is no store.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        if root.join("runs").is_dir() {
            return Ok(Self { root });
        }
        fs::create_dir_all(&root).map_err(Error::io("create", &root))?;
        let mut entries = fs::read_dir(&root).map_err(Error::io("list", &root))?;
        if entries.next().is_some() {
            let reason = "it is not empty and has no folder runs".to_owned();
            return Err(Error::NotAStore { path: root, reason });
        }
        let runs = root.join("runs");
        fs::create_dir(&runs).map_err(Error::io("create", runs))?;
        Ok(Self { root })
    }

    /// Removes the store where it holds no run, as after a collection into a new store that failed. What cannot be
    /// removed stays: an empty store does no harm.
    pub fn discard_if_empty(&self) {
        if self.root.join(PULLED).exists() {
            return;
        }
        // A folder goes only when nothing is in it.
        let emptied = fs::remove_dir(self.root.join("runs")).is_ok();
        if emptied && fs::remove_dir_all(self.root.join(".staging")).is_ok() {
            drop(fs::remove_dir(&self.root));
        }
    }

    /// Opens an existing store.
    ///
    /// # Errors
    /// [`Error::NotAStore`] when the folder is missing or has no folder `runs`.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        if root.join("runs").is_dir() {
            return Ok(Self { root });
        }
        let reason = if root.exists() { "it has no folder runs" } else { "no such folder" }.to_owned();
        Err(Error::NotAStore { path: root, reason })
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every manifest, sorted by run id.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn manifests(&self) -> Result<Vec<Manifest>> {
        let folder = self.root.join("runs");
        let mut manifests = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Error::io("list", &folder))? {
            let path = entry.map_err(Error::io("list", &folder))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                manifests.push(read_manifest(&path)?);
            }
        }
        manifests.sort_by(|a, b| a.run.cmp(&b.run));
        Ok(manifests)
    }

    /// The manifest of a run.
    ///
    /// # Errors
    /// [`Error::NoRun`] when there is none, or when it cannot be read.
    pub fn manifest(&self, run: &str) -> Result<Manifest> {
        check_run_id(run)?;
        let path = self.manifest_path(run);
        if path.is_file() {
            return read_manifest(&path);
        }
        let ids: Vec<String> = self.manifests()?.into_iter().map(|manifest| manifest.run).collect();
        let known = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        Err(Error::NoRun { store: self.root.clone(), run: run.to_owned(), known })
    }

    /// The manifests of the chosen runs, or of all complete ones when none is chosen; sorted by run id.
    ///
    /// # Errors
    /// [`Error::NoRun`] for a run that is not there.
    pub fn select(&self, runs: &[String]) -> Result<Vec<Manifest>> {
        if runs.is_empty() {
            let complete = |manifest: &Manifest| manifest.state == State::Complete;
            return Ok(self.manifests()?.into_iter().filter(complete).collect());
        }
        let mut chosen = runs.iter().map(|run| self.manifest(run)).collect::<Result<Vec<_>>>()?;
        chosen.sort_by(|a, b| a.run.cmp(&b.run));
        chosen.dedup_by(|a, b| a.run == b.run);
        Ok(chosen)
    }

    fn manifest_path(&self, run: &str) -> PathBuf {
        self.root.join("runs").join(format!("{run}.json"))
    }

    fn staging(&self, run: &str) -> PathBuf {
        self.root.join(".staging").join(run)
    }
}

fn read_manifest(path: &Path) -> Result<Manifest> {
    let text = fs::read(path).map_err(Error::io("read", path))?;
    serde_json::from_slice(&text).map_err(|source| Error::Manifest { path: path.to_owned(), source })
}
