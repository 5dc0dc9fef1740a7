//! The ratio of medians of one measure, and how well these runs know it.

use crate::stats::{Estimate, Generator, median, ratio};

/// Fewest values on a side that a comparison is made from.
pub(super) const LEAST_VALUES: usize = 10;

/// Medians below this are no time: a division is exact to a microsecond only.
const RESOLUTION_MS: f64 = 0.001;

/// Why there is no ratio of such medians.
const NO_MEDIAN: &str = "a median is below 1 us";

/// Confidence level of every interval.
pub(super) const LEVEL: f64 = 0.95;

/// Seed of what is drawn: the places of whole milliseconds between two ticks.
pub const SEED: u64 = 20_261_122;

/// Half the width of a 95 % interval in standard errors.
const REACH: f64 = 1.959_963_984_540_054;

/// Ratio of two medians on the logarithmic scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Effect {
    /// The ratio, B over A, with the interval that these runs give.
    pub(super) ratio: Estimate,
    /// Logarithm of the ratio.
    pub(super) log_ratio: f64,
    /// Standard error of the logarithm from within the runs; `None` where a run has too few values.
    pub(super) within: Option<f64>,
    /// Standard error of the logarithm from how the medians of repeated runs differ; `None` with one run on each side.
    pub(super) between: Option<Between>,
    /// What a run's own noise counts for in the variance of the logarithm: `1 / runs`, summed over both sides.
    pub(super) weight: f64,
    /// Whether all values are whole milliseconds.
    pub(super) whole_ms: bool,
}

/// A standard error from repetitions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Between {
    pub(super) error: f64,
    /// Runs less sides that have several.
    pub(super) freedom: f64,
}

/// The effect of B against A; the values of each run in order of time.
///
/// # Errors
/// Why there is none: too few values, or a median that is no time.
pub(super) fn effect(a: &[&[f64]], b: &[&[f64]]) -> Result<Effect, &'static str> {
    let count = |runs: &[&[f64]]| runs.iter().map(|run| run.len()).sum::<usize>();
    if count(a).min(count(b)) < LEAST_VALUES {
        return Err("fewer than 10 values on a side");
    }
    let whole_ms = is_whole(a) && is_whole(b);
    let (a, b) = (SideRuns::of(&timed(a))?, SideRuns::of(&timed(b))?);
    let ratio = ratio(&b.median, &a.median).ok_or(NO_MEDIAN)?;
    Ok(Effect {
        ratio,
        log_ratio: ratio.value.ln(),
        within: a.within.zip(b.within).map(|(a, b)| a.hypot(b)),
        between: between(&a, &b),
        weight: a.weight() + b.weight(),
        whole_ms,
    })
}

fn is_whole(runs: &[&[f64]]) -> bool {
    runs.iter().all(|run| run.iter().all(|value| value.fract() == 0.0))
}

/// The values of runs; those recorded in whole milliseconds each somewhere within its millisecond, so that a median is
/// not taken for exact only because the clock is coarse (Machado & Santos Silva, "Quantiles for Counts", 2005).
pub(super) fn timed(runs: &[&[f64]]) -> Vec<Vec<f64>> {
    if !is_whole(runs) {
        return runs.iter().map(|run| run.to_vec()).collect();
    }
    let mut generator = Generator::new(SEED, 0);
    let mut somewhere = |value: &f64| value + generator.unit() - 0.5;
    runs.iter().map(|run| run.iter().map(&mut somewhere).collect()).collect()
}

/// The runs of one side.
struct SideRuns {
    median: Estimate,
    /// Logarithms of the runs' medians.
    logs: Vec<f64>,
    /// Share of each run in the values.
    shares: Vec<f64>,
    within: Option<f64>,
}

