//! A week of a port as plain descriptions: who came, what was declared, measured and asserted.
//!
//! Made without ports and without physics, for whoever wants to judge ten thousand inspections in
//! seconds. Lorries pass the lane, and samples of every procedure are judged by every edition of every
//! shipped table in turn. Values crowd where mistakes are made: at a limit, a digit beside it, in
//! another unit, on another basis, with a fact or a value missing.
//!
//! Inspection number n of a seed is a function of both, so one that failed can be made again alone.
//! Everything is text as records write it; nothing here knows how a verdict comes about.

mod near;

use std::collections::BTreeMap;

use tidewaiter_config::limits::{self, LimitTable, Row};

use crate::world::chance::{Chance, Draw, Purpose};
use near::Found;

/// Seven days.
const WEEK_MS: i64 = 7 * 86_400_000;

/// One inspection in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Number within the week, from 0.
    pub number: u64,
    /// Procedure word.
    pub procedure: String,
    /// Lane or rig id.
    pub place: String,
    /// When it was complete, milliseconds from the begin of the week.
    pub at_ms: i64,
    /// Sampling date, `YYYY-MM-DD`; of another time where the edition judged by is.
    pub sampled: String,
    /// Plate or sample number; `None` for a subject that nobody identified.
    pub subject: Option<String>,
    /// Declared facts; `None` for a subject without declaration.
    pub facts: Option<BTreeMap<String, String>>,
    /// What was measured.
    pub values: Vec<DescribedValue>,
    /// What the instruments asserted.
    pub alarms: Vec<DescribedAlarm>,
    /// What makes a passage void.
    pub faults: Vec<String>,
    /// Why it is incomplete, if it is.
    pub incomplete: Option<String>,
    /// It is a drill.
    pub drill: bool,
    /// Who ran it, where a person did.
    pub operator: Option<String>,
    /// Which parameters of which table are to be judged.
    pub judge: Vec<(String, Vec<String>)>,
}

/// One measured value, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedValue {
    /// Parameter, as limit rows name it.
    pub parameter: String,
    /// Instrument id; `operator` for a typed value.
    pub instrument: String,
    /// Decimal text, or the word of the reason.
    pub value: Result<String, String>,
    /// UCUM unit.
    pub unit: String,
    /// `good`, or the word of what speaks against it.
    pub quality: String,
    /// `dry` or `as-received`.
    pub basis: Option<String>,
    /// Background, in the same unit.
    pub background: Option<String>,
    /// Expanded uncertainty (k = 2), in the same unit.
    pub uncertainty: Option<String>,
    /// Expanded uncertainty (k = 2) of the background, in the same unit.
    pub background_uncertainty: Option<String>,
}

/// One alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedAlarm {
    /// Instrument id.
    pub instrument: String,
    /// `gamma`, `neutron`, or the alarm of a bench.
    pub kind: String,
    /// The device asserts it.
    pub by_device: bool,
    /// It was recomputed from raw counts.
    pub recomputed: bool,
}

/// The first `count` inspections of a week, judged by the shipped tables.
///
/// # Examples
///
/// ```
/// use tidewaiter_simulator::week;
///
/// let passages = week(1, 100).filter(|it| it.procedure == "lorry-gate").count();
/// assert!((20..60).contains(&passages));
/// ```
pub fn week(seed: u64, count: u64) -> impl Iterator<Item = Described> {
    let tables = limits::builtin();
    (0..count).map(move |number| described(&tables, seed, number, count))
}

/// Inspection `number` of the week of `count` with these tables.
pub fn described(tables: &[LimitTable], seed: u64, number: u64, count: u64) -> Described {
    let draw = &mut Chance::new(seed).draw(Purpose::Week, number.cast_signed());
    let at_ms = i64::try_from(u128::from(number) * 604_800_000 / u128::from(count.max(1))).unwrap_or(WEEK_MS);
    let blank = Described {
        number,
        procedure: String::new(),
        place: String::new(),
        at_ms,
        sampled: String::new(),
        subject: None,
        facts: None,
        values: Vec::new(),
        alarms: Vec::new(),
        faults: Vec::new(),
        incomplete: None,
        drill: draw.hits(0.02),
        operator: None,
        judge: Vec::new(),
    };
    if draw.hits(0.4) { passage(tables, blank, draw) } else { sample(tables, blank, draw) }
}

