//! Executors' clocks: real processes that say where their time origins truly were, recorded runs against themselves, and
//! clocks that do not run evenly put into copies of a recorded run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use faaslens_collect::clocks::{ClockSketch, fit};
use faaslens_schemas::tables::{ClockSegment, Event, Executor, Invocation, Trace};
use serde_json::Value;

use crate::binary::{analyze, collect};
use crate::logs::{self, copy_folder};
use crate::recorded::{ALL, IOT, project, rows, session};

/// A microsecond: the resolution of instants.
const MICROSECOND_MS: f64 = 0.001;

/// Executors of a run by key.
fn executors(store: &std::path::Path, run: &str) -> BTreeMap<String, Executor> {
    rows::<Executor>(store, run).into_iter().map(|row| (row.executor.clone(), row)).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn origins_of_200_real_processes_contain_the_truth() {
    let store = session().join("clock-truth");
    let folder = project("tests/data/clock_truth");
    collect(&folder, &store, "truth", &[]).exits(0);
    let executors = executors(&store, "truth");
    let truth = std::fs::read_to_string(folder.join("truth.csv")).expect("truth.csv");
    let (mut measured, mut said, mut all) = (0, 0, 0);
    for row in truth.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let number = |cell: usize| cells[cell].parse::<f64>().expect("a number");
        let executor = &executors[cells[0]];
        let from = executor.origin.millis_f64() - MICROSECOND_MS;
        let until = executor.origin.millis_f64() + executor.origin_uncertainty_ms + MICROSECOND_MS;
        assert_eq!(&*executor.clock, "steady", "{executor:?}");
        // As read off the ticks of the wall clock, [low, high]: within a microsecond.
        measured += usize::from(from <= number(2) && number(3) <= until);
        // `performance.timeOrigin`: a wall clock reading 3 to 40 us after the truth, by the pause between two readings.
        said += usize::from(from <= number(1) && number(1) <= until);
        all += 1;
    }
    assert_eq!(all, 200);
    assert!(measured * 100 >= all * 99, "{measured} of {all} contain the measured origin");
    assert!(said * 100 >= all * 99, "{said} of {all} contain performance.timeOrigin");
}

#[test]
fn origins_from_odd_and_from_even_lines_agree() {
    let (mut agree, mut all) = (0, 0);
    for run in ALL {
        let mut lines: BTreeMap<(String, String), Vec<(f64, i64)>> = BTreeMap::new();
        for event in run.rows::<Event>() {
            let line = (event.now_ms, event.logged_at.micros() / 1000);
            lines.entry((event.function.to_string(), event.executor.to_string())).or_default().push(line);
        }
        for (key, mut lines) in lines.into_iter().filter(|(_, lines)| lines.len() > 1) {
            lines.sort_by(|a, b| a.0.total_cmp(&b.0));
            let half = |skip: usize| {
                let mut sketch = ClockSketch::default();
                lines.iter().skip(skip).step_by(2).for_each(|line| sketch.observe(line.0, line.1));
                let clock = fit(&sketch).expect("a clock of lines");
                (clock.origin().millis_f64(), clock.uncertainty_ms())
            };
            let (odd, even) = (half(0), half(1));
            let overlap = odd.0 <= even.0 + even.1 && even.0 <= odd.0 + odd.1;
            all += 1;
            agree += usize::from(overlap);
            assert!(overlap || lines.len() < 100, "{key:?}: {odd:?} {even:?}");
        }
    }
    assert!(all > 100 && agree * 100 >= all * 99, "{agree} of {all}");
}

#[test]
fn origins_of_recorded_executors_are_sure_to_microseconds() {
    let all: Vec<Executor> = ALL.iter().flat_map(|run| run.rows::<Executor>()).collect();
    let uncertainty =
        |least: i64| median(all.iter().filter(|row| row.lines >= least).map(|row| row.origin_uncertainty_ms).collect());
    assert!(uncertainty(1000) < 0.030, "{} ms with 1,000 lines", uncertainty(1000));
    assert!(uncertainty(100) < 0.150, "{} ms with 100 lines", uncertainty(100));
    assert!(
        all.iter().filter(|row| row.lines >= 100).all(|row| row.clock_stepped == Some(false)),
        "one clock, no step"
    );
}

