//! Durations, shares, phases and boxes.

use faaslens_analyze::assembly::FunctionSet;
use faaslens_analyze::facts::{BefaasShares, CallKind, EventFact, SeenCounts, SetFact, Trigger};
use faaslens_schemas::tables::{ClientRequest, Share};

use crate::fixture::{Fixture, ZERO, assert_near};

#[test]
fn durations_are_kept_apart_by_provider_function_and_trigger() {
    let mut fixture = Fixture::new();
    for duration in [10.0, 20.0, 30.0, 40.0] {
        fixture.invocation("aws", "cart", duration, |fact| fact.cold = Some(true));
    }
    fixture.invocation("aws", "cart", 99.0, |fact| fact.trigger = Trigger::Msg);
    fixture.invocation("aws", "auth", 7.0, |_| ());
    fixture.invocation("aws", "cart", 0.0, |fact| fact.duration_ms = None);
    let rows = fixture.summarise().durations;
    let keys: Vec<_> = rows.iter().map(|row| (&*row.function, &*row.trigger, row.n, row.errors, row.cold_n)).collect();
    assert_eq!(keys, [("auth", "rpc", 1, 0, 0), ("cart", "msg", 1, 0, 0), ("cart", "rpc", 4, 1, 4)]);
    // numpy.quantile([10, 20, 30, 40], [.25, .5, .75]) = 17.5, 25, 32.5
    let row = &rows[2];
    let found = [row.q1_ms, row.median_ms, row.q3_ms, row.iqr_ms, row.mean_ms];
    for (found, expected) in found.into_iter().zip([17.5, 25.0, 32.5, 15.0, 25.0]) {
        assert_near(found, expected);
    }
    assert_eq!((row.p95_ms, row.p99_ms), (None, None), "four values carry no outer percentile");
    assert_eq!((row.median_low_ms, row.median_high_ms, &row.interval), (None, None, &None));
    assert_eq!(
        (row.min_ms, row.whisker_low_ms, row.whisker_high_ms, row.max_ms),
        (Some(10.0), Some(10.0), Some(40.0), Some(40.0))
    );
}

#[test]
fn a_function_that_never_ended_has_no_duration_and_is_not_complete() {
    let mut fixture = Fixture::new();
    fixture.invocation("aws", "checkout", 0.0, |fact| {
        fact.duration_ms = None;
        fact.complete = false;
    });
    fixture.invocation("aws", "cart", 3.0, |_| ());
    fixture.seen("aws", Some("checkout"), 1, SeenCounts { lines: 2, unended: 1, ..SeenCounts::default() });
    let rows = fixture.summarise().durations;
    let found: Vec<_> = rows.iter().map(|row| (&*row.function, row.n, row.median_ms, row.complete)).collect();
    assert_eq!(found, [("cart", 1, Some(3.0), true), ("checkout", 0, None, false)]);
}

fn shares<'a>(rows: &'a [Share], method: &str, scope: &str, name: &str) -> Vec<&'a Share> {
    rows.iter().filter(|row| &*row.method == method && &*row.scope == scope && &*row.name == name).collect()
}

#[test]
fn wall_shares_add_up_to_a_hundred_percent_and_the_outside_has_none() {
    let mut fixture = Fixture::new();
    fixture.trace("GET /", [10.0, 20.0, 5.0, 5.0], |fact| fact.client_network_ms = Some(12.0));
    fixture.trace("GET /cart", [20.0, 30.0, 10.0, 0.0], |fact| fact.trigger_ms = Some(7.0));
    let rows = fixture.summarise().shares;
    let overall = shares(&rows, "wall", "overall", "all");
    let found: Vec<_> = overall.iter().map(|row| (&*row.category, row.n, row.sum_ms, row.share_pct)).collect();
    assert_eq!(
        found,
        [
            ("compute", 2, 30.0, Some(30.0)),
            ("network", 2, 50.0, Some(50.0)),
            ("db", 2, 15.0, Some(15.0)),
            ("cold", 2, 5.0, Some(5.0)),
            ("trigger", 1, 7.0, None),
            ("client_network", 1, 12.0, None),
        ]
    );
    let route = shares(&rows, "wall", "route", "GET /cart");
    assert_near(route[1].share_pct, 50.0);
    assert!(rows.iter().all(|row| row.complete && row.left_out == 0));
}

