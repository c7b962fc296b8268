//! A positive number as a 64-bit mantissa and a power of two: what probabilities from 1 down to
//! 10^-500 need, in integer arithmetic that gives the same bits everywhere.
//!
//! Every operation truncates, so a result is low by at most one part in 2^63 per operation. The
//! sums here take a few hundred operations; neighbouring Poisson thresholds differ by parts in ten.

use core::cmp::Ordering;

/// `mantissa × 2^exponent`; the top bit of the mantissa is set, or all is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scaled {
    mantissa: u64,
    exponent: i32,
}

impl Scaled {
    pub(super) const ZERO: Self = Self { mantissa: 0, exponent: 0 };
    pub(super) const ONE: Self = Self { mantissa: 1 << 63, exponent: -63 };
    pub(super) const HALF: Self = Self { mantissa: 1 << 63, exponent: -64 };
    /// 1/√(2π) = 0.398 942 280 401 432 677 94.
    pub(super) const INV_SQRT_2PI: Self = Self { mantissa: 14_718_372_293_494_604_904, exponent: -65 };

    /// `mantissa × 2^exponent` of any mantissa, cut to 64 bits.
    fn normal(mantissa: u128, exponent: i32) -> Self {
        if mantissa == 0 {
            return Self::ZERO;
        }
        let shift = 64_i32 - mantissa.leading_zeros().cast_signed();
        let cut = if shift >= 0 { mantissa >> shift } else { mantissa << -shift };
        // The shift leaves exactly 64 significant bits.
        Self { mantissa: u64::try_from(cut).unwrap_or(u64::MAX), exponent: exponent + shift }
    }

    pub(super) fn whole(value: u128) -> Self {
        Self::normal(value, 0)
    }

    /// `numerator / denominator`; the denominator must not be zero, which would give zero.
    pub(super) fn ratio(numerator: u128, denominator: u128) -> Self {
        Self::whole(numerator).over(Self::whole(denominator))
    }

    pub(super) const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    pub(super) fn times(self, other: Self) -> Self {
        let product = u128::from(self.mantissa) * u128::from(other.mantissa);
        Self::normal(product, self.exponent + other.exponent)
    }

    /// Quotient; zero when the divisor is, which no caller has.
    pub(super) fn over(self, other: Self) -> Self {
        let quotient = (u128::from(self.mantissa) << 64).checked_div(u128::from(other.mantissa));
        Self::normal(quotient.unwrap_or(0), self.exponent - other.exponent - 64)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let (large, small) = self.ordered(other);
        if small.is_zero() {
            return large;
        }
        Self::normal((u128::from(large.mantissa) << 63) + small.aligned_below(large), large.exponent - 63)
    }

    /// Difference, zero when `other` is greater.
    pub(super) fn minus(self, other: Self) -> Self {
        if other.is_zero() {
            return self;
        }
        if self.cmp(other) != Ordering::Greater {
            return Self::ZERO;
        }
        Self::normal((u128::from(self.mantissa) << 63) - other.aligned_below(self), self.exponent - 63)
    }

    pub(super) fn cmp(self, other: Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => (self.exponent, self.mantissa).cmp(&(other.exponent, other.mantissa)),
        }
    }

    /// Less than 2^-70 of `other`: adding it would change nothing.
    pub(super) fn is_negligible_beside(self, other: Self) -> bool {
        self.is_zero() || self.exponent + 70 < other.exponent
    }

    fn ordered(self, other: Self) -> (Self, Self) {
        if self.cmp(other) == Ordering::Less { (other, self) } else { (self, other) }
    }

    /// The mantissa at the scale of `large` shifted up by 63 bits.
    fn aligned_below(self, large: Self) -> u128 {
        let apart = u32::try_from(large.exponent - self.exponent).unwrap_or(u32::MAX);
        (u128::from(self.mantissa) << 63).checked_shr(apart).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(value: u128) -> Scaled {
        Scaled::whole(value)
    }

    #[test]
    fn whole_numbers_compute_exactly() {
        assert_eq!(n(6).times(n(7)), n(42));
        assert_eq!(n(42).over(n(7)), n(6));
        assert_eq!(n(1 << 60).plus(n(1)), n((1 << 60) + 1));
        assert_eq!(n(1 << 60).minus(n(1)), n((1 << 60) - 1));
        assert_eq!(n(3).minus(n(3)), Scaled::ZERO);
        assert_eq!(n(2).minus(n(3)), Scaled::ZERO);
        assert_eq!(n(1), Scaled::ONE);
        assert_eq!(Scaled::ratio(1, 2), Scaled::HALF);
        assert_eq!(n(5).plus(Scaled::ZERO), n(5));
    }

    #[test]
    fn orders_across_exponents() {
        assert_eq!(n(1).cmp(n(1_000)), Ordering::Less);
        assert_eq!(Scaled::ratio(1, 3).cmp(Scaled::ratio(2, 6)), Ordering::Equal);
        assert_eq!(Scaled::ZERO.cmp(Scaled::ratio(1, u128::MAX)), Ordering::Less);
    }
}
