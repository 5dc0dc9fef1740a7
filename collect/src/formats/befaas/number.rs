//! Decimal numbers, exactly.

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 19] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// Powers of ten of up to nineteen digits.
const POWERS: [u64; 19] = {
    let mut powers = [1; 19];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// Reads a JSON number at the start of `bytes`: its value and length; `None` where there is none.
///
/// Exact: up to 2^53 by one division of two exact doubles (W. D. Clinger, "How to read floating point numbers
/// accurately", 1990), up to nineteen digits by one of integers, anything else by the standard library.
#[inline]
pub(super) fn read(bytes: &[u8]) -> Option<(f64, usize)> {
    // A mark has no duration.
    if let [b'0', b',' | b'}', ..] = bytes {
        return Some((0.0, 1));
    }
    read_short(bytes).or_else(|| read_any(bytes))
}

/// Reads a number as clocks print it, such as `134.279086`; `None` where it has no point, or more than eight digits before
/// it or seven after it.
#[inline]
fn read_short(bytes: &[u8]) -> Option<(f64, usize)> {
    let whole = digits_of(*bytes.first_chunk()?);
    let digits = count_of_digits(whole);
    let (b'.', fraction) = bytes.get(digits..)?.split_first()? else { return None };
    let fraction = digits_of(*fraction.first_chunk()?);
    let decimals = count_of_digits(fraction);
    if digits == 0 || (bytes[0] == b'0' && digits > 1) || decimals == 0 || decimals == 8 {
        return None;
    }
    if matches!(fraction.to_le_bytes()[decimals] ^ b'0', b'e' | b'E') {
        return None;
    }
    let mantissa = first_digits(whole, digits) * POWERS[decimals] + first_digits(fraction, decimals);
    Some((mantissa as f64 / EXACT_POWERS[decimals], digits + 1 + decimals))
}

fn read_any(bytes: &[u8]) -> Option<(f64, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let whole_start = usize::from(negative);
    let (mut mantissa, mut at) = read_digits(bytes, whole_start, 0);
    let mut digits = at - whole_start;
    if digits == 0 || (bytes[whole_start] == b'0' && digits > 1) {
        return None;
    }
    let mut decimals = 0_usize;
    if bytes.get(at) == Some(&b'.') {
        let fraction_start = at + 1;
        (mantissa, at) = read_digits(bytes, fraction_start, mantissa);
        decimals = at - fraction_start;
        digits += decimals;
        if decimals == 0 {
            return None;
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        return with_exponent(bytes, at);
    }
    // Nineteen digits are below 2^64.
    if digits > 19 {
        return by_library(&bytes[..at]);
    }
    let value =
        if mantissa < 1 << 53 { mantissa as f64 / EXACT_POWERS[decimals] } else { quotient(mantissa, decimals) };
    Some((if negative { -value } else { value }, at))
}

/// `mantissa / 10^decimals` rounded once, to the nearest double; for mantissas from 2^53 on and up to nineteen digits.
///
/// The quotient has 64 bits more than its value, at least 57, of which a double keeps 53: what the division leaves tells
/// at most on which side of the middle between two doubles it lies, and one bit below them says as much.
#[expect(clippy::cast_precision_loss, reason = "rounding is what it is for")]
fn quotient(mantissa: u64, decimals: usize) -> f64 {
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    let divisor = u128::from(POWERS[decimals]);
    let dividend = u128::from(mantissa) << 64;
    let quotient = dividend / divisor;
    let is_exact = quotient * divisor == dividend;
    (quotient | u128::from(!is_exact)) as f64 / TWO_TO_64
}

/// The number of thirteen digits, the first of which is no zero.
#[inline]
pub(super) fn thirteen_digits(digits: &[u8; 13]) -> Option<i64> {
    let [first @ .., _, _, _, _, _] = digits;
    let [_, _, _, _, _, last @ ..] = digits;
    let (first, last) = (digits_of(*first), digits_of(*last));
    if (not_digits(first) | not_digits(last)) != 0 || digits[0] == b'0' {
        return None;
    }
    // Three digits of the last eight are among the first ones.
    let last = last & !0xff_ffff;
    Some((eight_digits(first) * 100_000 + eight_digits(last)).cast_signed())
}

/// What each of eight bytes is as a digit, the first in the lowest byte.
#[inline]
fn digits_of(bytes: [u8; 8]) -> u64 {
    u64::from_le_bytes(bytes) ^ 0x3030_3030_3030_3030
}

/// The high bit of each byte above nine; right up to the first of them.
#[inline]
fn not_digits(digits: u64) -> u64 {
    (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080
}

/// Appends the digits from `at` on to a number (modulo 2^64); returns it and where they end.
///
/// Takes up to eight at a time, in a word (after D. Lemire, "Number parsing at a gigabyte per second", 2021).
#[inline]
fn read_digits(bytes: &[u8], mut at: usize, mut number: u64) -> (u64, usize) {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let digits = digits_of(*chunk);
        let count = count_of_digits(digits);
        if count == 0 {
            return (number, at);
        }
        number = number.wrapping_mul(POWERS[count]).wrapping_add(first_digits(digits, count));
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

/// How many of eight bytes are digits, up to the first that is none.
#[inline]
fn count_of_digits(digits: u64) -> usize {
    not_digits(digits).trailing_zeros() as usize / 8
}

/// The number of the first `count` of eight digits, at least one.
#[inline]
fn first_digits(digits: u64, count: usize) -> u64 {
    eight_digits(digits << (64 - 8 * count))
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

    /// Node's clocks print such numbers; the last ones lie in the middle of two doubles, or next to it.
    #[test]
    fn more_digits_than_a_double_holds_are_rounded_once_and_to_even() {
        for text in [
            "26.153942000000143",
            "0.13476000000082422",
            "9007199254740993",
            "9007199254740993.0",
            "9007199254740993.01",
            "9007199254740995",
            "900719925474099.25",
            "4503599627370496.125",
            "4503599627370497.5",
            "9223372036854776832",
            "9999999999999999999",
            "0.9999999999999999999",
        ] {
            let expected: f64 = text.parse().expect("a number");
            assert_eq!(read(text.as_bytes()), Some((expected, text.len())), "{text}");
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
        fn decimals_of_up_to_twenty_digits_read_as_the_standard_library_reads_them(digits in "[0-9]{1,20}", point in 0_usize..20) {
            let (whole, decimals) = digits.split_at(point.min(digits.len()));
            let whole = whole.trim_start_matches('0');
            let whole = if whole.is_empty() { "0" } else { whole };
            let text = if decimals.is_empty() { whole.to_owned() } else { format!("{whole}.{decimals}") };
            prop_assert_eq!(read(text.as_bytes()), Some((text.parse().expect("a number"), text.len())));
        }

        #[test]
        fn thirteen_bytes_are_a_stamp_when_they_are_digits_and_the_first_no_zero(text in "[0-9]{13}|[0-9]{0,12}[ -~][0-9]{12}") {
            let Some(bytes) = text.as_bytes().first_chunk() else { return Ok(()) };
            let is_stamp = bytes.iter().all(u8::is_ascii_digit) && bytes[0] != b'0';
            let expected = is_stamp.then(|| text[..13].parse().expect("digits"));
            prop_assert_eq!(thirteen_digits(bytes), expected);
        }

        #[test]
        fn every_double_reads_as_the_standard_library_reads_it(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            for text in [format!("{value:?}"), format!("{value:.6}"), format!("{value:e}")] {
                let expected: f64 = text.parse().expect("a number");
                prop_assert_eq!(read(text.as_bytes()), Some((expected, text.len())));
            }
        }
    }
}
