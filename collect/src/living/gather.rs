//! The threads that pull what is missing of a source.

use std::collections::{HashSet, VecDeque};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::chunk::{ChunkReader, Row};
use super::http::{Api, CallError};
use super::journal::{Done, Journal};
use super::sink::Sink;
use super::window::Window;
use super::{Failure, Log, Source};
use crate::{Error, Progress, Result};

/// Times that a slice is begun again, after a failure or because readings differ, before it is given up.
const RESTARTS: u32 = 12;
/// Readings of the tail at most.
const READINGS: u16 = 40;

/// One slice to pull.
struct Task {
    log: usize,
    slice: usize,
    window: Window,
    /// Whether only events that came in late are asked for, in the whole window.
    ingested: bool,
}

/// What is pulled where to.
pub(super) struct Gather<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) api: &'a Api<'a>,
    pub(super) folder: &'a Path,
    pub(super) journal: &'a Journal,
    pub(super) progress: &'a dyn Progress,
    /// Whether every slice is read until a reading gives all that any reading gave.
    pub(super) verify: bool,
}

impl Gather<'_> {
    /// Pulls every slice that the journal does not have. Returns the logs.
    ///
    /// # Errors
    /// The first that a slice could not be pulled for; the journal has what was done.
    pub(super) fn missing(&self, workers: usize) -> Result<Vec<Log>> {
        let header = &self.journal.header;
        let window = header.window();
        let logs = self.source.discover(window, self.api)?;
        let read = self.journal.read_once();
        let slices = window.slices(header.slice_us);
        let mut tasks = VecDeque::new();
        for (log, known) in logs.iter().enumerate() {
            let own = if known.sliced { slices.as_slice() } else { std::slice::from_ref(&window) };
            for (slice, &window) in own.iter().enumerate() {
                if !read.contains(&(known.name.clone(), slice)) {
                    tasks.push_back(Task { log, slice, window, ingested: false });
                }
            }
        }
        self.all(&logs, tasks, 0, workers)?;
        Ok(logs)
    }

    /// Reads what may have come late of every log, its last slice where the API cannot tell, until nothing new came for as long as `settle`.
    ///
    /// # Errors
    /// As [`Gather::missing`].
    pub(super) fn settle(&self, logs: &[Log], settle: Duration, workers: usize) -> Result<u64> {
        let mut late = 0;
        let header = &self.journal.header;
        let window = header.window();
        let slices = window.slices(header.slice_us);
        let last = slices.len().saturating_sub(1);
        let first_reading = self.journal.done().iter().map(|done| done.reading).max().unwrap_or(0) + 1;
        for reading in first_reading..first_reading + READINGS {
            self.api.sleep(settle).map_err(|error| match error {
                CallError::Refused(_) => Error::Paused,
                CallError::Other(error) => error,
            })?;
            let tail = |(log, known): (usize, &Log)| {
                let ingested = self.source.tells_ingestion();
                let (slice, window) = if known.sliced && !ingested { (last, slices[last]) } else { (0, window) };
                Task { log, slice, window, ingested }
            };
            let before: u64 = self.journal.done().iter().map(|done| done.events).sum();
            self.all(logs, logs.iter().enumerate().map(tail).collect(), reading, workers)?;
            let after: u64 = self.journal.done().iter().map(|done| done.events).sum();
            late += after - before;
            if after == before {
                break;
            }
        }
        Ok(late)
    }

    fn all(&self, logs: &[Log], tasks: VecDeque<Task>, reading: u16, workers: usize) -> Result<()> {
        let total = tasks.len();
        let finished = AtomicUsize::new(0);
        let tasks = Mutex::new(tasks);
        let failure: Mutex<Option<Error>> = Mutex::new(None);
        let lock = |failure: &Mutex<Option<Error>>| {
            failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some()
        };
        self.progress.pieces(0, total as u64);
        std::thread::scope(|scope| {
            for _ in 0..workers.clamp(1, total.max(1)) {
                scope.spawn(|| {
                    while !lock(&failure) {
                        let next = tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front();
                        let Some(task) = next else { return };
                        if let Err(error) = self.one(&logs[task.log], &task, reading) {
                            failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(error);
                        }
                        self.progress.pieces(finished.fetch_add(1, Ordering::Relaxed) as u64 + 1, total as u64);
                    }
                });
            }
        });
        match failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn one(&self, log: &Log, task: &Task, reading: u16) -> Result<()> {
        let known =
            if reading == 0 { None } else { Some(self.identities(&log.name, (!task.ingested).then_some(task.slice))?) };
        let stem = format!("{:016x}-{:06}-{reading:03}", xxhash_rust::xxh3::xxh3_64(log.name.as_bytes()), task.slice);
        // Whether the slice was read before, maybe in part: then one reading does not do, for an answer that somebody kept
        // of the one before could stand at its beginning.
        let mut again = self.was_begun(&stem)? || self.verify;
        let mut sink = Sink::new(self.folder, stem, task.window, reading, known.as_ref());
        let mut restarts = 0;
        let gave = loop {
            let reason = match self.pull(log, task, &mut sink) {
                Ok(()) if !again || sink.agrees() => break sink.finish()?,
                Ok(()) => "its readings differ".to_owned(),
                Err(Failure::Restart(reason)) => reason,
                Err(Failure::Final(Error::Paused)) => return Err(Error::Paused),
                Err(Failure::Final(error)) => return Err(self.gave_up(log, task, &error.to_string())),
            };
            if self.api.cancelled() {
                return Err(Error::Paused);
            }
            restarts += 1;
            if restarts > RESTARTS {
                return Err(self.gave_up(log, task, &format!("{reason}, {restarts} times in a row")));
            }
            again = true;
            sink.again()?;
        };
        let (name, slice) = (log.name.clone(), task.slice);
        let super::sink::Gave { chunks, events, gaps, sampled } = gave;
        self.journal.note(Done { log: name, slice, reading, chunks, events, gaps, sampled })
    }

    fn pull(&self, log: &Log, task: &Task, sink: &mut Sink<'_>) -> Result<(), Failure> {
        if task.ingested {
            self.source.pull_ingested(log, task.window, self.api, sink)
        } else {
            self.source.pull(log, task.window, self.api, sink)
        }
    }

    /// Whether a slice was begun before, by this process or one that was killed; notes that it is now.
    fn was_begun(&self, stem: &str) -> Result<bool> {
        let path = self.folder.join(format!("{stem}.begun"));
        match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(true),
            Err(source) => Err(Error::Io { action: "create", path, source }),
        }
    }

    fn gave_up(&self, log: &Log, task: &Task, reason: &str) -> Error {
        Error::Slice {
            source_name: self.source.name(),
            log: log.name.clone(),
            slice: task.window.to_string(),
            reason: reason.to_owned(),
        }
    }

    /// Identities of the events that a slice, or all of them, has given so far.
    fn identities(&self, log: &str, slice: Option<usize>) -> Result<HashSet<u128>> {
        let mut known = HashSet::new();
        let mut row = Row::default();
        for done in
            self.journal.done().iter().filter(|done| done.log == log && slice.is_none_or(|slice| done.slice == slice))
        {
            for chunk in &done.chunks {
                let mut reader = ChunkReader::open(&self.folder.join(chunk))?;
                while reader.next_into(&mut row)? {
                    known.insert(row.identity);
                }
            }
        }
        Ok(known)
    }
}
