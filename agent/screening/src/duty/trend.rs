//! What results in a row say: runs, and the rate of those that do not conform with its Wilson interval.
//!
//! The interval is never computed as fractions. A rate `r` lies below the lower bound exactly when
//!
//! ```text
//! k/n > r   and   (k - n r)² > z² n r (1 - r)          k of n do not conform
//! ```
//!
//! and above the upper bound with `k/n < r` in its place, because the Wilson interval is the set of rates that the
//! score test does not refuse. Both sides are whole numbers once `r` and `z` are.

use tidewaiter_drivers::Decimal;

/// Bounds are told as fractions with so many places.
const PLACES: u8 = 4;
const PARTS: u32 = 10_000;

/// How many results in a row, the newest last, are like `wanted`.
pub fn run(results: impl DoubleEndedIterator<Item = bool>, wanted: bool) -> u32 {
    u32::try_from(results.rev().take_while(|&it| it == wanted).count()).unwrap_or(u32::MAX)
}

/// Whether the whole Wilson interval of `k` out of `n` lies above `rate`, in per cent, at the quantile `z`.
///
/// `None` when the numbers do not fit exact arithmetic or make no sense.
pub fn lies_above(k: u32, n: u32, rate: Decimal, z: Decimal) -> Option<bool> {
    let scale = 10_u32.checked_pow(u32::from(rate.places()))?.checked_mul(100)?;
    let parts = u32::try_from(rate.digits()).ok()?;
    Some(side(k, n, parts, scale, z)? == Side::Below)
}

/// The Wilson interval of `k` out of `n` at the quantile `z`, as fractions with four places, rounded outward.
///
/// `None` without results, or when the numbers do not fit exact arithmetic.
pub fn interval(k: u32, n: u32, z: Decimal) -> Option<(Decimal, Decimal)> {
    if n == 0 || k > n {
        return None;
    }
    // The sides run Below, Inside, Above as the rate rises, so both ends are found by halving.
    side(k, n, 0, PARTS, z)?;
    let boundary = |beyond: &dyn Fn(Side) -> bool| -> Option<u32> {
        let (mut low, mut high) = (0, PARTS + 1);
        while low < high {
            let middle = low.midpoint(high);
            if beyond(side(k, n, middle.min(PARTS), PARTS, z)?) { high = middle } else { low = middle + 1 }
        }
        Some(low)
    };
    let lower = boundary(&|side| side != Side::Below)?.saturating_sub(1);
    let upper = boundary(&|side| side == Side::Above)?.min(PARTS);
    let fraction = |parts: u32| Decimal::new(i64::from(parts), PLACES);
    Some((fraction(lower)?, fraction(upper)?))
}

/// Where a rate lies as seen from the interval.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Below,
    Inside,
    Above,
}

/// Where `parts/scale` lies.
fn side(k: u32, n: u32, parts: u32, scale: u32, z: Decimal) -> Option<Side> {
    if n == 0 || k > n || parts > scale {
        return None;
    }
    let [k, n, parts, scale] = [k, n, parts, scale].map(i128::from);
    // (k s - n p)² 10^2d > Z² n p (s - p), with z = Z / 10^d and the rate p / s.
    let difference = k.checked_mul(scale)?.checked_sub(n.checked_mul(parts)?)?;
    let unit = 10_i128.checked_pow(2 * u32::from(z.places()))?;
    let left = difference.checked_mul(difference)?.checked_mul(unit)?;
    let z = i128::from(z.digits());
    let right = z.checked_mul(z)?.checked_mul(n)?.checked_mul(parts)?.checked_mul(scale - parts)?;
    Some(match difference.signum() {
        1 if left > right => Side::Below,
        -1 if left > right => Side::Above,
        _ => Side::Inside,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        // Computed apart, from the closed form with the square root, and rounded outward.
        let rows = [
            (0, 10, "1.96", "0.0000", "0.2776"),
            (1, 10, "1.96", "0.0178", "0.4042"),
            (10, 10, "1.96", "0.7224", "1.0000"),
            (5, 10, "1.96", "0.2365", "0.7635"),
            (10, 100, "1.96", "0.0552", "0.1744"),
            (81, 263, "1.959964", "0.2552", "0.3663"),
            (3, 20, "1.6449", "0.0615", "0.3219"),
            (1, 1, "1.96", "0.2065", "1.0000"),
        ];
        for (k, n, z, low, high) in rows {
            let (lower, upper) = interval(k, n, decimal(z)).unwrap();
            assert_eq!((lower.to_string().as_str(), upper.to_string().as_str()), (low, high), "{k} of {n}");
        }
        assert_eq!(interval(0, 0, decimal("1.96")), None);
        assert_eq!(interval(2, 1, decimal("1.96")), None);
    }

    #[test]
    fn a_rate_is_exceeded_only_by_the_whole_interval() {
        // The lower bound of 10 of 100 is 0.05522…
        for (rate, expected) in
            [("5", true), ("5.52", true), ("5.53", false), ("10", false), ("17.5", false), ("0", true)]
        {
            assert_eq!(lies_above(10, 100, decimal(rate), decimal("1.96")), Some(expected), "{rate}");
        }
        assert_eq!(lies_above(0, 100, decimal("0"), decimal("1.96")), Some(false));
        assert_eq!(lies_above(1, 100, decimal("101"), decimal("1.96")), None);
    }

    #[test]
    fn runs_count_from_the_newest() {
        let check = |results: &[bool], wanted, expected| assert_eq!(run(results.iter().copied(), wanted), expected);
        check(&[], true, 0);
        check(&[true, false, true, true], true, 2);
        check(&[true, false, true, true], false, 0);
        check(&[false, false], false, 2);
    }
}
