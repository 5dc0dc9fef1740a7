//! What is kept of an executor's lines: the bounds of its time origin, by time.

/// Most bins of a sketch.
pub(super) const BINS: i64 = 64;

/// Width of a bin before any doubling.
const BASE_MS: f64 = 250.0;

/// 300 years: monotonic readings beyond are not told apart.
const LONGEST_MS: f64 = 1e13;

/// A lower bound of the time origin, and when on the monotonic clock it was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    /// Nanoseconds since the Unix epoch.
    pub(super) origin_ns: i64,
    pub(super) at_ms: f64,
}

impl Bound {
    /// Whether it is the better of two: greater, or as great and earlier.
    fn beats(&self, other: &Self) -> bool {
        self.origin_ns > other.origin_ns || (self.origin_ns == other.origin_ns && self.at_ms < other.at_ms)
    }
}

/// Worse than any bound.
const NO_BOUND: Bound = Bound { origin_ns: i64::MIN, at_ms: f64::INFINITY };

/// The lines of one stretch of the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    index: i64,
    pub(super) lines: u32,
    /// Marks of the milliseconds in which the lines were logged, by hash: lines of one burst share their mark.
    marks: u64,
    pub(super) best: Bound,
    /// [`NO_BOUND`] with one line.
    second: Bound,
    /// The least lower bound.
    pub(super) least_ns: i64,
    /// Monotonic readings of the first and the last line.
    pub(super) first_ms: f64,
    pub(super) last_ms: f64,
}

impl Bin {
    fn of(index: i64, bound: Bound, logged_at_ms: i64) -> Self {
        Self {
            index,
            lines: 1,
            marks: mark(logged_at_ms),
            best: bound,
            second: NO_BOUND,
            least_ns: bound.origin_ns,
            first_ms: bound.at_ms,
            last_ms: bound.at_ms,
        }
    }

    fn take(&mut self, bound: Bound) {
        if bound.beats(&self.best) {
            self.second = self.best;
            self.best = bound;
        } else if bound.beats(&self.second) {
            self.second = bound;
        }
        self.least_ns = self.least_ns.min(bound.origin_ns);
        self.first_ms = self.first_ms.min(bound.at_ms);
        self.last_ms = self.last_ms.max(bound.at_ms);
    }

    fn merge(&mut self, other: &Self) {
        self.lines = self.lines.saturating_add(other.lines);
        self.marks |= other.marks;
        self.take(other.best);
        if let Some(second) = other.second() {
            self.take(second);
        }
        self.least_ns = self.least_ns.min(other.least_ns);
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
    }

    /// The second-best bound, where there is more than one line.
    pub(super) fn second(&self) -> Option<Bound> {
        Some(self.second).filter(|second| second.at_ms.is_finite())
    }

    /// Lines at phases of their own: distinct milliseconds, by linear counting (K.-Y. Whang, B. T. Vander-Zanden,
    /// H. M. Taylor, "A linear-time probabilistic counting algorithm for database applications", 1990); at most the
    /// number of lines, and too few rather than too many where the marks run out.
    pub(super) fn phases(&self) -> f64 {
        const MARKS: f64 = 64.0;
        let free = f64::from(self.marks.count_zeros()).max(1.0);
        (MARKS * (MARKS / free).ln()).clamp(1.0, f64::from(self.lines))
    }
}

/// One of 64 marks, by the golden ratio's multiplicative hash.
fn mark(logged_at_ms: i64) -> u64 {
    1 << (logged_at_ms.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}

/// A mergeable summary of an executor's lines, in bounded memory.
///
/// The monotonic clock is cut into at most 64 bins of a width that is the least power of two times 250 ms for which
/// the lines' span fits. So a sketch depends on the lines alone, not on their order or on which parts they came in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClockSketch {
    /// Bins are this often doubled.
    level: u32,
    /// In order of time, without empty ones.
    bins: Vec<Bin>,
}

