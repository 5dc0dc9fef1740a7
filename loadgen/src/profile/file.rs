//! Files that profiles name: payloads, pictures, bodies, recorded arrival times.

use std::path::Path;

/// Bytes of a file that a profile names at most.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The content of a file that a profile names: an ordinary one, for devices and pipes may never end.
pub(super) fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let refuse = |found: String| Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, found));
    let file = std::fs::metadata(path)?;
    if !file.is_file() {
        return refuse("expected an ordinary file, found something else".to_owned());
    }
    if file.len() > MAX_FILE_BYTES {
        return refuse(format!("expected at most {MAX_FILE_BYTES} bytes, found {}", file.len()));
    }
    std::fs::read(path)
}
