//! What the duties give: events, follow-ups and warnings, each worth a record.

use tidewaiter_config::{
    plan::{Level, NoticeKind},
    site::Judge,
};
use tidewaiter_drivers::{Decimal, Unit, reading::Moment};
use tidewaiter_screening::{
    Screening,
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
    /// The values judged by the tables of the first result.
    pub screening: Option<Screening>,
    /// What they were judged by.
    pub judge: Vec<Judge>,
    /// An exercise.
    pub drill: bool,
    /// An instrument behind the first result was simulated.
    pub simulated: bool,
    /// When it was entered.
    pub at: Moment,
    /// Plan in force.
    pub plan: Option<PlanRef>,
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
    /// Id: `w-` and the inspection's.
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
    /// From when on, UTC milliseconds: the detection.
    pub starts_ms: i64,
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

    /// The outcome in the form of an event, for a chain that has no kind of its own for it.
    pub fn into_event(self) -> Event {
        match self {
            Self::Event(event) => event,
            Self::FollowUp(step) => step.into_event(),
            Self::Warning(warning) => warning.into_event(),
        }
    }
}

/// Facts of which some are not there.
fn facts<const N: usize>(all: [(&str, Option<String>); N]) -> Vec<(String, String)> {
    all.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))).collect()
}

impl FollowUp {
    fn into_event(self) -> Event {
        let values: Vec<String> =
            self.values.iter().map(|(parameter, value, unit)| format!("{parameter} = {value} {unit}")).collect();
        let facts = facts([
            ("step", Some(self.step.word().to_owned())),
            ("by", Some(self.by)),
            ("from", Some(self.from.word().to_owned())),
            ("to", Some(self.to.word().to_owned())),
            ("record", Some(self.seq.to_string())),
            ("hash", Some(hex::encode(self.hash))),
            ("subject", self.subject),
            ("values", (!values.is_empty()).then(|| values.join("; "))),
            ("verdict", self.screening.as_ref().map(|it| it.verdict.word().to_owned())),
            ("sample", self.sample),
            ("body", self.body),
            ("report", self.report),
            ("method", self.method),
            ("date", self.date),
            ("note", self.note),
            ("rejected", self.rejected.as_ref().map(|it| it.word().to_owned())),
            ("rejected-why", self.rejected.as_ref().map(ToString::to_string)),
            ("drill", self.drill.then(|| "yes".to_owned())),
        ]);
        Event { place: self.place, name: "follow-up".to_owned(), subject: Some(self.inspection), facts }
    }
}

impl Warning {
    fn into_event(self) -> Event {
        let [harm, urgency, extent] = self.scores.map(|score| score.to_string());
        let control = self.control_request.as_ref();
        let mut facts = facts([
            ("warning", Some(self.id)),
            ("record", Some(self.seq.to_string())),
            ("hash", Some(hex::encode(self.hash))),
            ("subject", self.subject),
            ("level", Some(self.level.word().to_owned())),
            ("harm", Some(harm)),
            ("urgency", Some(urgency)),
            ("extent", Some(extent)),
            ("kind", Some(self.kind.word().to_owned())),
            ("starts-ms", Some(self.starts_ms.to_string())),
            ("scope", Some(self.scope)),
            ("matters", Some(self.matters)),
            ("lift-condition", Some(self.lift_condition)),
            ("issuer", Some(self.issuer)),
            ("legal-basis", Some(self.legal_basis)),
            ("control-hs", control.and_then(|it| it.hs.clone())),
            ("control-origin", control.and_then(|it| it.origin.clone())),
            ("control-importer", control.and_then(|it| it.importer.clone())),
            ("control-until", control.and_then(|it| it.until.clone())),
            ("control-reason", control.map(|it| it.reason.clone())),
            ("control-evidence", control.map(|it| it.evidence.join(", "))),
            ("plan", Some(format!("{} {}", self.plan.id, self.plan.version))),
        ]);
        facts.extend(self.evidence);
        let name = format!("warning-{}", self.state.word());
        Event { place: self.place, name, subject: Some(self.inspection), facts }
    }
}
