//! Collectors: from provider logs and load-generator results to the tables of a store.
//!
//! * [`sources`]: where bytes come from; one file a provider or generator.
//! * [`pipeline`]: blocks of log in parallel, tables in order.
//! * [`clocks`]: the time origins of executors, from the readings in their lines.
//! * [`formats`]: bytes to records; one file a format, no I/O.
//! * [`living`]: logs pulled from where they are: windows, rates, repetitions, resuming.
//! * [`credentials`]: whose logs they are, from each provider's own chain.
//! * [`input`]: the one place that opens files (plain, gzip, zstd).
//! * [`labels`]: run labels from the names of result files.
//! * `yaml`: files that a user keeps by hand, as JSON values.
//! * [`redact`]: what of headers and free text may enter a store.
//!
//! Every piece of an input ends as a record, a counted duplicate or a reject with its reason.
#![warn(missing_docs)]

pub mod clocks;
#[cfg(feature = "living")]
pub mod credentials;
pub mod error;
pub mod formats;
pub mod input;
pub mod labels;
#[cfg(feature = "living")]
pub mod living;
pub mod pipeline;
pub mod redact;
pub mod sources;
#[cfg(feature = "k8s")]
pub mod yaml;

use std::collections::BTreeMap;
use std::path::PathBuf;

use faaslens_schemas::store::Store;

pub use error::{Error, Result};

/// What every collection takes.
#[derive(Debug, Clone)]
pub struct Options {
    /// Store to collect into.
    pub store: Store,
    /// Run id; derived from the input's name when `None`.
    pub run: Option<String>,
    /// Labels given by the user; they win over derived ones.
    pub labels: BTreeMap<String, String>,
    /// Keep all headers instead of the allowed ones.
    pub keep_headers: bool,
    /// Add what is new to a run instead of replacing it.
    pub append: bool,
    /// Parts that contexts are spread over; chosen from the size of the input when `None`.
    pub parts: Option<u32>,
    /// Output folders of faaslens's own load generator whose records join the run, for sources of functions' logs.
    pub loads: Vec<PathBuf>,
}

/// Watches a collection; called from several threads.
pub trait Progress: Sync {
    /// `bytes` more of the input files (compressed, as on disk) are done.
    fn advance(&self, bytes: u64);
    /// `done` of `total` slices of a living system's logs are pulled.
    fn pieces(&self, _done: u64, _total: u64) {}
    /// Whether to stop: asked between blocks, answered with [`Error::Interrupted`].
    fn cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing.
impl Progress for () {
    fn advance(&self, _bytes: u64) {}
}
