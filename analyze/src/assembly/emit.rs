//! A finished context becomes rows of the tables and slim facts.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use faaslens_schemas::Result;
use faaslens_schemas::time::Timestamp;
use foldhash::quality::RandomState;

use super::entries::{NO_PAIR, Part};
use super::issues::IssueSet;
use super::run::{ClientClock, RunContext};
use super::sheets::{CallSheet, DbSheet, InvocationSheet, PathSheet, TraceSheet};
use super::tree::{Caller, ClientCall, Invocation, Tree, plus_ms};
use super::{Options, PartOutput};
use crate::facts::{BefaasShares, Facts, InvocationFact, Name, NameTable, SetFact, TraceFact, Trigger};

/// Names that rows use over and over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) client: Name,
    pub(super) unknown: Name,
    pub(super) sync: Name,
    pub(super) asynchronous: Name,
    triggers: [Name; 3],
    pub(super) path: PathWords,
}

/// Names in rows of the critical path.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathWords {
    pub(super) root: Name,
    pub(super) event: Name,
    pub(super) compute: Name,
    pub(super) network: Name,
    pub(super) db: Name,
    pub(super) cold: Name,
    pub(super) trigger: Name,
    pub(super) client_network: Name,
}

impl PathWords {
    fn of(names: &mut NameTable) -> Self {
        Self {
            root: names.intern("root"),
            event: names.intern("event"),
            compute: names.intern("compute"),
            network: names.intern("network"),
            db: names.intern("db"),
            cold: names.intern("cold"),
            trigger: names.intern("trigger"),
            client_network: names.intern("client_network"),
        }
    }
}

impl Words {
    fn of(names: &mut NameTable) -> Self {
        let triggers = [Trigger::Rpc, Trigger::Http, Trigger::Msg].map(|trigger| names.intern(trigger.as_str()));
        Self {
            client: names.intern("client"),
            unknown: names.intern("unknown"),
            sync: names.intern("sync"),
            asynchronous: names.intern("async"),
            triggers,
            path: PathWords::of(names),
        }
    }
}

/// Everything that is written while contexts are assembled one after another.
#[derive(Debug)]
pub(super) struct Emitter {
    pub(super) words: Words,
    pub(super) client: ClientClock,
    pub(super) facts: Facts,
    pub(super) calls: CallSheet,
    pub(super) path: PathSheet,
    /// Codes of the current context's invocation ids in `path`.
    pub(super) path_codes: Vec<Option<i32>>,
    /// Where the functions of the current context are among the path facts.
    pub(super) path_places: HashMap<(Name, Name), usize, RandomState>,
    invocations: InvocationSheet,
    db_calls: DbSheet,
    traces: TraceSheet,
    sets: Vec<Vec<Option<Name>>>,
    complete_only: bool,
    issue_names: HashMap<IssueSet, Name>,
    /// Invocation ids of the current context, end to end, and where each lies.
    pub(super) ids: String,
    pub(super) id_ranges: Vec<Range<usize>>,
}

impl Emitter {
    pub(super) fn new(part: &mut Part<'_>, run: &RunContext, options: &Options) -> Self {
        let words = Words::of(&mut part.names);
        let sets = options.sets.iter().map(|set| set.functions().map(|function| part.names.find(function)).collect());
        Self {
            words,
            client: run.client(),
            facts: Facts::default(),
            calls: CallSheet::default(),
            path: PathSheet::default(),
            path_codes: Vec::new(),
            path_places: HashMap::default(),
            invocations: InvocationSheet::default(),
            db_calls: DbSheet::default(),
            traces: TraceSheet::default(),
            sets: sets.collect(),
            complete_only: options.complete_only,
            issue_names: HashMap::new(),
            ids: String::new(),
            id_ranges: Vec::new(),
        }
    }

