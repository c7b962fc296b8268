//! Values typed by hand for `tidewaiter screen`: `formaldehyde=76`, `As=0.4%@dry`, `u.ph=0.05`, `category=B`.
//!
//! The table tells parameters and declared facts apart. What is not written is taken from the table and
//! said; what the table does not know is refused, because a value that is left out of the judgement
//! would look judged.

use std::collections::{BTreeMap, BTreeSet};

use tidewaiter_config::{
    limits::{Basis, Limit, LimitTable, MOISTURE},
    nearest, unit_meant,
};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Moment, Quality},
};
use tidewaiter_screening::{
    Inspection,
    conversion::Conversion,
    grade,
    inspection::{Completion, Declaration, Measured, Subject, SubjectKind},
};

/// Prefix of an uncertainty.
const UNCERTAINTY: &str = "u.";
/// The background of what is judged above one.
const BACKGROUND: &str = "background";
/// Most values one judgement takes; a table has fewer parameters than this.
const MOST_VALUES: usize = 1_000;

/// What was taken from the table because it was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The unit of a parameter.
    Unit {
        /// The parameter.
        parameter: String,
        /// The unit.
        unit: Unit,
    },
    /// Moisture is as received.
    MoistureBasis,
}

/// An inspection made of typed values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) inspection: Inspection,
    /// Parameters of the table to be judged, in its order.
    pub(super) parameters: Vec<String>,
    pub(super) taken: Vec<Taken>,
}

/// Keys a table knows.
struct Known<'t> {
    quantities: BTreeMap<&'t str, BTreeSet<&'static str>>,
    facts: BTreeSet<&'t str>,
    /// Parameters that are judged above a background.
    over_background: BTreeSet<&'t str>,
}

/// Reads `key=value` items by what `table` knows; `uncertainty` is that of every value without its own.
///
/// # Errors
///
/// Says which item cannot be read, and what could be meant.
pub(super) fn read(items: &[String], table: &LimitTable, uncertainty: Option<Decimal>) -> Result<Typed, String> {
    if items.len() > MOST_VALUES {
        return Err(format!("{} values are more than the {MOST_VALUES} taken at once", items.len()));
    }
    let known = Known::of(table);
    let mut measured: Vec<Measured> = Vec::new();
    let mut facts = BTreeMap::new();
    let mut apart: Vec<(&str, &str)> = Vec::new();
    let mut taken = Vec::new();
    for item in items {
        let Some((key, value)) = item.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
            return Err(format!("{item:?} is no value: write key=value, such as {}", known.example()));
        };
        if key.starts_with(UNCERTAINTY) || key == BACKGROUND || key.starts_with("background.") {
            apart.push((key, value));
        } else if let Some(units) = known.quantities.get(key) {
            let number = measured.iter().filter(|it| it.parameter == key).count() + 1;
            measured.push(quantity(key, value, number, units, &mut taken)?);
        } else if known.facts.contains(key) {
            if facts.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(format!("{key} is declared twice"));
            }
        } else {
            return Err(known.refuse(key));
        }
    }
    for measured in &mut measured {
        measured.uncertainty = uncertainty;
    }
    for (key, value) in apart {
        beside(key, value, &known, &mut measured)?;
    }
    let parameters = required(table, &measured, &facts);
    if parameters.is_empty() {
        return Err(format!("there is nothing to judge: {} judges {}", table.id, known.names()));
    }
    Ok(Typed { inspection: inspection(measured, facts), parameters, taken })
}

impl<'t> Known<'t> {
    fn of(table: &'t LimitTable) -> Self {
        let mut known = Self { quantities: BTreeMap::new(), facts: BTreeSet::new(), over_background: BTreeSet::new() };
        for row in &table.rows {
            for (parameter, unit) in row.quantities() {
                known.quantities.entry(parameter).or_default().insert(unit.code());
            }
            known.facts.extend(row.facts());
            if matches!(row.limit, Limit::AboveBackground { .. } | Limit::Sigma { .. }) {
                known.over_background.insert(&row.parameter);
            }
        }
        known
    }

    fn names(&self) -> String {
        self.quantities.keys().copied().collect::<Vec<_>>().join(", ")
    }

    fn example(&self) -> String {
        self.quantities.keys().next().map_or_else(|| "key=value".to_owned(), |parameter| format!("{parameter}=1"))
    }