/// What is done to the clocks of one function's executor.
#[derive(Debug, Clone, Copy)]
enum Injected {
    /// The wall clock is set back by 80 ms at this monotonic time.
    Stepped(f64),
    /// The wall clock runs 500 ppm faster from the executor's start.
    Slewed,
    /// The monotonic clock stands still for 800 ms at this time, as while a machine is suspended.
    Suspended(f64),
}

const BACK_MS: f64 = -80.0;
const SLEW: f64 = 500e-6;
const STILL_MS: f64 = 800.0;

/// The busiest functions of the run, and what happens to their clocks.
const INJECTED: [(&str, Injected); 3] = [
    ("publisherTinyfaas", Injected::Stepped(20_000.0)),
    ("objectrecognition", Injected::Slewed),
    ("movementplan", Injected::Suspended(20_000.0)),
];

impl Injected {
    /// Changes the clock readings of a record.
    fn apply(self, record: &mut Value, origin_ms: f64) {
        let now_ms = record["now"].as_f64().expect("now");
        match self {
            Self::Stepped(at_ms) if now_ms > at_ms => add(&mut record["timestamp"], BACK_MS),
            Self::Slewed => {
                let wall_ms = origin_ms + now_ms;
                add(&mut record["timestamp"], (wall_ms + SLEW * now_ms).floor() - wall_ms.floor());
            }
            Self::Suspended(at_ms) if now_ms > at_ms => {
                add(&mut record["now"], -STILL_MS);
                let start = record.pointer_mut("/event/perf/startTime");
                if let Some(start) = start.filter(|start| start.as_f64().is_some_and(|start_ms| start_ms > at_ms)) {
                    add(start, -STILL_MS);
                }
            }
            Self::Stepped(_) | Self::Suspended(_) => {}
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of our years")]
fn add(number: &mut Value, ms: f64) {
    *number = match number.as_i64() {
        // Whole numbers stay whole: the wall clock is floored.
        Some(whole) => Value::from(whole + ms.floor() as i64),
        None => Value::from(number.as_f64().expect("a number") + ms),
    };
}

/// `iot` with three clocks that do not run evenly.
static UNEVEN: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = session().join("uneven-logs");
    copy_folder(&IOT.folder(), &folder, &["tinyfaas.log.zst"]);
    let text = String::from_utf8(logs::read(&IOT.folder().join("tinyfaas.log.zst"))).expect("text");
    let executors = IOT.rows::<Executor>().into_iter();
    let origins_ms: BTreeMap<String, f64> =
        executors.map(|row| (row.function.to_string(), row.origin.millis_f64())).collect();
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let Some((before, json)) = line.split_once("BEFAAS{") else { return line.to_owned() };
            let mut record: Value = serde_json::from_str(&format!("{{{json}")).expect("a record");
            let name = record["fn"]["name"].as_str().unwrap_or_default().to_owned();
            for (_, injected) in INJECTED.iter().filter(|(function, _)| *function == name) {
                injected.apply(&mut record, origins_ms[&name]);
            }
            format!("{before}BEFAAS{record}")
        })
        .collect();
    logs::write(&folder.join("tinyfaas.log.zst"), (lines.join("\n") + "\n").as_bytes());
    let store = session().join("uneven");
    collect(&folder, &store, IOT.name, &[]).exits(0);
    analyze(&store, &[]);
    store
});

/// The executor of a function in the run with injected clocks, its segments, and the executor as recorded.
fn injected(function: &str) -> (Executor, Vec<ClockSegment>, Executor) {
    let executor = |all: Vec<Executor>| {
        let own = all.into_iter().filter(|row| &*row.function == function);
        own.max_by_key(|row| row.lines).expect("an executor")
    };
    let segments: Vec<ClockSegment> = rows(&UNEVEN, IOT.name);
    let own = segments.into_iter().filter(|row| &*row.function == function && &*row.change != "between");
    (executor(rows(&UNEVEN, IOT.name)), own.collect(), executor(IOT.rows()))
}

