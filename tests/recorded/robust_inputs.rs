//! Inputs that are cut, empty, binary, endless or no logs at all: a clear line each, and never a panic.

use std::fs;
use std::path::{Path, PathBuf};

use faaslens_schemas::manifest::State;
use faaslens_schemas::store::Store;
use faaslens_schemas::tables::{Event, Reject};

use crate::binary::{Outcome, collect, faaslens, faaslens_watched};
use crate::logs::{self, copy_folder};
use crate::mutation::mutate;
use crate::random::Random;
use crate::recorded::{IOT, manifest, project, rows, session};

/// Memory that a collection of a few bytes of records may take, whatever the length of a line.
const MEMORY_LIMIT_BYTES: u64 = 160 << 20;

/// A new folder for the logs of a test and a path for its store.
fn places(name: &str) -> (PathBuf, PathBuf) {
    let folder = session().join(format!("{name}-logs"));
    fs::create_dir_all(&folder).expect("the folder can be made");
    (folder, session().join(name))
}

/// Asserts that a command failed with one clear line and that the store, if there is one, has no run.
#[track_caller]
fn assert_refused(outcome: Outcome, store: &Path, said: &[&str]) {
    let outcome = outcome.exits(3);
    let lines: Vec<&str> = outcome.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(lines.len(), 1, "one line expected:\n{}", outcome.stderr);
    for word in said {
        assert!(lines[0].contains(word), "{word:?} expected in {:?}", lines[0]);
    }
    if store.join("runs").is_dir() {
        let manifests = Store::open(store).and_then(|store| store.manifests()).expect("the store opens");
        assert!(manifests.is_empty(), "a run was left: {manifests:?}");
    }
}

