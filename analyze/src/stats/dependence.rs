//! Standard errors of means of dependent values: moving blocks within a run, runs as the unit of replication.
//!
//! Neighbouring requests share queues, caches and clocks, so n of them say less than n independent ones. Every interval
//! that allows for this rests on [`mean_error`], the bootstrap variance of a mean in closed form: a bootstrap mean is
//! the mean of independently drawn blocks, so its variance is that of all overlapping blocks, and no block needs to be
//! drawn.

use super::Basis;
use super::special::student_quantile;

/// A mean with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MeanError {
    /// Mean over all values of all runs.
    pub(super) mean: f64,
    /// Standard error of the mean.
    pub(super) error: f64,
    /// Standard error that as many independent values would have.
    pub(super) independent_error: f64,
    /// Degrees of freedom of the error.
    pub(super) freedom: f64,
    /// Moving blocks for one run, runs for several.
    pub(super) basis: Basis,
}

impl MeanError {
    /// Half the width of the interval of the mean.
    pub(super) fn reach(&self, level: f64) -> f64 {
        self.error * student_quantile(f64::midpoint(1.0, level), self.freedom)
    }
}

/// Mean and standard error of values in order of time, run by run; `None` with fewer than two values.
///
/// * One run: the variance of the moving-block bootstrap (Künsch 1989), which is that of overlapping batch means
///   (Meketon & Schmeiser 1984, with their degrees of freedom), blocks as long as [`block_length`] says, less its bias.
/// * Several runs: the spread of the runs' means about the mean of all, the first level of a hierarchical bootstrap
///   (Davison & Hinkley 1997, section 3.8; runs - 1 degrees of freedom), and never less than the runs' own blocks say.
pub(super) fn mean_error(runs: &[&[f64]]) -> Option<MeanError> {
    let runs: Vec<&[f64]> = runs.iter().copied().filter(|run| !run.is_empty()).collect();
    let n: usize = runs.iter().map(|run| run.len()).sum();
    if n < 2 {
        return None;
    }
    let mean = runs.iter().map(|run| run.iter().sum::<f64>()).sum::<f64>() / n as f64;
    let squares: f64 = runs.iter().flat_map(|run| run.iter()).map(|value| (value - mean).powi(2)).sum();
    let independent = squares / (n as f64 * (n - 1) as f64);
    let within = |run: &[f64]| block_variance(run).map_or((0.0, 1.0), |found| found);
    if let [run] = runs[..] {
        let (variance, freedom) = within(run);
        let basis = Basis::BlockBootstrap;
        return Some(MeanError { mean, error: variance.sqrt(), independent_error: independent.sqrt(), freedom, basis });
    }
    let (mut between, mut inside) = (0.0, 0.0);
    for run in &runs {
        let share = run.len() as f64 / n as f64;
        between += (share * (run.iter().sum::<f64>() / run.len() as f64 - mean)).powi(2);
        inside += share * share * within(run).0;
    }
    let freedom = (runs.len() - 1) as f64;
    let variance = (between * (freedom + 1.0) / freedom).max(inside);
    Some(MeanError {
        mean,
        error: variance.sqrt(),
        independent_error: independent.sqrt(),
        freedom,
        basis: Basis::HierarchicalBootstrap,
    })
}

/// Variance of the mean from all overlapping blocks, and its degrees of freedom; `None` with fewer than two values.
///
/// Blocks miss what lies between them, so their variance is too small, twice as much so for blocks half as long: what
/// blocks of twice the length add is added once more (the lugsail of Vats & Flegal 2022, a flat-top window of Politis &
/// Romano 1995).
fn block_variance(run: &[f64]) -> Option<(f64, f64)> {
    let n = run.len();
    if n < 2 {
        return None;
    }
    let (short, count) = (block_length(run), n as f64);
    let of_short = batch_variance(run, short);
    if short == 1 {
        return Some((of_short, count - 1.0));
    }
    let long = (2 * short).min(n / 2);
    let variance = of_short.max(2.0 * batch_variance(run, long) - of_short);
    Some((variance, (1.5 * (count / long as f64 - 1.0)).max(1.0)))
}

/// Variance of the mean of all values from the means of all blocks of a length below n (Meketon & Schmeiser 1984).
fn batch_variance(run: &[f64], length: usize) -> f64 {
    let (count, size) = (run.len() as f64, length as f64);
    let mean = run.iter().sum::<f64>() / count;
    let mut block: f64 = run[..length].iter().map(|value| value - mean).sum();
    let mut squares = block * block;
    for (leaves, enters) in run.iter().zip(&run[length..]) {
        block += enters - leaves;
        squares += block * block;
    }
    squares / (size * (count - size + 1.0) * (count - size))
}

/// Length of the blocks for a moving-block bootstrap of the mean of values in order of time: 1 where neighbours are
/// independent, at most a third of the values.
///
/// Source: Politis & White, "Automatic Block-Length Selection for the Dependent Bootstrap" (2004), as corrected by Patton,
/// Politis & White (2009): from the autocovariances up to the first lag after which none is significant.
pub fn block_length(run: &[f64]) -> usize {
    let n = run.len();
    let count = n as f64;
    if n < 9 {
        return 1;
    }
    let mean = run.iter().sum::<f64>() / count;
    let centred: Vec<f64> = run.iter().map(|value| value - mean).collect();
    let covariance = |lag: usize| centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / count;
    let variance = covariance(0);
    if !(variance > 0.0 && variance.is_finite()) {
        return 1;
    }
    let (at_root, quiet_lags) = (whole(count.sqrt().ceil()), whole(count.log10().ceil()).max(5));
    let greatest_lag = (at_root + quiet_lags).min(n - 1);
    let significant = 2.0 * (count.log10() / count).sqrt() * variance;
    let mut covariances = vec![variance];
    let mut last_significant = 0;
    while covariances.len() <= greatest_lag && covariances.len() <= last_significant + quiet_lags {
        let lag = covariances.len();
        covariances.push(covariance(lag));
        if covariances[lag].abs() >= significant {
            last_significant = lag;
        }
    }
    let band = (2 * last_significant.max(1)).min(greatest_lag);
    covariances.extend((covariances.len()..=band).map(covariance));
    // The flat-top window of Politis & Romano (1995): 1 up to half the band, then down to 0.
    let weight = |lag: usize| (2.0 * (1.0 - lag as f64 / band as f64)).clamp(0.0, 1.0);
    let (mut spread, mut slope) = (variance, 0.0);
    for (lag, covariance) in covariances.iter().enumerate().take(band + 1).skip(1) {
        spread += 2.0 * weight(lag) * covariance;
        slope += 2.0 * weight(lag) * lag as f64 * covariance;
    }
    let longest = (3.0 * count.sqrt()).min(count / 3.0).ceil();
    let length = (1.5 * slope * slope / (spread * spread) * count).cbrt();
    whole(length.ceil().clamp(1.0, longest)).max(1)
}

/// A whole number of at least 0 as an index; 0 for what is not a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "callers pass small whole numbers")]
pub(super) fn whole(value: f64) -> usize {
    value.max(0.0) as usize
}
