//! The critical path against an independent oracle that paints the time line tick by tick.
//!
//! A random tree is made with a known division: functions that call each other in sequence, in parallel and again,
//! work on a database, publish events, start cold and leave pieces of their logs out. Its log is assembled; the oracle
//! reads the tree itself.

use faaslens_schemas::tables::{Event, PathSegment, Trace};
use proptest::prelude::*;

use crate::log::{Log, Output, near};

/// Length of a tick: a binary fraction, so that all sums are exact.
const TICK_MS: f64 = 0.125;

/// One execution of a function, in ticks since the start of the root.
#[derive(Debug, Clone)]
struct Run {
    start: u32,
    length: u32,
    /// Ticks from its executor's origin to its start, where it is the executor's first.
    cold: Option<u32>,
    works: Vec<Work>,
}

/// What a function does besides computing.
#[derive(Debug, Clone)]
enum Work {
    Db { start: u32, length: u32 },
    Call { start: u32, length: u32, callee: Run, again: Option<Run> },
    Publish { start: u32, length: u32, publisher: Run, event: Run },
}

impl Work {
    fn span(&self) -> (u32, u32) {
        match self {
            Self::Db { start, length } | Self::Call { start, length, .. } | Self::Publish { start, length, .. } => {
                (*start, start + length)
            }
        }
    }
}

/// Numbers from a seed (Vigna 2017, splitmix64).
struct Dice(u64);

impl Dice {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `greatest`.
    fn up_to(&mut self, greatest: u32) -> u32 {
        u32::try_from(self.number() % (u64::from(greatest) + 1)).expect("no more than a u32")
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.up_to(n - 1) == 0
    }

    /// A stretch inside of a length.
    fn inside(&mut self, length: u32) -> (u32, u32) {
        let (a, b) = (self.up_to(length), self.up_to(length));
        (a.min(b), a.abs_diff(b))
    }
}

/// Shape of a tree: what is left of its budget of works, and how deep and how broad it may still become.
struct Growth<'d> {
    dice: &'d mut Dice,
    budget: u32,
    fan_out: u32,
}

impl Growth<'_> {
    fn run(&mut self, start: u32, length: u32, depth: u32) -> Run {
        let cold = self.dice.one_in(4).then(|| self.dice.up_to(40));
        let mut works = Vec::new();
        let wanted = if depth == 0 { 0 } else { 1 + self.dice.up_to(self.fan_out - 1) };
        for _ in 0..wanted {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            let work = self.work(start, length, depth - 1);
            // Of two that start and end together either may be on the path: the names decide, which the oracle ignores.
            if works.iter().all(|other: &Work| other.span() != work.span()) {
                works.push(work);
            }
        }
        Run { start, length, cold, works }
    }

    fn work(&mut self, start: u32, length: u32, depth: u32) -> Work {
        // Most lie inside of their function, some outlast it.
        let (from, mut spans) = self.dice.inside(length);
        if self.dice.one_in(8) {
            spans += self.dice.up_to(30);
        }
        let from = start + from;
        match self.dice.up_to(9) {
            0..=2 => Work::Db { start: from, length: spans },
            3 => {
                let (at, runs) = self.dice.inside(spans);
                let publisher = self.run(from + at, runs, 0);
                let delay = self.dice.up_to(60);
                let event_length = self.dice.up_to(60);
                let event = self.run(publisher.start + delay, event_length, depth.min(3));
                Work::Publish { start: from, length: spans, publisher, event }
            }
            _ => {
                let (at, runs) = self.dice.inside(spans);
                let callee = self.run(from + at, runs, depth);
                // A second delivery under the same pair ID: nobody waits for it.
                let again = self.dice.one_in(10).then(|| {
                    let later = callee.start + 1 + self.dice.up_to(50);
                    let length = self.dice.up_to(50);
                    Run { cold: None, ..self.run(later, length, 0) }
                });
                Work::Call { start: from, length: spans, callee, again }
            }
        }
    }
}

