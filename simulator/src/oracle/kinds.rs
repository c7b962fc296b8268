//! Every kind of limit row, as the oracle reads it.

use tidewaiter_config::limits::{Class, Compare, Limit, MpeStep, Row, Tolerance, Wanted};
use tidewaiter_drivers::Decimal;

use super::{
    fraction::Fraction,
    judge::{Evidence, Reason, Value, converted},
};

/// Whether what was found is within the limit of the row.
pub(super) fn within(row: &Row, value: Option<&Value>, evidence: &Evidence<'_>) -> Result<bool, Reason> {
    let present = || value.ok_or_else(|| evidence.missing(&row.parameter));
    let number = || converted(present()?, row.unit, row.basis, evidence);
    let against = |limit: Decimal| Ok(compared(number()?, limit, row)?.cmp(&limit.into()));
    Ok(match &row.limit {
        Limit::Max { limit, inclusive } => {
            let order = against(*limit)?;
            order.is_lt() || (*inclusive && order.is_eq())
        }
        Limit::Min { limit, inclusive } => {
            let order = against(*limit)?;
            order.is_gt() || (*inclusive && order.is_eq())
        }
        Limit::Lowered { limit, declared, by } => {
            let number = number()?;
            let off = exactly(Fraction::from(*by).mul(declared_number(declared, evidence)?))?;
            number <= exactly(Fraction::from(*limit).sub(off))?
        }
        Limit::Range { low, high, excludes } => {
            let (at_low, at_high) = (against(*low)?, against(*high)?);
            (at_low.is_gt() || (excludes.low_allowed() && at_low.is_eq()))
                && (at_high.is_lt() || (excludes.high_allowed() && at_high.is_eq()))
        }
        Limit::Absent => number()?.is_zero(),
        Limit::GradeAtLeast { half_steps } => {
            exactly(number()?.mul(Fraction::whole(2)))? >= Fraction::whole((*half_steps).into())
        }
        Limit::AboveBackground { margin } => {
            let background = present()?.background.ok_or(Reason::NoBackground)?;
            compared(exactly(number()?.sub(background.into()))?, *margin, row)? <= (*margin).into()
        }
        Limit::Sigma { k } => {
            // Counts of an instrument are whole and carry no basis.
            let value = present()?;
            let background: Fraction = value.background.ok_or(Reason::NoBackground)?.into();
            let above = exactly(value.number.sub(background))?;
            let square = |it: Fraction| exactly(it.mul(it));
            above <= Fraction::whole(0) || square(above)? <= exactly(square((*k).into())?.mul(background))?
        }
        Limit::Deviation { declared, tolerance } => {
            let number = number()?;
            let declared = declared_number(declared, evidence)?;
            let share =
                |percent: Decimal| exactly(declared.mul(percent.into()).and_then(|it| it.div(Fraction::whole(100))));
            let allowed = match *tolerance {
                Tolerance::Percent(percent) => share(percent)?,
                Tolerance::Absolute(absolute) => absolute.into(),
                Tolerance::Smaller { percent, absolute } => share(percent)?.min(absolute.into()),
                Tolerance::Greater { percent, absolute } => share(percent)?.max(absolute.into()),
            };
            exactly(number.sub(declared))?.abs() <= allowed
        }
        Limit::Sum { of, max } => match value {
            Some(_) => against(*max)?.is_le(),
            None => sum(of.iter().map(|it| (it.as_str(), None)), *max, row, evidence)?,
        },
        Limit::SumOfRatios { of, max, .. } => match value {
            Some(_) => against(*max)?.is_le(),
            None => sum(of.iter().map(|(it, by)| (it.as_str(), Some(*by))), *max, row, evidence)?,
        },
        Limit::Classes { order, wanted } => {
            let number = match row.round_to {
                Some(interval) => exactly(number()?.rounded(interval.into()))?,
                None => number()?,
            };
            let found = order.iter().position(|it| holds(it, number)).ok_or(Reason::NotCovered)?;
            is_wanted(order, found, wanted, evidence)?
        }
        Limit::Share { of, share, inclusive } => {
            let number = number()?;
            let whole = match evidence.first(of) {
                Some(value) => converted(value, row.unit, row.basis, evidence)?,
                None => declared_number(of, evidence)?,
            };
            let limit = exactly(whole.mul((*share).into()))?;
            number < limit || (*inclusive && number == limit)
        }
        // A scene has no date that a certificate could be older than.
        Limit::NotOlder { .. } => return Err(Reason::NotMeasured),
        Limit::Mpe { load, interval, steps, times } => {
            let error = number()?.abs();
            let load = match evidence.first(load) {
                Some(value) => converted(value, row.unit, None, evidence)?,
                None => declared_number(load, evidence)?,
            };
            let interval = declared_number(interval, evidence)?;
            error <= permissible(steps, *times, load, interval)?
        }
    })
}