#[test]
fn incomplete_contexts_are_left_out_of_shares_and_counted() {
    let mut fixture = Fixture::new();
    fixture.trace("GET /", [10.0, 20.0, 5.0, 0.0], |_| ());
    fixture.trace("GET /", [1000.0, 0.0, 0.0, 0.0], |fact| fact.complete = false);
    fixture.trace("GET /lost", [1.0, 1.0, 1.0, 1.0], |fact| fact.wall = None);
    let rows = fixture.summarise().shares;
    let overall = shares(&rows, "wall", "overall", "all");
    assert_eq!((overall[0].n, overall[0].left_out, overall[0].sum_ms, overall[0].complete), (1, 2, 10.0, false));
    let lost = shares(&rows, "wall", "route", "GET /lost");
    let found: Vec<_> = lost.iter().map(|row| (&*row.category, row.n, row.left_out, row.share_pct)).collect();
    assert_eq!(found, [("compute", 0, 1, None), ("network", 0, 1, None), ("db", 0, 1, None)]);
}

#[test]
fn published_sums_may_be_negative_and_still_add_up_to_a_hundred_percent() {
    let mut fixture = Fixture::new();
    let parallel = BefaasShares { compute_ms: -20.0, network_ms: 110.0, db_ms: 10.0 };
    fixture.trace("POST /checkout", [1.0, 1.0, 1.0, 0.0], |fact| fact.befaas = Some(parallel));
    let rows = fixture.summarise().shares;
    let overall = shares(&rows, "befaas", "overall", "all");
    let found: Vec<_> = overall.iter().map(|row| row.share_pct).collect();
    assert_eq!(found, [Some(-20.0), Some(110.0), Some(10.0)]);
}

#[test]
fn function_sets_go_by_their_functions_joined_by_plus() {
    let mut fixture = Fixture::new();
    fixture.sets = [vec!["cart"], vec!["addcartitem", "cartkvstorage"]]
        .into_iter()
        .filter_map(|set| FunctionSet::new(set.into_iter().map(str::to_owned).collect()))
        .collect();
    for (complete, db_ms) in [(true, 2.0), (true, 4.0), (false, 900.0)] {
        let shares = BefaasShares { compute_ms: 1.0, network_ms: 6.0, db_ms };
        fixture.facts.sets.push(SetFact { set: 1, start: ZERO, shares, complete });
    }
    let rows = fixture.summarise().shares;
    let set = shares(&rows, "befaas", "set", "addcartitem+cartkvstorage");
    let found: Vec<_> = set.iter().map(|row| (&*row.category, row.median_ms, row.n, row.left_out)).collect();
    assert_eq!(found, [("compute", Some(1.0), 2, 1), ("network", Some(6.0), 2, 1), ("db", Some(3.0), 2, 1)]);
    assert_eq!(rows.len(), set.len());
}

#[test]
fn phases_count_from_the_first_client_request_else_from_the_first_invocation() {
    let mut fixture = Fixture::new();
    fixture.invocation("aws", "b", 5.0, |fact| fact.start = ZERO.plus_ms(2500.0));
    fixture.invocation("aws", "a", 3.0, |fact| fact.start = ZERO.plus_ms(1000.0));
    fixture.invocation("aws", "never", 3.0, |fact| fact.duration_ms = None);
    fixture.facts.invocations[2].start = ZERO.plus_ms(1200.0);
    let times = |fixture: &Fixture| -> Vec<(String, f64)> {
        let rows = fixture.phases();
        rows.iter().map(|row| (row.function.to_string(), row.since_load_s)).collect()
    };
    assert_eq!(times(&fixture), [("a".to_owned(), 0.0), ("b".to_owned(), 1.5)]);
    fixture.requests.add(&ClientRequest { sent_at: ZERO, kind: "request".into(), ..ClientRequest::default() });
    assert_eq!(times(&fixture), [("a".to_owned(), 1.0), ("b".to_owned(), 2.5)]);
}

