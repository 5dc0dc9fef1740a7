//! Results of k6: its points as JSON lines (`--out json=FILE`) or CSV (`--out csv=FILE`).
//!
//! k6 writes the metrics of a request one after another, with the same time (that of the request's end) and the same tags. They become
//! one row:
//! * `elapsed_ms` is `http_req_duration`, `sent_at` the end minus that; `latency_ms` is sending and waiting, `connect_ms`
//!   `http_req_blocked` (waiting for a connection, with connecting and TLS), which `elapsed_ms` does not hold.
//! * Without a response (`status` 0) the status is the error's text, and `elapsed_ms` is null.
//! * `label` is the tag `name`; tags that no column holds are `variables`.
//!
//! Points of other metrics (users, iterations, checks, an author's own) are no requests: they are counted in a note.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;

use faaslens_schemas::table::Label;
use faaslens_schemas::tables::ClientRequest;
use faaslens_schemas::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::jtl::{Outcome, Place, ROW_LIMIT, Sink, Unfit, without_credentials};
use super::rows_csv::{self, Layout, Row};
use super::stamp;
use super::window::Window;
use crate::redact;

/// Metrics of a request.
const METRICS: [&str; 9] = [
    "http_reqs",
    "http_req_duration",
    "http_req_blocked",
    "http_req_connecting",
    "http_req_tls_handshaking",
    "http_req_sending",
    "http_req_waiting",
    "http_req_receiving",
    "http_req_failed",
];
const DURATION: usize = 1;
const BLOCKED: usize = 2;
const TLS: usize = 4;
const SENDING: usize = 5;
const WAITING: usize = 6;
const FAILED: usize = 8;

/// Tags that have columns of their own.
const COLUMNS: [&str; 7] = ["name", "method", "url", "status", "error", "scenario", "expected_response"];

const EXPECTED: &str = "results of k6: JSON lines (--out json=FILE) or CSV (--out csv=FILE)";

type Tags = BTreeMap<String, String>;

/// Points that are put together to requests.
#[derive(Debug, Default)]
struct Requests {
    open: Option<Open>,
    /// Points of other metrics.
    others: u64,
    whole_seconds: bool,
    stray: u64,
}

/// A request whose points are coming.
#[derive(Debug)]
struct Open {
    ended_at: Timestamp,
    tags: Tags,
    offset: u64,
    values: [Option<f64>; METRICS.len()],
}

impl Requests {
    fn point(
        &mut self,
        metric: &str,
        ended_at: Timestamp,
        value: f64,
        tags: Tags,
        place: Place<'_>,
        sink: &mut impl Sink,
    ) -> ControlFlow<()> {
        let Some(number) = METRICS.iter().position(|known| *known == metric) else {
            self.others += 1;
            return ControlFlow::Continue(());
        };
        let fits = |open: &&mut Open| open.ended_at == ended_at && open.values[number].is_none() && open.tags == tags;
        if let Some(open) = self.open.as_mut().filter(fits) {
            open.values[number] = Some(value);
            return ControlFlow::Continue(());
        }
        let flow = self.close(place.source, sink);
        let mut values = [None; METRICS.len()];
        values[number] = Some(value);
        self.open = Some(Open { ended_at, tags, offset: place.offset, values });
        flow
    }

    /// Gives the request that is open. Points without a duration are none.
    fn close(&mut self, source: &str, sink: &mut impl Sink) -> ControlFlow<()> {
        let Some(open) = self.open.take() else { return ControlFlow::Continue(()) };
        let Some(row) = open.row(source) else {
            self.stray += 1;
            return ControlFlow::Continue(());
        };
        sink.row(row)
    }

    fn notes(self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.others > 0 {
            notes.push(format!("{} points of other metrics than requests left out", self.others));
        }
        if self.stray > 0 {
            notes.push(format!("{} requests without http_req_duration left out", self.stray));
        }
        if self.whole_seconds {
            notes.push(
                "stamps are whole seconds: set K6_CSV_TIME_FORMAT=unix_micro to know when requests were sent"
                    .to_owned(),
            );
        }
        notes
    }
}

