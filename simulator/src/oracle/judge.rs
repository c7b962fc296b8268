//! The oracle's own evaluator: what one row of a limit table says about what was found.

use std::collections::{BTreeMap, BTreeSet};

use tidewaiter_config::limits::{Basis, Condition, DecisionRule, LimitTable, Row};
use tidewaiter_drivers::{Decimal, Unit};

use super::{Expected, fraction::Fraction, kinds::within};

/// Declared facts by name.
pub(super) type Facts = BTreeMap<String, String>;

/// Why a verdict cannot be reached, the least telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    Arithmetic,
    NoEdition,
    Unit,
    Uncertainty,
    NotCovered,
    NoDeclaration,
    NoBackground,
    NoValue,
    NotMeasured,
    Incomplete,
}

/// Verdicts in order of strictness: the last one of several decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    NotApplicable,
    Pass,
    Inconclusive(Reason),
    Fail,
}

/// Dispositions in order of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Disposition {
    Clear,
    Refer,
    NotValid,
    Alarm,
}

/// A value to be judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) number: Fraction,
    pub(super) unit: Unit,
    pub(super) basis: Option<Basis>,
    pub(super) background: Option<Decimal>,
}

/// What was found and declared about one subject.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence<'a> {
    pub(super) values: BTreeMap<String, Vec<Value>>,
    /// What should have been measured, and brought no value.
    pub(super) lacking: BTreeSet<String>,
    pub(super) facts: Option<&'a Facts>,
}

/// Collects one expectation.
pub(super) struct Judgement {
    verdict: Verdict,
    disposition: Disposition,
    why: Vec<String>,
}

impl Reason {
    const fn word(self) -> &'static str {
        match self {
            Self::Arithmetic => "arithmetic",
            Self::NoEdition => "no-edition",
            Self::Unit => "unit",
            Self::Uncertainty => "uncertainty",
            Self::NotCovered => "not-covered",
            Self::NoDeclaration => "no-declaration",
            Self::NoBackground => "no-background",
            Self::NoValue => "no-value",
            Self::NotMeasured => "not-measured",
            Self::Incomplete => "incomplete",
        }
    }
}

impl Disposition {
    const fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Refer => "refer",
            Self::NotValid => "not-valid",
            Self::Alarm => "alarm",
        }
    }
}

impl Value {
    pub(super) fn of(shown: Decimal, unit: Unit) -> Self {
        Self { number: shown.into(), unit, basis: None, background: None }
    }
}

impl<'a> Evidence<'a> {
    /// One value of one parameter.
    pub(super) fn of(parameter: &str, value: Value, facts: Option<&'a Facts>) -> Self {
        Self { values: BTreeMap::from([(parameter.to_owned(), vec![value])]), facts, ..Self::default() }
    }

    /// The first value of a parameter.
    pub(super) fn first(&self, parameter: &str) -> Option<&Value> {
        self.values.get(parameter)?.first()
    }

    /// Why there is no value of a parameter.
    pub(super) fn missing(&self, parameter: &str) -> Reason {
        if self.lacking.contains(parameter) { Reason::NoValue } else { Reason::NotMeasured }
    }

    /// A declared fact; a blank one is none.
    pub(super) fn fact(&self, name: &str) -> Option<&'a str> {
        self.facts?.get(name).map(|it| it.trim()).filter(|it| !it.is_empty())
    }
}

impl Judgement {
    pub(super) const fn new() -> Self {
        Self { verdict: Verdict::NotApplicable, disposition: Disposition::Clear, why: Vec::new() }
    }

    pub(super) fn add(&mut self, verdict: Verdict, disposition: Disposition, why: String) {
        self.verdict = self.verdict.max(verdict);
        self.disposition = self.disposition.max(disposition);
        if disposition != Disposition::Clear || verdict == Verdict::Fail {
            self.why.push(why);
        }
    }

    /// Judges every value of a parameter by every row for it of the edition in force.
    pub(super) fn judge(&mut self, tables: &[LimitTable], table: &str, parameter: &str, evidence: &Evidence<'_>) {
        let Some(edition) = in_force(tables, table) else {
            let verdict = Verdict::Inconclusive(Reason::NoEdition);
            return self.add(verdict, Disposition::Refer, format!("{table}: no edition is in force"));
        };
        for row in edition.rows.iter().filter(|it| it.parameter == parameter) {
            let values = evidence.values.get(parameter).map(Vec::as_slice).unwrap_or_default();
            let verdicts: Vec<Verdict> = match applies(row, edition, evidence) {
                Some(verdict) => vec![verdict],
                None if values.is_empty() => vec![judge_row(row, None, evidence)],
                None => values.iter().map(|it| judge_row(row, Some(it), evidence)).collect(),
            };
            for verdict in verdicts {
                let disposition = match verdict {
                    Verdict::NotApplicable | Verdict::Pass => Disposition::Clear,
                    Verdict::Fail if row.alarms => Disposition::Alarm,
                    Verdict::Fail | Verdict::Inconclusive(_) => Disposition::Refer,
                };
                let said = match verdict {
                    Verdict::Inconclusive(reason) => reason.word(),
                    _ => "exceeded",
                };
                self.add(verdict, disposition, format!("{table}/{}: {parameter} {said}", row.id));
            }
        }
    }

