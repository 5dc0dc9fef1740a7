//! Request rows of a run, reduced to the values that results need.

use std::collections::BTreeMap;

use faaslens_schemas::tables::ClientRequest;
use faaslens_schemas::time::Timestamp;

use super::chains::{ChainRow, Chaining};
use super::series::Series;
use crate::facts::{Name, NameTable};

/// Value of `client_requests.kind` for a row that sums up other rows.
const TRANSACTION: &str = "transaction";

/// Response times of the rows under one label.
#[derive(Debug, Clone, Default)]
pub(super) struct LabelTimes {
    /// Response times of the rows that did not fail.
    pub(super) succeeded_ms: Series,
    /// Response times of the rows that failed.
    pub(super) failed_ms: Series,
    /// Rows that failed, with and without a response time.
    pub(super) errors: i64,
}

/// Number and extent of requests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    pub(super) n: i64,
    pub(super) errors: i64,
    pub(super) first_start: Option<Timestamp>,
    pub(super) last_end: Option<Timestamp>,
}

/// The request rows of one run as numbers: a few dozen bytes a row at most, texts only once.
///
/// A row failed when the generator says so, or when the generator says nothing and there is no response time.
/// Transactions (rows that sum up others) are kept apart from requests, also under the same label.
#[derive(Debug, Clone, Default)]
pub struct RequestTally {
    labels: BTreeMap<String, String>,
    names: NameTable,
    times: BTreeMap<(bool, Option<Name>), LabelTimes>,
    /// Requests by the label of the sample they are nested in.
    extents: BTreeMap<Option<Name>, Extent>,
    threads: Option<i64>,
    first_sent: Option<Timestamp>,
    transactions: Vec<ChainRow>,
    /// Requests; only kept for a test that chains at the server.
    requests: Vec<ChainRow>,
}

impl RequestTally {
    /// An empty tally for a run of these labels (`test`, `parameter`, `nodes`, `hardware`, `network`, `experiment`).
    pub fn new(labels: &BTreeMap<String, String>) -> Self {
        Self { labels: labels.clone(), ..Self::default() }
    }

    /// Takes a row in. The order of rows has no meaning.
    pub fn add(&mut self, row: &ClientRequest) {
        let transaction = &*row.kind == TRANSACTION;
        let elapsed_ms = row.elapsed_ms.filter(|elapsed| elapsed.is_finite());
        let failed = row.success.map_or(elapsed_ms.is_none(), |success| !success);
        let label = row.label.as_ref().map(|label| self.names.intern(label));
        self.times.entry((transaction, label)).or_default().add(row.sent_at, elapsed_ms, failed);
        self.first_sent = earliest(self.first_sent, Some(row.sent_at));
        self.threads = self.threads.max(row.threads);
        self.add_chain_row(row, transaction, elapsed_ms);
        if !transaction {
            let parent = row.parent_label.as_ref().map(|parent| self.names.intern(parent));
            let end = elapsed_ms.map(|elapsed| row.sent_at.plus_ms(elapsed + row.idle_ms.unwrap_or(0.0)));
            self.extents.entry(parent).or_default().add(row.sent_at, end, failed);
        }
    }

    fn add_chain_row(&mut self, row: &ClientRequest, transaction: bool, elapsed_ms: Option<f64>) {
        let Some(elapsed_ms) = elapsed_ms else { return };
        let chain_row = ChainRow { start: row.sent_at, elapsed_ms, success: row.success };
        if transaction && row.parent_label.is_none() {
            self.transactions.push(chain_row);
        } else if !transaction && Chaining::of_test(self.test()) == Chaining::Server {
            self.requests.push(chain_row);
        }
    }

    /// Takes the rows of another part of the same run in.
    pub fn merge(&mut self, other: Self) {
        for ((transaction, label), times) in other.times {
            let label = label.map(|label| self.names.intern(other.names.text(label)));
            let own = self.times.entry((transaction, label)).or_default();
            own.succeeded_ms.join(&times.succeeded_ms);
            own.failed_ms.join(&times.failed_ms);
            own.errors += times.errors;
        }
        for (parent, extent) in other.extents {
            let parent = parent.map(|parent| self.names.intern(other.names.text(parent)));
            self.extents.entry(parent).or_default().join(extent);
        }
        self.threads = self.threads.max(other.threads);
        self.first_sent = earliest(self.first_sent, other.first_sent);
        self.transactions.extend(other.transactions);
        self.requests.extend(other.requests);
    }

    /// When the first row was sent; `None` without rows.
    pub fn first_sent(&self) -> Option<Timestamp> {
        self.first_sent
    }

    /// A label of the run.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// The run's test plan; a run of an application has its experiment there.
    pub(super) fn test(&self) -> Option<&str> {
        self.label("test").or_else(|| self.label("experiment"))
    }

    /// The run's number of nodes, where its label is a number.
    pub(super) fn nodes(&self) -> Option<i64> {
        self.label("nodes")?.parse().ok()
    }

    /// Greatest number of active threads seen.
    pub(super) fn threads(&self) -> Option<i64> {
        self.threads
    }

    /// Response times by label, requests before transactions.
    pub(super) fn times(&self) -> impl Iterator<Item = (bool, Option<&str>, &LabelTimes)> {
        self.times
            .iter()
            .map(|((transaction, label), times)| (*transaction, label.map(|label| self.names.text(label)), times))
    }

    /// Number and extent of the requests. A request nested in another request (a redirect, an embedded resource) is
    /// part of that one and left out, a request nested in a transaction is not.
    pub(super) fn extent(&self) -> Extent {
        let of_request = |parent: &Option<Name>| parent.is_some() && self.times.contains_key(&(false, *parent));
        let mut whole = Extent::default();
        for (_, extent) in self.extents.iter().filter(|(parent, _)| !of_request(parent)) {
            whole.join(*extent);
        }
        whole
    }

    /// Transactions that are in no other.
    pub(super) fn transactions(&self) -> &[ChainRow] {
        &self.transactions
    }

    /// Requests of a test that chains at the server, `None` where they have several labels or there are none.
    pub(super) fn only_requests(&self) -> Option<&[ChainRow]> {
        let labels = self.times.keys().filter(|(transaction, _)| !transaction).count();
        (labels == 1).then_some(&self.requests)
    }
}

impl LabelTimes {
    fn add(&mut self, sent_at: Timestamp, elapsed_ms: Option<f64>, failed: bool) {
        let values = if failed { &mut self.failed_ms } else { &mut self.succeeded_ms };
        values.add(sent_at, elapsed_ms);
        self.errors += i64::from(failed);
    }
}

impl Extent {
    fn add(&mut self, start: Timestamp, end: Option<Timestamp>, failed: bool) {
        self.join(Self { n: 1, errors: i64::from(failed), first_start: Some(start), last_end: end });
    }

    fn join(&mut self, other: Self) {
        self.n += other.n;
        self.errors += other.errors;
        self.first_start = earliest(self.first_start, other.first_start);
        self.last_end = self.last_end.max(other.last_end);
    }
}

/// The earlier of two instants, where known.
fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}
