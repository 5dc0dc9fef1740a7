//! Driving a load: a thread that keeps the time, workers that send.
//!
//! The pacing thread walks through the schedule and hands each arrival, on time, to one of the workers. A worker is a
//! thread with an event loop of its own, on which its virtual users run; nothing on the way of a request is shared
//! between workers but a few counters. Records go, in a compact form, through a writer to the disk.

mod capture;
mod connect;
mod cookies;
mod exchange;
mod failure;
mod message;
mod pacing;
mod recorder;
mod shared;
mod timed;
mod tls;
mod user;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};

use self::exchange::Kept;
use self::shared::Shared;
use self::user::{Going, User};
use crate::error::{Error, Result};
use crate::manners::Manners;
use crate::measure::Clock;
use crate::measure::record::Record;
use crate::measure::self_watch::{SelfWatch, Usage, open_sockets};
use crate::measure::spill;
use crate::measure::tally::Tally;
use crate::profile::{Load, Profile};
use crate::schedule::{Arrival, Schedule, Shard};

pub use tls::Trust;

/// How requests are given ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tracing {
    /// `x-context` and `x-pair`, new for each request.
    #[default]
    Request,
    /// One context for all requests of a scenario, a pair for each.
    Scenario,
    /// As [`Tracing::Request`], but only for requests with a hook `beforeRequest`.
    Hooks,
    /// W3C `traceparent`.
    W3c,
    /// None.
    None,
}

/// Where lines that a profile logs go.
pub trait Log: Send + Sync + std::fmt::Debug {
    /// Takes a line.
    fn line(&self, text: &str);
}

/// Takes lines and forgets them.
#[derive(Debug, Clone, Copy)]
pub struct NoLog;

impl Log for NoLog {
    fn line(&self, _: &str) {}
}

/// How a load is driven.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of the schedule and of all values drawn.
    pub seed: u64,
    /// Share of the schedule.
    pub shard: Shard,
    /// Threads that send; one for each core for `None`.
    pub workers: Option<usize>,
    /// How requests are given ids.
    pub tracing: Tracing,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// The environment that profiles may read.
    pub environment: BTreeMap<String, String>,
    /// Pictures of the emergency hooks: whether with an ambulance, name, content.
    pub pictures: [(bool, String, Bytes); 2],
    /// Where lines that a profile logs go.
    pub log: Arc<dyn Log>,
    /// How long requests under way may take once the load has been stopped.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            shard: Shard::default(),
            workers: None,
            tracing: Tracing::default(),
            trust: Trust::default(),
            environment: BTreeMap::new(),
            pictures: stand_in_pictures(),
            log: Arc::new(NoLog),
            grace: Duration::from_secs(5),
        }
    }
}

/// Stand-ins for the pictures of the emergency hooks: the first bytes of a JPEG and a text that tells them apart.
pub fn stand_in_pictures() -> [(bool, String, Bytes); 2] {
    let picture = |with: bool, name: &str| {
        let mut content = vec![0xff, 0xd8, 0xff, 0xe0];
        content.extend_from_slice(name.as_bytes());
        (with, name.to_owned(), Bytes::from(content))
    };
    [picture(true, "image-ambulance.jpg"), picture(false, "image-noambulance.jpg")]
}

/// What the caller sees of a load while it runs.
pub trait Observer {
    /// Called about every second, and once more at the end.
    fn look(&mut self, seen: &Seen);
    /// Whether the user wants to stop.
    fn cancelled(&self) -> bool;
}

/// A load while it runs.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Since the start.
    pub elapsed: Duration,
    /// Arrivals so far.
    pub arrivals: u64,
    /// Everything measured so far.
    pub tally: Tally,
    /// Virtual users active.
    pub active: u32,
    /// Sockets open.
    pub sockets: i64,
    /// Arrivals that wait because as many users as allowed are busy.
    pub waiting: usize,
}

/// The generator in one second.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Second {
    /// Second from the start.
    pub second: u64,
    /// Requests that ended in it.
    pub ended: u64,
    /// Of them, failed ones.
    pub failed: u64,
    /// Virtual users active at its end.
    pub users: u32,
    /// Sockets open at its end.
    pub sockets: i64,
    /// Cores that the generator used; null where the system does not say.
    pub own_cores: Option<f64>,
    /// Share of the machine that was busy.
    pub machine_busy: Option<f64>,
    /// Memory of the generator.
    pub resident_mb: Option<f64>,
}