    fn refuse(&self, key: &str) -> String {
        let all = || self.quantities.keys().chain(&self.facts).copied();
        match nearest(key, all()) {
            Some(meant) => format!("the table knows no {key:?}; {meant:?} is meant perhaps"),
            None => {
                let facts = self.facts.iter().copied().collect::<Vec<_>>().join(", ");
                let facts = if facts.is_empty() { "none".to_owned() } else { facts };
                format!("the table knows no {key:?}; parameters: {}; declared facts: {facts}", self.names())
            }
        }
    }
}

/// One measured value.
fn quantity(
    key: &str,
    value: &str,
    number: usize,
    units: &BTreeSet<&'static str>,
    taken: &mut Vec<Taken>,
) -> Result<Measured, String> {
    let (value, basis) = match value.rsplit_once('@') {
        None => (value, None),
        Some((value, word)) => (value.trim(), Some(basis(word)?)),
    };
    let unit = || {
        let mut codes = units.iter();
        match (codes.next(), codes.next()) {
            (Some(only), None) => only.parse::<Unit>().map_err(|_| format!("{key} has no unit")),
            _ => {
                let units = units.iter().copied().collect::<Vec<_>>().join(" and ");
                Err(format!("{key} is judged in {units}: write the unit, such as {key}={value}{}", first(&units)))
            }
        }
    };
    let grade = units.contains(Unit::FastnessGrade.code()).then(|| grade::from_name(value)).flatten();
    let presence = match value {
        "absent" | "未检出" | "无" => Some(Decimal::ZERO),
        "present" | "检出" | "有" => Some(Decimal::whole(1)),
        _ => None,
    };
    let (number_text, code) = split(value);
    let (value, unit) = if let Some(value) = presence.or(grade) {
        (value, unit()?)
    } else {
        let number = number_text.parse::<Decimal>().map_err(|_| {
            let wanted = if units.contains(Unit::FastnessGrade.code()) {
                "a grade, 1, 1-2, 2 .. 4-5, 5"
            } else {
                "a decimal number, with its unit if it is another than the table's"
            };
            format!("{key}={value} is no value: {wanted}")
        })?;
        if code.is_empty() {
            let unit = unit()?;
            // A grade or a pure number has nothing that could have been written.
            if !matches!(unit, Unit::One | Unit::FastnessGrade | Unit::PH) {
                taken.push(Taken::Unit { parameter: key.to_owned(), unit });
            }
            (number, unit)
        } else {
            (number, known_unit(key, code)?)
        }
    };
    let basis = basis.or_else(|| {
        (key == MOISTURE).then(|| {
            taken.push(Taken::MoistureBasis);
            Basis::AsReceived
        })
    });
    let outcome = Ok(Indication { value, unit, quality: Quality::Good });
    let derivation = if number == 1 { "typed".to_owned() } else { format!("typed-{number}") };
    Ok(Measured { basis, ..Measured::new(key, "typed", outcome, &derivation) })
}

fn first(units: &str) -> &str {
    units.split(' ').next().unwrap_or_default()
}

/// The number and what stands behind it.
fn split(value: &str) -> (&str, &str) {
    let end = value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(value.len());
    let (number, code) = value.split_at(end);
    (number.trim(), code.trim())
}

fn known_unit(key: &str, code: &str) -> Result<Unit, String> {
    code.parse().ok().or_else(|| unit_meant(code)).ok_or_else(|| {
        let way_out = nearest(code, Unit::ALL.iter().map(|unit| unit.code()))
            .map_or_else(|| "a UCUM unit code, such as mg/kg".to_owned(), |meant| format!("{meant} perhaps"));
        format!("{key} is written in {code:?}, which is no unit known here: {way_out}")
    })
}

fn basis(word: &str) -> Result<Basis, String> {
    match word.trim() {
        "dry" | "d" | "干基" => Ok(Basis::Dry),
        "as-received" | "ar" | "收到基" => Ok(Basis::AsReceived),
        other => Err(format!("{other:?} is no basis: write @dry or @as-received")),
    }
}

