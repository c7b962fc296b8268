//! The routes by which a person adds a record of their own: a single reading, a piece of evidence.
//!
//! ```text
//! POST /api/v1/readings    {"instrument", "channel"?, "sample"?, "operator"}
//! POST /api/v1/evidence?operator=&inspection=&instrument=&title=     the content itself, its media type as Content-Type
//! ```

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Query, Request, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::Value;
use tidewaiter_record::{Hash, body::MAX_EVIDENCE_BYTES};
use tokio::{sync::oneshot, time::timeout};

use super::{super::access::Actor, Local, acting, problem};
use crate::{
    evidence::{AttachError, Attachment, attach},
    inspector::{Ask, AskError, Shot},
};

/// Longest time in which a content must come in whole.
const PATIENCE: Duration = Duration::from_secs(120);
const BUSY: &str = "the agent is busy or stopping; try again";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadingRequest {
    instrument: String,
    channel: Option<String>,
    sample: Option<String>,
    operator: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceQuery {
    operator: Option<String>,
    inspection: Option<String>,
    instrument: Option<String>,
    title: Option<String>,
}

async fn readings(State(local): State<Local>, actor: Actor, Json(request): Json<ReadingRequest>) -> Response {
    let ReadingRequest { instrument, channel, sample, operator } = request;
    let texts: Vec<&str> = [&instrument].into_iter().chain(&channel).chain(&sample).map(String::as_str).collect();
    let operator = match acting(&actor, operator, &texts) {
        Ok(operator) => operator,
        Err(refused) => return refused,
    };
    let (reply, answer) = oneshot::channel::<Result<Value, AskError>>();
    let shot = Shot { instrument, channel, sample, operator };
    if local.asks.try_send(Ask::acting(actor.role(), Ask::Read { shot, reply })).is_err() {
        return problem(StatusCode::SERVICE_UNAVAILABLE, BUSY);
    }
    match answer.await {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(AskError::Shot(why))) => problem(StatusCode::CONFLICT, &why),
        Ok(Err(other)) => problem(StatusCode::SERVICE_UNAVAILABLE, &other.to_string()),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, BUSY),
    }
}

async fn evidence(
    State(local): State<Local>,
    actor: Actor,
    Query(query): Query<EvidenceQuery>,
    request: Request,
) -> Response {
    let EvidenceQuery { operator, inspection, instrument, title } = query;
    let texts: Vec<&str> = inspection.iter().chain(&instrument).chain(&title).map(String::as_str).collect();
    let operator = match acting(&actor, operator, &texts) {
        Ok(operator) => operator,
        Err(refused) => return refused,
    };
    // One content is held in memory at a time.
    let Ok(_turn) = local.uploads.try_acquire() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "another content is coming in; try again");
    };
    let media = request.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    let most = usize::try_from(MAX_EVIDENCE_BYTES).unwrap_or(usize::MAX);
    let content = match timeout(PATIENCE, to_bytes(request.into_body(), most)).await {
        Ok(Ok(content)) => content,
        Ok(Err(why)) => {
            let why = format!("{why}; a content has at most {MAX_EVIDENCE_BYTES} bytes");
            return problem(StatusCode::PAYLOAD_TOO_LARGE, &why);
        }
        Err(_) => return problem(StatusCode::REQUEST_TIMEOUT, "the content did not come in whole in time"),
    };
    let mut facts: BTreeMap<String, String> =
        [("operator".to_owned(), operator), ("role".to_owned(), actor.role().to_owned())].into();
    facts.extend(title.map(|it| ("title".to_owned(), it)));
    let content: Arc<[u8]> = Arc::from(&*content);
    let (hash, size) = (Hash::of(&content), content.len());
    let attachment = Attachment { inspection, instrument, media, facts, content };
    match attach(&local.outbox, attachment, local.clock.now(), local.context()).await {
        Ok(recorded) => {
            let answer = serde_json::json!({ "ok": true, "seq": recorded.seq, "sha256": hash, "size": size });
            Json(answer).into_response()
        }
        Err(AttachError::Refused(refusal)) => problem(StatusCode::SERVICE_UNAVAILABLE, &refusal.to_string()),
        Err(unfit @ (AttachError::Empty | AttachError::Media(_))) => {
            problem(StatusCode::UNPROCESSABLE_ENTITY, &unfit.to_string())
        }
        Err(large @ AttachError::TooLarge(_)) => problem(StatusCode::PAYLOAD_TOO_LARGE, &large.to_string()),
        Err(none @ AttachError::NoInspection(_)) => problem(StatusCode::CONFLICT, &none.to_string()),
    }
}

/// The routes.
pub(super) fn routes() -> Router<Local> {
    Router::new().route("/api/v1/readings", post(readings)).route("/api/v1/evidence", post(evidence))
}
