//! Event batches to compact entries: names and ids become numbers, once a distinct text.

use std::collections::HashMap;

use faaslens_schemas::arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, RecordBatch, StringArray};
use faaslens_schemas::arrow::array::{PrimitiveArray, TimestampMicrosecondArray};
use faaslens_schemas::arrow::datatypes::{ArrowPrimitiveType, Float64Type, Int32Type, TimestampMicrosecondType};
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::Event;
use faaslens_schemas::{Error, Result};
use foldhash::quality::RandomState;

use super::clock::ExecutorClock;
use super::run::RunContext;
use crate::facts::{Name, NameTable};

/// Columns of `events` that assembly reads; a reader may leave the others out.
pub const EVENT_COLUMNS: &[&str] = &[
    "provider",
    "function",
    "executor",
    "logged_at",
    "kind",
    "op",
    "target",
    "context_id",
    "pair_id",
    "callee_pair_id",
    "start_ms",
    "duration_ms",
    "method",
    "user_agent",
];

/// The number of "none" among pair ids.
pub(super) const NO_PAIR: u32 = 0;

/// What an instrumented function logs as its pair ID when its caller sent none.
const UNDEFINED_PAIR: &str = "undefined-x-pair";

/// What an entry says, in the order in which the entries of one mark are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Start,
    End,
    Measure,
    Request,
}

/// The operation of an entry: handlers first, then the request, then what a handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Op {
    RpcIn,
    Route,
    Msg,
    Request,
    RpcOut,
    Db,
}

impl Op {
    pub(super) fn is_handler(self) -> bool {
        matches!(self, Self::RpcIn | Self::Route | Self::Msg)
    }
}

/// One instrumentation record of a context.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) context: u32,
    pub(super) pair: u32,
    pub(super) site: u32,
    pub(super) callee_pair: u32,
    /// Route (`GET /cart`), callee, action or user agent, by [`Op`].
    pub(super) label: Option<Name>,
    pub(super) op: Op,
    pub(super) kind: Kind,
    pub(super) start_ms: f64,
    pub(super) duration_ms: f64,
    pub(super) logged_us: i64,
}

/// An executor as it appears in a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) provider: Name,
    pub(super) function: Name,
    pub(super) executor: Name,
    pub(super) clock: Option<&'a ExecutorClock>,
}

/// Distinct ids in order of first appearance.
#[derive(Debug, Default)]
pub(super) struct IdTable<'a> {
    texts: Vec<&'a str>,
    ids: HashMap<&'a str, u32, RandomState>,
}

impl<'a> IdTable<'a> {
    pub(super) fn intern(&mut self, text: &'a str) -> u32 {
        let next = dense(self.texts.len());
        let id = *self.ids.entry(text).or_insert(next);
        if id == next {
            self.texts.push(text);
        }
        id
    }

    pub(super) fn text(&self, id: u32) -> &'a str {
        self.texts.get(id as usize).copied().unwrap_or_default()
    }

    pub(super) fn texts(&self) -> &[&'a str] {
        &self.texts
    }
}

/// A position as a compact number.
pub(super) fn dense(position: usize) -> u32 {
    u32::try_from(position).expect("a part has fewer than 2^32 records")
}

/// Lines counted by site and second of the log clock.
pub(super) type LineCounts = HashMap<(u32, i64), u64, RandomState>;

/// The entries of a part with the tables of their numbers.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) names: NameTable,
    pub(super) contexts: IdTable<'a>,
    pub(super) pairs: IdTable<'a>,
    pub(super) sites: Vec<Site<'a>>,
    pub(super) entries: Vec<Entry>,
    pub(super) lines: LineCounts,
    /// Contexts of performance entries without a usable time.
    pub(super) untimed: Vec<u32>,
    site_ids: HashMap<(Name, Name, Name), u32, RandomState>,
    routes: HashMap<(Option<Name>, Option<Name>), Name>,
}

