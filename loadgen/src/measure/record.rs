//! One request, measured.

use std::time::Duration;

use faaslens_schemas::time::Timestamp;

use super::class::Class;

/// One request, or one transaction that sums up requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place in the profile.
    pub site: u16,
    /// Phase.
    pub phase: u16,
    /// Virtual user: number of its arrival.
    pub user: u64,
    /// Name of the virtual user.
    pub thread: String,
    /// When it was due; `None` where only the user's own progress decides.
    pub scheduled: Option<Timestamp>,
    /// When it was sent: before name resolution and connecting.
    pub sent: Timestamp,
    /// How late it was sent by the generator's own fault; `None` where there was no due time.
    pub late: Option<Duration>,
    /// From due to end: the response time corrected for coordinated omission.
    pub corrected: Option<Duration>,
    /// From sending until the host's name was resolved.
    pub resolved: Option<Duration>,
    /// From sending until the connection stood.
    pub connected: Option<Duration>,
    /// From sending until the TLS session stood.
    pub secured: Option<Duration>,
    /// From sending until the first byte of the response.
    pub first_byte: Option<Duration>,
    /// From sending until the end.
    pub elapsed: Duration,
    /// Pauses within a transaction.
    pub idle: Duration,
    /// HTTP status.
    pub status: Option<u16>,
    /// What became of it.
    pub class: Class,
    /// Whether a connection of an earlier request carried it.
    pub reused: bool,
    /// How often it was sent again on a new connection because the old one had been closed.
    pub retries: u8,
    /// Redirections followed.
    pub redirects: u8,
    /// Bytes of responses, headers included.
    pub bytes_received: u64,
    /// Bytes of requests, headers included.
    pub bytes_sent: u64,
    /// Virtual users active in the generator.
    pub threads: u32,
    /// Virtual users active in the phase.
    pub group_threads: u32,
    /// URL without credentials.
    pub url: String,
    /// Function chain started; empty for none.
    pub context: String,
    /// Pair ID sent; empty for none.
    pub pair: String,
    /// What went wrong, or the status's phrase; empty for nothing.
    pub message: String,
}

impl Record {
    /// When the request ended.
    pub fn end(&self) -> Timestamp {
        self.sent.plus_ms((self.elapsed + self.idle).as_secs_f64() * 1000.0)
    }
}
