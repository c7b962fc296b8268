//! Limits that rest on more than a number in the table: another quantity, a declaration, a class.

use tidewaiter_config::limits::{Class, Limit, MpeStep, Row, Wanted};
use tidewaiter_drivers::{Decimal, Unit};

use crate::{
    declared,
    exact::Exact,
    finding::{Reason, Verdict},
    number::Number,
    peer::{self, Peer},
    row::{Case, Converted, End, Judged, compared, described, within},
    spread::Spread,
    step::Step,
    text,
};

/// The limit, lower by so much for each of what is declared.
pub(crate) fn lowered(
    row: &Row,
    (limit, fact, by): (Decimal, &str, Decimal),
    case: Case<'_>,
    judged: &mut Judged,
) -> Result<Number, Reason> {
    let count = declared::count(fact, case.facts, &mut judged.steps)?;
    let less = Decimal::whole(count).checked_mul(by).ok_or(Reason::Arithmetic)?;
    let lowered = limit.checked_sub(less).ok_or(Reason::Arithmetic)?;
    judged.limit = text::with_unit(&format!("<= {limit} - {count} x {by} = {lowered}"), row.unit);
    Number::of(lowered)
}

/// A share of another quantity, and the uncertainty of the value less that share.
pub(crate) fn share(
    row: &Row,
    of: &str,
    share: Decimal,
    inclusive: bool,
    converted: &Converted,
    case: Case<'_>,
    judged: &mut Judged,
) -> Result<(Number, Option<Spread>), Reason> {
    let other = other(of, row.unit, converted.stage, case, judged)?;
    let factor = Exact::of(share).ok_or(Reason::Arithmetic)?;
    let limit = other.value.times(factor)?;
    let sign = if inclusive { "<=" } else { "<" };
    judged.limit = text::with_unit(&format!("{sign} {share} x {} = {limit}", other.value), row.unit);
    let spread = match (converted.spread, other.uncertainty) {
        (Some(own), Some(of)) => Some(of.times(factor).and_then(|of| own.with(of)).ok_or(Reason::Arithmetic)?),
        (own, _) => own,
    };
    Ok((limit, spread))
}

/// The maximum permissible error at the load.
pub(crate) fn mpe(
    row: &Row,
    (load, interval, steps, times): (&str, &str, &[MpeStep], Decimal),
    converted: &Converted,
    case: Case<'_>,
    judged: &mut Judged,
) -> Result<Number, Reason> {
    let load = other(load, row.unit, converted.stage, case, judged)?.value;
    let interval = declared::number(interval, case.facts, row.unit, &mut judged.steps)?;
    let e = Number::of(interval)?;
    if e.exact().signum() <= 0 {
        judged.steps.push(Step::Beyond { what: format!("e = {}", text::value(interval, row.unit)) });
        return Err(Reason::NotCovered);
    }
    let intervals = Number::from_exact(load.exact().div(e.exact()).ok_or(Reason::Arithmetic)?);
    judged.steps.push(Step::Load {
        load: text::with_unit(&load.to_string(), row.unit),
        intervals: intervals.to_string(),
        interval: text::value(interval, row.unit),
    });
    let reaches = |step: &&MpeStep| Exact::of(step.up_to).is_some_and(|up_to| intervals.exact().compare(up_to).is_le());
    let Some(step) = steps.iter().find(reaches).filter(|_| load.exact().signum() >= 0) else {
        judged.steps.push(Step::Beyond { what: format!("{intervals} e") });
        return Err(Reason::NotCovered);
    };
    let permitted = step.error.checked_mul(times).and_then(|it| it.checked_mul(interval)).ok_or(Reason::Arithmetic)?;
    let permitted = declared::shortest(permitted);
    let twice = if times == Decimal::whole(1) { String::new() } else { format!(" x {times}") };
    judged.limit = text::with_unit(&format!("|x| <= {} e{twice} = {permitted}", step.error), row.unit);
    Number::of(permitted)
}

