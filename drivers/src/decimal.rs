//! The number an instrument displayed: digits and how many of them follow the point.
//!
//! `12.50` is `Decimal { digits: 1250, places: 2 }`. Trailing zeros are information (the resolution
//! shown), so equality compares the representation; use [`Decimal::cmp_value`] to compare the value.

use core::{cmp::Ordering, fmt, str::FromStr};

/// Most places a decimal may carry: 10^18 is the largest power of ten that an `i64` holds.
pub const MAX_PLACES: u8 = 18;

/// An exact decimal, `digits × 10^-places`, with its resolution kept.
///
/// `places` never exceeds [`MAX_PLACES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    digits: i64,
    places: u8,
}

/// Why a text or a pair of numbers is not a [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// No digit at all.
    #[error("no digits")]
    Empty,
    /// A byte that is neither sign, digit nor the one decimal point.
    #[error("byte {0:#04x} is not part of a decimal number")]
    Byte(u8),
    /// More digits than fit into 63 bits, or more than 18 places.
    #[error("more digits than a decimal holds")]
    TooLong,
}

impl Decimal {
    /// Zero, shown without places.
    pub const ZERO: Self = Self { digits: 0, places: 0 };

    /// Makes `digits × 10^-places`; `None` beyond [`MAX_PLACES`].
    pub const fn new(digits: i64, places: u8) -> Option<Self> {
        if places > MAX_PLACES { None } else { Some(Self { digits, places }) }
    }

    /// A whole number, shown without places.
    pub const fn whole(digits: i64) -> Self {
        Self { digits, places: 0 }
    }

    /// All digits as one integer, sign included.
    pub const fn digits(self) -> i64 {
        self.digits
    }

    /// How many of the digits stand after the point, `0..=18`.
    pub const fn places(self) -> u8 {
        self.places
    }

    /// Reads `[+-]digits[.digits]`, nothing else: no spaces, no exponent, no grouping.
    ///
    /// # Errors
    ///
    /// Refuses any other text; it never guesses.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidewaiter_drivers::Decimal;
    /// assert_eq!(Decimal::from_ascii(b"+0012.50").unwrap().to_string(), "12.50");
    /// assert!(Decimal::from_ascii(b"1e3").is_err());
    /// ```
    pub fn from_ascii(text: &[u8]) -> Result<Self, DecimalError> {
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let mut magnitude: u64 = 0;
        let most = i64::MAX.unsigned_abs() + u64::from(negative);
        let mut places: u8 = 0;
        let mut seen = false;
        let mut point = false;
        for &byte in unsigned {
            match byte {
                b'0'..=b'9' => {
                    // Below this the product and any digit still fit into 64 bits.
                    if magnitude > i64::MAX.unsigned_abs() / 10 {
                        return Err(DecimalError::TooLong);
                    }
                    magnitude = magnitude.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                    if magnitude > most {
                        return Err(DecimalError::TooLong);
                    }
                    seen = true;
                    if point {
                        places += 1;
                        if places > MAX_PLACES {
                            return Err(DecimalError::TooLong);
                        }
                    }
                }
                b'.' if !point => point = true,
                other => return Err(DecimalError::Byte(other)),
            }
        }
        // The magnitude of the least number is its own negative.
        let digits = if negative { magnitude.wrapping_neg() } else { magnitude }.cast_signed();
        if seen { Ok(Self { digits, places }) } else { Err(DecimalError::Empty) }
    }

    /// The same value with exactly `places` places, when no digit would be lost.
    pub fn at_places(self, places: u8) -> Option<Self> {
        if places > MAX_PLACES {
            return None;
        }
        if places >= self.places {
            let factor = 10_i64.checked_pow(u32::from(places - self.places))?;
            Some(Self { digits: self.digits.checked_mul(factor)?, places })
        } else {
            let factor = 10_i64.checked_pow(u32::from(self.places - places))?;
            (self.digits % factor == 0).then(|| Self { digits: self.digits / factor, places })
        }
    }

