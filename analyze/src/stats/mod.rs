//! Statistics: the one quantile, the one box, the one sample type; intervals, tests and what else numbers are judged by.
//!
//! * [`Sample`]: sorted, finite, never empty; its [`quantile`](Sample::quantile) is the one used for every number of faaslens.
//! * [`median_by_selection`]: the same median in linear time, for one sample changed in many ways.
//! * [`BoxPlot`]: Tukey's box of a sample, with its outliers.
//! * [`Estimate`] and [`Interval`]: an estimate travels with n, its number of runs and its interval. [`median`],
//!   [`quantile()`] and [`mean`] make them from values in order of time, run by run; [`difference`] and [`ratio`] join two.
//! * Any other statistic: [`bootstrap_runs`], [`bootstrap_bca`]; quantiles of independent values: [`order_statistic_interval`],
//!   [`bootstrap_quantile`].
//! * Two groups: [`mann_whitney`], [`dominance`] (A12, Cliff's delta), [`hodges_lehmann`], [`kolmogorov_smirnov`]; many
//!   of them: [`holm`]; no difference: [`equivalent`], [`smallest_detectable_ratio`].
//! * A series: [`warm_up`] and [`kpss`] (has it settled?), [`change_points`] (where does it change?).
//!
//! What takes a [`Sample`] depends on the values alone and not on their order, so that results are the same whatever
//! number of threads collected them; what takes runs needs their order of time. Random numbers come from a seeded
//! [`Generator`].

mod bootstrap;
mod boxplot;
mod change_points;
mod dependence;
mod estimate;
mod family;
mod hodges_lehmann;
mod interval;
mod kolmogorov_smirnov;
mod mann_whitney;
mod order_statistics;
mod random;
mod sample;
mod selection;
mod special;
mod stationarity;

pub use bootstrap::{Resampling, bootstrap_bca, bootstrap_quantile, bootstrap_runs};
pub use boxplot::BoxPlot;
pub use change_points::{ChangePoint, ChangeSearch, LONGEST_SERIES, change_points};
pub use dependence::block_length;
pub use estimate::{difference, mean, median, quantile, quantile_interval, ratio};
pub use family::{equivalent, holm, smallest_detectable_ratio};
pub use hodges_lehmann::hodges_lehmann;
pub use interval::{Basis, Estimate, Interval};
pub use kolmogorov_smirnov::{KolmogorovSmirnov, kolmogorov_smirnov};
pub use mann_whitney::{Dominance, MannWhitney, dominance, mann_whitney};
pub use order_statistics::{carried_quantile, carries_quantile, order_statistic_interval};
pub use random::Generator;
pub use sample::{Refused, Sample};
pub use selection::median_by_selection;
pub(crate) use special::{student_cdf, student_quantile};
pub use stationarity::{Kpss, LEAST_FOR_WARM_UP, kpss, warm_up};
