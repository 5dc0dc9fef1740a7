//! Holding the tables of two runs against each other.

use std::path::Path;

use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use faaslens_schemas::tables::{ClientRequest, ClockSegment, Event, Executor, PlatformRecord, Reject};

/// A run's rows as texts, sorted, without the places in the input that they come from.
#[derive(Debug, PartialEq)]
pub(crate) struct Tables(Vec<(&'static str, Vec<String>)>);

/// The tables of a run.
pub(crate) fn tables(store: &Path, run: &str) -> Tables {
    let store = Store::open(store).expect("the store opens");
    let manifest = store.manifest(run).expect("the run is there");
    let read = |texts: Vec<String>| {
        let mut texts = texts;
        texts.sort();
        texts
    };
    macro_rules! rows {
        ($row:ty, $blank:expr) => {{
            let rows: Vec<$row> = store.rows(&manifest, None).expect("the table can be read");
            read(rows.into_iter().map($blank).map(|row: $row| format!("{row:?}")).collect())
        }};
    }
    Tables(vec![
        ("events", rows!(Event, |row| Event { source: "".into(), offset: 0, ..row })),
        ("client_requests", rows!(ClientRequest, |row| ClientRequest { source: "".into(), offset: 0, ..row })),
        ("platform_records", rows!(PlatformRecord, |row| PlatformRecord { source: "".into(), offset: 0, ..row })),
        ("executors", rows!(Executor, |row| row)),
        ("clock_segments", rows!(ClockSegment, |row| row)),
        ("rejects", rows!(Reject, |row| Reject { source: "".into(), offset: 0, line: None, ..row })),
    ])
}

/// The manifest of a run.
pub(crate) fn manifest(store: &Path, run: &str) -> Manifest {
    Store::open(store).expect("the store opens").manifest(run).expect("the run is there")
}

impl Tables {
    /// Demands that both are the same, and shows where they first differ.
    #[track_caller]
    pub(crate) fn assert_same(&self, other: &Self) {
        for ((name, ours), (_, theirs)) in self.0.iter().zip(&other.0) {
            let first = ours.iter().zip(theirs).find(|(a, b)| a != b);
            if let Some((a, b)) = first {
                panic!("{name} differ first in\n{a}\n{b}");
            }
            assert_eq!(ours.len(), theirs.len(), "rows of {name}");
        }
    }

    /// The same without the rows of a table that hold one of some texts.
    pub(crate) fn without(&self, table: &str, texts: &[&str]) -> Self {
        let keeps = |row: &&String| !texts.iter().any(|text| row.contains(text));
        let kept = |name: &str, rows: &[String]| {
            rows.iter().filter(|row| name != table || keeps(row)).cloned().collect::<Vec<String>>()
        };
        let rows = |(name, rows): &(&'static str, Vec<String>)| (*name, kept(name, rows));
        Self(self.0.iter().map(rows).collect())
    }

    /// The rows of a table.
    pub(crate) fn table(&self, table: &str) -> &[String] {
        self.0.iter().find(|(name, _)| *name == table).map_or(&[], |(_, rows)| rows)
    }

    /// Number of rows of a table.
    pub(crate) fn rows(&self, table: &str) -> usize {
        self.table(table).len()
    }
}
