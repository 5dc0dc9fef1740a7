//! Offsets between the clocks of a run.

use std::collections::BTreeMap;

use faaslens_schemas::tables::ClockOffset;
use faaslens_schemas::time::Timestamp;

use super::align::{Align, Choice, Shift, Straight, Task};
use super::closure::Closure;
use super::evidence::Evidence;
use super::lines::{DRIFT_MAX, Lines};
use crate::facts::Facts;

/// Instants at which bounds are given: begin and end of the run, and evenly in between.
const INSTANTS: usize = 5;

/// Bounds wider than so many of the shortest round trips are worth a warning.
const WIDE: f64 = 2.0;

/// The load generator's name among providers.
const CLIENT: &str = "client";

/// What the calls of a run say about the offsets between its clocks, and the shifts that align them.
#[derive(Debug, Clone)]
pub struct Offsets {
    /// The load generator first, then the providers by name.
    clocks: Vec<String>,
    from_us: i64,
    /// Half the length of the run.
    half_ms: f64,
    /// By places of two clocks, the smaller first.
    pairs: BTreeMap<(usize, usize), Pair>,
    /// Closed bounds at each instant.
    closures: Vec<Closure>,
    /// The same, about the estimates.
    centred: Vec<Closure>,
    /// Whether bounds contradict each other around a circle of clocks.
    circle: bool,
    /// Anchor that was asked for and is no clock of the run.
    missing_anchor: Option<String>,
    shifts: Vec<Option<Straight>>,
}

/// Calls between two clocks, in both directions.
#[derive(Debug, Clone)]
struct Pair {
    /// Bounds of the offset to be added to the second clock, milliseconds over milliseconds since the begin of the run;
    /// widened by the contradiction.
    lines: Lines,
    contradiction_ms: f64,
    calls: u64,
    round_trip_ms: Option<f64>,
    /// Width of the bounds when the shortest round trip began.
    round_trip_width_ms: Option<f64>,
    /// Bounds of either direction alone: the second is the callee, the first is.
    directions: [Option<Lines>; 2],
}

impl Offsets {
    /// From the facts of a whole run. A run of one clock has no offsets; without invocations it has no clocks.
    pub fn of(facts: &Facts, choice: &Choice) -> Self {
        let clocks = clocks_of(facts);
        let (from_us, until_us) = span_of(facts);
        let pairs = pairs_of(facts, &clocks, from_us, choice.max_drift_ppm.abs() * 1e-6);
        let mut offsets = Self {
            shifts: vec![None; clocks.len()],
            clocks,
            from_us,
            half_ms: until_us.saturating_sub(from_us) as f64 / 2000.0,
            pairs,
            closures: Vec::new(),
            centred: Vec::new(),
            circle: false,
            missing_anchor: None,
        };
        offsets.close(choice.request_share);
        offsets.align(&choice.align);
        offsets
    }

    /// Milliseconds since the begin of the run of each instant.
    fn instants_ms(&self) -> impl Iterator<Item = f64> {
        (0..INSTANTS).map(|k| self.half_ms * 2.0 * k as f64 / (INSTANTS - 1) as f64)
    }

    /// Closes the bounds at each instant, as they are and about the estimates.
    fn close(&mut self, request_share: f64) {
        for at_ms in self.instants_ms().collect::<Vec<_>>() {
            let direct = |narrow: f64| {
                let mut closure = Closure::new(self.clocks.len());
                for (&(i, j), pair) in &self.pairs {
                    let (low, high) = pair.bounds(at_ms, request_share, narrow);
                    closure.bound(i, j, low, high);
                }
                closure
            };
            let closed = |narrow: f64| {
                let mut closure = direct(narrow);
                closure.close().then_some(closure)
            };
            let whole = closed(0.0);
            self.circle |= whole.is_none();
            let whole = whole.unwrap_or_else(|| direct(0.0));
            // As narrow about the estimates as the pairs allow together.
            let narrow = [1.0, 0.75, 0.5, 0.25].into_iter().filter(|_| !is_even(request_share));
            let centred = narrow.into_iter().find_map(closed);
            self.centred.push(centred.unwrap_or_else(|| whole.clone()));
            self.closures.push(whole);
        }
    }

