//! The clock of one executor: monotonic readings to instants.

use faaslens_schemas::tables::{ClockSegment, Executor};

use super::tree::plus_ms;
use crate::clocks::Shift;

/// A jump of a wall clock beyond this keeps an executor's calls out of the evidence of its provider's clock.
const JUMP_MS: f64 = 2.0;

/// Clock and cold start of one executor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExecutorClock {
    /// Time origin of its monotonic clock, microseconds since the Unix epoch.
    origin_us: i64,
    /// Width of the interval in which the origin lies.
    uncertainty_ms: f64,
    /// Whether its wall clock jumped, or its monotonic clock stood still.
    pub(super) stepped: bool,
    /// Whether it logged a cold start.
    pub(super) cold_start_logged: bool,
    /// Start of its first invocation on its monotonic clock.
    pub(super) first_start_ms: Option<f64>,
    /// Whether its platform reports an initialisation (or restoring) of it.
    pub(super) initialised: bool,
    /// Segments in order of time; none where one origin holds all the time.
    segments: Vec<Segment>,
    /// What alignment adds.
    shift: Option<Shift>,
}

/// A stretch of the monotonic clock with an origin of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Segment {
    from_ms: f64,
    /// Its origin less that of the executor.
    ahead_ms: f64,
    drift_ppm: f64,
    uncertainty_ms: f64,
}

impl ExecutorClock {
    pub(super) fn of(row: &Executor) -> Self {
        Self {
            origin_us: row.origin.micros(),
            uncertainty_ms: row.origin_uncertainty_ms,
            stepped: row.clock_stepped == Some(true),
            cold_start_logged: row.cold_start_logged,
            first_start_ms: row.first_start_ms,
            initialised: false,
            segments: Vec::new(),
            shift: None,
        }
    }

    /// Adds a segment; they may come in any order.
    pub(super) fn add(&mut self, row: &ClockSegment) {
        let segment = Segment {
            from_ms: row.from_ms,
            ahead_ms: row.origin.micros().saturating_sub(self.origin_us) as f64 / 1000.0,
            drift_ppm: row.drift_ppm,
            uncertainty_ms: row.uncertainty_ms,
        };
        let place = self.segments.partition_point(|known| known.from_ms <= row.from_ms);
        self.segments.insert(place, segment);
    }

    /// Shifts it, as every clock of its provider.
    pub(super) fn align(&mut self, shift: Option<Shift>) {
        self.shift = shift;
    }

    /// Whether its wall clock jumped by more than a correction.
    pub(super) fn jumped(&self) -> bool {
        self.segments.windows(2).any(|two| {
            let ran_on_ms = two[0].ahead_ms + two[0].drift_ppm * 1e-6 * (two[1].from_ms - two[0].from_ms);
            (two[1].ahead_ms - ran_on_ms).abs() > JUMP_MS
        })
    }

    /// The segment that holds at a monotonic reading; the first one holds before it as well.
    fn segment(&self, at_ms: f64) -> Option<&Segment> {
        let after = self.segments.partition_point(|segment| segment.from_ms <= at_ms);
        self.segments.get(after.saturating_sub(1))
    }

    /// How far the wall clock is ahead of `origin + at_ms` at a monotonic reading.
    fn ahead_ms(&self, at_ms: f64) -> f64 {
        self.segment(at_ms)
            .map_or(0.0, |segment| segment.ahead_ms + segment.drift_ppm * 1e-6 * (at_ms - segment.from_ms))
    }

    /// The same, aligned.
    fn aligned_ahead_ms(&self, at_ms: f64) -> f64 {
        self.ahead_ms(at_ms) + self.shift_ms(at_ms).unwrap_or(0.0)
    }

    /// What alignment adds at a monotonic reading; `None` where the clock is not shifted.
    pub(super) fn shift_ms(&self, at_ms: f64) -> Option<f64> {
        Some(self.shift?.at(plus_ms(self.origin_us, at_ms + self.ahead_ms(at_ms))))
    }

    /// The instant of a monotonic reading, microseconds since the Unix epoch.
    pub(super) fn instant_us(&self, at_ms: f64) -> i64 {
        plus_ms(self.origin_us, at_ms + self.aligned_ahead_ms(at_ms))
    }

    /// By how much the instant of a monotonic reading may be too early.
    pub(super) fn uncertainty_ms(&self, at_ms: f64) -> f64 {
        self.segment(at_ms).map_or(self.uncertainty_ms, |segment| segment.uncertainty_ms)
    }

    /// From a reading of another clock to one of this clock, without rounding to microseconds in between.
    pub(super) fn ms_since(&self, at_ms: f64, other: &Self, other_ms: f64) -> f64 {
        let origins_ms = self.origin_us.wrapping_sub(other.origin_us) as f64 / 1000.0;
        origins_ms + (self.aligned_ahead_ms(at_ms) - other.aligned_ahead_ms(other_ms)) + (at_ms - other_ms)
    }
}

#[cfg(test)]
mod tests {
    use faaslens_schemas::time::Timestamp;

    use super::*;

    #[test]
    fn the_segment_that_holds_at_a_reading_decides() {
        let origin = Timestamp::from_millis(1_000_000);
        let mut clock = ExecutorClock::of(&Executor { origin, origin_uncertainty_ms: 5.0, ..Executor::default() });
        let segment = |from_ms, ahead_ms, drift_ppm| ClockSegment {
            from_ms,
            origin: origin.plus_ms(ahead_ms),
            drift_ppm,
            uncertainty_ms: ahead_ms,
            ..ClockSegment::default()
        };
        assert_eq!((clock.instant_us(10.0), clock.uncertainty_ms(10.0).to_bits()), (1_000_010_000, 5_f64.to_bits()));
        clock.add(&segment(1000.0, 50.0, 100.0));
        clock.add(&segment(20.0, 0.0, 0.0));
        let instants = [0.0, 999.0, 1000.0, 11_000.0].map(|at_ms| clock.instant_us(at_ms) - origin.micros());
        // 100 ppm over 10 s are 1 ms.
        assert_eq!(instants, [0, 999_000, 1_050_000, 11_051_000]);
        assert!(clock.uncertainty_ms(2000.0) > 49.0 && clock.uncertainty_ms(0.0) < 1.0);
        let other = ExecutorClock::of(&Executor { origin: origin.plus_ms(-2.0), ..Executor::default() });
        assert!((clock.ms_since(1000.0, &other, 3.0) - 1049.0).abs() < 1e-9);
    }
}
