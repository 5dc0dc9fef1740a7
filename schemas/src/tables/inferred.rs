//! Tables written by `analyze` that rebuild what happened: one row an invocation, a call, a database operation, a trace.

use crate::table::{Label, table};
use crate::time::Timestamp;

table! {
    /// One execution of one function.
    Invocation = "invocations", Analyze, PerRun {
        /// Unique in the run: `<context>/<pair>/<function>/<operation>/<n>`, n in order of start.
        invocation_id: String,
        /// Invocation that called it; null for a root and where the caller is missing.
        parent_id: Option<String>,
        /// Root of its tree; null where the way to a root is broken.
        root_id: Option<String>,
        /// Calls between the root and it; null where the way to a root is broken.
        depth: Option<i64>,
        /// Function chain.
        context_id: String,
        /// Pair ID it ran under; null if its caller sent none.
        pair_id: Option<String>,
        /// Provider.
        provider: Label,
        /// Function.
        function: Label,
        /// Executor.
        executor: Label,
        /// `rpc` (a call), `http` (a routed request), `msg` (an event).
        trigger: Label,
        /// Route, for `http`: `GET /cart`.
        route: Option<Label>,
        /// Start on the executor's clock: `origin + start_ms`; aligned where `clock_shift_ms` says so.
        start: Timestamp,
        /// The start, and every other instant on this clock, lies in `[start, start + this]`: uncertainty of the executor's
        /// time origin; null where it is unknown. Durations do not have it.
        start_uncertainty_ms: Option<f64>,
        /// What alignment added to the clock; null where it was not shifted.
        clock_shift_ms: Option<f64>,
        /// End; null where the handler never ended.
        end: Option<Timestamp>,
        /// Execution duration; null where the handler never ended.
        duration_ms: Option<f64>,
        /// Own compute (wall division).
        compute_ms: Option<f64>,
        /// Time spent in calls to other functions, whole (wall division; the callees' own rows divide it).
        network_ms: Option<f64>,
        /// Time spent in database operations (wall division).
        db_ms: Option<f64>,
        /// Outgoing calls.
        calls: i64,
        /// Database operations.
        db_ops: i64,
        /// Sum of its outgoing calls' durations (`befaas` division).
        calls_sum_ms: f64,
        /// Sum of its database operations' durations (`befaas` division).
        db_sum_ms: f64,
        /// User agent of its request, where one was logged.
        user_agent: Option<Label>,
        /// Whether it is the executor's first invocation after its cold start; null where no line of the executor says.
        cold: Option<bool>,
        /// Whether it ended, its request-response partners were found and every operation in it has start and end.
        complete: bool,
        /// What is wrong with it: `;`-separated of `caller missing`, `callee missing`, `no end`, `no start`, `several for one pair`…
        issues: Option<Label>,
    }
}

