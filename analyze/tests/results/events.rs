//! Event pipelines: publishing and trigger delay.

use faaslens_analyze::facts::{CallKind, EventFact, SeenCounts};

use crate::fixture::{Fixture, assert_near};

fn event(fixture: &mut Fixture, provider: &str, delay_ms: f64, logged_ms: f64) {
    fixture.call((provider, "publisher"), (provider, "billing"), |fact| {
        fact.kind = CallKind::Async;
        fact.event = Some(Box::new(EventFact {
            trigger_delay_ms: Some(delay_ms),
            trigger_delay_logged_ms: Some(logged_ms),
            publisher_duration_ms: Some(4.0),
            uncertainty_ms: Some(delay_ms / 100.0),
            ..EventFact::default()
        }));
    });
}

#[test]
fn trigger_delays_are_given_in_full_and_as_published() {
    let mut fixture = Fixture::new();
    for (delay, logged) in [(1800.4, 1800.0), (50.2, 50.0), (-4.6, -5.0)] {
        event(&mut fixture, "azure", delay, logged);
    }
    event(&mut fixture, "aws", 30.0, 31.0);
    let rows = fixture.summarise().triggers;
    assert_eq!(rows.iter().map(|row| &*row.provider).collect::<Vec<_>>(), ["aws", "azure"]);
    let azure = &rows[1];
    assert_eq!((&*azure.function, azure.n, azure.over_1s), ("billing", 3, 1));
    assert_near(azure.median_ms, 50.2);
    assert_near(azure.mean_ms, (1800.4 + 50.2 - 4.6) / 3.0);
    assert_near(azure.max_ms, 1800.4);
    // python3: timedelta(milliseconds=m).microseconds / 1000 of 1800, 50, -5: 800, 50, 995
    assert_near(azure.published_median_ms, 800.0);
    assert_near(azure.published_mean_ms, 615.0);
    assert_near(azure.publisher_median_ms, 4.0);
    assert_near(azure.uncertainty_ms, 18.004);
    assert!(azure.complete);
}

#[test]
fn a_delay_of_exactly_one_second_counts_as_wrapped() {
    let mut fixture = Fixture::new();
    event(&mut fixture, "aws", 1000.0, 1000.0);
    event(&mut fixture, "aws", 999.999, 1000.0);
    assert_eq!(fixture.summarise().triggers[0].over_1s, 1);
}

#[test]
fn an_event_without_delay_is_not_counted_and_makes_its_row_incomplete() {
    let mut fixture = Fixture::new();
    event(&mut fixture, "aws", 30.0, 30.0);
    fixture.call(("aws", "publisher"), ("aws", "billing"), |fact| fact.kind = CallKind::Async);
    let row = &fixture.summarise().triggers[0];
    assert_eq!((row.n, row.median_ms, row.complete), (1, Some(30.0), false));
}

#[test]
fn a_triggered_function_with_gaps_makes_its_row_incomplete() {
    let mut fixture = Fixture::new();
    event(&mut fixture, "aws", 30.0, 30.0);
    fixture.seen("aws", Some("billing"), 0, SeenCounts { lines: 4, callers_missing: 1, ..SeenCounts::default() });
    assert!(!fixture.summarise().triggers[0].complete);
}

#[test]
fn publish_latency_is_kept_apart_for_clients_and_functions() {
    let mut fixture = Fixture::new();
    for (caller, latency) in [("client", Some(90.0)), ("aws", Some(10.0)), ("aws", Some(14.0)), ("google", None)] {
        fixture.call((caller, "caller"), ("azure", "publisher"), |fact| {
            fact.to_publisher = true;
            fact.network_ms = latency;
            fact.callee_duration_ms = latency.map(|_| 3.0);
        });
    }
    fixture.call(("aws", "caller"), ("azure", "cart"), |fact| fact.network_ms = Some(1.0));
    let rows = fixture.summarise().publishing;
    let found: Vec<_> =
        rows.iter().map(|row| (&*row.caller_provider, &*row.caller, row.n, row.median_ms, row.complete)).collect();
    assert_eq!(
        found,
        [
            ("aws", "function", 2, Some(12.0), true),
            ("client", "client", 1, Some(90.0), true),
            ("google", "function", 0, None, false),
        ]
    );
    assert_near(rows[0].publisher_median_ms, 3.0);
}
