//! A value as an operator types it.
//!
//! ```text
//! 18.3 mg/kg     a number and its UCUM unit, with or without a blank between
//! 3-4            a grade of the grey scale
//! absent         nothing found: zero, without a unit; `present` is one
//! ```

use tidewaiter_drivers::{
    Decimal, Unit,
    lab::fastness::Grade,
    reading::{Indication, Quality},
};

/// Reads what was typed; a number without a unit is in `unit`.
///
/// # Errors
///
/// What is wrong, and what to type.
pub(super) fn read(text: &str, unit: Option<Unit>) -> Result<Indication, String> {
    let text = text.trim();
    let good = |value, unit| Ok(Indication { value, unit, quality: Quality::Good });
    match text {
        "absent" | "无" => return good(Decimal::ZERO, Unit::One),
        "present" | "有" => return good(Decimal::whole(1), Unit::One),
        _ => {}
    }
    let bare_grade = unit == Some(Unit::FastnessGrade);
    if let Some(grade) = Grade::parse(text).filter(|_| bare_grade || text.contains(['-', '/', '~'])) {
        return good(grade.decimal(), Unit::FastnessGrade);
    }
    if bare_grade {
        return Err("a grade of the grey scale is 1, 1-2, 2 … 5".to_owned());
    }
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let value: Decimal = number
        .parse()
        .map_err(|_| "type a number with its unit such as 18.3mg/kg, a grade 3-4, or absent".to_owned())?;
    let typed = match rest.trim() {
        "" => None,
        code => Some(code.parse::<Unit>().map_err(|_| {
            format!("{code:?} is no UCUM unit known here; type one such as mg/kg, %, Bq/g, uSv/h, [pH], N")
        })?),
    };
    match (typed, unit) {
        (Some(typed), Some(unit)) if typed != unit => {
            Err(format!("the bench takes it in {unit}, and {typed} was typed"))
        }
        (Some(unit), _) | (None, Some(unit)) => good(value, unit),
        (None, None) => Err(format!("the unit is missing; type {number}mg/kg, or {number} with the unit it has")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_or_explained() {
        let milligram = Some(Unit::MilligramPerKilogram);
        let grade = Some(Unit::FastnessGrade);
        for (text, unit, expected) in [
            ("18.3mg/kg", None, "18.3 mg/kg"),
            (" 18.30 mg/kg ", None, "18.30 mg/kg"),
            ("18.3", milligram, "18.3 mg/kg"),
            ("-0.5Cel", None, "-0.5 Cel"),
            ("7.1[pH]", None, "7.1 [pH]"),
            ("3-4", None, "3.5 {grade}"),
            ("4/5", None, "4.5 {grade}"),
            ("4", grade, "4 {grade}"),
            ("absent", None, "0 1"),
            ("无", None, "0 1"),
            ("present", None, "1 1"),
            ("absent", milligram, "0 1"),
            ("12", None, "the unit is missing"),
            ("12 ppm", None, "\"ppm\" is no UCUM unit"),
            ("12 %", milligram, "the bench takes it in mg/kg, and % was typed"),
            ("3.2", grade, "a grade of the grey scale"),
            ("4-3", None, "type a number with its unit"),
            ("1e3mg/kg", None, "\"e3mg/kg\" is no UCUM unit"),
            ("mg/kg", None, "type a number with its unit"),
            ("", None, "type a number with its unit"),
            ("１８", None, "type a number with its unit"),
        ] {
            let read = read(text, unit).map_or_else(|why| why, |it| format!("{} {}", it.value, it.unit));
            assert!(read.starts_with(expected), "{text:?}: {read:?}, and not {expected:?}");
        }
    }
}
