//! A record as JSON for people and downstream programs: a copy to read, never the evidence.
//!
//! Numbers are decimal text with their unit (UCUM), times are RFC 3339 in UTC beside the clock's own
//! quality letter, hashes are hexadecimal. The evidence is the bytes; every object names their hash, so
//! a reader can go from one to the other.

mod life;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Moment, Outcome, Quality},
};

use crate::{
    Detail, InspectionDetail, IntervalDetail, Record,
    body::{FollowUp, Link, Measured, Plan, Warning},
};

/// A record as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct RecordView<'a> {
    /// Issuer.
    pub agent: &'a str,
    /// Subject of the claims: an instrument or place, or `self`.
    pub about: &'a str,
    /// Chain.
    pub chain: String,
    /// Sequence number.
    pub seq: u64,
    /// SHA-256 of the record.
    pub hash: String,
    /// What the agent's wall clock said; a claim, see `clock`.
    pub time: String,
    /// Quality letter of that clock: U, I, H or S.
    pub clock: &'static str,
    /// Bound of its error in milliseconds; without meaning at U.
    pub clock_err_ms: u64,
    /// Word of the kind.
    pub kind: &'static str,
    /// An instrument behind it was simulated.
    pub simulated: bool,
    /// An exercise.
    pub drill: bool,
    /// What it says.
    pub detail: DetailView<'a>,
}

/// What a record says, by kind.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum DetailView<'a> {
    /// The chain begins.
    Genesis {
        /// Name and version.
        software: &'a str,
        /// SHA-256 of the configuration.
        config: String,
    },
    /// One of the kinds that speak of the agent itself: heartbeat, clock, identity, activation, command, key,
    /// evidence, trimming, and the single reading.
    Own(serde_json::Value),
    /// Something happened.
    Event {
        /// What.
        name: &'a str,
        /// To what.
        subject: Option<&'a str>,
        /// The rest.
        facts: &'a BTreeMap<String, String>,
    },
    /// Recording stops.
    Stopped {
        /// Why.
        reason: &'a str,
    },
    /// Recording goes on.
    Resumed {
        /// Records refused meanwhile.
        refused: u64,
        /// When recording stopped.
        from: String,
        /// When it went on.
        to: String,
    },
    /// The agent started after an end that was not clean.
    Recovery {
        /// What was found.
        found: &'a str,
        /// The last good sequence number.
        last_seq: Option<u64>,
        /// Open inspections recorded as interrupted.
        interrupted: u32,
    },
    /// The agent ends cleanly.
    Shutdown {},
    /// An inspection.
    Inspection(Box<InspectionView<'a>>),
    /// A watch period.
    Interval(Box<IntervalView<'a>>),
    /// A step of a secondary inspection.
    FollowUp(Box<FollowUpView<'a>>),
    /// A proposed warning.
    Warning(Box<WarningView<'a>>),
    /// Content younger than this build.
    Unknown {
        /// Number of the kind.
        kind_number: u64,
        /// The detail, hexadecimal CBOR.
        cbor: String,
    },
}

/// An inspection as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct InspectionView<'a> {
    /// Id, unique within the agent.
    pub id: &'a str,
    /// Procedure id.
    pub procedure: &'a str,
    /// Lane or rig.
    pub place: &'a str,
    /// Kind of subject.
    pub subject: &'a str,
    /// Identities by kind.
    pub identities: Vec<IdentityView<'a>>,
    /// Declared facts.
    pub declared: Option<&'a BTreeMap<String, String>>,
    /// When it opened.
    pub opened: String,
    /// When it closed.
    pub closed: String,
    /// Why it is incomplete.
    pub incomplete: Option<&'a str>,
    /// Verdict word.
    pub verdict: &'a str,
    /// Reason of an inconclusive one.
    pub reason: Option<&'a str>,
    /// Disposition word.
    pub disposition: &'a str,
    /// Device and recomputation disagreed about an alarm.
    pub alarm_mismatch: bool,
    /// Quantities judged.
    pub measured: Vec<MeasuredView<'a>>,
    /// Alarms asserted.
    pub alarms: Vec<AlarmView<'a>>,
    /// What makes the passage void.
    pub faults: Vec<FaultView<'a>>,
    /// Judged rows.
    pub findings: Vec<FindingView<'a>>,
    /// Readings behind it.
    pub readings: usize,
    /// The monitoring plan in force.
    pub plan: Option<PlanView<'a>>,
    /// Who ran it.
    pub operator: Option<&'a str>,
    /// Whose data it is.
    pub origin: Option<&'a str>,
}

/// A monitoring plan.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct PlanView<'a> {
    pub id: &'a str,
    pub version: u64,
    pub sha256: String,
}

/// Another record.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct LinkView<'a> {
    pub id: &'a str,
    pub seq: u64,
    pub hash: String,
}

