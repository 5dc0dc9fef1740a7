//! Several generator processes that share a schedule, and the one run that is made of theirs.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use faaslens_schemas::time::Timestamp;

use super::binary::{Served, ask, faaslens, start, summary, text, write_profile};

/// A time so long from now.
fn in_a_while(wait: Duration) -> Timestamp {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970") + wait;
    Timestamp::from_micros(i64::try_from(at.as_micros()).expect("a date"))
}

/// Drives `p.yml` in as many processes as there are shares, beginning together; gives when that was.
fn drive(shares: &[&str], folder: &Path) -> Timestamp {
    let begin = in_a_while(Duration::from_millis(1500));
    let at = begin.to_string();
    let started: Vec<_> = shares
        .iter()
        .map(|share| {
            let out = format!("run-{}", share.replace('/', "-"));
            let host = ["--allow-host", "127.0.0.1", "--seed", "11", "--output", "store,jtl,console"];
            let run = ["loadgen", "p.yml", "--out", &out, "--shard", share, "--start-at", &at];
            start(&[&run[..], &host[..]].concat(), folder)
        })
        .collect();
    for child in started {
        let output = child.wait_with_output().expect("faaslens");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", text(&output));
    }
    begin
}

/// What was driven: user, scenario, phase, and microseconds from the beginning to when the request was due.
fn schedule(store: &str, begin: Timestamp, folder: &Path) -> Vec<(u64, String, String, i64)> {
    let sql = "SELECT user, scenario, phase, scheduled_at FROM client_requests ORDER BY user";
    let rows = ask(sql, store, folder);
    // Microseconds of the minute; loads here are far shorter than one.
    let micros = |text: &str| {
        let (_, seconds) = text.trim_end_matches('Z').rsplit_once(':').expect("a time");
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
        format!("{whole}{fraction:0<6}").parse::<i64>().expect("microseconds")
    };
    let from = micros(&begin.to_string());
    let since = |text: &str| (micros(text) - from).rem_euclid(60_000_000);
    rows.into_iter()
        .map(|row| (row[0].parse().expect("a number"), row[1].clone(), row[2].clone(), since(&row[3])))
        .collect()
}

#[test]
fn merged_shares_are_the_run_that_one_process_would_have_driven() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, served) = (folder.path(), Served::start());
    let phases = "{name: even, duration: 1, rate: 40}, {name: random, duration: 1, rate: 40, arrivals: poisson}";
    let text_of = |path: &str| std::fs::read(folder.join(path)).expect("a file");
    write_profile(folder, phases, "/x", &served);
    let apart = drive(&["2/2", "1/2"], folder);
    let merged = faaslens(&["loadgen", "merge", "run-2-2", "run-1-2", "--out", "merged"], folder);
    assert!(matches!(merged.status.code(), Some(0 | 1)), "{}", text(&merged));
    let whole = drive(&["1/1"], folder);
    let (ours, theirs) = (schedule("merged/store", apart, folder), schedule("run-1-1/store", whole, folder));
    assert!(ours.len() > 60, "{}", ours.len());
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!((ours.0, &ours.1, &ours.2), (theirs.0, &theirs.1, &theirs.2));
        // Clocks are read to a microsecond.
        assert!((ours.3 - theirs.3).abs() <= 2, "{ours:?} {theirs:?}");
    }

    // One summary, whose numbers are those of the shares together.
    let (sum, one, two) =
        (summary(&folder.join("merged")), summary(&folder.join("run-1-2")), summary(&folder.join("run-2-2")));
    for key in ["requests", "arrivals", "planned", "bytes_received", "sockets_opened"] {
        assert_eq!(sum[key].as_u64(), one[key].as_u64().zip(two[key].as_u64()).map(|(a, b)| a + b), "{key}");
    }
    assert_eq!(sum["response_ms"]["n"], sum["requests"]);
    assert_eq!(sum["shards"].as_array().map(Vec::len), Some(2));
    assert_eq!(sum["planned"], summary(&folder.join("run-1-1"))["planned"]);

    // The same bytes, in whichever order the folders are named.
    let again = faaslens(&["loadgen", "merge", "run-1-2", "run-2-2", "--out", "again"], folder);
    assert!(matches!(again.status.code(), Some(0 | 1)), "{}", text(&again));
    for file in ["summary.json", "p.csv", "artillery.log", "store/runs/p.json"] {
        assert_eq!(text_of(&format!("merged/{file}")), text_of(&format!("again/{file}")), "{file}");
    }

    // Shares that do not make a whole are refused by name.
    let cases = [
        (vec!["run-1-2"], "expected each of the 2 shares once, found 1/2"),
        (vec!["run-1-2", "run-1-2"], "expected each of the 2 shares once, found 1/2, 1/2"),
        (vec!["run-1-2", "run-1-1"], "run-1-1: expected the output of loadgen --shard i/n"),
    ];
    for (folders, wanted) in cases {
        let arguments = [vec!["loadgen", "merge"], folders, vec!["--out", "refused"]].concat();
        let refused = faaslens(&arguments, folder);
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
        assert!(text(&refused).contains(wanted), "{}", text(&refused));
    }
}
