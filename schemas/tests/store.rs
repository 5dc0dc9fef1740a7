//! The store: rows survive the way to disk and back, and a run is replaced whole or not at all.

use faaslens_schemas::manifest::{Manifest, State};
use faaslens_schemas::store::{Store, part_of};
use faaslens_schemas::table::{Label, Layout, Row, Stage};
use faaslens_schemas::tables::{DbCall, Duration, PlatformRecord, Reject, TABLES};
use faaslens_schemas::time::Timestamp;
use faaslens_schemas::{Error, Result};
use proptest::prelude::*;

fn db_call(context: &str, duration_ms: Option<f64>) -> DbCall {
    DbCall {
        context_id: context.to_owned(),
        invocation_id: None,
        provider: "aws".into(),
        function: "cartkvstorage".into(),
        action: "get".into(),
        start: Timestamp::from_micros(1_795_330_947_309_125),
        duration_ms,
    }
}

fn collect(store: &Store, run: &str, rows: &[DbCall]) -> Result<Manifest> {
    let transaction = store.begin(run, Stage::Collect, 1)?;
    let mut manifest = Manifest::new(run, 1);
    manifest.files.extend(transaction.write_rows(1, rows)?);
    transaction.commit(manifest)
}

#[test]
fn rows_survive_the_way_to_disk_and_back() -> Result<()> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(folder.path().join("store"))?;
    let rows = vec![db_call("a", Some(0.645)), db_call("b", None)];
    let manifest = collect(&store, "r1", &rows)?;
    assert_eq!(manifest.state, State::Complete);
    assert_eq!(manifest.files[0].rows, 2);
    assert_eq!(store.rows::<DbCall>(&store.manifest("r1")?, None)?, rows);
    assert_eq!(store.rows::<Reject>(&manifest, None)?, vec![]);
    Ok(())
}

#[test]
fn the_same_rows_give_the_same_bytes() -> Result<()> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(folder.path().join("store"))?;
    let rows = vec![db_call("a", Some(0.645)), db_call("b", None)];
    let first = collect(&store, "r1", &rows)?;
    let second = collect(&store, "r1", &rows)?;
    assert_eq!(first, second);
    let third = collect(&store, "r1", &rows[..1])?;
    assert_ne!(first.files[0].xxh3, third.files[0].xxh3);
    Ok(())
}

#[test]
fn a_dropped_transaction_leaves_the_store_as_it_was() -> Result<()> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(folder.path().join("store"))?;
    let before = collect(&store, "r1", &[db_call("a", None)])?;
    {
        let transaction = store.begin("r1", Stage::Collect, 1)?;
        transaction.write_rows(1, &[db_call("b", None), db_call("c", None)])?;
    }
    assert_eq!(store.manifest("r1")?, before);
    assert_eq!(store.rows::<DbCall>(&before, None)?.len(), 1);
    drop(store.begin("r2", Stage::Collect, 1)?);
    assert!(matches!(store.manifest("r2"), Err(Error::NoRun { known, .. }) if known == "r1"));
    Ok(())
}

#[test]
fn a_new_run_shows_as_unfinished_while_it_is_written() -> Result<()> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(folder.path().join("store"))?;
    let transaction = store.begin("r1", Stage::Collect, 4)?;
    assert_eq!(store.manifest("r1")?.state, State::Unfinished);
    assert!(matches!(store.begin("r1", Stage::Collect, 4), Err(Error::Busy { .. })));
    drop(transaction);
    Ok(())
}

#[test]
fn run_ids_cannot_leave_the_store() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(folder.path().join("store")).expect("store");
    for id in ["", "..", "../x", "a/b", "a b", ".hidden", "ü"] {
        assert!(matches!(store.manifest(id), Err(Error::RunId { .. })), "{id:?}");
    }
    assert_eq!(faaslens_schemas::store::run_id_from("../a b/ü"), "-a-b--");
}

#[test]
fn a_folder_that_is_no_store_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("thesis.txt"), "precious").expect("write");
    assert!(matches!(Store::create(folder.path()), Err(Error::NotAStore { .. })));
    assert!(matches!(Store::open(folder.path()), Err(Error::NotAStore { .. })));
}

