//! Proposed warnings: level, notice and its mandatory fields, or what is missing.

use tidewaiter_config::plan::{NoticeKind, Plan};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_screening::{
    Inspection,
    duty::{Case, case::fact, level::Proposal, notice},
};

use super::{ControlRequest, Outcome, Warning, WarningState, active::reference, trends::Open};

/// What a warning rests on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'g> {
    pub(super) plan: &'g Plan,
    pub(super) inspection: &'g Inspection,
    pub(super) case: &'g Case,
    pub(super) proposal: Proposal,
    pub(super) seq: u64,
    pub(super) hash: [u8; 32],
}

/// The id of the warning on an inspection.
fn id(inspection: &str) -> String {
    format!("w-{inspection}")
}

/// Proposes a warning, or says what it lacks.
pub(super) fn propose(ground: &Ground<'_>) -> Result<Warning, Outcome> {
    let Ground { plan, inspection, case, proposal, seq, hash } = *ground;
    let draft = |missing: String| {
        let facts = vec![
            ("state", WarningState::Draft.word().to_owned()),
            ("level", proposal.level.word().to_owned()),
            ("missing", missing),
            ("plan", format!("{} {}", plan.id, plan.version)),
        ];
        Outcome::event("warning-incomplete", Some(&inspection.id), facts)
    };
    let Some(suggested) = notice::suggested(plan, case) else {
        return Err(draft("kind: no notice of the plan fits".to_owned()));
    };
    let filled = notice::fill(suggested, |name| known(name, ground)).map_err(|missing| draft(missing.join(", ")))?;
    let own = |name: &str| fact(inspection, name).map(str::to_owned);
    let control_request = (suggested.kind == NoticeKind::Tongbao).then(|| ControlRequest {
        hs: own("hs-code"),
        origin: own("origin"),
        importer: own("consignee"),
        until: plan.effective_to.map(|last| last.to_string()),
        reason: filled.matters.clone(),
        evidence: vec![format!("{seq} {}", hex::encode(hash))],
    });
    Ok(Warning {
        id: id(&inspection.id),
        state: WarningState::Proposed,
        inspection: inspection.id.clone(),
        seq,
        hash,
        place: inspection.place.clone(),
        subject: subject(inspection),
        level: proposal.level,
        scores: proposal.scores,
        kind: suggested.kind,
        starts: inspection.closed,
        scope: filled.scope,
        matters: filled.matters,
        lift_condition: filled.lift_condition,
        issuer: plan.issuer.clone(),
        legal_basis: filled.legal_basis,
        control_request,
        evidence: Vec::new(),
        deadlines: Vec::new(),
        simulated: inspection.simulated,
        plan: reference(plan),
    })
}

fn subject(inspection: &Inspection) -> Option<String> {
    inspection.subject.identities.first().map(|it| it.text.clone())
}

/// What a template's name stands for.
fn known(name: &str, ground: &Ground<'_>) -> Option<String> {
    let Ground { plan, inspection, case, proposal, .. } = ground;
    let each_once = |texts: &mut dyn Iterator<Item = &str>, by: &str| {
        let mut list: Vec<&str> = Vec::new();
        for text in texts.filter(|it| !it.is_empty()) {
            if !list.contains(&text) {
                list.push(text);
            }
        }
        (!list.is_empty()).then(|| list.join(by))
    };
    match name {
        "point" => Some(plan.point.clone()),
        "issuer" => Some(plan.issuer.clone()),
        "place" => Some(inspection.place.clone()),
        "subject" => subject(inspection),
        "level" => Some(proposal.level.word().to_owned()),
        "lift-after" => plan.trend.as_ref().map(|it| it.lift_after.to_string()),
        "parameters" => each_once(&mut case.breaches.iter().map(|it| it.parameter.as_str()), ", "),
        "tables" => each_once(&mut case.breaches.iter().map(|it| it.table.as_str()), ", "),
        "values" => each_once(&mut case.breaches.iter().map(|it| it.told.as_str()), "; "),
        declared => fact(inspection, declared).map(str::to_owned),
    }
}

/// What is remembered of a proposed warning until its lifting is proposed.
pub(super) fn open(warning: &Warning) -> Open {
    Open {
        id: warning.id.clone(),
        inspection: warning.inspection.clone(),
        seq: warning.seq,
        hash: hex::encode(warning.hash),
        place: warning.place.clone(),
        subject: warning.subject.clone(),
        level: warning.level,
        scores: warning.scores,
        kind: warning.kind,
        starts_ms: warning.starts.wall_ms,
        scope: warning.scope.clone(),
        matters: warning.matters.clone(),
        lift_condition: warning.lift_condition.clone(),
        legal_basis: warning.legal_basis.clone(),
        simulated: warning.simulated,
    }
}

/// Proposes that a warning be lifted.
pub(super) fn lift(open: Open, evidence: Vec<(String, String)>, plan: &Plan) -> Warning {
    let hash = hex::decode(&open.hash).ok().and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    Warning {
        id: format!("{}-lift", open.id),
        state: WarningState::LiftProposed,
        inspection: open.inspection,
        seq: open.seq,
        hash,
        place: open.place,
        subject: open.subject,
        level: open.level,
        scores: open.scores,
        kind: open.kind,
        starts: Moment { mono_ms: 0, wall_ms: open.starts_ms },
        scope: open.scope,
        matters: open.matters,
        lift_condition: open.lift_condition,
        issuer: plan.issuer.clone(),
        legal_basis: open.legal_basis,
        control_request: None,
        evidence,
        deadlines: Vec::new(),
        simulated: open.simulated,
        plan: reference(plan),
    }
}
