//! XML result files of JMeter: `<httpSample>` and `<sample>`, nested ones too.
//!
//! A row stands for each sample, after the rows of the samples inside of it, which carry its label as `parent_label`.
//! Further attributes are sample variables. A document type declaration is refused, so that no entity can expand;
//! broken tags are rejects and reading goes on behind them. Memory is bounded by [`ROW_LIMIT`] and [`DEPTH_LIMIT`].

use std::borrow::Cow;
use std::io::Read;
use std::ops::ControlFlow;

use faaslens_schemas::tables::Reject;
use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;

use super::jtl::{Column, Outcome, Place, Sample, Sink, Unfit};
use super::window::Window;
use crate::redact;

pub use super::jtl::ROW_LIMIT;

/// Greatest depth of samples in samples.
pub const DEPTH_LIMIT: usize = 64;

/// Attributes that CSV has as further columns under another name.
const RENAMED: [(&str, &str); 4] =
    [("sc", "SampleCount"), ("ec", "ErrorCount"), ("hn", "Hostname"), ("de", "Encoding")];

/// Reads an XML result file.
///
/// `source` is the name that rows and rejects carry. A missing `</testResults>` and a read error are told in
/// [`Outcome::cut_short`]; a sample without its end tag is a reject. An empty input gives no row.
///
/// # Errors
/// [`Unfit`] when the first element is another one than `testResults`, `httpSample` or `sample`.
pub fn read(reader: impl Read, source: &str, sink: &mut impl Sink) -> Result<Outcome, Unfit> {
    let mut file = File {
        window: Window::new(reader),
        source,
        sink,
        open: Vec::new(),
        beyond: 0,
        capture: None,
        root_open: false,
        began: false,
        not_utf8: 0,
    };
    let flow = file.read_all();
    if let ControlFlow::Break(Stop::Unfit(unfit)) = flow {
        return Err(unfit);
    }
    Ok(file.outcome(flow.is_break()))
}

/// Why reading stops early.
enum Stop {
    Unfit(Unfit),
    Sink,
}

type Flow = ControlFlow<Stop>;

/// A sample whose end tag has not come yet.
struct Open {
    offset: u64,
    line: u64,
    name: String,
    sample: Sample<'static>,
    captured: usize,
    /// Whether its start tag is already a reject.
    refused: bool,
    head: Vec<u8>,
}

/// An element inside of a sample whose text is wanted.
struct Capture {
    element: &'static str,
    text: Vec<u8>,
}

/// Elements whose text is collected.
const CAPTURED: [&str; 3] = ["java.net.URL", "method", "failureMessage"];

struct File<'a, R, S> {
    window: Window<R>,
    source: &'a str,
    sink: &'a mut S,
    open: Vec<Open>,
    /// Samples open beyond [`DEPTH_LIMIT`].
    beyond: u64,
    capture: Option<Capture>,
    root_open: bool,
    began: bool,
    not_utf8: u64,
}

