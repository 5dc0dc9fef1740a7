//! Errors that end a collection. What is wrong with a piece of input is no error: it becomes a row of `rejects`.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a collection could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store could not be written.
    #[error(transparent)]
    Store(#[from] faaslens_schemas::Error),
    /// An input could not be opened or read at all.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The input.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The input holds nothing that this source reads.
    #[error("{}: {found}; expected {expected}", path.display())]
    NothingToRead {
        /// The input.
        path: PathBuf,
        /// What a collection of this source needs.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// Two options or inputs contradict each other.
    #[error("{0}")]
    Usage(String),
    /// Stopped by the user; nothing of the run was kept.
    #[error("interrupted; nothing of run {run:?} was kept: run the same command again")]
    Interrupted {
        /// The run.
        run: String,
    },
}