    fn align(&mut self, align: &Align) {
        let clocks = self.clocks.len();
        let fixed = match align {
            Align::Keep => vec![true; clocks],
            Align::Violating => self.unviolated(),
            Align::Midpoint => (0..clocks).map(|clock| Some(clock) == self.busiest()).collect(),
            Align::Anchor(provider) => {
                let anchor = self.clocks.iter().position(|clock| clock == provider);
                self.missing_anchor = anchor.is_none().then(|| provider.clone());
                (0..clocks).map(|clock| anchor.is_none_or(|anchor| anchor == clock)).collect()
            }
        };
        if self.circle || fixed.iter().all(|fixed| *fixed) {
            return;
        }
        let half_ms = self.half_ms.max(1e-3);
        let relative = |points: &[(f64, f64)]| points.iter().map(|(at, value)| (at / half_ms - 1.0, *value)).collect();
        let relative = |pair: &Pair| Lines {
            lows: relative(&pair.lines.lows),
            highs: relative(&pair.lines.highs),
            drift_max: f64::INFINITY,
        };
        let times: Vec<f64> = self.instants_ms().map(|at_ms| at_ms / half_ms - 1.0).collect();
        let task = Task {
            pairs: self.pairs.iter().map(|(key, pair)| (*key, relative(pair))).collect(),
            closures: &self.centred,
            times: &times,
            fixed,
        };
        self.shifts = task.solve();
    }

    /// The clock that stays when all others are moved: the load generator's, else the one with the most calls.
    fn busiest(&self) -> Option<usize> {
        self.by_calls().into_iter().next()
    }

    /// Clocks in the order in which they are believed: the load generator's, then by number of calls.
    fn by_calls(&self) -> Vec<usize> {
        let calls = |clock: usize| -> u64 {
            let own = self.pairs.iter().filter(|((i, j), _)| *i == clock || *j == clock);
            own.map(|(_, pair)| pair.calls).sum()
        };
        let mut order: Vec<usize> = (0..self.clocks.len()).collect();
        order.sort_by_key(|clock| (self.clocks[*clock] != CLIENT, std::cmp::Reverse(calls(*clock)), *clock));
        order
    }

    /// Which clocks agree as they are: each, in order of trust, with all before it that agree.
    fn unviolated(&self) -> Vec<bool> {
        let mut agreed: Vec<usize> = Vec::new();
        for clock in self.by_calls() {
            if agreed.iter().all(|other| self.agree(*other, clock)) {
                agreed.push(clock);
            }
        }
        (0..self.clocks.len()).map(|clock| agreed.contains(&clock)).collect()
    }

    fn agree(&self, a: usize, b: usize) -> bool {
        let (i, j) = (a.min(b), a.max(b));
        let direct = self.pairs.get(&(i, j)).is_none_or(|pair| pair.lines.admit(0.0, 0.0, 0.0));
        let inside = |closure: &Closure| {
            let (low, high) = closure.bounds(i, j);
            low <= 0.0 && 0.0 <= high
        };
        direct && self.closures.iter().all(inside)
    }

    /// The shifts by provider; providers that are not shifted are not among them.
    pub fn shifts(&self) -> BTreeMap<String, Shift> {
        let half_ms = self.half_ms.max(1e-3);
        let shift = |line: &Straight| Shift {
            at_us: Timestamp::from_micros(self.from_us).plus_ms(half_ms).micros(),
            ms: line.middle,
            drift_ppm: line.rise / half_ms * 1e6,
        };
        let shifted = self.clocks.iter().zip(&self.shifts);
        shifted.filter_map(|(clock, line)| Some((clock.clone(), shift(line.as_ref()?)))).collect()
    }

    /// What the shifts add to the offset between two clocks at an instant.
    fn applied_ms(&self, i: usize, j: usize, instant: usize) -> f64 {
        let time = 2.0 * instant as f64 / (INSTANTS - 1) as f64 - 1.0;
        let of = |clock: usize| self.shifts[clock].map_or(0.0, |line| line.middle + line.rise * time);
        of(j) - of(i)
    }

    /// By how much a one-way time from one provider's clock to another's may be wrong because of their offset, as aligned;
    /// 0 for one clock, `None` where nothing bounds it.
    pub fn uncertainty_ms(&self, from: &str, to: &str) -> Option<f64> {
        if from == to {
            return Some(0.0);
        }
        let place = |name: &str| self.clocks.iter().position(|clock| clock == name);
        let (i, j) = (place(from)?, place(to)?);
        let widest = self.closures.iter().enumerate().map(|(instant, closure)| {
            let (low, high) = closure.bounds(i, j);
            let applied = self.applied_ms(i, j, instant);
            (low - applied).abs().max((high - applied).abs())
        });
        widest.reduce(f64::max).filter(|uncertainty| uncertainty.is_finite())
    }

    /// Rows of `clock_offsets`: each pair of clocks at each instant.
    pub fn rows(&self) -> Vec<ClockOffset> {
        let clocks = self.clocks.len();
        let pairs = (0..clocks).flat_map(|i| (i + 1..clocks).map(move |j| (i, j)));
        pairs.flat_map(|pair| (0..INSTANTS).map(move |instant| (pair, instant))).map(|(p, k)| self.row(p, k)).collect()
    }