/// What a lane judges, as the sites that come with the agent have it.
const LANE: [(&str, &str); 4] = [
    ("gross-mass-cn-2016", "gross-mass"),
    ("portal-sigma", "gamma-counts"),
    ("scrap-radiation", "dose-rate"),
    ("vgm-cn", "gross-mass"),
];
const FAULTS: [&str; 6] =
    ["background-high", "background-low", "tamper", "over-speed", "incomplete-window", "scale-unstable"];
const LANE_ENDS: [&str; 4] = ["timed-out", "drove-off", "overlap", "interrupted"];
const BENCH_ENDS: [&str; 4] = ["timed-out", "stopped", "interrupted", "instrument-stopped"];
const OPERATORS: [&str; 3] = ["Li Na", "王芳", "Zhang Wei"];

fn passage(tables: &[LimitTable], mut it: Described, draw: &mut Draw) -> Described {
    "lorry-gate".clone_into(&mut it.procedure);
    "lane-7".clone_into(&mut it.place);
    it.sampled = day_of_the_week(&it);
    it.subject = (!draw.hits(0.03)).then(|| format!("粤B{:05}", it.number % 100_000));
    let mut facts = BTreeMap::from([("goods".to_owned(), "coiled steel".to_owned())]);
    // One mass is weighed, whichever tables look at it.
    let mut found: Vec<Found> = Vec::new();
    for (table, parameter) in LANE {
        let Some(rows) = current(tables, table).map(|it| &it.rows) else {
            continue;
        };
        if table == "vgm-cn" && !draw.hits(0.3) {
            continue;
        }
        let of: Vec<&Row> = rows.iter().filter(|row| row.parameter == parameter).collect();
        let Some(row) = pick(draw, &of) else {
            continue;
        };
        let new = near::found(row, &mut facts, &it.sampled, draw);
        found.extend(
            new.into_iter()
                .filter(|new| found.iter().all(|known| known.parameter != new.parameter))
                .collect::<Vec<_>>(),
        );
        it.judge.push((table.to_owned(), vec![parameter.to_owned()]));
    }
    it.values = found.into_iter().map(|it| value(it, "lane", draw)).collect();
    for (kind, share) in [("gamma", 0.03), ("neutron", 0.003)] {
        if draw.hits(share) {
            let recomputed = draw.hits(0.8);
            let by_device = !recomputed || draw.hits(0.8);
            it.alarms.push(DescribedAlarm {
                instrument: "portal-1".to_owned(),
                kind: kind.to_owned(),
                by_device,
                recomputed,
            });
        }
    }
    if draw.hits(0.05) {
        it.faults.extend(word(draw, &FAULTS));
    }
    if draw.hits(0.03) {
        it.incomplete = word(draw, &LANE_ENDS);
    }
    it.facts = declared(facts, draw);
    it
}

