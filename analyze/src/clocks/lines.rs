//! Straight lines between lower and upper bounds: a linear programme in two variables.

/// No two clocks drift apart faster: each of them may be slewed by at most 500 ppm.
pub(super) const DRIFT_MAX: f64 = 1000e-6;

/// Points of a hull that are looked at; of a larger one every so manieth, which widens the bounds.
const POINTS_MAX: usize = 200;

/// Bounds of an offset (milliseconds) at times (milliseconds).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lines {
    pub(super) lows: Vec<(f64, f64)>,
    pub(super) highs: Vec<(f64, f64)>,
    /// Greatest slope that is taken for possible, either way.
    pub(super) drift_max: f64,
}

/// What a bound says about the slope, given the value `v` at some time: `at_zero + per_value * v`.
#[derive(Clone, Copy)]
struct Limit {
    at_zero: f64,
    per_value: f64,
}

impl Lines {
    /// With a limited number of bounds of each kind.
    pub(super) fn new(lows: Vec<(f64, f64)>, highs: Vec<(f64, f64)>, drift_max: f64) -> Self {
        Self { lows: thinned(lows), highs: thinned(highs), drift_max }
    }

    /// The same bounds, wider by so many milliseconds on both sides.
    pub(super) fn widened(&self, ms: f64) -> Self {
        let moved = |points: &[(f64, f64)], ms: f64| points.iter().map(|(at, value)| (*at, value + ms)).collect();
        Self { lows: moved(&self.lows, -ms), highs: moved(&self.highs, ms), drift_max: self.drift_max }
    }

    /// Least and greatest value at a time of any line between the bounds; the least exceeds the greatest where there is no
    /// such line.
    pub(super) fn values(&self, at_ms: f64) -> (f64, f64) {
        let mut least = f64::NEG_INFINITY;
        let mut greatest = f64::INFINITY;
        // Slopes from below and from above.
        let mut over = vec![Limit { at_zero: -self.drift_max, per_value: 0.0 }];
        let mut under = vec![Limit { at_zero: self.drift_max, per_value: 0.0 }];
        for (time, value) in &self.lows {
            let later_ms = time - at_ms;
            let limit = Limit { at_zero: value / later_ms, per_value: -1.0 / later_ms };
            if later_ms > 0.0 {
                over.push(limit);
            } else if later_ms < 0.0 {
                under.push(limit);
            } else {
                least = least.max(*value);
            }
        }
        for (time, value) in &self.highs {
            let later_ms = time - at_ms;
            let limit = Limit { at_zero: value / later_ms, per_value: -1.0 / later_ms };
            if later_ms > 0.0 {
                under.push(limit);
            } else if later_ms < 0.0 {
                over.push(limit);
            } else {
                greatest = greatest.min(*value);
            }
        }
        for low in &over {
            for high in &under {
                let (per_value, rest) = (low.per_value - high.per_value, high.at_zero - low.at_zero);
                if per_value > 0.0 {
                    greatest = greatest.min(rest / per_value);
                } else if per_value < 0.0 {
                    least = least.max(rest / per_value);
                } else if rest < 0.0 {
                    return (f64::INFINITY, f64::NEG_INFINITY);
                }
            }
        }
        (least, greatest)
    }

    /// Least and greatest slope of any line between the bounds, at most the greatest drift.
    pub(super) fn slopes(&self) -> (f64, f64) {
        let (mut least, mut greatest) = (-self.drift_max, self.drift_max);
        for (low_at, low) in &self.lows {
            for (high_at, high) in &self.highs {
                let slope = (high - low) / (high_at - low_at);
                if high_at > low_at {
                    greatest = greatest.min(slope);
                } else if high_at < low_at {
                    least = least.max(slope);
                }
            }
        }
        (least, greatest)
    }

    /// By how much the bounds have to be widened for a line to fit between them; 0 where one does.
    pub(super) fn contradiction_ms(&self) -> f64 {
        let middle = |points: &[(f64, f64)]| points.first().map(|point| point.0);
        let Some(at_ms) = middle(&self.lows).or(middle(&self.highs)) else { return 0.0 };
        let fits = |ms: f64| {
            let (least, greatest) = self.widened(ms).values(at_ms);
            least <= greatest
        };
        if fits(0.0) {
            return 0.0;
        }
        let highest = self.lows.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
        let lowest = self.highs.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
        // Widened by this, a constant fits.
        let (mut too_little, mut enough) = (0.0, (highest - lowest).max(0.0).mul_add(0.5, 1e-6));
        for _ in 0..60 {
            let middle = f64::midpoint(too_little, enough);
            if fits(middle) {
                enough = middle;
            } else {
                too_little = middle;
            }
        }
        enough
    }

