//! CSV files of hey and oha: times in seconds since a start that the file does not name.
//!
//! * hey: `response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset`, four decimals.
//! * oha: `request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status`. `Response-delay` is the time to the first byte.
//!
//! Both write requests that got a response, and no others: how many failed stands in their summaries only. Whether a response
//! was a success they do not say. A connection that stood is one with zero seconds of dialling.

use std::io::Read;
use std::ops::ControlFlow;

use faaslens_schemas::tables::ClientRequest;
use faaslens_schemas::time::Timestamp;

use super::jtl::{Outcome, Place, Sink, Unfit, parse_count};
use super::rows_csv::{self, Layout, Row, seconds_ms};

const HEY: [&str; 8] =
    ["response-time", "DNS+dialup", "DNS", "Request-write", "Response-delay", "Response-read", "status-code", "offset"];
const OHA: [&str; 7] = ["request-start", "DNS", "DNS+dialup", "Response-delay", "request-duration", "bytes", "status"];

/// Reads a CSV file of hey whose load began at an instant. `source` is the name that rows carry.
///
/// # Errors
/// [`Unfit`] when it has another header.
pub fn read_hey(
    reader: impl Read,
    source: &str,
    started_at: Timestamp,
    sink: &mut impl Sink,
) -> Result<Outcome, Unfit> {
    rows_csv::read(reader, source, |layout: &mut Hey| layout.0 = started_at, sink)
}

/// Reads a CSV file of oha whose load began at an instant. `source` is the name that rows carry.
///
/// # Errors
/// [`Unfit`] when it has another header.
pub fn read_oha(
    reader: impl Read,
    source: &str,
    started_at: Timestamp,
    sink: &mut impl Sink,
) -> Result<Outcome, Unfit> {
    rows_csv::read(reader, source, |layout: &mut Oha| layout.0 = started_at, sink)
}

struct Hey(Timestamp);

impl Layout for Hey {
    const EXPECTED: &'static str = "a CSV file of hey (-o csv): response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset";
    const FORMAT: &'static str = "hey csv";

    fn of_header(names: &[String]) -> Option<Self> {
        (names == HEY).then(|| Self(Timestamp::from_micros(0)))
    }

    fn row(&mut self, row: &Row, place: Place<'_>, sink: &mut impl Sink) -> Result<ControlFlow<()>, String> {
        let ms = |field: usize| seconds_ms(HEY[field], &row.text(field));
        let (elapsed_ms, connect_ms, resolved_ms) = (ms(0)?, ms(1)?, ms(2)?);
        let (read_ms, offset_ms) = (ms(5)?, ms(7)?);
        let request = Timed { elapsed_ms, latency_ms: elapsed_ms - read_ms, connect_ms, resolved_ms, offset_ms };
        let row = request.row("hey", self.0, &row.text(6), None, place)?;
        Ok(sink.row(row))
    }
}

struct Oha(Timestamp);

impl Layout for Oha {
    const EXPECTED: &'static str = "a CSV file of oha (--output-format csv): request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status";
    const FORMAT: &'static str = "oha csv";

    fn of_header(names: &[String]) -> Option<Self> {
        (names == OHA).then(|| Self(Timestamp::from_micros(0)))
    }

    fn row(&mut self, row: &Row, place: Place<'_>, sink: &mut impl Sink) -> Result<ControlFlow<()>, String> {
        let ms = |field: usize| seconds_ms(OHA[field], &row.text(field));
        let (offset_ms, resolved_ms, connect_ms, latency_ms, elapsed_ms) = (ms(0)?, ms(1)?, ms(2)?, ms(3)?, ms(4)?);
        let text = row.text(5);
        let bytes =
            parse_count(text.trim()).ok_or_else(|| format!("bytes: expected a whole number, found {text:?}"))?;
        let request = Timed { elapsed_ms, latency_ms, connect_ms, resolved_ms, offset_ms };
        // Of the body alone: the column for sizes holds headers too.
        let variables = Some(format!(r#"{{"body_bytes":{bytes}}}"#));
        let row = request.row("oha", self.0, &row.text(6), variables, place)?;
        Ok(sink.row(row))
    }
}

/// The times of a request.
#[expect(clippy::struct_field_names, reason = "units stand in names")]
struct Timed {
    elapsed_ms: f64,
    latency_ms: f64,
    connect_ms: f64,
    resolved_ms: f64,
    offset_ms: f64,
}

impl Timed {
    fn row(
        &self,
        generator: &'static str,
        started_at: Timestamp,
        status: &str,
        variables: Option<String>,
        place: Place<'_>,
    ) -> Result<ClientRequest, String> {
        let status = status.trim();
        if status.len() != 3 || !status.bytes().all(|b| b.is_ascii_digit()) {
            let found = crate::redact::excerpt(status.as_bytes(), 60);
            return Err(format!("status: expected three digits, found {found:?}"));
        }
        let reused = self.connect_ms <= 0.0;
        Ok(ClientRequest {
            generator: generator.into(),
            sent_at: started_at.plus_ms(self.offset_ms),
            elapsed_ms: Some(self.elapsed_ms),
            latency_ms: Some(self.latency_ms.max(0.0)),
            connect_ms: (!reused).then_some(self.connect_ms),
            resolved_ms: (!reused).then_some(self.resolved_ms),
            reused: Some(reused),
            status: Some(status.into()),
            kind: "request".into(),
            variables,
            source: place.source.into(),
            offset: i64::try_from(place.offset).unwrap_or(i64::MAX),
            ..ClientRequest::default()
        })
    }
}
