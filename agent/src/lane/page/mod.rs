//! The pages: what stands in front of the people at a lane or a rig.
//!
//! In: a request, and one [`Look`](look) at the running agent. Out: HTML that works without a script, drawn by the
//! server, Chinese first. With the script, the parts that change come as server-sent events.
//!
//! | file | what is there |
//! |---|---|
//! | `view`, `shell` | language, and what every page has around its content; other chapters stand on these |
//! | `sentence` | the large word and the fixed sentence: pure functions of durable state |
//! | `parts`, `run`, `figures`, `plot` | the fragments of a page, each an askama template |
//! | `pages`, `events`, `forms` | the routes: whole pages, what changes, what an operator does |
//! | `assets/` | one style sheet, one script |
//!
//! What is said of "recorded" comes from the outbox's status and is believed no longer than the keeper proves that it is
//! alive. Live values say that they are not recorded. Not here: history, sign-in, JSON.

mod assets;
mod events;
mod figures;
mod forms;
mod look;
mod pages;
mod parts;
mod plot;
mod run;
mod sentence;
mod shell;
mod view;
mod when;

use axum::{
    Router,
    routing::{get, post},
};

#[allow(unused_imports, reason = "chapters beside this one name it")]
pub(super) use self::shell::Shell;
pub(super) use self::{events::MOST_STREAMS, view::View};
use super::Local;

/// The routes.
pub(super) fn routes() -> Router<Local> {
    Router::new()
        .route("/", get(pages::overview))
        .route("/lane/{place}", get(pages::lane))
        .route("/lane/{place}/drill", post(forms::drill_lane))
        .route("/lane/{place}/check/{check}/{step}", post(forms::check_lane))
        .route("/rig/{place}", get(pages::rig))
        .route("/rig/{place}/start", post(forms::start))
        .route("/rig/{place}/next", post(forms::next))
        .route("/rig/{place}/stop", post(forms::stop))
        .route("/rig/{place}/enter", post(forms::enter))
        .route("/rig/{place}/drill", post(forms::drill_rig))
        .route("/rig/{place}/check/{check}/{step}", post(forms::check_rig))
        .route("/events", get(events::events))
        .route("/assets/{file}", get(assets::asset))
}
