//! Result files of JMeter and reports of Artillery, through the store.
//!
//! Expected figures were computed with Python's `csv` and `re` modules from the files in `tests/data/jmeter`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use faaslens_collect::sources::{Collected, artillery_report, jmeter};
use faaslens_collect::{Error, Options, Result};
use faaslens_schemas::store::Store;
use faaslens_schemas::tables::{ClientRequest, PlatformRecord, Reject};
use faaslens_schemas::time::Timestamp;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jmeter").join(name)
}

struct Bench {
    folder: tempfile::TempDir,
    options: Options,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::create(folder.path().join("store")).expect("store");
        let (run, labels) = (None, BTreeMap::new());
        let options =
            Options { store, run, labels, keep_headers: false, append: false, parts: None, loads: Vec::new() };
        Self { folder, options }
    }

    fn input(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("write the input");
        path
    }

    fn collect_all(&self, files: &[PathBuf]) -> Vec<(PathBuf, Result<Collected>)> {
        jmeter::collect(&self.options, files, &()).expect("sound options")
    }

    fn collect(&self, file: &Path) -> Result<Collected> {
        let mut results = self.collect_all(&[file.to_owned()]);
        assert_eq!(results.len(), 1);
        results.remove(0).1
    }

    fn rows(&self, collected: &Collected) -> Vec<ClientRequest> {
        self.options.store.rows(&collected.manifest, None).expect("readable rows")
    }

    fn rejects(&self, collected: &Collected) -> Vec<Reject> {
        self.options.store.rows(&collected.manifest, None).expect("readable rejects")
    }
}

fn total_ms(rows: &[ClientRequest]) -> f64 {
    rows.iter().filter_map(|row| row.elapsed_ms).sum()
}

fn failures(rows: &[ClientRequest]) -> usize {
    rows.iter().filter(|row| row.success == Some(false)).count()
}

#[test]
fn result_files_give_every_row_and_the_run_its_labels_and_window() {
    let bench = Bench::new();
    let results = bench.collect_all(&[sample("results")]);
    let expected = [
        ("chains_client_5_3vm.large.lcl_1122-0740", 360, 0, 1650.0, 1_795_333_303_098, 1_795_333_307_200, 60),
        ("chains_server_5_3pm.metal.lcl_1122-0740", 120, 0, 4638.0, 0, 1_795_333_318_675, 60),
        ("overhead_null_1vm.large.typ_1122-0732", 100, 0, 2110.0, 1_795_332_777_262, 1_795_332_781_465, 0),
        ("overhead_null_1vm.large.typ_1122-0739", 100, 0, 2074.0, 1_795_333_202_076, 1_795_333_206_241, 0),
        ("payload_1KB_1pm.metal.bad_1122-0732", 60, 0, 1751.0, 1_795_332_953_615, 1_795_332_956_609, 0),
        ("scalability_30_20_3vm.small.lcl_1122-0740", 176, 18, 123_510.0, 1_795_333_997_781, 1_795_334_007_341, 0),
        ("scalability_30_60_3pm.metal.lcl_1122-0740", 396, 111, 400_860.0, 1_795_333_808_949, 1_795_333_818_544, 0),
    ];
    assert_eq!(results.len(), expected.len());
    for ((path, result), (run, n, failed, ms, from, to, transactions)) in results.iter().zip(expected) {
        let collected = result.as_ref().expect("collected");
        assert_eq!((collected.manifest.run.as_str(), collected.hint.as_deref()), (run, None), "{}", path.display());
        let rows = bench.rows(collected);
        assert_eq!((rows.len(), failures(&rows)), (n, failed), "{run}");
        assert!((total_ms(&rows) - ms).abs() < 1e-9, "{run}");
        assert_eq!(rows.iter().filter(|row| &*row.kind == "transaction").count(), transactions, "{run}");
        let window = collected.manifest.window.as_ref().expect("a window");
        let sent = rows.iter().map(|row| row.sent_at).min().expect("rows");
        assert_eq!(window.from, sent.to_string(), "{run}");
        if from > 0 && transactions == 0 {
            assert_eq!(window.from, Timestamp::from_millis(from).to_string(), "{run}");
        }
        assert_eq!(window.to, Timestamp::from_millis(to).to_string(), "{run}");
        assert!(!collected.manifest.lossy(), "{run}");
    }
    let labels = &results[5].1.as_ref().expect("collected").manifest.labels;
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        pairs.join(" "),
        "campaign=1122-0740 generator=jmeter hardware=vm.small network=lcl nodes=3 parameter=20 test=scalability_30"
    );
}

