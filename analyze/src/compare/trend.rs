//! Many runs in a row: the median of each measure at each point, and where a new level begins.

use std::collections::BTreeMap;

use faaslens_schemas::tables::Trend;
use faaslens_schemas::time::Timestamp;
use rayon::prelude::*;

use super::SEED;
use super::effect::{LEVEL, timed};
use super::measured::{Key, Measured};
use super::pairing::{CONFIGURATION, in_stratum, values_of};
use crate::stats::{ChangeSearch, Estimate, Interval, change_points, median};

/// Fewest runs on either side of a change.
const LEAST_SEGMENT: usize = 4;

/// Greatest p-value of a change; a history has many measures, so it is stricter than usual.
const SIGNIFICANCE: f64 = 0.01;

/// Runs from which on fewer permutations do: their number is squared by the work of each.
const LONG: usize = 200;

/// One point of a history.
#[derive(Debug, Clone)]
pub struct Point<'a> {
    /// Label value, or the run by date.
    pub name: String,
    /// First log stamp of its runs.
    pub at: Option<Timestamp>,
    /// Its runs.
    pub runs: Vec<&'a Measured>,
}

/// Values of one measure, by point and run.
type Series<'a> = Vec<Vec<&'a [f64]>>;

/// One row for each measure and point that has values, sorted by measure, name, provider and position; nothing without points.
///
/// `by` is the label that tells the points apart, if any: runs that differ in another label of their configuration have
/// rows of their own. Changes are found on the medians of the single runs, in the order of the points (E-divisive,
/// p at most 0.01, four runs at least on either side).
pub fn trend(points: &[Point<'_>], by: Option<&str>) -> Vec<Trend> {
    let runs: Vec<Measured> = points.iter().flat_map(|point| &point.runs).map(|run| labels_of(run)).collect();
    let differs = |label: &&str| Some(*label) != by && values_of(&runs, label).len() > 1;
    let strata: Vec<&str> = CONFIGURATION.into_iter().filter(differs).collect();
    let mut series: BTreeMap<Key, (Series<'_>, bool)> = BTreeMap::new();
    for (position, point) in points.iter().enumerate() {
        for run in &point.runs {
            for (key, values) in &run.series {
                let key = Key { name: in_stratum(&key.name, run, &strata), ..key.clone() };
                let (series, complete) =
                    series.entry(key.clone()).or_insert_with(|| (vec![Vec::new(); points.len()], true));
                series[position].push(values);
                *complete &= run.complete(&key);
            }
        }
    }
    series.par_iter().flat_map_iter(|(key, (series, complete))| rows(key, series, *complete, points)).collect()
}

/// A run without its values.
fn labels_of(run: &Measured) -> Measured {
    Measured { labels: run.labels.clone(), ..Measured::default() }
}

fn rows(key: &Key, series: &Series<'_>, complete: bool, points: &[Point<'_>]) -> Vec<Trend> {
    let changes = changes(series);
    let row = |(position, runs): (usize, &Vec<&[f64]>)| {
        let found = level(runs)?;
        let interval = found.interval;
        let change_p = changes.get(&position).copied();
        Some(Trend {
            measure: key.measure.as_str().into(),
            name: key.name.as_str().into(),
            provider: key.provider.as_deref().map(Into::into),
            position: i64::try_from(position + 1).unwrap_or(i64::MAX),
            point: points[position].name.as_str().into(),
            at: points[position].at,
            runs: i64::try_from(found.runs).unwrap_or(i64::MAX),
            n: i64::try_from(found.n).unwrap_or(i64::MAX),
            median_ms: Some(found.value),
            low_ms: interval.map(|interval| interval.low),
            high_ms: interval.map(|interval| interval.high),
            interval: interval.map(|interval| interval.basis.as_str().into()),
            change: change_p.is_some(),
            change_p,
            complete,
        })
    };
    series.iter().enumerate().filter_map(row).collect()
}

/// The median of all values with its interval; of whole milliseconds the interval is that of values within them.
fn level(runs: &[&[f64]]) -> Option<Estimate> {
    let found = median(runs, LEVEL)?;
    let spread = timed(runs);
    let slices: Vec<&[f64]> = spread.iter().map(Vec::as_slice).collect();
    let interval = median(&slices, LEVEL)?.interval.map(|interval| Interval {
        low: interval.low.min(found.value),
        high: interval.high.max(found.value),
        ..interval
    });
    Some(Estimate { interval, ..found })
}

/// Positions of the points where a new level begins, with the p-value.
fn changes(series: &Series<'_>) -> BTreeMap<usize, f64> {
    let (positions, medians): (Vec<usize>, Vec<f64>) = series
        .iter()
        .enumerate()
        .flat_map(|(position, runs)| runs.iter().map(move |run| (position, *run)))
        .filter_map(|(position, run)| Some((position, median(&[run], LEVEL)?.value)))
        .unzip();
    let search = ChangeSearch {
        least_segment: LEAST_SEGMENT,
        significance: SIGNIFICANCE,
        permutations: if medians.len() > LONG { 199 } else { 999 },
        seed: SEED,
    };
    change_points(&medians, &search).into_iter().map(|change| (positions[change.index], change.p_value)).collect()
}
