//! Tools that `scripts/tools` installs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The path that a script of `scripts/tools` prints.
pub(crate) fn tool(script: &str, arguments: &[&str]) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/tools").join(script);
    let output = Command::new(path).args(arguments).output().expect("a script of scripts/tools");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}
