//! The central end without a network: the collector's core on a store, and what it was given.
//!
//! ```text
//! agent's uplink ─► door (window) ─► carrier ─► troubles ─► core ─► store
//!        ▲                              │                     │
//!        └── events, receipts ──────────┴◄─── receipt queue ◄─┘
//! ```
//!
//! The way here is [`super::way`]'s; which trouble hits which message is decided here, by the scene's seed.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tidewaiter_agent::clock::{Clock as _, RuntimeClock};
use tidewaiter_collector::{
    Action, Core, SqliteStore, Summary, Tables,
    core::ResendDue,
    keys as centre_keys,
    nodes::{self, Nodes},
    orders::{self, Review},
    receipts::{ReceiptDue, ReceiptQueue},
    store::Walk as _,
};
use tidewaiter_record::{
    Detail, Hash, InspectionDetail, Record, Registry, Report, Verifier,
    cbor::{CborError, Reader},
};
use tidewaiter_simulator::World as Truth;
use tokio::{sync::Notify, time::Instant};

use super::orders::{Order, Orders};
use crate::stand::{AGENT, SITE, Stand};

/// Receipts of one chain are at least this far apart.
const RECEIPT_INTERVAL_MS: u64 = 50;

/// How often the centre looks at open gaps.
const GAP_LOOK: Duration = Duration::from_secs(1);

/// Something that goes wrong between agent and centre for a while.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// From this scene time, milliseconds.
    pub from: i64,
    /// To this scene time.
    pub to: i64,
    /// One message in so many is hit, by the scene's seed; 1 hits all.
    pub one_in: u32,
    /// What happens to it.
    pub kind: TroubleKind,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// There is no connection.
    Offline,
    /// The broker acknowledges a publish and loses it.
    LostPublish,
    /// A publish arrives, its PUBACK does not.
    LostPuback,
    /// A publish arrives twice.
    Duplicate,
    /// A publish is acknowledged at once and arrives so many milliseconds late, behind later ones.
    Delayed(u64),
    /// Nobody is subscribed: PUBACK 0x10.
    NoSubscriber,
    /// A receipt does not arrive.
    LostReceipt,
}

/// One record as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Scene time, milliseconds.
    pub at_ms: i64,
    /// Sequence number.
    pub seq: u64,
    /// It came on the alert topic.
    pub alert: bool,
    /// It was here before.
    pub duplicate: bool,
}

/// The central end.
#[derive(Clone)]
pub struct Centre {
    inside: Arc<Mutex<Inside>>,
    clock: RuntimeClock,
    truth: Arc<Truth>,
    troubles: Arc<Vec<Trouble>>,
    store: PathBuf,
    registry: Arc<Registry>,
    spool: PathBuf,
    /// Orders wait for whoever carries.
    ordered: Arc<Notify>,
}

struct Inside {
    core: Core,
    receipts: ReceiptQueue,
    orders: Orders,
    retained: Option<ReceiptDue>,
    resends: VecDeque<ResendDue>,
    /// When open gaps are looked at next; none while a chain has no gap.
    look_at: Option<Instant>,
    deliveries: Vec<Delivery>,
    /// Evidence by its SHA-256, pieces by their offset.
    pieces: BTreeMap<String, BTreeMap<u64, Vec<u8>>>,
    failures: Vec<String>,
    chance: ChaCha8Rng,
    /// Messages on their way that outlive the connection they came by.
    late: BTreeMap<(Instant, u64), (String, Bytes)>,
    late_number: u64,
}

