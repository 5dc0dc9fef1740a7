//! What was seen, what is missing, and which rows rest on it.

use faaslens_analyze::facts::SeenCounts;
use faaslens_schemas::time::Timestamp;

use crate::fixture::{Fixture, assert_near};

/// Provider, verdict and lines of the totals.
fn totals(fixture: &Fixture) -> Vec<(String, String, i64)> {
    let rows = fixture.summarise().completeness;
    let verdicts =
        rows.iter().filter_map(|row| Some((row.provider.to_string(), row.verdict.as_ref()?.to_string(), row.lines)));
    verdicts.collect()
}

fn lines(lines: u64) -> SeenCounts {
    SeenCounts { lines, ..SeenCounts::default() }
}

#[test]
fn totals_add_up_the_seconds_and_stand_before_them() {
    let mut fixture = Fixture::new();
    fixture.seen("aws", Some("cart"), 7, lines(3));
    fixture.seen("aws", Some("auth"), 6, lines(2));
    fixture.seen("google", Some("cart"), 6, lines(5));
    fixture.source("aws", 0, 4);
    let rows = fixture.summarise().completeness;
    let found: Vec<_> = rows
        .iter()
        .map(|row| (&*row.provider, row.function.as_deref(), row.lines, row.duplicates, row.rejects))
        .collect();
    assert_eq!(
        found,
        [
            ("aws", None, 5, Some(4), Some(0)),
            ("aws", Some("auth"), 2, None, None),
            ("aws", Some("cart"), 3, None, None),
            ("google", None, 5, Some(0), Some(0)),
            ("google", Some("cart"), 5, None, None),
        ]
    );
    assert_eq!(rows[1].second.map(Timestamp::micros), Some(6_000_000));
    assert!(totals(&fixture).iter().all(|(_, verdict, _)| verdict == "complete"));
}

#[test]
fn refused_input_makes_its_provider_lossy_even_where_nothing_of_it_was_kept() {
    let mut fixture = Fixture::new();
    fixture.seen("aws", Some("cart"), 7, lines(3));
    fixture.source("aws", 0, 0);
    fixture.source("google", 2, 0);
    let found = totals(&fixture);
    assert_eq!(found, [("aws".into(), "complete".into(), 3), ("google".into(), "lossy: gaps".into(), 0)]);
}

#[test]
fn a_missing_callee_makes_its_provider_lossy_and_one_of_unknown_place_every_place_it_runs() {
    let mut fixture = Fixture::new();
    let missing = SeenCounts { calls_made: 5, callees_found: 4, ..SeenCounts::default() };
    fixture.seen("aws", Some("cart"), 7, lines(3));
    fixture.seen("azure", Some("cart"), 7, lines(3));
    fixture.seen("google", Some("auth"), 7, missing);
    fixture.invocation("aws", "cart", 1.0, |_| ());
    fixture.invocation("google", "auth", 1.0, |_| ());
    let verdicts = |fixture: &Fixture| totals(fixture).into_iter().map(|(_, verdict, _)| verdict).collect::<Vec<_>>();
    assert_eq!(verdicts(&fixture), ["complete", "complete", "lossy: gaps"]);
    let complete = |fixture: &Fixture| fixture.summarise().durations.iter().map(|row| row.complete).collect::<Vec<_>>();
    assert_eq!(complete(&fixture), [true, false]);
    fixture.seen("unknown", Some("cart"), 7, missing);
    assert_eq!(verdicts(&fixture), ["lossy: gaps", "lossy: gaps", "lossy: gaps", "lossy: gaps"]);
    assert_eq!(complete(&fixture), [false, false]);
}

#[test]
fn a_request_without_answer_or_root_makes_the_load_generator_lossy() {
    let sent = |client_answered, roots_found| SeenCounts { client_sent: 3, client_answered, roots_found, ..lines(0) };
    for (counts, verdict) in [(sent(3, 3), "complete"), (sent(2, 3), "lossy: gaps"), (sent(3, 2), "lossy: gaps")] {
        let mut fixture = Fixture::new();
        fixture.invocation("aws", "cart", 1.0, |_| ());
        fixture.seen("client", None, 7, counts);
        assert_eq!(totals(&fixture), [("client".into(), verdict.into(), 0)]);
    }
}

#[test]
fn requests_alone_need_no_root_to_be_complete() {
    let mut fixture = Fixture::new();
    fixture.seen("client", None, 7, SeenCounts { client_sent: 3, client_answered: 3, ..SeenCounts::default() });
    assert_eq!(totals(&fixture)[0].1, "complete");
}

#[test]
fn an_incomplete_invocation_marks_its_results_but_not_its_provider_as_lossy() {
    let mut fixture = Fixture::new();
    fixture.seen("google", Some("order"), 7, lines(3));
    fixture.invocation("google", "order", 1.0, |fact| fact.complete = false);
    fixture.invocation("google", "cart", 1.0, |_| ());
    let durations = fixture.summarise().durations;
    assert_eq!(durations.iter().map(|row| row.complete).collect::<Vec<_>>(), [true, false]);
    assert_eq!(totals(&fixture), [("google".into(), "complete".into(), 3)]);
}