/// A step of a secondary inspection as JSON.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct FollowUpView<'a> {
    pub id: &'a str,
    pub follows: LinkView<'a>,
    pub step: &'a str,
    pub by: &'a str,
    pub at: String,
    pub state: &'a str,
    pub measured: Vec<MeasuredView<'a>>,
    pub judged: Option<LinkView<'a>>,
    pub facts: &'a BTreeMap<String, String>,
    pub plan: Option<PlanView<'a>>,
}

/// A proposed warning as JSON.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct WarningView<'a> {
    pub id: &'a str,
    pub state: &'a str,
    pub level: &'a str,
    pub notice: &'a str,
    pub starts: String,
    pub scope: &'a str,
    pub matters: &'a str,
    pub lift_condition: &'a str,
    pub issuer: &'a str,
    pub legal_basis: &'a str,
    pub facts: &'a BTreeMap<String, String>,
    pub evidence: Vec<LinkView<'a>>,
    pub deadlines: BTreeMap<&'a str, String>,
    pub plan: Option<PlanView<'a>>,
}

/// One identity of a subject.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct IdentityView<'a> {
    pub kind: &'a str,
    pub text: &'a str,
    pub source: &'a str,
    pub confidence: Option<u8>,
}

/// One quantity.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct MeasuredView<'a> {
    pub parameter: &'a str,
    pub instrument: &'a str,
    #[serde(flatten)]
    pub outcome: OutcomeView,
    pub background: Option<String>,
    pub uncertainty: Option<String>,
    pub derivation: &'a str,
    pub stage: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_uncertainty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<&'a str>,
}

/// A value with unit and quality, or the reason why there is none.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub enum OutcomeView {
    Value { value: String, unit: &'static str, quality: &'static str },
    Missing { missing: String },
}

/// One alarm.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct AlarmView<'a> {
    pub instrument: &'a str,
    pub kind: &'a str,
    pub by_device: bool,
    pub recomputed: bool,
}

/// One fault.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct FaultView<'a> {
    pub instrument: &'a str,
    pub kind: &'a str,
}

/// One judged row.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct FindingView<'a> {
    pub table: &'a str,
    pub edition: &'a str,
    pub row: &'a str,
    pub parameter: &'a str,
    pub verdict: &'a str,
    pub reason: Option<&'a str>,
    pub value: Option<&'a str>,
    pub limit: &'a str,
    pub rule: &'a str,
    pub stage: Option<u16>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub hazards: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    pub legal_force: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub advisory: bool,
}

/// A watch period as JSON.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the record, see `record.cddl`")]
pub struct IntervalView<'a> {
    pub watch: &'a str,
    pub instrument: &'a str,
    pub channel: &'a str,
    pub from: String,
    pub to: String,
    pub slots_expected: u32,
    pub received: u32,
    pub missing: &'a BTreeMap<String, u32>,
    pub sum: Option<String>,
    pub min: Option<String>,
    pub max: Option<String>,
    pub last: Option<String>,
    pub unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanView<'a>>,
}

