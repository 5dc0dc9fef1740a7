//! One context while it is assembled: its invocations, their outgoing operations, and who called whom.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::clock::ExecutorClock;
use super::entries::{Entry, NO_PAIR, Op, Part};
use super::issues::{Issue, IssueSet};
use super::path::CriticalPath;
use super::spans::{self, Span};
use crate::facts::{Name, Trigger, WallShares};

/// Invocations of one pair and executor that are looked through for the one an operation belongs to.
const LOOK_BACK: usize = 64;

/// Who called an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Nobody the logs know.
    Nobody,
    /// The client, by its position among the context's requests.
    Client(usize),
    /// An operation of another invocation, by its position.
    Call(usize),
    /// The invocation of the publisher, by its position.
    Publisher(usize),
}

/// One execution of one function.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    pub(super) pair: u32,
    pub(super) site: u32,
    pub(super) trigger: Trigger,
    pub(super) route: Option<Name>,
    pub(super) agent: Option<Name>,
    /// Position, from 1, among those of the same pair, function and operation.
    pub(super) number: u32,
    pub(super) start_ms: f64,
    pub(super) start_us: i64,
    pub(super) start_logged_us: Option<i64>,
    pub(super) logged_us: i64,
    pub(super) duration_ms: Option<f64>,
    pub(super) cold: Option<bool>,
    /// Whether its executor was initialised just before it, by its own cold start or by the platform's report.
    pub(super) initialised: bool,
    pub(super) issues: IssueSet,
    pub(super) caller: Caller,
    pub(super) parent: Option<usize>,
    pub(super) caller_ms: Option<f64>,
    pub(super) root: Option<usize>,
    pub(super) depth: Option<u32>,
    pub(super) calls: u32,
    pub(super) calls_sum_ms: f64,
    pub(super) db_ops: u32,
    pub(super) db_sum_ms: f64,
    /// Division of its own duration: callees count as network, whole.
    pub(super) own: Option<WallShares>,
    /// Delays on the longest chain of events below it.
    pub(super) trigger_ms: Option<f64>,
    /// Whom it called or triggered on that chain.
    pub(super) trigger_next: Option<usize>,
}

/// One outgoing call or database operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) owner: Option<usize>,
    pub(super) pair: u32,
    pub(super) site: u32,
    pub(super) is_call: bool,
    pub(super) label: Option<Name>,
    pub(super) callee_pair: u32,
    pub(super) start_ms: f64,
    pub(super) start_us: i64,
    pub(super) logged_us: i64,
    pub(super) duration_ms: Option<f64>,
    pub(super) callee: Option<usize>,
}

impl Operation {
    /// End on the monotonic clock of its executor; `None` where it never ended.
    pub(super) fn end_ms(&self) -> Option<f64> {
        Some(self.start_ms + self.duration_ms?)
    }
}

/// One request of the client in this context.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientCall<'a> {
    pub(super) context: u32,
    pub(super) pair: u32,
    pub(super) sent_us: i64,
    pub(super) elapsed_ms: Option<f64>,
    pub(super) url: &'a str,
    pub(super) callee: Option<usize>,
}

/// Proofs that entries were logged at a site in a second, and how many of these are missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Halves {
    pub(super) site: u32,
    pub(super) second: i64,
    pub(super) expected: u32,
    pub(super) missing: u32,
}

/// A context under assembly; reused from context to context.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    pub(super) invocations: Vec<Invocation>,
    /// In order of start.
    pub(super) operations: Vec<Operation>,
    pub(super) clients: Vec<ClientCall<'a>>,
    /// Events: positions of the publisher's and of the triggered invocation.
    pub(super) events: Vec<(usize, usize)>,
    /// Issues of the context that belong to no invocation.
    pub(super) issues: IssueSet,
    pub(super) counts: BTreeMap<Issue, u64>,
    /// Proofs of entries and missing entries, by site and second.
    pub(super) halves: Vec<Halves>,
    /// Position of the root.
    pub(super) root: Option<usize>,
    pub(super) path: CriticalPath,
    /// When the first record of the context was logged.
    pub(super) first_logged_us: Option<i64>,
    origins: HashMap<u32, i64>,
    spans: Vec<Span>,
}

