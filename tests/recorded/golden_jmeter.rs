//! All 185 JMeter result files: rows, failures, medians, throughput and chains, against numbers computed with Python.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use faaslens_schemas::manifest::{Manifest, State};
use faaslens_schemas::store::Store;
use faaslens_schemas::tables::{Response, Throughput, TransactionTime};

use crate::binary::{analyze, faaslens};
use crate::golden::{Csv, assert_close};
use crate::logs;
use crate::recorded::{project, session};

/// The expected numbers are printed with nine decimals.
const PRINTED: f64 = 1e-6;

/// The result files, unpacked into `<campaign>/<file>`.
static FILES: LazyLock<PathBuf> = LazyLock::new(|| {
    let bundle = logs::read(&project("tests/data/jmeter/results.bundle.zst"));
    let folder = session().join("jmeter-files");
    let mut rest = bundle.as_slice();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').expect("a header line");
        let header = std::str::from_utf8(&rest[..end]).expect("a header of text");
        let fields: Vec<&str> = header.split(' ').collect();
        let ["#file", name, length] = fields[..] else { panic!("header {header:?}") };
        let (content, after) = rest[end + 1..].split_at(length.parse().expect("a length"));
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(path, content).expect("the file can be written");
        rest = after;
    }
    folder
});

/// The store of all files, analysed.
static STORE: LazyLock<PathBuf> = LazyLock::new(|| {
    let store = session().join("jmeter-store");
    faaslens(&[&"collect", &"jmeter", &*FILES, &"--store", &store]).exits(0);
    analyze(&store, &[]).exits(0);
    store
});

fn store() -> Store {
    Store::open(&*STORE).expect("the store opens")
}

fn manifests() -> Vec<Manifest> {
    store().manifests().expect("the manifests can be read")
}

#[test]
fn all_result_files_become_runs_with_every_row() {
    let manifests = manifests();
    assert_eq!(manifests.len(), 185);
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for row in Csv::read("jmeter/per_file").rows() {
        let stem = row.text("file").trim_end_matches(".csv").to_owned();
        *expected.entry(stem).or_default() += row.text("n").parse::<u64>().expect("a count");
    }
    for manifest in &manifests {
        assert_eq!(manifest.state, State::Complete);
        assert_eq!(manifest.rejects(), 0, "{:?}", manifest.sources);
        assert_eq!(manifest.sources[0].records, expected[&manifest.run], "{}", manifest.run);
    }
    assert_eq!(expected.values().sum::<u64>(), 63_861);
}

#[test]
fn labels_come_from_the_names_of_the_files() {
    let labels: BTreeMap<String, BTreeMap<String, String>> =
        manifests().into_iter().map(|m| (m.run, m.labels)).collect();
    for row in Csv::read("jmeter/per_file").rows() {
        let found = &labels[row.text("file").trim_end_matches(".csv")];
        let label = |name: &str| found.get(name).map(String::as_str);
        assert_eq!(label("test"), Some(row.text("test")));
        assert_eq!(label("parameter"), Some(row.text("parameter")).filter(|name| *name != "null"));
        assert_eq!(label("nodes"), Some(row.text("nodes")));
        assert_eq!(label("hardware"), Some(row.text("hardware")));
        assert_eq!(label("network"), Some(row.text("network")));
        assert_eq!(label("campaign"), Some(row.text("campaign")));
    }
}

/// Key of a row of `responses` in the spelling of the expected file.
fn key(response: &Response) -> [String; 6] {
    let text = |label: Option<&str>| label.unwrap_or("null").to_owned();
    [
        text(response.test.as_deref()),
        text(response.parameter.as_deref()),
        response.nodes.map_or("null".to_owned(), |nodes| nodes.to_string()),
        text(response.hardware.as_deref()),
        text(response.network.as_deref()),
        text(response.label.as_deref()),
    ]
}

fn assert_responses(rows: &str, suffix: &str) {
    let responses: Vec<Response> = store().pooled_rows().expect("the table can be read");
    let of_rows: Vec<&Response> = responses.iter().filter(|response| &*response.rows == rows).collect();
    let golden = Csv::read("jmeter/pooled");
    let expected: BTreeMap<[String; 6], _> = golden
        .rows()
        .map(|row| {
            (["test", "parameter", "nodes", "hardware", "network", "label"].map(|name| row.text(name).to_owned()), row)
        })
        .collect();
    assert_eq!(of_rows.len(), expected.len());
    for response in of_rows {
        let row = expected[&key(response)];
        let number = |column: &str| row.optional(&format!("{column}_{suffix}"));
        let failed = if suffix == "ok" { row.number("errors") } else { 0.0 };
        assert_eq!(response.runs.to_string(), row.text("runs"), "{response:?}");
        assert_eq!(response.errors.to_string(), row.text("errors"), "{response:?}");
        assert_close(Some(response.n as f64), Some(row.number("n") - failed), 0.0, response);
        assert_close(response.median_ms, number("median"), PRINTED, response);
        assert_close(response.q1_ms, number("q1"), PRINTED, response);
        assert_close(response.q3_ms, number("q3"), PRINTED, response);
        assert_close(response.iqr_ms, number("q3").zip(number("q1")).map(|(q3, q1)| q3 - q1), PRINTED, response);
        let p95 = number("p95").filter(|_| response.n >= 59);
        assert_close(response.p95_ms, p95, PRINTED, response);
        assert_eq!(response.interval.is_some(), response.median_low_ms.is_some() && response.median_high_ms.is_some());
        if suffix == "ok" {
            assert_close(response.median_of_medians_ms, row.optional("median_of_medians"), PRINTED, response);
            assert_close(response.least_median_ms, row.optional("least_median"), PRINTED, response);
            assert_close(response.greatest_median_ms, row.optional("greatest_median"), PRINTED, response);
        }
    }
}

