//! Elapsed times of chains of functions.
//!
//! A transaction is a chain that the client drives: it sends one request after the other and the transaction's row
//! holds the sum. A chain that the functions drive has a single request, in a transaction or not; only the test's name
//! tells it: one with the words `chain` or `chains`, and `server` (`chains_server`). Its requests are the chain; where they
//! have several labels, its transactions are. A test without transactions whose name does not say so has no chains.

use faaslens_schemas::tables::TransactionTime;
use faaslens_schemas::time::Timestamp;

use super::Run;

/// Start, elapsed time and success of a transaction or a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChainRow {
    pub(super) start: Timestamp,
    pub(super) elapsed_ms: f64,
    pub(super) success: Option<bool>,
}

/// Who calls the next function of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chaining {
    /// The load generator.
    Client,
    /// The function before it.
    Server,
}

impl Chaining {
    /// What a test's name says; without a name, the client drives.
    pub(super) fn of_test(test: Option<&str>) -> Self {
        let says = |word: &str| {
            let mut words = test.unwrap_or("").split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|found| found.eq_ignore_ascii_case(word))
        };
        if says("server") && (says("chain") || says("chains")) { Self::Server } else { Self::Client }
    }

    /// As in the column `chains.chaining`.
    fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// One row for each chain with an elapsed time, sorted by start and elapsed time.
pub(super) fn rows(run: &Run<'_>) -> Vec<TransactionTime> {
    let requests = run.input.requests;
    let chaining = Chaining::of_test(requests.test());
    let label = |name| requests.label(name).map(Into::into);
    let chains = match chaining {
        Chaining::Client => requests.transactions(),
        Chaining::Server => requests.only_requests().unwrap_or(requests.transactions()),
    };
    let row = |chain: &ChainRow| TransactionTime {
        test: requests.test().map(Into::into),
        parameter: label("parameter"),
        hardware: label("hardware"),
        network: label("network"),
        chaining: chaining.as_str().into(),
        start: chain.start,
        elapsed_ms: chain.elapsed_ms,
        success: chain.success,
    };
    let mut rows: Vec<TransactionTime> = chains.iter().map(row).collect();
    rows.sort_by(|a, b| {
        let by_value = a.elapsed_ms.total_cmp(&b.elapsed_ms).then_with(|| a.success.cmp(&b.success));
        a.start.cmp(&b.start).then(by_value)
    });
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_test_named_after_chains_and_the_server_chains_at_the_server() {
        for server in ["chains_server", "server-chain", "Chains_Server_2"] {
            assert_eq!(Chaining::of_test(Some(server)), Chaining::Server, "{server}");
        }
        for client in [None, Some("chains_client"), Some("server"), Some("observer_chains"), Some("")] {
            assert_eq!(Chaining::of_test(client), Chaining::Client, "{client:?}");
        }
    }
}
