//! Tests of two groups.

use faaslens_analyze::stats::{Basis, Sample, dominance, hodges_lehmann, holm, kolmogorov_smirnov, mann_whitney};
use proptest::prelude::*;

use crate::golden::{assert_near, cases, numbers, sample};

#[test]
fn mann_whitney_equals_scipy() {
    for case in cases("two_groups") {
        let name = case["name"].as_str().expect("a name");
        let found = mann_whitney(&sample(&case["a"]), &sample(&case["b"]));
        assert_near(found.u, &case["u"], name);
        assert_near(found.p_value, &case["u_p"], name);
        assert_eq!(Some(found.exact), case["u_exact"].as_bool(), "{name}");
    }
}

#[test]
fn the_permeability_example_has_its_published_shift() {
    // R 4, example(wilcox.test): W = 35, shift 0.305; Hollander & Wolfe (1973), p. 69
    let case = &cases("two_groups")[0];
    let (a, b) = (sample(&case["a"]), sample(&case["b"]));
    assert!((mann_whitney(&a, &b).u - 35.0).abs() < 1e-12);
    assert!((hodges_lehmann(&a, &b, 0.95).value - 0.305).abs() < 1e-12);
}

#[test]
fn kolmogorov_smirnov_equals_scipy() {
    for case in cases("two_groups") {
        let name = case["name"].as_str().expect("a name");
        let found = kolmogorov_smirnov(&sample(&case["a"]), &sample(&case["b"]));
        assert_near(found.distance, &case["ks"], name);
        assert_near(found.p_value, &case["ks_p"], name);
    }
}

#[test]
fn hodges_lehmann_is_the_median_of_all_differences() {
    for case in cases("two_groups") {
        let name = case["name"].as_str().expect("a name");
        let found = hodges_lehmann(&sample(&case["a"]), &sample(&case["b"]), 0.95);
        assert_near(found.value, &case["shift"], name);
        assert_near(found.interval.map(|interval| interval.low), &case["shift_low"], name);
        assert_near(found.interval.map(|interval| interval.high), &case["shift_high"], name);
    }
}

#[test]
fn a12_and_cliffs_delta_count_pairs() {
    for case in cases("two_groups") {
        let name = case["name"].as_str().expect("a name");
        let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
        let found = dominance(&[&a], &[&b], 0.95).expect("finite values");
        assert_near(found.a12.value, &case["a12"], name);
        assert_near(found.cliffs_delta, &case["delta"], name);
    }
}

#[test]
fn dominance_of_independent_values_is_the_test_of_brunner_and_munzel() {
    for case in cases("brunner_munzel") {
        let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
        let found = dominance(&[&a], &[&b], 0.95).expect("finite values");
        assert_near(found.p_value, &case["p"], case["name"].as_str().expect("a name"));
    }
}

#[test]
fn several_runs_make_the_run_the_unit_of_replication() {
    let (fast, slow) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
    let found = dominance(&[&fast, &slow], &[&fast, &slow], 0.95).expect("finite values");
    let interval = found.a12.interval.expect("two runs a side");
    assert_eq!((interval.basis, found.a12.runs), (Basis::HierarchicalBootstrap, 4));
    // Runs differ wholly, so two of them a side leave every value of A12 possible.
    assert!(interval.low <= 0.0 && interval.high >= 1.0, "{interval:?}");
}

#[test]
fn holm_corrects_as_in_the_worked_example() {
    for case in cases("special")[0]["holm"].as_array().expect("cases") {
        let corrected = holm(&numbers(&case["p"]));
        for (found, expected) in corrected.iter().zip(case["corrected"].as_array().expect("numbers")) {
            assert_near(*found, expected, "holm");
        }
    }
    assert!(holm(&[f64::NAN, 0.02])[0].is_nan());
    assert!((holm(&[f64::NAN, 0.02])[1] - 0.02).abs() < 1e-12);
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        prop::collection::vec(-1e6_f64..1e6, 1..60),
        prop::collection::vec((0..6_u8).prop_map(f64::from), 1..60),
        prop::collection::vec(prop::num::f64::NORMAL, 1..60),
    ]
}

proptest! {
    #[test]
    fn exchanging_the_groups_mirrors_every_measure(a in values(), b in values()) {
        let (x, y) = (Sample::new(a.clone()).expect("finite"), Sample::new(b.clone()).expect("finite"));
        let (one, other) = (mann_whitney(&x, &y), mann_whitney(&y, &x));
        prop_assert!((one.u + other.u - (x.n() * y.n()) as f64).abs() < 1e-9);
        prop_assert!((one.p_value - other.p_value).abs() < 1e-9 && (0.0..=1.0).contains(&one.p_value));
        let (one, other) = (kolmogorov_smirnov(&x, &y), kolmogorov_smirnov(&y, &x));
        prop_assert!((one.distance - other.distance).abs() < 1e-12 && (one.p_value - other.p_value).abs() < 1e-9);
        let (one, other) = (hodges_lehmann(&x, &y, 0.95), hodges_lehmann(&y, &x, 0.95));
        prop_assert_eq!((one.value + 0.0).to_bits(), (0.0 - other.value).to_bits());
        let (one, other) = (dominance(&[&a], &[&b], 0.95), dominance(&[&b], &[&a], 0.95));
        let (one, other) = (one.expect("finite"), other.expect("finite"));
        prop_assert!((one.a12.value + other.a12.value - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_shift_is_the_middle_of_all_listed_differences(a in values(), b in values()) {
        let found = hodges_lehmann(
            &Sample::new(a.clone()).expect("finite"),
            &Sample::new(b.clone()).expect("finite"),
            0.95,
        );
        let all: Vec<f64> = a.iter().flat_map(|x| b.iter().map(move |y| x - y)).collect();
        if let Ok(all) = Sample::new(all) {
            let median = all.median();
            prop_assert!((found.value - median).abs() <= 1e-12 * median.abs(), "{} is not {}", found.value, median);
            if let Some(interval) = found.interval {
                prop_assert!(interval.low <= found.value && found.value <= interval.high);
            }
        }
    }
}
