//! Two groups by ranks: Mann-Whitney's test and the probability that a value of one exceeds one of the other.

use super::dependence::{MeanError, mean_error};
use super::special::{normal_two_sided, student_cdf};
use super::{Estimate, Interval, Sample};

/// Most pairs of values for which the exact distribution of U is counted.
const MOST_PAIRS_EXACT: usize = 2500;

/// Result of Mann and Whitney's test (1947).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the value of the first group is greater, ties half.
    pub u: f64,
    /// Two-sided p-value, supposing independent values.
    pub p_value: f64,
    /// Whether the p-value is from the exact distribution.
    pub exact: bool,
}

/// Whether values of two groups tend to be greater in one of them.
///
/// Exact without ties and with at most 2,500 pairs, else the normal approximation with corrections for ties
/// and continuity (Hollander & Wolfe 1999, section 4.1). All values equal give 1.
pub fn mann_whitney(a: &Sample, b: &Sample) -> MannWhitney {
    let (twice_u, ties) = count(a.values(), b.values());
    let (size_a, size_b) = (a.n() as f64, b.n() as f64);
    let u = twice_u as f64 / 2.0;
    if ties == 0.0 && a.n().saturating_mul(b.n()) <= MOST_PAIRS_EXACT {
        let p_value = exact_p(a.n(), b.n(), usize::try_from(twice_u / 2).unwrap_or(usize::MAX));
        return MannWhitney { u, p_value, exact: true };
    }
    let (total, pairs) = (size_a + size_b, size_a * size_b);
    let variance = pairs / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    let away = ((u - pairs / 2.0).abs() - 0.5).max(0.0);
    let p_value = if variance > 0.0 { normal_two_sided(away / variance.sqrt()) } else { 1.0 };
    MannWhitney { u, p_value, exact: false }
}

/// Twice the pairs where `a` is greater (ties 1), and the sum of `t^3 - t` over groups of ties; both slices ascending.
fn count(a: &[f64], b: &[f64]) -> (u128, f64) {
    let (mut i, mut j, mut twice_u, mut ties) = (0, 0, 0_u128, 0.0);
    while i < a.len() || j < b.len() {
        let value = a.get(i).copied().unwrap_or(f64::INFINITY).min(b.get(j).copied().unwrap_or(f64::INFINITY));
        let equal_a = a[i..].iter().take_while(|&&other| other <= value).count();
        let equal_b = b[j..].iter().take_while(|&&other| other <= value).count();
        twice_u += equal_a as u128 * (2 * j + equal_b) as u128;
        let tied = (equal_a + equal_b) as f64;
        ties += tied * tied * tied - tied;
        (i, j) = (i + equal_a, j + equal_b);
    }
    (twice_u, ties)
}

fn exact_p(m: usize, n: usize, u: usize) -> f64 {
    let counts = distribution(m, n);
    let nearer = u.min(m * n - u);
    let total: f64 = counts.iter().sum();
    (2.0 * counts[..=nearer].iter().sum::<f64>() / total).min(1.0)
}

/// Number of orders of `m` and `n` values for each U from 0: the coefficients of Gauss's binomial (Mann & Whitney 1947).
pub(super) fn distribution(m: usize, n: usize) -> Vec<f64> {
    let mut counts = vec![0.0_f64; m * n + 1];
    counts[0] = 1.0;
    for i in 1..=m {
        for u in (n + i..counts.len()).rev() {
            counts[u] -= counts[u - n - i];
        }
        for u in i..counts.len() {
            counts[u] += counts[u - i];
        }
    }
    counts
}

/// How far one group lies above another, whatever the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dominance {
    /// A12 of Vargha & Delaney (2000): probability that a value of the first group exceeds one of the second, ties half;
    /// 0.5 means no tendency. Without unit.
    pub a12: Estimate,
    /// Cliff's delta (1993), `2 A12 - 1`.
    pub cliffs_delta: f64,
    /// Two-sided p-value of A12 = 0.5; `None` where the values carry no error.
    pub p_value: Option<f64>,
}

/// A12 of two groups with an interval and a p-value that allow for unequal spread, dependence within a run and differences
/// between runs; `None` without values in one of them or with values that are not finite.
///
/// A12 is a mean of placements, the share of the other group below each value (DeLong et al. 1988), so its error is that
/// of [`mean`](super::mean): with one run of independent values a group this is the test of Brunner & Munzel (2000). Each
/// group has the values of each run in order of their start. A p-value needs two values in each group.
pub fn dominance(a: &[&[f64]], b: &[&[f64]], level: f64) -> Option<Dominance> {
    let (sample_a, sample_b) = (Sample::new(a.concat()).ok()?, Sample::new(b.concat()).ok()?);
    let (twice_u, _) = count(sample_a.values(), sample_b.values());
    let value = twice_u as f64 / 2.0 / (sample_a.n() as f64 * sample_b.n() as f64);
    let errors = placement_error(a, &sample_b).zip(placement_error(b, &sample_a));
    let (interval, p_value) = errors.map_or((None, None), |(of_a, of_b)| {
        let (found, p_value) = joined(value, &of_a, &of_b);
        let reach = found.reach(level);
        let (low, high) = ((value - reach).max(0.0), (value + reach).min(1.0));
        (Some(Interval { low, high, level, basis: found.basis }), p_value)
    });
    let filled = |runs: &[&[f64]]| runs.iter().filter(|run| !run.is_empty()).count();
    let a12 = Estimate { value, n: sample_a.n() + sample_b.n(), runs: filled(a) + filled(b), interval };
    Some(Dominance { a12, cliffs_delta: 2.0 * value - 1.0, p_value })
}

/// Error of the mean share of `other` below the values of `runs`.
fn placement_error(runs: &[&[f64]], other: &Sample) -> Option<MeanError> {
    let sorted = other.values();
    let placement = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let up_to = below + sorted[below..].partition_point(|other| other <= value);
        (below + up_to) as f64 / (2.0 * sorted.len() as f64)
    };
    let placements: Vec<Vec<f64>> = runs.iter().map(|run| run.iter().map(placement).collect()).collect();
    mean_error(&placements.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Error of A12 from those of both sides, with the degrees of freedom of Satterthwaite (1946), and the p-value.
fn joined(value: f64, a: &MeanError, b: &MeanError) -> (MeanError, Option<f64>) {
    let (of_a, of_b) = (a.error * a.error, b.error * b.error);
    let error = (of_a + of_b).sqrt();
    let freedom = if error > 0.0 {
        (of_a + of_b).powi(2) / (of_a * of_a / a.freedom + of_b * of_b / b.freedom)
    } else {
        a.freedom.min(b.freedom)
    };
    let basis = a.basis.min(b.basis);
    let p_value = (error > 0.0).then(|| 2.0 * student_cdf(-(value - 0.5).abs() / error, freedom));
    (MeanError { mean: value, error, independent_error: error, freedom, basis }, p_value)
}
