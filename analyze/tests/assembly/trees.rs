//! Who called whom.

use crate::log::{Log, ZERO, issues, near};

/// A frontend that calls a cart, which reads the database: client 0-60, frontend 5-55, call 10-40, cart 14-34, db 20-29.
fn shop() -> Log {
    let mut log = Log::default();
    log.client("c", "c-0", 0.0, Some(60.0));
    log.http(("c", Some("c-0"), "frontend"), "/cart", 5.0, 50.0);
    log.call(("c", Some("c-0"), "frontend"), "cart", "c-1", 10.0, 30.0);
    log.rpc(("c", Some("c-1"), "google.cart"), 14.0, 20.0);
    log.db(("c", Some("c-1"), "google.cart"), "get", 20.0, 9.0);
    log
}

#[test]
fn a_call_joins_caller_and_callee_under_one_root() {
    let output = shop().assemble();
    let (frontend, cart) = (output.invocation("frontend"), output.invocation("cart"));
    assert_eq!(frontend.invocation_id, "c/c-0/frontend/GET /cart/1");
    assert_eq!(frontend.parent_id, None);
    assert_eq!(frontend.root_id.as_ref(), Some(&frontend.invocation_id));
    assert_eq!((frontend.depth, frontend.calls, frontend.db_ops), (Some(0), 1, 0));
    assert_eq!(frontend.route.as_deref(), Some("GET /cart"));
    assert_eq!(frontend.user_agent.as_deref(), Some("Artillery"));
    assert_eq!(frontend.start, ZERO.plus_ms(5.0));
    assert_eq!(frontend.end, Some(ZERO.plus_ms(55.0)));
    assert_eq!(cart.invocation_id, "c/c-1/cart/rpc_in/1");
    assert_eq!(cart.parent_id.as_ref(), Some(&frontend.invocation_id));
    assert_eq!(cart.root_id.as_ref(), Some(&frontend.invocation_id));
    assert_eq!((cart.depth, cart.calls, cart.db_ops), (Some(1), 0, 1));
    assert!(frontend.complete && cart.complete);
    assert_eq!((frontend.issues.as_ref(), cart.issues.as_ref()), (None, None));
}

#[test]
fn a_call_has_the_network_time_that_its_callee_leaves() {
    let output = shop().assemble();
    let call = output.call("sync", "cart");
    assert_eq!(call.pair_id, "c-1");
    assert_eq!((call.caller_function.as_deref(), call.caller_provider.as_deref()), (Some("frontend"), Some("aws")));
    assert_eq!(call.callee_provider.as_deref(), Some("google"));
    assert!(near(call.duration_ms, 30.0) && near(call.callee_duration_ms, 20.0) && near(call.network_ms, 10.0));
    assert_eq!(call.start, Some(ZERO.plus_ms(10.0)));
}

#[test]
fn the_client_is_the_caller_of_the_root() {
    let output = shop().assemble();
    let call = output.calls.iter().find(|call| call.from_client).expect("a row of the client");
    assert_eq!((call.caller_id.as_ref(), call.caller_function.as_deref()), (None, Some("client")));
    assert_eq!(call.callee_id.as_deref(), Some("c/c-0/frontend/GET /cart/1"));
    assert!(near(call.duration_ms, 60.0) && near(call.network_ms, 10.0));
    let trace = output.trace();
    assert!(trace.complete);
    assert_eq!((trace.entry_function.as_deref(), trace.entry_route.as_deref()), (Some("frontend"), Some("GET /cart")));
    assert!(near(trace.client_ms, 60.0) && near(trace.root_ms, 50.0) && near(trace.client_network_ms, 10.0));
    assert!(near(trace.chain_ms, 50.0));
    assert_eq!((trace.invocations, &*trace.providers), (2, "aws+google"));
}

