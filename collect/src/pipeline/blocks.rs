//! Cutting files into blocks of whole units.

use std::io::Read;

use super::InputFile;
use crate::Progress;
use crate::input::Input;

/// Bytes read at a time: fits the second-level cache, large enough that hand-over costs nothing.
const BLOCK: usize = 1 << 20;
/// Longest unit (line, array entry) that is read; a longer one becomes one reject.
const MAX_UNIT: usize = 16 << 20;
/// Buffers kept for reuse.
const POOL: usize = 64;

/// Whole units of one file.
pub(super) struct Block {
    /// Number over all files, from 0 without gaps.
    pub(super) sequence: u64,
    /// File.
    pub(super) file: usize,
    /// Offset of the first byte in the uncompressed file.
    pub(super) offset: u64,
    /// The units.
    pub(super) bytes: Vec<u8>,
    /// A unit of this many bytes was too long and is left out before the block; it began at `offset` minus this.
    pub(super) oversized: u64,
    /// Whether the file ends with this block.
    pub(super) last: bool,
}

/// How a file ended.
#[derive(Debug, Clone, Default)]
pub(super) struct FileEnd {
    /// Uncompressed bytes.
    pub(super) bytes: u64,
    /// Why reading stopped before the end.
    pub(super) cut_short: Option<String>,
}

/// The blocks of all files, in order.
pub(super) struct Blocks<'a> {
    files: &'a [InputFile],
    /// The file being read, opened or not yet.
    current: usize,
    input: Option<Input>,
    /// Bytes read and not handed out: a unit that has not ended.
    carry: Vec<u8>,
    offset: u64,
    sequence: u64,
    ends: Vec<FileEnd>,
    pool: Vec<Vec<u8>>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(files: &'a [InputFile]) -> Self {
        let ends = vec![FileEnd::default(); files.len()];
        Self { files, current: 0, input: None, carry: Vec::new(), offset: 0, sequence: 0, ends, pool: Vec::new() }
    }

    pub(super) fn into_ends(self) -> Vec<FileEnd> {
        self.ends
    }

    /// Takes buffers back.
    pub(super) fn recycle(&mut self, buffers: Vec<Vec<u8>>) {
        for mut buffer in buffers {
            if self.pool.len() < POOL && buffer.capacity() <= 2 * BLOCK {
                buffer.clear();
                self.pool.push(buffer);
            }
        }
    }

    /// The next block; `None` after the last file.
    pub(super) fn next_block(&mut self, progress: &dyn Progress) -> Option<Block> {
        loop {
            let file = self.files.get(self.current)?;
            let Some(path) = &file.path else {
                self.current += 1;
                continue;
            };
            if self.input.is_none() {
                match Input::open(path) {
                    Ok(input) => self.input = Some(input),
                    Err(error) => {
                        self.ends[self.current].cut_short = Some(error.to_string());
                        self.current += 1;
                        continue;
                    }
                }
                self.offset = 0;
            }
            return Some(self.read_block(progress));
        }
    }

    fn read_block(&mut self, progress: &dyn Progress) -> Block {
        let dialect = self.files[self.current].dialect;
        let mut bytes = self.pool.pop().unwrap_or_default();
        bytes.append(&mut self.carry);
        let mut oversized = 0;
        loop {
            let goal = (bytes.len() + 1).next_multiple_of(BLOCK).max(BLOCK);
            let ended = self.fill(&mut bytes, goal, progress);
            if ended {
                return self.hand_out(bytes, oversized, true);
            }
            if let Some(end) = dialect.boundary(&bytes) {
                self.carry.extend_from_slice(&bytes[end..]);
                bytes.truncate(end);
                return self.hand_out(bytes, oversized, false);
            }
            if bytes.len() >= MAX_UNIT {
                let (skipped, ended) = self.skip_line(&mut bytes, progress);
                oversized += skipped;
                if ended {
                    return self.hand_out(bytes, oversized, true);
                }
            }
        }
    }

    fn hand_out(&mut self, bytes: Vec<u8>, oversized: u64, last: bool) -> Block {
        let offset = self.offset + oversized;
        self.offset = offset + bytes.len() as u64;
        let block = Block { sequence: self.sequence, file: self.current, offset, bytes, oversized, last };
        self.sequence += 1;
        if last {
            self.ends[self.current].bytes = self.offset;
            self.input = None;
            self.current += 1;
        }
        block
    }

    /// Reads until `bytes` holds `goal`; true at the end of the file, or where it cannot be read further.
    fn fill(&mut self, bytes: &mut Vec<u8>, goal: usize, progress: &dyn Progress) -> bool {
        let Some(input) = &mut self.input else { return true };
        bytes.reserve(goal - bytes.len());
        let wanted = (goal - bytes.len()) as u64;
        // What was read before an error stays in `bytes`.
        let ended = match input.by_ref().take(wanted).read_to_end(bytes) {
            Ok(_) => bytes.len() < goal,
            Err(error) => {
                self.ends[self.current].cut_short = Some(format!("cannot read on: {error}"));
                true
            }
        };
        progress.advance(input.newly_consumed());
        ended
    }

    /// Drops `bytes` and what follows up to the next line feed; what was read after it stays in `bytes`.
    fn skip_line(&mut self, bytes: &mut Vec<u8>, progress: &dyn Progress) -> (u64, bool) {
        let mut skipped = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', bytes) {
                bytes.drain(..=at);
                return (skipped + at as u64 + 1, false);
            }
            skipped += bytes.len() as u64;
            bytes.clear();
            if self.fill(bytes, BLOCK, progress) {
                // The line may end in what was read last, and the rest of the file stand after it.
                let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
                bytes.drain(..end);
                return (skipped + end as u64, true);
            }
        }
    }
}
