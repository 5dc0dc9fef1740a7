//! Shifts of clocks that put callees inside their calls.

use std::fmt;
use std::str::FromStr;

use super::closure::Closure;
use super::lines::Lines;

/// Steps of the relaxation, at most.
const STEPS_MAX: usize = 20_000;

/// Share of the room between its bounds that a shift keeps from either of them, where it can.
const MARGIN: f64 = 0.05;

/// Which clocks are shifted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Align {
    /// Those alone that put a callee before its caller's start or after its end, to the middle of their bounds.
    #[default]
    Violating,
    /// All but one (the load generator's, else that of the provider with the most calls), to the middle of their bounds.
    Midpoint,
    /// All but that of a provider, to the middle of their bounds.
    Anchor(String),
    /// None.
    Keep,
}

impl FromStr for Align {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "violating" => Ok(Self::Violating),
            "midpoint" => Ok(Self::Midpoint),
            "none" => Ok(Self::Keep),
            _ => match text.strip_prefix("anchor=") {
                Some(provider) if !provider.is_empty() => Ok(Self::Anchor(provider.to_owned())),
                _ => Err("expected violating, midpoint, none or anchor=PROVIDER".to_owned()),
            },
        }
    }
}

impl fmt::Display for Align {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violating => f.write_str("violating"),
            Self::Midpoint => f.write_str("midpoint"),
            Self::Anchor(provider) => write!(f, "anchor={provider}"),
            Self::Keep => f.write_str("none"),
        }
    }
}

/// How clocks are to be aligned.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Which clocks are shifted.
    pub align: Align,
    /// Share of a network round trip that the request takes, above 0 and below 1: 0.5 where both ways take equally long,
    /// 0.75 where a connection is opened for each call. Estimates lie at this share between their bounds.
    pub request_share: f64,
    /// How fast two clocks may drift apart; where calls contradict that, 1000 ppm are allowed.
    pub max_drift_ppm: f64,
}

impl Default for Choice {
    fn default() -> Self {
        Self { align: Align::default(), request_share: 0.5, max_drift_ppm: 100.0 }
    }
}

/// What is added to a clock: a straight line of its own time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Instant at which `ms` holds, microseconds since the Unix epoch.
    pub at_us: i64,
    /// What is added at that instant.
    pub ms: f64,
    /// How it changes.
    pub drift_ppm: f64,
}

impl Shift {
    /// What is added at an instant, microseconds since the Unix epoch.
    pub fn at(&self, us: i64) -> f64 {
        self.ms + self.drift_ppm * 1e-9 * us.saturating_sub(self.at_us) as f64
    }
}

/// A straight line: value at the middle of the run, and how much it changes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Straight {
    pub(super) middle: f64,
    pub(super) rise: f64,
}

/// Everything that shifts have to satisfy. Times are relative: -1 at the begin of the run, 0 in its middle, 1 at its end.
pub(super) struct Task<'a> {
    /// Bounds of `x_j - x_i` by pair of clocks, over relative time.
    pub(super) pairs: Vec<((usize, usize), Lines)>,
    /// Closed bounds at each of `times`.
    pub(super) closures: &'a [Closure],
    pub(super) times: &'a [f64],
    /// Which clocks stay.
    pub(super) fixed: Vec<bool>,
}

