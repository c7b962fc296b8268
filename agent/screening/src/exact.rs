//! Ratios of whole numbers: what a decimal becomes when it is divided.
//!
//! A dry-basis value is an as-received one times 100/(100 − M), which seldom ends. Rounding it before it
//! is judged would be rounding twice, so it is carried as the ratio it is. Comparing two ratios never
//! overflows; adding and multiplying may, and then there is no result.

use core::cmp::Ordering;

use tidewaiter_drivers::{Decimal, decimal::MAX_PLACES};

/// A ratio in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exact {
    numerator: i128,
    denominator: i128,
}

impl Exact {
    /// Nought.
    pub(crate) const ZERO: Self = Self { numerator: 0, denominator: 1 };

    /// `numerator / denominator`; `None` for a zero denominator or where it does not fit.
    pub(crate) fn ratio(numerator: i128, denominator: i128) -> Option<Self> {
        let common = greatest_common_divisor(numerator.checked_abs()?, denominator.checked_abs()?);
        let (numerator, denominator) = (numerator.checked_div(common)?, denominator.checked_div(common)?);
        match denominator.signum() {
            1 => Some(Self { numerator, denominator }),
            -1 => Some(Self { numerator: numerator.checked_neg()?, denominator: denominator.checked_neg()? }),
            _ => None,
        }
    }

    /// The value of a decimal; `None` for the one whose magnitude does not fit.
    pub(crate) fn of(value: Decimal) -> Option<Self> {
        value.digits().checked_abs()?;
        Self::ratio(i128::from(value.digits()), 10_i128.checked_pow(u32::from(value.places()))?)
    }

    /// A whole number.
    pub(crate) fn whole(value: i64) -> Self {
        Self { numerator: i128::from(value), denominator: 1 }
    }

    /// The sum.
    pub(crate) fn add(self, other: Self) -> Option<Self> {
        let common = greatest_common_divisor(self.denominator, other.denominator);
        let (left, right) = (other.denominator.checked_div(common)?, self.denominator.checked_div(common)?);
        let numerator = self.numerator.checked_mul(left)?.checked_add(other.numerator.checked_mul(right)?)?;
        Self::ratio(numerator, self.denominator.checked_mul(left)?)
    }

    /// The difference.
    pub(crate) fn sub(self, other: Self) -> Option<Self> {
        self.add(other.neg())
    }

    /// The product.
    pub(crate) fn mul(self, other: Self) -> Option<Self> {
        // Crosswise reduction keeps the products as small as they can be.
        let left = Self::ratio(self.numerator, other.denominator)?;
        let right = Self::ratio(other.numerator, self.denominator)?;
        Some(Self {
            numerator: left.numerator.checked_mul(right.numerator)?,
            denominator: left.denominator.checked_mul(right.denominator)?,
        })
    }

    /// The quotient; `None` by zero.
    pub(crate) fn div(self, other: Self) -> Option<Self> {
        self.mul(Self::ratio(other.denominator, other.numerator)?)
    }

    /// The square.
    pub(crate) fn squared(self) -> Option<Self> {
        self.mul(self)
    }

    /// The opposite. The numerator came from a checked absolute value, so it has one.
    #[must_use]
    pub(crate) fn neg(self) -> Self {
        Self { numerator: self.numerator.saturating_neg(), denominator: self.denominator }
    }

    /// The distance from zero.
    #[must_use]
    pub(crate) fn abs(self) -> Self {
        if self.numerator < 0 { self.neg() } else { self }
    }

    /// -1, 0 or 1.
    pub(crate) fn signum(self) -> i128 {
        self.numerator.signum()
    }

