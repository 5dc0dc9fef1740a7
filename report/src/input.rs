//! What a report is made from and what comes out.

use faaslens_schemas::arrow::array::RecordBatch;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{
    ClockOffset, ClockSegment, ColdStart, Comparison, Completeness, Contribution, Distribution, Duration, Executor,
    Outlier, PhasePoint, Publishing, Response, Share, Stationarity, Throughput, TransactionTime, Trigger, TukeyBox,
};

/// Everything a report shows.
#[derive(Debug, Clone, Default)]
pub struct ReportInput {
    /// Runs, in the order they shall appear.
    pub runs: Vec<RunTables>,
    /// Response times pooled over runs.
    pub responses: Vec<Response>,
    /// Comparison of two of the runs; none with a single run.
    pub comparison: Option<Compared>,
    /// Whether a server answers the page: then it asks for what it explores instead of holding it.
    pub served: bool,
}

/// A comparison that the page shows.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// Runs of A.
    pub a: Vec<String>,
    /// Runs of B.
    pub b: Vec<String>,
    /// One row a measure, in the order to be shown.
    pub rows: Vec<Comparison>,
    /// Distributions under the rows.
    pub distributions: Vec<Distribution>,
    /// Relative difference that does not matter: 0.05 for 5 %.
    pub margin: f64,
    /// What the reader must know.
    pub notes: Vec<String>,
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
    /// Offsets between the providers' clocks.
    pub clock_offsets: Vec<ClockOffset>,
    /// Segments of clocks that did not run evenly.
    pub clock_segments: Vec<ClockSegment>,
    /// Executors.
    pub executors: Vec<Executor>,
    /// What the page explores, as [`Explored::encode`](crate::page::Explored::encode) gives it; empty for nothing.
    pub explored: Vec<u8>,
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
            clock_offsets: Vec::new(),
            clock_segments: Vec::new(),
            executors: Vec::new(),
            explored: Vec::new(),
        }
    }

    /// Keeps the rows of a table that figures are drawn from; `kept` says of each whether.
    pub(crate) fn keep(&mut self, table: &str, kept: &[bool]) {
        fn narrow<R>(rows: &mut Vec<R>, kept: &[bool]) {
            let mut kept = kept.iter();
            rows.retain(|_| kept.next().copied().unwrap_or(true));
        }
        match table {
            "boxes" => narrow(&mut self.boxes, kept),
            "chains" => narrow(&mut self.chains, kept),
            "contributions" => narrow(&mut self.contributions, kept),
            "phases" => narrow(&mut self.phases, kept),
            "shares" => narrow(&mut self.shares, kept),
            "throughput" => narrow(&mut self.throughput, kept),
            _ => {}
        }
    }

    /// The rows of a table that figures can be chosen from by a condition; `None` for any other table.
    ///
    /// # Errors
    /// When Arrow refuses the rows, which is a defect.
    pub fn rows_of(&self, table: &str) -> crate::Result<Option<RecordBatch>> {
        Ok(Some(match table {
            "boxes" => TukeyBox::to_batch(&self.boxes)?,
            "chains" => TransactionTime::to_batch(&self.chains)?,
            "contributions" => Contribution::to_batch(&self.contributions)?,
            "phases" => PhasePoint::to_batch(&self.phases)?,
            "shares" => Share::to_batch(&self.shares)?,
            "throughput" => Throughput::to_batch(&self.throughput)?,
            _ => return Ok(None),
        }))
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
