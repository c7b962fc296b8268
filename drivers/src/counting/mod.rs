//! Are there more counts than the background explains? Integers only.
//!
//! A recomputed alarm must come out the same on every machine, on the boundary too, so nothing here
//! uses floating point. Two rules:
//!
//! - `N` standard deviations: `foreground > background + k·√background`, decided exactly by comparing
//!   squares of whole numbers;
//! - below [`LOW_COUNT`] expected counts, where the square root misjudges the tail, the exact Poisson
//!   probability of so many counts or more against the one-sided Gaussian probability of `k`.

mod scaled;
mod tail;

use core::cmp::Ordering;

use crate::Decimal;

/// Expected counts below which the Poisson rule is used: at 25 and `k = 3` the Gaussian false-alarm
/// probability is already wrong by a factor of two and a half.
pub const LOW_COUNT: u64 = 25;

/// Expected counts from which [`poisson_exceeds`] falls back on the `k·σ` rule, which bounds its work.
pub const POISSON_LIMIT: u64 = 1_000;

/// Greatest `k` of the Poisson rule; a greater one is taken as this. The probability it stands for is
/// below 10^-500.
pub const MAX_POISSON_K: i64 = 50;

/// Most places a background may have here. A window of counts per second needs one.
pub const MAX_BACKGROUND_PLACES: u8 = 6;

/// Whether `foreground` exceeds `background` by the rule for its size; what an alarm asks.
///
/// The background is what the window would count without a source; it may have places, since a window
/// need not be a whole second. `None` when the background is negative, has more than
/// [`MAX_BACKGROUND_PLACES`], or the places of both numbers leave no room to compare exactly (never
/// for fewer than 2^44 counts).
pub fn exceeds(foreground: u64, background: Decimal, k: Decimal) -> Option<bool> {
    let expected = Expected::new(background)?;
    if expected.is_low() { Some(tail::exceeds(foreground, expected, k)) } else { expected.exceeded_by(foreground, k) }
}

/// Whether `foreground > background + k·√background`, exactly.
pub fn exceeds_sigma(foreground: u64, background: u64, k: Decimal) -> bool {
    // Whole counts always compare: 64 bits and 18 places of `k` stay below 128 bits.
    Expected::whole(background).exceeded_by(foreground, k).unwrap_or(foreground > background)
}

/// Whether so many counts or more are less probable, for a Poisson mean of `background`, than a
/// Gaussian value beyond `k` standard deviations.
///
/// `None` as for [`exceeds`].
pub fn poisson_exceeds(foreground: u64, background: Decimal, k: Decimal) -> Option<bool> {
    let expected = Expected::new(background)?;
    let within = expected.counts < u128::from(POISSON_LIMIT) * expected.per;
    if within { Some(tail::exceeds(foreground, expected, k)) } else { expected.exceeded_by(foreground, k) }
}

/// `(foreground − background) / √background` in thousandths, rounded to the nearest.
///
/// Without background it is 0 for no counts and `i64::MAX` for any.
pub fn sigma_milli(foreground: u64, background: u64) -> i64 {
    Expected::whole(background).sigma_milli(foreground)
}

/// [`sigma_milli`] for a background with places; `None` as for [`exceeds`].
pub fn sigma_milli_above(foreground: u64, background: Decimal) -> Option<i64> {
    Some(Expected::new(background)?.sigma_milli(foreground))
}

/// Expected counts, `counts / per`, `per` a power of ten of at most 10^[`MAX_BACKGROUND_PLACES`].
#[derive(Clone, Copy, Debug)]
struct Expected {
    counts: u128,
    per: u128,
}

impl Expected {
    const fn whole(counts: u64) -> Self {
        Self { counts: counts as u128, per: 1 }
    }

    fn new(background: Decimal) -> Option<Self> {
        let counts = u128::try_from(background.digits()).ok()?;
        let places = background.places();
        (places <= MAX_BACKGROUND_PLACES).then(|| Self { counts, per: 10_u128.pow(u32::from(places)) })
    }

    const fn is_low(self) -> bool {
        self.counts < LOW_COUNT as u128 * self.per
    }

    /// Distance of the foreground in units of `1 / per`, and on which side it lies. Below 2^84.
    fn distance(self, foreground: u64) -> (Ordering, u128) {
        let foreground = u128::from(foreground) * self.per;
        (foreground.cmp(&self.counts), foreground.abs_diff(self.counts))
    }

    /// `foreground − b > k·√b`. With `b = counts/per`, `k = κ/ten` and the distance `δ/per`, squaring
    /// gives `(δ·ten)² > κ²·counts·per`, in 256 bits.
    fn exceeded_by(self, foreground: u64, k: Decimal) -> Option<bool> {
        let (side, distance) = self.distance(foreground);
        let k = without_trailing_zeros(k);
        let ten = 10_u128.pow(u32::from(k.places()));
        let kappa = u128::from(k.digits().unsigned_abs());
        let square = wide_square(distance.checked_mul(ten)?);
        let against_sigmas = square.cmp(&wide_product(kappa * kappa, self.counts.checked_mul(self.per)?));
        Some(match (side, k.digits() < 0) {
            (Ordering::Greater, false) => against_sigmas == Ordering::Greater,
            (Ordering::Greater, true) => true,
            (Ordering::Equal | Ordering::Less, negative) => negative && against_sigmas == Ordering::Less,
        })
    }

    /// Rounded `1000·δ/√(counts·per)`: the square root of four times its square, then halved.
    fn sigma_milli(self, foreground: u64) -> i64 {
        let (side, distance) = self.distance(foreground);
        let radicand = self.counts.saturating_mul(self.per);
        if side == Ordering::Equal {
            return 0;
        }
        if radicand == 0 {
            return i64::MAX;
        }
        let square = distance.checked_mul(distance);
        let twice = match square.and_then(|it| it.checked_mul(4_000_000)) {
            Some(scaled) => (scaled / radicand).isqrt(),
            // So far away that the rounding of thousandths is lost in the counting error.
            None => square.map_or(u128::MAX, |it| (it / radicand).isqrt().saturating_mul(2_000)),
        };
        let magnitude = i64::try_from(twice / 2 + twice % 2).unwrap_or(i64::MAX);
        if side == Ordering::Less { -magnitude } else { magnitude }
    }
}

fn without_trailing_zeros(value: Decimal) -> Decimal {
    let mut value = value;
    while let Some(shorter) = value.places().checked_sub(1).and_then(|places| value.at_places(places)) {
        value = shorter;
    }
    value
}

/// A 256-bit number, most significant half first.
type Wide = (u128, u128);

fn wide_square(factor: u128) -> Wide {
    wide_product(factor, factor)
}

/// The exact product of two 128-bit numbers, by halves as on paper.
fn wide_product(a: u128, b: u128) -> Wide {
    const HALF: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & HALF, b >> 64, b & HALF);
    let low = a_low * b_low;
    let cross = a_high * b_low + (low >> 64);
    let cross_low = (cross & HALF) + a_low * b_high;
    let high = a_high * b_high + (cross >> 64) + (cross_low >> 64);
    (high, (cross_low << 64) | (low & HALF))
}

#[cfg(test)]
mod tests;
