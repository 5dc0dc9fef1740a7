//! Driving a load: a thread that keeps the time, workers that send.
//!
//! The pacing thread walks through the schedule and hands each arrival, on time, to one of the workers. A worker is a
//! thread with an event loop of its own, on which its virtual users run; nothing on the way of a request is shared
//! between workers but a few counters. Records go, in a compact form, through a writer to the disk.

mod before;
mod capture;
mod connect;
mod cookies;
mod exchange;
mod failure;
mod message;
mod options;
mod pacing;
mod record_file;
mod recorder;
mod redirect;
mod shared;
mod target;
mod timed;
mod tls;
mod transaction;
mod user;
mod watch;
mod worker;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use faaslens_schemas::time::Timestamp;

use self::before::before;
use self::record_file::RecordFile;
use self::shared::Shared;
use crate::error::{Error, Result};
use crate::manners::Manners;
use crate::measure::Clock;
use crate::measure::self_watch::open_sockets;
use crate::measure::tally::Tally;
use crate::profile::Profile;

pub use options::{Log, NoLog, Options, Tracing, stand_in_pictures};
pub use tls::Trust;
pub use watch::{Observer, Second, Seen};

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
    /// When the schedule began.
    pub started: Timestamp,
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
    let file = RecordFile::create(records)?;
    let mut shared = Shared::new(Arc::clone(profile), options, manners, workers)?;
    before(&mut shared, &file.sender)?;
    if let Some(at) = shared.options.start_at {
        shared.start = shared.clock.instant(at);
    }
    let shared = Arc::new(shared);
    let (senders, threads): (Vec<_>, Vec<_>) = worker::start(&shared, workers, &file.sender)?.into_iter().unzip();
    let pacing = {
        let shared = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("pacing".to_owned())
            .spawn(move || pacing::pace(&shared, &senders))
            .map_err(Error::system("start the pacing thread"))?
    };
    let seconds = watch::watch(&shared, observer, || threads.iter().all(std::thread::JoinHandle::is_finished));
    let paced = pacing.join().map_err(|_panic| Error::Usage("the pacing thread failed".to_owned()))?;
    for thread in threads {
        thread.join().map_err(|_panic| Error::Usage("a worker failed".to_owned()))??;
    }
    file.finish()?;
    let sockets_left =
        open_sockets().zip(sockets_before).map(|(after, before)| after.cast_signed() - before.cast_signed());
    let stopped_by = shared.stopped_by.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(Finished {
        tally: shared.tally(),
        seconds,
        workers,
        started: shared.clock.wall(shared.start),
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