/// A load that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Everything measured.
    pub tally: Tally,
    /// The generator by second.
    pub seconds: Vec<Second>,
    /// Threads that sent.
    pub workers: usize,
    /// Clock of the records.
    pub clock: Clock,
    /// From the start of the load to its end.
    pub length: Duration,
    /// Arrivals.
    pub arrivals: u64,
    /// Arrivals dropped because as many users as allowed were busy.
    pub dropped: u64,
    /// Arrivals that had to wait for one of them.
    pub overdue: u64,
    /// Arrivals never begun because the run was stopped.
    pub abandoned: u64,
    /// Sockets opened, open at most, and open once the load was over.
    pub sockets_opened: u64,
    /// Sockets open at most.
    pub sockets_most: i64,
    /// Sockets of the process before the load and after it; null where the system does not say.
    pub sockets_left: Option<i64>,
    /// Why it was stopped before its end.
    pub stopped_by: Option<String>,
    /// Arrivals in each second, as they were begun.
    pub begun_by_second: Vec<u64>,
}

/// A thread's event loop with its virtual users.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    number: usize,
    kept: Rc<RefCell<Kept>>,
    buffer: RefCell<Vec<u8>>,
    writer: mpsc::SyncSender<Vec<u8>>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Bytes of records that a worker gathers.
const BUFFER_BYTES: usize = 1 << 16;
/// Such buffers on the way to the disk at most.
const BUFFERS: usize = 256;

impl Worker {
    /// Takes a record.
    pub(crate) fn push(&self, record: &Record) {
        let transaction = self.shared.profile.sites.get(usize::from(record.site)).is_some_and(|site| site.transaction);
        let tally = &self.shared.tallies[self.number];
        tally.lock().unwrap_or_else(PoisonError::into_inner).add(record, transaction);
        let mut buffer = self.buffer.borrow_mut();
        spill::write(record, &mut buffer);
        if buffer.len() >= BUFFER_BYTES {
            let full = std::mem::replace(&mut *buffer, Vec::with_capacity(BUFFER_BYTES + 4096));
            // A writer that has failed has stopped the run already.
            drop(self.writer.send(full));
        }
    }

    fn flush(&self) {
        let rest = std::mem::take(&mut *self.buffer.borrow_mut());
        // As above.
        drop(self.writer.send(rest));
    }
}

/// Drives a load; its records go to the file `records`.
///
/// # Errors
/// When the operating system refuses threads, event loops or the file; what goes wrong with requests is in the records.
pub fn run(
    profile: &Arc<Profile>,
    options: Options,
    manners: Manners,
    records: &Path,
    observer: &mut dyn Observer,
) -> Result<Finished> {
    let workers = options.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    let sockets_before = open_sockets();
    let (writer, buffers) = mpsc::sync_channel::<Vec<u8>>(BUFFERS);
    let file = File::create(records).map_err(Error::io("create", records))?;
    let mut shared = Shared::new(Arc::clone(profile), options, manners, workers)?;
    let writing = {
        let path = records.to_owned();
        std::thread::spawn(move || write_buffers(file, path, &buffers))
    };
    before(&mut shared, &writer)?;
    let shared = Arc::new(shared);
    let threads = start_workers(&shared, workers, &writer)?;
    drop(writer);
    let senders: Vec<UnboundedSender<Arrival>> = threads.iter().map(|(sender, _)| sender.clone()).collect();
    let pacing = {
        let shared = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("pacing".to_owned())
            .spawn(move || pacing::pace(&shared, &senders))
            .map_err(Error::system("start the pacing thread"))?
    };
    let handles: Vec<_> = threads
        .into_iter()
        .map(|(sender, handle)| {
            drop(sender);
            handle
        })
        .collect();
    let seconds = watch(&shared, observer, || handles.iter().all(std::thread::JoinHandle::is_finished));
    let paced = pacing.join().map_err(|_panic| Error::Usage("the pacing thread failed".to_owned()))?;
    for handle in handles {
        handle.join().map_err(|_panic| Error::Usage("a worker failed".to_owned()))??;
    }
    writing.join().map_err(|_panic| Error::Usage("the writer of records failed".to_owned()))??;
    let sockets_left =
        open_sockets().zip(sockets_before).map(|(after, before)| after.cast_signed() - before.cast_signed());
    let stopped_by = shared.stopped_by.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(Finished {
        tally: shared.tally(),
        seconds,
        workers,
        clock: shared.clock,
        length: shared.start.elapsed(),
        arrivals: paced.arrivals,
        dropped: shared.dropped.load(Ordering::Relaxed),
        overdue: shared.overdue.load(Ordering::Relaxed),
        abandoned: shared.waiting() as u64,
        sockets_opened: shared.sockets_opened.load(Ordering::Relaxed),
        sockets_most: shared.sockets_most.load(Ordering::Relaxed),
        sockets_left,
        stopped_by,
        begun_by_second: paced.by_second,
    })
}

