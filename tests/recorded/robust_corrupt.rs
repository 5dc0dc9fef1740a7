//! A run whose lines were truncated, flipped, interleaved, given bad UTF-8 and NULs, shuffled, and cut off at the end.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use faaslens_schemas::tables::{Event, Executor, PlatformRecord, Reject};

use crate::binary::{Outcome, analyze, collect};
use crate::logs;
use crate::recorded::{WEBSERVICE_1, manifest, project, rows, session};

const RUN: &str = "corrupt";

fn folder() -> PathBuf {
    project("tests/data/variants/corrupt")
}

/// The store of the damaged run, and what the collection said.
static COLLECTED: LazyLock<(PathBuf, Outcome)> = LazyLock::new(|| {
    let store = session().join("corrupt");
    let outcome = collect(&folder(), &store, RUN, &[]);
    (store, outcome)
});

fn store() -> &'static Path {
    &COLLECTED.0
}

/// A line of a damaged log.
struct Line {
    log: String,
    start: usize,
    end: usize,
    content: Vec<u8>,
    /// Whether the undamaged run holds the same line.
    intact: bool,
}

/// Every line of the damaged logs.
static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let mut lines = Vec::new();
    for path in logs::log_files(&folder()) {
        let log = path.file_name().expect("a name").to_string_lossy().into_owned();
        let original = logs::read(&WEBSERVICE_1.folder().join(&log));
        let known: HashSet<&[u8]> = original.split(|byte| *byte == b'\n').collect();
        let mut start = 0;
        for content in logs::read(&path).split(|byte| *byte == b'\n') {
            let end = start + content.len();
            lines.push(Line {
                log: log.clone(),
                start,
                end,
                intact: known.contains(content),
                content: content.to_vec(),
            });
            start = end + 1;
        }
    }
    lines
});

#[test]
fn a_corrupt_run_is_collected_with_exit_code_1_and_its_losses_named() {
    let outcome = &COLLECTED.1;
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("reject"), "{}", outcome.stderr);
    assert!(manifest(store(), RUN).lossy());
}

#[test]
fn every_record_of_an_undamaged_line_is_kept() {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for event in rows::<Event>(store(), RUN) {
        *found.entry(identity(&event)).or_default() += 1;
    }
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for line in LINES.iter().filter(|line| line.intact) {
        for payload in logs::payloads(&line.log, &line.content) {
            *expected.entry(logs::identity(&payload)).or_default() += 1;
        }
    }
    assert!(expected.values().sum::<usize>() > 15_000);
    let missing: Vec<&String> =
        expected.iter().filter(|(key, n)| found.get(*key) < Some(n)).map(|(key, _)| key).collect();
    assert!(missing.is_empty(), "{} records of undamaged lines are missing, first: {:?}", missing.len(), missing[0]);
}

/// An event in the form of [`logs::identity`].
fn identity(event: &Event) -> String {
    let start = if event.op.is_some() { event.start_ms } else { None };
    format!(
        "{}|{}|{}|{}|{}|{}",
        &*event.executor,
        &*event.function,
        event.logged_at.millis_f64(),
        event.now_ms,
        event.context_id.as_deref().unwrap_or_default(),
        start.map_or(String::new(), |start| start.to_string()),
    )
}

/// Spans of the input that a table's rows stand for, by file.
fn spans(pieces: impl Iterator<Item = (String, i64, i64)>) -> BTreeMap<String, Vec<(usize, usize)>> {
    let mut spans: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for (source, offset, length) in pieces {
        let start = usize::try_from(offset).expect("an offset");
        spans.entry(source).or_default().push((start, start + usize::try_from(length).expect("a length")));
    }
    for of_file in spans.values_mut() {
        of_file.sort_unstable();
    }
    spans
}

fn touches(spans: &BTreeMap<String, Vec<(usize, usize)>>, line: &Line) -> bool {
    // Google's file ends in the middle of an entry; its lines are parts of entries and have no rows of their own.
    let overlaps =
        |(start, end): &(usize, usize)| *start < line.end.max(line.start + 1) && (*end).max(start + 1) > line.start;
    spans.get(&line.log).is_some_and(|of_file| of_file.iter().any(overlaps))
}

