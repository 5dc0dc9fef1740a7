//! The command line as a user meets it: exit codes, what goes to standard output and what to standard error, formats.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Written by hand after the default columns of JMeter 5.
const JTL: &str = "\
timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect
1795330914000,10,home,200,OK,t 1-1,text,true,,500,100,1,1,http://localhost/,9,0,1
1795330915000,30,home,200,OK,t 1-1,text,true,,500,100,1,1,http://localhost/,29,0,1
1795330916000,20,home,500,Server Error,t 1-1,text,false,,300,100,1,1,http://localhost/,19,0,1
";

const JTL_NAME: &str = "overhead_null_1vm.large.lcl_1122-0732";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faaslens"));
    command.args(arguments);
    command
}

fn faaslens(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the binary runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("ended by itself")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("standard output is UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("standard error is UTF-8")
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("standard output is JSON")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The one line on standard error of a command that failed.
fn error_line(output: &Output) -> String {
    let text = stderr(output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1, "one line, found {text}");
    assert!(lines[0].starts_with("error: "), "{text}");
    lines[0].to_owned()
}

/// A store with one JMeter run, and its path.
fn jmeter_store() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join(format!("{JTL_NAME}.csv"));
    fs::write(&file, JTL).expect("a result file");
    let store = folder.path().join("store");
    let output = faaslens(&["collect", "jmeter", text(&file), "--store", text(&store), "--label", "site=lab"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output), "", "a collection has no result but the store");
    (folder, store)
}

#[test]
fn wrong_use_ends_with_2_and_says_what_is_right() {
    assert_eq!(code(&faaslens(&[])), 2);
    assert_eq!(code(&faaslens(&["frobnicate"])), 2);
    assert_eq!(code(&faaslens(&["runs"])), 2);
    let no_store = faaslens(&["runs", "--store", "/nonexistent/store"]);
    assert_eq!(code(&no_store), 2);
    assert!(error_line(&no_store).contains("/nonexistent/store"));
    let no_figure = faaslens(&["report", "--store", "/nonexistent", "--out", "/nonexistent/out", "--figure", "pie"]);
    assert_eq!(code(&no_figure), 2);
    assert!(error_line(&no_figure).contains("throughput"), "names the figures that there are");
    let bad_label = faaslens(&["collect", "jmeter", "x.csv", "--store", "s", "--label", "novalue"]);
    assert_eq!(code(&bad_label), 2);
    assert!(stderr(&bad_label).contains("key=value"));
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let output = faaslens(&["--help"]);
    assert_eq!(code(&output), 0);
    let help = stdout(&output);
    let commands =
        ["report", "collect", "analyze", "table", "compare", "trend", "query", "inspect", "export", "runs", "sources"];
    for word in commands.into_iter().chain(["schema", "Exit codes"]) {
        assert!(help.contains(word), "{word}");
    }
    let sources = json(&faaslens(&["sources", "--json"]));
    let help = stdout(&faaslens(&["collect", "--help"]));
    for source in sources.as_array().expect("a list") {
        let name = source["name"].as_str().expect("a name");
        assert!(help.contains(name), "{name}");
        assert_eq!(code(&faaslens(&["collect", name, "--help"])), 0);
    }
}

#[test]
fn a_folder_without_logs_is_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    let out = folder.path().join("out");
    let output = faaslens(&["report", text(&empty), "--out", text(&out)]);
    assert_eq!(code(&output), 3);
    assert!(error_line(&output).contains("aws.log"), "says what was expected");
    assert!(!out.exists());
    let store = folder.path().join("store");
    let output = faaslens(&["collect", "befaas", text(&empty), "--store", text(&store)]);
    assert_eq!(code(&output), 3);
    assert!(error_line(&output).contains("aws.log"), "says what was expected");
    assert_eq!(json(&faaslens(&["runs", "--store", text(&store), "--json"])), serde_json::json!([]));
}

#[test]
fn an_output_that_cannot_be_made_is_found_before_the_work() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("run.csv");
    fs::write(&file, JTL).expect("a result file");
    let output = faaslens(&["report", text(&file), "--out", text(&file.join("out"))]);
    assert_eq!(code(&output), 3);
    error_line(&output);
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
}

