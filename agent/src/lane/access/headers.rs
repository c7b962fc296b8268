//! What every answer tells a browser to leave alone.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const STRICT: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Nothing to others. Not `no-referrer`: by that a browser sends `Origin: null` with our own forms, which is refused.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), usb=(), serial=(), payment=(), fullscreen=(self)",
    ),
];

/// For what somebody brought, evidence above all: it may be a page with a script of its own, and would be shown in our
/// name. In a sandbox it has no name, no script and no form.
const SANDBOX: &str = "default-src 'none'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; sandbox";
/// Where such content stands.
const BROUGHT: [&str; 1] = ["/evidence/"];
/// What may be kept: it says so itself, and speaks of nobody.
const ASSETS: &str = "/assets/";

/// Adds them to the answer for a path.
pub(crate) fn strict(mut answer: Response, path: &str) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in STRICT {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if BROUGHT.iter().any(|it| path.starts_with(it)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    }
    if !path.starts_with(ASSETS) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[test]
    fn what_somebody_brought_is_shown_in_nobodys_name() {
        let of = |path: &str| {
            let answer = strict("x".into_response(), path);
            let text =
                |name: HeaderName| answer.headers().get(name).map(|it| it.to_str().unwrap_or_default().to_owned());
            (text(header::CONTENT_SECURITY_POLICY).unwrap_or_default(), text(header::CACHE_CONTROL))
        };
        assert!(of("/evidence/9f86").0.ends_with("; sandbox") && !of("/evidence/9f86").0.contains("script-src"));
        assert_eq!(of("/record/1"), (CSP.to_owned(), Some("no-store".to_owned())));
        assert_eq!(of("/assets/page.css"), (CSP.to_owned(), None));
    }
}
