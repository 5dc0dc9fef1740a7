//! The run manifest: what is known of one collected run.
//!
//! Kept in `<store>/runs/<run>.json`, replaced last, so that its state is that of the files. It holds no time of
//! collection and no host name: the same input gives the same bytes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the tables and of this manifest; raised when a column changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Format of a [`Source`] that holds records of faaslens's own load generator.
pub const LOADGEN_FORMAT: &str = "faaslens";

/// Whether a run's files can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A collection began and did not end: collect the run again.
    Unfinished,
    /// All files are in place.
    Complete,
}

/// One run of a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Version of the tables and of this manifest.
    pub schema_version: u32,
    /// Version of the faaslens that collected the run.
    pub tool_version: String,
    /// Run id.
    pub run: String,
    /// Whether the files can be relied on.
    pub state: State,
    /// Number of parts that contexts are spread over; part 0 holds the rows without a context.
    pub parts: u32,
    /// Deployment id that records were checked against.
    pub deployment_id: Option<String>,
    /// First and last log stamp, RFC 3339; null for a run without records.
    pub window: Option<Window>,
    /// Labels: `experiment`, `test`, `parameter`, `nodes`, `hardware`, `network`, `campaign`, and the user's own.
    pub labels: BTreeMap<String, String>,
    /// `experiment.json` as it was.
    pub config: Option<serde_json::Value>,
    /// Input files, sorted by name.
    pub sources: Vec<Source>,
    /// What was pulled from living systems; absent for a run that was collected from files alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pulled: Vec<Pulled>,
    /// Files written by `collect`, sorted by path.
    pub files: Vec<FileEntry>,
    /// Files written by `analyze`; null before the analysis.
    pub analysis: Option<Analysis>,
}

/// A closed interval of log stamps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// First log stamp, RFC 3339.
    pub from: String,
    /// Last log stamp, RFC 3339.
    pub to: String,
}

/// What became of one input file: `records + platform + duplicates + rejected` is every piece of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// Path relative to the folder collected.
    pub name: String,
    /// Format it was read as.
    pub format: String,
    /// Provider its records are of.
    pub provider: String,
    /// Uncompressed bytes read.
    pub bytes: u64,
    /// Instrumentation records or request rows kept.
    pub records: u64,
    /// Platform statements and other log lines kept.
    pub platform: u64,
    /// Exact repetitions left out.
    pub duplicates: u64,
    /// Pieces refused or unreadable, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Why reading ended before the end of the file; null where it did not.
    pub cut_short: Option<String>,
}

impl Source {
    /// Pieces refused or unreadable.
    pub fn rejects(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// What was pulled from one living system.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Pulled {
    /// Source: `aws`, `google`…
    pub source: String,
    /// Provider its records are of.
    pub provider: String,
    /// First instant of the window, RFC 3339.
    pub from: String,
    /// First instant after the window, RFC 3339.
    pub until: String,
    /// What was selected: prefixes, projects, namespaces…
    pub selection: BTreeMap<String, String>,
    /// Logs that were read: log groups, containers…
    pub logs: u64,
    /// Distinct events.
    pub events: u64,
    /// Events that only a later reading of the tail found.
    pub late: u64,
    /// Events that the provider dropped by sampling before it kept them, by its own counts.
    #[serde(default)]
    pub sampled: u64,
    /// What is known to be missing.
    pub gaps: Vec<String>,
}

impl Pulled {
    /// Whether something is known to be missing.
    pub fn lossy(&self) -> bool {
        self.sampled > 0 || !self.gaps.is_empty()
    }
}

/// One Parquet file of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FileEntry {
    /// Path relative to the store.
    pub path: String,
    /// Table.
    pub table: String,
    /// Part.
    pub part: u32,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// XXH3-128 of the file, 32 hexadecimal digits.
    pub xxh3: String,
}

/// What `analyze` wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// Version of the faaslens that analysed the run.
    pub tool_version: String,
    /// Options the results depend on, as `name=value`.
    pub options: BTreeMap<String, String>,
    /// Files, sorted by path.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// A new, unfinished run.
    pub fn new(run: &str, parts: u32) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            run: run.to_owned(),
            state: State::Unfinished,
            parts,
            deployment_id: None,
            window: None,
            labels: BTreeMap::new(),
            config: None,
            sources: Vec::new(),
            pulled: Vec::new(),
            files: Vec::new(),
            analysis: None,
        }
    }

    /// Pieces refused or unreadable over all sources.
    pub fn rejects(&self) -> u64 {
        self.sources.iter().map(Source::rejects).sum()
    }

    /// Whether some input was refused, unreadable, cut short or sampled, or is known to be missing.
    pub fn lossy(&self) -> bool {
        self.pulled.iter().any(Pulled::lossy)
            || self.sources.iter().any(|source| source.rejects() > 0 || source.cut_short.is_some())
    }

    /// Every file of the run.
    pub fn all_files(&self) -> impl Iterator<Item = &FileEntry> {
        self.files.iter().chain(self.analysis.iter().flat_map(|analysis| &analysis.files))
    }
}
