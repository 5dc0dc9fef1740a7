//! One part of a run: its distinct records as a Parquet file, its executors, its client requests.

use std::collections::{BTreeMap, HashMap};
use std::mem::take;
use std::sync::LazyLock;

use faaslens_schemas::dictionary::{Dictionary, NONE};
use faaslens_schemas::manifest::FileEntry;
use faaslens_schemas::store::{Cells, TableFile, Transaction};
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::Event;

use super::InputFile;
use super::columns::{BlockColumns, Columns, LABELS, label};
use super::seen::Seen;
use crate::Result;
use crate::clocks::ClockSketch;
use crate::formats::befaas::{Kind, Op};

/// A block's records with what is needed to place them in a run.
pub(super) struct Placed {
    pub(super) columns: BlockColumns,
    /// Run-wide keys of the block's functions and executors.
    pub(super) functions: Vec<u32>,
    pub(super) executors: Vec<u32>,
    pub(super) file: usize,
    pub(super) provider: u32,
}

impl Placed {
    fn executor_of(&self, columns: &Columns, row: usize) -> ExecutorKey {
        let key = |column: usize| columns.labels[column][row] as usize;
        (self.provider, self.functions[key(label::FUNCTION)], self.executors[key(label::EXECUTOR)])
    }
}

/// What is known of an executor from a part of its records.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExecutorPart {
    pub(super) clock: ClockSketch,
    pub(super) first_logged_ms: i64,
    pub(super) last_logged_ms: i64,
    pub(super) lines: i64,
    pub(super) cold_start_ms: Option<i64>,
    pub(super) first_start_ms: Option<f64>,
}

impl ExecutorPart {
    fn new() -> Self {
        Self {
            clock: ClockSketch::default(),
            first_logged_ms: i64::MAX,
            last_logged_ms: i64::MIN,
            lines: 0,
            cold_start_ms: None,
            first_start_ms: None,
        }
    }

    /// Both parts together; the order does not matter.
    pub(super) fn merge(&mut self, other: &Self) {
        self.clock.merge(&other.clock);
        self.first_logged_ms = self.first_logged_ms.min(other.first_logged_ms);
        self.last_logged_ms = self.last_logged_ms.max(other.last_logged_ms);
        self.lines += other.lines;
        self.cold_start_ms = min_option(self.cold_start_ms, other.cold_start_ms, i64::min);
        self.first_start_ms = min_option(self.first_start_ms, other.first_start_ms, f64::min);
    }
}

fn min_option<T>(a: Option<T>, b: Option<T>, min: fn(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(min(a, b)),
        (a, b) => a.or(b),
    }
}

/// Key of an executor: provider, function, executor, as run-wide keys.
pub(super) type ExecutorKey = (u32, u32, u32);

/// The load generator sent a request, or got its answer.
#[derive(Debug, Clone)]
pub(super) struct ClientMoment {
    pub(super) executor: ExecutorKey,
    pub(super) context_id: String,
    pub(super) pair_id: Option<String>,
    pub(super) answered: bool,
    pub(super) now_ms: f64,
    pub(super) logged_at_ms: i64,
    pub(super) url: Option<String>,
    pub(super) file: usize,
    pub(super) offset: u64,
}

/// One part under construction.
pub(super) struct Part {
    number: u32,
    seen: Seen,
    /// Rows of the block being taken that are no repetition, and their columns where it has any; kept for their memory.
    distinct: Vec<u32>,
    selected: Columns,
    file: Option<TableFile>,
    executors: HashMap<ExecutorKey, u32>,
    executor_parts: Vec<(ExecutorKey, ExecutorPart)>,
    /// Places in `executor_parts` of the executors of the block being taken, by the block's keys.
    places: Vec<u32>,
    client: Vec<ClientMoment>,
    /// Repetitions left out, by file.
    duplicates: Vec<u64>,
    /// Records kept, by file.
    kept: Vec<u64>,
}

/// What a finished part leaves.
pub(super) struct Finished {
    pub(super) entry: Option<FileEntry>,
    pub(super) executors: BTreeMap<ExecutorKey, ExecutorPart>,
    pub(super) client: Vec<ClientMoment>,
    pub(super) duplicates: Vec<u64>,
    pub(super) kept: Vec<u64>,
}

impl Part {
    /// A part without rows, with room to know about so many `records` of so many `files`.
    pub(super) fn new(number: u32, files: usize, records: u64) -> Self {
        Self {
            number,
            seen: Seen::with_room(records),
            distinct: Vec::new(),
            selected: Columns::default(),
            file: None,
            executors: HashMap::new(),
            executor_parts: Vec::new(),
            places: Vec::new(),
            client: Vec::new(),
            duplicates: vec![0; files],
            kept: vec![0; files],
        }
    }

    /// Takes and encodes a block's distinct rows; blocks must come in order.
    pub(super) fn take(&mut self, placed: &Placed, source: &InputFile, transaction: &Transaction) -> Result<()> {
        let columns = &placed.columns.parts[self.number as usize];
        let mut distinct = take(&mut self.distinct);
        distinct.clear();
        self.seen.approach(&columns.identity);
        distinct.extend((0_u32..).zip(&columns.identity).filter(|(_, id)| self.seen.insert(**id)).map(|(row, _)| row));
        self.kept[placed.file] += distinct.len() as u64;
        self.duplicates[placed.file] += (columns.len() - distinct.len()) as u64;
        if distinct.len() == columns.len() {
            self.take_all(placed, columns, source, transaction)?;
        } else if !distinct.is_empty() {
            let mut selected = take(&mut self.selected);
            selected.select(columns, &distinct);
            self.take_all(placed, &selected, source, transaction)?;
            self.selected = selected;
        }
        self.distinct = distinct;
        Ok(())
    }

