//! What a load was and what it measured, in one JSON file; and whether the generator was the limit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Run, Written};
use crate::engine::{Finished, Second};
use crate::measure::class::Class;
use crate::measure::tally::{Tally, Times};
use crate::profile::Site;

/// Lateness at the 99th percentile, in milliseconds, above which the generator was the limit.
pub const LATE_LIMIT_MS: f64 = 10.0;
/// Share of its threads' cores that the generator may use before it is the limit.
pub const CPU_LIMIT: f64 = 0.9;
/// Share of seconds in which the machine was busy above [`CPU_LIMIT`] from which on it was the limit.
const BUSY_SECONDS: f64 = 0.2;

/// What a load was and what it measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Profile and format.
    pub profile: String,
    /// `artillery`, `jmeter`, `faaslens`.
    pub format: String,
    /// Seed of the schedule.
    pub seed: u64,
    /// Share of the schedule.
    pub shard: String,
    /// When the schedule began, RFC 3339; of a load whose generator was killed, or that several drove, when the first
    /// request was sent; null without any.
    pub started_at: Option<String>,
    /// Threads that sent; null where the generator was killed, as everything else that only it could count.
    pub workers: Option<usize>,
    /// From then to the end of the last request.
    pub length_s: f64,
    /// Arrivals planned.
    pub planned: u64,
    /// Arrivals begun.
    pub arrivals: Option<u64>,
    /// Arrivals dropped because as many users as allowed were busy.
    pub dropped: Option<u64>,
    /// Arrivals that waited for one of them.
    pub overdue: Option<u64>,
    /// Arrivals never begun.
    pub abandoned: Option<u64>,
    /// Requests that ended, and failed ones.
    pub requests: u64,
    /// Failed requests.
    pub failed: u64,
    /// Requests a second, over the whole length.
    pub requests_per_s: f64,
    /// Bytes received and sent, headers included.
    pub bytes_received: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Requests by class.
    pub classes: BTreeMap<String, u64>,
    /// Response times of successes.
    pub response_ms: Distribution,
    /// The same, corrected for coordinated omission: from due to end.
    pub corrected_ms: Distribution,
    /// Times to the first byte.
    pub first_byte_ms: Distribution,
    /// How late requests were by the generator's own fault.
    pub late_ms: Distribution,
    /// Why the generator, not the target, was the limit; empty where it was not.
    pub generator_limits: Vec<String>,
    /// Why the load was stopped before its end.
    pub stopped_by: Option<String>,
    /// Sockets opened.
    pub sockets_opened: Option<u64>,
    /// Sockets open at most.
    pub sockets_most: Option<i64>,
    /// Sockets left once the load was over; null where the system does not say.
    pub sockets_left: Option<i64>,
    /// Places in the profile.
    pub steps: Vec<StepSummary>,
    /// The generator by second.
    pub seconds: Vec<Second>,
    /// Histogram of response times: upper end of the bucket in microseconds, count.
    pub response_histogram: Vec<(u64, u64)>,
    /// The same, corrected.
    pub corrected_histogram: Vec<(u64, u64)>,
    /// The same two in the encoding that all `HdrHistogram` libraries read (V2, deflated, base64), in microseconds.
    pub response_hdr: String,
    /// The same, corrected.
    pub corrected_hdr: String,
    /// What each of the processes that shared the schedule says, where several did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<Summary>,
}

/// A distribution in milliseconds; nulls where there is no value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Values.
    pub n: u64,
    /// Mean.
    pub mean: Option<f64>,
    /// Quantiles: as many values lie at or below.
    pub p50: Option<f64>,
    /// 90 %.
    pub p90: Option<f64>,
    /// 95 %.
    pub p95: Option<f64>,
    /// 99 %.
    pub p99: Option<f64>,
    /// 99.9 %.
    pub p99_9: Option<f64>,
    /// Highest.
    pub max: Option<f64>,
}

/// One place in the profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Scenario.
    pub scenario: String,
    /// Number within it.
    pub step: u32,
    /// Name.
    pub label: String,
    /// `request` or `transaction`.
    pub kind: String,
    /// Requests by class.
    pub classes: BTreeMap<String, u64>,
    /// Response times of successes.
    pub response_ms: Distribution,
    /// The same, corrected.
    pub corrected_ms: Distribution,
}

impl Distribution {
    /// Of measured times.
    pub fn of(times: &Times) -> Self {
        let q = |quantile| times.quantile_ms(quantile);
        Self {
            n: times.len(),
            mean: times.mean_ms(),
            p50: q(0.5),
            p90: q(0.9),
            p95: q(0.95),
            p99: q(0.99),
            p99_9: q(0.999),
            max: times.max_ms(),
        }
    }
}

/// All requests of a load: response times, corrected ones, times to the first byte.
pub fn pooled(tally: &Tally, sites: &[Site]) -> (Times, Times, Times) {
    let mut all = (Times::default(), Times::default(), Times::default());
    for (number, measured) in &tally.sites {
        if sites.get(usize::from(*number)).is_some_and(|site| site.transaction) {
            continue;
        }
        all.0.merge(&measured.elapsed);
        all.1.merge(&measured.corrected);
        all.2.merge(&measured.first_byte);
    }
    all
}

impl Summary {
    /// Sums up a load that was driven to its end.
    pub fn new(run: &Run, finished: &Finished) -> Self {
        Self {
            started_at: Some(finished.started.to_string()),
            workers: Some(finished.workers),
            arrivals: Some(finished.arrivals),
            dropped: Some(finished.dropped),
            overdue: Some(finished.overdue),
            abandoned: Some(finished.abandoned + run.planned.saturating_sub(finished.arrivals)),
            generator_limits: limits(finished),
            stopped_by: finished.stopped_by.clone(),
            sockets_opened: Some(finished.sockets_opened),
            sockets_most: Some(finished.sockets_most),
            sockets_left: finished.sockets_left,
            seconds: finished.seconds.clone(),
            ..Self::measured(run, &finished.tally, finished.length.as_secs_f64())
        }
    }

