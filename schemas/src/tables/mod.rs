//! Every table of a store.
//!
//! One file a stage of the work; [`TABLES`] lists those of a store, [`ANSWERS`] those that only a command prints. Every per-run table also has the key `run` (string),
//! which stands in the path of its files (`run=<run>`), and `part`.

mod answers;
mod collected;
mod inferred;
mod path;
mod results;

pub use answers::{Comparison, Distribution, Trend};
pub use collected::{ClientRequest, ClockSegment, Event, Executor, PlatformRecord, Reject};
pub use inferred::{Call, DbCall, Invocation, Trace};
pub use path::{Contribution, PathSegment};
pub use results::{
    ClockOffset, ColdStart, Completeness, Duration, Outlier, PhasePoint, Publishing, Response, Share, Stationarity,
    Throughput, TransactionTime, Trigger, TukeyBox,
};

use crate::table::{Row, Table};

/// Every table, in the order of the documentation.
pub static TABLES: &[&Table] = &[
    Event::TABLE,
    ClientRequest::TABLE,
    PlatformRecord::TABLE,
    Executor::TABLE,
    ClockSegment::TABLE,
    Reject::TABLE,
    Invocation::TABLE,
    Call::TABLE,
    DbCall::TABLE,
    Trace::TABLE,
    PathSegment::TABLE,
    Duration::TABLE,
    Share::TABLE,
    Contribution::TABLE,
    Trigger::TABLE,
    Publishing::TABLE,
    ColdStart::TABLE,
    PhasePoint::TABLE,
    Response::TABLE,
    Throughput::TABLE,
    TransactionTime::TABLE,
    TukeyBox::TABLE,
    Outlier::TABLE,
    Completeness::TABLE,
    Stationarity::TABLE,
    ClockOffset::TABLE,
];

/// Tables that commands answer with; no store holds them.
pub static ANSWERS: &[&Table] = &[Comparison::TABLE, Distribution::TABLE, Trend::TABLE];

/// The table of that name in a store.
pub fn by_name(name: &str) -> Option<&'static Table> {
    TABLES.iter().copied().find(|table| table.name == name)
}
