//! Slim values of a run: what its result tables need of every invocation, call and trace, and no more.
//!
//! [`assemble`](crate::assembly::assemble) makes one [`Facts`] a part; [`Facts::merge`] joins them into those of the
//! run. Names are interned, so a value is a few dozen bytes and memory follows the number of calls, not the logs.
//!
//! The order of the rows has no meaning and differs with the number of parts, and so do the ids of names: a consumer
//! sorts by what it prints (texts and values), never by [`Name`].
//!
//! Durations are milliseconds; `None` is unknown, never 0.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::num::NonZeroU32;

use faaslens_schemas::time::Timestamp;

use crate::clocks::Evidence;

/// Id of an interned text; means something only together with its [`NameTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(NonZeroU32);

impl Name {
    /// Position in the table, from 0: for dense per-name arrays.
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Interned texts: each distinct text is stored once.
#[derive(Debug, Clone, Default)]
pub struct NameTable {
    texts: Vec<Box<str>>,
    ids: HashMap<Box<str>, Name>,
}

impl NameTable {
    /// The id of a text, new where the text is.
    ///
    /// # Panics
    /// With more than 2^32 - 2 distinct texts, which no part of bounded size holds.
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        self.texts.push(text.into());
        let position = u32::try_from(self.texts.len()).ok().and_then(NonZeroU32::new);
        let id = Name(position.expect("fewer than 2^32 - 1 distinct names"));
        self.ids.insert(text.into(), id);
        id
    }

    /// The id of a text that was interned before.
    pub fn find(&self, text: &str) -> Option<Name> {
        self.ids.get(text).copied()
    }

    /// The text of an id of this table; empty for an id of another table that is out of range here.
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(name.index()).map_or("", |text| text)
    }

    /// Number of distinct texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether nothing was interned.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// How an invocation was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// A call of another function or of the client: the handler `rpcIn`.
    Rpc,
    /// A routed HTTP request.
    Http,
    /// An event of an event pipeline.
    Msg,
}

impl Trigger {
    /// As in the column `invocations.trigger`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::Http => "http",
            Self::Msg => "msg",
        }
    }
}

/// Kind of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// Request and response.
    Sync,
    /// An event through a publisher: from the publisher's invocation to the triggered one.
    Async,
}

impl CallKind {
    /// As in the column `calls.kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Async => "async",
        }
    }
}

/// One invocation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InvocationFact {
    /// Provider it ran on.
    pub provider: Name,
    /// Function.
    pub function: Name,
    /// How it was started.
    pub trigger: Trigger,
    /// Route (`GET /cart`) for [`Trigger::Http`].
    pub route: Option<Name>,
    /// Start on the executor's clock.
    pub start: Timestamp,
    /// Execution duration; `None` where it never ended.
    pub duration_ms: Option<f64>,
    /// What its caller waited: duration of the call that caused it, or the client's elapsed time; `None` for an event
    /// and where the caller is missing.
    pub caller_ms: Option<f64>,
    /// Whether it was its executor's first after a cold start; `None` where no line of the executor says.
    pub cold: Option<bool>,
    /// Whether nothing of it is missing (`invocations.complete`).
    pub complete: bool,
    /// `user-agent` of its request, where one was logged.
    pub user_agent: Option<Name>,
}

/// One call: a synchronous one, an event, or a request of the load generator.
#[derive(Debug, Clone, PartialEq)]
pub struct CallFact {
    /// Request and response, or event.
    pub kind: CallKind,
    /// Start at the caller; of an event, start of its publisher's invocation.
    pub start: Timestamp,
    /// Provider of the caller (`client` for the load generator), of the publisher for an event; `None` where the caller
    /// is missing.
    pub caller_provider: Option<Name>,
    /// Calling function (`client` for the load generator), the publisher for an event.
    pub caller_function: Option<Name>,
    /// Provider of the callee; `None` where it is missing.
    pub callee_provider: Option<Name>,
    /// Callee as it names itself; as the caller named it where it is missing.
    pub callee_function: Name,
    /// Whether the callee is the publisher of an event pipeline.
    pub to_publisher: bool,
    /// Whether the load generator made it.
    pub from_client: bool,
    /// Duration at the caller; `None` for an event and where it never ended.
    pub duration_ms: Option<f64>,
    /// Execution duration of the callee.
    pub callee_duration_ms: Option<f64>,
    /// Duration less the callee's: a round trip. With [`to_publisher`](Self::to_publisher) this is the publish latency.
    pub network_ms: Option<f64>,
    /// What only an event has. Most calls are none: apart, it takes them no memory.
    pub event: Option<Box<EventFact>>,
    /// Whether the callee was a cold start.
    pub callee_cold: Option<bool>,
}

/// What an event has besides what every call has.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EventFact {
    /// Publish latency of its publisher's call.
    pub publish_latency_ms: Option<f64>,
    /// Execution duration of its publisher.
    pub publisher_duration_ms: Option<f64>,
    /// Start of its handler less start of the publisher's, in full.
    pub trigger_delay_ms: Option<f64>,
    /// The same difference between the log stamps of the two start marks, whole ms, unwrapped.
    pub trigger_delay_logged_ms: Option<f64>,
    /// Uncertainty of `trigger_delay_ms` from the two executors' origins.
    pub uncertainty_ms: Option<f64>,
}

