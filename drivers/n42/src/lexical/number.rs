//! Numbers as `xs:double` spells them, read without passing through binary where that matters.

use tidewaiter_drivers::{Decimal, decimal::MAX_PLACES};

/// Most digits read of one number, so that a megabyte of zeros costs nothing.
const MAX_DIGITS: usize = 400;

/// Reads a number exactly: `[+-]digits[.digits][(e|E)[+-]digits]`.
///
/// Instruments print doubles with up to 17 digits, which may go beyond the 18 places of a [`Decimal`] when the value
/// is small; places beyond the eighteenth are rounded half to even, an error of at most 5·10⁻¹⁹. A value too large
/// is `None`, as is `INF` or `NaN`.
pub fn exact(text: &str) -> Option<Decimal> {
    let (negative, digits, power) = scientific(text)?;
    let trailing = digits.iter().rev().take_while(|&&digit| digit == 0).count();
    let has_point_or_power = power != 0;
    // Resolution is information: zeros after the point stay, zeros that only shift a power of ten need not.
    let (digits, power) = if has_point_or_power && power < -i64::from(MAX_PLACES) {
        let kept = digits.len().saturating_sub(trailing);
        (digits.get(..kept)?.to_vec(), power + i64::try_from(trailing).ok()?)
    } else {
        (digits, power)
    };
    let places = u64::try_from(-power).unwrap_or(0);
    let beyond = usize::try_from(places.saturating_sub(u64::from(MAX_PLACES))).ok()?;
    let (kept, dropped) = digits.split_at(digits.len().saturating_sub(beyond));
    let mut value = 0_i64;
    for &digit in kept {
        value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
    }
    if rounds_up(value, dropped, beyond) {
        value = value.checked_add(1)?;
    }
    for _ in 0..power.max(0) {
        if value == 0 {
            break;
        }
        value = value.checked_mul(10)?;
    }
    let places = u8::try_from(places.min(u64::from(MAX_PLACES))).ok()?;
    Decimal::new(if negative { value.checked_neg()? } else { value }, places)
}

/// Whether `beyond` dropped places, of which `dropped` are written, round the kept digits up: half to even.
fn rounds_up(kept: i64, dropped: &[u8], beyond: usize) -> bool {
    if dropped.len() < beyond {
        return false;
    }
    match dropped {
        [] => false,
        [5, rest @ ..] if rest.iter().all(|&digit| digit == 0) => kept % 2 == 1,
        [first, ..] => *first >= 5,
    }
}

/// Reads a count: a number of any spelling whose value is whole and not negative.
pub fn count(text: &str) -> Option<u64> {
    if let Ok(plain) = text.parse::<u64>() {
        return Some(plain);
    }
    let (negative, digits, power) = scientific(text)?;
    let mut value = 0_u64;
    let whole = usize::try_from(i64::try_from(digits.len()).ok()?.saturating_add(power).max(0)).ok()?;
    for (index, &digit) in digits.iter().enumerate() {
        if index < whole {
            value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
        } else if digit != 0 {
            return None;
        }
    }
    for _ in digits.len()..whole {
        if value == 0 {
            break;
        }
        value = value.checked_mul(10)?;
    }
    if negative && value != 0 { None } else { Some(value) }
}

/// Reads a finite binary number of the spelling `xs:double` allows.
pub fn finite(text: &str) -> Option<f64> {
    scientific(text)?;
    text.trim().parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Sign, digits without leading zeros, and the power of ten of the last digit.
fn scientific(text: &str) -> Option<(bool, Vec<u8>, i64)> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let written = whole.len() + fraction.len();
    if written == 0 || written > MAX_DIGITS || !whole.bytes().chain(fraction.bytes()).all(|it| it.is_ascii_digit()) {
        return None;
    }
    let digits =
        whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').skip_while(|&digit| digit == 0).collect();
    Some((negative, digits, i64::from(exponent) - i64::try_from(fraction.len()).ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_keep_what_was_shown() {
        for (text, shown) in [
            ("0.3", "0.3"),
            ("0.50", "0.50"),
            ("60", "60"),
            ("-72.88579", "-72.88579"),
            ("+5", "5"),
            (".3662", "0.3662"),
            ("5.", "5"),
            ("6.55e-03", "0.00655"),
            ("1.77E07", "17700000"),
            ("2.8e-01", "0.28"),
            ("0", "0"),
            ("0e5", "0"),
            ("-0.0", "0.0"),
            ("0.01234567890123456789", "0.012345678901234568"),
            ("0.0000000000000000005", "0.000000000000000000"),
            ("0.0000000000000000015", "0.000000000000000002"),
            ("1e-30", "0.000000000000000000"),
            ("0.10000000000000000000", "0.1"),
        ] {
            assert_eq!(exact(text).unwrap().to_string(), shown, "{text}");
        }
        for text in ["", ".", "-", "1e", "INF", "NaN", "1 2", "0x1", "1e19", "9223372036854775808", "1e99999", "--1"] {
            assert_eq!(exact(text), None, "{text}");
        }
    }

    #[test]
    fn counts_are_whole() {
        for (text, expected) in
            [("0", 0), ("12", 12), ("12.00", 12), ("1.2e1", 12), ("1e3", 1000), ("-0", 0), ("0e300", 0)]
        {
            assert_eq!(count(text), Some(expected), "{text}");
        }
        for text in ["-1", "0.5", "1e-1", "1e20", "1e300", "", "NaN", "18446744073709551616"] {
            assert_eq!(count(text), None, "{text}");
        }
        assert_eq!(count("18446744073709551615"), Some(u64::MAX));
    }

    proptest! {
        #[test]
        fn decimals_read_back(digits in any::<i64>(), places in 0_u8..=18) {
            prop_assume!(digits != i64::MIN);
            let value = Decimal::new(digits, places).unwrap();
            prop_assert_eq!(exact(&value.to_string()), Some(value));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = (exact(&text), count(&text), finite(&text));
        }

        #[test]
        fn exact_agrees_with_binary(value in -1e15_f64..1e15) {
            let decimal: f64 = exact(&format!("{value:e}")).unwrap().to_string().parse().unwrap();
            prop_assert!((decimal - value).abs() <= value.abs() * 1e-15 + 1e-18);
        }
    }
}