/// The verdict word of an inspection record.
pub fn verdict_word(record: &Record) -> Option<&str> {
    match &record.body.detail {
        Detail::Inspection(detail) => Some(&detail.verdict),
        _ => None,
    }
}

/// UTC milliseconds as RFC 3339; a time beyond the calendar is told as its number.
pub fn utc(wall_ms: i64) -> String {
    Timestamp::from_millisecond(wall_ms).map_or_else(|_| format!("{wall_ms} ms"), |it| it.to_string())
}

impl<'a> RecordView<'a> {
    /// A record for a JSON line.
    pub fn of(record: &'a Record) -> Self {
        let (header, body) = (&record.header, &record.body);
        let flags = body.detail.flags();
        Self {
            agent: &header.agent,
            about: &header.subject,
            chain: header.chain.to_string(),
            seq: header.seq,
            hash: record.hash().to_string(),
            time: utc(body.time.wall_ms),
            clock: body.time.quality.word(),
            clock_err_ms: body.time.err_ms,
            kind: body.detail.word(),
            simulated: flags.simulated,
            drill: flags.drill,
            detail: DetailView::of(&body.detail),
        }
    }
}

impl<'a> DetailView<'a> {
    fn of(detail: &'a Detail) -> Self {
        if let Some(value) = life::detail(detail) {
            return Self::Own(value);
        }
        match detail {
            Detail::Genesis(it) => Self::Genesis { software: &it.software, config: hex::encode(it.config) },
            Detail::Event(it) => Self::Event { name: &it.name, subject: it.subject.as_deref(), facts: &it.facts },
            Detail::Stopped(it) => Self::Stopped { reason: &it.reason },
            Detail::Resumed(it) => Self::Resumed { refused: it.refused, from: moment(it.from), to: moment(it.to) },
            Detail::Recovery(it) => {
                Self::Recovery { found: &it.found, last_seq: it.last_seq, interrupted: it.interrupted }
            }
            Detail::Shutdown => Self::Shutdown {},
            Detail::Inspection(it) => Self::Inspection(Box::new(InspectionView::of(it))),
            Detail::Interval(it) => Self::Interval(Box::new(IntervalView::of(it))),
            Detail::FollowUp(it) => Self::FollowUp(Box::new(FollowUpView::of(it))),
            Detail::Warning(it) => Self::Warning(Box::new(WarningView::of(it))),
            Detail::Unknown { kind, cbor } => Self::Unknown { kind_number: *kind, cbor: hex::encode(cbor) },
            other => Self::Own(life::detail(other).unwrap_or_default()),
        }
    }
}

impl<'a> InspectionView<'a> {
    fn of(it: &'a InspectionDetail) -> Self {
        Self {
            id: &it.id,
            procedure: &it.procedure,
            place: &it.place,
            subject: &it.subject.kind,
            identities: it
                .subject
                .identities
                .iter()
                .map(|it| IdentityView {
                    kind: &it.kind,
                    text: &it.text,
                    source: &it.source,
                    confidence: it.confidence,
                })
                .collect(),
            declared: it.subject.declared.as_ref(),
            opened: moment(it.opened),
            closed: moment(it.closed),
            incomplete: it.incomplete.as_deref(),
            verdict: &it.verdict,
            reason: it.reason.as_deref(),
            disposition: &it.disposition,
            alarm_mismatch: it.alarm_mismatch,
            measured: it.measured.iter().map(MeasuredView::of).collect(),
            alarms: it
                .alarms
                .iter()
                .map(|it| AlarmView {
                    instrument: &it.instrument,
                    kind: &it.kind,
                    by_device: it.by_device,
                    recomputed: it.recomputed,
                })
                .collect(),
            faults: it.faults.iter().map(|it| FaultView { instrument: &it.instrument, kind: &it.kind }).collect(),
            findings: it
                .findings
                .iter()
                .map(|it| FindingView {
                    table: &it.table,
                    edition: &it.edition,
                    row: &it.row,
                    parameter: &it.parameter,
                    verdict: &it.verdict,
                    reason: it.reason.as_deref(),
                    value: it.value.as_deref(),
                    limit: &it.limit,
                    rule: &it.rule,
                    stage: it.stage,
                    hazards: &it.hazards,
                    legal_force: &it.legal_force,
                    probability: it.probability.map(|it| it.to_string()),
                    advisory: it.advisory,
                })
                .collect(),
            readings: it.readings.len(),
            plan: it.judging.as_ref().and_then(|it| it.plan.as_ref()).map(PlanView::of),
            operator: it.judging.as_ref().and_then(|it| it.operator.as_deref()),
            origin: it.judging.as_ref().and_then(|it| it.origin.as_deref()),
        }
    }
}

