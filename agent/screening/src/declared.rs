//! Numbers and dates that are declared about a subject, and what a measured value may differ from one.

use jiff::civil::Date;
use tidewaiter_config::limits::Tolerance;
use tidewaiter_drivers::{Decimal, Unit};

use crate::{applicability::Facts, conversion::Conversion, finding::Reason, step::Step};

/// The declared number in the row's unit; declared with a unit of its own (`21.5 t`) it is converted.
pub(crate) fn number(fact: &str, facts: Facts<'_>, unit: Unit, steps: &mut Vec<Step>) -> Result<Decimal, Reason> {
    let declared = text(fact, facts, steps)?;
    let (number, code) = declared.split_once(' ').map_or((declared, ""), |(number, code)| (number, code.trim()));
    let Ok(number) = number.parse::<Decimal>() else {
        return Err(bad(fact, declared, "a decimal number", steps));
    };
    if code.is_empty() {
        return Ok(number);
    }
    let Some(conversion) = code.parse().ok().and_then(|from| Conversion::between(from, unit)) else {
        steps.push(Step::ForeignDeclaration { fact: fact.to_owned(), declared: declared.to_owned(), wanted: unit });
        return Err(Reason::Unit);
    };
    if !conversion.is_identity() {
        steps.push(Step::DeclaredConverted(conversion));
    }
    conversion.apply(number).ok_or(Reason::Arithmetic)
}

/// The declared count, a whole number from 0.
pub(crate) fn count(fact: &str, facts: Facts<'_>, steps: &mut Vec<Step>) -> Result<i64, Reason> {
    let declared = text(fact, facts, steps)?;
    let whole = declared.parse::<Decimal>().ok().and_then(|it| it.at_places(0)).map(Decimal::digits);
    whole.filter(|&it| it >= 0).ok_or_else(|| bad(fact, declared, "a count", steps))
}

/// The declared date.
pub(crate) fn date(fact: &str, facts: Facts<'_>, steps: &mut Vec<Step>) -> Result<Date, Reason> {
    let declared = text(fact, facts, steps)?;
    declared.parse().map_err(|_| bad(fact, declared, "a date such as 2025-01-31", steps))
}

/// The declared text.
pub(crate) fn text<'a>(fact: &str, facts: Facts<'a>, steps: &mut Vec<Step>) -> Result<&'a str, Reason> {
    facts.get(fact).ok_or_else(|| {
        steps.push(Step::NotDeclared { fact: fact.to_owned() });
        Reason::NoDeclaration
    })
}

fn bad(fact: &str, declared: &str, wanted: &'static str, steps: &mut Vec<Step>) -> Reason {
    steps.push(Step::BadDeclaration { fact: fact.to_owned(), declared: declared.to_owned(), wanted });
    Reason::NoDeclaration
}

/// What a value may differ from `declared`, and how a finding's limit shows it:
/// `|x - 19900| <= min(5 % = 995, 1000) = 995`.
///
/// `None` when the share does not fit exact arithmetic.
pub(crate) fn tolerance(declared: Decimal, tolerance: Tolerance) -> Option<(Decimal, String)> {
    let share = |percent: Decimal| {
        let magnitude = Decimal::new(declared.digits().checked_abs()?, declared.places())?;
        Some(shortest(magnitude.checked_mul(percent)?.scaled(-2)?))
    };
    let of_both = |percent, absolute: Decimal, smaller: bool| {
        let share = share(percent)?;
        let binds = if share.cmp_value(absolute).is_lt() == smaller { share } else { absolute };
        let name = if smaller { "min" } else { "max" };
        Some((binds, format!("{name}({percent} % = {share}, {absolute}) = {binds}")))
    };
    let (tolerance, shown) = match tolerance {
        Tolerance::Percent(percent) => share(percent).map(|share| (share, format!("{percent} % = {share}")))?,
        Tolerance::Absolute(absolute) => (absolute, absolute.to_string()),
        Tolerance::Smaller { percent, absolute } => of_both(percent, absolute, true)?,
        Tolerance::Greater { percent, absolute } => of_both(percent, absolute, false)?,
    };
    Some((tolerance, format!("|x - {declared}| <= {shown}")))
}

/// The same value without trailing zeros behind the point: `1000.00` from multiplying is `1000`.
pub(crate) fn shortest(value: Decimal) -> Decimal {
    (0..value.places()).find_map(|places| value.at_places(places)).unwrap_or(value)
}
