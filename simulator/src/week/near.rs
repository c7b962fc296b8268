//! Values where mistakes are made: at the limit of a row, and a digit beside it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use tidewaiter_config::limits::{Basis, Class, Limit, Row, Wanted};
use tidewaiter_drivers::{Decimal, Unit};

use crate::world::{
    chance::Draw,
    rounding::{as_real, displayed, nearest, real},
};

/// One value of one parameter.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) parameter: String,
    pub(super) value: Decimal,
    pub(super) unit: Unit,
    pub(super) basis: Option<Basis>,
    pub(super) background: Option<Decimal>,
    pub(super) uncertainty: Option<Decimal>,
}

/// Whether what is declared so far does not contradict the row.
pub(super) fn fits(row: &Row, facts: &BTreeMap<String, String>) -> bool {
    row.when.iter().all(|it| facts.get(&it.fact).is_none_or(|is| it.one_of.contains(is)))
}

/// Values for a row: of its own parameter, and of what the row looks at beside it. What it needs declared is added
/// to the facts.
pub(super) fn found(row: &Row, facts: &mut BTreeMap<String, String>, sampled: &str, draw: &mut Draw) -> Vec<Found> {
    for condition in &row.when {
        if !facts.contains_key(&condition.fact)
            && let Some(value) = condition.one_of.get(draw.one_of(condition.one_of.len()))
        {
            facts.insert(condition.fact.clone(), value.clone());
        }
    }
    let mut found: Vec<Found> = Vec::new();
    for condition in &row.when_measured {
        found.push(plain(&condition.parameter, beside(condition.limit, draw), condition.unit));
    }
    of_kind(row, facts, sampled, draw, &mut found);
    if let Some(basis) = row.basis {
        on_a_basis(basis, draw, &mut found);
    }
    for it in &mut found {
        in_another_unit(it, draw);
        if draw.hits(0.4) {
            it.uncertainty = Some(uncertainty(it.value, draw));
        }
    }
    found
}

fn plain(parameter: &str, value: Decimal, unit: Unit) -> Found {
    Found { parameter: parameter.to_owned(), value, unit, basis: None, background: None, uncertainty: None }
}

