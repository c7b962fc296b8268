//! Who comes in: asked of every request, before any route sees it.
//!
//! In this order, each with its own answer: the Host is ours (421), the route has a row (404, 405), whoever brings a
//! key or a token brings a right one (401), what changes something comes from a page of ours (403) and in the form the
//! route takes (415, 413, 408), and they may (401 or the sign-in page, 403).

#![allow(clippy::result_large_err, reason = "a refusal is an answer, made once and sent at once")]

use std::{fmt::Write as _, net::SocketAddr, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use futures_util::StreamExt as _;
use tokio::time::{sleep, timeout};

use super::{
    super::{Local, MAX_BODY_BYTES, api::problem, page::View},
    actor::{Actor, Person, Way},
    book, headers, key, origin,
    rule::{Need, RULES, Rule, rule},
};

/// Longest time in which a body must come in whole; those are small.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// How often it is asked whether somebody may listen on.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How a request came to us. Where nothing says so, it came from afar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Through a listener on loopback.
    pub(crate) loopback: bool,
    pub(crate) tls: bool,
}

impl Peer {
    pub(crate) const UNKNOWN: Self = Self {
        address: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0),
        loopback: false,
        tls: false,
    };

    /// Of a request.
    pub(crate) fn of(request: &Request) -> Self {
        request.extensions().get::<Self>().copied().unwrap_or(Self::UNKNOWN)
    }

    /// The name of the cookie with a session's token. Browsers take the one with the prefix over TLS alone, for this
    /// host alone.
    pub(crate) const fn cookie(self) -> &'static str {
        if self.tls { "__Host-tidewaiter" } else { "tidewaiter" }
    }
}

/// Lets a request through, or answers it.
pub(crate) async fn guard(State(local): State<Local>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let peer = Peer::of(&request);
    let answer = match pass(&local, request).await {
        Ok(request) => {
            let held = held(&request, peer);
            let answer = next.run(request).await;
            match held {
                Some(held) if is_stream(&answer) => while_held(local, held, answer),
                _ => answer,
            }
        }
        Err(refused) => refused,
    };
    headers::strict(answer, &path)
}

/// What lets somebody listen on.
#[derive(Clone, Copy)]
enum Held {
    Session([u8; 32]),
    Token([u8; 32]),
}

fn held(request: &Request, peer: Peer) -> Option<Held> {
    match request.extensions().get::<Actor>()?.person()?.way {
        Way::Session => session_token(request.headers(), peer).map(Held::Session),
        Way::Token => bearer(request.headers()).map(Held::Token),
    }
}

fn is_stream(answer: &Response) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"))
}

/// Ends an endless answer when whoever asked for it is no longer let in.
fn while_held(local: Local, held: Held, answer: Response) -> Response {
    let gone = async move {
        loop {
            sleep(LOOK_AGAIN).await;
            let stands = match held {
                Held::Session(token) => local.access.stands(&token, &local),
                Held::Token(token) => super::locked(&local.access.book).by_token(&token).is_some(),
            };
            if !stands {
                return;
            }
        }
    };
    let (parts, body) = answer.into_parts();
    Response::from_parts(parts, Body::from_stream(body.into_data_stream().take_until(Box::pin(gone))))
}

async fn pass(local: &Local, request: Request) -> Result<Request, Response> {
    let peer = Peer::of(&request);
    let names = local.site.borrow().local.names.clone();
    if !origin::host_is_ours(request.headers(), &names) {
        let why = "this machine is not called so; see `names` in [local] of the site file";
        return Err(problem(StatusCode::MISDIRECTED_REQUEST, why));
    }
    let rule = row(&request)?;
    let actor = who(local, peer, request.headers())?;
    let by_header = request.headers().contains_key(header::AUTHORIZATION);
    if request.method() == Method::POST {
        if !by_header && !origin::from_our_page(request.headers(), peer.tls) {
            return Err(problem(
                StatusCode::FORBIDDEN,
                "a page of another site, or a program without a key, sent this",
            ));
        }
        if rule.path.starts_with("/api/") && !rule.upload && !origin::is_json(request.headers()) {
            return Err(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type: application/json"));
        }
    }
    admitted(local, rule, &actor, peer, &request)?;
    let mut request = if request.method() == Method::POST && !rule.upload { whole(request).await? } else { request };
    request.extensions_mut().insert(actor);
    Ok(request)
}

fn row(request: &Request) -> Result<&'static Rule, Response> {
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        return Err(problem(StatusCode::NOT_FOUND, "there is nothing here"));
    };
    rule(request.method(), path.as_str()).ok_or_else(|| {
        if RULES.iter().any(|it| it.path == path.as_str()) {
            return problem(StatusCode::METHOD_NOT_ALLOWED, "not in this way");
        }
        tracing::error!(path = path.as_str(), "a route without a rule answers nobody");
        problem(StatusCode::FORBIDDEN, "this route has no rule")
    })
}

/// Who brings what this request brings. A key or token that is not right is not silently nobody.
fn who(local: &Local, peer: Peer, headers: &HeaderMap) -> Result<Actor, Response> {
    if headers.contains_key(header::AUTHORIZATION) {
        return bearer(headers).and_then(|key| local.access.by_key(&key, peer.loopback)).ok_or_else(|| {
            let mut no = problem(StatusCode::UNAUTHORIZED, "this key or token is not known here");
            no.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
            no
        });
    }
    let Some(token) = session_token(headers, peer) else { return Ok(Actor::Nobody) };
    Ok(local.access.by_session(&token, local).map_or(Actor::Nobody, Actor::Person))
}

