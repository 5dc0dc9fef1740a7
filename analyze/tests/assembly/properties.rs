//! Invariants on random trees.

use std::collections::BTreeMap;

use faaslens_schemas::tables::Event;
use proptest::prelude::*;

use crate::log::Log;

/// What a handler does, as fractions of its duration: start, length, and a callee's own work or a database operation.
#[derive(Debug, Clone)]
enum Work {
    Db { at: f64, share: f64 },
    Call { at: f64, share: f64, inside: f64, work: Vec<Work> },
}

fn work() -> impl Strategy<Value = Vec<Work>> {
    let fraction = || (0_u32..=1000).prop_map(|n| f64::from(n) / 1000.0);
    let leaf = (fraction(), fraction()).prop_map(|(at, share)| Work::Db { at, share });
    let one = leaf.prop_recursive(4, 24, 4, move |inner| {
        let inside = (0_u32..=1100).prop_map(|n| f64::from(n) / 1000.0);
        (fraction(), fraction(), inside, prop::collection::vec(inner, 0..4))
            .prop_map(|(at, share, inside, work)| Work::Call { at, share, inside, work })
    });
    prop::collection::vec(one, 0..5)
}

/// Writes the work of a handler that runs under `pair` from `start_ms` for `duration_ms`.
fn write(log: &mut Log, context: &str, pair: &str, (start_ms, duration_ms): (f64, f64), works: &[Work]) {
    for (n, one) in works.iter().enumerate() {
        let function = format!("f{}", pair.len() % 5);
        let place = (context, Some(pair), function.as_str());
        match one {
            Work::Db { at, share } => {
                log.db(place, "get", start_ms + at * duration_ms, share * (1.0 - at) * duration_ms);
            }
            Work::Call { at, share, inside, work } => {
                let (call_ms, length_ms) = (start_ms + at * duration_ms, share * (1.0 - at) * duration_ms);
                let callee_pair = format!("{pair}{n}");
                let callee = format!("f{}", callee_pair.len() % 5);
                log.call(place, &callee, &callee_pair, call_ms, length_ms);
                let span = (call_ms + 500.0, inside * length_ms);
                log.rpc((context, Some(&callee_pair), &callee), span.0, span.1);
                write(log, context, &callee_pair, span, work);
            }
        }
    }
}

fn trees() -> impl Strategy<Value = Log> {
    let one = (work(), 1_u32..10_000_000);
    prop::collection::vec(one, 1..6).prop_map(|trees| {
        let mut log = Log::default();
        for (n, (works, micros)) in trees.iter().enumerate() {
            let (context, duration_ms) = (format!("ctx{n}"), f64::from(*micros) / 1000.0);
            let pair = format!("{context}-");
            let function = format!("f{}", pair.len() % 5);
            log.client(&context, &pair, 0.0, Some(duration_ms + 1.0));
            log.http((&context, Some(&pair), &function), "/", 7.0, duration_ms);
            write(&mut log, &context, &pair, (7.0, duration_ms), works);
        }
        log
    })
}

/// Events in another order, and some of them lost.
fn shuffled(events: &[Event], seed: u64, lose: bool) -> Vec<Event> {
    // A linear congruential generator (Knuth, MMIX) gives each event a place.
    let mut state = seed;
    let mut placed = BTreeMap::new();
    for (n, event) in events.iter().enumerate() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if !lose || state >> 60 != 0 {
            placed.insert((state >> 20, n), event.clone());
        }
    }
    placed.into_values().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn wall_categories_add_up_to_the_duration_of_the_root(log in trees()) {
        let output = log.assemble();
        for trace in &output.traces {
            let parts = [trace.compute_ms, trace.network_ms, trace.db_ms, trace.cold_ms];
            prop_assert!(parts.iter().all(|part| part.is_some_and(|part| part >= -1e-9)), "{:?}", trace);
            let sum: f64 = parts.iter().flatten().sum();
            prop_assert!((sum - trace.root_ms.expect("a root that ended")).abs() <= 0.001, "{:?}", trace);
        }
        for invocation in &output.invocations {
            let own = [invocation.compute_ms, invocation.network_ms, invocation.db_ms];
            let sum: f64 = own.iter().flatten().sum();
            prop_assert!((sum - invocation.duration_ms.expect("an end")).abs() <= 0.001, "{:?}", invocation);
        }
    }

    #[test]
    fn the_order_of_events_does_not_matter(log in trees(), seed in any::<u64>(), lose in any::<bool>()) {
        let mut one = log.clone();
        one.events = shuffled(&log.events, seed, lose);
        let mut other = one.clone();
        other.events = shuffled(&one.events, seed ^ 0x5851_f42d_4c95_7f2d, false);
        other.clients.reverse();
        prop_assert_eq!(one.assemble_in(1, 64).0, other.assemble_in(1, 3).0);
    }

    #[test]
    fn parts_do_not_matter(log in trees(), seed in any::<u64>()) {
        let mut log = log;
        log.events = shuffled(&log.events, seed, true);
        let (mut one, one_facts) = log.assemble_in(1, 64);
        let (mut eight, eight_facts) = log.assemble_in(8, 64);
        for output in [&mut one, &mut eight] {
            output.invocations.sort_by(|a, b| a.context_id.cmp(&b.context_id));
            output.calls.sort_by(|a, b| a.context_id.cmp(&b.context_id));
            output.db_calls.sort_by(|a, b| a.context_id.cmp(&b.context_id));
            output.traces.sort_by(|a, b| a.context_id.cmp(&b.context_id));
            output.critical_path.sort_by(|a, b| a.context_id.cmp(&b.context_id));
        }
        prop_assert_eq!(one, eight);
        prop_assert_eq!(&one_facts.issues, &eight_facts.issues);
        prop_assert_eq!(one_facts.calls.len(), eight_facts.calls.len());
    }

    #[test]
    fn any_times_and_any_links_are_assembled(
        entries in prop::collection::vec(
            (0_usize..3, 0_usize..4, 0_usize..5, 0_usize..4, any::<f64>(), any::<f64>(), 0_usize..4), 0..60
        )
    ) {
        let mut log = Log::default();
        log.client("c0", "p1", 0.0, None);
        for (kind, op, pair, callee, start_ms, duration_ms, context) in entries {
            log.events.push(Event {
                provider: "aws".into(),
                function: format!("f{callee}").as_str().into(),
                executor: format!("x{callee}").as_str().into(),
                kind: ["start", "end", "measure"][kind].into(),
                op: Some(["rpc_in", "msg", "rpc_out", "db"][op].into()),
                context_id: Some(format!("c{context}")),
                pair_id: (pair > 0).then(|| format!("p{pair}")),
                callee_pair_id: (op == 2).then(|| format!("p{callee}")),
                start_ms: Some(start_ms),
                duration_ms: Some(duration_ms),
                ..Event::default()
            });
        }
        let one = log.assemble_in(1, 64).0;
        log.events.reverse();
        prop_assert_eq!(format!("{one:?}"), format!("{:?}", log.assemble_in(1, 5).0));
    }
}
