//! Errors of loading a profile and of driving a load.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a load could not be planned or driven.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A profile says something that cannot be meant or is not supported.
    #[error("{}:{line}: {key}: {message}", path.display())]
    Profile {
        /// The profile.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Key or element.
        key: String,
        /// What was expected and what was found.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The options contradict each other or the profile.
    #[error("{0}")]
    Usage(String),
    /// The store could not be written.
    #[error(transparent)]
    Store(#[from] faaslens_schemas::Error),
    /// The operating system refused what the generator needs.
    #[error("cannot {action}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// The operating system's answer.
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err`: what was tried with which file.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// For `map_err`: what was tried with the operating system.
    pub(crate) fn system(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { action, source }
    }
}
