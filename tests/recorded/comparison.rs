//! What `compare` and `trend` say of recorded runs: repetitions of one configuration, and one of them slowed down.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use faaslens_schemas::tables::{Invocation, Trace};

use crate::binary::{analyze, collect, faaslens};
use crate::recorded::{WEBSERVICE_1, WEBSERVICE_2, rows, session};
use crate::slowdown::slow_down;

/// The function that is slowed down by a tenth: 400 executions, in the middle of the call tree.
const SLOWED: &str = "listrecommendations";

/// A store with both repetitions and the second one slowed down.
fn store() -> &'static Path {
    static STORE: OnceLock<PathBuf> = OnceLock::new();
    STORE.get_or_init(|| {
        let store = session().join("comparison");
        let slowed = session().join("slowed");
        slow_down(&WEBSERVICE_2.folder(), &slowed, SLOWED, 0.1);
        for (folder, run) in [(WEBSERVICE_1.folder(), "ws-1"), (WEBSERVICE_2.folder(), "ws-2"), (slowed, "slowed")] {
            collect(&folder, &store, run, &["--label", "experiment=webservice"]).exits(0);
        }
        analyze(&store, &[]).exits(0);
        store
    })
}

fn compared(arguments: &[&str], code: i32) -> Vec<serde_json::Value> {
    let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"compare"];
    all.extend(arguments.iter().map(|argument| argument as &dyn AsRef<std::ffi::OsStr>));
    let store = store();
    all.extend([&"--store" as &dyn AsRef<std::ffi::OsStr>, &store, &"--format", &"json", &"--fail-on", &"regression"]);
    let found = faaslens(&all).exits(code);
    serde_json::from_str(&found.stdout).expect("JSON rows")
}

#[test]
fn repetitions_of_one_configuration_show_no_regression() {
    for sides in [["ws-1", "ws-2"], ["ws-2", "ws-1"]] {
        let rows = compared(&sides, 0);
        assert!(rows.len() > 40, "{}", rows.len());
        let slower: Vec<_> = rows.iter().filter(|row| row["verdict"] == "slower").collect();
        assert!(slower.is_empty(), "{slower:?}");
    }
}

#[test]
fn a_function_slowed_by_a_tenth_is_a_proven_regression_and_named_first() {
    let rows = compared(&["ws-1", "slowed"], 4);
    let first = &rows[0];
    assert_eq!((first["name"].as_str(), first["measure"].as_str()), (Some(SLOWED), Some("execution duration")));
    assert_eq!(first["regression"], true);
    assert_eq!(first["verdict"], "slower");
    assert_eq!(first["evidence"], "family");
    let ratio = first["ratio"].as_f64().expect("a ratio");
    assert!((1.05..1.20).contains(&ratio), "{ratio}");
    let functions = rows.iter().filter(|row| row["regression"] == true && row["measure"] == "execution duration");
    assert_eq!(functions.count(), 1, "no other function became slower by more than the margin");
}

#[test]
fn the_slowed_copy_is_a_consistent_log() {
    let (before, after): (Vec<Invocation>, Vec<Invocation>) = (rows(store(), "ws-2"), rows(store(), "slowed"));
    assert_eq!(before.len(), after.len());
    let median = |rows: &[Invocation]| {
        let of_it = rows.iter().filter(|row| &*row.function == SLOWED);
        let mut durations: Vec<f64> = of_it.filter_map(|row| row.duration_ms).collect();
        durations.sort_by(f64::total_cmp);
        durations[durations.len() / 2]
    };
    assert!((median(&after) / median(&before) - 1.1).abs() < 1e-6);
    let (before, after): (Vec<Trace>, Vec<Trace>) = (rows(store(), "ws-2"), rows(store(), "slowed"));
    let complete = |rows: &[Trace]| rows.iter().filter(|row| row.complete).count();
    assert_eq!(complete(&before), complete(&after));
    let network = |rows: &[Trace]| rows.iter().filter_map(|row| row.befaas_network_ms).sum::<f64>();
    // One of 7,000 calls was still on its way beside a slowed one and ended within a microsecond of it.
    assert!((network(&before) - network(&after)).abs() < 3.0, "calls took as long as before, less their callees");
}

#[test]
fn a_run_cannot_be_compared_with_itself_or_with_nothing() {
    let store = store();
    let same = faaslens(&[&"compare", &"ws-1", &"ws-*", &"--store", &store]).exits(2);
    assert!(same.stderr.contains("disjoint"), "{}", same.stderr);
    let unknown = faaslens(&[&"compare", &"ws-1", &"nope", &"--store", &store]).exits(2);
    assert!(unknown.stderr.contains("slowed, ws-1, ws-2"), "{}", unknown.stderr);
}

#[test]
fn figures_and_tables_are_written_and_the_same_each_time() {
    let store = store();
    let files = |name: &str| {
        let out = session().join(name);
        faaslens(&[&"compare", &"ws-1", &"slowed", &"--store", &store, &"--out", &out]).exits(0);
        let read = |file: &str| std::fs::read(out.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        [
            "figures/forest.svg",
            "figures/forest.png",
            "figures/ecdf.pdf",
            "tables/comparisons.csv",
            "tables/comparisons.md",
        ]
        .map(read)
    };
    assert!(files("compared-1") == files("compared-2"));
}

#[test]
fn a_history_has_each_run_in_the_order_of_its_date() {
    let store = store();
    let found = faaslens(&[&"trend", &"ws-*", &"--by", &"date", &"--store", &store, &"--format", &"json"]).exits(0);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&found.stdout).expect("JSON rows");
    let of_it: Vec<&serde_json::Value> = rows.iter().filter(|row| row["name"] == SLOWED).collect();
    let points: Vec<_> = of_it.iter().map(|row| row["point"].as_str()).collect();
    assert_eq!(points, [Some("ws-1"), Some("ws-2")]);
    assert!(of_it.iter().all(|row| row["low_ms"].as_f64() < row["median_ms"].as_f64()));
    faaslens(&[&"trend", &"--by", &"nope", &"--store", &store]).exits(2);
}
