//! The critical path of a trace: the segments that the root's duration divides into (`wall`, METHODS, section 4).
//!
//! Each invocation is walked back from its end: the operation that returned last before the current instant is on the
//! path; what lies between is compute of the invocation; then the walk goes on from the operation's start. Of operations
//! that return together the one that started first is taken; of those that also start together a database operation, then
//! the first by name and pair ID. The walk uses the one monotonic clock of the invocation.
//!
//! * **Parallel operations**: what overlaps an operation on the path is off it.
//! * **An operation that outlasts its handler**, or started before it, is off the path: nothing waited for it.
//! * **Retries** are calls under pair IDs of their own: each that ended before the next began is on the path. Of several
//!   invocations under one pair ID the first to start answers the call, the others are off the path.
//! * **An operation without an end** is off the path: its time is compute of the handler that made it. **A call whose callee
//!   is missing or never ended** is network, whole, of that callee. Both traces are incomplete.
//! * **A callee that ran longer than its call** contradicts it: its segments are scaled down to the call, network is 0, and
//!   the caller gets the issue `callee longer than call`.
//!
//! **Network.** Of a call's duration what its callee did not run is network: a round trip, whatever the clocks say. The
//! clocks only place the callee in its call: its start less the call's start, within what the round trip leaves.
//!
//! **Cold.** Where the callee was its executor's first invocation after a cold start (its own line says so, or the platform
//! reports an initialisation of that executor) and the executor's time origin is later than the start of the call (wall
//! clocks of both), the executor was started for this call. The initialisation that the call waited for is the time from
//! the origin to the start of the handler. It lies just before the handler and ends the network time before it, at most
//! all of that. Only the executor's first invocation waited for it. The initialisation of the root itself stands outside
//! its duration.
//! What a platform reports of the length (`Init Duration`) is not used: a report names no executor, and its place among the
//! executor's lines tells it only as far as the order of the log was kept; `cold_starts` has it beside.

use super::entries::Part;
use super::tree::{Operation, Tree};
use crate::facts::{Name, WallShares};

/// What a moment of the root's duration was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Compute,
    Network,
    Db,
    Cold,
}

impl Category {
    /// Its part of the shares.
    pub(super) fn of(self, shares: &mut WallShares) -> &mut f64 {
        match self {
            Self::Compute => &mut shares.compute_ms,
            Self::Network => &mut shares.network_ms,
            Self::Db => &mut shares.db_ms,
            Self::Cold => &mut shares.cold_ms,
        }
    }
}

/// A stretch of the critical path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// Invocation that ran, or that was called.
    pub(super) invocation: Option<usize>,
    /// Function that was called, where its invocation is missing.
    pub(super) missing: Option<Name>,
    pub(super) category: Category,
    /// Start since that of the root.
    pub(super) start_ms: f64,
    pub(super) duration_ms: f64,
}

/// How a callee lies in its call.
#[derive(Debug, Clone, Copy)]
struct Placed {
    callee: usize,
    /// From the start of the call to that of the handler.
    lead_ms: f64,
    /// Initialisation at the end of `lead_ms`.
    waited_ms: f64,
    /// Milliseconds of the call for one of the callee; 1 unless it ran longer than its call.
    scale: f64,
}

/// An invocation on the path whose segments are being written.
#[derive(Debug, Clone, Copy)]
struct Frame {
    invocation: usize,
    /// Its start, since that of the root.
    from_ms: f64,
    scale: f64,
    /// Next of its operations, counted from the end of its path.
    next: usize,
    /// When its call returned, since the start of the root.
    returned_ms: f64,
}

/// Operations on the path of each invocation, and the segments of the root.
#[derive(Debug, Default)]
pub(super) struct CriticalPath {
    /// Operations on the paths, last first, invocation by invocation.
    operations: Vec<usize>,
    /// Where the path of each invocation lies in `operations`.
    ranges: Vec<(usize, usize)>,
    pub(super) segments: Vec<Segment>,
    /// Sums of the segments; `None` where there is no root or it never ended.
    pub(super) shares: Option<WallShares>,
    /// Where the last segment ends.
    at_ms: f64,
    stack: Vec<Frame>,
}

