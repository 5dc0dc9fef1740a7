//! Where the time went.

use faaslens_analyze::assembly::FunctionSet;
use faaslens_schemas::tables::{PlatformRecord, Trace};

use crate::log::{Log, issues, near};

/// A root of 100 ms called by the client; `c-1`, `c-2` are free for calls.
fn root() -> Log {
    let mut log = Log::default();
    log.client("c", "c-0", 0.0, Some(130.0));
    log.rpc(("c", Some("c-0"), "root"), 10.0, 100.0);
    log
}

/// Compute, network, database and cold of a trace, to a nanosecond.
#[track_caller]
fn assert_wall(trace: &Trace, expected: [f64; 4]) {
    let found = [trace.compute_ms, trace.network_ms, trace.db_ms, trace.cold_ms];
    assert!(found.into_iter().zip(expected).all(|(found, expected)| near(found, expected)), "{found:?}");
}

#[test]
fn sequential_operations_all_stand_on_the_path() {
    let mut log = root();
    log.db(("c", Some("c-0"), "root"), "get", 20.0, 5.0);
    log.call(("c", Some("c-0"), "root"), "leaf", "c-1", 30.0, 40.0);
    log.rpc(("c", Some("c-1"), "leaf"), 1000.0, 22.0);
    log.db(("c", Some("c-1"), "leaf"), "set", 1001.0, 8.0);
    let output = log.assemble();
    // 100 - 5 - 40 at the root + 22 - 8 in the leaf; 40 - 22; 5 + 8. The leaf's clock does not matter.
    assert_wall(output.trace(), [69.0, 18.0, 13.0, 0.0]);
    let root = output.invocation("root");
    assert!(near(root.compute_ms, 55.0) && near(root.network_ms, 40.0) && near(root.db_ms, 5.0));
    let trace = output.trace();
    assert!(
        near(trace.befaas_compute_ms, 69.0) && near(trace.befaas_network_ms, 18.0) && near(trace.befaas_db_ms, 13.0)
    );
}

#[test]
fn of_parallel_calls_the_last_to_return_is_on_the_path() {
    let mut log = root();
    log.call(("c", Some("c-0"), "root"), "slow", "c-1", 20.0, 60.0);
    log.rpc(("c", Some("c-1"), "slow"), 25.0, 50.0);
    log.call(("c", Some("c-0"), "root"), "fast", "c-2", 20.5, 30.0);
    log.rpc(("c", Some("c-2"), "fast"), 25.0, 10.0);
    let output = log.assemble();
    // The fast call overlaps the slow one: off the path.
    assert_wall(output.trace(), [90.0, 10.0, 0.0, 0.0]);
    // As published both count in full: 100 + 50 + 10 - 60 - 30, and 90 - 60.
    assert!(near(output.trace().befaas_compute_ms, 70.0) && near(output.trace().befaas_network_ms, 30.0));
}

#[test]
fn of_overlapping_database_operations_the_path_takes_those_that_follow_each_other() {
    let mut log = root();
    log.db(("c", Some("c-0"), "root"), "get", 20.0, 10.0);
    log.db(("c", Some("c-0"), "root"), "scan", 28.0, 12.0);
    log.db(("c", Some("c-0"), "root"), "set", 40.0, 10.0);
    // Back from 110: set 50-40, scan 40-28; get ends at 30, inside scan.
    assert_wall(log.assemble().trace(), [78.0, 0.0, 22.0, 0.0]);
}

