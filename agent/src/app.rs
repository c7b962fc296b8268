//! The row of stages, put together. This file alone knows all of them.
//!
//! Tasks and what each waits on:
//!
//! - one per port (`acquire`): bytes, poll deadlines; ends with `stop`;
//! - the inspector: arrivals, operator asks, a tick; ends when the ports have ended and nothing is left;
//! - the pulse (`life`): the outbox's head, a deadline after it; ends with `stop`;
//! - the keeper (`outbox`): commands; ends when everyone else has;
//! - the uplink: link events, the outbox's head; ends after the drain;
//! - one per output (`outputs`): a tick; ends first, with the safe state written while its port still runs;
//! - one per camera (`camera`): cues of the inspector; end when it has ended and their queues are empty;
//! - the downlink, where signed orders are taken: the door of the uplink; ends with `stop`.
//!
//! Stopping runs along the row, so that nothing under way is lost: outputs, ports, inspector (open inspections
//! are sealed as interrupted), the shutdown record, receipts up to the drain limit, uplink, keeper.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use tidewaiter_config::site::Site;
use tidewaiter_record::{
    ChainId, Hash, Registry, Signer,
    body::{Context, SoftwareId},
};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    acquire::{self, Arrival, Counters, Crew, Opener, Ports},
    camera::{self, Cameras},
    clock::{Clock, Policy},
    downlink::{Begin, Downlink, Seat},
    evidence::EvidenceStore,
    inspect::Event,
    inspector::{Ask, Inspector, Live},
    life::{
        Beats, Pulse,
        poison::{self, Abort},
    },
    outbox::{self, Keeper, Outbox, Status, Store, StoreError},
    outputs,
    reload::{self, Kept, Refused, Reloader},
    seal,
    uplink::{self, Link, MakeLink, Relink, Telemetry, Topics, Uplink},
};

/// Arrivals that may wait for the inspector. At 10 frames a second from 20 instruments this is 20 s;
/// beyond it the ports are not read and their kernel buffers fill.
pub const ARRIVALS: usize = 4096;
/// Operator asks that may wait; further ones are refused by the local interface.
pub const ASKS: usize = 64;
/// Live values that may wait for the uplink; further ones are dropped, they are stale anyway.
pub const VIEWS: usize = 256;

/// How long stills under way are waited for.
const STILLS: Duration = Duration::from_secs(5);
/// How long the outputs may take to be left in their safe state.
const SAFE_STATE: Duration = Duration::from_secs(5);

/// Longest round of the inspector: it waits for the disk in it.
const INSPECTOR_ROUND: Duration = Duration::from_secs(60);

/// Program name and version, as it stands in records.
pub const SOFTWARE: &str = concat!("tidewaiter ", env!("CARGO_PKG_VERSION"));

/// What the world gives an agent: the seams.
pub struct Parts {
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
    /// Opens ports.
    pub opener: Arc<dyn Opener>,
    /// Keeps records.
    pub store: Box<dyn Store>,
    /// Signs records.
    pub signer: Arc<dyn Signer>,
    /// Chain the key was enrolled for.
    pub chain: ChainId,
    /// SHA-256 of the enrolment statement.
    pub statement: Hash,
    /// Keys believed for receipts.
    pub registry: Registry,
    /// Facts posted earlier.
    pub subjects: crate::inspect::Subjects,
    /// The root of signed orders, checked; without one none are taken.
    pub authority: Option<Vec<u8>>,
    /// Keeps what is too large for a record.
    pub evidence: Arc<dyn EvidenceStore>,
    /// SHA-256 of the executable file, where it could be read.
    pub executable: Option<Hash>,
}

