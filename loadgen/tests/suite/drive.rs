//! Driving a profile in a test.

use std::path::Path;
use std::sync::Arc;

use faaslens_loadgen::engine::{self, Finished, Observer, Options, Seen, Tracing};
use faaslens_loadgen::manners::Manners;
use faaslens_loadgen::output::{self, Run};
use faaslens_loadgen::profile::{self, Profile, Settings};
use faaslens_schemas::store::Store;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::ClientRequest;
use serde_json::Value;

/// Looks away.
#[derive(Debug, Default)]
pub(crate) struct Blind;

impl Observer for Blind {
    fn look(&mut self, _: &Seen) {}
    fn cancelled(&self) -> bool {
        false
    }
}

/// A profile from its text, with variables.
pub(crate) fn compile(path: &Path, text: &str, target: &str, variables: &[(&str, Value)]) -> Profile {
    let settings = Settings { target: Some(target.to_owned()), ..Settings::default() };
    let mut profile = profile::compile(path, text, &settings).unwrap_or_else(|error| panic!("{error}"));
    for (name, value) in variables {
        match value {
            Value::Array(values) => profile.pools.push(((*name).to_owned(), values.clone())),
            value => drop(profile.constants.insert((*name).to_owned(), value.clone())),
        }
    }
    profile
}

/// What is allowed in tests: this machine.
pub(crate) fn manners() -> Manners {
    Manners { hosts: ["127.0.0.1".to_owned(), "localhost".to_owned()].into(), ..Manners::default() }
}

/// A driven profile: what the generator says, and its rows.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) finished: Finished,
    pub(crate) rows: Vec<ClientRequest>,
    pub(crate) folder: tempfile::TempDir,
}

/// Drives a profile, and reads back what the store holds of it.
pub(crate) fn drive(profile: Profile, options: Options, manners: Manners) -> Driven {
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run {
        id: "run".to_owned(),
        format: profile.format.to_owned(),
        seed: options.seed,
        shard: (options.shard.number, options.shard.of),
        planned: 0,
        profile: profile.name.clone(),
        labels: std::collections::BTreeMap::default(),
        sites: profile.sites.clone(),
        phases: profile.phases.iter().map(|phase| phase.name.clone()).collect(),
        deployment: "d1".to_owned(),
        parts: 2,
        jtl: "run.csv".to_owned(),
        outputs: ["store", "jtl", "console"].map(str::to_owned).to_vec(),
    };
    let records = folder.path().join(output::RECORDS);
    let finished = engine::run(&Arc::new(profile), options, manners, &records, &mut Blind).expect("a driven load");
    let written = output::write(folder.path(), &run, &[records]).expect("written outputs");
    assert!(written.whole);
    let store = Store::open(folder.path().join("store")).expect("a store");
    let manifest = store.manifest("run").expect("the run");
    let mut rows: Vec<ClientRequest> = Vec::new();
    for path in store.files(&manifest, ClientRequest::TABLE, None) {
        for batch in Store::batches(&path, &[], 10_000).expect("a file") {
            rows.extend(ClientRequest::from_batch(&batch.expect("a batch")).expect("rows"));
        }
    }
    rows.sort_by(|a, b| a.sent_at.cmp(&b.sent_at).then(a.offset.cmp(&b.offset)));
    assert_eq!(rows.len() as u64, written.records);
    Driven { finished, rows, folder }
}

/// Options without ids, so that headers are the profile's own.
pub(crate) fn untraced() -> Options {
    Options { tracing: Tracing::None, ..Options::default() }
}
