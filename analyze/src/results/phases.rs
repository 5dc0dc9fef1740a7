//! Time line of a run: invocations by the time since load began.

use std::cmp::Ordering;

use faaslens_schemas::tables::PhasePoint;
use faaslens_schemas::time::Timestamp;

use super::RunInput;
use crate::facts::{Facts, InvocationFact};

/// Rows of a chunk: bounds the memory of a table that has a row for each invocation.
const CHUNK: usize = 1 << 16;

/// The table `phases`: one row for each invocation that ended, in order of time, in chunks of at most 65,536 rows.
///
/// Load begins with the first client request; in a run without requests, with the first invocation. A run without
/// invocations that ended gives no chunk.
pub fn phases<'a>(input: &RunInput<'a>) -> impl Iterator<Item = Vec<PhasePoint>> + use<'a> {
    let facts = input.facts;
    let first_invocation = || facts.invocations.iter().map(|fact| fact.start).min();
    let load = input.requests.first_sent().or_else(first_invocation).unwrap_or_default();
    let mut order: Vec<u32> =
        (0..).zip(&facts.invocations).filter(|(_, fact)| fact.duration_ms.is_some()).map(|(i, _)| i).collect();
    let at = move |index: u32| &facts.invocations[index as usize];
    order.sort_unstable_by(|a, b| compare(facts, at(*a), at(*b)));
    let mut rest = order.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<PhasePoint> =
            rest.by_ref().take(CHUNK).filter_map(|index| point(facts, at(index), load)).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

fn point(facts: &Facts, fact: &InvocationFact, load: Timestamp) -> Option<PhasePoint> {
    Some(PhasePoint {
        provider: facts.names.text(fact.provider).into(),
        function: facts.names.text(fact.function).into(),
        since_load_s: fact.start.ms_since(load) / 1000.0,
        duration_ms: fact.duration_ms?,
        cold: fact.cold,
        caller_ms: fact.caller_ms,
    })
}

/// By start, then by all else that the row shows.
fn compare(facts: &Facts, a: &InvocationFact, b: &InvocationFact) -> Ordering {
    let texts = |fact: &InvocationFact| (facts.names.text(fact.provider), facts.names.text(fact.function));
    let by_value = |a: Option<f64>, b: Option<f64>| a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0));
    a.start
        .cmp(&b.start)
        .then_with(|| texts(a).cmp(&texts(b)))
        .then_with(|| by_value(a.duration_ms, b.duration_ms))
        .then_with(|| a.cold.cmp(&b.cold))
        .then_with(|| by_value(a.caller_ms, b.caller_ms))
}
