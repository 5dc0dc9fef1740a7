//! Cold starts by each source.

use faaslens_schemas::tables::{Executor, PlatformRecord};

use crate::fixture::{Fixture, assert_near};

fn executor(provider: &str, function: &str, first_start_ms: Option<f64>) -> Executor {
    let (provider, function) = (provider.into(), function.into());
    Executor { provider, function, cold_start_logged: true, first_start_ms, ..Executor::default() }
}

fn statement(kind: &str, init_ms: Option<f64>) -> PlatformRecord {
    let function = Some("cart".into());
    PlatformRecord { provider: "aws".into(), function, kind: kind.into(), init_ms, ..PlatformRecord::default() }
}

#[test]
fn cost_is_what_the_caller_waited_beyond_the_warm_median() {
    let mut fixture = Fixture::new();
    for (cold, caller_ms) in [(false, 10.0), (false, 12.0), (false, 20.0), (true, 300.0), (true, 200.0), (true, 260.0)]
    {
        fixture.invocation("aws", "cart", 1.0, |fact| {
            fact.cold = Some(cold);
            fact.caller_ms = Some(caller_ms);
        });
    }
    let row = &fixture.summarise().cold_starts[0];
    assert_eq!((row.n, row.cold_n), (6, 3));
    assert_near(row.cold_pct, 50.0);
    assert_near(row.warm_median_ms, 12.0);
    assert_near(row.cold_median_ms, 260.0);
    assert_near(row.cost_median_ms, 248.0);
    assert_near(row.cost_max_ms, 288.0);
}

#[test]
fn without_a_warm_invocation_or_a_waiting_caller_there_is_no_cost() {
    let mut fixture = Fixture::new();
    fixture.invocation("aws", "cart", 1.0, |fact| {
        fact.cold = Some(true);
        fact.caller_ms = Some(9.0);
    });
    fixture.invocation("aws", "billing", 1.0, |fact| fact.cold = Some(true));
    fixture.invocation("aws", "silent", 1.0, |fact| fact.cold = None);
    let rows = fixture.summarise().cold_starts;
    assert!(rows.iter().all(|row| row.cost_median_ms.is_none()));
    assert_eq!(rows.iter().map(|row| row.cold_pct).collect::<Vec<_>>(), [Some(100.0), Some(100.0), None]);
}

#[test]
fn executors_that_logged_a_cold_start_and_were_never_invoked_are_counted() {
    let mut fixture = Fixture::new();
    fixture.executors = vec![
        executor("azure", "cart", Some(12.0)),
        executor("azure", "cart", None),
        executor("azure", "idle", None),
        executor("client", "unknownFn", None),
    ];
    let rows = fixture.summarise().cold_starts;
    let found: Vec<_> = rows.iter().map(|row| (&*row.function, row.n, row.logged, row.never_invoked)).collect();
    assert_eq!(found, [("cart", 0, 2, 1), ("idle", 0, 1, 1)]);
    assert!(rows.iter().all(|row| row.platform.is_none() && row.disagree.is_none()));
}

#[test]
fn a_cold_start_that_a_platform_states_twice_counts_once() {
    let mut fixture = Fixture::new();
    fixture.executors = vec![executor("aws", "cart", Some(1.0)), executor("aws", "quiet", Some(1.0))];
    for record in [
        statement("init_start", None),
        statement("report", Some(150.0)),
        statement("init_start", None),
        statement("report", Some(190.0)),
        statement("report", None),
    ] {
        fixture.platform.add(&record);
    }
    let rows = fixture.summarise().cold_starts;
    let found: Vec<_> = rows.iter().map(|row| (&*row.function, row.platform, row.disagree)).collect();
    assert_eq!(found, [("cart", Some(2), Some(1)), ("quiet", Some(0), Some(1))]);
    assert_near(rows[0].init_median_ms, 170.0);
    assert_near(rows[1].init_median_ms, None);
}
