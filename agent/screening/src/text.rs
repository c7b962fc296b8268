//! Values and limits as findings print them: UCUM codes, ASCII, enough digits to recompute by hand.

use tidewaiter_config::limits::{Limit, Row, Tolerance};
use tidewaiter_drivers::{Decimal, Unit};

use crate::grade;

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
pub(crate) fn stated(row: &Row) -> String {
    let unit = row.unit;
    match &row.limit {
        Limit::Max { limit, inclusive: true } => with_unit(&format!("<= {limit}"), unit),
        Limit::Max { limit, inclusive: false } => with_unit(&format!("< {limit}"), unit),
        Limit::Min { limit, inclusive: true } => with_unit(&format!(">= {limit}"), unit),
        Limit::Min { limit, inclusive: false } => with_unit(&format!("> {limit}"), unit),
        Limit::Range { low, high, .. } => with_unit(&format!("{low}..{high}"), unit),
        Limit::Absent => "absent".to_owned(),
        Limit::GradeAtLeast { half_steps } => {
            format!(">= {} {}", grade::name(*half_steps), Unit::FastnessGrade)
        }
        Limit::AboveBackground { margin } => with_unit(&format!("<= background + {margin}"), unit),
        Limit::Sigma { k } => format!("<= background + {k} sqrt(background) {}", Unit::Count),
        Limit::Deviation { declared, tolerance: Tolerance::Smaller { percent, absolute } } => {
            with_unit(&format!("|x - declared {declared}| <= min({percent} % of it, {absolute})"), unit)
        }
        other => other.kind().to_owned(),
    }
}

/// `simple, full`.
pub(crate) fn rule(row: &Row) -> String {
    let (decision, compare) = (row.decision.word(), row.compare.word());
    match row.limit {
        Limit::Sigma { .. } => "counting".to_owned(),
        Limit::Absent => "absence".to_owned(),
        Limit::GradeAtLeast { .. } => "ordinal".to_owned(),
        _ => format!("{decision}, {compare}"),
    }
}
