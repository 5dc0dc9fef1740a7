//! The real JMeter 5.5 and this load generator, side by side, on the same plans against one recording server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use faaslens_loadgen::profile::{Settings, compile};

use super::drive::{drive, manners, untraced};
use super::server::{Seen, Server};

/// A plan and how it is compared.
#[derive(Debug, Clone, Copy)]
struct Case {
    plan: &'static str,
    properties: &'static [(&'static str, &'static str)],
    order: Order,
}

/// What of a plan's requests is the same in every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// All of them, one after the other.
    Sequence,
    /// Those of each thread, up to how many fit into the time.
    Timed,
}

const CASES: &[Case] = &[
    Case { plan: "overhead", properties: &[("test.iterations", "20"), ("pace", "20")], order: Order::Sequence },
    Case { plan: "methods", properties: &[], order: Order::Sequence },
    // Java loads classes at the first failure of each kind: enough repetitions that the median is of warm ones.
    Case { plan: "answers", properties: &[("test.iterations", "21")], order: Order::Sequence },
    Case {
        plan: "payload",
        properties: &[("test.iterations", "10"), ("pace", "20"), ("test.opt", "1KB")],
        order: Order::Sequence,
    },
    Case {
        plan: "payload",
        properties: &[("test.iterations", "10"), ("pace", "20"), ("test.opt", "1MB")],
        order: Order::Sequence,
    },
    Case { plan: "intensive", properties: &[("test.iterations", "10"), ("pace", "20")], order: Order::Sequence },
    Case {
        plan: "chains_client",
        properties: &[("test.iterations", "5"), ("pace", "10"), ("test.opt", "5")],
        order: Order::Sequence,
    },
    Case {
        plan: "chains_server",
        properties: &[
            ("test.iterations", "10"),
            ("pace", "10"),
            ("test.opt", "5"),
            ("request.fsurl", "http://gateway/f"),
        ],
        order: Order::Sequence,
    },
    Case { plan: "threads", properties: &[], order: Order::Timed },
    Case { plan: "scalability_1", properties: &[("test.opt", "3"), ("dur", "3")], order: Order::Timed },
    Case { plan: "scalability_30", properties: &[("test.opt", "20"), ("dur", "4")], order: Order::Timed },
];

/// Pauses differ by this much at most.
const PAUSE_TOLERANCE_MS: f64 = 5.0;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jmeter")
}

/// The jar that starts JMeter, installed where it is not yet.
fn jar() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/tools/jmeter");
    let output = Command::new(script).arg(folder()).output().expect("scripts/tools/jmeter");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// A folder with the plan and the bodies that it sends: JSON of 1,000 and 1,000,000 bytes.
fn lay_out(case: &Case) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a folder");
    let plan = place.path().join(format!("{}.jmx", case.plan));
    std::fs::copy(folder().join(format!("{}.jmx", case.plan)), &plan).expect("a plan");
    std::fs::create_dir(place.path().join("bodies")).expect("a folder");
    for (name, length) in [("1KB", 1_000), ("1MB", 1_000_000)] {
        let body = format!("{{\"d\":\"{}\"}}", "x".repeat(length - 8));
        std::fs::write(place.path().join(format!("bodies/{name}.json")), body).expect("a body");
    }
    (place, plan)
}

/// What one of the two did.
#[derive(Debug)]
struct Driven {
    seen: Vec<Seen>,
    columns: Vec<String>,
    rows: Vec<Row>,
}

/// One row of a JTL file, by column.
type Row = BTreeMap<String, String>;

fn read_jtl(path: &Path, port: u16) -> (Vec<String>, Vec<Row>) {
    let text = std::fs::read_to_string(path).expect("a JTL file").replace(&format!(":{port}"), ":PORT");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let row = |record: csv::StringRecord| columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
    let rows = reader.records().map(|record| row(record.expect("a row"))).collect();
    (columns, rows)
}

fn properties(case: &Case, server: &Server) -> Vec<(String, String)> {
    let own = [("request.ip", "127.0.0.1".to_owned()), ("request.port", server.port.to_string())];
    let given = case.properties.iter().map(|(name, value)| (*name, (*value).to_owned()));
    own.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn theirs(jar: &Path, case: &Case) -> Driven {
    let server = Server::start();
    let (place, plan) = lay_out(case);
    let jtl = place.path().join("out.jtl");
    let output = Command::new("java")
        .args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar"])
        .arg(jar)
        .args(["-n", "-t"])
        .arg(&plan)
        .arg("-l")
        .arg(&jtl)
        .args(properties(case, &server).iter().map(|(name, value)| format!("-J{name}={value}")))
        .current_dir(place.path())
        .output()
        .expect("java");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && jtl.exists(), "{}: JMeter failed: {text}", case.plan);
    let (columns, rows) = read_jtl(&jtl, server.port);
    Driven { seen: server.seen(), columns, rows }
}

