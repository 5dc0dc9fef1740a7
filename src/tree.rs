//! One context's call tree, rebuilt from `invocations`, `calls` and `db_calls`, with its critical path.
//!
//! The path is that of the `wall` division (METHODS, section 4): walk back from the end of an invocation; the
//! outgoing operation that returned last before the current instant is on the path, then go on from its start.
//! Events (`async`) are outside of their root's duration and never on its path.

use std::collections::{BTreeMap, BTreeSet};

use faaslens_schemas::tables::{Call, DbCall, Invocation};
use faaslens_schemas::time::Timestamp;
use serde::Serialize;

/// Deepest nesting followed; a tree beyond it is cut there and says so.
const DEPTH_MAX: usize = 200;

/// A call, its callee, and whether the caller's end depended on it.
#[derive(Debug, Serialize)]
pub(crate) struct Edge {
    /// `sync` or `async`; `root` for what no invocation called.
    pub(crate) kind: String,
    /// Called function.
    pub(crate) function: String,
    /// Duration at the caller.
    pub(crate) call_ms: Option<f64>,
    /// Round trip.
    pub(crate) network_ms: Option<f64>,
    /// `async`: from the publisher's start to the handler's.
    pub(crate) trigger_delay_ms: Option<f64>,
    /// Whether it lies on the critical path.
    pub(crate) critical: bool,
    /// The callee; `None` where it is missing.
    pub(crate) callee: Option<Box<Node>>,
    /// Start on the caller's clock.
    #[serde(skip)]
    start: Option<Timestamp>,
}

/// An invocation and what it did.
#[derive(Debug, Serialize)]
pub(crate) struct Node {
    pub(crate) invocation_id: String,
    pub(crate) provider: String,
    pub(crate) function: String,
    pub(crate) route: Option<String>,
    pub(crate) executor: String,
    /// RFC 3339.
    pub(crate) start: String,
    /// Start less the start of the first root, each on its own executor's clock.
    pub(crate) since_root_ms: f64,
    pub(crate) duration_ms: Option<f64>,
    pub(crate) compute_ms: Option<f64>,
    pub(crate) network_ms: Option<f64>,
    pub(crate) db_ms: Option<f64>,
    pub(crate) cold: Option<bool>,
    pub(crate) issues: Option<String>,
    pub(crate) operations: Vec<Operation>,
}

/// Something an invocation waited for.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Operation {
    /// A call of another function.
    Call(Edge),
    /// A database operation.
    Db(DbOperation),
}

/// A database operation.
#[derive(Debug, Serialize)]
pub(crate) struct DbOperation {
    pub(crate) action: String,
    pub(crate) duration_ms: Option<f64>,
    /// Whether it lies on the critical path.
    pub(crate) critical: bool,
    #[serde(skip)]
    start: Timestamp,
}

impl Operation {
    fn start(&self) -> Option<Timestamp> {
        match self {
            Self::Call(edge) => edge.start,
            Self::Db(db) => Some(db.start),
        }
    }

    /// Start and end on the caller's clock; `None` for an event and where one of them is unknown.
    fn interval(&self) -> Option<(Timestamp, Timestamp)> {
        let duration_ms = match self {
            Self::Call(edge) if edge.kind == "sync" => edge.call_ms?,
            Self::Call(_) => return None,
            Self::Db(db) => db.duration_ms?,
        };
        let start = self.start()?;
        Some((start, start.plus_ms(duration_ms)))
    }
}

/// Rows of one context.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) invocations: Vec<Invocation>,
    pub(crate) calls: Vec<Call>,
    pub(crate) db_calls: Vec<DbCall>,
}

/// The trees of a context: the root first, then whatever hangs on nothing, in order of start.
pub(crate) fn build(rows: &Rows) -> Vec<Edge> {
    let mut builder = Builder::new(rows);
    let mut tops: Vec<&Invocation> = rows.invocations.iter().collect();
    tops.sort_by_key(|invocation| (invocation.parent_id.is_some(), invocation.start, &invocation.invocation_id));
    let mut roots = Vec::new();
    for invocation in tops {
        if builder.called.contains(invocation.invocation_id.as_str()) && invocation.parent_id.is_some() {
            continue;
        }
        if let Some(root) = builder.root(invocation) {
            roots.push(root);
        }
    }
    // Invocations that call each other in a ring hang on nothing and are called all the same.
    for invocation in &rows.invocations {
        roots.extend(builder.root(invocation));
    }
    roots
}

