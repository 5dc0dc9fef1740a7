//! Responses, throughput and chains of recorded load-generator files; see `tests/data/README.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use faaslens_analyze::results::{RequestTally, RowsTaken, RunResults, responses};
use faaslens_schemas::tables::{ClientRequest, Response};
use faaslens_schemas::time::Timestamp;

use crate::fixture::{Fixture, assert_near};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jmeter")
}

/// Rows of a CSV file without quotes, by column name.
#[expect(clippy::disallowed_methods, reason = "the test reads its recorded input")]
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).expect("a readable file");
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let header: Vec<String> = lines.next().expect("a header").collect();
    lines.map(|fields| header.iter().cloned().zip(fields).collect()).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> Option<f64> {
    row[column].parse().ok()
}

/// Labels of a file name `<test>_<parameter>_<nodes><pm|vm>.<size>.<network>_<campaign>.csv`.
fn labels(file: &str) -> BTreeMap<String, String> {
    let mut parts = file.strip_suffix(".csv").expect("a CSV file").rsplitn(4, '_');
    let _campaign = parts.next();
    let place: Vec<&str> = parts.next().expect("a place").splitn(3, '.').collect();
    let parameter = parts.next().expect("a parameter");
    let test = parts.next().expect("a test");
    let (nodes, device) = place[0].split_at(1);
    let hardware = format!("{device}.{}", place[1]);
    let pairs = [("test", test), ("parameter", parameter), ("nodes", nodes), ("hardware", &hardware)];
    pairs.into_iter().chain([("network", place[2])]).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

fn request(row: &BTreeMap<String, String>) -> ClientRequest {
    let transaction = row["label"] == "Transaction Controller";
    ClientRequest {
        generator: "jmeter".into(),
        label: Some(row["label"].as_str().into()),
        sent_at: Timestamp::from_millis(row["timeStamp"].parse().expect("a time stamp")),
        elapsed_ms: number(row, "elapsed"),
        idle_ms: number(row, "IdleTime"),
        success: Some(row["success"] == "true"),
        threads: row["allThreads"].parse().ok(),
        kind: if transaction { "transaction" } else { "request" }.into(),
        ..ClientRequest::default()
    }
}

fn tally(file: &str) -> RequestTally {
    let mut tally = RequestTally::new(&labels(file));
    for row in table(&folder().join(file)) {
        tally.add(&request(&row));
    }
    tally
}

fn results(file: &str) -> RunResults {
    let mut fixture = Fixture::new();
    fixture.requests = tally(file);
    fixture.summarise()
}

fn assert_response(row: &Response, expected: &BTreeMap<String, String>, rows: &str) {
    // 59 values carry a 95th percentile.
    let p95 = (row.n >= 59).then_some((row.p95_ms, "p95"));
    assert_eq!(row.p95_ms.is_some(), p95.is_some());
    let inner = [(row.median_ms, "median"), (row.q1_ms, "q1"), (row.q3_ms, "q3"), (row.iqr_ms, "iqr")];
    for (found, column) in inner.into_iter().chain(p95) {
        let expected = number(expected, &format!("{column}_{rows}"));
        let near = found.zip(expected).is_some_and(|(found, expected)| (found - expected).abs() <= 1e-6);
        assert!(near, "{column} of {row:?}: expected {expected:?}");
    }
    assert_near(row.errors as f64, number(expected, "errors"));
    assert_near(row.n as f64, number(expected, if rows == "ok" { "n_ok" } else { "n" }));
}

#[test]
fn responses_of_single_files_equal_those_of_pandas() {
    let expected = table(&folder().join("expected_per_file.csv"));
    assert_eq!(expected.len(), 4);
    for line in &expected {
        let run = tally(&line["file"]);
        for (taken, rows) in [(RowsTaken::Successes, "ok"), (RowsTaken::All, "all")] {
            let found = responses(&[&run], taken);
            assert_eq!(found.len(), 1);
            assert_response(&found[0], line, rows);
        }
    }
}

#[test]
fn responses_pooled_over_repetitions_equal_those_of_pandas() {
    let expected = table(&folder().join("expected_pooled.csv"));
    let files: Vec<String> = table(&folder().join("expected_per_file.csv")).iter().map(|l| l["file"].clone()).collect();
    let runs: Vec<RequestTally> = files.iter().map(|file| tally(file)).collect();
    let found = responses(&runs.iter().collect::<Vec<_>>(), RowsTaken::Successes);
    assert_eq!(found.len(), expected.len());
    for (row, line) in found.iter().zip(&expected) {
        assert_eq!(row.test.as_deref(), Some(line["test"].as_str()));
        assert_response(row, line, "ok");
        assert_near(row.runs as f64, number(line, "repetitions"));
        assert_near(row.median_of_medians_ms, number(line, "median_of_rep_medians_ok"));
        assert_near(row.least_median_ms, number(line, "min_rep_median_ok"));
        assert_near(row.greatest_median_ms, number(line, "max_rep_median_ok"));
    }
}

#[test]
fn throughput_equals_that_of_pandas_and_leaves_transactions_out() {
    for line in table(&folder().join("expected_pandas.csv")) {
        let found = results(&line["file"]).throughput;
        assert_eq!(found.len(), 1);
        assert_near(found[0].ok_per_s.map(|rate| (rate * 1e9).round() / 1e9), number(&line, "ok_per_s"));
        assert_near(found[0].span_s, number(&line, "span_s"));
        assert_near(found[0].threads.map(|threads| threads as f64), number(&line, "threads"));
        assert_near(found[0].n as f64, number(&line, "n"));
        assert_near(found[0].errors as f64, number(&line, "errors"));
    }
}

#[test]
fn failed_requests_change_a_median_only_when_all_rows_are_asked_for() {
    for line in table(&folder().join("expected_pandas.csv")) {
        let run = tally(&line["file"]);
        for (taken, column) in [(RowsTaken::Successes, "median_ok"), (RowsTaken::All, "median_all")] {
            let rows = responses(&[&run], taken);
            let request = rows.iter().find(|row| row.label.as_deref() == Some("HTTP Request")).expect("its row");
            assert_near(request.median_ms, number(&line, column));
            assert_eq!(&*request.rows, taken.as_str());
        }
    }
}

#[test]
fn transactions_are_a_label_of_their_own() {
    let found = responses(&[&tally("chains_client_5_3vm.large.lcl_1122-0740.csv")], RowsTaken::Successes);
    let rows: Vec<_> = found.iter().map(|row| (row.label.as_deref(), row.n)).collect();
    assert_eq!(rows, [(Some("HTTP Request"), 300), (Some("Transaction Controller"), 60)]);
}

#[test]
fn a_transaction_named_as_a_request_is_not_mixed_with_it() {
    let mut run = RequestTally::new(&BTreeMap::new());
    for (kind, elapsed) in [("transaction", 100.0), ("request", 10.0), ("request", 20.0)] {
        let label = Some("same".into());
        run.add(&ClientRequest { label, elapsed_ms: Some(elapsed), kind: kind.into(), ..ClientRequest::default() });
    }
    let found = responses(&[&run], RowsTaken::Successes);
    assert_eq!(found.iter().map(|row| row.median_ms).collect::<Vec<_>>(), [Some(15.0), Some(100.0)]);
}

#[test]
fn chains_are_the_transactions_of_a_client_and_the_requests_of_a_server() {
    for line in table(&folder().join("expected_pandas.csv")) {
        let chains = results(&line["file"]).chains;
        assert_near(chains.len() as f64, number(&line, "chains"));
        let mut elapsed: Vec<f64> = chains.iter().map(|row| row.elapsed_ms).collect();
        elapsed.sort_by(f64::total_cmp);
        if !elapsed.is_empty() {
            // n is even in all of these files
            assert_near(
                f64::midpoint(elapsed[elapsed.len() / 2], elapsed[elapsed.len() / 2 - 1]),
                number(&line, "chain_median"),
            );
        }
        let side = if line["file"].contains("server") { "server" } else { "client" };
        assert!(chains.iter().all(|row| &*row.chaining == side));
        assert!(chains.is_sorted_by_key(|row| row.start));
    }
}

#[test]
fn without_success_column_a_row_without_response_time_has_failed() {
    let mut fixture = Fixture::new();
    for elapsed_ms in [Some(5.0), None, Some(7.0)] {
        fixture.requests.add(&ClientRequest { elapsed_ms, kind: "request".into(), ..ClientRequest::default() });
    }
    let row = &fixture.summarise().throughput[0];
    assert_eq!((row.n, row.errors), (3, 1));
    let response = &responses(&[&fixture.requests], RowsTaken::All)[0];
    assert_eq!((response.n, response.errors, response.median_ms), (2, 1, Some(6.0)));
}

#[test]
fn requests_nested_in_a_request_are_not_counted_again() {
    let mut fixture = Fixture::new();
    for (label, parent) in [("page", Some("flow")), ("page-0", Some("page")), ("page-1", Some("page"))] {
        fixture.requests.add(&ClientRequest {
            label: Some(label.into()),
            parent_label: parent.map(Into::into),
            elapsed_ms: Some(1000.0),
            kind: "request".into(),
            ..ClientRequest::default()
        });
    }
    let row = &fixture.summarise().throughput[0];
    assert_eq!((row.n, row.ok_per_s), (1, Some(1.0)));
}