impl<'a> MeasuredView<'a> {
    fn of(it: &'a Measured) -> Self {
        let text = |it: Option<Decimal>| it.map(|it| it.to_string());
        Self {
            parameter: &it.parameter,
            instrument: &it.instrument,
            outcome: OutcomeView::of(it.outcome),
            background: text(it.background),
            uncertainty: text(it.uncertainty),
            derivation: &it.derivation,
            stage: it.stage,
            background_uncertainty: text(it.background_uncertainty),
            basis: it.basis.as_deref(),
        }
    }
}

impl<'a> PlanView<'a> {
    fn of(it: &'a Plan) -> Self {
        Self { id: &it.id, version: it.version, sha256: hex::encode(it.sha256) }
    }
}

impl<'a> LinkView<'a> {
    fn of(it: &'a Link) -> Self {
        Self { id: &it.id, seq: it.seq, hash: it.hash.to_string() }
    }
}

impl<'a> FollowUpView<'a> {
    fn of(it: &'a FollowUp) -> Self {
        Self {
            id: &it.id,
            follows: LinkView::of(&it.follows),
            step: &it.step,
            by: &it.by,
            at: moment(it.at),
            state: &it.state,
            measured: it.measured.iter().map(MeasuredView::of).collect(),
            judged: it.judged.as_ref().map(LinkView::of),
            facts: &it.facts,
            plan: it.plan.as_ref().map(PlanView::of),
        }
    }
}

impl<'a> WarningView<'a> {
    fn of(it: &'a Warning) -> Self {
        Self {
            id: &it.id,
            state: &it.state,
            level: &it.level,
            notice: &it.notice,
            starts: moment(it.starts),
            scope: &it.scope,
            matters: &it.matters,
            lift_condition: &it.lift_condition,
            issuer: &it.issuer,
            legal_basis: &it.legal_basis,
            facts: &it.facts,
            evidence: it.evidence.iter().map(LinkView::of).collect(),
            deadlines: it.deadlines.iter().map(|(id, due)| (id.as_str(), utc(*due))).collect(),
            plan: it.plan.as_ref().map(PlanView::of),
        }
    }
}

impl<'a> IntervalView<'a> {
    fn of(it: &'a IntervalDetail) -> Self {
        let text = |it: Option<Decimal>| it.map(|it| it.to_string());
        Self {
            watch: &it.watch,
            instrument: &it.instrument,
            channel: &it.channel,
            from: moment(it.from),
            to: moment(it.to),
            slots_expected: it.slots_expected,
            received: it.received,
            missing: &it.missing,
            sum: text(it.sum),
            min: text(it.min),
            max: text(it.max),
            last: text(it.last),
            unit: it.unit.map(Unit::code),
            standing: it.standing.map(Quality::word),
            plan: it.plan.as_ref().map(PlanView::of),
        }
    }
}

impl OutcomeView {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Ok(it) => Self::Value { value: it.value.to_string(), unit: it.unit.code(), quality: it.quality.word() },
            Err(missing) => Self::Missing { missing: missing.to_string() },
        }
    }
}

fn moment(at: Moment) -> String {
    utc(at.wall_ms)
}