#[test]
fn a_missing_callee_leaves_the_call_with_the_name_that_the_caller_uses() {
    let mut log = shop();
    log.lose(|event| &*event.function == "cart");
    let output = log.assemble();
    let call = output.call("sync", "cart");
    assert_eq!((call.callee_id.as_ref(), call.callee_provider.as_ref()), (None, None));
    assert_eq!((call.callee_duration_ms, call.network_ms), (None, None));
    assert_eq!(issues(output.invocation("frontend").issues.as_ref()), "callee missing");
    assert!(!output.invocation("frontend").complete && !output.trace().complete);
    assert_eq!(output.trace().befaas_network_ms, None);
}

#[test]
fn a_missing_caller_breaks_the_way_to_the_root() {
    let mut log = shop();
    log.lose(|event| event.op.as_deref() == Some("rpc_out"));
    let output = log.assemble();
    let cart = output.invocation("cart");
    assert_eq!((cart.parent_id.as_ref(), cart.root_id.as_ref(), cart.depth), (None, None, None));
    assert_eq!(issues(cart.issues.as_ref()), "caller missing");
    assert!(output.invocation("frontend").complete);
    assert!(!output.trace().complete);
    assert!(near(output.trace().root_ms, 50.0));
}

#[test]
fn a_call_of_a_lost_handler_is_kept_without_caller_id() {
    let mut log = shop();
    log.lose(|event| event.op.as_deref() == Some("route"));
    let output = log.assemble();
    let call = output.call("sync", "cart");
    assert_eq!(call.caller_id, None);
    assert_eq!(call.callee_id.as_deref(), Some("c/c-1/cart/rpc_in/1"));
    assert_eq!(issues(output.trace().issues.as_ref()), "callee missing;handler missing;no root");
    assert_eq!(output.invocation("cart").root_id, None);
}

#[test]
fn without_a_client_log_the_first_uncalled_invocation_is_the_root() {
    let mut log = shop();
    log.clients.clear();
    assert_eq!(issues(log.assemble().invocation("frontend").issues.as_ref()), "caller missing");
    log.without_client = true;
    let output = log.assemble();
    assert_eq!(output.invocation("frontend").issues, None);
    assert!(output.trace().complete);
    assert_eq!(output.trace().client_ms, None);
}

#[test]
fn requests_without_pair_are_roots_of_their_own() {
    let mut log = Log::default();
    for (context, function) in [("a", "frontend#1"), ("b", "frontend#2"), ("c", "frontend#1")] {
        log.http((context, None, function), "/", 5.0, 10.0);
        log.call((context, None, function), "ads", &format!("{context}-1"), 6.0, 4.0);
        log.rpc((context, Some(&format!("{context}-1")), "ads"), 7.0, 2.0);
    }
    log.client("other", "other-0", 0.0, None);
    let output = log.assemble();
    for trace in output.traces.iter().filter(|trace| trace.context_id != "other") {
        assert!(trace.complete, "nothing is lost: {trace:?}");
        assert_eq!(issues(trace.issues.as_ref()), "no caller id");
        assert_eq!(trace.entry_route.as_deref(), Some("GET /"));
        assert_eq!(trace.invocations, 2);
    }
    let first = output.invocations.first().expect("an invocation");
    assert_eq!((first.invocation_id.as_str(), first.pair_id.as_ref()), ("a/-/frontend/GET //1", None));
}

#[test]
fn two_requests_without_pair_in_one_context_stay_apart() {
    let mut log = Log::default();
    // Both ways of saying that the caller sent none.
    log.http(("c", None, "frontend"), "/", 0.0, 10.0);
    log.http(("c", Some("undefined-x-pair"), "frontend"), "/", 20.0, 10.0);
    log.db(("c", None, "frontend"), "get", 21.0, 1.0);
    let output = log.assemble();
    let ids: Vec<(&str, i64)> =
        output.invocations.iter().map(|invocation| (invocation.invocation_id.as_str(), invocation.db_ops)).collect();
    assert_eq!(ids, [("c/-/frontend/GET //1", 0), ("c/-/frontend/GET //2", 1)]);
    assert_eq!(issues(output.trace().issues.as_ref()), "several roots;no caller id");
}

