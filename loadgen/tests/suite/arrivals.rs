//! Schedules, held against what is computed here from their definitions.

use std::path::Path;
use std::time::Duration;

use faaslens_loadgen::profile::{Profile, Settings, compile};
use faaslens_loadgen::schedule::{Arrival, Schedule, Shard};
use proptest::prelude::*;

use super::drive::{drive, manners, untraced};
use super::server::Server;

fn profile_in(folder: &Path, phases: &str, scenarios: &str) -> Profile {
    let text = format!("phases: [{phases}]\nscenarios: [{scenarios}]\n");
    compile(&folder.join("p.yml"), &text, &Settings::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn profile(phases: &str) -> Profile {
    profile_in(Path::new(""), phases, "{flow: [{get: {url: /x}}]}")
}

fn arrivals(profile: &Profile, seed: u64) -> Vec<Arrival> {
    Schedule::new(profile, seed, Shard::default()).collect()
}

fn seconds(profile: &Profile, seed: u64) -> Vec<f64> {
    arrivals(profile, seed).iter().map(|arrival| arrival.at.as_secs_f64()).collect()
}

#[test]
fn poisson_arrivals_have_exponential_gaps_and_independent_seconds() {
    let (rate, length) = (100.0, 400_u32);
    for seed in [1, 2, 3] {
        let schedule = arrivals(&profile(&format!("{{duration: {length}, rate: {rate}, arrivals: poisson}}")), seed);
        let times: Vec<f64> = schedule.iter().map(|arrival| arrival.at.as_secs_f64()).collect();
        let expected = rate * f64::from(length);
        assert!((times.len() as f64 - expected).abs() < 4.0 * expected.sqrt(), "{} arrivals", times.len());
        // Kolmogorov and Smirnov: the largest distance of the gaps' distribution from 1 - exp(-rate t); 1.95 / sqrt(n) is
        // exceeded once in a thousand samples.
        let mut gaps: Vec<f64> = times.windows(2).map(|two| two[1] - two[0]).collect();
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len() as f64;
        let distance = |(i, gap): (usize, &f64)| {
            let theirs = 1.0 - (-rate * gap).exp();
            (theirs - i as f64 / n).abs().max((theirs - (i + 1) as f64 / n).abs())
        };
        let largest = gaps.iter().enumerate().map(distance).fold(0.0, f64::max);
        assert!(largest < 1.95 / n.sqrt(), "{largest} for {n} gaps, seed {seed}");
        // Counts by second: variance over mean is 1, with a standard error of sqrt(2 / seconds).
        let mut counts = vec![0.0; length as usize];
        for arrival in &schedule {
            counts[usize::try_from(arrival.at.as_secs()).expect("a second")] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / (counts.len() - 1) as f64;
        assert!((variance / mean - 1.0).abs() < 4.0 * (2.0 / f64::from(length)).sqrt(), "{}", variance / mean);
    }
}

#[test]
fn a_ramp_has_arrivals_where_the_rate_adds_up_to_whole_numbers() {
    for (from, to, length) in [(0.0_f64, 50.0_f64, 20.0_f64), (50.0, 10.0, 8.0), (3.0, 3.0, 10.0)] {
        let times = seconds(&profile(&format!("{{duration: {length}, rate: {from}, to: {to}}}")), 1);
        let expected = f64::midpoint(from, to) * length;
        assert!((times.len() as f64 - expected).abs() < 1.0, "{} of {expected}", times.len());
        for (n, t) in times.iter().enumerate() {
            let so_far = from * t + (to - from) * t * t / (2.0 * length);
            assert!((so_far - n as f64).abs() < 1e-5, "{n}: {so_far} at {t}");
        }
    }
}

#[test]
fn bursts_and_steps_come_when_they_are_due() {
    let bursts = seconds(&profile("{duration: 2.5s, burst: {users: 3, every: 1s}}"), 1);
    assert_eq!(bursts, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    let steps =
        seconds(&profile("{steps: [{rate: 2, duration: 1s}, {rate: 0, duration: 1s}, {rate: 4, duration: 500ms}]}"), 1);
    assert_eq!(steps, [0.0, 0.5, 2.0, 2.25]);
    let down = arrivals(&profile("{steps: {from: 6, to: 2, by: 2, each: 1s}}, {start: 1s, duration: 1s, rate: 1}"), 1);
    let by_phase: Vec<usize> =
        (0..4).map(|phase| down.iter().filter(|arrival| arrival.phase == phase).count()).collect();
    assert_eq!(by_phase, [6, 4, 2, 1]);
}

#[test]
fn recorded_times_are_replayed_at_a_factor() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("seconds.txt", "10.5\n10\n\n12\n");
    write("jtl.csv", "elapsed,timeStamp,label\n5,1795333155000,a\n5,1795333157000,a\n5,1795333156500,b\n");
    write("named.csv", "time_s,other\n1,x\n3,y\n");
    let at = |phases: &str| seconds(&profile_in(folder.path(), phases, "{flow: [{get: {url: /x}}]}"), 1);
    assert_eq!(at("{replay: {file: seconds.txt}}"), [0.0, 0.5, 2.0]);
    assert_eq!(at("{replay: {file: seconds.txt, factor: 4}}"), [0.0, 0.125, 0.5]);
    assert_eq!(at("{replay: {file: jtl.csv, factor: 0.5}}"), [0.0, 3.0, 4.0]);
    assert_eq!(at("{pause: 1s}, {replay: {file: named.csv}, duration: 1s}, {duration: 1s, rate: 1}"), [1.0, 2.0]);
}

#[test]
fn scenarios_are_drawn_by_their_weights_and_a_phase_may_mix_them_anew() {
    let flow = "flow: [{get: {url: /x}}]";
    let scenarios =
        format!("{{name: a, weight: 1, {flow}}}, {{name: b, weight: 3, {flow}}}, {{name: c, weight: 0, {flow}}}");
    let phases = "{duration: 100, rate: 100}, {duration: 100, rate: 100, mix: {c: 1, a: 1}}";
    let arrivals = arrivals(&profile_in(Path::new(""), phases, &scenarios), 5);
    let share = |phase: usize, scenario: usize| {
        let all = arrivals.iter().filter(|arrival| arrival.phase == phase);
        let some = all.clone().filter(|arrival| arrival.scenario == scenario).count();
        some as f64 / all.count() as f64
    };
    // Four standard errors of 10,000 draws.
    for (phase, scenario, expected) in [(0, 0, 0.25), (0, 1, 0.75), (1, 0, 0.5), (1, 2, 0.5)] {
        assert!((share(phase, scenario) - expected).abs() < 0.02, "{phase} {scenario}: {}", share(phase, scenario));
    }
    assert!(share(0, 2) == 0.0 && share(1, 1) == 0.0);
}

#[test]
fn users_that_go_round_keep_their_pace_and_think() {
    let server = Server::start();
    let drive_phase = |phase: &str, flow: &str| {
        let text = format!("phases: [{phase}]\nscenarios: [{{flow: [{flow}]}}]\n");
        let settings = Settings { target: Some(server.url()), ..Settings::default() };
        drive(compile(Path::new("p.yml"), &text, &settings).expect("a profile"), untraced(), manners())
    };
    // Three users, a round every 200 ms for a second: five rounds each, due at whole multiples of the pace.
    let paced = drive_phase("{users: 3, duration: 1s, pacing: 200ms}", "{get: {url: /x}}");
    assert_eq!(paced.rows.len(), 15);
    let first = paced.rows.iter().filter_map(|row| row.scheduled_at).min().expect("a due time");
    for user in 0..3 {
        let due: Vec<i64> = paced
            .rows
            .iter()
            .filter(|row| row.user == Some(user))
            .filter_map(|row| row.scheduled_at)
            .map(|at| at.micros() - first.micros())
            .collect();
        assert_eq!(due, [0, 200_000, 400_000, 600_000, 800_000], "user {user}");
    }
    // A target slower than the pace: rounds follow each other, and what is late is late.
    let slow = drive_phase("{users: 1, rounds: 4, pacing: 50ms}", "{get: {url: /slow/150}}");
    assert_eq!(slow.rows.len(), 4);
    let last = &slow.rows[3];
    assert!(last.corrected_ms > Some(420.0) && last.elapsed_ms < last.corrected_ms, "{last:?}");
    assert!(last.late_ms < Some(100.0), "waiting for the target is not the generator's fault: {last:?}");
    // Without a pace, a user thinks between its requests and begins the next round at once.
    let thinking =
        drive_phase("{users: 2, rounds: 3}", "{get: {url: /a}}, {think: {from: 100ms, to: 150ms}}, {get: {url: /b}}");
    assert_eq!(thinking.rows.len(), 12);
    for user in 0..2 {
        let own: Vec<_> = thinking.rows.iter().filter(|row| row.user == Some(user)).collect();
        for (i, two) in own.windows(2).enumerate() {
            let end = two[0].sent_at.plus_ms(two[0].elapsed_ms.expect("a time"));
            let pause = two[1].sent_at.ms_since(end);
            let thinks = i % 2 == 0;
            assert!(pause >= if thinks { 99.9 } else { -0.1 }, "{i}: {pause}");
            assert_eq!(two[1].scheduled_at.is_some(), thinks, "only a pause ends at a time that is due");
        }
    }
    let length: Duration = thinking.finished.length;
    assert!(length >= Duration::from_millis(300), "{length:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn shares_are_a_schedule_and_nothing_else(
        of in 1_u64..9,
        seed in any::<u64>(),
        rate in 1_u32..80,
        users in 1_u32..6,
        random in any::<bool>(),
    ) {
        let kind = if random { "poisson" } else { "even" };
        let phases = format!("{{duration: 3s, rate: {rate}, arrivals: {kind}}}, {{start: 1s, duration: 2s, burst: {{users: {users}, every: 500ms}}}}, {{users: {users}, rounds: 2, ramp: 1s}}");
        let scenarios = "{name: a, weight: 2, flow: [{get: {url: /a}}]}, {name: b, flow: [{get: {url: /b}}]}";
        let profile = profile_in(Path::new(""), &phases, scenarios);
        let whole: Vec<Arrival> = Schedule::new(&profile, seed, Shard::default()).collect();
        prop_assert!(whole.is_sorted_by_key(|arrival| arrival.at));
        let mut shares: Vec<Arrival> = Vec::new();
        for number in 1..=of {
            let own: Vec<Arrival> = Schedule::new(&profile, seed, Shard { number, of }).collect();
            // Shares are even: none has more than one arrival beyond another.
            prop_assert!((own.len() as u64).abs_diff(whole.len() as u64 / of) <= 1);
            shares.extend(own);
        }
        shares.sort_by_key(|arrival| arrival.number);
        prop_assert_eq!(shares, whole);
    }
}
