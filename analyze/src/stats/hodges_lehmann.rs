//! The shift between two groups.

use super::mann_whitney::distribution;
use super::special::normal_quantile;
use super::{Basis, Estimate, Interval, Sample};

/// Most pairs of values for which the interval's ranks are exact.
const MOST_PAIRS_EXACT: usize = 2500;

/// Hodges & Lehmann's (1963) shift: median of all differences `a - b`, with Moses' interval, which is that of Mann and
/// Whitney's test (Hollander & Wolfe 1999, sections 4.2 and 4.3). In the unit of the values.
///
/// The interval supposes independent values and equal shapes; its ranks are exact up to 2,500 pairs, `None` where there are
/// too few. Differences are not listed: their ranks are found by halving their range, O((m + n) log) steps.
pub fn hodges_lehmann(a: &Sample, b: &Sample, level: f64) -> Estimate {
    let pairs = a.n() as u128 * b.n() as u128;
    let (lower, upper) = (difference_at(a, b, (pairs - 1) / 2), difference_at(a, b, pairs / 2));
    let interval = outside_rank(a.n(), b.n(), level).map(|rank| Interval {
        low: difference_at(a, b, rank),
        high: difference_at(a, b, pairs - 1 - rank),
        level,
        basis: Basis::RankSum,
    });
    Estimate { value: f64::midpoint(lower, upper), n: a.n() + b.n(), runs: 2, interval }
}

/// Rank from 0 of the difference that is the interval's lower end.
fn outside_rank(m: usize, n: usize, level: f64) -> Option<u128> {
    let tail = (1.0 - level) / 2.0;
    if m.saturating_mul(n) <= MOST_PAIRS_EXACT {
        let counts = distribution(m, n);
        let total: f64 = counts.iter().sum();
        let mut below = 0.0;
        let within = counts.iter().take_while(|&&count| {
            below += count;
            below / total <= tail
        });
        return (within.count() as u128).checked_sub(1);
    }
    let (m, n) = (m as f64, n as f64);
    let rank = m * n / 2.0 + normal_quantile(tail) * (m * n * (m + n + 1.0) / 12.0).sqrt();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 1, below the number of pairs"
    )]
    (rank >= 1.0).then(|| rank.floor() as u128 - 1)
}

/// The difference `a - b` at a rank from 0, in ascending order.
fn difference_at(a: &Sample, b: &Sample, rank: u128) -> f64 {
    let few = 4 * (a.n() + b.n()) as u128;
    let (mut low, mut high) = (less(a.min(), b.max()), less(a.max(), b.min()));
    // Invariant: at most `rank` differences are below `low`, more than `rank` are up to `high`.
    let mut inside = a.n() as u128 * b.n() as u128;
    while inside > few {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return if count_to(a, b, low, false) > rank { low } else { high };
        }
        if count_to(a, b, middle, false) > rank {
            high = middle;
        } else {
            low = middle;
        }
        inside = count_to(a, b, high, false) - count_to(a, b, low, true);
    }
    let mut left: Vec<f64> = Vec::new();
    let values = b.values();
    for &x in a.values() {
        let first = values.partition_point(|&y| less(x, y) > high);
        let end = values.partition_point(|&y| less(x, y) >= low);
        left.extend(values[first..end].iter().map(|&y| less(x, y)));
    }
    let before = count_to(a, b, low, true);
    let place = usize::try_from(rank - before).unwrap_or(0).min(left.len() - 1);
    *left.select_nth_unstable_by(place, f64::total_cmp).1
}

/// `x - y`, finite for any values of a sample.
fn less(x: f64, y: f64) -> f64 {
    (x - y).clamp(f64::MIN, f64::MAX)
}

/// Number of differences up to `bound`, or strictly below it.
fn count_to(a: &Sample, b: &Sample, bound: f64, strictly: bool) -> u128 {
    let (values, mut first, mut total) = (b.values(), 0, 0_u128);
    for &x in a.values() {
        // The difference falls with y, so those beyond the bound are the first ones; more of them for each greater x.
        while first < values.len()
            && if strictly { less(x, values[first]) >= bound } else { less(x, values[first]) > bound }
        {
            first += 1;
        }
        total += (values.len() - first) as u128;
    }
    total
}