impl Open {
    fn row(&self, source: &str) -> Option<ClientRequest> {
        let duration_ms = self.values[DURATION]?;
        let tag = |name: &str| self.tags.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let label = |name: &str| tag(name).map(Label::from);
        let answered = tag("status").is_some_and(|status| status != "0");
        let success = self.values[FAILED].map(|failed| failed == 0.0);
        let others = self.tags.iter().filter(|(name, text)| !COLUMNS.contains(&name.as_str()) && !text.is_empty());
        let others: serde_json::Map<String, serde_json::Value> =
            others.map(|(name, text)| (name.clone(), text.as_str().into())).collect();
        Some(ClientRequest {
            generator: "k6".into(),
            label: label("name"),
            sent_at: self.ended_at.plus_ms(-duration_ms),
            elapsed_ms: Some(duration_ms).filter(|_| answered),
            latency_ms: self.values[SENDING].zip(self.values[WAITING]).map(|(a, b)| a + b).filter(|_| answered),
            connect_ms: self.values[BLOCKED],
            secured_ms: self.values[TLS].filter(|ms| *ms > 0.0),
            status: if answered { label("status") } else { label("error").or_else(|| label("status")) },
            success: success.or_else(|| tag("expected_response").map(|text| text == "true")),
            method: label("method"),
            url: tag("url").map(without_credentials),
            error: tag("error").map(str::to_owned),
            scenario: label("scenario"),
            kind: "request".into(),
            variables: (!others.is_empty()).then(|| serde_json::Value::Object(others).to_string()),
            source: source.into(),
            offset: i64::try_from(self.offset).unwrap_or(i64::MAX),
            ..ClientRequest::default()
        })
    }
}

/// A number that a time or a size may be.
fn finite(value: f64) -> Result<f64, String> {
    if (-1e15..1e15).contains(&value) { Ok(value) } else { Err(format!("value: expected a number, found {value}")) }
}

