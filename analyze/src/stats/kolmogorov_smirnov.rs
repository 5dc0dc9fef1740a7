//! Two groups by their whole distributions.

use super::Sample;
use super::special::kolmogorov_from;

/// Most pairs of values for which paths are counted: a few hundredths of a second.
const MOST_PAIRS_EXACT: usize = 4_000_000;

/// Result of the test of Kolmogorov and Smirnov for two groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// Greatest distance between the empirical distribution functions, 0..=1.
    pub distance: f64,
    /// Two-sided p-value, supposing independent values; with ties it is too large.
    pub p_value: f64,
    /// Whether the p-value is from the exact distribution.
    pub exact: bool,
}

/// Whether two groups come from one distribution.
///
/// Exact with up to four million pairs, by counting the paths that stay within the distance (Hodges 1958), else from the
/// limit distribution (Smirnov 1948).
pub fn kolmogorov_smirnov(a: &Sample, b: &Sample) -> KolmogorovSmirnov {
    let (m, n) = (a.n(), b.n());
    let gap = greatest_gap(a.values(), b.values());
    let distance = gap as f64 / (m as f64 * n as f64);
    if m.saturating_mul(n) <= MOST_PAIRS_EXACT {
        return KolmogorovSmirnov { distance, p_value: paths_reaching(m, n, gap), exact: true };
    }
    let effective = m as f64 / (m + n) as f64 * n as f64;
    KolmogorovSmirnov { distance, p_value: kolmogorov_from(effective.sqrt() * distance), exact: false }
}

/// Greatest `|i n - j m|` after i values of `a` and j of `b`, over all values.
fn greatest_gap(a: &[f64], b: &[f64]) -> u128 {
    let (size_a, size_b) = (a.len() as u128, b.len() as u128);
    let (mut i, mut j, mut greatest) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let value = a[i].min(b[j]);
        i += a[i..].iter().take_while(|&&other| other <= value).count();
        j += b[j..].iter().take_while(|&&other| other <= value).count();
        greatest = greatest.max((i as u128 * size_b).abs_diff(j as u128 * size_a));
    }
    greatest
}

/// Probability that a random path to (m, n) reaches a gap somewhere.
fn paths_reaching(m: usize, n: usize, gap: u128) -> f64 {
    let reaches = |i: usize, j: usize| (i as u128 * n as u128).abs_diff(j as u128 * m as u128) >= gap;
    let mut row = vec![0.0_f64; n + 1];
    for i in 0..=m {
        for j in 0..=n {
            row[j] = if reaches(i, j) {
                1.0
            } else if i + j == 0 {
                0.0
            } else {
                let from_row = if i > 0 { i as f64 * row[j] } else { 0.0 };
                let from_column = if j > 0 { j as f64 * row[j - 1] } else { 0.0 };
                (from_row + from_column) / (i + j) as f64
            };
        }
    }
    row[n]
}
