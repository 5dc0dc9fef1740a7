//! Call trees and the division of their time, against the plain tree builder of `scripts/golden/call_trees.py`.

use std::collections::BTreeMap;

use faaslens_schemas::tables::{Call, Invocation, Trace};

use crate::golden::{Csv, TOLERANCE_MS, assert_close};
use crate::recorded::{ALL, IOT, Recorded, SMART_FACTORY, WEBSERVICE_1};

/// Instants are stored in whole microseconds: a difference of two may be off by one.
const TWO_STAMPS_MS: f64 = 0.001_001;

fn traces(run: &Recorded) -> BTreeMap<String, Trace> {
    run.rows::<Trace>().into_iter().map(|trace| (trace.context_id.clone(), trace)).collect()
}

#[test]
fn complete_traces_are_those_whose_every_invocation_and_call_is_known() {
    for run in ALL {
        let golden = Csv::read(&format!("golden/{}.traces", run.name));
        let traces = traces(run);
        let expected: Vec<&str> = golden.rows().map(|row| row.text("context")).collect();
        let found: Vec<&str> =
            traces.values().filter(|trace| trace.complete).map(|trace| trace.context_id.as_str()).collect();
        assert_eq!(found, expected, "{}", run.name);
    }
}

#[test]
fn wall_division_of_every_trace_is_that_of_the_backward_walk() {
    for run in ALL {
        let traces = traces(run);
        for row in Csv::read(&format!("golden/{}.traces", run.name)).rows() {
            let trace = &traces[row.text("context")];
            let what = (run.name, row.text("context"));
            let network_and_cold =
                trace.network_ms.zip(trace.cold_ms.or(Some(0.0))).map(|(network, cold)| network + cold);
            assert_close(trace.root_ms, row.optional("root_ms"), TOLERANCE_MS, (what, "root"));
            assert_close(trace.compute_ms, row.optional("compute_ms"), TOLERANCE_MS, (what, "compute"));
            assert_close(
                network_and_cold,
                row.optional("network_and_cold_ms"),
                TOLERANCE_MS,
                (what, "network and cold"),
            );
            assert_close(trace.db_ms, row.optional("db_ms"), TOLERANCE_MS, (what, "database"));
            assert_close(trace.client_ms, row.optional("client_ms"), TOLERANCE_MS, (what, "client"));
        }
    }
}

#[test]
fn published_division_of_every_trace_is_that_of_the_plain_sums() {
    for run in ALL {
        let traces = traces(run);
        for row in Csv::read(&format!("golden/{}.traces", run.name)).rows() {
            let trace = &traces[row.text("context")];
            let what = (run.name, row.text("context"));
            assert_close(trace.befaas_compute_ms, row.optional("befaas_compute_ms"), TOLERANCE_MS, (what, "compute"));
            assert_close(trace.befaas_network_ms, row.optional("befaas_network_ms"), TOLERANCE_MS, (what, "network"));
            assert_close(trace.befaas_db_ms, row.optional("befaas_db_ms"), TOLERANCE_MS, (what, "database"));
        }
    }
}

#[test]
fn wall_categories_of_a_complete_trace_add_up_to_its_root() {
    for run in ALL {
        for trace in run.rows::<Trace>().into_iter().filter(|trace| trace.complete) {
            let parts = [trace.compute_ms, trace.network_ms, trace.db_ms, trace.cold_ms];
            let sum: f64 = parts.into_iter().flatten().sum();
            assert_close(Some(sum), trace.root_ms, 0.001, (run.name, &trace.context_id));
            assert!(parts.into_iter().flatten().all(|part| part >= 0.0), "{}: {trace:?}", run.name);
        }
    }
}

#[test]
fn own_shares_of_every_ended_invocation_add_up_to_its_duration() {
    for run in ALL {
        for invocation in run.rows::<Invocation>().into_iter().filter(|invocation| invocation.complete) {
            let parts = [invocation.compute_ms, invocation.network_ms, invocation.db_ms];
            let sum: f64 = parts.into_iter().flatten().sum();
            assert_close(Some(sum), invocation.duration_ms, 0.001, &invocation.invocation_id);
        }
    }
}