fn write_buffers(file: File, path: PathBuf, buffers: &mpsc::Receiver<Vec<u8>>) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 18, file);
    file.write_all(spill::MAGIC).map_err(Error::io("write", &path))?;
    while let Ok(buffer) = buffers.recv() {
        file.write_all(&buffer).map_err(Error::io("write", &path))?;
    }
    file.flush().map_err(Error::io("write", path))
}

/// Does the flow before the load, on a worker of its own; what it leaves behind is shared by all users.
fn before(shared: &mut Shared, writer: &mpsc::SyncSender<Vec<u8>>) -> Result<()> {
    if shared.profile.before.is_empty() {
        return Ok(());
    }
    let profile = Arc::clone(&shared.profile);
    let (options, manners) = (shared.options.clone(), shared.manners.clone());
    let mut own = Shared::new(Arc::clone(&profile), options, manners, 1)?;
    own.clock = shared.clock;
    let own = Arc::new(own);
    let runtime = runtime()?;
    let local = LocalSet::new();
    let left = local.block_on(&runtime, async {
        let worker = Rc::new(worker(&own, 0, writer.clone()));
        let arrival = Arrival { at: Duration::ZERO, number: u64::MAX, phase: 0, scenario: 0 };
        let mut user = User::new(&worker, arrival, "before".to_owned());
        let going = user.flow(&profile.before).await;
        worker.flush();
        (going, user.succeeded, user.variables.into_shared())
    });
    if let (Going::Failed | Going::Over, false, _) = left {
        own.stop_because("the flow before the load failed");
    }
    *shared.variables.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(left.2);
    let tally = own.tally();
    shared.tallies[0].lock().unwrap_or_else(PoisonError::into_inner).merge(&tally);
    if let Some(reason) = own.stopped_by.lock().unwrap_or_else(PoisonError::into_inner).take() {
        shared.stop_because(&reason);
    }
    // The load begins when the flow before it has ended.
    shared.start = Instant::now();
    Ok(())
}

fn worker(shared: &Arc<Shared>, number: usize, writer: mpsc::SyncSender<Vec<u8>>) -> Worker {
    Worker { shared: Arc::clone(shared), number, kept: Rc::default(), buffer: RefCell::default(), writer }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::system("start an event loop"))
}

type WorkerThread = (UnboundedSender<Arrival>, std::thread::JoinHandle<Result<()>>);

fn start_workers(
    shared: &Arc<Shared>,
    workers: usize,
    writer: &mpsc::SyncSender<Vec<u8>>,
) -> Result<Vec<WorkerThread>> {
    (0..workers)
        .map(|number| {
            let (sender, receiver) = unbounded_channel();
            let (shared, writer) = (Arc::clone(shared), writer.clone());
            let handle = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || work(&shared, number, writer, receiver))
                .map_err(Error::system("start a worker"))?;
            Ok((sender, handle))
        })
        .collect()
}

