//! Intervals: what every estimate travels with.

/// How an interval was computed, from what supposes most to what supposes least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// Ranks from the binomial distribution; supposes independent values.
    OrderStatistics,
    /// Resamples of independent values.
    IndependentBootstrap,
    /// Bias-corrected and accelerated bootstrap of independent values.
    Bca,
    /// Ranks from the distribution of the Mann-Whitney statistic; supposes independent values.
    RankSum,
    /// Moving blocks within one run: dependence of neighbours is allowed for, differences between runs are unknown.
    BlockBootstrap,
    /// Runs, then moving blocks within a run: the unit of replication is the run.
    HierarchicalBootstrap,
}

impl Basis {
    /// As in the columns `interval` of the result tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrderStatistics => "order statistics",
            Self::BlockBootstrap => "within-run block bootstrap",
            Self::HierarchicalBootstrap => "hierarchical bootstrap",
            Self::IndependentBootstrap => "bootstrap",
            Self::Bca => "BCa bootstrap",
            Self::RankSum => "rank sum",
        }
    }
}

/// A confidence interval, in the unit of its estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end, `low <= high`.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Nominal confidence level, in 0..1.
    pub level: f64,
    /// How it was computed.
    pub basis: Basis,
}

impl Interval {
    /// Whether the interval holds a value, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The same interval on another scale: `scale` is applied to both ends, which change places where it falls.
    #[must_use]
    pub fn map(self, scale: impl Fn(f64) -> f64) -> Self {
        let (a, b) = (scale(self.low), scale(self.high));
        Self { low: a.min(b), high: a.max(b), ..self }
    }
}

/// An estimate with all it has to travel with; its unit is that of its values unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Values under it.
    pub n: usize,
    /// Runs under it.
    pub runs: usize,
    /// Its interval; `None` where the values cannot carry one.
    pub interval: Option<Interval>,
}
