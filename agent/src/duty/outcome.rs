//! What the duties give: events, follow-ups and warnings, each worth a record.

use tidewaiter_config::{
    plan::{Level, NoticeKind},
    site::Judge,
};
use tidewaiter_drivers::{Decimal, Unit, reading::Moment};
use tidewaiter_screening::{
    Inspection, Screening,
    duty::{
        acceptance::Rejection,
        transition::{State, Step},
    },
};

use crate::inspect::Event;

/// Something worth a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Something happened.
    Event(Event),
    /// A named person did something about a finding.
    FollowUp(Box<FollowUp>),
    /// A warning is proposed, or its lifting.
    Warning(Box<Warning>),
}

/// Which plan was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRef {
    /// Plan id.
    pub id: String,
    /// Version.
    pub version: u32,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// One step after a finding. The first result stays as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowUp {
    /// Id: the inspection's, `-f` and how many steps there were.
    pub id: String,
    /// Inspection it follows.
    pub inspection: String,
    /// Sequence number of that record.
    pub seq: u64,
    /// SHA-256 of that record.
    pub hash: [u8; 32],
    /// Place of that inspection.
    pub place: String,
    /// First identity of its subject.
    pub subject: Option<String>,
    /// What was done.
    pub step: Step,
    /// By whom.
    pub by: String,
    /// State before.
    pub from: State,
    /// State after.
    pub to: State,
    /// Values entered: parameter, value, unit.
    pub values: Vec<(String, Decimal, Unit)>,
    /// Sample number.
    pub sample: Option<String>,
    /// Laboratory.
    pub body: Option<String>,
    /// Number of its report.
    pub report: Option<String>,
    /// Test method.
    pub method: Option<String>,
    /// Date of the report.
    pub date: Option<String>,
    /// Remark.
    pub note: Option<String>,
    /// Why the laboratory's result does not count; `None` where it does, and for other steps.
    pub rejected: Option<Rejection>,
    /// The values judged by the tables of the first result, as an inspection of its own.
    pub judged: Option<Judged>,
    /// An exercise.
    pub drill: bool,
    /// An instrument behind the first result was simulated.
    pub simulated: bool,
    /// When it was entered.
    pub at: Moment,
    /// Plan in force.
    pub plan: Option<PlanRef>,
}

/// Values entered for a finding, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The values as an inspection, of procedure `lab-result` or `handheld`.
    pub inspection: Inspection,
    /// What they were judged by.
    pub judge: Vec<Judge>,
    /// What came of it.
    pub screening: Screening,
}

/// Where a warning stands. Issuing, adjusting and lifting are an authority's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WarningState {
    /// Something mandatory is missing, so that it cannot be proposed.
    Draft,
    /// Proposed.
    Proposed,
    /// Its lifting is proposed.
    LiftProposed,
}

impl WarningState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Proposed, Self::LiftProposed];

    /// The stable spelling used in records and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Proposed => "proposed",
            Self::LiftProposed => "lift-proposed",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

/// A proposed warning, or the proposal to lift one.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// Id: `w-` and the inspection's, and `-lift` for the proposal to lift it.
    pub id: String,
    /// Proposed, or proposed to be lifted.
    pub state: WarningState,
    /// Inspection it rests on.
    pub inspection: String,
    /// Sequence number of that record.
    pub seq: u64,
    /// SHA-256 of that record.
    pub hash: [u8; 32],
    /// Place of that inspection.
    pub place: String,
    /// First identity of its subject.
    pub subject: Option<String>,
    /// Proposed level.
    pub level: Level,
    /// Scores of harm, urgency and extent.
    pub scores: [u32; 3],
    /// Kind of notice suggested.
    pub kind: NoticeKind,
    /// From when on: the detection. A warning that outlived its boot has only the wall clock left.
    pub starts: Moment,
    /// Scope.
    pub scope: String,
    /// Matters warned of.
    pub matters: String,
    /// When it may be lifted.
    pub lift_condition: String,
    /// Who would issue it.
    pub issuer: String,
    /// Legal basis.
    pub legal_basis: String,
    /// What control is asked for; 通报 only.
    pub control_request: Option<ControlRequest>,
    /// Why lifting is proposed, by name; empty for a new warning.
    pub evidence: Vec<(String, String)>,
    /// Reports and answers that are due, by id, UTC milliseconds.
    pub deadlines: Vec<(String, i64)>,
    /// An instrument behind the first result was simulated.
    pub simulated: bool,
    /// Plan it rests on.
    pub plan: PlanRef,
}

/// Which goods a regulator is asked to control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlRequest {
    /// HS code.
    pub hs: Option<String>,
    /// Origin.
    pub origin: Option<String>,
    /// Consignee.
    pub importer: Option<String>,
    /// Until when; the plan's last day, where it has one.
    pub until: Option<String>,
    /// Why.
    pub reason: String,
    /// Records it rests on.
    pub evidence: Vec<String>,
}

impl Outcome {
    /// An event of the agent itself.
    pub(super) fn event(name: &str, subject: Option<&str>, facts: Vec<(&str, String)>) -> Self {
        Self::Event(Event {
            place: "self".to_owned(),
            name: name.to_owned(),
            subject: subject.map(str::to_owned),
            facts: facts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
        })
    }
}