#[test]
fn every_column_of_a_row_has_its_place() {
    let bench = Bench::new();
    let collected = bench.collect(&sample("malformed/extra-columns.csv")).expect("collected");
    let rows = bench.rows(&collected);
    let expected = ClientRequest {
        generator: "jmeter".into(),
        label: Some("HTTP Request".into()),
        scheduled_at: None,
        sent_at: Timestamp::from_millis(1_795_334_154_179),
        elapsed_ms: Some(28.0),
        latency_ms: Some(25.0),
        connect_ms: Some(18.0),
        idle_ms: Some(0.0),
        status: Some("200".into()),
        success: Some(true),
        bytes_received: Some(150),
        bytes_sent: Some(133),
        method: None,
        url: Some("http://127.0.0.1:30080/function/hello-world".to_owned()),
        thread: Some("Thread Group 1-1".into()),
        threads: Some(1),
        group_threads: Some(1),
        context_id: None,
        pair_id: None,
        error: None,
        kind: "request".into(),
        parent_label: None,
        variables: Some(
            r#"{"ErrorCount":"0","Hostname":"vm","SampleCount":"1","myvar":null,"second":null}"#.to_owned(),
        ),
        source: "extra-columns.csv".into(),
        offset: 212,
        ..ClientRequest::default()
    };
    assert_eq!(rows[0], expected);
}

#[test]
fn other_layouts_are_read_whole() {
    let bench = Bench::new();
    for (name, n, ms) in [
        ("append-two-runs.csv", 24, 98.0),
        ("assertion-newline.csv", 12, 42.0),
        ("bom-crlf.csv", 10, 67.0),
        ("chain-parent.csv", 24, 128.0),
        ("extra-columns.csv", 12, 58.0),
        ("fewer-columns.csv", 12, 50.0),
        ("jmeter-2.13-5xcolumns.csv", 60, 1024.0),
        ("jmeter-2.13-default.jtl", 60, 1025.0),
        ("jmeter-2.13.xml", 60, 984.0),
        ("label-quotes-newline-utf8.csv", 12, 55.0),
        ("no-header.csv", 12, 76.0),
        ("refused-only.csv", 12, 24.0),
        ("semicolon.csv", 12, 72.0),
        ("tab.csv", 12, 62.0),
        ("timestamp-text.csv", 12, 49.0),
        ("xml-chain-parent.jtl", 16, 96.0),
        ("xml.jtl", 12, 50.0),
    ] {
        let collected = bench.collect(&sample("malformed").join(name)).expect("collected");
        let rows = bench.rows(&collected);
        assert_eq!(rows.len(), n, "{name}");
        assert!((total_ms(&rows) - ms).abs() < 1e-9, "{name}: {}", total_ms(&rows));
        assert_eq!(bench.rejects(&collected), vec![], "{name}");
        assert!(!collected.manifest.lossy(), "{name}");
        let source = &collected.manifest.sources[0];
        let size = fs::metadata(sample("malformed").join(name)).expect("the sample").len();
        assert_eq!((source.bytes, source.records), (size, n as u64), "{name}");
    }
}

#[test]
fn damaged_files_are_read_as_far_as_they_go_and_each_loss_is_named() {
    let bench = Bench::new();
    for (name, n, losses) in [
        ("killed-mid-write.csv", 193, vec![("truncated row", 195, "expected 17 fields, found 6")]),
        ("truncated-last-line.csv", 9, vec![("truncated row", 11, "expected 17 fields, found 7")]),
        (
            "truncated-in-quotes.csv",
            2,
            vec![("truncated row", 8, "expected 17 fields, found 9, one with a broken quote")],
        ),
        (
            "bad-numbers.csv",
            2,
            vec![
                ("bad value", 3, "elapsed: expected a whole number that is not negative, found \"4x\""),
                ("bad value", 4, "elapsed: expected a whole number that is not negative, found \"-5\""),
                ("bad value", 5, "success: expected true or false, found \"maybe\""),
            ],
        ),
    ] {
        let collected = bench.collect(&sample("malformed").join(name)).expect("collected");
        assert_eq!(bench.rows(&collected).len(), n, "{name}");
        let rejects = bench.rejects(&collected);
        let found: Vec<_> = rejects.iter().map(|r| (&*r.reason, r.line.expect("a line"), r.detail.as_str())).collect();
        assert_eq!(found, losses, "{name}");
        assert!(collected.manifest.lossy(), "{name}");
    }
}