fn sample(tables: &[LimitTable], mut it: Described, draw: &mut Draw) -> Described {
    // Each edition of each table in its turn, so that none is left out of a short week.
    let turn = usize::try_from(it.number).unwrap_or(0) % tables.len().max(1);
    let Some(table) = tables.get(turn) else {
        return it;
    };
    let procedure = procedure(&table.id);
    procedure.clone_into(&mut it.procedure);
    it.place = format!("{procedure}-1");
    it.sampled = sampled(table, &it, draw);
    it.subject = (!draw.hits(0.02)).then(|| format!("S-{:06}", it.number));
    it.operator = word(draw, &OPERATORS);
    let mut parameters: Vec<&str> = Vec::new();
    for row in &table.rows {
        if !parameters.contains(&row.parameter.as_str()) {
            parameters.push(&row.parameter);
        }
    }
    // One to four parameters of the table, from a random one on.
    let (first, wanted) = (draw.one_of(parameters.len()), 1 + draw.one_of(4));
    let chosen: Vec<&str> = parameters.iter().cycle().skip(first).take(wanted.min(parameters.len())).copied().collect();
    let mut facts = BTreeMap::from([("goods".to_owned(), table.title.en.clone())]);
    let mut found: Vec<Found> = Vec::new();
    for parameter in &chosen {
        // A row that what is declared so far allows; else any.
        let of: Vec<&Row> = table.rows.iter().filter(|row| row.parameter == *parameter).collect();
        let fitting: Vec<&Row> = of.iter().copied().filter(|row| near::fits(row, &facts)).collect();
        let Some(row) = pick(draw, &fitting).or_else(|| pick(draw, &of)) else {
            continue;
        };
        let new = near::found(row, &mut facts, &it.sampled, draw);
        found.extend(
            new.into_iter()
                .filter(|new| found.iter().all(|known| known.parameter != new.parameter))
                .collect::<Vec<_>>(),
        );
    }
    it.values = found.into_iter().map(|it| value(it, procedure, draw)).collect();
    it.judge.push((table.id.clone(), chosen.into_iter().map(str::to_owned).collect()));
    if draw.hits(0.03) {
        it.incomplete = word(draw, &BENCH_ENDS);
    }
    if draw.hits(0.005) {
        it.alarms.push(DescribedAlarm {
            instrument: procedure.to_owned(),
            kind: "specimen-failed".to_owned(),
            by_device: true,
            recomputed: false,
        });
    }
    it.facts = declared(facts, draw);
    it
}

/// The procedure whose benches this table is for.
fn procedure(table: &str) -> &'static str {
    const OF: [(&str, &str); 14] = [
        ("gb18401", "textile-bench"),
        ("gb31701", "textile-bench"),
        ("gb1103", "cotton-hvi"),
        ("cotton", "cotton-hvi"),
        ("eu-tyre", "tyre-rolling-resistance"),
        ("gb9744", "tyre-uniformity"),
        ("copper", "concentrate"),
        ("gbt20424", "concentrate"),
        ("imsbc", "concentrate"),
        ("coal", "coal"),
        ("gb5763", "brake-lining"),
        ("gb4223", "gamma-spectrum"),
        ("codex", "gamma-spectrum"),
        ("uk-irr17", "gamma-spectrum"),
    ];
    OF.iter().find(|(begin, _)| table.starts_with(begin)).map_or("generic-sample", |(_, procedure)| procedure)
}

/// A day of the first week of June 2026.
fn day_of_the_week(it: &Described) -> String {
    format!("2026-06-{:02}", 1 + it.at_ms / 86_400_000)
}

/// A day on which this edition is in force, its first and last among them; now and then the day beside.
fn sampled(table: &LimitTable, it: &Described, draw: &mut Draw) -> String {
    let first = table.effective_from;
    let day = match draw.one_of(12) {
        0 => Some(first),
        1 => first.tomorrow().ok(),
        2 => first.yesterday().ok(),
        3 => table.effective_to.and_then(|it| it.tomorrow().ok()),
        _ => table.effective_to,
    };
    day.map_or_else(|| day_of_the_week(it), |it| it.to_string())
}

fn current<'a>(tables: &'a [LimitTable], id: &str) -> Option<&'a LimitTable> {
    tables.iter().filter(|it| it.id == id && it.effective_to.is_none()).max_by_key(|it| it.effective_from)
}

fn pick<'a, T: ?Sized>(draw: &mut Draw, of: &[&'a T]) -> Option<&'a T> {
    of.get(draw.one_of(of.len())).copied()
}

fn word(draw: &mut Draw, of: &[&str]) -> Option<String> {
    pick(draw, of).map(str::to_owned)
}

/// What of the facts reaches the declaration: one may be missing or wrong, and some subjects have none at all.
fn declared(mut facts: BTreeMap<String, String>, draw: &mut Draw) -> Option<BTreeMap<String, String>> {
    if draw.hits(0.06) {
        return None;
    }
    let names: Vec<String> = facts.keys().cloned().collect();
    let name = names.get(draw.one_of(names.len()))?;
    match draw.one_of(20) {
        0 => {
            facts.remove(name);
        }
        1 => {
            facts.insert(name.clone(), "not in any list".to_owned());
        }
        2 => {
            facts.insert(name.clone(), String::new());
        }
        _ => {}
    }
    Some(facts)
}

