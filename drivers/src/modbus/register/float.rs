//! Single-precision registers to decimals without arithmetic in floating point.
//!
//! The bits become the shortest decimal that reads back as the same bits (which `core` prints), and
//! everything after that is done on its digits.

use core::fmt::Write;

use super::RegisterError;
use crate::{Decimal, decimal::MAX_PLACES};

/// Longest text of a single: sign, nine digits, point, `e`, sign and two digits of the exponent, with
/// room to spare.
const TEXT_BYTES: usize = 24;

pub(super) fn decode(bits: u32, scale: i8, places: Option<u8>) -> Result<Decimal, RegisterError> {
    let value = f32::from_bits(bits);
    if !value.is_finite() {
        return Err(RegisterError::NotFinite);
    }
    let mut text = heapless::String::<TEXT_BYTES>::new();
    write!(text, "{value:e}").map_err(|_| RegisterError::Range)?;
    let (mantissa, exponent) = text.split_once('e').ok_or(RegisterError::Range)?;
    let mantissa: Decimal = mantissa.parse().map_err(|_| RegisterError::Range)?;
    let exponent: i32 = exponent.parse().map_err(|_| RegisterError::Range)?;
    let digits = i128::from(mantissa.digits());
    let power = exponent - i32::from(mantissa.places()) + i32::from(scale);
    match places {
        Some(places) => rounded(digits, power, places),
        // Without stated places the shortest decimal is shown as it is.
        None => exact(digits, power),
    }
}

/// The bits of the single nearest to `value × 10^-scale`.
pub(super) fn encode(value: Decimal, scale: i8) -> Result<u32, RegisterError> {
    let mut text = heapless::String::<48>::new();
    write!(text, "{}e{}", value.digits(), -i32::from(value.places()) - i32::from(scale))
        .map_err(|_| RegisterError::Range)?;
    let single: f32 = text.parse().map_err(|_| RegisterError::Range)?;
    if single.is_finite() { Ok(single.to_bits()) } else { Err(RegisterError::Range) }
}

/// `digits × 10^power` with exactly the places it needs.
fn exact(digits: i128, power: i32) -> Result<Decimal, RegisterError> {
    let needed = power.min(0).unsigned_abs();
    let places = u8::try_from(needed).ok().filter(|&it| it <= MAX_PLACES);
    match places {
        Some(places) => rounded(digits, power, places),
        None if digits == 0 => Ok(Decimal::ZERO),
        None => Err(RegisterError::Range),
    }
}

/// `digits × 10^power`, rounded half to even to `places`.
pub(super) fn rounded(digits: i128, power: i32, places: u8) -> Result<Decimal, RegisterError> {
    if digits == 0 {
        return Decimal::new(0, places).ok_or(RegisterError::Range);
    }
    let shift = power + i32::from(places);
    let digits = if shift >= 0 {
        10_i128.checked_pow(shift.unsigned_abs()).and_then(|factor| digits.checked_mul(factor))
    } else {
        Some(10_i128.checked_pow(shift.unsigned_abs()).map_or(0, |divisor| half_even(digits, divisor)))
    };
    let digits = digits.and_then(|it| i64::try_from(it).ok()).ok_or(RegisterError::Range)?;
    Decimal::new(digits, places).ok_or(RegisterError::Range)
}

fn half_even(digits: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (digits / divisor, (digits % divisor).abs());
    // Compared with the other part instead of doubled: 10^38 does not double.
    let up = match rest.cmp(&(divisor - rest)) {
        core::cmp::Ordering::Less => false,
        core::cmp::Ordering::Equal => quotient % 2 != 0,
        core::cmp::Ordering::Greater => true,
    };
    if up { quotient + digits.signum() } else { quotient }
}
