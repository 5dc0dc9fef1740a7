//! Half-open windows of time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use faaslens_schemas::time::Timestamp;

use crate::formats::stamp;
use crate::{Error, Result};

/// Slices of a window when nothing is said.
const SLICES: i64 = 24;
/// Shortest and longest slice when nothing is said, in microseconds.
const SLICE_MIN_US: i64 = 10 * 60 * 1_000_000;
const SLICE_MAX_US: i64 = 6 * 3600 * 1_000_000;

/// A window `[from, until)`, in microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant in it.
    pub from_us: i64,
    /// First instant after it.
    pub until_us: i64,
}

impl Window {
    /// A window from what a user wrote: RFC 3339 stamps (without an offset in UTC) or durations before `now_us`.
    ///
    /// # Errors
    /// [`Error::Usage`] when a text is neither, or the window is empty. An end after `now_us` is `now_us`.
    pub fn parse(since: &str, until: Option<&str>, now_us: i64) -> Result<Self> {
        let from_us = instant("--since", since, now_us)?;
        let until_us = until.map_or(Ok(now_us), |until| instant("--until", until, now_us))?.min(now_us);
        if from_us >= until_us {
            let (from, until) = (Timestamp::from_micros(from_us), Timestamp::from_micros(until_us));
            return Err(Error::Usage(format!("--since {from} is not before --until {until}: the window is empty")));
        }
        Ok(Self { from_us, until_us })
    }

    /// Whether an instant lies in it.
    pub fn holds(&self, at_us: i64) -> bool {
        (self.from_us..self.until_us).contains(&at_us)
    }

    /// The length of its slices: what is `given`, or a 24th of it between ten minutes and six hours. In microseconds, at
    /// least one second.
    pub fn slice_us(&self, given: Option<Duration>) -> i64 {
        let length = self.until_us - self.from_us;
        let given = given.and_then(|given| i64::try_from(given.as_micros()).ok());
        given.unwrap_or_else(|| (length / SLICES).clamp(SLICE_MIN_US, SLICE_MAX_US)).max(1_000_000)
    }

    /// Its slices, in order: half-open, of `slice_us` each but for the last, together the window.
    pub fn slices(&self, slice_us: i64) -> Vec<Self> {
        let mut slices = Vec::new();
        let mut from_us = self.from_us;
        while from_us < self.until_us {
            let until_us = from_us.saturating_add(slice_us.max(1)).min(self.until_us);
            slices.push(Self { from_us, until_us });
            from_us = until_us;
        }
        slices
    }

    /// Both halves; `None` when it is too short to be cut.
    pub fn halves(&self) -> Option<(Self, Self)> {
        let middle = self.from_us + (self.until_us - self.from_us) / 2;
        (middle > self.from_us).then_some((
            Self { from_us: self.from_us, until_us: middle },
            Self { from_us: middle, until_us: self.until_us },
        ))
    }

    /// Its first instant.
    pub fn from(&self) -> Timestamp {
        Timestamp::from_micros(self.from_us)
    }

    /// The first instant after it.
    pub fn until(&self) -> Timestamp {
        Timestamp::from_micros(self.until_us)
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {})", self.from(), self.until())
    }
}

/// A second before the whole second of an instant, RFC 3339: for APIs that round their begin.
pub fn whole_second_before(at_us: i64) -> String {
    let second = Timestamp::from_micros((at_us.div_euclid(1_000_000) - 1) * 1_000_000).to_string();
    format!("{}Z", &second[..second.len() - ".000000Z".len()])
}

/// The wall clock, in microseconds since the Unix epoch.
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn instant(option: &str, text: &str, now_us: i64) -> Result<i64> {
    if let Some((at, length)) = stamp::read(text.as_bytes())
        && length == text.len()
    {
        return Ok(at.micros());
    }
    let before = duration(text).and_then(|before| i64::try_from(before.as_micros()).ok());
    before.map(|before| now_us.saturating_sub(before)).ok_or_else(|| {
        Error::Usage(format!(
            "{option}: expected a time like 2026-11-22T07:00:00Z or a duration like 90s, 30m, 2h, 1d, found {text:?}"
        ))
    })
}

/// Reads `90s`, `30m`, `2h`, `1d`, `500ms` or several of them in a row (`1h30m`).
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let ms = match &rest[digits..unit_end] {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(ms)?))?;
        rest = &rest[unit_end..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_330_914_438_000;

    #[test]
    fn a_window_is_written_as_stamps_or_as_durations_before_now() {
        let window = Window::parse("2026-11-22T06:00:00Z", Some("2026-11-22T07:00:00+00:00"), NOW).expect("a window");
        assert_eq!(window.to_string(), "[2026-11-22T06:00:00.000000Z, 2026-11-22T07:00:00.000000Z)");
        let window = Window::parse("1h30m", Some("500ms"), NOW).expect("a window");
        assert_eq!((window.from_us, window.until_us), (NOW - 5_400_000_000, NOW - 500_000));
    }

    #[test]
    fn what_is_no_window_is_refused_by_name() {
        for (since, until) in [("soon", None), ("2h", Some("3h")), ("2h", Some("2026-11-22")), ("5", None), ("", None)]
        {
            assert!(matches!(Window::parse(since, until, NOW), Err(Error::Usage(_))), "{since} {until:?}");
        }
    }

    #[test]
    fn an_end_in_the_future_is_now() {
        let window = Window::parse("1h", Some("2030-01-01T00:00:00Z"), NOW).expect("a window");
        assert_eq!(window.until_us, NOW);
    }

    proptest! {
        #[test]
        fn slices_are_the_window_and_do_not_overlap(from in -1_000_000_i64..1_000_000, length in 1_i64..1_000_000, slice in 1_i64..2_000_000) {
            let window = Window { from_us: from, until_us: from + length };
            let slices = window.slices(slice.max(length / 1000));
            prop_assert_eq!(slices.first().map(|s| s.from_us), Some(window.from_us));
            prop_assert_eq!(slices.last().map(|s| s.until_us), Some(window.until_us));
            prop_assert!(slices.windows(2).all(|pair| pair[0].until_us == pair[1].from_us));
            prop_assert!(slices.iter().all(|s| s.from_us < s.until_us));
        }
    }
}
