//! How fast a million events come from a fake without limits, which runs in a process of its own, into the store.
//!
//! `cargo test --release --test living throughput -- --ignored --nocapture` prints events a second, processor time and peak memory.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binary::{SESSION, command, text};
use crate::cluster::{Cluster, Container, Instance, Pod};
use crate::fakes::{BEGIN_MS, END_MS, stamp};
use crate::k8s::kubeconfig;
use crate::server::{Answered, Asked, Fake, Faults, Server, mixed};
use crate::tables::manifest;

/// Events of a run.
const EVENTS: usize = 1_000_000;
/// Log groups, or pods.
const LOGS: usize = 4;
/// Events of a page.
const PAGE: usize = 10_000;
/// Slices of the window, as the collection cuts it.
const SLICES: usize = 6;
/// Which fake the process is to serve.
const SERVE: &str = "FAASLENS_TEST_SERVE";

/// The `n`-th event of a log: its time and its text, a record as the instrumentation writes it.
fn event(log: usize, n: usize) -> (i64, String) {
    let each = EVENTS / LOGS;
    let at_ms = BEGIN_MS + i64::try_from(n * 3_600_000 / each).expect("a time");
    let random = mixed((log * each + n) as u64);
    let executor = random % 8;
    let text = format!(
        r#"BEFAAS{{"timestamp":{at_ms},"now":{n}.{:06},"version":"8.24.3","deploymentId":"D","fn":{{"id":"f{log}e{executor:029}","name":"f{log}"}},"event":{{"contextId":"{:08x}","xPair":"{:08x}-{:08x}","perf":{{"mark":"start:rpcIn","name":"f{log}:{:08x}:{:08x}:start:rpcIn","entryType":"mark","startTime":{n}.25,"duration":0}}}}}}"#,
        random % 1_000_000,
        n / 20,
        n / 20,
        n / 4,
        n / 20,
        n / 4,
    );
    (at_ms, text)
}

/// `CloudWatch` pages that were made beforehand.
struct Pages(HashMap<(String, i64, usize), Vec<u8>>);

