//! One part of a run: its distinct records as a Parquet file, its executors, its client requests.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use faaslens_schemas::arrow::array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use faaslens_schemas::arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use faaslens_schemas::arrow::datatypes::Int32Type;
use faaslens_schemas::manifest::FileEntry;
use faaslens_schemas::store::{TableFile, Transaction};
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::Event;
use faaslens_schemas::time::Timestamp;

use super::columns::{EventColumns, LABELS, Texts, label};
use super::dictionary::NONE;
use super::seen::Seen;
use crate::Result;
use crate::formats::befaas::{Kind, Op};

/// Rows that are encoded together.
const BATCH: usize = 16_384;

/// A block's records with what is needed to place them in a run.
pub(super) struct Placed {
    pub(super) events: EventColumns,
    /// Rows of each part.
    pub(super) rows: Vec<Vec<u32>>,
    /// Run-wide keys of the block's dictionary keys.
    pub(super) keys: [Vec<u32>; LABELS],
    /// Values of the run-wide dictionaries, with at least the keys above.
    pub(super) values: [Arc<StringArray>; LABELS],
    pub(super) file: usize,
    pub(super) provider: u32,
}

impl Placed {
    fn executor_of(&self, row: usize) -> ExecutorKey {
        let (function, executor) = self.events.executor_of(row);
        let keys = &self.keys;
        (self.provider, keys[label::FUNCTION][function as usize], keys[label::EXECUTOR][executor as usize])
    }
}

/// What is known of an executor from a part of its records.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExecutorPart {
    pub(super) origin_ms: f64,
    pub(super) first_logged_ms: i64,
    pub(super) last_logged_ms: i64,
    pub(super) lines: i64,
    pub(super) cold_start_ms: Option<i64>,
    pub(super) first_start_ms: Option<f64>,
}

impl ExecutorPart {
    fn new() -> Self {
        Self {
            origin_ms: f64::NEG_INFINITY,
            first_logged_ms: i64::MAX,
            last_logged_ms: i64::MIN,
            lines: 0,
            cold_start_ms: None,
            first_start_ms: None,
        }
    }

