//! Critical paths of the recorded runs: what their segments add up to, and what functions contribute to them, counted
//! again from the segments.

use std::collections::BTreeMap;

use faaslens_schemas::tables::{Contribution, PathSegment, Trace};

use crate::golden::{TOLERANCE_MS, assert_close};
use crate::recorded::{ALL, Recorded};

/// Segments of each trace, in order.
fn paths(run: &Recorded) -> BTreeMap<String, Vec<PathSegment>> {
    let mut paths: BTreeMap<String, Vec<PathSegment>> = BTreeMap::new();
    for row in run.rows::<PathSegment>() {
        paths.entry(row.context_id.to_string()).or_default().push(row);
    }
    for path in paths.values_mut() {
        path.sort_by_key(|row| row.n);
    }
    paths
}

fn sum<'a>(rows: impl Iterator<Item = &'a PathSegment>) -> Option<f64> {
    let durations: Vec<f64> = rows.map(|row| row.duration_ms).collect();
    (!durations.is_empty()).then(|| durations.iter().sum())
}

#[test]
fn segments_of_every_ended_root_are_contiguous_and_add_up_to_it() {
    for run in ALL {
        let paths = paths(run);
        for trace in run.rows::<Trace>().into_iter().filter(|trace| trace.root_ms.is_some()) {
            let path = &paths[&trace.context_id];
            let of = |scope: &'static str| path.iter().filter(move |row| &*row.scope == scope);
            assert_close(sum(of("root")), trace.root_ms, 0.001, &trace.context_id);
            let mut at = trace.start;
            for row in of("root") {
                assert!(row.duration_ms > 0.0 && (row.start.micros() - at.micros()).abs() <= 1, "{row:?} at {at}");
                at = row.start.plus_ms(row.duration_ms);
            }
            assert_close(sum(of("client")), trace.client_network_ms, TOLERANCE_MS, &trace.context_id);
            assert_close(sum(of("event")), trace.trigger_ms, TOLERANCE_MS, &trace.context_id);
        }
    }
}

/// Median as numpy has it.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

/// Time on the path by trace, of one function and some categories.
fn parts(run: &Recorded, row: &Contribution) -> BTreeMap<String, f64> {
    let categories: &[&str] = if &*row.category == "own" { &["compute", "db"] } else { &[&*row.category] };
    let mut parts: BTreeMap<String, f64> = BTreeMap::new();
    for segment in run.rows::<PathSegment>().into_iter().filter(|segment| {
        &*segment.scope == "root"
            && categories.contains(&&*segment.category)
            && (segment.function.as_ref(), segment.provider.as_ref()) == (Some(&row.function), Some(&row.provider))
    }) {
        *parts.entry(segment.context_id.to_string()).or_default() += segment.duration_ms;
    }
    parts
}

#[test]
fn contributions_are_those_of_the_segments() {
    for run in ALL {
        let whole: Vec<Trace> = run.rows::<Trace>().into_iter().filter(|trace| trace.complete).collect();
        let rows = run.rows::<Contribution>();
        assert!(!rows.is_empty(), "{}", run.name);
        for row in rows.iter().filter(|row| &*row.scope == "overall") {
            let parts = parts(run, row);
            let roots = |less: f64| -> Vec<f64> {
                let part = |trace: &Trace| parts.get(&trace.context_id).copied().unwrap_or(0.0);
                whole.iter().filter_map(|trace| Some(trace.root_ms? - less * part(trace))).collect()
            };
            let on_path: Vec<f64> = whole.iter().filter_map(|trace| parts.get(&trace.context_id).copied()).collect();
            let what = (run.name, row);
            let n = |values: &[f64]| i64::try_from(values.len()).expect("a small number");
            assert_eq!((row.n, row.traces), (n(&on_path), n(&roots(0.0))), "{what:?}");
            assert_close(Some(row.sum_ms), Some(on_path.iter().sum()), TOLERANCE_MS, what);
            assert_close(row.share_pct, Some(100.0 * row.sum_ms / roots(0.0).iter().sum::<f64>()), TOLERANCE_MS, what);
            assert_close(row.p50_ms, Some(median(on_path)), TOLERANCE_MS, what);
            assert_close(row.root_fall_ms, Some(median(roots(0.0)) - median(roots(1.0))), TOLERANCE_MS, what);
        }
    }
}