/// A tree of up to 20 levels and 50 works a function.
fn tree(seed: u64, depth: u32, fan_out: u32) -> Run {
    let mut dice = Dice(seed);
    let length = 200 + dice.up_to(1800);
    let mut growth = Growth { dice: &mut dice, budget: 150, fan_out };
    Run { cold: None, ..growth.run(0, length, depth) }
}

/// When the root starts, in ticks since the moment 0 of the client.
const ROOT_TICKS: u32 = 4000;

fn ms(ticks: u32) -> f64 {
    f64::from(ticks) * TICK_MS
}

/// Writes a tree as the log of one context: every invocation in an executor of its own.
struct Writer<'l> {
    log: &'l mut Log,
    context: String,
    pairs: u32,
    executors: u32,
}

impl Writer<'_> {
    fn pair(&mut self) -> String {
        self.pairs += 1;
        format!("{}-{}", self.context, self.pairs)
    }

    /// An executor for an invocation; its clock begins with the client's unless it starts cold.
    fn executor(&mut self, function: &str, run: &Run) -> (String, f64) {
        self.executors += 1;
        let name = format!("{function}#{}x{}", self.context.trim_start_matches('c'), self.executors);
        let started = ROOT_TICKS + run.start;
        let origin_ms = run.cold.map_or(0.0, |cold| ms(started.saturating_sub(cold)));
        if run.cold.is_some() {
            self.log.cold_start(&name, origin_ms, ms(started) - origin_ms);
        } else {
            self.log.executor(&name, origin_ms);
        }
        (name, ms(started) - origin_ms)
    }

    fn root(&mut self, run: &Run) {
        let pair = self.pair();
        let (name, start_ms) = self.executor("root", run);
        let context = self.context.clone();
        self.log.client(&context, &pair, ms(ROOT_TICKS - 80), Some(ms(run.length + 120)));
        self.log.http((&context, Some(&pair), &name), "/", start_ms, ms(run.length));
        self.works(run, &pair, &name, start_ms);
    }

    fn works(&mut self, run: &Run, pair: &str, name: &str, start_ms: f64) {
        for (n, work) in run.works.iter().enumerate() {
            let (from, to) = work.span();
            let (at_ms, length_ms) = (start_ms + ms(from - run.start), ms(to - from));
            let context = self.context.clone();
            let place = (context.as_str(), Some(pair), name);
            match work {
                // Marks of one action would be joined: each operation has an action of its own.
                Work::Db { .. } => self.log.db(place, &format!("get{n}"), at_ms, length_ms),
                Work::Call { callee, again, .. } => {
                    let callee_pair = self.pair();
                    self.log.call(place, "leaf", &callee_pair, at_ms, length_ms);
                    for callee in std::iter::once(callee).chain(again) {
                        let (name, start_ms) = self.executor("leaf", callee);
                        self.log.rpc((&context, Some(&callee_pair), &name), start_ms, ms(callee.length));
                        self.works(callee, &callee_pair, &name, start_ms);
                    }
                }
                Work::Publish { publisher, event, .. } => {
                    let callee_pair = self.pair();
                    self.log.call(place, "publisher", &callee_pair, at_ms, length_ms);
                    let (name, start_ms) = self.executor("publisher", publisher);
                    self.log.rpc((&context, Some(&callee_pair), &name), start_ms, ms(publisher.length));
                    let (name, start_ms) = self.executor("triggered", event);
                    self.log.msg((&context, Some(&callee_pair), &name), start_ms, ms(event.length));
                    self.works(event, &callee_pair, &name, start_ms);
                }
            }
        }
    }
}