/// A quantity that was measured, or else declared.
fn other(name: &str, unit: Unit, stage: Option<u16>, case: Case<'_>, judged: &mut Judged) -> Result<Peer, Reason> {
    match peer::find(case.inspection, name, stage, &mut judged.steps)? {
        Some(measured) => peer::value(measured, unit, &mut judged.steps),
        None if case.facts.get(name).is_some() => {
            let value = declared::number(name, case.facts, unit, &mut judged.steps)?;
            Ok(Peer { value: Number::of(value)?, uncertainty: None })
        }
        None => {
            judged.steps.push(Step::NotMeasured { parameter: name.to_owned() });
            Err(Reason::NotMeasured)
        }
    }
}

/// Looks up the class of a value, and whether it is one that is wanted.
pub(crate) fn class(
    row: &Row,
    value: Number,
    order: &[Class],
    wanted: &Wanted,
    case: Case<'_>,
    judged: &mut Judged,
) -> Result<Verdict, Reason> {
    // The loader holds `compare` and `round_to`, so the limit's own places never decide.
    let at = compared(value, value, row, &mut judged.steps)?;
    let inside = |class: &&Class| {
        let keeps = |end: Option<Decimal>, holds: fn(std::cmp::Ordering) -> bool| {
            end.is_none_or(|end| Exact::of(end).is_some_and(|end| holds(at.compare(end))))
        };
        keeps(class.min, std::cmp::Ordering::is_ge) && keeps(class.max, std::cmp::Ordering::is_le)
    };
    let Some(found) = order.iter().find(inside) else {
        judged.steps.push(Step::Beyond { what: text::with_unit(&value.to_string(), row.unit) });
        return Err(Reason::NotCovered);
    };
    judged.steps.push(Step::Class { found: found.name.clone() });
    let rank = |name: &str| order.iter().position(|class| class.name == name);
    let mut declared = |fact: &str| {
        let name = declared::text(fact, case.facts, &mut judged.steps)?;
        rank(name).map(|rank| (rank, name)).ok_or_else(|| {
            judged.steps.push(Step::NotNamed { fact: fact.to_owned(), declared: name.to_owned() });
            Reason::NotCovered
        })
    };
    let holds = match wanted {
        Wanted::Accepted(names) => names.contains(&found.name),
        Wanted::Exactly(fact) => {
            let (_, name) = declared(fact)?;
            judged.limit = format!("class {name}");
            found.name == name
        }
        Wanted::OrBetter(fact) => {
            let (least, name) = declared(fact)?;
            judged.limit = format!("class {name} or better");
            rank(&found.name).is_some_and(|rank| rank <= least)
        }
    };
    Ok(if holds { Verdict::Pass } else { Verdict::Fail })
}

/// What the sum of several quantities is made of.
struct Total {
    sum: Number,
    /// The sum of squares of all uncertainties, if every term has one.
    spread: Option<Spread>,
    terms: Vec<String>,
    lacking: Vec<String>,
    /// The most telling reason why a term is lacking.
    reason: Verdict,
}

/// Judges the sum of what was measured by itself; `None` for a row that adds nothing up.
pub(crate) fn sum(row: &Row, case: Case<'_>) -> Option<Judged> {
    let one = Exact::whole(1);
    let (terms, unit, max): (Vec<(&str, Exact)>, Unit, Decimal) = match &row.limit {
        Limit::Sum { of, max } => (of.iter().map(|name| (name.as_str(), one)).collect(), row.unit, *max),
        Limit::SumOfRatios { of, unit, max } => {
            let mut terms = Vec::new();
            for (name, limit) in of {
                let Some(factor) = Exact::of(*limit).and_then(|limit| one.div(limit)) else {
                    return Some(described(row, Verdict::Inconclusive(Reason::Arithmetic)));
                };
                terms.push((name.as_str(), factor));
            }
            (terms, *unit, *max)
        }
        _ => return None,
    };
    let mut judged = described(row, Verdict::NotApplicable);
    judged.verdict = total(row, &terms, unit, case, &mut judged)
        .and_then(|total| weigh(row, total, max, &mut judged))
        .unwrap_or_else(Verdict::Inconclusive);
    Some(judged)
}

