//! Warm-up and stationarity of execution durations by function and by entry route: reported, never applied.
//!
//! Both methods go by means, and a late outlier moves those as a change of level does. So values beyond the whiskers of
//! the series' box count as the whisker.

use faaslens_schemas::tables::Stationarity;

use super::Run;
use super::groups::Groups;
use super::series::{Series, Timed};
use crate::facts::Name;
use crate::stats::{BoxPlot, LEAST_FOR_WARM_UP, Sample, kpss, warm_up};

/// Level of the test: at most one settled series in twenty is called moving.
const ALPHA: f64 = 0.05;

/// Scope and names of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Function(Name, Name),
    Route(Name, Name),
}

/// One row for each function and each entry route with enough durations, sorted by scope, provider and name.
pub(super) fn rows(run: &Run<'_>) -> Vec<Stationarity> {
    let facts = run.input.facts;
    let mut groups: Groups<Key, Series> = Groups::default();
    for fact in &facts.invocations {
        groups.at(Key::Function(fact.provider, fact.function)).add(fact.start, fact.duration_ms);
    }
    for fact in &facts.traces {
        if let Some((provider, route)) = fact.entry_provider.zip(fact.entry_route) {
            groups.at(Key::Route(provider, route)).add(fact.start, fact.root_ms);
        }
    }
    let text = |name: Name| facts.names.text(name);
    let mut rows: Vec<Stationarity> = groups
        .into_iter()
        .filter_map(|(key, series)| {
            let timed = series.timed().filter(|timed| timed.sample.n() >= LEAST_FOR_WARM_UP)?;
            let (scope, provider, name) = match key {
                Key::Function(provider, function) => ("function", provider, function),
                Key::Route(provider, route) => ("route", provider, route),
            };
            Some(row(scope, text(provider), text(name), &timed))
        })
        .collect();
    rows.sort_by(|a, b| (&a.scope, &a.provider, &a.name).cmp(&(&b.scope, &b.provider, &b.name)));
    rows
}

fn row(scope: &str, provider: &str, name: &str, timed: &Timed) -> Stationarity {
    let plot = BoxPlot::of(&timed.sample);
    let (least, greatest) = (plot.whisker_low.min(plot.median), plot.whisker_high.max(plot.median));
    let pulled_in: Vec<f64> = timed.in_order.iter().map(|value| value.clamp(least, greatest)).collect();
    let cut = warm_up(&pulled_in);
    let level = cut.and_then(|cut| kpss(&pulled_in[cut..]));
    let rest = cut.map(|cut| &timed.in_order[cut..]);
    let (first, settled_from) = (timed.starts.first(), cut.and_then(|cut| timed.starts.get(cut)));
    let verdict = match (cut, level) {
        (None, _) => Some("not settled"),
        (_, Some(level)) if level.p_value <= ALPHA => Some("moving"),
        (Some(0), Some(_)) => Some("stationary"),
        (Some(_), Some(_)) => Some("stationary after warm-up"),
        (Some(_), None) => None,
    };
    Stationarity {
        scope: scope.into(),
        provider: provider.into(),
        name: name.into(),
        n: timed.sample.count(),
        warm_up_n: cut.and_then(|cut| i64::try_from(cut).ok()),
        warm_up_s: first.zip(settled_from).map(|(first, from)| from.ms_since(*first) / 1000.0),
        median_ms: timed.sample.median(),
        settled_median_ms: rest.and_then(|rest| Sample::of_known(rest.iter().copied())).map(|rest| rest.median()),
        kpss: level.map(|level| level.statistic),
        kpss_p: level.map(|level| level.p_value),
        verdict: verdict.map(Into::into),
    }
}
