//! Exact conversion between units of one quantity.
//!
//! A conversion is a ratio of integers. Where dividing does not end within 18 places (90 s in hours
//! is 0.025, 100 s is not) there is no result, and the row that needed it cannot be judged. Nothing
//! here converts between quantities: a dose equivalent (Sv) is not an air kerma (Gy), and a count is
//! not a count rate.

use tidewaiter_config::limits::ratio;
use tidewaiter_drivers::{Decimal, Unit, decimal::MAX_PLACES};

/// How to turn a number in one unit into a number in another: times `multiply`, divided by `divide`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    from: Unit,
    to: Unit,
    multiply: i64,
    divide: i64,
}

impl Conversion {
    /// The conversion of a number in `from` to a number in `to`; `None` when they are not units of
    /// one quantity. A unit converts to itself, whatever its quantity.
    pub fn between(from: Unit, to: Unit) -> Option<Self> {
        let (multiply, divide) = ratio(from, to)?;
        Some(Self { from, to, multiply, divide })
    }

    /// Whether the number stays as it is.
    pub const fn is_identity(self) -> bool {
        self.multiply == self.divide
    }

    /// Applies the conversion exactly; `None` when the result does not end or does not fit.
    ///
    /// A power of ten moves the point and keeps the digits shown.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidewaiter_drivers::Unit;
    /// use tidewaiter_screening::conversion::Conversion;
    /// let tonnes = Conversion::between(Unit::Tonne, Unit::Kilogram).unwrap();
    /// assert_eq!(tonnes.apply("43.02".parse().unwrap()).unwrap().to_string(), "43020");
    /// let speed = Conversion::between(Unit::MetrePerSecond, Unit::KilometrePerHour).unwrap();
    /// assert_eq!(speed.apply("2.5".parse().unwrap()).unwrap().to_string(), "9.0");
    /// ```
    pub fn apply(self, value: Decimal) -> Option<Decimal> {
        if self.divide == 1
            && let Some(power) = power_of_ten(self.multiply)
        {
            return value.scaled(power);
        }
        if self.multiply == 1
            && let Some(power) = power_of_ten(self.divide)
        {
            return value.scaled(power.checked_neg()?);
        }
        let product = i128::from(value.digits()).checked_mul(i128::from(self.multiply))?;
        let divide = i128::from(self.divide);
        // The fewest further places at which the division ends.
        for extra in 0..=MAX_PLACES - value.places() {
            let widened = product.checked_mul(10_i128.checked_pow(u32::from(extra))?)?;
            if widened % divide == 0 {
                return Decimal::new(i64::try_from(widened / divide).ok()?, value.places() + extra);
            }
        }
        None
    }

    /// The unit converted from and the unit converted to.
    pub const fn units(self) -> (Unit, Unit) {
        (self.from, self.to)
    }

    /// What is done to the number: `x1000`, `/1000`, `x5/18`.
    pub fn factor(self) -> String {
        match (self.multiply, self.divide) {
            (multiply, 1) => format!("x{multiply}"),
            (1, divide) => format!("/{divide}"),
            (multiply, divide) => format!("x{multiply}/{divide}"),
        }
    }

    /// As a finding's rule shows it: `kg from t x1000`, `m/s from km/h x5/18`.
    pub fn text(self) -> String {
        format!("{} from {} {}", self.to, self.from, self.factor())
    }
}

fn power_of_ten(factor: i64) -> Option<i8> {
    (0..=18_i8).find(|&power| 10_i64.checked_pow(u32::from(power.unsigned_abs())) == Some(factor))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn converts_exactly_and_says_how() {
        let check = |value: &str, from: Unit, to: Unit, expected: &str, text: &str| {
            let conversion = Conversion::between(from, to).unwrap();
            assert_eq!(
                conversion.apply(value.parse().unwrap()).unwrap().to_string(),
                expected,
                "{value} {from} in {to}"
            );
            assert_eq!(conversion.text(), text);
        };
        check("43.02", Unit::Tonne, Unit::Kilogram, "43020", "kg from t x1000");
        check("43020", Unit::Kilogram, Unit::Tonne, "43.020", "t from kg /1000");
        check("12.5", Unit::Gram, Unit::Tonne, "0.0000125", "t from g /1000000");
        check("371", Unit::NanograyPerHour, Unit::MicrograyPerHour, "0.371", "uGy/h from nGy/h /1000");
        check("0.25", Unit::MicrograyPerHour, Unit::NanograyPerHour, "250", "nGy/h from uGy/h x1000");
        check("1600", Unit::Millimetre, Unit::Metre, "1.600", "m from mm /1000");
        check("2.2", Unit::MetrePerSecond, Unit::KilometrePerHour, "7.92", "km/h from m/s x18/5");
        check("9.0", Unit::KilometrePerHour, Unit::MetrePerSecond, "2.5", "m/s from km/h x5/18");
        check("1.5", Unit::Hour, Unit::Second, "5400.0", "s from h x3600");
        check("90", Unit::Second, Unit::Hour, "0.025", "h from s /3600");
        check("0.50", Unit::Percent, Unit::MilligramPerKilogram, "5000", "mg/kg from % x10000");
        check("0.3", Unit::BecquerelPerGram, Unit::BecquerelPerKilogram, "300", "Bq/kg from Bq/g x1000");
        check("5.1450", Unit::Kilonewton, Unit::Newton, "5145.0", "N from kN x1000");
    }

    #[test]
    fn refuses_what_does_not_end_or_does_not_fit() {
        let apply = |value: &str, from, to| Conversion::between(from, to).unwrap().apply(value.parse().unwrap());
        assert_eq!(apply("8", Unit::KilometrePerHour, Unit::MetrePerSecond), None);
        assert_eq!(apply("100", Unit::Second, Unit::Hour), None);
        assert_eq!(apply("9223372036854775807", Unit::Tonne, Unit::Gram), None);
        assert_eq!(apply("0.000000000000000001", Unit::Gram, Unit::Kilogram), None);
    }

    #[test]
    fn never_crosses_quantities() {
        for (from, to) in [
            (Unit::MicrosievertPerHour, Unit::MicrograyPerHour),
            (Unit::Count, Unit::PerSecond),
            (Unit::Kilogram, Unit::Newton),
            (Unit::BecquerelPerSquareCentimetre, Unit::BecquerelPerGram),
            (Unit::NewtonPerKilonewton, Unit::One),
        ] {
            assert_eq!(Conversion::between(from, to), None, "{from} {to}");
        }
    }

    proptest! {
        /// Any two convertible units: there and back gives the value again, where both ways end.
        #[test]
        fn there_and_back(digits in -1_000_000_i64..1_000_000, places in 0_u8..5, a in 0..Unit::ALL.len(), b in 0..Unit::ALL.len()) {
            let (from, to) = (*Unit::ALL.get(a).unwrap(), *Unit::ALL.get(b).unwrap());
            let value = Decimal::new(digits, places).unwrap();
            if let (Some(there), Some(back)) = (Conversion::between(from, to), Conversion::between(to, from))
                && let Some(converted) = there.apply(value)
                && let Some(returned) = back.apply(converted)
            {
                prop_assert!(returned.cmp_value(value).is_eq(), "{} {} {}", value, from, to);
            }
        }
    }
}