#[test]
fn a_collected_run_is_listed_with_its_labels() {
    let (_folder, store) = jmeter_store();
    let runs = json(&faaslens(&["runs", "--store", text(&store), "--json"]));
    assert_eq!(runs[0]["run"], JTL_NAME);
    assert_eq!(runs[0]["state"], "complete");
    assert_eq!(runs[0]["analyzed"], false);
    assert_eq!(runs[0]["records"], 3);
    assert_eq!(runs[0]["labels"]["hardware"], "vm.large");
    assert_eq!(runs[0]["labels"]["site"], "lab");
    let listed = stdout(&faaslens(&["runs", "--store", text(&store)]));
    assert!(listed.contains(JTL_NAME) && listed.contains("site=lab"), "{listed}");
}

#[test]
fn unknown_runs_and_tables_are_refused_with_the_known_ones() {
    let (_folder, store) = jmeter_store();
    let run = faaslens(&["table", "client_requests", "--store", text(&store), "--run", "nope"]);
    assert_eq!(code(&run), 2);
    assert!(error_line(&run).contains(JTL_NAME));
    let table = faaslens(&["table", "nope", "--store", text(&store)]);
    assert_eq!(code(&table), 2);
    assert!(error_line(&table).contains("invocations"));
    let context = faaslens(&["inspect", "nope", "--store", text(&store), "--quiet"]);
    assert_eq!(code(&context), 2);
}

#[test]
fn a_refused_row_ends_with_1_and_is_named() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("broken.csv");
    fs::write(&file, JTL.replace("1795330915000,30", "1795330915000,thirty")).expect("a result file");
    let store = folder.path().join("store");
    let output = faaslens(&["collect", "jmeter", text(&file), "--store", text(&store), "--quiet"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("warning: ") && stderr(&output).contains("broken.csv"), "{}", stderr(&output));
    let rejects = json(&faaslens(&["table", "rejects", "--store", text(&store), "--format", "json"]));
    assert_eq!(rejects.as_array().map(Vec::len), Some(1));
}