#[test]
fn entries_and_sizes_of_traces_are_those_of_the_trees() {
    for run in ALL {
        let traces = traces(run);
        for row in Csv::read(&format!("golden/{}.traces", run.name)).rows() {
            let trace = &traces[row.text("context")];
            let entry = (trace.entry_function.as_deref(), trace.entry_route.as_deref());
            assert_eq!(entry, (Some(row.text("entry_function")), Some(row.text("entry_route"))), "{trace:?}");
            assert_eq!(trace.invocations.to_string(), row.text("invocations"), "{trace:?}");
            assert_eq!(&*trace.providers, row.text("providers"), "{trace:?}");
        }
    }
}

#[test]
fn network_time_of_every_call_is_its_duration_less_the_callees() {
    for run in [&WEBSERVICE_1, &SMART_FACTORY, &IOT] {
        let rows: Vec<Call> = run.rows();
        let mut calls: BTreeMap<(&str, &str), &Call> = BTreeMap::new();
        for call in rows.iter().filter(|call| &*call.kind == "sync" && !call.from_client) {
            let twice = calls.insert((&call.context_id, &call.pair_id), call);
            assert!(twice.is_none(), "{}: two calls under one pair: {call:?}", run.name);
        }
        let golden = Csv::read(&format!("golden/{}.calls", run.name));
        assert_eq!(calls.len(), golden.len(), "{}", run.name);
        for row in golden.rows() {
            let call = calls[&(row.text("context"), row.text("pair"))];
            assert_eq!(call.caller_function.as_deref(), Some(row.text("caller")), "{call:?}");
            assert_eq!(&*call.callee_function, row.text("callee"), "{call:?}");
            assert_eq!(call.caller_provider.as_deref(), Some(row.text("caller_provider")), "{call:?}");
            assert_eq!(call.callee_provider.as_deref(), Some(row.text("callee_provider")), "{call:?}");
            assert_close(call.duration_ms, row.optional("duration_ms"), TOLERANCE_MS, call);
            assert_close(call.callee_duration_ms, row.optional("callee_duration_ms"), TOLERANCE_MS, call);
            assert_close(call.network_ms, row.optional("network_ms"), TOLERANCE_MS, call);
        }
    }
}

#[test]
fn trigger_delays_run_from_the_publishers_start_to_the_triggered_start_in_full() {
    for run in [&SMART_FACTORY, &IOT] {
        let rows: Vec<Call> = run.rows();
        let events: BTreeMap<(&str, &str), &Call> = rows
            .iter()
            .filter(|call| &*call.kind == "async")
            .map(|call| ((call.context_id.as_str(), call.pair_id.as_str()), call))
            .collect();
        let golden = Csv::read(&format!("golden/{}.triggers", run.name));
        assert_eq!(events.len(), golden.len(), "{}", run.name);
        for row in golden.rows() {
            let call = events[&(row.text("context"), row.text("pair"))];
            assert_eq!(&*call.callee_function, row.text("function"), "{call:?}");
            assert_close(call.trigger_delay_ms, row.optional("delay_ms"), TWO_STAMPS_MS, call);
            assert_close(call.trigger_delay_logged_ms, row.optional("delay_logged_ms"), TOLERANCE_MS, call);
            assert_close(call.publisher_duration_ms, row.optional("publisher_ms"), TOLERANCE_MS, call);
        }
    }
}

#[test]
fn every_invocation_of_a_complete_trace_leads_to_its_root() {
    for run in ALL {
        let complete: std::collections::BTreeSet<String> =
            run.rows::<Trace>().into_iter().filter(|trace| trace.complete).map(|trace| trace.context_id).collect();
        let mut roots: BTreeMap<String, usize> = BTreeMap::new();
        for invocation in run.rows::<Invocation>().into_iter().filter(|i| complete.contains(&i.context_id)) {
            assert!(invocation.root_id.is_some() && invocation.depth.is_some(), "{invocation:?}");
            assert_eq!(invocation.parent_id.is_none(), invocation.depth == Some(0), "{invocation:?}");
            *roots.entry(invocation.context_id).or_default() += usize::from(invocation.parent_id.is_none());
        }
        assert!(roots.values().all(|n| *n == 1), "{}", run.name);
    }
}
