//! The task that takes orders and sees them through.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tidewaiter_config::{
    limits::{self, LimitTable},
    site::Site,
};
use tidewaiter_record::{
    ChainId, Hash, Registry,
    mandate::{Approved, Authority, Docket, Kind, MandateError, Outcome},
    open_head,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    AUTHORITY_NOTE, Begin, DOCKET_NOTE, Door, Incoming, ORDERS, What,
    begin::{Shelf, Unusable},
    tell::{self, Throttle},
    waiting::Waiting,
};
use crate::{
    clock::Clock,
    inspector::Ask,
    outbox::{Draft, Outbox, Refusal},
};

/// How often what could not be recorded is tried again.
const BEAT: Duration = Duration::from_secs(1);
/// The newest beacon is kept at most this often by itself; a start may see one a minute old.
const KEEP_BEACON_MS: u64 = 60_000;
/// How long limits and assignment may disagree before the chain says so: new ones come one after the other.
pub(super) const DISAGREE_MS: u64 = 60_000;

/// Who takes the orders, and with what.
#[derive(Debug)]
pub struct Seat {
    /// The site as loaded.
    pub site: Arc<Site>,
    /// The agent's chain.
    pub chain: ChainId,
    /// Keys: the centre's sign beacons.
    pub registry: Registry,
    /// Where records go.
    pub outbox: Outbox,
    /// Where tables, plans and what commands ask for go.
    pub asks: mpsc::Sender<Ask>,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
}

/// The task before it runs.
#[derive(Debug)]
pub struct Downlink {
    pub(super) seat: Seat,
    pub(super) authority: Authority,
    pub(super) docket: Docket,
    shelf: Shelf,
    closed: Option<String>,
    waiting: Waiting,
    orders: mpsc::Receiver<Incoming>,
    pub(super) agrees: watch::Receiver<Option<bool>>,
    throttle: Throttle,
    /// The result of a command that could not be recorded yet.
    pub(super) owed: Option<Draft>,
    beacon_kept_ms: Option<u64>,
    disagreement: Option<Disagreement>,
}

/// Limits and assignment that are held and do not go together.
#[derive(Clone, Copy, Debug)]
struct Disagreement {
    since_ms: u64,
    told: bool,
}

