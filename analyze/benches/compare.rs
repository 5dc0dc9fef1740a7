//! How often a comparison calls noise a change, and how often it finds a slowdown of a tenth.
//!
//! `cargo bench -p faaslens-analyze --bench compare -- STORE RUN RUN [PAIRS]`: two analyzed repetitions of one configuration.
//!
//! Contexts are drawn in blocks, so that neighbours stay together: with replacement from one of the two runs for both sides, or from
//! both runs for both sides (there is no difference then, and no run-to-run noise but what is mixed in); or half of
//! the blocks without replacement, A from the first run and B from the second (real run-to-run noise of one real pair; drawing with
//! replacement from each would add the chance of the draw to that of the runs). Noise is added where a row says so: each
//! measure of a run is multiplied by a factor of its own and all of them by one more, log-normal. A slowdown is put into the call trees: the executions of a function take
//! a tenth longer, and so do all that wait for them.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use faaslens_analyze::compare::{Comparisons, Key, Measure, Measured, Options, compare};
use faaslens_analyze::stats::Generator;
use faaslens_schemas::store::Store;
use faaslens_schemas::tables::{Call, Invocation, Trace};
use faaslens_schemas::time::Timestamp;
use rayon::prelude::*;

/// Margin of every comparison.
const MARGIN: f64 = 0.05;

/// How much longer a slowed function takes.
const SLOWDOWN: f64 = 0.1;

/// Seed of the drawn runs.
const SEED: u64 = 1;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [store, first, second, rest @ ..] = arguments.as_slice() else {
        println!("0 passed, 0 failed: name a store and two runs of one configuration");
        return Ok(());
    };
    let pairs: u64 = rest.first().map_or(Ok(200), |pairs| pairs.parse())?;
    let store = Store::open(Path::new(store))?;
    let runs = [contexts(&store, first)?, contexts(&store, second)?];
    println!("{pairs} pairs a row, margin 5 %, seed {SEED}; counts of pairs");
    println!("{:<66} {:>7} {:>11} {:>7} {:>7}", "drawn from", "called", "regression", "found", "first");
    for scenario in scenarios(&runs) {
        let outcomes: Vec<Outcome> = (0..pairs).into_par_iter().map(|pair| scenario.outcome(&runs, pair)).collect();
        let count = |column: usize| outcomes.iter().filter(|outcome| outcome[column]).count();
        let [called, regression, found, first] = [0, 1, 2, 3].map(count);
        println!("{:<66} {called:>7} {regression:>11} {found:>7} {first:>7}", scenario.name);
    }
    println!(
        "called: something slower or faster where nothing is (of the slowed function and what waits for it, faster only)"
    );
    println!(
        "regression: the same, proven; found: the slowed function is a proven regression; first: and in the first row"
    );
    Ok(())
}

/// Where the contexts of a side are drawn from.
#[derive(Clone, Copy)]
enum Source {
    /// Both sides from the first run, of every other pair from the second.
    OneRun,
    /// Both sides from both runs.
    BothRuns,
    /// A from half of the first run, B from half of the second, without replacement.
    Halves,
}

/// One row of the table.
struct Scenario {
    name: String,
    source: Source,
    /// Runs a side.
    runs: u64,
    /// Standard deviation of the run-to-run noise.
    noise: f64,
    slowed: Option<String>,
}

fn scenarios(runs: &[Vec<Context>; 2]) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut add = |name: &str, source: Source, runs: u64, noise: f64, slowed: Option<&str>| {
        let name = slowed.map_or_else(|| name.to_owned(), |slowed| format!("{name}; {slowed} slowed"));
        all.push(Scenario { name, source, runs, noise, slowed: slowed.map(str::to_owned) });
    };
    add("one run", Source::OneRun, 1, 0.0, None);
    add("both runs", Source::BothRuns, 1, 0.0, None);
    add("half of the first run, half of the second", Source::Halves, 1, 0.0, None);
    for noise in [0.01, 0.02, 0.03, 0.05] {
        add(&format!("one run, noise {:.0} %", noise * 100.0), Source::OneRun, 1, noise, None);
    }
    add("5 + 5 runs, noise 2 %", Source::OneRun, 5, 0.02, None);
    let functions: BTreeSet<&str> =
        runs.iter().flatten().flat_map(|context| &context.invocations).map(|called| called.function.as_str()).collect();
    for function in &functions {
        add("both runs", Source::BothRuns, 1, 0.0, Some(function));
    }
    for function in functions.iter().filter(|function| **function == "listrecommendations") {
        add("half of the first run, half of the second", Source::Halves, 1, 0.0, Some(function));
        add("one run, noise 1 %", Source::OneRun, 1, 0.01, Some(function));
        add("5 + 5 runs, noise 2 %", Source::OneRun, 5, 0.02, Some(function));
        add("10 + 10 runs, noise 2 %", Source::OneRun, 10, 0.02, Some(function));
    }
    all
}

