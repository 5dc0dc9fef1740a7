//! The measures that box plots show: their values by provider, peer and function.

use std::collections::BTreeMap;

use super::gaps::Gaps;
use crate::facts::{CallFact, CallKind, Facts, Name};
use crate::stats::Sample;

/// Values of one measure for one box.
#[derive(Debug)]
pub(super) struct Spread<'a> {
    pub(super) measure: &'static str,
    pub(super) provider: &'a str,
    pub(super) peer: Option<&'a str>,
    pub(super) function: Option<&'a str>,
    pub(super) sample: Sample,
    pub(super) complete: bool,
}

/// Measure, provider, peer, function.
type Key = (&'static str, Name, Option<Name>, Option<Name>);

/// Every box with at least one value, sorted by measure, provider, peer and function.
pub(super) fn spreads<'a>(facts: &'a Facts, gaps: &Gaps<'_>) -> Vec<Spread<'a>> {
    let mut groups: BTreeMap<Key, Vec<f64>> = BTreeMap::new();
    for fact in &facts.invocations {
        let key = ("execution_duration", fact.provider, None, Some(fact.function));
        groups.entry(key).or_default().extend(fact.duration_ms);
    }
    for (key, value) in facts.calls.iter().flat_map(measures_of) {
        groups.entry(key).or_default().push(value);
    }
    let text = |name: Name| facts.names.text(name);
    let spread = |((measure, provider, peer, function), values): (Key, Vec<f64>)| {
        let complete = match function {
            Some(function) => gaps.function_complete(provider, function),
            None => [Some(provider), peer].into_iter().flatten().all(|side| gaps.provider_complete(side)),
        };
        let sample = Sample::of_known(values)?;
        Some(Spread {
            measure,
            provider: text(provider),
            peer: peer.map(text),
            function: function.map(text),
            sample,
            complete,
        })
    };
    let mut spreads: Vec<Spread<'a>> = groups.into_iter().filter_map(spread).collect();
    spreads.sort_by_key(|spread| (spread.measure, spread.provider, spread.peer, spread.function));
    spreads
}

/// What one call adds: a publisher's call its publish latency and the publisher's duration, any other synchronous
/// call its network time, an event its trigger delay.
fn measures_of(fact: &CallFact) -> impl Iterator<Item = (Key, f64)> + use<> {
    let (caller, callee) = (fact.caller_provider, fact.callee_provider);
    let between = |measure, value: Option<f64>| Some(((measure, caller?, Some(callee?), None), value?));
    let alone = |measure, provider: Option<Name>, value: Option<f64>| Some(((measure, provider?, None, None), value?));
    let [first, second] = match (fact.kind, fact.to_publisher) {
        (CallKind::Sync, true) => {
            [between("publish_latency", fact.network_ms), alone("publisher_duration", callee, fact.callee_duration_ms)]
        }
        (CallKind::Sync, false) => [between("network", fact.network_ms), None],
        (CallKind::Async, _) => [alone("trigger_delay", caller, fact.trigger_delay_ms), None],
    };
    first.into_iter().chain(second)
}