    /// Writes a context's rows.
    pub(super) fn emit(&mut self, context_id: &str, tree: &Tree<'_>, part: &mut Part<'_>) {
        let kept = (self.facts.invocations.len(), self.facts.calls.len(), self.facts.sets.len());
        let traces = self.facts.traces.len();
        self.name_invocations(context_id, tree, part);
        for position in 0..tree.invocations.len() {
            self.emit_invocation(context_id, position, tree, part);
        }
        self.emit_calls(context_id, tree, part);
        self.emit_db_calls(context_id, tree, part);
        self.emit_path(context_id, tree, part);
        self.emit_trace(context_id, tree, part);
        let start = self.facts.traces.last().map(|trace| trace.start).unwrap_or_default();
        for (set, functions) in self.sets.iter().enumerate() {
            if let Some((shares, complete)) = tree.set_sums(functions, part) {
                self.facts.sets.push(SetFact { set: super::entries::dense(set), start, shares, complete });
            }
        }
        if self.complete_only && !self.facts.traces[traces..].iter().any(|trace| trace.complete) {
            self.facts.invocations.truncate(kept.0);
            self.facts.calls.truncate(kept.1);
            self.facts.sets.truncate(kept.2);
        }
    }

    /// The tables and facts of all contexts written.
    pub(super) fn finish(mut self, names: NameTable, tree: &Tree<'_>) -> Result<PartOutput> {
        self.facts.shrink();
        for (issue, n) in &tree.counts {
            *self.facts.issues.entry(issue.as_str()).or_default() += n;
        }
        let output = PartOutput {
            invocations: self.invocations.finish(&names)?,
            calls: self.calls.finish(&names)?,
            db_calls: self.db_calls.finish(&names)?,
            traces: self.traces.finish(&names)?,
            critical_path: self.path.finish(&names)?,
            facts: Facts { names, ..self.facts },
        };
        Ok(output)
    }

    /// The id of an invocation of the current context.
    pub(super) fn id(&self, position: Option<usize>) -> Option<&str> {
        Some(&self.ids[self.id_ranges[position?].clone()])
    }

    fn name_invocations(&mut self, context_id: &str, tree: &Tree<'_>, part: &Part<'_>) {
        self.ids.clear();
        self.id_ranges.clear();
        for invocation in &tree.invocations {
            let from = self.ids.len();
            let pair = if invocation.pair == NO_PAIR { "-" } else { part.pairs.text(invocation.pair) };
            let function = part.names.text(part.sites[invocation.site as usize].function);
            let operation = match invocation.trigger {
                Trigger::Rpc => "rpc_in",
                Trigger::Msg => "msg",
                Trigger::Http => super::tree::text_of(invocation.route, part),
            };
            let number = invocation.number;
            write!(self.ids, "{context_id}/{pair}/{function}/{operation}/{number}").expect("a String takes any text");
            self.id_ranges.push(from..self.ids.len());
        }
    }

    fn issues_name(&mut self, issues: IssueSet, names: &mut NameTable) -> Option<Name> {
        if issues.is_empty() {
            return None;
        }
        Some(*self.issue_names.entry(issues).or_insert_with(|| names.intern(&issues.text())))
    }

    fn emit_invocation(&mut self, context_id: &str, position: usize, tree: &Tree<'_>, part: &mut Part<'_>) {
        let invocation = &tree.invocations[position];
        let site = part.sites[invocation.site as usize];
        let issues = self.issues_name(invocation.issues, &mut part.names);
        let rows = &mut self.invocations;
        let id = |position: usize| &self.ids[self.id_ranges[position].clone()];
        rows.invocation_id.put(Some(id(position)));
        rows.parent_id.put(invocation.parent.map(id));
        rows.root_id.put(invocation.root.map(id));
        rows.depth.put(invocation.depth);
        rows.context_id.put(Some(context_id));
        rows.pair_id.put((invocation.pair != NO_PAIR).then(|| part.pairs.text(invocation.pair)));
        rows.provider.put(Some(site.provider));
        rows.function.put(Some(site.function));
        rows.executor.put(Some(site.executor));
        rows.trigger.put(Some(self.words.triggers[invocation.trigger as usize]));
        rows.route.put(invocation.route);
        rows.start.put(Some(invocation.start_us));
        rows.start_uncertainty_ms.put(site.clock.map(|clock| clock.uncertainty_ms(invocation.start_ms)));
        rows.clock_shift_ms.put(site.clock.and_then(|clock| clock.shift_ms(invocation.start_ms)));
        rows.end.put(invocation.duration_ms.map(|duration| plus_ms(invocation.start_us, duration)));
        rows.duration_ms.put(invocation.duration_ms);
        rows.compute_ms.put(invocation.own.map(|own| own.compute_ms));
        rows.network_ms.put(invocation.own.map(|own| own.network_ms));
        rows.db_ms.put(invocation.own.map(|own| own.db_ms));
        rows.calls.put(Some(invocation.calls));
        rows.db_ops.put(Some(invocation.db_ops));
        rows.calls_sum_ms.put(Some(invocation.calls_sum_ms));
        rows.db_sum_ms.put(Some(invocation.db_sum_ms));
        rows.user_agent.put(invocation.agent);
        rows.cold.put(invocation.cold);
        rows.complete.put(Some(invocation.issues.is_complete()));
        rows.issues.put(issues);
        self.facts.invocations.push(invocation_fact(invocation, site.provider, site.function));
    }