/// Elapsed time of a root, divided so that each instant belongs to one category (`wall`, METHODS 4).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WallShares {
    /// Compute on the critical path.
    pub compute_ms: f64,
    /// Network on the critical path.
    pub network_ms: f64,
    /// Database operations on the critical path.
    pub db_ms: f64,
    /// Initialisation that a caller on the critical path waited for.
    pub cold_ms: f64,
}

impl WallShares {
    /// Sum of the categories: the root's duration, to 1 us.
    pub fn total_ms(&self) -> f64 {
        self.compute_ms + self.network_ms + self.db_ms + self.cold_ms
    }
}

/// Sums as published (`befaas`, METHODS 4); they can exceed the elapsed time, and compute can be negative.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BefaasShares {
    /// Execution durations less calls less database operations.
    pub compute_ms: f64,
    /// Calls less the callees' execution durations.
    pub network_ms: f64,
    /// Database operations.
    pub db_ms: f64,
}

/// One trace (context).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceFact {
    /// Function of the root.
    pub entry_function: Option<Name>,
    /// Entry route (`GET /cart`), or the function's name for a call or an event.
    pub entry_route: Option<Name>,
    /// Provider of the root.
    pub entry_provider: Option<Name>,
    /// Start of the root, or of the earliest invocation where there is no root.
    pub start: Timestamp,
    /// Whether every invocation is complete and hangs on one root.
    pub complete: bool,
    /// Division of the root's duration; `None` where there is no root or it never ended.
    pub wall: Option<WallShares>,
    /// Sums over all invocations and calls as published; `None` where a duration under it is missing.
    pub befaas: Option<BefaasShares>,
    /// Trigger delays on the longest chain of events; `None` where there is no event.
    pub trigger_ms: Option<f64>,
    /// Client's elapsed time.
    pub client_ms: Option<f64>,
    /// Execution duration of the root.
    pub root_ms: Option<f64>,
    /// `client_ms - root_ms`, a round trip.
    pub client_network_ms: Option<f64>,
    /// From the first start to the last end of any invocation.
    pub chain_ms: Option<f64>,
    /// Cold starts among its invocations.
    pub cold_starts: u32,
    /// Invocations.
    pub invocations: u32,
}

/// What one function has of the critical path of one complete trace; categories of the wall division.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathFact {
    /// Position of the trace in [`Facts::traces`].
    pub trace: u32,
    /// Provider of the function.
    pub provider: Name,
    /// Function that ran; for network and cold the one that was called.
    pub function: Name,
    /// Its time on the path.
    pub shares: WallShares,
}

/// One context's sums over a chosen set of functions, as published; only contexts where the first function of the set ran.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SetFact {
    /// Position in [`Options::sets`](crate::assembly::Options::sets).
    pub set: u32,
    /// Start of the context's trace.
    pub start: Timestamp,
    /// Sums; compute, network or database may be 0 or negative where the context is not complete (the published
    /// method drops such a context).
    pub shares: BefaasShares,
    /// Whether every duration that the sums need is there.
    pub complete: bool,
}

/// What completeness is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeenKey {
    /// Provider; `client` for the load generator, `unknown` for a missing callee whose provider nothing tells.
    pub provider: Name,
    /// Function; `None` for the load generator's requests.
    pub function: Option<Name>,
    /// Second of the log clock, since the Unix epoch.
    pub second: i64,
}

/// What was seen and what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeenCounts {
    /// Instrumentation records.
    pub lines: u64,
    /// Client requests sent (under the provider `client`).
    pub client_sent: u64,
    /// Client requests answered.
    pub client_answered: u64,
    /// Client requests whose root invocation was found.
    pub roots_found: u64,
    /// Calls made to this function by other functions, events not counted.
    pub calls_made: u64,
    /// Those of them whose callee was found.
    pub callees_found: u64,
    /// Invocations of this function whose caller is missing.
    pub callers_missing: u64,
    /// Invocations of this function without an end.
    pub unended: u64,
    /// Times that one entry of a mark proves that another was logged.
    pub halves_expected: u64,
    /// Those of them in which the other is missing.
    pub halves_missing: u64,
}

impl SeenCounts {
    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.client_sent += other.client_sent;
        self.client_answered += other.client_answered;
        self.roots_found += other.roots_found;
        self.calls_made += other.calls_made;
        self.callees_found += other.callees_found;
        self.callers_missing += other.callers_missing;
        self.unended += other.unended;
        self.halves_expected += other.halves_expected;
        self.halves_missing += other.halves_missing;
    }
}

