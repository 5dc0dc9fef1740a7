//! Clocks of different providers: bounds of their offsets against the shifts that were put into a recorded run, and what
//! alignment changes and leaves alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use faaslens_schemas::tables::{Call, ClockOffset, Invocation, Trace};
use faaslens_schemas::time::Timestamp;
use serde_json::Value;

use crate::binary::{Outcome, analyze, collect, faaslens};
use crate::golden::{TOLERANCE_MS, assert_close};
use crate::recorded::{ALL, WEBSERVICE_1, project, rows, session};

/// A microsecond: the resolution of instants.
const MICROSECOND_MS: f64 = 0.001;

/// When the shifted clocks began to drift: the start of the recording.
const DRIFT_FROM: Timestamp = Timestamp::from_micros(1_795_330_911_947_510);

/// The run with shifted clocks, analysed with options.
fn skewed(name: &str, options: &[&str]) -> (PathBuf, Outcome) {
    let store = session().join(name);
    collect(&project("tests/data/variants/skew"), &store, "skew", &[]).exits(0);
    let outcome = analyze(&store, options).exits(0);
    (store, outcome)
}

static ALIGNED: LazyLock<(PathBuf, Outcome)> = LazyLock::new(|| skewed("skew-aligned", &[]));
static UNALIGNED: LazyLock<(PathBuf, Outcome)> = LazyLock::new(|| skewed("skew-none", &["--align-clocks", "none"]));

fn sync_calls(store: &Path) -> Vec<Call> {
    let calls: Vec<Call> = rows(store, "skew");
    calls.into_iter().filter(|call| &*call.kind == "sync" && call.callee_id.is_some()).collect()
}

/// How far a provider's clock is ahead at an instant, by `skew.json`.
fn ahead_ms(provider: &str, at: Timestamp) -> f64 {
    let text = std::fs::read_to_string(project("tests/data/variants/skew/skew.json")).expect("skew.json");
    let skew: Value = serde_json::from_str(&text).expect("JSON");
    let name = if provider == "client" { "artillery" } else { provider };
    let number = |key: &str| skew[name][key].as_f64().expect("a number");
    number("offset_ms") + number("drift_ppm") * 1e-6 * at.ms_since(DRIFT_FROM)
}

/// What has to be added to `provider_b`'s clock to get `provider_a`'s.
fn truth_ms(row: &ClockOffset) -> f64 {
    ahead_ms(&row.provider_a, row.at) - ahead_ms(&row.provider_b, row.at)
}

#[test]
fn true_offsets_with_their_drift_lie_inside_the_bounds_at_every_time() {
    let offsets: Vec<ClockOffset> = rows(&ALIGNED.0, "skew");
    // The load generator and five providers.
    assert_eq!(offsets.len(), 15 * 5);
    let connected = offsets.iter().filter(|row| row.low_ms.is_some());
    let (mut direct, mut through) = (0, 0);
    for row in connected {
        let (low, high) = (row.low_ms.expect("a bound"), row.high_ms.expect("a bound"));
        assert!(low <= truth_ms(row) && truth_ms(row) <= high, "{}: {row:?}", truth_ms(row));
        assert_eq!(row.contradiction_ms, None, "{row:?}");
        direct += usize::from(row.calls > 0);
        through += usize::from(row.calls == 0 && row.through.is_some());
    }
    assert!(
        direct > 0 && through > 0 && direct + through == offsets.len(),
        "{direct} direct, {through} through others"
    );
}

#[test]
fn bounds_between_two_instants_hold_as_well() {
    let offsets: Vec<ClockOffset> = rows(&ALIGNED.0, "skew");
    for two in offsets.windows(2).filter(|two| two[0].provider_b == two[1].provider_b && two[0].at < two[1].at) {
        for share in [0.1, 0.5, 0.9] {
            let between =
                |a: Option<f64>, b: Option<f64>| (1.0 - share) * a.expect("known") + share * b.expect("known");
            let at = two[0].at.plus_ms(share * two[1].at.ms_since(two[0].at));
            let truth = truth_ms(&ClockOffset { at, ..two[0].clone() });
            assert!(between(two[0].low_ms, two[1].low_ms) <= truth, "{two:?}");
            assert!(truth <= between(two[0].high_ms, two[1].high_ms), "{two:?}");
        }
    }
}