/// A running agent.
#[derive(Debug)]
pub struct Running {
    /// The site file in force.
    pub site: watch::Receiver<Arc<Site>>,
    /// The configuration on disk is refused.
    pub refused: watch::Receiver<Option<Arc<Refused>>>,
    /// Whether every stage is at work.
    pub beats: Beats,
    /// Live values and recent results.
    pub live: Arc<Live>,
    /// Counters of the ports.
    pub counters: Arc<Counters>,
    /// Durable state.
    pub status: watch::Receiver<Arc<Status>>,
    /// State of the uplink.
    pub telemetry: watch::Receiver<Telemetry>,
    /// Operator asks.
    pub asks: mpsc::Sender<Ask>,
    /// The outbox, for reading records.
    pub outbox: Outbox,
    /// The software that runs and its configuration.
    pub software: SoftwareId,
    clock: Arc<dyn Clock>,
    site_out: watch::Sender<Arc<Site>>,
    refused_out: watch::Sender<Option<Arc<Refused>>>,
    ports_door: Ports,
    notes: Vec<(String, Vec<u8>)>,
    stop: CancellationToken,
    stop_outputs: CancellationToken,
    stop_uplink: CancellationToken,
    stop_keeper: CancellationToken,
    ended: CancellationToken,
    outputs: JoinSet<()>,
    cameras: JoinSet<()>,
    ports: JoinHandle<()>,
    inspector: JoinHandle<()>,
    pulse: JoinHandle<()>,
    keeper: JoinHandle<Result<(), StoreError>>,
    uplink: Option<JoinHandle<()>>,
    downlink: Option<JoinHandle<()>>,
}

/// Starts every stage. `link` is the way to the broker; without one the outbox fills.
///
/// # Errors
///
/// When the store cannot be opened or the first records cannot be made durable.
pub async fn start<L: Link + 'static>(site: Site, parts: Parts, link: Option<L>) -> Result<Running, StoreError> {
    start_with(site, parts, link, Extra { relink: None, held_off: BTreeMap::new() }).await
}

/// What an agent that is to live long is given beside.
pub struct Extra<L> {
    /// Makes the link of another site.
    pub relink: Option<MakeLink<L>>,
    /// Ports that aborted the process too often, with the aborts that count.
    pub held_off: BTreeMap<String, Vec<Abort>>,
}

