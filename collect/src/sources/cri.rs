//! Container logs copied from the nodes of a cluster: trees of `/var/log/pods` and `/var/log/containers`.
//!
//! ```text
//! <namespace>_<pod>_<uid>/<container>/<restart>.log[.YYYYMMDD-HHMMSS[.gz]]
//! <pod>_<namespace>_<container>-<id>.log
//! ```
//!
//! A line is `STAMP stdout|stderr P|F text`; a line that the runtime cut (`P`) goes on in the next one of its stream, also in
//! the next file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use crate::formats::envelope::{CONTAINER, Line, WATCHDOG_LINES};
use crate::formats::{Dialect, stamp};
use crate::input::Input;
use crate::living::{Api, Failure, Log, Piece, Sink, Size, Source, Window};
use crate::{Error, Result};

/// What this source reads, for `faaslens sources`.
pub const DESCRIPTION: &str =
    "container logs copied from Kubernetes nodes: trees of /var/log/pods or /var/log/containers, also rotated and .gz";

/// Longest line that is put together again.
const LINE_MAX: usize = 16 << 20;
/// Deepest folder that is looked into.
const DEPTH_MAX: usize = 6;

/// Folders copied from nodes.
#[derive(Debug)]
pub struct Cri {
    folders: Vec<PathBuf>,
    provider: String,
    namespace: Option<String>,
    prefix: Option<String>,
}

/// Whose log a file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Container {
    namespace: String,
    pod: String,
    name: String,
    /// Uid of the pod, or id of the container.
    id: String,
}

/// A file with its place in the order of its container: restart, and the time of its rotation (the newest has none).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    restart: u64,
    current: bool,
    rotated: String,
    path: PathBuf,
}

impl Cri {
    /// Logs below some folders, of a namespace and of pods whose names begin with a prefix, where given.
    ///
    /// # Errors
    /// [`Error::NothingToRead`] when a folder is none.
    pub fn new(
        folders: Vec<PathBuf>,
        provider: &str,
        namespace: Option<String>,
        prefix: Option<String>,
    ) -> Result<Self> {
        if let Some(path) = folders.iter().find(|folder| !folder.is_dir()) {
            let expected = "a folder copied from a node, with pods/ or containers/".to_owned();
            return Err(Error::NothingToRead { path: path.clone(), expected, found: "no such folder".to_owned() });
        }
        Ok(Self { folders, provider: provider.to_owned(), namespace, prefix })
    }

