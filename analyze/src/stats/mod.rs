//! Statistics: the one quantile, the one box, the one sample type.
//!
//! * [`Sample`]: sorted, finite, never empty; its [`quantile`](Sample::quantile) is the one used for every number of faaslens.
//! * [`BoxPlot`]: Tukey's box of a sample, with its outliers.
//!
//! Everything here depends on the values alone and not on their order, so that results are the same whatever
//! number of threads collected them.

mod boxplot;
mod sample;

pub use boxplot::BoxPlot;
pub use sample::{Refused, Sample};
