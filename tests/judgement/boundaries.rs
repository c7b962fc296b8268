//! Where a limit can tip: its numbers as written, one digit below and one above, and what a row needs beside the value.

use tidewaiter_config::limits::{Limit, Row, Tolerance, Wanted};
use tidewaiter_drivers::Decimal;

/// The load, declared value or divisor that rows with a reference are tried at.
pub(super) const REFERENCE: i64 = 20_000;
/// The scale interval that permissible errors are tried at.
pub(super) const INTERVAL: &str = "20";
/// Background in the unit of the row.
pub(super) const BACKGROUND: &str = "0.12";

/// Numbers of the row at which its verdict may change, in its unit.
pub(super) fn numbers(row: &Row) -> Vec<Decimal> {
    let d = |text: &str| text.parse::<Decimal>().unwrap();
    let whole = Decimal::whole;
    let times = |a: Decimal, b: Decimal| a.checked_mul(b).into_iter();
    let percent_of = |percent: Decimal| times(percent, whole(REFERENCE / 100));
    match &row.limit {
        Limit::Max { limit, .. } | Limit::Min { limit, .. } => vec![*limit],
        Limit::Lowered { limit, by, .. } => {
            let lowered = [1, 2, 6].map(|count| limit.checked_sub(by.checked_mul(whole(count)).unwrap()).unwrap());
            lowered.into_iter().chain([*limit]).collect()
        }
        Limit::Range { low, high, .. } => vec![*low, *high],
        // Of an age the declared date is what varies.
        Limit::Absent | Limit::NotOlder { .. } => vec![whole(0)],
        // Half steps travel as decimals: `3-4` is 3.5.
        Limit::GradeAtLeast { half_steps } => vec![Decimal::new(i64::from(*half_steps) * 5, 1).unwrap()],
        Limit::AboveBackground { margin } => d(BACKGROUND).checked_add(*margin).into_iter().chain([*margin]).collect(),
        // Around 100 counts of background, B + k * sqrt(B) is 100 + 10 k; around 16 the Poisson tail decides.
        Limit::Sigma { k } => {
            let over = |root: i64| times(*k, whole(root)).filter_map(move |it| it.checked_add(whole(root * root)));
            over(10).chain(over(4)).filter_map(|it| it.at_places(0)).collect()
        }
        Limit::Deviation { tolerance, .. } => {
            let amounts: Vec<Decimal> = match *tolerance {
                Tolerance::Percent(percent) => percent_of(percent).collect(),
                Tolerance::Absolute(absolute) => vec![absolute],
                Tolerance::Smaller { percent, absolute } | Tolerance::Greater { percent, absolute } => {
                    percent_of(percent).chain([absolute]).collect()
                }
            };
            let reference = whole(REFERENCE);
            amounts
                .into_iter()
                .flat_map(|it| reference.checked_add(it).into_iter().chain(reference.checked_sub(it)))
                .collect()
        }
        Limit::Sum { max, .. } => vec![*max],
        Limit::SumOfRatios { of, max, .. } => of.iter().flat_map(|(_, limit)| times(*limit, *max)).collect(),
        Limit::Classes { order, .. } => order.iter().flat_map(|it| it.min.into_iter().chain(it.max)).collect(),
        Limit::Share { share, .. } => times(*share, whole(REFERENCE)).collect(),
        Limit::Mpe { steps, times: factor, .. } => {
            steps.iter().filter_map(|step| step.error.checked_mul(*factor)?.checked_mul(d(INTERVAL))).collect()
        }
    }
}

/// The number and its neighbours, one unit of its last place away, and one at half of the last place, which rounding
/// has to decide.
pub(super) fn around(number: Decimal) -> Vec<Decimal> {
    let step = Decimal::new(1, number.places()).unwrap();
    let mut around: Vec<Decimal> =
        [number.checked_sub(step), Some(number), number.checked_add(step)].into_iter().flatten().collect();
    for digit in [4, 5, 6] {
        around.extend(Decimal::new(digit, number.places().saturating_add(1)).and_then(|part| number.checked_add(part)));
    }
    around
}

/// Declared facts that a row asks for beside its conditions, several values of each.
pub(super) fn declared(row: &Row) -> Vec<Vec<(String, String)>> {
    let facts = |name: &str, values: &[&str]| {
        values.iter().map(|it| vec![(name.to_owned(), (*it).to_owned())]).collect::<Vec<_>>()
    };
    let reference = REFERENCE.to_string();
    match &row.limit {
        Limit::Lowered { declared, .. } => facts(declared, &["0", "1", "6", "x"]),
        Limit::Deviation { declared, .. } => facts(declared, &[&reference, "21.5 t", "0"]),
        Limit::Classes { wanted: Wanted::Exactly(name) | Wanted::OrBetter(name), order } => {
            order.iter().map(|it| vec![(name.clone(), it.name.clone())]).chain([Vec::new()]).collect()
        }
        Limit::Share { of, .. } => facts(of, &[&reference, "0.5"]),
        Limit::NotOlder { declared, .. } => {
            facts(declared, &["2026-05-04", "2026-04-27", "2026-04-26", "2026-06-01", "?"])
        }
        Limit::Mpe { load, interval, .. } => [0, 10_000, 10_020, 40_000, 40_020, 200_000]
            .map(|it| vec![(load.clone(), i32::to_string(&it)), (interval.clone(), INTERVAL.to_owned())])
            .to_vec(),
        _ => vec![Vec::new()],
    }
}