#[test]
fn several_answers_to_one_call_hang_on_the_same_caller() {
    let mut log = shop();
    log.rpc(("c", Some("c-1"), "google.cart#2"), 36.0, 2.0);
    let output = log.assemble();
    let carts: Vec<_> = output.invocations.iter().filter(|invocation| &*invocation.function == "cart").collect();
    assert_eq!(carts.len(), 2);
    assert_eq!((carts[0].issues.as_ref(), issues(carts[1].issues.as_ref())), (None, "several for one pair"));
    assert_eq!(carts[0].parent_id, carts[1].parent_id);
    assert_eq!(carts[1].invocation_id, "c/c-1/cart/rpc_in/2");
    assert_eq!(output.calls.iter().filter(|call| call.pair_id == "c-1").count(), 1);
}

#[test]
fn two_requests_of_the_client_under_one_pair_are_answered_in_order() {
    let mut log = Log::default();
    log.client("c", "c-0", 0.0, Some(10.0));
    log.client("c", "c-0", 20.0, Some(12.0));
    log.http(("c", Some("c-0"), "frontend"), "/old", 2.0, 5.0);
    log.http(("c", Some("c-0"), "frontend"), "/new", 22.0, 6.0);
    let output = log.assemble();
    let network: Vec<Option<f64>> = output.calls.iter().map(|call| call.network_ms).collect();
    assert_eq!(network, [Some(5.0), Some(6.0)]);
    assert_eq!(output.trace().entry_route.as_deref(), Some("GET /old"));
    assert_eq!(issues(output.trace().issues.as_ref()), "several roots");
}

#[test]
fn a_function_that_calls_itself_is_a_chain() {
    let mut log = Log::default();
    log.client("c", "c-0", 0.0, Some(100.0));
    for depth in 0..4 {
        let pair = format!("c-{depth}");
        let start_ms = 10.0 * f64::from(depth);
        log.rpc(("c", Some(&pair), "fib"), start_ms, 90.0 - 2.0 * start_ms);
        if depth < 3 {
            log.call(
                ("c", Some(&pair), "fib"),
                "fib",
                &format!("c-{}", depth + 1),
                start_ms + 5.0,
                80.0 - 2.0 * start_ms,
            );
        }
    }
    let output = log.assemble();
    let depths: Vec<Option<i64>> = output.invocations.iter().map(|invocation| invocation.depth).collect();
    assert_eq!(depths, [Some(0), Some(1), Some(2), Some(3)]);
    assert!(output.trace().complete);
}

#[test]
fn invocations_that_call_each_other_in_a_circle_end_and_are_named() {
    let mut log = Log::default();
    for (pair, other) in [("c-1", "c-2"), ("c-2", "c-1")] {
        log.rpc(("c", Some(pair), "ring"), 0.0, 10.0);
        log.call(("c", Some(pair), "ring"), "ring", other, 1.0, 8.0);
    }
    log.call(("c", Some("c-2"), "ring"), "tail", "c-3", 9.5, 0.4);
    log.rpc(("c", Some("c-3"), "tail"), 9.6, 0.1);
    let output = log.assemble();
    assert!(output.invocations.iter().all(|invocation| invocation.root_id.is_none()));
    assert_eq!(issues(output.trace().issues.as_ref()), "loop;no root;callee longer than call");
    assert_eq!(output.invocation("tail").issues, None);
}

#[test]
fn a_client_request_without_any_record_is_a_trace_without_invocations() {
    let mut log = Log::default();
    log.client("c", "c-0", 7.0, Some(60.0));
    let output = log.assemble();
    let trace = output.trace();
    assert_eq!((trace.start, trace.invocations, trace.complete), (ZERO.plus_ms(7.0), 0, false));
    assert_eq!(issues(trace.issues.as_ref()), "callee missing");
    assert_eq!(&*output.calls[0].callee_function, "/dev/shop/cart");
    assert!(near(trace.client_ms, 60.0));
}
