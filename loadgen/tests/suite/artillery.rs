//! The real Artillery and this load generator, side by side, against one recording server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use faaslens_loadgen::engine::{Options, Tracing};
use serde_json::json;

use super::drive::{compile, drive, manners};
use super::server::{Seen, Server};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/artillery")
}

fn profiles() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).expect("profiles").map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "yml")).collect();
    files.sort();
    files
}

/// The packages that the lock file pins, installed where they are not yet.
fn node_modules() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/tools/node");
    let output = Command::new(script).arg(folder()).output().expect("scripts/tools/node");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

fn artillery(modules: &Path, profile: &Path, server: &Server) -> Vec<Seen> {
    let variables = json!({"frontend": [server.url()]}).to_string();
    let output = Command::new("node")
        .arg(modules.join("artillery/bin/run"))
        .args(["run", "-q", "-v", &variables])
        .arg(profile)
        .env("ARTILLERY_DISABLE_TELEMETRY", "true")
        .current_dir(folder())
        .output()
        .expect("artillery");
    let seen = server.seen();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!seen.is_empty(), "Artillery sent nothing: {text}");
    seen
}

fn own(profile: &Path, server: &Server) -> Vec<Seen> {
    let text = std::fs::read_to_string(profile).expect("a profile");
    let compiled = compile(profile, &text, " ", &[("frontend", json!([server.url()]))]);
    let options = Options { tracing: Tracing::Hooks, ..Options::default() };
    drive(compiled, options, manners());
    server.seen()
}

/// A request up to what is drawn at random: by scenario, how often each comes for each user.
fn shapes(seen: &[Seen]) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut scenarios: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for seen in seen {
        let scenario = seen.path.split('/').nth(1).unwrap_or_default().to_owned();
        let content = seen.header("content-type").unwrap_or_default();
        let boundary = content.split_once("boundary=").map_or("", |(_, boundary)| boundary);
        let body = if boundary.is_empty() { seen.body.clone() } else { seen.body.replace(boundary, "BOUNDARY") };
        let body = match body.find("rnd-") {
            Some(at) => format!("{}RANDOM{}", &body[..at], &body[at + 14..]),
            None => body,
        };
        // Artillery sends a multipart body in pieces, whose length it does not announce.
        let names: Vec<&str> =
            seen.header_names().into_iter().filter(|n| !["transfer-encoding", "content-length"].contains(n)).collect();
        let content = content.split(';').next().unwrap_or_default();
        let shape = format!("{} {} [{}] {content} {body}", seen.method, seen.path, names.join(" "));
        *scenarios.entry(scenario).or_default().entry(shape).or_default() += 1.0;
    }
    for shapes in scenarios.values_mut() {
        let users: f64 = shapes.iter().filter(|(shape, _)| shape.contains("/1")).map(|(_, n)| n).sum();
        for n in shapes.values_mut() {
            *n /= users.max(1.0);
        }
    }
    scenarios
}

/// Whether a path is that of a user's first request: `/scenario/1…`.
fn is_first(path: &str) -> bool {
    path.split(['/', '?']).nth(2) == Some("1")
}

/// First requests of users in each second after the first of them; half an interval early, so that none is on an edge.
fn seconds(seen: &[Seen]) -> Vec<i64> {
    let first: Vec<_> = seen.iter().filter(|seen| !seen.path.starts_with("/before") && is_first(&seen.path)).collect();
    let start = first.iter().map(|seen| seen.at).min().expect("a request");
    let mut counts = vec![0; 30];
    for seen in first {
        let second = (seen.at.duration_since(start) + Duration::from_millis(50)).as_secs();
        counts[usize::try_from(second).expect("a second")] += 1;
    }
    counts
}

/// Compares requests, and arrivals by second where `timed`: a busy machine moves those.
fn compare(profiles: &[PathBuf], timed: bool) {
    let modules = node_modules();
    std::thread::scope(|scope| {
        for profile in profiles {
            let modules = &modules;
            scope.spawn(move || {
                let (theirs, ours) = (Server::start(), Server::start());
                let (theirs, ours) = (artillery(modules, profile, &theirs), own(profile, &ours));
                let name = profile.file_stem().expect("a name").to_string_lossy().into_owned();
                assert_eq!(shapes(&ours), shapes(&theirs), "{name}: requests, ours and Artillery's");
                let (ours, theirs) = (seconds(&ours), seconds(&theirs));
                let close = ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() <= 1);
                assert!(close || !timed, "{name}: arrivals by second\nours      {ours:?}\nArtillery {theirs:?}");
            });
        }
    });
}

#[test]
fn requests_are_those_of_artillery() {
    let profiles = profiles();
    compare(&[profiles[3].clone(), profiles[6].clone()], false);
}

/// All ten profiles: `cargo test --release -p faaslens-loadgen --test suite -- --ignored artillery`
#[test]
#[ignore = "takes two minutes"]
fn all_profiles_are_driven_as_by_artillery() {
    let profiles = profiles();
    assert_eq!(profiles.len(), 10);
    let failed: Vec<_> =
        profiles.chunks(2).filter(|two| std::panic::catch_unwind(|| compare(two, true)).is_err()).collect();
    assert!(failed.is_empty(), "{failed:?}");
}