    /// Both parts together; the order does not matter.
    pub(super) fn merge(&mut self, other: &Self) {
        self.origin_ms = self.origin_ms.max(other.origin_ms);
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
    /// Rows of the block being gathered that are no repetition; kept for its memory.
    distinct: Vec<u32>,
    rows: Rows,
    file: Option<TableFile>,
    executors: HashMap<ExecutorKey, u32>,
    executor_parts: Vec<(ExecutorKey, ExecutorPart)>,
    /// Places in `executor_parts` of the executors of the block being gathered, by the block's keys.
    places: Vec<u32>,
    client: Vec<ClientMoment>,
    /// Repetitions left out, by file.
    duplicates: Vec<u64>,
    /// Records kept, by file.
    kept: Vec<u64>,
    sources: Arc<StringArray>,
    providers: Arc<StringArray>,
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
    pub(super) fn new(number: u32, sources: &Arc<StringArray>, providers: &Arc<StringArray>) -> Self {
        Self {
            number,
            seen: Seen::default(),
            distinct: Vec::new(),
            rows: Rows::default(),
            file: None,
            executors: HashMap::new(),
            executor_parts: Vec::new(),
            places: Vec::new(),
            client: Vec::new(),
            duplicates: vec![0; sources.len()],
            kept: vec![0; sources.len()],
            sources: Arc::clone(sources),
            providers: Arc::clone(providers),
        }
    }

    /// Takes the rows of a block, in order of blocks; encodes full batches.
    pub(super) fn take(&mut self, placed: &Placed, transaction: &Transaction) -> Result<()> {
        self.gather(placed);
        if self.rows.len() >= BATCH { self.write(&placed.values, transaction) } else { Ok(()) }
    }

    /// Takes a block's distinct rows, column by column.
    fn gather(&mut self, placed: &Placed) {
        let events = &placed.events;
        let rows = &placed.rows[self.number as usize];
        let mut distinct = std::mem::take(&mut self.distinct);
        distinct.clear();
        distinct.extend(rows.iter().filter(|&&row| self.seen.insert(events.identity[row as usize])));
        self.kept[placed.file] += distinct.len() as u64;
        self.duplicates[placed.file] += (rows.len() - distinct.len()) as u64;
        self.rows.extend(placed, &distinct);
        self.places.clear();
        self.places.resize(placed.keys[label::EXECUTOR].len(), u32::MAX);
        for &row in &distinct {
            let row = row as usize;
            self.note_executor(placed, row);
            let kind = events.kind[row];
            if kind == Kind::ClientBefore as u8 || kind == Kind::ClientAfter as u8 {
                self.client.push(ClientMoment::of(placed, row));
            }
        }
        self.distinct = distinct;
    }

    fn note_executor(&mut self, placed: &Placed, row: usize) {
        let events = &placed.events;
        let part = self.executor_part(placed, row);
        let logged = events.logged_at_ms[row];
        part.origin_ms = part.origin_ms.max(logged as f64 - events.now_ms[row]);
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
    fn executor_part(&mut self, placed: &Placed, row: usize) -> &mut ExecutorPart {
        let key = placed.executor_of(row);
        let local = placed.events.labels[label::EXECUTOR][row] as usize;
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

    fn write(&mut self, values: &[Arc<StringArray>; LABELS], transaction: &Transaction) -> Result<()> {
        let batch =
            std::mem::replace(&mut self.rows, Rows::with_room()).into_batch(values, &self.sources, &self.providers)?;
        if self.file.is_none() {
            self.file = Some(transaction.file(Event::TABLE, self.number)?);
        }
        if let Some(file) = &mut self.file {
            file.write(&batch)?;
        }
        Ok(())
    }

    /// Encodes what is left and ends the file.
    pub(super) fn finish(mut self, values: &[Arc<StringArray>; LABELS], transaction: &Transaction) -> Result<Finished> {
        if self.rows.len() > 0 {
            self.write(values, transaction)?;
        }
        let entry = self.file.map(TableFile::finish).transpose()?;
        let Self { executor_parts, client, duplicates, kept, .. } = self;
        let executors = executor_parts.into_iter().collect();
        Ok(Finished { entry, executors, client, duplicates, kept })
    }
}

impl ClientMoment {
    fn of(placed: &Placed, row: usize) -> Self {
        let events = &placed.events;
        let text = |texts: &Texts| texts.get(row).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Self {
            executor: placed.executor_of(row),
            context_id: text(&events.context_id).unwrap_or_default(),
            pair_id: text(&events.pair_id),
            answered: events.kind[row] == Kind::ClientAfter as u8,
            now_ms: events.now_ms[row],
            logged_at_ms: events.logged_at_ms[row],
            url: text(&events.url),
            file: placed.file,
            offset: events.offset[row],
        }
    }
}

/// Rows gathered and not yet encoded.
#[derive(Default)]
struct Rows {
    provider: Vec<i32>,
    source: Vec<i32>,
    labels: [Keys; LABELS],
    logged_at: Vec<i64>,
    now_ms: Vec<f64>,
    kind: Vec<i32>,
    op: Keys,
    context_id: GatheredTexts,
    pair_id: GatheredTexts,
    callee_pair_id: GatheredTexts,
    start_ms: Numbers,
    duration_ms: Numbers,
    url: GatheredTexts,
    headers: GatheredTexts,
    offset: Vec<i64>,
}

impl Rows {
    /// No rows, with room for a batch and the block that completes it.
    fn with_room() -> Self {
        let room = BATCH + BATCH / 8;
        let texts = |each: usize| GatheredTexts {
            bytes: Vec::with_capacity(room * each),
            offsets: {
                let mut offsets = Vec::with_capacity(room + 1);
                offsets.push(0);
                offsets
            },
            present: Vec::with_capacity(room),
        };
        let keys = || Keys { keys: Vec::with_capacity(room), some_absent: false };
        Self {
            provider: Vec::with_capacity(room),
            source: Vec::with_capacity(room),
            labels: std::array::from_fn(|_| keys()),
            logged_at: Vec::with_capacity(room),
            now_ms: Vec::with_capacity(room),
            kind: Vec::with_capacity(room),
            op: keys(),
            context_id: texts(9),
            pair_id: texts(18),
            callee_pair_id: texts(6),
            start_ms: Numbers(Vec::with_capacity(room)),
            duration_ms: Numbers(Vec::with_capacity(room)),
            url: texts(4),
            headers: texts(32),
            offset: Vec::with_capacity(room),
        }
    }

    fn len(&self) -> usize {
        self.kind.len()
    }

    /// Appends rows of a block.
    fn extend(&mut self, placed: &Placed, rows: &[u32]) {
        let events = &placed.events;
        let n = rows.len();
        let each = || rows.iter().map(|&row| row as usize);
        self.provider.extend(std::iter::repeat_n(placed.provider.cast_signed(), n));
        self.source.extend(std::iter::repeat_n(i32::try_from(placed.file).unwrap_or(i32::MAX), n));
        for ((target, source), keys) in self.labels.iter_mut().zip(&events.labels).zip(&placed.keys) {
            target.extend(each().map(|row| keys.get(source[row] as usize).copied().unwrap_or(NONE)));
        }
        self.logged_at.extend(each().map(|row| Timestamp::from_millis(events.logged_at_ms[row]).micros()));
        self.now_ms.extend(each().map(|row| events.now_ms[row]));
        self.kind.extend(each().map(|row| i32::from(events.kind[row])));
        self.op.extend(each().map(|row| if events.op[row] == u8::MAX { NONE } else { u32::from(events.op[row]) }));
        self.context_id.extend(&events.context_id, rows);
        self.pair_id.extend(&events.pair_id, rows);
        self.callee_pair_id.extend(&events.callee_pair_id, rows);
        self.start_ms.extend(each().map(|row| events.start_ms[row]));
        self.duration_ms.extend(each().map(|row| events.duration_ms[row]));
        self.url.extend(&events.url, rows);
        self.headers.extend(&events.headers, rows);
        self.offset.extend(each().map(|row| events.offset[row].cast_signed()));
    }

    fn into_batch(
        self,
        values: &[Arc<StringArray>; LABELS],
        sources: &Arc<StringArray>,
        providers: &Arc<StringArray>,
    ) -> Result<RecordBatch> {
        let [function, executor, deployment, target, method, user_agent] = self.labels;
        let dictionary = |keys: Keys, values: &Arc<StringArray>| keys.into_array(values);
        let fixed = |keys: Vec<i32>, values: &Arc<StringArray>| Keys::all(keys).into_array(values);
        let columns: Vec<ArrayRef> = vec![
            fixed(self.provider, providers)?,
            dictionary(function, &values[label::FUNCTION])?,
            dictionary(executor, &values[label::EXECUTOR])?,
            dictionary(deployment, &values[label::DEPLOYMENT])?,
            Arc::new(TimestampMicrosecondArray::from(self.logged_at).with_timezone("UTC")),
            Arc::new(Float64Array::from(self.now_ms)),
            fixed(self.kind, &Arc::new(StringArray::from_iter_values(Kind::NAMES)))?,
            dictionary(self.op, &Arc::new(StringArray::from_iter_values(Op::NAMES)))?,
            dictionary(target, &values[label::TARGET])?,
            self.context_id.into_array()?,
            self.pair_id.into_array()?,
            self.callee_pair_id.into_array()?,
            self.start_ms.into_array(),
            self.duration_ms.into_array(),
            dictionary(method, &values[label::METHOD])?,
            self.url.into_array()?,
            dictionary(user_agent, &values[label::USER_AGENT])?,
            self.headers.into_array()?,
            fixed(self.source, sources)?,
            Arc::new(Int64Array::from(self.offset)),
        ];
        Ok(RecordBatch::try_new(Event::schema(), columns).map_err(refused)?)
    }
}

fn refused(source: faaslens_schemas::arrow::error::ArrowError) -> faaslens_schemas::Error {
    faaslens_schemas::Error::Arrow { table: Event::TABLE.name, source }
}

/// Dictionary keys, some absent.
#[derive(Default)]
struct Keys {
    keys: Vec<i32>,
    some_absent: bool,
}

impl Keys {
    fn all(keys: Vec<i32>) -> Self {
        Self { keys, some_absent: false }
    }

    /// Appends keys; [`NONE`] becomes -1.
    fn extend(&mut self, keys: impl Iterator<Item = u32>) {
        let mut absent = false;
        self.keys.extend(keys.map(|key| {
            absent |= key == NONE;
            key.cast_signed()
        }));
        self.some_absent |= absent;
    }

    fn into_array(mut self, values: &Arc<StringArray>) -> Result<ArrayRef> {
        let valid = self.some_absent.then(|| self.keys.iter().map(|&key| key >= 0).collect::<NullBuffer>());
        if valid.is_some() {
            self.keys.iter_mut().for_each(|key| *key = (*key).max(0));
        }
        // Absent keys point at the first value, which may not exist where all are absent.
        let keys = Int32Array::new(ScalarBuffer::from(self.keys), valid);
        let values: ArrayRef = Arc::<StringArray>::clone(values);
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values).map_err(refused)?))
    }
}

