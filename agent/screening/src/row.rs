//! One row against one measured quantity.

use tidewaiter_config::limits::{self as config, Compare, DecisionRule, Limit, Row};
use tidewaiter_drivers::{
    Decimal, Unit, counting,
    reading::{Doubt, Quality},
};

use crate::{
    applicability::Facts,
    conversion::Conversion,
    decision::{self, Bound},
    deviation::{self, Tolerance},
    finding::{Reason, Verdict},
    grade,
    inspection::Measured,
    rounding::{self, Interval},
    text,
};

/// [`counting::LOW_COUNT`] as decimals hold it.
const LOW_COUNT: i64 = counting::LOW_COUNT.cast_signed();

/// A verdict and the texts to recompute it from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    pub(crate) value: Option<String>,
    pub(crate) limit: String,
    /// Parts of the rule text, in the order applied.
    pub(crate) rule: Vec<String>,
    /// Probability of conformity, where an uncertainty is stated.
    pub(crate) probability: Option<Decimal>,
}

/// The measured quantity in the row's unit.
struct Converted {
    value: Decimal,
    background: Option<Decimal>,
    uncertainty: Option<Decimal>,
}

/// Judges `measured` by `row`, which must apply to the subject.
pub(crate) fn judge(row: &Row, measured: &Measured, facts: &Facts<'_>) -> Judged {
    let mut judged = described(row, Verdict::NotApplicable);
    judged.verdict = converted(row, measured, &mut judged)
        .and_then(|converted| weigh(row, &converted, facts, &mut judged))
        .unwrap_or_else(Verdict::Inconclusive);
    judged
}

/// The measured value beside a row that may not be judged, with the verdict that says why.
pub(crate) fn shown(row: &Row, measured: &Measured, verdict: Verdict, why: &str) -> Judged {
    let mut judged = described(row, verdict);
    // Only the texts are wanted: whatever stands against the value itself, `verdict` was there first.
    let _ = converted(row, measured, &mut judged);
    judged.rule.push(why.to_owned());
    judged
}

/// A row without a value.
pub(crate) fn described(row: &Row, verdict: Verdict) -> Judged {
    Judged { verdict, value: None, limit: text::stated(row), rule: vec![text::rule(row)], probability: None }
}

/// The measured quantity in the row's unit, written into `judged`, unless it may not be judged.
fn converted(row: &Row, measured: &Measured, judged: &mut Judged) -> Result<Converted, Reason> {
    let indication = measured.outcome.map_err(|missing| {
        judged.rule.push(format!("no value: {missing}"));
        Reason::NoValue
    })?;
    judged.value = Some(text::value(indication.value, indication.unit));
    match indication.quality {
        Quality::Good => {}
        Quality::Uncertain(Doubt::VerificationDue) => {
            judged.rule.push(indication.quality.word().to_owned());
        }
        Quality::Uncertain(Doubt::Unstable | Doubt::Stale) | Quality::Bad(_) => {
            judged.rule.push(format!("not decisive: {}", indication.quality.word()));
            return Err(Reason::Quality);
        }
    }
    let unit = unit_of(row);
    let Some(conversion) = Conversion::between(indication.unit, unit) else {
        judged.rule.push(format!("{} is no unit of what {unit} measures", indication.unit));
        return Err(Reason::Unit);
    };
    if !conversion.is_identity() {
        judged.rule.push(conversion.text());
    }
    let apply = |it: Decimal| conversion.apply(it).ok_or(Reason::Arithmetic);
    let value = apply(indication.value)?;
    judged.value = Some(text::value(value, unit));
    // What the row does not use cannot stand in its way.
    let uses_background = matches!(row.limit, Limit::AboveBackground { .. } | Limit::Sigma { .. });
    let uses_uncertainty = row.decision != DecisionRule::Simple;
    Ok(Converted {
        value,
        background: measured.background.filter(|_| uses_background).map(apply).transpose()?,
        // A negative one is none: it would widen the limits.
        uncertainty: measured.uncertainty.filter(|it| uses_uncertainty && it.digits() >= 0).map(apply).transpose()?,
    })
}

/// A row nothing was measured for.
pub(crate) fn missing(row: &Row) -> Judged {
    let mut judged = described(row, Verdict::Inconclusive(Reason::NotMeasured));
    judged.rule.push(format!("{} was not measured", row.parameter));
    judged
}

/// Judges each measured quantity, in an order that does not depend on the order they came in; with the
/// stage it belongs to. When there are several, the rule says which one it was.
pub(crate) fn each(
    measured: &[&Measured],
    judge: impl Fn(&Measured) -> Judged,
    missing: impl FnOnce() -> Judged,
) -> Vec<(Judged, Option<u16>)> {
    if measured.is_empty() {
        return vec![(missing(), None)];
    }
    let several = measured.len() > 1;
    let mut judged = measured
        .iter()
        .map(|it| {
            let mut judged = judge(it);
            if several {
                judged.rule.push(format!("{} of {}", it.derivation, it.instrument));
            }
            (judged, it.stage)
        })
        .collect::<Vec<_>>();
    judged.sort_by(|(a, a_stage), (b, b_stage)| {
        (a_stage, a.rule.last(), &a.value, &a.rule, &a.limit, a.verdict.rank()).cmp(&(
            b_stage,
            b.rule.last(),
            &b.value,
            &b.rule,
            &b.limit,
            b.verdict.rank(),
        ))
    });
    judged
}