#[test]
fn a_stepped_wall_clock_is_found_and_fitted() {
    let (executor, segments, recorded) = injected(INJECTED[0].0);
    assert_eq!((&*executor.clock, executor.clock_stepped), ("stepped", Some(true)));
    let [before, after] = &segments[..] else { panic!("two segments: {segments:?}") };
    assert_eq!((&*before.change, &*after.change), ("first", "back"));
    for (segment, ahead_ms) in [(before, 0.0), (after, BACK_MS)] {
        let truth_ms = segment.origin.ms_since(recorded.origin) - ahead_ms;
        assert!(truth_ms <= recorded.origin_uncertainty_ms && -truth_ms <= segment.uncertainty_ms, "{segment:?}");
    }
    assert!(before.until_ms <= 20_000.0 && 20_000.0 <= after.from_ms, "{segments:?}");
}

#[test]
fn a_slewed_wall_clock_is_found_and_fitted() {
    let (executor, segments, recorded) = injected(INJECTED[1].0);
    assert_eq!((&*executor.clock, executor.clock_stepped), ("slewed", Some(false)));
    let [segment] = &segments[..] else { panic!("one segment: {segments:?}") };
    let off_ppm = (segment.drift_ppm - SLEW * 1e6).abs();
    assert!(off_ppm <= segment.drift_uncertainty_ppm.expect("a fitted drift") && off_ppm < 50.0, "{segment:?}");
    let slewed_ms = segment.origin.ms_since(recorded.origin) - SLEW * segment.from_ms;
    assert!((-segment.uncertainty_ms..=recorded.origin_uncertainty_ms).contains(&slewed_ms), "{segment:?}");
}

#[test]
fn a_suspension_is_found_and_instants_after_it_stay_right() {
    let (executor, segments, recorded) = injected(INJECTED[2].0);
    assert_eq!((&*executor.clock, executor.clock_stepped), ("suspended", Some(true)));
    let [before, after] = &segments[..] else { panic!("two segments: {segments:?}") };
    assert_eq!((&*before.change, &*after.change), ("first", "ahead"));
    let jump_ms = after.origin.ms_since(before.origin) - STILL_MS;
    assert!(jump_ms.abs() <= before.uncertainty_ms + after.uncertainty_ms, "{segments:?}");
    let starts = |rows: Vec<Invocation>| -> BTreeMap<String, Invocation> {
        let own = rows.into_iter().filter(|row| *row.executor == *recorded.executor);
        own.map(|row| (row.invocation_id.clone(), row)).collect()
    };
    let (found, expected) = (starts(rows(&UNEVEN, IOT.name)), starts(IOT.rows()));
    assert_eq!(found.len(), expected.len());
    let settled = |id: &String| {
        let since_ms = expected[id].start.ms_since(recorded.origin);
        since_ms < before.until_ms || since_ms > after.from_ms + STILL_MS
    };
    for (id, invocation) in found.iter().filter(|(id, _)| settled(id)) {
        let off_ms = invocation.start.ms_since(expected[id].start);
        assert!(off_ms.abs() <= executor.origin_uncertainty_ms, "{id}: {off_ms}");
        assert!(invocation.issues.as_deref().is_some_and(|issues| issues.contains("clock stepped")), "{id}");
    }
}

#[test]
fn every_invocation_says_how_sure_its_instants_are() {
    for run in ALL {
        let executors: BTreeMap<String, Executor> = run
            .rows::<Executor>()
            .into_iter()
            .map(|row| (format!("{}/{}", &*row.function, row.executor), row))
            .collect();
        for invocation in run.rows::<Invocation>() {
            let executor = &executors[&format!("{}/{}", &*invocation.function, &*invocation.executor)];
            assert_eq!(invocation.start_uncertainty_ms, Some(executor.origin_uncertainty_ms), "{invocation:?}");
        }
    }
}

#[test]
fn traces_say_how_sure_their_start_is_and_where_a_clock_stepped() {
    let traces: Vec<Trace> = rows(&UNEVEN, IOT.name);
    assert!(traces.iter().filter(|trace| trace.root_ms.is_some()).all(|trace| trace.start_uncertainty_ms.is_some()));
    let stepped = |trace: &&Trace| trace.issues.as_deref().is_some_and(|issues| issues.contains("clock stepped"));
    assert!(traces.iter().filter(stepped).count() > 10);
    assert_eq!(IOT.rows::<Trace>().iter().filter(stepped).count(), 0);
}
