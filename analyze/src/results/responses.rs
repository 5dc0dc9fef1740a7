//! Response time by test, parameter, nodes, hardware, network and label, pooled over repetitions.

use std::collections::BTreeMap;

use faaslens_schemas::tables::Response;

use super::requests::{LabelTimes, RequestTally};
use crate::stats::Sample;

/// Which rows the statistics stand on. Failed rows are much faster than successful ones or pinned at the time-out, so
/// a median over all of them means something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowsTaken {
    /// Rows that did not fail.
    #[default]
    Successes,
    /// Every row with a response time.
    All,
}

impl RowsTaken {
    /// As in the column `responses.rows`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successes => "successes",
            Self::All => "all",
        }
    }

    fn of(self, times: &LabelTimes) -> Option<Sample> {
        let failed: &[f64] = if self == Self::All { &times.failed_ms } else { &[] };
        Sample::of_known(times.succeeded_ms.iter().chain(failed).copied())
    }
}

/// Test, parameter, nodes, hardware, network, whether a transaction, label.
type Key<'a> = (Option<&'a str>, Option<&'a str>, Option<i64>, Option<&'a str>, Option<&'a str>, Option<&'a str>, bool);

#[derive(Default)]
struct Pool {
    runs: i64,
    errors: i64,
    values: Vec<f64>,
    medians: Vec<f64>,
}

/// One row for each test, parameter, nodes, hardware, network and label, sorted by these; a transaction under the
/// same label as a request has a row of its own, after it.
///
/// Runs that agree in all of these are repetitions: their rows are pooled, and the medians of the single runs
/// are summed up beside. A run without a label `test` goes by its label `experiment`.
pub fn responses(runs: &[&RequestTally], taken: RowsTaken) -> Vec<Response> {
    let mut pools: BTreeMap<Key<'_>, Pool> = BTreeMap::new();
    for run in runs {
        for (transaction, label, times) in run.times() {
            let (parameter, hardware) = (run.label("parameter"), run.label("hardware"));
            let key = (run.test(), parameter, run.nodes(), hardware, run.label("network"), label, transaction);
            pools.entry(key).or_default().add(times, taken);
        }
    }
    pools.into_iter().map(|(key, pool)| row(key, pool, taken)).collect()
}

impl Pool {
    fn add(&mut self, times: &LabelTimes, taken: RowsTaken) {
        self.runs += 1;
        self.errors += times.errors;
        if let Some(sample) = taken.of(times) {
            self.medians.push(sample.median());
            self.values.extend(sample.values());
        }
    }
}

fn row((test, parameter, nodes, hardware, network, label, _): Key<'_>, pool: Pool, taken: RowsTaken) -> Response {
    let (sample, medians) = (Sample::of_known(pool.values), Sample::of_known(pool.medians));
    let of = |statistic: fn(&Sample) -> f64| sample.as_ref().map(statistic);
    let of_medians = |statistic: fn(&Sample) -> f64| medians.as_ref().map(statistic);
    Response {
        test: test.map(Into::into),
        parameter: parameter.map(Into::into),
        nodes,
        hardware: hardware.map(Into::into),
        network: network.map(Into::into),
        label: label.map(Into::into),
        rows: taken.as_str().into(),
        runs: pool.runs,
        n: sample.as_ref().map_or(0, Sample::count),
        errors: pool.errors,
        median_ms: of(Sample::median),
        q1_ms: of(Sample::q1),
        q3_ms: of(Sample::q3),
        iqr_ms: of(Sample::iqr),
        p95_ms: of(|sample| sample.quantile(0.95)),
        median_of_medians_ms: of_medians(Sample::median),
        least_median_ms: of_medians(Sample::min),
        greatest_median_ms: of_medians(Sample::max),
    }
}
