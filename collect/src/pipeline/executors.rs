//! Rows of the executors of a run and of their clocks.

use std::collections::{BTreeMap, HashMap};

use faaslens_schemas::dictionary::Dictionary;
use faaslens_schemas::tables::{ClockSegment, Executor};
use faaslens_schemas::time::Timestamp;

use super::part::{ExecutorKey, ExecutorPart};
use crate::clocks::{Clock, fit};

/// Clocks of executors.
pub(super) type Clocks = BTreeMap<ExecutorKey, Clock>;

impl ExecutorPart {
    /// The clock that its lines show.
    pub(super) fn fit(&self) -> Clock {
        fit(&self.clock).unwrap_or_else(|| Clock::unread(self.first_logged_ms))
    }
}

/// Texts of the keys of executors.
pub(super) struct Labelled<'a> {
    pub(super) functions: &'a Dictionary,
    pub(super) executors: &'a Dictionary,
    pub(super) providers: &'a [String],
    /// By executor.
    pub(super) hosts: &'a HashMap<u32, String>,
}

impl Labelled<'_> {
    /// Provider, function and executor of a key.
    fn texts(&self, (provider, function, executor): ExecutorKey) -> (&str, &str, &str) {
        (&self.providers[provider as usize], self.functions.get(function), self.executors.get(executor))
    }

    /// The executors of a run, sorted by provider, function and key.
    pub(super) fn executors(&self, executors: &BTreeMap<ExecutorKey, ExecutorPart>, clocks: &Clocks) -> Vec<Executor> {
        let mut rows: Vec<Executor> = executors
            .iter()
            .map(|(key, part)| {
                let (provider, function, executor) = self.texts(*key);
                let clock = &clocks[key];
                Executor {
                    provider: provider.into(),
                    function: function.into(),
                    executor: executor.to_owned(),
                    host: self.hosts.get(&key.2).map(|host| host.as_str().into()),
                    origin: clock.origin(),
                    origin_uncertainty_ms: clock.uncertainty_ms(),
                    clock: clock.behaviour().into(),
                    clock_stepped: clock.stepped(),
                    clock_strays: clock.strays().cast_signed(),
                    first_logged_at: Timestamp::from_millis(part.first_logged_ms),
                    last_logged_at: Timestamp::from_millis(part.last_logged_ms),
                    lines: part.lines,
                    cold_start_logged: part.cold_start_ms.is_some(),
                    cold_start_at: part.cold_start_ms.map(Timestamp::from_millis),
                    first_start_ms: part.first_start_ms,
                }
            })
            .collect();
        rows.sort_by(|a, b| (&a.provider, &a.function, &a.executor).cmp(&(&b.provider, &b.function, &b.executor)));
        rows
    }

    /// The segments of the clocks that did not run evenly, sorted by executor and time.
    pub(super) fn segments(&self, clocks: &Clocks) -> Vec<ClockSegment> {
        let mut rows = Vec::new();
        for (key, clock) in clocks.iter().filter(|(_, clock)| !clock.is_even()) {
            let (provider, function, executor) = self.texts(*key);
            rows.extend((1..).zip(clock.segments()).map(|(number, segment)| ClockSegment {
                provider: provider.into(),
                function: function.into(),
                executor: executor.to_owned(),
                segment: number,
                from_ms: segment.from_ms,
                until_ms: segment.until_ms,
                origin: Timestamp::from_micros(segment.origin_ns.div_euclid(1000)),
                uncertainty_ms: segment.uncertainty_ms,
                drift_ppm: segment.drift_ppm,
                drift_uncertainty_ppm: segment.drift_uncertainty_ppm,
                lines: segment.lines.cast_signed(),
                change: segment.change.as_str().into(),
            }));
        }
        rows.sort_by(|a, b| {
            let key =
                |row: &ClockSegment| (row.provider.clone(), row.function.clone(), row.executor.clone(), row.segment);
            key(a).cmp(&key(b))
        });
        rows
    }
}
