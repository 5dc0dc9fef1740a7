//! Bootstrap of any statistic: by resampling, and in closed form for quantiles.

use rayon::prelude::*;

use super::dependence::{block_length, whole};
use super::random::Generator;
use super::special::{binomial_from, normal_cdf, normal_quantile};
use super::{Basis, Interval, Sample};

/// Most groups left out one at a time for the acceleration of a BCa interval.
const MOST_JACKKNIFE_GROUPS: usize = 200;

/// How values are resampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// Number of resamples.
    pub resamples: u64,
    /// Nominal confidence level, in 0..1.
    pub level: f64,
    /// Seed: resample k is the same for any number of threads.
    pub seed: u64,
}

impl Default for Resampling {
    /// 10,000 resamples, 95 %, seed 1.
    fn default() -> Self {
        Self { resamples: 10_000, level: 0.95, seed: 1 }
    }
}

/// Percentile interval of a statistic of all values, by a hierarchical bootstrap: runs are drawn with replacement, then moving
/// blocks within each (Künsch 1989; Davison & Hinkley 1997, section 3.8); one run is resampled by blocks alone.
///
/// `runs` has the values of each run in order of their start; blocks are as long as [`block_length`] says. `statistic` gets the
/// values of a resample in order of time within a block. `None` without two values, or where the statistic is not
/// finite. A percentile interval of few runs is too narrow: 3 runs give 10 different selections. Where there is
/// a closed form ([`median`](super::median), [`mean`](super::mean), [`dominance`](super::dominance)) it is the better choice.
pub fn bootstrap_runs(
    runs: &[&[f64]],
    statistic: impl Fn(&mut [f64]) -> f64 + Sync,
    plan: &Resampling,
) -> Option<Interval> {
    let runs: Vec<(&[f64], usize)> =
        runs.iter().filter(|run| !run.is_empty()).map(|run| (*run, block_length(run))).collect();
    let n: usize = runs.iter().map(|(run, _)| run.len()).sum();
    if n < 2 {
        return None;
    }
    let draw = |values: &mut Vec<f64>, generator: &mut Generator| {
        for place in 0..runs.len() {
            let (run, length) = runs[if runs.len() > 1 { generator.below(runs.len()) } else { place }];
            let end = values.len() + run.len();
            while values.len() < end {
                let start = generator.below(run.len() - length + 1);
                values.extend_from_slice(&run[start..start + length.min(end - values.len())]);
            }
        }
    };
    let statistics = replicates(n, plan, draw, &statistic)?;
    let tail = (1.0 - plan.level) / 2.0;
    let (low, high) = (statistics.quantile(tail), statistics.quantile(1.0 - tail));
    let basis = if runs.len() > 1 { Basis::HierarchicalBootstrap } else { Basis::BlockBootstrap };
    Some(Interval { low, high, level: plan.level, basis })
}

/// Bias-corrected and accelerated interval (Efron, "Better Bootstrap Confidence Intervals", 1987) of a statistic of
/// independent values; `None` without two values, or where the statistic is not finite or the same in every resample.
///
/// The acceleration is that of the jackknife, of at most 200 groups of neighbours in the order given.
pub fn bootstrap_bca(
    values: &[f64],
    statistic: impl Fn(&mut [f64]) -> f64 + Sync,
    plan: &Resampling,
) -> Option<Interval> {
    if values.len() < 2 {
        return None;
    }
    let draw = |resample: &mut Vec<f64>, generator: &mut Generator| {
        resample.extend((0..values.len()).map(|_| values[generator.below(values.len())]));
    };
    let statistics = replicates(values.len(), plan, draw, &statistic)?;
    let found = statistic(&mut values.to_vec());
    let sorted = statistics.values();
    let below = sorted.partition_point(|&value| value < found);
    let up_to = sorted.partition_point(|&value| value <= found);
    let bias = normal_quantile((below + up_to) as f64 / (2.0 * sorted.len() as f64));
    let acceleration = acceleration(values, &statistic)?;
    if !bias.is_finite() {
        return None;
    }
    let end = |tail: f64| {
        let shifted = bias + normal_quantile(tail);
        statistics.quantile(normal_cdf(bias + shifted / (1.0 - acceleration * shifted)))
    };
    let tail = (1.0 - plan.level) / 2.0;
    Some(Interval { low: end(tail), high: end(1.0 - tail), level: plan.level, basis: Basis::Bca })
}

/// Percentile bootstrap interval of quantile `p` of independent values, without resampling.
///
/// The k-th value of a resample is at most `x_(i)` with the probability of k or more successes in n trials of probability i / n
/// (Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982, section 10.4). Where a quantile lies between
/// two values of a resample, those two are taken to move together.
pub fn bootstrap_quantile(sample: &Sample, p: f64, level: f64) -> Interval {
    let n = sample.n();
    let position = (n - 1) as f64 * p.clamp(0.0, 1.0);
    let (rank, fraction) = (whole(position.floor()) + 1, position.fract());
    let end = |share: f64| {
        let low = resampled(sample, rank, share);
        let high = if fraction > 0.0 { resampled(sample, rank + 1, share) } else { low };
        low + fraction * (high - low)
    };
    let tail = (1.0 - level) / 2.0;
    Interval { low: end(tail), high: end(1.0 - tail), level, basis: Basis::IndependentBootstrap }
}

/// The least value of the sample that the `rank`-th value of a resample does not exceed with probability `share`.
fn resampled(sample: &Sample, rank: usize, share: f64) -> f64 {
    let n = sample.n();
    let (mut low, mut high) = (1, n);
    while low < high {
        let middle = usize::midpoint(low, high);
        if middle < n && binomial_from(rank, n, middle as f64 / n as f64) < share {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    sample.values()[low - 1]
}

/// The statistic of every resample.
fn replicates(
    n: usize,
    plan: &Resampling,
    draw: impl Fn(&mut Vec<f64>, &mut Generator) + Sync,
    statistic: &(impl Fn(&mut [f64]) -> f64 + Sync),
) -> Option<Sample> {
    let one = |values: &mut Vec<f64>, resample: u64| {
        values.clear();
        draw(values, &mut Generator::new(plan.seed, resample));
        statistic(values)
    };
    let statistics = (0..plan.resamples).into_par_iter().map_init(|| Vec::with_capacity(n), one);
    Sample::new(statistics.collect()).ok()
}

/// Skewness of the jackknife over six: how fast the standard error changes with the statistic.
fn acceleration(values: &[f64], statistic: &impl Fn(&mut [f64]) -> f64) -> Option<f64> {
    let groups = values.len().min(MOST_JACKKNIFE_GROUPS);
    let bound = |group: usize| group * values.len() / groups;
    let without = |group: usize| statistic(&mut [&values[..bound(group)], &values[bound(group + 1)..]].concat());
    let left_out: Vec<f64> = (0..groups).map(without).collect();
    let mean = left_out.iter().sum::<f64>() / groups as f64;
    let moment = |power: i32| left_out.iter().map(|value| (mean - value).powi(power)).sum::<f64>();
    let spread = moment(2);
    let acceleration = if spread > 0.0 { moment(3) / (6.0 * spread.powf(1.5)) } else { 0.0 };
    acceleration.is_finite().then_some(acceleration)
}