    fn emit_db_calls(&mut self, context_id: &str, tree: &Tree<'_>, part: &mut Part<'_>) {
        for operation in tree.operations.iter().filter(|operation| !operation.is_call) {
            let site = part.sites[operation.site as usize];
            let action = operation.label.unwrap_or_else(|| part.names.intern(""));
            let rows = &mut self.db_calls;
            rows.context_id.put(Some(context_id));
            rows.invocation_id.put(operation.owner.map(|owner| &self.ids[self.id_ranges[owner].clone()]));
            rows.provider.put(Some(site.provider));
            rows.function.put(Some(site.function));
            rows.action.put(Some(action));
            rows.start.put(Some(operation.start_us));
            rows.duration_ms.put(operation.duration_ms);
        }
    }

    fn emit_trace(&mut self, context_id: &str, tree: &Tree<'_>, part: &mut Part<'_>) {
        let Some(fact) = trace_fact(tree, part) else { return };
        let mut issues = tree.issues;
        for invocation in &tree.invocations {
            issues.join(invocation.issues);
        }
        let issues = self.issues_name(issues, &mut part.names);
        let (befaas_compute, befaas_network, befaas_db) = tree.befaas_sums();
        let rows = &mut self.traces;
        rows.context_id.put(Some(context_id));
        rows.entry_function.put(fact.entry_function);
        rows.entry_route.put(fact.entry_route);
        rows.start.put(Some(fact.start.micros()));
        let first = first_invocation(tree);
        let clock = first.and_then(|first| part.sites[first.site as usize].clock.zip(Some(first.start_ms)));
        rows.start_uncertainty_ms.put(clock.map(|(clock, at_ms)| clock.uncertainty_ms(at_ms)));
        rows.clock_shift_ms.put(clock.and_then(|(clock, at_ms)| clock.shift_ms(at_ms)));
        rows.client_ms.put(fact.client_ms);
        rows.root_ms.put(fact.root_ms);
        rows.compute_ms.put(fact.wall.map(|wall| wall.compute_ms));
        rows.network_ms.put(fact.wall.map(|wall| wall.network_ms));
        rows.db_ms.put(fact.wall.map(|wall| wall.db_ms));
        rows.cold_ms.put(fact.wall.map(|wall| wall.cold_ms));
        rows.trigger_ms.put(fact.trigger_ms);
        rows.client_network_ms.put(fact.client_network_ms);
        rows.befaas_compute_ms.put(befaas_compute);
        rows.befaas_network_ms.put(befaas_network);
        rows.befaas_db_ms.put(befaas_db);
        rows.chain_ms.put(fact.chain_ms);
        rows.invocations.put(Some(fact.invocations));
        rows.providers.put(Some(providers(tree, part)));
        rows.cold_starts.put(Some(fact.cold_starts));
        rows.complete.put(Some(fact.complete));
        rows.issues.put(issues);
        if fact.complete {
            self.add_path_facts(tree, part);
        }
        self.facts.traces.push(fact);
    }
}

