//! Signing in and out.
//!
//! ```text
//! GET  /sign-in?next=/lane/lane-7     the form
//! POST /sign-in                       name, password, next
//! POST /sign-out
//! ```

use std::{net::IpAddr, time::Duration};

use askama::Template;
use axum::{
    Form, Router,
    extract::{FromRequest as _, Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tidewaiter_words::say;
use tokio::time::timeout;

use super::{
    super::{
        Local,
        page::{Shell, View},
    },
    actor::{Actor, Person, Way},
    book,
    guard::{Peer, is_way_back, session_token},
    key, locked, password,
};

/// Longest wait for a turn at hashing; longer means that somebody floods the door.
pub(super) const TURN_WITHIN: Duration = Duration::from_secs(5);
/// Longest name looked at.
const LONGEST_NAME: usize = 64;

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Typed {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    next: String,
    said: Option<String>,
}

fn page(local: &Local, view: &View, code: StatusCode, next: &str, said: Option<String>) -> Response {
    // Nobody is known here yet, and the way in is this page.
    let shell =
        Shell { who: None, sign_in: None, ways: Vec::new(), ..local.shell(view, &say(view.language, "sign-in", &[])) };
    let next = if is_way_back(next) { next.to_owned() } else { "/".to_owned() };
    view.page(code, &SignInPage { shell, next, said })
}

async fn form(State(local): State<Local>, view: View, Query(asked): Query<Asked>) -> Response {
    let fault = locked(&local.access.book).fault().is_some();
    let said = if fault {
        Some("sign-in-no-users-file")
    } else if local.site.borrow().local.users.is_none() {
        Some("sign-in-no-users")
    } else {
        None
    };
    page(&local, &view, StatusCode::OK, &asked.next, said.map(|it| say(view.language, it, &[])))
}

/// What came of a try.
pub(super) enum Tried {
    /// The person, and the entry of the users file they are known by.
    Right(Person, tidewaiter_record::Hash),
    Wrong,
    /// There is no try for so many milliseconds.
    Wait(u64),
    Busy,
}

async fn submit(State(local): State<Local>, view: View, request: Request) -> Response {
    let peer = Peer::of(&request);
    let headers = request.headers().clone();
    let Ok(Form(typed)) = Form::<Typed>::from_request(request, &local).await else {
        return page(&local, &view, StatusCode::UNPROCESSABLE_ENTITY, "/", None);
    };
    let answer =
        |code, said: &str, args: &[_]| page(&local, &view, code, &typed.next, Some(say(view.language, said, args)));
    match attempt(&local, peer.address.ip(), &typed.name, typed.password.clone()).await {
        Tried::Right(person, entry) => {
            // A browser that brings one already gets another: nobody may have chosen it for them.
            if let Some(old) = session_token(&headers, peer) {
                locked(&local.access.sessions).close(&old);
            }
            let Some(token) = key::random() else {
                return answer(StatusCode::SERVICE_UNAVAILABLE, "sign-in-busy", &[]);
            };
            told(&local, "sign-in", &person, peer).await;
            let (now_ms, span) = (local.clock.now().mono_ms, local.session_span());
            locked(&local.access.sessions).open(&token, &person.name, entry, now_ms, span);
            let next = if is_way_back(&typed.next) { typed.next.as_str() } else { "/" };
            with_cookie(Redirect::to(next).into_response(), peer, &hex::encode(token), "")
        }
        Tried::Wrong => answer(StatusCode::UNAUTHORIZED, "sign-in-wrong", &[]),
        Tried::Wait(ms) => {
            let seconds = ms.div_ceil(1_000);
            let mut no = answer(StatusCode::TOO_MANY_REQUESTS, "sign-in-wait", &[("seconds", seconds.into())]);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                no.headers_mut().insert(header::RETRY_AFTER, value);
            }
            no
        }
        Tried::Busy => answer(StatusCode::SERVICE_UNAVAILABLE, "sign-in-busy", &[]),
    }
}

/// One try. A name that does not exist takes as long as one that does, and waits as long.
pub(super) async fn attempt(local: &Local, from: IpAddr, name: &str, typed: String) -> Tried {
    let access = &local.access;
    let name = name.trim();
    let key = if name.len() <= LONGEST_NAME { name.to_ascii_lowercase() } else { String::new() };
    let now_ms = local.clock.now().mono_ms;
    // A page at a counter has one address for everybody, so that loopback is slowed by name alone.
    if !from.is_loopback()
        && let Err(wait) = locked(&access.by_address).begin(network(from), now_ms)
    {
        return Tried::Wait(wait);
    }
    if let Err(wait) = locked(&access.by_name).begin(&key, now_ms) {
        return Tried::Wait(wait);
    }
    let Ok(Ok(turn)) = timeout(TURN_WITHIN, access.hashing.clone().acquire_owned()).await else { return Tried::Busy };
    let user = locked(&access.book).user(&key).cloned();
    let hash = user.as_ref().and_then(|it| it.password.clone());
    let nobodys = access.nobodys.clone();
    let right = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let stand_in = || nobodys.get_or_init(|| password::nobodys().unwrap_or_default()).clone();
        let known = hash.is_some();
        let matches = password::is_right(&hash.unwrap_or_else(stand_in), &typed);
        known && matches
    });
    match (right.await, user) {
        (Ok(true), Some(user)) => {
            locked(&access.by_name).right(&key);
            Tried::Right(Person::of(&user, Way::Session), book::entry(&user))
        }
        _ => {
            let book = locked(&access.book);
            locked(&access.journal).failed(book.knows(&key), from, now_ms);
            Tried::Wrong
        }
    }
}

/// Whom a wait falls on: an IPv6 host has a whole /64 to itself.
fn network(from: IpAddr) -> IpAddr {
    match from {
        IpAddr::V4(_) => from,
        IpAddr::V6(it) => {
            it.to_ipv4_mapped().map_or_else(|| IpAddr::V6((it.to_bits() & !u128::from(u64::MAX)).into()), IpAddr::V4)
        }
    }
}

async fn sign_out(State(local): State<Local>, actor: Actor, request: Request) -> Response {
    let peer = Peer::of(&request);
    if let Some(token) = session_token(request.headers(), peer) {
        locked(&local.access.sessions).close(&token);
        if let Some(person) = actor.person() {
            told(&local, "sign-out", person, peer).await;
        }
    }
    with_cookie(Redirect::to("/").into_response(), peer, "", "; Max-Age=0")
}

/// Records it. A store that is full keeps nobody from looking: what they do is recorded or refused by itself.
pub(super) async fn told(local: &Local, event: &str, person: &Person, peer: Peer) {
    let facts = [
        ("operator", person.display.clone()),
        ("role", person.role.word().to_owned()),
        ("from", peer.address.ip().to_string()),
    ];
    let facts = facts.map(|(name, text)| (name.to_owned(), text)).to_vec();
    if !local.happened(event, Some(person.name.clone()), facts).await {
        tracing::warn!(event, "not recorded");
    }
}

pub(super) fn with_cookie(mut answer: Response, peer: Peer, value: &str, more: &str) -> Response {
    let secure = if peer.tls { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}", peer.cookie());
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// The routes.
pub(super) fn routes() -> Router<Local> {
    Router::new().route("/sign-in", get(form).post(submit)).route("/sign-out", post(sign_out))
}
