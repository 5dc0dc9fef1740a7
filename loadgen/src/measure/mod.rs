//! What is measured: requests, and the generator itself.

pub mod class;
pub mod record;
pub(crate) mod self_watch;
pub(crate) mod spill;
pub mod tally;

use std::time::{Instant, SystemTime, UNIX_EPOCH};

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

    /// Milliseconds from the start to an instant of the wall clock.
    pub fn ms_since_start(&self, at: Timestamp) -> f64 {
        at.ms_since(self.wall)
    }
}