/// One worker, until the last of its users has ended.
fn work(
    shared: &Arc<Shared>,
    number: usize,
    writer: mpsc::SyncSender<Vec<u8>>,
    mut arrivals: UnboundedReceiver<Arrival>,
) -> Result<()> {
    let runtime = runtime()?;
    let worker = Rc::new(worker(shared, number, writer));
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let users = Rc::new(std::cell::Cell::new(0_u64));
        while let Some(arrival) = arrivals.recv().await {
            let (worker, users) = (Rc::clone(&worker), Rc::clone(&users));
            users.set(users.get() + 1);
            spawn_local(async move {
                live(&worker, arrival).await;
                users.set(users.get() - 1);
            });
        }
        let mut stopped: Option<Instant> = None;
        while users.get() > 0 {
            if worker.shared.stopping() {
                let since = *stopped.get_or_insert_with(Instant::now);
                if since.elapsed() > worker.shared.options.grace {
                    break;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        worker.kept.take();
    });
    // Requests that are still under way write their records when they are dropped.
    drop(local);
    worker.flush();
    Ok(())
}

/// One arrival, and those that waited for its place.
async fn live(worker: &Rc<Worker>, arrival: Arrival) {
    let shared = &worker.shared;
    shared.active.fetch_add(1, Ordering::Relaxed);
    let mut next = Some((arrival, None));
    while let Some((arrival, released)) = next {
        let phase = shared.phase(arrival.phase);
        if let Load::Threads { .. } = phase.load {
            go_round(worker, arrival).await;
        } else {
            let mut user = User::new(worker, arrival, format!("user-{}", arrival.number));
            user.due = Some(shared.start + arrival.at);
            user.released = released;
            user.flow(&shared.profile.scenarios[arrival.scenario].flow).await;
        }
        next = shared.leave(arrival.phase).map(|arrival| (arrival, Some(Instant::now())));
    }
    shared.active.fetch_sub(1, Ordering::Relaxed);
}

/// One thread of a closed load: round after round.
async fn go_round(worker: &Rc<Worker>, arrival: Arrival) {
    let shared = Arc::clone(&worker.shared);
    let phase = shared.phase(arrival.phase);
    let Load::Threads { rounds, pacing, .. } = &phase.load else { return };
    let first = shared.start + arrival.at;
    let thread = shared.thread_name(arrival);
    let mut user = User::new(worker, arrival, thread);
    user.deadline = phase.length.map(|length| shared.start + phase.from + length);
    user.paced = false;
    let mut round = 0_u64;
    while rounds.is_none_or(|rounds| round < rounds) {
        if let Some(pacing) = pacing {
            let due = first + pacing.mul_f64(round as f64);
            if user.deadline.is_some_and(|deadline| due >= deadline) {
                break;
            }
            tokio::time::sleep_until(due.into()).await;
            user.due = Some(due);
            // What the target delayed is not the generator's fault.
            user.released = Some(Instant::now().max(due));
        } else {
            user.due = (round == 0).then_some(first);
        }
        let scenario = if round == 0 { arrival.scenario } else { shared.draw(arrival.phase, &mut user.random) };
        user.cookies.clear();
        user.ids = None;
        if user.flow(&shared.profile.scenarios[scenario].flow).await == Going::Over {
            break;
        }
        round += 1;
        tokio::task::yield_now().await;
    }
}

/// Shows the load to the caller, samples the generator, and stops where that is asked for; until `ended`.
fn watch(shared: &Arc<Shared>, observer: &mut dyn Observer, ended: impl Fn() -> bool) -> Vec<Second> {
    let mut seconds: Vec<Second> = Vec::new();
    let mut own = SelfWatch::new();
    let mut before = (0, 0);
    let mut next = shared.start + Duration::from_secs(1);
    let done = AtomicBool::new(false);
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(next.saturating_duration_since(Instant::now()).min(Duration::from_millis(50)));
        if observer.cancelled() {
            shared.stop_because("interrupted");
        }
        done.store(ended(), Ordering::Relaxed);
        if Instant::now() < next && !done.load(Ordering::Relaxed) {
            continue;
        }
        next += Duration::from_secs(1);
        let seen = see(shared);
        if let Some(limit) = shared.manners.stop_on_failures
            && seen.tally.ended >= 20
            && seen.tally.failed as f64 > limit * seen.tally.ended as f64
        {
            shared.stop_because("the share of failed requests passed --stop-on-failures");
        }
        let Usage { own_cores, machine_busy, resident_mb } = own.sample();
        seconds.push(Second {
            second: seconds.len() as u64,
            ended: seen.tally.ended - before.0,
            failed: seen.tally.failed - before.1,
            users: seen.active,
            sockets: seen.sockets,
            own_cores,
            machine_busy,
            resident_mb,
        });
        before = (seen.tally.ended, seen.tally.failed);
        observer.look(&seen);
    }
    seconds
}

fn see(shared: &Shared) -> Seen {
    Seen {
        elapsed: shared.start.elapsed(),
        arrivals: shared.arrivals(),
        tally: shared.tally(),
        active: shared.active.load(Ordering::Relaxed),
        sockets: shared.sockets.load(Ordering::Relaxed),
        waiting: shared.waiting(),
    }
}

/// The URL of a `Location` header.
pub(crate) fn resolve_location(base: &http::Uri, location: &str) -> Option<http::Uri> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str()?;
    let authority = base.authority()?.as_str();
    let text = if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{}{location}", base.path())
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
        let mut rest = location;
        while let Some(after) = rest.strip_prefix("./").or_else(|| rest.strip_prefix("../")) {
            if rest.starts_with("..") {
                segments.pop();
            }
            rest = after;
        }
        segments.push(rest);
        format!("{scheme}://{authority}/{}", segments.join("/"))
    };
    text.parse().ok()
}

/// Where a schedule stands for an engine: all arrivals of one shard.
pub(crate) fn schedule(shared: &Shared) -> Schedule<'_> {
    Schedule::new(&shared.profile, shared.options.seed, shared.options.shard)
}
