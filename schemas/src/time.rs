//! Wall-clock instants.

use std::fmt;

/// A wall-clock instant: whole microseconds since the Unix epoch, UTC.
///
/// Monotonic readings (`now_ms`, `start_ms`) are plain `f64` milliseconds since an executor's time origin and
/// never of this type; `origin + reading` is made by [`Timestamp::plus_ms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From whole microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole milliseconds since the Unix epoch; saturates outside the range of `i64` microseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// From fractional milliseconds since the Unix epoch, rounded to the nearest microsecond.
    #[expect(clippy::cast_possible_truncation, reason = "saturating float-to-int cast is what is wanted")]
    pub fn from_millis_f64(millis: f64) -> Self {
        Self((millis * 1000.0).round() as i64)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// This instant moved by `ms` milliseconds, rounded to the nearest microsecond.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "saturating float-to-int cast is what is wanted")]
    pub fn plus_ms(self, ms: f64) -> Self {
        Self(self.0.saturating_add((ms * 1000.0).round() as i64))
    }

    /// `self - earlier` in milliseconds.
    pub fn ms_since(self, earlier: Self) -> f64 {
        self.0.wrapping_sub(earlier.0) as f64 / 1000.0
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with microseconds, UTC: `2026-11-22T07:01:54.438000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, micros) = (self.0.div_euclid(86_400_000_000), self.0.rem_euclid(86_400_000_000));
        let (year, month, day) = civil_from_days(days);
        let seconds = micros / 1_000_000;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            micros % 1_000_000
        )
    }
}

/// Days since the Unix epoch of a date of the proleptic Gregorian calendar; `None` if there is no such date.
///
/// Source: the era decomposition of H. Hinnant, "chrono-compatible low-level date algorithms" (2013).
pub fn days_from_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    const LENGTH: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = *LENGTH.get(usize::try_from(month).ok()?.checked_sub(1)?)? + u32::from(leap && month == 2);
    if day == 0 || day > length {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Year, month and day of a number of days since the Unix epoch; the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_instant_prints_as_rfc_3339() {
        // date -u -d @1795330914.438 gives 2026-11-22T07:01:54
        assert_eq!(Timestamp::from_millis(1_795_330_914_438).to_string(), "2026-11-22T07:01:54.438000Z");
        assert_eq!(Timestamp::from_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn civil_days_round_trip_and_refuse_impossible_dates() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil_from_days(days);
            let back = days_from_civil(year, u32::try_from(month).expect("month"), u32::try_from(day).expect("day"));
            assert_eq!(back, Some(days));
        }
        assert_eq!(days_from_civil(2024, 2, 29), Some(19_782));
        assert_eq!(days_from_civil(2026, 2, 29), None);
        assert_eq!(days_from_civil(2026, 13, 1), None);
        assert_eq!(days_from_civil(2026, 0, 1), None);
    }

    #[test]
    fn milliseconds_round_to_the_nearest_microsecond() {
        let origin = Timestamp::from_millis_f64(1_000.000_4);
        assert_eq!(origin.micros(), 1_000_000);
        assert_eq!(origin.plus_ms(0.000_6).micros(), 1_000_001);
        assert!((origin.plus_ms(2.5).ms_since(origin) - 2.5).abs() < 1e-12);
    }
}
