//! The histograms of a summary, read by a library that others wrote.

use std::path::Path;
use std::process::Command;

use super::binary::{Served, faaslens, summary, text, write_profile};
use super::tool::tool;

#[test]
fn histograms_are_read_by_another_library() {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, served) = (folder.path(), Served::start());
    write_profile(folder, "{duration: 1, rate: 40}, {duration: 1, rate: 20}", "/slow/7", &served);
    let driven = faaslens(&["loadgen", "p.yml", "--out", "run", "--allow-host", "127.0.0.1"], folder);
    assert!(matches!(driven.status.code(), Some(0 | 1)), "{}", text(&driven));
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/loadgen/peer");
    let python = tool("python", &[peer.to_str().expect("a path in UTF-8")]);
    let output =
        Command::new(python).arg(peer.join("histogram.py")).arg("run/summary.json").current_dir(folder).output();
    let output = output.expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let ours = summary(&folder.join("run"));
    assert_eq!(ours["requests"].as_u64(), Some(60));
    for (times, histogram, encoded) in [
        ("response_ms", "response_histogram", "response_hdr"),
        ("corrected_ms", "corrected_histogram", "corrected_hdr"),
    ] {
        assert_eq!(theirs[encoded]["n"], ours[times]["n"]);
        assert_eq!(theirs[encoded]["buckets"], ours[histogram], "{histogram}");
        for quantile in ["p50", "p90", "p95", "p99", "p99_9", "max"] {
            let (theirs, ours) = (theirs[encoded][quantile].as_f64(), ours[times][quantile].as_f64());
            let (theirs, ours) = (theirs.expect("a number") / 1000.0, ours.expect("a number"));
            assert!((theirs - ours).abs() <= ours / 1000.0, "{times} {quantile}: {theirs} for {ours}");
        }
    }
}