impl<'a> Tree<'a> {
    /// Gathers invocations and operations from a context's entries, which are sorted on the way.
    pub(super) fn gather(&mut self, entries: &mut [Entry], part: &Part<'a>) {
        self.invocations.clear();
        self.operations.clear();
        self.clients.clear();
        self.events.clear();
        self.halves.clear();
        self.issues = IssueSet::default();
        self.root = None;
        self.first_logged_us = entries.iter().map(|entry| entry.logged_us).min();
        entries.sort_unstable_by(by_mark);
        self.guess_origins(entries, part);
        for group in entries.chunk_by(|a, b| (a.pair, a.site) == (b.pair, b.site)) {
            self.gather_group(group, part);
        }
        self.order_invocations(part);
        self.order_operations(part);
        self.sum_operations();
    }

    /// Counts an anomaly, and marks the invocation it belongs to, or else the context.
    pub(super) fn note(&mut self, invocation: Option<usize>, issue: Issue) {
        *self.counts.entry(issue).or_default() += 1;
        match invocation {
            Some(position) => self.invocations[position].issues.add(issue),
            None => self.issues.add(issue),
        }
    }

    /// The instant of a monotonic reading of an executor, microseconds since the Unix epoch.
    pub(super) fn instant_us(&self, site: u32, at_ms: f64, part: &Part<'_>) -> i64 {
        match part.sites[site as usize].clock {
            Some(clock) => clock.instant_us(at_ms),
            None => plus_ms(self.origins.get(&site).copied().unwrap_or_default(), at_ms),
        }
    }

    /// From a reading of one executor's clock to one of another's, without rounding to microseconds where both are known.
    pub(super) fn ms_between(&self, from: (u32, f64), to: (u32, f64), part: &Part<'_>) -> f64 {
        let clock = |site: u32| part.sites[site as usize].clock;
        match (clock(from.0), clock(to.0)) {
            (Some(other), Some(clock)) => clock.ms_since(to.1, other, from.1),
            _ => self.instant_us(to.0, to.1, part).wrapping_sub(self.instant_us(from.0, from.1, part)) as f64 / 1000.0,
        }
    }

    /// For executors that the run does not list: a line is logged after its event, so the least difference is nearest.
    fn guess_origins(&mut self, entries: &[Entry], part: &Part<'_>) {
        self.origins.clear();
        for entry in entries {
            if part.sites[entry.site as usize].clock.is_none() && entry.op != Op::Request {
                let origin = plus_ms(entry.logged_us, -entry.start_ms);
                let least = self.origins.entry(entry.site).or_insert(origin);
                *least = origin.min(*least);
            }
        }
    }

    fn gather_group(&mut self, group: &[Entry], part: &Part<'_>) {
        let first = self.invocations.len();
        let handlers = group.partition_point(|entry| entry.op.is_handler());
        let requests = group.partition_point(|entry| entry.op <= Op::Request);
        for mark in group[..handlers].chunk_by(|a, b| (a.op, a.label) == (b.op, b.label)) {
            self.gather_handler(mark, part);
        }
        self.invocations[first..].sort_by(|a, b| by_start(a, b, part));
        self.assign_agents(first, &group[handlers..requests]);
        let same = |a: &Entry, b: &Entry| (a.op, a.label, a.callee_pair) == (b.op, b.label, b.callee_pair);
        for mark in group[requests..].chunk_by(same) {
            self.gather_operation(first, mark, part);
        }
        if self.invocations.len() == first {
            self.note(None, Issue::HandlerMissing);
        }
    }

    fn gather_handler(&mut self, mark: &[Entry], part: &Part<'_>) {
        let mut spans = std::mem::take(&mut self.spans);
        spans.clear();
        spans::join(mark, &mut spans);
        let entry = mark[0];
        for span in &spans {
            self.count_halves(entry.site, span);
            let position = self.invocations.len();
            self.invocations.push(self.invocation(&entry, span, part));
            self.note_span(Some(position), span, [Issue::NoStart, Issue::NoEnd]);
            match part.sites[entry.site as usize].clock {
                None => self.note(Some(position), Issue::UnknownExecutor),
                Some(clock) if clock.stepped => self.note(Some(position), Issue::ClockStepped),
                Some(_) => {}
            }
        }
        self.spans = spans;
    }

