//! Values outside the whiskers of their boxes.

use faaslens_schemas::tables::Outlier;

use super::Run;
use super::spread::Spread;
use crate::stats::BoxPlot;

/// One row for each outlier, sorted by measure, provider, peer, function and value.
pub(super) fn rows(run: &Run<'_>) -> Vec<Outlier> {
    run.spreads().iter().flat_map(outliers).collect()
}

fn outliers<'a>(spread: &'a Spread<'a>) -> impl Iterator<Item = Outlier> + 'a {
    BoxPlot::of(&spread.sample).outliers().map(|value_ms| Outlier {
        measure: spread.measure.as_str().into(),
        provider: spread.provider.into(),
        peer: spread.peer.map(Into::into),
        function: spread.function.as_deref().map(Into::into),
        value_ms,
    })
}
