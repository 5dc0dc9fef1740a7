//! What a load was and what it measured, in one JSON file; and whether the generator was the limit.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::{Finished, Options, Second};
use crate::measure::class::Class;
use crate::measure::tally::{Tally, Times};
use crate::profile::Profile;
use crate::schedule::Plan;

/// Lateness at the 99th percentile, in milliseconds, above which the generator was the limit.
pub const LATE_LIMIT_MS: f64 = 10.0;
/// Share of its threads' cores that the generator may use before it is the limit.
pub const CPU_LIMIT: f64 = 0.9;
/// Share of seconds in which the machine was busy above [`CPU_LIMIT`] from which on it was the limit.
const BUSY_SECONDS: f64 = 0.2;

/// What a load was and what it measured.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Profile and format.
    pub profile: String,
    /// `artillery`, `jmeter`, `faaslens`.
    pub format: &'static str,
    /// Seed of the schedule.
    pub seed: u64,
    /// Share of the schedule.
    pub shard: String,
    /// Threads that sent.
    pub workers: usize,
    /// From the start of the load to the end of its last request.
    pub length_s: f64,
    /// Arrivals planned; begun; dropped; that had to wait; never begun.
    pub planned: u64,
    /// Arrivals begun.
    pub arrivals: u64,
    /// Arrivals dropped because as many users as allowed were busy.
    pub dropped: u64,
    /// Arrivals that waited for one of them.
    pub overdue: u64,
    /// Arrivals never begun.
    pub abandoned: u64,
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
    pub classes: BTreeMap<&'static str, u64>,
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
    /// Sockets opened, open at most, and left over once the load was over.
    pub sockets_opened: u64,
    /// Sockets open at most.
    pub sockets_most: i64,
    /// Sockets left; null where the system does not say.
    pub sockets_left: Option<i64>,
    /// Places in the profile.
    pub steps: Vec<StepSummary>,
    /// The generator by second.
    pub seconds: Vec<Second>,
    /// Histogram of response times: upper end of the bucket in microseconds, count.
    pub response_histogram: Vec<(u64, u64)>,
    /// The same, corrected.
    pub corrected_histogram: Vec<(u64, u64)>,
}

/// A distribution in milliseconds; nulls where there is no value.
#[derive(Debug, Clone, Default, Serialize, PartialEq)]
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
#[derive(Debug, Clone, Serialize)]
pub struct StepSummary {
    /// Scenario.
    pub scenario: String,
    /// Number within it.
    pub step: u32,
    /// Name.
    pub label: String,
    /// `request` or `transaction`.
    pub kind: &'static str,
    /// Requests by class.
    pub classes: BTreeMap<&'static str, u64>,
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
pub fn pooled(tally: &Tally, profile: &Profile) -> (Times, Times, Times) {
    let mut all = (Times::default(), Times::default(), Times::default());
    for (site, measured) in &tally.sites {
        if profile.sites.get(usize::from(*site)).is_some_and(|site| site.transaction) {
            continue;
        }
        all.0.merge(&measured.elapsed);
        all.1.merge(&measured.corrected);
        all.2.merge(&measured.first_byte);
    }
    all
}

impl Summary {
    /// Sums up a load.
    pub fn new(profile: &Profile, options: &Options, plan: &Plan, finished: &Finished) -> Self {
        let tally = &finished.tally;
        let (response, corrected, first_byte) = pooled(tally, profile);
        let length_s = finished.length.as_secs_f64();
        let mut classes = BTreeMap::new();
        let mut steps = Vec::new();
        for (number, measured) in &tally.sites {
            let Some(site) = profile.sites.get(usize::from(*number)) else { continue };
            let own: BTreeMap<&'static str, u64> = measured.classes.iter().map(|(c, n)| (c.name(), *n)).collect();
            if !site.transaction {
                for (class, n) in &own {
                    *classes.entry(*class).or_default() += n;
                }
            }
            steps.push(StepSummary {
                scenario: site.scenario.clone(),
                step: site.step,
                label: site.label.clone(),
                kind: if site.transaction { "transaction" } else { "request" },
                classes: own,
                response_ms: Distribution::of(&measured.elapsed),
                corrected_ms: Distribution::of(&measured.corrected),
            });
        }
        Self {
            profile: profile.name.clone(),
            format: profile.format,
            seed: options.seed,
            shard: format!("{}/{}", options.shard.number, options.shard.of),
            workers: finished.workers,
            length_s,
            planned: plan.arrivals,
            arrivals: finished.arrivals,
            dropped: finished.dropped,
            overdue: finished.overdue,
            abandoned: finished.abandoned + plan.arrivals.saturating_sub(finished.arrivals),
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
            generator_limits: limits(finished),
            stopped_by: finished.stopped_by.clone(),
            sockets_opened: finished.sockets_opened,
            sockets_most: finished.sockets_most,
            sockets_left: finished.sockets_left,
            steps,
            seconds: finished.seconds.clone(),
            response_histogram: response.buckets(),
            corrected_histogram: corrected.buckets(),
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
