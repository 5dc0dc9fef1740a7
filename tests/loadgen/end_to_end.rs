//! A load against instrumented functions, from the first request to the report.
//!
//! The functions (`functions/`) are the project's own, on the library that BeFaaS's functions use; each runs in a Node process of
//! its own, with a real Redis. A gateway writes down what reached it, which is the truth here.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::binary::{ask, count, faaslens, text};
use super::tool::tool;

fn functions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loadgen/functions")
}

/// A process that goes when the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A Redis server without a file, on a socket in `folder`.
fn redis(folder: &Path) -> (Running, PathBuf) {
    let program = tool("debian", &["redis-server", "redis-server"]);
    let socket = folder.join("redis.sock");
    let child = Command::new(program)
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(&socket)
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server");
    let since = Instant::now();
    while UnixStream::connect(&socket).is_err() {
        assert!(since.elapsed() < Duration::from_secs(10), "redis-server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    (Running(child), socket)
}

/// All functions and their gateway, until they are ended.
struct Platform {
    running: Running,
    input: Option<ChildStdin>,
    gateway: String,
    _redis: Running,
}

impl Platform {
    /// Starts everything; logs are left in `logs`.
    fn start(logs: &Path) -> Self {
        let (redis, socket) = redis(logs.parent().expect("a folder around"));
        let folder = functions();
        let modules = tool("node", &[folder.to_str().expect("a path in UTF-8")]);
        let mut child = Command::new("node")
            .arg(folder.join("platform.js"))
            .arg(logs)
            .arg(socket)
            .env("NODE_PATH", modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let mut gateway = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut gateway).expect("the gateway's URL");
        assert!(gateway.starts_with("http://"), "{gateway:?}");
        let input = child.stdin.take();
        Self { running: Running(child), input, gateway: gateway.trim().to_owned(), _redis: redis }
    }

    /// Ends everything once it is quiet.
    fn end(mut self) {
        drop(self.input.take());
        let status = self.running.0.wait().expect("node");
        assert!(status.success(), "{status}");
    }
}

/// Drives the workload; the logs of the functions and, in `load`, the output of the load generator.
fn driven() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).expect("a folder");
    let platform = Platform::start(&logs);
    let profile = functions().join("workload.yml").display().to_string();
    let gateway = format!("gateway={}", platform.gateway);
    let load = faaslens(
        &[
            "loadgen",
            &profile,
            "--out",
            "load",
            "-v",
            &gateway,
            "--allow-host",
            "127.0.0.1",
            "--deployment",
            "e2eDeployment",
            "--label",
            "trial=7",
        ],
        folder.path(),
    );
    // On a busy machine the generator may say that it was the limit, which is no failure of what is tested here.
    assert!(matches!(load.status.code(), Some(0 | 1)), "{}", text(&load));
    platform.end();
    folder
}

/// Context and pair of each request that reached the gateway from a client.
fn truth(folder: &Path) -> BTreeSet<(String, String)> {
    let seen = std::fs::read(folder.join("logs/truth.json")).expect("what the gateway saw");
    let seen: Vec<Value> = serde_json::from_slice(&seen).expect("JSON");
    let member = |seen: &Value, name: &str| seen[name].as_str().expect("an id").to_owned();
    assert!(seen.iter().all(|seen| seen["status"] == 200), "{seen:?}");
    let requests: BTreeSet<(String, String)> =
        seen.iter().map(|seen| (member(seen, "context"), member(seen, "pair"))).collect();
    assert_eq!(requests.len(), seen.len(), "ids are given once");
    requests
}

