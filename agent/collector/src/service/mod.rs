//! Between broker and core: group commit, receipts on their way out, a store that is opened anew.
//!
//! One task. Messages gather until a commit is full or due; the commit runs on a blocking thread, since
//! it waits for the disk. While it runs nothing is taken from the broker, which then stops at the
//! receive maximum of the connection: that is the only queue, and it is the broker's.
//!
//! A failed commit makes the handle of the store useless (an error of `fsync` may be reported once and
//! then forgotten by the kernel). The store is opened anew and the same batch is tried again, a few
//! times; then the process ends and leaves the agents with what has no receipt.
//!
//! A database server that is away is waited for instead. The broker is left meanwhile: what is shared goes to other collectors
//! at once, and nothing piles up here. What was taken and not committed has no receipt, so its agents offer it again.

mod manager;
mod orders;
mod outgoing;
mod work;

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use tidewaiter_mqtt::{Backoff, Settings, SettingsError, TlsPem};
use tidewaiter_record::{Registry, Signer};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{orders::Orders, work::Service};
use tidewaiter_recompute::Tables;

use crate::{
    config::{Broker, Config},
    core::{Collected, Core, CoreError},
    figures::{
        listen::{self, Readable},
        running::Pulse,
    },
    keys::{KeyError, RegistryFile, check_centre, load},
    store::{Place, StoreError},
    summary::Summary,
    topic,
};

/// Receipts in flight to the broker. They are small, and a later one makes an earlier one worthless.
const WINDOW: u16 = 64;

/// Wait for a PUBACK before the connection is given up: well above a satellite round trip.
const ACK_TIMEOUT: Duration = Duration::from_secs(20);

/// Waits between attempts to connect.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), ceiling: Duration::from_secs(30) };

/// First wait for a server that is away; it doubles until [`AWAY_PAUSE_MAX`].
const AWAY_PAUSE: Duration = Duration::from_millis(500);
/// The longest one.
const AWAY_PAUSE_MAX: Duration = Duration::from_secs(15);

/// Largest packet taken in: a record of 32 KiB, its topic and its header, with room.
const MAX_PACKET: u32 = 64 * 1024;

