//! Quantiles and means with their intervals.

use faaslens_analyze::stats::{
    Basis, Estimate, Interval, Resampling, Sample, block_length, bootstrap_bca, bootstrap_quantile, bootstrap_runs,
    carried_quantile, carries_quantile, difference, equivalent, mean, median, order_statistic_interval, quantile,
    ratio, smallest_detectable_ratio,
};
use proptest::prelude::*;

use crate::golden::{assert_near, cases, numbers};

fn one_to(n: u32) -> Sample {
    Sample::new((1..=n).map(f64::from).collect()).expect("finite values")
}

fn size(case: &serde_json::Value) -> u32 {
    u32::try_from(case["n"].as_u64().expect("a size")).expect("a small size")
}

#[test]
fn order_statistic_intervals_are_the_shortest_in_ranks() {
    for case in cases("order_statistics") {
        let (n, p, level) = (size(&case), case["p"].as_f64().expect("p"), case["level"].as_f64().expect("level"));
        // The values are their own ranks.
        let found = order_statistic_interval(&one_to(n), p, level);
        assert_eq!(found.is_some(), carries_quantile(n as usize, p, level), "n {n}, p {p}");
        assert_near(found.map(|found| found.low), &case["ranks"]["low"], &format!("low, n {n}, p {p}"));
        assert_near(found.map(|found| found.high), &case["ranks"]["high"], &format!("high, n {n}, p {p}"));
    }
}

#[test]
fn a_percentile_is_withheld_where_the_sample_cannot_carry_it() {
    assert_eq!(carried_quantile(&one_to(298), 0.99), None);
    assert!(carried_quantile(&one_to(299), 0.99).is_some());
    assert_eq!(carried_quantile(&one_to(58), 0.95), None);
    assert!(carried_quantile(&one_to(59), 0.95).is_some());
    assert!(!carries_quantile(1000, 1.0, 0.95) && !carries_quantile(1000, f64::NAN, 0.95));
}

#[test]
fn the_bootstrap_of_a_quantile_equals_the_binomial_distribution_of_ranks() {
    for case in cases("bootstrap_quantiles") {
        let (n, p) = (size(&case), case["p"].as_f64().expect("p"));
        let found = bootstrap_quantile(&one_to(n), p, 0.95);
        assert_near(found.low, &case["low"], &format!("low, n {n}, p {p}"));
        assert_near(found.high, &case["high"], &format!("high, n {n}, p {p}"));
    }
}

#[test]
fn means_of_dependent_values_have_the_error_of_their_overlapping_blocks() {
    for case in cases("series") {
        let series = numbers(&case["x"]);
        let what = format!("{} values", series.len());
        assert_eq!(block_length(&series) as u64, case["length"].as_u64().expect("a length"), "{what}");
        let found = mean(&[&series], 0.95).expect("finite values");
        let interval = found.interval.expect("many values");
        assert_eq!(interval.basis, Basis::BlockBootstrap);
        assert_near(found.value, &case["mean"], &what);
        assert_near(interval.low, &case["low"], &what);
        assert_near(interval.high, &case["high"], &what);
    }
}

#[test]
fn the_basis_of_an_interval_follows_its_runs() {
    let few: Vec<f64> = (0..20).map(f64::from).collect();
    let many: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101)).collect();
    let basis = |runs: &[&[f64]]| median(runs, 0.95).expect("finite").interval.map(|interval| interval.basis);
    assert_eq!(basis(&[&few]), Some(Basis::OrderStatistics));
    assert_eq!(basis(&[&many]), Some(Basis::BlockBootstrap));
    assert_eq!(basis(&[&many, &many[1..]]), Some(Basis::HierarchicalBootstrap));
    assert_eq!(basis(&[&many, &[]]), Some(Basis::BlockBootstrap));
    assert_eq!(basis(&[&few[..5]]), None);
    assert_eq!(median(&[], 0.95), None);
}

#[test]
fn runs_that_differ_wholly_carry_no_median() {
    let (low, high): (Vec<f64>, Vec<f64>) = ((0..50).map(f64::from).collect(), (100..150).map(f64::from).collect());
    assert_eq!(median(&[&low, &high], 0.95).expect("finite").interval, None);
}

fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    let interval = Interval { low, high, level: 0.95, basis: Basis::BlockBootstrap };
    Estimate { value, n: 100, runs: 1, interval: Some(interval) }
}