struct Builder<'a> {
    by_id: BTreeMap<&'a str, &'a Invocation>,
    calls: BTreeMap<&'a str, Vec<&'a Call>>,
    db_calls: BTreeMap<&'a str, Vec<&'a DbCall>>,
    client_calls: BTreeMap<&'a str, &'a Call>,
    called: BTreeSet<&'a str>,
    seen: BTreeSet<&'a str>,
    zero: Timestamp,
}

impl<'a> Builder<'a> {
    fn new(rows: &'a Rows) -> Self {
        let mut calls: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
        let mut client_calls = BTreeMap::new();
        for call in &rows.calls {
            if let Some(caller) = &call.caller_id {
                calls.entry(caller).or_default().push(call);
            } else if let (true, Some(callee)) = (call.from_client, &call.callee_id) {
                client_calls.insert(callee.as_str(), call);
            }
        }
        let mut db_calls: BTreeMap<&str, Vec<&DbCall>> = BTreeMap::new();
        for db_call in &rows.db_calls {
            db_calls.entry(db_call.invocation_id.as_deref().unwrap_or_default()).or_default().push(db_call);
        }
        let called = calls.values().flatten().filter_map(|call| call.callee_id.as_deref()).collect();
        let first = rows.invocations.iter().min_by_key(|invocation| (invocation.parent_id.is_some(), invocation.start));
        Self {
            by_id: rows.invocations.iter().map(|row| (row.invocation_id.as_str(), row)).collect(),
            calls,
            db_calls,
            client_calls,
            called,
            seen: BTreeSet::new(),
            zero: first.map(|invocation| invocation.start).unwrap_or_default(),
        }
    }

    /// The tree under an invocation that is not part of another; `None` where it was seen before.
    fn root(&mut self, invocation: &'a Invocation) -> Option<Edge> {
        let call = self.client_calls.get(invocation.invocation_id.as_str()).copied();
        let node = self.node(invocation, true, 0)?;
        Some(Edge {
            kind: "root".to_owned(),
            function: invocation.function.to_string(),
            call_ms: call.and_then(|call| call.duration_ms),
            network_ms: call.and_then(|call| call.network_ms),
            trigger_delay_ms: None,
            critical: true,
            callee: Some(Box::new(node)),
            start: None,
        })
    }

    fn node(&mut self, invocation: &'a Invocation, critical: bool, depth: usize) -> Option<Node> {
        if depth > DEPTH_MAX || !self.seen.insert(&invocation.invocation_id) {
            return None;
        }
        let id = invocation.invocation_id.as_str();
        let calls = self.calls.remove(id).unwrap_or_default();
        let mut operations: Vec<(Operation, Option<&str>)> =
            calls.into_iter().map(|call| (Operation::Call(edge(call)), call.callee_id.as_deref())).collect();
        let db_calls = self.db_calls.remove(id).unwrap_or_default();
        operations.extend(db_calls.into_iter().map(|row| (Operation::Db(db_operation(row)), None)));
        operations.sort_by_key(|(operation, _)| operation.start());
        if critical {
            mark_critical_path(invocation.end, &mut operations);
        }
        let operations =
            operations.into_iter().map(|(operation, callee)| self.descend(operation, callee, depth)).collect();
        Some(Node { operations, ..self.bare(invocation) })
    }

    /// Adds the callee to a call.
    fn descend(&mut self, operation: Operation, callee: Option<&'a str>, depth: usize) -> Operation {
        match operation {
            Operation::Call(edge) => {
                let found = callee.and_then(|id| self.by_id.get(id).copied());
                let callee = found.and_then(|invocation| self.node(invocation, edge.critical, depth + 1));
                Operation::Call(Edge { callee: callee.map(Box::new), ..edge })
            }
            db @ Operation::Db(_) => db,
        }
    }

    fn bare(&self, invocation: &Invocation) -> Node {
        Node {
            invocation_id: invocation.invocation_id.clone(),
            provider: invocation.provider.to_string(),
            function: invocation.function.to_string(),
            route: invocation.route.as_ref().map(ToString::to_string),
            executor: invocation.executor.to_string(),
            start: invocation.start.to_string(),
            since_root_ms: invocation.start.ms_since(self.zero),
            duration_ms: invocation.duration_ms,
            compute_ms: invocation.compute_ms,
            network_ms: invocation.network_ms,
            db_ms: invocation.db_ms,
            cold: invocation.cold,
            issues: invocation.issues.as_ref().map(ToString::to_string),
            operations: Vec::new(),
        }
    }
}

