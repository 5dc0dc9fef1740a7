//! Estimates from values in order of time, run by run: quantiles, means, their differences and ratios.

use super::dependence::{mean_error, whole};
use super::order_statistics::order_statistic_interval;
use super::special::student_quantile;
use super::{Estimate, Interval, Sample};

/// Fewest values of a run whose dependence can be estimated; below, intervals of quantiles are those of order statistics.
const LEAST_FOR_BLOCKS: usize = 30;

/// Quantile `p` of all values with its interval; `None` without values or with one that is not finite.
///
/// `runs` has the values of each run in order of their start.
pub fn quantile(runs: &[&[f64]], p: f64, level: f64) -> Option<Estimate> {
    let sample = Sample::new(runs.concat()).ok()?;
    let filled = runs.iter().filter(|run| !run.is_empty()).count();
    let interval = quantile_interval(&sample, runs, p, level);
    Some(Estimate { value: sample.quantile(p), n: sample.n(), runs: filled, interval })
}

/// Median of all values with its interval: [`quantile`] 0.5.
pub fn median(runs: &[&[f64]], level: f64) -> Option<Estimate> {
    quantile(runs, 0.5, level)
}

/// Interval of quantile `p` of `sample`, whose values `runs` has in order of time; `None` where they cannot carry one.
///
/// The bootstrap distribution of a quantile has a closed form: a resample's quantile is at most `x` when enough of its
/// values are, and the share of values up to `x` is a mean of block shares (Künsch 1989; for independent values Efron
/// 1982, section 10.4). So the interval's ends are the quantiles at `p` minus and plus the
/// error of that share, with a Student quantile for the estimated error (Woodruff 1952; for dependent
/// values Heidelberger & Lewis 1984). Ends lie between order statistics in proportion (Hettmansperger & Sheather 1986).
///
/// Blocks never make the interval narrower than independent values would have it. One run of fewer than 30
/// values gets [`order_statistic_interval`], which supposes independence and says so.
pub fn quantile_interval(sample: &Sample, runs: &[&[f64]], p: f64, level: f64) -> Option<Interval> {
    let filled = runs.iter().filter(|run| !run.is_empty()).count();
    if !(p > 0.0 && p < 1.0 && level > 0.0 && level < 1.0) {
        return None;
    }
    if filled <= 1 && sample.n() < LEAST_FOR_BLOCKS {
        return order_statistic_interval(sample, p, level);
    }
    let split = sample.quantile(p);
    // Half of a value that equals the quantile counts as below it: ties, of whole milliseconds say, are no dependence.
    let below = |value: &f64| f64::from(u8::from(*value < split) + u8::from(*value <= split)) / 2.0;
    let shares: Vec<Vec<f64>> = runs.iter().map(|run| run.iter().map(below).collect()).collect();
    let shares: Vec<&[f64]> = shares.iter().map(Vec::as_slice).collect();
    let found = mean_error(&shares)?;
    let count = sample.n() as f64;
    let inflation = if found.independent_error > 0.0 { (found.error / found.independent_error).max(1.0) } else { 1.0 };
    let reach = student_quantile(f64::midpoint(1.0, level), found.freedom) * inflation * (p * (1.0 - p) / count).sqrt();
    let (low, high) = (at_rank(sample, (p - reach) * count + 0.5)?, at_rank(sample, (p + reach) * count + 0.5)?);
    Some(Interval { low, high, level, basis: found.basis })
}

/// The value at a rank from 1, between two values in proportion; `None` beyond the outermost values.
fn at_rank(sample: &Sample, rank: f64) -> Option<f64> {
    if !(1.0..=sample.n() as f64).contains(&rank) {
        return None;
    }
    let values = sample.values();
    let below = whole(rank.floor());
    let low = values[below - 1];
    let high = values.get(below).copied().unwrap_or(low);
    Some((low + rank.fract() * (high - low)).clamp(low, high))
}

/// Mean of all values with its interval; `None` without values or with one that is not finite.
///
/// The interval is that of a studentised bootstrap with moving blocks within a run, over runs where there are
/// several (`runs` has the values of each in order of their start), in closed form; `None` with fewer than two values.
pub fn mean(runs: &[&[f64]], level: f64) -> Option<Estimate> {
    let sample = Sample::new(runs.concat()).ok()?;
    let value = sample.mean();
    let filled = runs.iter().filter(|run| !run.is_empty()).count();
    let error = mean_error(runs).filter(|_| level > 0.0 && level < 1.0);
    let interval = error.map(|found| {
        let reach = found.reach(level);
        Interval { low: value - reach, high: value + reach, level, basis: found.basis }
    });
    let interval = interval.filter(|interval| interval.low.is_finite() && interval.high.is_finite());
    Some(Estimate { value, n: sample.n(), runs: filled, interval })
}

/// Difference `a - b` of two independent estimates.
///
/// The interval is recovered from theirs (MOVER; Zou & Donner, "Construction of confidence limits about effect measures",
/// 2008): it keeps their skewness, and supposes as much as the one of them that supposes more. `None` where one has none.
pub fn difference(a: &Estimate, b: &Estimate) -> Estimate {
    let value = a.value - b.value;
    let interval = a.interval.zip(b.interval).map(|(of_a, of_b)| {
        let down = (a.value - of_a.low).hypot(of_b.high - b.value);
        let up = (of_a.high - a.value).hypot(b.value - of_b.low);
        let (level, basis) = (of_a.level.min(of_b.level), of_a.basis.min(of_b.basis));
        Interval { low: value - down, high: value + up, level, basis }
    });
    Estimate { value, n: a.n + b.n, runs: a.runs + b.runs, interval }
}

/// Ratio `a / b` of two independent estimates of positive quantities, without unit; `None` where one is not above 0.
///
/// The interval is that of the [`difference`] of their logarithms; it has none where an end of theirs is not above 0.
pub fn ratio(a: &Estimate, b: &Estimate) -> Option<Estimate> {
    let log = |estimate: &Estimate| {
        let interval = estimate.interval.filter(|interval| interval.low > 0.0).map(|interval| interval.map(f64::ln));
        (estimate.value > 0.0).then(|| Estimate { value: estimate.value.ln(), interval, ..*estimate })
    };
    let of_logs = difference(&log(a)?, &log(b)?);
    let interval = of_logs.interval.map(|interval| interval.map(f64::exp));
    Some(Estimate { value: a.value / b.value, interval, ..of_logs })
}
