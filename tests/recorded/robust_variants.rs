//! Runs with lines fetched twice, lines lost before collection, and shifted wall clocks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{
    Call, ClientRequest, ColdStart, Completeness, DbCall, Duration, Event, Executor, Invocation, Outlier, PhasePoint,
    PlatformRecord, Publishing, Share, Trace, Trigger, TukeyBox,
};

use crate::binary::{analyze, collect};
use crate::golden::{Csv, TOLERANCE_MS, assert_close, assert_same_rows};
use crate::logs::{self, copy_folder};
use crate::recorded::{PUBLISHED_SET, SMART_FACTORY, manifest, project, rows, session};

fn variant(name: &str) -> PathBuf {
    project("tests/data/variants").join(name)
}

/// `smartFactory` with every `CloudWatch` stream fetched twice.
static DUP: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = session().join("dup-logs");
    copy_folder(&SMART_FACTORY.folder(), &folder, &["aws.log.zst"]);
    copy_folder(&variant("dup"), &folder, &[]);
    let store = session().join("dup");
    collect(&folder, &store, SMART_FACTORY.name, &[]).exits(0);
    analyze(&store, &["--functions", PUBLISHED_SET]).exits(0);
    store
});

fn assert_same_table<R: Row + std::fmt::Debug>(change: fn(&mut R)) {
    let read = |store: &Path| {
        let mut rows: Vec<R> = rows(store, SMART_FACTORY.name);
        rows.iter_mut().for_each(change);
        rows
    };
    assert_same_rows(&read(&DUP), &read(SMART_FACTORY.store()), R::TABLE.name);
}

#[test]
fn lines_fetched_twice_change_no_table() {
    assert_same_table::<Event>(|row| row.offset = 0);
    assert_same_table::<PlatformRecord>(|row| row.offset = 0);
    assert_same_table::<ClientRequest>(|_| ());
    assert_same_table::<Executor>(|_| ());
    assert_same_table::<Invocation>(|_| ());
    assert_same_table::<Call>(|_| ());
    assert_same_table::<DbCall>(|_| ());
    assert_same_table::<Trace>(|_| ());
    assert_same_table::<Duration>(|_| ());
    assert_same_table::<Share>(|_| ());
    assert_same_table::<Trigger>(|_| ());
    assert_same_table::<Publishing>(|_| ());
    assert_same_table::<ColdStart>(|_| ());
    assert_same_table::<PhasePoint>(|_| ());
    assert_same_table::<TukeyBox>(|_| ());
    assert_same_table::<Outlier>(|_| ());
    let duplicates_aside = |row: &mut Completeness| row.duplicates = None;
    assert_same_table::<Completeness>(duplicates_aside);
}

#[test]
fn lines_fetched_twice_are_counted_as_duplicates() {
    let count_lines =
        |path: &Path| logs::read(path).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    let twice = count_lines(&variant("dup").join("aws.log.zst"));
    let once = count_lines(&SMART_FACTORY.folder().join("aws.log.zst"));
    let manifest = manifest(&DUP, SMART_FACTORY.name);
    let aws = manifest.sources.iter().find(|source| source.name.starts_with("aws")).expect("aws.log");
    assert_eq!(usize::try_from(aws.duplicates).expect("a count"), twice - once);
    assert_eq!(aws.rejects(), 0);
}

/// `smartFactory` without the lines beyond 60 a second and provider.
static LOSS60: LazyLock<PathBuf> = LazyLock::new(|| {
    let store = session().join("loss60");
    collect(&variant("loss60"), &store, "loss60", &[]).exits(0);
    let outcome = analyze(&store, &[]);
    assert!(matches!(outcome.code, Some(0 | 1)), "{}", outcome.stderr);
    store
});