impl Inside {
    fn carry_out(&mut self, actions: Vec<Action>, now: i64) {
        for action in actions {
            match action {
                Action::Receipt(due) => self.receipts.push(due),
                Action::Announce(collected) => {
                    let waits = collected.stored && collected.receipted_upto < Some(collected.seq);
                    self.look_at = waits.then(|| self.look_at.unwrap_or_else(|| Instant::now() + GAP_LOOK));
                    self.deliveries.push(Delivery {
                        at_ms: now,
                        seq: collected.seq,
                        alert: collected.alert,
                        duplicate: collected.duplicate,
                    });
                }
                Action::Resend(due) => self.resends.push_back(due),
                Action::Head(_) => {}
                Action::Equivocation(it) => self.failures.push(format!("{it:?}")),
                Action::Refused(it) => self.failures.push(format!("{it:?}")),
                Action::Gap(it) => self.failures.push(format!("{it:?}")),
            }
        }
    }
}

impl Centre {
    pub(super) fn open(
        stand: &Stand,
        limits: &Path,
        registry: Registry,
        clock: RuntimeClock,
        truth: Arc<Truth>,
        troubles: Vec<Trouble>,
    ) -> Result<Self> {
        let folder = stand.dir.join("centre");
        let signer = centre_keys::load_signer(&folder.join(centre_keys::KEY_FILE)).map_err(|why| anyhow!("{why}"))?;
        let path = folder.join("collector.db");
        let store = SqliteStore::open(&path).map_err(|why| anyhow!("{why}"))?;
        let tables = Tables::load(Some(limits)).map_err(|why| anyhow!("{why}"))?;
        let mut core = Core::new(registry.clone(), Arc::new(signer), store, tables).map_err(|why| anyhow!("{why}"))?;
        core.set_nodes(nodes_of(&truth, &folder.join("nodes.toml"))?);
        let spool = folder.join("orders");
        let inside = Inside {
            core,
            receipts: ReceiptQueue::new(RECEIPT_INTERVAL_MS),
            orders: Orders::new(&spool),
            retained: None,
            resends: VecDeque::new(),
            look_at: None,
            deliveries: Vec::new(),
            pieces: BTreeMap::new(),
            failures: Vec::new(),
            chance: ChaCha8Rng::seed_from_u64(truth.scene().seed),
            late: BTreeMap::new(),
            late_number: 0,
        };
        let registry = Arc::new(registry);
        Ok(Self {
            inside: Arc::new(Mutex::new(inside)),
            clock,
            truth,
            troubles: Arc::new(troubles),
            store: path,
            registry,
            spool,
            ordered: Arc::new(Notify::new()),
        })
    }

    /// UTC milliseconds at the centre, whose clock never stops.
    pub fn wall_ms(&self) -> i64 {
        self.clock.now().wall_ms
    }

    /// The folder into which `authority publish` puts signed orders.
    pub fn spool(&self) -> &Path {
        &self.spool
    }

