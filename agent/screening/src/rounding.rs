//! Rounding of numerical values, GB/T 8170-2008 clause 3.
//!
//! Half to even on the magnitude, and once only: 8.53459 becomes 8.53 and is never taken through
//! 8.535 to 8.54. A rounding interval is a power of ten, half of one (0.5 unit) or a fifth of one
//! (0.2 unit).
//!
//! When to round is not decided here: see [`tidewaiter_config::limits::Compare`].

use tidewaiter_drivers::{Decimal, decimal::MAX_PLACES};

/// The distance between neighbouring rounded values: 1, 5 or 2 times a power of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    digit: i64,
    power: i8,
}

impl Interval {
    /// `10^power`: `-1` rounds to tenths, `2` to hundreds (clause 3.2).
    pub const fn unit(power: i8) -> Self {
        Self { digit: 1, power }
    }

    /// Half of `10^power`, the "0.5 unit" rounding: `half_unit(0)` gives 60.0, 60.5, 61.0 (clause 3.4.1).
    pub const fn half_unit(power: i8) -> Self {
        Self { digit: 5, power: power.saturating_sub(1) }
    }

    /// A fifth of `10^power`, the "0.2 unit" rounding: `fifth_unit(2)` gives 820, 840, 860 (clause 3.4.2).
    pub const fn fifth_unit(power: i8) -> Self {
        Self { digit: 2, power: power.saturating_sub(1) }
    }

    /// The last place of `limit`: rounding to it gives the value as many decimals as the limit has.
    pub fn of_limit(limit: Decimal) -> Self {
        // MAX_PLACES is 18, so the conversion holds; the fallback would round to whole numbers.
        Self::unit(i8::try_from(limit.places()).map_or(0, i8::wrapping_neg))
    }

    /// The interval of this size, such as `0.5`; `None` unless it is 1, 2 or 5 times a power of ten.
    pub fn of_size(size: Decimal) -> Option<Self> {
        let (mut digit, mut power) = (size.digits(), i8::try_from(size.places()).ok()?.checked_neg()?);
        while digit != 0 && digit % 10 == 0 {
            digit /= 10;
            power = power.checked_add(1)?;
        }
        matches!(digit, 1 | 2 | 5).then_some(Self { digit, power })
    }

    /// As a number: `0.5` for `half_unit(0)`; `None` beyond what a [`Decimal`] holds.
    pub fn size(self) -> Option<Decimal> {
        Decimal::whole(self.digit).scaled(self.power)
    }
}

/// Rounds `value` once to a multiple of `interval`; the result shows the interval's places.
///
/// `None` when a number on the way does not fit 18 places or 63 bits.
///
/// # Examples
///
/// ```
/// use tidewaiter_screening::rounding::{Interval, round};
/// let shown = |text: &str, interval| round(text.parse().unwrap(), interval).unwrap().to_string();
/// assert_eq!(shown("12.1498", Interval::unit(-1)), "12.1");
/// assert_eq!(shown("1.050", Interval::unit(-1)), "1.0");
/// assert_eq!(shown("60.25", Interval::half_unit(0)), "60.0");
/// assert_eq!(shown("-930", Interval::fifth_unit(2)), "-920");
/// ```
pub fn round(value: Decimal, interval: Interval) -> Option<Decimal> {
    let size = interval.size()?;
    let places = value.places().max(size.places());
    let widen = |it: Decimal| {
        10_i128
            .checked_pow(u32::from(places - it.places()))
            .and_then(|factor| i128::from(it.digits()).checked_mul(factor))
    };
    let (value, step) = (widen(value)?, widen(size)?);
    let magnitude = value.checked_abs()?;
    let (quotient, rest) = (magnitude.checked_div(step)?, magnitude.checked_rem(step)?);
    // Doubling decides the half exactly, whatever the parity of the step.
    let up = match rest.checked_mul(2)?.cmp(&step) {
        core::cmp::Ordering::Less => false,
        core::cmp::Ordering::Greater => true,
        core::cmp::Ordering::Equal => quotient % 2 == 1,
    };
    let multiples = quotient.checked_add(i128::from(up))?.checked_mul(value.signum())?;
    let digits = multiples.checked_mul(i128::from(size.digits()))?;
    Decimal::new(i64::try_from(digits).ok()?, size.places().min(MAX_PLACES))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// The cases of GB/T 8170-2008 3.2, 3.3 and 3.4.
    #[test]
    fn rounds_as_the_standard_does() {
        let check = |value: &str, interval: Interval, expected: &str| {
            let rounded = round(value.parse().unwrap(), interval).unwrap();
            assert_eq!(rounded.to_string(), expected, "{value} to {interval:?}");
        };
        let tenth = Interval::unit(-1);
        check("12.1498", tenth, "12.1");
        check("12.1498", Interval::unit(0), "12");
        check("1268", Interval::unit(2), "1300");
        check("10.5002", Interval::unit(0), "11");
        check("1.050", tenth, "1.0");
        check("0.35", tenth, "0.4");
        check("2500", Interval::unit(3), "2000");
        check("3500", Interval::unit(3), "4000");
        check("-355", Interval::unit(1), "-360");
        check("-325", Interval::unit(1), "-320");
        check("-0.0365", Interval::unit(-3), "-0.036");
        // Never in steps: through 8.535 it would become 8.54.
        check("8.53459", Interval::unit(-2), "8.53");
        check("60.25", Interval::half_unit(0), "60.0");
        check("60.38", Interval::half_unit(0), "60.5");
        check("-60.75", Interval::half_unit(0), "-61.0");
        check("830", Interval::fifth_unit(2), "840");
        check("842", Interval::fifth_unit(2), "840");
        check("-930", Interval::fifth_unit(2), "-920");
    }

    #[test]
    fn a_coarser_value_gains_places_and_zero_keeps_no_sign() {
        assert_eq!(round("7".parse().unwrap(), Interval::unit(-1)).unwrap().to_string(), "7.0");
        assert_eq!(round("-0.04".parse().unwrap(), Interval::unit(-1)).unwrap().to_string(), "0.0");
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert_eq!(round(Decimal::whole(i64::MAX), Interval::unit(-1)), None);
        assert_eq!(round(Decimal::whole(1), Interval::unit(-19)), None);
        assert_eq!(round(Decimal::whole(1), Interval::unit(19)), None);
    }

    proptest! {
        /// The rounded value is a multiple of the interval, no multiple is nearer, and of two equally
        /// near ones it is the even one; the sign plays no part.
        #[test]
        fn nearest_even_multiple(digits in -1_000_000_i64..1_000_000, places in 0_u8..6, power in -5_i8..4, kind in 0_u8..3) {
            let value = Decimal::new(digits, places).unwrap();
            let interval = match kind {
                0 => Interval::unit(power),
                1 => Interval::half_unit(power),
                _ => Interval::fifth_unit(power),
            };
            let rounded = round(value, interval).unwrap();
            // Common denominator 10^8 makes everything an integer.
            let at = |it: Decimal| i128::from(it.digits()) * 10_i128.pow(8 - u32::from(it.places()));
            let (v, r, s) = (at(value), at(rounded), at(interval.size().unwrap()));
            prop_assert_eq!(r % s, 0);
            let distance = (v - r).abs();
            prop_assert!(distance * 2 <= s);
            if distance * 2 == s {
                prop_assert_eq!((r / s) % 2, 0);
            }
            let negated = Decimal::new(-digits, places).unwrap();
            prop_assert_eq!(at(round(negated, interval).unwrap()), -r);
        }
    }
}
