//! From physics to digits and back: the only place where a real number becomes an integer.

use tidewaiter_drivers::Decimal;

/// An integer as a real number; exact below 2⁵³, which no mass, count or millisecond here reaches.
#[expect(clippy::cast_precision_loss, reason = "values stay far below 2^53")]
pub(crate) const fn real(value: i64) -> f64 {
    value as f64
}

/// The nearest integer, ties away from zero; what is not a number becomes 0.
#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and physics stays far below the ends")]
pub(crate) fn nearest(value: f64) -> i64 {
    value.round() as i64
}

/// The greatest integer not above `value`.
pub(crate) fn below(value: f64) -> i64 {
    nearest(value.floor())
}

/// The nearest count, `0..=999 999`: what six digits of a line can say.
pub(crate) fn count(value: i64) -> u32 {
    u32::try_from(value.clamp(0, 999_999)).unwrap_or(0)
}

/// `value` displayed with `places` places.
pub(crate) fn displayed(value: f64, places: u8) -> Decimal {
    let scale = 10_f64.powi(i32::from(places));
    Decimal::new(nearest(value * scale), places).unwrap_or(Decimal::ZERO)
}

/// `value` displayed in steps of `interval`, with the interval's places.
pub(crate) fn in_steps(value: f64, interval: Decimal) -> Decimal {
    let step = as_real(interval);
    Decimal::new(nearest(value / step).saturating_mul(interval.digits()), interval.places()).unwrap_or(Decimal::ZERO)
}

/// A decimal as a real number, for physics only.
pub(crate) fn as_real(value: Decimal) -> f64 {
    real(value.digits()) / 10_f64.powi(i32::from(value.places()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn steps_and_places_are_those_of_the_display() {
        assert_eq!(in_steps(38_649.0, Decimal::whole(20)).to_string(), "38640");
        assert_eq!(in_steps(38.651, "0.02".parse().unwrap()).to_string(), "38.66");
        assert_eq!(displayed(7.004, 2).to_string(), "7.00");
        assert_eq!(nearest(-0.5), -1);
        assert_eq!(below(-0.5), -1);
        assert_eq!(count(-3), 0);
    }
}
