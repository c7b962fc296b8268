//! The drafts of what follows from a result: steps of named persons, proposed warnings.

use std::collections::BTreeMap;

use tidewaiter_record::{
    Hash,
    body::{self, Detail, Flags, Link},
};

use super::{Standing, quantity};
use crate::{
    duty::{FollowUp, Warning, measured},
    outbox::{Draft, Recorded},
};

/// Facts of which some are not there.
fn facts<const N: usize>(all: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    all.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))).collect()
}

/// The draft of a step; `judged` is the record in which its values were judged.
pub fn follow_up(step: &FollowUp, judged: Option<(String, Recorded)>, standing: &Standing) -> Draft {
    let source = step.body.as_deref().unwrap_or("handheld");
    let detail = body::FollowUp {
        flags: Flags { simulated: step.simulated, drill: step.drill },
        id: step.id.clone(),
        follows: Link { id: step.inspection.clone(), seq: step.seq, hash: Hash(step.hash) },
        step: step.step.word().to_owned(),
        by: step.by.clone(),
        at: step.at,
        state: step.to.word().to_owned(),
        measured: step.values.iter().map(|value| quantity(&measured(value, source))).collect(),
        judged: judged.map(|(id, recorded)| Link { id, seq: recorded.seq, hash: recorded.hash }),
        facts: facts([
            ("from", Some(step.from.word().to_owned())),
            ("subject", step.subject.clone()),
            ("sample", step.sample.clone()),
            ("body", step.body.clone()),
            ("report", step.report.clone()),
            ("method", step.method.clone()),
            ("date", step.date.clone()),
            ("note", step.note.clone()),
            ("verdict", step.judged.as_ref().map(|it| it.screening.verdict.word().to_owned())),
            ("acceptance", acceptance(step)),
            ("rejected-why", step.rejected.as_ref().map(ToString::to_string)),
        ]),
        plan: standing.plan.clone(),
        context: standing.context.clone(),
    };
    Draft {
        place: step.place.clone(),
        id: Some(format!("step-{}", step.id)),
        alert: false,
        closes: None,
        notes: Vec::new(),
        detail: Detail::FollowUp(Box::new(detail)),
    }
}

/// `accepted`, or `rejected(reason)`; nothing for a step that is no laboratory's result.
fn acceptance(step: &FollowUp) -> Option<String> {
    let lab = step.step == tidewaiter_screening::duty::transition::Step::LabResult;
    lab.then(|| step.rejected.as_ref().map_or_else(|| "accepted".to_owned(), |it| format!("rejected({})", it.word())))
}

/// The draft of a proposed warning, or of the proposal to lift one.
pub fn warning(warning: &Warning, standing: &Standing) -> Draft {
    let [harm, urgency, extent] = warning.scores.map(|score| score.to_string());
    let control = warning.control_request.as_ref();
    let mut facts = facts([
        ("subject", warning.subject.clone()),
        ("harm", Some(harm)),
        ("urgency", Some(urgency)),
        ("extent", Some(extent)),
        ("control-hs", control.and_then(|it| it.hs.clone())),
        ("control-origin", control.and_then(|it| it.origin.clone())),
        ("control-importer", control.and_then(|it| it.importer.clone())),
        ("control-until", control.and_then(|it| it.until.clone())),
        ("control-reason", control.map(|it| it.reason.clone())),
    ]);
    facts.extend(warning.evidence.iter().cloned());
    let detail = body::Warning {
        flags: Flags { simulated: warning.simulated, drill: false },
        id: warning.id.clone(),
        state: warning.state.word().to_owned(),
        level: warning.level.word().to_owned(),
        notice: warning.kind.word().to_owned(),
        starts: warning.starts,
        scope: warning.scope.clone(),
        matters: warning.matters.clone(),
        lift_condition: warning.lift_condition.clone(),
        issuer: warning.issuer.clone(),
        legal_basis: warning.legal_basis.clone(),
        facts,
        evidence: vec![Link { id: warning.inspection.clone(), seq: warning.seq, hash: Hash(warning.hash) }],
        deadlines: warning.deadlines.iter().cloned().collect(),
        plan: standing.plan.clone(),
        context: standing.context.clone(),
    };
    Draft {
        place: warning.place.clone(),
        id: Some(warning.id.clone()),
        alert: false,
        closes: None,
        notes: Vec::new(),
        detail: Detail::Warning(Box::new(detail)),
    }
}
