//! Exact numbers for the oracle's comparisons: fractions, because a mean or a conversion need not end.

use std::cmp::Ordering;

use tidewaiter_drivers::Decimal;

/// A fraction; the denominator is above zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fraction {
    over: i128,
    under: i128,
}

impl Fraction {
    /// `over / under`; `None` for nothing to divide by.
    pub(super) fn new(over: i128, under: i128) -> Option<Self> {
        let divisor = greatest_common_divisor(over.unsigned_abs(), under.unsigned_abs());
        let divisor = i128::try_from(divisor).ok().filter(|it| *it > 0)?;
        let sign = under.signum();
        (sign != 0).then_some(Self { over: over / divisor * sign, under: under / divisor * sign })
    }

    pub(super) const fn whole(over: i128) -> Self {
        Self { over, under: 1 }
    }

    pub(super) fn add(self, other: Self) -> Option<Self> {
        let (a, b) = (self.over.checked_mul(other.under)?, other.over.checked_mul(self.under)?);
        Self::new(a.checked_add(b)?, self.under.checked_mul(other.under)?)
    }

    pub(super) fn sub(self, other: Self) -> Option<Self> {
        self.add(Self { over: other.over.checked_neg()?, ..other })
    }

    pub(super) fn mul(self, other: Self) -> Option<Self> {
        Self::new(self.over.checked_mul(other.over)?, self.under.checked_mul(other.under)?)
    }

    pub(super) fn div(self, other: Self) -> Option<Self> {
        Self::new(self.over.checked_mul(other.under)?, self.under.checked_mul(other.over)?)
    }

    pub(super) const fn abs(self) -> Self {
        Self { over: self.over.abs(), ..self }
    }

    pub(super) const fn is_zero(self) -> bool {
        self.over == 0
    }

    /// The nearest multiple of this interval; half way goes to the even one (GB/T 8170-2008, 3.2).
    pub(super) fn rounded(self, interval: Self) -> Option<Self> {
        let steps = self.div(interval)?;
        let (down, rest) = (steps.over.div_euclid(steps.under), steps.over.rem_euclid(steps.under));
        let up = match (2 * rest).cmp(&steps.under) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => down.rem_euclid(2) == 1,
        };
        Self::whole(down + i128::from(up)).mul(interval)
    }

    /// As a decimal of so many places, half to even.
    pub(super) fn decimal(self, places: u8) -> Option<Decimal> {
        let unit = 10_i128.checked_pow(places.into())?;
        let rounded = self.rounded(Self::new(1, unit)?)?;
        Decimal::new(i64::try_from(rounded.over.checked_mul(unit)? / rounded.under).ok()?, places)
    }
}

impl From<Decimal> for Fraction {
    fn from(value: Decimal) -> Self {
        // A decimal has at most 18 places.
        let under = 10_i128.pow(value.places().into());
        Self::new(value.digits().into(), under).unwrap_or(Self::whole(0))
    }
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Fraction {}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.over.saturating_mul(other.under)).cmp(&other.over.saturating_mul(self.under))
    }
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn number(text: &str) -> Fraction {
        text.parse::<Decimal>().unwrap().into()
    }

    #[test]
    fn halves_go_to_the_even_step_as_the_standard_prints_it() {
        let cases = [
            ("12.1498", "0.1", "12.1"),
            ("1268", "100", "1300"),
            ("10.5002", "1", "11"),
            ("1.050", "0.1", "1.0"),
            ("0.35", "0.1", "0.4"),
            ("2500", "1000", "2000"),
            ("3500", "1000", "4000"),
            ("-355", "10", "-360"),
            ("-325", "10", "-320"),
            ("-0.0365", "0.001", "-0.036"),
            ("60.25", "0.5", "60.0"),
            ("60.38", "0.5", "60.5"),
            ("-60.75", "0.5", "-61.0"),
            ("830", "20", "840"),
            ("842", "20", "840"),
            ("-930", "20", "-920"),
        ];
        for (value, interval, rounded) in cases {
            assert_eq!(number(value).rounded(number(interval)).unwrap(), number(rounded), "{value} to {interval}");
        }
    }

    #[test]
    fn a_third_stays_one_until_it_is_shown() {
        let third = Fraction::new(10, 3).unwrap();
        assert_eq!(third.mul(Fraction::whole(3)).unwrap(), Fraction::whole(10));
        assert_eq!(third.decimal(4).unwrap().to_string(), "3.3333");
        assert!(Fraction::new(1, 0).is_none());
    }
}