#[test]
fn a_table_has_the_same_rows_in_every_format() {
    let (_folder, store) = jmeter_store();
    let table = |format: &str| {
        let output = faaslens(&["table", "client_requests", "--store", text(&store), "--format", format]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stdout(&output)
    };
    let csv = table("csv");
    let mut lines = csv.lines();
    assert!(lines.next().is_some_and(|header| header.starts_with("run,generator,label,")));
    assert_eq!(lines.filter(|line| line.starts_with(JTL_NAME)).count(), 3);
    let rows: serde_json::Value = serde_json::from_str(&table("json")).expect("JSON");
    let elapsed: Vec<f64> =
        rows.as_array().expect("rows").iter().map(|row| row["elapsed_ms"].as_f64().expect("a number")).collect();
    assert_eq!(elapsed, [10.0, 30.0, 20.0]);
    assert_eq!(rows[2]["success"], false);
    for format in ["text", "markdown", "latex", "typst"] {
        let rendered = table(format);
        assert_eq!(rendered.matches("home").count(), 3, "{format}: {rendered}");
    }
    assert_eq!(code(&faaslens(&["table", "client_requests", "--store", text(&store), "--format", "xls"])), 2);
}

#[test]
fn a_table_without_rows_has_a_header_and_missing_analysis_is_said() {
    let (_folder, store) = jmeter_store();
    let output = faaslens(&["table", "invocations", "--store", text(&store), "--format", "csv"]);
    assert_eq!(code(&output), 0);
    assert_eq!(stdout(&output).lines().count(), 1);
    assert!(stderr(&output).contains("faaslens analyze"), "{}", stderr(&output));
    let output = faaslens(&["table", "rejects", "--store", text(&store), "--format", "json"]);
    assert_eq!(json(&output), serde_json::json!([]));
}

fn query(store: &Path, sql: &str) -> serde_json::Value {
    let output = faaslens(&["query", sql, "--store", text(store), "--format", "json"]);
    assert_eq!(code(&output), 0, "{sql}: {}", stderr(&output));
    json(&output)
}

#[test]
fn sql_sees_tables_labels_and_runs() {
    let (_folder, store) = jmeter_store();
    let rows = query(
        &store,
        "SELECT run, label_network, COUNT(*) AS n, MEDIAN(elapsed_ms) AS ms FROM client_requests \
         WHERE success AND label LIKE 'ho%' GROUP BY run, label_network",
    );
    assert_eq!(rows, serde_json::json!([{"run": JTL_NAME, "label_network": "lcl", "n": 2, "ms": 20}]));
    let joined = query(
        &store,
        "SELECT r.records, c.status FROM client_requests c JOIN runs r ON c.run = r.run WHERE NOT c.success",
    );
    assert_eq!(joined, serde_json::json!([{"records": 3, "status": "500"}]));
    let none = query(&store, "SELECT COUNT(*) AS n, SUM(duration_ms) AS ms FROM invocations WHERE provider = 'aws'");
    assert_eq!(none[0]["n"], 0);
}

#[test]
fn sql_has_quantiles_cases_windows_subqueries_and_dates() {
    let (_folder, store) = jmeter_store();
    let one = |sql: &str| query(&store, sql)[0]["x"].clone();
    assert_eq!(one("SELECT QUANTILE_CONT(elapsed_ms, 0.25) AS x FROM client_requests"), 15);
    assert_eq!(one("SELECT MAX(CASE WHEN success THEN 1 ELSE 2 END) AS x FROM client_requests"), 2);
    assert_eq!(one("SELECT STRFTIME('%Y', sent_at) AS x FROM client_requests LIMIT 1"), "2026");
    assert_eq!(one("SELECT UPPER(status) || '!' AS x FROM client_requests ORDER BY sent_at LIMIT 1"), "200!");
    assert_eq!(
        one(
            "SELECT COUNT(*) AS x FROM client_requests WHERE elapsed_ms IN (SELECT MAX(elapsed_ms) FROM client_requests)"
        ),
        1
    );
    assert_eq!(
        one(
            "SELECT MAX(k) AS x FROM (SELECT ROW_NUMBER() OVER (PARTITION BY label ORDER BY sent_at) AS k FROM client_requests)"
        ),
        3
    );
    assert_eq!(
        one("WITH slow AS (SELECT * FROM client_requests WHERE elapsed_ms > 15) SELECT COUNT(*) AS x FROM slow"),
        2
    );
    assert_eq!(one("SELECT COALESCE(scheduled_at, sent_at) = sent_at AS x FROM client_requests LIMIT 1"), 1);
}

#[test]
fn wrong_sql_is_refused_with_the_names_that_exist() {
    let (_folder, store) = jmeter_store();
    let wrong = |sql: &str| {
        let output = faaslens(&["query", sql, "--store", text(&store)]);
        assert_eq!(code(&output), 2, "{sql}: {}", stderr(&output));
        error_line(&output)
    };
    assert!(wrong("SELECT * FROM nope").contains("client_requests"));
    assert!(wrong("SELECT nope FROM client_requests").contains("elapsed_ms"));
    wrong("SELEKT 1");
    wrong("SELECT * FROM client_requests WHERE");
}

#[test]
fn an_answer_is_written_as_parquet() {
    let (folder, store) = jmeter_store();
    let out = folder.path().join("answer.parquet");
    let sql = "SELECT run, elapsed_ms FROM client_requests";
    let output = faaslens(&["query", sql, "--store", text(&store), "--format", "parquet", "--out", text(&out)]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let bytes = fs::read(&out).expect("the file");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert_eq!(code(&faaslens(&["query", sql, "--store", text(&store), "--format", "parquet"])), 2);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (_folder, store) = jmeter_store();
    let arguments: [&[&str]; 3] = [
        &["schema"],
        &["table", "client_requests", "--store", text(&store), "--format", "csv"],
        &["query", "SELECT * FROM client_requests", "--store", text(&store)],
    ];
    for arguments in arguments {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
        assert_eq!(stderr(&output), "", "{arguments:?}");
    }
}

#[test]
fn there_is_no_colour_and_no_progress_bar_without_a_terminal() {
    let (folder, store) = jmeter_store();
    let file = folder.path().join(format!("{JTL_NAME}.csv"));
    for arguments in [
        ["collect", "jmeter", text(&file), "--store", text(&store)].as_slice(),
        &["analyze", "--store", text(&store)],
        &["table", "nope", "--store", text(&store)],
        &["runs", "--store", text(&store)],
    ] {
        let output = faaslens(arguments);
        assert!(!output.stdout.contains(&0x1b), "{arguments:?}");
        assert!(!output.stderr.contains(&0x1b), "{arguments:?}");
    }
}

#[test]
fn hostile_labels_reach_the_terminal_escaped() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("run.csv");
    fs::write(&file, JTL.replace("home", "\x1b[2Jhome")).expect("a result file");
    let store = folder.path().join("store");
    assert_eq!(code(&faaslens(&["collect", "jmeter", text(&file), "--store", text(&store)])), 0);
    let table = faaslens(&["table", "client_requests", "--store", text(&store)]);
    assert!(!table.stdout.contains(&0x1b));
    let answer = faaslens(&["query", "SELECT label FROM client_requests", "--store", text(&store)]);
    assert!(!answer.stdout.contains(&0x1b));
}

#[test]
fn quiet_leaves_summaries_out_but_not_warnings() {
    let (_folder, store) = jmeter_store();
    let output = faaslens(&["analyze", "--store", text(&store), "--quiet"]);
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""));
    assert!(!stderr(&faaslens(&["analyze", "--store", text(&store)])).is_empty());
}

