//! Publish latency by pair of providers.

use faaslens_schemas::tables::Publishing;

use super::Run;
use super::groups::Groups;
use super::series::{Series, Timed, columns};
use crate::facts::{CallFact, CallKind, Name};
use crate::stats::Sample;

#[derive(Default)]
struct Group {
    latencies: Series,
    publishers: Vec<f64>,
    unknown: usize,
}

impl Group {
    fn add(&mut self, fact: &CallFact) {
        self.latencies.add(fact.start, fact.network_ms);
        self.publishers.extend(fact.callee_duration_ms);
        self.unknown += usize::from(fact.network_ms.is_none());
    }
}

/// One row for each pair of providers and each kind of caller, sorted by these. Calls whose publisher is missing
/// belong to no pair; they make the caller's provider incomplete.
pub(super) fn rows(run: &Run<'_>) -> Vec<Publishing> {
    let mut groups: Groups<(Name, Name, bool), Group> = Groups::default();
    let publishes = |fact: &&CallFact| fact.kind == CallKind::Sync && fact.to_publisher;
    for fact in run.input.facts.calls.iter().filter(publishes) {
        if let (Some(caller), Some(publisher)) = (fact.caller_provider, fact.callee_provider) {
            groups.at((caller, publisher, fact.from_client)).add(fact);
        }
    }
    let mut rows: Vec<Publishing> = groups.into_iter().map(|(key, group)| row(run, key, group)).collect();
    rows.sort_by(|a, b| {
        (&a.caller_provider, &a.publisher_provider, &a.caller).cmp(&(
            &b.caller_provider,
            &b.publisher_provider,
            &b.caller,
        ))
    });
    rows
}

fn row(run: &Run<'_>, (caller, publisher, from_client): (Name, Name, bool), group: Group) -> Publishing {
    let names = &run.input.facts.names;
    let lossless = run.gaps.provider_lossless(caller) && run.gaps.provider_lossless(publisher);
    let timed = group.latencies.timed();
    let sample = timed.as_ref().map(|timed| &timed.sample);
    let (median_low_ms, median_high_ms, interval) = columns(timed.as_ref().and_then(Timed::median_interval));
    let of = |statistic: fn(&Sample) -> f64| sample.map(statistic);
    Publishing {
        caller_provider: names.text(caller).into(),
        publisher_provider: names.text(publisher).into(),
        caller: if from_client { "client" } else { "function" }.into(),
        n: sample.map_or(0, Sample::count),
        median_ms: of(Sample::median),
        median_low_ms,
        median_high_ms,
        interval,
        q1_ms: of(Sample::q1),
        q3_ms: of(Sample::q3),
        max_ms: of(Sample::max),
        publisher_median_ms: Sample::of_known(group.publishers).map(|sample| sample.median()),
        complete: group.unknown == 0 && lossless,
    }
}
