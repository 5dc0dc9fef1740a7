//! The times at which one phase's users arrive.

use std::sync::Arc;
use std::time::Duration;

use crate::profile::{Load, Phase};
use crate::random::Random;

/// Times of a phase, from the start of the load, ascending.
#[derive(Debug)]
pub(super) struct Times {
    from: Duration,
    length: Duration,
    rule: Rule,
    given: u64,
}

#[derive(Debug)]
enum Rule {
    Nothing,
    Every(Duration, u64),
    At(Arc<Vec<Duration>>),
    /// Rates, and the sum of the gaps so far in units of expected arrivals.
    Ramp {
        from: f64,
        to: f64,
        random: Option<Random>,
        sum: f64,
    },
    Threads {
        threads: u32,
        ramp: Duration,
    },
}

impl Times {
    pub(super) fn new(phase: &Phase, random: Random) -> Self {
        let length = phase.length.unwrap_or(Duration::MAX);
        let rule = match &phase.load {
            Load::Pause => Rule::Nothing,
            Load::Every(interval) => {
                let fit = length.as_nanos() / interval.as_nanos().max(1);
                Rule::Every(*interval, u64::try_from(fit).unwrap_or(u64::MAX))
            }
            Load::At(times) => Rule::At(Arc::clone(times)),
            Load::Ramp { from, to, random: exponential } => {
                let mut random = exponential.then_some(random);
                let sum = random.as_mut().map_or(0.0, gap);
                Rule::Ramp { from: *from, to: *to, random, sum }
            }
            Load::Threads { threads, ramp, .. } => Rule::Threads { threads: *threads, ramp: *ramp },
        };
        Self { from: phase.from, length, rule, given: 0 }
    }

    pub(super) fn next(&mut self) -> Option<Duration> {
        let n = self.given;
        self.given += 1;
        let at = match &mut self.rule {
            Rule::Nothing => None,
            Rule::Every(interval, fit) => (n < *fit).then(|| multiply(*interval, n + 1)),
            Rule::At(times) => times.get(usize::try_from(n).ok()?).copied(),
            Rule::Ramp { from, to, random, sum } => {
                let at = inverse(*from, *to, self.length, *sum);
                *sum += random.as_mut().map_or(1.0, gap);
                at
            }
            Rule::Threads { threads, ramp } => {
                let threads = u64::from(*threads);
                (n < threads).then(|| ramp.mul_f64(n as f64 / threads as f64))
            }
        }?;
        Some(self.from + at)
    }
}

/// An exponential gap of mean 1.
fn gap(random: &mut Random) -> f64 {
    -(1.0 - random.unit()).ln()
}

fn multiply(interval: Duration, n: u64) -> Duration {
    let nanos = interval.as_nanos().saturating_mul(u128::from(n));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// When `arrivals` users have come at a rate that goes evenly from one to another over `length`: the root of
/// `from t + (to - from) t^2 / (2 length) = arrivals`, in the form that does not cancel. `None` beyond the end.
fn inverse(from: f64, to: f64, length: Duration, arrivals: f64) -> Option<Duration> {
    let seconds = length.as_secs_f64();
    let expected = f64::midpoint(from, to) * seconds;
    // A whole number of arrivals ends with the phase, whatever the last bit of the product says.
    if arrivals >= expected - 1e-9 || expected <= 0.0 {
        return None;
    }
    let slope = (to - from) / seconds;
    let root = (from * from + 2.0 * slope * arrivals).max(0.0).sqrt();
    let at = if from + root > 0.0 { 2.0 * arrivals / (from + root) } else { 0.0 };
    Some(Duration::from_secs_f64(at.clamp(0.0, seconds)))
}
