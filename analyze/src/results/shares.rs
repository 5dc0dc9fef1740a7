//! Compute, network and database time: overall, by entry route and by function set.
//!
//! `wall` divides the root's elapsed time, `befaas` sums as published (METHODS, section 4). A context without the
//! durations that a division needs is left out and counted. The published script also drops contexts with a
//! class of 0 or below; here only what is missing is left out, as the sums of parallel calls may well be negative.

use faaslens_schemas::tables::Share;
use faaslens_schemas::time::Timestamp;

use super::Run;
use super::groups::Groups;
use super::series::{Series, Timed, columns};
use crate::assembly::FunctionSet;
use crate::facts::{BefaasShares, Name, SetFact, TraceFact};
use crate::stats::{Sample, carried_quantile};

/// Categories in the order of a row's shares; the first [`INSIDE`] add up to 100 %.
const CATEGORIES: [&str; 6] = ["compute", "network", "db", "cold", "trigger", "client_network"];

/// Number of categories that divide a duration; the others lie outside the root's.
const INSIDE: usize = 4;

/// Number of categories that have a row even where every context was left out.
const ALWAYS: usize = 3;

/// Method, scope and name of a group.
type Key<'a> = (&'static str, &'static str, &'a str);

/// Value of each category in one context, where it has one.
type Values = [Option<f64>; CATEGORIES.len()];

#[derive(Default)]
struct Group {
    values: [Series; CATEGORIES.len()],
    left_out: i64,
}

impl Group {
    fn add(&mut self, start: Timestamp, context: Option<Values>) {
        let Some(context) = context else {
            self.left_out += 1;
            return;
        };
        for (values, value) in self.values.iter_mut().zip(context) {
            values.add(start, value);
        }
    }
}

/// One row for each method, scope, name and category that occurs; sorted by method, scope and name, categories in
/// the order compute, network, db, cold, trigger, client network.
pub(super) fn rows(run: &Run<'_>) -> Vec<Share> {
    let names = &run.input.facts.names;
    let set_names: Vec<String> = run.input.sets.iter().map(FunctionSet::name).collect();
    let mut groups: Vec<(Key<'_>, Group)> = Vec::new();
    for (method, divide) in [("wall", wall as fn(&TraceFact) -> Option<Values>), ("befaas", befaas)] {
        let (overall, routes) = by_route(&run.input.facts.traces, divide);
        groups.extend(overall.map(|group| ((method, "overall", "all"), group)));
        groups.extend(routes.into_iter().map(|(route, group)| ((method, "route", names.text(route)), group)));
    }
    let mut sets: Groups<u32, Group> = Groups::default();
    for fact in &run.input.facts.sets {
        sets.at(fact.set).add(fact.start, set(fact));
    }
    for (position, group) in sets {
        let name = usize::try_from(position).ok().and_then(|position| set_names.get(position));
        groups.extend(name.map(|name| (("befaas", "set", name.as_str()), group)));
    }
    groups.sort_by_key(|(key, _)| *key);
    groups.into_iter().flat_map(|(key, group)| group_rows(key, group, run.gaps.run_lossless())).collect()
}

/// All contexts, `None` without any, and those with an entry route by route.
fn by_route(traces: &[TraceFact], divide: fn(&TraceFact) -> Option<Values>) -> (Option<Group>, Groups<Name, Group>) {
    let mut overall = None;
    let mut routes: Groups<Name, Group> = Groups::default();
    for trace in traces {
        let context = divide(trace);
        overall.get_or_insert_with(Group::default).add(trace.start, context);
        if let Some(route) = trace.entry_route {
            routes.at(route).add(trace.start, context);
        }
    }
    (overall, routes)
}

fn wall(trace: &TraceFact) -> Option<Values> {
    let shares = trace.wall.filter(|_| trace.complete)?;
    let inside = [shares.compute_ms, shares.network_ms, shares.db_ms, shares.cold_ms].map(Some);
    let [compute, network, db, cold] = inside;
    Some([compute, network, db, cold, trace.trigger_ms, trace.client_network_ms])
}

fn befaas(trace: &TraceFact) -> Option<Values> {
    trace.befaas.filter(|_| trace.complete).map(as_published)
}

fn set(fact: &SetFact) -> Option<Values> {
    fact.complete.then(|| as_published(fact.shares))
}

fn as_published(shares: BefaasShares) -> Values {
    [Some(shares.compute_ms), Some(shares.network_ms), Some(shares.db_ms), None, None, None]
}

fn group_rows((method, scope, name): Key<'_>, group: Group, lossless: bool) -> Vec<Share> {
    let left_out = group.left_out;
    let timed = group.values.map(Series::timed);
    let total: f64 = timed.iter().take(INSIDE).flatten().map(|timed| timed.sample.sum()).sum();
    let row = |position: usize, timed: Option<&Timed>| {
        let sample = timed.map(|timed| &timed.sample);
        let (median_low_ms, median_high_ms, interval) = columns(timed.and_then(Timed::median_interval));
        let of = |statistic: fn(&Sample) -> f64| sample.map(statistic);
        let sum_ms = sample.map_or(0.0, Sample::sum);
        Share {
            method: method.into(),
            scope: scope.into(),
            name: name.into(),
            category: CATEGORIES[position].into(),
            n: sample.map_or(0, Sample::count),
            left_out,
            sum_ms,
            mean_ms: of(Sample::mean),
            median_ms: of(Sample::median),
            median_low_ms,
            median_high_ms,
            interval,
            q1_ms: of(Sample::q1),
            q3_ms: of(Sample::q3),
            p95_ms: sample.and_then(|sample| carried_quantile(sample, 0.95)),
            share_pct: (position < INSIDE && sample.is_some() && total != 0.0).then(|| 100.0 * sum_ms / total),
            complete: left_out == 0 && lossless,
        }
    };
    let shown = |position: &usize| *position < ALWAYS || timed[*position].is_some();
    (0..CATEGORIES.len()).filter(shown).map(|position| row(position, timed[position].as_ref())).collect()
}
