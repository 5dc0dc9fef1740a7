//! What was seen and what is missing.

use faaslens_analyze::facts::SeenCounts;
use faaslens_schemas::tables::{ClientRequest, Event};

use crate::log::{Log, ZERO};

/// Two chains, client to frontend to cart.
fn shop() -> Log {
    let mut log = Log::default();
    for (context, at_ms) in [("a", 0.0), ("b", 1500.0)] {
        let (outer, inner) = (format!("{context}-0"), format!("{context}-1"));
        log.client(context, &outer, at_ms, Some(60.0));
        log.http((context, Some(&outer), "frontend"), "/cart", at_ms + 5.0, 50.0);
        log.call((context, Some(&outer), "frontend"), "cart", &inner, at_ms + 10.0, 30.0);
        log.rpc((context, Some(&inner), "google.cart"), at_ms + 14.0, 20.0);
    }
    log
}

#[test]
fn a_whole_run_misses_nothing() {
    let log = shop();
    let client = SeenCounts { client_sent: 2, client_answered: 2, roots_found: 2, ..SeenCounts::default() };
    assert_eq!(log.seen("client"), client);
    assert_eq!(log.seen("aws"), SeenCounts { lines: 14, halves_expected: 16, ..SeenCounts::default() });
    let google = SeenCounts { lines: 8, calls_made: 2, callees_found: 2, halves_expected: 8, ..SeenCounts::default() };
    assert_eq!(log.seen("google"), google);
    assert!(log.facts().issues.is_empty());
}

#[test]
fn a_lost_callee_is_missing_at_the_one_provider_that_runs_it() {
    let mut log = shop();
    log.lose(|event| &*event.function == "cart" && event.context_id.as_deref() == Some("b"));
    let google = SeenCounts { lines: 4, calls_made: 2, callees_found: 1, halves_expected: 4, ..SeenCounts::default() };
    assert_eq!(log.seen("google"), google);
    assert_eq!(log.facts().issues.get("callee missing"), Some(&1));
}

#[test]
fn a_lost_callee_of_several_providers_is_missing_at_an_unknown_one() {
    let mut log = shop();
    log.lose(|event| &*event.function == "cart");
    log.executors.clear();
    log.executor("frontend", 0.0);
    assert_eq!(log.seen("unknown"), SeenCounts { calls_made: 2, ..SeenCounts::default() });
}

#[test]
fn a_lost_publisher_is_missing_where_its_event_ran() {
    let mut log = shop();
    log.call(("a", Some("a-0"), "frontend"), "publisher", "a-2", 45.0, 5.0);
    log.msg(("a", Some("a-2"), "azure.email"), 60.0, 2.0);
    let azure = SeenCounts { lines: 3, calls_made: 1, callers_missing: 1, halves_expected: 4, ..SeenCounts::default() };
    assert_eq!(log.seen("azure"), azure);
}

#[test]
fn missing_callers_and_ends_count_where_they_are_missed() {
    let mut log = shop();
    log.lose(|event| event.op.as_deref() == Some("rpc_out") && event.context_id.as_deref() == Some("a"));
    log.lose(|event| event.op.as_deref() == Some("route") && &*event.kind != "start");
    let google = SeenCounts {
        lines: 8,
        calls_made: 1,
        callees_found: 1,
        callers_missing: 1,
        halves_expected: 8,
        ..SeenCounts::default()
    };
    assert_eq!(log.seen("google"), google);
    assert_eq!(log.seen("aws").unended, 2);
    // Of the frontends nothing but starts is left, of the calls one: starts prove nothing.
    assert_eq!((log.seen("aws").halves_expected, log.seen("aws").halves_missing), (4, 0));
}

#[test]
fn an_end_or_a_measure_proves_what_is_missing_of_its_mark() {
    let mut log = shop();
    log.lose(|event| event.op.as_deref() == Some("rpc_in") && &*event.kind == "measure");
    let google = log.seen("google");
    assert_eq!((google.halves_expected, google.halves_missing), (4, 2));
}

#[test]
fn callers_and_entries_are_counted_by_who_is_behind_them() {
    let mut log = shop();
    log.client("c", "c-0", 2000.0, Some(10.0));
    let facts = log.facts();
    let name = |text: &str| facts.names.find(text).expect("a known name");
    let address = name("http://127.0.0.1/dev/shop");
    assert_eq!(facts.callers, [((name("cart"), name("aws")), 2)].into());
    assert_eq!(facts.entries, [((address, name("aws")), 2)].into());
    assert_eq!(facts.rootless, [((address, ZERO.micros() / 1_000_000 + 2), 1)].into());
}

#[test]
fn facts_of_complete_traces_only_leave_the_others_out_but_not_their_counts() {
    let mut log = shop();
    log.lose(|event| &*event.function == "cart" && event.context_id.as_deref() == Some("b"));
    log.complete_only = true;
    let facts = log.facts();
    assert_eq!((facts.invocations.len(), facts.calls.len(), facts.traces.len()), (2, 2, 2));
    assert_eq!(log.seen("google").calls_made, 2);
    assert_eq!(log.assemble().invocations.len(), 3);
}

#[test]
fn counts_stand_at_the_second_of_the_log_clock() {
    let facts = shop().facts();
    let zero = ZERO.micros() / 1_000_000;
    let cart = facts.names.find("cart");
    let made: Vec<(i64, u64)> = facts
        .seen
        .iter()
        .filter(|(key, _)| key.function == cart)
        .map(|(key, counts)| (key.second - zero, counts.calls_made))
        .collect();
    assert_eq!(made, [(0, 1), (1, 1)]);
}

#[test]
fn rows_without_context_yield_counts_only() {
    let mut log = Log::default();
    log.events.push(Event {
        provider: "aws".into(),
        function: "cart".into(),
        executor: "cart-1".into(),
        logged_at: ZERO,
        kind: "cold_start".into(),
        ..Event::default()
    });
    log.clients.push(ClientRequest { sent_at: ZERO, kind: "request".into(), ..ClientRequest::default() });
    log.clients.push(ClientRequest { sent_at: ZERO, kind: "transaction".into(), ..ClientRequest::default() });
    assert_eq!(log.seen("aws"), SeenCounts { lines: 1, ..SeenCounts::default() });
    assert_eq!(log.seen("client"), SeenCounts { client_sent: 1, ..SeenCounts::default() });
    let (output, _) = log.assemble_in(2, 5);
    assert!(output.invocations.is_empty() && output.calls.is_empty() && output.traces.is_empty());
}
