//! Order of rows and number of parts change nothing.

use faaslens_analyze::facts::{CallKind, EventFact, SeenCounts, Trigger};
use faaslens_analyze::results::RunResults;
use faaslens_schemas::tables::{ClientRequest, PhasePoint};
use proptest::prelude::*;

use crate::fixture::{Fixture, ZERO};

const PLACES: [(&str, &str); 4] = [("aws", "cart"), ("google", "cart"), ("azure", "auth"), ("aws", "billing")];

/// One context: places of caller and callee, a duration, and what kind of thing happened.
type Context = (usize, usize, f64, u8);

fn add(fixture: &mut Fixture, (caller, callee, ms, kind): Context) {
    let (caller, callee) = (PLACES[caller], PLACES[callee]);
    fixture.invocation(callee.0, callee.1, ms, |fact| {
        fact.start = ZERO.plus_ms(ms * 7.0);
        fact.duration_ms = (kind != 0).then_some(ms);
        fact.caller_ms = Some(ms + 1.0);
        fact.cold = Some(kind == 1);
        fact.trigger = if kind == 2 { Trigger::Msg } else { Trigger::Rpc };
    });
    fixture.call(caller, callee, |fact| {
        fact.kind = if kind == 2 { CallKind::Async } else { CallKind::Sync };
        fact.to_publisher = kind == 3;
        fact.network_ms = Some(ms / 3.0);
        let event = EventFact {
            trigger_delay_ms: Some(ms * 1.7),
            trigger_delay_logged_ms: Some(ms.round()),
            ..EventFact::default()
        };
        fact.event = (kind == 2).then(|| Box::new(event));
    });
    fixture.trace(callee.1, [ms, ms / 7.0, 0.1, 0.0], |fact| fact.complete = kind != 0);
    let counts = SeenCounts { lines: 3, unended: u64::from(kind == 0), ..SeenCounts::default() };
    fixture.seen(callee.0, Some(callee.1), i64::from(kind), counts);
    let sent_at = ZERO.plus_ms(ms);
    fixture.requests.add(&ClientRequest {
        sent_at,
        label: Some(callee.1.into()),
        elapsed_ms: (kind != 0).then_some(ms),
        kind: if kind == 1 { "transaction" } else { "request" }.into(),
        ..ClientRequest::default()
    });
}

/// Results of contexts dealt out to parts in turn.
fn results(contexts: &[Context], parts: usize) -> (RunResults, Vec<PhasePoint>) {
    let mut run = Fixture::new();
    for part in 0..parts {
        let mut one = Fixture::new();
        contexts.iter().skip(part).step_by(parts).for_each(|context| add(&mut one, *context));
        run.facts.merge(one.facts);
        run.requests.merge(std::mem::take(&mut one.requests));
    }
    (run.summarise(), run.phases())
}

proptest! {
    #[test]
    fn parts_and_order_change_no_result(
        contexts in prop::collection::vec((0..4_usize, 0..4_usize, 0.001_f64..4000.0, 0..5_u8), 0..40),
        parts in 1..5_usize,
    ) {
        let expected = results(&contexts, 1);
        let mut reversed = contexts.clone();
        reversed.reverse();
        prop_assert_eq!(&results(&contexts, parts), &expected);
        prop_assert_eq!(&results(&reversed, parts), &expected);
    }

    #[test]
    fn shares_of_a_duration_add_up_to_a_hundred_percent(
        contexts in prop::collection::vec((0..4_usize, 0..4_usize, 0.001_f64..4000.0, 1..5_u8), 1..40),
    ) {
        let rows = results(&contexts, 1).0.shares;
        for group in rows.chunk_by(|a, b| (&a.method, &a.scope, &a.name) == (&b.method, &b.scope, &b.name)) {
            let total: f64 = group.iter().filter_map(|row| row.share_pct).sum();
            prop_assert!((total - 100.0).abs() < 1e-9, "{} {}: {total}", group[0].method, group[0].name);
        }
    }
}