impl<'a> Part<'a> {
    /// Reads the batches of a part.
    pub(super) fn read(batches: &'a [RecordBatch], run: &'a RunContext) -> Result<Self> {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let mut part = Self {
            names: NameTable::default(),
            contexts: IdTable::default(),
            pairs: IdTable::default(),
            sites: Vec::new(),
            entries: Vec::with_capacity(rows),
            lines: LineCounts::default(),
            untimed: Vec::new(),
            site_ids: HashMap::default(),
            routes: HashMap::new(),
        };
        part.pairs.intern("");
        for batch in batches {
            let mut columns = Columns::of(batch, &mut part)?;
            part.take(&mut columns, batch.num_rows(), run);
        }
        Ok(part)
    }

    fn take(&mut self, columns: &mut Columns<'a>, rows: usize, run: &'a RunContext) {
        let mut last_site = None;
        let mut last_line = None;
        for row in 0..rows {
            let site_key = (columns.provider.name(row), columns.function.name(row), columns.executor.name(row));
            let site = match last_site {
                Some((key, site)) if key == site_key => site,
                _ => self.site(site_key, run),
            };
            last_site = Some((site_key, site));
            let logged_us = columns.logged_at.value(row);
            count_line(&mut self.lines, &mut last_line, (site, logged_us.div_euclid(1_000_000)));
            self.take_row(columns, row, site, logged_us);
        }
        if let Some((key, n)) = last_line {
            *self.lines.entry(key).or_default() += n;
        }
    }

    fn take_row(&mut self, columns: &mut Columns<'a>, row: usize, site: u32, logged_us: i64) {
        let Some((kind, op)) = columns.meaning(row) else { return };
        let Some(context) = columns.context_id.number(row, |text| self.contexts.intern(text)) else { return };
        let pair = columns.pair_id.number(row, |text| self.pair(Some(text))).unwrap_or(NO_PAIR);
        let (start_ms, duration_ms) = (usable(columns.start_ms, row), usable(columns.duration_ms, row));
        let timed = match kind {
            Kind::Request => true,
            Kind::Start | Kind::End => start_ms.is_some(),
            Kind::Measure => start_ms.is_some() && duration_ms.is_some(),
        };
        if !timed {
            self.untimed.push(context);
            return;
        }
        let label = match op {
            Op::Route => Some(self.route(columns.method.get(row), columns.target.get(row))),
            Op::Request => columns.user_agent.get(row),
            Op::RpcIn | Op::Msg => None,
            Op::RpcOut | Op::Db => columns.target.get(row),
        };
        let callee_pair = match op {
            Op::RpcOut => columns.callee_pair_id.number(row, |text| self.pair(Some(text))).unwrap_or(NO_PAIR),
            _ => NO_PAIR,
        };
        self.entries.push(Entry {
            context,
            pair,
            site,
            callee_pair,
            label,
            op,
            kind,
            start_ms: start_ms.unwrap_or(0.0),
            duration_ms: duration_ms.unwrap_or(0.0),
            logged_us,
        });
    }

    /// The number of a pair ID, or of "none".
    pub(super) fn pair(&mut self, text: Option<&'a str>) -> u32 {
        text.filter(|text| *text != UNDEFINED_PAIR).map_or(NO_PAIR, |text| self.pairs.intern(text))
    }

    fn site(&mut self, key: (Name, Name, Name), run: &'a RunContext) -> u32 {
        if let Some(&site) = self.site_ids.get(&key) {
            return site;
        }
        let (provider, function, executor) = key;
        let text = |name| self.names.text(name);
        let clock = run.clock(text(provider), text(function), text(executor));
        let site = dense(self.sites.len());
        self.sites.push(Site { provider, function, executor, clock });
        self.site_ids.insert(key, site);
        site
    }

    fn route(&mut self, method: Option<Name>, target: Option<Name>) -> Name {
        if let Some(&route) = self.routes.get(&(method, target)) {
            return route;
        }
        let text = |name: Option<Name>| name.map_or("", |name| self.names.text(name));
        let route = format!("{} {}", text(method), text(target));
        let route = self.names.intern(route.trim());
        self.routes.insert((method, target), route);
        route
    }
}

fn count_line(lines: &mut LineCounts, last: &mut Option<((u32, i64), u64)>, key: (u32, i64)) {
    match last {
        Some((last_key, n)) if *last_key == key => *n += 1,
        _ => {
            if let Some((last_key, n)) = last.replace((key, 1)) {
                *lines.entry(last_key).or_default() += n;
            }
        }
    }
}