fn edge(call: &Call) -> Edge {
    Edge {
        kind: call.kind.to_string(),
        function: call.callee_function.to_string(),
        call_ms: call.duration_ms,
        network_ms: call.network_ms,
        trigger_delay_ms: call.trigger_delay_ms,
        critical: false,
        callee: None,
        start: call.start,
    }
}

fn db_operation(row: &DbCall) -> DbOperation {
    DbOperation { action: row.action.to_string(), duration_ms: row.duration_ms, critical: false, start: row.start }
}

/// Marks the operations that the end of their invocation depended on; none where the end is unknown.
fn mark_critical_path(end: Option<Timestamp>, operations: &mut [(Operation, Option<&str>)]) {
    let Some(mut now) = end else { return };
    let mut by_end: Vec<(Timestamp, Timestamp, usize)> = operations
        .iter()
        .enumerate()
        .filter_map(|(i, (operation, _))| operation.interval().map(|(start, end)| (end, start, i)))
        .collect();
    by_end.sort_unstable_by(|a, b| b.cmp(a));
    for (end, start, i) in by_end {
        if end > now {
            continue;
        }
        match &mut operations[i].0 {
            Operation::Call(edge) => edge.critical = true,
            Operation::Db(db) => db.critical = true,
        }
        now = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_795_330_900_000 + ms)
    }

    fn invocation(id: &str, parent: Option<&str>, start: i64, end: i64) -> Invocation {
        Invocation {
            invocation_id: id.to_owned(),
            parent_id: parent.map(str::to_owned),
            function: id.into(),
            start: at(start),
            end: Some(at(end)),
            duration_ms: Some(f64::from(u32::try_from(end - start).expect("a duration"))),
            ..Invocation::default()
        }
    }

    fn call(caller: &str, callee: &str, start: i64, duration_ms: f64) -> Call {
        Call {
            caller_id: Some(caller.to_owned()),
            callee_id: Some(callee.to_owned()),
            callee_function: callee.into(),
            kind: "sync".into(),
            start: Some(at(start)),
            duration_ms: Some(duration_ms),
            ..Call::default()
        }
    }

    fn critical(roots: &[Edge]) -> Vec<&str> {
        let mut found = Vec::new();
        let mut open: Vec<&Edge> = roots.iter().collect();
        while let Some(edge) = open.pop() {
            if edge.critical {
                found.push(edge.function.as_str());
            }
            for operation in edge.callee.iter().flat_map(|node| &node.operations) {
                if let Operation::Call(edge) = operation {
                    open.push(edge);
                }
            }
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn of_two_parallel_calls_the_one_that_returned_last_is_on_the_critical_path() {
        let rows = Rows {
            invocations: vec![
                invocation("root", None, 0, 100),
                invocation("slow", Some("root"), 12, 88),
                invocation("fast", Some("root"), 12, 40),
                invocation("early", Some("root"), 2, 8),
            ],
            calls: vec![call("root", "slow", 10, 80.0), call("root", "fast", 10, 40.0), call("root", "early", 1, 8.0)],
            db_calls: Vec::new(),
        };
        let roots = build(&rows);
        assert_eq!(roots.len(), 1);
        assert_eq!(critical(&roots), ["early", "root", "slow"]);
    }

    #[test]
    fn a_missing_callee_stays_in_the_tree_and_a_stray_invocation_is_a_root() {
        let rows = Rows {
            invocations: vec![invocation("root", None, 0, 100), invocation("stray", Some("gone"), 5, 6)],
            calls: vec![Call { callee_id: None, ..call("root", "lost", 10, 5.0) }],
            db_calls: Vec::new(),
        };
        let roots = build(&rows);
        let functions: Vec<&str> = roots.iter().map(|root| root.function.as_str()).collect();
        assert_eq!(functions, ["root", "stray"]);
        assert_eq!(roots[0].callee.as_ref().map(|node| node.operations.len()), Some(1));
    }

    #[test]
    fn invocations_that_call_each_other_in_a_ring_are_shown_once() {
        let rows = Rows {
            invocations: vec![invocation("a", Some("b"), 0, 10), invocation("b", Some("a"), 1, 9)],
            calls: vec![call("a", "b", 1, 8.0), call("b", "a", 2, 6.0)],
            db_calls: Vec::new(),
        };
        let roots = build(&rows);
        assert_eq!(roots.len(), 1);
    }
}
