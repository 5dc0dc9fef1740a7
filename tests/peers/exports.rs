//! Exports against their peers: Perfetto's and OpenTelemetry's own protobuf definitions, Jaeger's schema; and against the tables
//! of the store, as `faaslens table` prints them. `tests/exports` has the scripts that compare.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::session::{FACTORY, LOSSY, Recorded, SHOP, command, faaslens, python};

impl Recorded {
    /// An export of the run, in a file.
    fn export(&self, format: &str, more: &[&str]) -> PathBuf {
        let file = self.folder().join(format!("{format}{}", more.join("")).replace(['/', ' '], "_"));
        let store = self.store();
        let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"export", &format, &"--store", &store, &"--out", &file];
        arguments.extend(more.iter().map(|argument| argument as &dyn AsRef<OsStr>));
        faaslens(&arguments).exits(0);
        file
    }

    /// Compares an export with the tables and its peer.
    fn check(&self, script: &str, export: &Path, more: &[&str]) {
        let tables = self.tables();
        let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&tables, &export];
        arguments.extend(more.iter().map(|argument| argument as &dyn AsRef<OsStr>));
        python("tests/exports", script, &arguments);
    }
}

const RUNS: [&Recorded; 3] = [&SHOP, &FACTORY, &LOSSY];

#[test]
fn slices_nesting_flows_and_counters_of_perfetto_are_those_of_the_store() {
    for run in RUNS {
        run.check("perfetto_trace.py", &run.export("perfetto", &[]), &[]);
    }
}

#[test]
fn jaeger_fits_its_schema_and_gives_the_same_trees_when_imported_again() {
    for run in RUNS {
        run.check("jaeger_json.py", &run.export("jaeger", &[]), &[]);
    }
}

#[test]
fn otlp_is_read_by_the_protobuf_definitions_of_opentelemetry() {
    for run in RUNS {
        run.check("otlp_lines.py", &run.export("otlp", &[]), &[]);
    }
}

#[test]
fn folded_stacks_add_up_to_the_total_time() {
    for run in RUNS {
        run.check("folded_stacks.py", &run.export("folded", &[]), &["critical"]);
        run.check("folded_stacks.py", &run.export("folded-all", &[]), &["all"]);
    }
}

#[test]
fn an_export_has_the_same_bytes_whatever_the_number_of_threads() {
    for format in ["perfetto", "jaeger", "otlp", "folded"] {
        let once = fs::read(SHOP.export(format, &[])).expect("an export");
        let store = SHOP.store();
        let one = SHOP.folder().join(format!("{format}.one"));
        let mut command = command(&[&"export", &format, &"--store", &store, &"--out", &one]);
        let status = command.env("RAYON_NUM_THREADS", "1").status().expect("the binary starts");
        assert!(status.success());
        assert!(once == fs::read(one).expect("an export"), "{format}");
    }
}

/// Distinct contexts in an OTLP export.
fn contexts(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("an export");
    let context = |line: &str| {
        let (_, rest) = line.split_once(r#""faaslens.context_id","value":{"stringValue":""#).expect("a context");
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    text.lines().map(context).collect()
}

/// Contexts that an SQL condition on `traces t` chooses.
fn chosen(condition: &str) -> Vec<String> {
    let store = SHOP.store();
    let sql = format!("SELECT context_id FROM traces t WHERE {condition} ORDER BY context_id");
    let answer = faaslens(&[&"query", &sql, &"--store", &store, &"--format", &"csv"]).exits(0);
    answer.stdout.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn filters_choose_the_traces_that_sql_chooses() {
    let cases: [(&[&str], &str); 7] = [
        (&["--route", "GET /cart"], "entry_route = 'GET /cart'"),
        (&["--starts", "cold"], "cold_starts > 0"),
        (&["--starts", "warm", "--complete-only"], "cold_starts = 0 AND complete"),
        (
            &["--function", "email", "--provider", "azure"],
            "EXISTS (SELECT 1 FROM invocations i WHERE i.context_id = t.context_id AND function = 'email' AND provider = 'azure')",
        ),
        (&["--provider", "tinyfaas", "--provider", "openfaas"], "providers LIKE '%faas%'"),
        (
            &["--from", "2026-11-22T07:02:20Z", "--to", "2026-11-22T07:02:30Z"],
            "start >= '2026-11-22T07:02:20' AND start < '2026-11-22T07:02:30'",
        ),
        (&["--from", "+30s"], "start >= (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', window_from, '+30 seconds') FROM runs)"),
    ];
    for (options, condition) in cases {
        let mut found = contexts(&SHOP.export("otlp", options));
        found.sort_unstable();
        let wanted = chosen(condition);
        assert!(!wanted.is_empty(), "{condition} chooses something");
        assert_eq!(found, wanted, "{options:?}");
    }
}

#[test]
fn tables_are_exported_with_the_rows_that_pass() {
    let store = SHOP.store();
    let count = |sql: &str| {
        let answer = faaslens(&[&"query", &sql, &"--store", &store, &"--format", &"csv"]).exits(0);
        answer.stdout.lines().nth(1).and_then(|line| line.parse::<usize>().ok()).expect("a count")
    };
    let rows = |more: &[&str]| {
        let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"export", &"csv", &"--store", &store];
        arguments.extend(more.iter().map(|argument| argument as &dyn AsRef<OsStr>));
        faaslens(&arguments).exits(0).stdout.lines().count() - 1
    };
    let of_route =
        "SELECT COUNT(*) FROM calls c JOIN traces t ON t.context_id = c.context_id WHERE entry_route = 'GET /cart'";
    assert_eq!(rows(&["--table", "calls", "--route", "GET /cart"]), count(of_route), "by the traces of the route");
    let of_function = "SELECT COUNT(*) FROM invocations WHERE function = 'email' AND NOT cold";
    assert_eq!(rows(&["--table", "invocations", "--function", "email", "--starts", "warm"]), count(of_function));
    let refused =
        faaslens(&[&"export", &"csv", &"--table", &"durations", &"--route", &"/", &"--store", &store]).exits(2);
    assert!(refused.stderr.contains("--route"), "{}", refused.stderr);

    let file = SHOP.folder().join("calls.parquet");
    faaslens(&[&"export", &"parquet", &"--table", &"calls", &"--store", &store, &"--out", &file]).exits(0);
    assert_eq!(
        faaslens_schemas::store::Store::row_count(&file).expect("a Parquet file"),
        count("SELECT COUNT(*) FROM calls")
    );
}

#[test]
fn formats_and_options_that_do_not_exist_are_refused() {
    let store = SHOP.store();
    let unknown = faaslens(&[&"export", &"zipkin", &"--store", &store]).exits(2);
    assert!(unknown.stderr.contains("perfetto, jaeger, otlp, folded, folded-all, csv, parquet"), "{}", unknown.stderr);
    faaslens(&[&"export", &"csv", &"--store", &store]).exits(2);
    faaslens(&[&"export", &"otlp", &"--table", &"calls", &"--store", &store]).exits(2);
    faaslens(&[&"export", &"parquet", &"--table", &"calls", &"--store", &store]).exits(2);
    let nothing = faaslens(&[&"export", &"otlp", &"--route", &"GET /nowhere", &"--store", &store]).exits(0);
    assert!(nothing.stdout.is_empty() && nothing.stderr.contains("no trace passes"), "{}", nothing.stderr);
}