    /// Moves the decimal point: multiplies by `10^power` without touching the digits where it can.
    ///
    /// A register that counts tenths is `scaled(-1)`. `None` when the result does not fit.
    pub fn scaled(self, power: i8) -> Option<Self> {
        let places = i16::from(self.places) - i16::from(power);
        if places >= 0 {
            Self::new(self.digits, u8::try_from(places).ok()?)
        } else {
            let factor = 10_i64.checked_pow(u32::from(places.unsigned_abs()))?;
            Some(Self { digits: self.digits.checked_mul(factor)?, places: 0 })
        }
    }

    /// Exact sum at the finer of both resolutions.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let digits = self.at_places(places)?.digits.checked_add(other.at_places(places)?.digits)?;
        Some(Self { digits, places })
    }

    /// Exact difference at the finer of both resolutions.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self { digits: other.digits.checked_neg()?, places: other.places })
    }

    /// Exact product; places add up.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        Self::new(self.digits.checked_mul(other.digits)?, self.places + other.places)
    }

    /// The distance from zero.
    #[must_use]
    pub fn abs(self) -> Self {
        Self { digits: self.digits.saturating_abs(), places: self.places }
    }

    /// Compares by value: `1.50` equals `1.5`.
    pub fn cmp_value(self, other: Self) -> Ordering {
        let places = self.places.max(other.places);
        let widen = |it: Self| i128::from(it.digits) * 10_i128.pow(u32::from(places - it.places));
        widen(self).cmp(&widen(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits < 0 {
            f.write_str("-")?;
        }
        let magnitude = self.digits.unsigned_abs();
        if self.places == 0 {
            return write!(f, "{magnitude}");
        }
        let factor = 10_u64.pow(u32::from(self.places));
        let width = usize::from(self.places);
        write!(f, "{}.{:0width$}", magnitude / factor, magnitude % factor)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_ascii(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use std::string::ToString;

    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn prints_what_it_read() {
        for text in
            ["0", "12.50", "-0.05", "-12.5", "9223372036854775807", "0.000000000000000001", "-9223372036854775808"]
        {
            assert_eq!(d(text).to_string(), text);
        }
        assert_eq!(d("+0012.50").to_string(), "12.50");
        assert_eq!(d(".5").to_string(), "0.5");
        assert_eq!(d("7.").to_string(), "7");
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        let check = |text: &str, error| assert_eq!(text.parse::<Decimal>(), Err(error), "{text}");
        check("", DecimalError::Empty);
        check("-", DecimalError::Empty);
        check(".", DecimalError::Empty);
        check("1e3", DecimalError::Byte(b'e'));
        check(" 1", DecimalError::Byte(b' '));
        check("1.2.3", DecimalError::Byte(b'.'));
        check("--1", DecimalError::Byte(b'-'));
        check("9223372036854775808", DecimalError::TooLong);
        check("-9223372036854775809", DecimalError::TooLong);
        check("9223372036854775810", DecimalError::TooLong);
        check("18446744073709551616", DecimalError::TooLong);
        check("-99999999999999999999", DecimalError::TooLong);
        check("0.0000000000000000001", DecimalError::TooLong);
    }

    #[test]
    fn compares_by_value_and_equals_by_display() {
        assert_eq!(d("1.50").cmp_value(d("1.5")), Ordering::Equal);
        assert_ne!(d("1.50"), d("1.5"));
        assert_eq!(d("-0.1").cmp_value(d("0")), Ordering::Less);
        assert_eq!(d("9223372036854775807").cmp_value(d("0.000000000000000001")), Ordering::Greater);
    }

    #[test]
    fn arithmetic_is_exact_or_refused() {
        assert_eq!(d("0.10").checked_add(d("0.2")), Some(d("0.30")));
        assert_eq!(d("1").checked_sub(d("0.001")), Some(d("0.999")));
        assert_eq!(d("1.5").checked_mul(d("-0.25")), Some(d("-0.375")));
        assert_eq!(Decimal::whole(i64::MAX).checked_add(Decimal::whole(1)), None);
        assert_eq!(d("12.50").at_places(1), Some(d("12.5")));
        assert_eq!(d("12.55").at_places(1), None);
        assert_eq!(d("384").scaled(-1), Some(d("38.4")));
        assert_eq!(d("38.4").scaled(2), Some(d("3840")));
    }
}
