//! One row against one measured quantity.

use tidewaiter_config::limits::{Compare, DecisionRule, Limit, Row};
use tidewaiter_drivers::{
    Decimal, Unit, counting,
    reading::{Doubt, Quality},
};

use crate::{
    applicability::Facts,
    conversion::Conversion,
    decision::{self, Margin},
    declared,
    exact::Exact,
    finding::{Reason, Verdict},
    grade,
    inspection::{Inspection, Measured},
    normal,
    number::Number,
    peer, special,
    spread::Spread,
    step::{Step, rule_text},
    text,
};

/// [`counting::LOW_COUNT`] as decimals hold it.
const LOW_COUNT: i64 = counting::LOW_COUNT.cast_signed();

/// What a row may look at beside the value it judges.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) inspection: &'a Inspection,
    pub(crate) facts: Facts<'a>,
}

/// A verdict and the texts to recompute it from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    pub(crate) value: Option<String>,
    pub(crate) limit: String,
    /// What was done, in the order applied.
    pub(crate) steps: Vec<Step>,
    /// Probability of conformity, where an uncertainty is stated.
    pub(crate) probability: Option<Decimal>,
}

impl Judged {
    pub(crate) fn rule(&self) -> String {
        rule_text(&self.steps)
    }
}

/// The measured quantity in the row's unit and on its basis.
pub(crate) struct Converted {
    pub(crate) value: Number,
    pub(crate) background: Option<Number>,
    /// Expanded uncertainty of the value.
    pub(crate) spread: Option<Spread>,
    /// Expanded uncertainty of the background.
    pub(crate) background_spread: Option<Spread>,
    /// Stage it belongs to.
    pub(crate) stage: Option<u16>,
}

/// One end of what is allowed.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) limit: Number,
    pub(crate) inclusive: bool,
}

/// Judges `measured` by `row`, which must apply to the subject.
pub(crate) fn judge(row: &Row, measured: &Measured, case: Case<'_>) -> Judged {
    let mut judged = described(row, Verdict::NotApplicable);
    judged.verdict = converted(row, measured, case, &mut judged)
        .and_then(|converted| weigh(row, &converted, case, &mut judged))
        .unwrap_or_else(Verdict::Inconclusive);
    judged
}

/// The measured value beside a row that may not be judged, with the verdict that says why.
pub(crate) fn shown(row: &Row, measured: &Measured, case: Case<'_>, verdict: Verdict, why: Step) -> Judged {
    let mut judged = described(row, verdict);
    // Only the texts are wanted: whatever stands against the value itself, `verdict` was there first.
    let _ = converted(row, measured, case, &mut judged);
    judged.steps.push(why);
    judged
}

/// A row without a value.
pub(crate) fn described(row: &Row, verdict: Verdict) -> Judged {
    Judged { verdict, value: None, limit: text::stated(row), steps: vec![text::method(row)], probability: None }
}

