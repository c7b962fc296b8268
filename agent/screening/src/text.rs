//! Values and limits as findings print them: UCUM codes, ASCII, enough digits to recompute by hand.

use tidewaiter_config::limits::{Excludes, Limit, Row, Tolerance, Wanted};
use tidewaiter_drivers::{Decimal, Unit};

use crate::{grade, step::Step};

/// `7.6 [pH]`; a pure number stands alone; a grade as it is written, `3-4 {grade}`.
pub(crate) fn value(number: Decimal, unit: Unit) -> String {
    match unit {
        Unit::One => number.to_string(),
        Unit::FastnessGrade => match grade::half_steps(number) {
            Some(steps) => format!("{} {unit}", grade::name(steps)),
            None => format!("{number} {unit}"),
        },
        _ => format!("{number} {unit}"),
    }
}

/// Appends the unit to an expression, as [`value`] does.
pub(crate) fn with_unit(expression: &str, unit: Unit) -> String {
    if unit == Unit::One { expression.to_owned() } else { format!("{expression} {unit}") }
}

/// The limit as the row states it; what the inspection adds to it is named by a word.
pub fn stated(row: &Row) -> String {
    let unit = row.unit;
    match &row.limit {
        Limit::Max { limit, inclusive: true } => with_unit(&format!("<= {limit}"), unit),
        Limit::Max { limit, inclusive: false } => with_unit(&format!("< {limit}"), unit),
        Limit::Min { limit, inclusive: true } => with_unit(&format!(">= {limit}"), unit),
        Limit::Min { limit, inclusive: false } => with_unit(&format!("> {limit}"), unit),
        Limit::Range { low, high, excludes: Excludes::None } => with_unit(&format!("{low}..{high}"), unit),
        Limit::Range { low, high, excludes } => {
            let sign = |allowed| if allowed { "<=" } else { "<" };
            let (below, above) = (sign(excludes.low_allowed()), sign(excludes.high_allowed()));
            with_unit(&format!("{low} {below} x {above} {high}"), unit)
        }
        Limit::Absent => "absent".to_owned(),
        Limit::GradeAtLeast { half_steps } => {
            format!(">= {} {}", grade::name(*half_steps), Unit::FastnessGrade)
        }
        Limit::AboveBackground { margin } => with_unit(&format!("<= background + {margin}"), unit),
        Limit::Sigma { k } => format!("<= background + {k} sqrt(background) {}", Unit::Count),
        Limit::Deviation { declared, tolerance } => {
            let tolerance = match tolerance {
                Tolerance::Percent(percent) => format!("{percent} % of it"),
                Tolerance::Absolute(absolute) => absolute.to_string(),
                Tolerance::Smaller { percent, absolute } => format!("min({percent} % of it, {absolute})"),
                Tolerance::Greater { percent, absolute } => format!("max({percent} % of it, {absolute})"),
            };
            with_unit(&format!("|x - declared {declared}| <= {tolerance}"), unit)
        }
        Limit::Lowered { limit, declared, by } => with_unit(&format!("<= {limit} - {by} for each of {declared}"), unit),
        Limit::Sum { max, .. } | Limit::SumOfRatios { max, .. } => with_unit(&format!("<= {max}"), unit),
        Limit::Classes { wanted: Wanted::Exactly(fact), .. } => format!("class {fact}"),
        Limit::Classes { wanted: Wanted::OrBetter(fact), .. } => format!("class {fact} or better"),
        Limit::Classes { wanted: Wanted::Accepted(names), .. } => format!("class {}", names.join(", ")),
        Limit::Share { of, share, inclusive: true } => format!("<= {share} x {of}"),
        Limit::Share { of, share, inclusive: false } => format!("< {share} x {of}"),
        Limit::NotOlder { days, .. } => format!("<= {days} d"),
        Limit::Mpe { load, .. } => format!("|x| <= permissible error at {load}"),
    }
}

/// How the row is judged, the first step of each finding.
pub(crate) fn method(row: &Row) -> Step {
    match row.limit {
        Limit::Sigma { .. } => Step::Counting,
        Limit::Absent => Step::Absence,
        Limit::GradeAtLeast { .. } => Step::Ordinal,
        Limit::Classes { .. } => Step::Classing,
        Limit::NotOlder { .. } => Step::Age,
        _ => Step::Method { decision: row.decision, compare: row.compare },
    }
}