    /// Looks at the spool, as a running collector does every second: what is new goes out, and new tables are recomputed with.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub fn look_at_orders(&self) -> Result<()> {
        let mut inside = self.inside();
        let tables = inside.orders.look()?;
        inside.core.add_tables(tables);
        self.ordered.notify_one();
        Ok(())
    }

    /// What became of signed orders, by the records of the agents: what `authority status` shows.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn review(&self) -> Result<Review> {
        Ok(orders::review(&SqliteStore::open_read_only(&self.store)?)?)
    }

    /// What came in and what became of it.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn summary(&self) -> Result<Summary> {
        self.inside().core.summary().map_err(|why| anyhow!("{why}"))
    }

    /// Every record as it came in, repeats included, in order of arrival.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inside().deliveries.clone()
    }

    /// Signs a head over the log as it is, as a collector does every so often.
    ///
    /// # Errors
    ///
    /// When the store or the key fails.
    pub fn sign_head(&self) -> Result<u64> {
        let now_ms = self.wall_ms();
        let head = self.inside().core.issue_head(0, now_ms).map_err(|why| anyhow!("{why}"))?;
        Ok(head.number)
    }

    /// What the core did not take or could not do; empty in a world that works.
    pub fn failures(&self) -> Vec<String> {
        self.inside().failures.clone()
    }

    /// Bytes of every record stored, in chain order.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn stored(&self) -> Result<Vec<Vec<u8>>> {
        let store = SqliteStore::open_read_only(&self.store).map_err(|why| anyhow!("{why}"))?;
        let mut stored = Vec::new();
        for key in self.registry.keys().filter_map(|key| key.chain) {
            store.walk_chain(key, 0, |record| {
                stored.push(record.bytes);
                Ok::<_, anyhow::Error>(())
            })?;
        }
        Ok(stored)
    }

    /// Every record stored, parsed, in chain order.
    ///
    /// # Errors
    ///
    /// When the store cannot be read, or holds what is no record.
    pub fn records(&self) -> Result<Vec<Record>> {
        self.stored()?.iter().map(|bytes| Ok(tidewaiter_record::parse(bytes)?)).collect()
    }

    /// Every inspection stored, in chain order.
    ///
    /// # Errors
    ///
    /// As [`Centre::records`].
    pub fn inspections(&self) -> Result<Vec<InspectionDetail>> {
        let inspections = self.records()?.into_iter().filter_map(|record| match record.body.detail {
            Detail::Inspection(detail) => Some(*detail),
            _ => None,
        });
        Ok(inspections.collect())
    }

    /// The four answers of the verifier over everything stored and the newest receipt.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn verify(&self) -> Result<Report> {
        let stored = self.stored()?;
        let mut verifier = Verifier::new(&self.registry);
        for bytes in &stored {
            verifier.push(bytes);
        }
        if let Some(receipt) = &self.inside().retained {
            verifier.push_receipt(&receipt.bytes);
        }
        Ok(verifier.finish())
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trouble that hits a message now, of the kinds that `concerns` names.
    pub(super) fn trouble(&self, concerns: impl Fn(TroubleKind) -> bool) -> Option<TroubleKind> {
        let now = self.truth.now_ms();
        let mut inside = self.inside();
        let active = self.troubles.iter().filter(|it| it.from <= now && now < it.to && concerns(it.kind));
        active.into_iter().find(|it| it.one_in <= 1 || inside.chance.random_ratio(1, it.one_in)).map(|it| it.kind)
    }

    pub(super) fn deliver(&self, topic: &str, bytes: &[u8]) {
        let (now, wall_ms) = (self.truth.now_ms(), self.wall_ms());
        let mut inside = self.inside();
        match inside.core.accept(topic, bytes, wall_ms) {
            Ok(actions) => inside.carry_out(actions, now),
            Err(why) => inside.failures.push(why.to_string()),
        }
    }

    /// Takes a piece of evidence.
    pub(super) fn take_piece(&self, topic: &str, payload: &[u8]) {
        let read = || {
            let mut r = Reader::new(payload);
            r.array(4)?;
            let (_, _) = (r.uint()?, r.uint()?);
            let piece = (r.uint()?, r.bytes()?.to_vec());
            r.end()?;
            Ok::<_, CborError>(piece)
        };
        let sha256 = topic.rsplit('/').next().unwrap_or_default().to_owned();
        let mut inside = self.inside();
        match read() {
            Ok((offset, bytes)) => {
                inside.pieces.entry(sha256).or_default().insert(offset, bytes);
            }
            Err(why) => inside.failures.push(format!("{topic}: {why}")),
        }
    }

    /// A content as it came, piece by piece.
    pub fn content(&self, hash: Hash) -> Vec<u8> {
        self.inside().pieces.get(&hash.to_string()).into_iter().flat_map(BTreeMap::values).flatten().copied().collect()
    }

    /// The newest receipt, for a connection that begins.
    pub(super) fn retained(&self) -> Option<ReceiptDue> {
        self.inside().retained.clone()
    }

    /// The orders that the broker keeps, for a connection that begins.
    pub(super) fn retained_orders(&self) -> Vec<Order> {
        self.inside().orders.retained()
    }

    /// The order that may leave now; it is retained from then on.
    pub(super) fn order_due(&self) -> Option<Order> {
        let now = self.clock.now().mono_ms;
        let mut inside = self.inside();
        match inside.orders.due(now)? {
            Ok(order) => Some(order),
            Err(why) => {
                inside.failures.push(why.to_string());
                None
            }
        }
    }

    /// Resolves when orders may be due.
    pub(super) async fn ordered(&self) {
        self.ordered.notified().await;
    }

    /// Lets a message arrive later, whatever becomes of the connection it came by.
    pub(super) fn deliver_at(&self, at: Instant, topic: String, payload: Bytes) {
        let mut inside = self.inside();
        inside.late_number += 1;
        let number = inside.late_number;
        inside.late.insert((at, number), (topic, payload));
    }

    /// The request that may leave now.
    pub(super) fn resend_due(&self) -> Option<ResendDue> {
        self.inside().resends.pop_front()
    }

    /// Looks at open gaps, when it is time to.
    pub(super) fn look_at_gaps(&self) {
        let (now, wall_ms) = (self.truth.now_ms(), self.wall_ms());
        let mut inside = self.inside();
        if inside.look_at.is_none_or(|at| Instant::now() < at) {
            return;
        }
        inside.look_at = Some(Instant::now() + GAP_LOOK);
        match inside.core.tick(wall_ms) {
            Ok(actions) => inside.carry_out(actions, now),
            Err(why) => inside.failures.push(why.to_string()),
        }
    }

    pub(super) fn deliver_late(&self) {
        loop {
            let due = {
                let mut inside = self.inside();
                match inside.late.first_entry() {
                    Some(first) if first.key().0 <= Instant::now() => first.remove(),
                    _ => return,
                }
            };
            self.deliver(&due.0, &due.1);
        }
    }

    /// The receipt that may leave now; it is retained from then on.
    pub(super) fn receipt_due(&self) -> Option<ReceiptDue> {
        let now = self.clock.now().mono_ms;
        let mut inside = self.inside();
        let due = inside.receipts.peek(now)?.clone();
        inside.receipts.sent(due.chain, now);
        inside.retained = Some(due.clone());
        Some(due)
    }

    /// When something happens by itself next: a late message, a receipt, the beginning of an outage.
    pub(super) fn next(&self) -> Option<Instant> {
        let now = self.truth.now_ms();
        let inside = self.inside();
        let late = inside.late.first_key_value().map(|((at, _), _)| *at);
        let mono = self.clock.now().mono_ms;
        let receipt =
            inside.receipts.next_at().map(|at| Instant::now() + Duration::from_millis(at.saturating_sub(mono)));
        let outage =
            self.outages().map(|it| it.from).filter(|from| *from > now).min().map(|from| self.truth.instant(from));
        [late, receipt, outage, inside.look_at].into_iter().flatten().min()
    }

    fn outages(&self) -> impl Iterator<Item = &Trouble> {
        self.troubles.iter().filter(|it| it.kind == TroubleKind::Offline)
    }

    /// The end of the outage that lasts now.
    pub(super) fn away_until(&self) -> Option<Instant> {
        let now = self.truth.now_ms();
        self.outages().filter(|it| it.from <= now && now < it.to).map(|it| it.to).max().map(|to| self.truth.instant(to))
    }
}

/// The keys of the scene's nodes, as the centre's book has them.
fn nodes_of(truth: &Truth, path: &Path) -> Result<Nodes> {
    let scale = truth.scene().weighbridge.as_ref();
    let Some((scale, node)) = scale.and_then(|it| Some((it, it.node.as_ref()?))) else { return Ok(Nodes::default()) };
    let key = hex::decode(&node.key).ok().and_then(|it| it.try_into().ok()).context("a key of 32 bytes")?;
    if !path.exists() {
        let place = (SITE, AGENT, scale.id.as_str());
        nodes::add(path, place, &node.serial, &key, jiff::Timestamp::UNIX_EPOCH, BTreeMap::new())?;
    }
    Ok(nodes::load(path)?)
}
