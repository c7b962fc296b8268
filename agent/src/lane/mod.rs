//! The local interface: what stands on the page of a lane or a rig, and what its operator may do.
//!
//! On loopback anybody may look; elsewhere it takes TLS and a sign-in. To act takes a sign-in or the local key everywhere.
//! It shows durable state and says of live values that they are not recorded.
//!
//! | chapter | what is there |
//! |---|---|
//! | `access/` | who comes in, and as whom; asked of every request before its route |
//! | `api/` | JSON for programs and for the commands, under `/api/v1` |
//! | `history/` | what was recorded: search, one record, slips, tables, statistics |
//! | `page/` | the pages of lanes and rigs, and what every page shares |
//! | `metrics.rs` | the same figures for Prometheus, under `/metrics` |
//! | `status.rs` | what the agent says of itself, from durable state only |
//! | `time.rs` | moments as people at the site read them |
//!
//! `GET /healthz` answers 200 while the store accepts, 503 with the reason when it does not, or when nobody knows.

pub(crate) mod access;
mod api;
mod history;
mod metrics;
mod page;
mod status;
mod time;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::get,
};
use tidewaiter_config::site::{Site, zone_name};
use tidewaiter_record::body::{Context, SoftwareId};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use self::{
    access::{FileError, KEY_FILE, ServeError, Served, let_in, read_key},
    api::record_view,
    status::{STALE_MS, StatusReport, StopReason, Stopped},
};
pub(crate) use self::{
    history::{n42, sheet},
    time::local as local_time,
};

use crate::{
    acquire::Counters,
    app::Running,
    clock::Clock,
    inspector::{Ask, Live},
    keys::Keysmith,
    outbox::{Outbox, Status},
    reload::{Refused, Reloader},
    uplink::Telemetry,
};

/// Largest request body: a subject with a few dozen facts.
const MAX_BODY_BYTES: usize = 16 * 1024;
/// Longest operator name, sample number or fact: they go into signed records.
const MAX_TEXT: usize = 200;

/// Whether a text may stand in a record as a name or a value.
fn is_fit(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// What the interface needs of a running agent.
#[derive(Clone, Debug)]
pub struct Local {
    /// The site file in force.
    site: watch::Receiver<Arc<Site>>,
    live: Arc<Live>,
    counters: Arc<Counters>,
    status: watch::Receiver<Arc<Status>>,
    telemetry: watch::Receiver<Telemetry>,
    asks: mpsc::Sender<Ask>,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    smith: Option<Arc<Keysmith>>,
    uploads: Arc<Semaphore>,
    software: Arc<SoftwareId>,
    refused: watch::Receiver<Option<Arc<Refused>>>,
    reloader: Option<Arc<Reloader>>,
    history: Arc<history::History>,
    access: Arc<access::Access>,
    streams: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Local {
    /// The interface of `running`.
    pub fn new(running: &Running) -> Self {
        Self {
            site: running.site.clone(),
            live: Arc::clone(&running.live),
            counters: Arc::clone(&running.counters),
            status: running.status.clone(),
            telemetry: running.telemetry.clone(),
            asks: running.asks.clone(),
            outbox: running.outbox.clone(),
            clock: running.clock(),
            streams: Arc::new(Semaphore::new(page::MOST_STREAMS)),
            stop: CancellationToken::new(),
            smith: None,
            uploads: Arc::new(Semaphore::new(1)),
            software: Arc::new(running.software.clone()),
            refused: running.refused.clone(),
            reloader: None,
            history: Arc::default(),
            access: Arc::new(access::Access::new()),
        }
    }

    /// The same, with somebody who changes keys.
    #[must_use]
    pub fn with_keys(mut self, smith: Arc<Keysmith>) -> Self {
        self.smith = Some(smith);
        self
    }

    /// The same, with somebody who reads the site file again.
    #[must_use]
    pub fn with_reload(mut self, reloader: Arc<Reloader>) -> Self {
        self.reloader = Some(reloader);
        self
    }

    /// What records name beside what they say, by the site in force.
    fn context(&self) -> Context {
        Context { software: self.software.name.clone(), config: self.site.borrow().digest }
    }

    /// What the agent can say of itself right now.
    pub fn report(&self) -> StatusReport {
        let site = Arc::clone(&self.site.borrow());
        let config_refused = self.refused.borrow().as_deref().cloned();
        let report = StatusReport::new(
            &site.id,
            &site.agent,
            &self.status.borrow(),
            &self.telemetry.borrow(),
            &self.counters,
            self.live.snapshot(),
            self.live.in_force(),
            self.software.hash,
            self.outbox.looked_mono_ms(),
            self.clock.now(),
        );
        let time_zone = zone_name(&site.zone);
        StatusReport { config: hex::encode(site.digest), config_refused, time_zone, ..report }
    }
}

async fn healthz(State(local): State<Local>) -> Response {
    let report = local.report();
    match report.not_recording {
        _ if report.looked_ago_ms > STALE_MS => {
            let ago = report.looked_ago_ms / 1000;
            let why = format!("state unknown: the store has not answered for {ago} s\n");
            (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
        }
        None => (StatusCode::OK, "recording\n").into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not recording: {why}\n")).into_response(),
    }
}

/// The routes as a listener on loopback serves them, and the local key; for those who need no listener.
pub fn on_loopback(local: Local) -> (Router, Option<String>) {
    let key = local.access.key().map(hex::encode);
    (access::on_loopback(router(local)), key)
}

/// All routes. Whoever comes without a word of the listener comes from afar.
pub fn router(local: Local) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .merge(api::routes())
        .merge(history::routes())
        .merge(access::routes())
        .merge(page::routes())
        .merge(metrics::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .fallback(access::nothing)
        .layer(from_fn_with_state(local.clone(), access::guard))
        .with_state(local)
}

/// Serves the interface until `stop`; returns where it listens. Writes the local key into the data directory.
///
/// # Errors
///
/// When an address cannot be bound, or what its protection takes is not there.
pub async fn serve(local: Local, listen: SocketAddr, stop: CancellationToken) -> Result<Served, ServeError> {
    // Streams to open pages end with it: a graceful shutdown would wait for them.
    let local = Local { stop: stop.clone(), ..local };
    tokio::spawn(Arc::clone(&local.history).follow(local.outbox.clone(), stop.clone()));
    let router = router(local.clone());
    access::serve(local, router, listen, stop).await
}
