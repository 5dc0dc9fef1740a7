//! What is measured: requests, and the generator itself.

pub mod class;
pub mod record;
pub(crate) mod self_watch;
pub(crate) mod spill;
pub mod tally;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use faaslens_schemas::time::Timestamp;

/// Where the monotonic clock stands on the wall clock; read once, so that all records of a run agree.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    base: Instant,
    wall: Timestamp,
}

impl Clock {
    /// Reads both clocks.
    pub fn start() -> Self {
        let base = Instant::now();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { base, wall: Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)) }
    }

    /// The wall clock at an instant.
    pub fn wall(&self, at: Instant) -> Timestamp {
        let after = at.saturating_duration_since(self.base).as_micros();
        let before = self.base.saturating_duration_since(at).as_micros();
        let micros = |wide: u128| i64::try_from(wide).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.wall.micros() + micros(after) - micros(before))
    }

    /// The instant at which the wall clock shows `at`; that of reading the clocks for a time long before it.
    pub fn instant(&self, at: Timestamp) -> Instant {
        let micros = at.micros().saturating_sub(self.wall.micros());
        let distance = Duration::from_micros(micros.unsigned_abs());
        let shifted = if micros < 0 { self.base.checked_sub(distance) } else { self.base.checked_add(distance) };
        shifted.unwrap_or(self.base)
    }

    /// Milliseconds from the start to an instant of the wall clock.
    pub fn ms_since_start(&self, at: Timestamp) -> f64 {
        at.ms_since(self.wall)
    }
}
