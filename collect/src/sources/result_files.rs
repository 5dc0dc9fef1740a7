//! Result files of load generators: each file is a run. Finding them, naming the runs, opening them, one after another's failure.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::run_id_from;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::formats::jtl::Unfit;
use crate::input::Input;
use crate::{Options, Progress};

/// A run that was collected.
#[derive(Debug, Clone, PartialEq)]
pub struct Collected {
    /// What is in the store now.
    pub manifest: Manifest,
    /// What the user should know or do; null where nothing is out of the ordinary.
    pub hint: Option<String>,
}

/// What became of each file, sorted by path.
pub type PerFile = Vec<(PathBuf, Result<Collected>)>;

/// One file, which becomes one run.
#[derive(Debug, Clone)]
pub(super) struct RunFile {
    pub(super) path: PathBuf,
    /// Path relative to the folder given, or the file's name.
    pub(super) name: String,
    /// Run id.
    pub(super) run: String,
}

/// Collects each file, and in folders each with one of the `extensions` (also with `.gz` or `.zst` behind).
///
/// One file's failure stops no other. Of two files with one run id the later one fails, by name.
///
/// # Errors
/// When a run id is given for several files.
pub(super) fn collect_each(
    options: &Options,
    inputs: &[PathBuf],
    extensions: &[&str],
    progress: &dyn Progress,
    collect: impl Fn(&RunFile) -> Result<Collected> + Sync,
) -> Result<PerFile> {
    let (files, mut results) = find(inputs, extensions);
    if let (Some(run), 2..) = (&options.run, files.len()) {
        let n = files.len();
        return Err(Error::Usage(format!("run id {run:?} given for {n} files: each is its own run, leave the id out")));
    }
    let mut owners: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut runs = Vec::new();
    for (path, name) in files {
        let run = options.run.clone().unwrap_or_else(|| run_id_from(&stem(&path)));
        if let Some(first) = owners.get(&run) {
            results.push((path.clone(), Err(twice(&run, first, &path))));
            continue;
        }
        owners.insert(run.clone(), path.clone());
        runs.push(RunFile { path, name, run });
    }
    let collected = runs.par_iter().map(|file| {
        let interrupted = || Err(Error::Interrupted { run: file.run.clone() });
        let result = if progress.cancelled() { interrupted() } else { collect(file) };
        // Reading stops with an error of its own when the user does.
        let result = if result.is_err() && progress.cancelled() { interrupted() } else { result };
        (file.path.clone(), result)
    });
    results.extend(collected.collect::<PerFile>());
    results.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(results)
}

fn twice(run: &str, first: &Path, later: &Path) -> Error {
    Error::Usage(format!(
        "{}: run id {run:?} is already that of {}; rename one of them or collect them one at a time with their own run ids",
        later.display(),
        first.display()
    ))
}

/// Every file with its name, sorted and each once; and the inputs that hold none.
fn find(inputs: &[PathBuf], extensions: &[&str]) -> (Vec<(PathBuf, String)>, PerFile) {
    let mut files = BTreeSet::new();
    let mut failures = Vec::new();
    for input in inputs {
        if !input.is_dir() {
            files.insert((input.clone(), file_name(input)));
            continue;
        }
        match walk(input, extensions) {
            Ok(found) if found.is_empty() => {
                let named: Vec<String> = extensions.iter().map(|extension| format!("*.{extension}")).collect();
                let expected = format!("files named {}, or these with .gz or .zst", named.join(", "));
                let found = "no such file in this folder".to_owned();
                failures.push((input.clone(), Err(Error::NothingToRead { path: input.clone(), expected, found })));
            }
            Ok(found) => files.extend(found.into_iter().map(|path| {
                let name = path.strip_prefix(input).unwrap_or(&path).to_string_lossy().into_owned();
                (path, name)
            })),
            Err((path, source)) => {
                failures.push((input.clone(), Err(Error::Io { action: "list", path, source })));
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut once = |path: &Path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    let files = files.into_iter().filter(|(path, _)| once(path)).collect();
    (files, failures)
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned()
}

/// The files below a folder; links to folders are not followed.
fn walk(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let failed = |source| (folder.to_owned(), source);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_type().map_err(failed)?.is_dir() {
            found.extend(walk(&path, extensions)?);
        } else if extensions.contains(&extension(&path).as_str()) && path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

fn without_compression(path: &Path) -> &Path {
    let compressed = path.extension().is_some_and(|last| last == "gz" || last == "zst");
    match path.file_stem() {
        Some(stem) if compressed => Path::new(stem),
        _ => path,
    }
}

fn extension(path: &Path) -> String {
    let extension = without_compression(path).extension();
    extension.map_or_else(String::new, |extension| extension.to_string_lossy().to_lowercase())
}

/// The file's name without `.gz` or `.zst` and without its extension.
pub(super) fn stem(path: &Path) -> String {
    let stem = without_compression(path).file_stem();
    stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// An input being read, with its first bytes known.
pub(super) struct Opened<'a> {
    pub(super) head: Vec<u8>,
    rest: Watched<'a>,
    failure: Option<io::Error>,
}

impl<'a> Opened<'a> {
    /// Opens a file and looks at its beginning.
    ///
    /// # Errors
    /// When nothing of it can be read, or it is binary.
    pub(super) fn open(path: &Path, expected: &str, progress: &'a dyn Progress) -> Result<Self> {
        let mut rest = Watched { input: Input::open(path)?, progress };
        let (mut head, mut failure) = (Vec::new(), None);
        if let Err(error) = (&mut rest).take(8192).read_to_end(&mut head) {
            if head.is_empty() {
                return Err(Error::Io { action: "read", path: path.to_owned(), source: error });
            }
            failure = Some(error);
        }
        match binary(&head) {
            Some(found) => Err(Error::NothingToRead { path: path.to_owned(), expected: expected.to_owned(), found }),
            None => Ok(Self { head, rest, failure }),
        }
    }

    /// The first byte that is no blank and no byte order mark.
    pub(super) fn first_byte(&self) -> Option<u8> {
        let text = self.head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.head);
        text.iter().copied().find(|b| !b.is_ascii_whitespace())
    }

    /// All bytes, from the first on.
    pub(super) fn into_reader(self) -> impl Read + 'a {
        let Self { head, rest, failure } = self;
        Cursor::new(head).chain(Failing(failure)).chain(rest)
    }
}

fn binary(head: &[u8]) -> Option<String> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Some("UTF-16 text; convert it to UTF-8".to_owned());
    }
    memchr::memchr(0, head).map(|at| format!("binary content (a NUL byte at offset {at})"))
}

/// Gives its error once.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Tells a progress what was read, and ends the reading when it says so.
struct Watched<'a> {
    input: Input,
    progress: &'a dyn Progress,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.progress.cancelled() {
            return Err(io::Error::other("interrupted"));
        }
        let n = self.input.read(buffer)?;
        self.progress.advance(self.input.newly_consumed());
        Ok(n)
    }
}

/// A format's refusal as an error of the file.
pub(super) fn unfit(path: &Path, unfit: Unfit) -> Error {
    Error::NothingToRead { path: path.to_owned(), expected: unfit.expected, found: unfit.found }
}
