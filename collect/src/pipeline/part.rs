//! One part of a run: its distinct records as a Parquet file, its executors, its client requests.

use std::collections::{BTreeMap, HashMap};
use std::mem::take;
use std::sync::Arc;

use faaslens_schemas::arrow::array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use faaslens_schemas::arrow::buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use faaslens_schemas::arrow::datatypes::Int32Type;
use faaslens_schemas::manifest::FileEntry;
use faaslens_schemas::store::{TableFile, Transaction};
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::Event;
use faaslens_schemas::time::Timestamp;

use super::columns::{BlockColumns, Columns, LABELS, Texts, label};
use super::dictionary::NONE;
use super::seen::Seen;
use crate::Result;
use crate::clocks::ClockSketch;
use crate::formats::befaas::{Kind, Op};

/// Rows that are encoded together.
const BATCH: usize = 4096;

/// A block's records with what is needed to place them in a run.
pub(super) struct Placed {
    pub(super) columns: BlockColumns,
    /// Run-wide keys of the block's dictionary keys.
    pub(super) keys: [Vec<u32>; LABELS],
    pub(super) file: usize,
    pub(super) provider: u32,
}

impl Placed {
    fn executor_of(&self, columns: &Columns, row: usize) -> ExecutorKey {
        let key = |column: usize| self.keys[column][columns.labels[column][row] as usize];
        (self.provider, key(label::FUNCTION), key(label::EXECUTOR))
    }
}