#[test]
fn medians_and_quartiles_of_successes_are_those_of_python() {
    assert_responses("successes", "ok");
    let responses: Vec<Response> = store().pooled_rows().expect("the table can be read");
    assert_eq!(responses.iter().map(|response| response.errors).sum::<i64>(), 6_909);
}

#[test]
fn throughput_is_successes_by_the_span_from_first_start_to_last_end() {
    let expected = Csv::read("jmeter/per_file");
    let of_scalability = || expected.rows().filter(|row| row.text("test").starts_with("scalability"));
    assert_eq!(of_scalability().count(), 55);
    let store = store();
    for row in of_scalability() {
        let manifest = store.manifest(row.text("file").trim_end_matches(".csv")).expect("the run is there");
        let found: Vec<Throughput> = store.rows(&manifest, None).expect("the table can be read");
        let [throughput] = &found[..] else { panic!("{}: {} rows", manifest.run, found.len()) };
        assert_eq!(throughput.n.to_string(), row.text("n"), "{throughput:?}");
        assert_eq!(throughput.errors.to_string(), row.text("errors"), "{throughput:?}");
        assert_close(throughput.span_s, row.optional("span_s"), PRINTED, throughput);
        assert_close(throughput.ok_per_s, row.optional("ok_per_s"), PRINTED, throughput);
    }
}

#[test]
fn a_chain_driven_by_the_client_is_its_transactions_and_one_driven_by_the_functions_its_request() {
    let store = store();
    let expected = Csv::read("jmeter/per_file");
    let mut seen = 0;
    for row in expected.rows().filter(|row| row.text("test").starts_with("chains_")) {
        let by_client = row.text("test") == "chains_client";
        if by_client != (row.text("label") == "Transaction Controller") {
            continue;
        }
        let manifest = store.manifest(row.text("file").trim_end_matches(".csv")).expect("the run is there");
        let mut chains: Vec<TransactionTime> = store.rows(&manifest, None).expect("the table can be read");
        assert!(
            chains.iter().all(|chain| &*chain.chaining == if by_client { "client" } else { "server" }),
            "{}",
            manifest.run
        );
        assert_eq!(chains.len().to_string(), row.text("n"), "{}", manifest.run);
        chains.sort_by(|a, b| a.elapsed_ms.total_cmp(&b.elapsed_ms));
        let (least, greatest) = (chains.first().map(|c| c.elapsed_ms), chains.last().map(|c| c.elapsed_ms));
        assert_close(least, row.optional("min_ok"), PRINTED, &manifest.run);
        assert_close(greatest, row.optional("max_ok"), PRINTED, &manifest.run);
        let mean = chains.iter().map(|c| c.elapsed_ms).sum::<f64>() / chains.len() as f64;
        assert_close(Some(mean), row.optional("mean_ok"), PRINTED, &manifest.run);
        seen += 1;
    }
    assert_eq!(seen, 40);
}

#[test]
fn all_rows_give_the_medians_over_failures_too() {
    // A store of its own: the pooled table holds the last analysis.
    let all = session().join("jmeter-all-rows");
    let failing = FILES.join("1122-0740/scalability_30_100_3pm.metal.typ_1122-0740.csv");
    faaslens(&[&"collect", &"jmeter", &failing, &"--store", &all]).exits(0);
    analyze(&all, &["--all-rows"]).exits(0);
    let responses: Vec<Response> =
        Store::open(&all).expect("the store opens").pooled_rows().expect("the table can be read");
    let response = responses.iter().find(|response| &*response.rows == "all").expect("a row over all rows");
    let expected = Csv::read("jmeter/per_file");
    let name = failing.file_name().expect("a name").to_string_lossy().into_owned();
    let row = expected.rows().find(|row| row.text("file") == name).expect("the file");
    assert_eq!(response.n.to_string(), row.text("n"));
    assert_close(response.median_ms, row.optional("median_all"), PRINTED, response);
    assert_close(response.p95_ms, row.optional("p95_all"), PRINTED, response);
}