fn invocation_fact(invocation: &Invocation, provider: Name, function: Name) -> InvocationFact {
    InvocationFact {
        provider,
        function,
        trigger: invocation.trigger,
        route: invocation.route,
        start: Timestamp::from_micros(invocation.start_us),
        duration_ms: invocation.duration_ms,
        caller_ms: invocation.caller_ms,
        cold: invocation.cold,
        complete: invocation.issues.is_complete(),
        user_agent: invocation.agent,
    }
}

/// Names of the providers of a context, sorted, `+`-separated, as one name.
fn providers(tree: &Tree<'_>, part: &mut Part<'_>) -> Name {
    let provider = |invocation: &Invocation| part.sites[invocation.site as usize].provider;
    let mut names: Vec<Name> = tree.invocations.iter().map(provider).collect();
    names.sort_unstable();
    names.dedup();
    if let [only] = names[..] {
        return only;
    }
    let mut texts: Vec<&str> = names.iter().map(|name| part.names.text(*name)).collect();
    texts.sort_unstable();
    let joined = texts.join("+");
    part.names.intern(&joined)
}

/// The request that the context's end-to-end time is that of: the root's, else the first.
pub(super) fn client_of<'t, 'a>(tree: &'t Tree<'a>) -> Option<&'t ClientCall<'a>> {
    match tree.root.map(|root| tree.invocations[root].caller) {
        Some(Caller::Client(client)) => tree.clients.get(client),
        _ => tree.clients.first(),
    }
}

/// The invocation that a trace starts with: its root, or the earliest where there is none.
fn first_invocation<'t>(tree: &'t Tree<'_>) -> Option<&'t Invocation> {
    let earliest = || tree.invocations.iter().min_by_key(|invocation| invocation.start_us);
    tree.root.map(|root| &tree.invocations[root]).or_else(earliest)
}

/// What is known of a context as a whole; `None` where it has neither a record with a time nor a client request.
fn trace_fact(tree: &Tree<'_>, part: &Part<'_>) -> Option<TraceFact> {
    let root = tree.root.map(|root| &tree.invocations[root]);
    let site = root.map(|root| part.sites[root.site as usize]);
    let client = client_of(tree);
    let starts = tree.invocations.iter().map(|invocation| invocation.start_us);
    let first_us = starts.min();
    let last = tree.invocations.iter().filter_map(|invocation| Some((invocation, invocation.duration_ms?)));
    let last_us = last.map(|(invocation, duration)| plus_ms(invocation.start_us, duration)).max();
    let start_us = root.map(|root| root.start_us).or(first_us).or(client.map(|client| client.sent_us));
    let (compute, network, db) = tree.befaas_sums();
    let root_ms = root.and_then(|root| root.duration_ms);
    let client_ms = client.and_then(|client| client.elapsed_ms);
    let hangs = |invocation: &Invocation| invocation.root.is_some() && invocation.root == tree.root;
    let whole = |invocation: &Invocation| hangs(invocation) && invocation.issues.is_complete();
    let cold = tree.invocations.iter().filter(|invocation| invocation.cold == Some(true)).count();
    Some(TraceFact {
        entry_function: site.map(|site| site.function),
        entry_route: root.and_then(|root| root.route).or(site.map(|site| site.function)),
        entry_provider: site.map(|site| site.provider),
        start: Timestamp::from_micros(start_us.or(tree.first_logged_us)?),
        complete: root.is_some() && tree.issues.is_complete() && tree.invocations.iter().all(whole),
        wall: tree.path.shares,
        befaas: compute.zip(network).zip(db).map(|((compute_ms, network_ms), db_ms)| BefaasShares {
            compute_ms,
            network_ms,
            db_ms,
        }),
        trigger_ms: root.and_then(|root| root.trigger_ms),
        client_ms,
        root_ms,
        client_network_ms: client_ms.zip(root_ms).map(|(client, root)| client - root),
        chain_ms: first_us.zip(last_us).map(|(first, last)| last.wrapping_sub(first) as f64 / 1000.0),
        cold_starts: super::entries::dense(cold),
        invocations: super::entries::dense(tree.invocations.len()),
    })
}