/// What each tick of a function's execution is spent on.
fn paint(run: &Run) -> Vec<&'static str> {
    let mut ticks = vec!["compute"; run.length as usize];
    let end = run.start + run.length;
    let mut at = end;
    while at > run.start {
        // What returned at this very tick, the one that started first.
        let returned = run.works.iter().filter(|work| {
            let (from, to) = work.span();
            to == at && from < at && from >= run.start
        });
        let Some(work) = returned.min_by_key(|work| work.span().0) else {
            at -= 1;
            continue;
        };
        let (from, to) = work.span();
        let of_work = match work {
            Work::Db { length, .. } => vec!["db"; *length as usize],
            Work::Call { start, length, callee, .. } => paint_call(*start, *length, callee),
            Work::Publish { start, length, publisher, .. } => paint_call(*start, *length, publisher),
        };
        ticks[(from - run.start) as usize..(to - run.start) as usize].copy_from_slice(&of_work);
        at = from;
    }
    ticks
}

fn paint_call(start: u32, length: u32, callee: &Run) -> Vec<&'static str> {
    let mut ticks = vec!["network"; length as usize];
    let lead = (callee.start - start) as usize;
    ticks[lead..lead + callee.length as usize].copy_from_slice(&paint(callee));
    // An executor that was started after the call began was started for it.
    if let Some(cold) = callee.cold.filter(|cold| (*cold as usize) < lead) {
        ticks[lead - cold as usize..lead].fill("cold");
    }
    ticks
}

/// The longest sum of delays of events that follow from each other.
fn longest_delay(run: &Run) -> Option<u32> {
    let below = run.works.iter().filter_map(|work| match work {
        Work::Db { .. } => None,
        Work::Call { callee, .. } => longest_delay(callee),
        Work::Publish { publisher, event, .. } => {
            Some(event.start - publisher.start + longest_delay(event).unwrap_or(0))
        }
    });
    below.max()
}

fn log_of(trees: &[Run]) -> Log {
    let mut log = Log::default();
    for (n, tree) in trees.iter().enumerate() {
        Writer { log: &mut log, context: format!("c{n}"), pairs: 0, executors: 0 }.root(tree);
    }
    log
}

fn trees() -> impl Strategy<Value = Vec<Run>> {
    let deep = (any::<u64>(), 10_u32..=20).prop_map(|(seed, depth)| tree(seed, depth, 2));
    let broad = (any::<u64>(), 1_u32..=3).prop_map(|(seed, depth)| tree(seed, depth, 50));
    let any = (any::<u64>(), 0_u32..=6, 1_u32..=8).prop_map(|(seed, depth, fan_out)| tree(seed, depth, fan_out));
    prop::collection::vec(prop_oneof![deep, broad, any], 1..4)
}

fn rows<'o>(output: &'o Output, trace: &Trace, scope: &str) -> Vec<&'o PathSegment> {
    let own = output.critical_path.iter().filter(|row| *row.context_id == *trace.context_id && &*row.scope == scope);
    own.collect()
}

/// Contiguous, in order, adding up to the root's duration to 1 us, none of them negative, and the sums of the trace.
fn assert_whole(output: &Output, trace: &Trace) -> Result<(), TestCaseError> {
    let rows = rows(output, trace, "root");
    let Some(root_ms) = trace.root_ms else {
        prop_assert!(rows.is_empty());
        return Ok(());
    };
    let mut end_ms = 0.0;
    for (row, next) in rows.iter().zip(rows.iter().skip(1).map(Some).chain([None])) {
        prop_assert!(row.duration_ms > 0.0, "{:?}", row);
        end_ms += row.duration_ms;
        let end = trace.start.plus_ms(end_ms);
        let next = next.map_or(trace.start.plus_ms(root_ms), |next| next.start);
        prop_assert!((end.micros() - next.micros()).abs() <= 1, "{:?} ends at {}", row, end);
    }
    prop_assert!((end_ms - root_ms).abs() < 0.001, "{} of {}", end_ms, root_ms);
    let sum = |category: &str| rows.iter().filter(|row| &*row.category == category).map(|row| row.duration_ms).sum();
    let sums: [f64; 4] = ["compute", "network", "db", "cold"].map(sum);
    for (sum, known) in sums.into_iter().zip([trace.compute_ms, trace.network_ms, trace.db_ms, trace.cold_ms]) {
        prop_assert!(known.is_some_and(|known| (known - sum).abs() < 1e-6), "{:?} in {:?}", sum, trace);
    }
    Ok(())
}

