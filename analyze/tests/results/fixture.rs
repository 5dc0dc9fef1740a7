//! A run to fill by hand.

use std::collections::BTreeMap;

use faaslens_analyze::assembly::FunctionSet;
use faaslens_analyze::clocks::{Choice, Offsets};
use faaslens_analyze::facts::{
    BefaasShares, CallFact, CallKind, Facts, InvocationFact, Name, SeenCounts, SeenKey, TraceFact, Trigger, WallShares,
};
use faaslens_analyze::results::{PlatformTally, RequestTally, RunInput, RunResults, phases, summarise};
use faaslens_schemas::manifest::{Manifest, Source};
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{Executor, PhasePoint};
use faaslens_schemas::time::Timestamp;

/// Start of every fixture's clock.
pub(crate) const ZERO: Timestamp = Timestamp::from_millis(1_795_330_914_000);

/// Everything [`summarise`] takes, empty until filled.
pub(crate) struct Fixture {
    pub(crate) facts: Facts,
    pub(crate) sets: Vec<FunctionSet>,
    pub(crate) requests: RequestTally,
    pub(crate) platform: PlatformTally,
    pub(crate) executors: Vec<Executor>,
    pub(crate) manifest: Manifest,
    offsets: Offsets,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            facts: Facts::default(),
            sets: Vec::new(),
            requests: RequestTally::new(&BTreeMap::new()),
            platform: PlatformTally::default(),
            executors: Vec::new(),
            manifest: Manifest::new("run", 1),
            offsets: Offsets::of(&Facts::default(), &Choice::default()),
        }
    }

    pub(crate) fn summarise(&self) -> RunResults {
        summarise(self.input())
    }

    pub(crate) fn phases(&self) -> Vec<PhasePoint> {
        let rows = |batch: faaslens_schemas::Result<_>| PhasePoint::from_batch(&batch?);
        phases(&self.input()).flat_map(|batch| rows(batch).expect("a batch of the table")).collect()
    }

    fn input(&self) -> RunInput<'_> {
        RunInput {
            facts: &self.facts,
            sets: &self.sets,
            offsets: &self.offsets,
            requests: &self.requests,
            platform: &self.platform,
            executors: &self.executors,
            manifest: &self.manifest,
        }
    }

    pub(crate) fn name(&mut self, text: &str) -> Name {
        self.facts.names.intern(text)
    }

    /// A complete, warm invocation, changed by `change` before it is kept.
    pub(crate) fn invocation(
        &mut self,
        provider: &str,
        function: &str,
        duration_ms: f64,
        change: impl Fn(&mut InvocationFact),
    ) {
        let (provider, function) = (self.name(provider), self.name(function));
        let mut fact = InvocationFact {
            provider,
            function,
            trigger: Trigger::Rpc,
            route: None,
            start: ZERO,
            duration_ms: Some(duration_ms),
            caller_ms: None,
            cold: Some(false),
            complete: true,
            user_agent: None,
        };
        change(&mut fact);
        self.facts.invocations.push(fact);
    }

    /// A synchronous call without durations, changed by `change` before it is kept.
    pub(crate) fn call(&mut self, caller: (&str, &str), callee: (&str, &str), change: impl Fn(&mut CallFact)) {
        let mut fact = CallFact {
            kind: CallKind::Sync,
            start: ZERO,
            caller_provider: Some(self.name(caller.0)),
            caller_function: Some(self.name(caller.1)),
            callee_provider: Some(self.name(callee.0)),
            callee_function: self.name(callee.1),
            to_publisher: false,
            from_client: caller.0 == "client",
            duration_ms: None,
            callee_duration_ms: None,
            network_ms: None,
            event: None,
            callee_cold: None,
        };
        change(&mut fact);
        self.facts.calls.push(fact);
    }

    /// A complete trace with a wall division of (compute, network, db, cold), changed by `change` before it is kept.
    pub(crate) fn trace(&mut self, route: &str, wall: [f64; 4], change: impl Fn(&mut TraceFact)) {
        let [compute_ms, network_ms, db_ms, cold_ms] = wall;
        let wall = WallShares { compute_ms, network_ms, db_ms, cold_ms };
        let mut fact = TraceFact {
            entry_function: None,
            entry_route: Some(self.name(route)),
            entry_provider: None,
            start: ZERO,
            complete: true,
            wall: Some(wall),
            befaas: Some(BefaasShares { compute_ms, network_ms, db_ms }),
            trigger_ms: None,
            client_ms: None,
            root_ms: Some(wall.total_ms()),
            client_network_ms: None,
            chain_ms: None,
            cold_starts: 0,
            invocations: 1,
        };
        change(&mut fact);
        self.facts.traces.push(fact);
    }

    pub(crate) fn seen(&mut self, provider: &str, function: Option<&str>, second: i64, counts: SeenCounts) {
        let provider = self.name(provider);
        let function = function.map(|function| self.name(function));
        self.facts.seen.entry(SeenKey { provider, function, second }).or_default().add(&counts);
    }

    pub(crate) fn source(&mut self, provider: &str, rejected: u64, duplicates: u64) {
        self.manifest.sources.push(Source {
            name: format!("{provider}.log"),
            provider: provider.to_owned(),
            rejected: [("truncated json".to_owned(), rejected)].into(),
            duplicates,
            ..Source::default()
        });
    }
}

/// Equal to 1e-9, or both unknown.
#[track_caller]
pub(crate) fn assert_near(found: impl Into<Option<f64>>, expected: impl Into<Option<f64>>) {
    let (found, expected) = (found.into(), expected.into());
    let near = match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        (found, expected) => found.is_none() && expected.is_none(),
    };
    assert!(near, "found {found:?}, expected {expected:?}");
}
