//! Pulling the logs of a run from where they are: completely, once, resumably.
//!
//! ```text
//! Source::discover ─▶ logs × slices ─▶ Source::pull ─▶ chunks, journal ─▶ merge ─▶ the pipeline of files
//! ```
//!
//! * `window`: half-open windows of time and their slices.
//! * `pace`: request rates and waiting after failures.
//! * `http`, `reply`: one client for all providers: TLS, rate, retries, bounds; what came of a request.
//! * `sink`, `chunk`: what a slice gave, sorted, on the disk.
//! * `journal`: which slices are done; what a killed collection goes on from.
//! * `gather`: the threads that pull the slices that are missing.
//! * `merge`: all chunks of a log as one log file, each event once.
//! * `run`: all of it for one run, into the store.
//!
//! A pulled log is written as lines of a format that `collect` reads from files too, so that everything behind it is
//! the same code.

mod chunk;
mod gather;
pub mod http;
mod journal;
mod merge;
pub mod pace;
mod reply;
pub mod run;
mod sink;
pub mod window;

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::formats::Dialect;
use crate::{Error, Result};

pub use http::Api;
pub use sink::{Piece, Sink};
pub use window::Window;

/// Where logs of a living system come from: one provider's API, or files copied from its nodes.
///
/// # Contract
/// * [`Source::discover`] names the logs that a window may hold. A name is unique, stable between calls, and becomes the
///   name of the input in the store.
/// * [`Source::pull`] gives every event of one log in one slice to the sink, in the order in which the provider keeps
///   them. It may give events twice and events outside of the slice: the sink leaves them out. It keeps no state between
///   calls and may be called from several threads.
/// * All requests go through the [`Api`], which keeps rates, waits after failures, and gives up in time.
/// * What a source knows to be missing it says with [`Sink::gap`].
/// * An answer that belongs to another request is not to be believed: [`Api`] finds out those whose request id came before, a
///   source those that hold events which were not asked for or tokens that came before. A slice that has to be begun again is
///   read until a reading gives all that any reading gave.
pub trait Source: Send + Sync + Debug {
    /// Name on the command line: `aws`, `google`…
    fn name(&self) -> &'static str;

    /// Provider of the records, as in the table `events`.
    fn provider(&self) -> &str;

    /// How the lines are written that it gives.
    fn dialect(&self) -> &'static dyn Dialect;

    /// What was selected: part of the manifest, and compared before a collection is resumed. Never a secret.
    fn selection(&self) -> BTreeMap<String, String>;

    /// Requests a second that the API is asked at most when the user says nothing; 0 where there is no bound.
    fn per_second(&self) -> f64;

    /// Whether its logs are files that no longer change: without a window, all of them are read.
    fn at_rest(&self) -> bool {
        false
    }

    /// Logs that can be pulled at a time.
    fn workers(&self) -> usize {
        4
    }

    /// The logs that the window may hold, sorted by name.
    ///
    /// # Errors
    /// When the API refuses, or cannot be reached within the time for retries.
    fn discover(&self, window: Window, api: &Api<'_>) -> Result<Vec<Log>>;

    /// Gives every event of `log` within `slice` to the sink.
    ///
    /// # Errors
    /// [`Failure::Restart`] where only a new beginning helps, [`Failure::Final`] otherwise.
    fn pull(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure>;

    /// Whether the API tells when it took an event in, so that late ones can be asked for wherever they lie in the window;
    /// otherwise the last slice is read again.
    fn tells_ingestion(&self) -> bool {
        false
    }

    /// Gives every event of `log` within the whole `window` that may have been taken in after a first reading of it. Called
    /// where [`Source::tells_ingestion`].
    ///
    /// # Errors
    /// As [`Source::pull`].
    fn pull_ingested(&self, log: &Log, window: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        self.pull(log, window, api, sink)
    }
}

/// One log of a source: a log group, a project, a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Unique name, as in the manifest.
    pub name: String,
    /// What the source needs to read it again.
    pub key: String,
    /// Whether the API can be asked for a slice of it; a log that cannot be is one slice.
    pub sliced: bool,
    /// What is known of its size.
    pub size: Size,
}

/// What a source knows of a log before reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Requests at least, beside one for each slice.
    pub pages: Option<u64>,
    /// Whether `pages` is a bound from above: the API counts more than the window.
    pub at_most: bool,
}

/// Why a slice was not pulled.
#[derive(Debug)]
pub enum Failure {
    /// The slice has to be read from its beginning: a token expired or came twice.
    Restart(String),
    /// It cannot be read.
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}
