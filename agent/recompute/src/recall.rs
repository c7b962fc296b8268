//! From a record's plain data back to what screening works with.

use tidewaiter_config::limits::{Basis, Hazard};
use tidewaiter_record::InspectionDetail;
use tidewaiter_screening::{
    Disposition, Finding, Inspection, Reason, Screening, Verdict,
    inspection::{
        Alarm, Completion, Declaration, Evidence, Identity, IncompleteReason, Measured, ScanFault, Subject, SubjectKind,
    },
};

/// The inspection inside a record, as screening takes it.
///
/// # Errors
///
/// Names the word that this build does not know.
pub fn inspection(detail: &InspectionDetail) -> Result<Inspection, String> {
    let unknown = |what: &str, word: &str| format!("{what} {word:?} is not known to this build");
    let completion = match detail.incomplete.as_deref() {
        None => Completion::Complete,
        Some(word) => Completion::Incomplete(
            IncompleteReason::from_word(word).ok_or_else(|| unknown("reason of incompleteness", word))?,
        ),
    };
    let subject = Subject {
        kind: SubjectKind::from_word(&detail.subject.kind)
            .ok_or_else(|| unknown("subject kind", &detail.subject.kind))?,
        identities: detail
            .subject
            .identities
            .iter()
            .map(|it| Identity {
                kind: it.kind.clone(),
                text: it.text.clone(),
                source: it.source.clone(),
                confidence: it.confidence,
            })
            .collect(),
        declaration: detail.subject.declared.clone().map_or(Declaration::None, Declaration::Found),
    };
    Ok(Inspection {
        id: detail.id.clone(),
        procedure: detail.procedure.clone(),
        place: detail.place.clone(),
        subject,
        opened: detail.opened,
        closed: detail.closed,
        completion,
        simulated: detail.flags.simulated,
        drill: detail.flags.drill,
        operator: detail.judging.as_ref().and_then(|it| it.operator.clone()),
        measured: detail
            .measured
            .iter()
            .map(|it| {
                Ok(Measured {
                    parameter: it.parameter.clone(),
                    instrument: it.instrument.clone(),
                    outcome: it.outcome,
                    background: it.background,
                    uncertainty: it.uncertainty,
                    background_uncertainty: it.background_uncertainty,
                    basis: it.basis.as_deref().map(basis).transpose()?,
                    derivation: it.derivation.clone(),
                    stage: it.stage,
                })
            })
            .collect::<Result<_, String>>()?,
        alarms: detail
            .alarms
            .iter()
            .map(|it| Alarm {
                instrument: it.instrument.clone(),
                kind: it.kind.clone(),
                by_device: it.by_device,
                recomputed: it.recomputed,
            })
            .collect(),
        faults: detail
            .faults
            .iter()
            .map(|it| ScanFault { instrument: it.instrument.clone(), kind: it.kind.clone() })
            .collect(),
        readings: detail
            .readings
            .iter()
            .map(|it| Evidence {
                instrument: it.instrument.clone(),
                channel: it.channel.clone(),
                at: it.at,
                outcome: it.outcome,
                raw: it.raw.clone(),
            })
            .collect(),
        whole: Vec::new(),
    })
}

/// The screening inside a record, as screening gives it.
///
/// # Errors
///
/// Names the word that this build does not know.
pub fn screening(detail: &InspectionDetail) -> Result<Screening, String> {
    let findings = detail
        .findings
        .iter()
        .map(|it| {
            Ok(Finding {
                table: it.table.clone(),
                edition: it.edition.clone(),
                row: it.row.clone(),
                parameter: it.parameter.clone(),
                verdict: verdict(&it.verdict, it.reason.as_deref())?,
                alarms: it.alarms,
                value: it.value.clone(),
                limit: it.limit.clone(),
                rule: it.rule.clone(),
                stage: it.stage,
                hazards: it
                    .hazards
                    .iter()
                    .map(|word| {
                        Hazard::from_word(word).ok_or_else(|| format!("hazard {word:?} is not known to this build"))
                    })
                    .collect::<Result<_, String>>()?,
                legal_force: it.legal_force.clone(),
                probability: it.probability,
                advisory: it.advisory,
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(Screening {
        findings,
        verdict: verdict(&detail.verdict, detail.reason.as_deref())?,
        disposition: Disposition::from_word(&detail.disposition)
            .ok_or_else(|| format!("disposition {:?} is not known to this build", detail.disposition))?,
        alarm_mismatch: detail.alarm_mismatch,
    })
}

fn basis(word: &str) -> Result<Basis, String> {
    Basis::from_word(word).ok_or_else(|| format!("basis {word:?} is not known to this build"))
}

fn verdict(word: &str, reason: Option<&str>) -> Result<Verdict, String> {
    let known = match reason {
        None => Verdict::from_word(word, None),
        Some(text) => Reason::from_word(text).and_then(|it| Verdict::from_word(word, Some(it))),
    };
    known.ok_or_else(|| format!("verdict {word:?} with reason {reason:?} is not known to this build"))
}
