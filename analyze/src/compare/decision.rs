//! From the ratio and the noise around it to an interval, a p-value and a verdict.

use super::Options;
use super::effect::{Effect, LEVEL};
use super::noise::Noise;
use crate::stats::{student_cdf, student_quantile};

/// Least degrees of freedom at which the repetitions of a measure speak for themselves: with fewer the spread of all measures
/// is the better known one, where there is one.
const LEAST_FREEDOM: f64 = 4.0;

/// Level of significance after Holm's correction.
pub(super) const SIGNIFICANCE: f64 = 0.05;

/// Degrees of freedom from which on Student's distribution is the normal one.
const CERTAIN: f64 = 1e6;

/// Probability with which the smallest detectable difference would have been found.
const POWER: f64 = 0.8;

/// Where run-to-run noise is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Repetitions of the measure itself.
    Runs,
    /// The user says so.
    Stated,
    /// The other measures of the same runs.
    Family,
    /// Nowhere.
    WithinRun,
}

impl Evidence {
    /// As in the column `comparisons.evidence`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Stated => "stated",
            Self::Family => "family",
            Self::WithinRun => "within-run",
        }
    }
}

/// What of a ratio holds beyond the runs that it was measured in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decision {
    pub(super) evidence: Evidence,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) p: f64,
    error: f64,
    freedom: f64,
    /// The shift common to all measures where it cannot be told from a change, as a distance.
    doubt: f64,
}

/// Decides on one effect; `None` where its error is not known.
pub(super) fn decide(effect: &Effect, family: Option<&Noise>, options: &Options) -> Option<Decision> {
    let within = effect.within.unwrap_or(0.0);
    let repeated = effect.between.filter(|between| between.freedom >= LEAST_FREEDOM || family.is_none());
    let (evidence, error, freedom, shift) = match (options.run_noise, repeated, family) {
        (Some(noise), ..) => {
            effect.within?;
            (Evidence::Stated, within.hypot(noise * effect.weight.sqrt()), f64::INFINITY, 0.0)
        }
        (None, Some(between), _) => (Evidence::Runs, between.error.max(within), between.freedom, 0.0),
        (None, None, Some(noise)) => {
            effect.within?;
            let error = within.hypot(noise.spread);
            // Satterthwaite (1946), the error within the runs taken as known.
            let freedom = noise.freedom * (error / noise.spread).powi(4);
            (Evidence::Family, error, freedom, noise.shift)
        }
        (None, None, None) => (Evidence::WithinRun, effect.within?, f64::INFINITY, 0.0),
    };
    (error > 0.0).then(|| Decision::of(effect.log_ratio, shift, error, freedom, evidence))
}

impl Decision {
    /// One run on each side cannot tell a slower machine from slower work, so the interval covers the ratio with the
    /// common shift and without, and the p-value is the greater one.
    fn of(log_ratio: f64, shift: f64, error: f64, freedom: f64, evidence: Evidence) -> Self {
        let freedom = if freedom.is_finite() { freedom.min(CERTAIN) } else { CERTAIN };
        let (least, greatest) = (log_ratio.min(log_ratio - shift), log_ratio.max(log_ratio - shift));
        let nearest = if least > 0.0 { least } else { greatest.min(0.0) };
        let reach = student_quantile(f64::midpoint(1.0, LEVEL), freedom) * error;
        let p = 2.0 * student_cdf(-nearest.abs() / error, freedom);
        Self {
            evidence,
            low: (least - reach).exp(),
            high: (greatest + reach).exp(),
            p: p.clamp(0.0, 1.0),
            error,
            freedom,
            doubt: shift.abs(),
        }
    }

    /// The least slowdown in percent that would have been called slower with 80 % probability among `family` comparisons:
    /// `exp((t_level + t_power) error) - 1` at Holm's first and strictest step.
    pub(super) fn detectable_pct(&self, family: usize) -> f64 {
        let strictest = SIGNIFICANCE / family.max(1) as f64;
        let steps = student_quantile(1.0 - strictest / 2.0, self.freedom) + student_quantile(POWER, self.freedom);
        100.0 * (steps * self.error + self.doubt).exp_m1()
    }

    /// The verdict and whether it is a proven regression, given the p-value after Holm's correction.
    pub(super) fn verdict(&self, p_holm: f64, margin: f64) -> (Verdict, bool) {
        let (floor, ceiling) = (1.0 / (1.0 + margin), 1.0 + margin);
        if floor < self.low && self.high < ceiling {
            return (Verdict::Equivalent, false);
        }
        if p_holm > SIGNIFICANCE || (self.low <= 1.0 && self.high >= 1.0) {
            return (Verdict::NoEvidence, false);
        }
        if self.high < 1.0 {
            return (Verdict::Faster, false);
        }
        (Verdict::Slower, self.low > ceiling && self.evidence != Evidence::WithinRun)
    }
}

/// What a comparison says of B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// B takes longer.
    Slower,
    /// Neither a difference nor its absence is shown.
    NoEvidence,
    /// The whole decisive interval lies within the margin.
    Equivalent,
    /// B takes less time.
    Faster,
    /// There is nothing to decide on.
    NotCompared,
}

impl Verdict {
    /// As in the column `comparisons.verdict`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::NoEvidence => "no evidence",
            Self::Equivalent => "equivalent",
            Self::Faster => "faster",
            Self::NotCompared => "not compared",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_and_p_are_students() {
        let found = Decision::of(0.1, 0.0, 0.02, 4.0, Evidence::Runs);
        // scipy.stats.t: 2 * sf(5, 4), exp(0.1 -+ 0.02 * ppf(0.975, 4))
        assert!((found.p - 0.007_490_433_881_274_525).abs() < 1e-9, "{}", found.p);
        assert!(
            (found.low - 1.045_474_759_853_599_8).abs() < 1e-6 && (found.high - 1.168_275_701_205_073_3).abs() < 1e-6,
            "{found:?}"
        );
        // 100 * expm1(0.02 * (ppf(1 - 0.05 / 20, 4) + ppf(0.8, 4)))
        assert!((found.detectable_pct(10) - 13.970_636_980_869_191).abs() < 1e-3, "{}", found.detectable_pct(10));
    }

    #[test]
    fn a_shift_common_to_all_measures_proves_nothing_of_one_run() {
        let found = Decision::of(0.2, 0.2, 0.001, 100.0, Evidence::Family);
        assert!(found.low < 1.0 && found.high > 1.2 && found.p > 0.99, "{found:?}");
        assert_eq!(found.verdict(found.p, 0.05).0, Verdict::NoEvidence);
        let faster_machine = Decision::of(0.0, -0.1, 0.001, 100.0, Evidence::Family);
        assert_eq!(faster_machine.verdict(0.0, 0.05), (Verdict::NoEvidence, false));
    }

    #[test]
    fn only_a_whole_interval_beyond_the_margin_is_a_regression_and_never_within_one_run() {
        let of = |log_ratio: f64, evidence| Decision::of(log_ratio, 0.0, 0.01, CERTAIN, evidence).verdict(0.001, 0.05);
        assert_eq!(of(0.10, Evidence::Runs), (Verdict::Slower, true));
        assert_eq!(of(0.10, Evidence::WithinRun), (Verdict::Slower, false));
        assert_eq!(of(0.06, Evidence::Runs), (Verdict::Slower, false));
        assert_eq!(of(0.02, Evidence::Runs), (Verdict::Equivalent, false));
        assert_eq!(of(-0.10, Evidence::Runs), (Verdict::Faster, false));
    }
}
