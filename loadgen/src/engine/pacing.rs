//! The thread that keeps the time: hands each arrival to a worker when it is due.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::shared::{Admission, Shared};
use crate::schedule::{Arrival, Schedule};

/// What the pacing thread did.
#[derive(Debug, Default)]
pub(super) struct Paced {
    pub(super) arrivals: u64,
    pub(super) by_second: Vec<u64>,
}

/// The longest sleep, so that a stop is noticed.
const NAP: Duration = Duration::from_millis(50);

/// Walks through the schedule; ends when it is over or the run is stopped, and lets go of the workers.
pub(super) fn pace(shared: &Arc<Shared>, workers: &[UnboundedSender<Arrival>]) -> Paced {
    let mut paced = Paced::default();
    for arrival in Schedule::new(&shared.profile, shared.options.seed, shared.options.shard) {
        let due = shared.start + arrival.at;
        loop {
            if shared.stopping() {
                return paced;
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(NAP));
        }
        paced.arrivals += 1;
        shared.arrived.fetch_add(1, Ordering::Relaxed);
        let second = usize::try_from(arrival.at.as_secs()).unwrap_or(usize::MAX);
        if second < 1 << 20 {
            if paced.by_second.len() <= second {
                paced.by_second.resize(second + 1, 0);
            }
            paced.by_second[second] += 1;
        }
        if shared.admit(arrival) == Admission::Start {
            let worker = usize::try_from(paced.arrivals % workers.len().max(1) as u64).unwrap_or(0);
            // A worker ends only when this thread lets go of it, or when it fails.
            if workers[worker].send(arrival).is_err() {
                shared.stop_because("a worker failed");
            }
        }
    }
    paced
}