/// What one comparison said: the columns of the table.
type Outcome = [bool; 4];

impl Scenario {
    fn outcome(&self, runs: &[Vec<Context>; 2], pair: u64) -> Outcome {
        let side = |side: u64, slowed: Option<&str>| -> Vec<Measured> {
            let one = |run: u64| {
                let mut generator = Generator::new(SEED, (pair << 16) | (side << 8) | run);
                let (own, turn) = (usize::from(side == 1), usize::from(pair % 2 == 1));
                let contexts = match self.source {
                    Source::OneRun => replaced(&[&runs[turn]], &mut generator),
                    Source::BothRuns => replaced(&[&runs[0], &runs[1]], &mut generator),
                    Source::Halves => half(&runs[own], &mut generator),
                };
                measured(&contexts, slowed, self.noise, &mut generator)
            };
            (0..self.runs).map(one).collect()
        };
        let options = Options { margin: MARGIN, run_noise: None };
        let (a, b) = (side(0, None), side(1, self.slowed.as_deref()));
        let found = compare(&a, &b, &options).expect("runs of one configuration have measures in common");
        self.judged(&found)
    }

    fn judged(&self, answer: &Comparisons) -> Outcome {
        let is_it = |row: &faaslens_schemas::tables::Comparison| {
            Some(&*row.name) == self.slowed.as_deref() && &*row.measure == "execution duration"
        };
        let wrong = |verdict: &str| verdict == "faster" || (self.slowed.is_none() && verdict == "slower");
        [
            answer.rows.iter().any(|row| wrong(&row.verdict)),
            self.slowed.is_none() && answer.rows.iter().any(|row| row.regression),
            answer.rows.iter().any(|row| is_it(row) && row.regression),
            answer.rows.first().is_some_and(|row| is_it(row) && row.regression),
        ]
    }
}

/// One function chain: its measured values, and which of them wait for which invocation.
struct Context {
    start: Timestamp,
    values: Vec<(Key, f64)>,
    invocations: Vec<Called>,
}

/// One invocation of a chain.
struct Called {
    function: String,
    duration_ms: f64,
    /// Places of the values that hold its duration: its own, those of its callers, of the route.
    waiting: Vec<usize>,
}

fn key(measure: Measure, name: &str, provider: Option<&str>) -> Key {
    Key { measure, name: name.to_owned(), provider: provider.map(str::to_owned) }
}

/// The contexts of a run in order of time.
fn contexts(store: &Store, run: &str) -> Result<Vec<Context>, Error> {
    let manifest = store.manifest(run)?;
    let mut contexts: BTreeMap<String, Context> = BTreeMap::new();
    let mut route_places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for trace in store.rows::<Trace>(&manifest, None)? {
        let mut context = Context { start: trace.start, values: Vec::new(), invocations: Vec::new() };
        let parts = [
            (Measure::Root, trace.root_ms, true, true),
            (Measure::Client, trace.client_ms, true, true),
            (Measure::Compute, trace.compute_ms, trace.complete, true),
            (Measure::Network, trace.network_ms, trace.complete, false),
            (Measure::Database, trace.db_ms, trace.complete, false),
        ];
        for (measure, value, sound, grows) in parts {
            if let (Some(route), Some(value), true) = (&trace.entry_route, value, sound) {
                if grows {
                    route_places.entry(trace.context_id.clone()).or_default().push(context.values.len());
                }
                context.values.push((key(measure, route, None), value));
            }
        }
        contexts.insert(trace.context_id.clone(), context);
    }
    for call in store.rows::<Call>(&manifest, None)? {
        let ends = (call.caller_provider, call.callee_provider, call.network_ms);
        if let (Some(context), (Some(caller), Some(callee), Some(value))) = (contexts.get_mut(&call.context_id), ends) {
            context.values.push((key(Measure::NetworkTime, &format!("{caller} → {callee}"), None), value));
        }
    }
    add_invocations(&mut contexts, &route_places, store.rows(&manifest, None)?);
    let mut contexts: Vec<Context> = contexts.into_values().collect();
    contexts.sort_by_key(|context| context.start);
    Ok(contexts)
}