/// Requests of the run in a store, by context and pair.
fn requests(store: &str, folder: &Path) -> BTreeSet<(String, String)> {
    let rows = ask("SELECT context_id, pair_id FROM client_requests", store, folder);
    rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

#[test]
fn every_request_of_a_load_joins_its_root_invocation_with_all_that_was_measured() {
    let folder = driven();
    let (folder, store) = (folder.path(), "store");
    let collected =
        faaslens(&["collect", "befaas", "logs", "--loadgen", "load", "--store", store, "--run", "r"], folder);
    assert!(collected.status.success(), "{}", text(&collected));
    let analyzed = faaslens(&["analyze", "--store", store], folder);
    assert!(analyzed.status.success(), "{}", text(&analyzed));
    let truth = truth(folder);
    assert!(truth.len() > 60, "{}", truth.len());
    assert_eq!(requests(store, folder), truth, "requests in the store and at the gateway");

    // Each request has its root, each chain the functions that it must have, each order its event.
    let roots = "SELECT COUNT(*) FROM client_requests c JOIN invocations i USING (run, context_id, pair_id) \
                 WHERE i.parent_id IS NULL AND i.depth = 0 AND i.function = 'frontdoor' AND i.complete";
    assert_eq!(count(roots, store, folder), truth.len() as u64);
    let chains = "SELECT entry_route, GROUP_CONCAT(DISTINCT invocations), SUM(complete), COUNT(*) FROM traces \
                  GROUP BY entry_route ORDER BY entry_route";
    let chains = ask(chains, store, folder);
    assert_eq!(chains.len(), 2, "{chains:?}");
    for (row, (route, invocations)) in chains.iter().zip([("GET /items/:id", "3"), ("POST /orders", "5")]) {
        assert_eq!((row[0].as_str(), row[1].as_str()), (route, invocations), "{chains:?}");
        assert_eq!(row[2], row[3], "complete traces: {chains:?}");
    }
    let orders = count("SELECT COUNT(*) FROM client_requests WHERE method = 'POST'", store, folder);
    let events = "SELECT COUNT(*) FROM calls WHERE kind = 'async' AND callee_function = 'receipt' \
                  AND trigger_delay_ms >= 0";
    assert_eq!(count(events, store, folder), orders);

    // The trace's client is the request as the load generator measured it, and that lasts longer than its root.
    let joined = "SELECT COUNT(*) FROM traces t JOIN client_requests c USING (run, context_id) \
                  WHERE t.client_ms = c.elapsed_ms AND c.elapsed_ms >= t.root_ms";
    assert_eq!(count(joined, store, folder), truth.len() as u64);
    let measured = "SELECT COUNT(*) FROM client_requests WHERE generator = 'faaslens' AND class = 'ok' AND status = '200' \
                    AND latency_ms BETWEEN 0 AND elapsed_ms AND corrected_ms >= elapsed_ms AND late_ms >= 0 \
                    AND (reused OR connect_ms >= resolved_ms) AND scheduled_at <= sent_at AND user IS NOT NULL \
                    AND scenario IN ('browse', 'order') AND phase = 'load' AND bytes_received > 0 AND source = 'load'";
    assert_eq!(count(measured, store, folder), truth.len() as u64);
    let labels = ask("SELECT DISTINCT label_trial, label_generator FROM client_requests", store, folder);
    assert_eq!(labels, [["7", "faaslens"]]);
    let verdicts = ask("SELECT DISTINCT verdict FROM completeness WHERE verdict IS NOT NULL", store, folder);
    assert_eq!(verdicts, [["complete"]]);

    // Beside the logs it needs no name, and console lines of the same requests do not count twice.
    std::fs::rename(folder.join("load"), folder.join("logs/load")).expect("a move");
    std::fs::copy(folder.join("logs/load/artillery.log"), folder.join("logs/artillery.log")).expect("a copy");
    let reported = faaslens(&["report", "logs", "--out", "out"], folder);
    assert!(reported.status.success(), "{}", text(&reported));
    let said = format!("{} requests of the console log", truth.len());
    assert!(text(&reported).contains(&said), "{}", text(&reported));
    assert!(folder.join("out/index.html").is_file());
    assert_eq!(requests("out/store", folder), truth);
    assert_eq!(count("SELECT COUNT(*) FROM client_requests", "out/store", folder), truth.len() as u64);
    assert_eq!(count("SELECT SUM(late_ms IS NULL) FROM client_requests", "out/store", folder), 0);

    // What a later collection adds leaves the requests as they are.
    let again = faaslens(&["collect", "befaas", "logs", "--append", "--store", store, "--run", "r"], folder);
    assert!(again.status.success(), "{}", text(&again));
    assert_eq!(count("SELECT COUNT(*) FROM client_requests", store, folder), truth.len() as u64);
    assert_eq!(count("SELECT SUM(late_ms IS NULL) FROM client_requests", store, folder), 0);
}
