//! Event pipelines: a publisher and what it triggers run under one pair.

use faaslens_schemas::time::Timestamp;

use crate::log::{Log, ZERO, issues, near};

/// The client calls a publisher (its clock 2.5 ms ahead), which triggers `order` (1 s later), which publishes again.
fn factory() -> Log {
    let mut log = Log::default();
    log.executor("google.publisherGoogle", 2.5);
    log.client("c", "c-0", 0.0, Some(40.0));
    log.rpc(("c", Some("c-0"), "publisherAws"), 5.0, 20.0);
    log.msg(("c", Some("c-0"), "order"), 1005.5, 100.0);
    log.call(("c", Some("c-0"), "order"), "publisher", "c-1", 1020.5, 30.0);
    log.rpc(("c", Some("c-1"), "google.publisherGoogle"), 1023.0, 10.0);
    log.msg(("c", Some("c-1"), "google.billing"), 1065.5, 3.0);
    log
}

#[test]
fn an_event_hangs_on_its_publisher() {
    let output = factory().assemble();
    let billing = output.invocation("billing");
    assert_eq!(billing.parent_id.as_deref(), Some("c/c-1/publisherGoogle/rpc_in/1"));
    assert_eq!((billing.depth, &*billing.trigger), (Some(3), "msg"));
    assert_eq!(billing.root_id.as_deref(), Some("c/c-0/publisherAws/rpc_in/1"));
    assert!(output.trace().complete, "{:?}", output.trace().issues);
}

#[test]
fn the_trigger_delay_is_told_in_full_on_wall_clocks() {
    let output = factory().assemble();
    let order = output.call("async", "order");
    assert!(near(order.trigger_delay_ms, 1000.5));
    assert!(near(order.uncertainty_ms, 0.5));
    assert!(near(order.publisher_duration_ms, 20.0));
    // The client's elapsed time less the publisher's execution duration.
    assert!(near(order.publish_latency_ms, 20.0));
    let billing = output.call("async", "billing");
    // 1065.5 less 2.5 + 1023.0.
    assert!(near(billing.trigger_delay_ms, 40.0));
    assert!(near(billing.publish_latency_ms, 20.0));
    assert_eq!((billing.duration_ms, billing.network_ms), (None, None));
    assert_eq!(billing.start, Some(ZERO.plus_ms(1025.5)));
    assert!(near(output.call("sync", "publisherGoogle").network_ms, 20.0));
}

#[test]
fn the_published_delay_is_the_difference_of_the_start_marks_log_stamps() {
    let mut log = factory();
    for event in &mut log.events {
        let at = |ms: i64| Timestamp::from_millis(ZERO.micros() / 1000 + ms);
        match (&*event.function, &*event.kind, event.op.as_deref()) {
            ("publisherAws", "start", Some("rpc_in")) => event.logged_at = at(8),
            ("order", "start", Some("msg")) => event.logged_at = at(1807),
            _ => {}
        }
    }
    assert!(near(log.assemble().call("async", "order").trigger_delay_logged_ms, 1799.0));
    log.lose(|event| &*event.function == "order" && &*event.kind == "start");
    let output = log.assemble();
    assert_eq!(output.call("async", "order").trigger_delay_logged_ms, None);
    assert!(near(output.call("async", "order").trigger_delay_ms, 1000.5));
}

#[test]
fn a_trace_sums_the_delays_of_its_longest_chain_of_events() {
    let mut log = factory();
    // A second event of the first publisher, alone: 1,010 ms is less than 1,000.5 + 40.
    log.msg(("c", Some("c-0"), "log"), 1015.0, 1.0);
    let output = log.assemble();
    assert!(near(output.trace().trigger_ms, 1040.5));
    // Only the publisher runs while the client waits.
    assert!(near(output.trace().root_ms, 20.0) && near(output.trace().client_network_ms, 20.0));
    assert!(near(output.trace().compute_ms, 20.0));
}

#[test]
fn a_second_handler_behind_a_publisher_is_its_event() {
    let mut log = Log::default();
    log.client("c", "c-0", 0.0, Some(12.0));
    log.rpc(("c", Some("c-0"), "tinyfaas.publisherTinyfaas"), 2.0, 8.0);
    log.rpc(("c", Some("c-0"), "tinyfaas.filter"), 6.0, 50.0);
    let output = log.assemble();
    let filter = output.invocation("filter");
    assert_eq!(filter.parent_id.as_deref(), Some("c/c-0/publisherTinyfaas/rpc_in/1"));
    assert!(near(output.call("async", "filter").trigger_delay_ms, 4.0));
    assert_eq!(filter.issues, None);
    assert!(output.trace().complete);
}

#[test]
fn an_event_delivered_twice_is_two_invocations() {
    let mut log = factory();
    log.msg(("c", Some("c-1"), "google.billing"), 1265.5, 3.0);
    let output = log.assemble();
    let billings: Vec<_> = output.invocations.iter().filter(|invocation| &*invocation.function == "billing").collect();
    assert_eq!(billings.len(), 2);
    assert_eq!(issues(billings[1].issues.as_ref()), "several for one pair");
    assert_eq!(output.calls.iter().filter(|call| &*call.kind == "async").count(), 3);
    assert!(output.trace().complete);
}

#[test]
fn an_event_whose_publisher_is_lost_has_no_caller() {
    let mut log = factory();
    log.lose(|event| &*event.function == "publisherGoogle");
    let output = log.assemble();
    assert_eq!(issues(output.invocation("billing").issues.as_ref()), "caller missing");
    assert_eq!(issues(output.invocation("order").issues.as_ref()), "callee missing");
}

#[test]
fn a_publisher_without_event_is_named() {
    let mut log = factory();
    log.lose(|event| &*event.function == "billing");
    let output = log.assemble();
    assert_eq!(issues(output.invocation("publisherGoogle").issues.as_ref()), "event missing");
    assert!(!output.trace().complete);
}