    pub(super) fn into_expected(self, procedure: &str, subject: Option<String>) -> Expected {
        let (verdict, reason) = match self.verdict {
            Verdict::NotApplicable => ("NotApplicable", None),
            Verdict::Pass => ("Pass", None),
            Verdict::Inconclusive(reason) => ("Inconclusive", Some(reason.word().to_owned())),
            Verdict::Fail => ("Fail", None),
        };
        let why = if self.why.is_empty() { vec!["everything within its limits".to_owned()] } else { self.why };
        Expected {
            procedure: procedure.to_owned(),
            subject,
            truth: None,
            begins_ms: None,
            ends_ms: None,
            values: Vec::new(),
            alarms: Vec::new(),
            faults: Vec::new(),
            verdict: verdict.to_owned(),
            reason,
            disposition: self.disposition.word().to_owned(),
            why,
            drill: false,
        }
    }
}

/// The edition in force now: scenes play in the present.
fn in_force<'a>(tables: &'a [LimitTable], id: &str) -> Option<&'a LimitTable> {
    let current = tables.iter().filter(|it| it.id == id && it.effective_to.is_none());
    current.max_by_key(|it| it.effective_from)
}

/// What the conditions of a row say before any value is looked at; `None` when it is to be judged.
fn applies(row: &Row, table: &LimitTable, evidence: &Evidence<'_>) -> Option<Verdict> {
    let holds = |condition: &Condition, is: &str| condition.one_of.iter().any(|it| same(it, is));
    let mut unknown = None;
    for condition in &row.when {
        let Some(is) = evidence.fact(&condition.fact) else {
            unknown.get_or_insert(Verdict::Inconclusive(Reason::NoDeclaration));
            continue;
        };
        let others = || table.rows.iter().flat_map(|it| &it.when).filter(|it| it.fact == condition.fact);
        let yes_or_no =
            ["yes", "no"].contains(&is) && others().flat_map(|it| &it.one_of).any(|it| it == "yes" || it == "no");
        if holds(condition, is) {
        } else if yes_or_no || others().any(|it| holds(it, is)) {
            return Some(Verdict::NotApplicable);
        } else {
            unknown.get_or_insert(Verdict::Inconclusive(Reason::NotCovered));
        }
    }
    unknown
}

fn same(a: &str, b: &str) -> bool {
    let number = |text: &str| text.parse::<Decimal>().ok().map(Fraction::from);
    a == b || (number(a).is_some() && number(a) == number(b))
}

fn judge_row(row: &Row, value: Option<&Value>, evidence: &Evidence<'_>) -> Verdict {
    for condition in &row.when_measured {
        let Some(value) = evidence.first(&condition.parameter) else {
            return Verdict::Inconclusive(evidence.missing(&condition.parameter));
        };
        match converted(value, condition.unit, None, evidence) {
            Ok(number) if condition.relation.holds(number.cmp(&condition.limit.into())) => {}
            Ok(_) => return Verdict::NotApplicable,
            Err(reason) => return Verdict::Inconclusive(reason),
        }
    }
    // No scene states an uncertainty.
    if row.decision != DecisionRule::Simple && value.is_some() {
        return Verdict::Inconclusive(Reason::Uncertainty);
    }
    match within(row, value, evidence) {
        Ok(true) => Verdict::Pass,
        Ok(false) => Verdict::Fail,
        Err(reason) => Verdict::Inconclusive(reason),
    }
}

/// The value in this unit and on this basis.
pub(super) fn converted(
    value: &Value,
    unit: Unit,
    basis: Option<Basis>,
    evidence: &Evidence<'_>,
) -> Result<Fraction, Reason> {
    let factor = factor(value.unit, unit).ok_or(Reason::Unit)?;
    let number = value.number.mul(factor).ok_or(Reason::Arithmetic)?;
    let (Some(from), Some(to)) = (value.basis, basis) else {
        return Ok(number);
    };
    if from == to {
        return Ok(number);
    }
    let moisture = evidence.first("moisture").ok_or_else(|| evidence.missing("moisture"))?;
    let dry = Fraction::whole(100).sub(moisture.number).ok_or(Reason::Arithmetic)?;
    let share = dry.div(Fraction::whole(100)).ok_or(Reason::Arithmetic)?;
    match to {
        Basis::Dry => number.div(share),
        Basis::AsReceived => number.mul(share),
    }
    .ok_or(Reason::Arithmetic)
}

/// What a number in one unit is multiplied with to be in the other; `None` for units of different quantities.
fn factor(from: Unit, to: Unit) -> Option<Fraction> {
    /// Units of one quantity in each line, with what one is worth in the smallest of them.
    const SAME: [&[(Unit, i128)]; 5] = [
        &[(Unit::Kilogram, 1), (Unit::Tonne, 1_000)],
        &[(Unit::MilligramPerKilogram, 1), (Unit::MicrogramPerGram, 1), (Unit::Percent, 10_000)],
        // Force by force is what mass by mass is, with the same gravity on both.
        &[(Unit::NewtonPerKilonewton, 1), (Unit::KilogramPerTonne, 1)],
        &[(Unit::NanograyPerHour, 1), (Unit::MicrograyPerHour, 1_000)],
        &[(Unit::BecquerelPerKilogram, 1), (Unit::BecquerelPerGram, 1_000)],
    ];
    if from == to {
        return Some(Fraction::whole(1));
    }
    SAME.iter().find_map(|line| {
        let worth = |unit| line.iter().find(|(it, _)| *it == unit).map(|(_, worth)| *worth);
        Fraction::new(worth(from)?, worth(to)?)
    })
}
