//! What a load shows while it runs: a line on a terminal, nothing elsewhere.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::binary::{Served, faaslens, text, write_profile};
use super::tool::tool;

/// Runs the binary on a pseudo-terminal of util-linux's `script`, with a text typed into it.
fn on_a_terminal(arguments: &str, typed: &str, folder: &Path) -> Output {
    let script = tool("debian", &["script", "bsdutils"]);
    let mut child = Command::new(script)
        .args(["--quiet", "--return", "--command"])
        .arg(format!("stty columns 80 rows 24; {} {arguments}", env!("CARGO_BIN_EXE_faaslens")))
        .arg("/dev/null")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("script");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(typed.as_bytes()).expect("a text");
    let output = child.wait_with_output();
    drop(input);
    output.expect("script")
}

/// A load of two seconds in `folder`.
fn profile(folder: &Path) -> Served {
    let served = Served::start();
    write_profile(folder, "{duration: 2.5, rate: 20}", "/slow/5", &served);
    served
}

#[test]
fn a_load_is_watched_on_a_terminal_and_leaves_its_line_clean() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = profile(folder.path());
    let shown = on_a_terminal("loadgen p.yml --out run --allow-host 127.0.0.1", "", folder.path());
    let shown = text(&shown);
    assert_eq!(served.paths().len(), 50, "{shown}");
    let pieces = || shown.split(['\r', '\n', '\u{1b}']);
    let line = pieces().find(|piece| piece.contains("/s, p50 ")).unwrap_or_else(|| panic!("{shown:?}"));
    let line = line.trim_start_matches("[2K");
    assert!(line.contains("/3 s ") && line.contains(" failed, ") && line.contains(" users, "), "{line:?}");
    assert!(line.chars().count() <= 80, "{line:?}");
    // The line is wiped off before the summary comes.
    let summary = shown.rfind("50 requests in").unwrap_or_else(|| panic!("{shown:?}"));
    assert!(!shown[summary..].contains("/s, p50 "), "{shown:?}");
    let last = shown.rfind("/s, p50 ").expect("a line");
    assert!(shown[last..summary].contains("\u{1b}[2K"), "{shown:?}");
}

#[test]
fn nothing_but_text_goes_to_a_pipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = profile(folder.path());
    let output = faaslens(&["loadgen", "p.yml", "--out", "run", "--allow-host", "127.0.0.1"], folder.path());
    assert_eq!(served.paths().len(), 50);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains('\u{1b}') && !errors.contains('\r') && !errors.contains("p50"), "{errors:?}");
    let quiet =
        faaslens(&["--quiet", "loadgen", "p.yml", "--out", "quiet", "--allow-host", "127.0.0.1"], folder.path());
    assert!(String::from_utf8_lossy(&quiet.stderr).lines().all(|line| line.starts_with("warning")), "{}", text(&quiet));
}

#[test]
fn the_hosts_are_asked_for_on_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = profile(folder.path());
    let host = format!("127.0.0.1:{}", served.port);
    let refused = on_a_terminal("loadgen p.yml --out run", "n\n", folder.path());
    assert!(text(&refused).contains(&format!("this sends requests to {host}: continue? [y/N]")), "{}", text(&refused));
    assert_eq!(served.paths().len(), 0);
    let confirmed = on_a_terminal("loadgen p.yml --out run", "y\n", folder.path());
    assert_eq!(served.paths().len(), 50, "{}", text(&confirmed));
}