/// The measured quantity in the row's unit, written into `judged`, unless it may not be judged.
fn converted(row: &Row, measured: &Measured, case: Case<'_>, judged: &mut Judged) -> Result<Converted, Reason> {
    let indication = measured.outcome.map_err(|missing| {
        judged.steps.push(Step::NoValue { missing });
        Reason::NoValue
    })?;
    let as_given = text::value(indication.value, indication.unit);
    judged.steps.push(Step::Value { value: as_given.clone(), instrument: measured.instrument.clone() });
    judged.value = Some(as_given);
    if !peer::decides(indication.quality) {
        judged.steps.push(Step::NotDecisive { quality: indication.quality });
        return Err(Reason::Quality);
    }
    if indication.quality == Quality::Uncertain(Doubt::VerificationDue) {
        judged.steps.push(Step::Noted { quality: indication.quality });
    }
    let unit = row.value_unit();
    let Some(conversion) = Conversion::between(indication.unit, unit) else {
        judged.steps.push(Step::ForeignUnit { found: indication.unit, wanted: unit });
        return Err(Reason::Unit);
    };
    if !conversion.is_identity() {
        judged.steps.push(Step::Converted(conversion));
    }
    let apply = |it: Decimal| conversion.apply(it).ok_or(Reason::Arithmetic);
    let value = apply(indication.value)?;
    judged.value = Some(text::value(value, unit));
    // What the row does not use cannot stand in its way.
    let uses_background = matches!(row.limit, Limit::AboveBackground { .. } | Limit::Sigma { .. });
    let needed = row.decision != DecisionRule::Simple;
    let spread = |stated: Option<Decimal>| {
        // A negative one is none: it would widen the limits.
        let Some(stated) = stated.filter(|it| it.digits() >= 0) else { return Ok(None) };
        match apply(stated).and_then(Number::of) {
            Ok(width) => Ok(Some(Spread::Plain(width.exact()))),
            Err(reason) if needed => Err(reason),
            Err(_) => Ok(None),
        }
    };
    let mut converted = Converted {
        value: Number::of(value)?,
        background: measured
            .background
            .filter(|_| uses_background)
            .map(apply)
            .transpose()?
            .map(Number::of)
            .transpose()?,
        spread: spread(measured.uncertainty)?,
        background_spread: spread(measured.background_uncertainty.filter(|_| uses_background))?,
        stage: measured.stage,
    };
    if let Some((factor, from, moisture)) = peer::basis_factor(row, measured, case.inspection, &mut judged.steps)? {
        converted.value = converted.value.times(factor)?;
        converted.spread = converted.spread.and_then(|it| it.times(factor));
        let shown = text::with_unit(&converted.value.to_string(), unit);
        let to = row.basis.unwrap_or(from);
        judged.steps.push(Step::Basis { from, to, moisture, value: shown.clone() });
        judged.value = Some(shown);
    }
    Ok(converted)
}

/// A row nothing was measured for.
pub(crate) fn missing(row: &Row) -> Judged {
    let mut judged = described(row, Verdict::Inconclusive(Reason::NotMeasured));
    judged.steps.push(Step::NotMeasured { parameter: row.parameter.clone() });
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
                judged
                    .steps
                    .push(Step::Derived { derivation: it.derivation.clone(), instrument: it.instrument.clone() });
            }
            (judged, it.stage)
        })
        .collect::<Vec<_>>();
    judged.sort_by_cached_key(|(judged, stage)| {
        let rule = judged.steps.iter().filter_map(Step::rule).collect::<Vec<_>>();
        let probability = judged.probability.map(Decimal::digits);
        let last = rule.last().cloned();
        (*stage, last, judged.value.clone(), rule, judged.limit.clone(), judged.verdict.rank(), probability)
    });
    judged
}

