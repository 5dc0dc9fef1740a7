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

use std::borrow::Cow;

use super::event::{Event, Record};
use super::json::Cursor;
use super::kind::Kind;
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
        Self { known: [None; PLACES], key_at: 0, read: 0 }
    }
}

impl<'a> Reader<'a> {
    /// Reads the record at the start of `text` (its opening brace) and says its length; `None` where it is of another
    /// form, and `record` is then of no use.
    pub fn read(&mut self, text: &'a str, keep_headers: bool, record: &mut Record<'a>) -> Option<usize> {
        match text.as_bytes().get(1..4)? {
            br#"\"t"# => self.read_as::<true>(text, keep_headers, record),
            br#"\"v"# => Self::read_client::<true>(text, record),
            [b'"', b't', _] => self.read_as::<false>(text, keep_headers, record),
            _ => Self::read_client::<false>(text, record),
        }
    }

    fn read_as<const QUOTED: bool>(
        &mut self,
        text: &'a str,
        keep_headers: bool,
        record: &mut Record<'a>,
    ) -> Option<usize> {
        let mut form = Form::<QUOTED> { text, at: 0 };
        form.literal(br#"{"timestamp":"#, br#"{\"timestamp\":"#)?;
        record.timestamp_ms = form.stamp()?;
        form.literal(br#","now":"#, br#",\"now\":"#)?;
        record.now_ms = form.number()?;
        let speaker = self.introduction(&mut form)?;
        record.deployment_id = Some(Cow::Borrowed(speaker.deployment_id));
        record.executor = Cow::Borrowed(speaker.executor);
        record.function = Cow::Borrowed(speaker.function);
        record.introduction = Some(speaker.number);
        form.event(keep_headers, &mut record.event)?;
        form.literal(b"}", b"}")?;
        Some(form.at)
    }

    /// The load generator's record, which has an order of its own.
    fn read_client<const QUOTED: bool>(text: &'a str, record: &mut Record<'a>) -> Option<usize> {
        let mut form = Form::<QUOTED> { text, at: 0 };
        form.literal(br#"{"version":""#, br#"{\"version\":\""#)?;
        form.text()?;
        form.literal(br#","deploymentId":""#, br#",\"deploymentId\":\""#)?;
        record.deployment_id = Some(Cow::Borrowed(form.text()?));
        form.literal(br#","timestamp":"#, br#",\"timestamp\":"#)?;
        record.timestamp_ms = form.stamp()?;
        form.literal(br#","now":"#, br#",\"now\":"#)?;
        record.now_ms = form.number()?;
        form.literal(br#","fn":{"id":""#, br#",\"fn\":{\"id\":\""#)?;
        record.executor = Cow::Borrowed(form.text()?);
        form.literal(br#","name":""#, br#",\"name\":\""#)?;
        record.function = Cow::Borrowed(form.text()?);
        record.introduction = None;
        form.literal(br#"},"event":{"url":""#, br#"},\"event\":{\"url\":\""#)?;
        let event = &mut record.event;
        *event = Event::of(Kind::ClientBefore);
        event.url = Some(Cow::Borrowed(form.text()?));
        form.literal(br#","contextId":""#, br#",\"contextId\":\""#)?;
        event.context_id = Some(Cow::Borrowed(form.text()?));
        form.literal(br#","xPair":""#, br#",\"xPair\":\""#)?;
        event.pair_id = Some(Cow::Borrowed(form.text()?));
        form.literal(br#","type":""#, br#",\"type\":\""#)?;
        event.kind = match form.text()? {
            "before" => Kind::ClientBefore,
            "after" => Kind::ClientAfter,
            _ => return None,
        };
        form.literal(b"}}", b"}}")?;
        Some(form.at)
    }

    #[inline]
    fn introduction<const QUOTED: bool>(&mut self, form: &mut Form<'a, QUOTED>) -> Option<Introduction<'a>> {
        let rest = &form.text[form.at..];
        let place = self.place(rest.as_bytes());
        if let Some(known) = self.known[place].filter(|known| rest.as_bytes().starts_with(known.text.as_bytes())) {
            form.at += known.text.len();
            return Some(known);
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
        let start = form.at;
        form.literal(br#","version":""#, br#",\"version\":\""#)?;
        form.text()?;
        form.literal(br#","deploymentId":""#, br#",\"deploymentId\":\""#)?;
        let deployment_id = form.text()?;
        form.literal(br#","fn":{"id":""#, br#",\"fn\":{\"id\":\""#)?;
        self.key_at = form.at - start;
        let executor = form.text()?;
        form.literal(br#","name":""#, br#",\"name\":\""#)?;
        let function = form.text()?;
        form.literal(br#"},"event":{"#, br#"},\"event\":{"#)?;
        let text = &form.text[start..form.at];
        let new = Introduction { text, number: self.read, deployment_id, executor, function };
        self.read += 1;
        self.known[self.place(text.as_bytes())] = Some(new);
        Some(new)
    }
}

/// A text read in canonical form; `QUOTED` where the record stands inside a JSON string. `None` ends the reading.
struct Form<'a, const QUOTED: bool> {
    text: &'a str,
    at: usize,
}

impl<'a, const QUOTED: bool> Form<'a, QUOTED> {
    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    #[inline]
    fn literal<const N: usize, const M: usize>(&mut self, plain: &[u8; N], quoted: &[u8; M]) -> Option<()> {
        let found = if QUOTED {
            self.rest().first_chunk::<M>().is_some_and(|found| found == quoted)
        } else {
            self.rest().first_chunk::<N>().is_some_and(|found| found == plain)
        };
        self.at += if QUOTED { M } else { N };
        found.then_some(())
    }

    /// Whole milliseconds of thirteen digits: the years 2001 to 2286.
    #[inline]
    fn stamp(&mut self) -> Option<i64> {
        let (digits, rest) = self.rest().split_first_chunk::<13>()?;
        if !rest.starts_with(b",") {
            return None;
        }
        self.at += digits.len();
        number::thirteen_digits(digits)
    }

    #[inline]
    fn number(&mut self) -> Option<f64> {
        let (value, length) = number::read(self.rest())?;
        self.at += length;
        Some(value)
    }

    /// The rest of a string without escapes, with its closing quote.
    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let end = start + end_of_text(&bytes[start..])?;
        if QUOTED {
            if bytes.get(end..end + 2)? != br#"\""# {
                return None;
            }
            self.at = end + 2;
        } else {
            if bytes[end] != b'"' {
                return None;
            }
            self.at = end + 1;
        }
        self.text.get(start..end)
    }

    /// Whether a text begins here.
    #[inline]
    fn at_text(&self) -> bool {
        self.rest().first() == Some(if QUOTED { &b'\\' } else { &b'"' })
    }

    /// Skips a string that may have escapes.
    fn skip_text(&mut self) -> Option<()> {
        let start = self.at;
        self.literal(br#"""#, br#"\""#)?;
        if self.text().is_none() {
            self.at = start;
            let mut cursor = Cursor::<QUOTED>::at(self.text, start);
            let text = cursor.text("a string").ok()?;
            if text.raw.bytes().any(|b| b < b' ') {
                return None;
            }
            self.at = cursor.position();
        }
        Some(())
    }

    fn event(&mut self, keep_headers: bool, event: &mut Event<'a>) -> Option<()> {
        *event = Event::of(Kind::Request);
        self.literal(br#""contextId":""#, br#"\"contextId\":\""#)?;
        event.context_id = Some(Cow::Borrowed(self.text()?));
        self.literal(br#","xPair":""#, br#",\"xPair\":\""#)?;
        event.pair_id = Some(Cow::Borrowed(self.text()?));
        self.literal(b",", b",")?;
        let key_at = if QUOTED { 2 } else { 1 };
        if self.rest().get(key_at) == Some(&b'p') {
            self.entry(event)?;
        } else {
            self.request(event, keep_headers)?;
        }
        self.literal(b"}}", b"}}")
    }

    fn entry(&mut self, event: &mut Event<'a>) -> Option<()> {
        self.literal(br#""perf":{"mark":""#, br#"\"perf\":{\"mark\":\""#)?;
        let mark = self.text()?;
        self.literal(br#","name":""#, br#",\"name\":\""#)?;
        self.text()?;
        self.literal(br#","entryType":""#, br#",\"entryType\":\""#)?;
        let entry_type = self.text()?;
        self.literal(br#","startTime":"#, br#",\"startTime\":"#)?;
        event.start_ms = Some(self.number()?);
        self.literal(br#","duration":"#, br#",\"duration\":"#)?;
        event.duration_ms = Some(self.number()?);
        event.set_mark(&Cow::Borrowed(mark), entry_type == "measure");
        Some(())
    }

    fn request(&mut self, event: &mut Event<'a>, keep_headers: bool) -> Option<()> {
        self.literal(br#""request":{"method":""#, br#"\"request\":{\"method\":\""#)?;
        event.method = Some(Cow::Borrowed(self.text()?));
        self.literal(br#","originalUrl":""#, br#",\"originalUrl\":\""#)?;
        event.url = Some(Cow::Borrowed(self.text()?));
        self.literal(br#","headers":{"#, br#",\"headers\":{"#)?;
        let mut kept = String::with_capacity(KEPT_HEADERS);
        kept.push('{');
        loop {
            self.literal(br#"""#, br#"\""#)?;
            let name = self.text()?;
            self.literal(b":", b":")?;
            if !self.at_text() {
                // Only texts are kept.
                self.number()?;
            } else if keep_headers || crate::redact::is_allowed_header(name) {
                self.literal(br#"""#, br#"\""#)?;
                let value = self.text()?;
                if name.eq_ignore_ascii_case("user-agent") {
                    event.user_agent = Some(Cow::Borrowed(value));
                }
                // Texts without escapes are JSON as they are.
                for piece in [if kept.len() > 1 { ",\"" } else { "\"" }, name, "\":\"", value, "\""] {
                    kept.push_str(piece);
                }
            } else {
                self.skip_text()?;
            }
            match self.rest().first()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        self.at += 1;
        kept.push('}');
        event.headers = Some(kept);
        Some(())
    }
}

/// Room for the headers of a request that are kept as a rule.
const KEPT_HEADERS: usize = 480;

/// Eight bytes as a word.
#[inline]
fn word(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::befaas::parse;

    const ENTRY: &str = r#"{"timestamp":1795330947308,"now":135.380288,"version":"8.24.3","deploymentId":"JXOQ8OcdmOGdtQMF","fn":{"id":"e3ed4b334eb3efa5","name":"cartkvstorage"},"event":{"contextId":"ts7vqvzf","xPair":"ts7vqvzf-3idmacn8","perf":{"mark":"measure:rpcOut:payment:ts7vqvzf-abcdefgh","name":"x:y","entryType":"measure","startTime":134.279086,"duration":13.26026499999989}}}"#;
    const REQUEST: &str = r#"{"timestamp":1795330947307,"now":134,"version":"8.24.3","deploymentId":"JXOQ8OcdmOGdtQMF","fn":{"id":"e3ed4b334eb3efa5","name":"cartkvstorage"},"event":{"contextId":"ts7vqvzf","xPair":"ts7vqvzf-3idmacn8","request":{"method":"POST","originalUrl":"/cartkvstorage/call","headers":{"content-type":"application/json","accept":"*/*","forwarded":"for=\"203.0.113.17\"","cookie":"a=b","User-Agent":"node-fetch/1.0 (+https://x)","host":"l.amazonaws.com"}}}}"#;

    const CLIENT: &str = r#"{"version":"8.24.3","deploymentId":"JXOQ8OcdmOGdtQMF","timestamp":1795330914882,"now":1781.351108,"fn":{"id":"","name":"artillery"},"event":{"url":"http://127.0.0.1:21001/dev/frontend/","contextId":"17m64n04","xPair":"17m64n04-4zu09o6c","type":"before"}}"#;

    fn quoted(record: &str) -> String {
        record.replace('\\', r"\\").replace('"', r#"\""#)
    }

    /// What both readers make of a text; a canonical reading must be the general one's.
    fn compare(text: &str, keep_headers: bool) -> bool {
        let mut reader = Reader::default();
        let line = text.split('\n').next().unwrap_or_default();
        let general = parse(line, keep_headers);
        // Twice: the second time the introduction is known.
        for _ in 0..2 {
            let mut record = Record::empty();
            let Some(length) = reader.read(text, keep_headers, &mut record) else { return false };
            record.introduction = None;
            assert_eq!(general.as_ref(), Ok(&(record, length)), "{text}");
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
            let mut found = Record::empty();
            for keep_headers in [true, false] {
                if let Some(length) = reader.read(&text, keep_headers, &mut found) {
                    found.introduction = None;
                    prop_assert_eq!(parse(line, keep_headers), Ok((found.clone(), length)));
                }
            }
        }
    }
}
