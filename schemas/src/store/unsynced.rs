//! Files whose bytes have yet to reach the disk.
//!
//! A sync mostly waits for the disk, and the disk takes several at once: so files are synced together, before the run
//! that they belong to is committed.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// Files kept open at most.
const OPEN: usize = 64;
/// Files synced at a time.
const AT_ONCE: usize = 16;

/// Written files that wait to be synced.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    files: Mutex<Vec<(File, PathBuf)>>,
}

impl Unsynced {
    /// Adds a file; syncs all when many wait.
    ///
    /// # Errors
    /// When a file cannot be synced: a full disk may show only then.
    pub(super) fn add(&self, file: File, path: PathBuf) -> Result<()> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.push((file, path));
        if files.len() < OPEN {
            return Ok(());
        }
        let full = std::mem::take(&mut *files);
        drop(files);
        sync(&full)
    }

    /// Syncs all files.
    ///
    /// # Errors
    /// When one of them cannot be synced.
    pub(super) fn sync(&self) -> Result<()> {
        let files = std::mem::take(&mut *self.files.lock().unwrap_or_else(PoisonError::into_inner));
        sync(&files)
    }
}

fn sync(files: &[(File, PathBuf)]) -> Result<()> {
    let each = files.len().div_ceil(AT_ONCE).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = files.chunks(each).map(|files| scope.spawn(|| sync_in_turn(files))).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

fn sync_in_turn(files: &[(File, PathBuf)]) -> Result<()> {
    files.iter().try_for_each(|(file, path)| file.sync_data().map_err(Error::io("sync", path)))
}