/// A value as the instrument gives it: most are good, some are doubtful, some are missing.
fn value(found: Found, instrument: &str, draw: &mut Draw) -> DescribedValue {
    const MISSING: [&str; 4] = ["timed-out", "crc-error", "not-present", "warming-up"];
    const DOUBTS: [&str; 7] = [
        "unstable",
        "stale",
        "verification-due",
        "out-of-verification",
        "identity-mismatch",
        "function-check-overdue",
        "implausible",
    ];
    let quality = if draw.hits(0.04) { word(draw, &DOUBTS) } else { None };
    let missing = if draw.hits(0.03) { word(draw, &MISSING) } else { None };
    DescribedValue {
        parameter: found.parameter,
        instrument: format!("{instrument}-instrument"),
        value: missing.map_or_else(|| Ok(found.value.to_string()), Err),
        unit: found.unit.code().to_owned(),
        quality: quality.unwrap_or_else(|| "good".to_owned()),
        basis: found.basis.map(|it| it.word().to_owned()),
        background: found.background.map(|it| it.to_string()),
        uncertainty: found.uncertainty.map(|it| it.to_string()),
        background_uncertainty: found.background.and(found.uncertainty).map(|it| it.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::{BTreeMap, BTreeSet};

    use tidewaiter_drivers::{
        Decimal, Unit,
        reading::{Missing, Quality},
    };

    use super::*;

    #[test]
    fn a_week_is_a_function_of_its_seed_and_each_of_its_numbers() {
        let of = |seed| week(seed, 300).collect::<Vec<_>>();
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
        let tables = limits::builtin();
        assert_eq!(of(3).get(217), Some(&described(&tables, 3, 217, 300)));
    }

    #[test]
    fn a_week_has_every_table_every_parameter_and_every_kind_of_trouble() {
        let week: Vec<Described> = week(7, 6_000).collect();
        let mut judged: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (table, parameters) in week.iter().flat_map(|it| &it.judge) {
            judged.entry(table.clone()).or_default().extend(parameters.iter().cloned());
        }
        for table in limits::builtin() {
            let parameters: BTreeSet<String> = table.rows.iter().map(|it| it.parameter.clone()).collect();
            assert!(judged.get(&table.id).is_some_and(|it| it.is_superset(&parameters)), "{}", table.id);
        }
        let check = |name: &str, expected: usize, of: fn(&Described) -> bool| {
            let found = week.iter().filter(|it| of(it)).count() * 1000 / week.len();
            assert!((expected / 2..=expected * 2).contains(&found), "{name}: {found} per mille");
        };
        check("passages", 400, |it| it.procedure == "lorry-gate");
        check("drills", 20, |it| it.drill);
        check("undeclared", 60, |it| it.facts.is_none());
        check("unknown subject", 24, |it| it.subject.is_none());
        check("incomplete", 30, |it| it.incomplete.is_some());
        check("void", 20, |it| !it.faults.is_empty());
        check("alarmed", 16, |it| !it.alarms.is_empty());
        check("missing values", 60, |it| it.values.iter().any(|it| it.value.is_err()));
    }

    #[test]
    fn everything_is_written_as_records_write_it() {
        for it in week(9, 3_000) {
            for value in &it.values {
                match &value.value {
                    Ok(text) => assert!(text.parse::<Decimal>().is_ok(), "{value:?}"),
                    Err(word) => assert!(Missing::from_word(word, None).is_some(), "{value:?}"),
                }
                assert!(value.unit.parse::<Unit>().is_ok(), "{value:?}");
                assert!(Quality::from_word(&value.quality).is_some(), "{value:?}");
            }
            let parameters: BTreeSet<&str> = it.values.iter().map(|it| it.parameter.as_str()).collect();
            assert_eq!(parameters.len(), it.values.len(), "one value each: {it:?}");
            assert!(!it.judge.is_empty() && !it.sampled.is_empty());
        }
    }
}