#[test]
fn a_file_without_rows_is_a_run_without_rows_and_says_so() {
    let bench = Bench::new();
    for (name, hint) in
        [("empty.csv", "no rows: the file is empty"), ("header-only.csv", "no rows: the file has a header")]
    {
        let collected = bench.collect(&sample("malformed").join(name)).expect("collected");
        assert_eq!(bench.rows(&collected), vec![], "{name}");
        assert!(collected.hint.expect("a hint").contains(hint), "{name}");
        assert_eq!(collected.manifest.window, None, "{name}");
    }
}

#[test]
fn a_quoted_label_keeps_its_quotes_line_ends_and_letters() {
    let bench = Bench::new();
    let collected = bench.collect(&sample("malformed/label-quotes-newline-utf8.csv")).expect("collected");
    let rows = bench.rows(&collected);
    assert!(rows.iter().all(|row| row.label == Some("GET hello, \"world\" é;\nsecond line".into())));
}

#[test]
fn a_failed_row_says_why_and_a_successful_one_does_not() {
    let bench = Bench::new();
    let error_of = |name: &str| {
        let collected = bench.collect(&sample("malformed").join(name)).expect("collected");
        let row = bench.rows(&collected).remove(0);
        (row.status.map(|status| status.to_string()), row.error, row.latency_ms)
    };
    let (status, error, _) = error_of("assertion-newline.csv");
    assert_eq!(status.as_deref(), Some("200"));
    assert_eq!(error.as_deref(), Some("expected \"Goodbye\",\ngot something else;\n  see log"));
    let (status, error, latency_ms) = error_of("refused-only.csv");
    assert_eq!(status.as_deref(), Some("Non HTTP response code: org.apache.http.conn.HttpHostConnectException"));
    assert_eq!(
        error.as_deref(),
        Some("Non HTTP response message: Connect to 127.0.0.1:29999 [/127.0.0.1] failed: Connection refused")
    );
    assert_eq!(latency_ms, Some(0.0));
    assert_eq!(error_of("xml.jtl").1, None);
}

#[test]
fn time_stamps_as_text_are_taken_as_utc_and_the_user_is_told() {
    let bench = Bench::new();
    let collected = bench.collect(&sample("malformed/timestamp-text.csv")).expect("collected");
    // date -u -d '2026-11-22 07:56:02.677' +%s%3N
    assert_eq!(bench.rows(&collected)[0].sent_at, Timestamp::from_millis(1_795_334_162_677));
    assert!(collected.hint.expect("a hint").contains("taken as UTC"));
}

#[test]
fn nested_samples_name_their_transaction() {
    let bench = Bench::new();
    let collected = bench.collect(&sample("malformed/xml-chain-parent.jtl")).expect("collected");
    let rows = bench.rows(&collected);
    let (transactions, requests): (Vec<_>, Vec<_>) = rows.iter().partition(|row| &*row.kind == "transaction");
    assert_eq!((transactions.len(), requests.len()), (4, 12));
    assert!(requests.iter().all(|row| row.parent_label == Some("Transaction Controller".into()) && row.url.is_some()));
    assert!(transactions.iter().all(|row| row.parent_label.is_none() && row.url.is_none()));
    assert_eq!((transactions[0].elapsed_ms, transactions[0].idle_ms), (Some(30.0), Some(76.0)));
    let csv = bench.collect(&sample("malformed/chain-parent.csv")).expect("collected");
    let transactions = bench.rows(&csv).iter().filter(|row| &*row.kind == "transaction").count();
    assert_eq!(transactions, 6);
}

