//! Lanes: slices of one track must nest, so what overlaps goes side by side.
//!
//! An executor's invocations may run at the same time, and so may the calls of an invocation. Each executor has as many
//! lanes as that takes: an invocation takes the first one that is free, its operations lie on its lane where they nest and
//! on a free one where they do not. A lane is free again *after* its last slice's end, never at the same instant, so the
//! order of equal times never matters.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// A slice for the purpose of lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    /// Place of its track's owner.
    pub(super) owner: u32,
    /// Place of the slice that it is part of.
    pub(super) within: Option<u32>,
    pub(super) start: i64,
    /// At least `start`.
    pub(super) end: i64,
    /// Whether it counts as running: an invocation that ended.
    pub(super) running: bool,
}

/// A lane of one owner.
#[derive(Debug, Default)]
struct Lane {
    /// Slices that are open, outermost first: place and end.
    open: Vec<(u32, i64)>,
}

#[derive(Debug, Default)]
struct Lanes {
    all: Vec<Lane>,
    free: BTreeSet<u32>,
    /// Ends of outermost slices.
    ends: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Lanes {
    /// Frees the lanes whose slices ended before an instant.
    fn pass(&mut self, now: i64) {
        while let Some(&Reverse((end, lane))) = self.ends.peek() {
            if end >= now {
                return;
            }
            self.ends.pop();
            self.all[lane as usize].open.clear();
            self.free.insert(lane);
        }
    }

    /// Puts a slice on the lane where the one it is part of is open, if it nests there.
    fn nest(&mut self, place: u32, interval: &Interval, lane: u32) -> bool {
        let Some(within) = interval.within else { return false };
        let open = &mut self.all[lane as usize].open;
        while open.len() > 1 && open.last().is_some_and(|(_, end)| *end <= interval.start) {
            open.pop();
        }
        // On top of it only: a parallel operation that another one happens to contain is no part of that one.
        let fits = matches!(open.as_slice(), [(first, end)] if *first == within && interval.end <= *end);
        if fits {
            open.push((place, interval.end));
        }
        fits
    }

    /// Puts a slice on a lane of its own.
    fn take(&mut self, place: u32, interval: &Interval) -> u32 {
        let lane = self.free.pop_first().unwrap_or_else(|| {
            self.all.push(Lane::default());
            u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX)
        });
        self.all[lane as usize].open.push((place, interval.end));
        self.ends.push(Reverse((interval.end, lane)));
        lane
    }
}

/// The lane of each slice, counted from 0 for each owner.
pub(super) fn assign(intervals: &[Interval]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(intervals.len()).unwrap_or(u32::MAX)).collect();
    // What contains another comes first; of equals, the invocation before its operations.
    order.sort_unstable_by_key(|&place| {
        let interval = &intervals[place as usize];
        (interval.owner, interval.start, interval.within.is_some(), Reverse(interval.end), place)
    });
    let mut lanes_of = vec![0; intervals.len()];
    let mut lanes = Lanes::default();
    let mut owner = None;
    for place in order {
        let interval = &intervals[place as usize];
        if owner.replace(interval.owner) != Some(interval.owner) {
            lanes = Lanes::default();
        }
        lanes.pass(interval.start);
        let home = interval.within.map(|within| lanes_of[within as usize]);
        let lane = match home {
            Some(home) if (home as usize) < lanes.all.len() && lanes.nest(place, interval, home) => home,
            _ => lanes.take(place, interval),
        };
        lanes_of[place as usize] = lane;
    }
    lanes_of
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outer(start: i64, end: i64) -> Interval {
        Interval { owner: 0, within: None, start, end, running: true }
    }

    fn inner(within: u32, start: i64, end: i64) -> Interval {
        Interval { owner: 0, within: Some(within), start, end, running: false }
    }

    #[test]
    fn operations_one_after_another_lie_on_the_lane_of_their_invocation() {
        assert_eq!(assign(&[outer(0, 100), inner(0, 0, 30), inner(0, 30, 60), inner(0, 60, 100)]), [0, 0, 0, 0]);
    }

    #[test]
    fn of_parallel_operations_each_further_one_has_a_lane_of_its_own() {
        assert_eq!(assign(&[outer(0, 100), inner(0, 10, 60), inner(0, 20, 80), inner(0, 30, 90)]), [0, 0, 1, 2]);
    }

    #[test]
    fn an_operation_within_the_time_of_a_parallel_one_is_no_part_of_it() {
        assert_eq!(assign(&[outer(0, 100), inner(0, 10, 60), inner(0, 20, 40)]), [0, 0, 1]);
    }

    #[test]
    fn invocations_at_the_same_time_lie_side_by_side_and_touching_ones_too() {
        assert_eq!(assign(&[outer(0, 10), outer(5, 15), outer(11, 20), outer(20, 30)]), [0, 1, 0, 1]);
    }

    #[test]
    fn an_operation_that_outlives_its_invocation_does_not_lie_within_it() {
        assert_eq!(assign(&[outer(0, 10), inner(0, 5, 12)]), [0, 1]);
    }

    fn intervals() -> impl Strategy<Value = Vec<Interval>> {
        let one = (0u32..2, 0i64..60, 0i64..30, prop::collection::vec((0i64..30, 0i64..12), 0..5));
        prop::collection::vec(one, 0..20).prop_map(|invocations| {
            let mut all = Vec::new();
            for (owner, start, length, operations) in invocations {
                let within = u32::try_from(all.len()).expect("few");
                all.push(Interval { owner, within: None, start, end: start + length, running: true });
                all.extend(operations.into_iter().map(|(from, length)| {
                    let start = start + from;
                    Interval { owner, within: Some(within), start, end: start + length, running: false }
                }));
            }
            all
        })
    }

    proptest! {
        #[test]
        fn slices_of_one_lane_nest_or_lie_apart(intervals in intervals()) {
            let lanes = assign(&intervals);
            for (i, a) in intervals.iter().enumerate() {
                for (j, b) in intervals.iter().enumerate().skip(i + 1) {
                    if a.owner != b.owner || lanes[i] != lanes[j] {
                        continue;
                    }
                    let family = |k: usize| intervals[k].within.unwrap_or(u32::try_from(k).expect("few"));
                    let apart = a.end < b.start || b.end < a.start;
                    let touch = a.end <= b.start || b.end <= a.start;
                    let nested = (a.start <= b.start && b.end <= a.end) || (b.start <= a.start && a.end <= b.end);
                    let related = family(i) == family(j);
                    prop_assert!(apart || (related && (nested || touch)), "{a:?} {b:?}");
                }
            }
        }
    }
}
