//! Clocks fitted to lines whose origin is known by construction.

use faaslens_collect::clocks::{Change, Clock, ClockSketch, fit};
use proptest::prelude::*;

/// True time origin, milliseconds since the Unix epoch, not a whole number.
const ORIGIN_MS: f64 = 1_795_330_900_000.375;

/// Lines at pauses that look random (a Weyl sequence) over so many seconds, about 20 a second; the wall clock is
/// `ORIGIN_MS + now + ahead(now)`.
fn lines(seconds: f64, ahead_ms: impl Fn(f64) -> f64) -> Vec<(f64, i64)> {
    let mut lines = Vec::new();
    let (mut now_ms, mut phase) = (12.0, 0.5);
    while now_ms < seconds * 1000.0 {
        let wall_ms = ORIGIN_MS + now_ms + ahead_ms(now_ms);
        lines.push((now_ms, floor(wall_ms)));
        phase = (phase + 0.618_033_988_749_895) % 1.0;
        now_ms += 20.0 + 60.0 * phase + 1e-3 * (phase * 7919.0) % 1.0;
    }
    lines
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of the test's own years")]
fn floor(ms: f64) -> i64 {
    ms.floor() as i64
}

fn clock(lines: &[(f64, i64)]) -> Clock {
    let mut sketch = ClockSketch::default();
    for (now_ms, logged_at_ms) in lines {
        sketch.observe(*now_ms, *logged_at_ms);
    }
    fit(&sketch).expect("a clock of lines")
}

/// Asserts that the fitted origin contains the true one at the times given.
fn assert_contains(clock: &Clock, ahead_ms: impl Fn(f64) -> f64, times_ms: &[f64]) {
    for at_ms in times_ms {
        let found = clock.wall(*at_ms).millis_f64();
        let truth = ORIGIN_MS + at_ms + ahead_ms(*at_ms);
        let segment = clock.segments().iter().rev().find(|segment| segment.from_ms <= *at_ms);
        let uncertainty_ms = segment.map_or(clock.uncertainty_ms(), |segment| segment.uncertainty_ms);
        let inside = (-0.002..=uncertainty_ms + 0.002).contains(&(truth - found));
        assert!(inside, "at {at_ms}: {} below the truth, uncertain by {uncertainty_ms}", truth - found);
    }
}

#[test]
fn a_steady_clock_has_one_origin_just_below_the_truth() {
    let clock = clock(&lines(60.0, |_| 0.0));
    assert_eq!((clock.behaviour(), clock.stepped(), clock.strays()), ("steady", Some(false), 0));
    assert_eq!(clock.segments().len(), 1);
    assert!(clock.uncertainty_ms() < 0.02, "{}", clock.uncertainty_ms());
    assert_contains(&clock, |_| 0.0, &[0.0, 30_000.0, 60_000.0]);
}

#[test]
fn a_wall_clock_set_back_is_two_segments() {
    let back = |now_ms: f64| if now_ms > 23_456.0 { -80.0 } else { 0.0 };
    let clock = clock(&lines(60.0, back));
    assert_eq!((clock.behaviour(), clock.stepped()), ("stepped", Some(true)));
    assert_contains(&clock, back, &[0.0, 22_000.0, 25_000.0, 60_000.0]);
    let changes: Vec<Change> = clock.segments().iter().map(|segment| segment.change).collect();
    assert_eq!(changes, [Change::First, Change::Between, Change::Back]);
    let between = clock.segments()[1];
    assert!(between.from_ms <= 23_456.0 && 23_456.0 <= between.until_ms, "{between:?}");
    assert!(between.until_ms - between.from_ms <= 2000.0, "{between:?}");
}

#[test]
fn a_small_step_is_found_as_well() {
    let ahead = |now_ms: f64| if now_ms > 23_456.0 { 0.6 } else { 0.0 };
    let clock = clock(&lines(60.0, ahead));
    assert_eq!((clock.behaviour(), clock.stepped()), ("stepped", Some(true)));
    assert_contains(&clock, ahead, &[0.0, 22_000.0, 25_000.0, 60_000.0]);
}

#[test]
fn a_monotonic_clock_that_stood_still_is_ahead_afterwards() {
    let suspended = |now_ms: f64| if now_ms > 40_000.5 { 3_600_000.0 } else { 0.0 };
    let clock = clock(&lines(60.0, suspended));
    assert_eq!((clock.behaviour(), clock.stepped()), ("suspended", Some(true)));
    assert_contains(&clock, suspended, &[0.0, 39_000.0, 42_000.0, 60_000.0]);
}

#[test]
fn a_slewed_clock_has_its_drift_fitted() {
    let slewed = |now_ms: f64| 500e-6 * now_ms;
    let clock = clock(&lines(60.0, slewed));
    assert_eq!((clock.behaviour(), clock.stepped()), ("slewed", Some(false)));
    assert_eq!(clock.segments().len(), 1, "{:?}", clock.segments());
    let segment = clock.segments()[0];
    assert!((segment.drift_ppm - 500.0).abs() <= segment.drift_uncertainty_ppm.expect("a fitted drift"), "{segment:?}");
    assert!(segment.uncertainty_ms < 0.1, "{segment:?}");
    assert_contains(&clock, slewed, &[0.0, 20_000.0, 40_000.0, 60_000.0]);
}

#[test]
fn a_clock_slewed_for_a_while_changes_its_rate_without_a_jump() {
    let slewed = |now_ms: f64| 500e-6 * (now_ms - 20_000.0).clamp(0.0, 20_000.0);
    let clock = clock(&lines(60.0, slewed));
    assert_eq!(clock.behaviour(), "slewed");
    assert_contains(&clock, slewed, &[0.0, 10_000.0, 30_000.0, 50_000.0, 60_000.0]);
}

#[test]
fn one_damaged_line_moves_nothing() {
    let mut lines = lines(60.0, |_| 0.0);
    lines[300].1 += 1_000_000;
    let clock = clock(&lines);
    assert_eq!((clock.behaviour(), clock.strays()), ("steady", 1));
    assert_contains(&clock, |_| 0.0, &[0.0, 30_000.0, 60_000.0]);
}

#[test]
fn lines_held_up_between_the_two_readings_move_nothing() {
    let mut lines = lines(60.0, |_| 0.0);
    for (n, line) in lines.iter_mut().enumerate().filter(|(n, _)| n % 40 == 0) {
        line.0 += 3.0 + n as f64;
    }
    let clock = clock(&lines);
    assert_eq!(clock.behaviour(), "steady");
    assert_contains(&clock, |_| 0.0, &[0.0, 60_000.0]);
}

#[test]
fn lines_of_a_timer_share_a_phase_and_leave_the_origin_open() {
    // Every line 0.7 ms after a tick of the wall clock: the origin may be 0.7 ms above every bound.
    let lines: Vec<(f64, i64)> =
        (0..500).map(|n| f64::from(n) * 100.0 + 0.325).map(|now_ms| (now_ms, floor(ORIGIN_MS + now_ms))).collect();
    let clock = clock(&lines);
    assert!(clock.uncertainty_ms() > 0.7, "{}", clock.uncertainty_ms());
    assert_contains(&clock, |_| 0.0, &[0.0, 30_000.0]);
}

#[test]
fn one_line_says_when_within_a_millisecond_and_nothing_of_steps() {
    let clock = clock(&[(10.5, floor(ORIGIN_MS + 10.5))]);
    assert_eq!((clock.behaviour(), clock.stepped()), ("unknown", None));
    assert!((1.0..1.01).contains(&clock.uncertainty_ms()));
    assert_contains(&clock, |_| 0.0, &[0.0]);
}

proptest! {
    #[test]
    fn any_lines_have_a_finite_clock_whose_segments_follow_each_other(
        lines in prop::collection::vec((prop::num::f64::NORMAL, any::<i64>()), 1..200),
        near in prop::collection::vec((0.0..100_000.0, 0_i64..100_000), 0..200),
    ) {
        let all: Vec<(f64, i64)> = lines.into_iter().chain(near).collect();
        let clock = clock(&all);
        let segments = clock.segments();
        prop_assert!(!segments.is_empty());
        prop_assert!(segments.windows(2).all(|two| two[0].from_ms <= two[1].from_ms));
        prop_assert!(segments.iter().all(|segment| segment.uncertainty_ms.is_finite() && segment.drift_ppm.is_finite()));
        clock.wall(0.0);
    }

    #[test]
    fn a_step_of_any_size_and_time_is_contained(
        step_ms in prop_oneof![-5e6..-1.0, 1.0..5e6],
        at_ms in 5_000.0..55_000.0,
    ) {
        let stepped = |now_ms: f64| if now_ms > at_ms { step_ms } else { 0.0 };
        let clock = clock(&lines(60.0, stepped));
        prop_assert_eq!(clock.stepped(), Some(true));
        assert_contains(&clock, stepped, &[0.0, at_ms - 1.0, at_ms + 1.0, 60_000.0]);
    }
}
