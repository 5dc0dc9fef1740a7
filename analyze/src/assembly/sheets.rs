//! The columns of the tables that assembly writes.

use faaslens_schemas::tables::{Call, DbCall, Invocation, PathSegment, Trace};

use super::columns::{Counts, Flags, Labels, Numbers, Repeats, Texts, Times, sheet};

sheet! {
    /// Rows of `invocations`.
    InvocationSheet = Invocation {
        invocation_id: Texts,
        parent_id: Texts,
        root_id: Texts,
        depth: Counts,
        context_id: Texts,
        pair_id: Texts,
        provider: Labels,
        function: Labels,
        executor: Labels,
        trigger: Labels,
        route: Labels,
        start: Times,
        start_uncertainty_ms: Numbers,
        clock_shift_ms: Numbers,
        end: Times,
        duration_ms: Numbers,
        compute_ms: Numbers,
        network_ms: Numbers,
        db_ms: Numbers,
        calls: Counts,
        db_ops: Counts,
        calls_sum_ms: Numbers,
        db_sum_ms: Numbers,
        user_agent: Labels,
        cold: Flags,
        complete: Flags,
        issues: Labels,
    }
}

sheet! {
    /// Rows of `calls`.
    CallSheet = Call {
        context_id: Texts,
        pair_id: Texts,
        caller_id: Texts,
        callee_id: Texts,
        caller_function: Labels,
        callee_function: Labels,
        caller_provider: Labels,
        callee_provider: Labels,
        kind: Labels,
        start: Times,
        duration_ms: Numbers,
        callee_duration_ms: Numbers,
        network_ms: Numbers,
        request_ms: Numbers,
        response_ms: Numbers,
        publisher_duration_ms: Numbers,
        publish_latency_ms: Numbers,
        trigger_delay_ms: Numbers,
        trigger_delay_logged_ms: Numbers,
        uncertainty_ms: Numbers,
        clock_shift_ms: Numbers,
        callee_cold: Flags,
        from_client: Flags,
    }
}

sheet! {
    /// Rows of `db_calls`.
    DbSheet = DbCall {
        context_id: Texts,
        invocation_id: Texts,
        provider: Labels,
        function: Labels,
        action: Labels,
        start: Times,
        duration_ms: Numbers,
    }
}

sheet! {
    /// Rows of `traces`.
    TraceSheet = Trace {
        context_id: Texts,
        entry_function: Labels,
        entry_route: Labels,
        start: Times,
        start_uncertainty_ms: Numbers,
        clock_shift_ms: Numbers,
        client_ms: Numbers,
        root_ms: Numbers,
        compute_ms: Numbers,
        network_ms: Numbers,
        db_ms: Numbers,
        cold_ms: Numbers,
        trigger_ms: Numbers,
        client_network_ms: Numbers,
        befaas_compute_ms: Numbers,
        befaas_network_ms: Numbers,
        befaas_db_ms: Numbers,
        chain_ms: Numbers,
        invocations: Counts,
        providers: Labels,
        cold_starts: Counts,
        complete: Flags,
        issues: Labels,
    }
}

sheet! {
    /// Rows of `critical_path`.
    PathSheet = PathSegment {
        context_id: Repeats,
        n: Counts,
        scope: Labels,
        invocation_id: Repeats,
        function: Labels,
        provider: Labels,
        category: Labels,
        start: Times,
        duration_ms: Numbers,
    }
}
