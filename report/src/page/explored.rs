//! What of a run the page explores: its traces, where their time went, and the spans of those that can be opened.
//!
//! [`Plan::new`] chooses traces by strata ([`super::strata`]); [`Explored::add`] takes the rows of one part after another
//! and keeps what the plan asks for; [`Explored::encode`] gives the frames ([`super::frame`]):
//!
//! | frame | one row is |
//! |---|---|
//! | `traces` | a trace, with its weight |
//! | `paths` | a call path: a function under its callers |
//! | `own` | time of one category on the critical path of one trace at one call path |
//! | `invocations` | an invocation's duration |
//! | `spans`, `calls`, `operations`, `segments` | rows of `invocations`, `calls`, `db_calls`, `critical_path` of traces that can be opened |
//! | `strata` | a stratum and how many traces were taken from it |
//!
//! `own` and `invocations` are of the traces with a `timed_weight`, the spans of those that are `detailed`. Both are
//! subsets of the traces listed: the strata are the same and the hashes decide in the same order.

use std::collections::HashMap;

use faaslens_schemas::tables::{Call, DbCall, Invocation, PathSegment, Trace};

use super::details::Details;
use super::frame::{Frame, encode};
use super::profile::Profile;
use super::strata::{Candidate, Choice, choose};

/// How much of a run a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Traces listed.
    pub traces: usize,
    /// Invocations under distributions and call paths.
    pub invocations: usize,
    /// Invocations in traces that can be opened.
    pub spans: usize,
}

impl Room {
    /// What a page of one file holds, over all its runs.
    pub const PAGE: Self = Self { traces: 60_000, invocations: 250_000, spans: 40_000 };
    /// Everything but spans: these are asked for trace by trace.
    pub const SERVED: Self = Self { traces: usize::MAX, invocations: usize::MAX, spans: 0 };

    /// The room of each of several runs.
    #[must_use]
    pub fn divided(self, runs: usize) -> Self {
        let share = |room: usize| if room == usize::MAX { room } else { room / runs.max(1) };
        Self { traces: share(self.traces), invocations: share(self.invocations), spans: share(self.spans) }
    }
}

/// Rows of one part of a run.
#[derive(Debug, Clone, Default)]
pub struct PartRows {
    /// Its invocations.
    pub invocations: Vec<Invocation>,
    /// Its calls.
    pub calls: Vec<Call>,
    /// Its database operations.
    pub db_calls: Vec<DbCall>,
    /// Segments of its critical paths.
    pub segments: Vec<PathSegment>,
}

/// Which traces of a run are listed, timed and detailed.
#[derive(Debug, Default)]
pub struct Plan {
    /// Listed traces in order of start, with their weight, their weight among the timed ones and whether they are detailed.
    rows: Vec<(Trace, f64, Option<f64>, bool)>,
    places: HashMap<String, usize>,
    listed: Choice,
    timed: Choice,
    detailed: Choice,
}

impl Plan {
    /// Chooses among all traces of a run.
    pub fn new(mut traces: Vec<Trace>, room: Room) -> Self {
        traces.sort_by(|a, b| (a.start, &a.context_id).cmp(&(b.start, &b.context_id)));
        let candidates: Vec<Candidate> = traces.iter().map(candidate).collect();
        let invocations: i64 = traces.iter().map(|trace| trace.invocations.max(1)).sum();
        let mean = invocations as f64 / traces.len().max(1) as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast to usize saturates")]
        let of_rows = |rows: usize| if rows == usize::MAX { rows } else { (rows as f64 / mean.max(1.0)) as usize };
        let listed = choose(&candidates, room.traces);
        let timed = choose(&candidates, room.traces.min(of_rows(room.invocations)));
        let none = || Choice { weights: vec![None; candidates.len()], strata: Vec::new() };
        let detailed = if room.spans == 0 { none() } else { choose(&candidates, room.traces.min(of_rows(room.spans))) };
        drop(candidates);
        let mut plan = Self { listed, timed, detailed, ..Self::default() };
        for (i, trace) in traces.into_iter().enumerate() {
            let Some(weight) = plan.listed.weights[i] else { continue };
            plan.places.insert(trace.context_id.clone(), plan.rows.len());
            plan.rows.push((trace, weight, plan.timed.weights[i], plan.detailed.weights[i].is_some()));
        }
        plan
    }

    /// A plan with all of one trace.
    pub fn of_one(trace: Trace) -> Self {
        Self::new(vec![trace], Room { traces: 1, invocations: usize::MAX, spans: usize::MAX })
    }