#[test]
fn bounds_are_no_wider_than_the_shortest_round_trip_of_the_pair() {
    let calls = sync_calls(&ALIGNED.0);
    for row in rows::<ClockOffset>(&ALIGNED.0, "skew").iter().filter(|row| row.calls > 0) {
        let between = |call: &&Call| {
            let pair = (call.caller_provider.clone(), call.callee_provider.clone());
            let (a, b) = (Some(row.provider_a.clone()), Some(row.provider_b.clone()));
            pair == (a.clone(), b.clone()) || pair == (b, a)
        };
        let shortest = calls.iter().filter(between).filter_map(|call| call.network_ms).reduce(f64::min);
        let shortest = shortest.expect("a complete call");
        assert!((row.round_trip_ms.expect("a round trip") - shortest).abs() <= 3.0 * MICROSECOND_MS, "{row:?}");
        assert!(row.round_trip_width_ms.expect("a width") <= shortest, "{row:?}");
        // Away from that call the bounds widen with the drift that is allowed: 100 ppm of half a minute.
        assert!(row.width_ms.expect("a width") <= shortest + 3.0, "{row:?}");
    }
}

#[test]
fn after_alignment_every_synchronous_callee_runs_inside_its_call() {
    let before_caller = |calls: &[Call]| calls.iter().filter(|call| call.request_ms.is_some_and(|ms| ms < 0.0)).count();
    assert!(before_caller(&sync_calls(&UNALIGNED.0)) > 100, "the shifts of the clocks show");
    let calls = sync_calls(&ALIGNED.0);
    let invocations: BTreeMap<String, Invocation> = rows::<Invocation>(&ALIGNED.0, "skew")
        .into_iter()
        .map(|invocation| (invocation.invocation_id.clone(), invocation))
        .collect();
    let mut checked = 0;
    for call in &calls {
        let callee = &invocations[call.callee_id.as_ref().expect("a callee")];
        assert!(callee.start >= call.start.expect("a start"), "{call:?}");
        assert!(call.request_ms.is_some_and(|ms| ms >= 0.0), "{call:?}");
        let Some(response_ms) = call.response_ms else { continue };
        assert!(response_ms >= 0.0, "{call:?}");
        checked += 1;
    }
    assert!(checked > 1000, "{checked} calls");
}

#[test]
fn what_was_shifted_is_marked_and_said_and_the_rest_stays() {
    let invocations: Vec<Invocation> = rows(&ALIGNED.0, "skew");
    for invocation in &invocations {
        let off_ms = ahead_ms(&invocation.provider, invocation.start);
        let shifted = invocation.clock_shift_ms;
        assert_eq!(shifted.is_some(), off_ms != 0.0, "{invocation:?}");
        assert!(shifted.is_none_or(|shift| (shift + off_ms).abs() < 10.0), "{invocation:?}");
    }
    let shifted = |call: &Call| call.clock_shift_ms.is_some();
    let by_provider =
        |call: &Call| call.caller_provider.as_deref() == Some("aws") && call.callee_provider.as_deref() == Some("aws");
    assert!(sync_calls(&ALIGNED.0).iter().filter(|call| by_provider(call)).all(|call| !shifted(call)));
    assert!(
        ALIGNED.1.stderr.contains("clocks of azure, google, openfaas, tinyfaas are shifted"),
        "{}",
        ALIGNED.1.stderr
    );
    assert!(rows::<Invocation>(&UNALIGNED.0, "skew").iter().all(|row| row.clock_shift_ms.is_none()));
}

#[test]
fn round_trips_are_the_same_with_and_without_shifted_clocks() {
    let by_edge = |calls: Vec<Call>| -> BTreeMap<(String, String, Option<String>), Call> {
        let key = |call: &Call| (call.context_id.clone(), call.pair_id.clone(), call.callee_id.clone());
        calls.into_iter().map(|call| (key(&call), call)).collect()
    };
    let recorded = by_edge(WEBSERVICE_1.rows());
    let traces = |rows: Vec<Trace>| -> BTreeMap<String, Trace> {
        rows.into_iter().map(|trace| (trace.context_id.clone(), trace)).collect()
    };
    let recorded_traces = traces(WEBSERVICE_1.rows());
    for store in [&ALIGNED.0, &UNALIGNED.0] {
        let mut compared = 0;
        for (key, call) in by_edge(sync_calls(store)) {
            // The shifted copy is cut off after 30 s: calls that were open then never end.
            let Some(expected) = recorded.get(&key).filter(|_| call.network_ms.is_some()) else { continue };
            assert_close(call.network_ms, expected.network_ms, MICROSECOND_MS, &call);
            compared += 1;
        }
        assert!(compared > 1000, "{compared} calls compared");
        for (context, trace) in traces(rows(store, "skew")).into_iter().filter(|(_, trace)| trace.complete) {
            let Some(expected) = recorded_traces.get(&context) else { continue };
            assert_close(trace.client_network_ms, expected.client_network_ms, MICROSECOND_MS, &trace);
            assert_close(trace.root_ms, expected.root_ms, TOLERANCE_MS, &trace);
        }
    }
}

