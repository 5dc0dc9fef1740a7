//! The JSON report of Artillery 2 (`artillery run --output`): counters and percentiles, of the whole test (`aggregate`) and
//! of periods of 10 s (`intermediate`). It has no request rows; those come from the console log of BeFaaS's logger.
//!
//! Each period becomes one row of `platform_records` of kind `period`, with its figures as compact JSON. Counters and
//! summaries of plugins (`plugins.…`) repeat the figures by endpoint and are left out. Periods are read one at a time:
//! the report is never held in memory whole, and one of more than [`PERIOD_LIMIT`] bytes ends the reading.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::ops::ControlFlow;
use std::rc::Rc;

use faaslens_schemas::table::Label;
use faaslens_schemas::tables::{PlatformRecord, Reject};
use faaslens_schemas::time::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::jtl::{Place, Unfit};

/// Longest period that is read, in bytes.
pub const PERIOD_LIMIT: u64 = 16 << 20;

/// Takes the pieces of a report.
pub trait PeriodSink {
    /// One period, or the whole test; `Break` stops the reading.
    fn period(&mut self, record: PlatformRecord) -> ControlFlow<()>;
    /// A period without counters; `Break` stops the reading.
    fn refused_period(&mut self, reject: Reject) -> ControlFlow<()>;
}

/// How the reading of a report ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Bytes read.
    pub bytes: u64,
    /// Why reading ended before the end of the report.
    pub cut_short: Option<String>,
    /// First and last instant of the report's metrics.
    pub window: Option<(Timestamp, Timestamp)>,
}

/// Reads a report. `source` is the name that rows carry; their offset is that of the value in the file, or of the blank
/// before it.
///
/// # Errors
/// [`Unfit`] when it is no JSON object with `aggregate` or `intermediate` of Artillery 2.
pub fn read(reader: impl Read, source: &str, sink: &mut impl PeriodSink) -> Result<Outcome, Unfit> {
    let position = Rc::new(Position { at: Cell::new(0), limit: Cell::new(PERIOD_LIMIT) });
    let counted = Counted { bytes: std::io::BufReader::new(reader), position: Rc::clone(&position) };
    let mut state = State { source, sink, position, outcome: Outcome::default(), periods: 0, stopped: false };
    let mut json = serde_json::Deserializer::from_reader(counted);
    let result = Report(&mut state).deserialize(&mut json).and_then(|()| json.end());
    let State { mut outcome, periods, position, stopped, .. } = state;
    outcome.bytes = position.at.get();
    if let Err(error) = result
        && !stopped
    {
        outcome.cut_short = Some(error.to_string());
    }
    if periods > 0 || stopped {
        return Ok(outcome);
    }
    let found = match outcome.cut_short {
        Some(error) => error,
        None => "no period with counters".to_owned(),
    };
    Err(Unfit { expected: "the JSON report of Artillery 2, with aggregate and intermediate".to_owned(), found })
}

struct State<'a, S> {
    source: &'a str,
    sink: &'a mut S,
    position: Rc<Position>,
    outcome: Outcome,
    periods: u64,
    stopped: bool,
}

impl<S: PeriodSink> State<'_, S> {
    fn take(&mut self, scope: &str, offset: u64, period: &Value) -> ControlFlow<()> {
        let Some(text) = figures(scope, period) else {
            let end = self.position.at.get();
            let detail = format!("expected {scope} with counters, found {}", kind_of(period));
            let place = Place { source: self.source, offset, line: 0 };
            let head = period.to_string();
            let reject = place.reject(end - offset, "no counters", detail, head.as_bytes());
            return self.sink.refused_period(Reject { line: None, ..reject });
        };
        self.periods += 1;
        let (first, last) = (instant(&period["firstMetricAt"]), instant(&period["lastMetricAt"]));
        for at in [first, last].into_iter().flatten() {
            let (from, to) = self.outcome.window.unwrap_or((at, at));
            self.outcome.window = Some((from.min(at), to.max(at)));
        }
        let begin = if scope == "aggregate" { first } else { instant(&period["period"]).or(first) };
        self.sink.period(PlatformRecord {
            provider: "client".into(),
            function: None,
            executor: None,
            kind: Label::fixed("period"),
            at: begin,
            request_id: None,
            duration_ms: None,
            billed_ms: None,
            init_ms: None,
            restore_ms: None,
            billed_restore_ms: None,
            memory_mb: None,
            memory_used_mb: None,
            host: None,
            status: None,
            error_type: None,
            trace_id: None,
            segment_id: None,
            text: Some(text),
            source: self.source.into(),
            offset: i64::try_from(offset).unwrap_or(i64::MAX),
        })
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a sequence",
        Value::Object(_) => "an object without them",
    }
}

