//! A collection killed at any moment.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use faaslens_schemas::manifest::{FileEntry, State};
use faaslens_schemas::store::Store;

use crate::binary::{collect, faaslens, spawn};
use crate::random::Random;
use crate::recorded::{WEBSERVICE_1, manifest, session};

const RUN: &str = "killed";

/// Bytes of every file of a run, by path, as they lie in the store.
fn files(store: &Path) -> BTreeMap<String, Vec<u8>> {
    let manifest = manifest(store, RUN);
    assert_eq!(manifest.state, State::Complete);
    let read =
        |file: &FileEntry| (file.path.clone(), std::fs::read(store.join(&file.path)).expect("the file is there"));
    manifest.files.iter().map(read).collect()
}

/// Starts a collection and kills it after a while; whether it had ended by itself.
fn collect_and_kill(store: &Path, after: Duration) -> bool {
    let mut child = spawn(&[&"collect", &"befaas", &WEBSERVICE_1.folder(), &"--store", &store, &"--run", &RUN]);
    std::thread::sleep(after);
    let ended = child.try_wait().expect("the child can be waited for").is_some();
    // Killing one that has just ended by itself is no error here.
    drop(child.kill());
    child.wait().expect("the child ends");
    ended
}

#[test]
fn a_collection_killed_at_any_of_20_moments_completes_to_identical_tables() {
    let whole = session().join("kill-reference");
    let began = Instant::now();
    collect(&WEBSERVICE_1.folder(), &whole, RUN, &[]).exits(0);
    let duration = began.elapsed();
    let expected = files(&whole);
    let mut random = Random::seeded(20);
    let mut killed = 0;
    for moment in 0..20 {
        // Every other time there is a complete run to be replaced.
        let store = session().join(format!("kill-{moment}"));
        let replaces = moment % 2 == 1;
        if replaces {
            collect(&WEBSERVICE_1.folder(), &store, RUN, &[]).exits(0);
        }
        let ended = collect_and_kill(&store, duration.mul_f64(random.fraction()));
        killed += usize::from(!ended);
        assert_opens(&store, ended, replaces, moment);
        collect(&WEBSERVICE_1.folder(), &store, RUN, &[]).exits(0);
        assert_eq!(files(&store).keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "moment {moment}");
        assert!(files(&store) == expected, "moment {moment}: other bytes than those of an undisturbed collection");
        assert_no_leftovers(&store);
        std::fs::remove_dir_all(&store).expect("the store can be removed");
    }
    assert!(killed >= 10, "only {killed} of 20 collections were killed before they ended");
}

/// Starts a collection and interrupts it after a while, as Ctrl-C does; how it ended.
fn collect_and_interrupt(store: &Path, after: Duration) -> Option<i32> {
    let mut child = spawn(&[&"collect", &"befaas", &WEBSERVICE_1.folder(), &"--store", &store, &"--run", &RUN]);
    std::thread::sleep(after);
    if child.try_wait().expect("the child can be waited for").is_none() {
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
        assert!(sent.success() || child.try_wait().is_ok_and(|ended| ended.is_some()));
    }
    child.wait().expect("the child ends").code()
}

#[test]
fn an_interrupted_collection_leaves_the_run_as_it_was_and_completes_when_run_again() {
    let store = session().join("interrupted");
    let began = Instant::now();
    collect(&WEBSERVICE_1.folder(), &store, RUN, &[]).exits(0);
    let duration = began.elapsed();
    let expected = files(&store);
    let mut random = Random::seeded(130);
    let mut interrupted = 0;
    for _ in 0..40 {
        match collect_and_interrupt(&store, duration.mul_f64(0.8 * random.fraction())) {
            Some(130) => {
                interrupted += 1;
                assert!(files(&store) == expected, "the run that was there is another one");
                assert_no_leftovers(&store);
            }
            // Ended before the signal came, or was hit before it began to listen.
            code => assert!(matches!(code, Some(0) | None), "{code:?}"),
        }
        if interrupted == 3 {
            break;
        }
    }
    assert_eq!(interrupted, 3, "too few collections were interrupted");
    collect(&WEBSERVICE_1.folder(), &store, RUN, &[]).exits(0);
    assert!(files(&store) == expected);
}

/// The store opens, and a run that did not end is absent, unfinished or still the old one.
fn assert_opens(store: &Path, ended: bool, replaced: bool, moment: usize) {
    if !store.join("runs").is_dir() {
        assert!(!replaced, "moment {moment}: the store is gone");
        return;
    }
    faaslens(&[&"runs", &"--store", &store]).exits(0);
    let manifests = Store::open(store).and_then(|store| store.manifests()).expect("the store opens");
    let state = manifests.first().map(|manifest| manifest.state);
    let fits = match state {
        None => !replaced,
        Some(State::Unfinished) => true,
        Some(State::Complete) => ended || replaced || files(store).len() > 1,
    };
    assert!(fits, "moment {moment}: {state:?}");
    if state == Some(State::Complete) {
        assert!(!files(store).is_empty(), "moment {moment}: a complete run has all of its files");
    }
}

/// Nothing of a killed collection stays but the lock file.
fn assert_no_leftovers(store: &Path) {
    let staging = store.join(".staging");
    let left: Vec<_> = std::fs::read_dir(&staging)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "lock"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
