//! Kubernetes: a recorded run through the fake, kubectl as second client, credentials, and what the API does not have any more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::binary::{SESSION, faaslens, text, unpacked};
use crate::cluster::{Cluster, Container, Instance, NAMESPACE, Pod};
use crate::fakes::{BEGIN_MS, events, stamp};
use crate::server::{Answered, Asked, Fake, Faults, Server};
use crate::tables::{manifest, tables};
use crate::tls::file;

const WINDOW: [&str; 4] = ["--since", "2026-11-22T06:59:00Z", "--until", "2026-11-22T08:00:00Z"];
/// What only the API server says.
const STATEMENTS: [&str; 3] = ["\"pod_", "\"container_", "\"event\""];

/// A kubeconfig with a user, which trusts the authority of the fakes.
pub(crate) fn kubeconfig(url: &str, user: &serde_json::Value) -> PathBuf {
    let name =
        format!("kubeconfig-{:x}", user.to_string().len() * 65_536 + url.bytes().map(usize::from).sum::<usize>());
    let path = SESSION.path().join(format!("{name}-{}", url.rsplit(':').next().unwrap_or_default()));
    let authority = STANDARD.encode(std::fs::read(file("ca.crt")).expect("the authority"));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "edge",
        "clusters": [{"name": "edge", "cluster": {"server": url, "certificate-authority-data": authority}}],
        "contexts": [{"name": "edge", "context": {"cluster": "edge", "user": "reader", "namespace": NAMESPACE}}],
        "users": [{"name": "reader", "user": user}],
    });
    std::fs::write(&path, config.to_string()).expect("written");
    path
}