fn of_kind(row: &Row, facts: &mut BTreeMap<String, String>, sampled: &str, draw: &mut Draw, found: &mut Vec<Found>) {
    let mut own = |value: Decimal, background: Option<Decimal>| {
        found.push(Found { background, ..plain(&row.parameter, value, row.unit) });
    };
    match &row.limit {
        Limit::Max { limit, .. } | Limit::Min { limit, .. } => own(beside(*limit, draw), None),
        Limit::Lowered { limit, declared, by } => {
            let count = i64::try_from(draw.one_of(4)).unwrap_or(0);
            facts.insert(declared.clone(), count.to_string());
            let off = by.checked_mul(Decimal::whole(count)).and_then(|off| limit.checked_sub(off));
            own(beside(off.unwrap_or(*limit), draw), None);
        }
        Limit::Range { low, high, .. } => {
            let end = if draw.hits(0.5) { *low } else { *high };
            own(beside(end, draw), None);
        }
        Limit::Absent => own(if draw.hits(0.8) { Decimal::ZERO } else { displayed(draw.between(0.0, 2.0), 1) }, None),
        Limit::GradeAtLeast { half_steps } => {
            let step = i64::try_from(draw.one_of(5)).unwrap_or(2) - 2;
            let grade = (i64::from(*half_steps) + step).clamp(2, 10);
            own(displayed(real(grade) / 2.0, u8::from(grade % 2 == 1)), None);
        }
        Limit::AboveBackground { margin } => {
            let background = displayed(as_real(*margin) * draw.between(0.2, 0.9), margin.places() + 1);
            let top = background.checked_add(*margin).unwrap_or(*margin);
            own(beside(top, draw), (!draw.hits(0.04)).then_some(background));
        }
        Limit::Sigma { k } => {
            let background = Decimal::whole(nearest(draw.between(0.0, 7.6).exp()));
            let top = as_real(background) + as_real(*k) * as_real(background).sqrt();
            let counts = nearest(top) + i64::try_from(draw.one_of(7)).unwrap_or(3) - 3;
            let counts = if draw.hits(0.7) { nearest(as_real(background)) } else { counts };
            found.push(Found {
                background: (!draw.hits(0.04)).then_some(background),
                ..plain(&row.parameter, Decimal::whole(counts.max(0)), Unit::Count)
            });
        }
        Limit::Deviation { declared, .. } => {
            let is = facts.get(declared).and_then(|it| it.parse().ok());
            let is: Decimal = is.unwrap_or_else(|| Decimal::whole(nearest(draw.between(800.0, 40_000.0))));
            let is = if row.unit == Unit::One { displayed(draw.between(0.30, 0.50), 2) } else { is };
            facts.insert(declared.clone(), is.to_string());
            let off = as_real(is) * draw.between(-0.2, 0.2);
            let value = displayed(as_real(is) + off, is.places() + u8::from(row.unit == Unit::One));
            let edge = displayed(as_real(is) * 1.05, is.places() + 1);
            own(if draw.hits(0.3) { beside(edge, draw) } else { value }, None);
        }
        Limit::Sum { of, max } => {
            let each = as_real(*max) / real(i64::try_from(of.len()).unwrap_or(1)).max(1.0);
            for parameter in of {
                // A component may be missing.
                if !draw.hits(0.02) {
                    let value = displayed(each * draw.between(0.7, 1.3), max.places() + 1);
                    found.push(plain(parameter, value, row.unit));
                }
            }
        }
        Limit::SumOfRatios { of, unit, max } => {
            let share = as_real(*max) / real(i64::try_from(of.len()).unwrap_or(1)).max(1.0);
            for (parameter, by) in of {
                if !draw.hits(0.02) {
                    let value = displayed(as_real(*by) * share * draw.between(0.6, 1.4), 3);
                    found.push(plain(parameter, value, *unit));
                }
            }
        }
        Limit::Classes { order, wanted } => {
            let boundaries: Vec<Decimal> = order.iter().flat_map(|it| [it.min, it.max]).flatten().collect();
            let boundary = boundaries.get(draw.one_of(boundaries.len())).copied().unwrap_or(Decimal::ZERO);
            if let Wanted::Exactly(declared) | Wanted::OrBetter(declared) = wanted
                && let Some(Class { name, .. }) = order.get(draw.one_of(order.len()))
            {
                facts.insert(declared.clone(), name.clone());
            }
            own(beside(boundary, draw), None);
        }
        Limit::Share { of, share, .. } => {
            let whole = displayed(draw.between(8.0, 14.0), 1);
            let limit = whole.checked_mul(*share).unwrap_or(whole);
            own(beside(limit, draw), None);
            if draw.hits(0.6) {
                found.push(plain(of, whole, row.unit));
            } else {
                facts.insert(of.clone(), whole.to_string());
            }
        }
        Limit::NotOlder { declared, .. } => {
            facts.insert(declared.clone(), days_before(sampled, draw.one_of(11)));
        }
        Limit::Mpe { load, interval, steps, .. } => {
            let e = displayed([0.1, 0.2, 0.5, 1.0, 5.0, 20.0].get(draw.one_of(6)).copied().unwrap_or(1.0), 1);
            facts.insert(interval.clone(), e.to_string());
            let step = steps.get(draw.one_of(steps.len()));
            let up_to = step.map_or(500.0, |it| as_real(it.up_to).min(20_000.0));
            let times = if draw.hits(0.4) { up_to } else { (up_to * draw.between(0.1, 1.2)).round() };
            let on = displayed(as_real(e) * times, 1);
            if draw.hits(0.5) {
                found.push(plain(load, on, row.unit));
            } else {
                facts.insert(load.clone(), on.to_string());
            }
            let permitted = displayed(as_real(e) * step.map_or(1.0, |it| as_real(it.error)), 2);
            let value = beside(permitted, draw);
            let signed = if draw.hits(0.5) { Decimal::ZERO.checked_sub(value).unwrap_or(value) } else { value };
            found.push(plain(&row.parameter, signed, row.unit));
        }
    }
}

