//! How long the statistics take on large samples.
//!
//! `cargo bench -p faaslens-analyze --bench statistics [-- N]`: samples of N values (100,000 when not given), log-normal with
//! correlated neighbours, the best of five rounds; threads by `RAYON_NUM_THREADS`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::Instant;

use faaslens_analyze::stats::{
    ChangeSearch, Generator, Resampling, Sample, bootstrap_quantile, bootstrap_runs, change_points, dominance,
    hodges_lehmann, kolmogorov_smirnov, kpss, mann_whitney, mean, median, warm_up,
};

#[expect(clippy::many_single_char_names, reason = "sizes and samples, as in the sources")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let n: usize = arguments.first().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let (a, b) = (series(n, 1), series(n, 2));
    let (x, y) = (Sample::new(a.clone()).expect("finite"), Sample::new(b.clone()).expect("finite"));
    let runs: Vec<&[f64]> = a.chunks(n.div_ceil(5)).collect();
    println!("samples of {n} values; best of 5");
    measure("sample: check and sort", || Sample::new(a.clone()));
    measure("median with block interval", || median(&[&a], 0.95));
    measure("median with hierarchical interval, 5 runs", || median(&runs, 0.95));
    measure("mean with block interval", || mean(&[&a], 0.95));
    measure("bootstrap of a median, independent values, closed form", || bootstrap_quantile(&x, 0.5, 0.95));
    measure("bootstrap of a mean, moving blocks, 10,000 resamples", || {
        bootstrap_runs(&[&a], |values| values.iter().sum::<f64>() / values.len() as f64, &Resampling::default())
    });
    measure("Mann-Whitney", || mann_whitney(&x, &y));
    measure("Kolmogorov-Smirnov", || kolmogorov_smirnov(&x, &y));
    measure("A12 with interval and p-value", || dominance(&[&a], &[&b], 0.95));
    measure("Hodges-Lehmann with interval", || hodges_lehmann(&x, &y, 0.95));
    measure("warm-up (MSER-5)", || warm_up(&a));
    measure("KPSS", || kpss(&a));
    let short = &a[..n.min(200)];
    measure("change points of 200 values, 199 permutations", || change_points(short, &ChangeSearch::default()));
}

/// Log-normal values whose neighbours are correlated by 0.3.
fn series(n: usize, seed: u64) -> Vec<f64> {
    let mut generator = Generator::new(seed, 0);
    let mut state = 0.0_f64;
    let mut next = || {
        // Sum of twelve uniform variables: near enough to a normal one here.
        let normal = (0..12).map(|_| generator.unit()).sum::<f64>() - 6.0;
        state = 0.3 * state + 0.954 * normal;
        (3.0 + 0.5 * state).exp()
    };
    (0..n).map(|_| next()).collect()
}

fn measure<T>(what: &str, mut work: impl FnMut() -> T) {
    let round = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed().as_secs_f64() * 1000.0
    };
    let best = (0..5).map(round).fold(f64::INFINITY, f64::min);
    println!("{what:<56} {best:>9.2} ms");
}
