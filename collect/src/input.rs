//! The one place that opens input files: plain, gzip (several members) and zstd (several frames, long windows).
//!
//! Compression is told by the first bytes, not by the name. Memory is bounded by the zstd window (at most 2 GiB, by
//! the format; 128 MiB for `--long=27`), whatever the uncompressed size.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Greatest zstd window accepted, as a power of two: 2 GiB, what `zstd --long=31` writes.
const WINDOW_LOG_MAX: u32 = 31;

/// An opened input: uncompressed bytes, with the count of compressed bytes consumed.
pub struct Input {
    reader: Box<dyn Read + Send>,
    consumed: Arc<AtomicU64>,
    reported: u64,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("consumed", &self.consumed).finish_non_exhaustive()
    }
}

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened or its first bytes cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::Io { action: "open", path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let mut magic = [0; 4];
        let mut known = 0;
        while known < magic.len() {
            match file.read(&mut magic[known..]).map_err(failed)? {
                0 => break,
                n => known += n,
            }
        }
        file.rewind().map_err(failed)?;
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted { file, consumed: Arc::clone(&consumed) };
        let reader: Box<dyn Read + Send> = match magic {
            [0x28, 0xb5, 0x2f, 0xfd] => {
                let mut decoder = zstd::Decoder::new(counted).map_err(failed)?;
                decoder.window_log_max(WINDOW_LOG_MAX).map_err(failed)?;
                Box::new(decoder)
            }
            [0x1f, 0x8b, ..] => {
                Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, counted)))
            }
            _ => Box::new(counted),
        };
        Ok(Self { reader, consumed, reported: 0 })
    }

    /// Compressed bytes consumed since the last call: what to tell a [`crate::Progress`].
    pub fn newly_consumed(&mut self) -> u64 {
        let now = self.consumed.load(Ordering::Relaxed);
        let new = now - self.reported;
        self.reported = now;
        new
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

struct Counted {
    file: File,
    consumed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.consumed.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
