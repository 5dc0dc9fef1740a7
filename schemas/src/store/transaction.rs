//! Replacing the files of a run, all or nothing.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;

use super::unsynced::Unsynced;
use super::writer::{TableFile, part_path, write_atomically};
use super::{Store, check_run_id};
use crate::error::{Error, Result};
use crate::manifest::{FileEntry, Manifest, State};
use crate::table::{Row, Stage, Table};
use crate::tables::TABLES;

/// Files of one run that are being written, unseen by readers until [`Transaction::commit`].
///
/// Dropped without a commit, it removes what it wrote and leaves the store as it was.
#[derive(Debug)]
pub struct Transaction {
    store: Store,
    run: String,
    stage: Stage,
    staging: PathBuf,
    /// Held while the run is written; the lock goes with the process.
    _lock: File,
    /// Whether the manifest was made by this transaction and goes with it.
    owns_manifest: bool,
    committed: bool,
    unsynced: Arc<Unsynced>,
}

impl Store {
    /// Begins to replace the tables that `stage` writes for a run.
    ///
    /// For a run the store does not know yet, an unfinished manifest appears at once.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process writes the run; when the store cannot be written.
    pub fn begin(&self, run: &str, stage: Stage, parts: u32) -> Result<Transaction> {
        check_run_id(run)?;
        let staging_root = self.root.join(".staging");
        fs::create_dir_all(&staging_root).map_err(Error::io("create", &staging_root))?;
        let lock_path = staging_root.join(format!("{run}.lock"));
        let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Busy { store: self.root.clone(), run: run.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", lock_path)(source)),
        }
        let staging = self.staging(run);
        remove_folder(&staging)?;
        fs::create_dir(&staging).map_err(Error::io("create", &staging))?;
        let manifest_path = self.manifest_path(run);
        let owns_manifest = stage == Stage::Collect && !manifest_path.exists();
        let transaction = Transaction {
            store: self.clone(),
            run: run.to_owned(),
            stage,
            staging,
            _lock: lock,
            owns_manifest,
            committed: false,
            unsynced: Arc::default(),
        };
        if owns_manifest {
            transaction.write_manifest(&Manifest::new(run, parts))?;
        }
        Ok(transaction)
    }
}

impl Transaction {
    /// The run being written.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Where the file of a part of a table lies until the commit.
    pub fn staged(&self, table: &Table, part: u32) -> PathBuf {
        self.staging.join(table.name).join(format!("part={part}")).join(format!("{}.parquet", table.name))
    }

    /// Opens a new file of a part of a table, in the place of one that was written before.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn file(&self, table: &'static Table, part: u32) -> Result<TableFile> {
        let final_path = part_path(table, &self.run, part);
        let path = self.staged(table, part);
        let folder = path.parent().unwrap_or(&self.staging);
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        TableFile::create(path, final_path, table, part, Arc::clone(&self.unsynced))
    }

    /// Writes all rows of a part of a table; no file for no rows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_rows<R: Row>(&self, part: u32, rows: &[R]) -> Result<Option<FileEntry>> {
        if rows.is_empty() {
            return Ok(None);
        }
        let mut file = self.file(R::TABLE, part)?;
        file.write_rows(rows)?;
        file.finish().map(Some)
    }

    /// Puts the written files in the place of the run's old ones of this stage, and `manifest` last.
    ///
    /// The manifest's state becomes [`State::Complete`]. A collection also removes the analysis of the old data.
    ///
    /// # Errors
    /// When a file cannot be synced, and nothing is changed then; when a rename fails, and the manifest then says
    /// `unfinished`.
    pub fn commit(mut self, mut manifest: Manifest) -> Result<Manifest> {
        self.unsynced.sync()?;
        manifest.files.sort();
        if let Some(analysis) = &mut manifest.analysis {
            analysis.files.sort();
        }
        self.committed = true;
        manifest.state = State::Unfinished;
        self.write_manifest(&manifest)?;
        for table in TABLES.iter().filter(|table| self.replaces(table)) {
            self.swap(table)?;
        }
        manifest.state = State::Complete;
        self.write_manifest(&manifest)?;
        remove_folder(&self.staging)?;
        Ok(manifest)
    }

    fn replaces(&self, table: &Table) -> bool {
        table.layout == crate::table::Layout::PerRun && (self.stage == Stage::Collect || table.stage == Stage::Analyze)
    }

    fn swap(&self, table: &Table) -> Result<()> {
        let folder = self.store.root.join(table.name);
        let target = folder.join(format!("run={}", self.run));
        remove_folder(&target)?;
        let staged = self.staging.join(table.name);
        if staged.is_dir() {
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
            fs::rename(&staged, &target).map_err(Error::io("rename to", target))?;
        }
        Ok(())
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        let path = self.store.manifest_path(&self.run);
        let mut text =
            serde_json::to_vec_pretty(manifest).map_err(|source| Error::Manifest { path: path.clone(), source })?;
        text.push(b'\n');
        write_atomically(&path, &text)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        // Best effort: the next transaction of the run removes what stays.
        drop(remove_folder(&self.staging));
        if self.owns_manifest {
            drop(fs::remove_file(self.store.manifest_path(&self.run)));
        }
    }
}

fn remove_folder(path: &std::path::Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("remove", path)(error)),
    }
}
