//! Comparisons and histories of made-up runs whose truth is known.

use std::collections::BTreeMap;

use faaslens_analyze::compare::{
    Key, Load, Measure, Measured, Measuring, Options, Point, Refused, Warning, compare, trend,
};
use faaslens_analyze::stats::Generator;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{Comparison, Invocation};
use faaslens_schemas::time::Timestamp;
use proptest::prelude::*;

const OPTIONS: Options = Options { margin: 0.05, run_noise: None };

fn function(name: &str) -> Key {
    Key { measure: Measure::ExecutionDuration, name: name.to_owned(), provider: Some("aws".to_owned()) }
}

/// Log-normal values around a median, in ms.
fn values(median: f64, count: usize, generator: &mut Generator) -> Vec<f64> {
    let mut normal = || (0..12).map(|_| generator.unit()).sum::<f64>() - 6.0;
    (0..count).map(|_| median * (0.1 * normal()).exp()).collect()
}

/// A run of twelve functions with medians 10, 20… ms; each is multiplied by what `factor` says.
fn run(seed: u64, factor: impl Fn(usize) -> f64) -> Measured {
    let series = (0..12).map(|i| {
        let mut generator = Generator::new(seed, i as u64);
        (function(&format!("f{i:02}")), values(10.0 * (i + 1) as f64 * factor(i), 400, &mut generator))
    });
    Measured { run: format!("run-{seed}"), series: series.collect(), ..Measured::default() }
}

fn rows(a: &[Measured], b: &[Measured]) -> Vec<Comparison> {
    compare(a, b, &OPTIONS).expect("measures in common").rows
}

fn of<'a>(rows: &'a [Comparison], name: &str) -> &'a Comparison {
    rows.iter().find(|row| &*row.name == name).expect("a row")
}

#[test]
fn one_slower_function_among_many_is_found_first_and_no_other() {
    let found = rows(&[run(1, |_| 1.0)], &[run(2, |i| if i == 5 { 1.2 } else { 1.0 })]);
    assert_eq!((&*found[0].name, &*found[0].verdict, found[0].regression), ("f05", "slower", true));
    assert!(found.iter().skip(1).all(|row| !row.regression && &*row.verdict != "slower"));
    assert_eq!(found[0].evidence.as_deref(), Some("family"));
}

#[test]
fn a_machine_that_is_slower_altogether_is_no_regression_of_one_run() {
    let answer = compare(&[run(1, |_| 1.0)], &[run(2, |_| 1.3)], &OPTIONS).expect("rows");
    assert!(answer.rows.iter().all(|row| &*row.verdict == "no evidence"), "{:?}", answer.rows[0]);
    assert!(answer.warnings.iter().any(|warning| matches!(warning, Warning::CommonShift(_))));
    assert!((answer.noise.expect("twelve measures").shift.exp() - 1.3).abs() < 0.02);
}

#[test]
fn the_same_slowdown_in_repeated_runs_is_a_regression() {
    let (a, b): (Vec<Measured>, Vec<Measured>) =
        ((1..=4).map(|seed| run(seed, |_| 1.0)).collect(), (11..=14).map(|seed| run(seed, |_| 1.3)).collect());
    let found = rows(&a, &b);
    assert!(found.iter().all(|row| row.regression && row.evidence.as_deref() == Some("runs")), "{:?}", found[0]);
    assert_eq!((found[0].runs_a, found[0].n_a), (4, 1600));
}

#[test]
fn runs_that_differ_from_run_to_run_prove_little_however_many_values_they_have() {
    let noisy = |seeds: std::ops::RangeInclusive<u64>| -> Vec<Measured> {
        seeds.map(|seed| run(seed, move |i| if (seed + i as u64).is_multiple_of(2) { 1.2 } else { 1.0 })).collect()
    };
    let found = rows(&noisy(1..=4), &noisy(11..=13));
    assert!(found.iter().all(|row| &*row.verdict == "no evidence"), "{:?}", found[0]);
    assert!(found.iter().any(|row| row.mann_whitney_p.is_some_and(|p| p < 0.001)), "single values seem to differ");
}

