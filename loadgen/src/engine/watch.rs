//! Watching a load while it runs: for the caller, and for what the generator says of itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::measure::self_watch::{SelfWatch, Usage};
use crate::measure::tally::Tally;

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
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
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

/// Shows the load to the caller, samples the generator, and stops where that is asked for; until `ended`.
pub(super) fn watch(shared: &Arc<Shared>, observer: &mut dyn Observer, ended: impl Fn() -> bool) -> Vec<Second> {
    let mut seconds: Vec<Second> = Vec::new();
    let mut own = SelfWatch::new();
    let mut before = (0, 0);
    let mut next = shared.start + Duration::from_secs(1);
    let mut done = false;
    while !done {
        std::thread::sleep(next.saturating_duration_since(Instant::now()).min(Duration::from_millis(50)));
        if observer.cancelled() {
            shared.stop_because("interrupted");
        }
        done = ended();
        if Instant::now() < next && !done {
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
