//! The record as BeFaaS's logger prints it: a fixed order of keys, no blanks, no escapes.
//!
//! ```text
//! {"timestamp":…,"now":…,"version":…,"deploymentId":…,"fn":{"id":…,"name":…},"event":{ … }}
//!                       └────────────── introduction: one for each executor ───────────┘
//! ```
//!
//! Then the next key needs no search, and what an executor says of itself is compared with what was read of it before
//! instead of being taken apart again. Every other form is left to the general reader, which gives the same record for
//! this one too.

use super::event::{Event, Record};
use super::json::Cursor;
use super::kind::{Kind, Mark};
use super::number;
use super::search::end_of_text;

/// Introductions that are remembered.
const PLACES: usize = 128;

/// Reads the records of one text in their canonical form.
#[derive(Debug)]
pub struct Reader<'a> {
    known: [Option<Introduction<'a>>; PLACES],
    /// Where the executor's key stands in an introduction.
    key_at: usize,
    /// Introductions read so far.
    read: u32,
    /// Kept headers of the request that was read last; the next one takes their memory.
    headers: String,
}

/// What a record says between its clocks and its event.
#[derive(Debug, Clone, Copy)]
struct Introduction<'a> {
    text: &'a str,
    number: u32,
    deployment_id: &'a str,
    executor: &'a str,
    function: &'a str,
}

impl Default for Reader<'_> {
    fn default() -> Self {
        Self { known: [None; PLACES], key_at: 0, read: 0, headers: String::new() }
    }
}

