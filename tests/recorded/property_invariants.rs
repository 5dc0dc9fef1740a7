//! What must not change a result: the number of parts, threads, the order and compression of the input, doing it again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use faaslens_schemas::store::Store;
use faaslens_schemas::table::{Layout, Row};
use faaslens_schemas::tables::{
    Call, ClientRequest, ColdStart, Completeness, Contribution, DbCall, Duration, Event, Executor, Invocation,
    PathSegment, PlatformRecord, Publishing, Reject, Share, TABLES, Trace, Trigger, TukeyBox,
};
use serde_json::Value;

use crate::binary::{analyze, collect, command};
use crate::golden::assert_same_rows;
use crate::logs::{self, copy_folder};
use crate::random::Random;
use crate::recorded::{IOT, SMART_FACTORY, WEBSERVICE_1, manifest, rows, session};

const RUN: &str = "r";

/// Collects and analyses a folder into a new store.
fn stored(name: &str, folder: &Path, more: &[&str]) -> PathBuf {
    let store = session().join(name);
    collect(folder, &store, RUN, more).exits(0);
    analyze(&store, &[]).exits(0);
    store
}

/// Bytes of every file of the store's tables and manifests, by path.
fn bytes(store: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let read = |path: PathBuf| fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for file in manifest(store, RUN).all_files() {
        found.insert(file.path.clone(), read(store.join(&file.path)));
    }
    for table in TABLES.iter().filter(|table| table.layout == Layout::Pooled) {
        let path = Store::open(store).expect("the store opens").pooled_path(table);
        if path.is_file() {
            found.insert(table.name.to_owned(), read(path));
        }
    }
    found.insert("manifest".to_owned(), read(store.join("runs").join(format!("{RUN}.json"))));
    found
}

#[track_caller]
fn assert_same_bytes(found: &Path, expected: &Path) {
    let (found, expected) = (bytes(found), bytes(expected));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (path, content) in &expected {
        assert!(&found[path] == content, "{path} differs");
    }
}

fn assert_same_table<R: Row + std::fmt::Debug>(found: &Path, expected: &Path, change: fn(&mut R)) {
    let read = |store: &Path| {
        let mut rows: Vec<R> = rows(store, RUN);
        rows.iter_mut().for_each(change);
        rows
    };
    assert_same_rows(&read(found), &read(expected), R::TABLE.name);
}

/// Asserts that two stores say the same, whatever the place of a record in its file.
fn assert_same_results(found: &Path, expected: &Path) {
    assert_same_table::<Event>(found, expected, |row| (row.offset, row.source) = (0, "".into()));
    assert_same_table::<ClientRequest>(found, expected, |row| (row.offset, row.source) = (0, "".into()));
    // Lambda's statements name no function: their place among the records tells it, as far as the order is kept.
    assert_same_table::<PlatformRecord>(found, expected, |row| {
        (row.offset, row.source, row.function, row.executor) = (0, "".into(), None, None);
    });
    assert_same_table::<Executor>(found, expected, |_| ());
    assert_same_analysis(found, expected);
}

fn assert_same_analysis(found: &Path, expected: &Path) {
    assert_same_table::<Invocation>(found, expected, |_| ());
    assert_same_table::<Call>(found, expected, |_| ());
    assert_same_table::<DbCall>(found, expected, |_| ());
    assert_same_table::<Trace>(found, expected, |_| ());
    assert_same_table::<PathSegment>(found, expected, |_| ());
    assert_same_table::<Contribution>(found, expected, |_| ());
    assert_same_table::<Duration>(found, expected, |_| ());
    assert_same_table::<Share>(found, expected, |_| ());
    assert_same_table::<Trigger>(found, expected, |_| ());
    assert_same_table::<Publishing>(found, expected, |_| ());
    assert_same_table::<ColdStart>(found, expected, |row| {
        (row.platform, row.disagree, row.init_median_ms) = (None, None, None);
    });
    assert_same_table::<TukeyBox>(found, expected, |_| ());
    // Repetitions are not rows: how often a line was seen differs where lines are collected again.
    assert_same_table::<Completeness>(found, expected, |row| row.duplicates = None);
}