    /// Sums up the records of a load whose generator was killed.
    pub fn of_killed(run: &Run, written: &Written) -> Self {
        Self { stopped_by: Some("the generator was killed".to_owned()), ..Self::of_records(run, written) }
    }

    /// Sums up the records of a load that several processes drove, with what each of them says.
    pub fn of_shards(run: &Run, written: &Written, shards: Vec<Self>) -> Self {
        let sum = |of: fn(&Self) -> Option<u64>| shards.iter().map(of).sum::<Option<u64>>();
        let of_each = |of: fn(&Self) -> &[String]| {
            let named =
                |shard: &Self| of(shard).iter().map(|text| format!("{}: {text}", shard.shard)).collect::<Vec<_>>();
            shards.iter().flat_map(named).collect::<Vec<String>>()
        };
        let stopped = of_each(|shard| shard.stopped_by.as_slice());
        Self {
            workers: shards.iter().map(|shard| shard.workers).sum(),
            arrivals: sum(|shard| shard.arrivals),
            dropped: sum(|shard| shard.dropped),
            overdue: sum(|shard| shard.overdue),
            abandoned: sum(|shard| shard.abandoned),
            generator_limits: of_each(|shard| &shard.generator_limits),
            stopped_by: (!stopped.is_empty()).then(|| stopped.join("; ")),
            sockets_opened: sum(|shard| shard.sockets_opened),
            sockets_left: shards.iter().map(|shard| shard.sockets_left).sum(),
            shards,
            ..Self::of_records(run, written)
        }
    }

    fn of_records(run: &Run, written: &Written) -> Self {
        let length_s = written.window.map_or(0.0, |(from, to)| to.ms_since(from) / 1000.0);
        Self {
            started_at: written.window.map(|(from, _)| from.to_string()),
            ..Self::measured(run, &written.tally, length_s)
        }
    }

    /// What the records tell, whoever counted them.
    fn measured(run: &Run, tally: &Tally, length_s: f64) -> Self {
        let (response, corrected, first_byte) = pooled(tally, &run.sites);
        let mut classes = BTreeMap::new();
        let mut steps = Vec::new();
        for (number, measured) in &tally.sites {
            let Some(site) = run.sites.get(usize::from(*number)) else { continue };
            let own: BTreeMap<String, u64> = measured.classes.iter().map(|(c, n)| (c.name().to_owned(), *n)).collect();
            if !site.transaction {
                for (class, n) in &own {
                    *classes.entry(class.clone()).or_default() += n;
                }
            }
            steps.push(StepSummary {
                scenario: site.scenario.clone(),
                step: site.step,
                label: site.label.clone(),
                kind: if site.transaction { "transaction" } else { "request" }.to_owned(),
                classes: own,
                response_ms: Distribution::of(&measured.elapsed),
                corrected_ms: Distribution::of(&measured.corrected),
            });
        }
        Self {
            profile: run.profile.clone(),
            format: run.format.clone(),
            seed: run.seed,
            shard: format!("{}/{}", run.shard.0, run.shard.1),
            length_s,
            planned: run.planned,
            requests: tally.ended,
            failed: tally.failed,
            requests_per_s: if length_s > 0.0 { tally.ended as f64 / length_s } else { 0.0 },
            bytes_received: tally.bytes_received,
            bytes_sent: tally.bytes_sent,
            classes,
            response_ms: Distribution::of(&response),
            corrected_ms: Distribution::of(&corrected),
            first_byte_ms: Distribution::of(&first_byte),
            late_ms: Distribution::of(&tally.late),
            steps,
            response_histogram: response.buckets(),
            corrected_histogram: corrected.buckets(),
            response_hdr: response.encoded(),
            corrected_hdr: corrected.encoded(),
            ..Self::default()
        }
    }
}

/// Why the generator, not the target, was the limit.
pub fn limits(finished: &Finished) -> Vec<String> {
    let mut limits = Vec::new();
    if let Some(late) = finished.tally.late.quantile_ms(0.99).filter(|late| *late > LATE_LIMIT_MS) {
        limits.push(format!(
            "one request in a hundred was sent {late:.1} ms late or later: response times hold waiting in the generator"
        ));
    }
    let cores = finished.workers as f64;
    let saturated =
        finished.seconds.iter().filter(|second| second.own_cores.is_some_and(|own| own > CPU_LIMIT * cores));
    let saturated = saturated.count();
    let share = saturated as f64 / finished.seconds.len().max(1) as f64;
    if share > BUSY_SECONDS {
        limits.push(format!(
            "its {} threads were busy in {saturated} of {} seconds",
            finished.workers,
            finished.seconds.len()
        ));
    }
    let machine = finished.seconds.iter().filter(|second| second.machine_busy.is_some_and(|busy| busy > 0.95)).count();
    if machine as f64 / finished.seconds.len().max(1) as f64 > BUSY_SECONDS {
        limits.push(format!(
            "the machine it ran on was busy in {machine} of {} seconds: response times hold waiting for a processor",
            finished.seconds.len()
        ));
    }
    let starved: u64 = finished.tally.sites.values().filter_map(|site| site.classes.get(&Class::NoSocket)).sum();
    if starved > 0 {
        limits.push(format!("{starved} requests found no free socket or port: raise the limit of open files"));
    }
    limits
}