table! {
    /// One edge from a caller to a callee.
    Call = "calls", Analyze, PerRun {
        /// Function chain.
        context_id: String,
        /// Pair ID of the callee.
        pair_id: String,
        /// Calling invocation; null for the load generator and where it is missing.
        caller_id: Option<String>,
        /// Called invocation; null where it is missing.
        callee_id: Option<String>,
        /// Calling function; `client` for the load generator.
        caller_function: Option<Label>,
        /// Called function as the callee names itself; as the caller named it where the callee is missing.
        callee_function: Label,
        /// Provider of the caller; `client` for the load generator.
        caller_provider: Option<Label>,
        /// Provider of the callee.
        callee_provider: Option<Label>,
        /// `sync`: request and response; `async`: an event through a publisher.
        kind: Label,
        /// Start of the call on the caller's clock; of the publisher's handler for `async`.
        start: Option<Timestamp>,
        /// Duration of the call at the caller; null for `async`.
        duration_ms: Option<f64>,
        /// Execution duration of the callee.
        callee_duration_ms: Option<f64>,
        /// `duration_ms - callee_duration_ms`, a round trip; null for `async`.
        network_ms: Option<f64>,
        /// `sync`: start of the callee less start of the call, from one clock to the other: a one-way time, see `uncertainty_ms`.
        request_ms: Option<f64>,
        /// `sync`: `network_ms - request_ms`, the other way.
        response_ms: Option<f64>,
        /// `async`: execution duration of the publisher.
        publisher_duration_ms: Option<f64>,
        /// `async`: caller's call of the publisher less the publisher's execution duration, a round trip.
        publish_latency_ms: Option<f64>,
        /// `async`: start of the event's handler less start of the publisher's, in full.
        trigger_delay_ms: Option<f64>,
        /// `async`: the same difference between the log stamps of the two start marks, whole ms, for comparison with the published method.
        trigger_delay_logged_ms: Option<f64>,
        /// By how much `request_ms`, `response_ms` or `trigger_delay_ms` may be wrong, either way: the two executors' origins and,
        /// between providers, the bounds of their clocks' offset (`clock_offsets`); null where nothing bounds it.
        uncertainty_ms: Option<f64>,
        /// What alignment added to the callee's clock less what it added to the caller's; null where it shifted neither.
        clock_shift_ms: Option<f64>,
        /// Whether the callee was a cold start.
        callee_cold: Option<bool>,
        /// Whether the call was started by the load generator.
        from_client: bool,
    }
}

table! {
    /// One database operation.
    DbCall = "db_calls", Analyze, PerRun {
        /// Function chain.
        context_id: String,
        /// Invocation that made it; null where it is missing.
        invocation_id: Option<String>,
        /// Provider of the function that made it.
        provider: Label,
        /// Function that made it.
        function: Label,
        /// Action: `get`, `set`, `delete`…
        action: Label,
        /// Start on the executor's clock.
        start: Timestamp,
        /// Duration; null where it never ended.
        duration_ms: Option<f64>,
    }
}

table! {
    /// One function chain: a client's request and all that followed from it.
    Trace = "traces", Analyze, PerRun {
        /// Function chain.
        context_id: String,
        /// Function of the root invocation.
        entry_function: Option<Label>,
        /// Route of the root invocation: `GET /cart`; the function's name for a call or an event.
        entry_route: Option<Label>,
        /// Start of the root invocation, or of the earliest one where there is no root.
        start: Timestamp,
        /// The start lies in `[start, start + this]`: uncertainty of the executor's time origin; null where it is unknown.
        start_uncertainty_ms: Option<f64>,
        /// What alignment added to the clock of the start; null where it was not shifted.
        clock_shift_ms: Option<f64>,
        /// Client's elapsed time from sending to answer.
        client_ms: Option<f64>,
        /// Execution duration of the root.
        root_ms: Option<f64>,
        /// Wall division of the root: compute on the critical path.
        compute_ms: Option<f64>,
        /// Wall division of the root: network on the critical path.
        network_ms: Option<f64>,
        /// Wall division of the root: database on the critical path.
        db_ms: Option<f64>,
        /// Wall division: initialisation that a caller on the critical path waited for, part of neither compute nor network.
        cold_ms: Option<f64>,
        /// Trigger delays on the longest chain of events; outside the root's duration.
        trigger_ms: Option<f64>,
        /// `client_ms - root_ms`, a round trip.
        client_network_ms: Option<f64>,
        /// Compute of all functions (`befaas` division; can be negative with parallel calls).
        befaas_compute_ms: Option<f64>,
        /// Network of all calls (`befaas` division).
        befaas_network_ms: Option<f64>,
        /// Database of all functions (`befaas` division).
        befaas_db_ms: Option<f64>,
        /// From the first start to the last end of any invocation.
        chain_ms: Option<f64>,
        /// Invocations.
        invocations: i64,
        /// Providers, sorted, `+`-separated.
        providers: Label,
        /// Invocations that were cold starts.
        cold_starts: i64,
        /// Whether every invocation is complete and hangs on one root.
        complete: bool,
        /// What is wrong with it, `;`-separated.
        issues: Option<Label>,
    }
}