#[test]
fn differences_and_ratios_recover_their_variance() {
    // Zou & Donner (2008): 10 - 7, lower sqrt(1^2 + 4^2), upper sqrt(2^2 + 3^2)
    let found = difference(&estimate(10.0, 9.0, 12.0), &estimate(7.0, 4.0, 11.0));
    let interval = found.interval.expect("both have one");
    assert!((found.value - 3.0).abs() < 1e-12);
    assert!((interval.low - (3.0 - 17.0_f64.sqrt())).abs() < 1e-12);
    assert!((interval.high - (3.0 + 13.0_f64.sqrt())).abs() < 1e-12);
    // Logarithms: ln 2 with both sides ln 1.1 wide, so exp(ln 2 -+ sqrt(2) ln 1.1)
    let found = ratio(&estimate(20.0, 20.0 / 1.1, 22.0), &estimate(10.0, 10.0 / 1.1, 11.0)).expect("positive");
    let interval = found.interval.expect("both have one");
    let reach = (2.0_f64.sqrt() * 1.1_f64.ln()).exp();
    assert!((interval.low - 2.0 / reach).abs() < 1e-12 && (interval.high - 2.0 * reach).abs() < 1e-12);
    assert_eq!(ratio(&estimate(1.0, 0.5, 2.0), &estimate(0.0, -1.0, 1.0)), None);
    assert_eq!(ratio(&estimate(1.0, -0.5, 2.0), &estimate(1.0, 0.5, 1.5)).expect("positive").interval, None);
}

#[test]
fn equivalence_asks_for_the_whole_interval_within_the_margin() {
    let interval = |low, high| Interval { low, high, level: 0.9, basis: Basis::BlockBootstrap };
    assert!(equivalent(&interval(0.97, 1.04), 0.05));
    assert!(!equivalent(&interval(0.97, 1.06), 0.05) && !equivalent(&interval(0.95, 1.0), 0.05));
    assert!(!equivalent(&interval(1.0, 1.0), 0.0));
    let found = smallest_detectable_ratio(&Interval { level: 0.95, ..interval(1.0 / 1.1, 1.1) }, 0.8);
    assert_near(found, &cases("special")[0]["detectable"], "with power 0.8");
    assert_eq!(smallest_detectable_ratio(&interval(0.0, 1.1), 0.8), None);
}

/// Efron & Tibshirani, "An Introduction to the Bootstrap" (1993), table 14.1: spatial test A.
const SPATIAL: [f64; 26] = [
    48.0, 36.0, 20.0, 29.0, 42.0, 42.0, 20.0, 42.0, 22.0, 41.0, 45.0, 14.0, 6.0, 0.0, 33.0, 28.0, 34.0, 4.0, 32.0,
    24.0, 47.0, 41.0, 24.0, 26.0, 30.0, 41.0,
];

fn variance(values: &mut [f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[test]
fn bca_gives_the_published_interval_of_a_variance() {
    // Table 14.2 there: variance 171.5, BCa interval 115.8 to 259.6 at 90 % from 2,000 resamples
    assert!((variance(&mut SPATIAL.clone()) - 171.5).abs() < 0.05);
    let plan = Resampling { level: 0.9, ..Resampling::default() };
    let found = bootstrap_bca(&SPATIAL, variance, &plan).expect("a spread");
    assert!((found.low - 115.8).abs() < 3.0 && (found.high - 259.6).abs() < 6.0, "{found:?}");
}

#[test]
fn resampling_does_not_depend_on_the_number_of_threads() {
    let runs: Vec<Vec<f64>> = (0..3).map(|run| (0..80).map(|i| f64::from((i * 29 + run * 7) % 53)).collect()).collect();
    let runs: Vec<&[f64]> = runs.iter().map(Vec::as_slice).collect();
    let plan = Resampling { resamples: 500, ..Resampling::default() };
    let found = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| (bootstrap_runs(&runs, variance, &plan), bootstrap_bca(runs[0], variance, &plan)))
    };
    assert_eq!(found(1), found(3));
    assert!(found(1).0.is_some());
    assert_ne!(found(1).0, bootstrap_runs(&runs, variance, &Resampling { seed: 2, ..plan }));
}

proptest! {
    #[test]
    fn intervals_of_quantiles_hold_their_estimate_and_lie_among_the_values(
        values in prop::collection::vec(prop_oneof![-1e9_f64..1e9, (0..4_u8).prop_map(f64::from)], 1..150),
        cut in 0.0_f64..1.0,
        p in 0.01_f64..0.99,
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let (first, second) = values.split_at((values.len() as f64 * cut) as usize);
        for runs in [&[values.as_slice()][..], &[first, second]] {
            let found = quantile(runs, p, 0.95).expect("finite values");
            let sample = Sample::new(values.clone()).expect("finite values");
            prop_assert_eq!(found.value.to_bits(), sample.quantile(p).to_bits());
            if let Some(interval) = found.interval {
                prop_assert!(sample.min() <= interval.low && interval.high <= sample.max());
                prop_assert!(interval.low <= interval.high);
                if sample.n() >= 30 {
                    prop_assert!(interval.contains(found.value), "{:?} {:?}", found, interval);
                }
            }
        }
    }

    #[test]
    fn no_values_make_an_estimate_panic(
        values in prop::collection::vec(prop::num::f64::ANY, 0..40),
        p in prop::num::f64::ANY,
        level in prop::num::f64::ANY,
    ) {
        let _: (Option<Estimate>, Option<Estimate>) = (quantile(&[&values], p, level), mean(&[&values], level));
        prop_assert!(block_length(&values) <= values.len().max(1));
    }
}
