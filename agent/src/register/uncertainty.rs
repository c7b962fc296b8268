//! The expanded uncertainty of one value, from what the register states.

use tidewaiter_config::site::{Expanded, Measurand, Register as Entry};
use tidewaiter_drivers::{Decimal, Unit};
use tidewaiter_screening::conversion::Conversion;

/// Channels that give the parameters a procedure names otherwise.
const NAMED_OTHERWISE: [(&str, &[&str]); 1] = [("gross-mass", &["mass", "gross"])];

/// What is stated for a parameter: by its own name first, then by the channel it comes from.
pub(super) fn stated(entry: &Entry, parameter: &str, channel: Option<&str>) -> Option<Expanded> {
    let by_name =
        |it: &&tidewaiter_config::site::Uncertainty| matches!(&it.of, Measurand::Parameter(name) if name == parameter);
    let by_channel = |it: &&tidewaiter_config::site::Uncertainty| matches!(&it.of, Measurand::Channel(name) if gives(name, parameter, channel));
    let all = &entry.uncertainties;
    all.iter().find(by_name).or_else(|| all.iter().find(by_channel)).map(|it| it.expanded)
}

/// Whether `channel` of the instrument is where `parameter` comes from; `known` is what the site file says.
fn gives(channel: &str, parameter: &str, known: Option<&str>) -> bool {
    // A parallel of pH is pH: `ph-parallel-2`.
    let parallel = parameter.strip_prefix(channel).is_some_and(|rest| rest.starts_with("-parallel-"));
    let otherwise = NAMED_OTHERWISE.iter().any(|(name, channels)| *name == parameter && channels.contains(&channel));
    known.map_or(parameter == channel || parallel || otherwise, |known| known == channel)
}

/// The uncertainty of `value` in its unit; `None` when the stated unit does not convert exactly.
///
/// Per cent of a value are rounded up at one place more than the value has: a rounded-down uncertainty would promise
/// more than was stated.
pub(super) fn of(expanded: Expanded, value: Decimal, unit: Unit) -> Option<Decimal> {
    match expanded {
        Expanded::Absolute(u, stated) => Conversion::between(stated, unit)?.apply(u),
        Expanded::Percent(percent) => {
            let product = i128::from(value.digits().unsigned_abs()).checked_mul(i128::from(percent.digits()))?;
            // The product has value's and percent's places and two for the per cent; one more than value's stay.
            let divisor = 10_i128.checked_pow(u32::from(percent.places()) + 1)?;
            let up = product.checked_add(divisor - 1)? / divisor;
            Decimal::new(i64::try_from(up).ok()?, value.places().checked_add(1)?)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn per_cent_are_exact_and_rounded_up() {
        let check = |value: &str, percent: &str, expected: &str| {
            let found = of(Expanded::Percent(d(percent)), d(value), Unit::MicrograyPerHour);
            assert_eq!(found, Some(d(expected)), "{percent} % of {value}");
        };
        check("0.12", "15", "0.018");
        check("0.13", "15", "0.020"); // 0.0195
        check("-0.13", "15", "0.020");
        check("100", "0.1", "0.1");
        check("101", "0.1", "0.2"); // 0.101
        check("7.5", "33.333", "2.50"); // 2.499975
        check("0.00", "15", "0.000");
        assert_eq!(of(Expanded::Percent(d("900")), d("9223372036854775807"), Unit::One), None);
    }

    #[test]
    fn absolute_ones_are_converted_exactly_or_not_at_all() {
        let check = |u: &str, stated, unit, expected: Option<&str>| {
            assert_eq!(of(Expanded::Absolute(d(u), stated), d("43020"), unit), expected.map(d));
        };
        check("0.02", Unit::Tonne, Unit::Kilogram, Some("20"));
        check("20", Unit::Kilogram, Unit::Tonne, Some("0.020"));
        check("0.02", Unit::PH, Unit::PH, Some("0.02"));
        check("0.02", Unit::PH, Unit::Kilogram, None);
    }

    #[test]
    fn a_channel_is_found_behind_its_parameter() {
        for (channel, parameter, known, expected) in [
            ("mass", "gross-mass", None, true),
            ("gross", "gross-mass", None, true),
            ("ph", "ph", None, true),
            ("ph", "ph-parallel-2", None, true),
            ("ph", "phenol", None, false),
            ("dose-rate", "dose-rate", None, true),
            ("dose-rate", "dose-rate", Some("fast-rate"), false),
            ("fast-rate", "dose-rate", Some("fast-rate"), true),
        ] {
            assert_eq!(gives(channel, parameter, known), expected, "{channel} {parameter} {known:?}");
        }
    }
}
