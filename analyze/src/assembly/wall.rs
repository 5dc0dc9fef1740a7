//! Where the time went: the two divisions of METHODS, section 4.
//!
//! **`wall`.** Each instant of the root's duration belongs to one category, and the categories add up to it: the sums of
//! the segments of the critical path (`path`).
//!
//! **Trigger.** An event's delay is the start of its handler less the start of its publisher's. A trace has the longest
//! chain of such delays below its root: a category of the whole chain, outside the root's duration.
//!
//! **`befaas`.** Plain sums over all invocations, as published.

use super::entries::Part;
use super::tree::{Caller, Tree};
use crate::facts::BefaasShares;

impl Tree<'_> {
    /// Divides every invocation and the root's duration, and follows the chains of events.
    pub(super) fn divide(&mut self, part: &Part<'_>) {
        self.trace_path(part);
        if self.events.is_empty() {
            return;
        }
        let mut order: Vec<usize> = (0..self.invocations.len()).collect();
        order.sort_by_key(|position| std::cmp::Reverse(self.invocations[*position].depth));
        for position in order {
            self.pass_trigger_up(position, part);
        }
    }

    /// Adds the delay of an event, and of the longest chain of events below it, to what is known of its parent.
    fn pass_trigger_up(&mut self, position: usize, part: &Part<'_>) {
        let invocation = &self.invocations[position];
        let (Some(parent), Some(_)) = (invocation.parent, invocation.depth) else { return };
        let below_ms = match invocation.caller {
            Caller::Publisher(publisher) => {
                Some(self.trigger_delay_ms(publisher, position, part) + invocation.trigger_ms.unwrap_or(0.0))
            }
            _ => invocation.trigger_ms,
        };
        let Some(below_ms) = below_ms else { return };
        let known = &mut self.invocations[parent];
        if known.trigger_ms.is_none_or(|known_ms| below_ms > known_ms) {
            known.trigger_ms = Some(below_ms);
            known.trigger_next = Some(position);
        }
    }

    /// Events on the longest chain of delays below the root: publishers and what they triggered, in order.
    pub(super) fn longest_events(&self) -> impl Iterator<Item = (usize, usize)> {
        let next = |position: usize| self.invocations[position].trigger_next;
        let chain = std::iter::successors(self.root, move |position| next(*position));
        chain.filter_map(|position| match self.invocations[position].caller {
            Caller::Publisher(publisher) => Some((publisher, position)),
            _ => None,
        })
    }

    /// Start of the triggered invocation less start of the publisher's, on their executors' wall clocks.
    pub(super) fn trigger_delay_ms(&self, publisher: usize, event: usize, part: &Part<'_>) -> f64 {
        let (publisher, event) = (&self.invocations[publisher], &self.invocations[event]);
        self.ms_between((publisher.site, publisher.start_ms), (event.site, event.start_ms), part)
    }

    /// Sums over all invocations as published; a sum is `None` where a duration that it needs is missing.
    pub(super) fn befaas_sums(&self) -> (Option<f64>, Option<f64>, Option<f64>) {
        let sum = |values: &mut dyn Iterator<Item = Option<f64>>| values.sum::<Option<f64>>();
        let ran = sum(&mut self.invocations.iter().map(|invocation| invocation.duration_ms));
        let of_kind = |is_call| self.operations.iter().filter(move |operation| operation.is_call == is_call);
        let calls = sum(&mut of_kind(true).map(|operation| operation.duration_ms));
        let db = sum(&mut of_kind(false).map(|operation| operation.duration_ms));
        let callees = sum(&mut of_kind(true).map(|operation| self.invocations[operation.callee?].duration_ms));
        let compute = ran.zip(calls).zip(db).map(|((ran, calls), db)| ran - calls - db);
        (compute, calls.zip(callees).map(|(calls, callees)| calls - callees), db)
    }

    /// Sums over a set of functions (names of the part), as published: only where its first function ran.
    ///
    /// The flag says whether every duration is there; missing ones count as 0, as in the published method.
    pub(super) fn set_sums(
        &self,
        functions: &[Option<crate::facts::Name>],
        part: &Part<'_>,
    ) -> Option<(BefaasShares, bool)> {
        let function = |site: u32| Some(part.sites[site as usize].function);
        let first = functions.first().copied().flatten()?;
        if !self.invocations.iter().any(|invocation| function(invocation.site) == Some(first)) {
            return None;
        }
        let member = |site: u32| functions.contains(&function(site));
        let mut complete = self.issues.is_complete();
        let mut known = |value: Option<f64>| {
            complete &= value.is_some();
            value.unwrap_or(0.0)
        };
        let (mut ran, mut calls, mut callees, mut db) = (0.0, 0.0, 0.0, 0.0);
        for invocation in self.invocations.iter().filter(|invocation| member(invocation.site)) {
            ran += known(invocation.duration_ms);
        }
        for operation in self.operations.iter().filter(|operation| member(operation.site)) {
            let elapsed_ms = known(operation.duration_ms);
            if operation.is_call {
                calls += elapsed_ms;
                callees += known(operation.callee.and_then(|callee| self.invocations[callee].duration_ms));
            } else {
                db += elapsed_ms;
            }
        }
        let shares = BefaasShares { compute_ms: ran - calls - db, network_ms: calls - callees, db_ms: db };
        Some((shares, complete))
    }
}
