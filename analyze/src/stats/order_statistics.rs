//! Distribution-free intervals of quantiles.

use super::special::binomial_mass;
use super::{Basis, Interval, Sample};

/// The shortest pair of order statistics (in ranks) that holds quantile `p` with probability `level` at least; `None` where
/// not even the least and the greatest value do: a 95 % interval needs 6 values for the median, 59 for
/// the 95th percentile and 299 for the 99th.
///
/// `P(x_(l) <= q_p <= x_(u)) >= P(l <= B <= u - 1)` with `B` binomial (n, p), for any distribution (David & Nagaraja, "Order
/// Statistics", 2003, section 7.1). Supposes independent values. `p` and `level` are expected within 0..1 and give
/// `None` elsewhere. Ends are values of the sample.
pub fn order_statistic_interval(sample: &Sample, p: f64, level: f64) -> Option<Interval> {
    let (low, high) = ranks(sample.n(), p, level)?;
    let values = sample.values();
    Some(Interval { low: values[low - 1], high: values[high - 1], level, basis: Basis::OrderStatistics })
}

/// Whether `n` independent values can carry a statement about quantile `p` at `level`: whether least and greatest value hold
/// it with that probability, `1 - p^n - (1 - p)^n >= level`.
pub fn carries_quantile(n: usize, p: f64, level: f64) -> bool {
    p > 0.0 && p < 1.0 && 1.0 - p.powf(n as f64) - (1.0 - p).powf(n as f64) >= level
}

/// Quantile `p` of a sample that can carry one at 95 %; `None` for any other, whose number would be that of a few
/// outermost values.
pub fn carried_quantile(sample: &Sample, p: f64) -> Option<f64> {
    carries_quantile(sample.n(), p, 0.95).then(|| sample.quantile(p))
}

/// Ranks from 1, grown from the most probable count towards the more probable side: mass of a unimodal distribution is
/// gathered with the fewest values.
fn ranks(n: usize, p: f64, level: f64) -> Option<(usize, usize)> {
    if !carries_quantile(n, p, level) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n + 1")]
    let mode = ((n + 1) as f64 * p) as usize;
    let mut low = mode.clamp(1, n - 1);
    let mut high = low;
    let odds = p / (1.0 - p);
    let mut held = binomial_mass(low, n, p);
    let (mut below, mut above) = (held, held);
    let step_down = |mass: f64, k: usize| mass * k as f64 / ((n - k + 1) as f64 * odds);
    let step_up = |mass: f64, k: usize| mass * (n - k) as f64 * odds / (k + 1) as f64;
    while held < level {
        let down = if low > 1 { step_down(below, low) } else { 0.0 };
        let up = if high < n - 1 { step_up(above, high) } else { 0.0 };
        if down <= 0.0 && up <= 0.0 {
            break;
        }
        // Equal sides differ in their last digits: then the lower one.
        if down >= up * (1.0 - 1e-12) {
            (low, below, held) = (low - 1, down, held + down);
        } else {
            (high, above, held) = (high + 1, up, held + up);
        }
    }
    Some((low, high + 1))
}
