//! Fractions of whole numbers, and the one rounding.
//!
//! Numbers here are products of inputs whose widths are known, so that 128 bits hold them; where an operation is not
//! checked, its caller says why it fits.

/// `numerator / denominator` to the nearest whole number, from the middle away from zero.
///
/// `None` for a denominator that is not positive, and for a result beyond an `i64`.
pub(super) fn nearest(numerator: i128, denominator: i128) -> Option<i64> {
    let most = u128::try_from(denominator).ok().filter(|&it| it > 0)?;
    let (whole, rest) = divide(numerator.unsigned_abs(), most)?;
    // The rest is below the divisor, so the comparison by subtraction cannot run over.
    let up = u64::from(rest >= most.wrapping_sub(rest));
    let size = i64::try_from(whole.checked_add(up)?).ok()?;
    Some(if numerator < 0 { size.wrapping_neg() } else { size })
}

/// Quotient and rest, by shifts and subtractions; `None` where the quotient needs more than 64 bits.
///
/// A Cortex-M divides 128 bits by a routine of the compiler's that is larger than everything else here together;
/// this one takes 64 rounds, of which a sample has a thousand times as many to spare.
fn divide(numerator: u128, divisor: u128) -> Option<(u64, u128)> {
    let (mut quotient, mut rest) = (0_u64, numerator);
    if (numerator >> 64) >= divisor {
        return None;
    }
    for bit in (0..64_u32).rev() {
        // Compared from the other side, so that no bit of the divisor is shifted out.
        if (rest >> bit) >= divisor {
            rest = rest.wrapping_sub(divisor << bit);
            quotient |= 1 << bit;
        }
    }
    Some((quotient, rest))
}

/// The whole part of a quotient by a small number: microseconds to milliseconds, counts of a timer to microseconds.
///
/// Long division by digits of 16 bits, with the divisions of 32 bits a Cortex-M has; the compiler's own for 64 bits is
/// 900 bytes of code. A divisor of 0 counts as 1.
pub fn quotient(number: u64, divisor: u16) -> u64 {
    let divisor = u32::from(divisor.max(1));
    let mut rest = 0;
    [48, 32, 16, 0].into_iter().fold(0, |whole, shift| {
        // The rest is below the divisor, so both fit 16 bits.
        let part = rest << 16 | u32::try_from(number >> shift & 0xFFFF).unwrap_or_default();
        rest = part % divisor;
        whole << 16 | u64::from(part / divisor)
    })
}

/// A fraction with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) numerator: i128,
    pub(super) denominator: i128,
}

impl Fraction {
    /// A fraction of any denominator but 0.
    pub(super) fn new(numerator: i128, denominator: i128) -> Option<Self> {
        match denominator {
            0 => None,
            1.. => Some(Self { numerator, denominator }),
            // Products of the widths named where this is called: never the least number.
            _ => Some(Self { numerator: numerator.wrapping_neg(), denominator: denominator.wrapping_neg() }),
        }
    }

    /// The sum with a whole number.
    pub(super) fn plus(self, whole: i128) -> Option<Self> {
        let numerator = self.numerator.checked_add(self.denominator.checked_mul(whole)?)?;
        Some(Self { numerator, ..self })
    }

    /// How many times `step / parts` it is, to the nearest; `None` beyond an `i64`.
    pub(super) fn in_steps(self, step: u32, parts: u32) -> Option<i64> {
        nearest(self.numerator.checked_mul(i128::from(parts))?, self.denominator.checked_mul(i128::from(step))?)
    }
}

/// Whether the arithmetic of the inputs gives known answers, for the self-test.
pub(crate) fn known_answer() -> bool {
    // 2^100 / 3^40 = 104 267 600 099.48, a half both ways, and a quotient that needs all bits.
    nearest(1 << 100, 12_157_665_459_056_928_801) == Some(104_267_600_099)
        && nearest(-5, 2) == Some(-3)
        && nearest(5, 2) == Some(3)
        && nearest(i128::from(i64::MAX), 1) == Some(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_answers_hold() {
        assert!(known_answer());
        assert_eq!(nearest(1, 0), None);
        assert_eq!(nearest(1, -1), None);
        assert_eq!(nearest(i128::from(i64::MAX) + 1, 1), None);
        assert_eq!(nearest(i128::from(i64::MAX), 2), Some(1 << 62));
        assert_eq!(nearest(i128::MIN, 1), None);
        assert_eq!(nearest(i128::MAX, i128::MAX), Some(1));
    }

    proptest! {
        #[test]
        fn a_quotient_by_a_small_number_is_whole(number: u64, divisor in 1..=u16::MAX, shift in 0..64_u32) {
            prop_assert_eq!(quotient(number >> shift, divisor), (number >> shift) / u64::from(divisor));
        }

        #[test]
        fn nearest_is_nearest(numerator: i128, denominator in prop_oneof![1..i128::MAX, 1..100_000_i128, (1_i128 << 60)..(1 << 70)], shift in 0..127_u32) {
            let numerator = numerator >> shift;
            // The compiler's own division says whole and rest; the rest decides.
            let (whole, rest) = (numerator / denominator, (numerator % denominator).unsigned_abs());
            let away = u128::from(rest >= denominator.unsigned_abs() - rest);
            let expected = whole.unsigned_abs() + away;
            let expected = i64::try_from(expected).ok().map(|it| if numerator < 0 { -it } else { it });
            prop_assert_eq!(nearest(numerator, denominator), expected);
        }
    }
}