impl SideRuns {
    fn of(runs: &[Vec<f64>]) -> Result<Self, &'static str> {
        let slices: Vec<&[f64]> = runs.iter().map(Vec::as_slice).filter(|run| !run.is_empty()).collect();
        let whole = median(&slices, LEVEL).ok_or("no values")?;
        let each: Vec<Estimate> = slices.iter().filter_map(|run| median(&[run], LEVEL)).collect();
        if each.iter().chain([&whole]).any(|median| median.value < RESOLUTION_MS) {
            return Err(NO_MEDIAN);
        }
        let shares: Vec<f64> = each.iter().map(|run| run.n as f64 / whole.n as f64).collect();
        let errors: Option<Vec<f64>> = each.iter().map(log_error).collect();
        let variance = errors.map(|errors| errors.iter().zip(&shares).map(|(e, s)| (e * s).powi(2)).sum::<f64>());
        let logs = each.iter().map(|run| run.value.ln()).collect();
        Ok(Self { median: whole, logs, shares, within: variance.map(f64::sqrt) })
    }

    /// Sum of the squared shares: `1 / runs` where all are equally long.
    fn weight(&self) -> f64 {
        self.shares.iter().map(|share| share * share).sum()
    }

    fn squares(&self) -> f64 {
        let mean = self.logs.iter().sum::<f64>() / self.logs.len() as f64;
        self.logs.iter().map(|log| (log - mean).powi(2)).sum()
    }
}

/// Standard error of a median's logarithm, from its interval.
fn log_error(median: &Estimate) -> Option<f64> {
    let interval = median.interval?;
    let above = (interval.high / median.value).ln();
    let below = if interval.low > 0.0 { (median.value / interval.low).ln() } else { above };
    Some(f64::midpoint(above, below) / REACH).filter(|error| error.is_finite())
}

/// Both sides' runs are supposed to differ alike, as in Student's test; so one new run can be held against several old ones.
fn between(a: &SideRuns, b: &SideRuns) -> Option<Between> {
    let freedom = (a.logs.len() + b.logs.len()).saturating_sub(2);
    (freedom > 0).then(|| {
        let variance = (a.squares() + b.squares()) / freedom as f64;
        Between { error: (variance * (a.weight() + b.weight())).sqrt(), freedom: freedom as f64 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(median: f64) -> Vec<f64> {
        (0..41).map(|i| median * (1.0 + 0.001 * f64::from((i * 17) % 41 - 20))).collect()
    }

    #[test]
    fn repeated_runs_give_students_standard_error_of_the_logarithms() {
        // numpy: la, lb = log([10, 11, 12]), log([11, 13, 12]); s2 = (la.var()*3 + lb.var()*3) / 4; sqrt(s2 * (1/3 + 1/3))
        let (a, b) = ([run(10.0), run(11.0), run(12.0)], [run(11.0), run(13.0), run(12.0)]);
        let (a, b) = (a.each_ref().map(Vec::as_slice), b.each_ref().map(Vec::as_slice));
        let found = effect(&a, &b).expect("an effect").between.expect("repetitions");
        assert!((found.error - 0.071_406_909_933_192_14).abs() < 1e-12, "{}", found.error);
        assert!((found.freedom - 4.0).abs() < 1e-12);
    }

    #[test]
    fn one_new_run_is_held_against_the_spread_of_old_ones() {
        let old = [run(10.0), run(11.0), run(12.0)];
        let old: Vec<&[f64]> = old.iter().map(Vec::as_slice).collect();
        let found = effect(&old, &[&run(13.0)]).expect("an effect");
        // numpy: log([10, 11, 12]).std(ddof=1) * sqrt(1/3 + 1)
        assert!((found.between.expect("repetitions").error - 0.105_299_741_660_266_97).abs() < 1e-12);
        assert!((found.weight - 4.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn medians_of_0_and_few_values_are_not_compared() {
        assert!(effect(&[&[0.0; 20]], &[&[1.0; 20]]).is_err());
        assert!(effect(&[&[1.0; 9]], &[&[1.0; 20]]).is_err());
    }

    #[test]
    fn a_coarse_clock_does_not_make_a_median_exact() {
        let found = effect(&[&[3.0; 200]], &[&[3.0; 200]]).expect("an effect");
        assert!(found.whole_ms && found.within.is_some_and(|error| error > 0.005), "{found:?}");
    }
}