impl Task<'_> {
    /// A shift for each clock that does not stay and that calls connect to one that does: the middle of its bounds, as a
    /// straight line over the run, moved where that is outside of the bounds of any call.
    pub(super) fn solve(&self) -> Vec<Option<Straight>> {
        let clocks = self.fixed.len();
        let Some(anchor) = self.fixed.iter().position(|fixed| *fixed) else { return vec![None; clocks] };
        let tied: Vec<Closure> = self.closures.iter().map(|closure| self.tied(closure, anchor)).collect();
        let mut found: Vec<Option<Straight>> = (0..clocks)
            .map(|clock| {
                let middles: Option<Vec<f64>> =
                    tied.iter().map(|closure| middle(closure.bounds(anchor, clock))).collect();
                middles.filter(|_| !self.fixed[clock]).map(|middles| straight(self.times, &middles))
            })
            .collect();
        self.relax(&mut found);
        found
    }

    /// The closed bounds with the clocks that stay tied together.
    fn tied(&self, closure: &Closure, anchor: usize) -> Closure {
        let mut tied = closure.clone();
        for clock in (0..self.fixed.len()).filter(|clock| self.fixed[*clock]) {
            tied.bound(anchor, clock, 0.0, 0.0);
        }
        tied.close();
        tied
    }

    /// Moves the lines into the bounds of every call, from one violated bound to the next (S. Agmon, "The relaxation
    /// method for linear inequalities", 1954). What no line can satisfy stays violated.
    fn relax(&self, found: &mut [Option<Straight>]) {
        for _ in 0..STEPS_MAX {
            let Some(worst) = self.worst(found) else { return };
            let movable = [worst.clocks.0, worst.clocks.1].map(|clock| found[clock].is_some());
            let sides = movable.iter().filter(|movable| **movable).count() as f64;
            if sides == 0.0 {
                return;
            }
            let step = worst.missing / (sides * (1.0 + worst.time * worst.time));
            for (clock, sign) in [(worst.clocks.0, -1.0), (worst.clocks.1, 1.0)] {
                if let Some(line) = &mut found[clock] {
                    line.middle += sign * step;
                    line.rise += sign * step * worst.time;
                }
            }
        }
    }

    /// The bound that is violated most, of those that a movable clock is under.
    fn worst(&self, found: &[Option<Straight>]) -> Option<Violation> {
        let mut worst: Option<Violation> = None;
        for ((i, j), lines) in &self.pairs {
            if found[*i].is_none() && found[*j].is_none() {
                continue;
            }
            let (a, b) = (found[*i].unwrap_or_default(), found[*j].unwrap_or_default());
            let margin = MARGIN * self.room((*i, *j));
            let difference = |time: f64| (b.middle - a.middle) + (b.rise - a.rise) * time;
            let low = lines.lows.iter().map(|(time, low)| (*time, low + margin - difference(*time), 1.0));
            let high = lines.highs.iter().map(|(time, high)| (*time, difference(*time) - (high - margin), -1.0));
            for (time, missing, sign) in low.chain(high) {
                if missing > 1e-6 && worst.as_ref().is_none_or(|worst| missing > worst.missing.abs()) {
                    worst = Some(Violation { clocks: (*i, *j), time, missing: missing * sign });
                }
            }
        }
        worst
    }

    /// Least width of the bounds of a pair.
    fn room(&self, (i, j): (usize, usize)) -> f64 {
        let width = |closure: &Closure| {
            let (low, high) = closure.bounds(i, j);
            high - low
        };
        self.closures.iter().map(width).fold(f64::INFINITY, f64::min).clamp(0.0, 1e6)
    }
}

/// A bound that lines violate: `x_j - x_i` has to grow by `missing` at a time.
struct Violation {
    clocks: (usize, usize),
    time: f64,
    missing: f64,
}

fn middle((low, high): (f64, f64)) -> Option<f64> {
    (low.is_finite() && high.is_finite()).then(|| f64::midpoint(low, high))
}

/// The line of least squares; times sum up to 0.
fn straight(times: &[f64], values: &[f64]) -> Straight {
    let n = times.len().max(1) as f64;
    let squares: f64 = times.iter().map(|time| time * time).sum();
    let products: f64 = times.iter().zip(values).map(|(time, value)| time * value).sum();
    let rise = if squares > 0.0 { products / squares } else { 0.0 };
    Straight { middle: values.iter().sum::<f64>() / n, rise }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignments_read_as_they_print() {
        for text in ["violating", "midpoint", "none", "anchor=aws"] {
            assert_eq!(text.parse::<Align>().map(|align| align.to_string()), Ok(text.to_owned()));
        }
        assert!("anchor=".parse::<Align>().is_err() && "middle".parse::<Align>().is_err());
    }

    #[test]
    fn a_shift_changes_with_its_clock() {
        let shift = Shift { at_us: 1_000_000, ms: 2.0, drift_ppm: 100.0 };
        // 100 ppm of 10 s are 1 ms.
        assert!((shift.at(11_000_000) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_line_that_leaves_the_bounds_is_moved_into_them() {
        // Wide bounds at the ends, narrow ones off the middle of them at time 0.5.
        let lines = Lines::new(
            vec![(-1.0, 0.0), (0.5, 8.0), (1.0, 0.0)],
            vec![(-1.0, 10.0), (0.5, 9.0), (1.0, 10.0)],
            f64::INFINITY,
        );
        let bounds = [(-1.0, (0.0, 10.0)), (1.0, (0.0, 10.0))];
        let closures: Vec<Closure> = bounds
            .iter()
            .map(|(_, (low, high))| {
                let mut closure = Closure::new(2);
                closure.bound(0, 1, *low, *high);
                closure
            })
            .collect();
        let task = Task {
            pairs: vec![((0, 1), lines.clone())],
            closures: &closures,
            times: &[-1.0, 1.0],
            fixed: vec![true, false],
        };
        let found = task.solve();
        assert_eq!(found[0], None);
        let moved = found[1].expect("the second clock is shifted");
        assert!(lines.admit(0.0, moved.middle, moved.rise), "{moved:?}");
    }
}