/// The key or token a program brings.
fn bearer(headers: &HeaderMap) -> Option<[u8; 32]> {
    let mut brought = headers.get_all(header::AUTHORIZATION).iter();
    let text = brought.next()?.to_str().ok()?;
    // Two of them: which one counts would be anybody's guess.
    if brought.next().is_some() { None } else { key::from_hex(text.strip_prefix("Bearer ")?.trim()) }
}

/// The session a browser brings.
pub(crate) fn session_token(headers: &HeaderMap, peer: Peer) -> Option<[u8; 32]> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut named = cookies
        .flat_map(|it| it.split(';'))
        .filter_map(|it| it.trim().split_once('='))
        .filter(|(name, _)| *name == peer.cookie());
    let (_, value) = named.next()?;
    // Two of them: one was put there by somebody else.
    if named.next().is_some() { None } else { key::from_hex(value) }
}

fn admitted(local: &Local, rule: &Rule, actor: &Actor, peer: Peer, request: &Request) -> Result<(), Response> {
    let known = !matches!(actor, Actor::Nobody);
    let program = ["/api/", "/events", "/metrics"].iter().any(|it| rule.path.starts_with(it));
    match rule.need {
        Need::Open => Ok(()),
        Need::Look if peer.loopback || known => Ok(()),
        Need::Known if known => Ok(()),
        Need::Act(action) if known && program => actor.allowed(action),
        Need::Act(action) if actor.may(action) => Ok(()),
        Need::Act(action) if known => {
            let mut view = View::of(request);
            view.actor = actor.clone();
            Err(local.say_page(&view, StatusCode::FORBIDDEN, &action.refusal(view.language)))
        }
        Need::Look | Need::Known | Need::Act(_) => {
            let read = matches!(*request.method(), Method::GET | Method::HEAD);
            if program {
                return Err(problem(
                    StatusCode::UNAUTHORIZED,
                    "sign in first, or bring a token as `Authorization: Bearer`",
                ));
            }
            let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
            Err(Redirect::to(&if read { way_in(path, query) } else { way_in("/", "") }).into_response())
        }
    }
}

/// Whether a browser may be sent there after signing in: a path of ours, and nothing a browser could read otherwise.
pub(crate) fn is_way_back(path: &str) -> bool {
    path.len() <= 512
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|it| it.is_ascii_alphanumeric() || b"/-_.~%?=&+:,".contains(&it))
}

/// Where somebody signs in who wants to come back to this page.
pub(crate) fn way_in(path: &str, query: &str) -> String {
    let wanted = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    if is_way_back(&wanted) { format!("/sign-in?next={}", encoded(&wanted)) } else { "/sign-in".to_owned() }
}

fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing into a text does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// Takes a small body in whole and in time, so that a route never waits for one.
async fn whole(request: Request) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    match timeout(BODY_WITHIN, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(_)) => {
            let why = format!("the body is cut off or has more than {MAX_BODY_BYTES} bytes");
            Err(problem(StatusCode::PAYLOAD_TOO_LARGE, &why))
        }
        Err(_) => Err(problem(StatusCode::REQUEST_TIMEOUT, "the body did not come in whole in time")),
    }
}

impl super::Access {
    /// Whose key or token this is. The local key opens nothing from afar.
    fn by_key(&self, key: &[u8; 32], loopback: bool) -> Option<Actor> {
        use subtle::ConstantTimeEq as _;
        let console = self.key.is_some_and(|it| bool::from(it.ct_eq(key)));
        if console {
            return loopback.then_some(Actor::Console);
        }
        super::locked(&self.book).by_token(key).map(|user| Actor::Person(Person::of(user, Way::Token)))
    }

    /// Whether a session still stands. Listening is no activity.
    fn stands(&self, token: &[u8; 32], local: &Local) -> bool {
        let (now_ms, span) = (local.clock.now().mono_ms, local.session_span());
        let sessions = super::locked(&self.sessions);
        let Some((name, entry)) = sessions.look(token, now_ms, span) else { return false };
        super::locked(&self.book).user(name).is_some_and(|user| book::entry(user) == entry)
    }

    /// Whose session this is, while the users file says of them what it said at sign-in.
    fn by_session(&self, token: &[u8; 32], local: &Local) -> Option<Person> {
        let (now_ms, span) = (local.clock.now().mono_ms, local.session_span());
        let mut sessions = super::locked(&self.sessions);
        let (name, entry) = sessions.find(token, now_ms, span)?;
        let book = super::locked(&self.book);
        match book.user(&name).filter(|user| book::entry(user) == entry) {
            Some(user) => Some(Person::of(user, Way::Session)),
            None => {
                sessions.close(token);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for ours in ["/", "/lane/lane-7", "/history?from=2026-11-01&q=S-0117", "/record/42"] {
            assert!(is_way_back(ours), "{ours}");
        }
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/a b",
            "/a#b",
            "/\r\nSet-Cookie",
        ] {
            assert!(!is_way_back(elsewhere), "{elsewhere}");
        }
    }
}
