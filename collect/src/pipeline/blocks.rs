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
        let room = POOL.saturating_sub(self.pool.len());
        self.pool.extend(buffers.into_iter().filter(|buffer| buffer.capacity() <= 2 * BLOCK).take(room));
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
        let mut filling = Filling::over(self.pool.pop().unwrap_or_default());
        filling.append(&self.carry);
        self.carry.clear();
        let mut oversized = 0;
        loop {
            let goal = (filling.len + 1).next_multiple_of(BLOCK).max(BLOCK);
            let ended = self.fill(&mut filling, goal, progress);
            if ended {
                return self.hand_out(filling.into_bytes(), oversized, true);
            }
            if let Some(end) = dialect.boundary(filling.held()) {
                self.carry.extend_from_slice(&filling.held()[end..]);
                filling.len = end;
                return self.hand_out(filling.into_bytes(), oversized, false);
            }
            if filling.len >= MAX_UNIT {
                let (skipped, ended) = self.skip_line(&mut filling, progress);
                oversized += skipped;
                if ended {
                    return self.hand_out(filling.into_bytes(), oversized, true);
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

    /// Reads until `filling` holds `goal` bytes; true at the end of the file, or where it cannot be read further.
    fn fill(&mut self, filling: &mut Filling, goal: usize, progress: &dyn Progress) -> bool {
        let Some(input) = &mut self.input else { return true };
        // What was read before an error stays.
        let ended = match filling.read(input, goal) {
            Ok(ended) => ended,
            Err(error) => {
                self.ends[self.current].cut_short = Some(format!("cannot read on: {error}"));
                true
            }
        };
        progress.advance(input.newly_consumed());
        ended
    }

    /// Drops what `filling` holds and what follows up to the next line feed; what was read after it stays. Returns the
    /// bytes dropped, and whether the file ended.
    fn skip_line(&mut self, filling: &mut Filling, progress: &dyn Progress) -> (u64, bool) {
        let mut skipped = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', filling.held()) {
                filling.drop_first(at + 1);
                return (skipped + at as u64 + 1, false);
            }
            skipped += filling.len as u64;
            filling.len = 0;
            if self.fill(filling, BLOCK, progress) {
                // The line may end in what was read last, and the rest of the file stand after it.
                let end = memchr::memchr(b'\n', filling.held()).map_or(filling.len, |at| at + 1);
                filling.drop_first(end);
                return (skipped + end as u64, true);
            }
        }
    }
}

/// A buffer being filled. What it held before is written over, not cleared: a reader that is given fresh memory has to be
/// given zeros.
struct Filling {
    bytes: Vec<u8>,
    /// Bytes read so far.
    len: usize,
}

impl Filling {
    fn over(bytes: Vec<u8>) -> Self {
        Self { bytes, len: 0 }
    }

    fn held(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn append(&mut self, more: &[u8]) {
        self.make_room(self.len + more.len());
        self.bytes[self.len..][..more.len()].copy_from_slice(more);
        self.len += more.len();
    }

    fn make_room(&mut self, bytes: usize) {
        if self.bytes.len() < bytes {
            self.bytes.reserve_exact(bytes - self.bytes.len());
            self.bytes.resize(bytes, 0);
        }
    }

    fn drop_first(&mut self, bytes: usize) {
        self.bytes.copy_within(bytes..self.len, 0);
        self.len -= bytes;
    }

    /// Reads until `goal` bytes are held; true at the end of the input.
    fn read(&mut self, input: &mut impl Read, goal: usize) -> std::io::Result<bool> {
        self.make_room(goal);
        while self.len < goal {
            match input.read(&mut self.bytes[self.len..goal]) {
                Ok(0) => return Ok(true),
                Ok(read) => self.len += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.len);
        self.bytes
    }
}
