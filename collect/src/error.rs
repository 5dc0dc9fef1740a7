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
    /// No credentials, or none that are fit.
    #[error("{0}")]
    Credentials(String),
    /// An API refused a request for good.
    #[error("refused: {0}")]
    Refused(String),
    /// An API could not be asked in time.
    #[error("{host}: gave up after {failures} failures in {} s: {reason}", total.as_secs_f64())]
    GaveUp {
        /// The machine.
        host: String,
        /// Failures in a row.
        failures: u32,
        /// Time for repetitions.
        total: std::time::Duration,
        /// The last failure.
        reason: String,
    },
    /// A slice of a log could not be pulled.
    #[error(
        "{source_name}: {log}, slice {slice}: {reason}; the slices pulled so far are kept: run the same command again to go on"
    )]
    Slice {
        /// Source.
        source_name: &'static str,
        /// Log.
        log: String,
        /// Its window.
        slice: String,
        /// Why.
        reason: String,
    },
    /// Stopped by the user; slices that were pulled are kept.
    #[error("interrupted; the slices pulled so far are kept: run the same command again to go on")]
    Paused,
    /// Stopped by the user; nothing of the run was kept.
    #[error("interrupted; nothing of run {run:?} was kept: run the same command again")]
    Interrupted {
        /// The run.
        run: String,
    },
}
