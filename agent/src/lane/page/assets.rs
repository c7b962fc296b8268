//! Style sheet and script, compiled in and served under names that change with their content.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

const CSS: &str = concat!(include_str!("assets/page.css"), include_str!("../history/history.css"));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Relative luminance of `#rrggbb` (WCAG 2.2, definitions).
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let byte = u8::from_str_radix(colour.get(at..at + 2).unwrap(), 16).unwrap();
            let share = f64::from(byte) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn tone<'c>(theme: &'c str, name: &str) -> &'c str {
        theme.split(&format!("--{name}: ")).nth(1).unwrap().split(';').next().unwrap()
    }

    #[test]
    fn every_text_has_a_contrast_of_seven_to_one() {
        let [light, dark] = [0, 1].map(|number| CSS.split(":root {").nth(number + 1).unwrap());
        for theme in [light, dark] {
            for ground in ["ground", "raised"] {
                for ink in ["ink", "quiet", "link", "good", "warn", "bad"] {
                    let ratio = contrast(tone(theme, ink), tone(theme, ground));
                    assert!(ratio >= 7.0, "{ink} on {ground}: {ratio:.2}");
                }
            }
            // Traces and the lines around fields: WCAG 2.2, 1.4.11.
            for mark in ["trace-1", "trace-2", "trace-3", "trace-4", "line", "focus"] {
                let ratio = contrast(tone(theme, mark), tone(theme, "ground"));
                assert!(ratio >= 3.0, "{mark}: {ratio:.2}");
            }
        }
        let mut words = 0;
        for rule in CSS.lines().filter(|it| it.starts_with(".stage.") && it.contains("; color: #")) {
            let after = |from: &str| rule.split(from).nth(1).unwrap().get(..7).unwrap();
            let ratio = contrast(after("background: "), after("; color: "));
            assert!(ratio >= 7.0, "{rule}: {ratio:.2}");
            words += 1;
        }
        assert_eq!(words, 5);
    }

    #[test]
    fn the_sheet_and_the_script_ask_nobody_else() {
        for text in [CSS, JS, ICON] {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("://") && !text.contains("@import") && !text.contains("eval("));
        }
        assert!(NAMES.css.len() < 64 && NAMES.css != NAMES.js);
    }
}
