//! Container logs as a node has them: rotated, compressed, with lines that the runtime cut.

use std::fmt::Write;
use std::process::Command;

use crate::binary::{SESSION, faaslens, text};
use crate::fakes::{Logged, events};
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
