//! Two sets of runs, A and B, held against each other: which measures are slower, and how sure that is.
//!
//! [`Measuring`] reads a run's measures from its tables, [`compare`] makes rows of two sets of them, strongest evidence of
//! a slowdown first, with [`Warning`]s of what makes the comparison unfair. [`trend`] puts many runs in a row.
//!
//! The unit of replication is the run. What the values within a run say (`ratio_low`, `ratio_high`) decides nothing:
//! two runs of one configuration differ by more than that. The decisive interval holds run-to-run noise, from
//!
//! 1. `runs`: the spread of the medians of repeated runs (at least six runs in all, or no better source);
//! 2. `stated`: what the user says;
//! 3. `family`: one run on each side (or few): how the many measures of the same runs differ in general. The shift
//!    common to all of them is no evidence either, for a slower machine looks the same;
//! 4. `within-run`: none of these. The verdict is on these runs only and never a proven regression.

mod decision;
mod effect;
mod measure;
mod measured;
mod noise;
mod pairing;
mod trend;
mod warning;

use std::borrow::Cow;

use faaslens_schemas::tables::{Comparison, Distribution};
use rayon::prelude::*;

use crate::stats::{Sample, hodges_lehmann, holm, kolmogorov_smirnov, mann_whitney};
use decision::{Decision, decide};
pub use decision::{Evidence, Verdict};
pub use effect::SEED;
use effect::{Effect, LEVEL, effect};
pub use measure::Measure;
pub use measured::{INPUTS, Key, Load, Measured, Measuring};
pub use noise::Noise;
use pairing::{Paired, pair};
pub use trend::{Point, trend};
pub use warning::Warning;

/// Values of a side from which on the Hodges-Lehmann shift is that of quantiles: beyond, more values change its fourth digit and
/// take most of a comparison's time.
const THINNED: i32 = 4000;

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Before: the reference.
    A,
    /// After.
    B,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// What a comparison is asked to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Relative difference that does not matter: 0.05 for 5 %; above 0.
    pub margin: f64,
    /// Standard deviation of a measure's median from run to run, relative, where it is known: 0.02 for 2 %.
    pub run_noise: Option<f64>,
}

/// Why two sets of runs cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A side has no measure at all.
    #[error("{0} has no values to compare: expected analyzed runs with invocations, or requests of a load generator")]
    Empty(Side),
    /// The sides have nothing in common.
    #[error("A and B have no measure in common: A has {a}, B has {b}")]
    Disjoint {
        /// Some measures of A.
        a: String,
        /// Some measures of B.
        b: String,
    },
}

/// The answer to a comparison.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparisons {
    /// One row a measure, strongest evidence of a slowdown first.
    pub rows: Vec<Comparison>,
    /// Distributions under the rows, in their order.
    pub distributions: Vec<Distribution>,
    /// What makes the comparison unfair or weak.
    pub warnings: Vec<Warning>,
    /// How the two sets differ in general; `None` with fewer than eight basic measures.
    pub noise: Option<Noise>,
}

/// One measure on its way to a row.
struct Judged<'a> {
    pair: Paired<'a>,
    effect: Result<Effect, &'static str>,
    decision: Option<Decision>,
}

