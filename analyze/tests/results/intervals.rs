//! Intervals of medians in the result tables, and the table `stationarity`.

use faaslens_analyze::facts::{CallKind, EventFact};
use faaslens_analyze::results::{RowsTaken, responses};
use faaslens_schemas::tables::ClientRequest;

use crate::fixture::{Fixture, ZERO, assert_near};

/// 400 durations, one a second: a level of about 20 ms, with `extra` at the start.
fn fixture(extra: impl Fn(f64) -> f64) -> Fixture {
    let mut fixture = Fixture::new();
    for i in 0..400_u32 {
        let at = f64::from(i);
        // 1 to 400 in an order without dependence of neighbours: 182 generates the numbers modulo 401.
        let noise = f64::from((0..i).fold(1, |power, _| power * 182 % 401)) / 200.0;
        fixture.invocation("aws", "cart", 20.0 + noise + extra(at), |fact| fact.start = ZERO.plus_ms(at * 1000.0));
    }
    fixture
}

#[test]
fn a_median_of_many_values_has_a_within_run_interval_and_carries_outer_percentiles() {
    let row = fixture(|_| 0.0).summarise().durations.remove(0);
    assert_eq!(row.interval.as_deref(), Some("within-run block bootstrap"));
    let (low, median, high) = (row.median_low_ms, row.median_ms, row.median_high_ms);
    assert!(low < median && median < high, "{low:?} {median:?} {high:?}");
    // The values are evenly spread over 2 ms: 1.96 * sqrt(0.25 / 400) of that on either side, a little more for blocks.
    let half = (high.expect("an interval") - low.expect("an interval")) / 2.0;
    assert!((0.09..0.15).contains(&half), "{half}");
    assert!(row.p95_ms.is_some() && row.p99_ms.is_some());
}

#[test]
fn dependence_of_neighbours_widens_the_interval() {
    let width = |fixture: Fixture| {
        let row = fixture.summarise().durations.remove(0);
        row.median_high_ms.expect("an interval") - row.median_low_ms.expect("an interval")
    };
    let waves = |at: f64| 2.0 * (at / 15.0).sin();
    let mut shuffled = fixture(waves);
    // The same values, their order broken: each starts where 173 times its place comes to.
    for (i, fact) in (0_u32..).zip(&mut shuffled.facts.invocations) {
        fact.start = ZERO.plus_ms(f64::from((i + 1) * 173 % 401) * 1000.0);
    }
    assert!(width(fixture(waves)) > 2.0 * width(shuffled));
}

#[test]
fn a_median_of_few_values_has_an_interval_of_order_statistics_from_six_on() {
    let of = |n: u32| {
        let mut fixture = Fixture::new();
        (1..=n).for_each(|ms| fixture.invocation("aws", "cart", f64::from(ms), |_| ()));
        let row = fixture.summarise().durations.remove(0);
        (row.median_low_ms, row.median_high_ms, row.interval.map(|label| label.to_string()))
    };
    assert_eq!(of(5), (None, None, None));
    assert_eq!(of(6), (Some(1.0), Some(6.0), Some("order statistics".to_owned())));
    // SciPy: binom.pmf(range(2, 9), 10, 0.5).sum() = 0.9785, the shortest that holds 95 %
    assert_eq!(of(10), (Some(2.0), Some(9.0), Some("order statistics".to_owned())));
}

#[test]
fn responses_of_several_runs_have_a_hierarchical_interval() {
    let run = |level: f64| {
        let mut fixture = Fixture::new();
        for i in 0..100_u32 {
            let elapsed_ms = Some(level + f64::from(i * 37 % 101) / 10.0);
            let sent_at = ZERO.plus_ms(f64::from(i));
            fixture.requests.add(&ClientRequest {
                sent_at,
                elapsed_ms,
                success: Some(true),
                kind: "request".into(),
                ..ClientRequest::default()
            });
        }
        fixture.requests
    };
    let runs = [run(20.0), run(20.5), run(21.0), run(19.5)];
    let of = |n: usize| responses(&runs.iter().take(n).collect::<Vec<_>>(), RowsTaken::Successes).remove(0);
    assert_eq!(of(1).interval.as_deref(), Some("within-run block bootstrap"));
    let found = of(4);
    assert_eq!(found.interval.as_deref(), Some("hierarchical bootstrap"));
    assert!(found.median_low_ms < found.median_ms && found.median_ms < found.median_high_ms);
}