fn collect(config: &Path, store: &Path, run: &str, more: &[&str], code: i32) -> String {
    let mut args = vec!["collect", "k8s", "--kubeconfig", text(config), "--store", text(store), "--run", run];
    args.extend(WINDOW.iter().chain(&["--rate", "100000", "--retry-pause", "1ms", "--retry-for", "2s"]).chain(more));
    let Output { stdout, stderr, .. } = faaslens(&args, &[], code);
    let said = [stdout, stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(!said.contains("PLANTED"), "{said}");
    said
}

/// The lines of a recorded log, a pod for each function, with stamps as a kubelet gives them.
fn recorded() -> (PathBuf, Vec<Pod>) {
    let path = unpacked("tests/data/runs/webservice-2/openfaas.log.zst", "k8s-openfaas.log");
    let log = std::fs::read_to_string(&path).expect("the log");
    let mut lines: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let (mut function, mut at_ms) = (String::from("getproduct"), 1_795_331_011_000);
    for (n, line) in log.lines().enumerate() {
        let field = |mark: &str, end: char| {
            line.split_once(mark).and_then(|(_, rest)| rest.split(end).next()).map(str::to_owned)
        };
        if let Some(name) = field(r#"","name":""#, '"').filter(|_| line.contains("BEFAAS{")) {
            function = name;
            at_ms = field(r#"BEFAAS{"timestamp":"#, ',').and_then(|at| at.parse().ok()).unwrap_or(at_ms);
        }
        let at = format!("{}{:03}Z", stamp(at_ms).trim_end_matches('Z'), n % 1000);
        lines.entry(function.clone()).or_default().push((at, line.to_owned()));
    }
    let pod = |(function, lines): (String, Vec<(String, String)>)| Pod {
        name: format!("{function}-6d4cf56db6-x2x7k"),
        node: "node-1".to_owned(),
        containers: vec![Container { name: function.clone(), current: Instance { lines }, ..Container::default() }],
        function,
    };
    (path, lines.into_iter().map(pod).collect())
}

#[test]
fn a_recorded_run_comes_back_from_the_api_as_from_the_nodes_files_and_from_the_log() {
    let (log, pods) = recorded();
    let (store, nodes) = (SESSION.path().join("k8s-recorded"), SESSION.path().join("k8s-nodes"));
    for pod in &pods {
        let folder = nodes.join(format!("pods/{NAMESPACE}_{}_uid-{}/{}", pod.name, pod.function, pod.function));
        std::fs::create_dir_all(&folder).expect("a folder");
        let lines = &pod.containers[0].current.lines;
        let lines: Vec<String> = lines.iter().map(|(at, line)| format!("{at} stdout F {line}")).collect();
        std::fs::write(folder.join("0.log"), lines.join("\n") + "\n").expect("written");
    }
    faaslens(
        &["collect", "cri", text(&nodes), "--provider", "openfaas", "--store", text(&store), "--run", "nodes"],
        &[],
        0,
    );
    faaslens(
        &["collect", "befaas", "--provider", "openfaas", text(&log), "--store", text(&store), "--run", "log"],
        &[],
        0,
    );
    let server = Server::start(
        Arc::new(Cluster { pods, token: "PLANTED".to_owned(), forbidden: Vec::new() }),
        Faults::default(),
    );
    let config = kubeconfig(&server.url(), &json!({"token": "PLANTED"}));
    collect(&config, &store, "api", &["--provider", "openfaas"], 0);
    let api = tables(&store, "api");
    api.without("platform_records", &STATEMENTS).assert_same(&tables(&store, "nodes"));
    let log = tables(&store, "log");
    assert_eq!(api.table("events"), log.table("events"));
    assert!(api.rows("events") > 5000 && api.rows("platform_records") > 60);
}

/// kubectl, as Debian has it or this machine.
fn kubectl(config: &Path, args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = Command::new(root.join("scripts/tools/debian")).args(["kubectl", "kubernetes-client"]).output();
    let found = found.expect("scripts/tools/debian starts");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let program = String::from_utf8(found.stdout).expect("a path");
    let mut command = Command::new(program.trim());
    command.env_clear().env("HOME", SESSION.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.arg("--kubeconfig").arg(config).args(args).output().expect("kubectl starts")
}

#[test]
fn kubectl_reads_from_the_fake_what_is_collected_from_it() {
    let events = events(300);
    let cluster = Cluster::of(&events, "PLANTED");
    let server = Server::start_tls(Arc::new(cluster.clone()));
    let client = json!({"client-certificate": file("client.crt"), "client-key": file("client.key")});
    let config = kubeconfig(&server.url(), &client);
    let said = |args: &[&str]| {
        let output = kubectl(&config, args);
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (pods, error) = said(&["get", "pods", "-l", "faas_function in (f0, f2)", "--chunk-size=1", "-o", "name"]);
    assert_eq!(pods, "pod/f0-6d4cf56db6-x2x7k\npod/f2-6d4cf56db6-x2x7k\n", "{error}");
    let (events_of, error) = said(&["get", "events", "-o", "jsonpath={.items[*].reason}"]);
    assert_eq!(events_of, "Unhealthy Unhealthy Unhealthy", "{error}");
    let mut lines: Vec<String> = Vec::new();
    for pod in &cluster.pods {
        for container in &pod.containers {
            let all = ["logs", pod.name.as_str(), "-c", container.name.as_str(), "--timestamps"];
            lines.extend(said(&all).0.lines().map(str::to_owned));
            let (previous, error) = said(&[&all[..], &["--previous"]].concat());
            lines.extend(previous.lines().map(str::to_owned));
            assert_eq!(previous.is_empty(), container.previous.is_none());
            assert!(container.previous.is_some() || error.contains("previous terminated container"), "{error}");
        }
    }
    let (_, error) = said(&["logs", "f1-6d4cf56db6-x2x7k"]);
    assert!(error.contains("choose one of: [f1 proxy]") || error.contains("Defaulted container"), "{error}");
    let (_, error) = said(&["logs", "nobody"]);
    assert!(error.contains("NotFound"), "{error}");
    let late = said(&["logs", "f0-6d4cf56db6-x2x7k", "--timestamps", "--since-time=2026-11-22T07:30:00Z"]).0;
    assert!(late.lines().next().is_some_and(|line| line.starts_with("2026-11-22T07:3")), "{late}");

    let store = SESSION.path().join("k8s-kubectl");
    collect(&config, &store, "r", &[], 0);
    let pieces: u64 = manifest(&store, "r").sources.iter().map(|source| source.records + source.platform).sum();
    // Four statements on each of three pods, the start of four containers, start and end of an instance before, an event for each pod.
    let statements = 3 * 4 + 4 + 2 + 3;
    assert_eq!((lines.len(), pieces), (300, 300 + statements));
    let texts = tables(&store, "r");
    let lines_of_text = lines.iter().filter(|line| !line.contains("BEFAAS{")).count();
    assert_eq!(texts.without("platform_records", &STATEMENTS).rows("platform_records"), lines_of_text);
}

#[test]
fn the_questions_of_the_how_to_are_answered() {
    let cluster = Cluster::of(&events(300), "PLANTED");
    let server = Server::start(Arc::new(cluster), Faults::default());
    let store = SESSION.path().join("k8s-questions");
    collect(&kubeconfig(&server.url(), &json!({"token": "PLANTED"})), &store, "r", &[], 0);
    let page = include_str!("../../docs/sources/k8s.md");
    let asked =
        page.lines().filter_map(|line| line.trim().strip_prefix("faaslens query --store store \"")?.strip_suffix('"'));
    let mut answers: Vec<Vec<String>> = Vec::new();
    for question in asked {
        let answer = faaslens(&["query", "--store", text(&store), "--format", "csv", question], &[], 0);
        let answer = String::from_utf8(answer.stdout).expect("text");
        let mut rows: Vec<String> = answer.lines().skip(1).map(str::to_owned).collect();
        rows.sort_unstable();
        answers.push(rows);
    }
    // Each pod is ready six seconds after its creation; the second one is on the other node.
    let ready = ["f0,1,6000", "f1,1,6000", "f2,1,6000"].map(str::to_owned).to_vec();
    let placed = ["node-0,2", "node-1,1"].map(str::to_owned).to_vec();
    assert_eq!(answers, [ready, placed]);
}

#[test]
fn users_are_known_by_certificate_token_password_or_plugin_and_by_nothing_else() {
    let server = Server::start_tls(Arc::new(Cluster::of(&events(40), "PLANTED")));
    let token = SESSION.path().join("k8s-token");
    std::fs::write(&token, "PLANTED\n").expect("written");
    // The first time, the plugin gives a token that does not hold any more.
    let told = SESSION.path().join("k8s-told");
    let script = format!(
        r#"if [ -e {0} ]; then t=PLANTED; else touch {0}; t=PLANTED-OLD; fi
        printf '{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{{"token":"%s"}}}}' "$t""#,
        told.display()
    );
    let plugin = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script], "interactiveMode": "Never"});
    let store = SESSION.path().join("k8s-users");
    for (n, user) in [
        json!({"client-certificate": file("client.crt"), "client-key": file("client.key")}),
        json!({"token": "PLANTED"}),
        json!({"tokenFile": token}),
        json!({"username": "reader", "password": "PLANTED"}),
        json!({"exec": plugin}),
    ]
    .iter()
    .enumerate()
    {
        collect(&kubeconfig(&server.url(), user), &store, &format!("r{n}"), &[], 0);
    }
    for user in [json!({"token": "PLANTED-WRONG"}), json!({})] {
        let said = collect(&kubeconfig(&server.url(), &user), &store, "refused", &[], 3);
        assert!(said.contains("401 Unauthorized"), "{said}");
    }
}

#[test]
fn a_server_of_another_authority_is_not_spoken_to() {
    let server = Server::start_tls(Arc::new(Cluster::of(&events(40), "PLANTED")));
    let path = kubeconfig(&server.url(), &json!({"token": "PLANTED"}));
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).expect("the file")).expect("JSON");
    let cluster = config["clusters"][0]["cluster"].as_object_mut().expect("a cluster");
    cluster.remove("certificate-authority-data");
    std::fs::write(&path, config.to_string()).expect("written");
    let said = collect(&path, &SESSION.path().join("k8s-stranger"), "r", &[], 3);
    assert!(said.contains("certificate"), "{said}");
    assert!(server.times().is_empty());
}

