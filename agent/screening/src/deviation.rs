//! What a measured value may differ from the declared one.

use tidewaiter_drivers::{Decimal, Unit};

use crate::{applicability::Facts, conversion::Conversion, finding::Reason};

/// The smaller of a share of the declared value and a fixed amount.
pub(crate) struct Tolerance {
    declared: Decimal,
    percent: Decimal,
    share: Decimal,
    absolute: Decimal,
}

impl Tolerance {
    /// `None` when the share does not fit exact arithmetic.
    pub(crate) fn of(declared: Decimal, percent: Decimal, absolute: Decimal) -> Option<Self> {
        let share = magnitude(declared)?.checked_mul(percent)?.scaled(-2)?;
        Some(Self { declared, percent, share: shortest(share), absolute })
    }

    /// The one that binds.
    pub(crate) fn smaller(&self) -> Decimal {
        if self.share.cmp_value(self.absolute).is_lt() { self.share } else { self.absolute }
    }

    /// As a finding's limit shows it: `|x - 19900| <= min(5 % = 995, 1000) = 995`.
    pub(crate) fn text(&self) -> String {
        let Self { declared, percent, share, absolute } = self;
        format!("|x - {declared}| <= min({percent} % = {share}, {absolute}) = {}", self.smaller())
    }
}

/// The declared number in the row's unit; declared with a unit of its own (`21.5 t`) it is converted.
pub(crate) fn declared(fact: &str, facts: &Facts<'_>, unit: Unit, rule: &mut Vec<String>) -> Result<Decimal, Reason> {
    let Some(declared) = facts.get(fact) else {
        rule.push(format!("{fact} is not declared"));
        return Err(Reason::NoDeclaration);
    };
    let (number, code) = declared.split_once(' ').map_or((declared, ""), |(number, code)| (number, code.trim()));
    let Ok(number) = number.parse::<Decimal>() else {
        rule.push(format!("declared {fact} {declared:?} is not a decimal number"));
        return Err(Reason::NoDeclaration);
    };
    if code.is_empty() {
        return Ok(number);
    }
    let Some(conversion) = code.parse().ok().and_then(|from| Conversion::between(from, unit)) else {
        rule.push(format!("declared {fact} {declared:?} is not in {unit}"));
        return Err(Reason::Unit);
    };
    if !conversion.is_identity() {
        rule.push(format!("declared {}", conversion.text()));
    }
    conversion.apply(number).ok_or(Reason::Arithmetic)
}

/// The distance from zero, where it fits; [`Decimal::abs`] would saturate.
pub(crate) fn magnitude(value: Decimal) -> Option<Decimal> {
    Decimal::new(value.digits().checked_abs()?, value.places())
}

/// The same value without trailing zeros behind the point: `1000.00` from multiplying is `1000`.
fn shortest(value: Decimal) -> Decimal {
    (0..value.places()).find_map(|places| value.at_places(places)).unwrap_or(value)
}
