//! Recorded runs in stores, made once a test session, and the programs that tests start.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, OnceLock};

/// What a run of the binary left.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        self
    }
}

/// A command of the binary under test.
pub(crate) fn command(arguments: &[&dyn AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faaslens"));
    command.args(arguments.iter().map(AsRef::as_ref)).env_remove("RAYON_NUM_THREADS");
    command
}

/// Runs the binary to its end.
pub(crate) fn faaslens(arguments: &[&dyn AsRef<OsStr>]) -> Ended {
    let output = command(arguments).output().expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A file or folder of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The interpreter with the packages that a folder of the project pins.
pub(crate) fn interpreter(folder: &'static str) -> PathBuf {
    static KNOWN: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().expect("no test panicked here");
    let install = || {
        let output = Command::new(project("scripts/tools/python")).arg(project(folder)).output();
        let output = output.expect("scripts/tools/python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
    };
    known.entry(folder).or_insert_with(install).clone()
}

/// Runs a script of a folder of the project; gives what it printed.
#[track_caller]
pub(crate) fn python(folder: &'static str, script: &str, arguments: &[&dyn AsRef<OsStr>]) -> String {
    let output = Command::new(interpreter(folder))
        .arg(project(folder).join(script))
        .args(arguments.iter().map(AsRef::as_ref))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Emptied when the session begins.
pub(crate) static SESSION: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).expect("the temporary folder can be made");
    folder
});

/// Recorded runs with a store that holds them.
pub(crate) struct Recorded {
    pub(crate) name: &'static str,
    source: &'static str,
    logs: &'static str,
    store: OnceLock<PathBuf>,
    tables: OnceLock<PathBuf>,
}

const fn recorded(name: &'static str, source: &'static str, logs: &'static str) -> Recorded {
    Recorded { name, source, logs, store: OnceLock::new(), tables: OnceLock::new() }
}

/// Calls, parallel branches, database operations; some handlers never end.
pub(crate) static SHOP: Recorded = recorded("shop", "befaas", "examples/befaas-webservice");
/// Events, publishers, chains of triggered functions.
pub(crate) static FACTORY: Recorded = recorded("factory", "befaas", "tests/data/runs/smartFactory");
/// Lost records: callers and callees are missing.
pub(crate) static LOSSY: Recorded = recorded("lossy", "befaas", "tests/data/variants/loss60");
/// Results of JMeter, a run a file.
pub(crate) static JMETER: Recorded = recorded("jmeter", "jmeter", "examples/benchfaas-jmeter");

/// Tables that scripts compare with.
const TABLES: [&str; 10] = [
    "invocations",
    "calls",
    "db_calls",
    "traces",
    "critical_path",
    "client_requests",
    "throughput",
    "chains",
    "events",
    "clock_offsets",
];

impl Recorded {
    /// A folder of this test session.
    pub(crate) fn folder(&self) -> PathBuf {
        let folder = SESSION.join(self.name);
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// The store: collected and analysed on first use.
    pub(crate) fn store(&self) -> PathBuf {
        let make = || {
            let store = self.folder().join("store");
            let mut inputs = vec![project(self.logs)];
            let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"collect", &self.source, &"--store", &store];
            if self.source == "jmeter" {
                let entries = fs::read_dir(&inputs[0]).expect("the example");
                inputs = entries.map(|entry| entry.expect("an entry").path()).collect();
                inputs.retain(|path| path.extension().is_some_and(|extension| extension == "zst"));
            } else {
                arguments.extend([&"--run" as &dyn AsRef<OsStr>, &self.name]);
            }
            arguments.extend(inputs.iter().map(|path| path as &dyn AsRef<OsStr>));
            let collected = faaslens(&arguments);
            assert!(matches!(collected.code, Some(0 | 1)), "{}", collected.stderr);
            faaslens(&[&"analyze", &"--store", &store]).exits(0);
            store
        };
        self.store.get_or_init(make).clone()
    }

    /// A folder with tables as JSON.
    pub(crate) fn tables(&self) -> PathBuf {
        let make = || {
            let (store, tables) = (self.store(), self.folder().join("tables"));
            fs::create_dir_all(&tables).expect("a folder");
            for table in TABLES {
                let printed = faaslens(&[&"table", &table, &"--store", &store, &"--format", &"json"]).exits(0);
                fs::write(tables.join(format!("{table}.json")), printed.stdout).expect("a table");
            }
            tables
        };
        self.tables.get_or_init(make).clone()
    }
}
