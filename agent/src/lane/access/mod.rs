//! Who may come in at the local interface, and as whom.
//!
//! | file | what is there |
//! |---|---|
//! | `role.rs` | who may do what: one table |
//! | `rule.rs` | what each route asks: one table; a route without a row answers nobody |
//! | `guard.rs` | what is asked of every request before its route |
//! | `actor.rs` | who acts: a person, or the machine's console by the local key |
//! | `own_password.rs` | changing one's own password |
//! | `sign_in.rs`, `sessions.rs`, `throttle.rs`, `password.rs` | signing in |
//! | `file.rs`, `book.rs` | the users file, and the users in force |
//! | `journal.rs` | failed sign-ins, summed up |
//! | `door.rs` | listeners, TLS, bounds on connections |
//! | `headers.rs`, `origin.rs`, `key.rs` | strict headers, where a request comes from, the local key |
//!
//! Who signs in or out and what they do is recorded with their name and role. What is asked of a *record*, whether it
//! is right, rests on none of this: records are signed, and people are not.

mod actor;
mod book;
mod door;
pub(crate) mod file;
mod guard;
mod headers;
mod journal;
mod key;
mod origin;
mod own_password;
pub(crate) mod password;
mod role;
mod rule;
mod sessions;
mod sign_in;
mod throttle;

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use axum::{Extension, Router};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, oneshot, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub(crate) use self::{actor::Actor, guard::guard, guard::way_in, key::random, role::Action};
use self::{
    book::Book,
    door::{CertificateError, Door},
    file::Stamp,
    journal::Journal,
    sessions::{Sessions, Span},
    throttle::Throttle,
};
pub use self::{
    file::{FileError, let_in},
    key::{KEY_FILE, read_key},
};
use super::Local;
use crate::{
    inspect::Event,
    inspector::{Ask, AskError},
};

/// Passwords hashed at a time: each takes 19 MiB.
const HASHING: usize = 2;
/// Longest wait of a name: nobody locks a colleague out for long.
const LONGEST_BY_NAME_MS: u64 = 60_000;
/// Longest wait of an address.
const LONGEST_BY_ADDRESS_MS: u64 = 15 * 60_000;
/// How often files are looked at and failures told.
const LOOK: Duration = Duration::from_secs(1);
/// Longest wait for a record that somebody signed in.
const RECORD_WITHIN: Duration = Duration::from_secs(5);

/// What the interface knows of people.
pub(crate) struct Access {
    /// The local key of this start; none where the system gave no randomness, and then nothing is done by it.
    key: Option<[u8; 32]>,
    book: Mutex<Book>,
    sessions: Mutex<Sessions>,
    by_name: Mutex<Throttle>,
    by_address: Mutex<Throttle>,
    journal: Mutex<Journal>,
    hashing: Arc<Semaphore>,
    nobodys: Arc<OnceLock<String>>,
}

impl fmt::Debug for Access {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    pub(super) fn new() -> Self {
        Self {
            key: random(),
            book: Mutex::default(),
            sessions: Mutex::default(),
            by_name: Mutex::new(Throttle::new(LONGEST_BY_NAME_MS)),
            by_address: Mutex::new(Throttle::new(LONGEST_BY_ADDRESS_MS)),
            journal: Mutex::default(),
            hashing: Arc::new(Semaphore::new(HASHING)),
            nobodys: Arc::new(OnceLock::new()),
        }
    }
}

/// A lock that outlives a panic of its holder: what it guards is whole between two statements.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Local {
    fn session_span(&self) -> Span {
        let site = self.site.borrow();
        Span { idle: site.local.session_idle, longest: site.local.session_longest }
    }

    /// Records that something happened at the door; whether it is recorded.
    async fn happened(&self, name: &str, subject: Option<String>, facts: Vec<(String, String)>) -> bool {
        let (reply, answer) = oneshot::channel::<Result<(), AskError>>();
        let event = Event { place: "self".to_owned(), name: name.to_owned(), subject, facts };
        self.asks.try_send(Ask::Happened { event, reply }).is_ok()
            && matches!(timeout(RECORD_WITHIN, answer).await, Ok(Ok(Ok(()))))
    }
}

/// Where the interface listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// For people: as the site file says.
    pub page: SocketAddr,
    /// For the commands on this machine: the same, or one on loopback beside it.
    pub commands: SocketAddr,
}

/// Why the interface does not come up.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be had.
    #[error("local interface on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The certificate is of no use.
    #[error("[local.tls] {0}")]
    Certificate(String),
    /// An address that others reach, without what it takes.
    #[error("local interface on {0}: off loopback it needs [local.tls] and users")]
    Open(SocketAddr),
    /// The local key cannot be kept.
    #[error("{KEY_FILE} in the data directory: {0}")]
    Key(io::Error),
}

