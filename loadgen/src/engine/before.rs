//! The flow before the load.

use std::rc::Rc;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use super::shared::Shared;
use super::user::{Going, User};
use super::worker::{Worker, runtime};
use crate::error::Result;
use crate::schedule::Arrival;

/// Does the flow before the load, on a worker of its own; what it leaves behind is shared by all users.
pub(super) fn before(shared: &mut Shared, writer: &SyncSender<Vec<u8>>) -> Result<()> {
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
        let worker = Rc::new(Worker::new(&own, 0, writer.clone()));
        let arrival = Arrival { at: Duration::ZERO, number: u64::MAX, nth: 0, phase: 0, scenario: 0 };
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
