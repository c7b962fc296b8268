//! Tail probabilities: Gaussian beyond `k`, Poisson at `n` or more.

use core::cmp::Ordering;

use super::{Expected, MAX_POISSON_K, scaled::Scaled};
use crate::Decimal;

/// Depth of the continued fraction. From `k = 3` on, where it is used, 200 levels settle 64 bits.
const FRACTION_DEPTH: u128 = 200;

/// `k` from which the continued fraction is used instead of the series, in whole units.
const FRACTION_FROM: u128 = 3;

pub(super) fn exceeds(foreground: u64, expected: Expected, k: Decimal) -> bool {
    poisson_below(foreground, expected, gaussian(k))
}

/// The probability that a standard normal value exceeds `k`.
pub(super) fn gaussian(k: Decimal) -> Scaled {
    let limit = Decimal::whole(MAX_POISSON_K);
    let clamped = if k.abs().cmp_value(limit) == Ordering::Greater { limit } else { k.abs() };
    let numerator = u128::from(clamped.digits().unsigned_abs());
    let denominator = 10_u128.pow(u32::from(clamped.places()));
    let x = Scaled::ratio(numerator, denominator);
    let density = Scaled::INV_SQRT_2PI.over(exponential(x.times(x).times(Scaled::HALF)));
    let tail = if numerator >= FRACTION_FROM * denominator {
        density.over(fraction(x))
    } else {
        Scaled::HALF.minus(density.times(series(x)))
    };
    if k.digits() < 0 { Scaled::ONE.minus(tail) } else { tail }
}

/// `x + x³/3 + x⁵/(3·5) + …`, the integral from 0 to `x` divided by the density at `x`.
fn series(x: Scaled) -> Scaled {
    let square = x.times(x);
    let (mut sum, mut term) = (x, x);
    let mut odd = 1;
    while !term.is_negligible_beside(sum) {
        odd += 2;
        term = term.times(square).over(Scaled::whole(odd));
        sum = sum.plus(term);
    }
    sum
}

/// Laplace's continued fraction `x + 1/(x + 2/(x + 3/(x + …)))`, the density over the tail.
fn fraction(x: Scaled) -> Scaled {
    (1..=FRACTION_DEPTH).rev().fold(x, |below, level| x.plus(Scaled::whole(level).over(below)))
}

/// `e^x`, by its series: all terms are positive, so nothing cancels.
fn exponential(x: Scaled) -> Scaled {
    let (mut sum, mut term) = (Scaled::ONE, Scaled::ONE);
    let mut n = 0;
    while !term.is_negligible_beside(sum) {
        n += 1;
        term = term.times(x).over(Scaled::whole(n));
        sum = sum.plus(term);
    }
    sum
}

/// Whether `P(X ≥ n)` is below `alpha` for a Poisson `X` with this mean.
///
/// Walks the terms `mean^j / j!` up to `n`. Past twice the mean the whole tail from `j` on is less than
/// two of its first term, so an absurdly large `n` ends early.
fn poisson_below(n: u64, mean: Expected, alpha: Scaled) -> bool {
    let mean_ratio = Scaled::ratio(mean.counts, mean.per);
    let bound = alpha.times(exponential(mean_ratio));
    let mut term = Scaled::ONE;
    let mut at: u64 = 0;
    while at < n {
        at += 1;
        term = term.times(mean_ratio).over(Scaled::whole(u128::from(at)));
        let past_twice = u128::from(at) * mean.per > 2 * mean.counts;
        if past_twice && term.plus(term).cmp(bound) == Ordering::Less {
            return true;
        }
    }
    tail_sum(term, at, mean_ratio, mean).cmp(bound) == Ordering::Less
}

/// The sum of the terms from the one at `at` on.
fn tail_sum(first: Scaled, at: u64, mean_ratio: Scaled, mean: Expected) -> Scaled {
    let (mut sum, mut term, mut at) = (first, first, at);
    loop {
        let falling = u128::from(at) * mean.per > mean.counts;
        if falling && term.is_negligible_beside(sum) {
            return sum;
        }
        at += 1;
        term = term.times(mean_ratio).over(Scaled::whole(u128::from(at)));
        sum = sum.plus(term);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `P(X ≥ n)` for a Poisson mean.
    pub(in super::super) fn poisson(n: u64, mean: u64) -> Scaled {
        let mean = Expected::whole(mean);
        let ratio = Scaled::ratio(mean.counts, mean.per);
        let first = (1..=n).fold(Scaled::ONE, |term, j| term.times(ratio).over(Scaled::whole(u128::from(j))));
        tail_sum(first, n, ratio, mean).over(exponential(ratio))
    }
}
