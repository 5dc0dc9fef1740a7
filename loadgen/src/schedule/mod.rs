//! When virtual users arrive: a function of the profile and the seed, computed ahead of the clock.
//!
//! Arrivals are numbered over all phases; several generator processes share a schedule by taking every n-th number.

mod times;

use std::time::Duration;

use crate::error::{Error, Result};
use crate::profile::{Load, Profile};
use crate::random::Random;
use times::Times;

/// One virtual user that arrives, or one thread that starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// From the start of the load.
    pub at: Duration,
    /// Number over the whole load, from 0.
    pub number: u64,
    /// Number within the phase, from 0.
    pub nth: u64,
    /// Phase.
    pub phase: usize,
    /// Scenario.
    pub scenario: usize,
}

/// The share of a schedule that one process drives: `number` of `of`, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Number of this process, from 1.
    pub number: u64,
    /// Number of processes.
    pub of: u64,
}

impl Default for Shard {
    fn default() -> Self {
        Self { number: 1, of: 1 }
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("expected number/of as 1/4, found {text:?}");
        let (number, of) = text.split_once('/').ok_or_else(refuse)?;
        let shard =
            Self { number: number.parse().map_err(|_invalid| refuse())?, of: of.parse().map_err(|_invalid| refuse())? };
        if shard.number >= 1 && shard.number <= shard.of { Ok(shard) } else { Err(refuse()) }
    }
}

/// All arrivals of a profile in order of time.
#[derive(Debug)]
pub struct Schedule<'a> {
    profile: &'a Profile,
    seed: u64,
    shard: Shard,
    streams: Vec<Stream>,
    number: u64,
}

#[derive(Debug)]
struct Stream {
    times: Times,
    next: Option<Duration>,
    given: u64,
    weights: Vec<(usize, f64)>,
}

impl<'a> Schedule<'a> {
    /// The schedule of a profile under a seed.
    pub fn new(profile: &'a Profile, seed: u64, shard: Shard) -> Self {
        let stream = |(i, phase): (usize, &crate::profile::Phase)| {
            let mut times = Times::new(phase, Random::stream(seed, u64::MAX - i as u64));
            let next = times.next();
            // Cumulative weights, so that drawing is one search.
            let mut sum = 0.0;
            let weights = phase.mix.iter().map(|(scenario, weight)| {
                sum += weight;
                (*scenario, sum)
            });
            Stream { times, next, given: 0, weights: weights.collect() }
        };
        let streams = profile.phases.iter().enumerate().map(stream).collect();
        Self { profile, seed, shard, streams, number: 0 }
    }

    fn draw(&self, stream: usize, number: u64) -> usize {
        let weights = &self.streams[stream].weights;
        let total = weights.last().map_or(0.0, |(_, sum)| *sum);
        let drawn = Random::stream(self.seed, number).unit() * total;
        let at = weights.partition_point(|(_, sum)| *sum <= drawn).min(weights.len().saturating_sub(1));
        weights.get(at).map_or(0, |(scenario, _)| *scenario)
    }

    /// The profile it is of.
    pub fn profile(&self) -> &'a Profile {
        self.profile
    }
}

impl Iterator for Schedule<'_> {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        loop {
            let due = self.streams.iter().enumerate().filter_map(|(i, stream)| stream.next.map(|at| (at, i)));
            let (at, phase) = due.min()?;
            let stream = &mut self.streams[phase];
            stream.next = stream.times.next();
            let nth = stream.given;
            stream.given += 1;
            let number = self.number;
            self.number += 1;
            if number % self.shard.of == self.shard.number - 1 {
                return Some(Arrival { at, number, nth, phase, scenario: self.draw(phase, number) });
            }
        }
    }
}

/// What a schedule will do, without doing it.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Plan {
    /// Arrivals, and starts of threads.
    pub arrivals: u64,
    /// Requests expected; null where threads go round until a time, or loops depend on responses.
    pub requests: Option<u64>,
    /// Arrivals in each second from the start.
    pub by_second: Vec<u64>,
    /// Arrivals and requests by scenario.
    pub scenarios: Vec<PlannedScenario>,
    /// Arrivals by phase.
    pub phases: Vec<PlannedPhase>,
    /// From the start to the end of the last phase, in seconds.
    pub length_s: f64,
}

/// What a scenario will do.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct PlannedScenario {
    /// Name.
    pub name: String,
    /// Arrivals.
    pub arrivals: u64,
    /// Requests of one arrival; null where that depends on responses or variables.
    pub requests_each: Option<u64>,
    /// Requests of all arrivals.
    pub requests: Option<u64>,
}