fn weigh(row: &Row, converted: &Converted, case: Case<'_>, judged: &mut Judged) -> Result<Verdict, Reason> {
    let &Converted { value, background, spread, .. } = converted;
    let end = |limit: Decimal, inclusive| Number::of(limit).map(|limit| End { limit, inclusive });
    match &row.limit {
        &Limit::Max { limit, inclusive } => within(row, value, None, Some(end(limit, inclusive)?), spread, judged),
        &Limit::Min { limit, inclusive } => within(row, value, Some(end(limit, inclusive)?), None, spread, judged),
        &Limit::Range { low, high, excludes } => {
            let (low, high) = (end(low, excludes.low_allowed())?, end(high, excludes.high_allowed())?);
            within(row, value, Some(low), Some(high), spread, judged)
        }
        Limit::Lowered { limit, declared, by } => {
            let limit = special::lowered(row, (*limit, declared, *by), case, judged)?;
            within(row, value, None, Some(End { limit, inclusive: true }), spread, judged)
        }
        Limit::Absent => Ok(if value.exact().signum() == 0 { Verdict::Pass } else { Verdict::Fail }),
        &Limit::GradeAtLeast { half_steps } => {
            let value = value.decimal().ok_or(Reason::Arithmetic)?;
            let Some(found) = grade::half_steps(value) else {
                judged.steps.push(Step::NoGrade { value });
                return Err(Reason::Quality);
            };
            Ok(if found >= half_steps { Verdict::Pass } else { Verdict::Fail })
        }
        &Limit::AboveBackground { margin } => {
            let background = background.ok_or(Reason::NoBackground)?;
            judged.limit = text::with_unit(&format!("<= {background} + {margin}"), row.unit);
            let net = value.sub(background)?;
            judged.steps.push(Step::Net { net: net.to_string() });
            // Value and background vary independently of each other.
            let spread = match (spread, converted.background_spread) {
                (Some(gross), Some(background)) => Some(gross.with(background).ok_or(Reason::Arithmetic)?),
                (gross, _) => gross,
            };
            within(row, net, None, Some(end(margin, true)?), spread, judged)
        }
        &Limit::Sigma { k } => counts(value, background, k, judged),
        Limit::Deviation { declared, tolerance } => {
            let reference = declared::number(declared, case.facts, row.unit, &mut judged.steps)?;
            let (tolerance, shown) = declared::tolerance(reference, *tolerance).ok_or(Reason::Arithmetic)?;
            judged.limit = text::with_unit(&shown, row.unit);
            let deviation = value.sub(Number::of(reference)?)?;
            judged.steps.push(Step::Deviation { deviation: deviation.to_string() });
            around(row, deviation, Number::of(tolerance)?, spread, judged)
        }
        Limit::Sum { max, .. } | Limit::SumOfRatios { max, .. } => {
            within(row, value, None, Some(end(*max, true)?), spread, judged)
        }
        Limit::Classes { order, wanted } => special::class(row, value, order, wanted, case, judged),
        Limit::Share { of, share, inclusive } => {
            let (limit, uncertain) = special::share(row, of, *share, *inclusive, converted, case, judged)?;
            within(row, value, None, Some(End { limit, inclusive: *inclusive }), uncertain, judged)
        }
        Limit::Mpe { load, interval, steps, times } => {
            let permitted = special::mpe(row, (load, interval, steps, *times), converted, case, judged)?;
            around(row, value, permitted, spread, judged)
        }
        // An age has no measured value; it is judged where nothing was measured.
        Limit::NotOlder { .. } => Err(Reason::NotMeasured),
    }
}

/// Counts over background: by the square root, or by their own distribution where they are few.
fn counts(value: Number, background: Option<Number>, k: Decimal, judged: &mut Judged) -> Result<Verdict, Reason> {
    let background = background.and_then(Number::decimal).ok_or(Reason::NoBackground)?;
    judged.limit = format!("<= {background} + {k} sqrt({background}) {}", Unit::Count);
    let whole = value.decimal().and_then(|it| it.at_places(0));
    let counts = whole.and_then(|it| u64::try_from(it.digits()).ok()).ok_or(Reason::Arithmetic)?;
    if background.cmp_value(Decimal::whole(LOW_COUNT)).is_lt() {
        judged.steps.push(Step::Poisson { k });
    }
    let exceeds = counting::exceeds(counts, background, k).ok_or(Reason::Arithmetic)?;
    Ok(if exceeds { Verdict::Fail } else { Verdict::Pass })
}

/// Judges a value against one end or both.
pub(crate) fn within(
    row: &Row,
    value: Number,
    low: Option<End>,
    high: Option<End>,
    spread: Option<Spread>,
    judged: &mut Judged,
) -> Result<Verdict, Reason> {
    let less = |from: Exact, what: Exact| from.sub(what).ok_or(Reason::Arithmetic);
    let (mut margins, mut unrounded) = (Vec::new(), Vec::new());
    let mut at_low = None;
    if let Some(End { limit, inclusive }) = low {
        let at = compared(value, limit, row, &mut judged.steps)?;
        at_low = Some((at, limit.places()));
        margins.push(Margin { inside: less(at, limit.exact())?, inclusive });
        unrounded.push(less(value.exact(), limit.exact())?);
    }
    if let Some(End { limit, inclusive }) = high {
        // The ends may be written with different decimals; each rounds the value to its own.
        let at = match at_low {
            Some((at, places)) if row.round_to.is_some() || places == limit.places() => at,
            _ => compared(value, limit, row, &mut judged.steps)?,
        };
        margins.push(Margin { inside: less(limit.exact(), at)?, inclusive });
        unrounded.push(less(limit.exact(), value.exact())?);
    }
    let width = match (low, high) {
        (Some(low), Some(high)) => Some(less(high.limit.exact(), low.limit.exact())?),
        _ => None,
    };
    conform(row, &unrounded, value, spread, judged);
    let guard = guard(row, spread, value, judged)?;
    Ok(decision::decide(&margins, width, row.decision, guard))
}

