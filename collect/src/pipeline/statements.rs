//! The columns of the platform statements, and of the other lines without a record, of one file.

use std::borrow::Cow;
use std::ops::Range;

use faaslens_schemas::dictionary::{Dictionary, NONE};
use faaslens_schemas::store::Texts;
use faaslens_schemas::table::Label;
use faaslens_schemas::tables::PlatformRecord;
use faaslens_schemas::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::columns::hash_words;
use crate::formats::{Statement, TEXT};

/// Statements that a block has room for at once.
const STATEMENTS: usize = 256;
/// The instant that stands for an unknown one; no clock shows it.
pub(super) const NEVER: i64 = i64::MIN;

/// Columns of labels that differ from row to row.
pub(super) const LABELS: usize = 6;
/// Places in [`Statements::labels`].
pub(super) mod label {
    pub(in super::super) const FUNCTION: usize = 0;
    pub(in super::super) const EXECUTOR: usize = 1;
    pub(in super::super) const KIND: usize = 2;
    pub(in super::super) const HOST: usize = 3;
    pub(in super::super) const STATUS: usize = 4;
    pub(in super::super) const ERROR_TYPE: usize = 5;
}

/// Columns of numbers, from `duration_ms` to `memory_used_mb`, in the order of the table.
pub(super) const NUMBERS: usize = 7;

/// Columns of texts that rarely repeat.
pub(super) const TEXTS: usize = 4;
/// Places in [`Statements::texts`].
pub(super) mod text {
    pub(in super::super) const REQUEST_ID: usize = 0;
    pub(in super::super) const TRACE_ID: usize = 1;
    pub(in super::super) const SEGMENT_ID: usize = 2;
    pub(in super::super) const TEXT: usize = 3;
}

/// Rows in ascending order, as runs of neighbours.
#[derive(Debug, Default)]
pub(super) struct Runs(pub(super) Vec<Range<usize>>);

impl Runs {
    /// Adds a row after all others.
    pub(super) fn push(&mut self, row: usize) {
        match self.0.last_mut() {
            Some(run) if run.end == row => run.end += 1,
            _ => self.0.push(row..row + 1),
        }
    }

    /// How many rows they are.
    pub(super) fn rows(&self) -> usize {
        self.0.iter().map(Range::len).sum()
    }
}

impl FromIterator<usize> for Runs {
    fn from_iter<I: IntoIterator<Item = usize>>(rows: I) -> Self {
        let mut runs = Self::default();
        for row in rows {
            runs.push(row);
        }
        runs
    }
}

/// Whose statement it is.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) function: String,
    pub(super) executor: String,
}

/// Statements of one file, column by column.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// The texts of all labels.
    pub(super) dictionary: Dictionary,
    /// Keys of what all rows share, and of the kind of an initialisation.
    pub(super) provider: u32,
    pub(super) source: u32,
    initialisation: u32,
    /// Keys of labels, [`NONE`] where unknown.
    pub(super) labels: [Vec<u32>; LABELS],
    /// Microseconds, [`NEVER`] where unknown.
    pub(super) at: Vec<i64>,
    /// NaN where unknown.
    pub(super) numbers: [Vec<f64>; NUMBERS],
    pub(super) texts: [Texts; TEXTS],
    /// Offset in the file.
    pub(super) offset: Vec<i64>,
    /// Hashes of what the statements say, without whose they are.
    said: Vec<u64>,
}

impl Statements {
    /// No statements yet of a file of a provider.
    pub(super) fn of(provider: &str, source: &str) -> Self {
        let mut dictionary = Dictionary::default();
        let [provider, source, initialisation] = [provider, source, "init_start"].map(|text| dictionary.intern(text).0);
        Self { dictionary, provider, source, initialisation, ..Self::default() }
    }

