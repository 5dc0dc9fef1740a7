//! Time stamps of logs.

use faaslens_schemas::time::{Timestamp, days_from_civil};

/// Reads `YYYY-MM-DDTHH:MM:SS[.fraction][Z|±HH:MM]` or the same with `/` and a blank, at the start of `text`; without
/// an offset it is UTC. Returns the instant (cut to microseconds) and the length read.
///
/// A leap second (`:60`) counts as the first of the next minute.
pub fn read(text: &[u8]) -> Option<(Timestamp, usize)> {
    let number = |from: usize, to: usize| -> Option<i64> {
        text.get(from..to)?.iter().try_fold(0_i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    };
    let between = |at: usize, allowed: &[u8]| text.get(at).is_some_and(|b| allowed.contains(b));
    if !(between(4, b"-/") && between(7, b"-/") && between(10, b"T ") && between(13, b":") && between(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_from_civil(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
    let mut at = 19;
    let mut micros = 0;
    if between(at, b".,") {
        at += 1;
        let mut scale = 100_000;
        while let Some(digit) = text.get(at).filter(|b| b.is_ascii_digit()) {
            micros += i64::from(digit - b'0') * scale;
            scale /= 10;
            at += 1;
        }
    }
    let mut offset_minutes = 0;
    match text.get(at) {
        Some(b'Z') => at += 1,
        Some(sign @ (b'+' | b'-')) => {
            let colon = usize::from(between(at + 3, b":"));
            let minutes = number(at + 1, at + 3)? * 60 + number(at + 3 + colon, at + 5 + colon)?;
            offset_minutes = if *sign == b'-' { -minutes } else { minutes };
            at += 5 + colon;
        }
        _ => {}
    }
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset_minutes * 60;
    Some((Timestamp::from_micros(seconds * 1_000_000 + micros), at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<(String, usize)> {
        read(text.as_bytes()).map(|(at, length)| (at.to_string(), length))
    }

    #[test]
    fn the_stamps_of_all_providers_are_read() {
        for (text, expected, length) in [
            ("2026-11-22T07:03:09.789760113Z x", "2026-11-22T07:03:09.789760Z", 30),
            ("2026-11-22T07:01:55.904 [Information]", "2026-11-22T07:01:55.904000Z", 23),
            ("2026/11/22 07:01:55 POST /", "2026-11-22T07:01:55.000000Z", 19),
            ("2026-11-22T09:01:55+02:00", "2026-11-22T07:01:55.000000Z", 25),
            ("2026-11-22T05:01:55,5-0200", "2026-11-22T07:01:55.500000Z", 26),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z", 20),
        ] {
            assert_eq!(shown(text), Some((expected.to_owned(), length)), "{text}");
        }
    }

    #[test]
    fn what_is_no_stamp_is_refused() {
        for text in [
            "",
            "2026-11-22",
            "2026-13-22T07:01:55",
            "2026-02-30T07:01:55",
            "2026-11-22T24:01:55",
            "x026-11-22T07:01:55",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
