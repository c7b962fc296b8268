//! Every limit of every edition of every shipped table, one digit below, at and above, with and without uncertainty,
//! in every unit it converts from: edge and centre must not differ once.

use std::{collections::BTreeMap, time::Instant};

use tidewaiter_config::{
    limits::{Basis, DecisionRule, Limit, LimitTable, Row},
    site::Judge,
};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Doubt, Flaw, Indication, Missing, Moment, Outcome, Quality},
};
use tidewaiter_recompute::{Recomputed, Tables};
use tidewaiter_screening::{
    Inspection,
    conversion::Conversion,
    inspection::{Completion, Declaration, Measured, Subject, SubjectKind},
};

use super::{
    both_ways,
    boundaries::{BACKGROUND, REFERENCE, around, declared, numbers},
};

/// How many are judged unless `TIDEWAITER_CASES` says otherwise; a release build does a million in a minute or two.
const CASES: usize = 80_000;

#[test]
fn edge_and_centre_agree_on_every_limit_one_digit_around_it() {
    let wanted = std::env::var("TIDEWAITER_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(CASES);
    let mut tables = Tables::builtin();
    let variants: Vec<LimitTable> =
        RULES.iter().flat_map(|&rule| tables.limits.iter().map(move |it| under(it, rule))).collect();
    tables.limits.extend(variants);
    let begun = Instant::now();
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut judged, mut without_edition) = (0, 0);
    // Rounds differ in what accompanies the value, so that more cases are other cases.
    'all: for turn in 0.. {
        let rows = tables.limits.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
        for (nth, (table, row)) in rows.enumerate() {
            // The first turn is plain; from the second on every row is in another round than its neighbour.
            let round = if turn == 0 { 0 } else { turn * 31 + nth };
            for inspection in inspections(table, row, round) {
                let judge = [Judge {
                    table: table.id.clone(),
                    parameters: vec![row.parameter.clone()],
                    advisory: round % 5 == 4,
                }];
                let (screening, recomputed) = both_ways(&inspection, &tables, &judge, None);
                let told = || format!("{} {} {}: {inspection:#?}\n{screening:#?}", table.id, table.edition, row.id);
                assert_eq!(recomputed, Recomputed::Same, "{}", told());
                // On the days around its validity there is no edition to judge by, and the centre finds the same.
                without_edition += usize::from(screening.findings.iter().any(|it| it.edition.is_empty()));
                for finding in screening.findings.iter().filter(|it| it.row == row.id) {
                    *verdicts.entry(finding.verdict.word()).or_default() += 1;
                }
                judged += 1;
                if judged >= wanted && turn > 0 {
                    break 'all;
                }
            }
        }
        // Without any progress the loop would not end.
        assert!(judged > 0, "no shipped table has a limit");
        if turn > 10_000 {
            break;
        }
    }
    println!(
        "{judged} readings on {} rows of {} tables in {:.1?}: 0 differing verdicts, {without_edition} on days without an edition; \
         {verdicts:?}",
        tables.limits.iter().map(|it| it.rows.len()).sum::<usize>(),
        tables.limits.len(),
        begun.elapsed()
    );
    for word in ["Pass", "ConditionalPass", "ConditionalFail", "Fail", "Inconclusive"] {
        assert!(verdicts.get(word).is_some_and(|&count| count > 0), "no {word} among {verdicts:?}");
    }
}

/// Shipped rows are judged by simple acceptance, as their documents say nothing else; a buyer's table may ask for more.
const RULES: [DecisionRule; 3] = [DecisionRule::Guarded, DecisionRule::NonBinary, DecisionRule::Jjf1094];

/// The table under another id, its rows judged by `rule` where they can be.
fn under(table: &LimitTable, rule: DecisionRule) -> LimitTable {
    let mut other = table.clone();
    other.id = format!("{}-{}", table.id, rule.word());
    other.digest[0] ^= 0xff;
    for row in &mut other.rows {
        let fits = match row.limit {
            Limit::Mpe { .. } | Limit::Deviation { .. } => true,
            Limit::Max { .. } | Limit::Min { .. } | Limit::Range { .. } | Limit::AboveBackground { .. } => {
                rule != DecisionRule::Jjf1094
            }
            _ => false,
        };
        if fits {
            row.decision = rule;
        }
    }
    other
}

fn inspections(table: &LimitTable, row: &Row, round: usize) -> Vec<Inspection> {
    let units: Vec<Unit> =
        Unit::ALL.iter().copied().filter(|&it| Conversion::between(it, row.unit).is_some()).collect();
    let unit = match row.limit {
        Limit::Sigma { .. } => Unit::Count,
        // The row's own unit first, then in turn every one that converts into it.
        _ if round == 0 => row.unit,
        _ => units[round % units.len()],
    };
    let mut all = Vec::new();
    for facts in declared(row) {
        for (nth, number) in numbers(row).into_iter().enumerate() {
            for value in around(number) {
                let value = Conversion::between(row.unit, unit).and_then(|it| it.apply(value)).unwrap_or(value);
                let mut declared: BTreeMap<String, String> = facts.iter().cloned().collect();
                for condition in &row.when {
                    let chosen = &condition.one_of[(round + nth) % condition.one_of.len()];
                    declared.entry(condition.fact.clone()).or_insert_with(|| chosen.clone());
                }
                // Now and then a condition is left open.
                if round % 7 == 6 {
                    declared.pop_first();
                }
                all.push(inspection(table, measured(row, value, unit, round, nth), declared, round));
            }
        }
    }
    all
}

