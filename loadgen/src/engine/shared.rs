//! What all workers of a run share.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::{Options, tls};
use crate::error::Result;
use crate::manners::Manners;
use crate::measure::Clock;
use crate::measure::tally::Tally;
use crate::profile::{Phase, Profile};
use crate::random::Random;
use crate::schedule::Arrival;

/// What all workers of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) profile: Arc<Profile>,
    pub(crate) options: Options,
    pub(crate) manners: Manners,
    pub(crate) clock: Clock,
    /// When the load began.
    pub(crate) start: Instant,
    /// Whether no further request is to be begun.
    pub(crate) stop: AtomicBool,
    /// Why the run was stopped before its end.
    pub(crate) stopped_by: Mutex<Option<String>>,
    /// Virtual users active.
    pub(crate) active: AtomicU32,
    pub(crate) sockets: AtomicI64,
    pub(crate) sockets_most: AtomicI64,
    pub(crate) sockets_opened: AtomicU64,
    pub(crate) requests: AtomicU64,
    /// Arrivals so far.
    pub(crate) arrived: AtomicU64,
    /// Arrivals dropped because as many users as allowed were busy.
    pub(crate) dropped: AtomicU64,
    /// Arrivals that had to wait for one of them.
    pub(crate) overdue: AtomicU64,
    pub(crate) gates: Vec<Gate>,
    pub(crate) tallies: Vec<Mutex<Tally>>,
    /// Variables that all users share, with what the flow before the load left behind.
    pub(crate) variables: Mutex<Arc<HashMap<String, Value>>>,
    tls: [Arc<rustls::ClientConfig>; 2],
}

/// The users of one phase.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    pub(crate) active: AtomicU32,
    waiting: Mutex<VecDeque<Arrival>>,
}

/// What becomes of an arrival.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Start,
    Wait,
    Drop,
}

impl Shared {
    pub(crate) fn new(profile: Arc<Profile>, options: Options, manners: Manners, workers: usize) -> Result<Self> {
        let tls = tls::configurations(&options.trust)?;
        let gates = profile.phases.iter().map(|_| Gate::default()).collect();
        let mut variables = profile.constants.clone();
        let environment = options.environment.iter().map(|(name, value)| (name.clone(), Value::from(&**value)));
        let environment: Value = environment.collect();
        for name in ["$processEnvironment", "$env"] {
            variables.insert(name.to_owned(), environment.clone());
        }
        if let Some(target) = &profile.target {
            variables.insert("target".to_owned(), Value::from(&**target));
        }
        Ok(Self {
            profile,
            options,
            manners,
            clock: Clock::start(),
            start: Instant::now(),
            stop: AtomicBool::new(false),
            stopped_by: Mutex::new(None),
            active: AtomicU32::new(0),
            sockets: AtomicI64::new(0),
            sockets_most: AtomicI64::new(0),
            sockets_opened: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            overdue: AtomicU64::new(0),
            gates,
            tallies: (0..workers).map(|_| Mutex::new(Tally::default())).collect(),
            variables: Mutex::new(Arc::new(variables)),
            tls,
        })
    }

    pub(crate) fn tls(&self, http2: bool) -> Arc<rustls::ClientConfig> {
        Arc::clone(&self.tls[usize::from(http2)])
    }

    pub(crate) fn phase(&self, number: usize) -> &Phase {
        &self.profile.phases[number]
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Stops the run; the first reason counts.
    pub(crate) fn stop_because(&self, reason: &str) {
        self.stop.store(true, Ordering::Relaxed);
        let mut because = self.stopped_by.lock().unwrap_or_else(PoisonError::into_inner);
        because.get_or_insert_with(|| reason.to_owned());
    }

    /// Lets an arrival in, puts it on the waiting list, or turns it away.
    pub(crate) fn admit(&self, arrival: Arrival) -> Admission {
        let gate = &self.gates[arrival.phase];
        let Some(limit) = self.phase(arrival.phase).limit else {
            gate.active.fetch_add(1, Ordering::Relaxed);
            return Admission::Start;
        };
        let mut waiting = gate.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if (gate.active.load(Ordering::Relaxed) as usize) < limit.users {
            gate.active.fetch_add(1, Ordering::Relaxed);
            return Admission::Start;
        }
        if !limit.wait {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Admission::Drop;
        }
        self.overdue.fetch_add(1, Ordering::Relaxed);
        waiting.push_back(arrival);
        Admission::Wait
    }

    /// A user has ended; gives the arrival that takes its place.
    pub(crate) fn leave(&self, phase: usize) -> Option<Arrival> {
        let gate = &self.gates[phase];
        let next = if self.phase(phase).limit.is_some() && !self.stopping() {
            gate.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
        } else {
            None
        };
        if next.is_none() {
            gate.active.fetch_sub(1, Ordering::Relaxed);
        }
        next
    }

    /// Arrivals that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.gates.iter().map(|gate| gate.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Arrivals so far.
    pub(crate) fn arrivals(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// Name of a thread, as `JMeter` names it: group, number of the group, number of the thread.
    pub(crate) fn thread_name(&self, arrival: Arrival) -> String {
        format!("{} {}-{}", self.phase(arrival.phase).name, arrival.phase + 1, arrival.nth + 1)
    }

    /// Draws a scenario of a phase.
    pub(crate) fn draw(&self, phase: usize, random: &mut Random) -> usize {
        let mix = &self.phase(phase).mix;
        let mut drawn = random.unit() * mix.iter().map(|(_, weight)| weight).sum::<f64>();
        for (scenario, weight) in mix {
            if drawn < *weight {
                return *scenario;
            }
            drawn -= weight;
        }
        mix.last().map_or(0, |(scenario, _)| *scenario)
    }

    /// Everything measured so far.
    pub(crate) fn tally(&self) -> Tally {
        let mut all = Tally::default();
        for tally in &self.tallies {
            all.merge(&tally.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all
    }
}
