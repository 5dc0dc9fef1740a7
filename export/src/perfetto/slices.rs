//! A trace as slices: what lies on tracks, before it is known on which.

use faaslens_schemas::tables::{Call, DbCall, Invocation};

use crate::rows::{Links, TraceRows, micros};

/// What a slice stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum What<'a> {
    Invocation(&'a Invocation),
    Call(&'a Call),
    Db(&'a DbCall),
}

/// Whose slice it is: run by run, provider, function, executor; the executor is empty where it is unknown.
pub(super) type Owner<'a> = (&'a str, &'a str, &'a str);

/// The load generator's track.
pub(super) const CLIENT: Owner<'static> = ("client", "load generator", "");

/// One slice, not yet on a track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice<'a> {
    pub(super) what: What<'a>,
    pub(super) owner: Owner<'a>,
    /// Place of the slice of the invocation that it is part of.
    pub(super) within: Option<usize>,
    /// Microseconds since the Unix epoch, at least 0.
    pub(super) start: i64,
    /// `None` where it never ended: drawn as an instant.
    pub(super) end: Option<i64>,
}

/// A caller's slice and a callee's, by their places.
pub(super) type Edge = (usize, usize);

/// Slices and edges of a trace, always in the same order, and the number of calls that nothing dates.
#[derive(Debug)]
pub(super) struct Slices<'a> {
    pub(super) all: Vec<Slice<'a>>,
    pub(super) edges: Vec<Edge>,
    pub(super) undated: u64,
}

/// The slices of a trace: invocations first, then calls and database operations, in the order of the store.
pub(super) fn slices(rows: &TraceRows) -> Slices<'_> {
    let links = Links::new(rows);
    let mut slices: Vec<Slice<'_>> = rows.invocations.iter().map(of_invocation).collect();
    let (mut edges, mut undated) = (Vec::new(), 0);
    for call in &rows.calls {
        let caller = links.place(call.caller_id.as_deref());
        let callee = links.place(call.callee_id.as_deref());
        if &*call.kind == "async" {
            edges.extend(caller.zip(callee));
            continue;
        }
        let Some(start) = call.start else {
            undated += 1;
            continue;
        };
        edges.extend(callee.map(|callee| (slices.len(), callee)));
        let start = start.micros().max(0);
        slices.push(Slice {
            what: What::Call(call),
            owner: owner_of_call(rows, call, caller),
            within: caller,
            start,
            end: call.duration_ms.map(|ms| start.saturating_add(micros(ms))),
        });
    }
    slices.extend(rows.db_calls.iter().map(|row| {
        let within = links.place(row.invocation_id.as_deref());
        let start = row.start.micros().max(0);
        let unknown = (&*row.provider, &*row.function, "");
        Slice {
            what: What::Db(row),
            owner: within.map_or(unknown, |i| owner(&rows.invocations[i])),
            within,
            start,
            end: row.duration_ms.map(|ms| start.saturating_add(micros(ms))),
        }
    }));
    Slices { all: slices, edges, undated }
}

fn owner(row: &Invocation) -> Owner<'_> {
    (&row.provider, &row.function, &row.executor)
}

fn of_invocation(row: &Invocation) -> Slice<'_> {
    let start = row.start.micros().max(0);
    Slice {
        what: What::Invocation(row),
        owner: owner(row),
        within: None,
        start,
        end: row.duration_ms.map(|ms| start.saturating_add(micros(ms))),
    }
}

fn owner_of_call<'a>(rows: &'a TraceRows, call: &'a Call, caller: Option<usize>) -> Owner<'a> {
    match caller {
        Some(place) => owner(&rows.invocations[place]),
        None if call.from_client => CLIENT,
        None => {
            let provider = call.caller_provider.as_deref().unwrap_or("unknown provider");
            (provider, call.caller_function.as_deref().unwrap_or("unknown caller"), "")
        }
    }
}
