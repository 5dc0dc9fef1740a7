//! A sliding window over a stream of bytes: what the scanners of result files look through.
//!
//! It holds what was read and not yet consumed, and knows the offset and line of its first byte. A read error ends
//! the stream and is kept, so that a damaged file is read as far as it goes.

use std::io::{ErrorKind, Read};

/// Bytes asked from the reader at a time.
const CHUNK: usize = 1 << 16;

/// Bytes read and not yet consumed.
pub(super) struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    offset: u64,
    line: u64,
    ended: bool,
    failure: Option<String>,
}

impl<R: Read> Window<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, offset: 0, line: 1, ended: false, failure: None }
    }

    /// What was read and not yet consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Offset of the first byte of [`Window::bytes`].
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Line of the first byte of [`Window::bytes`], from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Why the stream ended before its end.
    pub(super) fn failure(self) -> Option<String> {
        self.failure
    }

    /// Takes the first `n` bytes away.
    pub(super) fn consume(&mut self, n: usize) {
        let gone = &self.buffer[self.start..self.start + n];
        self.line += memchr::memchr_iter(b'\n', gone).count() as u64;
        self.offset += n as u64;
        self.start += n;
    }

    /// Reads more; `false` at the end of the stream.
    pub(super) fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error.to_string());
                    break 0;
                }
                Ok(read) => break read.min(CHUNK),
            }
        };
        self.buffer.truncate(held + read);
        self.ended = read == 0;
        read > 0
    }

    /// Reads until `n` bytes are held or the stream ends; whether they are.
    pub(super) fn ensure(&mut self, n: usize) -> bool {
        while self.bytes().len() < n {
            if !self.fill() {
                return false;
            }
        }
        true
    }

    /// Consumes up to and with `pattern`: how many bytes, and whether it was there.
    pub(super) fn skip_past(&mut self, pattern: &[u8]) -> (u64, bool) {
        let from = self.offset;
        loop {
            if let Some(at) = memchr::memmem::find(self.bytes(), pattern) {
                self.consume(at + pattern.len());
                return (self.offset - from, true);
            }
            let keep = self.bytes().len().min(pattern.len() - 1);
            self.consume(self.bytes().len() - keep);
            if !self.fill() {
                self.consume(self.bytes().len());
                return (self.offset - from, false);
            }
        }
    }
}
