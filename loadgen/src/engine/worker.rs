//! A worker: a thread with an event loop of its own, on which its virtual users live.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};

use super::exchange::Kept;
use super::shared::Shared;
use super::target::Targets;
use super::user::{Going, User};
use crate::error::{Error, Result};
use crate::measure::record::Record;
use crate::measure::spill;
use crate::profile::Load;
use crate::schedule::Arrival;

/// A thread's event loop with its virtual users.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    number: usize,
    /// Connections that users share, where they do.
    pub(super) kept: Rc<RefCell<Kept>>,
    pub(super) targets: Targets,
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

/// How long records wait at most before they are written: what a kill can take away.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) fn new(shared: &Arc<Shared>, number: usize, writer: mpsc::SyncSender<Vec<u8>>) -> Self {
        Self {
            shared: Arc::clone(shared),
            number,
            kept: Rc::default(),
            targets: Targets::default(),
            buffer: RefCell::default(),
            writer,
        }
    }

    /// Takes a record.
    pub(crate) fn push(&self, record: &Record) {
        let transaction = self.shared.profile.sites.get(usize::from(record.site)).is_some_and(|site| site.transaction);
        let tally = &self.shared.tallies[self.number];
        tally.lock().unwrap_or_else(PoisonError::into_inner).add(record, transaction);
        let mut buffer = self.buffer.borrow_mut();
        spill::write(record, &mut buffer);
        if buffer.len() >= BUFFER_BYTES {
            let full = std::mem::replace(&mut *buffer, Vec::with_capacity(BUFFER_BYTES + 4096));
            self.send(full);
        }
    }

    /// Sends what has been gathered on its way to the disk.
    pub(super) fn flush(&self) {
        let rest = std::mem::take(&mut *self.buffer.borrow_mut());
        if !rest.is_empty() {
            self.send(rest);
        }
    }

    fn send(&self, records: Vec<u8>) {
        if self.writer.send(records).is_err() {
            self.shared.stop_because("records could not be written");
        }
    }
}

/// An event loop for one thread.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::system("start an event loop"))
}

/// A worker's arrivals and its thread.
pub(super) type WorkerThread = (UnboundedSender<Arrival>, std::thread::JoinHandle<Result<()>>);

/// Starts the workers; each ends when its last arrival has come and gone.
pub(super) fn start(
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
    let worker = Rc::new(Worker::new(shared, number, writer));
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let flushing = Rc::clone(&worker);
        spawn_local(async move {
            loop {
                tokio::time::sleep(FLUSH_EVERY).await;
                flushing.flush();
            }
        });
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
        user.give_a_turn().await;
    }
}
