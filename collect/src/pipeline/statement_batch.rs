//! Platform statements of several blocks as one batch of their table.

use std::ops::Range;
use std::sync::Arc;

use faaslens_schemas::arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use faaslens_schemas::arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use faaslens_schemas::arrow::datatypes::Int32Type;
use faaslens_schemas::table::{Row, Table};
use faaslens_schemas::tables::PlatformRecord;

use super::dictionary::{Dictionary, NONE};
use super::small_tables::Batch;
use super::statements::{NEVER, NUMBERS, Runs, Statements, label, text};
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

    fn encode(&self) -> Result<RecordBatch> {
        Encoder::of(self).batch()
    }

    fn clear(&mut self) {
        self.chosen.clear();
        self.rows = 0;
    }
}

/// Makes the columns of a batch.
struct Encoder<'a> {
    batch: &'a StatementBatch,
    /// The texts of the labels of all statements, and the keys into them of each one's own.
    labels: ArrayRef,
    keys: Vec<Vec<u32>>,
}

impl<'a> Encoder<'a> {
    fn of(batch: &'a StatementBatch) -> Self {
        let mut dictionary = Dictionary::default();
        let own = |(statements, _): &(Statements, _)| dictionary.intern_all(&statements.dictionary);
        let keys = batch.chosen.iter().map(own).collect();
        Self { batch, labels: Arc::new(StringArray::from_iter_values(dictionary.texts())), keys }
    }

    /// All columns in the order of the table.
    fn batch(&self) -> Result<RecordBatch> {
        let mut columns = vec![
            self.shared(|statements| statements.provider)?,
            self.labels(label::FUNCTION)?,
            self.labels(label::EXECUTOR)?,
            self.labels(label::KIND)?,
            self.instants(),
            self.texts(text::REQUEST_ID)?,
        ];
        columns.extend((0..NUMBERS).map(|column| self.numbers(column)));
        columns.extend([
            self.labels(label::HOST)?,
            self.labels(label::STATUS)?,
            self.labels(label::ERROR_TYPE)?,
            self.texts(text::TRACE_ID)?,
            self.texts(text::SEGMENT_ID)?,
            self.texts(text::TEXT)?,
            self.shared(|statements| statements.source)?,
            Arc::new(Int64Array::from(self.gather(|statements| &statements.offset))),
        ]);
        Ok(RecordBatch::try_new(PlatformRecord::schema(), columns).map_err(refused)?)
    }

    fn runs(&self) -> impl Iterator<Item = (&'a Statements, Range<usize>)> {
        let chosen = self.batch.chosen.iter();
        chosen.flat_map(|(statements, runs)| runs.0.iter().map(move |run| (statements, run.clone())))
    }

    /// The values of a column of all rows.
    fn gather<T: Copy + 'a>(&self, column: impl Fn(&'a Statements) -> &'a Vec<T>) -> Vec<T> {
        let mut values = Vec::with_capacity(self.batch.rows);
        for (statements, run) in self.runs() {
            values.extend_from_slice(&column(statements)[run]);
        }
        values
    }

    fn labels(&self, column: usize) -> Result<ArrayRef> {
        let mut keys = Vec::with_capacity(self.batch.rows);
        for ((statements, runs), own) in self.batch.chosen.iter().zip(&self.keys) {
            let key = |key: &u32| own.get(*key as usize).map_or(NONE, |key| *key);
            for run in &runs.0 {
                keys.extend(statements.labels[column][run.clone()].iter().map(key));
            }
        }
        self.label_array(&keys)
    }

    /// A label that all rows of the same statements share.
    fn shared(&self, label: impl Fn(&Statements) -> u32) -> Result<ArrayRef> {
        let mut keys = Vec::with_capacity(self.batch.rows);
        for ((statements, runs), own) in self.batch.chosen.iter().zip(&self.keys) {
            keys.extend(std::iter::repeat_n(own[label(statements) as usize], runs.rows()));
        }
        self.label_array(&keys)
    }

    fn label_array(&self, keys: &[u32]) -> Result<ArrayRef> {
        // An absent key points at the first label: a batch has at least its provider's.
        let numbers: Vec<i32> = keys.iter().map(|key| i32::try_from(*key).unwrap_or(0)).collect();
        let keys = Int32Array::new(ScalarBuffer::from(numbers), validity(keys.len(), |row| keys[row] != NONE));
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(&self.labels)).map_err(refused)?))
    }

    fn instants(&self) -> ArrayRef {
        let instants = self.gather(|statements| &statements.at);
        let valid = validity(instants.len(), |row| instants[row] != NEVER);
        Arc::new(TimestampMicrosecondArray::new(ScalarBuffer::from(instants), valid).with_timezone("UTC"))
    }

    fn numbers(&self, column: usize) -> ArrayRef {
        let numbers = self.gather(|statements| &statements.numbers[column]);
        let valid = validity(numbers.len(), |row| !numbers[row].is_nan());
        Arc::new(Float64Array::new(ScalarBuffer::from(numbers), valid))
    }

    fn texts(&self, column: usize) -> Result<ArrayRef> {
        let mut bytes = Vec::new();
        let mut offsets = Vec::with_capacity(self.batch.rows + 1);
        let mut present = Vec::with_capacity(self.batch.rows);
        offsets.push(0);
        for (statements, run) in self.runs() {
            let texts = &statements.texts[column];
            let start = run.start.checked_sub(1).map_or(0, |before| texts.ends()[before] as usize);
            let ends = &texts.ends()[run.clone()];
            let end = ends.last().map_or(start, |end| *end as usize);
            let place = |end: &u32| i32::try_from(bytes.len() + *end as usize - start).unwrap_or(i32::MAX);
            offsets.extend(ends.iter().map(place));
            bytes.extend_from_slice(&texts.bytes()[start..end]);
            present.extend_from_slice(&texts.present()[run]);
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let valid = validity(present.len(), |row| present[row]);
        Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), valid).map_err(refused)?))
    }
}

/// Which of some rows have a value; `None` where all have.
fn validity(rows: usize, is_valid: impl Fn(usize) -> bool) -> Option<NullBuffer> {
    Some(NullBuffer::new(BooleanBuffer::collect_bool(rows, is_valid))).filter(|valid| valid.null_count() > 0)
}

fn refused(source: faaslens_schemas::arrow::error::ArrowError) -> faaslens_schemas::Error {
    faaslens_schemas::Error::Arrow { table: PlatformRecord::TABLE.name, source }
}

#[cfg(test)]
mod tests {
    use faaslens_schemas::table::Label;
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
            let read = PlatformRecord::from_batch(&batch.encode().expect("a batch of the table")).expect("its rows");
            prop_assert_eq!(read, expected);
        }
    }
}
