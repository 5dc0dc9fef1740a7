//! The page in a real browser: Debian's Chromium, driven by the scripts beside this file; and the server that serves it.
//!
//! `scripts/tools` installs Chromium and the packages that `package-lock.json` pins. `scripts/screenshots DIR` makes pictures.

mod server;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// A function name that would run if it were ever taken for markup.
const HOSTILE: &str = "</script><img src=x onerror=window.hacked=1>";

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn faaslens(arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_faaslens")).args(arguments.iter().map(AsRef::as_ref)).output();
    let output = output.expect("the binary starts");
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What a tool's script prints: the path of the tool.
fn tool(script: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(project(script)).args(arguments).current_dir(project("")).output().expect("the script runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a path").trim().to_owned()
}

static CHROMIUM: LazyLock<String> = LazyLock::new(|| tool("scripts/tools/debian", &["chromium", "chromium"]));
static MODULES: LazyLock<String> = LazyLock::new(|| tool("scripts/tools/node", &["tests/browser"]));

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("the temporary folder can be made");
    folder
});

/// The report of the committed example; its store is in `store`.
static EXAMPLE: LazyLock<PathBuf> = LazyLock::new(|| report(&project("examples/befaas-webservice"), "example"));

fn report(logs: &Path, name: &str) -> PathBuf {
    let out = FOLDER.join(name);
    faaslens(&[&"report", &logs, &"--out", &out, &"--format", &"svg"]);
    out
}

/// The example with a hostile function name, and one address of a megabyte.
static HOSTILE_RUN: LazyLock<PathBuf> = LazyLock::new(|| {
    let logs = FOLDER.join("hostile-logs");
    fs::create_dir_all(&logs).expect("a folder");
    let mut changed = 0;
    for entry in fs::read_dir(project("examples/befaas-webservice")).expect("the example") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(OsStr::to_str).expect("a name").to_owned();
        let Some(log) = name.strip_suffix(".zst") else {
            fs::copy(&path, logs.join(name)).expect("copied");
            continue;
        };
        let bytes = zstd::decode_all(fs::File::open(&path).expect("a log")).expect("zstd");
        let text = String::from_utf8_lossy(&bytes);
        changed += text.matches("getads").count();
        let text = text.replace("getads", &format!("{HOSTILE}\u{202e}"));
        let long = format!("/product/{}?", "x".repeat(1 << 20));
        let text = text.replacen("/product/", &long, 1);
        fs::File::create(logs.join(log)).and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    }
    assert!(changed > 100);
    report(&logs, "hostile")
});

fn node(script: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("node");
    command.arg(project("tests/browser").join(script)).args(arguments);
    command.env("NODE_MODULES", &*MODULES).env("CHROMIUM", &*CHROMIUM).output().expect("node starts")
}

#[track_caller]
fn check(name: &str, page: &str) {
    let output = node("checks.mjs", &[name, page]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn example() -> String {
    EXAMPLE.join("index.html").display().to_string()
}

#[test]
fn every_view_opens_without_an_error_or_a_request() {
    check("views", &example());
}

#[test]
fn a_band_is_dragged_and_a_trace_opened_and_saved_by_mouse() {
    check("mouse", &example());
}

#[test]
fn a_trace_is_found_opened_walked_and_copied_by_keyboard() {
    check("keyboard", &example());
}

#[test]
fn filters_and_a_second_curve_narrow_what_is_shown() {
    check("filters", &example());
}

#[test]
fn an_address_restores_its_view() {
    check("address", &example());
}

#[test]
fn axe_finds_nothing_serious_in_light_or_dark() {
    check("accessibility", &example());
}

#[test]
fn the_page_fits_a_phone() {
    check("phone", &example());
}

#[test]
fn hostile_names_and_addresses_stay_text() {
    check("hostile", &HOSTILE_RUN.join("index.html").display().to_string());
}

#[test]
fn the_example_takes_less_than_3_mb() {
    let size = fs::metadata(example()).expect("the page").len();
    assert!(size < 3_000_000, "{size}");
}

#[test]
fn what_the_page_holds_of_traces_is_what_the_store_holds() {
    let store = EXAMPLE.join("store");
    let printed = faaslens(&[&"table", &"traces", &"--store", &store, &"--format", &"json"]).stdout;
    let mut stored: Vec<serde_json::Value> = serde_json::from_slice(&printed).expect("JSON");
    let output = node("frames.mjs", &[&example(), "traces"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut held: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    stored.sort_by_key(|row| row["context_id"].to_string());
    held.sort_by_key(|row| row["context"].to_string());
    assert_eq!(held.len(), stored.len());
    let texts = [
        ("context", "context_id"),
        ("route", "entry_route"),
        ("complete", "complete"),
        ("issues", "issues"),
        ("providers", "providers"),
    ];
    let times = [
        ("root", "root_ms"),
        ("client", "client_ms"),
        ("network", "network_ms"),
        ("db", "db_ms"),
        ("trigger", "trigger_ms"),
        ("chain", "chain_ms"),
    ];
    for (held, stored) in held.iter().zip(&stored) {
        for (here, there) in texts {
            assert_eq!(held[here], stored[there], "{here} of {}", held["context"]);
        }
        for (here, there) in times {
            let (here, there) = (held[here].as_f64(), stored[there].as_f64());
            let close = here.zip(there).map_or(here.is_none() && there.is_none(), |(a, b)| (a - b).abs() <= 0.000_501);
            assert!(close, "{here:?} against {there:?} of {}", held["context"]);
        }
    }
}