#[test]
fn what_outlasts_the_handler_is_off_the_path() {
    let mut log = root();
    log.call(("c", Some("c-0"), "root"), "late", "c-1", 100.0, 30.0);
    log.rpc(("c", Some("c-1"), "late"), 105.0, 20.0);
    assert_wall(log.assemble().trace(), [100.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_callee_longer_than_its_call_is_scaled_down_and_named() {
    let mut log = root();
    log.call(("c", Some("c-0"), "root"), "leaf", "c-1", 20.0, 40.0);
    log.rpc(("c", Some("c-1"), "leaf"), 20.0, 80.0);
    log.db(("c", Some("c-1"), "leaf"), "get", 25.0, 20.0);
    let output = log.assemble();
    // Half of 60 and half of 20 inside the call.
    assert_wall(output.trace(), [90.0, 0.0, 10.0, 0.0]);
    assert_eq!(issues(output.invocation("root").issues.as_ref()), "callee longer than call");
    assert!(near(output.call("sync", "leaf").network_ms, -40.0));
}

#[test]
fn initialisation_that_a_call_waited_for_is_cold_not_network() {
    let mut log = root();
    // The call starts at 20; the executor's clock begins at 22, its handler starts 15 ms later.
    log.cold_start("leaf", 22.0, 15.0);
    log.call(("c", Some("c-0"), "root"), "leaf", "c-1", 20.0, 40.0);
    log.rpc(("c", Some("c-1"), "leaf"), 15.0, 20.0);
    let output = log.assemble();
    assert_wall(output.trace(), [80.0, 5.0, 0.0, 15.0]);
    assert_eq!(output.call("sync", "leaf").callee_cold, Some(true));
    assert!(near(output.invocation("root").network_ms, 40.0));
}

#[test]
fn an_executor_older_than_the_call_was_not_waited_for() {
    let mut log = root();
    log.cold_start("leaf", 5.0, 32.0);
    log.call(("c", Some("c-0"), "root"), "leaf", "c-1", 20.0, 40.0);
    log.rpc(("c", Some("c-1"), "leaf"), 32.0, 20.0);
    assert_wall(log.assemble().trace(), [80.0, 20.0, 0.0, 0.0]);
}

#[test]
fn cold_time_is_at_most_the_network_part_of_the_call() {
    let mut log = root();
    log.cold_start("leaf", 22.0, 35.0);
    log.call(("c", Some("c-0"), "root"), "leaf", "c-1", 20.0, 40.0);
    log.rpc(("c", Some("c-1"), "leaf"), 35.0, 20.0);
    assert_wall(log.assemble().trace(), [80.0, 0.0, 0.0, 20.0]);
}

#[test]
fn a_missing_callee_leaves_its_call_as_network() {
    let mut log = root();
    log.call(("c", Some("c-0"), "root"), "leaf", "c-1", 20.0, 40.0);
    let output = log.assemble();
    assert_wall(output.trace(), [60.0, 40.0, 0.0, 0.0]);
    assert!(!output.trace().complete);
}

#[test]
fn a_set_sums_its_functions_where_the_first_of_them_ran() {
    let mut log = root();
    log.call(("c", Some("c-0"), "root"), "add", "c-1", 20.0, 60.0);
    log.rpc(("c", Some("c-1"), "add"), 21.0, 50.0);
    log.call(("c", Some("c-1"), "add"), "store", "c-2", 25.0, 30.0);
    log.rpc(("c", Some("c-2"), "store"), 30.0, 20.0);
    log.db(("c", Some("c-2"), "store"), "set", 31.0, 4.0);
    log.client("d", "d-0", 0.0, Some(30.0));
    log.rpc(("d", Some("d-0"), "store"), 30.0, 20.0);
    let set = |functions: &[&str]| {
        FunctionSet::new(functions.iter().map(|&function| function.to_owned()).collect()).expect("functions")
    };
    log.sets = vec![set(&["add", "store"]), set(&["store", "add"]), set(&["absent"])];
    let mut sets = log.facts().sets;
    sets.sort_by_key(|fact| fact.set);
    let first = sets[0];
    assert_eq!((first.set, first.complete), (0, true));
    // 50 + 20 - 30 - 4; 30 - 20; 4.
    let shares = first.shares;
    assert!(
        near(Some(shares.compute_ms), 36.0) && near(Some(shares.network_ms), 10.0) && near(Some(shares.db_ms), 4.0)
    );
    assert_eq!(sets.iter().filter(|fact| fact.set == 1).count(), 2);
    assert_eq!(sets.iter().filter(|fact| fact.set == 2).count(), 0);
}

#[test]
fn an_initialisation_that_only_the_platform_reports_was_waited_for_too() {
    let mut log = root();
    // The line of the cold start is lost: only the first start is known.
    log.executor("leaf", 28.0).first_start_ms = Some(9.0);
    log.call(("c", Some("c-0"), "root"), "leaf", "c-1", 20.0, 40.0);
    log.rpc(("c", Some("c-1"), "leaf"), 9.0, 20.0);
    assert_wall(log.assemble().trace(), [80.0, 20.0, 0.0, 0.0]);
    log.platform.push(PlatformRecord {
        provider: "aws".into(),
        function: Some("leaf".into()),
        executor: Some("leaf-1".into()),
        kind: "report".into(),
        init_ms: Some(900.0),
        ..PlatformRecord::default()
    });
    let output = log.assemble();
    assert_wall(output.trace(), [80.0, 11.0, 0.0, 9.0]);
    assert_eq!(output.call("sync", "leaf").callee_cold, None);
}

/// Scope, category, function and duration of the segments.
fn segments(log: &Log) -> Vec<(String, String, String, f64)> {
    let text = |label: Option<&faaslens_schemas::table::Label>| label.map_or(String::new(), ToString::to_string);
    let rows = log.assemble().critical_path;
    assert!(rows.iter().zip(1..).all(|(row, n)| row.n == n));
    rows.iter()
        .map(|row| {
            let rounded = (row.duration_ms * 1000.0).round() / 1000.0;
            (row.scope.to_string(), row.category.to_string(), text(row.function.as_ref()), rounded)
        })
        .collect()
}

#[track_caller]
fn assert_segments(log: &Log, expected: &[(&str, &str, &str, f64)]) {
    let found = segments(log);
    let found: Vec<(&str, &str, &str, f64)> =
        found.iter().map(|(scope, category, function, ms)| (&**scope, &**category, &**function, *ms)).collect();
    assert_eq!(found, expected);
}

#[test]
fn segments_name_who_ran_and_who_was_called() {
    let mut log = root();
    log.call(("c", Some("c-0"), "root"), "leaf", "c-1", 20.0, 40.0);
    log.rpc(("c", Some("c-1"), "leaf"), 28.0, 22.0);
    log.call(("c", Some("c-0"), "root"), "lost", "c-2", 70.0, 15.0);
    assert_segments(
        &log,
        &[
            ("client", "client_network", "root", 10.0),
            ("root", "compute", "root", 10.0),
            ("root", "network", "leaf", 8.0),
            ("root", "compute", "leaf", 22.0),
            ("root", "network", "leaf", 10.0),
            ("root", "compute", "root", 10.0),
            ("root", "network", "lost", 15.0),
            ("root", "compute", "root", 25.0),
            ("client", "client_network", "root", 20.0),
        ],
    );
    let lost = log.assemble().critical_path.into_iter().find(|row| row.function.as_deref() == Some("lost"));
    let lost = lost.expect("the call without callee");
    assert_eq!((lost.invocation_id, lost.provider), (None, None));
}

#[test]
fn each_try_of_a_call_is_on_the_path_of_its_own() {
    let mut log = root();
    for (pair, start_ms) in [("c-1", 20.0), ("c-2", 40.0), ("c-3", 60.0)] {
        log.call(("c", Some("c-0"), "root"), "leaf", pair, start_ms, 15.0);
    }
    log.rpc(("c", Some("c-3"), "leaf"), 65.0, 10.0);
    // The first two found nobody: 15 ms of network each.
    assert_wall(log.assemble().trace(), [65.0, 35.0, 0.0, 0.0]);
}

#[test]
fn of_two_invocations_under_one_pair_the_first_is_on_the_path() {
    let mut log = root();
    log.call(("c", Some("c-0"), "root"), "leaf", "c-1", 20.0, 60.0);
    log.rpc(("c", Some("c-1"), "leaf"), 25.0, 10.0);
    log.db(("c", Some("c-1"), "leaf"), "get", 26.0, 4.0);
    log.rpc(("c", Some("c-1"), "leaf#2"), 50.0, 20.0);
    assert_wall(log.assemble().trace(), [46.0, 50.0, 4.0, 0.0]);
}

#[test]
fn clocks_that_put_the_root_outside_of_its_request_leave_the_clients_time_whole() {
    let mut log = root();
    log.executor("root", 0.0).origin = crate::log::ZERO.plus_ms(-200.0);
    let rows = segments(&log);
    assert_eq!(rows[0], ("client".into(), "client_network".into(), "root".into(), 30.0));
    assert_eq!(rows.iter().filter(|row| row.0 == "client").count(), 1);
}

#[test]
fn the_initialisation_of_the_root_is_cold_outside_of_it() {
    let mut log = Log::default();
    log.cold_start("root", 4.0, 6.0);
    log.client("c", "c-0", 0.0, Some(130.0));
    log.rpc(("c", Some("c-0"), "root"), 6.0, 100.0);
    assert_segments(
        &log,
        &[
            ("client", "client_network", "root", 4.0),
            ("client", "cold", "root", 6.0),
            ("root", "compute", "root", 100.0),
            ("client", "client_network", "root", 20.0),
        ],
    );
    assert!(near(log.assemble().trace().client_network_ms, 30.0));
}
