//! Changing the key of the running chain.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tidewaiter_record::Algorithm;

use super::{super::access::Actor, Local, acting, problem};
use crate::keys::RotateError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateRequest {
    operator: Option<String>,
    /// Of the new key; that of the old one without it.
    algorithm: Option<Algorithm>,
}

pub(super) async fn rotate(State(local): State<Local>, actor: Actor, Json(request): Json<RotateRequest>) -> Response {
    let RotateRequest { operator, algorithm } = request;
    let operator = match acting(&actor, operator, &[]) {
        Ok(operator) => operator,
        Err(refused) => return refused,
    };
    let Some(smith) = local.smith else {
        return problem(StatusCode::NOT_FOUND, "the keys of this agent are not changed here");
    };
    // Not to be dropped half-way when the asker goes away.
    let done = tokio::spawn(async move { smith.rotate(algorithm, &operator).await }).await;
    match done.unwrap_or(Err(RotateError::Stopping)) {
        Ok(done) => Json(serde_json::json!({
            "ok": true,
            "old": done.old,
            "new": done.new,
            "algorithm": done.algorithm,
            "seq": done.seq,
        }))
        .into_response(),
        Err(why @ RotateError::Stopping) => problem(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()),
        Err(why) => problem(StatusCode::CONFLICT, &why.to_string()),
    }
}
