//! Errors of the contract and the store.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a store, a table or a manifest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read, written, renamed or removed.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// What was tried, as a verb phrase: `create`, `rename to x`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A Parquet file is damaged or could not be written.
    #[error("{}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The Parquet library's answer.
        source: parquet::errors::ParquetError,
    },
    /// Arrow refused a batch.
    #[error("table {table}: {source}")]
    Arrow {
        /// The table.
        table: &'static str,
        /// The Arrow library's answer.
        source: crate::arrow::error::ArrowError,
    },
    /// A column that every reader relies on is missing or has another type.
    #[error("{}: table {table}: column {column}: expected {expected}, found {found}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The declared type.
        expected: String,
        /// The type in the file, or `no such column`.
        found: String,
    },
    /// A manifest is not valid JSON of the expected shape.
    #[error("{}: line {}, column {}: {source}", path.display(), source.line(), source.column())]
    Manifest {
        /// The manifest file.
        path: PathBuf,
        /// The JSON library's answer.
        source: serde_json::Error,
    },
    /// A run id that is empty, too long or has a character outside `A-Z a-z 0-9 . _ -`.
    #[error("run id {id:?}: expected 1 to 150 of A-Z a-z 0-9 . _ - and no leading dot")]
    RunId {
        /// The refused id.
        id: String,
    },
    /// The store has no such run.
    #[error("{}: no run {run:?} in this store; it has {known}", store.display())]
    NoRun {
        /// The store.
        store: PathBuf,
        /// The id asked for.
        run: String,
        /// The ids there are.
        known: String,
    },
    /// The folder is no store.
    #[error("{}: not a faaslens store: {reason}", path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// Why it is none.
        reason: String,
    },
    /// Another faaslens writes this run now.
    #[error("{}: run {run:?} is being written by another faaslens", store.display())]
    Busy {
        /// The store.
        store: PathBuf,
        /// The run.
        run: String,
    },
}

impl Error {
    /// For `map_err`: an I/O error with what was tried on which path.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// For `map_err`: a Parquet error with its file.
    pub fn parquet(path: impl Into<PathBuf>) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let path = path.into();
        move |source| Self::Parquet { path, source }
    }
}
