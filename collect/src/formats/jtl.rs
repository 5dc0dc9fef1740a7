//! What result files of JMeter have in common, CSV or XML: columns, the meaning of their values, what a row becomes.
//!
//! * `timeStamp` is taken as the start of the sample, as JMeter writes it by default; as text it has no zone and is taken as UTC.
//! * `responseCode` is the status as written: a code, or `Non HTTP response code: …` for a transport failure.
//! * `Latency` is kept as written: JMeter writes 0 for a request that got no response, and for a transaction whose
//!   requests are nested in it. Leave failed rows out before summing up latencies, and bytes: for a transport failure
//!   JMeter counts the text of its exception as a body.
//! * Rows of a Transaction Controller sum up other rows and have the kind `transaction`. They are told by an empty
//!   `dataType` with the URL `null`, or by their message.
//! * Saved bodies and headers, `dataType`, and the message of a successful row are not collected.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use faaslens_schemas::table::Label;
use faaslens_schemas::tables::{ClientRequest, Reject};
use faaslens_schemas::time::{Timestamp, days_from_civil};
use serde_json::Value;

use crate::redact;

/// Longest row or element that is read, in bytes; a longer one is a reject.
pub const ROW_LIMIT: usize = 1 << 20;

/// Why a piece is no row: every reason that readers of result files give.
pub const REASONS: &[(&str, &str)] = &[
    ("bad value", "a value is no number, instant or truth value where one belongs"),
    ("broken quote", "a quote was never closed and has swallowed what follows"),
    ("broken tag", "an XML tag does not end, or its attributes have another form"),
    ("document type", "a document type declaration; entities are not expanded"),
    ("field count", "a row has more or fewer fields than the header"),
    ("invalid json", "a line is no JSON as it belongs there"),
    ("nested too deep", "a sample inside of too many others"),
    ("no counters", "a period of an Artillery report without counters"),
    ("no row", "a line before the header or before the first row"),
    ("row too long", "a row, tag or sample longer than the limit"),
    ("truncated element", "the file ends before the end of an XML element"),
    ("truncated json", "the file ends in a line of JSON"),
    ("truncated row", "the file ends in a row"),
    ("unexpected element", "an XML element that is no sample, or an end tag without its start"),
    ("unexpected text", "text between samples"),
];

/// Bytes of a rejected piece that are kept.
const EXCERPT: usize = 500;

/// Greatest instant accepted: the end of the year 9999, in ms since the Unix epoch.
const LAST_INSTANT_MS: i64 = 253_402_300_799_999;

/// A column that JMeter writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    TimeStamp,
    Elapsed,
    Label,
    ResponseCode,
    ResponseMessage,
    ThreadName,
    DataType,
    Success,
    FailureMessage,
    Bytes,
    SentBytes,
    GrpThreads,
    AllThreads,
    Url,
    Latency,
    IdleTime,
    Connect,
}

/// Columns with their names in CSV and in XML.
const NAMES: [(Column, &str, &str); 17] = [
    (Column::TimeStamp, "timeStamp", "ts"),
    (Column::Elapsed, "elapsed", "t"),
    (Column::Label, "label", "lb"),
    (Column::ResponseCode, "responseCode", "rc"),
    (Column::ResponseMessage, "responseMessage", "rm"),
    (Column::ThreadName, "threadName", "tn"),
    (Column::DataType, "dataType", "dt"),
    (Column::Success, "success", "s"),
    (Column::FailureMessage, "failureMessage", "failureMessage"),
    (Column::Bytes, "bytes", "by"),
    (Column::SentBytes, "sentBytes", "sby"),
    (Column::GrpThreads, "grpThreads", "ng"),
    (Column::AllThreads, "allThreads", "na"),
    (Column::Url, "URL", "java.net.URL"),
    (Column::Latency, "Latency", "lt"),
    (Column::IdleTime, "IdleTime", "it"),
    (Column::Connect, "Connect", "ct"),
];

impl Column {
    /// The column of that name in a CSV header; the case does not matter.
    pub(super) fn by_csv_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, csv, _)| csv.eq_ignore_ascii_case(name)).map(|(column, ..)| *column)
    }

    /// The column of that attribute or element in XML.
    pub(super) fn by_xml_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(.., xml)| *xml == name).map(|(column, ..)| *column)
    }

    /// Its name in CSV, which errors use for both formats.
    pub(super) fn name(self) -> &'static str {
        NAMES[self as usize].1
    }
}

/// Takes the pieces of a result file.
pub trait Sink {
    /// A row; `Break` stops the reading.
    fn row(&mut self, row: ClientRequest) -> ControlFlow<()>;
    /// A piece that is no row; `Break` stops the reading.
    fn reject(&mut self, reject: Reject) -> ControlFlow<()>;
}