/// Adds time to a list of stretches, to the last of them where the category is the same.
fn add<'c>(stretches: &mut Vec<(&'c str, f64)>, category: &'c str, duration_ms: f64) {
    match stretches.last_mut() {
        Some((last, sum)) if *last == category => *sum += duration_ms,
        _ => stretches.push((category, duration_ms)),
    }
}

fn shuffled(events: &[Event], seed: u64, lost_in: u32) -> Vec<Event> {
    let mut dice = Dice(seed);
    let kept = events.iter().filter(|_| lost_in == 0 || !dice.one_in(lost_in)).cloned();
    let mut placed: Vec<(u64, Event)> = kept.collect::<Vec<_>>().into_iter().map(|e| (dice.number(), e)).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, event)| event).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_tick_of_the_root_has_the_category_that_was_painted(trees in trees()) {
        let output = log_of(&trees).assemble();
        for (n, tree) in trees.iter().enumerate() {
            let context = format!("c{n}");
            let trace = output.traces.iter().find(|trace| trace.context_id == context).expect("a trace");
            prop_assert!(trace.complete, "{:?}", trace.issues);
            assert_whole(&output, trace)?;
            let mut found: Vec<(&str, f64)> = Vec::new();
            for row in rows(&output, trace, "root") {
                add(&mut found, &row.category, row.duration_ms);
            }
            let mut painted: Vec<(&str, f64)> = Vec::new();
            for category in paint(tree) {
                add(&mut painted, category, TICK_MS);
            }
            prop_assert_eq!(found, painted);
        }
    }

    #[test]
    fn the_chain_of_events_is_the_longest_and_its_segments_add_up(trees in trees()) {
        let output = log_of(&trees).assemble();
        for (n, tree) in trees.iter().enumerate() {
            let context = format!("c{n}");
            let trace = output.traces.iter().find(|trace| trace.context_id == context).expect("a trace");
            prop_assert_eq!(trace.trigger_ms, longest_delay(tree).map(ms));
            let sum: f64 = rows(&output, trace, "event").iter().map(|row| row.duration_ms).sum();
            prop_assert!(near(Some(sum), trace.trigger_ms.unwrap_or(0.0)));
        }
    }

    #[test]
    fn the_clients_time_lies_around_the_root(trees in trees()) {
        let output = log_of(&trees).assemble();
        for trace in &output.traces {
            let rows = rows(&output, trace, "client");
            let durations: Vec<f64> = rows.iter().map(|row| row.duration_ms).collect();
            prop_assert_eq!(durations, vec![ms(80), ms(40)]);
            prop_assert!(near(trace.client_network_ms, ms(120)));
        }
    }

    #[test]
    fn with_pieces_missing_the_segments_still_add_up(trees in trees(), seed in any::<u64>(), lost_in in 2_u32..40) {
        let mut log = log_of(&trees);
        log.events = shuffled(&log.events, seed, lost_in);
        let output = log.assemble();
        for trace in &output.traces {
            assert_whole(&output, trace)?;
        }
    }

    #[test]
    fn the_order_of_events_changes_no_segment(trees in trees(), seed in any::<u64>(), lose in any::<bool>()) {
        let mut one = log_of(&trees);
        one.events = shuffled(&one.events, seed, if lose { 20 } else { 0 });
        let mut other = one.clone();
        other.events = shuffled(&one.events, !seed, 0);
        prop_assert_eq!(one.assemble_in(1, 64).0.critical_path, other.assemble_in(1, 7).0.critical_path);
    }
}
