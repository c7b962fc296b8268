//! Fractions of whole numbers, and the one rounding.
//!
//! Numbers here are products of inputs whose widths are known, so that 128 bits hold them; no operation is checked, and
//! its caller says why it fits.

/// `numerator / denominator` to the nearest whole number, from the middle away from zero.
///
/// `None` for a denominator that is not positive, and for a result beyond an `i64`.
///
/// The quotient comes by shifts and subtractions: a Cortex-M divides 128 bits by a routine of the compiler's that is
/// larger than everything else here together. This one takes 128 rounds, of which a sample has hundreds of times as many
/// to spare.
#[inline(never)]
pub(super) fn nearest(numerator: i128, denominator: i128) -> Option<i64> {
    if denominator <= 0 {
        return None;
    }
    let divisor = denominator.unsigned_abs();
    // Bits of the quotient come in from the right as those of the numerator leave to the left.
    let (mut bits, mut rest) = (numerator.unsigned_abs(), 0_u128);
    for _ in 0..128 {
        // The rest is below a divisor of 127 bits, so no bit of it is shifted out.
        rest = rest << 1 | bits >> 127;
        bits <<= 1;
        if rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            bits |= 1;
        }
    }
    // One more would not run over 128 bits: only a divisor of 1 gives as many, and leaves no rest.
    let size = bits.wrapping_add(u128::from(rest >= divisor.wrapping_sub(rest)));
    let size = i64::try_from(size).ok()?;
    Some(if numerator < 0 { size.wrapping_neg() } else { size })
}

/// The same for numbers of which neither is beyond 2^30, with the division a Cortex-M has.
pub(super) fn nearest_small(numerator: i32, denominator: i32) -> Option<i32> {
    if denominator <= 0 {
        return None;
    }
    let (size, divisor) = (numerator.unsigned_abs(), denominator.unsigned_abs());
    let size = size.wrapping_mul(2).wrapping_add(divisor).checked_div(divisor.wrapping_mul(2))?.cast_signed();
    Some(if numerator < 0 { size.wrapping_neg() } else { size })
}

/// A product of widths that fit, once for all.
#[inline(never)]
pub(super) fn times(a: i128, b: i64) -> i128 {
    a.wrapping_mul(i128::from(b))
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

/// A fraction with a positive denominator. Neither part is beyond 2^96.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) numerator: i128,
    pub(super) denominator: i128,
}

impl Fraction {
    /// The sum with a number of 16 bits.
    pub(super) fn plus(self, whole: i16) -> Self {
        Self { numerator: self.numerator.wrapping_add(times(self.denominator, i64::from(whole))), ..self }
    }

    /// How many times `step / parts` it is, to the nearest; parts of 8 bits. `None` for a step of 0, and beyond an `i64`.
    pub(super) fn in_steps(self, step: u32, parts: u8) -> Option<i64> {
        nearest(times(self.numerator, i64::from(parts)), times(self.denominator, i64::from(step)))
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

    #[test]
    fn small_numbers_give_what_all_give() {
        let rows =
            [(0, 1), (5, 2), (-5, 2), (7, 3), (-7, 3), (8, 3), (1, 1 << 30), (1 << 29, 1 << 30), (1 << 30, 1 << 30)];
        for (numerator, denominator) in rows.into_iter().chain([(1, 0), (1, -1), (-(1 << 30), 1)]) {
            let expected = nearest(numerator.into(), denominator.into()).map(|it| i32::try_from(it).unwrap());
            assert_eq!(nearest_small(numerator, denominator), expected, "{numerator} / {denominator}");
        }
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
