//! What functions contribute to critical paths.

use faaslens_analyze::facts::{PathFact, WallShares};
use faaslens_schemas::tables::Contribution;

use crate::fixture::{Fixture, assert_near};

/// A complete trace in which functions have (compute, network, db, cold) of the path.
fn trace(fixture: &mut Fixture, route: &str, client_ms: Option<f64>, parts: &[(&str, [f64; 4])]) {
    let mut sums = [0.0; 4];
    let trace = u32::try_from(fixture.facts.traces.len()).expect("few traces");
    for (function, part) in parts {
        for (sum, ms) in sums.iter_mut().zip(part) {
            *sum += ms;
        }
        let [compute_ms, network_ms, db_ms, cold_ms] = *part;
        let (provider, function) = (fixture.name("aws"), fixture.name(function));
        let shares = WallShares { compute_ms, network_ms, db_ms, cold_ms };
        fixture.facts.paths.push(PathFact { trace, provider, function, shares });
    }
    fixture.trace(route, sums, |fact| fact.client_ms = client_ms);
}

/// Three traces: roots of 100, 60 and 30 ms.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new();
    let store = ("store", [2.0, 20.0, 8.0, 0.0]);
    trace(
        &mut fixture,
        "GET /",
        Some(120.0),
        &[("front", [30.0, 0.0, 0.0, 0.0]), store, ("pay", [0.0, 10.0, 0.0, 30.0])],
    );
    trace(&mut fixture, "GET /", Some(70.0), &[("front", [10.0, 0.0, 0.0, 0.0]), ("store", [4.0, 40.0, 6.0, 0.0])]);
    trace(&mut fixture, "GET /cart", None, &[("front", [30.0, 0.0, 0.0, 0.0])]);
    fixture
}

fn row<'a>(rows: &'a [Contribution], name: &str, function: &str, category: &str) -> &'a Contribution {
    let is = |row: &&Contribution| &*row.name == name && &*row.function == function && &*row.category == category;
    rows.iter().find(is).expect("a row")
}

#[test]
fn contributions_add_up_to_the_roots_and_count_their_traces() {
    let rows = fixture().summarise().contributions;
    let store = row(&rows, "all", "store", "own");
    assert_eq!((store.n, store.traces, store.left_out, store.sum_ms), (2, 3, 0, 20.0));
    assert_near(store.share_pct, 100.0 * 20.0 / 190.0);
    // Two traces carry no percentile near the end.
    assert_eq!((store.p50_ms, store.p95_ms, store.p99_ms), (Some(10.0), None, None));
    let overall = rows.iter().filter(|row| &*row.scope == "overall" && &*row.category != "own");
    assert_near(overall.filter_map(|row| row.share_pct).sum::<f64>(), 100.0);
    assert_eq!(row(&rows, "GET /cart", "front", "own").traces, 1);
}

#[test]
fn a_fall_is_the_difference_of_medians_over_all_traces() {
    let rows = fixture().summarise().contributions;
    // Roots 100, 60, 30: without store's own time 90, 50, 30; without front's 70, 50, 0; without calls of store 80, 20, 30.
    for (function, category, fall_ms) in [("store", "own", 10.0), ("front", "own", 10.0), ("store", "network", 30.0)] {
        let row = row(&rows, "all", function, category);
        assert_eq!((row.root_median_ms, row.root_fall_ms), (Some(60.0), Some(fall_ms)), "{function} {category}");
    }
    // Clients 120, 70: median 95; without store's database 112, 64: 88.
    let store = row(&rows, "all", "store", "db");
    assert_eq!((store.client_n, store.client_median_ms, store.client_fall_ms), (2, Some(95.0), Some(7.0)));
    let cart = row(&rows, "GET /cart", "front", "own");
    assert_eq!((cart.client_n, cart.client_median_ms, cart.client_fall_ms), (0, None, None));
}

#[test]
fn rows_have_their_order_and_nothing_without_a_part() {
    let rows = fixture().summarise().contributions;
    let keys: Vec<(&str, &str, &str)> = rows.iter().map(|row| (&*row.name, &*row.function, &*row.category)).collect();
    assert_eq!(
        keys[..9],
        [
            ("all", "front", "own"),
            ("all", "front", "compute"),
            ("all", "pay", "network"),
            ("all", "pay", "cold"),
            ("all", "store", "own"),
            ("all", "store", "compute"),
            ("all", "store", "db"),
            ("all", "store", "network"),
            ("GET /", "front", "own"),
        ]
    );
}

#[test]
fn incomplete_traces_are_left_out_and_counted() {
    let mut fixture = fixture();
    fixture.trace("GET /", [900.0, 0.0, 0.0, 0.0], |fact| fact.complete = false);
    let rows = fixture.summarise().contributions;
    let front = row(&rows, "GET /", "front", "own");
    assert_eq!((front.traces, front.left_out, front.complete), (2, 1, false));
    assert_eq!(row(&rows, "GET /cart", "front", "own").left_out, 0);
}
