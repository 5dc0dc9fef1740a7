//! Change points of a series: where its distribution changes.

use super::random::Generator;

/// Longest series searched: the time of a search grows with the square of the length.
pub const LONGEST_SERIES: usize = 2000;

/// How change points are searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangeSearch {
    /// Fewest values on either side of a change, at least 2.
    pub least_segment: usize,
    /// Greatest p-value of a change that is reported.
    pub significance: f64,
    /// Permutations behind each p-value; the least p-value is 1 / (permutations + 1).
    pub permutations: u64,
    /// Seed of the permutations.
    pub seed: u64,
}

impl Default for ChangeSearch {
    /// At least 5 values a segment, 5 %, 199 permutations, seed 1.
    fn default() -> Self {
        Self { least_segment: 5, significance: 0.05, permutations: 199, seed: 1 }
    }
}

/// A change: the values from `index` on are distributed otherwise than those before it, up to the changes next to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// Index of the first value after the change.
    pub index: usize,
    /// Scaled energy distance between the segments on both sides of it, when it was found.
    pub distance: f64,
    /// p-value by permutation within the segments known before it.
    pub p_value: f64,
}

/// Changes of a series in the order of its index.
///
/// E-divisive (Matteson & James, "A Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data", 2014) with
/// exponent 1: the most distant split of any segment is kept while a permutation of the values within segments seldom
/// gives one as distant. The same seed gives the same result. A series of fewer than two segments of the least length,
/// longer than [`LONGEST_SERIES`], or with a value that is not finite has no changes.
pub fn change_points(series: &[f64], search: &ChangeSearch) -> Vec<ChangePoint> {
    let least = search.least_segment.max(2);
    if series.len() < 2 * least || series.len() > LONGEST_SERIES || series.iter().any(|value| !value.is_finite()) {
        return Vec::new();
    }
    let mut found: Vec<ChangePoint> = Vec::new();
    let mut bounds = vec![0, series.len()];
    while let Some((index, distance)) = best_split(series, &bounds, least) {
        let p_value = permuted_p(series, &bounds, least, distance, search, found.len() as u64);
        if p_value > search.significance {
            break;
        }
        found.push(ChangePoint { index, distance, p_value });
        bounds.push(index);
        bounds.sort_unstable();
    }
    found.sort_by_key(|change| change.index);
    found
}

/// Share of permutations whose best split is as distant, the found one counted among them.
fn permuted_p(series: &[f64], bounds: &[usize], least: usize, found: f64, search: &ChangeSearch, round: u64) -> f64 {
    let mut as_distant = 1;
    for permutation in 0..search.permutations {
        let mut generator = Generator::new(search.seed, (round << 32) | permutation);
        let mut shuffled = series.to_vec();
        for segment in bounds.windows(2) {
            generator.shuffle(&mut shuffled[segment[0]..segment[1]]);
        }
        let best = best_split(&shuffled, bounds, least).map_or(0.0, |(_, distance)| distance);
        // Sums of the same values in another order differ in their last digits.
        as_distant += u64::from(best >= found * (1.0 - 1e-12));
    }
    as_distant as f64 / (search.permutations + 1) as f64
}

/// The most distant split of any segment, the first among equals; `None` where every segment is too short.
fn best_split(series: &[f64], bounds: &[usize], least: usize) -> Option<(usize, f64)> {
    let splits = bounds.windows(2).filter_map(|segment| {
        split(&series[segment[0]..segment[1]], least).map(|(index, distance)| (segment[0] + index, distance))
    });
    splits.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// The split of a segment, before an index and up to any end, with the greatest scaled energy distance.
fn split(segment: &[f64], least: usize) -> Option<(usize, f64)> {
    let n = segment.len();
    if n < 2 * least {
        return None;
    }
    let distance = |i: usize, j: usize| (segment[i] - segment[j]).abs();
    // Sums of distances of value j to the values before the split, and to those from the split up to j; of all pairs before it.
    let mut to_first: Vec<f64> = (0..n).map(|j| (0..least - 1).map(|i| distance(i, j)).sum()).collect();
    let mut to_rest: Vec<f64> = (0..n).map(|j| (least - 1..j).map(|i| distance(i, j)).sum()).collect();
    let mut before: f64 = (1..least - 1).map(|j| (0..j).map(|i| distance(i, j)).sum::<f64>()).sum();
    let mut best: Option<(usize, f64)> = None;
    for index in least..=n - least {
        before += to_first[index - 1];
        let (mut across, mut after) = (0.0, 0.0);
        for end in 0..n {
            let moved = distance(index - 1, end);
            to_first[end] += moved;
            if end < index {
                continue;
            }
            to_rest[end] -= moved;
            across += to_first[end];
            after += to_rest[end];
            let size = end + 1 - index;
            if size >= least {
                let found = scaled_distance(index, size, before, after, across);
                if best.is_none_or(|(_, greatest)| found > greatest) {
                    best = Some((index, found));
                }
            }
        }
    }
    best
}

/// `m n / (m + n)` times the energy distance, from sums over pairs: within the first, within the second, across.
fn scaled_distance(m: usize, n: usize, before: f64, after: f64, across: f64) -> f64 {
    let (m, n) = (m as f64, n as f64);
    let energy = 2.0 * across / (m * n) - 2.0 * before / (m * (m - 1.0)) - 2.0 * after / (n * (n - 1.0));
    m * n / (m + n) * energy
}
