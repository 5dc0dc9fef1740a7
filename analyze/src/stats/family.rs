//! Many tests at once, and what is no difference.

use super::Interval;
use super::special::normal_quantile;

/// p-values corrected for being read together, in the order given (Holm 1979): the probability that any true hypothesis
/// is rejected stays below the level that they are compared with. `NaN` stays as it is and counts for nothing.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|&i| !p_values[i].is_nan()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]).then(i.cmp(&j)));
    let mut corrected = p_values.to_vec();
    let mut greatest = 0.0_f64;
    for (rank, &i) in order.iter().enumerate() {
        greatest = greatest.max(p_values[i] * (order.len() - rank) as f64).min(1.0);
        corrected[i] = greatest;
    }
    corrected
}

/// Whether a ratio is known to lie within `1 / (1 + margin)` and `1 + margin` (0.05 for 5 %), ends excluded.
///
/// Two one-sided tests (Schuirmann 1987): with an interval of level `1 - 2 alpha` (0.9 for alpha = 0.05) the probability of
/// calling unequal groups equivalent is at most alpha. A margin that is not above 0 gives `false`.
pub fn equivalent(ratio: &Interval, margin: f64) -> bool {
    margin > 0.0 && ratio.low > 1.0 / (1.0 + margin) && ratio.high < 1.0 + margin
}

/// Smallest ratio above 1 that such samples show with probability `power` (0.8, say): with an interval of the given ratio's
/// precision, as often as that, the interval leaves 1 out.
///
/// `exp((z_level + z_power) se)` with the standard error of the logarithm taken from the interval's width and the normal
/// distribution (Cohen 1988, section 2.4). `None` for an interval that is not above 0. The same effect downwards is its
/// reciprocal.
pub fn smallest_detectable_ratio(ratio: &Interval, power: f64) -> Option<f64> {
    if !(ratio.low > 0.0 && ratio.high.is_finite() && power > 0.0 && power < 1.0) {
        return None;
    }
    let reach = 0.5 * (ratio.high / ratio.low).ln();
    let critical = normal_quantile(f64::midpoint(1.0, ratio.level));
    Some((reach * (1.0 + normal_quantile(power) / critical)).exp())
}
