//! What a slice gives: sorted into chunks of bounded size.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::chunk::{ChunkReader, ChunkWriter, Row};
use super::window::Window;
use crate::{Error, Result};
use xxhash_rust::xxh3::xxh3_128;

/// Bytes of lines held before they become a chunk.
const CHUNK_BYTES: usize = 4 << 20;

/// One event of a log.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// What keeps its events in order: a log stream, a container; its name sorts the streams of a log.
    pub stream: &'a str,
    /// When it was logged, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// What tells it from every other event of its stream and time: a hash of the provider's id, or of the raw event.
    pub identity: u128,
    /// The event as a line of the source's dialect. Line ends in it become blanks.
    pub line: &'a [u8],
}

struct Held {
    stream: u32,
    at_us: i64,
    order: u64,
    identity: u128,
    start: usize,
    end: usize,
}

/// Takes the events of one slice.
pub struct Sink<'a> {
    folder: &'a Path,
    /// Begin of the names of its chunks.
    stem: String,
    slice: Window,
    reading: u16,
    /// Identities that an earlier reading had, when only what is new is wanted.
    known: Option<&'a HashSet<u128>>,
    streams: Vec<String>,
    numbers: HashMap<String, u32>,
    last_stream: u32,
    held: Vec<Held>,
    bytes: Vec<u8>,
    came: u64,
    written: u64,
    outside: u64,
    sampled: u64,
    chunks: Vec<PathBuf>,
    gaps: Vec<String>,
    /// What all readings of the slice gave, once there is more than one.
    readings: Option<Readings>,
}

/// The events of several readings of a slice.
#[derive(Default)]
struct Readings {
    /// The last reading that had each event.
    last: HashMap<u128, u32>,
    current: u32,
    /// Distinct events of the current reading.
    events: usize,
}

impl Readings {
    fn note(&mut self, stream: &[u8], at_us: i64, identity: u128) {
        let place = [stream, &at_us.to_le_bytes(), &identity.to_le_bytes()].concat();
        if self.last.insert(xxh3_128(&place), self.current) != Some(self.current) {
            self.events += 1;
        }
    }
}

impl std::fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("slice", &self.slice).field("written", &self.written).finish_non_exhaustive()
    }
}

/// What a slice gave.
#[derive(Debug, Default)]
pub(super) struct Gave {
    /// File names of its chunks, in order.
    pub(super) chunks: Vec<String>,
    /// Events in them, repetitions included.
    pub(super) events: u64,
    /// What is known to be missing.
    pub(super) gaps: Vec<String>,
    /// Events that the provider dropped by sampling, by its own counts.
    pub(super) sampled: u64,
}

impl<'a> Sink<'a> {
    pub(super) fn new(
        folder: &'a Path,
        stem: String,
        slice: Window,
        reading: u16,
        known: Option<&'a HashSet<u128>>,
    ) -> Self {
        Self {
            folder,
            stem,
            slice,
            reading,
            known,
            streams: Vec::new(),
            numbers: HashMap::new(),
            last_stream: 0,
            held: Vec::new(),
            bytes: Vec::new(),
            came: 0,
            written: 0,
            outside: 0,
            sampled: 0,
            chunks: Vec::new(),
            gaps: Vec::new(),
            readings: None,
        }
    }

    /// Takes an event; one outside of the slice is left out.
    ///
    /// # Errors
    /// When a chunk cannot be written.
    pub fn push(&mut self, piece: Piece<'_>) -> Result<()> {
        if !self.slice.holds(piece.at_us) {
            self.outside += 1;
            return Ok(());
        }
        if self.known.is_some_and(|known| known.contains(&piece.identity)) {
            return Ok(());
        }
        if let Some(readings) = &mut self.readings {
            readings.note(piece.stream.as_bytes(), piece.at_us, piece.identity);
        }
        let stream = self.stream(piece.stream);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(piece.line);
        if memchr::memchr2(b'\n', b'\r', piece.line).is_some() {
            self.bytes[start..].iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
        }
        let order = u64::from(self.reading) << 48 | self.came;
        self.came += 1;
        let Piece { at_us, identity, .. } = piece;
        self.held.push(Held { stream, at_us, order, identity, start, end: self.bytes.len() });
        if self.bytes.len() >= CHUNK_BYTES { self.write() } else { Ok(()) }
    }