impl CriticalPath {
    fn clear(&mut self) {
        self.operations.clear();
        self.ranges.clear();
        self.segments.clear();
        self.stack.clear();
        self.shares = None;
        self.at_ms = 0.0;
    }

    /// Operations on the path of an invocation, last first.
    fn of(&self, invocation: usize) -> &[usize] {
        let (from, to) = self.ranges[invocation];
        &self.operations[from..to]
    }

    /// Goes on to an instant; what is over already takes no time.
    fn advance(&mut self, to_ms: f64, category: Category, invocation: Option<usize>, missing: Option<Name>) {
        let duration_ms = to_ms - self.at_ms;
        if duration_ms > 0.0 {
            self.segments.push(Segment { invocation, missing, category, start_ms: self.at_ms, duration_ms });
            self.at_ms = to_ms;
        }
    }

    /// Goes on from the start of a call to that of its callee.
    fn enter(&mut self, placed: Placed, (starts_ms, ends_ms): (f64, f64), scale: f64) {
        let callee = Some(placed.callee);
        let handler_ms = (starts_ms + placed.lead_ms * scale).min(ends_ms);
        self.advance(handler_ms - placed.waited_ms * scale, Category::Network, callee, None);
        self.advance(handler_ms, Category::Cold, callee, None);
        self.stack.push(Frame {
            invocation: placed.callee,
            from_ms: handler_ms,
            scale: scale * placed.scale,
            next: 0,
            returned_ms: ends_ms,
        });
    }
}

