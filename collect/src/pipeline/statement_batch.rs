//! Platform statements of several blocks as one batch of their table.

use std::ops::Range;

use faaslens_schemas::store::{Cells, TableFile};
use faaslens_schemas::table::{Row, Table};
use faaslens_schemas::tables::PlatformRecord;

use super::small_tables::Batch;
use super::statements::{Runs, Statements, label, text};
use crate::Result;

/// Statements that wait to be encoded together, in order.
#[derive(Default)]
pub(super) struct StatementBatch {
    chosen: Vec<(Statements, Runs)>,
    rows: usize,
}

impl StatementBatch {
    /// Appends some rows of statements.
    pub(super) fn push(&mut self, statements: Statements, runs: Runs) {
        self.rows += runs.rows();
        self.chosen.push((statements, runs));
    }

    /// Appends all rows of some statements.
    pub(super) fn push_all(&mut self, statements: Statements) {
        let rows = 0..statements.len();
        self.push(statements, Runs(Vec::from([rows])));
    }
}

impl Batch for StatementBatch {
    const TABLE: &'static Table = PlatformRecord::TABLE;

    fn rows(&self) -> usize {
        self.rows
    }

    fn write(&self, file: &mut TableFile) -> Result<()> {
        for (statements, runs) in &self.chosen {
            for run in &runs.0 {
                file.append(run.len(), &cells(statements, run))?;
            }
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.chosen.clear();
        self.rows = 0;
    }
}

/// Some rows of statements as the columns of [`PlatformRecord`], in its order.
fn cells<'a>(statements: &'a Statements, rows: &Range<usize>) -> [Cells<'a>; 21] {
    let shared = |key: u32| Cells::Same(statements.dictionary.get(key));
    let labels = |column: usize| Cells::Keyed(&statements.labels[column][rows.clone()], &statements.dictionary);
    let number = |column: usize| Cells::Numbers(&statements.numbers[column][rows.clone()]);
    let texts = |column: usize| Cells::Texts(statements.texts[column].rows(rows.clone()));
    [
        shared(statements.provider),
        labels(label::FUNCTION),
        labels(label::EXECUTOR),
        labels(label::KIND),
        Cells::Integers(&statements.at[rows.clone()]),
        texts(text::REQUEST_ID),
        number(0),
        number(1),
        number(2),
        number(3),
        number(4),
        number(5),
        number(6),
        labels(label::HOST),
        labels(label::STATUS),
        labels(label::ERROR_TYPE),
        texts(text::TRACE_ID),
        texts(text::SEGMENT_ID),
        texts(text::TEXT),
        shared(statements.source),
        Cells::Integers(&statements.offset[rows.clone()]),
    ]
}

#[cfg(test)]
mod tests {
    use faaslens_schemas::manifest::Manifest;
    use faaslens_schemas::store::{NO_CONTEXT, Store};
    use faaslens_schemas::table::{Label, Stage};
    use faaslens_schemas::time::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn records() -> impl Strategy<Value = Vec<PlatformRecord>> {
        let label = || prop::option::of("[a-c]{0,2}".prop_map(Label::from));
        let text = || prop::option::of("[a-cä]{0,3}");
        let number = || prop::option::of(any::<i16>().prop_map(f64::from));
        let labels =
            (label(), label(), prop::sample::select(vec!["start", "init_start", "text"]), label(), label(), label());
        let texts = (text(), text(), text(), text());
        let numbers = (number(), number(), number(), number(), number(), number(), number());
        let row = (labels, texts, numbers, prop::option::of(any::<i32>()), any::<i64>());
        let record = row.prop_map(|(labels, texts, numbers, at, offset)| PlatformRecord {
            provider: "aws".into(),
            function: labels.0,
            executor: labels.1,
            kind: labels.2.into(),
            at: at.map(|at| Timestamp::from_micros(at.into())),
            request_id: texts.0,
            duration_ms: numbers.0,
            billed_ms: numbers.1,
            init_ms: numbers.2,
            restore_ms: numbers.3,
            billed_restore_ms: numbers.4,
            memory_mb: numbers.5,
            memory_used_mb: numbers.6,
            host: labels.3,
            status: labels.4,
            error_type: labels.5,
            trace_id: texts.1,
            segment_id: texts.2,
            text: texts.3,
            source: "aws.log".into(),
            offset,
        });
        prop::collection::vec(record, 1..12)
    }

    /// The rows of a batch, as they are read from a store.
    fn written(batch: &StatementBatch) -> Result<Vec<PlatformRecord>> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::create(folder.path().join("store"))?;
        let transaction = store.begin("r1", Stage::Collect, 1)?;
        let mut file = transaction.file(PlatformRecord::TABLE, NO_CONTEXT)?;
        batch.write(&mut file)?;
        let mut manifest = Manifest::new("r1", 1);
        manifest.files.push(file.finish()?);
        let manifest = transaction.commit(manifest)?;
        Ok(store.rows(&manifest, None)?)
    }

    proptest! {
        #[test]
        fn a_batch_holds_the_chosen_rows_in_their_order(blocks in prop::collection::vec((records(), any::<u16>()), 1..4)) {
            let (mut batch, mut expected) = (StatementBatch::default(), Vec::new());
            for (records, chosen) in blocks {
                let rows: Vec<usize> = (0..records.len()).filter(|row| chosen >> row & 1 == 1).collect();
                let statements = Statements::of_records(&records);
                for (row, record) in records.iter().enumerate() {
                    prop_assert_eq!(&statements.record(row), record);
                }
                batch.push(statements, rows.iter().copied().collect());
                expected.extend(rows.iter().map(|&row| records[row].clone()));
            }
            prop_assert_eq!(batch.rows(), expected.len());
            prop_assert_eq!(written(&batch).expect("a store"), expected);
        }
    }
}
