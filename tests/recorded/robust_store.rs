//! Stores that cannot be written: a full disk, a path that cannot be a folder, a folder that is something else.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use faaslens_schemas::store::Store;

use crate::binary::collect;
use crate::recorded::{IOT, WEBSERVICE_1, session};

/// Runs a collection of the web shop through a shell line that sets a limit first.
fn collect_limited(limit: &str, store: &Path) -> (Option<i32>, String) {
    let script = format!("{limit}; exec \"$0\" collect befaas \"$1\" --store \"$2\" --run r");
    let output = Command::new("sh")
        .args([OsStr::new("-c"), OsStr::new(&script), OsStr::new(env!("CARGO_BIN_EXE_faaslens"))])
        .args([WEBSERVICE_1.folder().as_os_str(), store.as_os_str()])
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
}

#[track_caller]
fn assert_nothing_left(store: &Path) {
    if store.join("runs").is_dir() {
        let manifests = Store::open(store).and_then(|store| store.manifests()).expect("the store opens");
        assert!(manifests.is_empty(), "a run was left: {manifests:?}");
    }
    for entry in fs::read_dir(store).into_iter().flatten() {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(["runs", ".staging"].contains(&name.as_str()), "{name} was left");
    }
}

#[track_caller]
fn assert_one_line(stderr: &str) {
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(stderr.lines().filter(|line| !line.trim().is_empty()).count(), 1, "one line expected:\n{stderr}");
}

#[test]
fn a_file_that_cannot_grow_ends_the_collection_with_one_line_and_nothing_left() {
    // Files of at most 200 KiB, the signal ignored: every write beyond fails, as on a full disk.
    let store = session().join("small-files");
    let (code, stderr) = collect_limited("trap '' XFSZ; ulimit -f 400", &store);
    assert_eq!(code, Some(3), "{stderr}");
    assert_one_line(&stderr);
    assert!(stderr.contains("cannot write") || stderr.contains("too large"), "{stderr}");
    assert_nothing_left(&store);
}

/// A file system of 512 KiB, unmounted when dropped; none where mounting is not permitted.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = session().join("small-disk");
        fs::create_dir_all(&folder).expect("the folder can be made");
        let args = ["-t", "tmpfs", "-o", "size=512k", "tmpfs"];
        let mounted = Command::new("mount").args(args).arg(&folder).stderr(Stdio::null()).status().ok()?;
        mounted.success().then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Nothing can be done in a drop if this fails; the next session removes the folder.
        drop(Command::new("umount").arg(&self.0).status());
    }
}

#[test]
fn a_full_disk_ends_the_collection_with_one_line_and_nothing_left() {
    // Where mounting is not permitted, the test of files that cannot grow stands for this one.
    let Some(disk) = SmallDisk::mount() else { return };
    let store = disk.0.join("store");
    let outcome = collect(&WEBSERVICE_1.folder(), &store, "r", &[]).exits(3);
    assert_one_line(&outcome.stderr);
    assert!(outcome.stderr.to_lowercase().contains("no space left"), "{}", outcome.stderr);
    assert_nothing_left(&store);
    // The disk is free again: a smaller run fits.
    collect(&IOT.folder(), &store, "iot", &[]).exits(0);
}

#[test]
fn a_store_under_a_file_is_refused_with_one_line() {
    let file = session().join("a-file");
    fs::write(&file, "no folder").expect("a file");
    let outcome = collect(&IOT.folder(), &file.join("store"), "r", &[]).exits(3);
    assert_one_line(&outcome.stderr);
    assert!(outcome.stderr.contains("a-file"), "{}", outcome.stderr);
    assert_eq!(fs::read_to_string(&file).expect("the file is there"), "no folder");
}

#[test]
fn a_store_that_may_not_be_written_is_refused_with_one_line() {
    // /proc takes no folder from anybody, root included.
    let outcome = collect(&IOT.folder(), Path::new("/proc/faaslens-store"), "r", &[]).exits(3);
    assert_one_line(&outcome.stderr);
    assert!(outcome.stderr.contains("/proc/faaslens-store"), "{}", outcome.stderr);
}

#[test]
fn a_folder_that_holds_something_else_is_not_made_a_store() {
    let folder = session().join("not-a-store");
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(folder.join("thesis.tex"), "mine").expect("a file");
    let outcome = collect(&IOT.folder(), &folder, "r", &[]).exits(2);
    assert_one_line(&outcome.stderr);
    let names: Vec<_> =
        fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["thesis.tex"]);
}

#[test]
fn a_failed_collection_leaves_the_complete_run_it_was_to_replace() {
    let store = session().join("kept");
    collect(&IOT.folder(), &store, "r", &[]).exits(0);
    let before = crate::recorded::manifest(&store, "r");
    let (code, stderr) = collect_limited("trap '' XFSZ; ulimit -f 400", &store);
    assert_eq!(code, Some(3), "{stderr}");
    assert_eq!(crate::recorded::manifest(&store, "r"), before);
    assert_eq!(crate::recorded::rows::<faaslens_schemas::tables::Event>(&store, "r").len(), 5_938);
}
