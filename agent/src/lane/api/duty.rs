//! The routes of the plan's duties.
//!
//! ```text
//! GET  /api/v1/findings?open=true   findings followed, deadlines kept, the plan in force
//! POST /api/v1/follow-ups           {"inspection", "step", "by", "values": {parameter: text}, "sample", "body", …}
//! POST /api/v1/reports-sent         {"deadline", "by", "reference"}
//! POST /api/v1/draws                {"lot", "hs", "risk", "item", "by"}
//! ```

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::Value;
use tidewaiter_screening::duty::transition::Step;
use tokio::sync::oneshot;

use super::super::access::{Action, Actor};
use super::{Local, acting, problem};
use crate::{
    duty::{Enter, LotPresented, StepTaken},
    inspector::{Ask, AskError},
};

const BUSY: &str = "the agent is busy or stopping; try again";

#[derive(Deserialize)]
struct FindingsQuery {
    #[serde(default)]
    open: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowUpRequest {
    inspection: String,
    step: String,
    by: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
    sample: Option<String>,
    body: Option<String>,
    report: Option<String>,
    method: Option<String>,
    date: Option<String>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportRequest {
    deadline: String,
    by: Option<String>,
    reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DrawRequest {
    lot: String,
    hs: String,
    risk: Option<String>,
    item: Option<String>,
    by: Option<String>,
}

async fn findings(State(local): State<Local>, Query(query): Query<FindingsQuery>) -> Response {
    let (reply, answer) = oneshot::channel();
    if local.asks.try_send(Ask::Findings { open: query.open, reply }).is_err() {
        return problem(StatusCode::SERVICE_UNAVAILABLE, BUSY);
    }
    match answer.await {
        Ok(view) => Json(view).into_response(),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, BUSY),
    }
}

async fn follow_ups(State(local): State<Local>, actor: Actor, Json(request): Json<FollowUpRequest>) -> Response {
    let FollowUpRequest { inspection, step, by, values, sample, body, report, method, date, note } = request;
    let given = values.iter().flat_map(|(name, text)| [name.as_str(), text.as_str()]);
    let more = [&sample, &body, &report, &method, &date, &note].into_iter().flatten().map(String::as_str);
    let texts: Vec<&str> = given.chain(more).chain([inspection.as_str()]).collect();
    let by = match acting(&actor, by, &texts) {
        Ok(by) => by,
        Err(refused) => return refused,
    };
    let Some(step) = Step::from_word(&step) else {
        let known = Step::ALL.map(Step::word).join(", ");
        return problem(StatusCode::UNPROCESSABLE_ENTITY, &format!("step {step:?} is not one of {known}"));
    };
    if let Err(refused) = actor.allowed(Action::of(step)) {
        return refused;
    }
    enter(
        &local,
        &actor,
        Enter::FollowUp(StepTaken { inspection, step, by, values, sample, body, report, method, date, note }),
    )
    .await
}

async fn reports_sent(State(local): State<Local>, actor: Actor, Json(request): Json<ReportRequest>) -> Response {
    let ReportRequest { deadline, by, reference } = request;
    let texts: Vec<&str> = [&deadline].into_iter().chain(&reference).map(String::as_str).collect();
    let by = match acting(&actor, by, &texts) {
        Ok(by) => by,
        Err(refused) => return refused,
    };
    enter(&local, &actor, Enter::ReportSent { deadline, by, reference }).await
}

async fn draws(State(local): State<Local>, actor: Actor, Json(request): Json<DrawRequest>) -> Response {
    let DrawRequest { lot, hs, risk, item, by } = request;
    let texts: Vec<&str> = [&lot, &hs].into_iter().chain(&risk).chain(&item).map(String::as_str).collect();
    let by = match acting(&actor, by, &texts) {
        Ok(by) => by,
        Err(refused) => return refused,
    };
    enter(&local, &actor, Enter::Draw(LotPresented { lot, hs, risk, item, by })).await
}

async fn enter(local: &Local, actor: &Actor, enter: Enter) -> Response {
    let (reply, answer) = oneshot::channel::<Result<Value, AskError>>();
    if local.asks.try_send(Ask::acting(actor.role(), Ask::Enter { enter, reply })).is_err() {
        return problem(StatusCode::SERVICE_UNAVAILABLE, BUSY);
    }
    match answer.await {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(AskError::Entry(refused))) => problem(StatusCode::CONFLICT, &refused.to_string()),
        Ok(Err(other)) => problem(StatusCode::SERVICE_UNAVAILABLE, &other.to_string()),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, BUSY),
    }
}

/// The routes.
pub(super) fn routes() -> Router<Local> {
    Router::new()
        .route("/api/v1/findings", get(findings))
        .route("/api/v1/follow-ups", post(follow_ups))
        .route("/api/v1/reports-sent", post(reports_sent))
        .route("/api/v1/draws", post(draws))
}