fn add_invocations(
    contexts: &mut BTreeMap<String, Context>,
    route_places: &BTreeMap<String, Vec<usize>>,
    mut invocations: Vec<Invocation>,
) {
    invocations.sort_by(|a, b| (a.depth, a.start, &a.invocation_id).cmp(&(b.depth, b.start, &b.invocation_id)));
    let mut waiting: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for called in invocations {
        let (Some(context), Some(duration_ms)) = (contexts.get_mut(&called.context_id), called.duration_ms) else {
            continue;
        };
        // Callers stand before their callees, and an event's caller does not wait for it.
        let above = called.parent_id.as_ref().filter(|_| &*called.trigger != "msg").and_then(|id| waiting.get(id));
        let route = || route_places.get(&called.context_id).cloned().unwrap_or_default();
        let mut places = above.cloned().unwrap_or_else(route);
        places.push(context.values.len());
        waiting.insert(called.invocation_id, places.clone());
        let key = key(Measure::ExecutionDuration, &called.function, Some(&called.provider));
        context.values.push((key, duration_ms));
        context.invocations.push(Called { function: called.function.to_string(), duration_ms, waiting: places });
    }
}

/// Contexts that stay together: a few times the cube root of the run's.
fn block(contexts: &[Context]) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cube root of a count")]
    let block = (1.5 * (contexts.len() as f64).cbrt()).ceil() as usize;
    block.clamp(1, contexts.len().max(1))
}

/// As many contexts as the first run has, in moving blocks, each from any of the runs.
fn replaced<'a>(runs: &[&'a Vec<Context>], generator: &mut Generator) -> Vec<&'a Context> {
    let wanted = runs[0].len();
    let mut drawn = Vec::with_capacity(wanted);
    while drawn.len() < wanted {
        let run = runs[generator.below(runs.len())];
        let begin = generator.below(run.len() - block(run) + 1);
        drawn.extend(run[begin..].iter().take(block(run).min(wanted - drawn.len())));
    }
    drawn
}

/// Half of a run's blocks, in order of time.
fn half<'a>(run: &'a [Context], generator: &mut Generator) -> Vec<&'a Context> {
    let mut blocks: Vec<(usize, &[Context])> = run.chunks(block(run)).enumerate().collect();
    generator.shuffle(&mut blocks);
    blocks.truncate(blocks.len() / 2);
    blocks.sort_by_key(|(place, _)| *place);
    blocks.into_iter().flat_map(|(_, contexts)| contexts).collect()
}

/// A run of these contexts, with run-to-run noise, and a function slowed down.
fn measured(contexts: &[&Context], slowed: Option<&str>, noise: f64, generator: &mut Generator) -> Measured {
    let mut run = Measured::default();
    for context in contexts {
        let mut values = context.values.clone();
        for called in context.invocations.iter().filter(|called| Some(called.function.as_str()) == slowed) {
            for &place in &called.waiting {
                values[place].1 += SLOWDOWN * called.duration_ms;
            }
        }
        for (key, value) in values {
            run.series.entry(key).or_default().push(value);
        }
    }
    let mut factor = || (noise * normal(generator)).exp();
    let common = factor();
    for series in run.series.values_mut() {
        let own = factor() * common;
        for value in series {
            *value *= own;
        }
    }
    run
}

/// A standard normal number (Box & Muller 1958).
fn normal(generator: &mut Generator) -> f64 {
    let (radius, angle) = (1.0 - generator.unit(), generator.unit());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}
