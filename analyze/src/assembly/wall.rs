//! Where the time went: the two divisions of METHODS, section 4.
//!
//! **`wall`.** Each instant of an invocation belongs to one category, and the categories add up to its duration. The
//! walk goes back from its end: the operation that returned last before the current instant is on the critical path;
//! the time after its end is compute; its own time is database or a call; then the walk goes on from its start. What
//! overlaps an operation on the path is off it, and so is what ends after the handler or starts before it. All of this
//! is on the one monotonic clock of the caller. A callee's division is placed inside its call as it is: only the
//! callee's duration counts, not its clock. What the call lasts longer is network. A callee that ran longer than its
//! call contradicts that: its division is scaled down to the call, network is 0, and the caller gets the issue
//! `callee longer than call`.
//!
//! **Cold.** Where the callee was a cold start and its executor's time origin is later than the start of the call (wall
//! clocks of both), the executor was started for this call, and the time from the origin to the start of the handler
//! was waited for: it is taken out of the call's network, at most all of it. The initialisation of the root itself
//! stands outside its duration, in the client's network time.
//!
//! **`befaas`.** Plain sums over all invocations, as published.

use super::entries::Part;
use super::issues::Issue;
use super::tree::{Caller, Operation, Tree};
use crate::facts::{BefaasShares, WallShares};

/// Operations on the critical path of an invocation, last first, and the compute around them.
///
/// `operations` may stand in any order; those without a duration are off the path.
fn walk<'o>(start_ms: f64, end_ms: f64, operations: &mut [&'o Operation]) -> (Vec<&'o Operation>, f64) {
    let end = |operation: &Operation| operation.end_ms().unwrap_or(f64::NEG_INFINITY);
    operations.sort_by(|a, b| end(b).total_cmp(&end(a)).then(a.start_ms.total_cmp(&b.start_ms)));
    let mut path = Vec::new();
    let mut compute_ms = 0.0;
    let mut at_ms = end_ms;
    for operation in operations.iter().copied() {
        let Some(returned_ms) = operation.end_ms() else { continue };
        if returned_ms > at_ms || operation.start_ms < start_ms {
            continue;
        }
        compute_ms += at_ms - returned_ms;
        at_ms = operation.start_ms;
        path.push(operation);
    }
    (path, compute_ms + (at_ms - start_ms))
}

impl Tree<'_> {
    /// Divides every invocation, callees before callers, and follows the chains of events.
    pub(super) fn divide(&mut self, part: &Part<'_>) {
        let mut order: Vec<usize> = (0..self.invocations.len()).collect();
        order.sort_by_key(|position| std::cmp::Reverse(self.invocations[*position].depth));
        let mut owned: Vec<usize> =
            (0..self.operations.len()).filter(|i| self.operations[*i].owner.is_some()).collect();
        owned.sort_by_key(|i| self.operations[*i].owner);
        for position in order {
            let from = owned.partition_point(|i| self.operations[*i].owner < Some(position));
            let to = owned.partition_point(|i| self.operations[*i].owner <= Some(position));
            self.divide_one(position, &owned[from..to], part);
            self.pass_trigger_up(position, part);
        }
    }

    fn divide_one(&mut self, position: usize, owned: &[usize], part: &Part<'_>) {
        let invocation = &self.invocations[position];
        let Some(duration_ms) = invocation.duration_ms else { return };
        let mut operations: Vec<&Operation> = owned.iter().map(|i| &self.operations[*i]).collect();
        let (path, compute_ms) = walk(invocation.start_ms, invocation.start_ms + duration_ms, &mut operations);
        let mut own = WallShares { compute_ms, ..WallShares::default() };
        let mut wall = WallShares { compute_ms, ..WallShares::default() };
        let mut longer = 0;
        for operation in path {
            let elapsed_ms = operation.duration_ms.unwrap_or_default();
            if operation.is_call {
                own.network_ms += elapsed_ms;
                let (inside, contradicts) = self.inside_call(operation, elapsed_ms, part);
                longer += u32::from(contradicts);
                wall.compute_ms += inside.compute_ms;
                wall.network_ms += inside.network_ms;
                wall.db_ms += inside.db_ms;
                wall.cold_ms += inside.cold_ms;
            } else {
                own.db_ms += elapsed_ms;
                wall.db_ms += elapsed_ms;
            }
        }
        self.invocations[position].own = Some(own);
        self.invocations[position].wall = Some(wall);
        for _ in 0..longer {
            self.note(Some(position), Issue::CalleeLonger);
        }
    }

    /// Division of the time of a call, and whether its callee ran longer than it.
    fn inside_call(&self, call: &Operation, elapsed_ms: f64, part: &Part<'_>) -> (WallShares, bool) {
        let all_network = WallShares { network_ms: elapsed_ms, ..WallShares::default() };
        let Some(callee) = call.callee.map(|callee| &self.invocations[callee]) else { return (all_network, false) };
        let (Some(ran_ms), Some(inside)) = (callee.duration_ms, callee.wall) else { return (all_network, false) };
        if ran_ms > elapsed_ms {
            let scale = elapsed_ms / ran_ms;
            let scaled = WallShares {
                compute_ms: inside.compute_ms * scale,
                network_ms: inside.network_ms * scale,
                db_ms: inside.db_ms * scale,
                cold_ms: inside.cold_ms * scale,
            };
            return (scaled, true);
        }
        let around_ms = elapsed_ms - ran_ms;
        let started_for_it = callee.cold == Some(true) && self.origin_us(callee.site, part) > call.start_us;
        let waited_ms = if started_for_it { callee.start_ms.clamp(0.0, around_ms) } else { 0.0 };
        let network_ms = inside.network_ms + (around_ms - waited_ms);
        (WallShares { network_ms, cold_ms: inside.cold_ms + waited_ms, ..inside }, false)
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
        let known = &mut self.invocations[parent].trigger_ms;
        *known = match (*known, below_ms) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
    }

    /// Start of the triggered invocation less start of the publisher's, on their executors' wall clocks.
    pub(super) fn trigger_delay_ms(&self, publisher: usize, event: usize, part: &Part<'_>) -> f64 {
        let (publisher, event) = (&self.invocations[publisher], &self.invocations[event]);
        let origins_us = self.origin_us(event.site, part).wrapping_sub(self.origin_us(publisher.site, part));
        origins_us as f64 / 1000.0 + (event.start_ms - publisher.start_ms)
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
