//! From a value, a limit and an uncertainty to a verdict: ILAC-G8:09/2019.
//!
//! For an upper limit `TL` with guard band `w = U` (expanded uncertainty, k = 2):
//!
//! ```text
//! simple       pass x <= TL                                        else fail
//! guarded      pass x <= TL - w                                    else fail
//! non-binary   pass x <= TL - w   conditional pass x <= TL
//!              conditional fail x <= TL + w                        else fail
//! ```
//!
//! A lower limit mirrors this; a limit that is itself outside ("less than") makes every `<=` a `<`.
//! An interval is judged at both ends and the stricter verdict taken, provided it is wider than `2 w`:
//! otherwise nothing inside it can be told from outside.

use tidewaiter_config::limits::DecisionRule;
use tidewaiter_drivers::Decimal;

use crate::finding::{Reason, Verdict};

/// One end of what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The tolerance limit.
    pub limit: Decimal,
    /// Whether the limit itself is allowed.
    pub inclusive: bool,
}

/// Judges `value` against an upper limit.
///
/// `uncertainty` is the expanded one (k = 2) in the unit of the value; only the simple rule can do
/// without.
pub fn upper(value: Decimal, bound: Bound, rule: DecisionRule, uncertainty: Option<Decimal>) -> Verdict {
    decide_upper(value, bound, rule, uncertainty).unwrap_or_else(Verdict::Inconclusive)
}

/// Judges `value` against a lower limit.
pub fn lower(value: Decimal, bound: Bound, rule: DecisionRule, uncertainty: Option<Decimal>) -> Verdict {
    let mirrored = || Some((negate(value)?, Bound { limit: negate(bound.limit)?, ..bound }));
    match mirrored() {
        Some((value, bound)) => upper(value, bound, rule, uncertainty),
        None => Verdict::Inconclusive(Reason::Arithmetic),
    }
}

/// Judges a value against both ends of a closed interval.
///
/// `at_low` and `at_high` are the value as compared at either end: they differ only when the ends are
/// written with different numbers of decimals and the value is rounded to them.
pub fn between(
    (at_low, low): (Decimal, Decimal),
    (at_high, high): (Decimal, Decimal),
    rule: DecisionRule,
    uncertainty: Option<Decimal>,
) -> Verdict {
    let below = lower(at_low, Bound { limit: low, inclusive: true }, rule, uncertainty);
    let above = upper(at_high, Bound { limit: high, inclusive: true }, rule, uncertainty);
    let verdict = if below.rank() >= above.rank() { below } else { above };
    let (DecisionRule::Guarded | DecisionRule::NonBinary, Some(guard)) = (rule, uncertainty) else {
        return verdict;
    };
    let Some((width, band)) = high.checked_sub(low).zip(guard.checked_add(guard)) else {
        return Verdict::Inconclusive(Reason::Arithmetic);
    };
    if width.cmp_value(band).is_gt() {
        return verdict;
    }
    // The guard bands overlap. Only what lies outside can still be told.
    let outside = at_low.cmp_value(low).is_lt() || at_high.cmp_value(high).is_gt();
    if verdict == Verdict::Fail && outside { verdict } else { Verdict::Inconclusive(Reason::Uncertainty) }
}

fn decide_upper(
    value: Decimal,
    bound: Bound,
    rule: DecisionRule,
    uncertainty: Option<Decimal>,
) -> Result<Verdict, Reason> {
    let within = |limit: Decimal| match value.cmp_value(limit) {
        core::cmp::Ordering::Less => true,
        core::cmp::Ordering::Equal => bound.inclusive,
        core::cmp::Ordering::Greater => false,
    };
    let allowed = within(bound.limit);
    if rule == DecisionRule::Simple {
        return Ok(if allowed { Verdict::Pass } else { Verdict::Fail });
    }
    let guard = uncertainty.filter(|it| it.digits() >= 0);
    let Some(guard) = guard else {
        // No guard band can make a value beyond the limit acceptable under the guarded rule.
        return if rule == DecisionRule::Guarded && !allowed { Ok(Verdict::Fail) } else { Err(Reason::Uncertainty) };
    };
    let acceptance = bound.limit.checked_sub(guard).ok_or(Reason::Arithmetic)?;
    let rejection = bound.limit.checked_add(guard).ok_or(Reason::Arithmetic)?;
    let binary = rule == DecisionRule::Guarded;
    Ok(match (within(acceptance), allowed, within(rejection)) {
        (true, ..) => Verdict::Pass,
        _ if binary => Verdict::Fail,
        (_, true, _) => Verdict::ConditionalPass,
        (_, _, true) => Verdict::ConditionalFail,
        _ => Verdict::Fail,
    })
}

fn negate(value: Decimal) -> Option<Decimal> {
    Decimal::new(value.digits().checked_neg()?, value.places())
}