/// The unit a row's value must be in; counts and grades carry theirs whatever the table writes.
fn unit_of(row: &Row) -> Unit {
    match row.limit {
        Limit::Sigma { .. } => Unit::Count,
        Limit::GradeAtLeast { .. } => Unit::FastnessGrade,
        _ => row.unit,
    }
}

fn weigh(row: &Row, converted: &Converted, facts: &Facts<'_>, judged: &mut Judged) -> Result<Verdict, Reason> {
    let &Converted { value, background, uncertainty } = converted;
    match &row.limit {
        &Limit::Max { limit, inclusive } => {
            let value = compared(value, limit, row, &mut judged.rule)?;
            note_uncertainty(row, uncertainty, &mut judged.rule);
            Ok(decision::upper(value, Bound { limit, inclusive }, row.decision, uncertainty))
        }
        &Limit::Min { limit, inclusive } => {
            let value = compared(value, limit, row, &mut judged.rule)?;
            note_uncertainty(row, uncertainty, &mut judged.rule);
            Ok(decision::lower(value, Bound { limit, inclusive }, row.decision, uncertainty))
        }
        &Limit::Range { low, high, .. } => {
            let at_low = compared(value, low, row, &mut judged.rule)?;
            let at_high =
                if low.places() == high.places() { at_low } else { compared(value, high, row, &mut judged.rule)? };
            note_uncertainty(row, uncertainty, &mut judged.rule);
            Ok(decision::between((at_low, low), (at_high, high), row.decision, uncertainty))
        }
        Limit::Absent => Ok(if value.digits() == 0 { Verdict::Pass } else { Verdict::Fail }),
        &Limit::GradeAtLeast { half_steps } => {
            let Some(found) = grade::half_steps(value) else {
                judged.rule.push(format!("{value} is no grade of the scale 1, 1-2 .. 5"));
                return Err(Reason::Quality);
            };
            Ok(if found >= half_steps { Verdict::Pass } else { Verdict::Fail })
        }
        &Limit::AboveBackground { margin } => {
            let background = background.ok_or(Reason::NoBackground)?;
            judged.limit = text::with_unit(&format!("<= {background} + {margin}"), row.unit);
            let net = value.checked_sub(background).ok_or(Reason::Arithmetic)?;
            judged.rule.push(format!("net {net}"));
            let net = compared(net, margin, row, &mut judged.rule)?;
            note_uncertainty(row, uncertainty, &mut judged.rule);
            Ok(decision::upper(net, Bound { limit: margin, inclusive: true }, row.decision, uncertainty))
        }
        &Limit::Sigma { k } => {
            let background = background.ok_or(Reason::NoBackground)?;
            judged.limit = format!("<= {background} + {k} sqrt({background}) {}", Unit::Count);
            let counts = value.at_places(0).and_then(|it| u64::try_from(it.digits()).ok()).ok_or(Reason::Arithmetic)?;
            if background.cmp_value(Decimal::whole(LOW_COUNT)).is_lt() {
                judged.rule.push(format!("Poisson at the one-sided probability of {k} sigma"));
            }
            let exceeds = counting::exceeds(counts, background, k).ok_or(Reason::Arithmetic)?;
            Ok(if exceeds { Verdict::Fail } else { Verdict::Pass })
        }
        Limit::Deviation { declared, tolerance: config::Tolerance::Smaller { percent, absolute } } => {
            let reference = deviation::declared(declared, facts, row.unit, &mut judged.rule)?;
            let tolerance = Tolerance::of(reference, *percent, *absolute).ok_or(Reason::Arithmetic)?;
            judged.limit = text::with_unit(&tolerance.text(), row.unit);
            let tolerance = tolerance.smaller();
            let deviation = value.checked_sub(reference).ok_or(Reason::Arithmetic)?;
            judged.rule.push(format!("deviation {deviation}"));
            let deviation =
                compared(deviation::magnitude(deviation).ok_or(Reason::Arithmetic)?, tolerance, row, &mut judged.rule)?;
            note_uncertainty(row, uncertainty, &mut judged.rule);
            Ok(decision::upper(deviation, Bound { limit: tolerance, inclusive: true }, row.decision, uncertainty))
        }
        _ => Err(Reason::Arithmetic),
    }
}

/// The value as it is compared: as it is, or rounded once to the decimals of the limit
/// (GB/T 8170-2008, 4.3.2 and 4.3.3).
fn compared(value: Decimal, limit: Decimal, row: &Row, rule: &mut Vec<String>) -> Result<Decimal, Reason> {
    match row.compare {
        Compare::Full => Ok(value),
        Compare::Rounded => {
            let rounded = rounding::round(value, Interval::of_limit(limit)).ok_or(Reason::Arithmetic)?;
            if rounded != value {
                rule.push(format!("{value} rounded to {rounded}"));
            }
            Ok(rounded)
        }
    }
}

fn note_uncertainty(row: &Row, uncertainty: Option<Decimal>, rule: &mut Vec<String>) {
    if row.decision == DecisionRule::Simple {
        return;
    }
    rule.push(match uncertainty {
        Some(uncertainty) => format!("U = {uncertainty} (k = 2)"),
        None => "no usable uncertainty".to_owned(),
    });
}