#[test]
fn names_that_break_the_convention_give_a_hint_unless_the_user_labels_the_run() {
    let mut bench = Bench::new();
    let results = bench.collect_all(&[sample("names")]);
    assert_eq!(results.len(), 9);
    for (path, result) in &results {
        let collected = result.as_ref().expect("collected");
        assert_eq!(bench.rows(collected).len(), 5, "{}", path.display());
        let follows = collected.manifest.run.starts_with("my_new_test");
        assert_eq!(collected.hint.is_none(), follows, "{}: {:?}", path.display(), collected.hint);
    }
    bench.options.labels =
        BTreeMap::from([("test".to_owned(), "mine".to_owned()), ("generator".to_owned(), "jmeter 2".to_owned())]);
    let collected = bench.collect(&sample("names/overhead_null_1pm.lcl_1122-0732.csv")).expect("collected");
    assert_eq!(collected.hint, None);
    let labels = collected.manifest.labels;
    assert_eq!((labels["test"].as_str(), labels["generator"].as_str()), ("mine", "jmeter 2"));
    assert_eq!(labels["network"], "lcl");
}

#[test]
fn collecting_again_replaces_and_appending_again_adds_nothing() {
    let mut bench = Bench::new();
    let file = sample("malformed/bad-numbers.csv");
    let first = bench.collect(&file).expect("collected").manifest;
    assert_eq!(bench.collect(&file).expect("collected").manifest, first);
    bench.options.append = true;
    assert_eq!(bench.collect(&file).expect("collected").manifest, first);
}

#[test]
fn appending_a_file_that_has_grown_adds_only_its_new_rows() {
    let mut bench = Bench::new();
    let whole = fs::read(sample("malformed/append-two-runs.csv")).expect("the sample");
    // The header and the first two rows; the third is cut.
    let grown = bench.input("grown.csv", &whole[..500]);
    let before = bench.collect(&grown).expect("collected");
    assert_eq!((bench.rows(&before).len(), bench.rejects(&before).len()), (2, 1));
    bench.options.append = true;
    fs::write(&grown, &whole).expect("write the input");
    let after = bench.collect(&grown).expect("collected");
    assert_eq!((bench.rows(&after).len(), bench.rejects(&after).len()), (24, 0));
    let source = &after.manifest.sources[0];
    assert_eq!((source.records, source.duplicates, source.rejects()), (24, 0, 0));
}

#[test]
fn appending_another_file_counts_what_the_run_has_already() {
    let mut bench = Bench::new();
    let whole = fs::read_to_string(sample("malformed/tab.csv")).expect("the sample");
    let lines: Vec<&str> = whole.lines().collect();
    bench.options.run = Some("both".to_owned());
    bench.options.append = true;
    bench.collect(&bench.input("a.csv", lines[..6].join("\n").as_bytes())).expect("collected");
    let second = [&lines[..1], &lines[4..]].concat().join("\n");
    let both = bench.collect(&bench.input("b.csv", second.as_bytes())).expect("collected");
    assert_eq!(bench.rows(&both).len(), 12);
    let counts: Vec<_> = both.manifest.sources.iter().map(|s| (s.name.as_str(), s.records, s.duplicates)).collect();
    assert_eq!(counts, [("a.csv", 5, 0), ("b.csv", 7, 2)]);
}

#[test]
fn identical_rows_of_one_file_are_all_kept() {
    let bench = Bench::new();
    let row = "1795334168241,30,a,200\n";
    let file = bench.input("twins.csv", format!("timeStamp,elapsed,label,responseCode\n{row}{row}").as_bytes());
    assert_eq!(bench.rows(&bench.collect(&file).expect("collected")).len(), 2);
}

#[test]
fn one_bad_file_stops_no_other_and_each_failure_names_its_file() {
    let bench = Bench::new();
    let good = bench.input("good.csv", b"timeStamp,elapsed\n1795334168241,30\n");
    let binary = bench.input("binary.csv", &[0x7f, b'E', b'L', b'F', 0, 1, 2, 3]);
    let prose = bench.input("prose.csv", b"Dear reader,\nthis is a letter.\n");
    let page = bench.input("page.xml", b"<html><body/></html>");
    let json = bench.input("report.jtl", b"{\"aggregate\": {}}");
    let missing = bench.folder.path().join("missing.csv");
    let results = bench.collect_all(&[good.clone(), binary, prose, page, json, missing]);
    let failures: Vec<String> =
        results.iter().filter_map(|(_, result)| result.as_ref().err().map(ToString::to_string)).collect();
    assert_eq!(failures.len(), 5);
    for wanted in [
        "binary.csv: binary content (a NUL byte at offset 4); expected a JMeter result file, CSV or XML",
        "missing.csv: cannot open",
        "page.xml: XML that begins with <html>; expected an XML file of JMeter, with <testResults>",
        "prose.csv: not a JMeter result file: it begins \"Dear reader,\\\\n\"",
        "report.jtl: JSON; a report of Artillery is collected with `collect artillery`",
    ] {
        assert!(failures.iter().any(|failure| failure.contains(wanted)), "{wanted}: {failures:#?}");
    }
    let runs = bench.options.store.manifests().expect("manifests");
    assert_eq!(runs.len(), 1, "failed files leave no run");
    assert_eq!(results.iter().find(|(path, _)| *path == good).map(|(_, result)| result.is_ok()), Some(true));
}

