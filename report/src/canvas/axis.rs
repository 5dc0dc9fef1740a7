//! Axes: range, ticks and their labels.

use crate::number;
use crate::options::Scale;

/// One mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    /// `None` for a small tick without a label.
    pub(crate) label: Option<String>,
}

/// A range of values and its ticks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    scale: Scale,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// In order of value.
    pub(crate) ticks: Vec<Tick>,
}

/// Whether a value can be drawn at all: finite, and of a magnitude that axes are made for.
pub(crate) fn drawable(value: f64) -> bool {
    value.is_finite() && value.abs() < 1e15
}

/// Steps of a decade that log axes label.
const STEPS: [(f64, u8); 3] = [(1.0, b'1'), (2.0, b'2'), (5.0, b'5')];

impl Axis {
    /// An axis `length` points long that holds every value, with labels at least `spacing` points apart.
    ///
    /// A linear axis contains 0. A log axis leaves values of 0 or less out of its range and is at least one
    /// 1-2-5 step long. Without values the range is 0 to 1, or 1 to 10.
    pub(crate) fn fit(values: impl Iterator<Item = f64>, scale: Scale, length: f64, spacing: f64) -> Self {
        let usable = values.filter(|&v| drawable(v) && (scale == Scale::Linear || v > 1e-9));
        let (low, high) = usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        match scale {
            Scale::Linear if low > high => Self::linear(0.0, 1.0, length, spacing),
            Scale::Linear => Self::linear(low.min(0.0), high.max(0.0), length, spacing),
            Scale::Log if low > high => Self::log(1.0, 10.0, length, spacing),
            Scale::Log => Self::log(low, high, length, spacing),
        }
    }

    fn linear(low: f64, high: f64, length: f64, spacing: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = nice_step((high - low) / (length / spacing).clamp(1.0, 10.0));
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let decimals = decimals_of(step);
        let mut ticks = Vec::new();
        let mut i = first;
        while i <= last {
            ticks.push(Tick { value: i * step, label: Some(tick_label(i * step, decimals)) });
            i += 1.0;
        }
        Self { scale: Scale::Linear, low: first * step, high: last * step, ticks }
    }

    fn log(low: f64, high: f64, length: f64, spacing: f64) -> Self {
        let all = steps_between(low, high);
        let (low, high) = (all.first().map_or(1.0, |s| s.value), all.last().map_or(10.0, |s| s.value));
        let per_decade = length / (high / low).log10();
        // The closest labels of a 1-2-5 axis are log10(2) of a decade apart.
        let dense = per_decade * 2f64.log10() >= spacing || high / low < 100.0;
        #[expect(clippy::cast_possible_truncation, reason = "a few decades")]
        let every = (spacing / per_decade).ceil().max(1.0) as i32;
        let labelled = |step: &Step| if dense { true } else { step.first && step.exponent % every == 0 };
        let mut ticks: Vec<Tick> =
            all.iter().map(|s| Tick { value: s.value, label: labelled(s).then(|| s.label()) }).collect();
        if per_decade * (10f64 / 9.0).log10() >= 1.2 {
            let between =
                all.iter().filter(|s| s.first).flat_map(|s| [3.0, 4.0, 6.0, 7.0, 8.0, 9.0].map(|m| m * s.decade()));
            let below = low_decade(low).into_iter();
            let small = between.chain(below).filter(|&v| v > low && v < high).map(|value| Tick { value, label: None });
            ticks.extend(small.collect::<Vec<_>>());
            ticks.sort_by(|a, b| a.value.total_cmp(&b.value));
        }
        Self { scale: Scale::Log, low, high, ticks }
    }

    /// Where a value lies between two ends in points; values outside the range lie at the nearer end.
    pub(crate) fn place(&self, value: f64, start: f64, end: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        start + share * (end - start)
    }

    /// Whether a value cannot be shown at its place.
    pub(crate) fn hides(&self, value: f64) -> bool {
        !drawable(value) || value < self.low * (1.0 - 1e-9) || value > self.high * (1.0 + 1e-9)
    }
}

/// Small ticks of the decade that the axis begins in, when its 1 lies below the axis.
fn low_decade(low: f64) -> Vec<f64> {
    let decade = 10f64.powf(low.log10().floor());
    if decade < low * (1.0 - 1e-9) { [3.0, 4.0, 6.0, 7.0, 8.0, 9.0].map(|m| m * decade).to_vec() } else { Vec::new() }
}

/// One of 1, 2, 5 times a power of ten.
struct Step {
    value: f64,
    digit: u8,
    exponent: i32,
    first: bool,
}

impl Step {
    fn decade(&self) -> f64 {
        10f64.powi(self.exponent)
    }

    fn label(&self) -> String {
        let digit = char::from(self.digit);
        match self.exponent {
            0..=6 => group(&format!("{digit}{}", "0".repeat(self.exponent.unsigned_abs() as usize))),
            -4..=-1 => format!("0.{}{digit}", "0".repeat(self.exponent.unsigned_abs() as usize - 1)),
            exponent => format!("{digit}e{exponent}"),
        }
    }
}

