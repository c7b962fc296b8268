//! What a period's records add up to, with every denominator stated.
//!
//! In: one [`Examination`] for each recorded inspection, in any order. Out: a [`Report`]. Nothing is estimated and
//! nothing left out in silence: what is counted apart (drills, function checks) is counted.
//!
//! ```text
//! examinations ── re-tests folded ──► presented ─┬─ tested ─┬─ judged: pass, conditional pass, conditional fail, fail
//!                                                │          ├─ inconclusive, by reason
//!                                                │          └─ not applicable
//!                                                └─ invalid: void, or incomplete by reason
//! ```
//!
//! A *lot* is one subject under one procedure at one agent. Examined again, it is the same lot and counts once, by its
//! last complete result: a sample or a lot of goods always, a conveyance or a container only within
//! [`RETEST_MS`] of a result that did not pass, because the lorry that passed yesterday brings other goods today. A
//! subject without an identity is a lot of its own. A lot belongs to the period in which it was first presented.
//!
//! Not here: files, clocks, words for people.

mod lot;
mod tally;

use std::collections::BTreeMap;

use jiff::civil::Date;

use self::lot::{Lot, Lots};
pub use self::tally::{Rate, Tally, percent};
use crate::{
    finding::Verdict,
    inspection::{Completion, SubjectKind},
};

/// How long after a result that did not pass a conveyance that comes again is still the same one.
pub const RETEST_MS: i64 = 24 * 3_600_000;

/// One recorded inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// The agent, or its chain: inspections of two agents are never of one lot.
    pub agent: String,
    /// Number of the record.
    pub seq: u64,
    /// Sampling date.
    pub date: Date,
    /// When it was opened, UTC milliseconds.
    pub opened_ms: i64,
    /// When it was closed, UTC milliseconds.
    pub closed_ms: i64,
    /// Lane or rig.
    pub place: String,
    /// Procedure.
    pub procedure: String,
    /// Kind of subject.
    pub kind: SubjectKind,
    /// Kind and text of the identity it goes by.
    pub identity: Option<(String, String)>,
    /// Overall verdict.
    pub verdict: Verdict,
    /// Whether it was carried to its end.
    pub completion: Completion,
    /// It was void: its disposition asked for a re-scan.
    pub void: bool,
    /// A simulated instrument was in it.
    pub simulated: bool,
    /// An exercise.
    pub drill: bool,
    /// Whose data it is.
    pub origin: Option<String>,
    /// Its findings.
    pub findings: Vec<Found>,
}

/// One finding, as far as statistics need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Limit table.
    pub table: String,
    /// Hazard classes.
    pub hazards: Vec<String>,
    /// Verdict.
    pub verdict: Verdict,
    /// It decides nothing.
    pub advisory: bool,
}

/// What the groups of a report are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Days.
    Day,
    /// Weeks of ISO 8601.
    Week,
    /// Months.
    Month,
    /// Lanes and rigs.
    Place,
    /// Procedures.
    Procedure,
    /// Limit tables; a lot judged by several is in each.
    Table,
    /// Hazard classes; a lot judged for several is in each.
    Hazard,
    /// Whose data it is.
    Origin,
}

/// Which examinations are counted: both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// First sampling date.
    pub from: Option<Date>,
    /// Last sampling date.
    pub to: Option<Date>,
}

/// Function checks, which are no lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionChecks {
    /// All that were recorded.
    pub done: u64,
    /// Passed.
    pub passed: u64,
    /// Carried to the end and not passed.
    pub failed: u64,
    /// Not carried to the end.
    pub unfinished: u64,
}

/// What the records of a period add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// All lots.
    pub total: Tally,
    /// The same by group, in the order of the key.
    pub groups: BTreeMap<String, Tally>,
    /// Every lot is in one group only, so that the groups add up to the total.
    pub exclusive: bool,
    /// Examinations that were exercises and are in nothing else.
    pub drills: u64,
    /// Function checks, which are in nothing else.
    pub function_checks: FunctionChecks,
}

impl By {
    /// All.
    pub const ALL: [Self; 8] =
        [Self::Day, Self::Week, Self::Month, Self::Place, Self::Procedure, Self::Table, Self::Hazard, Self::Origin];

    /// The spelling of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Place => "place",
            Self::Procedure => "procedure",
            Self::Table => "table",
            Self::Hazard => "hazard",
            Self::Origin => "origin",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    const fn is_exclusive(self) -> bool {
        !matches!(self, Self::Table | Self::Hazard)
    }

    /// The groups a lot is in, with its verdict there.
    fn groups(self, lot: &Lot<'_>) -> BTreeMap<String, Verdict> {
        let result = lot.result();
        let key = match self {
            Self::Day => lot.first().date.to_string(),
            Self::Week => {
                let week = lot.first().date.iso_week_date();
                format!("{}-W{:02}", week.year(), week.week())
            }
            Self::Month => lot.first().date.strftime("%Y-%m").to_string(),
            Self::Place => result.place.clone(),
            Self::Procedure => result.procedure.clone(),
            Self::Origin => result.origin.clone().unwrap_or_default(),
            Self::Table => return strictest(result, |it| vec![it.table.clone()]),
            Self::Hazard => return strictest(result, |it| it.hazards.clone()),
        };
        BTreeMap::from([(key, result.verdict)])
    }
}

/// The strictest deciding verdict of each key.
fn strictest(result: &Examination, keys: impl Fn(&Found) -> Vec<String>) -> BTreeMap<String, Verdict> {
    let mut verdicts: BTreeMap<String, Verdict> = BTreeMap::new();
    for found in result.findings.iter().filter(|it| !it.advisory) {
        for key in keys(found) {
            let verdict = verdicts.entry(key).or_insert(Verdict::NotApplicable);
            *verdict = verdict.stricter(found.verdict);
        }
    }
    verdicts
}

impl Period {
    fn holds(self, date: Date) -> bool {
        self.from.is_none_or(|from| date >= from) && self.to.is_none_or(|to| date <= to)
    }
}

/// Counts the examinations whose sampling date lies in the period.
pub fn report(examinations: &[Examination], period: Period, by: Option<By>) -> Report {
    let mut counted: Vec<&Examination> = examinations.iter().filter(|it| period.holds(it.date)).collect();
    counted.sort_by(|a, b| (a.opened_ms, &a.agent, a.seq).cmp(&(b.opened_ms, &b.agent, b.seq)));
    let mut report = Report {
        total: Tally::default(),
        groups: BTreeMap::new(),
        exclusive: by.is_none_or(By::is_exclusive),
        drills: 0,
        function_checks: FunctionChecks::default(),
    };
    let mut lots = Lots::default();
    for examination in counted {
        if examination.drill {
            report.drills += 1;
        } else if examination.kind == SubjectKind::Instrument {
            report.function_checks.count(examination);
        } else {
            lots.take(examination);
        }
    }
    for lot in lots.all() {
        report.total.count(lot, lot.result().verdict);
        for (group, verdict) in by.map(|by| by.groups(lot)).into_iter().flatten() {
            report.groups.entry(group).or_default().count(lot, verdict);
        }
    }
    report
}

impl FunctionChecks {
    fn count(&mut self, check: &Examination) {
        self.done += 1;
        match (check.completion, check.verdict) {
            (Completion::Complete, Verdict::Pass) => self.passed += 1,
            (Completion::Complete, _) => self.failed += 1,
            (Completion::Incomplete(_), _) => self.unfinished += 1,
        }
    }
}
