//! Transactions: requests summed up under one label.

use std::time::{Duration, Instant};

use faaslens_schemas::time::Timestamp;

use crate::measure::class::Class;
use crate::measure::record::Record;

/// A transaction while it goes on.
#[derive(Debug)]
pub(super) struct Sum {
    pub(super) site: u16,
    pub(super) started: Instant,
    elapsed: Duration,
    first_byte: Duration,
    connected: Duration,
    bytes_received: u64,
    bytes_sent: u64,
    requests: u32,
    failed: u32,
}

impl Sum {
    pub(super) fn new(site: u16) -> Self {
        Self {
            site,
            started: Instant::now(),
            elapsed: Duration::ZERO,
            first_byte: Duration::ZERO,
            connected: Duration::ZERO,
            bytes_received: 0,
            bytes_sent: 0,
            requests: 0,
            failed: 0,
        }
    }

    /// Adds a request.
    pub(super) fn add(&mut self, record: &Record) {
        self.elapsed += record.elapsed;
        self.first_byte += record.first_byte.unwrap_or_default();
        self.connected += record.secured.or(record.connected).unwrap_or_default();
        self.bytes_received += record.bytes_received;
        self.bytes_sent += record.bytes_sent;
        self.requests += 1;
        if !record.class.success() {
            self.failed += 1;
        }
    }

    /// The record of the whole, from a blank one; `sent` is the start on the wall clock.
    pub(super) fn record(&self, blank: Record, sent: Timestamp) -> Record {
        let (requests, failed) = (self.requests, self.failed);
        Record {
            scheduled: None,
            sent,
            late: None,
            connected: Some(self.connected),
            first_byte: Some(self.first_byte),
            elapsed: self.elapsed,
            // As in JMeter, all time between the start and now that no request took.
            idle: self.started.elapsed().saturating_sub(self.elapsed),
            status: (failed == 0).then_some(200),
            class: if failed == 0 { Class::Ok } else { Class::Assertion },
            bytes_received: self.bytes_received,
            bytes_sent: self.bytes_sent,
            message: format!("Number of samples in transaction : {requests}, number of failing samples : {failed}"),
            ..blank
        }
    }
}
