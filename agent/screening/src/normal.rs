//! Probability of conformity (JCGM 106:2012, 7) in whole numbers, so that every machine finds the same digits.
//!
//! For a normal distribution about the value with standard uncertainty `u = U / 2` the probability that
//! the true value lies on the allowed side of a limit is `Φ(margin / u)`, the margin being how far inside
//! the value is. Φ is summed from its power series in units of 10^-15:
//!
//! ```text
//! Φ(z) = 1/2 + (z − z³/(2·3) + z⁵/(2²·2!·5) − …) / √(2π)
//! ```

use tidewaiter_drivers::Decimal;

use crate::{exact::Exact, spread::Spread};

/// One, in the units calculated with.
const ONE: i128 = 1_000_000_000_000_000;
/// 1/√(2π) in those units.
const INVERSE_ROOT_TWO_PI: i128 = 398_942_280_401_433;
/// Beyond five standard uncertainties four places show 0 or 1, and within them the terms below fit.
const FARTHEST: i128 = 5 * ONE;
/// Places of a probability.
const PLACES: u8 = 4;

/// The probability that the true value keeps all `margins`, each the distance inside one end of what is allowed.
///
/// `None` where nothing is uncertain, or the numbers do not fit.
pub(crate) fn conformity(margins: &[Exact], spread: &Spread) -> Option<Decimal> {
    let mut probability = ONE;
    for margin in margins {
        probability = probability.checked_sub(ONE)?.checked_add(phi(standard(*margin, spread)?)?)?;
    }
    Exact::ratio(probability.max(0), ONE)?.rounded(Decimal::new(1, PLACES)?)
}

/// The margin in standard uncertainties, in units of [`ONE`], held within ±[`FARTHEST`].
fn standard(margin: Exact, spread: &Spread) -> Option<i128> {
    // u = U/2, so z = 2 margin / U, and z² = 4 margin² / U².
    let z = match spread {
        Spread::Plain(expanded) => margin.mul(Exact::whole(2))?.div(*expanded)?.abs().scaled_floor(ONE),
        Spread::Root(square) => margin
            .squared()?
            .mul(Exact::whole(4))?
            .div(*square)?
            // A root needs twice the digits; ten of them are plenty for four places.
            .scaled_floor(ROOT * ROOT)
            .and_then(i128::checked_isqrt)
            .map(|root| root.saturating_mul(ONE / ROOT)),
    };
    z.unwrap_or(FARTHEST).min(FARTHEST).checked_mul(margin.signum())
}

/// One, in the units a root is drawn in.
const ROOT: i128 = 10_000_000_000;

/// Φ(z) for |z| up to [`FARTHEST`], both in units of [`ONE`].
fn phi(z: i128) -> Option<i128> {
    let square = z.checked_mul(z)?.checked_div(ONE)?;
    let (mut power, mut sum, mut n) = (z, 0_i128, 0_i128);
    // power is z^(2n+1) / (2^n n!), with its sign.
    while power != 0 {
        sum = sum.checked_add(power.checked_div(2 * n + 1)?)?;
        n += 1;
        power = power.checked_mul(square)?.checked_div(ONE)?.checked_div(2 * n)?.checked_neg()?;
    }
    (ONE / 2).checked_add(sum.checked_mul(INVERSE_ROOT_TWO_PI)?.checked_div(ONE)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn e(text: &str) -> Exact {
        Exact::of(text.parse().unwrap()).unwrap()
    }

    /// Upper limit 75 with U = 8, and the two-sided case of JCGM 106:2012, 7.4.
    #[test]
    fn probabilities_are_the_published_ones() {
        let below = |x: &str, expected: &str| {
            let margin = [e("75").sub(e(x)).unwrap()];
            for spread in [Spread::Plain(e("8")), Spread::Root(e("64"))] {
                assert_eq!(conformity(&margin, &spread).unwrap().to_string(), expected, "{x} {spread:?}");
            }
        };
        below("67", "0.9772");
        below("70", "0.8944");
        below("75", "0.5000");
        below("78", "0.2266");
        below("83", "0.0228");
        below("84", "0.0122");
        below("1000", "0.0000");
        below("-1000", "1.0000");
        let between = [e("16.3").sub(e("13.6")).unwrap(), e("13.6").sub(e("12.5")).unwrap()];
        assert_eq!(conformity(&between, &Spread::Plain(e("3.6"))).unwrap().to_string(), "0.6626");
        assert_eq!(conformity(&between, &Spread::Plain(Exact::ZERO)), None);
    }

    /// Percentage points of the standard normal distribution, as printed in tables.
    #[test]
    fn phi_at_its_percentage_points() {
        for (z, expected) in [
            ("1.6449", "0.9500"),
            ("1.9600", "0.9750"),
            ("2.3263", "0.9900"),
            ("3.0902", "0.9990"),
            ("-1.2816", "0.1000"),
        ] {
            let margin = e(z);
            assert_eq!(conformity(&[margin], &Spread::Plain(e("2"))).unwrap().to_string(), expected, "{z}");
        }
    }
}
