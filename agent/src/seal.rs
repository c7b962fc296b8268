//! Maps what the stages made into the details of records, and an open inspection's remembered state back.
//!
//! This is the only place that knows both screening's plain data and the record's layout.

mod duty;

use std::{collections::BTreeMap, sync::Arc};

use tidewaiter_config::site::Judge;
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Quality},
};
use tidewaiter_record::body::{
    self, Alarm, Body, Context, Detail, Fault, Finding, Flags, Identity, InspectionDetail, IntervalDetail, Judging,
    Measured, Plan, Reading, Required, Subject, Table, TimeBlock, TimeQuality, TimeSource,
};
use tidewaiter_screening::{
    Inspection, Screening,
    inspection::{Completion, Declaration},
};

use crate::{
    evidence::{self, Attachment},
    inspect::{Event, Interval},
    outbox::Draft,
};

pub use duty::{follow_up, warning};

/// What every record of a measurement names beside the measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Software and configuration.
    pub context: Context,
    /// The monitoring plan in force.
    pub plan: Option<Plan>,
    /// Whose data it is, by the plan.
    pub origin: Option<String>,
}

/// The draft of a finished inspection; `judge` is what was required of it.
pub fn inspection(
    inspection: &Inspection,
    screening: &Screening,
    judge: &[Judge],
    tables: Vec<Table>,
    standing: &Standing,
) -> Draft {
    Draft {
        place: inspection.place.clone(),
        id: Some(inspection.id.clone()),
        alert: screening.disposition == tidewaiter_screening::Disposition::Alarm,
        closes: Some(inspection.place.clone()),
        notes: Vec::new(),
        detail: Detail::Inspection(Box::new(detail(inspection, screening, judge, tables, standing))),
    }
}

fn detail(
    inspection: &Inspection,
    screening: &Screening,
    judge: &[Judge],
    tables: Vec<Table>,
    standing: &Standing,
) -> InspectionDetail {
    InspectionDetail {
        id: inspection.id.clone(),
        procedure: inspection.procedure.clone(),
        place: inspection.place.clone(),
        subject: Subject {
            kind: inspection.subject.kind.word().to_owned(),
            identities: inspection
                .subject
                .identities
                .iter()
                .map(|identity| Identity {
                    kind: identity.kind.clone(),
                    text: identity.text.clone(),
                    source: identity.source.clone(),
                    confidence: identity.confidence,
                })
                .collect(),
            declared: match &inspection.subject.declaration {
                Declaration::None => None,
                Declaration::Found(facts) => Some(facts.clone()),
            },
        },
        opened: inspection.opened,
        closed: inspection.closed,
        incomplete: match inspection.completion {
            Completion::Complete => None,
            Completion::Incomplete(reason) => Some(reason.word().to_owned()),
        },
        flags: Flags { simulated: inspection.simulated, drill: inspection.drill },
        measured: inspection.measured.iter().map(quantity).collect(),
        alarms: inspection
            .alarms
            .iter()
            .map(|alarm| Alarm {
                instrument: alarm.instrument.clone(),
                kind: alarm.kind.clone(),
                by_device: alarm.by_device,
                recomputed: alarm.recomputed,
            })
            .collect(),
        faults: inspection
            .faults
            .iter()
            .map(|fault| Fault { instrument: fault.instrument.clone(), kind: fault.kind.clone() })
            .collect(),
        readings: readings(&inspection.readings),
        findings: screening
            .findings
            .iter()
            .map(|finding| Finding {
                table: finding.table.clone(),
                edition: finding.edition.clone(),
                row: finding.row.clone(),
                parameter: finding.parameter.clone(),
                verdict: finding.verdict.word().to_owned(),
                reason: finding.verdict.reason().map(|reason| reason.word().to_owned()),
                alarms: finding.alarms,
                value: finding.value.clone(),
                limit: finding.limit.clone(),
                rule: finding.rule.clone(),
                stage: finding.stage,
                hazards: finding.hazards.iter().map(|it| it.word().to_owned()).collect(),
                legal_force: finding.legal_force.clone(),
                probability: finding.probability,
                advisory: finding.advisory,
            })
            .collect(),
        verdict: screening.verdict.word().to_owned(),
        reason: screening.verdict.reason().map(|reason| reason.word().to_owned()),
        disposition: screening.disposition.word().to_owned(),
        alarm_mismatch: screening.alarm_mismatch,
        tables,
        context: standing.context.clone(),
        judging: Some(Judging {
            plan: standing.plan.clone(),
            operator: inspection.operator.clone(),
            origin: standing.origin.clone(),
            required: judge
                .iter()
                .map(|it| Required {
                    table: it.table.clone(),
                    parameters: it.parameters.clone(),
                    advisory: it.advisory,
                })
                .collect(),
        }),
    }
}

/// Readings as records hold them.
fn readings(readings: &[tidewaiter_screening::inspection::Evidence]) -> Vec<Reading> {
    let reading = |it: &tidewaiter_screening::inspection::Evidence| Reading {
        instrument: it.instrument.clone(),
        channel: it.channel.clone(),
        at: it.at,
        outcome: it.outcome,
        raw: it.raw.clone(),
    };
    readings.iter().map(reading).collect()
}