/// As [`start`], with what follows from another configuration and from earlier aborts.
///
/// # Errors
///
/// As [`start`].
pub async fn start_with<L: Link + 'static>(
    mut site: Site,
    parts: Parts,
    link: Option<L>,
    extra: Extra<L>,
) -> Result<Running, StoreError> {
    let context = Context { software: SOFTWARE.to_owned(), config: site.digest };
    let identity = outbox::Identity {
        agent: site.agent.clone(),
        chain: parts.chain,
        statement: parts.statement,
        context: context.clone(),
    };
    let keep_ms = i64::try_from(site.store.keep.as_millis()).unwrap_or(i64::MAX);
    let clock = parts.clock;
    let (keeper, outbox) = Keeper::open(
        parts.store,
        parts.signer,
        Arc::clone(&clock),
        identity,
        outbox::Settings { keep_ms, clock: Policy::from(&site.clock) },
        seal::interrupted,
    )
    .await?;
    let (keeper, outbox) = keeper.with_evidence(outbox, parts.evidence);
    let software = SoftwareId { name: context.software.clone(), hash: parts.executable, config: context.config };
    let boot = keeper.boot();
    let notes = keeper.notes().to_vec();
    let begin = parts.authority.and_then(|anchor| Begin::new(&site, &anchor, &notes));
    let limits_stale = begin.as_ref().is_some_and(Begin::is_stale);
    let signed = begin.as_ref().and_then(Begin::tables);
    let tables_are_signed = signed.is_some();
    site.tables = signed.unwrap_or(site.tables);
    let site = Arc::new(site);
    let (site_out, site_in_force) = watch::channel(Arc::clone(&site));
    let (refused_out, refused) = watch::channel(None);
    let beats = Beats::new(Arc::clone(&clock));
    let stop_keeper = CancellationToken::new();
    let ended = CancellationToken::new();
    let keeper = tokio::spawn(announced(beats.task("keeper", keeper.run(stop_keeper.clone())), ended.clone()));

    let stop = CancellationToken::new();
    let stop_uplink = CancellationToken::new();
    let counters = Arc::new(Counters::new(&site));
    let live = Arc::new(Live::default());
    let (telemetry_out, telemetry) = watch::channel(Telemetry::default());
    let (views_out, views) = mpsc::channel::<(String, Bytes)>(VIEWS);
    let status = outbox.status();

    let (asks, asked) = mpsc::channel(ASKS);
    let registry = parts.registry.clone();
    let (downlink, door) = begin
        .map(|begin| {
            let seat = Seat {
                site: site_in_force.clone(),
                chain: parts.chain,
                registry,
                outbox: outbox.clone(),
                asks: asks.clone(),
                clock: Arc::clone(&clock),
            };
            Downlink::new(begin, seat)
        })
        .unzip();

    let uplink = link.map(|link| {
        let settings = uplink::Settings {
            topics: Topics::new(&site.id, &site.agent),
            agent: site.agent.clone(),
            chain: parts.chain,
            software: SOFTWARE.to_owned(),
            software_hash: software.hash.map(|it| it.to_string()),
            config: hex::encode(site.digest),
            window: site.uplink.as_ref().map_or(64, |uplink| u64::from(uplink.window)),
            registry: parts.registry,
        };
        let sender =
            Uplink::new(settings, link, outbox.clone(), Arc::clone(&clock), views, telemetry_out).with_door(door);
        let sender = match extra.relink {
            Some(make) => sender.relinking(Relink { sites: site_in_force.clone(), make }),
            None => sender,
        };
        tokio::spawn(beats.task("uplink", sender.run(stop_uplink.clone())))
    });

    let (arrivals_out, arrivals) = mpsc::channel::<Arrival>(ARRIVALS);
    let (desks, inboxes) = acquire::orders::desks(&site);
    let (crew, ports_door) =
        Crew::new(Arc::clone(&clock), parts.opener, arrivals_out, Arc::clone(&counters), beats.clone(), stop.clone());
    let crew = crew.with_orders(inboxes).holding_off(extra.held_off.keys().cloned().collect());
    let ports = tokio::spawn(crew.run(Arc::clone(&site)));
    live.set_limits_stale(limits_stale);
    let seat = camera::Parts {
        clock: Arc::clone(&clock),
        outbox: outbox.clone(),
        software: context.software.clone(),
        site: site_in_force.clone(),
    };
    let (pictures, cameras) = Cameras::spawn(&site, &seat);
    let inspector = Inspector::new(
        Arc::clone(&site),
        boot,
        seal::Standing { context, plan: None, origin: None },
        Arc::clone(&clock),
        outbox.clone(),
        Arc::clone(&live),
        parts.subjects,
        &notes,
        software.clone(),
        views_out,
    )
    .with_signed_tables(tables_are_signed)
    .with_cameras(pictures)
    .beating(beats.beat("inspector", INSPECTOR_ROUND));
    let stop_outputs = CancellationToken::new();
    let lamps = outputs::Parts {
        clock: Arc::clone(&clock),
        live: Arc::clone(&live),
        status: status.clone(),
        outbox: outbox.clone(),
    };
    let outputs = outputs::spawn(&site, &lamps, &desks, &stop_outputs);
    let pulse = Pulse {
        site: site_in_force.clone(),
        clock: Arc::clone(&clock),
        outbox: outbox.clone(),
        counters: Arc::clone(&counters),
        telemetry: telemetry.clone(),
        live: Arc::clone(&live),
        software: software.clone(),
    };
    let pulse = tokio::spawn(pulse.run(stop.clone()));
    let inspector =
        tokio::spawn(announced(beats.task("inspector", inspector.run(arrivals, asked, stop.clone())), ended.clone()));
    for (port, aborts) in &extra.held_off {
        hold_off(&outbox, port, aborts).await;
    }
    // It has nothing under way that would have to end first: what it was told and did not finish it is told again.
    let downlink = downlink.map(|it| tokio::spawn(it.run(stop.clone())));
    info!(site = site.id, agent = site.agent, boot, "agent started");
    Ok(Running {
        site: site_in_force,
        refused,
        beats,
        live,
        counters,
        status,
        telemetry,
        asks,
        outbox,
        software,
        clock,
        site_out,
        refused_out,
        ports_door,
        notes,
        stop,
        stop_outputs,
        stop_uplink,
        stop_keeper,
        ended,
        outputs,
        cameras,
        ports,
        inspector,
        pulse,
        keeper,
        uplink,
        downlink,
    })
}