#[test]
fn one_measure_of_one_run_is_never_a_proven_regression_unless_its_noise_is_stated() {
    let one = |factor: f64| Measured {
        series: BTreeMap::from([(function("f"), values(10.0 * factor, 400, &mut Generator::new(3, 0)))]),
        ..Measured::default()
    };
    let (a, b) = ([one(1.0)], [one(1.5)]);
    let answer = compare(&a, &b, &OPTIONS).expect("a row");
    assert_eq!((&*answer.rows[0].verdict, answer.rows[0].regression), ("slower", false));
    assert!(answer.warnings.contains(&Warning::WithinRun(1)));
    let stated =
        |noise| compare(&a, &b, &Options { run_noise: Some(noise), ..OPTIONS }).expect("a row").rows[0].clone();
    assert!(stated(0.02).regression);
    assert!(!stated(0.3).regression);
}

#[test]
fn the_shift_of_many_values_is_that_of_all() {
    let many = |shift: f64| Measured {
        series: BTreeMap::from([(
            function("f"),
            (0..9001).map(|i| f64::from(i * 4000 % 9001) / 100.0 + 1.0 + shift).collect(),
        )]),
        ..Measured::default()
    };
    let shift = rows(&[many(0.0)], &[many(2.5)])[0].shift_ms.expect("a shift");
    assert!((shift - 2.5).abs() < 0.005, "{shift}");
}

#[test]
fn sets_without_a_common_measure_are_refused_by_name() {
    let of = |name: &str| Measured { series: BTreeMap::from([(function(name), vec![1.0])]), ..Measured::default() };
    let refused = compare(&[of("f")], &[of("g")], &OPTIONS).expect_err("nothing in common");
    assert!(refused.to_string().contains("execution duration of f on aws"), "{refused}");
    assert!(matches!(compare(&[Measured::default()], &[of("g")], &OPTIONS), Err(Refused::Empty(_))));
}

#[test]
fn different_load_labels_failures_and_verdicts_are_warned_of() {
    let loaded = |requests, failed, network: &str, hardware: &str, verdict: &str| {
        let mut loaded = run(1, |_| 1.0);
        let (first, last) = (Some(Timestamp::from_millis(0)), Some(Timestamp::from_millis(60_000)));
        loaded.load = Load { requests, failed, threads: Some(1), first, last };
        loaded.labels =
            [("network", network), ("hardware", hardware)].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        loaded.verdicts = BTreeMap::from([("aws".to_owned(), verdict.to_owned())]);
        loaded
    };
    let a = [loaded(600, 0, "lcl", "vm", "complete")];
    let warned = |b: Measured| -> Vec<String> {
        compare(&a, &[b], &OPTIONS).expect("rows").warnings.iter().map(ToString::to_string).collect()
    };
    let says = |warnings: &[String], text: &str| warnings.iter().any(|warning| warning.contains(text));
    assert!(says(&warned(loaded(1200, 0, "lcl", "vm", "complete")), "different load: requests a second"));
    assert!(says(&warned(loaded(600, 60, "lcl", "vm", "complete")), "failed requests: 0.0 % in A, 10.0 % in B"));
    assert!(says(&warned(loaded(600, 0, "cld", "pm", "complete")), "hardware (vm / pm), network (lcl / cld)"));
    assert!(!says(&warned(loaded(600, 0, "cld", "vm", "complete")), "labels"), "one label is what is compared");
    assert!(says(&warned(loaded(600, 0, "lcl", "vm", "lossy")), "A complete; B aws lossy"));
    assert_eq!(warned(loaded(600, 0, "lcl", "vm", "complete")).len(), 1, "only that runs are few");
}