#[test]
fn boxes_name_their_outliers_and_outliers_carry_the_keys_of_their_box() {
    let mut fixture = Fixture::new();
    for duration in [12.5, 3.0, 7.25, 100.0, 8.0, 9.5, 3.0, 55.0, 10.0, 11.0, 9.5] {
        fixture.invocation("google", "cart", duration, |_| ());
    }
    let results = fixture.summarise();
    let found = &results.boxes[0];
    assert_eq!(
        (&*found.measure, &*found.provider, found.function.as_deref(), found.n),
        ("execution_duration", "google", Some("cart"), 11)
    );
    // numpy.quantile(x, [.25, .5, .75]) = 7.625, 9.5, 11.75: reach 6.1875, fences 1.4375 and 17.9375
    let drawn = vec![found.whisker_low_ms, found.q1_ms, found.median_ms, found.q3_ms, found.whisker_high_ms];
    assert_eq!(drawn, vec![3.0, 7.625, 9.5, 11.75, 12.5]);
    let outliers: Vec<_> = results.outliers.iter().map(|row| (row.function.as_deref(), row.value_ms)).collect();
    assert_eq!(outliers, [(Some("cart"), 55.0), (Some("cart"), 100.0)]);
}

#[test]
fn calls_make_boxes_of_network_publishing_and_triggering() {
    let mut fixture = Fixture::new();
    fixture.call(("aws", "order"), ("google", "cart"), |fact| fact.network_ms = Some(20.0));
    fixture.call(("aws", "order"), ("google", "publisherGoogle"), |fact| {
        fact.to_publisher = true;
        fact.network_ms = Some(15.0);
        fact.callee_duration_ms = Some(2.0);
    });
    fixture.call(("google", "publisherGoogle"), ("google", "billing"), |fact| {
        fact.kind = CallKind::Async;
        fact.event = Some(Box::new(EventFact { trigger_delay_ms: Some(60.0), ..EventFact::default() }));
    });
    fixture.call(("client", "client"), ("aws", "order"), |fact| fact.network_ms = None);
    let rows = fixture.summarise().boxes;
    let found: Vec<_> =
        rows.iter().map(|row| (&*row.measure, &*row.provider, row.peer.as_deref(), row.median_ms)).collect();
    assert_eq!(
        found,
        [
            ("network", "aws", Some("google"), 20.0),
            ("publish_latency", "aws", Some("google"), 15.0),
            ("publisher_duration", "google", None, 2.0),
            ("trigger_delay", "google", None, 60.0),
        ]
    );
}

#[test]
fn a_routed_request_counts_for_its_function_and_for_its_route() {
    let mut fixture = Fixture::new();
    for (route, duration) in [("GET /cart", 4.0), ("GET /cart", 6.0), ("GET /", 9.0)] {
        let route = fixture.name(route);
        fixture.invocation("aws", "frontend", duration, |fact| fact.route = Some(route));
    }
    let rows = fixture.summarise().boxes;
    let found: Vec<_> = rows.iter().map(|row| (&*row.measure, row.function.as_deref(), row.median_ms)).collect();
    assert_eq!(
        found,
        [
            ("execution_duration", Some("frontend"), 6.0),
            ("route_duration", Some("frontend GET /"), 9.0),
            ("route_duration", Some("frontend GET /cart"), 5.0),
        ]
    );
}

#[test]
fn a_long_time_line_comes_in_batches_without_a_seam() {
    let mut fixture = Fixture::new();
    for step in 0..70_000 {
        let place = if step % 2 == 0 { "aws" } else { "google" };
        fixture.invocation(place, "cart", f64::from(step), |fact| fact.start = ZERO.plus_ms(f64::from(70_000 - step)));
    }
    let rows = fixture.phases();
    assert_eq!(rows.len(), 70_000);
    assert!(rows.is_sorted_by(|a, b| a.since_load_s <= b.since_load_s && a.duration_ms > b.duration_ms));
    let last = &rows[69_999];
    assert_eq!((&*last.provider, last.since_load_s, last.duration_ms), ("aws", 69.999, 0.0));
}
