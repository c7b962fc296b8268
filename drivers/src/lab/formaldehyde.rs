//! From absorbance at 412 nm to the formaldehyde content of a textile, exactly.
//!
//! The acetylacetone method (GB/T 2912.1, ISO 14184-1): an extract of the sample and a blank are read in the
//! photometer; a straight line through standards turns absorbance into micrograms per millilitre; volume of the
//! extract and mass of the sample turn that into milligrams per kilogram.
//!
//! ```text
//! content = ((absorbance − blank − intercept) / slope) × volume / mass        mg/kg
//! ```

use crate::Decimal;

/// The wavelength of the method in nanometres.
pub const WAVELENGTH_NM: u16 = 412;

/// What is known about one determination besides its absorbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// Absorbance of the blank, the fabric extract without reagent included.
    pub blank: Decimal,
    /// Intercept of the calibration line, absorbance.
    pub intercept: Decimal,
    /// Slope of the calibration line, absorbance per microgram per millilitre.
    pub slope: Decimal,
    /// Volume of the extract in millilitres.
    pub volume_ml: Decimal,
    /// Mass of the sample in grams.
    pub mass_g: Decimal,
}

impl Preparation {
    /// The content in milligrams per kilogram, rounded half to even to `places` decimals.
    ///
    /// A negative content is returned as it comes out: that a small one is to be reported as not detected is a
    /// rule of the method, and a large one is a fault somebody must see. `None` when slope, volume or mass is not
    /// positive, or a number does not fit.
    pub fn content(&self, absorbance: Decimal, places: u8) -> Option<Decimal> {
        let positive = |value: Decimal| (value.digits() > 0).then_some(value);
        let net = absorbance.checked_sub(self.blank)?.checked_sub(self.intercept)?;
        let numerator = net.checked_mul(positive(self.volume_ml)?)?;
        let denominator = positive(self.slope)?.checked_mul(positive(self.mass_g)?)?;
        // digits(n)·10^-pn / (digits(d)·10^-pd) at `places`: one division of whole numbers.
        let shift = i32::from(denominator.places()) + i32::from(places) - i32::from(numerator.places());
        let power = 10_i128.checked_pow(shift.unsigned_abs())?;
        let (mut top, mut bottom) = (i128::from(numerator.digits()), i128::from(denominator.digits()));
        if shift >= 0 {
            top = top.checked_mul(power)?;
        } else {
            bottom = bottom.checked_mul(power)?;
        }
        let (whole, rest) = (top.div_euclid(bottom), top.rem_euclid(bottom));
        let up = match (2 * rest).cmp(&bottom) {
            core::cmp::Ordering::Less => false,
            core::cmp::Ordering::Equal => whole % 2 != 0,
            core::cmp::Ordering::Greater => true,
        };
        Decimal::new(i64::try_from(whole + i128::from(up)).ok()?, places)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use std::string::ToString;

    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// Expected values from rational arithmetic in another language.
    #[test]
    fn content_is_exact_and_rounded_once() {
        let check = |absorbance, slope, places, expected: &str| {
            let preparation = Preparation {
                blank: d("0.010"),
                intercept: d("0.002"),
                slope: d(slope),
                volume_ml: d("100.0"),
                mass_g: d("1.000"),
            };
            assert_eq!(preparation.content(d(absorbance), places).unwrap().to_string(), expected);
        };
        check("0.092", "0.400", 1, "20.0");
        check("0.312", "0.4000", 0, "75");
        check("0.345", "0.37", 1, "90.0");
        check("0.346", "0.37", 1, "90.3");
        check("0.012", "0.37", 1, "0.0");
        check("0.005", "0.37", 1, "-1.9");
        // 12.5 and 13.5 both lie half way.
        check("0.062", "0.4", 0, "12");
        check("0.066", "0.4", 0, "14");
    }

    #[test]
    fn impossible_preparations_give_nothing() {
        let good =
            Preparation { blank: d("0"), intercept: d("0"), slope: d("0.4"), volume_ml: d("100"), mass_g: d("1") };
        assert!(good.content(d("0.1"), 1).is_some());
        assert_eq!(Preparation { slope: d("0"), ..good }.content(d("0.1"), 1), None);
        assert_eq!(Preparation { mass_g: d("-1"), ..good }.content(d("0.1"), 1), None);
        assert_eq!(Preparation { volume_ml: d("0.0"), ..good }.content(d("0.1"), 1), None);
    }
}
