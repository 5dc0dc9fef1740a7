//! The measures that box plots show: their values by provider, peer and function.

use super::gaps::Gaps;
use super::groups::Groups;
use super::triggers::published_ms;
use crate::facts::{CallFact, CallKind, Facts, InvocationFact, Name};
use crate::stats::Sample;

/// What a box shows, in order of the names in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Measure {
    ExecutionDuration,
    Network,
    PublishLatency,
    PublisherDuration,
    RouteDuration,
    TriggerDelay,
    TriggerDelayPublished,
}

impl Measure {
    /// As in the column `boxes.measure`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ExecutionDuration => "execution_duration",
            Self::Network => "network",
            Self::PublishLatency => "publish_latency",
            Self::PublisherDuration => "publisher_duration",
            Self::RouteDuration => "route_duration",
            Self::TriggerDelay => "trigger_delay",
            Self::TriggerDelayPublished => "trigger_delay_published",
        }
    }
}

/// Values of one measure for one box.
#[derive(Debug)]
pub(super) struct Spread<'a> {
    pub(super) measure: Measure,
    pub(super) provider: &'a str,
    pub(super) peer: Option<&'a str>,
    /// Function; with its route for [`Measure::RouteDuration`].
    pub(super) function: Option<String>,
    pub(super) sample: Sample,
    pub(super) complete: bool,
}

/// Measure, provider, peer, function, route.
type Key = (Measure, Name, Option<Name>, Option<Name>, Option<Name>);

/// Values of a box under construction.
#[derive(Default)]
struct Group {
    values: Vec<f64>,
    incomplete: bool,
}

/// Every box with at least one value, sorted by measure, provider, peer and function.
///
/// A box is complete when every one of its invocations is, every one of its calls has a value, and no record of its
/// function or of its providers is known to be missing.
pub(super) fn spreads<'a>(facts: &'a Facts, gaps: &Gaps<'_>) -> Vec<Spread<'a>> {
    let mut groups: Groups<Key, Group> = Groups::default();
    let mut add = |key: Key, value: Option<f64>, complete: bool| {
        let group = groups.at(key);
        group.values.extend(value);
        group.incomplete |= !complete;
    };
    for fact in &facts.invocations {
        for key in measures_of_invocation(fact) {
            add(key, fact.duration_ms, fact.complete);
        }
    }
    for (key, value) in facts.calls.iter().flat_map(measures_of_call) {
        add(key, value, value.is_some());
    }
    let mut spreads: Vec<Spread<'a>> =
        groups.into_iter().filter_map(|(key, group)| spread(facts, gaps, key, group)).collect();
    spreads.sort_by(|a, b| {
        (a.measure, a.provider, a.peer, &a.function).cmp(&(b.measure, b.provider, b.peer, &b.function))
    });
    spreads
}

fn spread<'a>(facts: &'a Facts, gaps: &Gaps<'_>, key: Key, group: Group) -> Option<Spread<'a>> {
    let (measure, provider, peer, function, route) = key;
    let text = |name: Name| facts.names.text(name);
    let named = |function: Name| match route {
        Some(route) => format!("{} {}", text(function), text(route)),
        None => text(function).to_owned(),
    };
    let lossless = match function {
        Some(function) => gaps.function_lossless(provider, function),
        None => [Some(provider), peer].into_iter().flatten().all(|side| gaps.provider_lossless(side)),
    };
    Some(Spread {
        measure,
        provider: text(provider),
        peer: peer.map(text),
        function: function.map(named),
        sample: Sample::of_known(group.values)?,
        complete: lossless && !group.incomplete,
    })
}

/// What the execution duration of one invocation counts for: its function and its route.
fn measures_of_invocation(fact: &InvocationFact) -> impl Iterator<Item = Key> + use<> {
    let (provider, function) = (fact.provider, Some(fact.function));
    let whole = (Measure::ExecutionDuration, provider, None, function, None);
    let routed = fact.route.map(|route| (Measure::RouteDuration, provider, None, function, Some(route)));
    std::iter::once(whole).chain(routed)
}

/// What one call counts for: a publisher's call for the publish latency and the publisher's duration, any other
/// synchronous call for the network time, an event for the trigger delay, in full and as published. Sides that are missing count for nothing.
fn measures_of_call(fact: &CallFact) -> impl Iterator<Item = (Key, Option<f64>)> + use<> {
    let (caller, callee) = (fact.caller_provider, fact.callee_provider);
    let between = |measure, value: Option<f64>| Some(((measure, caller?, Some(callee?), None, None), value));
    let alone =
        |measure, provider: Option<Name>, value: Option<f64>| Some(((measure, provider?, None, None, None), value));
    let event = fact.event.as_deref();
    let logged_ms = event.and_then(|event| event.trigger_delay_logged_ms);
    let [first, second] = match (fact.kind, fact.to_publisher) {
        (CallKind::Sync, true) => [
            between(Measure::PublishLatency, fact.network_ms),
            alone(Measure::PublisherDuration, callee, fact.callee_duration_ms),
        ],
        (CallKind::Sync, false) => [between(Measure::Network, fact.network_ms), None],
        (CallKind::Async, _) => [
            alone(Measure::TriggerDelay, caller, event.and_then(|event| event.trigger_delay_ms)),
            alone(Measure::TriggerDelayPublished, caller, logged_ms.map(published_ms)),
        ],
    };
    first.into_iter().chain(second)
}