/// How the reading of a result file ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Format: `jmeter csv`, `jmeter xml`.
    pub format: &'static str,
    /// Bytes looked at.
    pub bytes: u64,
    /// Why reading ended before the end of the file.
    pub cut_short: Option<String>,
    /// What the reader took for granted or skipped, as sentences without a full stop.
    pub notes: Vec<String>,
}

/// The input is no such file: what was found in place of what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What such a file has.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

/// A value that does not mean what its column says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadValue {
    pub(super) column: &'static str,
    pub(super) expected: &'static str,
    pub(super) found: String,
}

impl std::fmt::Display for BadValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}, found {:?}", self.column, self.expected, self.found)
    }
}

/// Where a piece stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: &'a str,
    pub(super) offset: u64,
    pub(super) line: u64,
}

impl Place<'_> {
    pub(super) fn reject(&self, length: u64, reason: &'static str, detail: String, head: &[u8]) -> Reject {
        debug_assert!(REASONS.iter().any(|(known, _)| *known == reason), "{reason:?} is not in the list");
        Reject {
            source: self.source.into(),
            offset: signed(self.offset),
            line: Some(signed(self.line)),
            length: signed(length),
            reason: reason.into(),
            detail,
            excerpt: redact::excerpt(head, EXCERPT).into_owned(),
        }
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The values of one sample as they are written.
#[derive(Debug, Default)]
pub(super) struct Sample<'a> {
    columns: [Option<Cow<'a, str>>; NAMES.len()],
    variables: BTreeMap<String, Value>,
    pub(super) method: Option<String>,
    pub(super) parent_label: Option<String>,
}

impl<'a> Sample<'a> {
    /// Sets a column; an empty value is no value.
    pub(super) fn set(&mut self, column: Column, value: Cow<'a, str>) {
        self.columns[column as usize] = Some(value);
    }

    /// Sets a further column; the text `null` is JMeter's for a variable without a value.
    pub(super) fn set_variable(&mut self, name: &str, value: &str) {
        let value = if value == "null" { Value::Null } else { Value::String(value.to_owned()) };
        self.variables.insert(name.to_owned(), value);
    }

    /// Whether the column is there, empty or not.
    pub(super) fn has(&self, column: Column) -> bool {
        self.columns[column as usize].is_some()
    }

    /// The value of a column, unless it is empty.
    pub(super) fn get(&self, column: Column) -> Option<&str> {
        self.columns[column as usize].as_deref().filter(|value| !value.is_empty())
    }

    fn label(&self, column: Column) -> Option<Label> {
        self.get(column).map(Label::from)
    }

    fn count(&self, column: Column) -> Result<Option<i64>, BadValue> {
        let Some(text) = self.get(column) else { return Ok(None) };
        let count = parse_count(text);
        count.map(Some).ok_or_else(|| bad(column, "a whole number that is not negative", text))
    }

    fn ms(&self, column: Column) -> Result<Option<f64>, BadValue> {
        Ok(self.count(column)?.map(|ms| ms as f64))
    }

    fn success(&self) -> Result<Option<bool>, BadValue> {
        match self.get(Column::Success) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => Err(bad(Column::Success, "true or false", text)),
        }
    }

    fn is_transaction(&self) -> bool {
        let sums_up = |message: &str| message.starts_with("Number of samples in transaction");
        let without_type = self.has(Column::DataType) && self.get(Column::DataType).is_none();
        let without_url = self.columns[Column::Url as usize].as_deref() == Some("null");
        (without_type && without_url) || self.get(Column::ResponseMessage).is_some_and(sums_up)
    }

    /// The row that the sample is.
    pub(super) fn row(&self, place: Place<'_>) -> Result<ClientRequest, BadValue> {
        let stamp = self.get(Column::TimeStamp).unwrap_or_default();
        let sent_at = parse_instant(stamp).ok_or_else(|| {
            bad(Column::TimeStamp, "milliseconds since the Unix epoch or yyyy/MM/dd HH:mm:ss.SSS", stamp)
        })?;
        let success = self.success()?;
        let failed = success == Some(false);
        let reason = self.get(Column::FailureMessage).or_else(|| self.get(Column::ResponseMessage));
        Ok(ClientRequest {
            generator: "jmeter".into(),
            label: self.label(Column::Label),
            sent_at,
            elapsed_ms: self.ms(Column::Elapsed)?,
            latency_ms: self.ms(Column::Latency)?,
            connect_ms: self.ms(Column::Connect)?,
            idle_ms: self.ms(Column::IdleTime)?,
            status: self.label(Column::ResponseCode),
            success,
            bytes_received: self.count(Column::Bytes)?,
            bytes_sent: self.count(Column::SentBytes)?,
            method: self.method.as_deref().map(Label::from),
            url: self.get(Column::Url).filter(|url| *url != "null").map(without_credentials),
            thread: self.label(Column::ThreadName),
            threads: self.count(Column::AllThreads)?,
            group_threads: self.count(Column::GrpThreads)?,
            error: reason.filter(|_| failed).map(str::to_owned),
            kind: if self.is_transaction() { "transaction" } else { "request" }.into(),
            parent_label: self.parent_label.as_deref().map(Label::from),
            variables: (!self.variables.is_empty())
                .then(|| Value::Object(self.variables.clone().into_iter().collect()).to_string()),
            source: place.source.into(),
            offset: signed(place.offset),
            ..ClientRequest::default()
        })
    }
}