fn ours(case: &Case) -> Driven {
    let server = Server::start();
    let (_place, plan) = lay_out(case);
    let text = std::fs::read_to_string(&plan).expect("a plan");
    let settings = Settings { properties: properties(case, &server).into_iter().collect(), ..Settings::default() };
    let profile = compile(&plan, &text, &settings).unwrap_or_else(|error| panic!("{error}"));
    let mut manners = manners();
    manners.hosts.insert("no-such-host.invalid".to_owned());
    let driven = drive(profile, untraced(), manners);
    let (columns, rows) = read_jtl(&driven.folder.path().join("run.csv"), server.port);
    Driven { seen: server.seen(), columns, rows }
}

/// A request in full, but for the version in the client's name.
fn request(seen: &Seen) -> String {
    let kept = ["content-type", "connection"].map(|name| format!("{name}={:?}", seen.header(name)));
    format!("{} {} {:?} {kept:?} {}", seen.method, seen.path, seen.header_names(), seen.body)
}

/// What of a row is no time. Of a failure without a response JMeter's bytes are the length of a stack trace.
fn settled(row: &Row, order: Order) -> String {
    let failed = row["responseCode"].starts_with("Non HTTP");
    let mut columns = vec!["label", "responseCode", "responseMessage", "dataType", "success", "failureMessage", "URL"];
    if !failed {
        columns.push("bytes");
    }
    if order == Order::Sequence {
        columns.extend(["threadName", "grpThreads", "allThreads"]);
    }
    // Java says why a name has no address the first time only.
    let text = |column: &str| row[column].replace(": Name or service not known", "");
    let cells: Vec<String> = columns.iter().map(|column| format!("{column}={:?}", text(column))).collect();
    cells.join(" ")
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {:?}", row[column]))
}

fn is_transaction(row: &Row) -> bool {
    row["URL"] == "null"
}

/// The median pause before the requests of each label and URL, within their thread.
fn pauses(rows: &[Row]) -> BTreeMap<String, f64> {
    let mut by_thread: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !is_transaction(row)) {
        by_thread.entry(&row["threadName"]).or_default().push(row);
    }
    let mut pauses: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for rows in by_thread.values() {
        for pair in rows.windows(2) {
            let ended = number(pair[0], "timeStamp") + number(pair[0], "elapsed");
            let pause = number(pair[1], "timeStamp") - ended;
            pauses.entry(format!("{} {}", pair[1]["label"], pair[1]["URL"])).or_default().push(pause);
        }
    }
    pauses.into_iter().map(|(key, pauses)| (key, median(pauses))).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median gap between the end of an answer and the next request, as the server saw it, by the next one's path.
fn gaps(seen: &[Seen]) -> BTreeMap<String, f64> {
    let mut gaps: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    // Nothing answers `/silent`: what comes after it follows the client's own patience.
    for pair in seen.windows(2).filter(|pair| !pair[0].path.ends_with("/silent")) {
        let gap = pair[1].begun.saturating_duration_since(pair[0].at + pair[0].served);
        gaps.entry(pair[1].path.clone()).or_default().push(gap.as_secs_f64() * 1000.0);
    }
    gaps.into_iter().map(|(key, gaps)| (key, median(gaps))).collect()
}

fn assert_close(what: &str, ours: &BTreeMap<String, f64>, theirs: &BTreeMap<String, f64>) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{what}");
    for (key, ours) in ours {
        let theirs = theirs[key];
        assert!(
            (ours - theirs).abs() <= PAUSE_TOLERANCE_MS,
            "{what} before {key}: ours {ours} ms, JMeter's {theirs} ms"
        );
    }
}

/// How often each thing comes, or, for [`Order::Timed`], which ones come.
fn counts(things: impl Iterator<Item = String>, order: Order) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for thing in things {
        let count: &mut u64 = counts.entry(thing).or_default();
        *count = if order == Order::Timed { 1 } else { *count + 1 };
    }
    counts
}

