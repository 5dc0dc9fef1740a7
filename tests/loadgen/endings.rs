//! Loads that end before their end: interrupted, killed, stopped by their own bounds.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::binary::{Served, ask, count, faaslens, start, summary, text, write_profile};

const ALLOW: [&str; 2] = ["--allow-host", "127.0.0.1"];

/// Sends a signal, as a terminal does at Ctrl-C.
fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
}

fn requests(folder: &Path) -> u64 {
    count("SELECT COUNT(*) FROM client_requests", "run/store", folder)
}

#[test]
fn ctrl_c_ends_a_load_with_every_record_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, served) = (folder.path(), Served::start());
    write_profile(folder, "{duration: 60, rate: 50}", "/slow/30", &served);
    let child = start(&["loadgen", "p.yml", "--out", "run", ALLOW[0], ALLOW[1]], folder);
    served.wait_for(40);
    signal(&child, "-INT");
    let since = Instant::now();
    let output = child.wait_with_output().expect("faaslens");
    assert!(since.elapsed() < Duration::from_secs(8), "{:?}", since.elapsed());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("stopped before the end: interrupted"), "{}", text(&output));
    assert_eq!(requests(folder), served.paths().len() as u64);
    assert_eq!(summary(&folder.join("run"))["stopped_by"], "interrupted");
    assert!(!folder.join("run/records.part").exists());
}

#[test]
fn a_killed_load_is_finished_from_the_records_that_reached_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, served) = (folder.path(), Served::start());
    write_profile(folder, "{duration: 60, rate: 50}", "/x", &served);
    let mut child = start(&["loadgen", "p.yml", "--out", "run", ALLOW[0], ALLOW[1]], folder);
    served.wait_for(50);
    // Records wait for a second at most.
    let before = served.paths().len() as u64;
    std::thread::sleep(Duration::from_millis(1500));
    child.kill().expect("a kill");
    child.wait().expect("an end");
    let refused = faaslens(&["loadgen", "p.yml", "--out", "run", ALLOW[0], ALLOW[1]], folder);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("faaslens loadgen finish run"), "{}", text(&refused));
    let finished = faaslens(&["loadgen", "finish", "run"], folder);
    assert!(matches!(finished.status.code(), Some(0 | 1)), "{}", text(&finished));
    let found = requests(folder);
    assert!(found >= before && found <= served.paths().len() as u64, "{before} {found} {}", served.paths().len());
    let summary = summary(&folder.join("run"));
    assert_eq!(summary["requests"].as_u64(), Some(found));
    assert_eq!(summary["stopped_by"], "the generator was killed");
    assert!(summary["dropped"].is_null(), "what only the generator could count is not known");
    let nothing = faaslens(&["loadgen", "finish", "run"], folder);
    assert!(text(&nothing).contains("nothing to finish"), "{}", text(&nothing));
}

#[test]
fn a_load_stops_at_a_share_of_failures_and_at_a_number_of_requests() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, served) = (folder.path(), Served::start());
    write_profile(folder, "{duration: 30, rate: 40}", "/status/503", &served);
    let since = Instant::now();
    let stopped =
        faaslens(&["loadgen", "p.yml", "--out", "run", "--stop-on-failures", "0.5", ALLOW[0], ALLOW[1]], folder);
    assert_eq!(stopped.status.code(), Some(1), "{}", text(&stopped));
    assert!(text(&stopped).contains("--stop-on-failures"), "{}", text(&stopped));
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    assert_eq!(requests(folder), served.paths().len() as u64);

    // How many requests threads will send is not known beforehand: the bound holds while they go round.
    write_profile(folder, "{users: 4, duration: 30}", "/x", &served);
    let before = served.paths().len();
    let bounded =
        faaslens(&["loadgen", "p.yml", "--out", "bounded", "--max-requests", "100", ALLOW[0], ALLOW[1]], folder);
    assert_eq!(bounded.status.code(), Some(1), "{}", text(&bounded));
    assert!(text(&bounded).contains("--max-requests"), "{}", text(&bounded));
    let recorded = summary(&folder.join("bounded"))["requests"].as_u64();
    assert_eq!((served.paths().len() - before, recorded), (100, Some(100)));
}

#[test]
fn nothing_is_sent_to_hosts_that_are_not_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, served) = (folder.path(), Served::start());
    write_profile(folder, "{users: 1, rounds: 3}", "/x", &served);
    for other in ["127.0.0.2", "localhost", "127.0.0.1:1", "example.org"] {
        let run = faaslens(&["loadgen", "p.yml", "--out", "run", "--allow-host", other], folder);
        assert_eq!(run.status.code(), Some(2), "{}", text(&run));
        assert!(text(&run).contains(&format!("(127.0.0.1:{}), found {other}", served.port)), "{}", text(&run));
    }
    let elsewhere = format!(
        "phases: [{{users: 1, rounds: 3}}]\nscenarios: [{{flow: [{{get: {{url: 'http://127.0.0.1:{}/x'}}}}]}}, {{weight: 0, flow: [{{get: {{url: 'http://b.example/'}}}}]}}]\n",
        served.port
    );
    std::fs::write(folder.join("q.yml"), elsewhere).expect("a profile");
    let run = faaslens(&["loadgen", "q.yml", "--out", "run", "--allow-host", "b.example"], folder);
    assert!(text(&run).contains("is not among the hosts allowed: its requests will not be sent"), "{}", text(&run));
    let classes = ask("SELECT class, COUNT(*) FROM client_requests GROUP BY class", "run/store", folder);
    assert_eq!(classes, [["host_not_allowed", "3"]]);
    assert_eq!(served.paths(), Vec::<String>::new());
    let port = format!("127.0.0.1:{}", served.port);
    let allowed = faaslens(&["loadgen", "p.yml", "--out", "sent", "--allow-host", &port], folder);
    assert!(matches!(allowed.status.code(), Some(0 | 1)), "{}", text(&allowed));
    assert_eq!(served.paths().len(), 3);
}