#[test]
fn lines_that_were_rotated_away_are_named_with_the_remedy() {
    let mut cluster = Cluster::of(&events(300), "PLANTED");
    // 300 kB a second from the start on, of which the API has the second half.
    let line = |n: i64| (stamp(BEGIN_MS + n).replace('Z', "000Z"), "x".repeat(300));
    let busy = &mut cluster.pods[0].containers[0];
    *busy = Container { rotated: true, current: Instance { lines: (0..60_000).map(line).collect() }, ..busy.clone() };
    cluster.pods[2].containers[0].restarts = 4;
    let server = Server::start(Arc::new(cluster), Faults::default());
    let config = kubeconfig(&server.url(), &json!({"token": "PLANTED"}));
    let store = SESSION.path().join("k8s-rotated");
    collect(&config, &store, "r", &[], 1);
    let gaps = manifest(&store, "r").pulled[0].gaps.clone();
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps[0].starts_with("openfaas-fn/f0-") && gaps[0].contains("rotated away"), "{gaps:?}");
    assert!(gaps[1].starts_with("openfaas-fn/f2-") && gaps[1].contains("restarted 4 times"), "{gaps:?}");
    assert!(gaps.iter().all(|gap| gap.contains("faaslens collect cri")), "{gaps:?}");
}