#[test]
fn a_handler_without_end_is_counted_but_is_no_proof_of_loss() {
    let mut fixture = Fixture::new();
    fixture.seen("aws", Some("checkout"), 7, SeenCounts { unended: 2, ..lines(3) });
    assert_eq!(totals(&fixture), [("aws".into(), "complete".into(), 3)]);
    assert_eq!(fixture.summarise().completeness[0].unended, 2);
}

/// One provider whose calls all find their callees, at some rate of lines a second.
fn rates(rates: &[u64]) -> Fixture {
    let mut fixture = Fixture::new();
    for (second, rate) in (0..).zip(rates) {
        let counts = SeenCounts { calls_made: 10, callees_found: 10, halves_expected: 2 * rate, ..lines(*rate) };
        fixture.seen("aws", Some("cart"), second, counts);
    }
    fixture
}

/// Verdict, share lost and cap of the only provider.
fn judged(fixture: &Fixture) -> (String, Option<f64>, Option<f64>) {
    let total = fixture.summarise().completeness.swap_remove(0);
    (total.verdict.expect("a verdict").to_string(), total.lost_pct, total.cap_per_s)
}

#[test]
fn a_constant_rate_without_losses_is_complete() {
    assert_eq!(judged(&rates(&[60; 40])), ("complete".into(), Some(0.0), None));
}

#[test]
fn callees_missing_in_the_seconds_of_a_flat_ceiling_are_a_cap() {
    let mut fixture = rates(&[20, 35, 60, 60, 12, 60, 44, 60, 51, 60, 60, 8]);
    for second in [2, 3, 5, 7, 9, 10] {
        fixture.seen("aws", Some("cart"), second, SeenCounts { calls_made: 5, ..SeenCounts::default() });
    }
    // 30 of 150 handlers are missing, no half is.
    let (verdict, lost_pct, cap_per_s) = judged(&fixture);
    assert_eq!((verdict.as_str(), cap_per_s), ("lossy: rate-capped", Some(60.0)));
    assert_near(lost_pct, 20.0);
}

#[test]
fn halves_missing_anywhere_are_gaps_and_their_share_is_that_of_the_lines() {
    let mut fixture = rates(&[20, 35, 60, 47, 12, 41, 44, 59, 51, 30, 22, 8]);
    for second in 0..12 {
        fixture.seen("aws", Some("cart"), second, SeenCounts { halves_missing: 6, ..SeenCounts::default() });
    }
    let (verdict, lost_pct, cap_per_s) = judged(&fixture);
    assert_eq!((verdict.as_str(), cap_per_s), ("lossy: gaps", None));
    // 72 of 2 * 429 proofs.
    assert_near(lost_pct, 100.0 * 72.0 / 858.0);
}

#[test]
fn callees_missing_after_the_last_line_are_a_tail_cut_off() {
    let mut fixture = rates(&[20, 35, 60, 47]);
    for second in 4..8 {
        fixture.seen("aws", Some("cart"), second, SeenCounts { calls_made: 10, ..SeenCounts::default() });
    }
    assert_eq!(judged(&fixture), ("lossy: tail cut off".into(), Some(50.0), None));
}

#[test]
fn a_missing_caller_is_missing_where_such_calls_come_from() {
    let mut fixture = Fixture::new();
    let (cart, google) = (fixture.name("cart"), fixture.name("google"));
    fixture.facts.callers.insert((cart, google), 40);
    fixture.seen("google", Some("frontend"), 7, lines(300));
    fixture.seen("aws", Some("cart"), 7, SeenCounts { callers_missing: 2, ..lines(100) });
    let found = totals(&fixture);
    assert_eq!(found, [("aws".into(), "complete".into(), 100), ("google".into(), "lossy: gaps".into(), 300)]);
}

#[test]
fn a_missing_root_is_missing_at_the_one_provider_behind_its_address() {
    let mut fixture = Fixture::new();
    let (api, mixed) = (fixture.name("http://h/api"), fixture.name("http://h/mixed"));
    let (aws, azure) = (fixture.name("aws"), fixture.name("azure"));
    fixture.facts.entries = [((api, aws), 30), ((mixed, aws), 3), ((mixed, azure), 4)].into();
    fixture.seen("aws", Some("shop"), 7, lines(100));
    fixture.seen("azure", Some("shop"), 7, lines(100));
    fixture.facts.rootless = [((mixed, 7), 2)].into();
    assert!(totals(&fixture).iter().all(|(_, verdict, _)| verdict == "complete"));
    fixture.facts.rootless = [((api, 7), 2)].into();
    let verdicts: Vec<String> = totals(&fixture).into_iter().map(|(_, verdict, _)| verdict).collect();
    assert_eq!(verdicts, ["lossy: gaps", "complete"]);
}
