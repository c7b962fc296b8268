//! IEEE 754 single-precision numbers as instruments send them, without arithmetic in them.
//!
//! The bits become the shortest decimal that reads back as the same bits, as a display would show it;
//! everything after that is done on its digits.

use core::fmt::Write;

use crate::{Decimal, decimal::MAX_PLACES};

/// The bits of a single-precision number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Single(
    /// Sign, exponent and fraction, as `f32::to_bits` gives them.
    pub u32,
);

/// Why a single is not a [`Decimal`], or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SingleError {
    /// Infinite or not a number: how instruments say that they have none.
    #[error("floating-point value {0:#010x} is not a finite number")]
    NotFinite(u32),
    /// More digits than a decimal holds, or a magnitude that no single has.
    #[error("value does not fit")]
    Range,
}

/// `digits × 10^exponent`: what a single says when a [`Decimal`] has too few places for it.
///
/// Polynomial coefficients need this: the eighth of a detector's linearity may be near 10^-30.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scientific {
    /// All digits, at most nine, sign included.
    pub digits: i64,
    /// Power of ten they are multiplied with.
    pub exponent: i16,
}

/// Longest text of a single in scientific form is 15 bytes; the rest is slack.
const TEXT_BYTES: usize = 24;

impl Single {
    /// Reads four bytes, least significant first.
    pub const fn from_le_bytes(bytes: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(bytes))
    }

    /// The four bytes, least significant first.
    pub const fn to_le_bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// The single nearest to a decimal.
    ///
    /// # Errors
    ///
    /// None has that magnitude: never for a decimal, whose 63 bits stay below 10^19.
    pub fn nearest(value: Decimal) -> Result<Self, SingleError> {
        let mut text = heapless::String::<TEXT_BYTES>::new();
        write!(text, "{}e-{}", value.digits(), value.places()).map_err(|_| SingleError::Range)?;
        let single: f32 = text.parse().map_err(|_| SingleError::Range)?;
        if single.is_finite() { Ok(Self(single.to_bits())) } else { Err(SingleError::Range) }
    }

    /// The shortest decimal that reads back as the same bits; the sign of a zero is lost.
    ///
    /// # Errors
    ///
    /// Refuses what is not finite.
    pub fn scientific(self) -> Result<Scientific, SingleError> {
        let value = f32::from_bits(self.0);
        if !value.is_finite() {
            return Err(SingleError::NotFinite(self.0));
        }
        let mut text = heapless::String::<TEXT_BYTES>::new();
        write!(text, "{value:e}").map_err(|_| SingleError::Range)?;
        let (mantissa, exponent) = text.split_once('e').ok_or(SingleError::Range)?;
        let mantissa: Decimal = mantissa.parse().map_err(|_| SingleError::Range)?;
        let exponent: i16 = exponent.parse().map_err(|_| SingleError::Range)?;
        Ok(Scientific { digits: mantissa.digits(), exponent: exponent - i16::from(mantissa.places()) })
    }

    /// [`Self::scientific`] as a decimal. What lies beyond eighteen places is rounded half to even: a
    /// dose of 10^-20 µSv is a zero, not a missing value.
    ///
    /// # Errors
    ///
    /// Refuses what is not finite, and magnitudes from 10^18 on.
    pub fn decimal(self) -> Result<Decimal, SingleError> {
        self.scientific()?.decimal().ok_or(SingleError::Range)
    }
}

impl Scientific {
    /// The same number as a decimal, rounded half to even at eighteen places; `None` when it is too
    /// large.
    pub fn decimal(self) -> Option<Decimal> {
        let power = self.exponent.unsigned_abs();
        if self.digits == 0 {
            return Some(Decimal::ZERO);
        }
        if self.exponent >= 0 {
            let factor = 10_i64.checked_pow(u32::from(power))?;
            return Decimal::new(self.digits.checked_mul(factor)?, 0);
        }
        match u8::try_from(power).ok().filter(|&places| places <= MAX_PLACES) {
            Some(places) => Decimal::new(self.digits, places),
            None => {
                // More than nineteen powers below the last place nothing of nine digits is left.
                let divisor = 10_i64.checked_pow(u32::from(power) - u32::from(MAX_PLACES));
                Decimal::new(divisor.map_or(0, |divisor| half_even(self.digits, divisor)), MAX_PLACES)
            }
        }
    }
}

fn half_even(digits: i64, divisor: i64) -> i64 {
    let (quotient, rest) = (digits / divisor, (digits % divisor).abs());
    let up = match rest.cmp(&(divisor - rest)) {
        core::cmp::Ordering::Less => false,
        core::cmp::Ordering::Equal => quotient % 2 != 0,
        core::cmp::Ordering::Greater => true,
    };
    if up { quotient + digits.signum() } else { quotient }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use std::string::ToString;

    use super::*;

    #[test]
    fn bits_become_the_shortest_decimal() {
        let check =
            |bits: u32, shown: &str| assert_eq!(Single(bits).decimal().unwrap().to_string(), shown, "{bits:#x}");
        // IEEE 754 encodings of numbers a converter on paper gives.
        check(0x4419_2000, "612.5");
        check(0x3DCC_CCCD, "0.1");
        check(0xC219_999A, "-38.4");
        check(0x8000_0000, "0");
        check(0x4B80_0000, "16777216");
        // 10^-20 is beyond eighteen places.
        check(0x1E3C_E508, "0.000000000000000000");
        assert_eq!(Single(0x7FC0_0000).decimal(), Err(SingleError::NotFinite(0x7FC0_0000)));
        assert_eq!(Single(0x7F7F_FFFF).decimal(), Err(SingleError::Range));
    }

    #[test]
    fn coefficients_keep_their_digits_at_any_magnitude() {
        // 1.0e-20
        assert_eq!(Single(0x1E3C_E508).scientific(), Ok(Scientific { digits: 1, exponent: -20 }));
        assert_eq!(Single(0xC1C8_0000).scientific(), Ok(Scientific { digits: -25, exponent: 0 }));
        assert_eq!(Single(0x4120_0000).scientific().unwrap().decimal(), Some(Decimal::whole(10)));
    }

    #[test]
    fn decimals_read_back() {
        for text in ["612.5", "0.1", "-38.4", "0", "16777216", "9223372036854775807"] {
            let value: Decimal = text.parse().unwrap();
            let single = Single::nearest(value).unwrap();
            assert_eq!(Single::nearest(single.decimal().unwrap()), Ok(single), "{text}");
        }
    }
}
