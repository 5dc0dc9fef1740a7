//! Which traces a page holds: by strata, so that what is rare or slow is there, with a weight that stands for the rest.
//!
//! Within an entry route, traces that are not complete are one stratum, the slowest of the others another, the rest is
//! divided at percentiles of its duration. The room is shared among the strata of all routes as evenly as they have
//! traces for; within a stratum the traces with the least hash of their context ID (XXH3, seed 0) are taken. So the
//! choice depends on the traces alone. A trace's weight is the size of its stratum over the number taken from it.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

/// Slowest traces of a route that are a stratum of their own.
const SLOWEST: usize = 40;
/// Upper ends of the other strata: shares of a route's remaining traces, fastest first.
const BANDS: [(f64, &str); 6] =
    [(0.5, "p0-p50"), (0.75, "p50-p75"), (0.9, "p75-p90"), (0.95, "p90-p95"), (0.99, "p95-p99"), (1.0, "p99-p100")];

/// What the choice needs to know of a trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// Context ID.
    pub(crate) context: &'a str,
    /// Entry route.
    pub(crate) route: &'a str,
    /// Duration; unknown counts as shortest.
    pub(crate) duration_ms: Option<f64>,
    /// Whether nothing of it is missing.
    pub(crate) complete: bool,
}

/// One stratum of one route and what was taken from it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stratum {
    /// Entry route.
    pub(crate) route: String,
    /// `not complete`, `slowest`, or a band of percentiles.
    pub(crate) name: &'static str,
    /// Traces in it.
    pub(crate) of: usize,
    /// Traces taken.
    pub(crate) taken: usize,
}

/// The traces taken.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// Weight of each candidate; `None` for those not taken.
    pub(crate) weights: Vec<Option<f64>>,
    /// Every stratum, in order of route.
    pub(crate) strata: Vec<Stratum>,
}

/// Takes at most about `room` candidates; all of them where they fit. Every stratum keeps at least one.
pub(crate) fn choose(candidates: &[Candidate<'_>], room: usize) -> Choice {
    let groups = groups(candidates);
    let quota = quota(&groups, if candidates.len() <= room { usize::MAX } else { room });
    let mut choice = Choice { weights: vec![None; candidates.len()], strata: Vec::new() };
    for ((route, _, name), mut members) in groups {
        members.sort_by_key(|&i| (xxh3_64(candidates[i].context.as_bytes()), candidates[i].context));
        let taken = members.len().min(quota);
        for &i in &members[..taken] {
            choice.weights[i] = Some(members.len() as f64 / taken as f64);
        }
        choice.strata.push(Stratum { route: route.to_owned(), name, of: members.len(), taken });
    }
    choice
}

type Groups<'a> = BTreeMap<(&'a str, usize, &'static str), Vec<usize>>;

fn groups<'a>(candidates: &[Candidate<'a>]) -> Groups<'a> {
    let mut by_route: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, candidate) in candidates.iter().enumerate() {
        by_route.entry(candidate.route).or_default().push(i);
    }
    let mut groups = Groups::new();
    for (route, members) in by_route {
        let (mut whole, broken): (Vec<usize>, Vec<usize>) = members.into_iter().partition(|&i| candidates[i].complete);
        if !broken.is_empty() {
            groups.insert((route, 0, "not complete"), broken);
        }
        let key = |i: &usize| candidates[*i].duration_ms.unwrap_or(f64::NEG_INFINITY);
        whole.sort_by(|a, b| key(a).total_cmp(&key(b)).then(candidates[*a].context.cmp(candidates[*b].context)));
        let slowest = whole.split_off(whole.len().saturating_sub(SLOWEST));
        let mut from = 0;
        for (place, (share, name)) in BANDS.into_iter().enumerate() {
            let to = (whole.len() as f64 * share).ceil();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
            let to = (to as usize).min(whole.len());
            if to > from {
                groups.insert((route, place + 2, name), whole[from..to].to_vec());
            }
            from = to;
        }
        if !slowest.is_empty() {
            groups.insert((route, 1, "slowest"), slowest);
        }
    }
    groups
}

/// The greatest number per stratum with which all strata together stay within the room; at least 1.
fn quota(groups: &Groups<'_>, room: usize) -> usize {
    let mut sizes: Vec<usize> = groups.values().map(Vec::len).collect();
    sizes.sort_unstable();
    let (mut left, mut open) = (room, sizes.len());
    for size in sizes {
        if size.saturating_mul(open) > left {
            return (left / open).max(1);
        }
        left -= size;
        open -= 1;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("c{i}")).collect()
    }

    fn candidates(names: &[String]) -> Vec<Candidate<'_>> {
        names
            .iter()
            .enumerate()
            .map(|(i, context)| Candidate {
                context,
                route: if i % 10 == 0 { "rare" } else { "often" },
                duration_ms: (i % 7 != 0).then_some(i as f64),
                complete: i % 97 != 0,
            })
            .collect()
    }

    #[test]
    fn all_traces_are_taken_where_they_fit() {
        let names = names(500);
        let choice = choose(&candidates(&names), 500);
        assert!(choice.weights.iter().all(|weight| *weight == Some(1.0)));
        assert!(choice.strata.iter().all(|stratum| stratum.of == stratum.taken));
    }

    #[test]
    fn the_slowest_and_the_broken_are_there_whatever_the_room() {
        let names = names(5_000);
        let choice = choose(&candidates(&names), 700);
        assert!(choice.weights[4_999].is_some_and(|weight| (weight - 1.0).abs() < 1e-12));
        let slowest = choice.strata.iter().filter(|stratum| stratum.name == "slowest");
        assert!(slowest.clone().count() == 2 && slowest.clone().all(|stratum| stratum.taken == SLOWEST));
        assert!(choice.strata.iter().filter(|s| s.name == "not complete").all(|s| s.taken > 0));
    }

    proptest! {
        #[test]
        fn weights_add_up_to_all_traces_and_room_is_kept(n in 0_usize..3_000, room in 20_usize..2_000) {
            let names = names(n);
            let candidates = candidates(&names);
            let choice = choose(&candidates, room);
            let sum: f64 = choice.weights.iter().flatten().sum();
            prop_assert!((sum - n as f64).abs() < 1e-6);
            let taken = choice.weights.iter().flatten().count();
            prop_assert!(taken <= room.max(choice.strata.len()).max(1) || n <= room);
            prop_assert_eq!(taken, choice.strata.iter().map(|s| s.taken).sum::<usize>());
            let mut reversed = candidates.clone();
            reversed.reverse();
            let mut again = choose(&reversed, room).weights;
            again.reverse();
            prop_assert_eq!(again, choice.weights);
        }
    }
}