#[test]
fn response_times_are_pooled_over_the_runs_of_a_store() {
    let (_folder, store) = jmeter_store();
    assert_eq!(code(&faaslens(&["analyze", "--store", text(&store)])), 0);
    let rows = query(&store, "SELECT n, errors, median_ms, iqr_ms FROM responses");
    // numpy.percentile([10, 30], [25, 50, 75]) = 15, 20, 25
    assert_eq!(rows, serde_json::json!([{"n": 2, "errors": 1, "median_ms": 20, "iqr_ms": 10}]));
    assert_eq!(code(&faaslens(&["analyze", "--store", text(&store), "--all-rows"])), 0);
    let rows = query(&store, "SELECT n, errors, median_ms FROM responses");
    assert_eq!(rows, serde_json::json!([{"n": 3, "errors": 1, "median_ms": 20}]));
}

#[test]
fn a_report_says_where_to_look_and_can_be_made_again_from_its_store() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join(format!("{JTL_NAME}.csv"));
    fs::write(&file, JTL).expect("a result file");
    let out = folder.path().join("out");
    let output = faaslens(&["report", text(&file), "--out", text(&out)]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output).trim_end(), text(&out.join("index.html")));
    assert!(out.join("index.html").is_file() && out.join("tables").is_dir() && out.join("store/runs").is_dir());
    let again = folder.path().join("again");
    let output = faaslens(&["report", "--store", text(&out.join("store")), "--out", text(&again)]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let page = |out: &Path| fs::read(out.join("index.html")).expect("the page");
    assert!(page(&out) == page(&again), "the same store gives the same page");
}

