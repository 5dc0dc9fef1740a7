//! Reading a record and telling what it is.

use std::borrow::Cow;

use super::json::{Cursor, Refusal, Text, unescape};
use super::kind::{Kind, Mark, Op};

/// The part of a record that differs by kind; `T` holds its texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event<T> {
    /// What it says.
    pub kind: Kind,
    /// What it is about; `None` for kinds that are no performance entry.
    pub op: Option<Op>,
    /// Callee, route, action or text of a custom mark.
    pub target: Option<T>,
    /// Function chain.
    pub context_id: Option<T>,
    /// Pair ID the function runs under.
    pub pair_id: Option<T>,
    /// Pair ID of the callee.
    pub callee_pair_id: Option<T>,
    /// Start since the executor's time origin.
    pub start_ms: Option<f64>,
    /// Duration.
    pub duration_ms: Option<f64>,
    /// HTTP method, upper case.
    pub method: Option<T>,
    /// URL of a request.
    pub url: Option<T>,
    /// User agent of a request.
    pub user_agent: Option<T>,
    /// Kept headers as a JSON object.
    pub headers: Option<T>,
}

/// One record; `T` holds its texts: `&str`, or `Cow<str>` where some had to be decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record<T> {
    /// Wall clock when the line was logged, whole milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// Monotonic clock when the line was logged.
    pub now_ms: f64,
    /// Deployment id.
    pub deployment_id: Option<T>,
    /// Executor key.
    pub executor: T,
    /// Function name.
    pub function: T,
    /// The same number for records of one text whose deployment, executor and function are known to be the same.
    pub introduction: Option<u32>,
    /// What it says.
    pub event: Event<T>,
}

