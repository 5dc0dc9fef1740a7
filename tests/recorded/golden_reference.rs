//! Numbers of [BeFaaS]'s own Python analysis of the same logs, where it is right; and the right number with the reason
//! where it is wrong. The files under `tests/data/golden/reference` are its unchanged output.

use std::collections::{BTreeMap, BTreeSet};

use faaslens_schemas::tables::{Call, DbCall, Invocation, Share, Trigger};

use crate::golden::{Csv, TOLERANCE_MS, assert_close, assert_same_values};
use crate::recorded::{IOT, Recorded, SMART_FACTORY, STREAMING, WEBSERVICE_1, WEBSERVICE_2};

/// Compute, network and database of a context over `addcartitem` and `cartkvstorage`, by the published formula.
fn published_division(run: &Recorded) -> BTreeMap<String, [f64; 3]> {
    let mut division: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    let invocations: Vec<Invocation> = run.rows();
    let chosen: BTreeSet<&str> =
        invocations.iter().filter(|i| &*i.function == "addcartitem").map(|i| i.context_id.as_str()).collect();
    let in_chosen = invocations.iter().filter(|i| chosen.contains(i.context_id.as_str()));
    for invocation in in_chosen.filter(|i| ["addcartitem", "cartkvstorage"].contains(&&*i.function)) {
        let [compute, network, db] = division.entry(invocation.context_id.clone()).or_default();
        let duration = invocation.duration_ms.expect("an ended invocation");
        let calls = if &*invocation.function == "addcartitem" { invocation.calls_sum_ms } else { 0.0 };
        *compute += duration - calls - invocation.db_sum_ms;
        *network += calls - if &*invocation.function == "cartkvstorage" { duration } else { 0.0 };
        *db += invocation.db_sum_ms;
    }
    division
}

#[test]
fn compute_network_and_database_of_adding_to_the_cart_are_the_published_ones() {
    for run in [&WEBSERVICE_1, &WEBSERVICE_2] {
        let division = published_division(run);
        let golden = Csv::read(&format!("golden/reference/{}.computeNetworkDb", run.name));
        let mut contexts = BTreeSet::new();
        for row in golden.rows() {
            let [compute, network, db] = division[row.text("id")];
            let found = match row.text("class") {
                "compute" => compute,
                "network" => network,
                "db" => db,
                other => panic!("class {other:?}"),
            };
            assert_close(
                Some(found),
                Some(row.number("duration")),
                TOLERANCE_MS,
                (run.name, row.text("id"), row.text("class")),
            );
            contexts.insert(row.text("id").to_owned());
        }
        assert_eq!(contexts.into_iter().collect::<Vec<_>>(), division.into_keys().collect::<Vec<_>>());
    }
}

#[test]
fn the_summary_over_the_chosen_functions_is_that_of_the_published_contexts() {
    for run in [&WEBSERVICE_1, &WEBSERVICE_2] {
        let shares: Vec<Share> = run.rows();
        let golden = Csv::read(&format!("golden/reference/{}.computeNetworkDb", run.name));
        for category in ["compute", "network", "db"] {
            let of_category = golden.rows().filter(|row| row.text("class") == category);
            let mut values: Vec<f64> = of_category.map(|row| row.number("duration")).collect();
            values.sort_by(f64::total_cmp);
            let share = shares
                .iter()
                .find(|share| &*share.scope == "set" && &*share.method == "befaas" && &*share.category == category)
                .unwrap_or_else(|| panic!("{}: no share of the set for {category}", run.name));
            assert_eq!(share.n, i64::try_from(values.len()).expect("a count"), "{share:?}");
            assert_close(Some(share.sum_ms), Some(values.iter().sum()), 1e-5, share);
            assert_close(share.median_ms, Some(quantile(&values, 0.5)), TOLERANCE_MS, share);
            let p95 = (values.len() >= 59).then(|| quantile(&values, 0.95));
            assert_close(share.p95_ms, p95, TOLERANCE_MS, share);
        }
    }
}

/// Quantile of sorted values by linear interpolation (type 7 of Hyndman and Fan).
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let position = p * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in a short list")]
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (position - position.floor())
}