/// A time that can be reckoned with: NaN and what exceeds 300 years cannot.
fn usable(array: &Float64Array, row: usize) -> Option<f64> {
    const LONGEST_MS: f64 = 1e13;
    array.is_valid(row).then(|| array.value(row)).filter(|value| value.abs() <= LONGEST_MS)
}

/// The columns of one batch, labels translated to names.
struct Columns<'a> {
    provider: Labels,
    function: Labels,
    executor: Labels,
    target: Labels,
    method: Labels,
    user_agent: Labels,
    kind: Vec<Option<EventKind>>,
    kind_codes: Codes,
    op: Vec<Option<Op>>,
    op_codes: Codes,
    context_id: Ids<'a>,
    pair_id: Ids<'a>,
    callee_pair_id: Ids<'a>,
    start_ms: &'a Float64Array,
    duration_ms: &'a Float64Array,
    logged_at: &'a TimestampMicrosecondArray,
}

/// Kinds of events that assembly uses.
#[derive(Clone, Copy)]
enum EventKind {
    Request,
    Performance(Kind),
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch, part: &mut Part<'a>) -> Result<Self> {
        let mut labels = |column| Labels::of(batch, column, &mut part.names);
        let (provider, function, executor) = (labels("provider")?, labels("function")?, labels("executor")?);
        let (target, method, user_agent) = (labels("target")?, labels("method")?, labels("user_agent")?);
        let (kinds, kind_codes) = codes_of(batch, "kind")?;
        let (ops, op_codes) = codes_of(batch, "op")?;
        Ok(Self {
            provider,
            function,
            executor,
            target,
            method,
            user_agent,
            kind: kinds.iter().map(|text| event_kind(text)).collect(),
            kind_codes,
            op: ops.iter().map(|text| operation(text)).collect(),
            op_codes,
            context_id: Ids::of(batch, "context_id")?,
            pair_id: Ids::of(batch, "pair_id")?,
            callee_pair_id: Ids::of(batch, "callee_pair_id")?,
            start_ms: primitive_of::<Float64Type>(batch, "start_ms")?,
            duration_ms: primitive_of::<Float64Type>(batch, "duration_ms")?,
            logged_at: primitive_of::<TimestampMicrosecondType>(batch, "logged_at")?,
        })
    }

    /// Kind and operation of a row; `None` for what is part of no invocation: cold starts, the client's own records,
    /// custom marks.
    fn meaning(&self, row: usize) -> Option<(Kind, Op)> {
        match self.kind[self.kind_codes.get(row)?]? {
            EventKind::Request => Some((Kind::Request, Op::Request)),
            EventKind::Performance(kind) => Some((kind, self.op[self.op_codes.get(row)?]?)),
        }
    }
}

fn event_kind(text: &str) -> Option<EventKind> {
    match text {
        "request" => Some(EventKind::Request),
        "start" => Some(EventKind::Performance(Kind::Start)),
        "end" => Some(EventKind::Performance(Kind::End)),
        "measure" => Some(EventKind::Performance(Kind::Measure)),
        _ => None,
    }
}

fn operation(text: &str) -> Option<Op> {
    match text {
        "rpc_in" => Some(Op::RpcIn),
        "route" => Some(Op::Route),
        "msg" => Some(Op::Msg),
        "rpc_out" => Some(Op::RpcOut),
        "db" => Some(Op::Db),
        _ => None,
    }
}

/// A text column, plain or dictionary-encoded.
pub(super) enum Texts<'a> {
    Plain(&'a StringArray),
    Dictionary { keys: &'a Int32Array, values: &'a StringArray },
}

impl<'a> Texts<'a> {
    pub(super) fn text(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Plain(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Dictionary { keys, values } => {
                let key = usize::try_from(keys.is_valid(row).then(|| keys.value(row))?).ok()?;
                (key < values.len() && values.is_valid(key)).then(|| values.value(key))
            }
        }
    }
}

/// Position of each row's text among the distinct texts of a batch's column.
struct Codes(Vec<u32>);

const NULL_CODE: u32 = u32::MAX;

impl Codes {
    fn get(&self, row: usize) -> Option<usize> {
        Some(self.0[row]).filter(|code| *code != NULL_CODE).map(|code| code as usize)
    }
}

