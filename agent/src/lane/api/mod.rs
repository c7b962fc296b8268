//! The interface for programs: JSON under `/api/v1`.
//!
//! ```text
//! GET  /api/v1/openapi.json           this interface, for programs
//! GET  /api/v1/status                 counters, instruments, recent results
//! GET  /api/v1/records/{seq}          one record: envelope and content as JSON
//! GET  /api/v1/records?from=&limit=   several, at most 500
//! POST /api/v1/subjects               {"subject", "facts": {name: text}, "operator"}
//! POST /api/v1/rigs/{rig}/start       {"sample", "operator", "drill"?}
//! POST /api/v1/rigs/{rig}/next        {"operator"}
//! POST /api/v1/rigs/{rig}/stop        {"operator"}
//! POST /api/v1/checks/{check}/start   {"operator"}; likewise next and stop
//! POST /api/v1/rigs/{rig}/enter       {"values": {parameter: text}, "operator"}
//! POST /api/v1/places/{place}/drill   {"on", "operator"}
//! POST /api/v1/keys/rotate            {"operator", "algorithm"?}
//! POST /api/v1/reload                 {"operator", "dry_run"?, "wait_s"?, "interrupt"?}
//! ```
//!
//! and the plan's duties, see `duty.rs`; single readings and evidence, see `bring.rs`.
//!
//! `operator` is who acts where a command on this machine asks, by the local key. Where a person asks, signed in or by a
//! token, it is that person, whatever the request says.

mod bring;
mod duty;
mod keys;
mod reload;

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tidewaiter_config::site::MOST_QUANTITIES;
use tidewaiter_record::view::RecordView;
use tokio::sync::oneshot;

use super::{
    Local, MAX_TEXT, StatusReport,
    access::{Action, Actor},
    is_fit,
};
use crate::{
    inspect::{CheckOperation, Operation},
    inspector::{Ask, AskError},
};

/// Records in one answer at most.
const MAX_RECORDS: usize = 500;
/// Largest whole number that every reader of JSON takes for what it is (RFC 8259, 6).
const MAX_NUMBER: u64 = (1 << 53) - 1;
/// Facts of one subject at most.
const MAX_FACTS: usize = 64;
/// Longest refusal of an extractor that is told on.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;

impl Local {
    async fn ask(&self, actor: &Actor, make: impl FnOnce(oneshot::Sender<Result<(), AskError>>) -> Ask) -> Response {
        let (reply, answer) = oneshot::channel();
        // A full queue is refused rather than waited for: the operator sees it and can press again.
        if self.asks.try_send(Ask::acting(actor.role(), make(reply))).is_err() {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "the agent is busy or stopping; try again");
        }
        match answer.await {
            Ok(Ok(())) => (StatusCode::OK, Json(serde_json::json!({ "ok": true }))).into_response(),
            Ok(Err(AskError::Operation(refused))) => problem(StatusCode::CONFLICT, &refused.to_string()),
            Ok(Err(other)) => problem(StatusCode::SERVICE_UNAVAILABLE, &other.to_string()),
            Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping"),
        }
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
}

/// What refuses a request before its route, a body that is no JSON or a path that is no number, does so in plain text;
/// whoever asks this interface reads JSON.
async fn in_json(response: Response) -> Response {
    let is_text =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"text/plain"));
    if !is_text || !response.status().is_client_error() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let said = to_bytes(body, MAX_REFUSAL_BYTES).await.unwrap_or_default();
    problem(parts.status, &String::from_utf8_lossy(&said))
}

