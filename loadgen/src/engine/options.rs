//! How a load is driven: what the caller chooses.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use faaslens_schemas::time::Timestamp;

use super::Trust;
use crate::schedule::Shard;

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
    /// Seed of the ids that requests carry: another one for each load, or the logs of two loads could not be told apart.
    pub id_seed: u64,
    /// Share of the schedule.
    pub shard: Shard,
    /// When the schedule begins; at once for `None`.
    pub start_at: Option<Timestamp>,
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
            // What the standard library seeds its hash maps with, which no two processes share.
            id_seed: RandomState::new().hash_one(std::process::id()),
            shard: Shard::default(),
            start_at: None,
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
