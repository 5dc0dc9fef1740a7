//! The record of one request while it is under way. Dropped without an end, it says that the run ended before.

use std::rc::Rc;
use std::time::Instant;

use super::exchange::Traffic;
use super::transaction::Sum;
use super::worker::Worker;
use crate::measure::record::Record;

/// The record of one request while it is under way.
pub(crate) struct Recorder {
    worker: Rc<Worker>,
    pub(crate) record: Record,
    pub(crate) traffic: Traffic,
    pub(crate) sent: Instant,
    pub(crate) due: Option<Instant>,
    finished: bool,
}

impl Recorder {
    pub(crate) fn begin(worker: &Rc<Worker>, record: Record) -> Self {
        let worker = Rc::clone(worker);
        Self { worker, record, traffic: Traffic::default(), sent: Instant::now(), due: None, finished: false }
    }

    /// Ends the request, and adds it to the transactions that it is part of.
    pub(crate) fn finish(mut self, ended: Instant, sums: &mut [Sum]) {
        self.write(ended);
        for sum in sums {
            sum.add(&self.record);
        }
    }

    fn write(&mut self, ended: Instant) {
        self.finished = true;
        let (record, traffic, sent) = (&mut self.record, &mut self.traffic, self.sent);
        let after = |at: Option<Instant>| at.map(|at| at.saturating_duration_since(sent));
        record.sent = self.worker.shared.clock.wall(sent);
        record.resolved = after(traffic.stages.resolved);
        record.connected = after(traffic.stages.connected);
        record.secured = after(traffic.stages.secured);
        record.first_byte = after(traffic.first_byte);
        record.elapsed = ended.saturating_duration_since(sent);
        record.corrected = self.due.map(|due| ended.saturating_duration_since(due));
        record.status = traffic.status;
        record.reused = traffic.reused;
        record.retries = traffic.retries;
        record.redirects = traffic.redirects;
        record.bytes_received = traffic.bytes_received;
        record.bytes_sent = traffic.bytes_sent;
        if let Some(url) = traffic.redirected_to.take() {
            record.url = url;
        }
        self.worker.push(record);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if !self.finished {
            "the run ended before the response".clone_into(&mut self.record.message);
            self.write(Instant::now());
        }
    }
}
