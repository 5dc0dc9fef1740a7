//! What a report is made from and what comes out.

use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::tables::{
    ColdStart, Completeness, Contribution, Duration, Outlier, PhasePoint, Publishing, Response, Share, Stationarity,
    Throughput, TransactionTime, Trigger, TukeyBox,
};

/// Everything a report shows.
#[derive(Debug, Clone, Default)]
pub struct ReportInput {
    /// Runs, in the order they shall appear.
    pub runs: Vec<RunTables>,
    /// Response times pooled over runs.
    pub responses: Vec<Response>,
}

/// One run and its result tables. A table without rows is not written, and figures that need it are not drawn.
#[derive(Debug, Clone)]
pub struct RunTables {
    /// What is known of the run.
    pub manifest: Manifest,
    /// Execution durations.
    pub durations: Vec<Duration>,
    /// Where the time goes.
    pub shares: Vec<Share>,
    /// What functions contribute to the critical paths.
    pub contributions: Vec<Contribution>,
    /// Trigger delays.
    pub triggers: Vec<Trigger>,
    /// Publish latencies.
    pub publishing: Vec<Publishing>,
    /// Cold starts.
    pub cold_starts: Vec<ColdStart>,
    /// Time line of invocations.
    pub phases: Vec<PhasePoint>,
    /// Boxes of box plots.
    pub boxes: Vec<TukeyBox>,
    /// Values outside the whiskers.
    pub outliers: Vec<Outlier>,
    /// Throughput.
    pub throughput: Vec<Throughput>,
    /// Elapsed times of chains.
    pub chains: Vec<TransactionTime>,
    /// What is missing.
    pub completeness: Vec<Completeness>,
    /// Whether execution durations had settled.
    pub stationarity: Vec<Stationarity>,
}

impl RunTables {
    /// A run without any result.
    pub fn new(manifest: Manifest) -> Self {
        Self {
            manifest,
            durations: Vec::new(),
            shares: Vec::new(),
            contributions: Vec::new(),
            triggers: Vec::new(),
            publishing: Vec::new(),
            cold_starts: Vec::new(),
            phases: Vec::new(),
            boxes: Vec::new(),
            outliers: Vec::new(),
            throughput: Vec::new(),
            chains: Vec::new(),
            completeness: Vec::new(),
            stationarity: Vec::new(),
        }
    }

    /// The run's id.
    pub fn id(&self) -> &str {
        &self.manifest.run
    }
}

/// One file of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Path relative to the report's folder, with `/`.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}
