//! The median without sorting, for medians of one sample changed in many ways.

/// Median (type 7, as [`Sample::median`](super::Sample::median)) by selection (Hoare, "Algorithm 65: Find", 1961) in linear
/// time; the values are left in another order. `None` without values. `NaN` is greater than every number.
pub fn median_by_selection(values: &mut [f64]) -> Option<f64> {
    let middle = values.len().checked_sub(1)? / 2;
    let even = values.len().is_multiple_of(2);
    let (_, &mut low, above) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !even {
        return Some(low);
    }
    let high = above.iter().copied().min_by(f64::total_cmp)?;
    Some((low + 0.5 * (high - low)).clamp(low, high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Sample;
    use super::*;

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(median_by_selection(&mut []), None);
    }

    proptest! {
        #[test]
        fn selection_and_sorting_give_the_same_median(values in prop::collection::vec(-1e12_f64..1e12, 1..200)) {
            let sorted = Sample::new(values.clone()).expect("finite values").median();
            let mut values = values;
            prop_assert_eq!(median_by_selection(&mut values), Some(sorted));
        }
    }
}
