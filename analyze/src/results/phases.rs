//! Time line of a run: invocations by the time since load began.

use faaslens_schemas::tables::PhasePoint;

use super::Run;

/// One row for each invocation that ended, in order of time. Load begins with the first client request; in a run
/// without requests, with the first invocation.
pub(super) fn rows(run: &Run<'_>) -> Vec<PhasePoint> {
    let facts = run.input.facts;
    let first_invocation = || facts.invocations.iter().map(|fact| fact.start).min();
    let Some(load) = run.input.requests.first_sent().or_else(first_invocation) else { return Vec::new() };
    let point = |fact: &crate::facts::InvocationFact| {
        Some(PhasePoint {
            provider: facts.names.text(fact.provider).into(),
            function: facts.names.text(fact.function).into(),
            since_load_s: fact.start.ms_since(load) / 1000.0,
            duration_ms: fact.duration_ms?,
            cold: fact.cold,
            caller_ms: fact.caller_ms,
        })
    };
    let mut rows: Vec<PhasePoint> = facts.invocations.iter().filter_map(point).collect();
    rows.sort_by(|a, b| {
        a.since_load_s
            .total_cmp(&b.since_load_s)
            .then_with(|| (&a.provider, &a.function).cmp(&(&b.provider, &b.function)))
            .then_with(|| a.duration_ms.total_cmp(&b.duration_ms))
            .then_with(|| a.cold.cmp(&b.cold))
            .then_with(|| a.caller_ms.unwrap_or(-1.0).total_cmp(&b.caller_ms.unwrap_or(-1.0)))
    });
    rows
}
