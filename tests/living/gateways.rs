//! OpenFaaS, tinyFaaS and OpenWhisk: what is peculiar to each.

use std::path::Path;
use std::sync::Arc;

use crate::binary::{SESSION, faaslens, text};
use crate::fakes::{
    Activations, BEGIN_MS, END_MS, Gateway, KEY, Logged, LongLine, Manager, OldManager, PASSWORD, events,
};
use crate::server::{Faults, Server};
use crate::tables::{manifest, tables};

const WINDOW: [&str; 4] = ["--since", "2026-11-22T07:00:00Z", "--until", "2026-11-22T08:00:00Z"];

/// Collects and gives what the program said.
fn collect(source: &[&str], store: &Path, run: &str, variables: &[(&str, &str)], code: i32) -> String {
    let mut args = vec!["collect"];
    args.extend(source);
    args.extend([
        "--store",
        text(store),
        "--run",
        run,
        "--rate",
        "100000",
        "--retry-pause",
        "1ms",
        "--retry-for",
        "2s",
    ]);
    args.extend(WINDOW);
    let output = faaslens(&args, variables, code);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!said.contains(PASSWORD), "{said}");
    said
}

/// Records and other lines of a run.
fn pieces(store: &Path, run: &str) -> (u64, u64) {
    let sources = manifest(store, run).sources;
    sources.iter().fold((0, 0), |(records, other), source| (records + source.records, other + source.platform))
}

#[test]
fn one_instance_of_openfaas_is_read_alone_and_both_together_are_all() {
    let server = Server::start(Arc::new(Gateway(events(400))), Faults::default());
    let store = SESSION.path().join("openfaas-instance");
    let variables = [("OPENFAAS_URL", &*server.url()), ("OPENFAAS_PASSWORD", PASSWORD)].map(|(n, v)| (n, v.to_owned()));
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    collect(&["openfaas", "--prefix", "f0"], &store, "both", &variables, 0);
    let (mut records, mut other) = (0, 0);
    for instance in ["f0-pod0", "f0-pod1"] {
        collect(&["openfaas", "--prefix", "f0", "--instance", instance], &store, instance, &variables, 0);
        let own = pieces(&store, instance);
        assert!(own.0 > 20, "{own:?}");
        (records, other) = (records + own.0, other + own.1);
    }
    assert_eq!((records, other), pieces(&store, "both"));
}

#[test]
fn a_gateway_refuses_a_wrong_password_and_none() {
    let server = Server::start(Arc::new(Gateway(events(40))), Faults::default());
    let store = SESSION.path().join("openfaas-refused");
    let url = server.url();
    for password in [&[("OPENFAAS_PASSWORD", "PLANTED-5ecret-wrong")][..], &[]] {
        let variables = [password, &[("OPENFAAS_URL", &*url)]].concat();
        let mut args = vec!["collect", "openfaas", "--store", text(&store), "--since", "1h"];
        args.extend(["--retry-for", "1s"]);
        let output = faaslens(&args, &variables, 3);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("401") && said.contains("invalid credentials") && !said.contains("wrong"), "{said}");
    }
}

#[test]
fn the_bare_lines_of_the_old_manager_are_read_as_from_its_file() {
    let manager = OldManager(events(300));
    let file = SESSION.path().join("tinyfaas-old.log");
    let lines: Vec<&str> = ["f0", "f1", "f2"]
        .iter()
        .flat_map(|function| manager.0.iter().filter(move |e| e.stream == *function).map(|e| e.text.as_str()))
        .collect();
    std::fs::write(&file, lines.join("\n") + "\n").expect("written");
    let server = Server::start(Arc::new(manager), Faults::default());
    let store = SESSION.path().join("tinyfaas-old");
    collect(&["tinyfaas", "--manager", &server.url()], &store, "api", &[], 0);
    let args = ["collect", "befaas", "--provider", "tinyfaas", text(&file), "--store", text(&store), "--run", "file"];
    faaslens(&args, &[], 0);
    tables(&store, "api").assert_same(&tables(&store, "file"));
    assert_eq!(pieces(&store, "api"), (225, 75));
}

#[test]
fn a_line_too_long_for_the_manager_costs_its_function_and_no_other() {
    let all = events(300);
    let of_others = all.iter().filter(|event| event.stream != "f1").count() as u64;
    let server = Server::start(Arc::new(LongLine(Manager(all), "f1")), Faults::default());
    let store = SESSION.path().join("tinyfaas-long");
    collect(&["tinyfaas", "--manager", &server.url()], &store, "r", &[], 1);
    let (records, other) = pieces(&store, "r");
    assert_eq!(records + other, of_others);
    let gaps = manifest(&store, "r").pulled[0].gaps.clone();
    assert!(gaps.len() == 1 && gaps[0].contains("function f1") && gaps[0].contains("64 KiB"), "{gaps:?}");
}

#[test]
fn a_window_with_more_activations_than_a_page_is_cut_until_each_came_once() {
    let mut all = events(700);
    // More than two pages in one millisecond.
    let busy = |n: i64| Logged { at_ms: BEGIN_MS + 1_234_567, stream: "f0".to_owned(), text: format!("busy {n}") };
    all.extend((0..450).map(busy));
    all.sort_by_key(|event| event.at_ms);
    let server = Server::start(Arc::new(Activations(all)), Faults::default());
    let store = SESSION.path().join("openwhisk-pages");
    let url = server.url();
    collect(&["openwhisk", "--apihost", &url, "--slice", "1h"], &store, "r", &[("__OW_API_KEY", KEY)], 0);
    let (records, other) = pieces(&store, "r");
    // A statement of each activation, and its line.
    assert_eq!(records + other, 2 * 1150);
    assert!(server.times().len() > 10, "{} requests", server.times().len());
    let busy = tables(&store, "r").table("platform_records").iter().filter(|row| row.contains("busy ")).count();
    assert_eq!(busy, 450);
}

#[test]
fn openwhisks_own_client_reads_the_same_of_its_fake_and_is_refused_alike() {
    let all = events(700);
    let lines = all.len();
    let since = BEGIN_MS.to_string();
    let server = Server::start(Arc::new(Activations(all)), Faults::default());
    let upto = END_MS.to_string();
    let output = crate::node::script("openwhisk", "openwhisk_peer.cjs")
        .args([&server.url(), KEY, &since, &upto])
        .output()
        .expect("node starts");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let expected = serde_json::json!({
        "activations": lines, "distinct": lines, "lines": lines, "newest_first": true, "by_default": 30, "at_zero": 200,
        "of_one": true, "lacking": ["logs", "response", "subject"],
        "too_many": {"status": 400, "error": "The value '201' is not in the range of 0 to 200 for activations."},
        "unknown_key": {"status": 401, "error": "The supplied authentication is invalid."},
    });
    assert_eq!(said, expected);
}
