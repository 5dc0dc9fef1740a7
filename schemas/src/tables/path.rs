//! Tables written by `analyze` about critical paths: one row a segment, and what functions contribute over all traces.

use crate::table::{Label, table};
use crate::time::Timestamp;

table! {
    /// One segment of a trace's critical path (wall division). Those of the scope `root` are contiguous and add up to the root's duration.
    PathSegment = "critical_path", Analyze, PerRun {
        /// Function chain.
        context_id: Label,
        /// Position in the trace, from 1, in order of time; events last.
        n: i64,
        /// `root`: inside the root's duration; `client`: around it, adds up to `traces.client_network_ms`; `event`: on the
        /// longest chain of events, adds up to `traces.trigger_ms`.
        scope: Label,
        /// Invocation that spent it: the one that ran; for `network`, `cold`, `trigger` and `client_network` the one that was
        /// called. Null where that is missing.
        invocation_id: Option<Label>,
        /// Its function; as the caller named it where the invocation is missing.
        function: Option<Label>,
        /// Its provider; null where the invocation is missing.
        provider: Option<Label>,
        /// `compute`, `network`, `db`, `cold`, `trigger`, `client_network`.
        category: Label,
        /// Start, on the clock of the root's executor; the client's for `client`, the publisher's for `event`.
        start: Timestamp,
        /// Duration; only of `trigger` and `client_network` it can be negative, where clocks contradict each other.
        duration_ms: f64,
    }
}

table! {
    /// What a function contributes to the critical paths of complete traces, by category, and how much the median end-to-end time
    /// would fall without it.
    Contribution = "contributions", Analyze, PerRun {
        /// `overall` or `route` (entry route).
        scope: Label,
        /// `all`, or the entry route.
        name: Label,
        /// Provider of the function.
        provider: Label,
        /// Function.
        function: Label,
        /// `compute`, `db`, `network` (of calls of it), `cold` (its initialisation), or `own`: `compute` and `db` together.
        category: Label,
        /// Traces in which it has a part in the critical path.
        n: i64,
        /// Complete traces of this scope and name.
        traces: i64,
        /// Traces of this scope and name left out as incomplete.
        left_out: i64,
        /// Sum over the traces.
        sum_ms: f64,
        /// Share of the sum of the durations of the roots; those of all functions without `own` add up to 100 %.
        share_pct: Option<f64>,
        /// Median over the `n` traces.
        p50_ms: Option<f64>,
        /// 95th percentile over the `n` traces; null below 59 of them, which cannot carry it.
        p95_ms: Option<f64>,
        /// 99th percentile over the `n` traces; null below 299 of them, which cannot carry it.
        p99_ms: Option<f64>,
        /// Median duration of the root over all `traces`.
        root_median_ms: Option<f64>,
        /// What `root_median_ms` would fall by if this took no time.
        root_fall_ms: Option<f64>,
        /// Traces among them whose client's elapsed time is known.
        client_n: i64,
        /// Median of the client's elapsed time over `client_n` traces.
        client_median_ms: Option<f64>,
        /// What `client_median_ms` would fall by if this took no time.
        client_fall_ms: Option<f64>,
        /// Whether the data under it is complete.
        complete: bool,
    }
}