    /// Whether any trace is there.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether spans of any trace are kept.
    pub fn wants_spans(&self) -> bool {
        self.rows.iter().any(|(.., detailed)| *detailed)
    }

    /// Place of a trace that is timed.
    pub(super) fn timed(&self, context: &str) -> Option<usize> {
        self.places.get(context).copied().filter(|&place| self.rows[place].2.is_some())
    }

    /// Place of a trace that is detailed.
    pub(super) fn detailed(&self, context: &str) -> Option<usize> {
        self.places.get(context).copied().filter(|&place| self.rows[place].3)
    }
}

fn candidate(trace: &Trace) -> Candidate<'_> {
    Candidate {
        context: &trace.context_id,
        route: trace.entry_route.as_deref().unwrap_or_default(),
        duration_ms: trace.root_ms.or(trace.client_ms).or(trace.chain_ms),
        complete: trace.complete,
    }
}

/// What is kept of a run.
#[derive(Debug)]
pub struct Explored {
    plan: Plan,
    profile: Profile,
    details: Details,
}

impl Explored {
    /// Nothing yet.
    pub fn new(plan: Plan) -> Self {
        Self { plan, profile: Profile::default(), details: Details::default() }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes the rows of a part. Parts come in order.
    pub fn add(&mut self, rows: PartRows) {
        self.profile.add(&self.plan, &rows);
        self.details.add(&self.plan, rows);
    }

    /// The frames as bytes.
    pub fn encode(self) -> Vec<u8> {
        let mut frames = vec![traces(&self.plan)];
        frames.extend(self.profile.frames());
        frames.extend(self.details.frames());
        frames.push(strata(&self.plan));
        encode(&frames)
    }
}

fn traces(plan: &Plan) -> Frame {
    let rows = &plan.rows;
    let text = |of: fn(&Trace) -> Option<&str>| rows.iter().map(move |row| of(&row.0));
    let ms = |of: fn(&Trace) -> Option<f64>| rows.iter().map(move |row| of(&row.0));
    Frame::new("traces", rows.len())
        .text("context", text(|t| Some(&t.context_id)))
        .text("function", text(|t| t.entry_function.as_deref()))
        .text("route", text(|t| t.entry_route.as_deref()))
        .delta("start", rows.iter().map(|row| Some(row.0.start.micros())))
        .millis("start_uncertainty", ms(|t| t.start_uncertainty_ms))
        .millis("client", ms(|t| t.client_ms))
        .millis("root", ms(|t| t.root_ms))
        .millis("compute", ms(|t| t.compute_ms))
        .millis("network", ms(|t| t.network_ms))
        .millis("db", ms(|t| t.db_ms))
        .millis("cold", ms(|t| t.cold_ms))
        .millis("trigger", ms(|t| t.trigger_ms))
        .millis("client_network", ms(|t| t.client_network_ms))
        .millis("chain", ms(|t| t.chain_ms))
        .int("invocations", rows.iter().map(|row| Some(row.0.invocations)))
        .text("providers", text(|t| Some(&t.providers)))
        .int("cold_starts", rows.iter().map(|row| Some(row.0.cold_starts)))
        .flag("complete", rows.iter().map(|row| Some(row.0.complete)))
        .text("issues", text(|t| t.issues.as_deref()))
        .real("weight", rows.iter().map(|row| row.1))
        .real("timed_weight", rows.iter().map(|row| row.2.unwrap_or(f64::NAN)))
        .flag("detailed", rows.iter().map(|row| Some(row.3)))
}

fn strata(plan: &Plan) -> Frame {
    let strata = &plan.listed.strata;
    let taken = |choice: &Choice| -> Vec<Option<i64>> {
        let of = |place: usize| choice.strata.get(place).map_or(0, |stratum| stratum.taken);
        (0..strata.len()).map(|place| i64::try_from(of(place)).ok()).collect()
    };
    Frame::new("strata", strata.len())
        .text("route", strata.iter().map(|stratum| Some(stratum.route.as_str())))
        .text("stratum", strata.iter().map(|stratum| Some(stratum.name)))
        .int("of", strata.iter().map(|stratum| i64::try_from(stratum.of).ok()))
        .int("listed", taken(&plan.listed).into_iter())
        .int("timed", taken(&plan.timed).into_iter())
        .int("detailed", taken(&plan.detailed).into_iter())
}
