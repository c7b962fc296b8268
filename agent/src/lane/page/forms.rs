//! What an operator does from a page. Each form does what the same request of `/api/v1` does, and then shows the page.
//!
//! ```text
//! POST /rig/{rig}/start    sample, operator, drill?
//! POST /rig/{rig}/next     operator            likewise stop
//! POST /rig/{rig}/enter    value.{parameter}…, operator
//! POST /{lane|rig}/{place}/drill                        on=yes|no, operator
//! POST /{lane|rig}/{place}/check/{check}/{start|next|stop}    operator
//! ```
//!
//! Done: 303 back to the page, which says so. Refused: the page with the reason, 409, 422 or 503.

use axum::{
    extract::{Form, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use tidewaiter_config::site::MOST_QUANTITIES;
use tidewaiter_words::{Language, say, terms};
use tokio::sync::oneshot;

use super::{View, pages::Page};
use crate::{
    inspect::{CheckOperation, Operation, OperationError},
    inspector::{Ask, AskError},
    lane::{Local, access::Action, is_fit},
};

/// How the name of a typed value begins in a form; the parameter follows.
const VALUE: &str = "value.";

/// The fields of a form, in their order.
type Fields = Vec<(String, String)>;

fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.iter().find(|(field, _)| field == name).map_or("", |(_, text)| text.trim())
}

/// Where a form stands and what it asks.
struct Posted {
    local: Local,
    view: View,
    page: Page,
    fields: Fields,
}

impl Posted {
    fn refuse(&self, code: StatusCode, why: String) -> Response {
        self.local.page(&self.view, &self.page, code, None, Some(why))
    }

    /// Asks, and shows what came of it.
    async fn ask(
        self,
        done: &str,
        make: impl FnOnce(String, oneshot::Sender<Result<(), AskError>>) -> Ask,
    ) -> Response {
        let language = self.view.language;
        // A person who is signed in is who they are; a command states its person.
        let actor = self.view.actor.clone();
        let operator = match actor.operator(Some(field(&self.fields, "operator").to_owned())) {
            Ok(operator) => operator,
            Err(refused) => return refused,
        };
        if !is_fit(&operator) {
            return self.refuse(StatusCode::UNPROCESSABLE_ENTITY, say(language, "refused-operator", &[]));
        }
        let (reply, answer) = oneshot::channel();
        if self.local.asks.try_send(Ask::acting(actor.role(), make(operator, reply))).is_err() {
            return self.refuse(StatusCode::SERVICE_UNAVAILABLE, say(language, "refused-busy", &[]));
        }
        match answer.await {
            Ok(Ok(())) => {
                let path = match &self.page {
                    Page::Overview => "/".to_owned(),
                    Page::Lane(place) => format!("/lane/{place}"),
                    Page::Rig(place) => format!("/rig/{place}"),
                };
                (StatusCode::SEE_OTHER, [(header::LOCATION, format!("{path}?done={done}"))]).into_response()
            }
            Ok(Err(AskError::Operation(why))) => self.refuse(StatusCode::CONFLICT, refusal(language, &why)),
            Ok(Err(why)) => {
                let why = say(language, "refused-not-recorded", &[("why", (&why.to_string()).into())]);
                self.refuse(StatusCode::SERVICE_UNAVAILABLE, why)
            }
            Err(_) => self.refuse(StatusCode::SERVICE_UNAVAILABLE, say(language, "refused-busy", &[])),
        }
    }
}

/// Why an operation was refused, in the words of the page.
fn refusal(language: Language, why: &OperationError) -> String {
    match why {
        OperationError::Running { sample, .. } => say(language, "refused-running", &[("sample", sample.into())]),
        OperationError::Idle(_) => say(language, "refused-idle", &[]),
        OperationError::NotHere { .. } => say(language, "refused-not-here", &[]),
        OperationError::CheckRunning(check) => say(language, "refused-check-running", &[("check", check.into())]),
        OperationError::CheckIdle(check) => say(language, "refused-check-idle", &[("check", check.into())]),
        OperationError::InUse { by, .. } => say(language, "refused-in-use", &[("by", by.into())]),
        OperationError::UnderCheck { check, .. } => say(language, "refused-under-check", &[("check", check.into())]),
        OperationError::DrillAlready { .. } => say(language, "refused-drill-already", &[]),
        OperationError::NoSuchRig(_) | OperationError::NoSuchPlace(_) => say(language, "page-no-place", &[]),
        OperationError::NoSuchCheck(check) => say(language, "refused-no-check", &[("check", check.into())]),
        OperationError::NoSuchQuantity { parameter, .. } => {
            let name = terms::parameter(language, parameter);
            say(language, "refused-no-quantity", &[("name", (&name).into())])
        }
        OperationError::Measured { parameter, instrument } => {
            let name = terms::parameter(language, parameter);
            say(language, "refused-measured", &[("name", (&name).into()), ("instrument", instrument.into())])
        }
        OperationError::NotAValue { parameter, text, why } => {
            let name = terms::parameter(language, parameter);
            let args = [("name", (&name).into()), ("text", text.into()), ("why", why.into())];
            say(language, "refused-not-a-value", &args)
        }
    }
}

pub(super) async fn start(
    State(local): State<Local>,
    view: View,
    Path(rig): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let posted = Posted { local, view, page: Page::Rig(rig.clone()), fields };
    let sample = field(&posted.fields, "sample").to_owned();
    if !is_fit(&sample) {
        let why = say(posted.view.language, "refused-sample", &[]);
        return posted.refuse(StatusCode::UNPROCESSABLE_ENTITY, why);
    }
    let drill = !field(&posted.fields, "drill").is_empty();
    if drill && !posted.view.actor.may(Action::Drill) {
        let why = Action::Drill.refusal(posted.view.language);
        return posted.refuse(StatusCode::FORBIDDEN, why);
    }
    let operation = Operation::Start { sample };
    posted.ask("start", |operator, reply| Ask::Operate { rig, operation, operator, drill, reply }).await
}

pub(super) async fn next(
    State(local): State<Local>,
    view: View,
    Path(rig): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let posted = Posted { local, view, page: Page::Rig(rig.clone()), fields };
    let operation = Operation::Next;
    posted.ask("next", |operator, reply| Ask::Operate { rig, operation, operator, drill: false, reply }).await
}

pub(super) async fn stop(
    State(local): State<Local>,
    view: View,
    Path(rig): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let posted = Posted { local, view, page: Page::Rig(rig.clone()), fields };
    let operation = Operation::Stop;
    posted.ask("stop", |operator, reply| Ask::Operate { rig, operation, operator, drill: false, reply }).await
}

pub(super) async fn enter(
    State(local): State<Local>,
    view: View,
    Path(rig): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let posted = Posted { local, view, page: Page::Rig(rig.clone()), fields };
    // A field left empty is a value that is not there yet.
    let typed = |(name, text): &(String, String)| {
        let parameter = name.strip_prefix(VALUE)?;
        Some((parameter.to_owned(), text.trim().to_owned())).filter(|(_, text)| !text.is_empty())
    };
    let values: Vec<(String, String)> = posted.fields.iter().filter_map(typed).collect();
    let fit = values.iter().all(|(parameter, text)| is_fit(parameter) && is_fit(text));
    if values.is_empty() || values.len() > MOST_QUANTITIES || !fit {
        let why = say(posted.view.language, "refused-values", &[]);
        return posted.refuse(StatusCode::UNPROCESSABLE_ENTITY, why);
    }
    let operation = Operation::Enter { values };
    posted.ask("enter", |operator, reply| Ask::Operate { rig, operation, operator, drill: false, reply }).await
}

pub(super) async fn drill_lane(
    State(local): State<Local>,
    view: View,
    Path(place): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    drill(Posted { local, view, page: Page::Lane(place.clone()), fields }, place).await
}

pub(super) async fn drill_rig(
    State(local): State<Local>,
    view: View,
    Path(place): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    drill(Posted { local, view, page: Page::Rig(place.clone()), fields }, place).await
}

async fn drill(posted: Posted, place: String) -> Response {
    let on = match field(&posted.fields, "on") {
        "yes" => true,
        "no" => false,
        _ => {
            let why = say(posted.view.language, "refused-values", &[]);
            return posted.refuse(StatusCode::UNPROCESSABLE_ENTITY, why);
        }
    };
    let done = if on { "drill-on" } else { "drill-off" };
    posted.ask(done, |operator, reply| Ask::Drill { place, on, operator, reply }).await
}

pub(super) async fn check_lane(
    State(local): State<Local>,
    view: View,
    Path((place, check, step)): Path<(String, String, String)>,
    Form(fields): Form<Fields>,
) -> Response {
    self::check(Posted { local, view, page: Page::Lane(place), fields }, check, &step).await
}

pub(super) async fn check_rig(
    State(local): State<Local>,
    view: View,
    Path((place, check, step)): Path<(String, String, String)>,
    Form(fields): Form<Fields>,
) -> Response {
    self::check(Posted { local, view, page: Page::Rig(place), fields }, check, &step).await
}

async fn check(posted: Posted, check: String, step: &str) -> Response {
    let (operation, done) = match step {
        "start" => (CheckOperation::Start, "start"),
        "next" => (CheckOperation::Next, "next"),
        "stop" => (CheckOperation::Stop, "stop"),
        _ => {
            let why = say(posted.view.language, "page-no-place", &[]);
            return posted.refuse(StatusCode::NOT_FOUND, why);
        }
    };
    posted.ask(done, |operator, reply| Ask::Check { check, operation, operator, reply }).await
}