    fn row(&self, (i, j): (usize, usize), instant: usize) -> ClockOffset {
        let at_ms = self.half_ms * 2.0 * instant as f64 / (INSTANTS - 1) as f64;
        let closure = &self.closures[instant];
        let known = |bounds: (f64, f64)| Some(bounds).filter(|(low, high)| low.is_finite() && high.is_finite());
        let bounds = known(closure.bounds(i, j));
        let estimate = known(self.centred[instant].bounds(i, j));
        let pair = self.pairs.get(&(i, j));
        let drifts = pair.map(|pair| pair.lines.slopes());
        let shifted = self.shifts[i].is_some() || self.shifts[j].is_some();
        ClockOffset {
            provider_a: self.clocks[i].as_str().into(),
            provider_b: self.clocks[j].as_str().into(),
            at: Timestamp::from_micros(self.from_us).plus_ms(at_ms),
            low_ms: bounds.map(|(low, _)| low),
            high_ms: bounds.map(|(_, high)| high),
            width_ms: bounds.map(|(low, high)| high - low),
            estimate_ms: estimate.map(|(low, high)| f64::midpoint(low, high)),
            shift_ms: shifted.then(|| self.applied_ms(i, j, instant)),
            drift_low_ppm: drifts.map(|(low, _)| low * 1e6),
            drift_high_ppm: drifts.map(|(_, high)| high * 1e6),
            calls: pair.map_or(0, |pair| pair.calls.cast_signed()),
            round_trip_ms: pair.and_then(|pair| pair.round_trip_ms),
            round_trip_width_ms: pair.and_then(|pair| pair.round_trip_width_ms),
            through: closure.through(i, j).map(|clock| self.clocks[clock].as_str().into()),
            contradiction_ms: pair.map(|pair| pair.contradiction_ms).filter(|ms| *ms > 0.0),
        }
    }

    /// What a reader of the results has to know, a sentence each: contradictions, wide bounds, shifted clocks.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (&(i, j), pair) in &self.pairs {
            let (a, b) = (&self.clocks[i], &self.clocks[j]);
            if pair.contradiction_ms > 0.0 {
                warnings.push(format!(
                    "calls between {a} and {b} contradict each other by {:.3} ms: their clocks do not drift apart evenly; the bounds are widened by it",
                    pair.contradiction_ms
                ));
            }
            let widths = self.closures.iter().map(|closure| closure.bounds(i, j)).map(|(low, high)| high - low);
            let widest = widths.fold(0.0, f64::max);
            if pair.round_trip_ms.is_some_and(|round_trip| widest > WIDE * round_trip + 2.0 * pair.contradiction_ms) {
                warnings.push(format!(
                    "the offset between the clocks of {a} and {b} is known to {widest:.1} ms only: few calls between them, or at few times"
                ));
            }
        }
        if self.circle {
            warnings.push("the bounds of three or more clocks contradict each other: no clock is shifted".to_owned());
        }
        if let Some(anchor) = &self.missing_anchor {
            warnings.push(format!("no clock of {anchor:?} among {}: no clock is shifted", self.clocks.join(", ")));
        }
        let shifted: Vec<&str> = self
            .clocks
            .iter()
            .zip(&self.shifts)
            .filter(|(_, shift)| shift.is_some())
            .map(|(clock, _)| clock.as_str())
            .collect();
        if !shifted.is_empty() {
            warnings.push(format!(
                "the clocks of {} are shifted to the middle of their bounds (table clock_offsets); --align-clocks none leaves them",
                shifted.join(", ")
            ));
        }
        warnings
    }
}

impl Pair {
    /// Bounds at a time, narrowed to be about the estimate: wholly with 1, not at all with 0.
    fn bounds(&self, at_ms: f64, request_share: f64, narrow: f64) -> (f64, f64) {
        let (low, high) = self.lines.values(at_ms);
        let Some(estimate) = self.estimate(at_ms, request_share).filter(|_| narrow > 0.0) else { return (low, high) };
        let estimate = estimate.clamp(low, high);
        let half = (estimate - low).min(high - estimate);
        (low + narrow * (estimate - half - low), high - narrow * (high - estimate - half))
    }

    /// The offset at which requests take their share of the round trip: of both directions, the narrower one counts more.
    /// `None` where the midpoint is the estimate.
    fn estimate(&self, at_ms: f64, request_share: f64) -> Option<f64> {
        if is_even(request_share) {
            return None;
        }
        // The lower bound is short of the truth by a request where the second clock is the callee's, by a response else.
        let shares = [request_share, 1.0 - request_share];
        let (mut sum, mut weights) = (0.0, 0.0);
        for (lines, share) in self.directions.iter().zip(shares) {
            let Some(lines) = lines else { continue };
            let (low, high) = lines.values(at_ms);
            let width = (high - low).max(1e-6);
            sum += (low + share * width) / width;
            weights += 1.0 / width;
        }
        let estimate = sum / weights;
        estimate.is_finite().then_some(estimate)
    }
}

