//! Change points.

use faaslens_analyze::stats::{ChangeSearch, change_points};

use crate::golden::{assert_near, cases, numbers};

#[test]
fn changes_that_were_put_in_are_found_where_they_are() {
    for case in cases("changes") {
        let name = case["name"].as_str().expect("a name");
        let found = change_points(&numbers(&case["x"]), &ChangeSearch::default());
        let expected = numbers(&case["at"]);
        assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
        for (change, at) in found.iter().zip(expected) {
            assert!((change.index as f64 - at).abs() <= 2.0, "{name}: {change:?}");
        }
    }
}

#[test]
fn the_first_split_has_the_greatest_energy_distance_of_all() {
    let keep_any = ChangeSearch { significance: 1.0, permutations: 1, ..ChangeSearch::default() };
    for case in cases("changes") {
        let name = case["name"].as_str().expect("a name");
        let found = change_points(&numbers(&case["x"]), &keep_any);
        let split = found.iter().find(|change| Some(change.index as u64) == case["split"].as_u64());
        assert_near(split.map(|change| change.distance), &case["distance"], name);
    }
}

#[test]
fn the_same_seed_gives_the_same_p_values_and_short_series_have_no_changes() {
    let series = numbers(&cases("changes")[1]["x"]);
    let search = ChangeSearch::default();
    assert_eq!(change_points(&series, &search), change_points(&series, &search));
    assert_eq!(change_points(&series[..9], &search), []);
    assert_eq!(change_points(&[f64::NAN; 30], &search), []);
    assert_eq!(change_points(&[1.0; 30], &search), []);
}
