//! Decimal numbers, exactly.

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Reads a JSON number at the start of `bytes`: its value and length; `None` where there is none.
///
/// Exact: up to 2^53 by one division of two exact doubles (W. D. Clinger, "How to read floating point numbers
/// accurately", 1990), anything else by the standard library.
pub(super) fn read(bytes: &[u8]) -> Option<(f64, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let whole_start = at;
    let mut mantissa: u64 = 0;
    let mut digits = 0;
    (mantissa, at) = read_digits(bytes, at, mantissa);
    digits += at - whole_start;
    if at == whole_start || (bytes[whole_start] == b'0' && at > whole_start + 1) {
        return None;
    }
    let mut decimals = 0_usize;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        let fraction_start = at;
        (mantissa, at) = read_digits(bytes, at, mantissa);
        decimals = at - fraction_start;
        digits += decimals;
        if decimals == 0 {
            return None;
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        return with_exponent(bytes, at);
    }
    if digits <= 19 && mantissa < (1 << 53) && decimals < EXACT_POWERS.len() {
        let value = mantissa as f64 / EXACT_POWERS[decimals];
        return Some((if negative { -value } else { value }, at));
    }
    by_library(&bytes[..at])
}

/// Appends the digits from `at` on to a number (modulo 2^64); returns it and where they end.
///
/// Takes up to eight at a time, in a word (after D. Lemire, "Number parsing at a gigabyte per second", 2021).
#[inline]
fn read_digits(bytes: &[u8], mut at: usize, mut number: u64) -> (u64, usize) {
    const POWERS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let digits = u64::from_le_bytes(*chunk) ^ 0x3030_3030_3030_3030;
        // High bit of each byte above nine; right up to the first of them.
        let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
        let count = others.trailing_zeros() as usize / 8;
        if count == 0 {
            return (number, at);
        }
        number = number.wrapping_mul(POWERS[count]).wrapping_add(eight_digits(digits << (64 - 8 * count)));
        at += count;
        if count < 8 {
            return (number, at);
        }
    }
    while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (number, at)
}

/// The number of eight digits, the first in the lowest byte.
#[inline]
fn eight_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

#[cold]
fn with_exponent(bytes: &[u8], mut at: usize) -> Option<(f64, usize)> {
    at += 1;
    if matches!(bytes.get(at), Some(b'+' | b'-')) {
        at += 1;
    }
    let start = at;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    if at == start { None } else { by_library(&bytes[..at]) }
}

#[cold]
fn by_library(number: &[u8]) -> Option<(f64, usize)> {
    let value: f64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    value.is_finite().then_some((value, number.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_json_number_is_refused() {
        for text in ["", "-", ".5", "1.", "01", "1e", "1e+", "+1", "NaN", "1e999"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn reading_stops_at_the_first_byte_that_is_no_number() {
        assert_eq!(read(b"12.5}"), Some((12.5, 4)));
        assert_eq!(read(b"0,"), Some((0.0, 1)));
        assert_eq!(read(b"-3e2 "), Some((-300.0, 4)));
    }

    proptest! {
        #[test]
        fn every_double_reads_as_the_standard_library_reads_it(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            for text in [format!("{value:?}"), format!("{value:.6}"), format!("{value:e}")] {
                let expected: f64 = text.parse().expect("a number");
                prop_assert_eq!(read(text.as_bytes()), Some((expected, text.len())));
            }
        }
    }
}
