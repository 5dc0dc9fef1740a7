//! Callers find their callees by pair ID; invocations find their root.

use super::entries::Part;
use super::issues::Issue;
use super::run::RunContext;
use super::tree::{Caller, Tree, linked};
use crate::facts::Trigger;

/// How functions in front of an event pipeline are named: `publisher`, `publisherAws`…
const PUBLISHER: &str = "publisher";

/// Whether a function is the publisher of an event pipeline.
pub(super) fn is_publisher(function: &str) -> bool {
    function.starts_with(PUBLISHER)
}

impl Tree<'_> {
    /// Ties callers to callees, pair by pair, then invocations to roots.
    pub(super) fn link(&mut self, part: &Part<'_>, run: &RunContext) {
        let mut callers: Vec<(u32, Caller)> = Vec::new();
        callers.extend(self.clients.iter().enumerate().map(|(i, client)| (client.pair, Caller::Client(i))));
        let calls = self.operations.iter().enumerate().filter(|(_, operation)| operation.is_call);
        callers.extend(calls.map(|(i, operation)| (operation.callee_pair, Caller::Call(i))));
        let mut callees: Vec<(u32, usize)> =
            self.invocations.iter().enumerate().map(|(i, invocation)| (invocation.pair, i)).collect();
        callers.sort_by_key(|(pair, _)| *pair);
        callees.sort_by_key(|(pair, _)| *pair);
        let mut rest = callees.as_slice();
        for group in callers.chunk_by(|a, b| a.0 == b.0) {
            let pair = group[0].0;
            let (before, from) = rest.split_at(rest.partition_point(|(other, _)| *other < pair));
            self.link_uncalled(before, part);
            let (own, after) = from.split_at(from.partition_point(|(other, _)| *other == pair));
            rest = after;
            if linked(pair) {
                self.link_pair(group, own, part);
            } else {
                for (_, caller) in group {
                    self.miss(*caller);
                }
            }
        }
        self.link_uncalled(rest, part);
        self.events.sort_unstable();
        self.find_roots(part, run);
    }

    /// Pairs that nobody called: an event may still hang on its publisher.
    fn link_uncalled(&mut self, callees: &[(u32, usize)], part: &Part<'_>) {
        for own in callees.chunk_by(|a, b| a.0 == b.0) {
            if linked(own[0].0) {
                self.link_pair(&[], own, part);
            }
        }
    }

    /// Callers and callees of one pair. Requests are answered in order; what is triggered hangs on the publisher.
    fn link_pair(&mut self, callers: &[(u32, Caller)], callees: &[(u32, usize)], part: &Part<'_>) {
        let function = |position: usize| {
            let site = &part.sites[self.invocations[position].site as usize];
            part.names.text(site.function)
        };
        let published = callees.iter().any(|(_, position)| {
            self.invocations[*position].trigger != Trigger::Msg && is_publisher(function(*position))
        }) || callers.iter().any(|(_, caller)| self.names_publisher(*caller, part));
        let (answering, triggered): (Vec<usize>, Vec<usize>) =
            callees.iter().map(|(_, position)| *position).partition(|position| {
                self.invocations[*position].trigger != Trigger::Msg && (!published || is_publisher(function(*position)))
            });
        for (k, position) in answering.iter().enumerate() {
            match callers.get(k).or(callers.last()) {
                Some((_, caller)) => self.tie(*caller, *position, k >= callers.len()),
                None if k > 0 => self.note(Some(*position), Issue::SeveralForPair),
                None => {}
            }
        }
        for (_, caller) in callers.iter().skip(answering.len()) {
            self.miss(*caller);
        }
        self.tie_events(&answering, &triggered);
        if published && triggered.is_empty() {
            for position in answering {
                self.note(Some(position), Issue::EventMissing);
            }
        }
    }

    fn names_publisher(&self, caller: Caller, part: &Part<'_>) -> bool {
        let Caller::Call(operation) = caller else { return false };
        self.operations[operation].label.is_some_and(|label| is_publisher(part.names.text(label)))
    }

    fn tie(&mut self, caller: Caller, callee: usize, surplus: bool) {
        let (parent, caller_ms) = match caller {
            Caller::Call(operation) => {
                let operation = &mut self.operations[operation];
                if !surplus {
                    operation.callee = Some(callee);
                }
                (operation.owner, operation.duration_ms)
            }
            Caller::Client(client) => {
                let client = &mut self.clients[client];
                if !surplus {
                    client.callee = Some(callee);
                }
                (None, client.elapsed_ms)
            }
            Caller::Publisher(_) | Caller::Nobody => (None, None),
        };
        let invocation = &mut self.invocations[callee];
        invocation.caller = caller;
        invocation.parent = parent;
        invocation.caller_ms = caller_ms.filter(|_| !surplus);
        if surplus {
            self.note(Some(callee), Issue::SeveralForPair);
        }
    }

    fn miss(&mut self, caller: Caller) {
        let owner = match caller {
            Caller::Call(operation) => self.operations[operation].owner,
            _ => None,
        };
        self.note(owner, Issue::CalleeMissing);
    }

    /// An event hangs on the last publisher that started before it, else on the first: clocks may differ.
    fn tie_events(&mut self, publishers: &[usize], triggered: &[usize]) {
        let Some(first) = publishers.first() else { return };
        let mut last = None;
        for event in triggered {
            let start_us = self.invocations[*event].start_us;
            let before = publishers.partition_point(|position| self.invocations[*position].start_us <= start_us);
            let publisher = before.checked_sub(1).map_or(*first, |position| publishers[position]);
            self.invocations[*event].caller = Caller::Publisher(publisher);
            self.invocations[*event].parent = Some(publisher);
            self.events.push((publisher, *event));
            if last.replace(publisher) == Some(publisher) {
                self.note(Some(*event), Issue::SeveralForPair);
            }
        }
    }

    /// Roots: what the client called, and what was called without an id; else the first that nobody called.
    fn find_roots(&mut self, part: &Part<'_>, run: &RunContext) {
        debug_assert!(self.invocations.iter().all(|invocation| (invocation.site as usize) < part.sites.len()));
        let uncalled: Vec<usize> =
            (0..self.invocations.len()).filter(|i| self.invocations[*i].caller == Caller::Nobody).collect();
        let is_entry = |i: &usize| match self.invocations[*i].caller {
            Caller::Client(_) => true,
            Caller::Nobody => !linked(self.invocations[*i].pair),
            _ => false,
        };
        let mut roots: Vec<usize> = (0..self.invocations.len()).filter(is_entry).collect();
        let called = |i: &usize| matches!(self.invocations[*i].caller, Caller::Client(_));
        self.root = roots.iter().copied().find(called).or(roots.first().copied()).or(uncalled.first().copied());
        if roots.is_empty() {
            roots.extend(self.root);
        }
        for position in uncalled {
            let is_root = self.root == Some(position);
            if !linked(self.invocations[position].pair) {
                self.note(Some(position), Issue::NoCallerId);
            } else if run.client_logged() || !is_root {
                self.note(Some(position), Issue::CallerMissing);
            }
        }
        if roots.len() > 1 {
            self.note(None, Issue::SeveralRoots);
        }
        if roots.is_empty() && !self.invocations.is_empty() {
            self.note(None, Issue::NoRoot);
        }
        self.hang_on(&roots);
    }

    /// Gives every invocation its root and depth. Each has at most one parent, so a walk up ends at a root, at a gap
    /// or in a circle.
    fn hang_on(&mut self, roots: &[usize]) {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            No,
            OnPath,
            Done,
        }
        let mut seen = vec![Seen::No; self.invocations.len()];
        for root in roots {
            self.invocations[*root].root = Some(*root);
            self.invocations[*root].depth = Some(0);
            seen[*root] = Seen::Done;
        }
        let mut path = Vec::new();
        for start in 0..self.invocations.len() {
            let mut next = Some(start);
            while let Some(position) = next.filter(|position| seen[*position] == Seen::No) {
                seen[position] = Seen::OnPath;
                path.push(position);
                next = self.invocations[position].parent;
            }
            if let Some(circle) = next.filter(|position| seen[*position] == Seen::OnPath) {
                let from = path.iter().position(|position| *position == circle).unwrap_or_default();
                for position in path[from..].iter().copied() {
                    self.note(Some(position), Issue::Loop);
                }
            }
            while let Some(position) = path.pop() {
                seen[position] = Seen::Done;
                let parent = self.invocations[position].parent.map(|parent| &self.invocations[parent]);
                let (root, depth) = parent.map_or((None, None), |parent| (parent.root, parent.depth));
                self.invocations[position].root = root;
                self.invocations[position].depth = depth.map(|depth| depth + 1);
            }
        }
    }
}
