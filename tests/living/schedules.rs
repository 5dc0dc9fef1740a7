//! What must hold for every source, whatever happens on the way: against fakes, with faults by seed and with kills.
//!
//! The default run takes a few seeds of each source. All of them (some minutes):
//! `cargo test --release --test living -- --ignored`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faaslens_schemas::manifest::Manifest;

use crate::binary::{SESSION, command, faaslens, text};
use crate::cluster::Cluster;
use crate::fakes::{Activations, CloudLogging, CloudWatch, END_MS, Gateway, KEY, Logged, Manager, PASSWORD, events};
use crate::k8s::kubeconfig;
use crate::log_analytics::LogAnalytics;
use crate::server::{Fake, Faults, Server, mixed};
use crate::tables::{manifest, tables};

/// A secret of every environment: it must be nowhere else.
const PLANTED: &str = PASSWORD;
/// Events of a fake.
const EVENTS: u64 = 700;

/// A source under test.
struct Case {
    name: &'static str,
    fake: fn(u64) -> Arc<dyn Fake>,
    /// Further arguments; `{url}` is the server's.
    args: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        name: "aws",
        fake: |n| Arc::new(CloudWatch(events(n))),
        args: &[],
        variables: &[
            ("AWS_ENDPOINT_URL", "{url}"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", PLANTED),
            ("AWS_SESSION_TOKEN", PLANTED),
        ],
    },
    Case {
        name: "google",
        fake: |n| Arc::new(CloudLogging(events(n))),
        args: &["--project", "p"],
        variables: &[("CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING", "{url}"), ("CLOUDSDK_AUTH_ACCESS_TOKEN", PLANTED)],
    },
    Case {
        name: "azure",
        fake: |n| Arc::new(LogAnalytics::of(&events(n))),
        args: &["--workspace", "w", "--endpoint", "{url}", "--rows", "60"],
        variables: &[
            ("AZURE_AUTHORITY_HOST", "{url}"),
            ("AZURE_TENANT_ID", "t"),
            ("AZURE_CLIENT_ID", "c"),
            ("AZURE_CLIENT_SECRET", PLANTED),
        ],
    },
    Case {
        name: "openfaas",
        fake: |n| Arc::new(Gateway(events(n))),
        args: &["--gateway", "{url}"],
        variables: &[("OPENFAAS_PASSWORD", PLANTED)],
    },
    Case {
        name: "k8s",
        fake: |n| Arc::new(Cluster::of(&events(n), PLANTED)),
        args: &["--kubeconfig", "{kubeconfig}"],
        variables: &[],
    },
    Case { name: "tinyfaas", fake: |n| Arc::new(Manager(events(n))), args: &["--manager", "{url}"], variables: &[] },
    Case {
        name: "openwhisk",
        fake: |n| Arc::new(Activations(events(n))),
        args: &["--apihost", "{url}"],
        variables: &[("__OW_API_KEY", KEY)],
    },
];