impl<R: Read, S: Sink> File<'_, R, S> {
    fn read_all(&mut self) -> Flow {
        if self.window.ensure(3) && self.window.bytes().starts_with(b"\xef\xbb\xbf") {
            self.window.consume(3);
        }
        while self.window.ensure(1) {
            if self.window.bytes()[0] == b'<' {
                self.markup()?;
            } else {
                self.text()?;
            }
        }
        while let Some(open) = self.open.pop() {
            let detail = format!("expected </{}>, found the end of the file", open.name);
            self.refuse_open(&open, "truncated element", detail)?;
        }
        ControlFlow::Continue(())
    }

    fn markup(&mut self) -> Flow {
        // The longest introducer is <![CDATA[ with 9 bytes.
        self.window.ensure(9);
        let bytes = self.window.bytes();
        if bytes.starts_with(b"<!--") {
            return self.skip(b"-->");
        }
        if bytes.starts_with(b"<?") {
            return self.skip(b"?>");
        }
        if bytes.starts_with(b"<![CDATA[") && !self.open.is_empty() {
            return self.character_data();
        }
        if bytes.starts_with(b"<!") {
            return self.refuse_declaration();
        }
        self.tag()
    }

    /// Skips a comment or a processing instruction.
    fn skip(&mut self, end: &[u8]) -> Flow {
        let (offset, line) = self.place();
        let (length, found) = self.window.skip_past(end);
        if found {
            return ControlFlow::Continue(());
        }
        let detail = format!("expected {}, found the end of the file", String::from_utf8_lossy(end));
        self.refuse(offset, line, length, "truncated element", detail, b"")
    }

    fn refuse_declaration(&mut self) -> Flow {
        let (offset, line) = self.place();
        let head = self.head();
        if head.starts_with(b"<![CDATA[") {
            let (length, _) = self.window.skip_past(b"]]>");
            let detail = "expected <sample> or <httpSample>, found text".to_owned();
            return self.refuse(offset, line, length, "unexpected text", detail, &head);
        }
        let end: &[u8] = if head.contains(&b'[') { b"]>" } else { b">" };
        let (length, _) = self.window.skip_past(end);
        let detail = "expected no document type declaration: entities are not expanded".to_owned();
        self.refuse(offset, line, length, "document type", detail, &head)
    }

    /// Text up to the next `<`, in pieces as large as the window.
    fn text(&mut self) -> Flow {
        let bytes = self.window.bytes();
        let length = memchr::memchr(b'<', bytes).unwrap_or(bytes.len());
        if self.capture.is_some() {
            let piece = bytes[..length].to_vec();
            self.window.consume(length);
            self.captured(&piece);
            return ControlFlow::Continue(());
        }
        let stray =
            self.open.is_empty() && self.beyond == 0 && bytes[..length].iter().any(|b| !b.is_ascii_whitespace());
        if !stray {
            self.window.consume(length);
            return ControlFlow::Continue(());
        }
        let blank = bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.window.consume(blank);
        if !self.began {
            return ControlFlow::Break(Stop::Unfit(self.unfit()));
        }
        let (offset, line) = self.place();
        let head = self.head();
        let mut stray_length = 0;
        while self.window.ensure(1) {
            let bytes = self.window.bytes();
            let n = memchr::memchr(b'<', bytes).unwrap_or(bytes.len());
            if n == 0 {
                break;
            }
            self.window.consume(n);
            stray_length += n as u64;
        }
        let detail = "expected <sample> or <httpSample>, found text".to_owned();
        self.refuse(offset, line, stray_length, "unexpected text", detail, &head)
    }

    fn character_data(&mut self) -> Flow {
        let (offset, line) = self.place();
        let head = self.head();
        self.window.consume(9);
        loop {
            let bytes = self.window.bytes();
            let end = memchr::memmem::find(bytes, b"]]>");
            let length = end.unwrap_or(bytes.len().saturating_sub(2));
            if self.capture.is_some() {
                // What is captured is unescaped later; here it must stay as it is.
                let escaped: Vec<u8> = bytes[..length].iter().flat_map(escape_ampersand).copied().collect();
                self.captured(&escaped);
            }
            self.window.consume(length);
            if end.is_some() {
                self.window.consume(3);
                return ControlFlow::Continue(());
            }
            if !self.window.fill() {
                let rest = self.window.bytes().len();
                self.window.consume(rest);
                let detail = "expected ]]>, found the end of the file".to_owned();
                return self.refuse(offset, line, self.window.offset() - offset, "truncated element", detail, &head);
            }
        }
    }

    fn tag(&mut self) -> Flow {
        let (offset, line) = self.place();
        match self.tag_length() {
            Tag::Whole(length) => {
                let tag = self.window.bytes()[..length].to_vec();
                self.window.consume(length);
                self.not_utf8 += u64::from(std::str::from_utf8(&tag).is_err());
                let text = String::from_utf8_lossy(&tag[1..length - 1]).into_owned();
                match text.strip_prefix('/') {
                    Some(name) => self.close(name.trim(), offset, line, &tag),
                    None => self.begin(&text, offset, line, &tag),
                }
            }
            Tag::Broken(length, found) => {
                let head = self.head();
                self.window.consume(length);
                let detail = format!("expected a tag that ends with >, found {found}");
                self.refuse(offset, line, length as u64, "broken tag", detail, &head)
            }
            Tag::TooLong => {
                let head = self.head();
                let (length, _) = self.window.skip_past(b">");
                let detail = format!("expected at most {ROW_LIMIT} bytes, found {length}");
                self.refuse(offset, line, length, "row too long", detail, &head)
            }
        }
    }

    fn tag_length(&mut self) -> Tag {
        let (mut at, mut quote) = (1, None);
        loop {
            if at > ROW_LIMIT {
                return Tag::TooLong;
            }
            if at == self.window.bytes().len() && !self.window.fill() {
                return Tag::Broken(at, "the end of the file");
            }
            match self.window.bytes()[at] {
                // No tag holds a plain "<": the writer was stopped in this one, and another follows.
                b'<' => return Tag::Broken(at, "another tag"),
                b'>' if quote.is_none() => return Tag::Whole(at + 1),
                byte @ (b'"' | b'\'') if quote.is_none() => quote = Some(byte),
                byte if quote == Some(byte) => quote = None,
                _ => {}
            }
            at += 1;
        }
    }

    fn begin(&mut self, text: &str, offset: u64, line: u64, tag: &[u8]) -> Flow {
        let (content, closed) = text.strip_suffix('/').map_or((text, false), |content| (content, true));
        let name = content.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        match name {
            "sample" | "httpSample" => {
                self.began = true;
                self.begin_sample(content, name, offset, line, tag)?;
                if closed { self.end_sample(name, offset, line, tag) } else { ControlFlow::Continue(()) }
            }
            "testResults" => {
                self.began = true;
                self.root_open = !closed;
                ControlFlow::Continue(())
            }
            _ if !self.open.is_empty() || self.beyond > 0 => {
                let element = CAPTURED.into_iter().find(|captured| *captured == name && !closed && self.beyond == 0);
                self.capture = element.map(|element| Capture { element, text: Vec::new() });
                ControlFlow::Continue(())
            }
            _ if !self.began => ControlFlow::Break(Stop::Unfit(Unfit {
                expected: "an XML file of JMeter, with <testResults>".to_owned(),
                found: format!("XML that begins with <{}>", redact::excerpt(name.as_bytes(), 60)),
            })),
            _ => {
                let detail = "expected <sample> or <httpSample>".to_owned();
                self.refuse(offset, line, tag.len() as u64, "unexpected element", detail, tag)
            }
        }
    }

    fn begin_sample(&mut self, content: &str, name: &str, offset: u64, line: u64, tag: &[u8]) -> Flow {
        self.capture = None;
        if self.open.len() == DEPTH_LIMIT || self.beyond > 0 {
            self.beyond += 1;
            let detail = format!("expected at most {DEPTH_LIMIT} samples in one another");
            return self.refuse(offset, line, tag.len() as u64, "nested too deep", detail, tag);
        }
        let mut sample = Sample::default();
        let mut refused = false;
        let attributes = BytesStart::from_content(content, name.len());
        for attribute in attributes.attributes().with_checks(false) {
            let Ok(attribute) = attribute else {
                let detail = "expected attributes of the form name=\"value\"".to_owned();
                self.refuse(offset, line, tag.len() as u64, "broken tag", detail, tag)?;
                refused = true;
                break;
            };
            let value = unescaped(&attribute.value);
            let key = attribute.key.into_inner();
            match Column::by_xml_name(key) {
                Some(column) => sample.set(column, Cow::Owned(value)),
                None => sample.set_variable(renamed(key), &value),
            }
        }
        sample.parent_label = self.open.last().and_then(|open| open.sample.get(Column::Label)).map(str::to_owned);
        let head = tag[..tag.len().min(500)].to_vec();
        self.open.push(Open { offset, line, name: name.to_owned(), sample, captured: 0, refused, head });
        ControlFlow::Continue(())
    }

    fn close(&mut self, name: &str, offset: u64, line: u64, tag: &[u8]) -> Flow {
        match name {
            "sample" | "httpSample" => self.end_sample(name, offset, line, tag),
            "testResults" => {
                self.root_open = false;
                ControlFlow::Continue(())
            }
            _ => {
                if let Some(capture) = self.capture.take_if(|capture| capture.element == name) {
                    self.end_capture(&capture);
                }
                ControlFlow::Continue(())
            }
        }
    }

    fn end_sample(&mut self, name: &str, offset: u64, line: u64, tag: &[u8]) -> Flow {
        self.capture = None;
        if self.beyond > 0 {
            self.beyond -= 1;
            return ControlFlow::Continue(());
        }
        if !self.open.iter().any(|open| open.name == name) {
            let detail = format!("expected <{name}> before </{name}>");
            return self.refuse(offset, line, tag.len() as u64, "unexpected element", detail, tag);
        }
        while let Some(open) = self.open.pop() {
            if open.name == name {
                return self.emit(open);
            }
            let detail = format!("expected </{}>, found </{name}>", open.name);
            self.refuse_open(&open, "truncated element", detail)?;
        }
        ControlFlow::Continue(())
    }

    fn emit(&mut self, mut open: Open) -> Flow {
        if open.refused {
            return ControlFlow::Continue(());
        }
        if open.captured > ROW_LIMIT {
            let detail = format!("expected at most {ROW_LIMIT} bytes of text, found {}", open.captured);
            return self.refuse_open(&open, "row too long", detail);
        }
        if !open.sample.has(Column::Url) {
            open.sample.set(Column::Url, Cow::Borrowed("null"));
        }
        let place = Place { source: self.source, offset: open.offset, line: open.line };
        match open.sample.row(place) {
            Ok(row) => sunk(self.sink.row(row)),
            Err(bad) => self.refuse_open(&open, "bad value", bad.to_string()),
        }
    }

    fn captured(&mut self, piece: &[u8]) {
        let (Some(capture), Some(open)) = (&mut self.capture, self.open.last_mut()) else { return };
        open.captured += piece.len();
        if open.captured <= ROW_LIMIT {
            capture.text.extend_from_slice(piece);
        }
    }

    fn end_capture(&mut self, capture: &Capture) {
        let Some(open) = self.open.last_mut() else { return };
        let text = unescaped(&String::from_utf8_lossy(&capture.text));
        let column = Column::by_xml_name(capture.element);
        match column {
            Some(Column::FailureMessage) if open.sample.get(Column::FailureMessage).is_some() => {}
            Some(column) => open.sample.set(column, Cow::Owned(text)),
            None => open.sample.method = Some(text).filter(|method| !method.is_empty()),
        }
    }

    fn place(&self) -> (u64, u64) {
        (self.window.offset(), self.window.line())
    }

    /// The bytes that a reject of what begins here shows, whatever the size of the reads.
    fn head(&mut self) -> Vec<u8> {
        self.window.ensure(500);
        self.window.bytes()[..self.window.bytes().len().min(500)].to_vec()
    }

    fn unfit(&mut self) -> Unfit {
        let head = self.head();
        Unfit {
            expected: "an XML file of JMeter, with <testResults>".to_owned(),
            found: format!("text before the first element: {:?}", redact::excerpt(&head[..head.len().min(80)], 80)),
        }
    }

    /// Rejects a sample, from its start tag to here.
    fn refuse_open(&mut self, open: &Open, reason: &'static str, detail: String) -> Flow {
        let length = self.window.offset() - open.offset;
        self.refuse(open.offset, open.line, length, reason, detail, &open.head)
    }

    fn refuse(
        &mut self,
        offset: u64,
        line: u64,
        length: u64,
        reason: &'static str,
        detail: String,
        head: &[u8],
    ) -> Flow {
        let shown = &head[..head.len().min(usize::try_from(length).unwrap_or(usize::MAX))];
        let reject: Reject = Place { source: self.source, offset, line }.reject(length, reason, detail, shown);
        sunk(self.sink.reject(reject))
    }

    fn outcome(self, stopped: bool) -> Outcome {
        let mut notes = Vec::new();
        if self.not_utf8 > 0 {
            notes.push(format!("{} tags have bytes that are not UTF-8, shown as U+FFFD", self.not_utf8));
        }
        let bytes = self.window.offset();
        let unclosed = self.root_open && !stopped;
        let cut_short =
            self.window.failure().or_else(|| unclosed.then(|| "no </testResults>: JMeter was stopped".to_owned()));
        Outcome { format: "jmeter xml", bytes, cut_short, notes }
    }
}

/// How far a tag reaches.
enum Tag {
    /// So many bytes.
    Whole(usize),
    /// So many bytes, and no `>` among them, for this reason.
    Broken(usize, &'static str),
    /// More than [`ROW_LIMIT`] bytes.
    TooLong,
}

fn sunk(flow: ControlFlow<()>) -> Flow {
    flow.map_break(|()| Stop::Sink)
}

/// The five predefined entities and character references resolved; the text as it is where another entity stands.
fn unescaped(raw: &str) -> String {
    unescape(raw).map_or_else(|_| raw.to_owned(), Cow::into_owned)
}

fn escape_ampersand(byte: &u8) -> &[u8] {
    if *byte == b'&' { b"&amp;" } else { std::slice::from_ref(byte) }
}

fn renamed(attribute: &str) -> &str {
    RENAMED.iter().find(|(short, _)| *short == attribute).map_or(attribute, |(_, name)| name)
}
