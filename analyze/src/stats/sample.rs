//! A sample and its order statistics.

/// Why values are no [`Sample`].
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Refused {
    /// There is nothing to describe: an estimate would be made up.
    #[error("no values: expected at least one")]
    Empty,
    /// Infinite or not a number, at this index of the values given.
    #[error("value {index} is {value}: expected a finite number")]
    NotFinite {
        /// Index in the values given.
        index: usize,
        /// What stood there.
        value: f64,
    },
}

/// Values sorted in ascending order: at least one, every one finite.
///
/// ```
/// use faaslens_analyze::stats::Sample;
/// let sample = Sample::new(vec![4.0, 1.0, 2.0, 3.0])?;
/// assert_eq!(sample.median(), 2.5);
/// # Ok::<(), faaslens_analyze::stats::Refused>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    sorted: Vec<f64>,
}

impl Sample {
    /// A sample of `values`, in any order.
    ///
    /// # Errors
    /// [`Refused::Empty`] without values, [`Refused::NotFinite`] at the first value that is infinite or not a number.
    pub fn new(mut values: Vec<f64>) -> Result<Self, Refused> {
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(Refused::NotFinite { index, value });
        }
        if values.is_empty() {
            return Err(Refused::Empty);
        }
        values.sort_unstable_by(f64::total_cmp);
        Ok(Self { sorted: values })
    }

    /// A sample of those `values` that are finite; `None` if there are none.
    ///
    /// For measures whose unknown values are `NaN`; the caller counts what is unknown.
    pub fn of_known(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        Self::new(values.into_iter().filter(|value| value.is_finite()).collect()).ok()
    }

    /// The values in ascending order.
    pub fn values(&self) -> &[f64] {
        &self.sorted
    }

    /// Number of values, at least 1.
    pub fn n(&self) -> usize {
        self.sorted.len()
    }

    /// [`n`](Self::n) as the tables hold counts.
    #[expect(clippy::cast_possible_wrap, reason = "no allocation holds 2^63 values")]
    pub fn count(&self) -> i64 {
        self.sorted.len() as i64
    }

    /// Number of values that are `bound` or more.
    #[expect(clippy::cast_possible_wrap, reason = "no allocation holds 2^63 values")]
    pub fn count_from(&self, bound: f64) -> i64 {
        (self.sorted.len() - self.sorted.partition_point(|&value| value < bound)) as i64
    }

    /// Least value.
    pub fn min(&self) -> f64 {
        self.at(0)
    }

    /// Greatest value.
    pub fn max(&self) -> f64 {
        self.at(self.sorted.len() - 1)
    }

    /// Sum, compensated: within a few units in the last place of the exact one (Neumaier 1974), the same for any order of the input.
    pub fn sum(&self) -> f64 {
        let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
        for &value in &self.sorted {
            let next = sum + value;
            lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
            sum = next;
        }
        if sum.is_finite() { sum + lost } else { sum }
    }

    /// Arithmetic mean: [`sum`](Self::sum) over [`n`](Self::n).
    pub fn mean(&self) -> f64 {
        self.sum() / self.n() as f64
    }

    /// Quantile `p`, linear interpolation between order statistics: type 7 of Hyndman & Fan, "Sample Quantiles in
    /// Statistical Packages" (1996), the default of R, numpy and pandas. `p` is clamped to 0..=1; `NaN` counts as 0.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the position is within 0..=n-1 by the clamp"
    )]
    pub fn quantile(&self, p: f64) -> f64 {
        let position = (self.sorted.len() - 1) as f64 * if p.is_nan() { 0.0 } else { p.clamp(0.0, 1.0) };
        let (below, fraction) = (position.floor(), position.fract());
        let low = self.at(below as usize);
        if fraction == 0.0 {
            return low;
        }
        let high = self.at(below as usize + 1);
        (low + fraction * (high - low)).clamp(low, high)
    }

    /// Quantile 0.5.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// First quartile.
    pub fn q1(&self) -> f64 {
        self.quantile(0.25)
    }

    /// Third quartile.
    pub fn q3(&self) -> f64 {
        self.quantile(0.75)
    }

    /// Interquartile range, `q3 - q1`.
    pub fn iqr(&self) -> f64 {
        self.q3() - self.q1()
    }

    /// Value `index`, the greatest beyond the end: a sample is never empty.
    fn at(&self, index: usize) -> f64 {
        self.sorted[index.min(self.sorted.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(values: &[f64]) -> Sample {
        Sample::new(values.to_vec()).expect("finite values")
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() <= 1e-12 * right.abs().max(1.0)
    }

    #[test]
    fn quantiles_equal_those_of_numpy() {
        // numpy 2: [float(numpy.quantile(x, p)) for p in (0, .05, .25, .5, .75, .95, .99, 1)]
        let x = sample(&[12.5, 3.0, 7.25, 100.0, 8.0, 9.5, 3.0, 55.0, 10.0, 11.0, -40.0]);
        let expected = [
            (0.0, -40.0),
            (0.05, -18.5),
            (0.25, 5.125),
            (0.5, 9.5),
            (0.75, 11.75),
            (0.95, 77.5),
            (0.99, 95.5),
            (1.0, 100.0),
        ];
        for (p, value) in expected {
            assert!(close(x.quantile(p), value), "quantile {p}: {} is not {value}", x.quantile(p));
        }
        // scipy.stats.iqr(x), numpy.mean(x)
        assert!(close(x.iqr(), 6.625));
        assert!(close(x.mean(), 16.295_454_545_454_547));
    }

    #[test]
    fn sums_equal_the_exact_ones_of_fsum() {
        // math.fsum([1e16, 1.0, -1e16, 0.1, 0.2, 0.3]), math.fsum([0.1] * 10)
        assert!(close(sample(&[1e16, 1.0, -1e16, 0.1, 0.2, 0.3]).sum(), 1.6));
        assert!(close(sample(&[0.1; 10]).sum(), 1.0));
    }

    #[test]
    fn a_sample_of_one_is_all_of_its_quantiles() {
        let one = sample(&[7.5]);
        assert!([0.0, 0.3, 0.5, 1.0].into_iter().all(|p| close(one.quantile(p), 7.5)));
        assert!(close(one.iqr(), 0.0));
    }

    #[test]
    fn no_values_and_infinite_values_are_refused_by_name() {
        assert_eq!(Sample::new(Vec::new()), Err(Refused::Empty));
        let refused = Sample::new(vec![1.0, f64::NEG_INFINITY]).expect_err("an infinite value");
        assert_eq!(refused.to_string(), "value 1 is -inf: expected a finite number");
        assert!(matches!(Sample::new(vec![f64::NAN]), Err(Refused::NotFinite { index: 0, .. })));
    }

    #[test]
    fn unknown_values_are_left_out_and_only_unknown_ones_give_nothing() {
        assert_eq!(Sample::of_known([f64::NAN, 2.0, 1.0]).expect("two known").values(), [1.0, 2.0]);
        assert_eq!(Sample::of_known([f64::NAN]), None);
    }

    #[test]
    fn a_probability_out_of_range_is_clamped() {
        let x = sample(&[1.0, 2.0, 3.0]);
        assert!(close(x.quantile(-1.0), 1.0) && close(x.quantile(2.0), 3.0) && close(x.quantile(f64::NAN), 1.0));
    }

    proptest! {
        #[test]
        fn quantiles_rise_with_p_and_stay_between_least_and_greatest(
            values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 1..60),
            p in 0.0_f64..=1.0,
            q in 0.0_f64..=1.0,
        ) {
            let x = sample(&values);
            let (low, high) = (x.quantile(p.min(q)), x.quantile(p.max(q)));
            prop_assert!(x.min() <= low && low <= high && high <= x.max());
        }

        #[test]
        fn order_of_the_values_changes_nothing(values in prop::collection::vec(-1e9_f64..1e9, 1..60)) {
            let mut reversed = values.clone();
            reversed.reverse();
            let (x, y) = (sample(&values), sample(&reversed));
            prop_assert_eq!(x.sum().to_bits(), y.sum().to_bits());
            prop_assert_eq!(x, y);
        }
    }
}
