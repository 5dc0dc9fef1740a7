//! Analysis: tables in, tables out. No files, no clock, no environment: what goes in decides what comes out.
//!
//! * [`assembly`]: one part's events become invocations, calls, database operations and traces (the map step).
//! * [`clocks`]: offsets between the clocks of providers, from their synchronous calls.
//! * [`facts`]: the slim columns that a run's results need, so that memory does not follow the run's size.
//! * [`results`]: facts of all parts become result tables (the reduce step).
//! * [`compare`]: two sets of runs held against each other, and many runs in a row.
//! * [`stats`]: the one quantile, the one box, the one sample type.
#![warn(missing_docs)]

pub mod assembly;
pub mod clocks;
pub mod compare;
pub mod facts;
pub mod results;
pub mod stats;