impl<'a> Reader<'a> {
    /// Reads the record at the start of `text` (its opening brace) and says its length; `None` where it is of another
    /// form.
    pub fn read<'r>(&'r mut self, text: &'a str, keep_headers: bool) -> Option<(Record<&'r str>, usize)> {
        match text.as_bytes().get(1..4)? {
            br#"\"t"# => self.read_as::<true>(text, keep_headers),
            br#"\"v"# => read_client::<true>(text),
            [b'"', b't', _] => self.read_as::<false>(text, keep_headers),
            _ => read_client::<false>(text),
        }
    }

    fn read_as<'r, const QUOTED: bool>(
        &'r mut self,
        text: &'a str,
        keep_headers: bool,
    ) -> Option<(Record<&'r str>, usize)> {
        let mut form = Form::<QUOTED> { rest: text };
        form.literal(r#"{"timestamp":"#, r#"{\"timestamp\":"#)?;
        let timestamp_ms = form.stamp()?;
        form.literal(r#","now":"#, r#",\"now\":"#)?;
        let now_ms = form.number()?;
        let speaker = self.introduction(&mut form)?;
        let event = form.event(keep_headers, &mut self.headers)?;
        form.literal("}", "}")?;
        let record = Record {
            timestamp_ms,
            now_ms,
            deployment_id: Some(speaker.deployment_id),
            executor: speaker.executor,
            function: speaker.function,
            introduction: Some(speaker.number),
            event,
        };
        Some((record, text.len() - form.rest.len()))
    }

    #[inline]
    fn introduction<const QUOTED: bool>(&mut self, form: &mut Form<'a, QUOTED>) -> Option<Introduction<'a>> {
        if let Some(known) = &self.known[self.place(form.rest.as_bytes())]
            && let Some(rest) = form.rest.strip_prefix(known.text)
        {
            form.rest = rest;
            return Some(*known);
        }
        self.new_introduction(form)
    }

    /// Executors' keys are random, so some of their bytes tell the place.
    fn place(&self, rest: &[u8]) -> usize {
        let key = rest.get(self.key_at..).and_then(word).unwrap_or_default();
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PLACES
    }

    #[cold]
    fn new_introduction<const QUOTED: bool>(&mut self, form: &mut Form<'a, QUOTED>) -> Option<Introduction<'a>> {
        let start = form.rest;
        form.literal(r#","version":""#, r#",\"version\":\""#)?;
        form.text()?;
        form.literal(r#","deploymentId":""#, r#",\"deploymentId\":\""#)?;
        let deployment_id = form.text()?;
        form.literal(r#","fn":{"id":""#, r#",\"fn\":{\"id\":\""#)?;
        self.key_at = start.len() - form.rest.len();
        let executor = form.text()?;
        form.literal(r#","name":""#, r#",\"name\":\""#)?;
        let function = form.text()?;
        form.literal(r#"},"event":{"#, r#"},\"event\":{"#)?;
        let text = &start[..start.len() - form.rest.len()];
        let new = Introduction { text, number: self.read, deployment_id, executor, function };
        self.read += 1;
        self.known[self.place(text.as_bytes())] = Some(new);
        Some(new)
    }
}

/// The load generator's record, which has an order of its own.
fn read_client<const QUOTED: bool>(text: &str) -> Option<(Record<&str>, usize)> {
    let mut form = Form::<QUOTED> { rest: text };
    form.literal(r#"{"version":""#, r#"{\"version\":\""#)?;
    form.text()?;
    form.literal(r#","deploymentId":""#, r#",\"deploymentId\":\""#)?;
    let deployment_id = Some(form.text()?);
    form.literal(r#","timestamp":"#, r#",\"timestamp\":"#)?;
    let timestamp_ms = form.stamp()?;
    form.literal(r#","now":"#, r#",\"now\":"#)?;
    let now_ms = form.number()?;
    form.literal(r#","fn":{"id":""#, r#",\"fn\":{\"id\":\""#)?;
    let executor = form.text()?;
    form.literal(r#","name":""#, r#",\"name\":\""#)?;
    let function = form.text()?;
    form.literal(r#"},"event":{"url":""#, r#"},\"event\":{\"url\":\""#)?;
    let url = Some(form.text()?);
    form.literal(r#","contextId":""#, r#",\"contextId\":\""#)?;
    let context_id = Some(form.text()?);
    form.literal(r#","xPair":""#, r#",\"xPair\":\""#)?;
    let pair_id = Some(form.text()?);
    form.literal(r#","type":""#, r#",\"type\":\""#)?;
    let kind = match form.text()? {
        "before" => Kind::ClientBefore,
        "after" => Kind::ClientAfter,
        _ => return None,
    };
    form.literal("}}", "}}")?;
    let event = Event { context_id, pair_id, url, ..Event::of(kind) };
    let introduction = None;
    Some((
        Record { timestamp_ms, now_ms, deployment_id, executor, function, introduction, event },
        text.len() - form.rest.len(),
    ))
}

/// A text read in canonical form; `QUOTED` where the record stands inside a JSON string. `None` ends the reading.
struct Form<'a, const QUOTED: bool> {
    rest: &'a str,
}

impl<'a, const QUOTED: bool> Form<'a, QUOTED> {
    /// The quote around a text.
    const QUOTE: &'static str = if QUOTED { r#"\""# } else { "\"" };

    #[expect(clippy::inline_always, reason = "a literal is compared word by word where its length is known")]
    #[inline(always)]
    fn literal(&mut self, plain: &'static str, quoted: &'static str) -> Option<()> {
        self.passes(if QUOTED { quoted } else { plain }).then_some(())
    }

    /// Goes behind a literal if it stands here.
    #[expect(clippy::inline_always, reason = "as for a literal")]
    #[inline(always)]
    fn passes(&mut self, literal: &'static str) -> bool {
        let rest = self.rest.strip_prefix(literal);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Whole milliseconds of thirteen digits: the years 2001 to 2286.
    #[inline]
    fn stamp(&mut self) -> Option<i64> {
        let [digits @ .., b','] = self.rest.as_bytes().first_chunk::<14>()? else { return None };
        self.rest = self.rest.get(digits.len()..)?;
        number::thirteen_digits(digits)
    }

    #[inline]
    fn number(&mut self) -> Option<f64> {
        let (value, length) = number::read(self.rest.as_bytes())?;
        self.rest = self.rest.get(length..)?;
        Some(value)
    }

    /// The rest of a string without escapes; goes behind its closing quote.
    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let (text, end) = self.rest.split_at_checked(end_of_text(self.rest.as_bytes())?)?;
        self.rest = end.strip_prefix(Self::QUOTE)?;
        Some(text)
    }

    /// Skips a string that has escapes, from its opening quote on.
    fn skip_text(&mut self) -> Option<()> {
        let mut cursor = Cursor::<QUOTED>::new(self.rest);
        let text = cursor.text("a string").ok()?;
        self.rest = self.rest.get(cursor.position()..)?;
        text.raw.bytes().all(|b| b >= b' ').then_some(())
    }

    #[inline]
    fn event<'r>(&mut self, keep_headers: bool, kept: &'r mut String) -> Option<Event<&'r str>>
    where
        'a: 'r,
    {
        self.literal(r#""contextId":""#, r#"\"contextId\":\""#)?;
        let context_id = self.text()?;
        self.literal(r#","xPair":""#, r#",\"xPair\":\""#)?;
        let pair_id = self.text()?;
        let mut event = if self.literal(r#","perf":{"mark":""#, r#",\"perf\":{\"mark\":\""#).is_some() {
            self.entry()?
        } else {
            self.request(keep_headers, kept)?
        };
        self.literal("}}", "}}")?;
        (event.context_id, event.pair_id) = (Some(context_id), Some(pair_id));
        Some(event)
    }

    /// The rest of a performance entry, from the name of its mark on.
    #[inline]
    fn entry(&mut self) -> Option<Event<&'a str>> {
        let name = self.text()?;
        self.literal(r#","name":""#, r#",\"name\":\""#)?;
        self.text()?;
        self.literal(r#","entryType":"m"#, r#",\"entryType\":\"m"#)?;
        let is_measure = if self.literal(r#"ark","startTime":"#, r#"ark\",\"startTime\":"#).is_some() {
            false
        } else {
            self.literal(r#"easure","startTime":"#, r#"easure\",\"startTime\":"#)?;
            true
        };
        let start_ms = Some(self.number()?);
        self.literal(r#","duration":"#, r#",\"duration\":"#)?;
        let duration_ms = Some(self.number()?);
        let mark = Mark::of(name, is_measure);
        Some(Event {
            op: Some(mark.op),
            target: mark.target,
            callee_pair_id: mark.callee_pair_id,
            start_ms,
            duration_ms,
            method: mark.method,
            ..Event::of(mark.kind)
        })
    }

    #[inline]
    fn request<'r>(&mut self, keep_headers: bool, kept: &'r mut String) -> Option<Event<&'r str>>
    where
        'a: 'r,
    {
        self.literal(r#","request":{"method":""#, r#",\"request\":{\"method\":\""#)?;
        let method = Some(self.text()?);
        self.literal(r#","originalUrl":""#, r#",\"originalUrl\":\""#)?;
        let url = Some(self.text()?);
        self.literal(r#","headers":{"#, r#",\"headers\":{"#)?;
        let mut user_agent = None;
        self.headers(keep_headers, kept, &mut user_agent)?;
        Some(Event { method, url, user_agent, headers: Some(kept), ..Event::of(Kind::Request) })
    }

    /// Reads headers to the end of their object and leaves in `kept` those that are kept.
    fn headers(&mut self, keep_headers: bool, kept: &mut String, user_agent: &mut Option<&'a str>) -> Option<()> {
        kept.clear();
        kept.push('{');
        loop {
            let header = self.rest;
            self.passes(Self::QUOTE).then_some(())?;
            let name = self.text()?;
            self.literal(":", ":")?;
            let value = self.rest;
            if !self.passes(Self::QUOTE) {
                // Only texts are kept.
                self.number()?;
            } else if keep_headers || crate::redact::is_allowed_header(name) {
                let value = self.text()?;
                if name.eq_ignore_ascii_case("user-agent") {
                    *user_agent = Some(value);
                }
                Self::keep(&header[..header.len() - self.rest.len()], name, value, kept);
            } else if self.text().is_none() {
                self.rest = value;
                self.skip_text()?;
            }
            if !self.passes(",") {
                break;
            }
        }
        self.literal("}", "}")?;
        if kept.ends_with(',') {
            kept.pop();
        }
        kept.push('}');
        Some(())
    }

    /// Appends a header and a comma. Texts without escapes are JSON as they are.
    #[inline]
    fn keep(header: &str, name: &str, value: &str, kept: &mut String) {
        if QUOTED {
            for piece in ["\"", name, "\":\"", value, "\","] {
                kept.push_str(piece);
            }
        } else {
            kept.push_str(header);
            kept.push(',');
        }
    }
}

/// Eight bytes as a word.
#[inline]
fn word(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::formats::befaas::{Refusal, parse};

    const ENTRY: &str = r#"{"timestamp":1795330947308,"now":135.380288,"version":"8.24.3","deploymentId":"JXOQ8OcdmOGdtQMF","fn":{"id":"e3ed4b334eb3efa5","name":"cartkvstorage"},"event":{"contextId":"ts7vqvzf","xPair":"ts7vqvzf-3idmacn8","perf":{"mark":"measure:rpcOut:payment:ts7vqvzf-abcdefgh","name":"x:y","entryType":"measure","startTime":134.279086,"duration":13.26026499999989}}}"#;
    const REQUEST: &str = r#"{"timestamp":1795330947307,"now":134,"version":"8.24.3","deploymentId":"JXOQ8OcdmOGdtQMF","fn":{"id":"e3ed4b334eb3efa5","name":"cartkvstorage"},"event":{"contextId":"ts7vqvzf","xPair":"ts7vqvzf-3idmacn8","request":{"method":"POST","originalUrl":"/cartkvstorage/call","headers":{"content-type":"application/json","accept":"*/*","forwarded":"for=\"203.0.113.17\"","cookie":"a=b","User-Agent":"node-fetch/1.0 (+https://x)","host":"l.amazonaws.com"}}}}"#;

    const CLIENT: &str = r#"{"version":"8.24.3","deploymentId":"JXOQ8OcdmOGdtQMF","timestamp":1795330914882,"now":1781.351108,"fn":{"id":"","name":"artillery"},"event":{"url":"http://127.0.0.1:21001/dev/frontend/","contextId":"17m64n04","xPair":"17m64n04-4zu09o6c","type":"before"}}"#;

    fn quoted(record: &str) -> String {
        record.replace('\\', r"\\").replace('"', r#"\""#)
    }

    fn general_as_ref<'a>(
        general: &'a Result<(Record<Cow<'_, str>>, usize), Refusal>,
    ) -> Result<(Record<&'a str>, usize), &'a Refusal> {
        general.as_ref().map(|(record, length)| (record.as_deref(), *length))
    }

    /// What both readers make of a text; a canonical reading must be the general one's.
    fn compare(text: &str, keep_headers: bool) -> bool {
        let mut reader = Reader::default();
        let line = text.split('\n').next().unwrap_or_default();
        let general = parse(line, keep_headers);
        // Twice: the second time the introduction is known.
        for _ in 0..2 {
            let Some((record, length)) = reader.read(text, keep_headers) else { return false };
            assert_eq!(general_as_ref(&general), Ok((Record { introduction: None, ..record }, length)), "{text}");
        }
        true
    }

    #[test]
    fn records_as_the_logger_prints_them_are_read_as_by_the_general_reader() {
        for record in [ENTRY, REQUEST, CLIENT] {
            for text in [record.to_owned(), quoted(record), format!("{record}\nBEFAAS{{"), format!("{record}more")] {
                assert!(compare(&text, false), "{text}");
                assert_eq!(compare(&text, true), record != REQUEST, "a kept header has escapes: {text}");
            }
        }
    }

    #[test]
    fn a_header_that_is_a_number_is_not_kept() {
        for from in ["\"a=b\"", "\"application/json\""] {
            let text = REQUEST.replace(from, "70").replace(r#"for=\"203.0.113.17\""#, "");
            for text in [text.clone(), quoted(&text)] {
                assert!(compare(&text, false) && compare(&text, true), "{text}");
            }
        }
    }

    #[test]
    fn the_headers_of_a_request_are_not_those_of_the_one_before() {
        let bare = REQUEST.replace("content-type", "accept").replace("User-Agent", "from").replace("host", "via");
        let mut reader = Reader::default();
        for (text, begins) in
            [(REQUEST, r#"{"content-type""#), (&bare, "{}"), (ENTRY, ""), (REQUEST, r#"{"content-type""#)]
        {
            let (record, _) = reader.read(text, false).expect("canonical");
            assert!(record.event.headers.unwrap_or_default().starts_with(begins), "{text}");
        }
    }

    #[test]
    fn other_forms_are_left_to_the_general_reader() {
        for (from, to) in [
            ("\"now\":", "\"now\": "),
            ("ts7vqvzf-3", "ts7\\u0041-3"),
            ("JXOQ", "J\u{1}"),
            ("JXOQ", "J\nX"),
            ("1795330947307", "179533094730"),
            ("\"a=b\"", "true"),
            (r#""accept":"*/*","#, r#""accept":"*/*", "#),
        ] {
            let text = REQUEST.replace(from, to);
            assert_ne!(text, REQUEST);
            assert!(!compare(&text, false), "{text}");
        }
        assert!(!compare(r#"{"timestamp":1,"fn":{}}"#, false));
        assert!(!compare("", false));
    }

    proptest! {
        #[test]
        fn a_damaged_record_is_read_as_by_the_general_reader_or_not_at_all(
            which in 0_usize..3, escaped in any::<bool>(), at in 0_usize..700, byte in prop_oneof![Just(b'"'), Just(b'\\'), Just(b'}'), Just(b'\n'), 0_u8..128], cut in any::<bool>(),
        ) {
            let record = [ENTRY, REQUEST, CLIENT][which];
            let mut bytes = if escaped { quoted(record) } else { record.to_owned() }.into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            let text = String::from_utf8(bytes).expect("ascii");
            let mut reader = Reader::default();
            let line = text.split('\n').next().unwrap_or_default();
            for keep_headers in [true, false] {
                if let Some((record, length)) = reader.read(&text, keep_headers) {
                    let general = parse(line, keep_headers);
                    prop_assert_eq!(general_as_ref(&general), Ok((Record { introduction: None, ..record }, length)));
                }
            }
        }
    }
}