/// The distinct texts of a column of a batch, and which of them each row has.
fn codes_of<'a>(batch: &'a RecordBatch, column: &'static str) -> Result<(Vec<&'a str>, Codes)> {
    match texts_of(batch, column)? {
        Texts::Plain(array) => {
            let mut table = IdTable::default();
            let codes = array.iter().map(|text| text.map_or(NULL_CODE, |text| table.intern(text))).collect();
            Ok((table.texts, Codes(codes)))
        }
        Texts::Dictionary { keys, values } => {
            let usable = |key: i32| u32::try_from(key).ok().filter(|key| values.is_valid_at(*key));
            let codes = keys.iter().map(|key| key.and_then(usable).unwrap_or(NULL_CODE)).collect();
            let text = |i| if values.is_valid(i) { values.value(i) } else { "" };
            Ok(((0..values.len()).map(text).collect(), Codes(codes)))
        }
    }
}

trait ValidAt {
    fn is_valid_at(&self, key: u32) -> bool;
}

impl ValidAt for StringArray {
    fn is_valid_at(&self, key: u32) -> bool {
        (key as usize) < self.len() && self.is_valid(key as usize)
    }
}

/// A label column with its texts interned.
struct Labels {
    names: Vec<Name>,
    codes: Codes,
    empty: Name,
}

impl Labels {
    fn of(batch: &RecordBatch, column: &'static str, table: &mut NameTable) -> Result<Self> {
        let (texts, codes) = codes_of(batch, column)?;
        let names = texts.into_iter().map(|text| table.intern(text)).collect();
        Ok(Self { names, codes, empty: table.intern("") })
    }

    fn get(&self, row: usize) -> Option<Name> {
        self.codes.get(row).map(|code| self.names[code])
    }

    fn name(&self, row: usize) -> Name {
        self.get(row).unwrap_or(self.empty)
    }
}

/// A column of ids, whose numbers are asked for once a distinct id.
struct Ids<'a> {
    texts: Vec<&'a str>,
    codes: Codes,
    /// Number of each text, once a row had it.
    numbers: Vec<Option<u32>>,
}

impl<'a> Ids<'a> {
    fn of(batch: &'a RecordBatch, column: &'static str) -> Result<Self> {
        let (texts, codes) = codes_of(batch, column)?;
        let numbers = vec![None; texts.len()];
        Ok(Self { texts, codes, numbers })
    }

    /// Number of a row's id; `intern` gives one to an id that no row before it had.
    fn number(&mut self, row: usize, intern: impl FnOnce(&'a str) -> u32) -> Option<u32> {
        let code = self.codes.get(row)?;
        Some(*self.numbers[code].get_or_insert_with(|| intern(self.texts[code])))
    }
}

pub(super) fn texts_of<'a>(batch: &'a RecordBatch, column: &'static str) -> Result<Texts<'a>> {
    let array = array_of(batch, column)?;
    if let Some(plain) = array.as_string_opt::<i32>() {
        return Ok(Texts::Plain(plain));
    }
    array
        .as_dictionary_opt::<Int32Type>()
        .and_then(|dictionary| {
            Some(Texts::Dictionary { keys: dictionary.keys(), values: dictionary.values().as_string_opt::<i32>()? })
        })
        .ok_or_else(|| mismatch(column, "string or dictionary of strings", array.data_type().to_string()))
}

pub(super) fn primitive_of<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    column: &'static str,
) -> Result<&'a PrimitiveArray<T>> {
    let array = array_of(batch, column)?;
    array
        .as_primitive_opt::<T>()
        .ok_or_else(|| mismatch(column, &T::DATA_TYPE.to_string(), array.data_type().to_string()))
}

fn array_of<'a>(batch: &'a RecordBatch, column: &'static str) -> Result<&'a ArrayRef> {
    batch.column_by_name(column).ok_or_else(|| mismatch(column, "a column", "no such column".to_owned()))
}

fn mismatch(column: &'static str, expected: &str, found: String) -> Error {
    let path = std::path::PathBuf::new();
    Error::Column { path, table: Event::TABLE.name, column, expected: expected.to_owned(), found }
}
