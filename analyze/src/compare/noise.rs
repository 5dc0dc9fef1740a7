//! Run-to-run noise, where there are too few runs to see it in the repetitions of one measure.
//!
//! Two runs of one configuration differ by more than their requests tell: another hour, another host, other neighbours. One run
//! on each side cannot say by how much for a single measure. What can be said is how much the many measures of the
//! same two runs differ in general; most of them are not affected by the change that is looked for, so their spread
//! is that of the noise (the empirical null of Efron, "Large-Scale Simultaneous Hypothesis Testing", 2004).

use crate::stats::median;

/// Fewest measures that tell run-to-run noise.
const LEAST_MEASURES: usize = 8;

/// Median of the chi-squared distribution with one degree of freedom.
const MEDIAN_CHI_SQUARED: f64 = 0.454_936_423_119_572_8;

/// Standard deviation of the median of n such variables, times the root of n: `0.5 / density`.
const MEDIAN_DEVIATION: f64 = 1.061_3;

/// Standard deviations by which the spread errs upwards: that of a few dozen measures is badly known, and too small a one makes
/// noise look like a change. With this much, drawn runs with noise of any size give a false regression in fewer than
/// one of twenty comparisons (BENCHMARKS.md, "Comparing").
const CAUTION: f64 = 0.75;

/// Efficiency of a median of squares against their mean for normal values (Rousseeuw & Croux 1993, on the MAD).
const EFFICIENCY: f64 = 0.37;

/// Rounds in which shift and spread settle.
const ROUNDS: usize = 20;

/// How two sets of runs differ in general, on the logarithmic scale of the ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// The shift common to all measures: a faster or slower machine, or a change that touches everything; with one run
    /// on each side nothing tells these apart.
    pub shift: f64,
    /// Standard deviation of the measures' ratios about that shift, beyond what their own values explain; rather too great.
    pub spread: f64,
    /// Degrees of freedom of the spread.
    pub freedom: f64,
    /// Measures that it is taken from.
    pub measures: usize,
}

/// Shift and spread of logarithmic ratios with their standard errors; `None` with fewer than eight.
///
/// The shift is the median weighted by the inverse variances, the spread the variance to be added to those of the ratios for
/// their squared distances, in units of their variances, to have the median that normal noise gives: the estimator of Paule &
/// Mandel (1982) with a median for its mean, so that a few measures that did change do not count as noise.
pub(super) fn noise(ratios: &[(f64, f64)]) -> Option<Noise> {
    if ratios.len() < LEAST_MEASURES {
        return None;
    }
    let mut found =
        Noise { shift: 0.0, spread: 0.0, freedom: EFFICIENCY * (ratios.len() - 1) as f64, measures: ratios.len() };
    for _ in 0..ROUNDS {
        found.shift = weighted_median(ratios, found.spread);
        found.spread = spread(ratios, found.shift);
    }
    Some(found)
}

fn weighted_median(ratios: &[(f64, f64)], spread: f64) -> f64 {
    let mut weighted: Vec<(f64, f64)> =
        ratios.iter().map(|(ratio, error)| (*ratio, 1.0 / (error * error + spread * spread).max(1e-18))).collect();
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = weighted.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    for (ratio, weight) in &weighted {
        sum += weight;
        if sum >= half {
            return *ratio;
        }
    }
    0.0
}

fn spread(ratios: &[(f64, f64)], shift: f64) -> f64 {
    let expected = MEDIAN_CHI_SQUARED - CAUTION * MEDIAN_DEVIATION / (ratios.len() as f64).sqrt();
    let excess = |spread: f64| {
        let squares: Vec<f64> = ratios
            .iter()
            .map(|(ratio, error)| (ratio - shift).powi(2) / (error * error + spread * spread).max(1e-18))
            .collect();
        median(&[&squares], 0.95).map_or(0.0, |median| median.value) - expected
    };
    if excess(0.0) <= 0.0 {
        return 0.0;
    }
    let mut low = 0.0;
    let mut high = ratios.iter().map(|(ratio, _)| (ratio - shift).abs()).fold(0.0, f64::max) * 10.0;
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if excess(middle) > 0.0 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Generator;

    /// Ratios with a common shift, run-to-run noise and own errors, all normal (sum of twelve uniform numbers).
    fn drawn(count: usize, shift: f64, spread: f64, error: f64) -> Vec<(f64, f64)> {
        let mut generator = Generator::new(7, 0);
        let mut normal = || (0..12).map(|_| generator.unit()).sum::<f64>() - 6.0;
        (0..count).map(|_| (shift + spread * normal() + error * normal(), error)).collect()
    }

    #[test]
    fn shift_and_spread_of_many_measures_are_found() {
        let found = noise(&drawn(2000, 0.03, 0.02, 0.01)).expect("many measures");
        assert!((found.shift - 0.03).abs() < 0.003, "{found:?}");
        assert!((found.spread - 0.02).abs() < 0.002, "{found:?}");
    }

    #[test]
    fn measures_that_differ_as_their_errors_say_have_no_spread() {
        let found = noise(&drawn(2000, 0.0, 0.0, 0.01)).expect("many measures");
        assert!(found.spread < 0.005, "{found:?}");
    }

    #[test]
    fn a_few_measures_that_changed_are_no_noise() {
        let mut ratios = drawn(16, 0.0, 0.0, 0.01);
        ratios[3].0 = 2.0;
        ratios[7].0 = -1.5;
        let found = noise(&ratios).expect("many measures");
        assert!(found.spread < 0.02 && found.shift.abs() < 0.02, "{found:?}");
    }

    #[test]
    fn few_measures_tell_no_noise() {
        assert_eq!(noise(&drawn(7, 0.0, 0.1, 0.01)), None);
    }
}
