//! Which units measure one quantity, and what lies between them.
//!
//! A limit is compared with a value only after an exact conversion, so a unit's size is a ratio of
//! integers. Nothing here joins two quantities: a dose equivalent (Sv) is not an air kerma (Gy), a count
//! is not a count rate, and degrees Celsius differ from kelvin by more than a factor.

use tidewaiter_drivers::{Decimal, Unit};

/// Quantities of which more than one unit is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Mass,
    AirKermaRate,
    DoseEquivalentRate,
    DoseEquivalent,
    ExposureRate,
    CountRate,
    Speed,
    Force,
    Length,
    Time,
    Fraction,
    SpecificActivity,
    MassConcentration,
    Pressure,
    Voltage,
    RollingResistance,
    FibreStrength,
}

/// The unit's quantity and its size as a ratio to the smallest convenient unit of that quantity.
const fn size(unit: Unit) -> Option<(Quantity, i64, i64)> {
    Some(match unit {
        Unit::Microgram => (Quantity::Mass, 1, 1),
        Unit::Milligram => (Quantity::Mass, 1_000, 1),
        Unit::Gram => (Quantity::Mass, 1_000_000, 1),
        Unit::Kilogram => (Quantity::Mass, 1_000_000_000, 1),
        Unit::Tonne => (Quantity::Mass, 1_000_000_000_000, 1),
        // The international pound is 0.45359237 kg, an ounce its sixteenth.
        Unit::Pound => (Quantity::Mass, 453_592_370, 1),
        Unit::Ounce => (Quantity::Mass, 28_349_523_125, 1_000),
        Unit::NanograyPerHour => (Quantity::AirKermaRate, 1, 1),
        Unit::MicrograyPerHour => (Quantity::AirKermaRate, 1_000, 1),
        Unit::NanosievertPerHour => (Quantity::DoseEquivalentRate, 1, 1),
        Unit::MicrosievertPerHour => (Quantity::DoseEquivalentRate, 1_000, 1),
        Unit::MillisievertPerHour => (Quantity::DoseEquivalentRate, 1_000_000, 1),
        // 1 rem is 0.01 Sv.
        Unit::MilliremPerHour => (Quantity::DoseEquivalentRate, 10_000, 1),
        Unit::Microsievert => (Quantity::DoseEquivalent, 1, 1),
        Unit::Millirem => (Quantity::DoseEquivalent, 10, 1),
        Unit::MicroroentgenPerHour => (Quantity::ExposureRate, 1, 1),
        Unit::MilliroentgenPerHour => (Quantity::ExposureRate, 1_000, 1),
        Unit::PerMinute => (Quantity::CountRate, 1, 1),
        Unit::PerSecond => (Quantity::CountRate, 60, 1),
        // 1 km/h is 5/18 m/s.
        Unit::KilometrePerHour => (Quantity::Speed, 5, 18),
        Unit::MetrePerSecond => (Quantity::Speed, 1, 1),
        Unit::Newton => (Quantity::Force, 1, 1),
        Unit::Kilonewton => (Quantity::Force, 1_000, 1),
        Unit::Nanometre => (Quantity::Length, 1, 1),
        Unit::Micrometre => (Quantity::Length, 1_000, 1),
        Unit::Millimetre => (Quantity::Length, 1_000_000, 1),
        Unit::Inch => (Quantity::Length, 25_400_000, 1),
        Unit::Metre => (Quantity::Length, 1_000_000_000, 1),
        Unit::Kilometre => (Quantity::Length, 1_000_000_000_000, 1),
        Unit::Microsecond => (Quantity::Time, 1, 1),
        Unit::Millisecond => (Quantity::Time, 1_000, 1),
        Unit::Second => (Quantity::Time, 1_000_000, 1),
        Unit::Minute => (Quantity::Time, 60_000_000, 1),
        Unit::Hour => (Quantity::Time, 3_600_000_000, 1),
        Unit::MilligramPerKilogram | Unit::MicrogramPerGram => (Quantity::Fraction, 1, 1),
        Unit::GramPerKilogram => (Quantity::Fraction, 1_000, 1),
        Unit::Percent => (Quantity::Fraction, 10_000, 1),
        Unit::One => (Quantity::Fraction, 1_000_000, 1),
        Unit::BecquerelPerKilogram => (Quantity::SpecificActivity, 1, 1),
        Unit::BecquerelPerGram => (Quantity::SpecificActivity, 1_000, 1),
        Unit::MilligramPerLitre => (Quantity::MassConcentration, 1, 1),
        Unit::KilogramPerCubicMetre => (Quantity::MassConcentration, 1_000, 1),
        Unit::GramPerCubicCentimetre => (Quantity::MassConcentration, 1_000_000, 1),
        Unit::Hectopascal => (Quantity::Pressure, 1, 1),
        Unit::Kilopascal => (Quantity::Pressure, 10, 1),
        Unit::Megapascal => (Quantity::Pressure, 10_000, 1),
        Unit::Millivolt => (Quantity::Voltage, 1, 1),
        Unit::Volt => (Quantity::Voltage, 1_000, 1),
        // Both are the thousandth part of the load, once in newtons and once in kilograms-force.
        Unit::NewtonPerKilonewton | Unit::KilogramPerTonne => (Quantity::RollingResistance, 1, 1),
        // 1 gf is 0.980665 cN.
        Unit::CentinewtonPerTex => (Quantity::FibreStrength, 1_000_000, 1),
        Unit::GramForcePerTex => (Quantity::FibreStrength, 980_665, 1),
        _ => return None,
    })
}

const fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// What a number in `from` is multiplied with and divided by to be a number in `to`, in lowest terms.
///
/// `None` when they are not units of one quantity. A unit converts to itself, whatever its quantity.
///
/// # Examples
///
/// ```
/// use tidewaiter_config::limits::ratio;
/// use tidewaiter_drivers::Unit;
/// assert_eq!(ratio(Unit::Percent, Unit::MilligramPerKilogram), Some((10_000, 1)));
/// assert_eq!(ratio(Unit::MetrePerSecond, Unit::KilometrePerHour), Some((18, 5)));
/// assert_eq!(ratio(Unit::MicrosievertPerHour, Unit::MicrograyPerHour), None);
/// ```
pub fn ratio(from: Unit, to: Unit) -> Option<(i64, i64)> {
    if from == to {
        return Some((1, 1));
    }
    let (quantity, numerator, denominator) = size(from)?;
    let (other, to_numerator, to_denominator) = size(to)?;
    if quantity != other {
        return None;
    }
    // Common factors go first: an ounce and a tonne are far apart.
    let (first, second) =
        (greatest_common_divisor(numerator, to_numerator), greatest_common_divisor(to_denominator, denominator));
    let multiply = numerator.checked_div(first)?.checked_mul(to_denominator.checked_div(second)?)?;
    let divide = denominator.checked_div(second)?.checked_mul(to_numerator.checked_div(first)?)?;
    let common = greatest_common_divisor(multiply, divide);
    Some((multiply.checked_div(common)?, divide.checked_div(common)?))
}

/// Whether a number in this unit is referred to a mass of the sample, which moisture is part of or not.
pub(super) fn has_basis(unit: Unit) -> bool {
    unit == Unit::MegajoulePerKilogram
        || matches!(size(unit), Some((Quantity::Fraction | Quantity::SpecificActivity, ..)))
}

/// Whether it is a unit of mass.
pub(super) fn is_mass(unit: Unit) -> bool {
    matches!(size(unit), Some((Quantity::Mass, ..)))
}

/// Whether two values in this unit may be added up: scales with a zero of their own, logarithms and ranks do not.
pub(super) fn is_additive(unit: Unit) -> bool {
    !matches!(unit, Unit::PH | Unit::Celsius | Unit::Kelvin | Unit::FastnessGrade | Unit::Sigma | Unit::Degree)
}

/// Whether `value` is a whole number of `step`.
pub(super) fn is_multiple(value: Decimal, step: Decimal) -> bool {
    let places = value.places().max(step.places());
    let widen = |it: Decimal| i128::from(it.digits()) * 10_i128.pow(u32::from(places - it.places()));
    widen(step) != 0 && widen(value) % widen(step) == 0
}