fn measured(row: &Row, value: Decimal, unit: Unit, round: usize, nth: usize) -> Vec<Measured> {
    let quality = match round % 11 {
        8 => Quality::Uncertain(Doubt::VerificationDue),
        9 => Quality::Bad(Flaw::OutOfVerification),
        _ => Quality::Good,
    };
    let shown = |value, unit| -> Outcome { Ok(Indication { value, unit, quality }) };
    let step = Decimal::new(1, value.places()).unwrap();
    let one = |parameter: &str, outcome| {
        let mut it = Measured::new(parameter, "instrument-1", outcome, "last");
        it.background = (round % 4 != 3).then(|| match row.limit {
            Limit::Sigma { .. } => Decimal::whole(if nth == 0 { 100 } else { 16 }),
            _ => BACKGROUND.parse().unwrap(),
        });
        it.uncertainty = match round % 3 {
            0 => None,
            1 => step.checked_mul(Decimal::whole(3)),
            _ => Some(Decimal::whole(1)),
        };
        it.background_uncertainty = (round % 6 == 4).then_some(step);
        it.basis = match round % 5 {
            0 | 1 => row.basis,
            2 => Some(Basis::AsReceived),
            3 => Some(Basis::Dry),
            _ => None,
        };
        it
    };
    let mut all = match &row.limit {
        Limit::NotOlder { .. } => Vec::new(),
        Limit::Sum { of, .. } if round.is_multiple_of(2) => {
            // The first component carries it all but for a digit of each of the others.
            let rest = i64::try_from(of.len()).unwrap() - 1;
            let first = step.checked_mul(Decimal::whole(rest)).and_then(|it| value.checked_sub(it)).unwrap_or(value);
            of.iter().enumerate().map(|(n, it)| one(it, shown(if n == 0 { first } else { step }, unit))).collect()
        }
        Limit::SumOfRatios { of, unit, .. } => of
            .iter()
            .enumerate()
            .map(|(n, (it, _))| one(it, shown(if n == nth { value } else { step }, *unit)))
            .collect(),
        _ => vec![one(&row.parameter, shown(value, unit))],
    };
    for condition in &row.when_measured {
        let near = around(condition.limit);
        all.push(one(&condition.parameter, shown(near[round % near.len()], condition.unit)));
    }
    if let Limit::Share { of, .. } = &row.limit
        && round % 2 == 1
    {
        all.push(one(of, shown(Decimal::whole(REFERENCE), row.unit)));
    }
    if round % 13 != 12 {
        let moisture = Decimal::new(81, 1).unwrap();
        let mut it = Measured::new("moisture", "oven", shown(moisture, Unit::Percent), "last");
        it.basis = Some(Basis::AsReceived);
        if !all.iter().any(|it| it.parameter == "moisture") {
            all.push(it);
        }
    }
    if round % 17 == 16
        && let Some(first) = all.first_mut()
    {
        first.outcome = Err(Missing::TimedOut);
    }
    all
}

/// The first and the last day in force, and the days around them, in turn.
fn opened(table: &LimitTable, round: usize) -> Moment {
    let day = match round % 6 {
        1 => table.effective_from,
        2 => table.effective_from.yesterday().unwrap(),
        3 => table.effective_to.unwrap_or(table.effective_from),
        4 => table.effective_to.map_or(table.effective_from, |it| it.tomorrow().unwrap()),
        _ => table.effective_to.unwrap_or(jiff::civil::date(2026, 5, 4)),
    };
    let noon = day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    Moment { mono_ms: 1_000, wall_ms: noon.timestamp().as_millisecond() }
}

fn inspection(
    table: &LimitTable,
    measured: Vec<Measured>,
    declared: BTreeMap<String, String>,
    round: usize,
) -> Inspection {
    let opened = opened(table, round);
    Inspection {
        id: format!("bench-1-{round}"),
        procedure: "generic-sample".to_owned(),
        place: "bench".to_owned(),
        subject: Subject {
            kind: SubjectKind::Sample,
            identities: Vec::new(),
            declaration: if round % 19 == 18 { Declaration::None } else { Declaration::Found(declared) },
        },
        opened,
        closed: Moment { mono_ms: opened.mono_ms + 500, wall_ms: opened.wall_ms + 500 },
        completion: Completion::Complete,
        simulated: false,
        drill: round % 23 == 22,
        operator: Some("Li Na".to_owned()),
        measured,
        alarms: Vec::new(),
        faults: Vec::new(),
        readings: Vec::new(),
        whole: Vec::new(),
    }
}
