//! The two ways of a synchronous call, from one clock to another, and what they say about the clocks.

use super::clock::ExecutorClock;
use super::emit::Emitter;
use super::entries::Part;
use super::tree::{Invocation, Tree, plus_ms};
use crate::clocks::SyncCall;
use crate::facts::Name;

/// The calling side of a call that waits for its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallerSide<'a> {
    pub(super) provider: Name,
    /// The caller's clock and its reading at the start of the call; `None` for the load generator.
    pub(super) clock: Option<(&'a ExecutorClock, f64)>,
    pub(super) start_us: i64,
    pub(super) duration_ms: Option<f64>,
}

/// One-way times across two clocks, as aligned.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_field_names, reason = "the unit stands in every name")]
pub(super) struct Legs {
    /// From the start of the call to the start of its callee.
    pub(super) request_ms: Option<f64>,
    /// What the two time origins leave open.
    pub(super) uncertainty_ms: Option<f64>,
    /// What alignment added to the callee's clock, less what it added to the caller's; `None` where it shifted neither.
    pub(super) shift_ms: Option<f64>,
}

impl Emitter {
    /// The legs of a call whose callee is known; where both ends are complete and the providers differ, the call is kept as
    /// evidence of their clocks' offset.
    pub(super) fn legs(&mut self, caller: &CallerSide<'_>, callee: usize, tree: &Tree<'_>, part: &Part<'_>) -> Legs {
        let callee = &tree.invocations[callee];
        let site = part.sites[callee.site as usize];
        let Some(clock) = site.clock else { return Legs::default() };
        let caller_uncertainty_ms = match caller.clock {
            Some((clock, at_ms)) => Some(clock.uncertainty_ms(at_ms)),
            None => self.client.uncertainty_ms(caller.start_us),
        };
        let callee_uncertainty_ms = clock.uncertainty_ms(callee.start_ms);
        if let Some(caller_uncertainty_ms) = caller_uncertainty_ms.filter(|_| site.provider != caller.provider)
            && let Some(call) = evidence(caller, callee, clock, [caller_uncertainty_ms, callee_uncertainty_ms])
        {
            self.facts.clocks.entry((caller.provider, site.provider)).or_default().add(&call);
        }
        Legs {
            request_ms: Some(match caller.clock {
                Some((other, at_ms)) => clock.ms_since(callee.start_ms, other, at_ms),
                None => callee.start_us.wrapping_sub(caller.start_us) as f64 / 1000.0,
            }),
            uncertainty_ms: caller_uncertainty_ms.map(|caller_ms| caller_ms + callee_uncertainty_ms),
            shift_ms: shift_between(self.caller_shift_ms(caller), clock.shift_ms(callee.start_ms)),
        }
    }

    fn caller_shift_ms(&self, caller: &CallerSide<'_>) -> Option<f64> {
        match caller.clock {
            Some((clock, at_ms)) => clock.shift_ms(at_ms),
            None => Some(self.client.shift?.at(caller.start_us)),
        }
    }
}

/// What was added to one clock less what was added to another; `None` where nothing was added to either.
pub(super) fn shift_between(from_ms: Option<f64>, to_ms: Option<f64>) -> Option<f64> {
    (from_ms.is_some() || to_ms.is_some()).then(|| to_ms.unwrap_or(0.0) - from_ms.unwrap_or(0.0))
}

/// A call as evidence: both ends are there, the callee ran no longer than the call, and neither clock jumped.
fn evidence(
    caller: &CallerSide<'_>,
    callee: &Invocation,
    clock: &ExecutorClock,
    [caller_uncertainty_ms, callee_uncertainty_ms]: [f64; 2],
) -> Option<SyncCall> {
    let (duration_ms, ran_ms) = (caller.duration_ms?, callee.duration_ms?);
    let jumped = clock.jumped() || caller.clock.is_some_and(|(clock, _)| clock.jumped());
    if ran_ms > duration_ms || jumped {
        return None;
    }
    Some(SyncCall {
        caller_start_us: caller.start_us,
        caller_end_us: plus_ms(caller.start_us, duration_ms),
        callee_start_us: callee.start_us,
        callee_end_us: plus_ms(callee.start_us, ran_ms),
        caller_uncertainty_us: plus_ms(0, caller_uncertainty_ms),
        callee_uncertainty_us: plus_ms(0, callee_uncertainty_ms),
    })
}