impl Pages {
    fn new() -> Self {
        let mut pages = HashMap::new();
        let (each, slice_ms) = (EVENTS / LOGS, 3_600_000 / i64::try_from(SLICES).expect("a few"));
        for log in 0..LOGS {
            let mut slices: Vec<Vec<String>> = vec![Vec::new(); SLICES];
            for n in 0..each {
                let (at_ms, message) = event(log, n);
                let slice = usize::try_from((at_ms - BEGIN_MS) / slice_ms).expect("a slice");
                let id = format!("{:056}", log * each + n);
                slices[slice].push(
                    json!({"logStreamName": format!("s{}", n % 8), "timestamp": at_ms, "message": message + "\n", "ingestionTime": at_ms + 700, "eventId": id})
                        .to_string(),
                );
            }
            for (slice, events) in slices.iter().enumerate() {
                let from = BEGIN_MS + slice_ms * i64::try_from(slice).expect("a few");
                let last = events.len().div_ceil(PAGE) - 1;
                for (number, page) in events.chunks(PAGE).enumerate() {
                    let next = if number < last { json!((number + 1).to_string()) } else { Value::Null };
                    let body = format!(r#"{{"events":[{}],"nextToken":{next}}}"#, page.join(","));
                    pages.insert((format!("/aws/lambda/f{log}"), from, number), body.into_bytes());
                }
            }
        }
        Self(pages)
    }
}

impl Fake for Pages {
    fn answer(&self, asked: &Asked) -> Answered {
        if asked.header("x-amz-target").ends_with("DescribeLogGroups") {
            let group = |n: usize| json!({"logGroupName": format!("/aws/lambda/f{n}"), "storedBytes": 0});
            return (200, json!({"logGroups": (0..LOGS).map(group).collect::<Vec<_>>()}).to_string().into_bytes());
        }
        let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
        let number = body["nextToken"].as_str().map_or(0, |token| token.parse().expect("a number"));
        let key = (
            body["logGroupName"].as_str().expect("a group").to_owned(),
            body["startTime"].as_i64().expect("a start"),
            number,
        );
        (200, self.0.get(&key).unwrap_or_else(|| panic!("no page {key:?}")).clone())
    }
}

/// Pods whose logs are all in the API's file.
fn cluster() -> Cluster {
    let pod = |log: usize| {
        let line = |n: usize| {
            let (at_ms, text) = event(log, n);
            (format!("{}{:03}Z", stamp(at_ms).trim_end_matches('Z'), n % 1000), text)
        };
        let current = Instance { lines: (0..EVENTS / LOGS).map(line).collect() };
        let container = Container { name: format!("f{log}"), current, ..Container::default() };
        Pod {
            name: format!("f{log}-6d4cf56db6-x2x7k"),
            function: format!("f{log}"),
            node: "n".to_owned(),
            containers: vec![container],
        }
    };
    Cluster { pods: (0..LOGS).map(pod).collect(), token: "t".to_owned(), forbidden: Vec::new() }
}

#[test]
#[ignore = "the other process of the tests of this file"]
fn serve() {
    let fake: Arc<dyn Fake> = match std::env::var(SERVE).as_deref() {
        Ok("aws") => Arc::new(Pages::new()),
        Ok("k8s") => Arc::new(cluster()),
        _ => return,
    };
    let server = Server::start(fake, Faults::default());
    let mut out = std::io::stdout();
    writeln!(out, "serving {}", server.url()).expect("written");
    out.flush().expect("written");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the other process ends");
}

/// Collects from a fake and says what it took.
fn measure(fake: &str, args: impl Fn(&str) -> Vec<String>, variables: impl Fn(&str) -> Vec<(&'static str, String)>) {
    let mut other = Command::new(std::env::current_exe().expect("this program"));
    other.args(["--exact", "throughput::serve", "--ignored", "--nocapture"]).env(SERVE, fake);
    let mut other = other.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(other.stdout.take().expect("its output")).lines();
    let url = lines.find_map(|line| line.expect("text").split_once("serving ").map(|(_, url)| url.to_owned()));
    let url = url.expect("an address");
    let store = SESSION.path().join(format!("throughput-{fake}"));
    let until = stamp(END_MS);
    let fixed = ["collect", fake, "--store", text(&store), "--run", "r", "--rate", "1000000"];
    let mut all: Vec<String> = fixed.iter().map(|arg| (*arg).to_owned()).collect();
    all.extend(["--since", "2026-11-22T07:00:00Z", "--until", &until].map(str::to_owned));
    all.extend(args(&url));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let variables = variables(&url);
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let began = Instant::now();
    let mut child = command(&all, &variables).spawn().expect("the binary starts");
    let (mut peak_kib, mut ticks) = (0, 0);
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            break status;
        }
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
        let peak = read("status")
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak_kib = peak.unwrap_or(0).max(peak_kib);
        // Fields 14 and 15: processor time of program and kernel, in hundredths of a second.
        let stat = read("stat");
        let own: u64 = stat
            .rsplit(") ")
            .next()
            .unwrap_or_default()
            .split(' ')
            .skip(11)
            .take(2)
            .filter_map(|n| n.parse::<u64>().ok())
            .sum();
        ticks = own.max(ticks);
        std::thread::sleep(Duration::from_millis(20));
    };
    let seconds = began.elapsed().as_secs_f64();
    drop(other.stdin.take());
    drop(other.wait());
    assert!(status.success());
    let records: u64 = manifest(&store, "r").sources.iter().map(|source| source.records).sum();
    assert_eq!(records, EVENTS as u64);
    let rate = EVENTS as f64 / seconds;
    let mut said = String::new();
    writeln!(
        said,
        "{fake}: {EVENTS} events in {seconds:.1} s: {rate:.0} a second, {:.1} s of processor time, {} MiB at the peak",
        ticks as f64 / 100.0,
        peak_kib / 1024
    )
    .expect("written");
    std::io::stderr().write_all(said.as_bytes()).expect("written");
    assert!(rate >= 100_000.0 && peak_kib <= 300 * 1024, "{said}");
}

#[test]
#[ignore = "a measurement: cargo test --release --test living throughput -- --ignored --nocapture --test-threads 1"]
fn a_million_events_come_from_cloudwatch_at_100_000_a_second_within_300_mib() {
    let variables = |url: &str| {
        vec![
            ("AWS_ENDPOINT_URL", url.to_owned()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "id".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "key".to_owned()),
        ]
    };
    measure("aws", |_| Vec::new(), variables);
}

#[test]
#[ignore = "a measurement: cargo test --release --test living throughput -- --ignored --nocapture --test-threads 1"]
fn a_million_lines_come_from_kubernetes_at_100_000_a_second_within_300_mib() {
    let config = |url: &str| text(&kubeconfig(url, &json!({"token": "t"}))).to_owned();
    measure("k8s", |url| vec!["--kubeconfig".to_owned(), config(url)], |_| Vec::new());
}
