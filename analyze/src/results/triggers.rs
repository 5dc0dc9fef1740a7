//! Trigger delay of event pipelines by the publisher's provider and the triggered function.

use std::collections::BTreeSet;

use faaslens_schemas::tables::Trigger;

use super::Run;
use super::groups::Groups;
use super::series::{Series, Timed, columns};
use crate::facts::{CallFact, CallKind, Name};
use crate::stats::Sample;

/// A delay as the published analysis computes it: `timedelta.microseconds / 1000` of the difference between the log
/// stamps of the two start marks. Only its sub-second part is left: 1,800 ms become 800, and -5 ms become 995.
pub(super) fn published_ms(delay_logged_ms: f64) -> f64 {
    delay_logged_ms.rem_euclid(1000.0)
}

#[derive(Default)]
struct Group {
    delays: Series,
    published: Vec<f64>,
    publisher_ms: Vec<f64>,
    uncertainties: Vec<f64>,
    publishers: BTreeSet<Name>,
    providers: BTreeSet<Name>,
    unknown: usize,
    /// Delays whose uncertainty nothing bounds.
    unsure: usize,
}

impl Group {
    fn add(&mut self, fact: &CallFact) {
        let event = fact.event.as_deref().copied().unwrap_or_default();
        self.delays.add(fact.start, event.trigger_delay_ms);
        self.published.extend(event.trigger_delay_logged_ms.map(published_ms));
        self.publisher_ms.extend(event.publisher_duration_ms);
        self.unsure += usize::from(event.uncertainty_ms.is_none());
        self.uncertainties.extend(event.uncertainty_ms);
        self.publishers.extend(fact.caller_function);
        self.providers.extend(fact.callee_provider);
        self.unknown += usize::from(event.trigger_delay_ms.is_none());
    }
}

/// One row for each provider of a publisher and each function its events triggered, sorted by these.
pub(super) fn rows(run: &Run<'_>) -> Vec<Trigger> {
    let mut groups: Groups<(Name, Name), Group> = Groups::default();
    for fact in run.input.facts.calls.iter().filter(|fact| fact.kind == CallKind::Async) {
        if let Some(provider) = fact.caller_provider {
            groups.at((provider, fact.callee_function)).add(fact);
        }
    }
    let mut rows: Vec<Trigger> = groups.into_iter().map(|(key, group)| row(run, key, group)).collect();
    rows.sort_by(|a, b| (&a.provider, &a.function).cmp(&(&b.provider, &b.function)));
    rows
}

fn row(run: &Run<'_>, (provider, function): (Name, Name), group: Group) -> Trigger {
    let names = &run.input.facts.names;
    let publishers_complete = group.publishers.iter().all(|publisher| run.gaps.function_complete(provider, *publisher));
    let handlers_lossless = group.providers.iter().all(|handler| run.gaps.function_lossless(*handler, function));
    let complete =
        group.unknown == 0 && publishers_complete && handlers_lossless && run.gaps.provider_lossless(provider);
    let timed = group.delays.timed();
    let delays = timed.as_ref().map(|timed| &timed.sample);
    let (median_low_ms, median_high_ms, interval) = columns(timed.as_ref().and_then(Timed::median_interval));
    let published = Sample::of_known(group.published);
    let of = |statistic: fn(&Sample) -> f64| delays.map(statistic);
    Trigger {
        provider: names.text(provider).into(),
        function: names.text(function).into(),
        n: delays.map_or(0, Sample::count),
        median_ms: of(Sample::median),
        median_low_ms,
        median_high_ms,
        interval,
        q1_ms: of(Sample::q1),
        q3_ms: of(Sample::q3),
        max_ms: of(Sample::max),
        mean_ms: of(Sample::mean),
        over_1s: delays.map_or(0, |sample| sample.count_from(1000.0)),
        published_median_ms: published.as_ref().map(Sample::median),
        published_mean_ms: published.as_ref().map(Sample::mean),
        publisher_median_ms: Sample::of_known(group.publisher_ms).map(|sample| sample.median()),
        uncertainty_ms: Sample::of_known(group.uncertainties).filter(|_| group.unsure == 0).map(|sample| sample.max()),
        complete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_delay_is_the_microseconds_field_of_a_timedelta() {
        // python3: [timedelta(milliseconds=m).microseconds / 1000 for m in (1800, 999, 1000, -5, -1005, 0)]
        let expected = [(1800.0, 800.0), (999.0, 999.0), (1000.0, 0.0), (-5.0, 995.0), (-1005.0, 995.0), (0.0, 0.0)];
        for (logged, published) in expected {
            assert!((published_ms(logged) - published).abs() < 1e-12, "{logged}");
        }
    }
}