    /// Whether a line that is `value` at `at_ms` with a slope goes between the bounds.
    pub(super) fn admit(&self, at_ms: f64, value: f64, slope: f64) -> bool {
        let at = |time: f64| value + slope * (time - at_ms);
        self.lows.iter().all(|(time, low)| at(*time) >= *low)
            && self.highs.iter().all(|(time, high)| at(*time) <= *high)
    }
}

fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    if every == 1 { points } else { points.into_iter().step_by(every).collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_widen_away_from_the_calls_by_the_drifts_that_they_allow() {
        // One call: the offset is in [-1, 3] at 0 and at 10 ms; a line may rise or fall by 1000 ppm.
        let lines = Lines::new(vec![(0.0, -1.0)], vec![(0.0, 3.0)], DRIFT_MAX);
        for (at_ms, low, high) in [(0.0, -1.0, 3.0), (1000.0, -2.0, 4.0), (-500.0, -1.5, 3.5)] {
            let (least, greatest) = lines.values(at_ms);
            assert!((least - low).abs() < 1e-9 && (greatest - high).abs() < 1e-9, "{at_ms}: {least} {greatest}");
        }
        assert!(lines.slopes() == (-DRIFT_MAX, DRIFT_MAX));
    }

    #[test]
    fn two_calls_fix_the_drift_that_they_allow() {
        // [0, 1] at 0 and [10, 11] at 20 s: slopes from 9/20,000 to 11/20,000.
        let lines = Lines::new(vec![(0.0, 0.0), (20_000.0, 10.0)], vec![(0.0, 1.0), (20_000.0, 11.0)], DRIFT_MAX);
        let (least, greatest) = lines.slopes();
        assert!((least - 450e-6).abs() < 1e-12 && (greatest - 550e-6).abs() < 1e-12);
        let (low, high) = lines.values(10_000.0);
        assert!((low - 5.0).abs() < 1e-9 && (high - 6.0).abs() < 1e-9);
        let (low, high) = lines.values(40_000.0);
        assert!((low - 19.0).abs() < 1e-9 && (high - 22.0).abs() < 1e-9);
        assert!(lines.contradiction_ms() == 0.0);
    }

    #[test]
    fn bounds_without_a_line_between_them_say_by_how_much_they_contradict_each_other() {
        let lines = Lines::new(vec![(0.0, 5.0)], vec![(0.0, 1.0)], DRIFT_MAX);
        let (least, greatest) = lines.values(0.0);
        assert!(least > greatest);
        assert!((lines.contradiction_ms() - 2.0).abs() < 1e-6);
        let widened = lines.widened(lines.contradiction_ms());
        assert!((widened.values(0.0).0 - 3.0).abs() < 1e-5);
    }

    proptest! {
        #[test]
        fn a_true_line_is_inside_the_bounds_at_every_time(
            offset in -1e3_f64..1e3,
            drift in -500e-6_f64..500e-6,
            calls in prop::collection::vec((0.0_f64..60_000.0, 0.0_f64..20.0, 0.0_f64..20.0), 1..40),
            at_ms in -10_000.0_f64..70_000.0,
        ) {
            let truth = |at_ms: f64| offset + drift * at_ms;
            let lows = calls.iter().map(|(at, request, _)| (*at, truth(*at) - request)).collect();
            let highs = calls.iter().map(|(at, _, response)| (*at, truth(*at) + response)).collect();
            let lines = Lines::new(lows, highs, DRIFT_MAX);
            let (low, high) = lines.values(at_ms);
            prop_assert!(low <= truth(at_ms) + 1e-6 && truth(at_ms) <= high + 1e-6, "{} {} {}", low, truth(at_ms), high);
            let (least, greatest) = lines.slopes();
            prop_assert!(least <= drift + 1e-9 && drift <= greatest + 1e-9);
            prop_assert!(lines.widened(1e-6).admit(0.0, offset, drift));
        }
    }
}