fn bad(column: Column, expected: &'static str, found: &str) -> BadValue {
    BadValue { column: column.name(), expected, found: redact::excerpt(found.as_bytes(), 60).into_owned() }
}

/// A whole number that is not negative, of ASCII digits only; below 2^53, so that it is exact in every column.
pub(super) fn parse_count(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse::<i64>().ok()).flatten().filter(|n| *n < 1 << 53)
}

/// An instant as JMeter writes it: milliseconds since the Unix epoch, or a date and time of day, taken as UTC.
///
/// Read are `yyyy/MM/dd HH:mm:ss[.SSS]`, the same with `-` or `T`, and `MM/dd/yy HH:mm:ss` (20yy).
pub(super) fn parse_instant(text: &str) -> Option<Timestamp> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return parse_count(text).filter(|ms| *ms <= LAST_INSTANT_MS).map(Timestamp::from_millis);
    }
    let (date, time) = text.split_once([' ', 'T'])?;
    let mut parts = date.split(['/', '-']);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (year, month, day) = match (a.len(), c.len()) {
        (4, 1..=2) => (number(a)?, number(b)?, number(c)?),
        (1..=2, 2) => (2000 + number(c)?, number(a)?, number(b)?),
        _ => return None,
    };
    let days = days_from_civil(i64::from(year), month, day)?;
    Some(Timestamp::from_micros(days * 86_400_000_000 + parse_time_of_day(time)?))
}

/// Microseconds since midnight of `HH:mm:ss`, with up to nine decimals and an optional `Z`.
fn parse_time_of_day(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (whole, fraction) = text.split_once(['.', ',']).map_or((text, None), |(whole, part)| (whole, Some(part)));
    let mut parts = whole.split(':');
    let (hour, minute, second) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = match fraction {
        None => 0,
        Some(digits) if (1..=9).contains(&digits.len()) => {
            let six: String = digits.chars().chain("000000".chars()).take(6).collect();
            number(&six).filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?
        }
        Some(_) => return None,
    };
    Some(i64::from((hour * 60 + minute) * 60 + second) * 1_000_000 + i64::from(micros))
}

fn number(text: &str) -> Option<u32> {
    let digits = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A URL without `user:password@`.
pub(super) fn without_credentials(url: &str) -> String {
    let Some(scheme) = url.find("://").map(|at| at + 3) else { return url.to_owned() };
    let end = url[scheme..].find(['/', '?', '#', '\\']).map_or(url.len(), |at| scheme + at);
    match url[scheme..end].rfind('@') {
        Some(at) => format!("{}{}", &url[..scheme], &url[scheme + at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_columns() {
        for (i, (column, csv, xml)) in NAMES.iter().enumerate() {
            assert_eq!(*column as usize, i, "{csv}");
            assert_eq!(Column::by_csv_name(&csv.to_uppercase()), Some(*column));
            assert_eq!(Column::by_xml_name(xml), Some(*column));
        }
    }

    #[test]
    fn instants_are_read_as_numbers_and_as_text_in_utc() {
        // date -u -d '2026-11-22 07:56:02.677' +%s%3N
        let expected = Some(Timestamp::from_millis(1_795_334_162_677));
        for text in ["1795334162677", "2026/11/22 07:56:02.677", "2026-11-22T07:56:02.677Z", "2026-11-22 07:56:02,677"]
        {
            assert_eq!(parse_instant(text), expected, "{text}");
        }
        let whole = Some(Timestamp::from_millis(1_795_334_162_000));
        assert_eq!(parse_instant("11/22/26 07:56:02"), whole);
        assert_eq!(parse_instant("2026/11/22 07:56:02"), whole);
    }

    #[test]
    fn other_texts_are_no_instants() {
        for text in
            ["", "1795334x62677", "-5", "2026/13/22 07:56:02", "2026/11/22", "2026/11/22 24:00:00", "1e12", "９"]
        {
            assert_eq!(parse_instant(text), None, "{text}");
        }
        assert_eq!(parse_instant("99999999999999999"), None);
    }

    #[test]
    fn credentials_leave_the_url() {
        assert_eq!(without_credentials("http://u:p@h:80/a?b=c@d"), "http://h:80/a?b=c@d");
        assert_eq!(without_credentials("https://u@x:p@h?q"), "https://h?q");
        assert_eq!(without_credentials("http://h/user@x"), "http://h/user@x");
        assert_eq!(without_credentials("h@x"), "h@x");
    }
}