#[test]
fn two_files_with_one_run_id_are_named_and_the_first_is_kept() {
    let bench = Bench::new();
    for folder in ["x", "y"] {
        fs::create_dir(bench.folder.path().join(folder)).expect("folder");
        bench.input(&format!("{folder}/same.csv"), b"timeStamp,elapsed\n1795334168241,30\n");
    }
    let first = bench.folder.path().join("x/same.csv");
    let results = bench.collect_all(&[bench.folder.path().join("y"), bench.folder.path().join("x"), first.clone()]);
    assert_eq!(results.len(), 2, "the file given twice counts once");
    assert!(results[0].1.is_ok());
    let error = results[1].1.as_ref().expect_err("the second").to_string();
    assert!(error.contains("y/same.csv") && error.contains(&first.display().to_string()), "{error}");
}

#[test]
fn one_run_id_for_several_files_is_wrong_use() {
    let mut bench = Bench::new();
    bench.options.run = Some("r".to_owned());
    let error = jmeter::collect(&bench.options, &[sample("names")], &()).expect_err("refused");
    assert!(matches!(error, Error::Usage(text) if text.contains("9 files")));
}

#[test]
fn a_truncated_compressed_file_keeps_its_rows_and_says_where_it_ends() {
    let bench = Bench::new();
    let name = "scalability_30_60_3pm.metal.lcl_1122-0740.csv";
    let plain = fs::read(sample("results").join(name)).expect("the sample");
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("compress");
    for half in plain.chunks(plain.len() / 2) {
        std::io::Write::write_all(&mut encoder, half).expect("compress");
        std::io::Write::flush(&mut encoder).expect("compress");
    }
    let zstd = encoder.finish().expect("compress");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &plain).expect("compress");
    let gzip = encoder.finish().expect("compress");
    for (suffix, bytes) in [("zst", zstd), ("gz", gzip)] {
        let file = bench.input(&format!("{name}.{suffix}"), &bytes);
        let collected = bench.collect(&file).expect("collected");
        assert_eq!((bench.rows(&collected).len(), collected.manifest.lossy()), (396, false), "{suffix}");
        assert_eq!(collected.manifest.run, "scalability_30_60_3pm.metal.lcl_1122-0740");
        let cut = bench.input(&format!("{name}.{suffix}"), &bytes[..bytes.len() - 20]);
        let collected = bench.collect(&cut).expect("collected");
        assert!(collected.manifest.sources[0].cut_short.is_some(), "{suffix}");
        assert!((150..396).contains(&bench.rows(&collected).len()) && collected.manifest.lossy(), "{suffix}");
    }
}

#[test]
fn a_row_that_is_too_long_is_one_reject_and_reading_goes_on() {
    let bench = Bench::new();
    let row = b"1795334168241,30,a\n".as_slice();
    let long = vec![b'x'; 3 << 20];
    let content =
        [b"timeStamp,elapsed,label\n", row, b"1795334168241,30,", &long, b"\n", row, b"1795334168241,30,\"", &long];
    let collected = bench.collect(&bench.input("long.csv", &content.concat())).expect("collected");
    assert_eq!(bench.rows(&collected).len(), 2);
    let rejects = bench.rejects(&collected);
    let found: Vec<_> = rejects.iter().map(|r| (&*r.reason, r.length)).collect();
    assert_eq!(found, [("row too long", (3 << 20) + 18), ("row too long", (3 << 20) + 18)]);
    assert!(rejects.iter().all(|reject| reject.excerpt.len() <= 500));
}