    /// Compares exactly, without multiplying: whole parts first, then what is left upside down.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        let (mut left, mut right) = ((self.numerator, self.denominator), (other.numerator, other.denominator));
        let mut flipped = false;
        loop {
            let whole = (left.0.div_euclid(left.1), right.0.div_euclid(right.1));
            let rest = (left.0.rem_euclid(left.1), right.0.rem_euclid(right.1));
            let ordering = match (whole.0.cmp(&whole.1), rest.0, rest.1) {
                (Ordering::Equal, 0, 0) => Some(Ordering::Equal),
                (Ordering::Equal, 0, _) => Some(Ordering::Less),
                (Ordering::Equal, _, 0) => Some(Ordering::Greater),
                (Ordering::Equal, ..) => None,
                (other, ..) => Some(other),
            };
            if let Some(ordering) = ordering {
                return if flipped { ordering.reverse() } else { ordering };
            }
            left = (left.1, rest.0);
            right = (right.1, rest.1);
            flipped = !flipped;
        }
    }

    /// The value as a decimal with the fewest places, if it ends and fits.
    pub(crate) fn to_decimal(self) -> Option<Decimal> {
        (0..=MAX_PLACES).find_map(|places| {
            let scaled = 10_i128.checked_pow(u32::from(places))?.checked_mul(self.numerator)?;
            if scaled % self.denominator != 0 {
                return None;
            }
            Decimal::new(i64::try_from(scaled / self.denominator).ok()?, places)
        })
    }

    /// Rounded once to a multiple of `step`, half to even on the magnitude (GB/T 8170-2008, 3.2 and 3.4); shown with
    /// the places of `step`.
    pub(crate) fn rounded(self, step: Decimal) -> Option<Decimal> {
        let multiples = self.abs().div(Self::of(step)?)?;
        let quotient = multiples.numerator.checked_div(multiples.denominator)?;
        let rest = multiples.numerator.checked_rem(multiples.denominator)?;
        let up = match rest.cmp(&multiples.denominator.checked_sub(rest)?) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => quotient % 2 == 1,
        };
        let count = quotient.checked_add(i128::from(up))?.checked_mul(self.signum())?;
        let digits = count.checked_mul(i128::from(step.digits()))?;
        Decimal::new(i64::try_from(digits).ok()?, step.places())
    }

    /// The value times `scale`, without what is behind the point; `None` beyond 38 digits.
    pub(crate) fn scaled_floor(self, scale: i128) -> Option<i128> {
        // Whole part and rest apart: together they may not fit.
        let whole = self.numerator.div_euclid(self.denominator).checked_mul(scale)?;
        let rest = self.numerator.rem_euclid(self.denominator);
        let (rest, denominator) = shrink(rest, self.denominator, scale);
        whole.checked_add(rest.checked_mul(scale)?.checked_div(denominator)?)
    }

    /// The square root rounded up at `places`; `None` of a negative number.
    pub(crate) fn root_above(self, places: u8) -> Option<Decimal> {
        let scale = 10_i128.checked_pow(u32::from(places))?;
        let below = self.scaled_floor(scale.checked_mul(scale)?)?.checked_isqrt()?;
        (0..=2).find_map(|more| {
            let digits = below.checked_add(more)?;
            let root = Decimal::new(i64::try_from(digits).ok()?, places)?;
            Self::of(root)?.squared()?.compare(self).is_ge().then_some(root)
        })
    }
}

/// Halves both until their product with `scale` fits; the quotient changes by less than anyone sees.
fn shrink(mut rest: i128, mut denominator: i128, scale: i128) -> (i128, i128) {
    while rest.checked_mul(scale).is_none() {
        rest /= 2;
        denominator /= 2;
    }
    (rest, denominator.max(1))
}

fn greatest_common_divisor(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn e(text: &str) -> Exact {
        Exact::of(text.parse().unwrap()).unwrap()
    }

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn thirds_are_thirds() {
        let third = e("1").div(e("3")).unwrap();
        assert_eq!(third.to_decimal(), None);
        assert_eq!(third.mul(e("3")).unwrap().to_decimal(), Some(d("1")));
        assert_eq!(third.rounded(d("0.01")), Some(d("0.33")));
        assert_eq!(e("2").div(e("3")).unwrap().neg().rounded(d("0.001")), Some(d("-0.667")));
        assert_eq!(e("1.25").to_decimal(), Some(d("1.25")));
        assert_eq!(e("1.500").to_decimal(), Some(d("1.5")));
        assert_eq!(third.div(Exact::ZERO), None);
    }

    #[test]
    fn roots_are_rounded_up() {
        assert_eq!(e("4").root_above(2), Some(d("2.00")));
        assert_eq!(e("2").root_above(3), Some(d("1.415")));
        assert_eq!(e("0.0025").root_above(2), Some(d("0.05")));
        assert_eq!(e("-1").root_above(2), None);
    }

    proptest! {
        /// Comparison agrees with that of decimals, for any two of them.
        #[test]
        fn compares_as_decimals_do(a in -i64::MAX..=i64::MAX, b in -i64::MAX..=i64::MAX, pa in 0_u8..=18, pb in 0_u8..=18) {
            let (a, b) = (Decimal::new(a, pa).unwrap(), Decimal::new(b, pb).unwrap());
            prop_assert_eq!(Exact::of(a).unwrap().compare(Exact::of(b).unwrap()), a.cmp_value(b));
        }

        /// Rounding a ratio that is a decimal is rounding the decimal.
        #[test]
        fn rounds_as_decimals_do(digits in -1_000_000_i64..1_000_000, places in 0_u8..6, step in prop_oneof![Just("0.01"), Just("0.5"), Just("0.2"), Just("1"), Just("20")]) {
            let value = Decimal::new(digits, places).unwrap();
            let interval = crate::rounding::Interval::of_size(d(step)).unwrap();
            prop_assert_eq!(Exact::of(value).unwrap().rounded(d(step)), crate::rounding::round(value, interval));
        }
    }
}