impl Case {
    /// Arguments and environment of a collection into a store.
    fn command(&self, url: &str, store: &Path, more: &[&str]) -> (Vec<String>, Vec<(&'static str, String)>) {
        let until = faaslens_schemas::time::Timestamp::from_millis(END_MS).to_string();
        let fixed = ["collect", self.name, "--store", text(store), "--run", "r", "--since", "2026-11-22T07:00:00Z"];
        let patience = if more.contains(&"--retry-for") { &[][..] } else { &["--retry-for", "30s"][..] };
        let tuned = ["--until", &until, "--retry-pause", "1ms"];
        let all = fixed.iter().chain(&tuned).chain(patience).chain(self.args).chain(more);
        let fill = |arg: &&str| match *arg {
            "{kubeconfig}" => text(&kubeconfig(url, &serde_json::json!({"token": PLANTED}))).to_owned(),
            arg => arg.replace("{url}", url),
        };
        let args = all.map(fill).collect();
        (args, self.variables.iter().map(|(name, value)| (*name, value.replace("{url}", url))).collect())
    }

    fn run(&self, url: &str, store: &Path, more: &[&str], code: Option<i32>) -> String {
        let (args, variables) = self.command(url, store, more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // Whoever debugs must not see secrets either.
        let variables = [&variables[..], &[("RUST_LOG", "trace")]].concat();
        let output = match code {
            Some(code) => faaslens(&args, &variables, code),
            None => command(&args, &variables).output().expect("the binary starts"),
        };
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!said.contains(PLANTED), "{said}");
        said
    }

    /// The manifest of an undisturbed collection, with the checksums of its files.
    fn reference(&self) -> Manifest {
        // Several tests ask for it at a time.
        let folder = tempfile::tempdir_in(SESSION.path()).expect("a folder");
        let store = folder.path().join("store");
        let server = Server::start((self.fake)(EVENTS), Faults::default());
        self.run(&server.url(), &store, &["--rate", "100000"], Some(0));
        let manifest = manifest(&store, "r");
        let pieces: u64 = manifest.sources.iter().map(|source| source.records + source.platform).sum();
        let expected = match self.name {
            // A statement of each activation.
            "openwhisk" => 2 * EVENTS,
            // Statements on pods and containers, and events.
            "k8s" => EVENTS + 3 * 4 + 4 + 2 + 3,
            _ => EVENTS,
        };
        assert_eq!(pieces, expected, "{}: {manifest:?}", self.name);
        assert_eq!(manifest.rejects(), 0);
        manifest
    }

    /// Collects through faults: the tables are those of the undisturbed collection, or an error names the slice.
    /// What it said where it did not come through at once.
    fn survives(&self, seed: u64, reference: &Manifest) -> Option<String> {
        let store = SESSION.path().join(format!("{}-faults-{seed}", self.name));
        let percent = 5 + mixed(seed) % 20;
        let server = Server::start((self.fake)(EVENTS), Faults { seed, percent, delay: Duration::ZERO });
        let said = self.run(&server.url(), &store, &["--rate", "100000"], None);
        let named = said.contains(", slice [") && said.contains("run the same command again");
        let complete = store.join("runs/r.json").is_file();
        let whole = complete && normalised(manifest(&store, "r")) == *reference;
        assert!(whole || named, "{} seed {seed}, {percent} %: {said}", self.name);
        if !whole {
            // The same command goes on from the slices that came through.
            server.calm_down();
            self.run(&server.url(), &store, &["--rate", "100000"], Some(0));
            assert!(normalised(manifest(&store, "r")) == *reference, "{} seed {seed}, resumed", self.name);
        }
        drop(std::fs::remove_dir_all(&store));
        (!whole).then(|| format!("seed {seed}, {percent} %: {}", said.trim()))
    }

    /// Kills collections until one ends by itself: the tables are those of one that was never killed.
    fn survives_kills(&self, seed: u64, reference: &Manifest) -> u32 {
        let store = SESSION.path().join(format!("{}-kill-{seed}", self.name));
        let server =
            Server::start((self.fake)(EVENTS), Faults { delay: Duration::from_millis(4), ..Faults::default() });
        let mut kills = 0;
        loop {
            let (args, variables) = self.command(&server.url(), &store, &["--rate", "100000"]);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let mut child = command(&args, &variables).spawn().expect("the binary starts");
            std::thread::sleep(Duration::from_millis(
                mixed(seed * 31 + u64::from(kills)) % 120 + u64::from(kills) * 10,
            ));
            if child.try_wait().expect("the child can be waited for").is_some_and(|status| status.success()) {
                break;
            }
            drop(child.kill());
            let status = child.wait().expect("the child ends");
            if status.success() {
                break;
            }
            kills += 1;
            assert!(kills < 60, "{}: no collection comes to its end: {status}", self.name);
        }
        assert!(normalised(manifest(&store, "r")) == normalised(reference.clone()), "{} seed {seed}", self.name);
        assert!(!store.join(".pulled").exists(), "{}: slices are left", self.name);
        drop(std::fs::remove_dir_all(&store));
        kills
    }
}

/// Without what names the server.
fn normalised(mut manifest: Manifest) -> Manifest {
    manifest.pulled.iter_mut().for_each(|pulled| pulled.selection.clear());
    manifest
}

fn fault_schedules(seeds: u64) {
    for case in CASES {
        let reference = normalised(case.reference());
        let stopped: Vec<String> = (0..seeds).filter_map(|seed| case.survives(seed, &reference)).collect();
        assert!(stopped.len() as u64 * 10 <= seeds, "{}: too many stopped: {stopped:#?}", case.name);
    }
}

fn kills(seeds: u64) {
    for case in CASES {
        let reference = case.reference();
        let mut kills = 0;
        let mut seed = 0;
        while kills < u32::try_from(seeds).expect("a few") {
            kills += case.survives_kills(seed, &reference);
            seed += 1;
        }
    }
}

#[test]
fn faults_on_the_way_lose_and_repeat_nothing() {
    fault_schedules(3);
}

#[test]
#[ignore = "minutes: cargo test --release --test living -- --ignored"]
fn two_hundred_schedules_of_faults_lose_and_repeat_nothing() {
    fault_schedules(200);
}

#[test]
fn collections_killed_at_any_moment_go_on_to_identical_tables() {
    kills(3);
}

#[test]
#[ignore = "minutes: cargo test --release --test living -- --ignored"]
fn thirty_kills_of_each_source_end_in_identical_tables() {
    kills(30);
}

#[test]
fn the_rate_is_never_exceeded() {
    for case in CASES {
        // Some of them have few requests, for each function, each pod, or for all: a low rate shows there.
        let (rate, least) = match case.name {
            "openfaas" | "tinyfaas" => (2, 1),
            "k8s" => (8, 20),
            _ => (30, 30),
        };
        let store = SESSION.path().join(format!("{}-rate", case.name));
        let server = Server::start((case.fake)(EVENTS), Faults::default());
        case.run(&server.url(), &store, &["--rate", &rate.to_string(), "--workers", "8", "--slice", "2m"], Some(0));
        let times = server.times();
        assert!(times.len() >= least, "{}: {} requests", case.name, times.len());
        for (n, first) in times.iter().enumerate() {
            let in_a_second =
                times[n..].iter().take_while(|time| time.duration_since(*first) < Duration::from_secs(1)).count();
            // Listing and reading have a quota each, and so has asking for a token; a request may be under way when the
            // second begins.
            assert!(in_a_second <= rate + 3, "{}: {in_a_second} requests in a second", case.name);
        }
    }
}

/// Makes an API of some events.
type MakeFake = fn(Vec<Logged>) -> Arc<dyn Fake>;

/// An API that shows some events only after so many requests.
struct Late {
    early: Arc<dyn Fake>,
    all: Arc<dyn Fake>,
    requests: AtomicUsize,
    after: usize,
}

impl Fake for Late {
    fn answer(&self, asked: &crate::server::Asked) -> crate::server::Answered {
        let early = self.requests.fetch_add(1, Ordering::Relaxed) < self.after;
        if early { self.early.answer(asked) } else { self.all.answer(asked) }
    }
}

#[test]
fn events_that_come_late_into_the_tail_are_found_by_settling() {
    // The last of the six slices lacks every fifth event at first.
    let tail = END_MS - 600_000;
    let is_late = |(n, event): (usize, &Logged)| event.at_ms >= tail && n.is_multiple_of(5);
    let all = events(EVENTS);
    let early: Vec<Logged> =
        all.iter().enumerate().filter(|&pair| !is_late(pair)).map(|(_, event)| event.clone()).collect();
    let late = (all.len() - early.len()) as u64;
    assert!(late > 10);
    let made: [(&str, MakeFake); 3] = [
        ("aws", |events| Arc::new(CloudWatch(events))),
        ("google", |events| Arc::new(CloudLogging(events))),
        ("openwhisk", |events| Arc::new(Activations(events))),
    ];
    for (name, make) in made {
        let case = CASES.iter().find(|case| case.name == name).expect("a case");
        let store = SESSION.path().join(format!("{name}-late"));
        let calm = Server::start(make(early.clone()), Faults::default());
        case.run(&calm.url(), &store, &["--rate", "100000"], Some(0));
        let (requests, after) = (AtomicUsize::new(0), calm.times().len());
        let fake = Late { early: make(early.clone()), all: make(all.clone()), requests, after };
        let server = Server::start(Arc::new(fake), Faults::default());
        case.run(&server.url(), &store, &["--rate", "100000", "--settle", "20ms"], Some(0));
        let settled = manifest(&store, "r");
        // An activation has a statement and a line.
        let each = if name == "openwhisk" { 2 } else { 1 };
        assert_eq!((settled.pulled[0].events, settled.pulled[0].late), (each * EVENTS, each * late), "{name}");
        let reference = case.reference();
        assert_eq!(settled.sources, reference.sources, "{name}");
    }
}

#[test]
fn an_api_that_throttles_for_ever_ends_in_an_error_that_names_the_slice() {
    let case = &CASES[0];
    let store = SESSION.path().join("throttled");
    let server = Server::start((case.fake)(EVENTS), Faults::default());
    case.run(&server.url(), &store, &["--rate", "100000"], Some(0));
    let throttling = Server::start(Arc::new(Throttling(CloudWatch(events(EVENTS)))), Faults::default());
    let began = Instant::now();
    let other = SESSION.path().join("throttled-for-ever");
    let said = case.run(&throttling.url(), &other, &["--rate", "100000", "--retry-for", "1s"], Some(3));
    assert!(said.contains("slice [2026-11-22T07:") && said.contains("ThrottlingException"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// Lists groups and lets nobody read them.
struct Throttling(CloudWatch);

impl Fake for Throttling {
    fn answer(&self, asked: &crate::server::Asked) -> crate::server::Answered {
        if asked.header("x-amz-target").ends_with("DescribeLogGroups") {
            self.0.answer(asked)
        } else {
            self.0.throttled()
        }
    }
}

/// An API behind a cache that, the first time, takes every question for one that was answered with nothing.
struct Forgetful {
    api: CloudLogging,
    answered: Mutex<BTreeSet<String>>,
}

impl Fake for Forgetful {
    fn answer(&self, asked: &crate::server::Asked) -> crate::server::Answered {
        let known = !self.answered.lock().expect("the questions").insert(self.api.series(asked));
        if known { self.api.answer(asked) } else { (200, b"{}".to_vec()) }
    }
}

#[test]
fn readings_that_must_agree_outlive_a_cache_that_answers_with_nothing() {
    let case = CASES.iter().find(|case| case.name == "google").expect("a case");
    let store = SESSION.path().join("verified");
    let server = Server::start(
        Arc::new(Forgetful { api: CloudLogging(events(EVENTS)), answered: Mutex::default() }),
        Faults::default(),
    );
    case.run(&server.url(), &store, &["--rate", "100000", "--verify"], Some(0));
    assert_eq!(normalised(manifest(&store, "r")), normalised(case.reference()));
}

/// The store's files as they are, and the rows of its tables, which are packed.
fn holds_secret(store: &Path) -> Option<String> {
    let mut folders = vec![store.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if memchr::memmem::find(&std::fs::read(&path).expect("a file"), PLANTED.as_bytes()).is_some() {
                return Some(path.display().to_string());
            }
        }
    }
    format!("{:?}", tables(store, "r")).contains(PLANTED).then(|| "a table".to_owned())
}

#[test]
fn a_planted_secret_is_nowhere_in_the_store() {
    for case in CASES {
        let store = SESSION.path().join(format!("{}-secret", case.name));
        let server = Server::start((case.fake)(EVENTS), Faults { seed: 7, percent: 20, delay: Duration::ZERO });
        case.run(&server.url(), &store, &["--rate", "100000"], None);
        server.calm_down();
        case.run(&server.url(), &store, &["--rate", "100000"], Some(0));
        assert_eq!(holds_secret(&store), None, "{}", case.name);
        // One of the requests that the functions logged had it in a header, which came this far.
        let rows = format!("{:?}", tables(&store, "r"));
        assert!(rows.contains("/with-a-secret-header"), "{}", case.name);
    }
}