impl ClockSketch {
    /// Takes a line: its monotonic reading and its floored wall clock reading, milliseconds since the Unix epoch. A
    /// monotonic reading beyond 300 years counts as 300 years; one that is no number is passed over.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    pub fn observe(&mut self, now_ms: f64, logged_at_ms: i64) {
        if now_ms.is_nan() {
            return;
        }
        let now_ms = now_ms.clamp(-LONGEST_MS, LONGEST_MS);
        let now_ns = (now_ms * 1e6) as i64;
        let origin_ns = logged_at_ms.saturating_mul(1_000_000).saturating_sub(now_ns);
        let base = (now_ms / BASE_MS).floor() as i64;
        let bound = Bound { origin_ns, at_ms: now_ms };
        let index = base >> self.level;
        if let Some(bin) = self.bins.last_mut().filter(|bin| bin.index == index) {
            bin.lines = bin.lines.saturating_add(1);
            bin.marks |= mark(logged_at_ms);
            bin.take(bound);
        } else {
            self.insert(Bin::of(base, bound, logged_at_ms));
        }
    }

    /// Takes the lines of another sketch of the same executor.
    pub fn merge(&mut self, other: &Self) {
        for bin in &other.bins {
            // A bin of the finest level within it: coarser levels of both hold it.
            self.coarsen(other.level);
            self.insert(Bin { index: bin.index << other.level, ..*bin });
        }
    }

    /// Bins in order of time, none of them empty.
    pub(super) fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// Puts a bin whose index is of the finest level in its place.
    fn insert(&mut self, bin: Bin) {
        let base = bin.index;
        let (first, last) = match (self.bins.first(), self.bins.last()) {
            (Some(first), Some(last)) => (first.index, last.index),
            _ => (base >> self.level, base >> self.level),
        };
        let mut level = self.level;
        let width = |level: u32| {
            let (index, doubled) = (base >> level, level - self.level);
            (last >> doubled).max(index) - (first >> doubled).min(index)
        };
        while width(level) >= BINS {
            level += 1;
        }
        self.coarsen(level);
        let bin = Bin { index: base >> self.level, ..bin };
        match self.bins.binary_search_by_key(&bin.index, |bin| bin.index) {
            Ok(place) => self.bins[place].merge(&bin),
            Err(place) => {
                if self.bins.len() == self.bins.capacity() {
                    // Many executors, few bins each: room for as many again would be wasted.
                    self.bins.reserve_exact(6);
                }
                self.bins.insert(place, bin);
            }
        }
    }

    /// Doubles the bins up to a level.
    fn coarsen(&mut self, level: u32) {
        if level <= self.level {
            return;
        }
        let doubled = level - self.level;
        self.level = level;
        for bin in &mut self.bins {
            bin.index >>= doubled;
        }
        self.bins.dedup_by(|later, earlier| {
            let same = later.index == earlier.index;
            if same {
                earlier.merge(later);
            }
            same
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sketch(lines: &[(f64, i64)]) -> ClockSketch {
        let mut sketch = ClockSketch::default();
        for (now_ms, logged_at_ms) in lines {
            sketch.observe(*now_ms, *logged_at_ms);
        }
        sketch
    }

    fn lines() -> impl Strategy<Value = Vec<(f64, i64)>> {
        let usual = (0.0..200_000.0, 0_i64..200_000);
        let absurd = (prop::num::f64::ANY, any::<i64>());
        let line = prop_oneof![20 => usual, 1 => absurd];
        prop::collection::vec(line, 0..300)
    }

    proptest! {
        #[test]
        fn a_sketch_depends_on_the_lines_not_on_their_order_or_parts(
            lines in lines().prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
            parts in 1_usize..5,
        ) {
            let (lines, shuffled) = lines;
            let whole = sketch(&lines);
            let mut merged = ClockSketch::default();
            for part in 0..parts {
                let own: Vec<_> = shuffled.iter().skip(part).step_by(parts).copied().collect();
                merged.merge(&sketch(&own));
            }
            prop_assert_eq!(&whole, &merged);
            prop_assert!(whole.bins().len() <= usize::try_from(BINS).expect("few bins"));
        }
    }

    #[test]
    fn a_bin_keeps_its_two_best_bounds_and_its_least() {
        let sketch = sketch(&[(10.25, 1000), (20.5, 1011), (30.75, 1020)]);
        let [bin] = sketch.bins() else { panic!("one bin") };
        assert_eq!((bin.lines, bin.best.origin_ns, bin.best.at_ms), (3, 990_500_000, 20.5));
        assert_eq!(bin.second().map(|second| second.at_ms), Some(10.25));
        assert_eq!(bin.least_ns, 989_250_000);
        assert!((bin.first_ms, bin.last_ms) == (10.25, 30.75));
    }

    #[test]
    fn lines_of_one_millisecond_count_as_one_phase() {
        let burst: Vec<(f64, i64)> = (0..50).map(|n| (100.0 + f64::from(n) * 0.01, 1000)).collect();
        assert!((sketch(&burst).bins()[0].phases() - 1.0).abs() < 0.01);
        let spread: Vec<(f64, i64)> = (0..50).map(|n| (f64::from(n) * 4.9, i64::from(n) * 5)).collect();
        let phases = sketch(&spread).bins()[0].phases();
        assert!((38.0..=50.0).contains(&phases), "{phases} of 50");
    }
}