/// Reads the record at the start of `line` (its opening brace) and says how many bytes it takes. Of a key that stands twice
/// the last one counts, as in JavaScript.
///
/// `line` must end where the record's line ends. `keep_headers` keeps all headers instead of the allowed ones.
///
/// # Errors
/// A [`Refusal`] when the bytes are no record: broken JSON, a required field missing or of the wrong type, an event
/// of no known shape.
pub fn parse(line: &str, keep_headers: bool) -> Result<(Record<Cow<'_, str>>, usize), Refusal> {
    match line.as_bytes().get(1..3) {
        Some(br#"\""#) => read::<true>(line, keep_headers),
        Some(br"\\") => parse_twice_quoted(line, keep_headers),
        _ => read::<false>(line, keep_headers),
    }
}

/// As [`parse`], for a line that may not be UTF-8 after its record.
///
/// # Errors
/// As [`parse`]; also when the record itself is not UTF-8.
pub fn parse_bytes(line: &[u8], keep_headers: bool) -> Result<(Record<Cow<'_, str>>, usize), Refusal> {
    let valid = match std::str::from_utf8(line) {
        Ok(text) => return parse(text, keep_headers),
        Err(error) => error.valid_up_to(),
    };
    // The longest prefix that is UTF-8 is.
    let prefix = std::str::from_utf8(&line[..valid]).unwrap_or_default();
    parse(prefix, keep_headers).map_err(|refusal| match refusal.reason {
        "truncated json" => Refusal { reason: "invalid utf-8", expected: "utf-8", at: valid },
        _ => refusal,
    })
}

/// A record inside a JSON string inside a JSON string, as in Lambda's JSON application lines: one level is undone
/// into a copy; the record then takes the rest of its line.
#[cold]
fn parse_twice_quoted(text: &str, keep_headers: bool) -> Result<(Record<Cow<'_, str>>, usize), Refusal> {
    let refuse = |expected| Refusal { reason: "invalid json", expected, at: 0 };
    let end = end_of_inner_string(text);
    let once = unescape(&text[..end]).ok_or_else(|| refuse("a string escaped twice"))?;
    let (record, length) = read::<true>(&once, keep_headers)?;
    let rest = serde_json::Value::from(&once[length..]).to_string();
    let own = record.map(|text| Cow::Owned(text.clone().into_owned()));
    Ok((own, end - (rest.len() - 2).min(end)))
}

/// Where a string inside a string ends: at the first quote with at most one backslash before it.
fn end_of_inner_string(text: &str) -> usize {
    let bytes = text.as_bytes();
    for quote in memchr::memchr_iter(b'"', bytes) {
        let backslashes = bytes[..quote].iter().rev().take_while(|&&b| b == b'\\').count();
        if backslashes < 2 {
            return quote - backslashes;
        }
    }
    text.len()
}

fn read<const Q: bool>(line: &str, keep_headers: bool) -> Result<(Record<Cow<'_, str>>, usize), Refusal> {
    let mut cursor = Cursor::<Q>::new(line);
    let mut timestamp = None;
    let mut now = None;
    let mut deployment = None;
    let (mut executor, mut function) = (None, None);
    let mut event = None;
    cursor.object(|cursor, key| {
        match key {
            "timestamp" => timestamp = Some(cursor.number("a number of milliseconds")?),
            "now" => now = Some(cursor.number("a number of milliseconds")?),
            "deploymentId" => deployment = Some(cursor.text("a string")?),
            "fn" => {
                (executor, function) = (None, None);
                cursor.object(|cursor, key| {
                    match key {
                        "id" => executor = Some(cursor.text("a string")?),
                        "name" => function = Some(cursor.text("a string")?),
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?;
            }
            "event" => event = Some(read_event(cursor, keep_headers)?),
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    let at = cursor.position();
    let missing = |expected| Refusal { reason: "missing field", expected, at };
    let record = Record {
        timestamp_ms: whole_milliseconds(timestamp.ok_or_else(|| missing("timestamp"))?).ok_or(Refusal {
            reason: "bad field",
            expected: "timestamp between the years 1970 and 9999",
            at,
        })?,
        now_ms: now.ok_or_else(|| missing("now"))?,
        deployment_id: decode_optional::<Q>(deployment, at)?,
        executor: decode::<Q>(executor.ok_or_else(|| missing("fn.id"))?, at)?,
        function: decode::<Q>(function.ok_or_else(|| missing("fn.name"))?, at)?,
        introduction: None,
        event: event.ok_or_else(|| missing("event"))?.classify::<Q>(at)?,
    };
    Ok((record, at))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole_milliseconds(value: f64) -> Option<i64> {
    (0.0..2.534e14).contains(&value).then_some(value as i64)
}

fn decode<const Q: bool>(text: Text<'_>, at: usize) -> Result<Cow<'_, str>, Refusal> {
    text.decode::<Q>().ok_or(Refusal { reason: "invalid json", expected: "escapes that stand for characters", at })
}

fn decode_optional<const Q: bool>(text: Option<Text<'_>>, at: usize) -> Result<Option<Cow<'_, str>>, Refusal> {
    text.map(|text| decode::<Q>(text, at)).transpose()
}

/// An event as it stands, before it is known what it is.
#[derive(Default)]
struct RawEvent<'a> {
    cold_start: bool,
    context: Option<Text<'a>>,
    pair: Option<Text<'a>>,
    mark: Option<Text<'a>>,
    entry_type: Option<Text<'a>>,
    start: Option<f64>,
    duration: Option<f64>,
    request: bool,
    method: Option<Text<'a>>,
    original_url: Option<Text<'a>>,
    user_agent: Option<Text<'a>>,
    headers: Option<String>,
    client: Option<Text<'a>>,
    url: Option<Text<'a>>,
}

fn read_event<'a, const Q: bool>(cursor: &mut Cursor<'a, Q>, keep_headers: bool) -> Result<RawEvent<'a>, Refusal> {
    let mut event = RawEvent::default();
    cursor.object(|cursor, key| {
        match key {
            "contextId" => event.context = optional_text(cursor)?,
            "xPair" => event.pair = optional_text(cursor)?,
            "perf" => {
                (event.mark, event.entry_type, event.start, event.duration) = (None, None, None, None);
                cursor.object(|cursor, key| {
                    match key {
                        "mark" => event.mark = Some(cursor.text("a string")?),
                        "entryType" => event.entry_type = Some(cursor.text("a string")?),
                        "startTime" => event.start = Some(cursor.number("a number of milliseconds")?),
                        "duration" => event.duration = Some(cursor.number("a number of milliseconds")?),
                        _ => cursor.skip()?,
                    }
                    Ok(())
                })?;
            }
            "request" => {
                event.request = true;
                read_request(cursor, &mut event, keep_headers)?;
            }
            "coldstart" => event.cold_start = cursor.boolean()?,
            "url" => event.url = Some(cursor.text("a string")?),
            "type" => event.client = Some(cursor.text("a string")?),
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(event)
}

/// A string, or anything else as `None`.
fn optional_text<'a, const Q: bool>(cursor: &mut Cursor<'a, Q>) -> Result<Option<Text<'a>>, Refusal> {
    if cursor.at_string() { cursor.text("a string").map(Some) } else { cursor.skip().map(|()| None) }
}

fn read_request<'a, const Q: bool>(
    cursor: &mut Cursor<'a, Q>,
    event: &mut RawEvent<'a>,
    keep_headers: bool,
) -> Result<(), Refusal> {
    (event.method, event.original_url, event.headers, event.user_agent) = (None, None, None, None);
    cursor.object(|cursor, key| {
        match key {
            "method" => event.method = optional_text(cursor)?,
            "originalUrl" => event.original_url = optional_text(cursor)?,
            "headers" => {
                event.user_agent = None;
                let mut kept = String::from("{");
                cursor.object(|cursor, key| read_header(cursor, key, event, keep_headers, &mut kept))?;
                kept.push('}');
                event.headers = Some(kept);
            }
            _ => cursor.skip()?,
        }
        Ok(())
    })
}

fn read_header<'a, const Q: bool>(
    cursor: &mut Cursor<'a, Q>,
    name: &'a str,
    event: &mut RawEvent<'a>,
    keep_headers: bool,
    kept: &mut String,
) -> Result<(), Refusal> {
    if !cursor.at_string() || !(keep_headers || crate::redact::is_allowed_header(name)) {
        return cursor.skip();
    }
    let value = cursor.text("a string")?;
    if name.eq_ignore_ascii_case("user-agent") {
        event.user_agent = Some(value);
    }
    if let Some(value) = value.decode::<Q>() {
        if kept.len() > 1 {
            kept.push(',');
        }
        push_json_string(kept, name);
        kept.push(':');
        push_json_string(kept, &value);
    }
    Ok(())
}

fn push_json_string(target: &mut String, text: &str) {
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        target.push('"');
        target.push_str(text);
        target.push('"');
    } else {
        target.push_str(&serde_json::Value::from(text).to_string());
    }
}

impl<'a> RawEvent<'a> {
    fn classify<const Q: bool>(self, at: usize) -> Result<Event<Cow<'a, str>>, Refusal> {
        let mut event = Event::of(Kind::ColdStart);
        event.context_id = decode_optional::<Q>(self.context, at)?;
        event.pair_id = decode_optional::<Q>(self.pair, at)?;
        if let Some(mark) = self.mark {
            let mark = decode::<Q>(mark, at)?;
            let is_measure = self.entry_type.is_some_and(|kind| kind.raw == "measure");
            event.start_ms =
                Some(self.start.ok_or(Refusal { reason: "missing field", expected: "perf.startTime", at })?);
            event.duration_ms = self.duration;
            event.set_mark(mark, is_measure);
        } else if self.request {
            event.kind = Kind::Request;
            event.method = decode_optional::<Q>(self.method, at)?;
            event.url = decode_optional::<Q>(self.original_url, at)?;
            event.user_agent = decode_optional::<Q>(self.user_agent, at)?;
            event.headers = self.headers.map(Cow::Owned);
        } else if let Some(client) = self.client {
            event.kind = match client.raw {
                "before" => Kind::ClientBefore,
                "after" => Kind::ClientAfter,
                _ => return Err(Refusal { reason: "unknown event", expected: "type before or after", at }),
            };
            event.url = decode_optional::<Q>(self.url, at)?;
        } else if !self.cold_start {
            let expected = "coldstart, request, perf or type in the event";
            return Err(Refusal { reason: "unknown event", expected, at });
        }
        if event.context_id.is_none() && event.kind != Kind::ColdStart && event.op != Some(Op::Custom) {
            return Err(Refusal { reason: "missing field", expected: "event.contextId", at });
        }
        Ok(event)
    }
}

impl<T> Event<T> {
    /// An event of which nothing else is known.
    pub(super) const fn of(kind: Kind) -> Self {
        Self {
            kind,
            op: None,
            target: None,
            context_id: None,
            pair_id: None,
            callee_pair_id: None,
            start_ms: None,
            duration_ms: None,
            method: None,
            url: None,
            user_agent: None,
            headers: None,
        }
    }

    /// Sets what the name of a mark says.
    #[inline]
    pub(super) fn set_parts<'m>(&mut self, mark: Mark<'m>, text: impl Fn(&'m str) -> T) {
        self.kind = mark.kind;
        self.op = Some(mark.op);
        self.method = mark.method.map(&text);
        self.target = mark.target.map(&text);
        self.callee_pair_id = mark.callee_pair_id.map(&text);
    }

    fn map<'e, U>(&'e self, text: impl Fn(&'e T) -> U) -> Event<U> {
        Event {
            kind: self.kind,
            op: self.op,
            target: self.target.as_ref().map(&text),
            context_id: self.context_id.as_ref().map(&text),
            pair_id: self.pair_id.as_ref().map(&text),
            callee_pair_id: self.callee_pair_id.as_ref().map(&text),
            start_ms: self.start_ms,
            duration_ms: self.duration_ms,
            method: self.method.as_ref().map(&text),
            url: self.url.as_ref().map(&text),
            user_agent: self.user_agent.as_ref().map(&text),
            headers: self.headers.as_ref().map(&text),
        }
    }
}

impl<'a> Event<Cow<'a, str>> {
    fn set_mark(&mut self, name: Cow<'a, str>, is_measure: bool) {
        match name {
            Cow::Borrowed(name) => self.set_parts(Mark::of(name, is_measure), Cow::Borrowed),
            Cow::Owned(name) => self.set_parts(Mark::of(&name, is_measure), |text| Cow::Owned(text.to_owned())),
        }
    }
}

impl<T> Record<T> {
    fn map<'r, U>(&'r self, text: impl Fn(&'r T) -> U) -> Record<U> {
        Record {
            timestamp_ms: self.timestamp_ms,
            now_ms: self.now_ms,
            deployment_id: self.deployment_id.as_ref().map(&text),
            executor: text(&self.executor),
            function: text(&self.function),
            introduction: self.introduction,
            event: self.event.map(&text),
        }
    }
}

impl Record<Cow<'_, str>> {
    /// The record without what it owns.
    pub fn as_deref(&self) -> Record<&str> {
        self.map(|text| &**text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Node 20 says of the first text: `JSON.parse(text).fn` is `{ name: 'b' }`; of the second: `event.perf` is `{ mark: 'x' }`.
    #[test]
    fn of_a_key_that_stands_twice_the_last_value_counts_whole() {
        let torn = r#"{"timestamp":1,"now":2,"fn":{"id":"a","name":"a"},"fn":{"name":"b"},"event":{"coldstart":true}}"#;
        let refusal = parse(torn, false).expect_err("no executor");
        assert_eq!((refusal.reason, refusal.expected), ("missing field", "fn.id"));
        let event = r#"{"contextId":"c","perf":{"mark":"y","startTime":1},"perf":{"mark":"x"}}"#;
        let torn = format!(r#"{{"timestamp":1,"now":2,"fn":{{"id":"a","name":"b"}},"event":{event}}}"#);
        let refusal = parse(&torn, false).expect_err("no start");
        assert_eq!((refusal.reason, refusal.expected), ("missing field", "perf.startTime"));
        let event =
            r#"{"contextId":"c","request":{"method":"GET","headers":{"user-agent":"u"}},"request":{"headers":{}}}"#;
        let twice = format!(r#"{{"timestamp":1,"now":2,"fn":{{"id":"a","name":"b"}},"event":{event}}}"#);
        let (record, length) = parse(&twice, false).expect("a record");
        assert_eq!((length, record.event.kind), (twice.len(), Kind::Request));
        assert_eq!((record.event.method, record.event.user_agent), (None, None));
        assert_eq!(record.event.headers.as_deref(), Some("{}"));
    }
}