/// The figures of a period as compact JSON, or `None` where it has no counters.
fn figures(scope: &str, period: &Value) -> Option<String> {
    let kept = |values: &Value| -> Option<Map<String, Value>> {
        let values = values.as_object()?.iter().filter(|(name, _)| !name.starts_with("plugins."));
        Some(values.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    let mut figures = Map::new();
    figures.insert("scope".to_owned(), scope.into());
    figures.insert("counters".to_owned(), Value::Object(kept(&period["counters"])?));
    for name in ["rates", "summaries"] {
        if let Some(values) = kept(&period[name]) {
            figures.insert(name.to_owned(), Value::Object(values));
        }
    }
    for name in ["firstMetricAt", "lastMetricAt"] {
        if !period[name].is_null() {
            figures.insert(name.to_owned(), period[name].clone());
        }
    }
    Some(Value::Object(figures).to_string())
}

/// Milliseconds since the Unix epoch; a number in one place, a text in another.
fn instant(value: &Value) -> Option<Timestamp> {
    let ms = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    (ms > 0).then(|| Timestamp::from_millis(ms))
}

/// The report: an object.
struct Report<'s, 'a, S>(&'s mut State<'a, S>);

impl<'de, S: PeriodSink> DeserializeSeed<'de> for Report<'_, '_, S> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: PeriodSink> Visitor<'de> for Report<'_, '_, S> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with aggregate and intermediate")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "aggregate" => map.next_value_seed(Period(self.0, "aggregate"))?,
                "intermediate" => map.next_value_seed(Periods(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// `intermediate`: a sequence of periods.
struct Periods<'s, 'a, S>(&'s mut State<'a, S>);

impl<'de, S: PeriodSink> DeserializeSeed<'de> for Periods<'_, '_, S> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: PeriodSink> Visitor<'de> for Periods<'_, '_, S> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of periods")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element_seed(Period(self.0, "intermediate"))?.is_some() {}
        Ok(())
    }
}

/// One period, or the whole test.
struct Period<'s, 'a, S>(&'s mut State<'a, S>, &'static str);

impl<'de, S: PeriodSink> DeserializeSeed<'de> for Period<'_, '_, S> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // The parser has looked at the first byte of an element of a sequence, but not at that of a map's value.
        let looked_at = u64::from(self.1 == "intermediate");
        let position = self.0.position.at.get();
        self.0.position.limit.set(position + PERIOD_LIMIT);
        let offset = position.saturating_sub(looked_at);
        let period = <Value as serde::Deserialize>::deserialize(deserializer)?;
        match self.0.take(self.1, offset, &period) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                self.0.stopped = true;
                Err(D::Error::custom("stopped"))
            }
        }
    }
}

/// How many bytes the parser took, and how many it may take before the next period.
struct Position {
    at: Cell<u64>,
    limit: Cell<u64>,
}

/// Counts the bytes that the parser takes, one by one.
struct Counted<R> {
    bytes: std::io::BufReader<R>,
    position: Rc<Position>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.position.at.get() >= self.position.limit.get() {
            return Err(std::io::Error::other(format!("expected periods of at most {PERIOD_LIMIT} bytes")));
        }
        let n = self.bytes.read(buffer)?;
        self.position.at.set(self.position.at.get() + n as u64);
        Ok(n)
    }
}