/// Numbers, NaN for absent ones.
#[derive(Default)]
struct Numbers(Vec<f64>);

impl Numbers {
    fn extend(&mut self, values: impl Iterator<Item = f64>) {
        self.0.extend(values);
    }

    fn into_array(self) -> ArrayRef {
        let some_absent = self.0.iter().any(|value| value.is_nan());
        let valid = some_absent.then(|| self.0.iter().map(|value| !value.is_nan()).collect::<NullBuffer>());
        Arc::new(Float64Array::new(ScalarBuffer::from(self.0), valid))
    }
}

/// Texts, some absent.
struct GatheredTexts {
    bytes: Vec<u8>,
    offsets: Vec<i32>,
    present: Vec<bool>,
}

impl Default for GatheredTexts {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0], present: Vec::new() }
    }
}

impl GatheredTexts {
    fn extend(&mut self, texts: &Texts, rows: &[u32]) {
        for &row in rows {
            let text = texts.get(row as usize);
            self.present.push(text.is_some());
            self.bytes.extend_from_slice(text.unwrap_or_default());
            self.offsets.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
        }
    }

    fn into_array(self) -> Result<ArrayRef> {
        let valid = self.present.contains(&false).then(|| NullBuffer::from(self.present));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let array = StringArray::try_new(offsets, Buffer::from_vec(self.bytes), valid).map_err(refused)?;
        Ok(Arc::new(array))
    }
}
