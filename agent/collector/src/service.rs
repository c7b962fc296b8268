//! Between broker and core: group commit, receipts on their way out, a store that is opened anew.
//!
//! One task. Messages gather until a commit is full or due; the commit runs on a blocking thread, since
//! it waits for the disk. While it runs nothing is taken from the broker, which then stops at the
//! receive maximum of the connection: that is the only queue, and it is the broker's.
//!
//! A failed commit makes the handle of the store useless (an error of `fsync` may be reported once and
//! then forgotten by the kernel). The store is opened anew and the same batch is tried again, a few
//! times; then the process ends and leaves the agents with what has no receipt.

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use tidewaiter_mqtt::{
    Backoff, Event, Message, NotTaken, PublishError, Publisher, Qos, Settings, SettingsError,
    TlsPem,
};
use tidewaiter_record::Signer;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Broker, Config},
    core::{Action, Collected, Core, CoreError, Incoming},
    finding::Bad,
    keys::{KeyError, RegistryFile, check_centre, load_signer},
    receipts::ReceiptQueue,
    recompute::Tables,
    store::{SqliteStore, StoreError},
    summary::Summary,
    topic,
};

/// Receipts in flight to the broker. They are small, and a later one makes an earlier one worthless.
const WINDOW: u16 = 64;

/// Wait for a PUBACK before the connection is given up: well above a satellite round trip.
const ACK_TIMEOUT: Duration = Duration::from_secs(20);

/// Waits between attempts to connect.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(500),
    ceiling: Duration::from_secs(30),
};

/// Largest packet taken in: a record of 32 KiB, its topic and its header, with room.
const MAX_PACKET: u32 = 64 * 1024;

/// How often the registry file is looked at. An unknown key also asks for it, at once.
const REGISTRY_LOOK: Duration = Duration::from_secs(1);

/// How often a batch is tried on a store opened anew. More would only hide a broken disk.
const REOPEN_ATTEMPTS: u32 = 3;

/// Wait before the store is opened anew: long enough for a full disk to be noticed, short against the
/// agents' own patience.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);

/// How long one announcement may wait for its reader. A terminal that is held must not hold back the
/// receipts of every agent; what is not announced is stored, and counted.
const ANNOUNCE_WITHIN: Duration = Duration::from_secs(5);

/// How long the last receipts may take to leave when the service is stopped.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

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
    /// A task ended that must not end.
    #[error("internal: {0} ended by itself; please report this")]
    Ended(&'static str),
}

impl RunError {
    /// Whether the configuration is to be changed, rather than the machine looked at.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Key(error) => error.is_configuration(),
            Self::Tables(_) | Self::Link(_) | Self::Store(StoreError::Layout { .. }) => true,
            Self::Store(_) | Self::Core(_) | Self::Tls { .. } | Self::Ended(_) => false,
        }
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
    let signer: Arc<dyn Signer> = Arc::new(load_signer(&config.centre.key)?);
    let (registry_file, registry) = RegistryFile::open(&config.centre.registry)?;
    check_centre(&registry, signer.as_ref(), &config.centre.registry)?;
    let tables = Tables::load(config.limits.as_deref()).map_err(RunError::Tables)?;
    let maker = Maker {
        path: config.store.path.clone(),
        signer,
        tables,
    };
    let core = maker.make(registry.clone())?;

    // Own token: the link outlives `stop`, so that the last receipts can leave.
    let link_stop = CancellationToken::new();
    let (publisher, mut link, task) =
        tidewaiter_mqtt::start(settings(&config.broker)?, link_stop.clone())?;
    tracing::info!(broker = %config.broker.host, port = config.broker.port, store = %config.store.path.display(), "collecting");
    let mut service = Service {
        core: Some(core),
        maker,
        registry,
        registry_file,
        publisher,
        receipts: ReceiptQueue::new(
            u64::try_from(config.centre.receipt_interval.as_millis()).unwrap_or(u64::MAX),
        ),
        events,
        reader_is_stuck: false,
        dropped: 0,
        refused: 0,
        batch: Vec::new(),
        due: None,
        token: 0,
        connected: false,
        in_flight: 0,
        began: Instant::now(),
        commit_records: config.store.commit_records.max(1),
        commit_time: config.store.commit_time,
    };
    let ended = service.work(&mut link, &stop).await;
    let drained = match ended {
        Ok(()) => service.drain(&mut link).await,
        Err(error) => Err(error),
    };
    link_stop.cancel();
    // The link ends after its DISCONNECT and needs its events taken until then.
    let _ = timeout(tidewaiter_mqtt::STOP_WITHIN * 2, async {
        while link.recv().await.is_some() {}
    })
    .await;
    let _ = timeout(tidewaiter_mqtt::STOP_WITHIN, task).await;
    drained?;
    service.summary()
}