#[test]
fn a_new_level_is_found_where_it_begins() {
    let runs: Vec<Measured> = (0..12).map(|seed| run(seed, |i| if i == 3 && seed >= 7 { 1.25 } else { 1.0 })).collect();
    let point = |(i, run)| Point { name: format!("day {i}"), at: None, runs: vec![run] };
    let points: Vec<Point<'_>> = runs.iter().enumerate().map(point).collect();
    let rows = trend(&points, None);
    assert_eq!(rows.len(), 12 * 12);
    let changes: Vec<(&str, &str)> =
        rows.iter().filter(|row| row.change).map(|row| (&*row.name, &*row.point)).collect();
    assert_eq!(changes, [("f03", "day 7")]);
    assert!(rows.iter().all(|row| row.low_ms < row.median_ms && row.median_ms < row.high_ms));
}

#[test]
fn values_that_are_no_times_are_left_out() {
    let durations = [f64::NAN, f64::INFINITY, 3.0, -1.0];
    let rows: Vec<Invocation> = durations
        .into_iter()
        .map(|duration| Invocation {
            function: "f".into(),
            provider: "aws".into(),
            duration_ms: Some(duration),
            ..Invocation::default()
        })
        .collect();
    let mut measuring = Measuring::new(&Manifest::new("r", 1));
    measuring.take(Invocation::TABLE, &Invocation::to_batch(&rows).expect("a batch")).expect("columns");
    assert_eq!(measuring.finish().series[&function("f")], [-1.0, 3.0]);
}

fn any_runs() -> impl Strategy<Value = Vec<Measured>> {
    let value = prop_oneof![0.0..1e3, Just(0.0), Just(1.0), -1e3..1e3, Just(1e300), Just(1e-300), Just(-1e300)];
    let series = prop::collection::btree_map("[a-c]", prop::collection::vec(value, 1..60), 1..4);
    let run = series.prop_map(|series| Measured {
        series: series.into_iter().map(|(name, values)| (function(&name), values)).collect(),
        ..Measured::default()
    });
    prop::collection::vec(run, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_values_give_rows_that_are_in_order_and_probabilities(a in any_runs(), b in any_runs()) {
        let Ok(answer) = compare(&a, &b, &OPTIONS) else { return Ok(()) };
        for row in &answer.rows {
            prop_assert!(row.p.is_none_or(|p| (0.0..=1.0).contains(&p)), "{row:?}");
            prop_assert!(row.p_holm.zip(row.p).is_none_or(|(holm, p)| holm >= p), "{row:?}");
            prop_assert!(row.decisive_low.zip(row.decisive_high).is_none_or(|(low, high)| low <= high), "{row:?}");
            prop_assert!(!row.regression || &*row.verdict == "slower");
        }
    }

    #[test]
    fn sides_exchanged_give_the_reciprocal(seed in 0u64..1000, factor in 0.5..2.0f64) {
        let (a, b) = ([run(seed, |_| 1.0)], [run(seed + 1000, |i| if i == 0 { factor } else { 1.0 })]);
        let (there, back) = (rows(&a, &b), rows(&b, &a));
        for row in &there {
            let other = of(&back, &row.name);
            prop_assert!((row.ratio.unwrap_or(0.0) * other.ratio.unwrap_or(0.0) - 1.0).abs() < 1e-9);
            prop_assert!((row.p.unwrap_or(2.0) - other.p.unwrap_or(3.0)).abs() < 1e-6);
            let turned = match &*row.verdict { "slower" => "faster", "faster" => "slower", same => same };
            prop_assert_eq!(turned, &*other.verdict);
        }
    }

    #[test]
    fn the_order_of_runs_changes_nothing(seed in 0u64..1000) {
        let a: Vec<Measured> = (0..3).map(|i| run(seed + i, |_| 1.0)).collect();
        let b: Vec<Measured> = (10..13).map(|i| run(seed + i, |_| 1.02)).collect();
        let reversed = |runs: &[Measured]| runs.iter().rev().cloned().collect::<Vec<_>>();
        let (one, other) = (rows(&a, &b), rows(&reversed(&a), &reversed(&b)));
        for (one, other) in one.iter().zip(&other) {
            prop_assert_eq!(&one.name, &other.name);
            prop_assert!((one.p.unwrap_or(2.0) - other.p.unwrap_or(3.0)).abs() < 1e-9);
        }
    }
}