#[test]
fn what_a_user_may_not_do_is_named() {
    let denied = |forbidden: &'static str| {
        let cluster = Cluster { forbidden: vec![forbidden], ..Cluster::of(&events(40), "PLANTED") };
        let server = Server::start(Arc::new(cluster), Faults::default());
        let config = kubeconfig(&server.url(), &json!({"token": "PLANTED"}));
        (server, config)
    };
    let store = SESSION.path().join("k8s-forbidden");
    let (_server, config) = denied("pods/log");
    assert!(collect(&config, &store, "log", &[], 3).contains(r#"cannot get resource "pods/log""#));
    let (_server, config) = denied("events");
    collect(&config, &store, "events", &[], 1);
    let gaps = manifest(&store, "events").pulled[0].gaps.clone();
    assert!(gaps.len() == 1 && gaps[0].contains(r#"cannot list resource "events""#), "{gaps:?}");
}

/// Restarts its third pod's container while it is read: the instance before the last is there no longer.
struct Restarting {
    before: Cluster,
    after: Cluster,
    restarted: std::sync::atomic::AtomicBool,
}

impl Fake for Restarting {
    fn answer(&self, asked: &Asked) -> Answered {
        use std::sync::atomic::Ordering::Relaxed;
        let is_log = asked.path.contains("/f2-") && asked.path.ends_with("/log");
        let now = if self.restarted.load(Relaxed) { &self.after } else { &self.before };
        if is_log {
            self.restarted.store(true, Relaxed);
        }
        now.answer(asked)
    }
}

#[test]
fn a_container_that_restarts_while_it_is_read_is_read_again() {
    let events = events(300);
    let after = Cluster::of(&events, "PLANTED");
    let mut before = after.clone();
    let container = &mut before.pods[2].containers[0];
    container.current = container.previous.take().expect("an instance");
    container.restarts = 0;
    let server = Server::start(Arc::new(Restarting { before, after, restarted: false.into() }), Faults::default());
    let config = kubeconfig(&server.url(), &json!({"token": "PLANTED"}));
    let store = SESSION.path().join("k8s-restarting");
    collect(&config, &store, "r", &[], 0);
    let lines = tables(&store, "r").without("platform_records", &STATEMENTS);
    assert_eq!(lines.rows("events") + lines.rows("platform_records"), 300);
}

#[test]
fn a_dry_run_names_containers_and_requests_and_reads_nothing() {
    let server = Server::start(Arc::new(Cluster::of(&events(40), "PLANTED")), Faults::default());
    let config = kubeconfig(&server.url(), &json!({"token": "PLANTED"}));
    let store = SESSION.path().join("k8s-dry");
    let said = collect(&config, &store, "r", &["--dry-run", "--function", "f1"], 0);
    assert!(said.contains("openfaas-fn/f1-6d4cf56db6-x2x7k/proxy uid-f1") && !said.contains("f0-"), "{said}");
    assert!(
        said.contains("k8s [2026-11-22T06:59:00.000000Z, 2026-11-22T08:00:00.000000Z): 3 logs, 3 slices"),
        "{said}"
    );
}