    fn containers(&self) -> Result<BTreeMap<Container, Vec<Place>>> {
        let mut files = Vec::new();
        for folder in &self.folders {
            walk(folder, 0, &mut files)?;
        }
        let mut containers: BTreeMap<Container, Vec<Place>> = BTreeMap::new();
        for path in files {
            let Some((container, place)) = place_of(&path) else { continue };
            let wanted = self.namespace.as_ref().is_none_or(|namespace| *namespace == container.namespace)
                && self.prefix.as_ref().is_none_or(|prefix| container.pod.starts_with(prefix));
            if wanted {
                containers.entry(container).or_default().push(place);
            }
        }
        for places in containers.values_mut() {
            places.sort();
            // Caught in the middle of being compressed: the whole file is the one that is not.
            places.dedup_by(|a, b| (a.restart, a.current, &a.rotated) == (b.restart, b.current, &b.rotated));
        }
        Ok(containers)
    }
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| Error::Io { action: "list", path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() && depth < DEPTH_MAX && !path.is_symlink() {
            walk(&path, depth + 1, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// Whose log a file is, by its path; `None` for any other file.
fn place_of(path: &Path) -> Option<(Container, Place)> {
    let file = name(path)?;
    let owned = |text: &str| text.to_owned();
    if let Some((restart, rest)) = file.split_once(".log")
        && let Ok(restart) = restart.parse()
    {
        let container = path.parent()?;
        let mut words = name(container.parent()?)?.splitn(3, '_');
        let (namespace, pod, id) = (words.next()?, words.next()?, words.next()?);
        let rotated = rest.strip_suffix(".gz").unwrap_or(rest).trim_start_matches('.');
        if !rotated.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return None;
        }
        let name = owned(name(container)?);
        let place = Place { restart, current: rest.is_empty(), rotated: owned(rotated), path: path.to_owned() };
        return Some((Container { namespace: owned(namespace), pod: owned(pod), name, id: owned(id) }, place));
    }
    let mut words = file.strip_suffix(".log")?.splitn(3, '_');
    let (pod, namespace, rest) = (words.next()?, words.next()?, words.next()?);
    let (container, id) = rest.rsplit_once('-')?;
    let place = Place { restart: 0, current: true, rotated: String::new(), path: path.to_owned() };
    let name = owned(container);
    Some((Container { namespace: owned(namespace), pod: owned(pod), name, id: owned(id) }, place))
}

/// The name that a pod's controller gave it, without the parts that tell pods apart.
pub(crate) fn function_of(pod: &str) -> &str {
    let fits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    match pod.rsplit_once('-') {
        Some((rest, last)) if fits(last, 5..=5) => match rest.rsplit_once('-') {
            Some((function, hash)) if fits(hash, 8..=10) => function.strip_suffix("-deployment").unwrap_or(function),
            _ => rest,
        },
        _ => pod,
    }
}

impl Source for Cri {
    fn name(&self) -> &'static str {
        "cri"
    }

    fn provider(&self) -> &str {
        &self.provider
    }

    fn dialect(&self) -> &'static dyn Dialect {
        dialect_of(&self.provider)
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let mut names: Vec<String> = self.folders.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
        names.sort();
        let mut selection = BTreeMap::from([("folders".to_owned(), names.join(","))]);
        selection.extend(self.namespace.clone().map(|namespace| ("namespace".to_owned(), namespace)));
        selection.extend(self.prefix.clone().map(|prefix| ("prefix".to_owned(), prefix)));
        selection
    }

    fn per_second(&self) -> f64 {
        0.0
    }

    fn at_rest(&self) -> bool {
        true
    }

    fn discover(&self, _window: Window, _api: &Api<'_>) -> Result<Vec<Log>> {
        let log = |(container, places): (Container, Vec<Place>)| {
            let Container { namespace, pod, name, id } = &container;
            let paths: Vec<(u64, PathBuf)> = places.into_iter().map(|place| (place.restart, place.path)).collect();
            let key = serde_json::to_string(&(pod, paths)).unwrap_or_default();
            Log { name: format!("{namespace}/{pod}/{name} {id}"), key, sliced: false, size: Size::default() }
        };
        Ok(self.containers()?.into_iter().map(log).collect())
    }

    fn pull(&self, log: &Log, _slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let unfit = |error: serde_json::Error| Error::Usage(format!("{}: {error}", log.name));
        let (pod, paths): (String, Vec<(u64, PathBuf)>) = serde_json::from_str(&log.key).map_err(unfit)?;
        let mut joiner = Joiner::new(&pod);
        let mut before = None;
        for (restart, path) in paths {
            if before.is_some_and(|before| before != restart) {
                joiner.finish(sink)?;
            }
            before = Some(restart);
            read_file(&path, restart, &mut joiner, api, sink)?;
        }
        Ok(joiner.finish(sink)?)
    }
}

/// How messages of a provider's containers are written.
pub(crate) fn dialect_of(provider: &str) -> &'static dyn Dialect {
    if provider == "openfaas" { &WATCHDOG_LINES } else { &CONTAINER }
}

fn read_file(path: &Path, restart: u64, joiner: &mut Joiner<'_>, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let mut reader = BufReader::with_capacity(1 << 16, Input::open(path)?);
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        let read = std::io::Read::take(&mut reader, LINE_MAX as u64).read_until(b'\n', &mut line);
        number += 1;
        match read {
            Ok(0) => return Ok(()),
            Ok(_) => joiner.line(line.trim_ascii_end(), restart, sink)?,
            Err(error) => {
                sink.gap(format!("{}: cannot read beyond line {number}: {error}", name(path).unwrap_or_default()));
                return Ok(());
            }
        }
        if number.is_multiple_of(1 << 14) && api.cancelled() {
            return Err(Error::Paused);
        }
    }
}

/// Puts lines together that the runtime cut.
struct Joiner<'a> {
    pod: &'a str,
    /// By stream, standard output first: stamp of the first piece, restart, text so far.
    open: [Option<(String, u64, Vec<u8>)>; 2],
    /// Time of the line before, for lines that have none.
    last_us: i64,
}

impl<'a> Joiner<'a> {
    fn new(pod: &'a str) -> Self {
        Self { pod, open: [None, None], last_us: 0 }
    }