#[test]
fn one_call_tree_is_shown_with_its_critical_path() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = folder.path().join("store");
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/runs/iot");
    let output = faaslens(&["collect", "befaas", run, "--store", text(&store), "--run", "iot"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(code(&faaslens(&["analyze", "--store", text(&store)])), 0);
    let slowest = query(
        &store,
        "SELECT context_id, root_ms, invocations FROM traces WHERE complete AND root_ms IS NOT NULL \
         ORDER BY invocations DESC, root_ms DESC LIMIT 1",
    );
    let context = slowest[0]["context_id"].as_str().expect("a context");
    let found = json(&faaslens(&["inspect", context, "--store", text(&store), "--json"]));
    let root = &found[0]["trees"][0]["callee"];
    assert_eq!(found[0]["root_ms"], slowest[0]["root_ms"]);
    assert_eq!(root["duration_ms"], slowest[0]["root_ms"]);
    assert_eq!(invocations_under(root), slowest[0]["invocations"].as_u64());
    let drawn = stdout(&faaslens(&["inspect", context, "--store", text(&store)]));
    assert!(drawn.lines().any(|line| line.starts_with("* ")), "{drawn}");
}

/// Number of invocations in a tree, itself included.
fn invocations_under(node: &serde_json::Value) -> Option<u64> {
    let operations = node["operations"].as_array()?;
    Some(1 + operations.iter().filter_map(|operation| invocations_under(&operation["callee"])).sum::<u64>())
}

/// Two JMeter runs of 40 requests, the second with its response times multiplied.
fn store_of_two(factor: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = folder.path().join("store");
    for (run, factor) in [("before", 1), ("after", factor)] {
        let header = JTL.lines().next().expect("a header");
        let row = |i: u32| {
            let (start, elapsed) = (1_795_330_914_000 + u64::from(i) * 1000, (100 + i * 7 % 13) * factor);
            format!("{start},{elapsed},home,200,OK,t 1-1,text,true,,500,100,1,1,http://localhost/,9,0,1")
        };
        let rows: Vec<String> = (0..40).map(row).collect();
        let file = folder.path().join(format!("{run}.csv"));
        fs::write(&file, format!("{header}\n{}\n", rows.join("\n"))).expect("a result file");
        let label = format!("side={run}");
        let output =
            faaslens(&["collect", "jmeter", text(&file), "--store", text(&store), "--run", run, "--label", &label]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
    (folder, store)
}

#[test]
fn a_regression_is_exit_code_4_only_where_run_to_run_noise_is_known_and_asked_for() {
    let (_folder, store) = store_of_two(2);
    let compare =
        |more: &[&str]| faaslens(&[&["compare", "side=before", "side=after", "--store", text(&store)], more].concat());
    let unknown = compare(&["--fail-on", "regression", "--format", "json"]);
    assert_eq!(code(&unknown), 0, "{}", stderr(&unknown));
    assert_eq!(json(&unknown)[0]["verdict"], "slower");
    assert_eq!(json(&unknown)[0]["evidence"], "within-run");
    assert!(stderr(&unknown).contains("give repetitions"), "{}", stderr(&unknown));
    let stated = compare(&["--fail-on", "regression", "--run-noise", "5%"]);
    assert_eq!(code(&stated), 4, "{}", stderr(&stated));
    assert!(stdout(&stated).contains("REGRESSION"), "{}", stdout(&stated));
    assert_eq!(code(&compare(&["--run-noise", "5%"])), 0, "nobody asked to fail");
    assert_eq!(code(&compare(&["--fail-on", "regression", "--run-noise", "5%", "--margin", "150%"])), 0);
}

#[test]
fn a_comparison_has_the_same_rows_in_every_format() {
    let (_folder, store) = store_of_two(1);
    for format in ["text", "csv", "json", "md", "markdown", "latex", "typst"] {
        let output = faaslens(&["compare", "before", "after", "--store", text(&store), "--format", format, "--quiet"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert_eq!(stdout(&output).matches("home").count(), 1, "{format}: {}", stdout(&output));
    }
}

#[test]
fn a_comparison_that_cannot_be_made_is_wrong_use_and_says_why() {
    let (_folder, store) = store_of_two(1);
    let refused = |arguments: &[&str]| {
        let output = faaslens(&[&["compare", "--store", text(&store)], arguments].concat());
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        stderr(&output)
    };
    assert!(refused(&["before", "nope"]).contains("after, before"));
    assert!(refused(&["before", "side=nope"]).contains("after, before"));
    assert!(refused(&["before", "*"]).contains("disjoint"));
    assert!(refused(&["before", "after", "--margin", "0"]).contains("5%"));
    assert!(refused(&["before", "after", "--fail-on", "doubt"]).contains("regression"));
}

#[test]
fn a_history_by_a_label_is_in_the_order_of_its_values() {
    let (_folder, store) = store_of_two(3);
    let output = faaslens(&["trend", "--by", "side", "--store", text(&store), "--format", "json"]);
    let rows = json(&output);
    assert_eq!((rows[0]["point"].as_str(), rows[1]["point"].as_str()), (Some("after"), Some("before")));
    // 100 + 7 i mod 13 for i below 40: numpy.median([100 + i * 7 % 13 for i in range(40)]) = 106.0
    assert_eq!((rows[0]["median_ms"].as_f64(), rows[1]["median_ms"].as_f64()), (Some(318.0), Some(106.0)));
    assert_eq!(code(&faaslens(&["trend", "--by", "nope", "--store", text(&store)])), 2);
}

#[test]
fn the_documentation_of_the_tables_is_that_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = fs::read_to_string(root.join("docs/tables.md")).expect("docs/tables.md");
    assert_eq!(committed, stdout(&faaslens(&["schema"])), "run faaslens schema --write docs");
    let manifest = fs::read_to_string(root.join("docs/manifest.schema.json")).expect("docs/manifest.schema.json");
    assert_eq!(manifest, stdout(&faaslens(&["schema", "--manifest"])), "run faaslens schema --write docs");
    assert!(stdout(&faaslens(&["schema", "traces"])).starts_with("## traces"));
    assert_eq!(code(&faaslens(&["schema", "nope"])), 2);
}
