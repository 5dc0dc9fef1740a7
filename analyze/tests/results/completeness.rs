//! What was seen, what is missing, and which rows rest on it.

use faaslens_analyze::facts::SeenCounts;
use faaslens_schemas::time::Timestamp;

use crate::fixture::Fixture;

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
    assert_eq!(found, [("aws".into(), "complete".into(), 3), ("google".into(), "lossy".into(), 0)]);
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
    assert_eq!(verdicts(&fixture), ["complete", "complete", "lossy"]);
    let complete = |fixture: &Fixture| fixture.summarise().durations.iter().map(|row| row.complete).collect::<Vec<_>>();
    assert_eq!(complete(&fixture), [true, false]);
    fixture.seen("unknown", Some("cart"), 7, missing);
    assert_eq!(verdicts(&fixture), ["lossy", "lossy", "lossy", "lossy"]);
    assert_eq!(complete(&fixture), [false, false]);
}

#[test]
fn a_request_without_answer_or_root_makes_the_load_generator_lossy() {
    let sent = |client_answered, roots_found| SeenCounts { client_sent: 3, client_answered, roots_found, ..lines(0) };
    for (counts, verdict) in [(sent(3, 3), "complete"), (sent(2, 3), "lossy"), (sent(3, 2), "lossy")] {
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