/// A background or an uncertainty, which belongs to values that were typed.
fn beside(key: &str, value: &str, known: &Known<'_>, measured: &mut [Measured]) -> Result<(), String> {
    let of_uncertainty = key.strip_prefix(UNCERTAINTY);
    let name = of_uncertainty.unwrap_or(key);
    let background = name == BACKGROUND || name.starts_with("background.");
    let parameter = name.strip_prefix("background.").or_else(|| (!background).then_some(name));
    let (number, code) = split(value);
    let number =
        number.parse::<Decimal>().map_err(|_| format!("{key}={value} is no value: a decimal number and its unit"))?;
    let stated = if code.is_empty() { None } else { Some(known_unit(key, code)?) };
    let mut found = false;
    for it in measured.iter_mut().filter(|it| match parameter {
        Some(parameter) => it.parameter == parameter,
        None => known.over_background.contains(it.parameter.as_str()),
    }) {
        found = true;
        let number = match (stated, it.outcome) {
            (Some(from), Ok(indication)) => Conversion::between(from, indication.unit)
                .and_then(|conversion| conversion.apply(number))
                .ok_or_else(|| format!("{key}={value} does not convert to {}", indication.unit))?,
            _ => number,
        };
        match (background, of_uncertainty.is_some()) {
            (true, true) => it.background_uncertainty = Some(number),
            (true, false) => it.background = Some(number),
            (false, _) => it.uncertainty = Some(number),
        }
    }
    if found {
        return Ok(());
    }
    Err(match parameter {
        Some(parameter) if known.quantities.contains_key(parameter) => format!("{key} needs a value: {parameter}=…"),
        Some(parameter) => known.refuse(parameter),
        None => format!("{key} belongs to nothing that was typed and is judged above a background"),
    })
}

/// The parameters that can be judged by what was typed, in the order of the table.
fn required(table: &LimitTable, measured: &[Measured], facts: &BTreeMap<String, String>) -> Vec<String> {
    let typed = |parameter: &str| measured.iter().any(|it| it.parameter == parameter);
    let mut parameters: Vec<String> = Vec::new();
    for row in &table.rows {
        let wanted = typed(&row.parameter)
            || match &row.limit {
                Limit::Sum { of, .. } => of.iter().any(|name| typed(name)),
                Limit::SumOfRatios { of, .. } => of.iter().any(|(name, _)| typed(name)),
                Limit::NotOlder { declared, .. } => facts.contains_key(declared),
                _ => false,
            };
        if wanted && !parameters.contains(&row.parameter) {
            parameters.push(row.parameter.clone());
        }
    }
    parameters
}

