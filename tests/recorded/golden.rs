//! Expected numbers from `tests/data`, and how rows are compared with them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::logs;
use crate::recorded::project;

/// Greatest difference accepted between a duration and its golden number.
pub(crate) const TOLERANCE_MS: f64 = 1e-6;

/// A CSV file with a header, all in memory.
#[derive(Debug)]
pub(crate) struct Csv {
    name: String,
    rows: Vec<BTreeMap<String, String>>,
}

impl Csv {
    /// Reads `tests/data/<name>.csv.zst`.
    pub(crate) fn read(name: &str) -> Self {
        let text = logs::read(&project(&format!("tests/data/{name}.csv.zst")));
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let rows = reader.deserialize().collect::<Result<_, _>>().expect("golden CSV");
        Self { name: name.to_owned(), rows }
    }

    /// Its rows, each with the file's name for messages.
    pub(crate) fn rows(&self) -> impl Iterator<Item = CsvRow<'_>> {
        self.rows.iter().map(|cells| CsvRow { name: &self.name, cells })
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// One row of a golden file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CsvRow<'a> {
    name: &'a str,
    cells: &'a BTreeMap<String, String>,
}

impl<'a> CsvRow<'a> {
    /// The text of a column.
    #[track_caller]
    pub(crate) fn text(self, column: &str) -> &'a str {
        self.cells.get(column).unwrap_or_else(|| panic!("{} has no column {column}", self.name))
    }

    /// The number of a column.
    #[track_caller]
    pub(crate) fn number(self, column: &str) -> f64 {
        let text = self.text(column);
        text.parse().unwrap_or_else(|_| panic!("{}: {column} is {text:?}, no number", self.name))
    }

    /// The number of a column, or none where it is empty.
    #[track_caller]
    pub(crate) fn optional(self, column: &str) -> Option<f64> {
        (!self.text(column).is_empty()).then(|| self.number(column))
    }
}

/// Asserts that a number is within a tolerance of the expected one, both known or both unknown.
#[track_caller]
pub(crate) fn assert_close(found: Option<f64>, expected: Option<f64>, tolerance: f64, what: impl Debug) {
    match (found, expected) {
        (Some(a), Some(b)) => assert!((a - b).abs() <= tolerance, "{what:?}: {a} found, {b} expected"),
        (a, b) => assert_eq!(a.is_some(), b.is_some(), "{what:?}: {a:?} found, {b:?} expected"),
    }
}

/// Asserts that two sets of numbers are the same, smallest to greatest.
#[track_caller]
pub(crate) fn assert_same_values(mut found: Vec<f64>, mut expected: Vec<f64>, what: impl Debug) {
    assert_eq!(found.len(), expected.len(), "{what:?}");
    found.sort_by(f64::total_cmp);
    expected.sort_by(f64::total_cmp);
    for (a, b) in found.into_iter().zip(expected) {
        assert!((a - b).abs() <= TOLERANCE_MS, "{what:?}: {a} found, {b} expected");
    }
}

/// Asserts that two tables hold the same rows in whatever order.
#[track_caller]
pub(crate) fn assert_same_rows<R: Debug>(found: &[R], expected: &[R], what: &str) {
    let sorted = |rows: &[R]| {
        let mut texts: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
        texts.sort();
        texts
    };
    let (found, expected) = (sorted(found), sorted(expected));
    if let Some((a, b)) = found.iter().zip(&expected).find(|(a, b)| a != b) {
        panic!("{what} differ, first:\nfound    {a}\nexpected {b}");
    }
    assert_eq!(found.len(), expected.len(), "{what}: number of rows");
}
