//! Style sheet and script, compiled in and served under names that change with their content.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

const CSS: &str = include_str!("assets/page.css");
const ICON: &str = include_str!("assets/icon.svg");
const JS: &str = include_str!("assets/page.js");

/// Names of the assets: `/assets/page.<hash>.css` and `.js`.
#[derive(Debug)]
pub(super) struct Names {
    /// First 16 hex digits of the SHA-256 over both: a page that sees another one loads itself again.
    pub(super) hash: String,
    /// Path of the style sheet.
    pub(super) css: String,
    /// Path of the script.
    pub(super) js: String,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let digest = Sha256::new().chain_update(CSS).chain_update([0]).chain_update(JS).finalize();
    let mut hash = hex::encode(digest);
    hash.truncate(16);
    Names { css: format!("/assets/page.{hash}.css"), js: format!("/assets/page.{hash}.js"), hash }
});

/// The names in force.
pub(super) fn names() -> &'static Names {
    &NAMES
}

/// `GET /assets/{file}`. A name of another version is not found: it would be cached for ever under the wrong name.
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    if file == "icon.svg" {
        let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")];
        return (headers, ICON).into_response();
    }
    let (kind, content) = match format!("/assets/{file}") {
        path if path == NAMES.css => ("text/css; charset=utf-8", CSS),
        path if path == NAMES.js => ("text/javascript; charset=utf-8", JS),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content).into_response()
}