/// Records that a port stays closed, and why.
async fn hold_off(outbox: &Outbox, port: &str, aborts: &[Abort]) {
    let last = aborts.last();
    let facts = vec![
        ("aborts".to_owned(), aborts.len().to_string()),
        ("last-at-ms".to_owned(), last.map_or(0, |it| it.at_ms).to_string()),
        ("why".to_owned(), last.map_or_else(String::new, |it| it.why.chars().take(200).collect())),
        ("hold-s".to_owned(), (poison::HOLD_MS / 1000).to_string()),
    ];
    error!(port, aborts = aborts.len(), "the port aborted the process again and again; it is held off");
    let (place, name, subject) = ("self".to_owned(), "port-held-off".to_owned(), Some(port.to_owned()));
    if let Err(refusal) = outbox.seal(seal::event(&Event { place, name, subject, facts }, None)).await {
        error!(port, %refusal, "that the port is held off is not recorded");
    }
}

/// Runs a stage and says when it has ended, in whatever way.
async fn announced<T>(stage: impl Future<Output = T>, ended: CancellationToken) -> T {
    let _guard = ended.drop_guard();
    stage.await
}

impl Running {
    /// Resolves when the inspector or the keeper has ended by itself: the disk is gone for good.
    pub async fn failed(&self) {
        self.ended.cancelled().await;
    }

    /// Puts other configurations into force: those of the site file at `path`. `uplink` says what is wrong with the TLS
    /// files that a site names.
    pub async fn reloader(&self, path: PathBuf, uplink: fn(&Site) -> Result<(), String>) -> Reloader {
        let kept = Kept::new(&self.site.borrow().store.dir);
        let seat = reload::Seat {
            site: self.site_out.clone(),
            refused: self.refused_out.clone(),
            asks: self.asks.clone(),
            outbox: self.outbox.clone(),
            ports: self.ports_door.clone(),
            counters: Arc::clone(&self.counters),
            live: Arc::clone(&self.live),
            clock: Arc::clone(&self.clock),
        };
        let reloader = Reloader::new(path, kept, seat, uplink);
        reloader.restore(&self.notes).await;
        reloader
    }

    /// Both clocks of this agent.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Stops along the row. Receipts are waited for no longer than `drain`; what has none by then
    /// stays in the outbox and is sent at the next start.
    ///
    /// # Errors
    ///
    /// When the store failed for good.
    pub async fn stop(self, drain: Duration) -> Result<Arc<Status>, StoreError> {
        info!("stopping");
        self.stop_outputs.cancel();
        let mut outputs = self.outputs;
        let safe = async { while outputs.join_next().await.is_some() {} };
        if timeout(SAFE_STATE, safe).await.is_err() {
            warn!("not every output could be left in its safe state");
        }
        self.stop.cancel();
        let _ = self.ports.await;
        let _ = self.inspector.await;
        // What was cued is still fetched: each camera has its own time-out.
        let mut cameras = self.cameras;
        let stills = async { while cameras.join_next().await.is_some() {} };
        if timeout(STILLS, stills).await.is_err() {
            warn!("not every still has come; the rest is lost");
        }
        if let Some(downlink) = self.downlink {
            let _ = downlink.await;
        }
        let _ = self.pulse.await;
        self.outbox.finish().await;
        let mut status = self.status;
        if self.uplink.is_some() {
            let receipted =
                status.wait_for(|status| status.head.is_none() || status.cursor.map(|it| it.upto_seq) >= status.head);
            if timeout(drain, receipted).await.is_err() {
                warn!("not everything has a receipt yet; the rest is sent at the next start");
            }
        }
        self.stop_uplink.cancel();
        if let Some(uplink) = self.uplink {
            let _ = uplink.await;
        }
        let last = Arc::clone(&status.borrow());
        self.stop_keeper.cancel();
        match self.keeper.await {
            Ok(result) => result?,
            Err(failure) => error!(%failure, "the keeper ended early"),
        }
        info!("stopped");
        Ok(last)
    }

    /// Drops every task where it stands, as a power cut would. For tests of what survives.
    pub fn abort(mut self) {
        self.outputs.abort_all();
        self.cameras.abort_all();
        self.stop.cancel();
        self.ports.abort();
        self.inspector.abort();
        self.pulse.abort();
        self.keeper.abort();
        if let Some(downlink) = self.downlink {
            downlink.abort();
        }
        if let Some(uplink) = self.uplink {
            uplink.abort();
        }
    }
}
