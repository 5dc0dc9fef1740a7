//! Container logs as a node has them: rotated, compressed, with lines that the runtime cut.

use std::fmt::Write;
use std::process::Command;
use std::time::Instant;

use crate::binary::{SESSION, command, faaslens, text};
use crate::fakes::{Logged, events};
use crate::server::mixed;
use crate::tables::{manifest, tables};

/// Events as lines of the runtime, cut after 50 bytes.
fn lines(events: &[&Logged]) -> Vec<String> {
    let mut lines = Vec::new();
    for (n, event) in events.iter().enumerate() {
        let at = faaslens_schemas::time::Timestamp::from_millis(event.at_ms).to_string();
        let at = format!("{}{:03}Z", at.trim_end_matches('Z'), n % 1000);
        let (first, rest) = event.text.split_at(event.text.len().min(50));
        if rest.is_empty() {
            lines.push(format!("{at} stderr F {first}"));
        } else {
            lines.push(format!("{at} stdout P {first}"));
            lines.push(format!("{at} stdout F {rest}"));
        }
    }
    lines
}

#[test]
fn a_copied_tree_gives_every_line_once_whatever_was_rotated_or_compressed() {
    let events = events(600);
    let (rotated, whole) = (SESSION.path().join("rotated"), SESSION.path().join("whole"));
    for function in ["f0", "f1", "f2"] {
        let own: Vec<&Logged> = events.iter().filter(|event| event.stream == function).collect();
        let lines = lines(&own);
        let name = format!("pods/fn_{function}-6d4cf56db6-x2x7k_0a1b/{function}");
        for root in [&rotated, &whole] {
            std::fs::create_dir_all(root.join(&name)).expect("a folder");
        }
        let joined = |lines: &[String]| {
            lines.iter().fold(String::new(), |mut text, line| {
                writeln!(text, "{line}").expect("written");
                text
            })
        };
        std::fs::write(whole.join(&name).join("0.log"), joined(&lines)).expect("written");
        // Odd cuts: some fall between the pieces of a line.
        let cuts = [0, lines.len() / 3, (lines.len() / 2) | 1, lines.len()];
        let names = ["0.log.20261122-071000", "0.log.20261122-072000", "0.log"];
        for (cut, file) in cuts.windows(2).zip(names) {
            std::fs::write(rotated.join(&name).join(file), joined(&lines[cut[0]..cut[1]])).expect("written");
        }
        let oldest = rotated.join(&name).join(names[0]);
        assert!(Command::new("gzip").arg(&oldest).status().expect("gzip starts").success());
    }
    let store = SESSION.path().join("cri");
    for (run, folder) in [("rotated", &rotated), ("whole", &whole)] {
        faaslens(&["collect", "cri", text(folder), "--store", text(&store), "--run", run], &[], 0);
    }
    tables(&store, "rotated").assert_same(&tables(&store, "whole"));
    let sources = manifest(&store, "rotated").sources;
    let (records, other) = sources.iter().fold((0, 0), |(a, b), source| (a + source.records, b + source.platform));
    assert_eq!((records, other), (450, 150));
}

#[test]
#[ignore = "half a minute: cargo test --release --test living -- --ignored"]
fn a_collection_of_a_tree_that_is_killed_thirty_times_goes_on_to_identical_tables() {
    let (tree, store) = (SESSION.path().join("killed-tree"), SESSION.path().join("killed-store"));
    let events = events(60_000);
    for function in ["f0", "f1", "f2"] {
        let own: Vec<&Logged> = events.iter().filter(|event| event.stream == function).collect();
        for (pod, part) in own.chunks(own.len() / 4 + 1).enumerate() {
            let folder = tree.join(format!("pods/fn_{function}-6d4cf56db6-x2x7{pod}_0a1b/{function}"));
            std::fs::create_dir_all(&folder).expect("a folder");
            let lines = lines(part);
            let (old, new) = lines.split_at((lines.len() / 2) | 1);
            for (name, lines) in [("0.log.20261122-071000", old), ("0.log", new)] {
                std::fs::write(folder.join(name), lines.join("\n") + "\n").expect("written");
            }
            assert!(
                Command::new("gzip").arg(folder.join("0.log.20261122-071000")).status().expect("gzip starts").success()
            );
        }
    }
    let args = |run: &'static str| {
        let all =
            ["collect", "cri", text(&tree), "--store", text(&store), "--run", run, "--until", "2026-11-22T09:00:00Z"];
        all.map(str::to_owned)
    };
    let began = Instant::now();
    let whole = args("whole");
    faaslens(&whole.each_ref().map(String::as_str), &[], 0);
    let length = began.elapsed();
    let (mut kills, mut seed) = (0, 0);
    while kills < 30 {
        let run = args("killed");
        let mut child = command(&run.each_ref().map(String::as_str), &[]).spawn().expect("the binary starts");
        std::thread::sleep(length.mul_f64((mixed(seed) % 1000) as f64 / 1000.0));
        seed += 1;
        let ended = child.try_wait().expect("the child can be waited for").is_some();
        drop(child.kill());
        child.wait().expect("the child ends");
        kills += u32::from(!ended);
        if ended {
            tables(&store, "killed").assert_same(&tables(&store, "whole"));
        }
    }
    faaslens(&args("killed").each_ref().map(String::as_str), &[], 0);
    tables(&store, "killed").assert_same(&tables(&store, "whole"));
    assert!(tables(&store, "killed").rows("events") == 45_000);
}
