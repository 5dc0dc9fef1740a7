//! Runs the binary under test as a user would, with nothing of this machine's own credentials.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

/// Folder of this test session; it goes with the process.
pub(crate) static SESSION: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

/// A command of the binary under test: an empty environment but for `variables`, an empty home.
pub(crate) fn command(args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faaslens"));
    command.args(args).env_clear().env("HOME", SESSION.path()).stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(variables.iter().copied());
    command
}

/// Runs the binary to its end and demands an exit code.
#[track_caller]
pub(crate) fn faaslens(args: &[&str], variables: &[(&str, &str)], code: i32) -> Output {
    let output = command(args, variables).output().expect("the binary starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}\nstdout:\n{stdout}\nstderr:\n{stderr}");
    output
}

/// An uncompressed copy of a recorded log.
pub(crate) fn unpacked(recorded: &str, name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(recorded);
    let packed = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder = zstd::Decoder::new(packed).expect("a zstd file");
    decoder.window_log_max(27).expect("a window of 128 MiB");
    let copy = SESSION.path().join(name);
    let mut file = std::fs::File::create(&copy).expect("a file");
    std::io::copy(&mut decoder, &mut file).expect("copied");
    copy
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    let text: &OsStr = path.as_os_str();
    text.to_str().expect("a path of UTF-8")
}
