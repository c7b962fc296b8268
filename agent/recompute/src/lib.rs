//! Takes the inspection and its screening out of a record, screens it again with the same tables, and compares.
//!
//! In: the detail of an inspection record, and limit tables. Out: [`Recomputed`]. The centre asks it of every record it
//! takes; the agent asks it on demand, and rebuilds from its own records what it had not finished when the power went.
//!
//! What the inspections of many records add up to is gathered here as well, for screening's statistics.
//!
//! The record holds the inspection and the verdict; the limit tables are named by id, edition and
//! SHA-256. Where this build or its tables cannot repeat the screening (another digest, a word younger
//! than this build), the answer is [`Recomputed::NotDone`] with the reason: not agreement, and not drift.

mod recall;
mod statistics;

use std::{collections::BTreeSet, path::Path};

use jiff::{Timestamp, civil::Date, tz::Offset};
use tidewaiter_config::{
    Report,
    limits::{self, LimitTable, Programme},
    site::Judge,
};
use tidewaiter_record::{Detail, InspectionDetail, Record, Required};
use tidewaiter_screening::{Finding, Inspection, Reason, Screening, Step, explain};

pub use recall::{inspection, screening};
pub use statistics::{Gathered, by_days_of, examination, to_json};

/// The tables and programmes at hand, of every edition.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Limit tables.
    pub limits: Vec<LimitTable>,
    /// Step programmes.
    pub programmes: Vec<Programme>,
}

impl Tables {
    /// The ones that come with the program.
    pub fn builtin() -> Self {
        Self { limits: limits::builtin(), programmes: limits::builtin_programmes() }
    }

    /// The ones that come with the program, and those of a folder.
    ///
    /// # Errors
    ///
    /// All faults of all files.
    pub fn load(dir: Option<&Path>) -> Result<Self, Report> {
        let mut tables = Self::builtin();
        if let Some(dir) = dir {
            let folder = limits::load_dir(dir)?;
            tables.limits.extend(folder.tables);
            tables.programmes.extend(folder.programmes);
        }
        Ok(tables)
    }
}

impl From<Vec<LimitTable>> for Tables {
    fn from(limits: Vec<LimitTable>) -> Self {
        Self { limits, programmes: Vec::new() }
    }
}

/// What our own screening of a record gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recomputed {
    /// The record is no inspection, is a duplicate, or was not taken.
    NotAsked,
    /// The same verdict, disposition and findings.
    Same,
    /// Another result; says which.
    Drift(String),
    /// It could not be repeated; says why.
    NotDone(String),
}

/// Screens a record again, if it is an inspection.
pub fn recompute(record: &Record, tables: &Tables) -> Recomputed {
    match &record.body.detail {
        Detail::Inspection(detail) => recompute_inspection(detail, tables),
        _ => Recomputed::NotAsked,
    }
}

/// Screens a recorded inspection again.
pub fn recompute_inspection(detail: &InspectionDetail, tables: &Tables) -> Recomputed {
    match repeat(detail, tables) {
        Ok(Repeated { difference: None, .. }) => Recomputed::Same,
        Ok(Repeated { difference: Some(difference), .. }) => Recomputed::Drift(difference),
        Err(why) => Recomputed::NotDone(why),
    }
}

/// The findings of a recorded inspection with the steps that led to each, where our own screening gives the same result.
///
/// # Errors
///
/// Says why it could not be repeated, or what differs: steps to another result explain nothing.
pub fn explained(detail: &InspectionDetail, tables: &Tables) -> Result<Vec<(Finding, Vec<Step>)>, String> {
    match repeat(detail, tables)? {
        Repeated { difference: None, screening, steps } => Ok(screening.findings.into_iter().zip(steps).collect()),
        Repeated { difference: Some(difference), .. } => Err(difference),
    }
}

/// Our own screening of a record, and where it differs from the recorded one.
struct Repeated {
    difference: Option<String>,
    screening: Screening,
    steps: Vec<Vec<Step>>,
}

/// `Err(why)`: not repeatable.
fn repeat(detail: &InspectionDetail, tables: &Tables) -> Result<Repeated, String> {
    let inspection = inspection(detail)?;
    let recorded = screening(detail)?;
    let refused = recorded.findings.iter().find(|it| it.edition.is_empty());
    let without_edition = |it: &Finding| format!("the agent had no edition of {} to judge by: {}", it.table, it.rule);
    if let (Some(refused), None) = (refused, &detail.judging) {
        return Err(without_edition(refused));
    }
    let (mut limits, programme) = same_tables(detail, tables)?;
    // That no edition was in force is confirmed by the editions at hand.
    let missing = |id: &str| recorded.findings.iter().any(|it| it.edition.is_empty() && it.table == id);
    limits.extend(tables.limits.iter().filter(|it| missing(&it.id)).cloned());
    let judge = match &detail.judging {
        Some(judging) => judging.required.iter().map(required).collect(),
        // Kind 16 does not say what was required; every row that was looked at has a finding.
        None => judged(&recorded.findings, programme),
    };
    let mut other = None;
    for at in local_dates(&inspection)? {
        let (screening, steps) = explain(&inspection, &limits, &judge, at, programme);
        let difference = compare(&recorded, &screening);
        let same = difference.is_none();
        let repeated = Repeated { difference, screening, steps };
        if same {
            return Ok(repeated);
        }
        other.get_or_insert(repeated);
    }
    // An edition that the agent did not have is no fault of the record.
    match (refused, other) {
        (Some(refused), _) => Err(without_edition(refused)),
        (None, Some(repeated)) => Ok(repeated),
        (None, None) => Err("the record has no sampling date".to_owned()),
    }
}