/// Every reading of an inspection as evidence: the content, and the draft of the record that names it.
pub fn readings_beside(inspection: &Inspection, standing: &Standing) -> (Arc<[u8]>, Draft) {
    let all = if inspection.whole.is_empty() { &inspection.readings } else { &inspection.whole };
    let content: Arc<[u8]> = body::encode_readings(&readings(all)).into();
    let attachment = Attachment {
        inspection: Some(inspection.id.clone()),
        instrument: None,
        media: body::READINGS_MEDIA.to_owned(),
        facts: [("readings".to_owned(), all.len().to_string())].into(),
        content: Arc::clone(&content),
    };
    let flags = Flags { simulated: inspection.simulated, drill: inspection.drill };
    let id = format!("readings-{}", inspection.id);
    let draft = evidence::draft(&attachment, &inspection.place, id, inspection.closed, flags, standing.context.clone());
    (content, draft)
}

/// A quantity as records hold it.
fn quantity(measured: &tidewaiter_screening::inspection::Measured) -> Measured {
    Measured {
        parameter: measured.parameter.clone(),
        instrument: measured.instrument.clone(),
        outcome: measured.outcome,
        background: measured.background,
        uncertainty: measured.uncertainty,
        derivation: measured.derivation.clone(),
        stage: measured.stage,
        background_uncertainty: measured.background_uncertainty,
        basis: measured.basis.map(|it| it.word().to_owned()),
    }
}

/// The same result without the readings in it, which stand beside it: for one that outgrew a record.
pub fn without_readings(mut draft: Draft) -> Draft {
    if let Detail::Inspection(detail) = &mut draft.detail {
        let left_out = i64::try_from(detail.readings.len()).unwrap_or(i64::MAX);
        let instrument = detail.readings.first().map_or_else(String::new, |reading| reading.instrument.clone());
        detail.readings.clear();
        let count = Indication { value: Decimal::whole(left_out), unit: Unit::Count, quality: Quality::Good };
        detail.measured.push(quantity(&tidewaiter_screening::inspection::Measured::new(
            "readings-left-out",
            &instrument,
            Ok(count),
            "record full",
        )));
    }
    draft
}

/// The draft of a period of a background watch; `quality` is how the instrument stood.
pub fn interval(interval: &Interval, quality: Quality, standing: &Standing) -> Draft {
    Draft {
        place: interval.watch.clone(),
        id: None,
        alert: false,
        closes: None,
        notes: Vec::new(),
        detail: Detail::Interval(IntervalDetail {
            watch: interval.watch.clone(),
            instrument: interval.instrument.clone(),
            channel: interval.channel.clone(),
            from: interval.from,
            to: interval.to,
            slots_expected: interval.slots_expected,
            received: interval.received,
            missing: interval.missing.iter().cloned().collect(),
            sum: interval.sum,
            min: interval.min,
            max: interval.max,
            last: interval.last,
            unit: interval.unit,
            flags: Flags { simulated: interval.simulated, drill: false },
            context: standing.context.clone(),
            standing: Some(quality),
            plan: standing.plan.clone(),
        }),
    }
}

/// The draft of an event; it names the plan in force, where there is one.
pub fn event(event: &Event, plan: Option<&Plan>) -> Draft {
    let mut facts: BTreeMap<String, String> = event.facts.iter().cloned().collect();
    if let Some(plan) = plan {
        facts.entry("plan".to_owned()).or_insert_with(|| format!("{} {}", plan.id, plan.version));
    }
    Draft {
        place: event.place.clone(),
        id: None,
        alert: false,
        closes: None,
        notes: Vec::new(),
        detail: Detail::Event(body::Event { name: event.name.clone(), subject: event.subject.clone(), facts }),
    }
}

/// The remembered state of an open inspection: the body it would be sealed with if the power went now,
/// but for the time, which is that of the sealing.
pub fn remembered(draft: &Draft) -> Vec<u8> {
    let time = TimeBlock {
        wall_ms: 0,
        mono_ms: 0,
        boot: 0,
        quality: TimeQuality::U,
        err_ms: 0,
        src: TimeSource::None,
        age_s: 0,
    };
    Body { time, detail: draft.detail.clone() }.encode()
}

/// Turns a remembered state back into the draft that records the interruption.
pub fn interrupted(place: &str, state: &[u8]) -> Option<Draft> {
    match Body::decode(state).map(|body| body.detail) {
        Ok(Detail::Inspection(mut detail)) => {
            detail.incomplete = Some("interrupted".to_owned());
            Some(Draft {
                place: place.to_owned(),
                id: Some(detail.id.clone()),
                alert: detail.disposition == "alarm",
                closes: Some(place.to_owned()),
                notes: Vec::new(),
                detail: Detail::Inspection(detail),
            })
        }
        _ => None,
    }
}