    fn take_all(
        &mut self,
        placed: &Placed,
        columns: &Columns,
        source: &InputFile,
        transaction: &Transaction,
    ) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(transaction.file(Event::TABLE, self.number)?),
        };
        file.append(columns.len(), &cells(columns, &placed.columns.dictionaries, source))?;
        self.places.clear();
        self.places.resize(placed.executors.len(), u32::MAX);
        for row in 0..columns.len() {
            self.note_executor(placed, columns, row);
            let kind = columns.kind[row];
            if kind == Kind::ClientBefore as u8 || kind == Kind::ClientAfter as u8 {
                self.client.push(ClientMoment::of(placed, columns, row));
            }
        }
        Ok(())
    }

    fn note_executor(&mut self, placed: &Placed, events: &Columns, row: usize) {
        let part = self.executor_part(placed, events, row);
        let logged = events.logged_at[row] / 1000;
        part.clock.observe(events.now_ms[row], logged);
        part.first_logged_ms = part.first_logged_ms.min(logged);
        part.last_logged_ms = part.last_logged_ms.max(logged);
        part.lines += 1;
        let kind = events.kind[row];
        if kind == Kind::ColdStart as u8 {
            part.cold_start_ms = min_option(part.cold_start_ms, Some(logged), i64::min);
        } else if (kind == Kind::Start as u8 || kind == Kind::Measure as u8) && events.op[row] <= Op::Msg as u8 {
            part.first_start_ms = min_option(part.first_start_ms, Some(events.start_ms[row]), f64::min);
        }
    }

    /// What is known of the executor of a row. A block's executor runs one function as a rule: then its place is known.
    #[expect(clippy::cast_possible_truncation, reason = "a run has far fewer than 2^32 executors")]
    fn executor_part(&mut self, placed: &Placed, columns: &Columns, row: usize) -> &mut ExecutorPart {
        let key = placed.executor_of(columns, row);
        let local = columns.labels[label::EXECUTOR][row] as usize;
        let known = self.places[local];
        if known != u32::MAX && self.executor_parts[known as usize].0 == key {
            return &mut self.executor_parts[known as usize].1;
        }
        let parts = &mut self.executor_parts;
        let place = *self.executors.entry(key).or_insert_with(|| {
            parts.push((key, ExecutorPart::new()));
            (parts.len() - 1) as u32
        });
        self.places[local] = place;
        &mut parts[place as usize].1
    }

    /// Ends the file.
    pub(super) fn finish(self) -> Result<Finished> {
        let entry = self.file.map(TableFile::finish).transpose()?;
        let Self { executor_parts, client, duplicates, kept, .. } = self;
        let executors = executor_parts.into_iter().collect();
        Ok(Finished { entry, executors, client, duplicates, kept })
    }
}

impl ClientMoment {
    fn of(placed: &Placed, events: &Columns, row: usize) -> Self {
        let text = |column: usize| {
            let key = events.labels[column][row];
            (key != NONE).then(|| placed.columns.dictionaries[column].get(key).to_owned())
        };
        Self {
            executor: placed.executor_of(events, row),
            context_id: text(label::CONTEXT).unwrap_or_default(),
            pair_id: text(label::PAIR),
            answered: events.kind[row] == Kind::ClientAfter as u8,
            now_ms: events.now_ms[row],
            logged_at_ms: events.logged_at[row] / 1000,
            url: text(label::URL),
            file: placed.file,
            offset: events.offset[row].cast_unsigned(),
        }
    }
}

/// Names of kinds and operations, by their numbers.
static KINDS: LazyLock<Dictionary> = LazyLock::new(|| Kind::NAMES.iter().copied().collect());
static OPS: LazyLock<Dictionary> = LazyLock::new(|| Op::NAMES.iter().copied().collect());

/// The rows of a block as the columns of [`Event`], in its order.
fn cells<'a>(columns: &'a Columns, dictionaries: &'a [Dictionary; LABELS], source: &'a InputFile) -> [Cells<'a>; 20] {
    let text = |column: usize| Cells::Keyed(&columns.labels[column], &dictionaries[column]);
    [
        Cells::Same(&source.provider),
        text(label::FUNCTION),
        text(label::EXECUTOR),
        text(label::DEPLOYMENT),
        Cells::Integers(&columns.logged_at),
        Cells::Numbers(&columns.now_ms),
        Cells::Named(&columns.kind, &KINDS),
        Cells::Named(&columns.op, &OPS),
        text(label::TARGET),
        text(label::CONTEXT),
        text(label::PAIR),
        text(label::CALLEE_PAIR),
        Cells::Numbers(&columns.start_ms),
        Cells::Numbers(&columns.duration_ms),
        text(label::METHOD),
        text(label::URL),
        text(label::USER_AGENT),
        Cells::Texts(columns.headers.rows(0..columns.len())),
        Cells::Same(&source.name),
        Cells::Integers(&columns.offset),
    ]
}
