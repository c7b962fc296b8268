//! Values entered for a finding: read as typed, judged by the tables of the first result.

use tidewaiter_config::site::{Judge, Site};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Moment, Quality},
};
use tidewaiter_screening::{
    Inspection, Screening, Verdict,
    duty::{assignment::judges, transition::LabOutcome},
    inspection::{Completion, Declaration, Identity, Measured, Subject},
    screen,
};

use super::{Judged, Refused, ledger::Entry, stopwatch::day};

/// The procedure of a laboratory's result.
pub(super) const PROCEDURE: &str = "lab-result";

/// Reads `82 mg/kg`, or `82` in the unit of the rows that judge the parameter.
pub(super) fn value(parameter: &str, text: &str, site: &Site) -> Result<(String, Decimal, Unit), Refused> {
    let refuse = |why: String| Refused::Value { parameter: parameter.to_owned(), text: text.to_owned(), why };
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: Decimal = number.parse().map_err(|why| refuse(format!("{why}")))?;
    let unit = match unit.trim() {
        "" => {
            let rows = site.tables.iter().flat_map(|table| &table.rows).filter(|row| row.parameter == parameter);
            let mut units: Vec<Unit> = rows.map(|row| row.unit).collect();
            units.dedup();
            match units.as_slice() {
                [unit] => *unit,
                _ => return Err(refuse("it needs its unit, for example `82 mg/kg`".to_owned())),
            }
        }
        code => code.parse().map_err(|_| refuse(format!("{code:?} is not a UCUM unit code known here")))?,
    };
    Ok((parameter.to_owned(), number, unit))
}

/// What the values of a finding are judged by: all rows that were not passed, and what place and plan ask of the
/// parameters given.
pub(super) fn asked(
    entry: &Entry,
    values: &[(String, Decimal, Unit)],
    plan: Option<&tidewaiter_config::plan::Plan>,
    site: &Site,
) -> Vec<Judge> {
    let lane = site.lanes.iter().find(|it| it.id == entry.place).map(|it| it.gate.judge.as_slice());
    let own = lane.or_else(|| site.rigs.iter().find(|it| it.id == entry.place).map(|it| it.judge.as_slice()));
    let hs = entry.fact("hs-code");
    let mut list = judges(own.unwrap_or(&[]), plan, PROCEDURE, &entry.place, hs);
    let wanted = |table: &str, parameter: &str| {
        values.iter().any(|(name, _, _)| name == parameter)
            || entry.asked.iter().any(|(asked, name)| asked == table && name == parameter)
    };
    for judge in &mut list {
        let table = judge.table.clone();
        judge.parameters.retain(|parameter| wanted(&table, parameter));
    }
    for (table, parameter) in &entry.asked {
        let known = list.iter().any(|it| it.table == *table && it.parameters.contains(parameter));
        // Stages of a programme are no limit table; no value typed in answers them.
        if !known && site.tables.iter().any(|it| it.id == *table) {
            list.push(Judge { table: table.clone(), parameters: vec![parameter.clone()], advisory: false });
        }
    }
    list.retain(|judge| !judge.parameters.is_empty());
    list
}

/// Who entered values, as what, when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entered<'e> {
    /// Id of the step.
    pub(super) id: &'e str,
    /// Procedure the values are an inspection of.
    pub(super) procedure: &'e str,
    /// Laboratory or instrument.
    pub(super) source: &'e str,
    /// Sample the values are of.
    pub(super) sample: Option<&'e str>,
    /// Person.
    pub(super) by: &'e str,
    /// When.
    pub(super) at: Moment,
}

/// Judges values entered for a finding, by the editions in force when its subject was inspected.
pub(super) fn judged(
    entry: &Entry,
    entered: Entered<'_>,
    values: &[(String, Decimal, Unit)],
    judge: Vec<Judge>,
    site: &Site,
) -> Judged {
    let identity = |kind: &str, text: &str| Identity {
        kind: kind.to_owned(),
        text: text.to_owned(),
        source: "manual".to_owned(),
        confidence: None,
    };
    let subject = entry.subject.iter().map(|text| identity(&entry.identity_kind, text));
    let sample = entered.sample.iter().map(|text| identity("sample", text));
    let inspection = Inspection {
        id: entered.id.to_owned(),
        procedure: entered.procedure.to_owned(),
        place: entry.place.clone(),
        subject: Subject {
            kind: entry.kind(),
            identities: subject.chain(sample).collect(),
            declaration: entry.facts.clone().map_or(Declaration::None, Declaration::Found),
        },
        // The sampling date chooses the editions, and a reader of the record must choose the same.
        opened: Moment { mono_ms: entered.at.mono_ms, wall_ms: entry.opened_ms },
        closed: entered.at,
        completion: Completion::Complete,
        simulated: entry.simulated,
        drill: entry.drill,
        operator: Some(entered.by.to_owned()),
        measured: values.iter().map(|value| measured(value, entered.source)).collect(),
        alarms: Vec::new(),
        faults: Vec::new(),
        readings: Vec::new(),
        whole: Vec::new(),
    };
    let screening = screen(&inspection, &site.tables, &judge, day(entry.opened_ms), None);
    Judged { inspection, judge, screening }
}

/// A value entered, as a measured quantity.
pub(crate) fn measured((parameter, value, unit): &(String, Decimal, Unit), source: &str) -> Measured {
    let indication = Indication { value: *value, unit: *unit, quality: Quality::Good };
    Measured::new(parameter, source, Ok(indication), "entered")
}

/// What a judged result amounts to.
pub(super) fn outcome(screening: &Screening) -> LabOutcome {
    match screening.verdict {
        Verdict::Fail | Verdict::ConditionalFail => LabOutcome::Confirmed,
        Verdict::Pass | Verdict::ConditionalPass => LabOutcome::Cleared,
        Verdict::Inconclusive(_) | Verdict::NotApplicable => LabOutcome::Open,
    }
}
