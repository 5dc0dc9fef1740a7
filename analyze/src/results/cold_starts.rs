//! Cold starts by provider and function: how many by each source, and at what cost.
//!
//! The cost of a cold start is its caller-visible time less the median of the same function's warm ones in the same run
//! (METHODS, section 5). An event has no caller that waits, so a function that only handles events has no cost.

use std::collections::BTreeMap;

use faaslens_schemas::tables::{ColdStart, Executor};

use super::Run;
use super::gaps::CLIENT;
use super::groups::Groups;
use super::platform::Statements;
use super::series::{Series, Timed, columns};
use crate::facts::{InvocationFact, Name};
use crate::stats::{Sample, difference};

#[derive(Default)]
struct Group<'a> {
    n: i64,
    known: i64,
    cold_n: i64,
    warm_ms: Series,
    cold_ms: Series,
    logged: i64,
    never_invoked: i64,
    statements: Option<&'a Statements>,
}

impl Group<'_> {
    fn add_invocation(&mut self, fact: &InvocationFact) {
        self.n += 1;
        let Some(cold) = fact.cold else { return };
        self.known += 1;
        self.cold_n += i64::from(cold);
        let times = if cold { &mut self.cold_ms } else { &mut self.warm_ms };
        times.add(fact.start, fact.caller_ms);
    }

    fn add_executor(&mut self, executor: &Executor) {
        self.logged += i64::from(executor.cold_start_logged);
        self.never_invoked += i64::from(executor.cold_start_logged && executor.first_start_ms.is_none());
    }
}

/// One row for each provider and function that was invoked, logged a cold start or is named by the platform in one;
/// sorted by these. The load generator's own library is no function.
pub(super) fn rows(run: &Run<'_>) -> Vec<ColdStart> {
    let input = &run.input;
    let mut invoked: Groups<(Name, Name), Group<'_>> = Groups::default();
    for fact in &input.facts.invocations {
        invoked.at((fact.provider, fact.function)).add_invocation(fact);
    }
    let text = |name: Name| input.facts.names.text(name);
    let invoked = invoked.into_iter().map(|((provider, function), group)| ((text(provider), text(function)), group));
    let mut groups: BTreeMap<(&str, &str), Group<'_>> = invoked.collect();
    for executor in input.executors.iter().filter(|executor| &*executor.provider != CLIENT) {
        groups.entry((&*executor.provider, &*executor.function)).or_default().add_executor(executor);
    }
    for (provider, function, statements) in input.platform.functions() {
        groups.entry((provider, function)).or_default().statements = Some(statements);
    }
    groups.into_iter().map(|((provider, function), group)| row(run, provider, function, group)).collect()
}

fn row(run: &Run<'_>, provider: &str, function: &str, group: Group<'_>) -> ColdStart {
    let names = &run.input.facts.names;
    let known = names.find(provider).zip(names.find(function));
    let speaks = run.input.platform.speaks(provider);
    let platform = speaks.then(|| group.statements.map_or(0, Statements::cold_starts));
    let init_ms = group.statements.map_or(&[][..], Statements::init_ms);
    let (warm, cold) = (group.warm_ms.timed(), group.cold_ms.timed());
    let medians = (warm.as_ref().map(Timed::median), cold.as_ref().map(Timed::median));
    let warm_median = medians.0.map(|median| median.value);
    let cost = medians.1.zip(medians.0).map(|(cold, warm)| difference(&cold, &warm));
    let (cost_median_low_ms, cost_median_high_ms, interval) = columns(cost.and_then(|cost| cost.interval));
    ColdStart {
        provider: provider.into(),
        function: function.into(),
        n: group.n,
        cold_n: group.cold_n,
        cold_pct: (group.known > 0).then(|| 100.0 * group.cold_n as f64 / group.n as f64),
        logged: group.logged,
        never_invoked: group.never_invoked,
        platform,
        disagree: platform.map(|count| (count - group.logged).abs()),
        warm_median_ms: warm_median,
        cold_median_ms: medians.1.map(|median| median.value),
        cost_median_ms: cost.map(|cost| cost.value),
        cost_median_low_ms,
        cost_median_high_ms,
        interval,
        cost_max_ms: cold.as_ref().zip(warm_median).map(|(cold, warm)| cold.sample.max() - warm),
        init_median_ms: Sample::of_known(init_ms.iter().copied()).map(|sample| sample.median()),
        complete: known.map_or(!run.gaps.refused(provider), |(p, f)| run.gaps.function_complete(p, f)),
    }
}
