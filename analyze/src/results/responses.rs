//! Response time by test, parameter, nodes, hardware, network and label, pooled over repetitions.

use std::collections::BTreeMap;

use faaslens_schemas::tables::Response;

use super::requests::{LabelTimes, RequestTally};
use super::series::{LEVEL, Timed, columns};
use crate::stats::{Sample, carried_quantile, quantile_interval};

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

    fn of(self, times: &LabelTimes) -> Option<Timed> {
        let mut series = times.succeeded_ms.clone();
        if self == Self::All {
            series.join(&times.failed_ms);
        }
        series.timed()
    }
}

/// Test, parameter, nodes, hardware, network, whether a transaction, label.
type Key<'a> = (Option<&'a str>, Option<&'a str>, Option<i64>, Option<&'a str>, Option<&'a str>, Option<&'a str>, bool);

#[derive(Default)]
struct Pool {
    runs: i64,
    errors: i64,
    /// Values of each run in order of their start.
    values: Vec<Vec<f64>>,
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
        if let Some(timed) = taken.of(times) {
            self.medians.push(timed.sample.median());
            self.values.push(timed.in_order);
        }
    }
}

fn row((test, parameter, nodes, hardware, network, label, _): Key<'_>, pool: Pool, taken: RowsTaken) -> Response {
    let runs: Vec<&[f64]> = pool.values.iter().map(Vec::as_slice).collect();
    let (sample, medians) = (Sample::new(runs.concat()).ok(), Sample::of_known(pool.medians));
    let found = sample.as_ref().and_then(|sample| quantile_interval(sample, &runs, 0.5, LEVEL));
    let (median_low_ms, median_high_ms, interval) = columns(found);
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
        median_low_ms,
        median_high_ms,
        interval,
        q1_ms: of(Sample::q1),
        q3_ms: of(Sample::q3),
        iqr_ms: of(Sample::iqr),
        p95_ms: sample.as_ref().and_then(|sample| carried_quantile(sample, 0.95)),
        median_of_medians_ms: of_medians(Sample::median),
        least_median_ms: of_medians(Sample::min),
        greatest_median_ms: of_medians(Sample::max),
    }
}