#[test]
fn the_cost_of_a_cold_start_has_the_interval_of_a_difference_of_medians() {
    let mut fixture = Fixture::new();
    for ms in 1..=6_u32 {
        fixture.invocation("aws", "cart", 1.0, |fact| fact.caller_ms = Some(f64::from(ms)));
        fixture.invocation("aws", "cart", 1.0, |fact| {
            fact.caller_ms = Some(100.0 + f64::from(ms));
            fact.cold = Some(true);
        });
    }
    let row = fixture.summarise().cold_starts.remove(0);
    // Both medians are 2.5 from the ends of their intervals, so the difference is sqrt(2) times that.
    assert_near(row.cost_median_ms, 100.0);
    assert_near(row.cost_median_low_ms, 100.0 - 2.5 * 2.0_f64.sqrt());
    assert_near(row.cost_median_high_ms, 100.0 + 2.5 * 2.0_f64.sqrt());
    assert_eq!(row.interval.as_deref(), Some("order statistics"));
}

#[test]
fn trigger_delays_and_publish_latencies_have_intervals() {
    let mut fixture = Fixture::new();
    for i in 0..40_u32 {
        let at = f64::from(i);
        fixture.call(("aws", "publisherAws"), ("aws", "sink"), |fact| {
            fact.kind = CallKind::Async;
            fact.start = ZERO.plus_ms(at);
            fact.event = Some(Box::new(EventFact { trigger_delay_ms: Some(50.0 + at), ..EventFact::default() }));
        });
        fixture.call(("aws", "cart"), ("aws", "publisherAws"), |fact| {
            fact.to_publisher = true;
            fact.start = ZERO.plus_ms(at);
            fact.network_ms = Some(5.0 + at);
        });
    }
    let results = fixture.summarise();
    assert!(results.triggers[0].interval.is_some() == results.publishing[0].interval.is_some());
    // A level that rises all the time: no block is like another, and the interval says so or is not given.
    let (low, high) = (results.triggers[0].median_low_ms, results.triggers[0].median_high_ms);
    assert!(low.zip(high).is_none_or(|(low, high)| high - low > 10.0), "{low:?} {high:?}");
}

#[test]
fn a_warm_up_is_reported_and_not_applied() {
    let fixture = fixture(|at| 60.0 * (-at / 10.0).exp());
    let results = fixture.summarise();
    let row = &results.stationarity[0];
    assert_eq!((&*row.scope, &*row.provider, &*row.name, row.n), ("function", "aws", "cart", 400));
    let warm_up = row.warm_up_n.expect("the level is reached");
    assert!((25..=80).contains(&warm_up) && warm_up % 5 == 0, "{warm_up}");
    assert_near(row.warm_up_s, warm_up as f64);
    assert_eq!(row.verdict.as_deref(), Some("stationary after warm-up"));
    assert!(row.settled_median_ms < Some(row.median_ms));
    assert_near(results.durations[0].median_ms, row.median_ms);
}

#[test]
fn a_level_that_rises_is_called_moving_or_not_settled_and_few_values_have_no_row() {
    let rising = fixture(|at| at / 10.0).summarise().stationarity.remove(0);
    assert!(matches!(rising.verdict.as_deref(), Some("moving" | "not settled")), "{rising:?}");
    let mut few = Fixture::new();
    (0..49).for_each(|_| few.invocation("aws", "cart", 3.0, |_| ()));
    assert!(few.summarise().stationarity.is_empty());
}

#[test]
fn routes_have_a_row_of_their_own() {
    let mut fixture = Fixture::new();
    let aws = fixture.name("aws");
    for i in 0..60_u32 {
        fixture.trace("GET /cart", [5.0 + f64::from(i * 7 % 13), 1.0, 0.0, 0.0], |fact| {
            fact.entry_provider = Some(aws);
            fact.start = ZERO.plus_ms(f64::from(i) * 500.0);
        });
    }
    let rows = fixture.summarise().stationarity;
    assert_eq!(rows.len(), 1);
    assert_eq!((&*rows[0].scope, &*rows[0].name, rows[0].n), ("route", "GET /cart", 60));
}