/// Whether the midpoint is the estimate.
fn is_even(request_share: f64) -> bool {
    (request_share - 0.5).abs() < 1e-9
}

/// Every clock with an invocation or a call: the load generator's first, then by name.
fn clocks_of(facts: &Facts) -> Vec<String> {
    let of_calls = facts.clocks.keys().flat_map(|(caller, callee)| [*caller, *callee]);
    let mut names: Vec<_> = facts.invocations.iter().map(|fact| fact.provider).chain(of_calls).collect();
    names.sort_unstable();
    names.dedup();
    let mut clocks: Vec<String> = names.into_iter().map(|name| facts.names.text(name).to_owned()).collect();
    clocks.sort_by(|a, b| (a != CLIENT, a).cmp(&(b != CLIENT, b)));
    clocks
}

/// From the first start to the last end of any invocation, microseconds since the Unix epoch.
fn span_of(facts: &Facts) -> (i64, i64) {
    let starts = facts.invocations.iter().map(|fact| fact.start.micros());
    let ends = facts.invocations.iter().map(|fact| fact.start.plus_ms(fact.duration_ms.unwrap_or(0.0)).micros());
    let calls = facts.clocks.values().flat_map(|evidence| evidence.lows().into_iter().chain(evidence.highs()));
    let (mut from, mut until) = (i64::MAX, i64::MIN);
    for at_us in starts.chain(ends).chain(calls.map(|(at_us, _)| at_us)) {
        (from, until) = (from.min(at_us), until.max(at_us));
    }
    if from > until { (0, 0) } else { (from, until) }
}

fn pairs_of(facts: &Facts, clocks: &[String], from_us: i64, drift_max: f64) -> BTreeMap<(usize, usize), Pair> {
    let place = |name: &str| clocks.iter().position(|clock| clock == name);
    let mut directed: BTreeMap<(usize, usize), [Option<&Evidence>; 2]> = BTreeMap::new();
    for ((caller, callee), evidence) in &facts.clocks {
        let places = place(facts.names.text(*caller)).zip(place(facts.names.text(*callee)));
        let Some((caller, callee)) = places.filter(|(caller, callee)| caller != callee) else { continue };
        let way = usize::from(caller > callee);
        directed.entry((caller.min(callee), caller.max(callee))).or_default()[way] = Some(evidence);
    }
    directed.into_iter().map(|(key, directions)| (key, pair(directions, from_us, drift_max))).collect()
}

fn pair(evidence: [Option<&Evidence>; 2], from_us: i64, drift_max: f64) -> Pair {
    let since_ms = |at_us: i64| at_us.saturating_sub(from_us) as f64 / 1000.0;
    let ms = |points: Vec<(i64, i64)>, sign: f64| -> Vec<(f64, f64)> {
        points.into_iter().map(|(at_us, us)| (since_ms(at_us), sign * us as f64 / 1000.0)).collect()
    };
    // Seen from the first clock, the bounds of calls to it change places and signs.
    let forth = evidence[0].map(|calls| Lines::new(ms(calls.lows(), 1.0), ms(calls.highs(), 1.0), drift_max));
    let back = evidence[1].map(|calls| Lines::new(ms(calls.highs(), -1.0), ms(calls.lows(), -1.0), drift_max));
    let mut both = Lines::new(Vec::new(), Vec::new(), drift_max);
    for lines in [&forth, &back].into_iter().flatten() {
        both.lows.extend(&lines.lows);
        both.highs.extend(&lines.highs);
    }
    let mut contradiction_ms = both.contradiction_ms();
    if contradiction_ms > 0.0 && drift_max < DRIFT_MAX {
        both.drift_max = DRIFT_MAX;
        contradiction_ms = both.contradiction_ms();
    }
    let lines = if contradiction_ms > 0.0 { both.widened(contradiction_ms) } else { both };
    let all = evidence.into_iter().flatten();
    let round_trip = all.clone().filter_map(Evidence::round_trip).min();
    let width = |at_us: i64| {
        let (low, high) = lines.values(since_ms(at_us));
        high - low
    };
    Pair {
        round_trip_ms: round_trip.map(|(us, _)| us as f64 / 1000.0),
        round_trip_width_ms: round_trip.map(|(_, at_us)| width(at_us)),
        contradiction_ms,
        calls: all.map(Evidence::calls).sum(),
        lines,
        directions: [forth, back],
    }
}
