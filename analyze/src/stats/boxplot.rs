//! Tukey's box plot.

use super::Sample;

/// Tukey's box of a sample: box from first to third quartile, whiskers to the outermost values within 1.5 IQR of it.
///
/// Source: J. W. Tukey, "Exploratory Data Analysis" (1977), with the quartiles of [`Sample::quantile`]. The whiskers end at
/// values of the sample. In a handful of values an end can lie inside the box (0, 100, 100, 100: box 75 to 100, lower
/// whisker 100): draw it at the box's edge then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxPlot<'a> {
    /// Least value within 1.5 IQR of the box.
    pub whisker_low: f64,
    /// First quartile.
    pub q1: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub q3: f64,
    /// Greatest value within 1.5 IQR of the box.
    pub whisker_high: f64,
    /// Values below the lower whisker, ascending.
    pub low_outliers: &'a [f64],
    /// Values above the upper whisker, ascending.
    pub high_outliers: &'a [f64],
}

impl<'a> BoxPlot<'a> {
    /// The box of `sample`.
    pub fn of(sample: &'a Sample) -> Self {
        let (q1, q3, values) = (sample.q1(), sample.q3(), sample.values());
        let reach = 1.5 * (q3 - q1);
        let first = values.partition_point(|&value| value < q1 - reach);
        let end = values.partition_point(|&value| value <= q3 + reach);
        Self {
            whisker_low: values[first],
            q1,
            median: sample.median(),
            q3,
            whisker_high: values[end - 1],
            low_outliers: &values[..first],
            high_outliers: &values[end..],
        }
    }

    /// Every value beyond the whiskers, ascending.
    pub fn outliers(&self) -> impl Iterator<Item = f64> + use<'a> {
        self.low_outliers.iter().chain(self.high_outliers).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whiskers_end_at_the_outermost_values_within_one_and_a_half_iqr() {
        // numpy: q1 = 5.125, q3 = 11.75, so the reach is 9.9375 and the fences are -4.8125 and 21.6875
        let values = vec![12.5, 3.0, 7.25, 100.0, 8.0, 9.5, 3.0, 55.0, 10.0, 11.0, -40.0];
        let sample = Sample::new(values).expect("finite values");
        let plot = BoxPlot::of(&sample);
        let drawn = vec![plot.whisker_low, plot.q1, plot.median, plot.q3, plot.whisker_high];
        assert_eq!(drawn, vec![3.0, 5.125, 9.5, 11.75, 12.5]);
        assert_eq!(plot.outliers().collect::<Vec<_>>(), [-40.0, 55.0, 100.0]);
    }

    #[test]
    fn equal_values_are_a_flat_box_without_outliers() {
        let sample = Sample::new(vec![4.0; 5]).expect("finite values");
        let plot = BoxPlot::of(&sample);
        assert_eq!(vec![plot.whisker_low, plot.q1, plot.median, plot.q3, plot.whisker_high], vec![4.0; 5]);
        assert_eq!(plot.outliers().count(), 0);
    }

    proptest! {
        #[test]
        fn whiskers_and_outliers_account_for_every_value(
            values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 1..60),
        ) {
            let sample = Sample::new(values).expect("finite values");
            let plot = BoxPlot::of(&sample);
            let inside = sample.values().iter().filter(|v| (plot.whisker_low..=plot.whisker_high).contains(v)).count();
            prop_assert_eq!(inside + plot.outliers().count(), sample.n());
            prop_assert!(plot.whisker_low <= plot.median && plot.median <= plot.whisker_high);
        }
    }
}
