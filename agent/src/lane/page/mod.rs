//! The pages: what stands in front of the people at a lane or a rig.

mod assets;
mod shell;
mod view;

use askama::Template;
use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use tidewaiter_words::say;

pub(super) use self::{
    shell::{Shell, Way},
    view::View,
};
use super::Local;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
}

async fn overview(State(local): State<Local>, view: View) -> Response {
    let shell = local.shell(&view, &say(view.language, "page-overview", &[])).live(&view);
    view.page(StatusCode::OK, &OverviewPage { shell })
}

/// The routes.
pub(super) fn routes() -> Router<Local> {
    Router::new().route("/", get(overview)).route("/assets/{file}", get(assets::asset))
}