/// Compares two sets of runs.
///
/// # Errors
/// [`Refused`] when there is nothing to compare.
pub fn compare(a: &[Measured], b: &[Measured], options: &Options) -> Result<Comparisons, Refused> {
    for (side, runs) in [(Side::A, a), (Side::B, b)] {
        if runs.iter().all(|run| run.series.is_empty()) {
            return Err(Refused::Empty(side));
        }
    }
    let (pairs, lonely) = pair(a, b);
    if pairs.is_empty() {
        return Err(Refused::Disjoint { a: some_measures(a), b: some_measures(b) });
    }
    let mut warnings = warning::of_runs(a, b, &pairs, &lonely);
    let effects: Vec<_> = pairs.par_iter().map(|pair| effect(&pair.a, &pair.b)).collect();
    let noise = noise::noise(&basic(&pairs, &effects));
    let judged: Vec<Judged<'_>> = pairs
        .into_iter()
        .zip(effects)
        .map(|(pair, effect)| {
            let decision = effect.as_ref().ok().and_then(|effect| decide(effect, noise.as_ref(), options));
            Judged { pair, effect, decision }
        })
        .collect();
    warnings.extend(warning::of_evidence(&judged_evidence(&judged), noise.as_ref(), options));
    let p_values: Vec<f64> =
        judged.iter().map(|judged| judged.decision.as_ref().map_or(f64::NAN, |decision| decision.p)).collect();
    let family = p_values.iter().filter(|p| !p.is_nan()).count();
    let corrected = holm(&p_values);
    let mut rows: Vec<(Comparison, Vec<Distribution>, Rank)> =
        judged.par_iter().zip(corrected).map(|(judged, p_holm)| judged.row(p_holm, family, options)).collect();
    rows.sort_by(|a, b| a.2.order(&b.2).then_with(|| (&a.0.name, &a.0.provider).cmp(&(&b.0.name, &b.0.provider))));
    let mut answer = Comparisons { warnings, noise, ..Comparisons::default() };
    for (row, distributions, _) in rows {
        answer.rows.push(row);
        answer.distributions.extend(distributions);
    }
    Ok(answer)
}

/// Logarithmic ratios with their standard errors of the measures that are no sums of others.
fn basic(pairs: &[Paired<'_>], effects: &[Result<Effect, &'static str>]) -> Vec<(f64, f64)> {
    let known = |(pair, effect): (&Paired<'_>, &Result<Effect, &'static str>)| {
        let effect = effect.as_ref().ok().filter(|_| pair.measure.is_basic())?;
        Some((effect.log_ratio, effect.within?))
    };
    pairs.iter().zip(effects).filter_map(known).collect()
}

fn judged_evidence(judged: &[Judged<'_>]) -> Vec<Evidence> {
    judged.iter().filter_map(|judged| Some(judged.decision.as_ref()?.evidence)).collect()
}

/// The first few measures of a side, for an error.
fn some_measures(runs: &[Measured]) -> String {
    let keys: std::collections::BTreeSet<&Key> = runs.iter().flat_map(|run| run.series.keys()).collect();
    let shown: Vec<String> = keys.iter().take(3).map(|key| pairing::described(key)).collect();
    if keys.len() > 3 { format!("{} and {} more", shown.join(", "), keys.len() - 3) } else { shown.join(", ") }
}

/// Where a row stands among the others.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rank {
    regression: bool,
    verdict: Verdict,
    measure: Measure,
    low: f64,
}

impl Rank {
    /// Regressions first, then by verdict; of what is slower functions first, as they name the cause; then the
    /// greatest slowdown that is sure.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let class = |rank: &Self| {
            let measure = (rank.verdict == Verdict::Slower).then_some(rank.measure);
            (!rank.regression, rank.verdict, measure)
        };
        class(self).cmp(&class(other)).then(other.low.total_cmp(&self.low)).then(self.measure.cmp(&other.measure))
    }
}

/// A sample of at most [`THINNED`] values: of a larger one its quantiles at as many places, evenly spaced.
fn thinned(sample: &Sample) -> Cow<'_, Sample> {
    if usize::try_from(THINNED).is_ok_and(|most| sample.n() <= most) {
        return Cow::Borrowed(sample);
    }
    let quantile = |i: i32| sample.quantile((f64::from(i) + 0.5) / f64::from(THINNED));
    Sample::new((0..THINNED).map(quantile).collect()).map_or(Cow::Borrowed(sample), Cow::Owned)
}

