//! Execution duration by provider, function and trigger.

use faaslens_schemas::tables::Duration;

use super::Run;
use super::groups::Groups;
use super::series::{Series, Timed, columns};
use crate::facts::{InvocationFact, Name, Trigger};
use crate::stats::{BoxPlot, Sample, carried_quantile};

#[derive(Default)]
struct Group {
    values: Series,
    unended: i64,
    cold: i64,
}

/// One row for each provider, function and trigger that was invoked, sorted by these.
pub(super) fn rows(run: &Run<'_>) -> Vec<Duration> {
    let mut groups: Groups<(Name, Name, Trigger), Group> = Groups::default();
    for fact in &run.input.facts.invocations {
        groups.at((fact.provider, fact.function, fact.trigger)).add(fact);
    }
    let mut rows: Vec<Duration> = groups.into_iter().map(|(key, group)| row(run, key, group)).collect();
    rows.sort_by(|a, b| (&a.provider, &a.function, &a.trigger).cmp(&(&b.provider, &b.function, &b.trigger)));
    rows
}

impl Group {
    fn add(&mut self, fact: &InvocationFact) {
        self.values.add(fact.start, fact.duration_ms);
        self.unended += i64::from(fact.duration_ms.is_none());
        self.cold += i64::from(fact.cold == Some(true));
    }
}

fn row(run: &Run<'_>, (provider, function, trigger): (Name, Name, Trigger), group: Group) -> Duration {
    let names = &run.input.facts.names;
    let timed = group.values.timed();
    let sample = timed.as_ref().map(|timed| &timed.sample);
    let (median_low_ms, median_high_ms, interval) = columns(timed.as_ref().and_then(Timed::median_interval));
    let of = |statistic: fn(&Sample) -> f64| sample.map(statistic);
    let carried = |p| sample.and_then(|sample| carried_quantile(sample, p));
    Duration {
        provider: names.text(provider).into(),
        function: names.text(function).into(),
        trigger: trigger.as_str().into(),
        n: sample.map_or(0, Sample::count),
        errors: group.unended,
        median_ms: of(Sample::median),
        median_low_ms,
        median_high_ms,
        interval,
        q1_ms: of(Sample::q1),
        q3_ms: of(Sample::q3),
        iqr_ms: of(Sample::iqr),
        p95_ms: carried(0.95),
        p99_ms: carried(0.99),
        mean_ms: of(Sample::mean),
        min_ms: of(Sample::min),
        max_ms: of(Sample::max),
        whisker_low_ms: of(|sample| BoxPlot::of(sample).whisker_low),
        whisker_high_ms: of(|sample| BoxPlot::of(sample).whisker_high),
        cold_n: group.cold,
        complete: run.gaps.function_complete(provider, function),
    }
}
