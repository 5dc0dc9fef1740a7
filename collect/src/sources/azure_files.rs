//! Azure: host log files of a Function App, as `az webapp log download` packs them into a zip, or in folders.
//!
//! ```text
//! LogFiles/Application/Functions/Host/<stamp>-<id>.log
//! LogFiles/Application/Functions/Function/<name>/<stamp>-<id>.log
//! ```
//!
//! Nothing of a zip is ever written under a name of its own: entries are read where they are, each to a bound that follows from
//! its packed size. Of a file that several downloads have, each line at its place counts once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;
use zip::ZipArchive;

use super::local_files::{each_line, files_below};
use crate::formats::plain_lines::AZURE_HOST;
use crate::formats::{Dialect, stamp};
use crate::input::Input;
use crate::living::{Api, Failure, Log, Piece, Sink, Size, Source, Window};
use crate::{Error, Result};

/// Where the host's files are within what is downloaded.
const PLACE: &str = "Application/Functions/";
/// Unpacked bytes for each packed one at most: logs are packed 10 to 60 to one.
const RATIO_MAX: u64 = 300;
/// Unpacked bytes that no ratio is asked of.
const FREE: u64 = 16 << 20;
/// Entries of a zip at most.
const ENTRIES_MAX: usize = 100_000;

/// Zips and folders with host log files.
#[derive(Debug)]
pub struct AzureFiles {
    paths: Vec<PathBuf>,
}

/// Where a log file lies: in a folder, or as an entry of a zip.
type Place = (PathBuf, Option<usize>);

impl AzureFiles {
    /// Host log files in zips, in folders, or given one by one.
    ///
    /// # Errors
    /// [`Error::NothingToRead`] when a path is nothing of these.
    pub fn new(paths: Vec<PathBuf>) -> Result<Self> {
        for path in &paths {
            if !path.is_dir() && !path.is_file() {
                let expected = "a zip of az webapp log download, a folder of host log files, or such a file".to_owned();
                return Err(Error::NothingToRead { path: path.clone(), expected, found: "no such file".to_owned() });
            }
        }
        Ok(Self { paths })
    }

    fn logs(&self) -> Result<BTreeMap<String, Vec<Place>>> {
        let mut logs: BTreeMap<String, Vec<Place>> = BTreeMap::new();
        for path in &self.paths {
            let found = if path.is_dir() {
                in_folder(path)?
            } else if is_zip(path)? {
                in_zip(path)?
            } else {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                vec![(name, (path.clone(), None))]
            };
            if found.is_empty() {
                let (expected, found) = (format!("…/{PLACE}… or other .log files"), "no log file".to_owned());
                return Err(Error::NothingToRead { path: path.clone(), expected, found });
            }
            for (name, place) in found {
                logs.entry(name).or_default().push(place);
            }
        }
        Ok(logs)
    }
}

/// Of some names those of the host's files, shortened; of a folder without any, all that are logs.
fn chosen<P>(all: Vec<(String, P)>) -> Vec<(String, P)> {
    let is_log = |name: &str| {
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
        Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("log") || end == "txt")
    };
    let logs: Vec<(String, P)> = all.into_iter().filter(|(name, _)| is_log(name)).collect();
    let hosts = logs.iter().any(|(name, _)| name.contains(PLACE));
    let short = |(name, place): (String, P)| match name.split_once(PLACE) {
        Some((_, rest)) => Some((rest.to_owned(), place)),
        None if hosts => None,
        None => Some((name, place)),
    };
    logs.into_iter().filter_map(short).collect()
}

fn in_folder(folder: &Path) -> Result<Vec<(String, Place)>> {
    let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    Ok(chosen(files_below(folder)?.into_iter().map(|path| (name(&path), (path, None))).collect()))
}

fn is_zip(path: &Path) -> Result<bool> {
    let failed = |source| Error::Io { action: "open", path: path.to_owned(), source };
    let mut magic = [0; 4];
    let mut file = File::open(path).map_err(failed)?;
    Ok(file.read_exact(&mut magic).is_ok() && (&magic == b"PK\x03\x04" || &magic == b"PK\x05\x06"))
}

fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).map_err(|source| Error::Io { action: "open", path: path.to_owned(), source })?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(path, &error.to_string()))
}

fn damaged(path: &Path, reason: &str) -> Error {
    let expected = "a zip of az webapp log download".to_owned();
    Error::NothingToRead { path: path.to_owned(), expected, found: format!("a zip that cannot be read ({reason})") }
}

