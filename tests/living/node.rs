//! Scripts for Node that tests run, with what they need from npm.

use std::path::Path;
use std::process::{Command, Stdio};

/// A script of this folder, its first argument the packages that a folder of `tests/tools` pins; installed on first use.
pub(crate) fn script(tool: &str, name: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/tools").join(tool);
    let output = Command::new(root.join("scripts/tools/node")).arg(&folder).stderr(Stdio::inherit()).output();
    let output = output.expect("scripts/tools/node starts");
    assert!(output.status.success(), "scripts/tools/node {} failed", folder.display());
    let modules = String::from_utf8(output.stdout).expect("a path");
    let mut node = Command::new("node");
    node.arg(root.join("tests/living").join(name)).arg(modules.trim());
    node
}