impl Tree<'_> {
    /// Finds the path of every invocation, divides its own time, and writes the segments of the root.
    pub(super) fn trace_path(&mut self, part: &Part<'_>) {
        let mut path = std::mem::take(&mut self.path);
        path.clear();
        let ended = |i: &usize| self.operations[*i].owner.is_some() && self.operations[*i].duration_ms.is_some();
        let mut owned: Vec<usize> = (0..self.operations.len()).filter(ended).collect();
        let end_ms = |operation: &Operation| operation.end_ms().unwrap_or(f64::NEG_INFINITY);
        owned.sort_by(|a, b| {
            let (a, b) = (&self.operations[*a], &self.operations[*b]);
            a.owner.cmp(&b.owner).then(end_ms(b).total_cmp(&end_ms(a))).then(a.start_ms.total_cmp(&b.start_ms))
        });
        let mut rest = owned.as_slice();
        for position in 0..self.invocations.len() {
            let own = rest.partition_point(|i| self.operations[*i].owner <= Some(position));
            self.walk(position, &rest[..own], &mut path);
            rest = &rest[own..];
        }
        self.write_segments(&mut path, part);
        self.path = path;
    }

    /// The path of one invocation through its operations, which stand in order of their ends, last first.
    fn walk(&mut self, position: usize, operations: &[usize], path: &mut CriticalPath) {
        let from = path.operations.len();
        if let Some(duration_ms) = self.invocations[position].duration_ms {
            let start_ms = self.invocations[position].start_ms;
            let mut own = WallShares::default();
            let mut longer = 0;
            let mut at_ms = start_ms + duration_ms;
            for &i in operations {
                let operation = &self.operations[i];
                let (Some(elapsed_ms), Some(returned_ms)) = (operation.duration_ms, operation.end_ms()) else {
                    continue;
                };
                if returned_ms > at_ms || operation.start_ms < start_ms {
                    continue;
                }
                own.compute_ms += at_ms - returned_ms;
                at_ms = operation.start_ms;
                if operation.is_call {
                    own.network_ms += elapsed_ms;
                    let ran_ms = operation.callee.and_then(|callee| self.invocations[callee].duration_ms);
                    longer += u32::from(ran_ms.is_some_and(|ran_ms| ran_ms > elapsed_ms));
                } else {
                    own.db_ms += elapsed_ms;
                }
                path.operations.push(i);
            }
            own.compute_ms += at_ms - start_ms;
            self.invocations[position].own = Some(own);
            for _ in 0..longer {
                self.note(Some(position), super::issues::Issue::CalleeLonger);
            }
        }
        path.ranges.push((from, path.operations.len()));
    }

    /// Segments of the root, in order of time. Every invocation has one caller at most, so none is written twice.
    fn write_segments(&self, path: &mut CriticalPath, part: &Part<'_>) {
        let Some(root) = self.root.filter(|root| self.invocations[*root].duration_ms.is_some()) else { return };
        path.stack.push(Frame { invocation: root, from_ms: 0.0, scale: 1.0, next: 0, returned_ms: 0.0 });
        while let Some(mut frame) = path.stack.pop() {
            let invocation = &self.invocations[frame.invocation];
            let own = path.of(frame.invocation);
            let operation = own.len().checked_sub(frame.next + 1).map(|last| own[last]);
            let Some(operation) = operation.map(|i| &self.operations[i]) else {
                let ends_ms = frame.from_ms + invocation.duration_ms.unwrap_or(0.0) * frame.scale;
                path.advance(ends_ms, Category::Compute, Some(frame.invocation), None);
                path.advance(frame.returned_ms, Category::Network, Some(frame.invocation), None);
                continue;
            };
            frame.next += 1;
            let since_start = |ms: f64| frame.from_ms + (ms - invocation.start_ms) * frame.scale;
            let (starts_ms, ends_ms) =
                (since_start(operation.start_ms), since_start(operation.end_ms().unwrap_or(operation.start_ms)));
            path.advance(starts_ms, Category::Compute, Some(frame.invocation), None);
            path.stack.push(frame);
            if !operation.is_call {
                path.advance(ends_ms, Category::Db, Some(frame.invocation), None);
            } else if let Some(placed) = self.place(operation, part) {
                path.enter(placed, (starts_ms, ends_ms), frame.scale);
            } else {
                let missing = operation.label.filter(|_| operation.callee.is_none());
                path.advance(ends_ms, Category::Network, operation.callee, missing);
            }
        }
        let mut shares = WallShares::default();
        for segment in &path.segments {
            *segment.category.of(&mut shares) += segment.duration_ms;
        }
        path.shares = Some(shares);
    }

    /// Where a callee lies in its call; `None` where it is missing or either of them never ended.
    fn place(&self, call: &Operation, part: &Part<'_>) -> Option<Placed> {
        let callee = call.callee?;
        let (elapsed_ms, ran_ms) = (call.duration_ms?, self.invocations[callee].duration_ms?);
        let around_ms = elapsed_ms - ran_ms;
        if around_ms < 0.0 {
            return Some(Placed { callee, lead_ms: 0.0, waited_ms: 0.0, scale: elapsed_ms / ran_ms });
        }
        let handler = &self.invocations[callee];
        let lead_ms = self.ms_between((call.site, call.start_ms), (handler.site, handler.start_ms), part);
        let lead_ms = lead_ms.clamp(0.0, around_ms);
        let waited_ms = self.waited_ms(callee, call.start_us, part).min(lead_ms);
        Some(Placed { callee, lead_ms, waited_ms, scale: 1.0 })
    }

    /// Initialisation before an invocation that whoever called it at that moment waited for; 0 for none.
    pub(super) fn waited_ms(&self, position: usize, called_us: i64, part: &Part<'_>) -> f64 {
        let invocation = &self.invocations[position];
        if !invocation.initialised || self.instant_us(invocation.site, 0.0, part) <= called_us {
            return 0.0;
        }
        invocation.start_ms.max(0.0)
    }
}
