//! Reading the site file again.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{super::access::Actor, Local, acting, problem};
use crate::reload::{MOST_PATIENCE, Outcome, PATIENCE, Request};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReloadRequest {
    operator: Option<String>,
    #[serde(default)]
    dry_run: bool,
    wait_s: Option<u64>,
    #[serde(default)]
    interrupt: bool,
}

/// Answers 200 when it is in force (or would be), 422 with every finding when it is refused, 409 when not now.
pub(super) async fn reload(State(local): State<Local>, actor: Actor, Json(request): Json<ReloadRequest>) -> Response {
    let operator = match acting(&actor, request.operator, &[]) {
        Ok(operator) => operator,
        Err(refused) => return refused,
    };
    let Some(reloader) = local.reloader.as_ref().map(Arc::clone) else {
        return problem(StatusCode::NOT_FOUND, "the configuration of this agent is not read again here");
    };
    let wait = request.wait_s.map_or(PATIENCE, Duration::from_secs);
    if wait > MOST_PATIENCE {
        let error = format!("wait_s is {}; {} at most", wait.as_secs(), MOST_PATIENCE.as_secs());
        return problem(StatusCode::UNPROCESSABLE_ENTITY, &error);
    }
    let request = Request { dry_run: request.dry_run, wait, interrupt: request.interrupt, operator: Some(operator) };
    // Not to be dropped half-way when the asker goes away.
    match tokio::spawn(async move { reloader.reload(request).await }).await {
        Ok(answer) => {
            let code = match answer.outcome {
                Outcome::Activated | Outcome::Unchanged | Outcome::WouldActivate => StatusCode::OK,
                Outcome::Refused => StatusCode::UNPROCESSABLE_ENTITY,
                Outcome::NotNow => StatusCode::CONFLICT,
            };
            (code, Json(answer)).into_response()
        }
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping"),
    }
}