/// The 1-2-5 steps from the one at or below `low` to the one at or above `high`; at least two.
#[expect(clippy::cast_possible_truncation, reason = "the exponent of a drawable value is small")]
fn steps_between(low: f64, high: f64) -> Vec<Step> {
    let first = low.log10().floor() as i32 - 1;
    let last = high.log10().ceil() as i32 + 1;
    let all: Vec<Step> = (first..=last)
        .flat_map(|exponent| {
            STEPS.map(|(factor, digit)| Step {
                value: factor * 10f64.powi(exponent),
                digit,
                exponent,
                first: digit == b'1',
            })
        })
        .collect();
    let from = all.iter().rposition(|step| step.value <= low * (1.0 + 1e-9)).unwrap_or(0);
    let to = all.iter().position(|step| step.value >= high * (1.0 - 1e-9)).unwrap_or(all.len() - 1);
    let to = to.max(from + 1);
    all.into_iter().skip(from).take(to - from + 1).collect()
}

/// The least of 1, 2, 5 times a power of ten that is not below `raw`.
fn nice_step(raw: f64) -> f64 {
    let decade = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|step| *step >= raw * (1.0 - 1e-9)).unwrap_or(raw)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a few digits")]
fn decimals_of(step: f64) -> usize {
    (-(step * 1.000_001).log10().floor()).clamp(0.0, 9.0) as usize
}

fn tick_label(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e7 {
        return format!("{value:e}");
    }
    let text = number::fixed(value, decimals);
    if decimals == 0 { group(&text) } else { text }.replace('-', "−")
}

/// Groups of three digits from five digits on.
fn group(digits: &str) -> String {
    match digits.parse::<i64>() {
        Ok(value) if value.abs() >= 10_000 => number::count(value),
        _ => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().filter_map(|tick| tick.label.as_deref()).collect()
    }

    #[test]
    fn a_log_axis_ends_on_steps_of_1_2_5() {
        let axis = Axis::fit([7.0, 1800.0].into_iter(), Scale::Log, 200.0, 12.0);
        assert_eq!(labels(&axis), ["5", "10", "20", "50", "100", "200", "500", "1000", "2000"]);
        assert!((axis.low - 5.0).abs() < 1e-12 && (axis.high - 2000.0).abs() < 1e-9);
    }

    #[test]
    fn a_crowded_log_axis_labels_powers_of_ten_alone() {
        let axis = Axis::fit([0.01, 20_000.0].into_iter(), Scale::Log, 100.0, 12.0);
        assert_eq!(labels(&axis), ["0.01", "0.1", "1", "10", "100", "1000", "10\u{a0}000"]);
    }

    #[test]
    fn a_linear_axis_holds_zero_and_steps_nicely() {
        let axis = Axis::fit([3.0, 146.2].into_iter(), Scale::Linear, 100.0, 20.0);
        assert_eq!(labels(&axis), ["0", "50", "100", "150"]);
        let small = Axis::fit([0.13].into_iter(), Scale::Linear, 100.0, 20.0);
        assert_eq!(labels(&small), ["0.00", "0.05", "0.10", "0.15"]);
    }

    #[test]
    fn one_value_and_no_value_still_make_an_axis() {
        let one = Axis::fit(std::iter::once(50.0), Scale::Log, 100.0, 12.0);
        assert_eq!(labels(&one), ["50", "100"]);
        let none = Axis::fit(std::iter::empty(), Scale::Log, 100.0, 12.0);
        assert_eq!(labels(&none), ["1", "2", "5", "10"]);
        let bad = Axis::fit([f64::NAN, f64::INFINITY, -3.0, 0.0].into_iter(), Scale::Log, 100.0, 12.0);
        assert_eq!(bad, none);
    }

    #[test]
    fn values_lie_where_arithmetic_puts_them() {
        let axis = Axis::fit([1.0, 100.0].into_iter(), Scale::Log, 100.0, 12.0);
        // One decade of two, upwards from y = 150 to y = 50.
        assert!((axis.place(10.0, 150.0, 50.0) - 100.0).abs() < 1e-9);
        assert!((axis.place(1e9, 150.0, 50.0) - 50.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn labels_never_stand_closer_than_asked(low in 1e-6f64..1e6, ratio in 100f64..1e8, length in 60f64..400.0) {
            let axis = Axis::fit([low, low * ratio].into_iter(), Scale::Log, length, 10.0);
            let places: Vec<f64> = axis
                .ticks
                .iter()
                .filter(|tick| tick.label.is_some())
                .map(|tick| axis.place(tick.value, 0.0, length))
                .collect();
            prop_assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 9.99), "{places:?}");
            prop_assert!(axis.ticks.len() < 200);
        }

        #[test]
        fn every_value_lies_within_its_axis(values in prop::collection::vec(1e-3f64..1e9, 1..20), log: bool) {
            let scale = if log { Scale::Log } else { Scale::Linear };
            let axis = Axis::fit(values.iter().copied(), scale, 150.0, 12.0);
            prop_assert!(values.iter().all(|&value| !axis.hides(value)));
        }
    }
}
