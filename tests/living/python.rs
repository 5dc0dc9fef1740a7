//! Servers in Python that tests start, with what they need from `PyPI`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The Python with what a folder of `tests/tools` pins; installed on first use.
pub(crate) fn interpreter(tool: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/tools").join(tool);
    let output = Command::new(root.join("scripts/tools/python")).arg(&folder).stderr(Stdio::inherit()).output();
    let output = output.expect("scripts/tools/python starts");
    assert!(output.status.success(), "scripts/tools/python {} failed", folder.display());
    PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
}

/// A server that says on its first line where it is, and ends with its standard input.
pub(crate) struct Server {
    child: Child,
    /// What it said.
    pub(crate) said: Value,
}

impl Server {
    /// Starts a script of this folder.
    pub(crate) fn start(tool: &str, script: &str, args: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/living").join(script);
        let mut command = Command::new(interpreter(tool));
        command.arg(script).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("python starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        Self { child, said }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &str {
        self.said["url"].as_str().expect("a url")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