#[test]
fn durations_of_the_frontends_routes_are_the_published_ones() {
    for run in [&WEBSERVICE_1, &WEBSERVICE_2] {
        let rows: Vec<Invocation> = run.rows();
        let frontends: BTreeMap<&str, &Invocation> = rows
            .iter()
            .filter(|i| &*i.function == "frontend" && i.duration_ms.is_some())
            .map(|i| (i.context_id.as_str(), i))
            .collect();
        let golden = Csv::read(&format!("golden/reference/{}.functionRuntimes", run.name));
        assert_eq!(frontends.len(), golden.len(), "{}", run.name);
        for row in golden.rows() {
            let invocation = frontends[row.text("id")];
            let route = invocation.route.as_deref().expect("a route");
            assert_eq!(route.split_once(' ').map(|(_, path)| path), Some(row.text("function")), "{invocation:?}");
            assert_close(invocation.duration_ms, Some(row.number("duration")), TOLERANCE_MS, invocation);
        }
    }
}

#[test]
fn the_provider_of_a_function_is_its_own_where_the_reference_names_the_last_one_logged() {
    // The reference labels every context with the platform of the last entry of the whole dump: "aws" here, although
    // addcartitem ran on google, as experiment.json has it.
    let golden = Csv::read("golden/reference/webservice-1.computeNetworkDb");
    assert!(golden.rows().all(|row| row.text("plattform") == "aws"));
    let config = WEBSERVICE_1.manifest().config.expect("experiment.json");
    assert_eq!(config["program"]["functions"]["addcartitem"]["provider"], "google");
    let rows: Vec<Invocation> = WEBSERVICE_1.rows();
    let providers: BTreeSet<&str> =
        rows.iter().filter(|i| &*i.function == "addcartitem").map(|i| &*i.provider).collect();
    assert_eq!(providers.into_iter().collect::<Vec<_>>(), ["google"]);
}