/// Makes a core on a store opened anew.
struct Maker {
    path: PathBuf,
    signer: Arc<dyn Signer>,
    tables: Tables,
}

impl Maker {
    fn make(&self, registry: tidewaiter_record::Registry) -> Result<Core, StoreError> {
        let store = SqliteStore::open(&self.path)?;
        Ok(Core::new(
            registry,
            Arc::clone(&self.signer),
            store,
            self.tables.clone(),
        ))
    }
}

struct Service {
    /// `None` only while a commit runs, or after it failed for good.
    core: Option<Core>,
    maker: Maker,
    registry: tidewaiter_record::Registry,
    registry_file: RegistryFile,
    publisher: Publisher,
    receipts: ReceiptQueue,
    events: mpsc::Sender<Collected>,
    /// The last announcement timed out; until one gets through, none waits.
    reader_is_stuck: bool,
    dropped: u64,
    refused: u64,
    /// At most `commit_records` messages.
    batch: Vec<Incoming<Bytes>>,
    /// When the batch is committed even if it is not full.
    due: Option<Instant>,
    token: u64,
    connected: bool,
    /// Receipts handed to the link and not answered.
    in_flight: usize,
    began: Instant,
    commit_records: usize,
    commit_time: Duration,
}

impl Service {
    async fn work(
        &mut self,
        link: &mut mpsc::Receiver<Event>,
        stop: &CancellationToken,
    ) -> Result<(), RunError> {
        let mut look = tokio::time::interval(REGISTRY_LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.publish();
            let wake = self.receipt_wake();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                event = link.recv() => self.on_event(event.ok_or(RunError::Ended("the link to the broker"))?).await?,
                () = at(self.due) => self.commit().await?,
                () = at(wake) => {}
                _ = look.tick() => self.reload(),
            }
        }
    }

    /// Commits what has come, and gives the last receipts a moment to leave.
    async fn drain(&mut self, link: &mut mpsc::Receiver<Event>) -> Result<(), RunError> {
        let until = Instant::now() + DRAIN_WITHIN;
        self.commit().await?;
        while Instant::now() < until {
            self.publish();
            // Offline, nothing can leave; it is sent at the next start.
            if self.in_flight == 0 && (self.receipts.is_empty() || !self.connected) {
                break;
            }
            let wake = self.receipt_wake();
            tokio::select! {
                event = link.recv() => match event {
                    Some(event) => self.on_event(event).await?,
                    None => break,
                },
                () = at(self.due) => self.commit().await?,
                () = at(wake) => {}
                () = sleep_until(until) => {}
            }
        }
        self.commit().await
    }

    async fn on_event(&mut self, event: Event) -> Result<(), RunError> {
        match event {
            Event::Message(message) => {
                self.batch.push(Incoming {
                    topic: message.topic,
                    bytes: message.payload,
                    received_ms: Timestamp::now().as_millisecond(),
                });
                self.due
                    .get_or_insert_with(|| Instant::now() + self.commit_time);
                if self.batch.len() >= self.commit_records {
                    self.commit().await?;
                }
            }
            Event::Connected { window, .. } => {
                tracing::info!(window, "broker connected");
                self.connected = true;
                // What was in flight is void, and a broker that lost its memory has no retained receipts.
                for receipt in self.core()?.receipts()? {
                    self.receipts.push(receipt);
                }
            }
            Event::Subscribed => tracing::debug!("subscribed"),
            Event::Disconnected { why } => {
                tracing::warn!(why, "broker disconnected");
                (self.connected, self.in_flight) = (false, 0);
            }
            // Flow control only. A receipt that is lost is answered to the next duplicate.
            Event::Acked { .. }
            | Event::NotTaken {
                reason: NotTaken::NoSubscriber,
                ..
            } => {
                self.in_flight = self.in_flight.saturating_sub(1);
            }
            Event::NotTaken { reason, .. } => {
                self.in_flight = self.in_flight.saturating_sub(1);
                tracing::warn!(
                    ?reason,
                    "the broker did not take a receipt; check what the centre may publish"
                );
            }
        }
        Ok(())
    }

    /// Hands receipts to the link while it takes them.
    fn publish(&mut self) {
        let now_ms = self.now_ms();
        while let Some(receipt) = self.receipts.peek(now_ms) {
            let chain = receipt.chain;
            let message = Message {
                topic: receipt.topic(),
                payload: Bytes::copy_from_slice(&receipt.bytes),
                qos: Qos::AtLeastOnce,
                retain: true,
            };
            match self.publisher.try_publish(message, self.token) {
                Ok(()) => {
                    self.token = self.token.wrapping_add(1);
                    self.in_flight += 1;
                }
                // An answer, or the next connection, comes as an event and leads here again.
                Err(PublishError::Offline | PublishError::WindowFull) => return,
                Err(error @ PublishError::TooLarge { .. }) => {
                    tracing::error!(%chain, %error, "receipt cannot be published");
                }
            }
            self.receipts.sent(chain, now_ms);
        }
    }

    /// When a receipt that is held back may leave; never while the link takes none.
    fn receipt_wake(&self) -> Option<Instant> {
        if self.publisher.free() == 0 {
            return None;
        }
        self.receipts
            .next_at()
            .map(|at_ms| self.began + Duration::from_millis(at_ms))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn commit(&mut self) -> Result<(), RunError> {
        self.due = None;
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = Arc::new(std::mem::take(&mut self.batch));
        let mut attempt = 0;
        let actions = loop {
            let mut core = self.core.take().ok_or(RunError::Ended("the store"))?;
            let messages = Arc::clone(&batch);
            let (core, outcome) = blocking(move || {
                let outcome = core.accept_batch(&messages);
                (core, outcome)
            })
            .await?;
            match outcome {
                Ok(actions) => {
                    self.core = Some(core);
                    break actions;
                }
                Err(CoreError::Store(error)) if attempt < REOPEN_ATTEMPTS => {
                    attempt += 1;
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        attempt,
                        "the store failed; opening it anew"
                    );
                    drop(core);
                    sleep(REOPEN_PAUSE).await;
                    self.core = Some(self.maker.make(self.registry.clone())?);
                }
                Err(error) => return Err(error.into()),
            }
        };
        for action in actions {
            self.carry_out(action).await;
        }
        Ok(())
    }

    async fn carry_out(&mut self, action: Action) {
        match action {
            Action::Receipt(receipt) => self.receipts.push(receipt),
            Action::Announce(collected) => self.announce(*collected).await,
            Action::Equivocation(it) => {
                tracing::error!(agent = it.agent, chain = %it.chain, seq = it.seq, kept = %it.kept, other = %it.other, "two records are signed under one sequence number");
            }
            Action::Refused(refusal) => {
                self.refused += 1;
                // Whoever may publish could fill the log; the ring in the store holds the newest.
                if self.refused.is_power_of_two() {
                    tracing::warn!(topic = refusal.topic, finding = %refusal.finding, refused = self.refused, "message refused");
                }
                if refusal.finding.bad == Bad::UnknownKey {
                    self.reload();
                }
            }
        }
    }

    async fn announce(&mut self, collected: Collected) {
        let sent = if self.reader_is_stuck {
            self.events
                .try_send(collected)
                .map_err(|it| matches!(it, mpsc::error::TrySendError::Full(_)))
        } else {
            let sent = self.events.send_timeout(collected, ANNOUNCE_WITHIN).await;
            sent.map_err(|it| matches!(it, mpsc::error::SendTimeoutError::Timeout(_)))
        };
        match sent {
            Ok(()) => self.reader_is_stuck = false,
            // Nobody listens any more.
            Err(false) => {}
            Err(true) => {
                if !self.reader_is_stuck {
                    tracing::warn!(
                        "the reader of results is stuck; records are stored without being announced"
                    );
                }
                self.reader_is_stuck = true;
                self.dropped += 1;
            }
        }
    }

    /// Takes a registry that has changed. One that cannot be read leaves the old one in force.
    fn reload(&mut self) {
        match self.registry_file.changed() {
            Ok(None) => {}
            Ok(Some(registry)) => {
                tracing::info!(keys = registry.keys().count(), "registry read again");
                if let Some(core) = &mut self.core {
                    core.set_registry(registry.clone());
                }
                self.registry = registry;
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the changed registry is not taken; the old one stays in force"
            ),
        }
    }

    fn core(&self) -> Result<&Core, RunError> {
        self.core.as_ref().ok_or(RunError::Ended("the store"))
    }

    fn summary(&self) -> Result<Summary, RunError> {
        let mut summary = self.core()?.summary()?;
        summary.announcements_dropped = self.dropped;
        Ok(summary)
    }
}

async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => std::future::pending().await,
    }
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, RunError>> {
    let task = tokio::task::spawn_blocking(work);
    async { task.await.map_err(|_| RunError::Ended("a commit")) }
}

fn settings(broker: &Broker) -> Result<Settings, RunError> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|source| RunError::Tls {
            path: path.clone(),
            source,
        })
    };
    let tls = match &broker.tls {
        None => None,
        Some(files) => Some(TlsPem {
            ca: read(&files.ca)?,
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
        }),
    };
    Ok(Settings {
        host: broker.host.clone(),
        port: broker.port,
        client_id: broker.client_id.clone(),
        tls,
        keep_alive: broker.keep_alive,
        subscribe: topic::FILTERS.map(str::to_owned).to_vec(),
        will: None,
        window: WINDOW,
        ack_timeout: ACK_TIMEOUT,
        backoff: BACKOFF,
        max_incoming_bytes: MAX_PACKET,
    })
}
