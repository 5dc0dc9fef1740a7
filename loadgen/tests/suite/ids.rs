//! The ids that requests carry.

use std::collections::BTreeSet;

use faaslens_loadgen::engine::{Options, Tracing};
use serde_json::json;

use super::drive::{compile, drive, manners};
use super::server::{Seen, Server};

const FLOW: &str = "
phases: [{users: 3, rounds: 1}]
scenarios:
  - flow:
      - get: {url: '/{{ $randomString(12) }}'}
      - post: {url: '/{{ pick }}', json: {n: '{{ $randomNumber(1, 1000000) }}'}}
";

/// What reached the server, by user.
fn driven(tracing: Tracing) -> Vec<Seen> {
    let server = Server::start();
    let picks = [("pick", json!(["a", "b", "c", "d", "e", "f"]))];
    let options = Options { tracing, ..Options::default() };
    let driven = drive(compile("p.yml".as_ref(), FLOW, &server.url(), &picks), options, manners());
    let mut seen = server.seen();
    assert_eq!((seen.len(), driven.rows.len()), (6, 6));
    // Each row names the ids that its request had.
    let ids = |seen: &Seen| {
        let header = |name: &str| seen.header(name).map(str::to_owned);
        match header("traceparent") {
            Some(parent) => (Some(parent[3..35].to_owned()), Some(parent[36..52].to_owned())),
            None => (header("x-context"), header("x-pair")),
        }
    };
    let found: BTreeSet<_> = seen.iter().map(ids).collect();
    let rows: BTreeSet<_> = driven.rows.iter().map(|row| (row.context_id.clone(), row.pair_id.clone())).collect();
    assert_eq!(found, rows);
    seen.sort_by(|a, b| (&a.method, &a.path, &a.body).cmp(&(&b.method, &b.path, &b.body)));
    seen
}

fn distinct<'a>(seen: &'a [Seen], header: &str) -> BTreeSet<&'a str> {
    seen.iter().filter_map(|seen| seen.header(header)).collect()
}

#[test]
fn each_request_has_a_context_and_a_pair_of_its_own() {
    let seen = driven(Tracing::Request);
    assert_eq!((distinct(&seen, "x-context").len(), distinct(&seen, "x-pair").len()), (6, 6));
    for seen in &seen {
        let (context, pair) = (seen.header("x-context").expect("a context"), seen.header("x-pair").expect("a pair"));
        let own = pair.strip_prefix(context).and_then(|rest| rest.strip_prefix('-')).expect("context-id");
        for id in [context, own] {
            assert!(id.len() == 8 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{id}");
        }
    }
}

#[test]
fn requests_of_a_scenario_share_a_context_where_that_is_asked_for() {
    let seen = driven(Tracing::Scenario);
    assert_eq!((distinct(&seen, "x-context").len(), distinct(&seen, "x-pair").len()), (3, 6));
    for context in distinct(&seen, "x-context") {
        let own: Vec<&str> =
            seen.iter().filter(|seen| seen.header("x-context") == Some(context)).map(|seen| &*seen.method).collect();
        assert_eq!(own, ["GET", "POST"], "one user's requests");
    }
}

#[test]
fn trace_parents_are_those_of_the_w3c() {
    let seen = driven(Tracing::W3c);
    assert!(seen.iter().all(|seen| seen.header("x-context").is_none() && seen.header("x-pair").is_none()));
    let parents = distinct(&seen, "traceparent");
    assert_eq!(parents.len(), 6);
    for parent in parents {
        // https://www.w3.org/TR/trace-context/: version, trace-id, parent-id, flags; neither id all zeros.
        let fields: Vec<&str> = parent.split('-').collect();
        let [version, trace, span, flags] = fields[..] else { panic!("{parent}") };
        assert_eq!((version, flags, trace.len(), span.len()), ("00", "01", 32, 16));
        for id in [trace, span] {
            assert!(id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{parent}");
            assert!(id.bytes().any(|b| b != b'0'), "{parent}");
        }
    }
}

#[test]
fn two_loads_of_one_seed_send_the_same_under_other_ids() {
    let (first, second) = (driven(Tracing::Request), driven(Tracing::Request));
    let requests = |seen: &[Seen]| -> Vec<(String, String)> {
        seen.iter().map(|seen| (seen.path.clone(), seen.body.clone())).collect()
    };
    assert_eq!(requests(&first), requests(&second));
    assert!(distinct(&first, "x-context").is_disjoint(&distinct(&second, "x-context")));
    assert_eq!(requests(&first), requests(&driven(Tracing::None)), "ids take nothing of what values are drawn from");
}