    fn invocation(&self, entry: &Entry, span: &Span, part: &Part<'_>) -> Invocation {
        let clock = part.sites[entry.site as usize].clock.filter(|_| span.has_start);
        let is_first = |clock: &ExecutorClock| clock.first_start_ms.is_some_and(|ms| (ms - span.start_ms).abs() < 1e-6);
        let (trigger, route) = match entry.op {
            Op::Route => (Trigger::Http, entry.label),
            Op::Msg => (Trigger::Msg, None),
            _ => (Trigger::Rpc, None),
        };
        Invocation {
            pair: entry.pair,
            site: entry.site,
            trigger,
            route,
            agent: None,
            number: 0,
            start_ms: span.start_ms,
            start_us: self.instant_us(entry.site, span.start_ms, part),
            start_logged_us: span.start_logged_us,
            logged_us: span.logged_us,
            duration_ms: span.duration_ms,
            cold: clock.filter(|clock| clock.cold_start_logged).map(is_first),
            initialised: clock.is_some_and(|clock| (clock.cold_start_logged || clock.initialised) && is_first(clock)),
            issues: IssueSet::default(),
            caller: Caller::Nobody,
            parent: None,
            caller_ms: None,
            root: None,
            depth: None,
            calls: 0,
            calls_sum_ms: 0.0,
            db_ops: 0,
            db_sum_ms: 0.0,
            own: None,
            trigger_ms: None,
            trigger_next: None,
        }
    }

    fn count_halves(&mut self, site: u32, span: &Span) {
        let (expected, missing) = span.halves();
        let second = span.logged_us.div_euclid(1_000_000);
        match self.halves.last_mut() {
            Some(last) if (last.site, last.second) == (site, second) => {
                last.expected = last.expected.saturating_add(expected);
                last.missing = last.missing.saturating_add(missing);
            }
            _ if expected > 0 => self.halves.push(Halves { site, second, expected, missing }),
            _ => {}
        }
    }

    fn note_span(&mut self, owner: Option<usize>, span: &Span, [no_start, no_end]: [Issue; 2]) {
        for issue in span.issues.iter() {
            self.note(owner, issue);
        }
        if !span.has_start {
            self.note(owner, no_start);
        }
        if !span.has_end {
            self.note(owner, no_end);
        }
    }

    /// Requests of a pair and executor belong to its invocations in order: the k-th logged to the k-th started.
    fn assign_agents(&mut self, first: usize, requests: &[Entry]) {
        let mut requests: Vec<&Entry> = requests.iter().collect();
        requests.sort_by_key(|entry| entry.logged_us);
        let called = self.invocations[first..].iter_mut().filter(|invocation| invocation.trigger != Trigger::Msg);
        for (invocation, request) in called.zip(requests) {
            invocation.agent = request.label;
        }
    }

    fn gather_operation(&mut self, first: usize, mark: &[Entry], part: &Part<'_>) {
        let mut spans = std::mem::take(&mut self.spans);
        spans.clear();
        spans::join(mark, &mut spans);
        let entry = mark[0];
        for span in &spans {
            self.count_halves(entry.site, span);
            let owner = self.owner_of(first, span.start_ms);
            self.note_span(owner, span, [Issue::OperationWithoutStart, Issue::OperationWithoutEnd]);
            self.operations.push(Operation {
                owner,
                pair: entry.pair,
                site: entry.site,
                is_call: entry.op == Op::RpcOut,
                label: entry.label,
                callee_pair: entry.callee_pair,
                start_ms: span.start_ms,
                start_us: self.instant_us(entry.site, span.start_ms, part),
                logged_us: span.logged_us,
                duration_ms: span.duration_ms,
                callee: None,
            });
        }
        self.spans = spans;
    }

    /// The invocation of a pair and executor that contains a moment; else the last that started before it; else the
    /// first.
    fn owner_of(&self, first: usize, at_ms: f64) -> Option<usize> {
        let group = &self.invocations[first..];
        let before = group.partition_point(|invocation| invocation.start_ms <= at_ms);
        let contains = |position: &usize| {
            let invocation = &group[*position];
            invocation.duration_ms.is_none_or(|duration| at_ms <= invocation.start_ms + duration)
        };
        let containing = (0..before).rev().take(LOOK_BACK).find(contains);
        let owner = containing.or(before.checked_sub(1)).or((!group.is_empty()).then_some(0))?;
        Some(first + owner)
    }

