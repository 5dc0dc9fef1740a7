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

use super::event::{Event, Kind, Record};
use super::number;

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
    /// The record at the start of `text` (its opening brace) and its length; `None` where it is of another form.
    pub fn read(&mut self, text: &'a str, keep_headers: bool) -> Option<(Record<'a>, usize)> {
        if text.as_bytes().get(1) == Some(&b'\\') {
            self.read_as::<true>(text, keep_headers)
        } else {
            self.read_as::<false>(text, keep_headers)
        }
    }

    fn read_as<const QUOTED: bool>(&mut self, text: &'a str, keep_headers: bool) -> Option<(Record<'a>, usize)> {
        let mut form = Form::<QUOTED> { text, at: 0 };
        form.literal(br#"{"timestamp":"#, br#"{\"timestamp\":"#)?;
        let timestamp_ms = form.stamp()?;
        form.literal(br#","now":"#, br#",\"now\":"#)?;
        let now_ms = form.number()?;
        let speaker = self.introduction(&mut form)?;
        let event = form.event(keep_headers)?;
        form.literal(b"}", b"}")?;
        let record = Record {
            timestamp_ms,
            now_ms,
            deployment_id: Some(Cow::Borrowed(speaker.deployment_id)),
            executor: Cow::Borrowed(speaker.executor),
            function: Cow::Borrowed(speaker.function),
            introduction: Some(speaker.number),
            event,
        };
        Some((record, form.at))
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
    #[expect(clippy::cast_possible_truncation, reason = "only the upper bits are wanted")]
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
        if digits[0] == b'0' || !rest.starts_with(b",") {
            return None;
        }
        let value = digits.iter().try_fold(0_i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))?;
        self.at += 13;
        Some(value)
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
        let end = end_of_text(bytes, start)?;
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

    fn event(&mut self, keep_headers: bool) -> Option<Event<'a>> {
        if self.literal(br#""contextId":""#, br#"\"contextId\":\""#).is_none() {
            return None;
        }
        let context_id = self.text()?;
        self.literal(br#","xPair":""#, br#",\"xPair\":\""#)?;
        let pair_id = self.text()?;
        let mut event = Event::of(Kind::Request);
        event.context_id = Some(Cow::Borrowed(context_id));
        event.pair_id = Some(Cow::Borrowed(pair_id));
        self.literal(b",", b",")?;
        let key_at = if QUOTED { 2 } else { 1 };
        if self.rest().get(key_at) == Some(&b'p') {
            self.entry(&mut event)?
        } else {
            self.request(&mut event, keep_headers)?
        }
        self.literal(b"}}", b"}}")?;
        Some(event)
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
            self.literal(br#":""#, br#":\""#)?;
            let value = self.text()?;
            if keep_headers || crate::redact::is_allowed_header(name) {
                if name.eq_ignore_ascii_case("user-agent") {
                    event.user_agent = Some(Cow::Borrowed(value));
                }
                // Texts without escapes are JSON as they are.
                for piece in [if kept.len() > 1 { ",\"" } else { "\"" }, name, "\":\"", value, "\""] {
                    kept.push_str(piece);
                }
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

/// Where the first quote, backslash or control character stands, at or after `at`.
#[inline]
fn end_of_text(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(word) = word(&bytes[at..]) {
        let hits = ends_text(word);
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    bytes[at..].iter().position(|&b| b < b' ' || b == b'"' || b == b'\\').map(|found| at + found)
}

/// The high bits of the bytes that end a text; right up to the first of them, which is what is asked for.
///
/// Tests all eight bytes at once (H. S. Warren, "Hacker's Delight", 2012, section 6-1).
#[inline]
fn ends_text(word: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    let is_zero = |word: u64| word.wrapping_sub(EACH) & !word;
    let is_control = word.wrapping_sub(EACH * b' ' as u64) & !word;
    (is_zero(word ^ (EACH * b'"' as u64)) | is_zero(word ^ (EACH * b'\\' as u64)) | is_control) & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::befaas::parse;

    const ENTRY: &str = r#"{"timestamp":1795330947308,"now":135.380288,"version":"8.24.3","deploymentId":"JXOQ8OcdmOGdtQMF","fn":{"id":"e3ed4b334eb3efa5","name":"cartkvstorage"},"event":{"contextId":"ts7vqvzf","xPair":"ts7vqvzf-3idmacn8","perf":{"mark":"measure:rpcOut:payment:ts7vqvzf-abcdefgh","name":"x:y","entryType":"measure","startTime":134.279086,"duration":13.26026499999989}}}"#;
    const REQUEST: &str = r#"{"timestamp":1795330947307,"now":134,"version":"8.24.3","deploymentId":"JXOQ8OcdmOGdtQMF","fn":{"id":"e3ed4b334eb3efa5","name":"cartkvstorage"},"event":{"contextId":"ts7vqvzf","xPair":"ts7vqvzf-3idmacn8","request":{"method":"POST","originalUrl":"/cartkvstorage/call","headers":{"content-type":"application/json","accept":"*/*","cookie":"a=b","User-Agent":"node-fetch/1.0 (+https://x)","host":"l.amazonaws.com"}}}}"#;

    fn quoted(record: &str) -> String {
        record.replace('"', "\\\"")
    }

    /// What both readers make of a text; a canonical reading must be the general one's.
    fn compare(text: &str, keep_headers: bool) -> bool {
        let mut reader = Reader::default();
        let line = text.split('\n').next().unwrap_or_default();
        let general = parse(line, keep_headers);
        // Twice: the second time the introduction is known.
        for _ in 0..2 {
            if let Some((mut record, length)) = reader.read(text, keep_headers) {
                record.introduction = None;
                assert_eq!(general.as_ref(), Ok(&(record, length)), "{text}");
            } else {
                return false;
            }
        }
        true
    }

    #[test]
    fn records_as_the_logger_prints_them_are_read_as_by_the_general_reader() {
        for record in [ENTRY, REQUEST] {
            for text in [record.to_owned(), quoted(record), format!("{record}\nBEFAAS{{"), format!("{record}more")] {
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
            ("\"a=b\"", "7"),
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
            which in 0_usize..2, escaped in any::<bool>(), at in 0_usize..700, byte in prop_oneof![Just(b'"'), Just(b'\\'), Just(b'}'), Just(b'\n'), 0_u8..128], cut in any::<bool>(),
        ) {
            let record = [ENTRY, REQUEST][which];
            let mut bytes = if escaped { quoted(record) } else { record.to_owned() }.into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            let text = String::from_utf8(bytes).expect("ascii");
            let mut reader = Reader::default();
            let line = text.split('\n').next().unwrap_or_default();
            if let Some((mut found, length)) = reader.read(&text, true) {
                found.introduction = None;
                prop_assert_eq!(parse(line, true), Ok((found, length)));
            }
        }

        #[test]
        fn the_end_of_a_text_is_its_first_quote_backslash_or_control_character(bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x1e_u8..0x24, 0x5a_u8..0x5e], 0..40), at in 0_usize..40) {
            let at = at.min(bytes.len());
            let expected = bytes.iter().enumerate().skip(at).find(|(_, b)| **b < 0x20 || matches!(**b, b'"' | b'\\')).map(|(at, _)| at);
            prop_assert_eq!(end_of_text(&bytes, at), expected);
        }
    }
}