#[test]
fn a_folder_without_logs_is_refused_by_name_with_what_was_expected() {
    let (folder, store) = places("no-logs");
    fs::write(folder.join("notes.txt"), "nothing here").expect("a file");
    assert_refused(collect(&folder, &store, "r", &[]), &store, &["no-logs-logs", "aws.log"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, store) = places("no-folder");
    assert_refused(collect(&folder.join("absent"), &store, "r", &[]), &store, &["absent"]);
}

#[test]
fn a_cut_zstd_file_gives_what_can_be_unpacked_and_is_named() {
    let (folder, store) = places("cut-zstd");
    copy_folder(&IOT.folder(), &folder, &["aws.log.zst"]);
    let whole = fs::read(IOT.folder().join("aws.log.zst")).expect("the file can be read");
    // Recompressed in small blocks: the recorded file is one block that unpacks whole or not at all.
    let blocks = zstd::encode_all(logs::read(&IOT.folder().join("aws.log.zst")).as_slice(), 1).expect("zstd");
    assert!(blocks.len() > whole.len() / 2);
    fs::write(folder.join("aws.log.zst"), &blocks[..blocks.len() * 2 / 3]).expect("a file");
    let outcome = collect(&folder, &store, "r", &[]).exits(1);
    assert!(outcome.stderr.contains("aws.log.zst"), "{}", outcome.stderr);
    let manifest = manifest(&store, "r");
    let aws = manifest.sources.iter().find(|source| source.name == "aws.log.zst").expect("the source");
    assert!(aws.cut_short.is_some(), "{aws:?}");
    // 3,019 records in the whole file.
    assert!((1000..3019).contains(&aws.records), "{aws:?}");
    let others: usize = rows::<Event>(&store, "r").iter().filter(|event| &*event.provider != "aws").count();
    assert_eq!(others, 5_938 - 3_019);
}

#[test]
fn log_files_that_are_all_empty_are_refused_in_one_line() {
    let (folder, store) = places("empty");
    for name in ["aws.log", "google.log", "azure.log", "tinyfaas.log", "openfaas.log", "artillery.log"] {
        fs::write(folder.join(name), "").expect("a file");
    }
    assert_refused(collect(&folder, &store, "r", &[]), &store, &["empty-logs", "no instrumentation record", "aws.log"]);
}

#[test]
fn one_empty_log_among_others_takes_nothing_from_them() {
    let (folder, store) = places("one-empty");
    copy_folder(&IOT.folder(), &folder, &["google.log.zst"]);
    fs::write(folder.join("google.log"), "").expect("a file");
    let outcome = collect(&folder, &store, "r", &[]);
    assert!(matches!(outcome.code, Some(0 | 1)), "{}", outcome.stderr);
    assert_eq!(rows::<Event>(&store, "r").len(), 5_938 - 288);
}

#[test]
fn a_binary_file_is_rejected_without_harm_to_the_others() {
    let (folder, store) = places("binary");
    copy_folder(&IOT.folder(), &folder, &["tinyfaas.log.zst"]);
    let mut random = Random::seeded(1);
    let bytes: Vec<u8> = (0..1 << 20).map(|_| random.number().to_le_bytes()[0]).collect();
    fs::write(folder.join("tinyfaas.log"), bytes).expect("a file");
    let outcome = collect(&folder, &store, "r", &[]).exits(1);
    assert!(outcome.stderr.contains("tinyfaas.log"), "{}", outcome.stderr);
    assert_eq!(rows::<Event>(&store, "r").len(), 5_938 - 2_450);
    for reject in rows::<Reject>(&store, "r") {
        assert!(reject.excerpt.chars().all(|c| !c.is_control() || c == '\t'), "{reject:?}");
        assert!(reject.excerpt.len() <= 4096, "{reject:?}");
    }
}

/// Writes a log with 200 MB without a line end, before the run's own lines.
fn with_endless_line(folder: &Path, log: &str, opening: &str) {
    copy_folder(&IOT.folder(), folder, &[&format!("{log}.zst")]);
    let own = logs::read(&IOT.folder().join(format!("{log}.zst")));
    let mut content = Vec::with_capacity(200 << 20);
    content.extend_from_slice(opening.as_bytes());
    content.resize(200 << 20, b'x');
    content.push(b'\n');
    content.extend_from_slice(&own);
    logs::write(&folder.join(log), &content);
}

#[test]
fn a_line_of_200_mb_is_rejected_in_bounded_memory_and_the_next_lines_are_read() {
    for (name, log, opening) in [
        ("endless-plain", "tinyfaas.log", "no record "),
        ("endless-record", "tinyfaas.log", r#"BEFAAS{"timestamp":1795330636983,"now":1.5,"fn":{"id":""#),
        ("endless-cloudwatch", "aws.log", r#"{"timestamp":1795330636983,"message":"BEFAAS{"#),
        ("endless-console", "artillery.log", r#"BEFAAS{"version":""#),
    ] {
        let (folder, store) = places(name);
        with_endless_line(&folder, log, opening);
        let args: [&dyn AsRef<std::ffi::OsStr>; 7] =
            [&"collect", &"befaas", &folder, &"--store", &store, &"--run", &"r"];
        let outcome = faaslens_watched(&args).exits(1);
        assert!(outcome.peak_bytes < MEMORY_LIMIT_BYTES, "{name}: {} MiB", outcome.peak_bytes >> 20);
        assert!(outcome.stderr.contains(log), "{name}: {}", outcome.stderr);
        assert_eq!(rows::<Event>(&store, "r").len(), 5_938, "{name}");
        let rejects: Vec<Reject> = rows(&store, "r");
        assert!(rejects.iter().any(|reject| reject.length >= 199 << 20), "{name}: {rejects:?}");
        fs::remove_dir_all(&folder).expect("the folder can be removed");
    }
}

#[test]
fn an_endless_string_in_googles_array_is_rejected_in_bounded_memory() {
    let (folder, store) = places("endless-google");
    copy_folder(&IOT.folder(), &folder, &["google.log.zst"]);
    let own = String::from_utf8(logs::read(&IOT.folder().join("google.log.zst"))).expect("UTF-8");
    let rest = own.trim_start().strip_prefix('[').expect("an array");
    let content = format!("[\n  {{\"textPayload\": \"BEFAAS{{{}\"}},\n{rest}", "x".repeat(200 << 20));
    logs::write(&folder.join("google.log"), content.as_bytes());
    let args: [&dyn AsRef<std::ffi::OsStr>; 7] = [&"collect", &"befaas", &folder, &"--store", &store, &"--run", &"r"];
    let outcome = faaslens_watched(&args).exits(1);
    assert!(outcome.peak_bytes < MEMORY_LIMIT_BYTES, "{} MiB", outcome.peak_bytes >> 20);
    assert_eq!(rows::<Event>(&store, "r").len(), 5_938);
    fs::remove_dir_all(&folder).expect("the folder can be removed");
}

#[test]
fn an_endless_line_in_a_result_file_is_rejected_in_bounded_memory() {
    let (folder, store) = places("endless-jmeter");
    let mut content = b"timeStamp,elapsed,label,success\n1795333155965,4,a,true\n".to_vec();
    let line = content.len();
    content.resize(line + (200 << 20), b'x');
    content.extend_from_slice(b"\n1795333155969,5,a,true\n");
    let file = folder.join("long.csv");
    fs::write(&file, content).expect("a file");
    let outcome = faaslens_watched(&[&"collect", &"jmeter", &file, &"--store", &store]).exits(1);
    assert!(outcome.peak_bytes < MEMORY_LIMIT_BYTES, "{} MiB", outcome.peak_bytes >> 20);
    assert_eq!(manifest(&store, "long").sources[0].records, 2);
    fs::remove_dir_all(&folder).expect("the folder can be removed");
}

#[test]
fn mutated_logs_never_panic_and_every_piece_is_accounted_for() {
    let mut random = Random::seeded(2);
    for round in 0..40 {
        let (folder, store) = places(&format!("mutated-{round}"));
        copy_folder(
            &IOT.folder(),
            &folder,
            &["aws.log.zst", "google.log.zst", "tinyfaas.log.zst", "artillery.log.zst"],
        );
        for path in logs::log_files(&IOT.folder()) {
            let name = path.file_name().expect("a name").to_string_lossy().replace(".zst", "");
            logs::write(&folder.join(name), &mutate(logs::read(&path), 60, &mut random));
        }
        let outcome = collect(&folder, &store, "r", &[]);
        assert!(matches!(outcome.code, Some(0 | 1)), "round {round}: {}", outcome.stderr);
        let manifest = manifest(&store, "r");
        assert_eq!(manifest.state, State::Complete);
        let records: u64 = manifest.sources.iter().map(|source| source.records).sum();
        assert_eq!(records, rows::<Event>(&store, "r").len() as u64, "round {round}");
        assert_eq!(manifest.rejects(), rows::<Reject>(&store, "r").len() as u64, "round {round}");
        let analysis = faaslens(&[&"analyze", &"--store", &store]);
        assert!(matches!(analysis.code, Some(0 | 1)), "round {round}: {}", analysis.stderr);
        fs::remove_dir_all(&folder).expect("the folder can be removed");
        fs::remove_dir_all(&store).expect("the store can be removed");
    }
}

#[test]
fn an_unknown_kind_of_file_is_refused_in_one_line() {
    let (_, store) = places("unknown-file");
    let file = project("Cargo.toml");
    let outcome = faaslens(&[&"collect", &"befaas", &file, &"--store", &store, &"--run", &"r"]);
    assert!(matches!(outcome.code, Some(2 | 3)), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("Cargo.toml"), "{}", outcome.stderr);
}