#[test]
fn an_artillery_report_gives_its_periods_and_says_that_it_has_no_requests() {
    let bench = Bench::new();
    let file = sample("artillery-2.0.21-report.json");
    let results = artillery_report::collect(&bench.options, &[file], &()).expect("sound options");
    let collected = results[0].1.as_ref().expect("collected");
    assert!(collected.hint.as_ref().expect("a hint").contains("no requests"));
    assert_eq!(bench.rows(collected), vec![]);
    let periods: Vec<PlatformRecord> = bench.options.store.rows(&collected.manifest, None).expect("readable");
    let figures: Vec<serde_json::Value> = periods
        .iter()
        .map(|period| serde_json::from_str(period.text.as_ref().expect("figures")).expect("JSON"))
        .collect();
    let scopes: Vec<&str> = figures.iter().filter_map(|figure| figure["scope"].as_str()).collect();
    assert_eq!(scopes, ["aggregate", "intermediate", "intermediate"]);
    assert_eq!(figures[0]["counters"]["http.requests"], 378);
    assert_eq!(figures[0]["counters"]["http.codes.500"], 22);
    assert_eq!(figures[0]["summaries"]["http.response_time"]["p95"], 23.8);
    assert_eq!(periods[1].at, Some(Timestamp::from_millis(1_795_329_330_000)));
    assert!(periods.iter().all(|period| &*period.kind == "period" && &*period.provider == "client"));
    let text = fs::read(sample("artillery-2.0.21-report.json")).expect("the sample");
    for period in &periods {
        let from = usize::try_from(period.offset).expect("an offset");
        assert!(text[from..].trim_ascii_start().starts_with(b"{"), "{from}");
    }
    assert_eq!(collected.manifest.labels["generator"], "artillery");
    let window = collected.manifest.window.as_ref().expect("a window");
    assert_eq!(window.to, Timestamp::from_millis(1_795_329_348_933).to_string());
}

#[test]
fn an_artillery_report_that_is_cut_keeps_its_periods_and_other_json_is_refused() {
    let bench = Bench::new();
    let text = fs::read(sample("artillery-2.0.21-report.json")).expect("the sample");
    let cut = bench.input("cut.json", &text[..text.len() - 30]);
    let other = bench.input("other.json", b"{\"aggregate\": {\"scenariosCreated\": 5}}");
    let results = artillery_report::collect(&bench.options, &[cut, other], &()).expect("sound options");
    let collected = results[0].1.as_ref().expect("collected");
    assert_eq!(collected.manifest.sources[0].platform, 2);
    assert!(collected.manifest.sources[0].cut_short.is_some());
    let error = results[1].1.as_ref().expect_err("no report of Artillery 2").to_string();
    assert!(error.contains("other.json: no period with counters"), "{error}");
}

/// Says after the first block that the user has interrupted.
struct Interrupting(std::sync::atomic::AtomicU64);

impl faaslens_collect::Progress for Interrupting {
    fn advance(&self, bytes: u64) {
        self.0.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    }
    fn cancelled(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed) > 0
    }
}

#[test]
fn an_interrupted_collection_leaves_no_run() {
    let bench = Bench::new();
    let progress = Interrupting(std::sync::atomic::AtomicU64::new(0));
    let results = jmeter::collect(&bench.options, &[sample("results")], &progress).expect("sound options");
    assert!(results.iter().all(|(_, result)| matches!(result, Err(Error::Interrupted { .. }))));
    assert_eq!(bench.options.store.manifests().expect("manifests"), vec![]);
}

#[test]
fn appending_to_a_run_of_another_source_is_refused_and_leaves_it_as_it_was() {
    let mut bench = Bench::new();
    let stage = faaslens_schemas::table::Stage::Collect;
    let transaction = bench.options.store.begin("tab", stage, 1).expect("begun");
    let mut manifest = faaslens_schemas::manifest::Manifest::new("tab", 1);
    manifest.sources.push(faaslens_schemas::manifest::Source { format: "aws".to_owned(), ..Default::default() });
    let before = transaction.commit(manifest).expect("committed");
    bench.options.append = true;
    let error = bench.collect(&sample("malformed/tab.csv")).expect_err("refused").to_string();
    assert_eq!(error, "run \"tab\": expected one of jmeter files to append to, found one of \"aws\"");
    assert_eq!(bench.options.store.manifest("tab").expect("the run"), before);
}

#[test]
fn a_store_that_cannot_be_written_fails_each_file_with_one_error() {
    let bench = Bench::new();
    bench.input("store/.staging", b"in the way");
    let error = bench.collect(&sample("malformed/tab.csv")).expect_err("refused").to_string();
    assert!(error.contains(".staging: cannot create"), "{error}");
}
