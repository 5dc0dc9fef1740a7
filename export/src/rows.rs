//! One trace as the store has it, and how its rows hang together.

use std::collections::BTreeMap;

use faaslens_schemas::tables::{Call, DbCall, Invocation, PathSegment, Trace};

/// The rows of one context, each table in the order of the store.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TraceRows {
    /// The trace itself.
    pub trace: Trace,
    /// Its invocations, in order of start.
    pub invocations: Vec<Invocation>,
    /// Its calls.
    pub calls: Vec<Call>,
    /// Its database operations.
    pub db_calls: Vec<DbCall>,
    /// Segments of its critical path.
    pub critical_path: Vec<PathSegment>,
}

/// A trace and the run that it is of.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Run id.
    pub run: &'a str,
    /// The trace.
    pub rows: &'a TraceRows,
}

/// Deepest call path followed; hostile rows may call each other in a ring.
const DEPTH_MAX: usize = 200;

/// Rows found by what points at them.
#[derive(Debug)]
pub(crate) struct Links<'a> {
    rows: &'a TraceRows,
    invocations: BTreeMap<&'a str, usize>,
    /// Place among the calls, by callee.
    called_by: BTreeMap<&'a str, usize>,
}

impl<'a> Links<'a> {
    pub(crate) fn new(rows: &'a TraceRows) -> Self {
        let by_id = rows.invocations.iter().enumerate().map(|(i, row)| (row.invocation_id.as_str(), i));
        let by_callee = rows.calls.iter().enumerate().filter_map(|(i, call)| Some((call.callee_id.as_deref()?, i)));
        Self { rows, invocations: by_id.collect(), called_by: by_callee.collect() }
    }

    /// Place of an invocation among those of the trace.
    pub(crate) fn place(&self, id: Option<&str>) -> Option<usize> {
        self.invocations.get(id?).copied()
    }

    /// Place of the call that an invocation answers.
    pub(crate) fn call_of(&self, id: &str) -> Option<usize> {
        self.called_by.get(id).copied()
    }

    /// Names from the root down to an invocation; where the way up is broken, from the last one known.
    pub(crate) fn path(&self, id: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut at = self.place(Some(id));
        while let Some(row) = at.and_then(|i| self.rows.invocations.get(i)).filter(|_| names.len() < DEPTH_MAX) {
            names.push(name_of(row));
            at = self.place(row.parent_id.as_deref());
        }
        names.reverse();
        names
    }
}

/// What an invocation is called: `frontend GET /cart`, or the function alone where it has no route.
pub(crate) fn name_of(row: &Invocation) -> String {
    match &row.route {
        Some(route) => format!("{} {}", &*row.function, &**route),
        None => row.function.to_string(),
    }
}

/// Milliseconds as whole microseconds; nothing and what is below 0 gives 0.
#[expect(clippy::cast_possible_truncation, reason = "saturating float-to-int cast is what is wanted")]
pub(crate) fn micros(ms: f64) -> i64 {
    ((ms * 1000.0).round() as i64).max(0)
}