    fn order_invocations(&mut self, part: &Part<'_>) {
        let mut order: Vec<usize> = (0..self.invocations.len()).collect();
        if order.len() > 1 {
            let all = &self.invocations;
            order.sort_by(|a, b| by_start(&all[*a], &all[*b], part));
            let mut place = vec![0; order.len()];
            for (new, old) in order.iter().enumerate() {
                place[*old] = new;
            }
            self.invocations = order.iter().map(|old| self.invocations[*old].clone()).collect();
            for operation in &mut self.operations {
                operation.owner = operation.owner.map(|old| place[old]);
            }
        }
        let mut seen: HashMap<(u32, Name, Trigger, Option<Name>), u32> = HashMap::new();
        for invocation in &mut self.invocations {
            let function = part.sites[invocation.site as usize].function;
            let n = seen.entry((invocation.pair, function, invocation.trigger, invocation.route)).or_default();
            *n += 1;
            invocation.number = *n;
        }
    }

    fn order_operations(&mut self, part: &Part<'_>) {
        self.operations.sort_by(|a, b| {
            let key = |x: &Operation| (x.start_us, x.owner, x.is_call);
            let duration = |x: &Operation| x.duration_ms.unwrap_or(f64::INFINITY);
            key(a)
                .cmp(&key(b))
                .then(a.start_ms.total_cmp(&b.start_ms))
                .then_with(|| text_of(a.label, part).cmp(text_of(b.label, part)))
                .then_with(|| part.pairs.text(a.callee_pair).cmp(part.pairs.text(b.callee_pair)))
                .then_with(|| duration(a).total_cmp(&duration(b)))
                .then_with(|| part.pairs.text(a.pair).cmp(part.pairs.text(b.pair)))
                .then_with(|| by_site(a.site, b.site, part))
        });
    }

    fn sum_operations(&mut self) {
        for operation in &self.operations {
            let Some(owner) = operation.owner else { continue };
            let owner = &mut self.invocations[owner];
            let (n, sum) = if operation.is_call {
                (&mut owner.calls, &mut owner.calls_sum_ms)
            } else {
                (&mut owner.db_ops, &mut owner.db_sum_ms)
            };
            *n += 1;
            *sum += operation.duration_ms.unwrap_or(0.0);
        }
    }
}

/// A moment later by `ms`, both rounded to microseconds.
pub(super) fn plus_ms(us: i64, ms: f64) -> i64 {
    faaslens_schemas::time::Timestamp::from_micros(us).plus_ms(ms).micros()
}

/// Entries of one mark side by side, in the order in which they are joined.
fn by_mark(a: &Entry, b: &Entry) -> Ordering {
    let mark = |x: &Entry| (x.pair, x.site, x.op, x.label, x.callee_pair, x.kind);
    mark(a)
        .cmp(&mark(b))
        .then(a.start_ms.total_cmp(&b.start_ms))
        .then(a.duration_ms.total_cmp(&b.duration_ms))
        .then(a.logged_us.cmp(&b.logged_us))
}

fn by_start(a: &Invocation, b: &Invocation, part: &Part<'_>) -> Ordering {
    a.start_us
        .cmp(&b.start_us)
        .then_with(|| part.pairs.text(a.pair).cmp(part.pairs.text(b.pair)))
        .then_with(|| by_site(a.site, b.site, part))
        .then_with(|| a.trigger.cmp(&b.trigger))
        .then_with(|| text_of(a.route, part).cmp(text_of(b.route, part)))
        .then(a.start_ms.total_cmp(&b.start_ms))
        .then_with(|| a.duration_ms.unwrap_or(-1.0).total_cmp(&b.duration_ms.unwrap_or(-1.0)))
}

fn by_site(a: u32, b: u32, part: &Part<'_>) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let texts = |site: u32| {
        let site = &part.sites[site as usize];
        [site.function, site.provider, site.executor].map(|name| part.names.text(name))
    };
    texts(a).cmp(&texts(b))
}

/// The text of a name that may be missing.
pub(super) fn text_of<'p>(name: Option<Name>, part: &'p Part<'_>) -> &'p str {
    name.map_or("", |name| part.names.text(name))
}

/// Whether an operation or invocation has a pair that links it to anything.
pub(super) fn linked(pair: u32) -> bool {
    pair != NO_PAIR
}
