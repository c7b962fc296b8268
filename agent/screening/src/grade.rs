//! Colour-fastness grades: the ordinal half-step scale 1, 1-2, 2 … 4-5, 5 (ISO 105-A02/A03, GB/T 250, GB/T 251).
//!
//! A grade is a place on a scale, not a number to calculate with. It travels as a decimal in unit
//! `{grade}` where `3-4` is 3.5, and is counted here in half steps, grade 1 being 2.

use tidewaiter_drivers::Decimal;

/// Least and greatest grade, in half steps.
const SCALE: core::ops::RangeInclusive<u8> = 2..=10;

/// The half steps of a grade: `3.5` is 7. `None` for anything that is no grade of the scale.
pub fn half_steps(grade: Decimal) -> Option<u8> {
    let doubled = grade.checked_mul(Decimal::whole(2))?.at_places(0)?;
    u8::try_from(doubled.digits()).ok().filter(|steps| SCALE.contains(steps))
}

/// As the standards write it: 7 is `3-4`, 8 is `4`.
pub fn name(half_steps: u8) -> String {
    let grade = half_steps / 2;
    if half_steps.is_multiple_of(2) { format!("{grade}") } else { format!("{grade}-{}", grade + 1) }
}

/// Reads a grade as written, `3-4` or `4`, into the decimal it travels as.
pub fn from_name(text: &str) -> Option<Decimal> {
    let steps = SCALE.into_iter().find(|&steps| name(steps) == text)?;
    Decimal::new(i64::from(steps) * 5, 1).map(|it| it.at_places(0).unwrap_or(it))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_grade_reads_back() {
        let names = ["1", "1-2", "2", "2-3", "3", "3-4", "4", "4-5", "5"];
        for (text, steps) in names.into_iter().zip(SCALE) {
            assert_eq!(name(steps), text);
            assert_eq!(half_steps(from_name(text).unwrap()), Some(steps));
        }
        assert_eq!(from_name("3-4").unwrap().to_string(), "3.5");
        assert_eq!(from_name("4").unwrap().to_string(), "4");
    }

    #[test]
    fn what_is_no_grade_is_none() {
        for text in ["0", "0.5", "3.3", "5.5", "-1", "127", "9223372036854775807"] {
            assert_eq!(half_steps(text.parse().unwrap()), None, "{text}");
        }
        assert_eq!(from_name("3-5"), None);
        assert_eq!(from_name("3.5"), None);
    }
}