/// What a phase will do.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct PlannedPhase {
    /// Name.
    pub name: String,
    /// From the start of the load.
    pub from_s: f64,
    /// Length; null where it depends on the target.
    pub length_s: Option<f64>,
    /// Arrivals, or threads.
    pub arrivals: u64,
    /// `pause`, `arrivals` or `threads`.
    pub kind: &'static str,
}

/// Seconds of a plan at most: a week.
const MAX_SECONDS: usize = 604_800;

/// Arrivals of a plan at most: counting them takes a minute.
const MAX_ARRIVALS: u64 = 1_000_000_000;

/// Counts what a schedule will do.
///
/// # Errors
/// When it goes on for more than a week, or has more than a thousand million arrivals.
pub fn plan(profile: &Profile, seed: u64, shard: Shard) -> Result<Plan> {
    let mut plan = Plan {
        scenarios: profile
            .scenarios
            .iter()
            .map(|s| PlannedScenario { name: s.name.clone(), ..Default::default() })
            .collect(),
        phases: profile.phases.iter().map(planned_phase).collect(),
        ..Plan::default()
    };
    let mut rounds_known = vec![true; profile.scenarios.len()];
    let mut rounds = vec![0_u64; profile.scenarios.len()];
    for arrival in Schedule::new(profile, seed, shard) {
        let second = usize::try_from(arrival.at.as_secs()).unwrap_or(usize::MAX);
        if second >= MAX_SECONDS {
            return Err(Error::Usage("expected a load of at most a week, found a longer one".to_owned()));
        }
        if plan.by_second.len() <= second {
            plan.by_second.resize(second + 1, 0);
        }
        plan.by_second[second] += 1;
        plan.arrivals += 1;
        plan.phases[arrival.phase].arrivals += 1;
        plan.scenarios[arrival.scenario].arrivals += 1;
        match profile.phases[arrival.phase].load {
            Load::Threads { rounds: None, .. } => rounds_known[arrival.scenario] = false,
            Load::Threads { rounds: Some(n), .. } => {
                rounds[arrival.scenario] = rounds[arrival.scenario].saturating_add(n);
            }
            _ => rounds[arrival.scenario] = rounds[arrival.scenario].saturating_add(1),
        }
        if plan.arrivals > MAX_ARRIVALS {
            return Err(Error::Usage(format!("expected at most {MAX_ARRIVALS} arrivals, found more planned")));
        }
    }
    for (i, scenario) in plan.scenarios.iter_mut().enumerate() {
        scenario.requests_each = requests(&profile.scenarios[i].flow, profile);
        scenario.requests =
            scenario.requests_each.filter(|_| rounds_known[i]).map(|each| each.saturating_mul(rounds[i]));
    }
    let before = requests(&profile.before, profile);
    let mut all = plan.scenarios.iter().map(|scenario| scenario.requests).chain([before]);
    plan.requests = all.try_fold(0_u64, |sum, n| Some(sum.saturating_add(n?)));
    plan.length_s =
        profile.phases.iter().map(|p| (p.from + p.length.unwrap_or_default()).as_secs_f64()).fold(0.0, f64::max);
    Ok(plan)
}

fn planned_phase(phase: &crate::profile::Phase) -> PlannedPhase {
    let kind = match phase.load {
        Load::Pause => "pause",
        Load::Threads { .. } => "threads",
        _ => "arrivals",
    };
    PlannedPhase {
        name: phase.name.clone(),
        from_s: phase.from.as_secs_f64(),
        length_s: phase.length.map(|length| length.as_secs_f64()),
        arrivals: 0,
        kind,
    }
}

/// Requests of a flow; `None` where that depends on responses or variables.
fn requests(flow: &[crate::profile::Step], profile: &Profile) -> Option<u64> {
    use crate::profile::{Over, Step};
    let of = |step: &Step| match step {
        Step::Request(_) => Some(1),
        Step::Log(_) | Step::Think(_) => Some(0),
        Step::Transaction { flow, .. } => requests(flow, profile),
        Step::Loop(inner) => {
            let rounds = match &inner.over {
                Over::Values(values) => Some(values.len() as u64),
                Over::Count(from, Some(to)) => Some(to.saturating_sub(*from).max(0).unsigned_abs()),
                Over::Count(_, None) => None,
                Over::Variable(name) => profile.payloads.iter().find_map(|payload| payload.rows_of(name)),
            }?;
            requests(&inner.flow, profile)?.checked_mul(rounds)
        }
    };
    flow.iter().map(of).try_fold(0_u64, |sum, n| sum.checked_add(n?))
}
