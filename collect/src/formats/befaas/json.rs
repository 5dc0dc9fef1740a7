//! A cursor over JSON that may itself stand inside a JSON string.
//!
//! At depth 0 a quote is `"`. At depth 1, inside a JSON string, it is `\"`, and a backslash of the inner text is `\\`.
//! Strings are found by one search for the next backslash or quote; nothing is copied.

use std::borrow::Cow;

use memchr::memchr2;

/// Why a record cannot be read, and at which byte of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Reason, one of a closed list: it becomes `rejects.reason`.
    pub reason: &'static str,
    /// What was expected there.
    pub expected: &'static str,
    /// Byte of the piece at which reading stopped.
    pub at: usize,
}

/// Nesting beyond which unknown values are refused.
const MAX_DEPTH: u32 = 64;

/// A string between its quotes, still escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub(super) raw: &'a str,
    pub(super) escaped: bool,
}

/// Reads JSON at one depth of quoting.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a, const QUOTED: bool> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

type Step<T> = Result<T, Refusal>;

impl<'a, const QUOTED: bool> Cursor<'a, QUOTED> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    #[cold]
    pub(super) fn refuse<T>(&self, expected: &'static str) -> Step<T> {
        let reason = if self.at >= self.bytes.len() || (QUOTED && self.bytes[self.at] == b'"') {
            "truncated json"
        } else {
            "invalid json"
        };
        Err(Refusal { reason, expected, at: self.at })
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.bytes.get(self.at).copied()
    }

    /// Takes one structural byte.
    #[inline]
    pub(super) fn take(&mut self, byte: u8, expected: &'static str) -> Step<()> {
        if self.bytes.get(self.at) != Some(&byte) {
            self.skip_space();
            if self.bytes.get(self.at) != Some(&byte) {
                return self.refuse(expected);
            }
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn quote(&mut self, expected: &'static str) -> Step<()> {
        if QUOTED {
            if self.bytes.get(self.at..self.at + 2) == Some(br#"\""#) {
                self.at += 2;
                return Ok(());
            }
            self.skip_space();
            if self.bytes.get(self.at..self.at + 2) == Some(br#"\""#) {
                self.at += 2;
                return Ok(());
            }
            self.refuse(expected)
        } else {
            self.take(b'"', expected)
        }
    }

    /// Whether a string begins here.
    #[inline]
    pub(super) fn at_string(&mut self) -> bool {
        let quote = if QUOTED { b'\\' } else { b'"' };
        self.peek() == Some(quote)
    }

    /// A string.
    #[inline]
    pub(super) fn text(&mut self, expected: &'static str) -> Step<Text<'a>> {
        self.quote(expected)?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let Some(hit) = memchr2(b'\\', b'"', &self.bytes[self.at..]) else {
                self.at = self.bytes.len();
                return self.refuse("end of string");
            };
            self.at += hit;
            if QUOTED {
                if self.bytes[self.at] == b'"' {
                    return self.refuse("end of string");
                }
                if self.bytes.get(self.at + 1) == Some(&b'"') {
                    let raw = &self.text[start..self.at];
                    self.at += 2;
                    return Ok(Text { raw, escaped });
                }
                self.skip_escape_in_quoted()?;
            } else {
                if self.bytes[self.at] == b'"' {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Text { raw, escaped });
                }
                self.at += 1;
                self.skip_escaped_character(false)?;
            }
            escaped = true;
        }
    }

    /// Skips one escape of a quoted text: of the outer string, or of the inner one.
    fn skip_escape_in_quoted(&mut self) -> Step<()> {
        self.at += 1;
        match self.bytes.get(self.at) {
            Some(b'\\') => {
                // An inner backslash: one decoded character follows it.
                self.at += 1;
                self.skip_escaped_character(true)
            }
            Some(b'/') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => self.skip_hex(),
            _ => self.refuse("an escape that is valid in a string"),
        }
    }

    /// Skips the character after an inner backslash.
    fn skip_escaped_character(&mut self, quoted: bool) -> Step<()> {
        let mut byte = self.bytes.get(self.at).copied();
        if quoted && byte == Some(b'\\') {
            self.at += 1;
            byte = self.bytes.get(self.at).copied();
            if !matches!(byte, Some(b'"' | b'\\' | b'/')) {
                return self.refuse("an escaped character");
            }
        } else if quoted && byte == Some(b'"') {
            return self.refuse("an escaped character");
        }
        match byte {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => self.skip_hex(),
            _ => self.refuse("an escaped character"),
        }
    }

    fn skip_hex(&mut self) -> Step<()> {
        self.at += 1;
        let digits = self.bytes.get(self.at..self.at + 4);
        if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            self.at += 4;
            return Ok(());
        }
        self.refuse("four hexadecimal digits")
    }

    /// A number.
    #[inline]
    pub(super) fn number(&mut self, expected: &'static str) -> Step<f64> {
        self.skip_space();
        match super::number::read(&self.bytes[self.at..]) {
            Some((value, length)) => {
                self.at += length;
                Ok(value)
            }
            None => self.refuse(expected),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self) -> Step<bool> {
        self.skip_space();
        for (word, value) in [(&b"true"[..], true), (&b"false"[..], false)] {
            if self.bytes[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        self.refuse("true or false")
    }

    /// Every member of an object: its key, then the cursor at its value, which `member` must take.
    #[inline]
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Step<()>) -> Step<()> {
        self.take(b'{', "an object")?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.text("a key")?;
            self.take(b':', "a colon")?;
            member(self, key.raw)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.refuse("a comma or the end of the object"),
            }
        }
    }

    /// Skips any value.
    pub(super) fn skip(&mut self) -> Step<()> {
        self.skip_nested(0)
    }

    fn skip_nested(&mut self, depth: u32) -> Step<()> {
        if depth > MAX_DEPTH {
            return self.refuse("less nesting");
        }
        if self.at_string() {
            return self.text("a string").map(drop);
        }
        match self.peek() {
            Some(b'{') => self.object(|cursor, _| cursor.skip_nested(depth + 1)),
            Some(b'[') => {
                self.at += 1;
                if self.peek() == Some(b']') {
                    self.at += 1;
                    return Ok(());
                }
                loop {
                    self.skip_nested(depth + 1)?;
                    match self.peek() {
                        Some(b',') => self.at += 1,
                        Some(b']') => {
                            self.at += 1;
                            return Ok(());
                        }
                        _ => return self.refuse("a comma or the end of the array"),
                    }
                }
            }
            Some(b't' | b'f') => self.boolean().map(drop),
            Some(b'n') if self.bytes[self.at..].starts_with(b"null") => {
                self.at += 4;
                Ok(())
            }
            _ => self.number("a value").map(drop),
        }
    }
}

impl<'a> Text<'a> {
    /// The text decoded; `None` where an escape stands for no character.
    #[inline]
    pub(super) fn decode<const QUOTED: bool>(self) -> Option<Cow<'a, str>> {
        if !self.escaped {
            return Some(Cow::Borrowed(self.raw));
        }
        let once = unescape(self.raw)?;
        Some(Cow::Owned(if QUOTED { unescape(&once)? } else { once }))
    }
}

/// Undoes one level of JSON string escaping.
pub(crate) fn unescape(text: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{text}\"")).ok()
}