/// The tables the record names, found here under the same id, edition and digest.
fn same_tables<'a>(
    detail: &InspectionDetail,
    tables: &'a Tables,
) -> Result<(Vec<LimitTable>, Option<&'a Programme>), String> {
    let (mut limits, mut programme) = (Vec::new(), None);
    for named in &detail.tables {
        if let Some(table) = tables
            .limits
            .iter()
            .find(|it| it.id == named.id && it.edition == named.edition && it.digest == named.sha256)
        {
            limits.push(table.clone());
        } else if let Some(found) = tables
            .programmes
            .iter()
            .find(|it| it.id == named.id && it.edition == named.edition && it.digest == named.sha256)
        {
            programme = Some(found);
        } else {
            let other = tables.limits.iter().any(|it| it.id == named.id && it.edition == named.edition);
            let why = if other { "has another digest here" } else { "is not here" };
            return Err(format!(
                "table {} edition {} with SHA-256 {} {why}; put the agent's file into the limits folder",
                named.id,
                named.edition,
                hex::encode(named.sha256)
            ));
        }
    }
    let named = |it: &Finding| {
        it.edition.is_empty() || detail.tables.iter().any(|table| table.id == it.table && table.edition == it.edition)
    };
    if screening(detail)?.findings.iter().all(named) {
        Ok((limits, programme))
    } else {
        Err("a finding cites a table that the record does not name with its digest".to_owned())
    }
}

fn required(it: &Required) -> Judge {
    Judge { table: it.table.clone(), parameters: it.parameters.clone(), advisory: it.advisory }
}

/// What was required: every parameter of a table that has a finding. Programmes are required as a whole.
fn judged(findings: &[Finding], programme: Option<&Programme>) -> Vec<Judge> {
    let mut judge: Vec<Judge> = Vec::new();
    for finding in findings.iter().filter(|it| programme.is_none_or(|programme| programme.id != it.table)) {
        match judge.iter_mut().find(|it| it.table == finding.table) {
            Some(known) if known.parameters.contains(&finding.parameter) => {}
            Some(known) => known.parameters.push(finding.parameter.clone()),
            None => judge.push(Judge {
                table: finding.table.clone(),
                parameters: vec![finding.parameter.clone()],
                advisory: finding.advisory,
            }),
        }
    }
    judge
}

/// The dates that any place on earth had between opening and closing, earliest first.
///
/// Editions are chosen by the local date of sampling, and the record holds UTC: of an edition that
/// changes at midnight, the record's own choice is accepted where a local clock could have made it.
fn local_dates(inspection: &Inspection) -> Result<BTreeSet<Date>, String> {
    let mut dates = BTreeSet::new();
    for wall_ms in [inspection.opened.wall_ms, inspection.closed.wall_ms] {
        let at = Timestamp::from_millisecond(wall_ms).map_err(|_| format!("wall time {wall_ms} ms is no date"))?;
        // UTC-12 and UTC+14 are the outermost zones in use (IANA tz: Etc/GMT+12, Pacific/Kiritimati).
        dates.extend([-12, 0, 14].map(|hours| Offset::constant(hours).to_datetime(at).date()));
    }
    Ok(dates)
}

fn compare(recorded: &Screening, ours: &Screening) -> Option<String> {
    let words = |it: &Screening| {
        let reason = it.verdict.reason().map_or(String::new(), |reason| format!(" ({})", reason.word()));
        format!("{}{reason}, {}", it.verdict.word(), it.disposition.word())
    };
    if (recorded.verdict, recorded.disposition) != (ours.verdict, ours.disposition) {
        return Some(format!("recorded {}; recomputed {}", words(recorded), words(ours)));
    }
    if recorded.alarm_mismatch != ours.alarm_mismatch {
        return Some(format!(
            "recorded alarm mismatch {}; recomputed {}",
            recorded.alarm_mismatch, ours.alarm_mismatch
        ));
    }
    // Texts of findings are for people and may be worded better in a later build; the judgement may not change.
    let judgement = |it: &Finding| {
        (
            it.table.clone(),
            it.row.clone(),
            it.parameter.clone(),
            it.stage,
            it.verdict.word(),
            it.verdict.reason().map(Reason::word),
            it.value.clone(),
        )
    };
    let sorted = |it: &Screening| {
        let mut all: Vec<_> = it.findings.iter().map(judgement).collect();
        all.sort();
        all.dedup();
        all
    };
    let (recorded, ours) = (sorted(recorded), sorted(ours));
    let odd = recorded
        .iter()
        .find(|it| !ours.contains(it))
        .map(|it| ("recorded", it))
        .or_else(|| ours.iter().find(|it| !recorded.contains(it)).map(|it| ("recomputed", it)))?;
    let (whose, (table, row, parameter, _, word, ..)) = odd;
    Some(format!("{whose} only: {word} for {parameter} by {table} row {row}"))
}
