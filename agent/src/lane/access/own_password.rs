//! Changing one's own password, signed in.
//!
//! ```text
//! GET  /password      the form
//! POST /password      old, new, again
//! ```
//!
//! The old one is asked for, so that a page left open at a counter gives nobody an account; trying it is a sign-in to
//! throttle and journal. What changes is the users file, as by `tidewaiter users passwd`: with its entry every session of
//! the person ends, and the browser that asked gets a new one. The record says who and from where, and no more.

use askama::Template;
use axum::{
    Form, Router,
    extract::{FromRequest as _, Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
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
    file::{self, FileError},
    guard::Peer,
    key, locked, look, password,
    sign_in::{TURN_WITHIN, Tried, attempt, told, with_cookie},
};

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
struct Typed {
    old: String,
    new: String,
    again: String,
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    shell: Shell,
    /// As typed at sign-in: a password store keeps the new one under it.
    name: String,
    said: Option<String>,
    is_done: bool,
    least: usize,
}

/// Why the password is what it was.
enum Refused {
    /// What is said, with the status it goes with.
    Said(StatusCode, &'static str),
    /// There is no try for so many seconds.
    Wait(u64),
    /// The users file cannot be changed here.
    File(String),
}

fn page(local: &Local, view: &View, code: StatusCode, said: Option<String>, is_done: bool) -> Response {
    let shell = local.shell(view, &say(view.language, "password-title", &[]));
    let name = view.actor.person().map(|it| it.name.clone()).unwrap_or_default();
    view.page(code, &PasswordPage { shell, name, said, is_done, least: password::LEAST_CHARACTERS })
}

async fn form(State(local): State<Local>, view: View, Query(asked): Query<Asked>) -> Response {
    let is_done = asked.done == "yes";
    let said = is_done.then(|| say(view.language, "password-done", &[]));
    page(&local, &view, StatusCode::OK, said, is_done)
}

async fn submit(State(local): State<Local>, view: View, actor: Actor, request: Request) -> Response {
    let peer = Peer::of(&request);
    let language = view.language;
    let typed = Form::<Typed>::from_request(request, &local).await;
    let done = match (actor.person().filter(|it| it.way == Way::Session), typed) {
        (Some(person), Ok(Form(typed))) => change(&local, person, peer, typed).await,
        // A token is for programs, and the local key is nobody in particular.
        (None, _) => Err(Refused::Said(StatusCode::UNPROCESSABLE_ENTITY, "password-not-signed-in")),
        (Some(_), Err(_)) => Err(Refused::Said(StatusCode::UNPROCESSABLE_ENTITY, "password-wrong")),
    };
    match done {
        Ok(token) => {
            let answer = Redirect::to("/password?done=yes").into_response();
            with_cookie(answer, peer, &hex::encode(token), "")
        }
        Err(Refused::Said(code, id)) => {
            let least = ("least", password::LEAST_CHARACTERS.into());
            page(&local, &view, code, Some(say(language, id, &[least])), false)
        }
        Err(Refused::Wait(seconds)) => {
            let said = say(language, "sign-in-wait", &[("seconds", seconds.into())]);
            let mut no = page(&local, &view, StatusCode::TOO_MANY_REQUESTS, Some(said), false);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                no.headers_mut().insert(header::RETRY_AFTER, value);
            }
            no
        }
        Err(Refused::File(why)) => {
            let said = say(language, "password-file", &[("why", (&why).into())]);
            page(&local, &view, StatusCode::SERVICE_UNAVAILABLE, Some(said), false)
        }
    }
}

/// Changes it, and gives the token of a new session.
async fn change(local: &Local, person: &Person, peer: Peer, typed: Typed) -> Result<[u8; 32], Refused> {
    let unfit = |id| Refused::Said(StatusCode::UNPROCESSABLE_ENTITY, id);
    let busy = || Refused::Said(StatusCode::SERVICE_UNAVAILABLE, "sign-in-busy");
    if typed.new != typed.again {
        return Err(unfit("password-differs"));
    }
    if typed.new == typed.old {
        return Err(unfit("password-same"));
    }
    let entry = match attempt(local, peer.address.ip(), &person.name, typed.old).await {
        Tried::Right(_, entry) => entry,
        Tried::Wrong => return Err(Refused::Said(StatusCode::FORBIDDEN, "password-wrong")),
        Tried::Wait(ms) => return Err(Refused::Wait(ms.div_ceil(1_000))),
        Tried::Busy => return Err(busy()),
    };
    let Some(path) = local.site.borrow().local.users.clone() else { return Err(unfit("sign-in-no-users")) };
    let Ok(Ok(turn)) = timeout(TURN_WITHIN, local.access.hashing.clone().acquire_owned()).await else {
        return Err(busy());
    };
    let name = person.name.clone();
    let changed = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let hash = password::hash(&name, &typed.new).map_err(|why| match why {
            password::Unfit::Short => unfit("password-short"),
            password::Unfit::Long => unfit("password-long"),
            password::Unfit::Plain => unfit("password-plain"),
            password::Unfit::Randomness => busy(),
        })?;
        file::change(&path, |users| {
            let user = users.iter_mut().find(|it| it.name.eq_ignore_ascii_case(&name));
            // Whoever looks after the users may have been faster: theirs stands.
            let user = user.filter(|it| !it.disabled && book::entry(it) == entry);
            user.ok_or(Refused::Said(StatusCode::CONFLICT, "password-changed-meanwhile"))?.password = Some(hash);
            Ok::<(), Refused>(())
        })
    });
    changed.await.map_err(|_| busy())??;
    // Now, not when it is looked at next: every session of before is closed by it, this one as well.
    look(local).await;
    told(local, "password-changed", person, peer).await;
    let user = locked(&local.access.book).user(&person.name).cloned().ok_or_else(busy)?;
    let token = key::random().ok_or_else(busy)?;
    let (now_ms, span) = (local.clock.now().mono_ms, local.session_span());
    locked(&local.access.sessions).open(&token, &user.name, book::entry(&user), now_ms, span);
    Ok(token)
}

impl From<FileError> for Refused {
    fn from(why: FileError) -> Self {
        tracing::error!(%why, "a password could not be changed from the page");
        Self::File(why.to_string())
    }
}

/// The routes.
pub(super) fn routes() -> Router<Local> {
    Router::new().route("/password", get(form).post(submit))
}
