//! Clocks of executors: from the readings in their lines to the time origins of their monotonic clocks.
//!
//! A line reads the wall clock first, floored to whole milliseconds, and the monotonic clock just after it. So
//! `timestamp - now` is a lower bound of the executor's time origin, always; the greatest of many is close below it.
//!
//! 1. [`ClockSketch`] keeps what is needed of an executor's lines, in bounded memory: line by line, in any order, in
//!    any number of parts.
//! 2. [`fit`] makes a [`Clock`] of it: one origin where the clocks ran alike, else one for each segment.
//!
//! ```
//! use faaslens_collect::clocks::{ClockSketch, fit};
//!
//! let mut lines = ClockSketch::default();
//! for n in 0..2_000 {
//!     let now_ms = f64::from(n) * 7.013;
//!     lines.observe(now_ms, (1_795_330_900_000.25 + now_ms).floor() as i64);
//! }
//! let clock = fit(&lines).expect("an executor with lines has a clock");
//! let below_ms = 1_795_330_900_000.25 - clock.origin().millis_f64();
//! assert!(0.0 <= below_ms && below_ms <= clock.uncertainty_ms());
//! ```

mod envelope;
mod fit;
mod segments;
mod sketch;

pub use fit::fit;
pub use segments::{Change, Clock, Segment};
pub use sketch::ClockSketch;
