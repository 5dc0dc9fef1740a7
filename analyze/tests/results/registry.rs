//! The registry of result tables.

use std::collections::BTreeSet;

use faaslens_analyze::results::{RUN_RESULTS, RunResults};
use faaslens_schemas::table::{Layout, Stage};
use faaslens_schemas::tables::TABLES;

#[test]
fn every_result_table_is_declared_documented_and_named_once() {
    let names: BTreeSet<&str> = RUN_RESULTS.iter().map(|table| table.name).collect();
    assert_eq!(names.len(), RUN_RESULTS.len());
    for table in RUN_RESULTS {
        assert!(TABLES.iter().any(|declared| declared.name == table.name), "{} is in no store", table.name);
        assert_eq!((table.stage, table.layout), (Stage::Analyze, Layout::PerRun), "{}", table.name);
        assert!(!(table.doc)().is_empty());
    }
}

#[test]
fn a_run_without_anything_gives_every_table_without_rows() {
    let batches = RunResults::default().batches().expect("batches");
    let names: Vec<&str> = batches.iter().map(|(table, _)| table.name).collect();
    assert_eq!(names, RUN_RESULTS.iter().map(|table| table.name).collect::<Vec<_>>());
    assert!(batches.iter().all(|(table, batch)| batch.num_rows() == 0 && batch.schema() == table.schema()));
    assert_eq!(crate::fixture::Fixture::new().summarise(), RunResults::default());
}