fn total(row: &Row, terms: &[(&str, Exact)], unit: Unit, case: Case<'_>, judged: &mut Judged) -> Result<Total, Reason> {
    let mut total = Total {
        sum: Number::from_exact(Exact::ZERO),
        spread: Some(Spread::Plain(Exact::ZERO)),
        terms: Vec::new(),
        lacking: Vec::new(),
        reason: Verdict::NotApplicable,
    };
    for &(name, factor) in terms {
        match term(row, name, unit, case, judged) {
            Ok(peer) => {
                total.terms.push(format!("{name} {}", peer.value));
                let part = if factor == Exact::whole(1) { peer.value } else { peer.value.times(factor)? };
                total.sum = total.sum.add(part)?;
                total.spread = match total.spread.zip(peer.uncertainty) {
                    Some((all, own)) => {
                        Some(own.times(factor).and_then(|own| own.with(all)).ok_or(Reason::Arithmetic)?)
                    }
                    None => None,
                };
            }
            Err(reason) => {
                total.lacking.push(name.to_owned());
                total.reason = total.reason.stricter(Verdict::Inconclusive(reason));
            }
        }
    }
    Ok(total)
}

fn term(row: &Row, name: &str, unit: Unit, case: Case<'_>, judged: &mut Judged) -> Result<Peer, Reason> {
    let steps = &mut judged.steps;
    let measured = peer::find(case.inspection, name, None, steps)?.ok_or(Reason::NotMeasured)?;
    let Peer { value, uncertainty } = peer::value(measured, unit, steps)?;
    match peer::basis_factor(row, measured, case.inspection, steps)? {
        None => Ok(Peer { value, uncertainty }),
        Some((factor, from, moisture)) => {
            let value = value.times(factor)?;
            let to = row.basis.unwrap_or(from);
            steps.push(Step::Basis { from, to, moisture, value: text::with_unit(&value.to_string(), unit) });
            Ok(Peer { value, uncertainty: uncertainty.and_then(|it| it.times(factor)) })
        }
    }
}

/// Judges a sum; an incomplete one only where it exceeds already, because what is lacking is not negative.
fn weigh(row: &Row, total: Total, max: Decimal, judged: &mut Judged) -> Result<Verdict, Reason> {
    let Total { sum, spread, terms, lacking, reason } = total;
    let complete = lacking.is_empty();
    if terms.is_empty() {
        judged.steps.push(Step::NotMeasured { parameter: lacking.join(", ") });
        return Ok(reason);
    }
    judged.value = Some(text::with_unit(&sum.to_string(), row.unit));
    judged.steps.push(Step::Sum { terms, lacking });
    let high = End { limit: Number::of(max)?, inclusive: true };
    let verdict = within(row, sum, None, Some(high), spread.filter(|_| complete), judged)?;
    if complete || verdict == Verdict::Fail { Ok(verdict) } else { Ok(reason) }
}

/// Judges the age of a declared date; `None` for a row that asks for none.
pub(crate) fn age(row: &Row, case: Case<'_>, at: jiff::civil::Date) -> Option<Judged> {
    let Limit::NotOlder { declared, days: most } = &row.limit else { return None };
    let mut judged = described(row, Verdict::NotApplicable);
    let mut weigh = || {
        let date = declared::date(declared, case.facts, &mut judged.steps)?;
        let days = date.until(at).map(|span| span.get_days()).map_err(|_| Reason::Arithmetic)?;
        judged.value = Some(format!("{days} d"));
        judged.steps.push(Step::Days { fact: declared.clone(), date: date.to_string(), days });
        // A date that is still to come is no age, and says nothing.
        let days = u32::try_from(days).map_err(|_| Reason::NoDeclaration)?;
        Ok(if days <= *most { Verdict::Pass } else { Verdict::Fail })
    };
    judged.verdict = weigh().unwrap_or_else(Verdict::Inconclusive);
    Some(judged)
}