    /// Whether an event would be taken: it lies in the slice, and no earlier reading had it.
    pub fn wants(&self, at_us: i64, identity: u128) -> bool {
        self.slice.holds(at_us) && self.known.is_none_or(|known| !known.contains(&identity))
    }

    /// Says that the provider dropped so many events by sampling, by its own count.
    pub fn sampled(&mut self, events: u64) {
        self.sampled += events;
    }

    /// Says what is known to be missing.
    pub fn gap(&mut self, text: String) {
        if !self.gaps.contains(&text) {
            self.gaps.push(text);
        }
    }

    /// Whether the current reading gave all that any reading gave; false for the only one.
    pub(super) fn agrees(&self) -> bool {
        self.readings.as_ref().is_some_and(|readings| readings.events == readings.last.len())
    }

    /// The slice is read again from its beginning: what the last reading gave is all that is kept, but which events the
    /// others had is remembered.
    ///
    /// # Errors
    /// When a chunk cannot be read.
    pub(super) fn again(&mut self) -> Result<()> {
        if self.readings.is_none() {
            self.readings = Some(self.first_reading()?);
        }
        if let Some(readings) = &mut self.readings {
            readings.current += 1;
            readings.events = 0;
        }
        self.restart();
        Ok(())
    }

    fn first_reading(&self) -> Result<Readings> {
        let mut readings = Readings::default();
        let mut row = Row::default();
        for chunk in &self.chunks {
            let mut reader = ChunkReader::open(chunk)?;
            while reader.next_into(&mut row)? {
                readings.note(&row.stream, row.at_us, row.identity);
            }
        }
        for held in &self.held {
            readings.note(self.streams[held.stream as usize].as_bytes(), held.at_us, held.identity);
        }
        Ok(readings)
    }

    /// Forgets what came so far of the current reading: a source that begins again by itself.
    pub fn restart(&mut self) {
        self.held.clear();
        self.bytes.clear();
        self.gaps.clear();
        (self.came, self.written, self.outside, self.sampled) = (0, 0, 0, 0);
        for chunk in std::mem::take(&mut self.chunks) {
            // A chunk that the journal does not name is never read.
            drop(std::fs::remove_file(chunk));
        }
    }

    fn stream(&mut self, name: &str) -> u32 {
        if self.streams.get(self.last_stream as usize).is_some_and(|last| last == name) {
            return self.last_stream;
        }
        let number = self.numbers.get(name).copied().unwrap_or_else(|| {
            let number = u32::try_from(self.streams.len()).unwrap_or(u32::MAX);
            self.streams.push(name.to_owned());
            self.numbers.insert(name.to_owned(), number);
            number
        });
        self.last_stream = number;
        number
    }

    fn write(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let streams = &self.streams;
        self.held.sort_by(|a, b| {
            let names = || streams[a.stream as usize].cmp(&streams[b.stream as usize]);
            let stream = if a.stream == b.stream { std::cmp::Ordering::Equal } else { names() };
            stream.then(a.at_us.cmp(&b.at_us)).then(a.order.cmp(&b.order))
        });
        let path = self.folder.join(format!("{}-{:04}.zst", self.stem, self.chunks.len()));
        let failed = |source| Error::Io { action: "write", path: path.clone(), source };
        let mut writer = ChunkWriter::create(&path)?;
        for held in &self.held {
            let stream = streams[held.stream as usize].as_bytes();
            let line = &self.bytes[held.start..held.end];
            writer.write(stream, (held.at_us, held.order, held.identity), line).map_err(failed)?;
        }
        writer.finish(true).map_err(failed)?;
        self.written += self.held.len() as u64;
        self.chunks.push(path);
        self.held.clear();
        self.bytes.clear();
        Ok(())
    }

    /// Writes the rest: all chunks are in their place.
    pub(super) fn finish(mut self) -> Result<Gave> {
        self.write()?;
        let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(Gave {
            chunks: self.chunks.iter().filter_map(name).collect(),
            events: self.written,
            gaps: self.gaps,
            sampled: self.sampled,
        })
    }
}
