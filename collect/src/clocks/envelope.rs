//! The upper envelope of the bounds of a time origin: the lowest straight line above all of them.

/// The greatest lower bound of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// When it was read, monotonic.
    pub(super) at_ms: f64,
    /// The bound, milliseconds since some fixed instant.
    pub(super) bound_ms: f64,
    /// Lines at phases of their own in the stretch: how far the origin may lie above the bound.
    pub(super) phases: f64,
}

/// A time origin that moves steadily: `value_ms` at `at_ms`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) at_ms: f64,
    pub(super) value_ms: f64,
    /// Milliseconds a millisecond.
    pub(super) slope: f64,
}

impl Line {
    pub(super) fn at(&self, at_ms: f64) -> f64 {
        self.value_ms + self.slope * (at_ms - self.at_ms)
    }

    /// How badly it explains points under it: minus the log-likelihood, but for a constant.
    ///
    /// The greatest bound of n lines at random phases lies below the origin by an exponentially distributed time of
    /// mean 1/n ms. That all n lines were held up between their two readings, by however long, is also possible, at
    /// [`HELD_UP`] each.
    pub(super) fn misfit(&self, points: &[Point]) -> f64 {
        let of = |point: &Point| point.phases * (self.at(point.at_ms) - point.bound_ms).clamp(0.0, HELD_UP);
        points.iter().map(of).sum()
    }
}

/// Minus the log-probability that a line was held up between its two clock readings: 1 in 150, on a busy machine.
const HELD_UP: f64 = 5.0;

/// The constant above all points; `None` without points.
pub(super) fn level(points: &[Point]) -> Option<Line> {
    let first = points.first()?;
    let value_ms = points.iter().map(|point| point.bound_ms).fold(f64::NEG_INFINITY, f64::max);
    Some(Line { at_ms: first.at_ms, value_ms, slope: 0.0 })
}

/// The line above all points (in order of time) with the least weighted sum of distances to them: the linear programme
/// of S. B. Moon, P. Skelly, D. Towsley, "Estimation and removal of clock skew from network delay measurements", 1999.
///
/// Its solution is the edge of the upper convex hull over the points' weighted mean time. `None` with fewer than two
/// points, or where all of them are of one moment.
pub(super) fn steepened(points: &[Point]) -> Option<Line> {
    let hull = upper_hull(points);
    let mean_ms = mean_time(points)?;
    let edge = hull.windows(2).find(|edge| edge[1].at_ms >= mean_ms)?;
    let [from, to] = [edge[0], edge[1]];
    let slope = (to.bound_ms - from.bound_ms) / (to.at_ms - from.at_ms);
    slope.is_finite().then_some(Line { at_ms: from.at_ms, value_ms: from.bound_ms, slope })
}

fn mean_time(points: &[Point]) -> Option<f64> {
    let weight: f64 = points.iter().map(|point| point.phases).sum();
    let sum: f64 = points.iter().map(|point| point.phases * point.at_ms).sum();
    (weight > 0.0).then(|| sum / weight)
}

/// The upper convex hull of points in order of time (A. M. Andrew, "Another efficient algorithm for convex hulls in two
/// dimensions", 1979).
fn upper_hull(points: &[Point]) -> Vec<Point> {
    let mut hull: Vec<Point> = Vec::with_capacity(points.len());
    for point in points {
        while let [.., a, b] = hull[..] {
            let turn = (b.at_ms - a.at_ms) * (point.bound_ms - a.bound_ms)
                - (b.bound_ms - a.bound_ms) * (point.at_ms - a.at_ms);
            if turn < 0.0 {
                break;
            }
            hull.pop();
        }
        hull.push(*point);
    }
    hull
}

/// Every line that explains the points about as well as the best one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plausible {
    /// All of them pass below this value at this time.
    mean_ms: f64,
    highest_ms: f64,
    /// Their slopes.
    pub(super) slopes: (f64, f64),
}

impl Plausible {
    /// The lines above all points whose misfit exceeds that of the best by at most `more`: a convex set, whose extremes
    /// at the ends of the points go through its highest value at their mean time.
    pub(super) fn around(best: &Line, points: &[Point], more: f64) -> Option<Self> {
        let weight: f64 = points.iter().map(|point| point.phases).sum();
        let mean_ms = mean_time(points)?;
        let highest_ms = best.at(mean_ms) + more / weight;
        let slope = |point: &Point| (point.bound_ms - highest_ms) / (point.at_ms - mean_ms);
        let before = points.iter().filter(|point| point.at_ms < mean_ms).map(slope);
        let after = points.iter().filter(|point| point.at_ms > mean_ms).map(slope);
        let slopes = (after.fold(f64::NEG_INFINITY, f64::max), before.fold(f64::INFINITY, f64::min));
        (slopes.0.is_finite() && slopes.1.is_finite()).then_some(Self { mean_ms, highest_ms, slopes })
    }

    /// Least and greatest value at a time, which is at an end of the points or beyond.
    pub(super) fn values(&self, at_ms: f64) -> (f64, f64) {
        let later_ms = at_ms - self.mean_ms;
        let (a, b) = (self.highest_ms + self.slopes.0 * later_ms, self.highest_ms + self.slopes.1 * later_ms);
        (a.min(b), a.max(b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<Point> {
        values.iter().map(|&(at_ms, bound_ms)| Point { at_ms, bound_ms, phases: 10.0 }).collect()
    }

    #[test]
    fn the_steepened_line_touches_two_points_and_is_below_none() {
        // The upper hull goes over 0, 20 and 30; the mean time is 15.
        let points = points(&[(0.0, 1.0), (10.0, 1.5), (20.0, 3.0), (30.0, 3.5)]);
        let line = steepened(&points).expect("points at four times");
        assert!((line.slope - 0.1).abs() < 1e-12, "{line:?}");
        assert!((line.at(20.0) - 3.0).abs() < 1e-12 && (line.at(0.0) - 1.0).abs() < 1e-12);
        // 10 * (0 + 0.5 + 0 + 0.5)
        assert!((line.misfit(&points) - 10.0).abs() < 1e-9);
        let level = level(&points).expect("points");
        assert!((level.misfit(&points) - 10.0 * (2.5 + 2.0 + 0.5)).abs() < 1e-9);
    }

    #[test]
    fn plausible_lines_contain_the_best_one_and_widen_to_the_ends() {
        let points = points(&[(0.0, 1.0), (10.0, 1.5), (20.0, 3.0), (30.0, 3.5)]);
        let best = steepened(&points).expect("points at four times");
        let plausible = Plausible::around(&best, &points, 9.0).expect("points on both sides of the mean");
        for at_ms in [0.0, 30.0] {
            let (low, high) = plausible.values(at_ms);
            assert!(low <= best.at(at_ms) && best.at(at_ms) <= high);
        }
        assert!(plausible.slopes.0 <= best.slope && best.slope <= plausible.slopes.1);
    }

    #[test]
    fn points_of_one_moment_have_no_slope() {
        assert_eq!(steepened(&points(&[(5.0, 1.0)])), None);
        assert_eq!(steepened(&points(&[(5.0, 1.0), (5.0, 2.0)])), None);
        assert_eq!(level(&[]), None);
    }
}
