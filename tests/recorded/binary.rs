//! Runs the binary under test as a user would.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// What a finished run of the binary left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Greatest resident memory, where it was watched.
    pub(crate) peak_bytes: u64,
}

impl Outcome {
    fn new(output: Output, peak_bytes: u64) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr), peak_bytes }
    }

    /// Asserts the exit code, showing what was said otherwise.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

/// A command of the binary under test; its threads are not limited by the environment.
pub(crate) fn command(args: &[&dyn AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faaslens"));
    command.args(args.iter().map(AsRef::as_ref)).env_remove("RAYON_NUM_THREADS").stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn faaslens(args: &[&dyn AsRef<OsStr>]) -> Outcome {
    Outcome::new(command(args).output().expect("the binary starts"), 0)
}

/// Runs the binary to its end and watches its greatest resident memory.
pub(crate) fn faaslens_watched(args: &[&dyn AsRef<OsStr>]) -> Outcome {
    let mut child = spawn(args);
    let mut peak = 0;
    while child.try_wait().expect("the child can be waited for").is_none() {
        peak = peak.max(peak_bytes(&child));
        std::thread::sleep(Duration::from_millis(2));
    }
    Outcome::new(child.wait_with_output().expect("output of the child"), peak)
}

/// Starts the binary with its output caught; what it says must fit a pipe.
pub(crate) fn spawn(args: &[&dyn AsRef<OsStr>]) -> Child {
    command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
}

/// Greatest resident memory so far, from `/proc`; 0 where it cannot be read.
fn peak_bytes(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Collects a BeFaaS run folder.
pub(crate) fn collect(folder: &Path, store: &Path, run: &str, more: &[&str]) -> Outcome {
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"collect", &"befaas", &folder, &"--store", &store, &"--run", &run];
    args.extend(more.iter().map(|arg| arg as &dyn AsRef<OsStr>));
    faaslens(&args)
}

/// Analyses every run of a store.
pub(crate) fn analyze(store: &Path, more: &[&str]) -> Outcome {
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"analyze", &"--store", &store];
    args.extend(more.iter().map(|arg| arg as &dyn AsRef<OsStr>));
    faaslens(&args)
}