/// Reads results of either form, told apart by the first byte. `source` is the name that rows carry.
///
/// # Errors
/// [`Unfit`] when it is neither. An empty file gives no row.
pub fn read(reader: impl Read, first: Option<u8>, source: &str, sink: &mut impl Sink) -> Result<Outcome, Unfit> {
    if first == Some(b'{') {
        read_json(reader, source, sink)
    } else {
        rows_csv::read(reader, source, |points: &mut Points| source.clone_into(&mut points.source), sink)
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    metric: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Point<'a> {
    #[serde(borrow)]
    time: std::borrow::Cow<'a, str>,
    value: f64,
    tags: Option<Tags>,
}

fn read_json(reader: impl Read, source: &str, sink: &mut impl Sink) -> Result<Outcome, Unfit> {
    let mut window = Window::new(reader);
    let mut requests = Requests::default();
    let mut known = false;
    loop {
        let place = Place { source, offset: window.offset(), line: window.line() };
        let Some((length, ended)) = line(&mut window) else { break };
        let text = window.bytes()[..length].trim_ascii();
        let flow = if text.is_empty() {
            ControlFlow::Continue(())
        } else if length > ROW_LIMIT {
            let head = text[..500].to_vec();
            let (skipped, _) = window.skip_past(b"\n");
            let detail = format!("expected at most {ROW_LIMIT} bytes, found {skipped}");
            if sink.reject(place.reject(skipped, "row too long", detail, &head)).is_break() {
                break;
            }
            continue;
        } else {
            match json_point(text) {
                Ok(Some((metric, at, point))) => {
                    known = true;
                    requests.point(&metric, at, point.value, point.tags.unwrap_or_default(), place, sink)
                }
                Ok(None) => {
                    known = true;
                    ControlFlow::Continue(())
                }
                Err(detail) if known => {
                    let reason = if ended { "invalid json" } else { "truncated json" };
                    sink.reject(place.reject(length as u64, reason, detail, text))
                }
                Err(found) => return Err(Unfit { expected: EXPECTED.to_owned(), found }),
            }
        };
        window.consume(length);
        if flow.is_break() {
            break;
        }
    }
    // A sink that broke takes nothing more.
    let _stopped = requests.close(source, sink);
    let bytes = window.offset();
    Ok(Outcome { format: "k6 json", bytes, cut_short: window.failure(), notes: requests.notes() })
}

/// Length of the line at the beginning of the window, with its end, and whether it has one; more than the limit where it is too long.
fn line<R: Read>(window: &mut Window<R>) -> Option<(usize, bool)> {
    let mut looked = 0;
    loop {
        if let Some(at) = memchr::memchr(b'\n', &window.bytes()[looked..]) {
            return Some((looked + at + 1, true));
        }
        looked = window.bytes().len();
        if looked > ROW_LIMIT {
            return Some((looked, false));
        }
        if !window.fill() {
            return (looked > 0).then_some((looked, false));
        }
    }
}

/// Metric, time and point of a line; `None` where it declares a metric.
fn json_point(text: &[u8]) -> Result<Option<(String, Timestamp, Point<'_>)>, String> {
    let unfit = |what: &str, error: &serde_json::Error| {
        format!("expected {what} of k6, found other JSON in column {}", error.column())
    };
    let line: Line<'_> = serde_json::from_slice(text).map_err(|error| unfit("a line", &error))?;
    match line.kind {
        "Metric" => return Ok(None),
        "Point" => {}
        other => {
            return Err(format!("type: expected Metric or Point, found {:?}", redact::excerpt(other.as_bytes(), 60)));
        }
    }
    let point: Point<'_> = serde_json::from_str(line.data.get()).map_err(|error| unfit("a point", &error))?;
    finite(point.value)?;
    let at = stamp::read(point.time.as_bytes()).filter(|(_, length)| *length == point.time.len());
    let (at, _) =
        at.ok_or_else(|| format!("time: expected RFC 3339, found {:?}", redact::excerpt(point.time.as_bytes(), 60)))?;
    Ok(Some((line.metric.into_owned(), at, point)))
}

/// Points of a CSV file: the names of its columns, which are tags but for the first three.
struct Points {
    names: Vec<String>,
    /// Of the rows.
    source: String,
    requests: Requests,
}

impl Layout for Points {
    const EXPECTED: &'static str = EXPECTED;
    const FORMAT: &'static str = "k6 csv";

    fn of_header(names: &[String]) -> Option<Self> {
        let fits = names.get(..3).is_some_and(|first| first == ["metric_name", "timestamp", "metric_value"]);
        fits.then(|| Self { names: names.to_vec(), source: String::new(), requests: Requests::default() })
    }

    fn row(&mut self, row: &Row, place: Place<'_>, sink: &mut impl Sink) -> Result<ControlFlow<()>, String> {
        let metric = row.text(0);
        let (at, whole_seconds) = csv_time(&row.text(1))?;
        let value = row.text(2);
        let number = value.parse::<f64>().ok().ok_or_else(|| {
            format!("metric_value: expected a number, found {:?}", redact::excerpt(value.as_bytes(), 60))
        })?;
        self.requests.whole_seconds |= whole_seconds;
        let mut tags = Tags::new();
        for (field, name) in self.names.iter().enumerate().skip(3) {
            let text = row.text(field);
            match name.as_str() {
                "extra_tags" => tags.extend(
                    text.split('&')
                        .filter_map(|pair| pair.split_once('='))
                        .map(|(name, text)| (name.to_owned(), text.to_owned())),
                ),
                _ if text.is_empty() => {}
                _ => drop(tags.insert(name.clone(), text.into_owned())),
            }
        }
        Ok(self.requests.point(&metric, at, finite(number)?, tags, place, sink))
    }

    fn end(mut self, sink: &mut impl Sink) -> Vec<String> {
        // A sink that broke takes nothing more.
        let _stopped = self.requests.close(&self.source, sink);
        self.requests.notes()
    }
}

/// A time of `K6_CSV_TIME_FORMAT`: Unix time, whose unit its digits tell, or RFC 3339; and whether it has whole seconds.
fn csv_time(text: &str) -> Result<(Timestamp, bool), String> {
    let unfit =
        || format!("timestamp: expected Unix time or RFC 3339, found {:?}", redact::excerpt(text.as_bytes(), 60));
    if let Some((at, length)) = stamp::read(text.as_bytes()) {
        return if length == text.len() { Ok((at, false)) } else { Err(unfit()) };
    }
    let number: i64 = text.parse().ok().filter(|number| *number > 0).ok_or_else(unfit)?;
    match text.len() {
        ..=10 => Ok((Timestamp::from_micros(number * 1_000_000), true)),
        11..=13 => Ok((Timestamp::from_micros(number * 1000), false)),
        14..=16 => Ok((Timestamp::from_micros(number), false)),
        17..=19 => Ok((Timestamp::from_micros(number / 1000), false)),
        _ => Err(unfit()),
    }
}
