//! The thread that writes records to the disk.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::measure::spill;

/// Buffers on the way to the disk at most.
const BUFFERS: usize = 256;

/// A file of records that is being written.
#[derive(Debug)]
pub(super) struct RecordFile {
    /// Takes records in their compact form. The file is complete when the last sender is gone.
    pub(super) sender: SyncSender<Vec<u8>>,
    writing: JoinHandle<Result<()>>,
}

impl RecordFile {
    /// Creates the file.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let (sender, buffers) = sync_channel(BUFFERS);
        let file = File::create(path).map_err(Error::io("create", path))?;
        let path = path.to_owned();
        let writing = std::thread::spawn(move || write_buffers(file, path, &buffers));
        Ok(Self { sender, writing })
    }

    /// Waits until everything that was sent is written.
    pub(super) fn finish(self) -> Result<()> {
        drop(self.sender);
        self.writing.join().map_err(|_panic| Error::Usage("the writer of records failed".to_owned()))?
    }
}

fn write_buffers(file: File, path: PathBuf, buffers: &Receiver<Vec<u8>>) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 18, file);
    file.write_all(spill::MAGIC).and_then(|()| file.flush()).map_err(Error::io("write", &path))?;
    while let Ok(buffer) = buffers.recv() {
        file.write_all(&buffer).map_err(Error::io("write", &path))?;
        // What a kill must not take away goes to the system as soon as nothing more is waiting.
        let mut next = buffers.try_recv();
        while let Ok(buffer) = next {
            file.write_all(&buffer).map_err(Error::io("write", &path))?;
            next = buffers.try_recv();
        }
        file.flush().map_err(Error::io("write", &path))?;
    }
    file.flush().map_err(Error::io("write", path))
}