/// Why the service could not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A key or the registry.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The limit tables.
    #[error("limit tables: {0}")]
    Tables(tidewaiter_config::Report),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The core could not go on, also on a store opened anew.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The link to the broker refused its settings.
    #[error("broker: {0}")]
    Link(#[from] SettingsError),
    /// A file of the TLS identity cannot be read.
    #[error("tls file {}: cannot be read", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The enrolment endpoint.
    #[error(transparent)]
    Enrol(#[from] crate::enrol::server::ServeError),
    /// The listener for figures.
    #[error(transparent)]
    Listen(#[from] listen::ListenError),
    /// A task ended that must not end.
    #[error("internal: {0} ended by itself; please report this")]
    Ended(&'static str),
}

impl RunError {
    /// Whether the configuration is to be changed, rather than the machine looked at.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Key(error) => error.is_configuration(),
            Self::Tables(_) | Self::Link(_) => true,
            Self::Store(error) | Self::Core(CoreError::Store(error)) => error.is_configuration(),
            Self::Enrol(error) => matches!(error, crate::enrol::server::ServeError::Certificate { .. }),
            Self::Core(_) | Self::Tls { .. } | Self::Listen(_) | Self::Ended(_) => false,
        }
    }

    /// Whether the server of the store is away, so that it is worth waiting for.
    const fn is_away(&self) -> bool {
        matches!(self, Self::Store(error) | Self::Core(CoreError::Store(error)) if error.is_away())
    }
}

/// Collects until `stop`, then sends the last receipts and gives the counts.
///
/// Every record goes to `events`; a reader that takes nothing for five seconds misses what comes
/// meanwhile (counted in [`Summary::announcements_dropped`]), and a closed channel is no error.
///
/// # Errors
///
/// When it cannot start, or when the store or the receipt key fails for good.
pub async fn run(
    config: Config,
    events: mpsc::Sender<Collected>,
    stop: CancellationToken,
) -> Result<Summary, RunError> {
    let signer = load(&config.centre.key)?;
    let (registry_file, registry) = RegistryFile::open(&config.centre.registry)?;
    check_centre(&registry, signer.as_ref(), &config.centre.registry)?;
    let tables = Tables::load(config.limits.as_deref()).map_err(RunError::Tables)?;
    let shared = config.broker.share.is_some();
    let (pulse, running) = Pulse::start();
    if let Some(listen) = &config.listen {
        // Before the store is opened: that may take long, or fail again and again, and is what somebody will ask about.
        let (place, registry) = (config.store.place.clone(), config.centre.registry.clone());
        let address = listen::serve(listen, Readable { place, registry }, running, stop.child_token()).await?;
        tracing::info!(%address, "figures at /metrics and /healthz");
    }
    let maker = Maker { place: config.store.place.clone(), signer, tables, shared };
    let core = patiently(&maker, &registry, &stop).await?;

    if let Some(enrol) = &config.enrol {
        let desk = crate::enrol::Desk::new(enrol, &config.centre.registry, &config.store.place);
        let address = crate::enrol::server::serve(enrol, desk, stop.child_token()).await?;
        tracing::info!(%address, "agents can be enrolled");
    }

    let orders = match config.orders.clone() {
        None => None,
        Some(dir) => {
            let place = config.store.place.clone();
            Some(blocking(move || Orders::open(&dir, &place)).await??)
        }
    };
    let mut service = Service::new(core, maker, (registry, registry_file), events, (pulse, &config));
    if let Some(orders) = orders {
        service.set_orders(orders);
    }
    loop {
        // Own token: the link outlives `stop`, so that the last receipts can leave.
        let link_stop = CancellationToken::new();
        let (publisher, mut link, task) = tidewaiter_mqtt::start(settings(&config.broker)?, link_stop.clone())?;
        let (broker, port) = (&config.broker.host, config.broker.port);
        tracing::info!(%broker, port, store = %config.store.place, share = config.broker.share, "collecting");
        service.begin(publisher);
        let ended = match service.work(&mut link, &stop).await {
            Ok(()) => service.drain(&mut link).await,
            Err(error) => Err(error),
        };
        link_stop.cancel();
        // The link ends after its DISCONNECT and needs its events taken until then.
        let _ = timeout(tidewaiter_mqtt::STOP_WITHIN * 2, async { while link.recv().await.is_some() {} }).await;
        let _ = timeout(tidewaiter_mqtt::STOP_WITHIN, task).await;
        match ended {
            Err(error) if error.is_away() && !stop.is_cancelled() => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the store is away; nothing is taken and nothing is receipted until it is back"
                );
                service.pulse().store_away(true);
                service.go_on_with(patiently(service.maker(), service.registry(), &stop).await?);
                service.pulse().store_away(false);
                tracing::info!("the store is back");
            }
            ended => {
                ended?;
                return service.summary().await;
            }
        }
    }
}

/// Makes a core on a store opened anew.
#[derive(Clone)]
struct Maker {
    place: Place,
    signer: Arc<dyn Signer>,
    tables: Tables,
    shared: bool,
}

impl Maker {
    fn make(&self, registry: Registry) -> Result<Core, CoreError> {
        let core = Core::new(registry, Arc::clone(&self.signer), self.place.open()?, self.tables.clone())?;
        Ok(if self.shared { core.shared() } else { core })
    }

    /// The same on a thread that may wait.
    async fn open(&self, registry: Registry) -> Result<Core, RunError> {
        let maker = self.clone();
        Ok(blocking(move || maker.make(registry)).await??)
    }
}

/// Opens the store, and waits for its server where it is away; until `stop`, when the last error is told.
async fn patiently(maker: &Maker, registry: &Registry, stop: &CancellationToken) -> Result<Core, RunError> {
    let mut pause = AWAY_PAUSE;
    loop {
        match maker.open(registry.clone()).await {
            Err(error) if error.is_away() && !stop.is_cancelled() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the store is away; trying again");
            }
            opened => return opened,
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => {}
        }
        pause = (pause * 2).min(AWAY_PAUSE_MAX);
    }
}

fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = Result<T, RunError>> {
    let task = tokio::task::spawn_blocking(work);
    async { task.await.map_err(|_| RunError::Ended("a commit")) }
}

fn settings(broker: &Broker) -> Result<Settings, RunError> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|source| RunError::Tls { path: path.clone(), source });
    let tls = match &broker.tls {
        None => None,
        Some(files) => {
            Some(TlsPem { ca: read(&files.ca)?, certificate: read(&files.certificate)?, key: read(&files.key)? })
        }
    };
    Ok(Settings {
        host: broker.host.clone(),
        port: broker.port,
        client_id: broker.client_id.clone(),
        tls,
        keep_alive: broker.keep_alive,
        subscribe: topic::filters(broker.share.as_deref()),
        will: None,
        window: WINDOW,
        ack_timeout: ACK_TIMEOUT,
        backoff: BACKOFF,
        max_incoming_bytes: MAX_PACKET,
    })
}