fn inspection(measured: Vec<Measured>, facts: BTreeMap<String, String>) -> Inspection {
    let at = Moment { mono_ms: 0, wall_ms: 0 };
    let declaration = if facts.is_empty() { Declaration::None } else { Declaration::Found(facts) };
    Inspection {
        id: "typed".to_owned(),
        procedure: "typed".to_owned(),
        place: "typed".to_owned(),
        subject: Subject { kind: SubjectKind::Sample, identities: Vec::new(), declaration },
        opened: at,
        closed: at,
        completion: Completion::Complete,
        simulated: false,
        drill: false,
        operator: None,
        measured,
        alarms: Vec::new(),
        faults: Vec::new(),
        readings: Vec::new(),
        whole: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const TABLE: &str = r#"id = "t"
edition = "1"
title = { zh = "甲", en = "a" }
effective_from = 2020-01-01
source = "own"
legal_force = "site"
[facts]
certificate-date = "date of the certificate"
[[rows]]
id = "as"
parameter = "As"
unit = "%"
basis = "dry"
max = "0.5"
confidence = "site"
[[rows]]
id = "ph"
parameter = "ph"
unit = "[pH]"
range = ["4.0", "7.5"]
when = { category = "A" }
confidence = "site"
[[rows]]
id = "grade"
parameter = "fastness"
unit = "{grade}"
grade_at_least = "3-4"
confidence = "site"
[[rows]]
id = "odour"
parameter = "odour"
unit = "1"
absent = true
confidence = "site"
[[rows]]
id = "dose"
parameter = "dose-rate"
unit = "uGy/h"
above_background = "0.25"
confidence = "site"
[[rows]]
id = "pah"
parameter = "PAH"
unit = "mg/kg"
sum = { of = ["BaP", "BeP"], max = "10" }
confidence = "site"
[[rows]]
id = "age"
parameter = "certificate-age"
not_older = { declared = "certificate-date", days = 7 }
confidence = "site"
"#;

    fn table() -> LimitTable {
        tidewaiter_config::limits::load_str("t.toml", TABLE).unwrap_or_else(|report| panic!("{report}"))
    }

    fn typed(items: &[&str]) -> Result<Typed, String> {
        let items = items.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        read(&items, &table(), Some("0.1".parse().unwrap()))
    }

    #[test]
    fn values_in_every_form() {
        let check = |item: &str, value: &str, unit: Unit, basis: Option<Basis>| {
            let typed = typed(&[item]).unwrap_or_else(|why| panic!("{item}: {why}"));
            let measured = &typed.inspection.measured[0];
            let indication = measured.outcome.unwrap();
            assert_eq!(
                (indication.value.to_string().as_str(), indication.unit, measured.basis),
                (value, unit, basis),
                "{item}"
            );
        };
        check("As=0.4", "0.4", Unit::Percent, None);
        check("As=0.4%@dry", "0.4", Unit::Percent, Some(Basis::Dry));
        check("As=4000mg/kg@ar", "4000", Unit::MilligramPerKilogram, Some(Basis::AsReceived));
        check("As = -0.1 % @ as-received", "-0.1", Unit::Percent, Some(Basis::AsReceived));
        check("fastness=3-4", "3.5", Unit::FastnessGrade, None);
        check("fastness=4", "4", Unit::FastnessGrade, None);
        check("fastness=3.5", "3.5", Unit::FastnessGrade, None);
        check("odour=absent", "0", Unit::One, None);
        check("odour=present", "1", Unit::One, None);
        check("dose-rate=350nGy/h", "350", Unit::NanograyPerHour, None);
        check("dose-rate=0.35µGy/h", "0.35", Unit::MicrograyPerHour, None);
        check("BaP=1", "1", Unit::MilligramPerKilogram, None);
    }

    #[test]
    fn what_is_taken_from_the_table_is_known() {
        let taken = |items: &[&str]| typed(items).unwrap().taken;
        assert_eq!(taken(&["As=0.4"]), [Taken::Unit { parameter: "As".to_owned(), unit: Unit::Percent }]);
        assert_eq!(taken(&["As=0.4%", "moisture=8%"]), [Taken::MoistureBasis]);
        assert_eq!(taken(&["ph=7.5", "fastness=4", "moisture=8%@ar"]), []);
    }

    #[test]
    fn backgrounds_and_uncertainties_go_to_their_values() {
        let items = [
            "dose-rate=350nGy/h",
            "background=0.11uGy/h",
            "u.background=5",
            "ph=7",
            "u.ph=0.05",
            "As=0.4%",
            "u.As=30mg/kg",
        ];
        let measured = typed(&items).unwrap().inspection.measured;
        let text = |it: Option<Decimal>| it.map(|it| it.to_string());
        assert_eq!(text(measured[0].background).as_deref(), Some("110"));
        assert_eq!(text(measured[0].background_uncertainty).as_deref(), Some("5"));
        assert_eq!(text(measured[0].uncertainty).as_deref(), Some("0.1"), "that of all");
        assert_eq!(text(measured[1].uncertainty).as_deref(), Some("0.05"));
        assert_eq!(text(measured[2].uncertainty).as_deref(), Some("0.0030"));
    }

    #[test]
    fn only_what_was_typed_is_judged() {
        let parameters = |items: &[&str]| typed(items).unwrap().parameters;
        assert_eq!(parameters(&["ph=7", "As=0.1", "category=A"]), ["As", "ph"]);
        assert_eq!(parameters(&["BaP=1"]), ["PAH"]);
        assert_eq!(parameters(&["certificate-date=2026-05-01"]), ["certificate-age"]);
        assert_eq!(parameters(&["ph=7", "ph=7.1"]), ["ph"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_what_is_meant() {
        let check = |items: &[&str], part: &str| {
            let refusal = typed(items).unwrap_err();
            assert!(refusal.contains(part), "{refusal}");
        };
        check(&["pH=7", "ph"], "\"ph\" is meant perhaps");
        check(&["catgory=A"], "\"category\" is meant perhaps");
        check(&["viscosity=1"], "parameters: As, BaP");
        check(&["ph"], "write key=value");
        check(&["ph=seven"], "ph=seven is no value");
        check(&["fastness=3-5"], "a grade, 1, 1-2");
        check(&["As=0.4furlong"], "\"furlong\", which is no unit");
        check(&["As=0.4%@wet"], "\"wet\" is no basis");
        check(&["category=A", "category=B"], "declared twice");
        check(&["category=A"], "nothing to judge");
        check(&["ph=7", "u.As=0.1"], "needs a value: As=");
        check(&["ph=7", "u.sA=x"], "is no value");
        check(&["ph=7", "background=0.1"], "belongs to nothing");
        check(&["dose-rate=1", "background=1%"], "does not convert to uGy/h");
    }
}