#[test]
fn a_file_with_a_missing_column_is_named() -> Result<()> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(folder.path().join("store"))?;
    let manifest = collect(&store, "r1", &[db_call("a", None)])?;
    let path = store.root().join(&manifest.files[0].path);
    let batch = Store::batches(&path, &["context_id"], 10)?.next().expect("a batch").expect("readable");
    let error = DbCall::from_batch(&batch).expect_err("columns are missing");
    assert!(error.to_string().contains("column invocation_id: expected Utf8, found no such column"), "{error}");
    Ok(())
}

#[test]
fn contexts_spread_over_all_parts_and_never_into_part_0() {
    let mut seen = [0_u32; 9];
    for i in 0..8000 {
        seen[part_of(format!("ctx{i}").as_bytes(), 8) as usize] += 1;
    }
    assert_eq!(seen[0], 0);
    assert!(seen[1..].iter().all(|&n| (800..1200).contains(&n)), "{seen:?}");
}

#[test]
fn every_table_is_documented_and_names_its_units() {
    let mut names = std::collections::BTreeSet::new();
    for table in TABLES {
        assert!(names.insert(table.name), "{} twice", table.name);
        assert!((table.doc)().ends_with('.'), "{} has no sentence", table.name);
        for column in (table.columns)() {
            assert!(!column.doc.is_empty(), "{}.{} has no doc", table.name, column.name);
            assert_ne!(column.name, "run", "{}: run is the partition key", table.name);
        }
    }
    assert_eq!(Duration::TABLE.layout, Layout::PerRun);
    let columns = (Duration::TABLE.columns)();
    let median = columns.iter().find(|column| column.name == "median_ms").expect("median_ms");
    assert_eq!(median.unit(), Some("ms"));
}

/// Platform records whose functions (some absent) and kinds are the numbers given.
fn labelled(numbers: &[Option<u32>]) -> Vec<PlatformRecord> {
    let text = |number: u32| Label::from(format!("label {number}").as_str());
    let record = |(number, offset): (&Option<u32>, i64)| PlatformRecord {
        function: number.map(text),
        kind: text(number.unwrap_or(0) / 3),
        offset,
        ..PlatformRecord::default()
    };
    numbers.iter().zip(0..).map(record).collect()
}

fn written_in_batches(rows: &[PlatformRecord], batch: usize) -> Result<Vec<PlatformRecord>> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = Store::create(folder.path().join("store"))?;
    let transaction = store.begin("r1", Stage::Collect, 1)?;
    let mut file = transaction.file(PlatformRecord::TABLE, 0)?;
    for rows in rows.chunks(batch) {
        file.write_rows(rows)?;
    }
    let mut manifest = Manifest::new("r1", 1);
    manifest.files.push(file.finish()?);
    store.rows(&transaction.commit(manifest)?, None)
}

/// Stretches of one label, of none, and of labels in any order, from few and from many.
fn stretches() -> impl Strategy<Value = Vec<Option<u32>>> {
    let one = (prop_oneof![Just(None), (0..20_u32).prop_map(Some)], 1..3000_usize)
        .prop_map(|(label, length)| vec![label; length]);
    let few = prop::collection::vec(prop::option::weighted(0.9, 0..5_u32), 1..40);
    let many = prop::collection::vec(prop::option::weighted(0.9, 0..70_000_u32), 1..900);
    prop::collection::vec(prop_oneof![one, few, many], 0..20).prop_map(|stretches| stretches.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn labels_survive_whatever_their_runs_gaps_and_batches(numbers in stretches(), batch in 1..5000_usize) {
        let rows = labelled(&numbers);
        prop_assert_eq!(written_in_batches(&rows, batch.max(rows.len() / 50)).expect("readable"), rows);
    }
}

#[test]
fn labels_survive_in_more_rows_than_a_row_group_has() -> Result<()> {
    let numbers: Vec<Option<u32>> = (0..150_000).map(|row| (row % 7 > 0).then_some(row % 40_000)).collect();
    let rows = labelled(&numbers);
    assert!(written_in_batches(&rows, 50_000)? == rows, "150,000 rows as they were written");
    Ok(())
}