/// Requests of each thread.
fn by_thread(rows: &[Row]) -> BTreeMap<String, f64> {
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row["threadName"].clone()).or_default() += 1.0;
    }
    counts
}

/// Compares what was sent and what was written down; pauses where `timed`: a busy machine moves those.
fn compare(jar: &Path, case: &Case, timed: bool) {
    let (theirs, ours) = (theirs(jar, case), ours(case));
    let (name, order) = (case.plan, case.order);
    assert_eq!(ours.columns, theirs.columns, "{name}: columns");
    if order == Order::Sequence {
        let requests = |driven: &Driven| driven.seen.iter().map(request).collect::<Vec<_>>();
        assert_same(&format!("{name}: requests"), &requests(&ours), &requests(&theirs));
        let rows = |driven: &Driven| driven.rows.iter().map(|row| settled(row, order)).collect::<Vec<_>>();
        assert_same(&format!("{name}: rows"), &rows(&ours), &rows(&theirs));
        for (own, other) in ours.rows.iter().zip(&theirs.rows) {
            assert_rows_agree(name, own, other);
        }
    } else {
        let requests = |driven: &Driven| counts(driven.seen.iter().map(request), order);
        assert_eq!(requests(&ours), requests(&theirs), "{name}: requests");
        let rows = |driven: &Driven| counts(driven.rows.iter().map(|row| settled(row, order)), order);
        assert_eq!(rows(&ours), rows(&theirs), "{name}: rows");
        let (own, other) = (by_thread(&ours.rows), by_thread(&theirs.rows));
        assert_eq!(own.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "{name}: threads");
        let far = own.iter().find(|(thread, n)| (*n - other[*thread]).abs() > 1.0 + 0.1 * **n);
        assert!(far.is_none() || !timed, "{name}: requests by thread\nours     {own:?}\nJMeter's {other:?}");
    }
    if timed {
        assert_close(&format!("{name}: pause"), &pauses(&ours.rows), &pauses(&theirs.rows));
        if order == Order::Sequence {
            assert_close(&format!("{name}: gap at the server"), &gaps(&ours.seen), &gaps(&theirs.seen));
        }
    }
}

/// Compares in order; shows the first few that differ.
fn assert_same(what: &str, ours: &[String], theirs: &[String]) {
    let short = |text: &String| text.chars().take(1000).collect::<String>();
    let differing = ours.iter().zip(theirs).enumerate().filter(|(_, (ours, theirs))| ours != theirs).take(5);
    let shown = differing.map(|(i, (a, b))| format!("{i}\nours     {}\nJMeter's {}\n", short(a), short(b)));
    let shown: String = shown.collect();
    assert!(shown.is_empty(), "{what}: {shown}");
    assert_eq!(ours.len(), theirs.len(), "{what}");
}

/// Times that JMeter leaves at 0, and bytes sent but for the client's name, which holds versions.
fn assert_rows_agree(plan: &str, ours: &Row, theirs: &Row) {
    let zero = |row: &Row, column: &str| number(row, column) == 0.0;
    let long = [ours, theirs].iter().all(|row| number(row, "elapsed") > 5.0);
    // The times of shorter ones may be 0 because they are whole milliseconds.
    let columns: &[&str] = if long { &["Latency", "sentBytes"] } else { &["sentBytes"] };
    for column in columns {
        let same = zero(ours, column) == zero(theirs, column);
        assert!(same, "{plan}: {column}\nours     {ours:?}\nJMeter's {theirs:?}");
    }
    let failed = theirs["responseCode"].starts_with("Non HTTP");
    let apart = (number(ours, "sentBytes") - number(theirs, "sentBytes")).abs();
    let requests = if is_transaction(theirs) { 10.0 } else { 1.0 };
    assert!(failed || apart <= 12.0 * requests, "{plan}: sentBytes\nours     {ours:?}\nJMeter's {theirs:?}");
}

fn compare_all(cases: &[Case], timed: bool) {
    let jar = jar();
    let failed: Vec<String> = cases
        .iter()
        .filter(|case| std::panic::catch_unwind(|| compare(&jar, case, timed)).is_err())
        .map(|case| format!("{case:?}"))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn requests_and_rows_are_those_of_jmeter() {
    compare_all(&CASES[..2], false);
}

/// All plans: `cargo test --release -p faaslens-loadgen --test suite -- --ignored jmeter`
#[test]
#[ignore = "takes two minutes"]
fn all_plans_are_driven_as_by_jmeter() {
    compare_all(CASES, true);
}
