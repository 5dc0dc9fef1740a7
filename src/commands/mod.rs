//! One file a command: its arguments, documented, and what it does with them.
//!
//! A new command is one file here with `Arguments` and `Arguments::run`, and one line in `cli.rs`.

pub(crate) mod analyze;
pub(crate) mod collect;
pub(crate) mod compare;
pub(crate) mod export;
pub(crate) mod inspect;
pub(crate) mod loadgen;
pub(crate) mod query;
pub(crate) mod report;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod sources;
pub(crate) mod table;
pub(crate) mod trend;