fn in_zip(path: &Path) -> Result<Vec<(String, Place)>> {
    let mut archive = open(path)?;
    if archive.len() > ENTRIES_MAX {
        return Err(damaged(path, &format!("{} entries, at most {ENTRIES_MAX} are read", archive.len())));
    }
    let (mut entries, mut packed) = (Vec::new(), 0_u64);
    for number in 0..archive.len() {
        let entry = archive.by_index_raw(number).map_err(|error| damaged(path, &error.to_string()))?;
        packed = packed.saturating_add(entry.compressed_size());
        if entry.is_file() {
            // A name of no text is that of no log of the host.
            let Ok(name) = entry.name() else { continue };
            entries.push((name.replace('\\', "/"), (path.to_owned(), Some(number))));
        }
    }
    let length = path.metadata().map_or(0, |file| file.len());
    if packed > length {
        return Err(damaged(path, "its entries lie over one another"));
    }
    Ok(chosen(entries))
}

impl Source for AzureFiles {
    fn name(&self) -> &'static str {
        "azure"
    }

    fn provider(&self) -> &'static str {
        "azure"
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &AZURE_HOST
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let mut names: Vec<String> = self.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        names.sort();
        BTreeMap::from([("files".to_owned(), names.join(","))])
    }

    fn per_second(&self) -> f64 {
        0.0
    }

    fn at_rest(&self) -> bool {
        true
    }

    fn discover(&self, _window: Window, _api: &Api<'_>) -> Result<Vec<Log>> {
        let log = |(name, places): (String, Vec<Place>)| {
            let key = serde_json::to_string(&places).unwrap_or_default();
            Log { name, key, sliced: false, size: Size::default() }
        };
        Ok(self.logs()?.into_iter().map(log).collect())
    }

    fn pull(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let unfit = |error: serde_json::Error| Error::Usage(format!("{}: {error}", log.name));
        let places: Vec<Place> = serde_json::from_str(&log.key).map_err(unfit)?;
        for (path, entry) in places {
            let cut = match entry {
                None => lines(Input::open(&path)?, &log.name, slice, api, sink)?,
                Some(number) => {
                    let mut archive = open(&path)?;
                    let entry = archive.by_index(number).map_err(|error| damaged(&path, &error.to_string()))?;
                    let bound = entry.compressed_size().saturating_mul(RATIO_MAX).saturating_add(FREE);
                    lines(Bounded { entry, left: bound }, &log.name, slice, api, sink)?
                }
            };
            if let Some(reason) = cut {
                sink.gap(format!("{}: {reason}", path.file_name().unwrap_or_default().to_string_lossy()));
            }
        }
        Ok(())
    }
}

/// Fails where more comes out of an entry than a log is packed to.
struct Bounded<R> {
    entry: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.entry.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            std::io::Error::other(format!("more than {RATIO_MAX} times its packed size comes out of it"))
        })?;
        Ok(n)
    }
}

/// Gives the lines of a file to the sink, as they are. A line without a time goes with the line before.
fn lines(reader: impl Read, name: &str, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<Option<String>> {
    let mut at_us = slice.from_us;
    each_line(reader, api, |line, offset| {
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        at_us = stamp::read(text).map_or(at_us, |(at, _)| at.micros());
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let identity = xxh3_128(&[&offset.to_le_bytes()[..], line].concat());
        sink.push(Piece { stream: name, at_us, identity, line })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_files_are_chosen_where_there_are_any() {
        let all = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), ())).collect::<Vec<_>>();
        let names = |chosen: Vec<(String, ())>| chosen.into_iter().map(|(name, ())| name).collect::<Vec<_>>();
        let downloaded = all(&[
            "LogFiles/kudu/trace/x.xml",
            "LogFiles/http/RawLogs/a.log",
            "LogFiles/Application/Functions/Host/2026-11-22T07-03-35Z-1.log",
            "LogFiles/Application/Functions/Function/shop/1.log",
        ]);
        assert_eq!(names(chosen(downloaded)), ["Host/2026-11-22T07-03-35Z-1.log", "Function/shop/1.log"]);
        assert_eq!(names(chosen(all(&["a/b.log", "c.log.gz", "readme.md"]))), ["a/b.log", "c.log.gz"]);
    }

    #[test]
    fn what_unpacks_to_far_more_than_logs_do_is_cut_off_by_name() {
        let mut bounded = Bounded { entry: std::io::repeat(b'x'), left: 1000 };
        let error = std::io::copy(&mut bounded, &mut std::io::sink()).expect_err("it ends");
        assert!(error.to_string().contains("300 times"), "{error}");
    }
}
