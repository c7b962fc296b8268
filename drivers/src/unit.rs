//! The closed set of units, each with its UCUM code.
//!
//! UCUM (Unified Code for Units of Measure, case-sensitive form) is what stands in records, limit
//! tables and configuration, so that a central system needs no list of ours to read a unit.

use core::{fmt, str::FromStr};

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// A unit of measure, one spelling each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Unit { $($(#[$doc])* $name,)* }

        impl Unit {
            /// Every unit, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The UCUM code, case-sensitive form.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

units! {
    /// A pure number.
    One = "1",
    /// Per cent.
    Percent = "%",
    /// Kilogram.
    Kilogram = "kg",
    /// Tonne.
    Tonne = "t",
    /// Gram.
    Gram = "g",
    /// Milligram per kilogram.
    MilligramPerKilogram = "mg/kg",
    /// Air dose rate (kerma), microgray per hour.
    MicrograyPerHour = "uGy/h",
    /// Air dose rate (kerma), nanogray per hour.
    NanograyPerHour = "nGy/h",
    /// Ambient dose-equivalent rate, microsievert per hour.
    MicrosievertPerHour = "uSv/h",
    /// Counts of a detector, no time base.
    Count = "{count}",
    /// Counts per second.
    PerSecond = "/s",
    /// Multiples of the standard deviation of the background.
    Sigma = "{sigma}",
    /// Acidity.
    PH = "[pH]",
    /// Degree Celsius.
    Celsius = "Cel",
    /// Millivolt.
    Millivolt = "mV",
    /// Kilometre per hour.
    KilometrePerHour = "km/h",
    /// Metre per second.
    MetrePerSecond = "m/s",
    /// Newton.
    Newton = "N",
    /// Kilonewton.
    Kilonewton = "kN",
    /// Newton per kilonewton (rolling resistance coefficient).
    NewtonPerKilonewton = "N/kN",
    /// Kilopascal.
    Kilopascal = "kPa",
    /// Millimetre.
    Millimetre = "mm",
    /// Metre.
    Metre = "m",
    /// Kilometre.
    Kilometre = "km",
    /// Millisecond.
    Millisecond = "ms",
    /// Second.
    Second = "s",
    /// Minute.
    Minute = "min",
    /// Hour.
    Hour = "h",
    /// Colour fastness grade on the half-step grey scale 1 … 5 (ISO 105-A02/A03).
    FastnessGrade = "{grade}",
    /// Becquerel per gram.
    BecquerelPerGram = "Bq/g",
    /// Becquerel per kilogram.
    BecquerelPerKilogram = "Bq/kg",
    /// Becquerel per square centimetre.
    BecquerelPerSquareCentimetre = "Bq/cm2",
    /// Avoirdupois pound.
    Pound = "[lb_av]",
    /// Avoirdupois ounce.
    Ounce = "[oz_av]",
    /// Metric carat.
    Carat = "[car_m]",
    /// Milligram.
    Milligram = "mg",
    /// Microgram.
    Microgram = "ug",
    /// Troy ounce.
    TroyOunce = "[oz_tr]",
    /// Troy pennyweight.
    Pennyweight = "[pwt_tr]",
    /// Grain.
    Grain = "[gr]",
    /// Short ton of 2000 avoirdupois pounds.
    ShortTon = "[ston_av]",
    /// Ambient dose-equivalent rate, nanosievert per hour.
    NanosievertPerHour = "nSv/h",
    /// Ambient dose-equivalent rate, millisievert per hour.
    MillisievertPerHour = "mSv/h",
    /// Ambient dose equivalent, microsievert.
    Microsievert = "uSv",
    /// Dose-equivalent rate, millirem per hour, as older instruments display.
    MilliremPerHour = "mREM/h",
    /// Dose equivalent, millirem, as older instruments display.
    Millirem = "mREM",
    /// Exposure rate, microroentgen per hour, as older instruments display.
    MicroroentgenPerHour = "uR/h",
    /// Exposure rate, milliroentgen per hour, as older instruments display.
    MilliroentgenPerHour = "mR/h",
    /// Counts per minute.
    PerMinute = "/min",
    /// Becquerel.
    Becquerel = "Bq",
    /// Kiloelectronvolt.
    Kiloelectronvolt = "keV",
    /// Milligram per litre.
    MilligramPerLitre = "mg/L",
    /// Gram per cubic centimetre.
    GramPerCubicCentimetre = "g/cm3",
    /// Kilogram per cubic metre.
    KilogramPerCubicMetre = "kg/m3",
    /// Megajoule per kilogram (calorific value).
    MegajoulePerKilogram = "MJ/kg",
    /// Tonne per hour.
    TonnePerHour = "t/h",
    /// International inch.
    Inch = "[in_i]",
    /// Micrometre.
    Micrometre = "um",
    /// Nanometre.
    Nanometre = "nm",
    /// Centinewton per tex (fibre strength).
    CentinewtonPerTex = "cN/tex",
    /// Gram-force per tex (fibre strength as fibre testers show it).
    GramForcePerTex = "gf/tex",
    /// Decadic absorbance.
    Absorbance = "{absorbance}",
    /// Newton metre.
    NewtonMetre = "N.m",
    /// Revolutions per minute.
    RevolutionPerMinute = "{rev}/min",
    /// Revolutions.
    Revolution = "{rev}",
    /// Volt.
    Volt = "V",
    /// Milliampere.
    Milliampere = "mA",
    /// Kelvin.
    Kelvin = "K",
    /// Hectopascal.
    Hectopascal = "hPa",
    /// Megapascal.
    Megapascal = "MPa",
    /// Degree of angle.
    Degree = "deg",
    /// Microsecond.
    Microsecond = "us",
    /// Kilogram per tonne (rolling resistance coefficient of the EU label).
    KilogramPerTonne = "kg/t",
    /// Electrolytic conductivity, microsiemens per centimetre.
    MicrosiemensPerCentimetre = "uS/cm",
    /// Microgram per gram.
    MicrogramPerGram = "ug/g",
    /// Gram per kilogram.
    GramPerKilogram = "g/kg",
    /// Becquerel per litre.
    BecquerelPerLitre = "Bq/L",
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A text that is not a UCUM code of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a known UCUM unit code")]
pub struct UnknownUnit;

impl FromStr for Unit {
    type Err = UnknownUnit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|unit| unit.code() == text).ok_or(UnknownUnit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_is_unique() {
        for &unit in Unit::ALL {
            assert_eq!(unit.code().parse(), Ok(unit));
        }
        assert_eq!("KG".parse::<Unit>(), Err(UnknownUnit));
    }
}