/// Judges an error of either sign against what is permitted.
fn around(
    row: &Row,
    error: Number,
    permitted: Number,
    spread: Option<Spread>,
    judged: &mut Judged,
) -> Result<Verdict, Reason> {
    let magnitude = compared(error.abs(), permitted, row, &mut judged.steps)?;
    let inside = |error: Exact| permitted.exact().sub(error).ok_or(Reason::Arithmetic);
    conform(row, &[inside(error.exact())?, inside(error.exact().neg())?], error, spread, judged);
    if row.decision == DecisionRule::Jjf1094 {
        note_uncertainty(spread, error, judged);
        return Ok(decision::permitted(magnitude, permitted.exact(), spread));
    }
    let guard = guard(row, spread, error, judged)?;
    let width = permitted.exact().mul(Exact::whole(2)).ok_or(Reason::Arithmetic)?;
    let margin = Margin { inside: inside(magnitude)?, inclusive: true };
    Ok(decision::decide(&[margin], Some(width), row.decision, guard))
}

/// The value as it is compared: as it is, or rounded once to the row's interval or the decimals of the limit
/// (GB/T 8170-2008, 4.3.2 and 4.3.3).
pub(crate) fn compared(value: Number, limit: Number, row: &Row, steps: &mut Vec<Step>) -> Result<Exact, Reason> {
    if row.compare == Compare::Full {
        return Ok(value.exact());
    }
    let last_place = || Decimal::new(1, limit.decimal()?.places());
    let step = row.round_to.or_else(last_place).ok_or(Reason::Arithmetic)?;
    let rounded = value.exact().rounded(step).ok_or(Reason::Arithmetic)?;
    if value.decimal() != Some(rounded) {
        steps.push(Step::Rounded { from: value.to_string(), to: rounded });
    }
    Exact::of(rounded).ok_or(Reason::Arithmetic)
}

/// Notes the probability of conformity where an uncertainty is stated; it rests on the value before rounding.
fn conform(row: &Row, margins: &[Exact], value: Number, spread: Option<Spread>, judged: &mut Judged) {
    let Some(spread) = spread else { return };
    judged.probability = normal::conformity(margins, &spread);
    if let (Some(probability), Some(uncertainty)) = (judged.probability, spread.shown(value.places())) {
        let uncertainty = text::with_unit(&uncertainty.to_string(), row.unit);
        judged.steps.push(Step::Probability { probability, uncertainty });
    }
}

/// The guard band of the row's rule.
fn guard(row: &Row, spread: Option<Spread>, value: Number, judged: &mut Judged) -> Result<Option<Spread>, Reason> {
    if row.decision == DecisionRule::Simple {
        return Ok(None);
    }
    note_uncertainty(spread, value, judged);
    let (Some(spread), Some(z)) = (spread, row.guard_z) else { return Ok(spread) };
    // w = z u, and u = U / 2.
    let half = Exact::ratio(1, 2).and_then(|half| Exact::of(z)?.mul(half));
    let guard = half.and_then(|factor| spread.times(factor)).ok_or(Reason::Arithmetic)?;
    let width = guard.shown(value.places()).map_or_else(|| "~".to_owned(), |it| it.to_string());
    judged.steps.push(Step::Guard { z, width });
    Ok(Some(guard))
}

fn note_uncertainty(spread: Option<Spread>, value: Number, judged: &mut Judged) {
    judged.steps.push(match spread.and_then(|it| it.shown(value.places())) {
        Some(uncertainty) => Step::Uncertainty { uncertainty: uncertainty.to_string() },
        None => Step::NoUncertainty,
    });
}
