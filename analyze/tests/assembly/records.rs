//! Records that are lost, repeated or out of order.

use crate::log::{Log, issues, near};

fn one() -> Log {
    let mut log = Log::default();
    log.client("c", "c-0", 0.0, Some(60.0));
    log.rpc(("c", Some("c-0"), "cart"), 5.0, 50.0);
    log
}

fn without(kinds: &[&str]) -> Log {
    let mut log = one();
    log.lose(|event| kinds.contains(&&*event.kind));
    log
}

#[test]
fn any_two_of_start_end_and_measure_give_the_duration() {
    for lost in ["start", "end", "measure"] {
        let output = without(&[lost]).assemble();
        let cart = output.invocation("cart");
        assert!(near(cart.duration_ms, 50.0) && cart.complete, "without {lost}: {cart:?}");
    }
}

#[test]
fn a_handler_that_never_ended_has_no_duration() {
    let output = without(&["end", "measure"]).assemble();
    let cart = output.invocation("cart");
    assert_eq!((cart.duration_ms, cart.end, cart.compute_ms), (None, None, None));
    assert_eq!(issues(cart.issues.as_ref()), "no end");
    assert_eq!(
        (output.trace().root_ms, output.trace().compute_ms, output.trace().client_network_ms),
        (None, None, None)
    );
    assert!(!output.trace().complete);
}

#[test]
fn an_end_alone_is_an_invocation_without_start() {
    let output = without(&["start", "measure"]).assemble();
    assert_eq!(issues(output.invocation("cart").issues.as_ref()), "no start");
    assert_eq!(output.invocation("cart").duration_ms, None);
}

#[test]
fn a_request_alone_says_that_a_handler_is_missing() {
    let output = without(&["start", "end", "measure"]).assemble();
    assert!(output.invocations.is_empty());
    assert_eq!(issues(output.trace().issues.as_ref()), "callee missing;handler missing");
    let mut log = without(&["start", "end", "measure"]);
    log.clients.clear();
    assert_eq!(issues(log.assemble().trace().issues.as_ref()), "handler missing");
}

#[test]
fn repeated_records_change_nothing_but_the_issue() {
    let mut log = one();
    log.db(("c", Some("c-0"), "cart"), "get", 10.0, 5.0);
    let once = log.assemble();
    log.events.extend(log.events.clone());
    let twice = log.assemble();
    let (first, second) = (once.invocation("cart"), twice.invocation("cart"));
    assert_eq!(issues(second.issues.as_ref()), "duplicate record");
    assert!(second.complete && twice.trace().complete);
    assert_eq!((first.duration_ms, first.db_ms, first.db_ops), (second.duration_ms, second.db_ms, second.db_ops));
    assert_eq!(once.db_calls, twice.db_calls);
}

#[test]
fn equal_database_operations_are_told_apart_by_start_and_duration() {
    let mut log = one();
    for start_ms in [10.0, 20.0, 30.0] {
        log.db(("c", Some("c-0"), "cart"), "get", start_ms, start_ms / 10.0);
    }
    let output = log.assemble();
    let durations: Vec<Option<f64>> = output.db_calls.iter().map(|call| call.duration_ms).collect();
    assert_eq!(durations, [Some(1.0), Some(2.0), Some(3.0)]);
    assert!(near(output.invocation("cart").db_ms, 6.0));
    assert!((output.invocation("cart").db_sum_ms - 6.0).abs() < 1e-9);
}

#[test]
fn an_operation_without_end_makes_its_invocation_incomplete() {
    let mut log = one();
    log.db(("c", Some("c-0"), "cart"), "get", 10.0, 5.0);
    log.lose(|event| event.op.as_deref() == Some("db") && &*event.kind != "start");
    let output = log.assemble();
    assert_eq!(output.db_calls[0].duration_ms, None);
    assert_eq!(issues(output.invocation("cart").issues.as_ref()), "operation without end");
    assert!(near(output.invocation("cart").compute_ms, 50.0));
}