    /// The statements of rows, which are of one provider and file.
    pub(super) fn of_records<'a>(records: impl IntoIterator<Item = &'a PlatformRecord>) -> Self {
        let mut statements = Self::default();
        for record in records {
            if statements.len() == 0 {
                statements = Self::of(&record.provider, &record.source);
            }
            statements.push_record(record);
        }
        statements
    }

    pub(super) fn len(&self) -> usize {
        self.offset.len()
    }

    /// Appends a statement of which it is not known yet by whose executor it is.
    pub(super) fn push(&mut self, statement: &Statement<'_>, offset: i64) {
        if self.offset.is_empty() {
            self.make_room();
        }
        let numbers = [
            statement.duration_ms,
            statement.billed_ms,
            statement.init_ms,
            statement.restore_ms,
            statement.billed_restore_ms,
            statement.memory_mb,
            statement.memory_used_mb,
        ];
        for (column, number) in self.numbers.iter_mut().zip(numbers) {
            column.push(number.unwrap_or(f64::NAN));
        }
        let texts = [&statement.request_id, &statement.trace_id, &statement.segment_id, &statement.text];
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.push(text.as_deref());
        }
        let labels = [&statement.function, &None, &None, &statement.host, &statement.status, &statement.error_type];
        for (column, label) in self.labels.iter_mut().zip(labels) {
            column.push(self.dictionary.intern_optional(label.as_deref()));
        }
        let (kind, _) = self.dictionary.intern(statement.kind);
        if let Some(unknown) = self.labels[label::KIND].last_mut() {
            *unknown = kind;
        }
        self.at.push(statement.at.map_or(NEVER, Timestamp::micros));
        self.offset.push(offset);
        self.said.push(self.hash_of_last(statement));
    }

    /// Hash of what the statement pushed last says.
    fn hash_of_last(&self, statement: &Statement<'_>) -> u64 {
        let last = self.offset.len() - 1;
        let text_hash = |text: &Option<Cow<'_, str>>| text.as_deref().map_or(0, |text| xxh3_64(text.as_bytes()));
        hash_words(&[
            self.dictionary.hash(self.provider),
            self.dictionary.hash(self.labels[label::KIND][last]),
            self.dictionary.hash(self.labels[label::STATUS][last]),
            text_hash(&statement.request_id),
            text_hash(&statement.text),
            self.at[last].cast_unsigned(),
            self.numbers[0][last].to_bits(),
        ])
    }

    fn make_room(&mut self) {
        self.labels.iter_mut().for_each(|column| column.reserve(STATEMENTS));
        self.numbers.iter_mut().for_each(|column| column.reserve(STATEMENTS));
        self.texts.iter_mut().for_each(|column| column.reserve(STATEMENTS));
        self.at.reserve(STATEMENTS);
        self.offset.reserve(STATEMENTS);
        self.said.reserve(STATEMENTS);
    }

    fn push_record(&mut self, record: &PlatformRecord) {
        let statement = Statement {
            kind: &record.kind,
            at: record.at,
            function: record.function.as_deref().map(Cow::Borrowed),
            request_id: record.request_id.as_deref().map(Cow::Borrowed),
            duration_ms: record.duration_ms,
            billed_ms: record.billed_ms,
            init_ms: record.init_ms,
            restore_ms: record.restore_ms,
            billed_restore_ms: record.billed_restore_ms,
            memory_mb: record.memory_mb,
            memory_used_mb: record.memory_used_mb,
            host: record.host.as_deref().map(Cow::Borrowed),
            status: record.status.as_deref().map(Cow::Borrowed),
            error_type: record.error_type.as_deref().map(Cow::Borrowed),
            trace_id: record.trace_id.as_deref().map(Cow::Borrowed),
            segment_id: record.segment_id.as_deref().map(Cow::Borrowed),
            text: record.text.as_deref().map(Cow::Borrowed),
        };
        self.push(&statement, record.offset);
        let executor = self.dictionary.intern_optional(record.executor.as_deref());
        if let Some(unknown) = self.labels[label::EXECUTOR].last_mut() {
            *unknown = executor;
        }
    }

    /// What a statement says.
    fn statement(&self, row: usize) -> Statement<'_> {
        let label = |column: usize| self.label(column, row).map(Cow::Borrowed);
        let number = |column: usize| Some(self.numbers[column][row]).filter(|number| !number.is_nan());
        let text = |column: usize| self.texts[column].get(row).map(String::from_utf8_lossy);
        Statement {
            kind: self.label(label::KIND, row).unwrap_or(TEXT),
            at: Some(self.at[row]).filter(|at| *at != NEVER).map(Timestamp::from_micros),
            function: label(label::FUNCTION),
            request_id: text(text::REQUEST_ID),
            duration_ms: number(0),
            billed_ms: number(1),
            init_ms: number(2),
            restore_ms: number(3),
            billed_restore_ms: number(4),
            memory_mb: number(5),
            memory_used_mb: number(6),
            host: label(label::HOST),
            status: label(label::STATUS),
            error_type: label(label::ERROR_TYPE),
            trace_id: text(text::TRACE_ID),
            segment_id: text(text::SEGMENT_ID),
            text: text(text::TEXT),
        }
    }

    /// A statement as a row of its table.
    pub(super) fn record(&self, row: usize) -> PlatformRecord {
        let statement = self.statement(row);
        let label = |label: Option<Cow<'_, str>>| label.map(|label| Label::from(&*label));
        let text = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        PlatformRecord {
            provider: self.dictionary.get(self.provider).into(),
            function: label(statement.function),
            executor: self.executor(row).map(Label::from),
            kind: statement.kind.into(),
            at: statement.at,
            request_id: text(statement.request_id),
            duration_ms: statement.duration_ms,
            billed_ms: statement.billed_ms,
            init_ms: statement.init_ms,
            restore_ms: statement.restore_ms,
            billed_restore_ms: statement.billed_restore_ms,
            memory_mb: statement.memory_mb,
            memory_used_mb: statement.memory_used_mb,
            host: label(statement.host),
            status: label(statement.status),
            error_type: label(statement.error_type),
            trace_id: text(statement.trace_id),
            segment_id: text(statement.segment_id),
            text: text(statement.text),
            source: self.dictionary.get(self.source).into(),
            offset: self.offset[row],
        }
    }

    /// No statements yet of the same file.
    pub(super) fn none_yet(&self) -> Self {
        Self::of(self.dictionary.get(self.provider), self.dictionary.get(self.source))
    }

    /// Appends a statement of others, as one of which it is not known yet by whose executor it is.
    pub(super) fn copy(&mut self, others: &Self, row: usize) {
        self.push(&others.statement(row), others.offset[row]);
    }

    fn label(&self, column: usize, row: usize) -> Option<&str> {
        let key = self.labels[column][row];
        (key != NONE).then(|| self.dictionary.get(key))
    }

    pub(super) fn executor(&self, row: usize) -> Option<&str> {
        self.label(label::EXECUTOR, row)
    }

    pub(super) fn function(&self, row: usize) -> Option<&str> {
        self.label(label::FUNCTION, row)
    }

    pub(super) fn is_initialisation(&self, row: usize) -> bool {
        self.labels[label::KIND][row] == self.initialisation
    }

    /// Whether a second statement of the same words can only be a repetition: it names its execution, or the executor
    /// that it initialises. Other lines may be logged twice in truth.
    pub(super) fn is_said_once(&self, row: usize) -> bool {
        let names_executor = self.is_initialisation(row) && self.labels[label::EXECUTOR][row] != NONE;
        names_executor || self.texts[text::REQUEST_ID].get(row).is_some()
    }

    /// Hash of what a statement says, wherever it stands.
    pub(super) fn identity(&self, row: usize) -> u64 {
        let said = self.said[row];
        if !self.is_initialisation(row) {
            return said;
        }
        // Two executors may be initialised in the same millisecond.
        hash_words(&[said, self.dictionary.hash(self.labels[label::EXECUTOR][row])])
    }

    /// Keys of names, for [`Statements::assign`].
    pub(super) fn keys_of(&mut self, function: Option<&str>, executor: Option<&str>) -> (u32, u32) {
        (self.dictionary.intern_optional(function), self.dictionary.intern_optional(executor))
    }

    /// Says whose a statement is, by the keys of function and executor.
    pub(super) fn assign(&mut self, row: usize, (function, executor): (u32, u32)) {
        self.labels[label::FUNCTION][row] = function;
        self.labels[label::EXECUTOR][row] = executor;
    }
}