impl Downlink {
    /// A task that goes on from `begin`, and the door to it.
    pub fn new(begin: Begin, seat: Seat) -> (Self, Door) {
        let (sender, orders) = mpsc::channel(ORDERS);
        let (fits, agrees) = watch::channel(None);
        let downlink = Self {
            seat,
            authority: begin.authority,
            docket: begin.docket,
            shelf: begin.shelf,
            closed: begin.closed,
            waiting: Waiting::default(),
            orders,
            agrees,
            throttle: Throttle::default(),
            owed: None,
            beacon_kept_ms: None,
            disagreement: None,
        };
        (downlink, Door { orders: sender, agrees: fits })
    }

    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        if let Some(why) = self.closed.take() {
            let _ = self.seat.outbox.seal(tell::event("authority-state-lost", None, &[("why", why)])).await;
            stop.cancelled().await;
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work() => {}
        }
    }

    async fn work(&mut self) {
        self.start().await;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(order) => self.take(order).await,
                    None => return,
                },
                _ = beat.tick() => self.settle_debts().await,
            }
        }
    }

    /// Says what judges from this start on, and what became of a command that was running.
    pub(super) async fn start(&mut self) {
        self.answer_interrupted().await;
        if self.authority.standing().is_some() {
            let next = self.authority.clone();
            self.switch(next).await;
        }
        self.agree().await;
    }

    /// Takes one order.
    pub(super) async fn take(&mut self, Incoming { what, payload }: Incoming) {
        match what {
            What::Metadata(kind) => {
                if self.offer(kind, payload).await {
                    self.disagreement = None;
                    self.agree().await;
                }
            }
            What::Table => match self.shelf.put(&self.authority, &payload) {
                Ok(()) => self.agree().await,
                Err(MandateError::NotWanted { .. }) => self.waiting.table(payload),
                Err(why) => self.refused("table", &why).await,
            },
            What::Plan => {
                self.waiting.plan = Some(payload);
                self.plan().await;
            }
            What::Command => self.command(&payload).await,
            What::Beacon => self.beacon(&payload).await,
        }
    }

    /// Offers a document to the authority and keeps what it accepted; says whether anything changed.
    async fn offer(&mut self, kind: Kind, bytes: Bytes) -> bool {
        let mut changed = false;
        let mut next = Some((kind, bytes));
        while let Some((kind, bytes)) = next.take() {
            let mut authority = self.authority.clone();
            match authority.offer(&bytes) {
                Ok(Outcome::Known) => {}
                Ok(outcome) => {
                    if !self.keep(authority, outcome).await {
                        // It is offered again at the next connection.
                        return changed;
                    }
                    changed = true;
                    if let Outcome::Root { version, .. } = outcome {
                        info!(version, "another root of signed orders");
                    }
                }
                Err(MandateError::MissingRoot { found, .. }) => self.waiting.root(found, bytes),
                Err(why) => {
                    // A root that is on its way may bring the keys that are missing now.
                    match (kind, &why) {
                        (Kind::Limits, MandateError::Threshold { .. }) => self.waiting.limits = Some(bytes),
                        (Kind::Assignment, MandateError::Threshold { .. }) => self.waiting.assignment = Some(bytes),
                        _ => {}
                    }
                    self.refused(kind.word(), &why).await;
                    return changed;
                }
            }
            let root = self.waiting.take_root(self.authority.root_version() + 1);
            next = root.map(|it| (Kind::Root, it));
            if next.is_none() && changed {
                next = self.waiting.limits.take().map(|it| (Kind::Limits, it));
                next = next.or_else(|| self.waiting.assignment.take().map(|it| (Kind::Assignment, it)));
            }
        }
        changed
    }

    /// Makes what was accepted durable before anything follows from it.
    async fn keep(&mut self, authority: Authority, outcome: Outcome) -> bool {
        let mut docket = self.docket.clone();
        let mut notes = vec![(AUTHORITY_NOTE.to_owned(), Some(authority.save()))];
        if let Outcome::Root { floors: Some(floors), .. } = outcome {
            docket.set_floor(floors.command);
            notes.push((DOCKET_NOTE.to_owned(), Some(docket.save())));
        }
        match self.seat.outbox.notes(notes).await {
            Ok(()) => {
                (self.authority, self.docket) = (authority, docket);
                true
            }
            Err(refusal) => {
                warn!(%refusal, "a signed order could not be kept; it is taken when it comes again");
                false
            }
        }
    }

    /// Makes active what limits and assignment agree on, once every table of it is there.
    async fn agree(&mut self) {
        for bytes in self.waiting.take_tables() {
            if self.shelf.put(&self.authority, &bytes).is_err() {
                self.waiting.table(bytes);
            }
        }
        let candidate = self.authority.candidate();
        self.disagreement = match (&candidate, self.disagreement) {
            (Ok(_), _) => None,
            (Err(_), Some(before)) => Some(before),
            (Err(_), None) => Some(Disagreement { since_ms: self.seat.clock.now().mono_ms, told: false }),
        };
        match candidate {
            Ok(None) => self.complete().await,
            Ok(Some(candidate)) => match self.find(&candidate.tables) {
                Ok(_) => {
                    let mut next = self.authority.clone();
                    if next.activate().is_ok_and(|it| it.is_some()) && self.switch(next).await {
                        let (root, limits, assignment) = candidate.versions;
                        info!(root, limits, assignment, "signed limit tables in force");
                        self.plan().await;
                    }
                }
                Err((_, Unusable::Missing)) => {}
                Err((id, Unusable::Faulty(why))) => {
                    let why = MandateError::Unsound { kind: Kind::Limits, why: format!("table {id}: {why}") };
                    self.refused("table", &why).await;
                }
            },
            // The other one may be on its way.
            Err(_) => {}
        }
    }

    /// Says that limits and assignment do not go together, once, when they have not for a while.
    async fn tell_disagreement(&mut self) {
        let now_ms = self.seat.clock.now().mono_ms;
        let Some(it) = &mut self.disagreement else { return };
        if it.told || now_ms.saturating_sub(it.since_ms) < DISAGREE_MS {
            return;
        }
        it.told = true;
        if let Err(why) = self.authority.candidate() {
            self.refused("assignment", &why).await;
        }
    }

    /// Tables of what is active that were missing at the start may have come.
    async fn complete(&mut self) {
        let Some(standing) = self.authority.standing() else { return };
        let (reply, answer) = oneshot::channel();
        if self.seat.asks.send(Ask::InForce { reply }).await.is_err() {
            return;
        }
        let Ok(in_force) = answer.await else { return };
        let lacks = |it: &&Approved| !in_force.contains(&it.hash) && self.shelf.table(it).is_ok();
        if standing.tables.iter().any(|it| lacks(&it)) {
            let next = self.authority.clone();
            self.switch(next).await;
        }
    }

    /// All of these tables, or the first that cannot judge.
    fn find(&self, wanted: &[Approved]) -> Result<Vec<LimitTable>, (String, Unusable)> {
        let found = wanted
            .iter()
            .map(|it| self.shelf.table(it).map_err(|why| (it.id.clone(), why)))
            .collect::<Result<Vec<_>, _>>()?;
        match limits::clash(&found) {
            None => Ok(found),
            Some(clash) => {
                Err((wanted.first().map_or_else(String::new, |it| it.id.clone()), Unusable::Faulty(clash.to_string())))
            }
        }
    }

    /// The one switch: record and state in one commit, then the inspector's tables.
    async fn switch(&mut self, next: Authority) -> bool {
        let Some(standing) = next.standing() else { return false };
        let tables: Vec<LimitTable> = standing.tables.iter().filter_map(|it| self.shelf.table(it).ok()).collect();
        let mut draft = tell::limits(&standing, &tables, Hash(self.seat.site.digest));
        draft.notes = vec![(AUTHORITY_NOTE.to_owned(), Some(next.save()))];
        let (reply, answer) = oneshot::channel();
        let stale = standing.stale;
        if self.seat.asks.send(Ask::Tables { tables, stale, draft: Box::new(draft), reply }).await.is_err() {
            return false;
        }
        match answer.await {
            Ok(Ok(())) => {
                self.authority = next;
                self.sweep();
                true
            }
            Ok(Err(refusal)) => {
                warn!(%refusal, "signed limit tables could not be made active; those before stay in force");
                false
            }
            Err(_) => false,
        }
    }

    /// Lets go of table files that nothing names any more.
    fn sweep(&self) {
        // While something waits for its tables, some of them may be here already.
        if !matches!(self.authority.candidate(), Ok(None)) {
            return;
        }
        if let Some(standing) = self.authority.standing() {
            let wanted: Vec<Hash> = standing.tables.iter().chain(&standing.refused).map(|it| it.hash).collect();
            self.shelf.vault.keep_only(&wanted);
        }
    }

    async fn plan(&mut self) {
        let Some(bytes) = &self.waiting.plan else { return };
        match self.authority.plan(bytes) {
            Ok(plan) => {
                let (reply, answer) = oneshot::channel();
                let name = format!("{} {}", plan.id, plan.version);
                if self.seat.asks.send(Ask::Plan { name, text: plan.text, reply }).await.is_ok()
                    && matches!(answer.await, Ok(Ok(())))
                {
                    self.waiting.plan = None;
                }
            }
            // The assignment that names it may be on its way.
            Err(why) => {
                let stays = matches!(why, MandateError::PlanNotAssigned { .. } | MandateError::Threshold { .. });
                if !stays {
                    self.waiting.plan = None;
                }
                self.refused("plan", &why).await;
            }
        }
    }

    async fn beacon(&mut self, bytes: &[u8]) {
        let Ok(head) = open_head(bytes, &self.seat.registry) else {
            let why = MandateError::ContentType("no beacon of the centre".to_owned());
            return self.refused("beacon", &why).await;
        };
        let before = self.authority.standing().is_some_and(|it| it.stale);
        let mut next = self.authority.clone();
        if !next.see_beacon(head.number) {
            return;
        }
        if next.standing().is_some_and(|it| it.stale) != before {
            warn!(beacon = head.number, "the signed limit tables are no longer fresh");
            self.switch(next).await;
            return;
        }
        let now_ms = self.seat.clock.now().mono_ms;
        let due = self.beacon_kept_ms.is_none_or(|last| now_ms.saturating_sub(last) >= KEEP_BEACON_MS);
        if due {
            self.beacon_kept_ms = Some(now_ms);
            let notes = vec![(AUTHORITY_NOTE.to_owned(), Some(next.save()))];
            if let Err(refusal) = self.seat.outbox.notes(notes).await {
                warn!(%refusal, "the newest beacon could not be kept");
            }
        }
        self.authority = next;
    }

    /// Tries again what could not be recorded, and tells what does not pass by itself.
    pub(super) async fn settle_debts(&mut self) {
        if let Some(draft) = self.owed.take() {
            self.seal_result(draft).await;
        }
        self.tell_disagreement().await;
    }

    /// Counts what was not taken, and says so at most once a minute and cause.
    pub(super) async fn refused(&mut self, kind: &'static str, why: &MandateError) {
        let now_ms = self.seat.clock.now().mono_ms;
        let Some(count) = self.throttle.pass(kind, why.cause(), now_ms) else { return };
        warn!(kind, cause = why.cause(), %why, count, "a signed order was not taken");
        let facts = [("cause", why.cause().to_owned()), ("why", why.to_string()), ("count", count.to_string())];
        let sealed: Result<_, Refusal> = self.seat.outbox.seal(tell::event("order-refused", Some(kind), &facts)).await;
        if let Err(refusal) = sealed {
            warn!(%refusal, "the refusal of a signed order was not recorded");
        }
    }
}
