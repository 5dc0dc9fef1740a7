//! What is compared of a run: its measures as series in order of time, its load, and how complete it is.

use std::collections::{BTreeMap, BTreeSet};

use faaslens_schemas::arrow::array::RecordBatch;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::table::{Cell, Label, Row, Table, read_column};
use faaslens_schemas::tables::{Call, ClientRequest, Completeness, Invocation, Trace};
use faaslens_schemas::time::Timestamp;

use super::Measure;

/// Tables that a run's measures are read from, each with the columns that are enough.
pub static INPUTS: &[(&Table, &[&str])] = &[
    (Invocation::TABLE, &["provider", "function", "start", "duration_ms"]),
    (
        Trace::TABLE,
        &["entry_route", "start", "client_ms", "root_ms", "compute_ms", "network_ms", "db_ms", "cold_ms", "complete"],
    ),
    (Call::TABLE, &["caller_provider", "callee_provider", "kind", "start", "network_ms", "trigger_delay_ms"]),
    (ClientRequest::TABLE, &["label", "sent_at", "elapsed_ms", "success", "threads", "context_id", "kind"]),
    (Completeness::TABLE, &["provider", "verdict"]),
];

/// Name of the verdict that nothing is known to be missing.
const COMPLETE: &str = "complete";

/// What a series is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What was measured.
    pub measure: Measure,
    /// Function, entry route, pair of providers or request label.
    pub name: String,
    /// Provider of a function.
    pub provider: Option<String>,
}

/// How much a run was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// Requests of the load generator; traces where it logged none.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Greatest number of threads that sent requests, where known.
    pub threads: Option<i64>,
    /// When the first was sent.
    pub first: Option<Timestamp>,
    /// When the last was sent.
    pub last: Option<Timestamp>,
}

impl Load {
    /// From the first request to the last in seconds; `None` without requests.
    pub fn span_s(&self) -> Option<f64> {
        Some(self.last?.ms_since(self.first?) / 1000.0)
    }

    /// Requests a second over [`span_s`](Self::span_s); `None` where that is 0.
    pub fn rate_per_s(&self) -> Option<f64> {
        self.span_s().filter(|span_s| *span_s > 0.0).map(|span_s| self.requests as f64 / span_s)
    }

    /// Share of requests that failed; `None` without requests.
    pub fn failed_share(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failed as f64 / self.requests as f64)
    }

    fn add(&mut self, at: Timestamp, failed: bool) {
        self.requests += 1;
        self.failed += u64::from(failed);
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = self.last.max(Some(at));
    }
}

/// The measures of one run. Made by [`Measuring`].
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Run id.
    pub run: String,
    /// Labels of the run.
    pub labels: BTreeMap<String, String>,
    /// Values of each measure in ms, in order of their start; never without values, every one finite.
    pub series: BTreeMap<Key, Vec<f64>>,
    /// What the load generator asked for.
    pub load: Load,
    /// Verdict on completeness by provider; empty where the run was not analysed.
    pub verdicts: BTreeMap<String, String>,
}

impl Measured {
    /// Whether everything under a series is known to be complete: its provider, or all of them where it has no single one.
    pub fn complete(&self, key: &Key) -> bool {
        match &key.provider {
            Some(provider) => self.verdicts.get(provider).is_none_or(|verdict| verdict == COMPLETE),
            None => self.verdicts.values().all(|verdict| verdict == COMPLETE),
        }
    }

    /// Providers that are not complete, with their verdicts.
    pub(super) fn gaps(&self) -> BTreeSet<(&str, &str)> {
        let all = self.verdicts.iter().map(|(provider, verdict)| (provider.as_str(), verdict.as_str()));
        all.filter(|(_, verdict)| *verdict != COMPLETE).collect()
    }
}

/// Gathers the measures of a run from batches of its tables, in any order.
#[derive(Debug, Default)]
pub struct Measuring {
    measured: Measured,
    timed: BTreeMap<Key, Vec<(Timestamp, f64)>>,
    traces: Load,
}

impl Measuring {
    /// Begins with a run that has no values.
    pub fn new(manifest: &Manifest) -> Self {
        let measured = Measured { run: manifest.run.clone(), labels: manifest.labels.clone(), ..Measured::default() };
        Self { measured, ..Self::default() }
    }

    /// Takes a batch of one of the tables of [`INPUTS`]; batches of other tables have no measures.
    ///
    /// # Errors
    /// When a column is missing or of another type.
    pub fn take(&mut self, table: &Table, batch: &RecordBatch) -> faaslens_schemas::Result<()> {
        let columns = Columns { batch, table: table.name };
        match table.name {
            name if name == Invocation::TABLE.name => self.take_invocations(&columns),
            name if name == Trace::TABLE.name => self.take_traces(&columns),
            name if name == Call::TABLE.name => self.take_calls(&columns),
            name if name == ClientRequest::TABLE.name => self.take_requests(&columns),
            name if name == Completeness::TABLE.name => self.take_verdicts(&columns),
            _ => Ok(()),
        }
    }

