//! How often intervals hold the truth: 2,000 simulated samples for each method and distribution.
//!
//! `cargo bench -p faaslens-analyze --bench coverage [-- SAMPLES]`. Prints the share of intervals that hold the true median,
//! nominal 95 %. Seeds are fixed: the same figures each time, for any number of threads.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use faaslens_analyze::stats::{
    Generator, Interval, Resampling, Sample, bootstrap_quantile, bootstrap_runs, median, order_statistic_interval,
};
use rayon::prelude::*;

/// A distribution of series with a known median.
struct Model {
    name: &'static str,
    median: f64,
    /// Correlation of neighbours.
    correlation: f64,
    /// From a standard normal variable, and a uniform one, to a value.
    value: fn(f64, f64) -> f64,
}

const MODELS: &[Model] = &[
    Model { name: "normal", median: 0.0, correlation: 0.0, value: |z, _| z },
    Model { name: "log-normal", median: 1.0, correlation: 0.0, value: |z, _| z.exp() },
    // 0.4 N(0, 1) + 0.6 N(6, 1), its median by scipy.optimize.brentq
    Model {
        name: "bimodal",
        median: 5.032_579_079_515_854,
        correlation: 0.0,
        value: |z, u| if u < 0.4 { z } else { z + 6.0 },
    },
    Model { name: "AR(1) 0.3, normal", median: 0.0, correlation: 0.3, value: |z, _| z },
    Model { name: "AR(1) 0.6, log-normal", median: 1.0, correlation: 0.6, value: |z, _| z.exp() },
    Model { name: "AR(1) 0.8, normal", median: 0.0, correlation: 0.8, value: |z, _| z },
];

/// Standard normal, by Box & Muller (1958).
fn normal(generator: &mut Generator) -> f64 {
    let radius = (-2.0 * (1.0 - generator.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * generator.unit()).cos()
}

impl Model {
    /// A stationary series of `n` values, moved by `shift` before it is transformed.
    fn series(&self, n: usize, shift: f64, generator: &mut Generator) -> Vec<f64> {
        let fresh = (1.0 - self.correlation * self.correlation).sqrt();
        let mut state = normal(generator);
        let mut next = || {
            let value = (self.value)(state + shift, generator.unit());
            state = self.correlation * state + fresh * normal(generator);
            value
        };
        (0..n).map(|_| next()).collect()
    }
}

type Method = (&'static str, fn(&[&[f64]]) -> Option<Interval>);

/// Methods for one run.
const WITHIN: &[Method] = &[
    ("order statistics", |runs| order_statistic_interval(&Sample::new(runs.concat()).ok()?, 0.5, 0.95)),
    ("bootstrap of independent values", |runs| Some(bootstrap_quantile(&Sample::new(runs.concat()).ok()?, 0.5, 0.95))),
    ("block bootstrap, as in the tables", |runs| median(runs, 0.95)?.interval),
    ("block bootstrap, percentiles of 999", |runs| resampled(runs)),
];

/// Methods for several runs.
const ACROSS: &[Method] = &[
    ("hierarchical, as in the tables", |runs| median(runs, 0.95)?.interval),
    ("hierarchical, percentiles of 999", |runs| resampled(runs)),
];

/// Values of one run.
const SIZES: [usize; 5] = [20, 50, 100, 400, 2000];

/// Runs of 200 values.
const RUNS: [usize; 5] = [2, 3, 5, 10, 20];

fn resampled(runs: &[&[f64]]) -> Option<Interval> {
    let middle = |values: &mut [f64]| {
        let half = values.len() / 2;
        let even = values.len().is_multiple_of(2);
        let (below, &mut high, _) = values.select_nth_unstable_by(half, f64::total_cmp);
        let low = if even { below.iter().copied().fold(f64::MIN, f64::max) } else { high };
        f64::midpoint(low, high)
    };
    bootstrap_runs(runs, middle, &Resampling { resamples: 999, ..Resampling::default() })
}

/// Share of the intervals that hold the truth, in percent; with the share of samples without one where there are such.
fn coverage(
    samples: u64,
    truth: f64,
    method: &Method,
    draw: impl Fn(&mut Generator) -> Vec<Vec<f64>> + Sync,
) -> String {
    let one = |sample: u64| {
        let runs = draw(&mut Generator::new(2026, sample));
        let interval = (method.1)(&runs.iter().map(Vec::as_slice).collect::<Vec<_>>());
        interval.map(|interval| interval.contains(truth))
    };
    let found: Vec<Option<bool>> = (0..samples).into_par_iter().map(one).collect();
    let none = found.iter().filter(|held| held.is_none()).count();
    let held = found.iter().filter(|held| **held == Some(true)).count();
    let share = |n: usize, of: usize| 100.0 * n as f64 / of.max(1) as f64;
    let without = if none > 0 { format!(" ({:.1} none)", share(none, found.len())) } else { String::new() };
    format!("{:.1}{without}", share(held, found.len() - none))
}

fn table(heading: &str, columns: &[usize], methods: &[Method], cell: impl Fn(&Model, usize, &Method) -> String) {
    let names: Vec<String> = columns.iter().map(usize::to_string).collect();
    println!("\n| distribution | method | {heading} {} |", names.join(" | "));
    println!("|---|---{}|", "|---".repeat(columns.len()));
    for model in MODELS {
        for method in methods {
            let cells: Vec<String> = columns.iter().map(|&column| cell(model, column, method)).collect();
            println!("| {} | {} | {} |", model.name, method.0, cells.join(" | "));
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let samples: u64 = arguments.first().and_then(|samples| samples.parse().ok()).unwrap_or(2000);
    println!("{samples} samples each, seed 2026, nominal 95 %: intervals that hold the true median, %");
    table("n =", &SIZES, WITHIN, |model, n, method| {
        coverage(samples, model.median, method, |generator| vec![model.series(n, 0.0, generator)])
    });
    // Runs differ in their level by a third of the spread within one, but for the bimodal one, whose median that would move.
    table("runs =", &RUNS, ACROSS, |model, runs, method| {
        coverage(samples, model.median, method, |generator| {
            let mut run = || {
                let shift = if model.name == "bimodal" { 0.0 } else { normal(generator) / 3.0 };
                model.series(200, shift, generator)
            };
            (0..runs).map(|_| run()).collect()
        })
    });
}