#[test]
fn one_part_and_eight_give_the_same_rows() {
    for (run, name) in [(&WEBSERVICE_1, "webservice"), (&SMART_FACTORY, "factory")] {
        let one = stored(&format!("{name}-parts-1"), &run.folder(), &["--parts", "1"]);
        let eight = stored(&format!("{name}-parts-8"), &run.folder(), &["--parts", "8"]);
        assert_eq!((manifest(&one, RUN).parts, manifest(&eight, RUN).parts), (1, 8));
        assert_same_table::<Event>(&one, &eight, |_| ());
        assert_same_table::<ClientRequest>(&one, &eight, |_| ());
        assert_same_table::<PlatformRecord>(&one, &eight, |_| ());
        assert_same_table::<Executor>(&one, &eight, |_| ());
        assert_same_table::<Reject>(&one, &eight, |_| ());
        assert_same_table::<ColdStart>(&one, &eight, |_| ());
        assert_same_analysis(&one, &eight);
    }
}

#[test]
fn one_thread_and_eight_give_the_same_bytes() {
    let with_threads = |threads: &str| {
        let store = session().join(format!("threads-{threads}"));
        let collecting: [&dyn AsRef<std::ffi::OsStr>; 7] =
            [&"collect", &"befaas", &WEBSERVICE_1.folder(), &"--store", &store, &"--run", &RUN];
        let analysing: [&dyn AsRef<std::ffi::OsStr>; 3] = [&"analyze", &"--store", &store];
        for args in [&collecting[..], &analysing[..]] {
            let output = command(args).env("RAYON_NUM_THREADS", threads).output().expect("the binary starts");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        store
    };
    assert_same_bytes(&with_threads("8"), &with_threads("1"));
}

#[test]
fn collecting_and_analysing_again_changes_no_byte() {
    let store = stored("again", &IOT.folder(), &[]);
    let before = bytes(&store);
    collect(&IOT.folder(), &store, RUN, &[]).exits(0);
    analyze(&store, &[]).exits(0);
    assert!(bytes(&store) == before);
}

#[test]
fn appending_the_same_logs_adds_no_row() {
    let whole = stored("append-reference", &IOT.folder(), &[]);
    let store = stored("append-same", &IOT.folder(), &[]);
    collect(&IOT.folder(), &store, RUN, &["--append"]).exits(0);
    analyze(&store, &[]).exits(0);
    assert_same_results(&store, &whole);
}

#[test]
fn a_run_appended_in_pieces_is_that_collected_at_once() {
    let whole = stored("pieces-reference", &IOT.folder(), &[]);
    let first = session().join("pieces-logs");
    copy_folder(&IOT.folder(), &first, &["aws.log.zst"]);
    let store = stored("pieces", &first, &[]);
    assert!(rows::<Event>(&store, RUN).len() < 5_938);
    collect(&IOT.folder(), &store, RUN, &["--append"]).exits(0);
    analyze(&store, &[]).exits(0);
    assert_same_results(&store, &whole);
}

#[test]
fn the_order_of_lines_and_entries_does_not_matter() {
    let folder = session().join("shuffled-logs");
    copy_folder(&IOT.folder(), &folder, &["aws.log.zst", "google.log.zst", "tinyfaas.log.zst"]);
    let mut random = Random::seeded(4);
    for name in ["aws.log", "tinyfaas.log"] {
        let content = logs::read(&IOT.folder().join(format!("{name}.zst")));
        let mut lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        random.shuffle(&mut lines);
        logs::write(&folder.join(name), &lines.join(&b'\n'));
    }
    let google = logs::read(&IOT.folder().join("google.log.zst"));
    let mut entries: Vec<Value> = serde_json::from_slice(&google).expect("an array");
    random.shuffle(&mut entries);
    logs::write(&folder.join("google.log"), &serde_json::to_vec_pretty(&entries).expect("JSON"));
    let shuffled = stored("shuffled", &folder, &[]);
    let plain = stored("shuffled-reference", &IOT.folder(), &[]);
    assert_same_results(&shuffled, &plain);
}

#[test]
fn compression_of_the_input_does_not_matter() {
    let folder = session().join("plain-logs");
    copy_folder(&IOT.folder(), &folder, &["aws.log.zst", "google.log.zst", "tinyfaas.log.zst", "artillery.log.zst"]);
    for path in logs::log_files(&IOT.folder()) {
        let name = path.file_name().expect("a name").to_string_lossy().replace(".zst", "");
        logs::write(&folder.join(name), &logs::read(&path));
    }
    assert_same_results(&stored("plain", &folder, &[]), &stored("plain-reference", &IOT.folder(), &[]));
}

#[test]
fn keeping_headers_changes_no_other_column() {
    let kept = stored("headers-kept", &IOT.folder(), &["--keep-headers"]);
    let redacted = stored("headers-redacted", &IOT.folder(), &[]);
    assert_same_table::<Event>(&kept, &redacted, |row| row.headers = None);
    assert_same_analysis(&kept, &redacted);
}
