//! Values that know when they were taken: their intervals need the order of time.

use faaslens_schemas::table::Label;
use faaslens_schemas::time::Timestamp;

use crate::stats::{Estimate, Interval, Sample, quantile_interval};

/// Confidence level of every interval in the result tables.
pub(super) const LEVEL: f64 = 0.95;

/// Values with the start of what they measure, in any order.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    values: Vec<(Timestamp, f64)>,
}

impl Series {
    /// Takes a value in; one that is unknown or not finite counts for nothing.
    pub(super) fn add(&mut self, start: Timestamp, value: Option<f64>) {
        self.values.extend(value.filter(|value| value.is_finite()).map(|value| (start, value)));
    }

    /// Takes the values of another series in.
    pub(super) fn join(&mut self, other: &Self) {
        self.values.extend_from_slice(&other.values);
    }

    /// The values in order of time, those that start together by value; `None` without values.
    pub(super) fn timed(mut self) -> Option<Timed> {
        self.values.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let in_order: Vec<f64> = self.values.iter().map(|(_, value)| *value).collect();
        let sample = Sample::new(in_order.clone()).ok()?;
        let starts = self.values.into_iter().map(|(start, _)| start).collect();
        Some(Timed { sample, in_order, starts })
    }
}

/// The values of one run: as a sample and in order of time.
#[derive(Debug)]
pub(super) struct Timed {
    pub(super) sample: Sample,
    pub(super) in_order: Vec<f64>,
    /// Start of each value of `in_order`.
    pub(super) starts: Vec<Timestamp>,
}

impl Timed {
    /// Interval of the median, `None` where the values carry none.
    pub(super) fn median_interval(&self) -> Option<Interval> {
        quantile_interval(&self.sample, &[&self.in_order], 0.5, LEVEL)
    }

    /// The median with its interval.
    pub(super) fn median(&self) -> Estimate {
        let interval = self.median_interval();
        Estimate { value: self.sample.median(), n: self.sample.n(), runs: 1, interval }
    }
}

/// The columns of an interval: lower end, upper end, how it was computed.
pub(super) fn columns(interval: Option<Interval>) -> (Option<f64>, Option<f64>, Option<Label>) {
    interval.map_or((None, None, None), |interval| {
        (Some(interval.low), Some(interval.high), Some(interval.basis.as_str().into()))
    })
}
