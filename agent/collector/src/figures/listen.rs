//! The listener: `GET /metrics` and `GET /healthz`, read only, on loopback unless the configuration says otherwise.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 `collecting` while broker and store are there and the collecting task comes round; else 503 and why |
//! | `/metrics` | the figures; those of the store at most [`FRESH`] old, read once however many ask |
//!
//! Nothing secret is behind it, and nothing can be changed. On loopback a request must also name this machine as its host: a page of somebody
//! else's, whose name was made to point here, must not read it through a browser on this machine.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use tidewaiter_record::{Keyring, Registry};
use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Figures,
    running::Running,
    text::{OPEN_METRICS, text},
};
use crate::{config::Listen, door::Door, keys::load_registry, store::Place};

/// How old the figures of the store may be that are given out: below the interval of any scraper, above what it costs to read them.
pub const FRESH: Duration = Duration::from_secs(10);
/// How long reading them may take.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// Connections that stand at a time.
const MOST_CONNECTIONS: usize = 16;
/// What a connection has in all; a scraper that keeps its own open opens another.
const CONNECTION_WITHIN: Duration = Duration::from_secs(300);

/// The port cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("listen address {address}: {source}")]
pub struct ListenError {
    /// As configured.
    pub address: SocketAddr,
    /// What the operating system says.
    #[source]
    pub source: std::io::Error,
}

/// What the figures are read from.
#[derive(Clone, Debug)]
pub struct Readable {
    /// The store.
    pub place: Place,
    /// The registry file.
    pub registry: std::path::PathBuf,
}

struct Rim {
    readable: Readable,
    running: watch::Receiver<Running>,
    /// The figures last read, and when; none where they could not be.
    kept: Mutex<Option<(Instant, Option<Arc<Figures>>)>>,
}

/// Serves until `stop`; gives the address once it listens.
///
/// # Errors
///
/// When the address cannot be had.
pub async fn serve(
    listen: &Listen,
    readable: Readable,
    running: watch::Receiver<Running>,
    stop: CancellationToken,
) -> Result<SocketAddr, ListenError> {
    let failed = |source| ListenError { address: listen.address, source };
    let listener = TcpListener::bind(listen.address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let rim = Arc::new(Rim { readable, running, kept: Mutex::default() });
    let mut router = Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).with_state(rim);
    if address.ip().is_loopback() {
        router = router.layer(from_fn(of_this_machine));
    }
    let door = Door::new(listener, address, MOST_CONNECTIONS, CONNECTION_WITHIN);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(door, router).with_graceful_shutdown(stop.cancelled_owned()).await {
            tracing::error!(%error, "the listener for figures ended");
        }
    });
    Ok(address)
}

async fn healthz(State(rim): State<Arc<Rim>>) -> Response {
    let trouble = rim.running.borrow().trouble(Instant::now());
    match trouble {
        None => (StatusCode::OK, "collecting\n").into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not collecting: {why}\n")).into_response(),
    }
}

async fn metrics(State(rim): State<Arc<Rim>>) -> Response {
    let figures = rim.figures().await;
    let running = *rim.running.borrow();
    match text(figures.as_deref(), &running, Instant::now()) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n")).into_response(),
    }
}

impl Rim {
    /// The figures of the store. Whoever asks while they are read waits for the same reading.
    async fn figures(&self) -> Option<Arc<Figures>> {
        let mut kept = self.kept.lock().await;
        if let Some((at, figures)) = kept.as_ref()
            && at.elapsed() < FRESH
        {
            return figures.clone();
        }
        let readable = self.readable.clone();
        let reading = tokio::task::spawn_blocking(move || readable.figures());
        let figures = match timeout(READ_WITHIN, reading).await {
            Ok(Ok(Ok(figures))) => Some(Arc::new(figures)),
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "figures of the store cannot be read");
                None
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("figures of the store could not be read in time");
                None
            }
        };
        *kept = Some((Instant::now(), figures.clone()));
        figures
    }
}

impl Readable {
    fn figures(&self) -> Result<Figures, String> {
        let store = self.place.read().map_err(|it| it.to_string())?;
        let registered = load_registry(&self.registry).map_err(|it| it.to_string())?;
        let registry = in_force(registered, store.as_ref())?;
        let now_ms = jiff::Timestamp::now().as_millisecond();
        Figures::of(store.as_ref(), Some(&registry), self.place.free_bytes(), now_ms).map_err(|it| it.to_string())
    }
}

/// The registry with the keys that chains have handed themselves to.
fn in_force(registered: Registry, store: &dyn crate::store::Store) -> Result<Registry, String> {
    let learned = store.rotations().map_err(|it| it.to_string())?;
    Ok(Keyring::with(registered, learned).map_err(|it| it.to_string())?.in_force().clone())
}

/// Lets through only what asks for this machine by an address, or as `localhost`.
async fn of_this_machine(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok());
    if host.is_none_or(is_this_machine) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "ask for 127.0.0.1 or localhost\n").into_response()
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn a_name_that_was_made_to_point_here_is_not_this_machine() {
        for host in ["127.0.0.1:8480", "127.0.0.1", "localhost:8480", "LOCALHOST", "[::1]:8480", "[::1]", "127.0.0.2"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["evil.example", "evil.example:8480", "127.0.0.1.evil.example", "10.0.0.7:8480", "", ":8480"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