    fn line(&mut self, line: &[u8], restart: u64, sink: &mut Sink<'_>) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        let Some((stamp, number, whole, text)) = parts(line) else {
            // Not of the runtime: it becomes a reject, in its place.
            let identity = xxh3_128(line);
            return sink.push(Piece { stream: self.pod, at_us: self.last_us, identity, line });
        };
        let open = &mut self.open[number];
        let (_, _, joined) = open.get_or_insert_with(|| (stamp.to_owned(), restart, Vec::new()));
        joined.extend_from_slice(text);
        if (whole || joined.len() >= LINE_MAX)
            && let Some((stamp, restart, joined)) = open.take()
        {
            return self.push(&stamp, restart, number, &joined, sink);
        }
        Ok(())
    }

    /// Gives what was begun and does not end.
    fn finish(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        for number in 0..2 {
            if let Some((stamp, restart, joined)) = self.open[number].take() {
                sink.gap(format!("the line of {stamp} does not end"));
                self.push(&stamp, restart, number, &joined, sink)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, stamp: &str, restart: u64, number: usize, text: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let at_us = stamp::read(stamp.as_bytes()).map_or(self.last_us, |(at, _)| at.micros());
        self.last_us = at_us;
        let line = Line {
            at: stamp.into(),
            function: Some(function_of(self.pod).into()),
            host: Some(self.pod.into()),
            message: String::from_utf8_lossy(text),
            ..Line::default()
        };
        let line = line.text();
        let identity = xxh3_128(&[&line[..], &restart.to_le_bytes(), &[u8::from(number == 1)]].concat());
        sink.push(Piece { stream: self.pod, at_us, identity, line: &line })
    }
}

/// Stamp, number of the stream, whether the line ends here, and the text.
pub(crate) fn parts(line: &[u8]) -> Option<(&str, usize, bool, &[u8])> {
    let mut words = line.splitn(4, |&b| b == b' ');
    let stamp = std::str::from_utf8(words.next()?).ok()?;
    stamp::read(stamp.as_bytes())?;
    let number = match words.next()? {
        b"stdout" => 0,
        b"stderr" => 1,
        _ => return None,
    };
    // Further tags may follow the first after a colon.
    let whole = match words.next()?.split(|&b| b == b':').next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    Some((stamp, number, whole, words.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_placed_by_their_paths() {
        let (container, place) =
            place_of(Path::new("/n1/pods/openfaas-fn_shop-6d4cf56db6-x2x7k_0a1b/shop/2.log.20261122-070000.gz"))
                .expect("a log");
        assert_eq!(
            (&*container.namespace, &*container.pod, &*container.name),
            ("openfaas-fn", "shop-6d4cf56db6-x2x7k", "shop")
        );
        assert_eq!((place.restart, place.current, &*place.rotated), (2, false, "20261122-070000"));
        let (container, place) =
            place_of(Path::new("containers/shop-6d4cf56db6-x2x7k_openfaas-fn_shop-3c4d.log")).expect("a log");
        assert_eq!((&*container.pod, &*container.name, place.current), ("shop-6d4cf56db6-x2x7k", "shop", true));
        for other in ["pods/a_b_c/d/0.log.20261122-070000.tmp", "pods/a/b/0.log", "x.txt"] {
            assert_eq!(place_of(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn a_pod_is_named_after_its_function() {
        for (pod, function) in [
            ("shop-6d4cf56db6-x2x7k", "shop"),
            ("my-shop-6d4cf56db6-x2x7k", "my-shop"),
            ("node-x2x7k", "node"),
            ("shop", "shop"),
            ("hello-00001-deployment-6d4cf56db6-x2x7k", "hello-00001"),
        ] {
            assert_eq!(function_of(pod), function);
        }
    }

    #[test]
    fn a_line_has_stamp_stream_and_tag() {
        let line = b"2026-11-22T07:01:55.904123456Z stderr P:x hello world";
        assert_eq!(parts(line), Some(("2026-11-22T07:01:55.904123456Z", 1, false, &b"hello world"[..])));
        assert_eq!(parts(b"2026-11-22T07:01:55Z stdout F"), Some(("2026-11-22T07:01:55Z", 0, true, &b""[..])));
        for other in [&b"hello"[..], b"2026-11-22T07:01:55Z stdout X a", b"2026-11-22T07:01:55Z out F a"] {
            assert_eq!(parts(other), None);
        }
    }
}
