//! From a value, what is allowed and an uncertainty to a verdict: ILAC-G8:09/2019 and JJF 1094-2002.
//!
//! For an upper limit `TL` with guard band `w`, which is the expanded uncertainty `U` (k = 2) or `z U / 2`:
//!
//! ```text
//! simple       pass x <= TL                                        else fail
//! guarded      pass x <= TL - w                                    else fail
//! non-binary   pass x <= TL - w   conditional pass x <= TL
//!              conditional fail x <= TL + w                        else fail
//! jjf-1094     U <= TL / 3: as simple; else pass x <= TL - U       fail x >= TL + U
//!              between them: not decided (待定)
//! ```
//!
//! A lower limit mirrors this; a limit that is itself outside ("less than") makes every `<=` a `<`.
//! An interval is judged at both ends and the stricter verdict taken, provided it is wider than `2 w`:
//! otherwise nothing inside it can be told from outside.
//!
//! Both ends are one thing here: a margin, which is how far inside the value lies.

use core::cmp::Ordering;

use tidewaiter_config::limits::DecisionRule;
use tidewaiter_drivers::Decimal;

use crate::{
    exact::Exact,
    finding::{Reason, Verdict},
    spread::Spread,
};

/// One end of what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The tolerance limit.
    pub limit: Decimal,
    /// Whether the limit itself is allowed.
    pub inclusive: bool,
}

/// How far inside one end a value lies, negative when it is beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Margin {
    pub(crate) inside: Exact,
    /// Whether the end itself is allowed.
    pub(crate) inclusive: bool,
}

/// Judges `value` against an upper limit.
///
/// `uncertainty` is the expanded one (k = 2) in the unit of the value; only the simple rule can do
/// without.
pub fn upper(value: Decimal, bound: Bound, rule: DecisionRule, uncertainty: Option<Decimal>) -> Verdict {
    one_sided(bound.limit, value, bound.inclusive, rule, uncertainty)
}

/// Judges `value` against a lower limit.
pub fn lower(value: Decimal, bound: Bound, rule: DecisionRule, uncertainty: Option<Decimal>) -> Verdict {
    one_sided(value, bound.limit, bound.inclusive, rule, uncertainty)
}

fn one_sided(
    high: Decimal,
    low: Decimal,
    inclusive: bool,
    rule: DecisionRule,
    uncertainty: Option<Decimal>,
) -> Verdict {
    let exact = || Exact::of(high)?.sub(Exact::of(low)?);
    let Some(inside) = exact() else { return Verdict::Inconclusive(Reason::Arithmetic) };
    let guard = uncertainty.filter(|it| it.digits() >= 0).and_then(Exact::of).map(Spread::Plain);
    decide(&[Margin { inside, inclusive }], None, rule, guard)
}

/// Judges margins: one for a limit, two for the ends of an interval, of which `width` is how far apart they are.
pub(crate) fn decide(margins: &[Margin], width: Option<Exact>, rule: DecisionRule, guard: Option<Spread>) -> Verdict {
    let verdict = margins
        .iter()
        .map(|&margin| one(margin, rule, guard).unwrap_or_else(Verdict::Inconclusive))
        .fold(Verdict::NotApplicable, Verdict::stricter);
    let (DecisionRule::Guarded | DecisionRule::NonBinary, Some(guard), Some(width)) = (rule, guard, width) else {
        return verdict;
    };
    let half = Exact::ratio(1, 2).and_then(|half| width.mul(half));
    match half.and_then(|half| guard.compare_distance(half)) {
        Some(Ordering::Greater) => verdict,
        None => Verdict::Inconclusive(Reason::Arithmetic),
        // The guard bands overlap. Only what lies outside can still be told.
        Some(_) if verdict == Verdict::Fail && margins.iter().any(|it| !it.keeps()) => verdict,
        Some(_) => Verdict::Inconclusive(Reason::Uncertainty),
    }
}

/// Judges the magnitude of an error against what is permitted (JJF 1094-2002, 5.3.1.4 to 5.3.1.6).
pub(crate) fn permitted(error: Exact, permitted: Exact, uncertainty: Option<Spread>) -> Verdict {
    let judge = || {
        let uncertainty = uncertainty.ok_or(Reason::Uncertainty)?;
        let inside = permitted.sub(error.abs()).ok_or(Reason::Arithmetic)?;
        let third = Exact::ratio(1, 3).and_then(|third| permitted.mul(third)).ok_or(Reason::Arithmetic)?;
        let against = |distance: Exact| uncertainty.compare_distance(distance).ok_or(Reason::Arithmetic);
        if against(third)?.is_ge() {
            return Ok(if inside.signum() >= 0 { Verdict::Pass } else { Verdict::Fail });
        }
        if against(inside)?.is_ge() {
            Ok(Verdict::Pass)
        } else if against(inside.neg())?.is_ge() {
            Ok(Verdict::Fail)
        } else {
            Err(Reason::Uncertainty)
        }
    };
    judge().unwrap_or_else(Verdict::Inconclusive)
}

impl Margin {
    /// Whether the end is kept.
    fn keeps(self) -> bool {
        self.inside.signum() > 0 || (self.inclusive && self.inside.signum() == 0)
    }

    /// Whether the end moved inwards by `guard` is kept.
    fn keeps_inner(self, guard: Spread) -> Option<bool> {
        Some(match guard.compare_distance(self.inside)? {
            Ordering::Greater => true,
            Ordering::Equal => self.inclusive,
            Ordering::Less => false,
        })
    }

    /// Whether the end moved outwards by `guard` is kept.
    fn keeps_outer(self, guard: Spread) -> Option<bool> {
        Some(match guard.compare_distance(self.inside.neg())? {
            Ordering::Less => true,
            Ordering::Equal => self.inclusive,
            Ordering::Greater => false,
        })
    }
}

fn one(margin: Margin, rule: DecisionRule, guard: Option<Spread>) -> Result<Verdict, Reason> {
    let allowed = margin.keeps();
    if rule == DecisionRule::Simple {
        return Ok(if allowed { Verdict::Pass } else { Verdict::Fail });
    }
    let Some(guard) = guard else {
        // No guard band can make a value beyond the limit acceptable under the guarded rule.
        return if rule == DecisionRule::Guarded && !allowed { Ok(Verdict::Fail) } else { Err(Reason::Uncertainty) };
    };
    let inner = margin.keeps_inner(guard).ok_or(Reason::Arithmetic)?;
    let outer = margin.keeps_outer(guard).ok_or(Reason::Arithmetic)?;
    let binary = rule == DecisionRule::Guarded;
    Ok(match (inner, allowed, outer) {
        (true, ..) => Verdict::Pass,
        _ if binary => Verdict::Fail,
        (_, true, _) => Verdict::ConditionalPass,
        (_, _, true) => Verdict::ConditionalFail,
        _ => Verdict::Fail,
    })
}
