//! Tukey boxes of the measures that box plots show.

use faaslens_schemas::tables::TukeyBox;

use super::Run;
use super::spread::Spread;
use crate::stats::BoxPlot;

/// One row for each box with at least one value, sorted by measure, provider, peer and function.
pub(super) fn rows(run: &Run<'_>) -> Vec<TukeyBox> {
    run.spreads().iter().map(row).collect()
}

fn row(spread: &Spread<'_>) -> TukeyBox {
    let (sample, plot) = (&spread.sample, BoxPlot::of(&spread.sample));
    TukeyBox {
        measure: spread.measure.as_str().into(),
        provider: spread.provider.into(),
        peer: spread.peer.map(Into::into),
        function: spread.function.as_deref().map(Into::into),
        n: sample.count(),
        min_ms: sample.min(),
        whisker_low_ms: plot.whisker_low,
        q1_ms: plot.q1,
        median_ms: plot.median,
        q3_ms: plot.q3,
        whisker_high_ms: plot.whisker_high,
        max_ms: sample.max(),
        mean_ms: sample.mean(),
        complete: spread.complete,
    }
}