pub(super) fn problem(code: StatusCode, error: &str) -> Response {
    (code, Json(Problem { error })).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartRequest {
    sample: String,
    operator: Option<String>,
    #[serde(default)]
    drill: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnterRequest {
    /// In the order typed, which a map of ours would lose.
    values: serde_json::Map<String, serde_json::Value>,
    operator: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DrillRequest {
    on: bool,
    operator: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorRequest {
    operator: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectRequest {
    subject: String,
    facts: BTreeMap<String, String>,
    operator: Option<String>,
}

#[derive(Deserialize)]
struct RecordsQuery {
    #[serde(default)]
    from: u64,
    #[serde(default = "default_limit")]
    limit: usize,
}

fn default_limit() -> usize {
    50
}

/// The refusal of the first text that must not stand in a record.
fn unfit(texts: &[&str]) -> Option<Response> {
    for text in texts {
        if !is_fit(text) {
            return Some(problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                &format!("{text:?} is not a name: 1 to {MAX_TEXT} bytes without control characters"),
            ));
        }
    }
    None
}

/// Who acts, once it is known that this name and `texts` may stand in a record; the refusal otherwise.
#[allow(clippy::result_large_err, reason = "a refusal is an answer, made once and sent at once")]
fn acting(actor: &Actor, stated: Option<String>, texts: &[&str]) -> Result<String, Response> {
    let operator = actor.operator(stated)?;
    unfit(texts).or_else(|| unfit(&[&operator])).map_or(Ok(operator), Err)
}

/// The interface as a document of `OpenAPI` 3.1.
const OPENAPI: &str = include_str!("openapi.json");

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn status(State(local): State<Local>) -> Json<StatusReport> {
    Json(local.report())
}

async fn record(State(local): State<Local>, Path(seq): Path<u64>) -> Response {
    match local.outbox.entries(seq, 1).await {
        Some(Ok(entries)) => match entries.first().filter(|entry| entry.seq == seq) {
            Some(entry) => Json(record_view(&entry.bytes)).into_response(),
            None => problem(StatusCode::NOT_FOUND, &format!("record {seq} is not stored here")),
        },
        Some(Err(failure)) => problem(StatusCode::INTERNAL_SERVER_ERROR, &failure.to_string()),
        None => problem(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping"),
    }
}

async fn records(State(local): State<Local>, Query(query): Query<RecordsQuery>) -> Response {
    if query.limit > MAX_RECORDS {
        return problem(StatusCode::BAD_REQUEST, &format!("limit: {} is more than {MAX_RECORDS}", query.limit));
    }
    if query.from > MAX_NUMBER {
        return problem(StatusCode::BAD_REQUEST, &format!("from: {} is more than {MAX_NUMBER}", query.from));
    }
    match local.outbox.entries(query.from, query.limit).await {
        Some(Ok(entries)) => {
            let records: Vec<_> = entries.iter().map(|entry| record_view(&entry.bytes)).collect();
            Json(records).into_response()
        }
        Some(Err(failure)) => problem(StatusCode::INTERNAL_SERVER_ERROR, &failure.to_string()),
        None => problem(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping"),
    }
}

/// A stored record as JSON; one that cannot be read says why instead of vanishing from the list.
pub fn record_view(bytes: &[u8]) -> serde_json::Value {
    match tidewaiter_record::parse(bytes) {
        Ok(record) => serde_json::to_value(RecordView::of(&record)).unwrap_or_default(),
        Err(why) => serde_json::json!({ "error": why.to_string() }),
    }
}

async fn subjects(State(local): State<Local>, actor: Actor, Json(request): Json<SubjectRequest>) -> Response {
    let SubjectRequest { subject, facts, operator } = request;
    if facts.len() > MAX_FACTS {
        let error = format!("at most {MAX_FACTS} facts are declared at once, and {} came", facts.len());
        return problem(StatusCode::UNPROCESSABLE_ENTITY, &error);
    }
    let texts = facts.iter().flat_map(|(name, fact)| [name.as_str(), fact.as_str()]);
    let texts: Vec<&str> = texts.chain([subject.as_str()]).collect();
    let operator = match acting(&actor, operator, &texts) {
        Ok(operator) => operator,
        Err(refused) => return refused,
    };
    local.ask(&actor, |reply| Ask::Post { subject, facts, operator, reply }).await
}

async fn start(
    State(local): State<Local>,
    actor: Actor,
    Path(rig): Path<String>,
    Json(request): Json<StartRequest>,
) -> Response {
    let StartRequest { sample, operator, drill } = request;
    if drill && let Err(refused) = actor.allowed(Action::Drill) {
        return refused;
    }
    if let Some(refused) = unfit(&[&sample]) {
        return refused;
    }
    operate(&local, &actor, rig, Operation::Start { sample }, operator, drill).await
}

async fn next(
    State(local): State<Local>,
    actor: Actor,
    Path(rig): Path<String>,
    Json(request): Json<OperatorRequest>,
) -> Response {
    operate(&local, &actor, rig, Operation::Next, request.operator, false).await
}

async fn stop(
    State(local): State<Local>,
    actor: Actor,
    Path(rig): Path<String>,
    Json(request): Json<OperatorRequest>,
) -> Response {
    operate(&local, &actor, rig, Operation::Stop, request.operator, false).await
}

async fn operate(
    local: &Local,
    actor: &Actor,
    rig: String,
    operation: Operation,
    operator: Option<String>,
    drill: bool,
) -> Response {
    let operator = match acting(actor, operator, &[]) {
        Ok(operator) => operator,
        Err(refused) => return refused,
    };
    local.ask(actor, |reply| Ask::Operate { rig, operation, operator, drill, reply }).await
}

async fn enter(
    State(local): State<Local>,
    actor: Actor,
    Path(rig): Path<String>,
    Json(request): Json<EnterRequest>,
) -> Response {
    let mut values = Vec::with_capacity(request.values.len());
    for (parameter, text) in request.values {
        // A number would lose its digits on the way: 18.30 is not 18.3.
        let serde_json::Value::String(text) = text else {
            let error = format!("{parameter}: a value is a text with its unit, such as \"18.3 mg/kg\"");
            return problem(StatusCode::UNPROCESSABLE_ENTITY, &error);
        };
        values.push((parameter, text));
    }
    if values.is_empty() || values.len() > MOST_QUANTITIES {
        let error = format!("1 to {MOST_QUANTITIES} values are entered at once, and {} came", values.len());
        return problem(StatusCode::UNPROCESSABLE_ENTITY, &error);
    }
    let texts: Vec<&str> = values.iter().flat_map(|(parameter, text)| [parameter.as_str(), text.as_str()]).collect();
    if let Some(refused) = unfit(&texts) {
        return refused;
    }
    operate(&local, &actor, rig, Operation::Enter { values }, request.operator, false).await
}

async fn drill(
    State(local): State<Local>,
    actor: Actor,
    Path(place): Path<String>,
    Json(request): Json<DrillRequest>,
) -> Response {
    let DrillRequest { on, operator } = request;
    let operator = match acting(&actor, operator, &[]) {
        Ok(operator) => operator,
        Err(refused) => return refused,
    };
    local.ask(&actor, |reply| Ask::Drill { place, on, operator, reply }).await
}

async fn check_start(
    local: State<Local>,
    actor: Actor,
    check: Path<String>,
    request: Json<OperatorRequest>,
) -> Response {
    self::check(local, actor, check, CheckOperation::Start, request).await
}

async fn check_next(
    local: State<Local>,
    actor: Actor,
    check: Path<String>,
    request: Json<OperatorRequest>,
) -> Response {
    self::check(local, actor, check, CheckOperation::Next, request).await
}

async fn check_stop(
    local: State<Local>,
    actor: Actor,
    check: Path<String>,
    request: Json<OperatorRequest>,
) -> Response {
    self::check(local, actor, check, CheckOperation::Stop, request).await
}

async fn check(
    State(local): State<Local>,
    actor: Actor,
    Path(check): Path<String>,
    operation: CheckOperation,
    Json(OperatorRequest { operator }): Json<OperatorRequest>,
) -> Response {
    let operator = match acting(&actor, operator, &[]) {
        Ok(operator) => operator,
        Err(refused) => return refused,
    };
    local.ask(&actor, |reply| Ask::Check { check, operation, operator, reply }).await
}

/// The routes.
pub(super) fn routes() -> Router<Local> {
    Router::new()
        .route("/api/v1/openapi.json", get(openapi))
        .route("/api/v1/status", get(status))
        .route("/api/v1/records", get(records))
        .route("/api/v1/records/{seq}", get(record))
        .route("/api/v1/keys/rotate", post(keys::rotate))
        .route("/api/v1/reload", post(reload::reload))
        .route("/api/v1/subjects", post(subjects))
        .route("/api/v1/rigs/{rig}/start", post(start))
        .route("/api/v1/rigs/{rig}/next", post(next))
        .route("/api/v1/rigs/{rig}/stop", post(stop))
        .route("/api/v1/checks/{check}/start", post(check_start))
        .route("/api/v1/checks/{check}/next", post(check_next))
        .route("/api/v1/checks/{check}/stop", post(check_stop))
        .route("/api/v1/rigs/{rig}/enter", post(enter))
        .route("/api/v1/places/{place}/drill", post(drill))
        .merge(duty::routes())
        .merge(bring::routes())
        .layer(map_response(in_json))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::collections::BTreeSet;

    use super::OPENAPI;

    /// The document names the routes there are, as they stand in the text of this chapter, and no other.
    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let sources = [include_str!("mod.rs"), include_str!("bring.rs"), include_str!("duty.rs")];
        let written = sources.iter().flat_map(|text| text.split(".route(\"").skip(1));
        let routes: BTreeSet<&str> = written.filter_map(|rest| rest.split('"').next()).collect();
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let described = document["paths"].as_object().unwrap().keys().map(String::as_str);
        let described: BTreeSet<&str> = described.filter(|it| it.starts_with("/api/")).collect();
        let routes: BTreeSet<&str> = routes.into_iter().filter(|it| it.starts_with("/api/")).collect();
        assert_eq!(described, routes);
    }
}
