//! The bounds that calls put on an offset, reduced to those that matter.

/// New points that are kept before the hull is made anew.
const FRESH: usize = 512;

/// The upper convex hull of points with whole coordinates: exact, so the order of points and of merging changes nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Hull {
    /// In order of time once settled.
    points: Vec<(i64, i64)>,
    /// Points of the hull when it was last made.
    settled: usize,
}

impl Hull {
    fn add(&mut self, point: (i64, i64)) {
        self.points.push(point);
        if self.points.len() >= 2 * self.settled + FRESH {
            self.settle();
        }
    }

    fn merge(&mut self, other: &Self) {
        for point in &other.points {
            self.add(*point);
        }
    }

    /// Leaves the hull's points only (A. M. Andrew, "Another efficient algorithm for convex hulls in two dimensions",
    /// 1979).
    fn settle(&mut self) {
        self.points.sort_unstable();
        let mut hull: Vec<(i64, i64)> = Vec::with_capacity(self.settled + 2);
        for &point in &self.points {
            while hull.last().is_some_and(|last| last.0 == point.0) {
                hull.pop();
            }
            while let [.., a, b] = hull[..] {
                if turns_down(a, b, point) {
                    break;
                }
                hull.pop();
            }
            hull.push(point);
        }
        self.settled = hull.len();
        self.points = hull;
    }

    /// The hull's points in order of time.
    pub(super) fn points(&self) -> Vec<(i64, i64)> {
        let mut whole = self.clone();
        whole.settle();
        whole.points
    }
}

fn turns_down(a: (i64, i64), b: (i64, i64), c: (i64, i64)) -> bool {
    let wide = |x: i64, y: i64| i128::from(x) - i128::from(y);
    // Coordinates are instants and offsets of at most 2^62 us: their differences' products fit.
    wide(b.0, a.0) * wide(c.1, a.1) < wide(b.1, a.1) * wide(c.0, a.0)
}

/// One synchronous call, as the two clocks have it; microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the unit stands in every name")]
pub(crate) struct SyncCall {
    pub(crate) caller_start_us: i64,
    pub(crate) caller_end_us: i64,
    pub(crate) callee_start_us: i64,
    pub(crate) callee_end_us: i64,
    /// By how much the caller's instants may be too early.
    pub(crate) caller_uncertainty_us: i64,
    /// By how much the callee's instants may be too early.
    pub(crate) callee_uncertainty_us: i64,
}

/// What the calls of one provider to another say about the offset to be added to the callee's clock.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Lower bounds.
    low: Hull,
    /// Upper bounds, negated.
    high: Hull,
    calls: u64,
    /// The shortest network time and the start of its call, the earliest where several are as short.
    round_trip: Option<(i64, i64)>,
}

/// Instants and offsets beyond 70,000 years say nothing.
const LONGEST_US: i64 = 1 << 61;

impl Evidence {
    /// Takes a call that is longer than its callee. Instants that were rounded to microseconds widen its bounds by one.
    pub(crate) fn add(&mut self, call: &SyncCall) {
        let instants = [call.caller_start_us, call.caller_end_us, call.callee_start_us, call.callee_end_us];
        let sure = [call.caller_uncertainty_us, call.callee_uncertainty_us];
        if instants.iter().chain(&sure).any(|us| us.abs() > LONGEST_US / 4) {
            return;
        }
        let low = call.caller_start_us - call.callee_start_us - call.callee_uncertainty_us - 1;
        let high = call.caller_end_us - call.callee_end_us + call.caller_uncertainty_us + 1;
        self.low.add((call.caller_start_us, low));
        self.high.add((call.caller_end_us, -high));
        self.calls += 1;
        let ran_us = call.callee_end_us - call.callee_start_us;
        let round_trip_us = call.caller_end_us - call.caller_start_us - ran_us;
        let round_trip = (round_trip_us, call.caller_start_us);
        self.round_trip = Some(self.round_trip.map_or(round_trip, |known| known.min(round_trip)));
    }

    /// Takes the calls of other parts.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.low.merge(&other.low);
        self.high.merge(&other.high);
        self.calls += other.calls;
        self.round_trip = match (self.round_trip, other.round_trip) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Calls taken.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The shortest network time of any call, a round trip; `None` without calls.
    pub fn round_trip_ms(&self) -> Option<f64> {
        Some(self.round_trip?.0 as f64 / 1000.0)
    }

    /// The shortest network time and the start of its call, microseconds.
    pub(super) fn round_trip(&self) -> Option<(i64, i64)> {
        self.round_trip
    }

    /// Lower bounds that matter: time and offset in microseconds.
    pub(super) fn lows(&self) -> Vec<(i64, i64)> {
        self.low.points()
    }

    /// Upper bounds that matter: time and offset in microseconds.
    pub(super) fn highs(&self) -> Vec<(i64, i64)> {
        self.high.points().into_iter().map(|(at_us, negated_us)| (at_us, -negated_us)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hull_is_above_all_points_and_depends_on_no_order(
            points in prop::collection::vec((-1000_i64..1000, -1000_i64..1000), 1..80),
            cut in 0_usize..80,
        ) {
            let hull = |points: &[(i64, i64)]| {
                let mut hull = Hull::default();
                for point in points {
                    hull.add(*point);
                }
                hull
            };
            let whole = hull(&points).points();
            let (a, b) = points.split_at(cut.min(points.len()));
            let mut merged = hull(b);
            merged.settle();
            merged.merge(&hull(a));
            prop_assert_eq!(&whole, &merged.points());
            prop_assert!(whole.windows(2).all(|two| two[0].0 < two[1].0));
            for (at, value) in points {
                let after = whole.partition_point(|point| point.0 < at);
                let (b, a) = (whole[after], whole[after.saturating_sub(1)]);
                // Left of, or on, the edge from a to b.
                prop_assert!((b.0 - a.0) * (value - a.1) <= (b.1 - a.1) * (at - a.0) || a == b && value <= a.1);
            }
        }
    }

    #[test]
    fn a_call_bounds_the_offset_by_its_two_legs() {
        let mut evidence = Evidence::default();
        // Request 4 ms, callee 10 ms, response 2 ms; the callee's clock is 100 ms ahead.
        evidence.add(&SyncCall {
            caller_start_us: 1_000_000,
            caller_end_us: 1_016_000,
            callee_start_us: 1_104_000,
            callee_end_us: 1_114_000,
            caller_uncertainty_us: 20,
            callee_uncertainty_us: 30,
        });
        assert_eq!(evidence.lows(), [(1_000_000, -104_031)]);
        assert_eq!(evidence.highs(), [(1_016_000, -97_979)]);
        assert_eq!((evidence.calls(), evidence.round_trip_ms()), (1, Some(6.0)));
    }
}