/// The limit, a digit of its last place or of the one behind beside it, well below, well above, or nothing.
fn beside(limit: Decimal, draw: &mut Draw) -> Decimal {
    let digit = |places: u8, digits: i64| {
        let one = Decimal::new(digits, places).unwrap_or(Decimal::ZERO);
        limit.checked_add(one).unwrap_or(limit)
    };
    let share = |draw: &mut Draw, low, high| displayed(as_real(limit) * draw.between(low, high), limit.places() + 1);
    match draw.one_of(12) {
        0 | 1 => limit,
        2 => digit(limit.places(), 1),
        3 => digit(limit.places(), -1),
        4 => digit(limit.places() + 1, 1),
        5 => digit(limit.places() + 1, -1),
        // Half a digit: where rounding decides.
        6 => digit(limit.places() + 1, 5),
        7 => digit(limit.places() + 1, -5),
        8 => share(draw, 1.05, 1.6),
        9 => Decimal::ZERO,
        _ => share(draw, 0.3, 0.98),
    }
}

/// One to ten per cent of the value.
fn uncertainty(value: Decimal, draw: &mut Draw) -> Decimal {
    displayed((as_real(value) * draw.between(0.01, 0.10)).abs(), value.places().saturating_add(1).min(9))
}

/// Puts the values on the row's basis, on the other one with the moisture beside it, or on none.
fn on_a_basis(basis: Basis, draw: &mut Draw, found: &mut Vec<Found>) {
    let other = match basis {
        Basis::Dry => Basis::AsReceived,
        Basis::AsReceived => Basis::Dry,
    };
    let choice = draw.one_of(10);
    for it in found.iter_mut() {
        it.basis = match choice {
            0..=4 => Some(basis),
            5..=8 => Some(other),
            _ => None,
        };
    }
    if (5..=8).contains(&choice) && draw.hits(0.8) && found.iter().all(|it| it.parameter != "moisture") {
        let moisture = displayed(draw.between(2.0, 30.0), 1);
        found.push(Found { basis: Some(Basis::AsReceived), ..plain("moisture", moisture, Unit::Percent) });
    }
}

/// Now and then the same value in another unit of the same quantity, digit for digit.
fn in_another_unit(found: &mut Found, draw: &mut Draw) {
    /// From, to, and the power of ten between.
    const UNITS: [(Unit, Unit, i8); 8] = [
        (Unit::Kilogram, Unit::Tonne, -3),
        (Unit::Tonne, Unit::Kilogram, 3),
        (Unit::Percent, Unit::MilligramPerKilogram, 4),
        (Unit::MilligramPerKilogram, Unit::Percent, -4),
        (Unit::MicrograyPerHour, Unit::NanograyPerHour, 3),
        (Unit::BecquerelPerGram, Unit::BecquerelPerKilogram, 3),
        (Unit::BecquerelPerKilogram, Unit::BecquerelPerGram, -3),
        (Unit::MicrosievertPerHour, Unit::NanosievertPerHour, 3),
    ];
    let roll = draw.unit();
    if roll < 0.01 {
        // A unit of another quantity: it must not be judged.
        found.unit = Unit::Volt;
    } else if roll < 0.16
        && let Some((_, unit, power)) = UNITS.iter().find(|(from, ..)| *from == found.unit)
        && let Some(value) = found.value.scaled(*power)
        && let Some(background) = found.background.map_or(Some(None), |it| it.scaled(*power).map(Some))
    {
        (found.value, found.unit, found.background) = (value, *unit, background);
    }
}

/// So many days before a date; the date itself where it cannot be read.
fn days_before(date: &str, days: usize) -> String {
    let mut day: Option<Date> = date.parse().ok();
    for _ in 0..days {
        day = day.and_then(|it| it.yesterday().ok());
    }
    day.map_or_else(|| date.to_owned(), |it| it.to_string())
}