#[test]
fn operations_go_to_the_invocation_that_contains_them() {
    let mut log = one();
    log.rpc(("c", Some("c-0"), "cart"), 80.0, 20.0);
    log.db(("c", Some("c-0"), "cart"), "get", 54.0, 10.0);
    log.db(("c", Some("c-0"), "cart"), "get", 60.0, 2.0);
    log.db(("c", Some("c-0"), "cart"), "get", 85.0, 2.0);
    let owners: Vec<Option<String>> = log.assemble().db_calls.into_iter().map(|call| call.invocation_id).collect();
    let id = |n| Some(format!("c/c-0/cart/rpc_in/{n}"));
    assert_eq!(owners, [id(1), id(1), id(2)]);
}

#[test]
fn a_database_operation_of_a_lost_handler_is_kept() {
    let mut log = one();
    log.db(("c", Some("c-0"), "cart"), "get", 10.0, 5.0);
    log.lose(|event| event.op.as_deref() == Some("rpc_in"));
    let output = log.assemble();
    assert_eq!((output.db_calls[0].invocation_id.as_ref(), output.db_calls[0].duration_ms), (None, Some(5.0)));
}

#[test]
fn custom_marks_and_cold_starts_are_no_operations() {
    let mut log = one();
    log.db(("c", Some("c-0"), "cart"), "mine", 10.0, 5.0);
    for event in &mut log.events {
        if event.op.as_deref() == Some("db") {
            event.op = Some("custom".into());
        }
    }
    let output = log.assemble();
    assert_eq!((output.db_calls.len(), output.invocation("cart").db_ops), (0, 0));
}

#[test]
fn the_first_invocation_after_a_logged_cold_start_is_cold() {
    let mut log = one();
    log.rpc(("d", Some("d-0"), "cart"), 80.0, 20.0);
    assert!(log.assemble().invocations.iter().all(|invocation| invocation.cold.is_none()));
    log.executors.clear();
    log.cold_start("cart", 0.0, 5.0);
    let cold: Vec<Option<bool>> = log.assemble().invocations.iter().map(|invocation| invocation.cold).collect();
    assert_eq!(cold, [Some(true), Some(false)]);
    assert_eq!(log.assemble().traces[0].cold_starts, 1);
}

#[test]
fn entries_without_a_time_are_counted() {
    let mut log = one();
    for event in &mut log.events {
        if &*event.kind == "start" {
            event.start_ms = Some(f64::NAN);
        }
        if &*event.kind == "end" {
            event.start_ms = None;
        }
    }
    let output = log.assemble();
    assert!(near(output.invocation("cart").duration_ms, 50.0));
    assert_eq!(issues(output.trace().issues.as_ref()), "entry without time");
    assert_eq!(log.facts().issues.get("entry without time"), Some(&2));
}

#[test]
fn a_measure_without_duration_is_no_measure_of_zero() {
    let mut log = without(&["start", "end"]);
    for event in &mut log.events {
        event.duration_ms = None;
    }
    let output = log.assemble();
    assert!(output.invocations.is_empty());
    assert_eq!(issues(output.trace().issues.as_ref()), "callee missing;handler missing;entry without time");
}

#[test]
fn an_executor_that_the_run_does_not_list_gets_a_guessed_origin() {
    let mut log = one();
    log.executors.clear();
    let output = log.assemble();
    assert_eq!(issues(output.invocation("cart").issues.as_ref()), "unknown executor");
    // Every line is logged 3 ms late.
    assert_eq!(output.invocation("cart").start, crate::log::ZERO.plus_ms(8.0));
}

#[test]
fn a_batch_without_a_column_is_refused_by_name() {
    use faaslens_analyze::assembly::{Options, PartInput, RunContext, assemble};
    use faaslens_schemas::{table::Row, tables::Event};
    let batch = Event::to_batch(&one().events).expect("rows of the declared table");
    let keep: Vec<usize> = (0..batch.num_columns()).filter(|i| batch.schema().field(*i).name() != "pair_id").collect();
    let input = PartInput { events: vec![batch.project(&keep).expect("columns")], client_requests: vec![] };
    let error = assemble(&input, &RunContext::new(&[], true), &Options::default()).expect_err("no column pair_id");
    assert!(error.to_string().ends_with("table events: column pair_id: expected a column, found no such column"));
}
