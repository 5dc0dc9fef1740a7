//! Counts of lines, contexts, executors and cold starts of every recorded run.

use std::collections::{BTreeMap, BTreeSet};

use faaslens_schemas::manifest::State;
use faaslens_schemas::tables::{ClientRequest, DbCall, Event, Executor, Reject};
use serde_json::Value;

use crate::recorded::{ALL, IOT, Recorded, SMART_FACTORY, STREAMING, WEBSERVICE_1, WEBSERVICE_2, project};

/// Counts that `scripts/golden/expected.py` took from the raw logs of a run.
fn expected(run: &Recorded) -> Value {
    let text = std::fs::read(project("tests/data/golden/counts.json")).expect("counts.json");
    serde_json::from_slice::<Value>(&text).expect("JSON")[run.name].clone()
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a count")).expect("a small count")
}

#[test]
fn every_line_context_executor_and_cold_start_of_the_recorded_runs_is_collected() {
    // Lines, contexts, executor ids with the load generator's two, cold-start lines: as counted when the runs were recorded.
    let recorded = [
        (&WEBSERVICE_1, 44_169, 973, 30, 29),
        (&WEBSERVICE_2, 45_617, 1_015, 30, 29),
        (&SMART_FACTORY, 21_095, 18, 36, 35),
        (&IOT, 5_938, 90, 16, 15),
        (&STREAMING, 20_561, 1_767, 46, 45),
    ];
    for (run, lines, contexts, executors, cold_starts) in recorded {
        let events: Vec<Event> = run.rows();
        let found_contexts: BTreeSet<_> = events.iter().filter_map(|event| event.context_id.as_deref()).collect();
        let found_executors: BTreeSet<_> = events.iter().map(|event| event.executor.to_string()).collect();
        let found_cold = events.iter().filter(|event| &*event.kind == "cold_start").count();
        let found = (events.len(), found_contexts.len(), found_executors.len(), found_cold);
        assert_eq!(found, (lines, contexts, executors, cold_starts), "{}", run.name);
    }
}

#[test]
fn every_provider_has_the_lines_that_its_log_holds() {
    for run in ALL {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for event in run.rows::<Event>() {
            *found.entry(event.provider.to_string()).or_default() += 1;
        }
        let expected = expected(run);
        let by_provider = expected["by_provider"].as_object().expect("an object");
        let wanted: BTreeMap<String, usize> = by_provider.iter().map(|(name, n)| (name.clone(), count(n))).collect();
        assert_eq!(found, wanted, "{}", run.name);
    }
}

#[test]
fn executors_of_functions_are_one_row_each() {
    for run in ALL {
        let rows: Vec<Executor> = run.rows();
        let of_functions = rows.iter().filter(|row| &*row.provider != "client").count();
        assert_eq!(of_functions, count(&expected(run)["function_executors"]), "{}", run.name);
        let keys: BTreeSet<_> = rows.iter().map(|row| &row.executor).collect();
        assert_eq!(keys.len(), rows.len(), "{}: an executor has one row", run.name);
    }
}

#[test]
fn client_requests_and_database_operations_are_all_there() {
    for run in ALL {
        let expected = expected(run);
        assert_eq!(run.rows::<ClientRequest>().len(), count(&expected["client_requests"]), "{}", run.name);
        assert_eq!(run.rows::<DbCall>().len(), count(&expected["db_operations"]), "{}", run.name);
    }
}

#[test]
fn nothing_of_an_undamaged_run_is_rejected_or_taken_twice() {
    for run in ALL {
        assert_eq!(run.rows::<Reject>(), Vec::new(), "{}", run.name);
        let manifest = run.manifest();
        assert_eq!(manifest.state, State::Complete, "{}", run.name);
        assert!(!manifest.lossy(), "{}: {:?}", run.name, manifest.sources);
        let duplicates: u64 = manifest.sources.iter().map(|source| source.duplicates).sum();
        assert_eq!(duplicates, 0, "{}", run.name);
        let records: u64 = manifest.sources.iter().map(|source| source.records).sum();
        assert_eq!(usize::try_from(records).expect("a count"), run.rows::<Event>().len(), "{}", run.name);
    }
}

#[test]
fn bytes_of_the_manifest_are_those_of_the_unpacked_logs() {
    // webservice-1: the sum of its unpacked logs, as counted when the run was recorded.
    let bytes: u64 = WEBSERVICE_1.manifest().sources.iter().map(|source| source.bytes).sum();
    assert_eq!(bytes, 30_995_239);
}
