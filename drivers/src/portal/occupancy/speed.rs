//! Do the three speeds of a speed line agree?

use crate::Decimal;

/// Whether seconds per foot, miles per hour and kilometres per hour say the same within 1 %, beside
/// half a unit of the last digit shown of each.
///
/// One foot is 0.3048 m and one mile 1.609344 km (international yard and pound agreement, 1959), so
/// `foot_time × mph = 15/22` and `kmh / mph = 1.609344`. A number beyond any vehicle's speed disagrees.
pub fn consistent(foot_time: Decimal, mph: Decimal, kmh: Decimal) -> bool {
    let (Some(time), Some(mph), Some(kmh)) = (Shown::new(foot_time), Shown::new(mph), Shown::new(kmh)) else {
        return false;
    };
    // 22 · time · mph = 15
    let by_time = agree(time.low * mph.low * 22, time.high * mph.high * 22, 15 * ONE * ONE);
    // kmh · 1 000 000 = mph · 1 609 344
    let by_unit = overlap((kmh.low * 1_000_000, kmh.high * 1_000_000), (mph.low * 1_609_344, mph.high * 1_609_344));
    by_time && by_unit
}

/// Fixed-point one: numbers are held in units of 10^-8.
const ONE: i128 = 100_000_000;

/// Most places a speed may have: half a unit of the last one must be a whole number of units.
const MAX_PLACES: u8 = 7;

/// No field of a speed line reaches this.
const BEYOND: i128 = 100_000 * ONE;

/// What a number shown with finite digits stands for: from half a digit below to half a digit above.
struct Shown {
    low: i128,
    high: i128,
}

impl Shown {
    fn new(value: Decimal) -> Option<Self> {
        if value.places() > MAX_PLACES {
            return None;
        }
        let unit = 10_i128.pow(u32::from(8 - value.places()));
        let middle = i128::from(value.digits()) * unit;
        let half = unit / 2;
        (0 < middle && middle < BEYOND).then_some(Self { low: middle - half, high: middle + half })
    }
}

/// Whether some value of `low..=high` lies within 1 % of `target`.
const fn agree(low: i128, high: i128, target: i128) -> bool {
    high * 100 >= target * 99 && low * 100 <= target * 101
}

/// Whether some value of one interval lies within 1 % of some value of the other.
const fn overlap(one: (i128, i128), other: (i128, i128)) -> bool {
    one.1 * 100 >= other.0 * 99 && one.0 * 100 <= other.1 * 101
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(foot_time: &str, mph: &str, kmh: &str, expected: bool) {
        let d = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(consistent(d(foot_time), d(mph), d(kmh)), expected, "{foot_time} {mph} {kmh}");
    }

    #[test]
    fn three_ways_to_say_one_speed() {
        check("0.2249", "03.032", "004.88", true);
        check("0.0852", "08.003", "012.88", true);
        // One per cent is allowed, more is not.
        check("0.2249", "03.060", "004.92", true);
        check("0.2249", "03.070", "004.94", false);
        check("0.0114", "60.000", "097.52", true);
        check("0.0114", "60.000", "097.54", false);
        check("0.0114", "60.000", "095.60", true);
        check("0.0114", "60.000", "095.58", false);
        // Miles and kilometres swapped; one digit wrong in each field.
        check("0.2249", "04.880", "003.03", false);
        check("0.2249", "03.032", "005.88", false);
        check("0.3249", "03.032", "004.88", false);
        // A crawl shows few digits: 0.1 mph is 6.8182 s per foot and 0.16 km/h.
        check("6.8182", "00.100", "000.16", true);
    }

    #[test]
    fn impossible_numbers_disagree() {
        check("0.0000", "00.000", "000.00", false);
        check("0.2249", "9999999.0", "004.88", false);
        check("0.000000001", "03.032", "004.88", false);
    }
}