    /// The measures, every series in order of time.
    pub fn finish(mut self) -> Measured {
        for (key, mut timed) in self.timed {
            timed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            self.measured.series.insert(key, timed.into_iter().map(|(_, value)| value).collect());
        }
        if self.measured.load.requests == 0 {
            self.measured.load = self.traces;
        }
        self.measured
    }

    fn add(&mut self, measure: Measure, name: &str, provider: Option<&str>, at: Timestamp, value_ms: Option<f64>) {
        if let Some(value_ms) = value_ms.filter(|value| value.is_finite()) {
            let key = Key { measure, name: name.to_owned(), provider: provider.map(str::to_owned) };
            self.timed.entry(key).or_default().push((at, value_ms));
        }
    }

    fn take_invocations(&mut self, columns: &Columns<'_>) -> faaslens_schemas::Result<()> {
        let providers: Vec<Label> = columns.read("provider")?;
        let functions: Vec<Label> = columns.read("function")?;
        let starts: Vec<Timestamp> = columns.read("start")?;
        let durations: Vec<Option<f64>> = columns.read("duration_ms")?;
        for (((provider, function), start), duration) in providers.iter().zip(&functions).zip(starts).zip(durations) {
            self.add(Measure::ExecutionDuration, function, Some(provider), start, duration);
        }
        Ok(())
    }

    fn take_traces(&mut self, columns: &Columns<'_>) -> faaslens_schemas::Result<()> {
        let routes: Vec<Option<Label>> = columns.read("entry_route")?;
        let starts: Vec<Timestamp> = columns.read("start")?;
        let complete: Vec<bool> = columns.read("complete")?;
        for start in &starts {
            self.traces.add(*start, false);
        }
        for (measure, column) in Measure::OF_ROUTES {
            let values: Vec<Option<f64>> = columns.read(column)?;
            for (i, value) in values.into_iter().enumerate() {
                // The division of a trace with missing parts is not that of its work.
                let value = value.filter(|_| complete[i] || !measure.is_share());
                if let Some(route) = &routes[i] {
                    self.add(*measure, route, None, starts[i], value);
                }
            }
        }
        Ok(())
    }

    fn take_calls(&mut self, columns: &Columns<'_>) -> faaslens_schemas::Result<()> {
        let callers: Vec<Option<Label>> = columns.read("caller_provider")?;
        let callees: Vec<Option<Label>> = columns.read("callee_provider")?;
        let starts: Vec<Option<Timestamp>> = columns.read("start")?;
        for (measure, column) in [(Measure::NetworkTime, "network_ms"), (Measure::TriggerDelay, "trigger_delay_ms")] {
            let values: Vec<Option<f64>> = columns.read(column)?;
            for (i, value) in values.into_iter().enumerate() {
                if let (Some(caller), Some(callee)) = (&callers[i], &callees[i]) {
                    let pair = format!("{caller} → {callee}");
                    self.add(measure, &pair, None, starts[i].unwrap_or_default(), value);
                }
            }
        }
        Ok(())
    }

    fn take_requests(&mut self, columns: &Columns<'_>) -> faaslens_schemas::Result<()> {
        let labels: Vec<Option<Label>> = columns.read("label")?;
        let sent: Vec<Timestamp> = columns.read("sent_at")?;
        let elapsed: Vec<Option<f64>> = columns.read("elapsed_ms")?;
        let success: Vec<Option<bool>> = columns.read("success")?;
        let threads: Vec<Option<i64>> = columns.read("threads")?;
        let contexts: Vec<Option<String>> = columns.read("context_id")?;
        let kinds: Vec<Label> = columns.read("kind")?;
        for i in 0..sent.len() {
            let failed = success[i].map_or(elapsed[i].is_none(), |success| !success);
            let transaction = &*kinds[i] == "transaction";
            if !transaction {
                self.measured.load.add(sent[i], failed);
                self.measured.load.threads = self.measured.load.threads.max(threads[i]);
            }
            // A request with a function chain is a route's client time already.
            if failed || contexts[i].is_some() {
                continue;
            }
            let label = labels[i].as_deref().unwrap_or("requests");
            let name = if transaction { format!("{label} (transaction)") } else { label.to_owned() };
            self.add(Measure::ResponseTime, &name, None, sent[i], elapsed[i]);
        }
        Ok(())
    }

    fn take_verdicts(&mut self, columns: &Columns<'_>) -> faaslens_schemas::Result<()> {
        let providers: Vec<Label> = columns.read("provider")?;
        let verdicts: Vec<Option<Label>> = columns.read("verdict")?;
        for (provider, verdict) in providers.iter().zip(verdicts) {
            if let Some(verdict) = verdict {
                self.measured.verdicts.insert(provider.to_string(), verdict.to_string());
            }
        }
        Ok(())
    }
}

/// A batch whose columns are read by name.
struct Columns<'a> {
    batch: &'a RecordBatch,
    table: &'static str,
}

impl Columns<'_> {
    fn read<C: Cell>(&self, column: &'static str) -> faaslens_schemas::Result<Vec<C>> {
        read_column(self.batch, self.table, column)
    }
}
