//! How fast a BeFaaS log folder is collected, and how far that is from a bare scan of the same bytes.
//!
//! `cargo bench -p faaslens-collect -- RUN_DIR [ROUNDS]` (or, without building, the binary it made with `RUN_DIR`).
//! Prints seconds and MB/s of each step, the best of the rounds; threads by `RAYON_NUM_THREADS`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use faaslens_collect::pipeline::scan_bytes;
use faaslens_collect::sources::befaas::{self, LOGS};
use faaslens_schemas::store::Store;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(folder) = arguments.first().map(PathBuf::from) else {
        println!("0 passed, 0 failed: name a run folder to measure");
        return;
    };
    let rounds: usize = arguments.get(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    let logs: Vec<(&befaas::Log, Vec<u8>)> = LOGS
        .iter()
        .filter_map(|log| std::fs::read(folder.join(format!("{}.log", log.stem))).ok().map(|bytes| (log, bytes)))
        .collect();
    let bytes: usize = logs.iter().map(|(_, bytes)| bytes.len()).sum();
    let finder = memchr::memmem::Finder::new("BEFAAS{");
    measure("bare scan for the marker, 1 thread", bytes, rounds, || {
        logs.iter().map(|(_, bytes)| finder.find_iter(bytes).count()).sum()
    });
    for (log, content) in &logs {
        measure(&format!("scan and parse {}.log, 1 thread", log.stem), content.len(), rounds, || {
            content.chunks(1 << 20).map(|block| scan_bytes(block, log.dialect, false).0).sum()
        });
    }
    drop(logs);
    measure("collect into a store", bytes, rounds, || collect(&folder));
}

fn collect(folder: &Path) -> usize {
    let target = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(target.path().join("store")).expect("a store");
    let options = faaslens_collect::Options {
        store,
        run: Some("bench".to_owned()),
        labels: std::collections::BTreeMap::new(),
        keep_headers: false,
        append: false,
        parts: None,
        loads: Vec::new(),
    };
    let mut results = befaas::collect(&options, &[folder.to_owned()], None, &()).expect("one folder");
    let (_, result) = results.remove(0);
    let records: u64 = result.expect("a run").manifest.sources.iter().map(|source| source.records).sum();
    usize::try_from(records).expect("a countable number")
}

fn measure(name: &str, bytes: usize, rounds: usize, mut step: impl FnMut() -> usize) {
    let mut best = f64::INFINITY;
    let mut records = 0;
    for _ in 0..rounds {
        let began = Instant::now();
        records = step();
        best = best.min(began.elapsed().as_secs_f64());
    }
    println!("{name}: {best:.3} s, {:.0} MB/s, {records} records", bytes as f64 / best / 1e6);
}