#[test]
fn every_damaged_line_ends_as_a_record_or_a_reject() {
    let rejects = spans(rows::<Reject>(store(), RUN).into_iter().map(|r| (r.source.to_string(), r.offset, r.length)));
    let events = spans(rows::<Event>(store(), RUN).into_iter().map(|e| (e.source.to_string(), e.offset, 1)));
    let platform = spans(rows::<PlatformRecord>(store(), RUN).into_iter().map(|p| (p.source.to_string(), p.offset, 1)));
    let damaged = || LINES.iter().filter(|line| !line.intact && !line.log.starts_with("google"));
    let lost: Vec<String> = damaged()
        .filter(|line| !touches(&rejects, line) && !touches(&events, line) && !touches(&platform, line))
        .map(|line| format!("{} at {}: {}", line.log, line.start, String::from_utf8_lossy(&line.content)))
        .collect();
    assert!(lost.is_empty(), "{} damaged lines left no trace, first: {}", lost.len(), lost[0]);
}

#[test]
fn every_damaged_record_that_no_longer_parses_is_listed() {
    let rejects = spans(rows::<Reject>(store(), RUN).into_iter().map(|r| (r.source.to_string(), r.offset, r.length)));
    let events: Vec<Event> = rows(store(), RUN);
    let truth: HashSet<String> = WEBSERVICE_1.rows::<Event>().iter().map(identity).collect();
    // The damage may lie in what is around a record: then it is there as it was.
    let unharmed = events.into_iter().filter(|event| truth.contains(&identity(event)));
    let unharmed = spans(unharmed.map(|event| (event.source.to_string(), event.offset, 1)));
    let marked = |line: &&Line| line.content.windows(6).any(|window| window == b"BEFAAS");
    let unreadable =
        |line: &&Line| !line.log.starts_with("google") && logs::payloads(&line.log, &line.content).is_empty();
    let damaged: Vec<&Line> = LINES.iter().filter(|line| !line.intact).filter(marked).filter(unreadable).collect();
    assert!(damaged.len() > 200, "{} unreadable lines", damaged.len());
    let unlisted: Vec<String> = damaged
        .iter()
        .filter(|line| !touches(&rejects, line) && !touches(&unharmed, line))
        .map(|line| format!("{} at {}: {}", line.log, line.start, String::from_utf8_lossy(&line.content)))
        .collect();
    assert!(unlisted.is_empty(), "{} of {} unlisted, first: {}", unlisted.len(), damaged.len(), unlisted[0]);
}

#[test]
fn the_cut_array_of_google_is_named() {
    let manifest = manifest(store(), RUN);
    let google = manifest.sources.iter().find(|source| source.name.starts_with("google")).expect("google.log");
    assert!(google.cut_short.is_some() || google.rejects() > 0, "{google:?}");
}

#[test]
fn the_corruptions_are_as_many_as_the_list_says() {
    // Guards the tests above: the lines that differ are the listed ones and the tails of the interleaved.
    let list = logs::read(&folder().join("corruptions.jsonl.zst"));
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for line in list.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let entry: serde_json::Value = serde_json::from_slice(line).expect("a line of JSON");
        let interleaved = usize::from(entry["kind"] == "interleaved");
        let log = entry["file"].as_str().expect("a file");
        *expected.entry(log.to_owned()).or_default() += 1 + interleaved;
    }
    for (log, n) in expected.iter().filter(|(log, _)| !log.starts_with("google")) {
        let found = LINES.iter().filter(|line| !line.intact && line.log.starts_with(log.as_str())).count();
        assert!((*n..=n + 2).contains(&found), "{log}: {found} lines differ, {n} listed");
    }
}

#[test]
fn a_corrupt_run_can_be_analysed() {
    let outcome = analyze(store(), &[]);
    assert!(matches!(outcome.code, Some(0 | 1)), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    assert!(rows::<Executor>(store(), RUN).len() > 20);
}