impl Judged<'_> {
    fn row(&self, p_holm: f64, family: usize, options: &Options) -> (Comparison, Vec<Distribution>, Rank) {
        let pooled = |runs: &[&[f64]]| Sample::of_known(runs.iter().flat_map(|run| run.iter().copied()));
        let (a, b) = (pooled(&self.pair.a), pooled(&self.pair.b));
        let (verdict, regression) = match &self.decision {
            Some(decision) => decision.verdict(p_holm, options.margin),
            None => (Verdict::NotCompared, false),
        };
        let row = Comparison { verdict: verdict.as_str().into(), regression, ..self.described(a.as_ref(), b.as_ref()) };
        let row = match &self.decision {
            Some(decision) => Comparison {
                decisive_low: Some(decision.low),
                decisive_high: Some(decision.high),
                evidence: Some(decision.evidence.as_str().into()),
                p: Some(decision.p),
                p_holm: Some(p_holm),
                detectable_pct: Some(decision.detectable_pct(family)).filter(|pct| pct.is_finite()),
                ..row
            },
            None => row,
        };
        let rank = Rank { regression, verdict, measure: self.pair.measure, low: row.decisive_low.unwrap_or(0.0) };
        let sides = [(Side::A, a), (Side::B, b)];
        let curves = sides.iter().filter_map(|(side, sample)| Some(self.curve(*side, sample.as_ref()?)));
        let curves = curves.flatten().collect();
        (row, curves, rank)
    }

    /// What describes the values, whatever the verdict.
    fn described(&self, a: Option<&Sample>, b: Option<&Sample>) -> Comparison {
        let pair = &self.pair;
        let runs = |runs: &[&[f64]]| i64::try_from(runs.len()).unwrap_or(i64::MAX);
        let effect = self.effect.as_ref().ok();
        let interval = effect.and_then(|effect| effect.ratio.interval);
        let both = a.zip(b);
        let test = both.map(|(a, b)| mann_whitney(b, a));
        let a12 = both.zip(test).map(|((a, b), test)| test.u / (a.n() as f64 * b.n() as f64));
        let distance = both.map(|(a, b)| kolmogorov_smirnov(a, b));
        let whole = effect.is_some_and(|effect| effect.whole_ms);
        let reason = self.effect.as_ref().err().copied();
        let too_few = || (effect.is_some() && self.decision.is_none()).then_some("too few values in a run");
        let note = reason.or_else(too_few).or_else(|| whole.then_some("values in whole ms"));
        Comparison {
            measure: pair.measure.as_str().into(),
            name: pair.name.as_str().into(),
            provider: pair.provider.as_deref().map(Into::into),
            runs_a: runs(&pair.a),
            runs_b: runs(&pair.b),
            n_a: a.map_or(0, Sample::count),
            n_b: b.map_or(0, Sample::count),
            median_a_ms: a.map(Sample::median),
            median_b_ms: b.map(Sample::median),
            ratio: effect.map(|effect| effect.ratio.value),
            ratio_low: interval.map(|interval| interval.low),
            ratio_high: interval.map(|interval| interval.high),
            interval: interval.map(|interval| interval.basis.as_str().into()),
            shift_ms: both.map(|(a, b)| hodges_lehmann(&thinned(b), &thinned(a), LEVEL).value),
            a12,
            cliffs_delta: a12.map(|a12| 2.0 * a12 - 1.0),
            mann_whitney_p: test.map(|test| test.p_value),
            ks: distance.as_ref().map(|distance| distance.distance),
            ks_p: distance.as_ref().map(|distance| distance.p_value),
            complete: pair.complete,
            note: note.map(Into::into),
            ..Comparison::default()
        }
    }

    /// The distribution at every percent.
    fn curve(&self, side: Side, sample: &Sample) -> Vec<Distribution> {
        let point = |percent: i32| Distribution {
            measure: self.pair.measure.as_str().into(),
            name: self.pair.name.as_str().into(),
            provider: self.pair.provider.as_deref().map(Into::into),
            side: side.to_string().into(),
            share: f64::from(percent) / 100.0,
            value_ms: sample.quantile(f64::from(percent) / 100.0),
        };
        (0..=100).map(point).collect()
    }
}
