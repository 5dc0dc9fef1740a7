//! Log files that lie in folders: finding them, and reading them line by line in bounded memory.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::living::Api;
use crate::{Error, Result};

/// Deepest folder that is looked into.
const DEPTH_MAX: usize = 16;
/// Longest line that is read at once.
const LINE_MAX: u64 = 16 << 20;
/// Lines between two questions whether to stop.
const LINES: u64 = 1 << 14;

/// Every file below a folder, sorted; links are not followed.
///
/// # Errors
/// When a folder cannot be listed.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(folder, 0, &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| Error::Io { action: "list", path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() && depth < DEPTH_MAX {
            walk(&path, depth + 1, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// Gives each line with its offset to `take`, without its end. What cannot be read ends it: the reason is returned.
///
/// # Errors
/// What `take` fails with; [`Error::Paused`].
pub(super) fn each_line(
    reader: impl Read,
    api: &Api<'_>,
    mut take: impl FnMut(&[u8], u64) -> Result<()>,
) -> Result<Option<String>> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let (mut line, mut offset, mut number) = (Vec::new(), 0_u64, 0_u64);
    loop {
        line.clear();
        match Read::take(&mut reader, LINE_MAX).read_until(b'\n', &mut line) {
            Ok(0) => return Ok(None),
            Ok(length) => {
                let text = line.strip_suffix(b"\n").unwrap_or(&line);
                take(text.strip_suffix(b"\r").unwrap_or(text), offset)?;
                offset += length as u64;
            }
            Err(error) => return Ok(Some(format!("cannot be read beyond byte {offset}: {error}"))),
        }
        number += 1;
        if number.is_multiple_of(LINES) && api.cancelled() {
            return Err(Error::Paused);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_order_and_links_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b/2.log", "b/1.log", "a.log"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "").expect("written");
        }
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).expect("a link");
        let found = files_below(folder.path()).expect("found");
        let names: Vec<_> = found.iter().filter_map(|path| path.strip_prefix(folder.path()).ok()).collect();
        assert_eq!(names, [Path::new("a.log"), Path::new("b/1.log"), Path::new("b/2.log")]);
    }
}