/// Values of the run-wide dictionaries.
pub(super) type Values = [Arc<StringArray>; LABELS];

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
    /// A part without rows, with room to know about so many `records`.
    pub(super) fn new(number: u32, sources: &Arc<StringArray>, providers: &Arc<StringArray>, records: u64) -> Self {
        Self {
            number,
            seen: Seen::with_room(records),
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

    /// Takes a block's distinct rows, column by column; blocks must come in order.
    pub(super) fn take(&mut self, placed: &Placed) {
        let columns = &placed.columns.parts[self.number as usize];
        let mut distinct = take(&mut self.distinct);
        distinct.clear();
        self.seen.approach(&columns.identity);
        distinct.extend((0_u32..).zip(&columns.identity).filter(|(_, id)| self.seen.insert(**id)).map(|(row, _)| row));
        self.kept[placed.file] += distinct.len() as u64;
        self.duplicates[placed.file] += (columns.len() - distinct.len()) as u64;
        self.rows.extend(placed, columns, (distinct.len() < columns.len()).then_some(&distinct));
        self.places.clear();
        self.places.resize(placed.keys[label::EXECUTOR].len(), u32::MAX);
        for &row in &distinct {
            let row = row as usize;
            self.note_executor(placed, columns, row);
            let kind = columns.kind[row];
            if kind == Kind::ClientBefore as u8 || kind == Kind::ClientAfter as u8 {
                self.client.push(ClientMoment::of(placed, columns, row));
            }
        }
        self.distinct = distinct;
    }

    /// Whether a batch is full.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= BATCH
    }

    fn note_executor(&mut self, placed: &Placed, events: &Columns, row: usize) {
        let part = self.executor_part(placed, events, row);
        let logged = events.logged_at_ms[row];
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

    /// Encodes what was taken.
    pub(super) fn write(&mut self, values: &Values, transaction: &Transaction) -> Result<()> {
        let batch = self.rows.take_batch(values, &self.sources, &self.providers)?;
        if self.file.is_none() {
            self.file = Some(transaction.file(Event::TABLE, self.number)?);
        }
        if let Some(file) = &mut self.file {
            file.write(&batch)?;
        }
        self.rows.reclaim(batch);
        Ok(())
    }

    /// Encodes what is left and ends the file.
    pub(super) fn finish(mut self, values: &Values, transaction: &Transaction) -> Result<Finished> {
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
    fn of(placed: &Placed, events: &Columns, row: usize) -> Self {
        let text = |texts: &Texts| texts.get(row).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Self {
            executor: placed.executor_of(events, row),
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
    fn len(&self) -> usize {
        self.kind.len()
    }

    /// Appends the rows of a block, all or `only` some.
    fn extend(&mut self, placed: &Placed, columns: &Columns, only: Option<&Vec<u32>>) {
        let n = only.map_or(columns.len(), Vec::len);
        self.provider.extend(std::iter::repeat_n(placed.provider.cast_signed(), n));
        self.source.extend(std::iter::repeat_n(i32::try_from(placed.file).unwrap_or(i32::MAX), n));
        for ((target, source), keys) in self.labels.iter_mut().zip(&columns.labels).zip(&placed.keys) {
            target.some_absent |= source.contains(&NONE);
            append(&mut target.keys, source, only, |key| keys.get(key as usize).copied().unwrap_or(NONE).cast_signed());
        }
        append(&mut self.logged_at, &columns.logged_at_ms, only, |at| Timestamp::from_millis(at).micros());
        append(&mut self.now_ms, &columns.now_ms, only, |ms| ms);
        append(&mut self.kind, &columns.kind, only, i32::from);
        self.op.some_absent |= columns.op.contains(&u8::MAX);
        append(&mut self.op.keys, &columns.op, only, |op| if op == u8::MAX { -1 } else { i32::from(op) });
        self.context_id.append(&columns.context_id, only);
        self.pair_id.append(&columns.pair_id, only);
        self.callee_pair_id.append(&columns.callee_pair_id, only);
        append(&mut self.start_ms.0, &columns.start_ms, only, |ms| ms);
        append(&mut self.duration_ms.0, &columns.duration_ms, only, |ms| ms);
        self.url.append(&columns.url, only);
        self.headers.append(&columns.headers, only);
        append(&mut self.offset, &columns.offset, only, u64::cast_signed);
    }

    /// All rows as a batch; none are left, nor room for any until [`Rows::reclaim`].
    fn take_batch(
        &mut self,
        values: &Values,
        sources: &Arc<StringArray>,
        providers: &Arc<StringArray>,
    ) -> Result<RecordBatch> {
        let [function, executor, deployment, target, method, user_agent] = &mut self.labels;
        let fixed = |keys: &mut Vec<i32>, values: &Arc<StringArray>| Keys::all(take(keys)).take_array(values);
        let columns: Vec<ArrayRef> = vec![
            fixed(&mut self.provider, providers)?,
            function.take_array(&values[label::FUNCTION])?,
            executor.take_array(&values[label::EXECUTOR])?,
            deployment.take_array(&values[label::DEPLOYMENT])?,
            Arc::new(TimestampMicrosecondArray::from(take(&mut self.logged_at)).with_timezone("UTC")),
            Arc::new(Float64Array::from(take(&mut self.now_ms))),
            fixed(&mut self.kind, &Arc::new(StringArray::from_iter_values(Kind::NAMES)))?,
            self.op.take_array(&Arc::new(StringArray::from_iter_values(Op::NAMES)))?,
            target.take_array(&values[label::TARGET])?,
            self.context_id.take_array()?,
            self.pair_id.take_array()?,
            self.callee_pair_id.take_array()?,
            self.start_ms.take_array(),
            self.duration_ms.take_array(),
            method.take_array(&values[label::METHOD])?,
            self.url.take_array()?,
            user_agent.take_array(&values[label::USER_AGENT])?,
            self.headers.take_array()?,
            fixed(&mut self.source, sources)?,
            Arc::new(Int64Array::from(take(&mut self.offset))),
        ];
        Ok(RecordBatch::try_new(Event::schema(), columns).map_err(refused)?)
    }

    /// Takes back the memory of a batch that is written: fresh pages for every batch cost more than filling them.
    fn reclaim(&mut self, batch: RecordBatch) {
        let (_, columns, _) = batch.into_parts();
        let mut columns = columns.into_iter();
        let mut next = || columns.next().map_or_else(Vec::new, buffers_of).into_iter();
        let [function, executor, deployment, target, method, user_agent] = &mut self.labels;
        reclaim(&mut self.provider, next().next());
        reclaim(&mut function.keys, next().next());
        reclaim(&mut executor.keys, next().next());
        reclaim(&mut deployment.keys, next().next());
        reclaim(&mut self.logged_at, next().next());
        reclaim(&mut self.now_ms, next().next());
        reclaim(&mut self.kind, next().next());
        reclaim(&mut self.op.keys, next().next());
        reclaim(&mut target.keys, next().next());
        self.context_id.reclaim(next());
        self.pair_id.reclaim(next());
        self.callee_pair_id.reclaim(next());
        reclaim(&mut self.start_ms.0, next().next());
        reclaim(&mut self.duration_ms.0, next().next());
        reclaim(&mut method.keys, next().next());
        self.url.reclaim(next());
        reclaim(&mut user_agent.keys, next().next());
        self.headers.reclaim(next());
        reclaim(&mut self.source, next().next());
        reclaim(&mut self.offset, next().next());
    }
}

/// Appends values, all or those of `only` some rows.
fn append<T: Copy, U>(target: &mut Vec<U>, source: &[T], only: Option<&Vec<u32>>, convert: impl Fn(T) -> U) {
    match only {
        None => target.extend(source.iter().map(|value| convert(*value))),
        Some(rows) => target.extend(rows.iter().map(|row| convert(source[*row as usize]))),
    }
}

/// The buffers of an array, which it lets go.
fn buffers_of(array: ArrayRef) -> Vec<Buffer> {
    let parts = array.to_data();
    drop(array);
    parts.into_parts().4
}

/// Empties the vector that a buffer nobody else holds was made of, for its memory.
fn reclaim<T: ArrowNativeType>(vector: &mut Vec<T>, buffer: Option<Buffer>) {
    if let Some(Ok(found)) = buffer.map(Buffer::into_vec) {
        *vector = found;
        vector.clear();
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

    /// All keys as an array; none are left.
    fn take_array(&mut self, values: &Arc<StringArray>) -> Result<ArrayRef> {
        let mut keys = take(&mut self.keys);
        let valid = take(&mut self.some_absent).then(|| validity(keys.len(), |row| keys[row] >= 0));
        if valid.is_some() {
            for key in &mut keys {
                *key = (*key).max(0);
            }
        }
        // Absent keys point at the first value, which may not exist where all are absent.
        let keys = Int32Array::new(ScalarBuffer::from(keys), valid);
        let values: ArrayRef = Arc::<StringArray>::clone(values);
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values).map_err(refused)?))
    }
}

/// Numbers, NaN for absent ones.
#[derive(Default)]
struct Numbers(Vec<f64>);

impl Numbers {
    /// All numbers as an array; none are left.
    fn take_array(&mut self) -> ArrayRef {
        let numbers = take(&mut self.0);
        let some_absent = numbers.iter().any(|value| value.is_nan());
        let valid = some_absent.then(|| validity(numbers.len(), |row| !numbers[row].is_nan()));
        Arc::new(Float64Array::new(ScalarBuffer::from(numbers), valid))
    }
}

fn validity(len: usize, is_valid: impl FnMut(usize) -> bool) -> NullBuffer {
    NullBuffer::new(BooleanBuffer::collect_bool(len, is_valid))
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
    fn append(&mut self, texts: &Texts, only: Option<&Vec<u32>>) {
        let Some(rows) = only else {
            let before = self.bytes.len();
            self.bytes.extend_from_slice(texts.bytes());
            self.offsets.extend(texts.ends().iter().map(|&end| offset_of(before + end as usize)));
            self.present.extend_from_slice(texts.present());
            return;
        };
        for &row in rows {
            let text = texts.get(row as usize);
            self.present.push(text.is_some());
            self.bytes.extend_from_slice(text.unwrap_or_default());
            self.offsets.push(offset_of(self.bytes.len()));
        }
    }

    /// All texts as an array; none are left.
    fn take_array(&mut self) -> Result<ArrayRef> {
        let present = &self.present;
        let valid = present.contains(&false).then(|| validity(present.len(), |row| present[row]));
        self.present.clear();
        let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.offsets, vec![0])));
        let array = StringArray::try_new(offsets, Buffer::from_vec(take(&mut self.bytes)), valid);
        Ok(Arc::new(array.map_err(refused)?))
    }

    fn reclaim(&mut self, mut buffers: impl Iterator<Item = Buffer>) {
        reclaim(&mut self.offsets, buffers.next());
        reclaim(&mut self.bytes, buffers.next());
        self.offsets.clear();
        self.offsets.push(0);
    }
}

/// An offset into the texts of a batch, which are far fewer than 2 GiB.
fn offset_of(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}