#[test]
fn one_way_times_of_shifted_clocks_are_right_within_their_uncertainty() {
    let by_callee = |calls: Vec<Call>| -> BTreeMap<String, Call> {
        calls.into_iter().filter_map(|call| Some((call.callee_id.clone()?, call))).collect()
    };
    let recorded = by_callee(WEBSERVICE_1.rows().into_iter().filter(|call: &Call| &*call.kind == "sync").collect());
    let mut compared = 0;
    for (callee, call) in by_callee(sync_calls(&ALIGNED.0)) {
        let Some(expected) = recorded.get(&callee) else { continue };
        let (Some(found), Some(truth)) = (call.request_ms, expected.request_ms) else { continue };
        let uncertainty_ms = call.uncertainty_ms.expect("calls bound every offset here");
        // The recorded run has one clock: its own one-way times are right to its origins' uncertainty; the shifted stamps are
        // rounded to whole milliseconds.
        assert!((found - truth).abs() <= uncertainty_ms + 2.0, "{found} {truth} {call:?}");
        compared += 1;
    }
    assert!(compared > 1000, "{compared} calls compared");
}

#[test]
fn an_anchor_keeps_its_clock_and_every_other_is_moved_to_the_middle_of_its_bounds() {
    let (store, _) = skewed("skew-anchor", &["--align-clocks", "anchor=google"]);
    let invocations: Vec<Invocation> = rows(&store, "skew");
    assert!(invocations.iter().all(|row| row.clock_shift_ms.is_some() == (&*row.provider != "google")));
    assert!(sync_calls(&store).iter().all(|call| call.request_ms.is_some_and(|ms| ms >= 0.0)));
    let (_, outcome) = skewed("skew-no-anchor", &["--align-clocks", "anchor=nimbus"]);
    assert!(outcome.stderr.contains("no clock of \"nimbus\""), "{}", outcome.stderr);
}

#[test]
fn an_estimate_lies_at_the_share_of_the_request_between_its_bounds() {
    let share = |store: &Path| -> Vec<f64> {
        // The load generator calls aws and is called by nobody: one direction only.
        let rows = rows::<ClockOffset>(store, "skew").into_iter();
        let own = rows.filter(|row| (&*row.provider_a, &*row.provider_b) == ("client", "aws"));
        own.map(|row| {
            let [low, estimate, width] = [row.low_ms, row.estimate_ms, row.width_ms].map(|ms| ms.expect("a number"));
            (estimate - low) / width
        })
        .collect()
    };
    let (store, _) = skewed("skew-share", &["--request-share", "0.75"]);
    for (store, expected) in [(&ALIGNED.0, 0.5), (&store, 0.75)] {
        let shares = share(store);
        assert!(shares.len() == 5 && shares.iter().all(|share| (share - expected).abs() < 0.01), "{shares:?}");
    }
}

#[test]
fn midpoints_are_near_the_truth_where_both_ways_of_the_fastest_calls_take_equally_long() {
    let direct = rows::<ClockOffset>(&ALIGNED.0, "skew").into_iter().filter(|row| row.calls > 100);
    for row in direct {
        let off_ms = row.estimate_ms.expect("an estimate") - truth_ms(&row);
        assert!(off_ms.abs() < 2.0, "{off_ms}: {row:?}");
    }
}

#[test]
fn clocks_that_agree_are_left_alone() {
    for run in ALL {
        assert!(run.rows::<Invocation>().iter().all(|row| row.clock_shift_ms.is_none()), "{}", run.name);
        for row in run.rows::<ClockOffset>() {
            assert!(row.low_ms.is_none_or(|low| low <= 0.0) && row.high_ms.is_none_or(|high| high >= 0.0), "{row:?}");
            assert_eq!(row.shift_ms, None);
        }
    }
}

#[test]
fn offsets_are_a_table_like_any_other_and_wrong_choices_are_refused() {
    let outcome = faaslens(&[&"table", &"clock_offsets", &"--store", &ALIGNED.0, &"--format", &"csv"]).exits(0);
    assert_eq!(outcome.stdout.lines().count(), 1 + 15 * 5);
    for (option, value) in [
        ("--align-clocks", "middle"),
        ("--request-share", "1"),
        ("--request-share", "most"),
        ("--max-drift-ppm", "1001"),
    ] {
        let outcome = analyze(&ALIGNED.0, &[option, value]).exits(2);
        assert!(outcome.stderr.contains(value), "{}", outcome.stderr);
    }
}