/// Slim values of one part, or of a run after merging its parts.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Texts of all names in here.
    pub names: NameTable,
    /// Every invocation.
    pub invocations: Vec<InvocationFact>,
    /// Every call.
    pub calls: Vec<CallFact>,
    /// Every trace.
    pub traces: Vec<TraceFact>,
    /// Functions on the critical paths of complete traces, in the order of [`traces`](Self::traces).
    pub paths: Vec<PathFact>,
    /// Every context of every chosen function set.
    pub sets: Vec<SetFact>,
    /// Completeness by provider, function and second.
    pub seen: BTreeMap<SeenKey, SeenCounts>,
    /// Calls and events by function called and provider of the caller or publisher.
    pub callers: BTreeMap<(Name, Name), u64>,
    /// Client requests whose root was found, by address (origin and first two segments of the path) and provider of the
    /// root.
    pub entries: BTreeMap<(Name, Name), u64>,
    /// Client requests whose root is missing, by address and second of the client's clock since the Unix epoch.
    pub rootless: BTreeMap<(Name, i64), u64>,
    /// What synchronous calls say about clocks, by the providers of caller and callee.
    pub clocks: BTreeMap<(Name, Name), Evidence>,
    /// What was wrong, counted by issue (`callee missing`…; see [`Issue`](crate::assembly::Issue)).
    pub issues: BTreeMap<&'static str, u64>,
}

impl Facts {
    /// Makes room for the facts of other parts, so that [`merge`](Self::merge) never moves what it has.
    pub fn reserve<'a>(&mut self, others: &(impl Iterator<Item = &'a Self> + Clone)) {
        let sum = |len: fn(&Self) -> usize| others.clone().map(len).sum();
        self.invocations.reserve_exact(sum(|facts| facts.invocations.len()));
        self.calls.reserve_exact(sum(|facts| facts.calls.len()));
        self.traces.reserve_exact(sum(|facts| facts.traces.len()));
        self.paths.reserve_exact(sum(|facts| facts.paths.len()));
        self.sets.reserve_exact(sum(|facts| facts.sets.len()));
    }

    /// Gives back the room that is not used.
    pub fn shrink(&mut self) {
        self.invocations.shrink_to_fit();
        self.calls.shrink_to_fit();
        self.traces.shrink_to_fit();
        self.paths.shrink_to_fit();
        self.sets.shrink_to_fit();
    }

    /// Takes the facts of another part in: as if both parts had been one, but for the order of rows.
    pub fn merge(&mut self, other: Self) {
        let ids: Vec<Name> = other.names.texts.iter().map(|text| self.names.intern(text)).collect();
        let to = |name: Name| ids[name.index()];
        let to_option = |name: Option<Name>| name.map(to);
        self.invocations.extend(other.invocations.into_iter().map(|fact| InvocationFact {
            provider: to(fact.provider),
            function: to(fact.function),
            route: to_option(fact.route),
            user_agent: to_option(fact.user_agent),
            ..fact
        }));
        self.calls.extend(other.calls.into_iter().map(|fact| CallFact {
            caller_provider: to_option(fact.caller_provider),
            caller_function: to_option(fact.caller_function),
            callee_provider: to_option(fact.callee_provider),
            callee_function: to(fact.callee_function),
            ..fact
        }));
        let traces = u32::try_from(self.traces.len()).unwrap_or(u32::MAX);
        self.paths.extend(other.paths.into_iter().map(|fact| PathFact {
            trace: fact.trace.saturating_add(traces),
            provider: to(fact.provider),
            function: to(fact.function),
            ..fact
        }));
        self.traces.extend(other.traces.into_iter().map(|fact| TraceFact {
            entry_function: to_option(fact.entry_function),
            entry_route: to_option(fact.entry_route),
            entry_provider: to_option(fact.entry_provider),
            ..fact
        }));
        self.sets.extend(other.sets);
        for (key, counts) in &other.seen {
            let key = SeenKey { provider: to(key.provider), function: to_option(key.function), ..*key };
            self.seen.entry(key).or_default().add(counts);
        }
        for ((function, provider), n) in other.callers {
            *self.callers.entry((to(function), to(provider))).or_default() += n;
        }
        for ((address, provider), n) in other.entries {
            *self.entries.entry((to(address), to(provider))).or_default() += n;
        }
        for ((address, second), n) in other.rootless {
            *self.rootless.entry((to(address), second)).or_default() += n;
        }
        for ((caller, callee), evidence) in &other.clocks {
            self.clocks.entry((to(*caller), to(*callee))).or_default().merge(evidence);
        }
        for (issue, n) in other.issues {
            *self.issues.entry(issue).or_default() += n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(provider: &str, second: i64, lines: u64) -> Facts {
        let mut facts = Facts::default();
        let provider = facts.names.intern(provider);
        let counts = SeenCounts { lines, ..SeenCounts::default() };
        facts.seen.insert(SeenKey { provider, function: None, second }, counts);
        facts.issues.insert("no end", lines);
        facts
    }

    #[test]
    fn merged_parts_share_names_and_add_counts() {
        let mut run = part("aws", 7, 2);
        run.merge(part("google", 7, 3));
        run.merge(part("aws", 7, 5));
        let lines: Vec<(&str, u64)> =
            run.seen.iter().map(|(key, counts)| (run.names.text(key.provider), counts.lines)).collect();
        assert_eq!(lines, [("aws", 7), ("google", 3)]);
        assert_eq!(run.names.len(), 2);
        assert_eq!(run.issues["no end"], 10);
    }
}