#[test]
fn network_time_of_publishing_is_the_published_one() {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for call in SMART_FACTORY.rows::<Call>() {
        if &*call.kind == "sync" && !call.from_client && call.callee_function.starts_with("publisher") {
            let provider = |side: Option<&str>| side.expect("a provider").to_owned();
            let pair = format!(
                "{} - {}",
                provider(call.caller_provider.as_deref()),
                provider(call.callee_provider.as_deref())
            );
            found.entry(pair).or_default().push(call.network_ms.expect("network time"));
        }
    }
    let mut expected: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in Csv::read("golden/reference/smartFactory.eval3_network").rows() {
        expected.entry(row.text("pair").to_owned()).or_default().push(row.number("latency"));
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (pair, values) in expected {
        assert_same_values(found.remove(&pair).expect("the pair"), values, pair);
    }
}

/// The events of `smartFactory`, by pair ID.
fn smart_factory_events() -> BTreeMap<String, Call> {
    let rows: Vec<Call> = SMART_FACTORY.rows();
    rows.into_iter().filter(|call| &*call.kind == "async").map(|call| (call.pair_id.clone(), call)).collect()
}

#[test]
fn publisher_durations_are_the_published_ones() {
    let events = smart_factory_events();
    for row in Csv::read("golden/reference/smartFactory.eval3_both").rows() {
        let call = &events[row.text("xPair")];
        assert_close(call.publisher_duration_ms, Some(row.number("publisher_ms")), TOLERANCE_MS, call);
    }
}

#[test]
fn trigger_delays_differ_from_those_of_single_marks_by_less_than_a_millisecond() {
    // trigger_mark_ms puts each mark at its own line's floored stamp, off by up to 1 ms on either side; the origin of an
    // executor is the greatest of those bounds over all its lines, so that the two agree to better than 1 ms.
    let events = smart_factory_events();
    let golden = Csv::read("golden/reference/smartFactory.eval3_both");
    assert_eq!(events.len(), golden.len());
    for row in golden.rows() {
        let call = &events[row.text("xPair")];
        assert_close(call.trigger_delay_ms, Some(row.number("trigger_mark_ms")), 1.0, call);
    }
}

#[test]
fn trigger_delays_as_published_lose_their_whole_seconds() {
    // The reference takes `timedelta.microseconds / 1000` of the difference of two log stamps: what is left of a delay
    // after whole seconds. 30 of its 720 hops last a second or more.
    let events = smart_factory_events();
    let (mut wrapped, mut used) = (0, 0);
    for row in Csv::read("golden/reference/smartFactory.eval3_both").rows() {
        let call = &events[row.text("xPair")];
        let full = call.trigger_delay_logged_ms.expect("a delay by log stamps");
        assert_close(Some(full), Some(row.number("trigger_total_ms")), TOLERANCE_MS, call);
        assert_close(Some(full.rem_euclid(1000.0)), Some(row.number("trigger_reference_ms")), TOLERANCE_MS, call);
        if row.text("used_by_reference") == "True" {
            used += 1;
            wrapped += usize::from(full >= 1000.0);
        }
    }
    assert_eq!((wrapped, used), (30, 720));
}

#[test]
fn mean_trigger_delays_are_shown_in_full_and_as_published() {
    let triggers: Vec<Trigger> = SMART_FACTORY.rows();
    let mut golden: BTreeMap<(String, String), (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    let providers: BTreeMap<String, String> = Csv::read("golden/smartFactory.triggers")
        .rows()
        .map(|row| (row.text("pair").to_owned(), row.text("provider").to_owned()))
        .collect();
    for row in Csv::read("golden/reference/smartFactory.eval3_both").rows() {
        let provider = providers[row.text("xPair")].clone();
        let (full, published) = golden.entry((provider, row.text("eventFun").to_owned())).or_default();
        full.push(row.number("trigger_mark_ms"));
        published.push(row.number("trigger_reference_ms"));
    }
    let mean = |values: &[f64]| Some(values.iter().sum::<f64>() / values.len() as f64);
    assert_eq!(triggers.len(), golden.len());
    for trigger in &triggers {
        let (full, published) = &golden[&(trigger.provider.to_string(), trigger.function.to_string())];
        assert_eq!(usize::try_from(trigger.n).expect("a count"), full.len(), "{trigger:?}");
        assert_close(trigger.published_mean_ms, mean(published), TOLERANCE_MS, trigger);
        assert_close(trigger.mean_ms, mean(full), 1.0, trigger);
    }
    // With the 18 orders of the load generator, which the reference skips: 31 of 738.
    assert_eq!(triggers.iter().map(|trigger| trigger.over_1s).sum::<i64>(), 31);
}

#[test]
fn latencies_of_streaming_requests_are_the_published_ones() {
    let mut found: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    let mut unended = 0;
    for invocation in STREAMING.rows::<Invocation>() {
        let key = (invocation.provider.to_string(), invocation.function.to_string());
        match invocation.duration_ms {
            Some(duration) => found.entry(key).or_default().push(duration),
            None => unended += 1,
        }
    }
    let mut expected: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for row in
        Csv::read("golden/reference/streaming.eval4_coldStarts").rows().filter(|row| row.text("kind") == "request")
    {
        let key = (row.text("Provider").to_owned(), row.text("function").to_owned());
        expected.entry(key).or_default().push(row.number("latency"));
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (key, values) in expected {
        assert_same_values(found.remove(&key).expect("the function"), values, key);
    }
    // Two handlers threw: the reference has no row for them, here they are invocations without an end.
    assert_eq!(unended, 2);
}

#[test]
fn network_latencies_of_the_light_phase_calls_are_the_published_ones() {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for call in IOT.rows::<Call>().into_iter().filter(|call| &*call.kind == "sync" && !call.from_client) {
        let pair = format!("{} - {}", call.caller_function.as_deref().expect("a caller"), &*call.callee_function);
        found.entry(pair).or_default().push(call.network_ms.expect("network time"));
    }
    let mut expected: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in Csv::read("golden/reference/iot.eval2_functionNetworkLatenciesIoT").rows() {
        expected.entry(row.text("pair").to_owned()).or_default().push(row.number("latency"));
    }
    assert_eq!(expected.len(), 3);
    for (pair, values) in expected {
        assert_same_values(found.remove(&pair).expect("the pair"), values, pair);
    }
}

#[test]
fn network_of_a_whole_run_leaves_out_the_callees_work_that_the_reference_counts_as_network() {
    // The reference's c_network is the plain sum of outgoing calls, in seconds, with all that the callees did inside.
    for (run, name) in [(&WEBSERVICE_1, "webservice-1"), (&IOT, "iot")] {
        let golden = Csv::read(&format!("golden/reference/{name}.eval2_functionExecutionDuration"));
        let seconds = |kind: &str| golden.rows().find(|row| row.text("kind") == kind).map(|row| row.number("value"));
        let calls: Vec<Call> = run.rows();
        let calls = || calls.iter().filter(|call| &*call.kind == "sync" && !call.from_client);
        let outgoing: f64 = calls().filter_map(|call| call.duration_ms).sum();
        let callees: f64 = calls().filter_map(|call| call.callee_duration_ms).sum();
        let network: f64 = calls().filter_map(|call| call.network_ms).sum();
        let database: f64 = run.rows::<DbCall>().iter().filter_map(|call| call.duration_ms).sum();
        assert_close(Some(database / 1000.0), seconds("a_database"), 1e-9, name);
        assert_close(Some(outgoing / 1000.0), seconds("c_network"), 1e-9, name);
        assert_close(Some(network), Some(outgoing - callees), 1e-3, name);
        assert!(callees > 0.0 && network < outgoing, "{name}: {network} of {outgoing}");
    }
}
