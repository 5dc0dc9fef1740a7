//! Whether a series has settled: warm-up and stationarity. Both are reported, nothing is left out because of them.

use super::dependence::whole;

/// Values of one batch of MSER-5.
const BATCH: usize = 5;

/// Fewest values whose warm-up is looked for: ten batches.
pub const LEAST_FOR_WARM_UP: usize = 10 * BATCH;

/// Number of values at the start of a series, in order of time, that are better left out of its mean: a multiple of 5, 0 where
/// there is no warm-up.
///
/// MSER-5 (White, "An Effective Truncation Heuristic for Bias Reduction in Simulation Output", 1997; batches of five: White, Cobb &
/// Spratt 2000): the cut after which the squared standard error of the mean of the rest is least. `None` with fewer than 50
/// values, with one that is not finite, and where the least lies at the middle of the series or after it: then the
/// series is too short to say.
pub fn warm_up(series: &[f64]) -> Option<usize> {
    if series.len() < LEAST_FOR_WARM_UP || series.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let batches: Vec<f64> = series.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    let mean = batches.iter().sum::<f64>() / batches.len() as f64;
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for (cut, batch) in batches.iter().enumerate().rev() {
        let centred = batch - mean;
        (sum, squares) = (sum + centred, squares + centred * centred);
        let left = (batches.len() - cut) as f64;
        // The last few batches agree by chance: of cuts in the second half, only those that leave five count.
        if left >= 5.0 {
            let error = (squares - sum * sum / left).max(0.0) / (left * left);
            if error <= best.0 {
                best = (error, cut);
            }
        }
    }
    (best.1 < batches.len() / 2).then_some(best.1 * BATCH)
}

/// Result of the test of Kwiatkowski, Phillips, Schmidt and Shin for a constant level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kpss {
    /// The statistic; great where the level moves.
    pub statistic: f64,
    /// Lags of the long-run variance.
    pub lags: usize,
    /// p-value of a constant level, between the tabulated 0.01 and 0.1: beyond them, these.
    pub p_value: f64,
}

/// Upper quantiles of the statistic for a constant level, and their probabilities (KPSS 1992, table 1).
const CRITICAL: [(f64, f64); 4] = [(0.347, 0.1), (0.463, 0.05), (0.574, 0.025), (0.739, 0.01)];

/// Whether a series in order of time keeps its level.
///
/// Kwiatkowski, Phillips, Schmidt & Shin, "Testing the null hypothesis of stationarity against the alternative of a unit root" (1992),
/// with Bartlett's window over `12 (n / 100)^(1/4)` lags, p-values in proportion between the tabulated ones. `None` with
/// fewer than 10 values, with one that is not finite, or where all are equal.
pub fn kpss(series: &[f64]) -> Option<Kpss> {
    let n = series.len();
    if n < 10 || series.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let count = n as f64;
    let mean = series.iter().sum::<f64>() / count;
    let rest: Vec<f64> = series.iter().map(|value| value - mean).collect();
    let lags = whole((12.0 * (count / 100.0).powf(0.25)).floor()).min(n - 1);
    let product = |lag: usize| rest.iter().zip(&rest[lag..]).map(|(a, b)| a * b).sum::<f64>();
    let weighted = |lag: usize| 2.0 * (1.0 - lag as f64 / (lags + 1) as f64) * product(lag);
    let long_run = (product(0) + (1..=lags).map(weighted).sum::<f64>()) / count;
    let mut sum = 0.0;
    let mut squares = 0.0;
    for value in &rest {
        sum += value;
        squares += sum * sum;
    }
    let statistic = squares / (count * count * long_run);
    (long_run > 0.0 && statistic.is_finite()).then(|| Kpss { statistic, lags, p_value: tabulated(statistic) })
}

fn tabulated(statistic: f64) -> f64 {
    let [(first, greatest), .., (last, least)] = CRITICAL;
    if statistic <= first || statistic >= last {
        return if statistic <= first { greatest } else { least };
    }
    let between = CRITICAL.windows(2).find(|pair| statistic < pair[1].0);
    between.map_or(least, |pair| {
        let ((low, p_low), (high, p_high)) = (pair[0], pair[1]);
        p_low + (statistic - low) / (high - low) * (p_high - p_low)
    })
}