/// Pair IDs seen in the lossy logs: those of calls, and those under which a function logged.
fn pairs_of_lossy_logs() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut called, mut logged) = (BTreeSet::new(), BTreeSet::new());
    for path in logs::log_files(&variant("loss60")) {
        let log = path.file_name().expect("a name").to_string_lossy().into_owned();
        for line in logs::read(&path).split(|byte| *byte == b'\n') {
            for payload in logs::payloads(&log, line) {
                let event = &payload["event"];
                let mark = event["perf"]["mark"].as_str().unwrap_or_default();
                if let Some((_, call)) = mark.split_once("rpcOut:") {
                    called.insert(call.split_once(':').expect("a pair").1.to_owned());
                }
                if mark.ends_with(":rpcIn")
                    && payload["fn"]["name"].as_str().is_some_and(|name| name.starts_with("publisher"))
                {
                    logged.insert(event["xPair"].as_str().expect("a pair").to_owned());
                }
            }
        }
    }
    (called, logged)
}

#[test]
fn missing_callees_and_callers_of_a_lossy_run_are_counted() {
    let (called, logged) = pairs_of_lossy_logs();
    let calls: Vec<Call> = rows(&LOSS60, "loss60");
    let made: BTreeSet<&str> = calls
        .iter()
        .filter(|call| &*call.kind == "sync" && !call.from_client)
        .filter(|call| call.duration_ms.is_some() || call.start.is_some())
        .map(|call| call.pair_id.as_str())
        .collect();
    assert_eq!(made.len(), called.len(), "every call seen in a log has its row");
    let without_callee =
        calls.iter().filter(|call| &*call.kind == "sync" && !call.from_client && call.callee_id.is_none()).count();
    assert_eq!(without_callee, called.difference(&logged).count(), "calls whose publisher left no line");
    let invocations: Vec<Invocation> = rows(&LOSS60, "loss60");
    let issue = |text: &str| {
        invocations.iter().filter(|i| i.issues.as_deref().is_some_and(|issues| issues.contains(text))).count()
    };
    assert!(issue("callee missing") > 0 && issue("caller missing") > 0);
}

#[test]
fn results_of_a_lossy_run_say_that_they_rest_on_incomplete_records() {
    let traces: Vec<Trace> = rows(&LOSS60, "loss60");
    assert_eq!(traces.len(), 18);
    assert!(traces.iter().all(|trace| !trace.complete), "every chain of the run lost lines");
    let verdicts: Vec<Completeness> = rows(&LOSS60, "loss60");
    for provider in ["aws", "azure", "google"] {
        let lossy = |row: &Completeness| {
            &*row.provider == provider && row.verdict.as_deref().is_some_and(|v| v.starts_with("lossy"))
        };
        assert!(verdicts.iter().any(lossy), "{provider}");
    }
    assert!(rows::<Trigger>(&LOSS60, "loss60").iter().any(|trigger| !trigger.complete));
    assert!(rows::<Duration>(&LOSS60, "loss60").iter().any(|duration| !duration.complete));
    let undamaged: Vec<Trigger> = SMART_FACTORY.rows();
    assert!(undamaged.iter().all(|trigger| trigger.complete));
}

#[test]
fn shifted_wall_clocks_change_no_duration_and_no_round_trip() {
    let store = session().join("skew");
    collect(&variant("skew"), &store, "skew", &[]).exits(0);
    analyze(&store, &[]);
    let traces: BTreeMap<String, Trace> =
        rows::<Trace>(&store, "skew").into_iter().map(|trace| (trace.context_id.clone(), trace)).collect();
    let mut compared = 0;
    for row in Csv::read("golden/webservice-1.traces").rows() {
        let Some(trace) = traces.get(row.text("context")).filter(|trace| trace.complete) else { continue };
        let network_and_cold = trace.network_ms.map(|network| network + trace.cold_ms.unwrap_or(0.0));
        assert_close(trace.root_ms, row.optional("root_ms"), TOLERANCE_MS, trace);
        assert_close(trace.compute_ms, row.optional("compute_ms"), TOLERANCE_MS, trace);
        assert_close(network_and_cold, row.optional("network_and_cold_ms"), TOLERANCE_MS, trace);
        assert_close(trace.db_ms, row.optional("db_ms"), TOLERANCE_MS, trace);
        compared += 1;
    }
    assert!(compared > 300, "{compared} contexts compared");
}