/// Opens the doors: to `listen`, and to loopback for the commands where that is not on it.
pub(super) async fn serve(
    local: Local,
    router: Router,
    listen: SocketAddr,
    stop: CancellationToken,
) -> Result<Served, ServeError> {
    let site = Arc::clone(&local.site.borrow());
    let files = &site.local;
    let off_loopback = !listen.ip().is_loopback();
    if off_loopback && (files.tls.is_none() || files.users.is_none()) {
        return Err(ServeError::Open(listen));
    }
    // On loopback a certificate is a choice; where there is one, it is used.
    let certificate = match &files.tls {
        Some(files) => Some(door::tls(files).map_err(|it| ServeError::Certificate(it.to_string()))?),
        None => None,
    };
    let (certificate_out, certificate) = certificate.map(watch::channel).unzip();
    if let Some(key) = &local.access.key {
        key::write(&site.store.dir, key).map_err(ServeError::Key)?;
    }
    let bind = async |address: SocketAddr| {
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        Ok::<_, ServeError>((listener, bound))
    };
    let (listener, page) = bind(listen).await?;
    let tls = certificate.is_some();
    let door = Door { listener, loopback: !off_loopback, tls: certificate };
    tokio::spawn(door::attend(door, router.clone(), stop.clone()));
    // The commands speak plain HTTP on this machine: a certificate would have to name it for them.
    let commands = if tls {
        let (listener, commands) = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let door = Door { listener, loopback: true, tls: None };
        tokio::spawn(door::attend(door, router, stop.clone()));
        commands
    } else {
        page
    };
    look(&local).await;
    tokio::spawn(keep(local, certificate_out, stop));
    Ok(Served { page, commands })
}

/// Keeps users and certificate as their files are, and tells failed sign-ins.
async fn keep(local: Local, certificate: Option<watch::Sender<Arc<rustls::ServerConfig>>>, stop: CancellationToken) {
    let mut seen = stamps(&local).await;
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
        look(&local).await;
        if let Some(certificate) = &certificate {
            let now = stamps(&local).await;
            if now != seen {
                seen = now;
                renew(&local, certificate).await;
            }
        }
        let due = locked(&local.access.journal).due(local.clock.now().mono_ms);
        if let Some(facts) = due {
            warn!(?facts, "failed sign-ins");
            if !local.happened("sign-in-failed", None, facts).await {
                warn!("failed sign-ins are not recorded");
            }
        }
    }
}

async fn stamps(local: &Local) -> (Option<Stamp>, Option<Stamp>) {
    let Some(files) = local.site.borrow().local.tls.clone() else { return (None, None) };
    let stamps = move || (file::stamp(&files.certificate), file::stamp(&files.key));
    tokio::task::spawn_blocking(stamps).await.unwrap_or_default()
}

async fn renew(local: &Local, certificate: &watch::Sender<Arc<rustls::ServerConfig>>) {
    let Some(files) = local.site.borrow().local.tls.clone() else { return };
    let read = move || -> Result<_, CertificateError> { door::tls(&files) };
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(config)) => {
            info!("the page has a new certificate");
            certificate.send_replace(config);
        }
        Ok(Err(why)) => error!(%why, "the page's new certificate is not taken; the old one stays in use"),
        Err(_) => {}
    }
}

/// Reads the users file where it has changed. Whoever it no longer knows is signed out.
async fn look(local: &Local) {
    let path = local.site.borrow().local.users.clone();
    let access = Arc::clone(&local.access);
    let looked = tokio::task::spawn_blocking(move || {
        let mut book = locked(&access.book);
        let change = book.refresh(path.as_deref())?;
        drop(book);
        // The order of the guard: sessions first.
        let mut sessions = locked(&access.sessions);
        let book = locked(&access.book);
        sessions.keep(|name, entry| book.user(name).is_some_and(|user| book::entry(user) == entry));
        Some(change)
    });
    match looked.await {
        Ok(Some(Ok(change))) => {
            info!(users = change.count, "users file read");
            let names = |names: &[String]| match names {
                [] => String::new(),
                few if few.len() <= 8 => few.join(", "),
                many => format!("{} users", many.len()),
            };
            let facts = [
                ("file", change.file.map(|it| it.to_string()).unwrap_or_default()),
                ("users", change.count.to_string()),
                ("added", names(&change.added)),
                ("removed", names(&change.removed)),
                ("changed", names(&change.changed)),
            ];
            let facts = facts.into_iter().filter(|(_, it)| !it.is_empty());
            let facts = facts.map(|(name, text)| (name.to_owned(), text)).collect();
            if !local.happened("users-in-force", None, facts).await {
                warn!("the change of the users file is not recorded");
            }
        }
        Ok(Some(Err(fault))) => {
            error!(%fault, "the users file is not taken; the last good one stays in force, or nobody signs in");
        }
        Ok(None) | Err(_) => {}
    }
}

impl Access {
    /// The local key of this start.
    pub(super) const fn key(&self) -> Option<[u8; 32]> {
        self.key
    }
}

/// The routes as a listener on loopback serves them.
pub(super) fn on_loopback(router: Router) -> Router {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    router.layer(Extension(guard::Peer { address, loopback: true, tls: false }))
}

/// Where there is no route; the guard has answered already.
pub(super) async fn nothing() -> axum::http::StatusCode {
    axum::http::StatusCode::NOT_FOUND
}

/// The routes.
pub(super) fn routes() -> Router<Local> {
    sign_in::routes().merge(own_password::routes())
}

#[cfg(test)]
mod tests;