fn exactly(number: Option<Fraction>) -> Result<Fraction, Reason> {
    number.ok_or(Reason::Arithmetic)
}

fn declared_number(name: &str, evidence: &Evidence<'_>) -> Result<Fraction, Reason> {
    let declared = evidence.fact(name).and_then(|it| it.parse::<Decimal>().ok());
    declared.map(Fraction::from).ok_or(Reason::NoDeclaration)
}

/// Rounded as the row asks before it is compared with this limit.
fn compared(number: Fraction, limit: Decimal, row: &Row) -> Result<Fraction, Reason> {
    match row.compare {
        Compare::Full => Ok(number),
        Compare::Rounded => {
            let last_place = Fraction::new(1, 10_i128.pow(limit.places().into()));
            let interval = exactly(row.round_to.map(Fraction::from).or(last_place))?;
            exactly(number.rounded(interval))
        }
    }
}

/// Whether the sum of these parameters, each divided by its own number where it has one, is at most the limit. What
/// is not measured can only make it greater.
fn sum<'a>(
    of: impl Iterator<Item = (&'a str, Option<Decimal>)>,
    max: Decimal,
    row: &Row,
    evidence: &Evidence<'_>,
) -> Result<bool, Reason> {
    let (mut total, mut missing) = (Fraction::whole(0), None);
    for (parameter, by) in of {
        let Some(value) = evidence.first(parameter) else {
            missing = missing.max(Some(evidence.missing(parameter)));
            continue;
        };
        let part = match (by, &row.limit) {
            (Some(by), Limit::SumOfRatios { unit, .. }) => {
                exactly(converted(value, *unit, row.basis, evidence)?.div(by.into()))?
            }
            _ => converted(value, row.unit, row.basis, evidence)?,
        };
        total = exactly(total.add(part))?;
    }
    match (compared(total, max, row)? <= max.into(), missing) {
        (true, Some(reason)) => Err(reason),
        (is_within, _) => Ok(is_within),
    }
}

fn holds(class: &Class, number: Fraction) -> bool {
    class.min.is_none_or(|it| number >= it.into()) && class.max.is_none_or(|it| number <= it.into())
}

fn is_wanted(order: &[Class], found: usize, wanted: &Wanted, evidence: &Evidence<'_>) -> Result<bool, Reason> {
    let place = |declared: &str| {
        let name = evidence.fact(declared).ok_or(Reason::NoDeclaration)?;
        order.iter().position(|it| it.name == name).ok_or(Reason::NotCovered)
    };
    Ok(match wanted {
        Wanted::Exactly(declared) => place(declared)? == found,
        Wanted::OrBetter(declared) => found <= place(declared)?,
        Wanted::Accepted(names) => order.get(found).is_some_and(|it| names.contains(&it.name)),
    })
}

/// The permissible error at this load, in the unit of the interval.
fn permissible(steps: &[MpeStep], times: Decimal, load: Fraction, interval: Fraction) -> Result<Fraction, Reason> {
    let load = exactly(load.div(interval))?;
    let step = steps.iter().find(|it| load <= it.up_to.into()).ok_or(Reason::NotCovered)?;
    exactly(Fraction::from(step.error).mul(times.into()).and_then(|it| it.mul(interval)))
}
