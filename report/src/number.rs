//! Numbers as text.

/// The shortest decimal that reads back as the same number; `NaN`, `inf` and `-inf` for what is not finite.
///
/// Exponents are used below 1e-5 and from 1e16 on.
pub(crate) fn shortest(value: f64) -> String {
    let magnitude = value.abs();
    if value.is_finite() && value != 0.0 && !(1e-5..1e16).contains(&magnitude) {
        format!("{value:e}")
    } else if value == 0.0 {
        "0".to_owned()
    } else {
        value.to_string()
    }
}

/// Rounded to `decimals` places, ties to the even digit; `n/a` for what is not finite.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "n/a".to_owned();
    }
    if value.abs() >= 1e16 {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.decimals$}");
    let zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// Decimals that suit a column whose greatest magnitude is `greatest`.
pub(crate) fn decimals_for(greatest: f64) -> usize {
    match greatest {
        g if g >= 100.0 => 1,
        g if g >= 10.0 => 2,
        _ => 3,
    }
}

/// Rounded to about three significant digits, for running text; `n/a` for what is not finite.
pub(crate) fn readable(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    let text = fixed(value, decimals);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A count with thin groups of three digits: `63 861` (no-break spaces).
pub(crate) fn count(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    if value < 0 { format!("−{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_go_to_the_even_digit() {
        assert_eq!(fixed(140.5, 0), "140");
        assert_eq!(fixed(141.5, 0), "142");
        assert_eq!(fixed(-0.2, 0), "0");
        assert_eq!(fixed(f64::NAN, 1), "n/a");
    }

    #[test]
    fn extremes_stay_short() {
        assert_eq!(shortest(1e300), "1e300");
        assert_eq!(shortest(-0.0), "0");
        assert_eq!(shortest(0.1), "0.1");
        assert_eq!(shortest(63_861.0), "63861");
        assert_eq!(readable(128.46), "128");
        assert_eq!(readable(1.50), "1.5");
        assert_eq!(count(-63_861), "−63\u{a0}861");
    }

    proptest! {
        #[test]
        fn shortest_reads_back(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            prop_assert_eq!(shortest(value).parse::<f64>().ok(), Some(value));
        }
    }
}
