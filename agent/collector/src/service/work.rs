//! The one task between broker and core.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use tidewaiter_config::limits::LimitTable;
use tidewaiter_mqtt::{Event, Message, NotTaken, PublishError, Publisher, Qos};
use tidewaiter_record::Registry;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Maker, RunError, blocking, manager::Manager, orders::Orders, outgoing::Outgoing};
use crate::{
    config::Config,
    core::{Action, Collected, Core, CoreError, Incoming},
    figures::running::Pulse,
    finding::Bad,
    keys::RegistryFile,
    receipts::ReceiptQueue,
    summary::Summary,
};

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

/// How often open gaps are looked at.
const GAP_LOOK: Duration = Duration::from_secs(1);

/// How often the registry file is looked at. An unknown key also asks for it, at once.
const REGISTRY_LOOK: Duration = Duration::from_secs(1);

/// What the task holds.
pub(super) struct Service {
    /// `None` only while a commit runs, or after it failed for good.
    core: Option<Core>,
    maker: Maker,
    registry: Registry,
    registry_file: RegistryFile,
    /// The link to the broker; `None` before the first.
    publisher: Option<Publisher>,
    receipts: ReceiptQueue,
    outgoing: Outgoing,
    /// When the next head of the log is issued.
    head_due: Instant,
    head_interval: Duration,
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
    /// Signed orders on their way to agents, where there is a spool.
    pub(super) orders: Option<Orders>,
    /// Where it is told how things stand.
    pulse: Pulse,
    receipts_sent: u64,
}

impl Service {
    /// Nothing received, nothing owed; receipts are asked of the core at the first connection.
    pub(super) fn new(
        core: Core,
        maker: Maker,
        (registry, registry_file): (Registry, RegistryFile),
        events: mpsc::Sender<Collected>,
        (pulse, config): (Pulse, &Config),
    ) -> Self {
        Self {
            core: Some(core),
            maker,
            registry,
            registry_file,
            publisher: None,
            receipts: ReceiptQueue::new(u64::try_from(config.centre.receipt_interval.as_millis()).unwrap_or(u64::MAX)),
            outgoing: Outgoing::default(),
            head_due: Instant::now(),
            head_interval: config.centre.head_interval,
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
            orders: None,
            pulse,
            receipts_sent: 0,
        }
    }

    /// Goes on with a new link: what was on its way by an old one is void.
    pub(super) fn begin(&mut self, publisher: Publisher) {
        self.publisher = Some(publisher);
        self.batch.clear();
        self.due = None;
        (self.connected, self.in_flight) = (false, 0);
        self.pulse.connected(false);
    }

    pub(super) const fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Goes on with a core on a store opened anew.
    pub(super) fn go_on_with(&mut self, core: Core) {
        self.core = Some(core);
        self.head_due = Instant::now();
    }

    pub(super) const fn maker(&self) -> &Maker {
        &self.maker
    }

    pub(super) const fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn set_orders(&mut self, (orders, tables): (Orders, Vec<LimitTable>)) {
        self.orders = Some(orders);
        self.add_tables(tables);
    }

    /// Recomputes with these tables too, also on a store opened anew.
    pub(super) fn add_tables(&mut self, tables: Vec<LimitTable>) {
        if tables.is_empty() {
            return;
        }
        tracing::info!(tables = tables.len(), "tables of the spool, to recompute with");
        self.maker.tables.limits.extend(tables.iter().cloned());
        if let Some(core) = &mut self.core {
            core.add_tables(tables);
        }
    }

    pub(super) async fn work(
        &mut self,
        link: &mut mpsc::Receiver<Event>,
        stop: &CancellationToken,
    ) -> Result<(), RunError> {
        let mut look = tokio::time::interval(REGISTRY_LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut gaps = tokio::time::interval(GAP_LOOK);
        gaps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut manager = Manager::new();
        Manager::ready();
        loop {
            self.publish();
            self.publish_orders();
            let (receipts, dropped, in_hand) = (self.receipts_sent, self.dropped, self.batch.len());
            self.pulse.round(|it| {
                (it.receipts_sent, it.announcements_dropped, it.in_hand) = (receipts, dropped, in_hand);
            });
            let wake = self.receipt_wake();
            tokio::select! {
                () = stop.cancelled() => {
                    Manager::stopping();
                    return Ok(());
                }
                () = manager.round() => manager.answer(self.connected),
                event = link.recv() => self.on_event(event.ok_or(RunError::Ended("the link to the broker"))?).await?,
                () = at(self.due) => self.commit().await?,
                () = at(wake) => {}
                () = sleep_until(self.head_due) => self.issue_head().await?,
                _ = gaps.tick() => self.act_on_core(Core::tick).await?,
                _ = look.tick() => {
                    self.reload();
                    self.look_at_orders();
                    self.look_for_results().await?;
                }
            }
        }
    }

    /// Issues a head of the log, and owes it to everybody.
    async fn issue_head(&mut self) -> Result<(), RunError> {
        self.head_due = Instant::now() + self.head_interval;
        let interval_ms = i64::try_from(self.head_interval.as_millis()).unwrap_or(i64::MAX);
        let (issued, newest) = self
            .on_core(move |core, now_ms| Ok((core.issue_head_if_due(interval_ms, now_ms)?, core.newest_head())))
            .await?;
        match (issued, newest) {
            (Some(head), _) => self.carry_out(Action::Head(head)).await,
            (None, newest) => {
                // Another collector has issued it, and published it too.
                if let Some(head) = &newest {
                    self.outgoing.know(head);
                }
                Ok(())
            }
        }
    }

    /// Commits what has come, and gives the last receipts a moment to leave.
    pub(super) async fn drain(&mut self, link: &mut mpsc::Receiver<Event>) -> Result<(), RunError> {
        let until = Instant::now() + DRAIN_WITHIN;
        self.commit().await?;
        // What was taken in last is then covered too, and can be proved while nothing runs.
        if self.core()?.is_ahead_of_heads() {
            self.act_on_core(|core, now_ms| Ok(vec![Action::Head(core.issue_head(0, now_ms)?)])).await?;
        }
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
                self.due.get_or_insert_with(|| Instant::now() + self.commit_time);
                if self.batch.len() >= self.commit_records {
                    self.commit().await?;
                }
            }
            Event::Connected { window, .. } => {
                tracing::info!(window, "broker connected");
                self.connected = true;
                self.pulse.connected(true);
                // What was in flight is void, and a broker that lost its memory has no retained receipts.
                self.outgoing.connected();
                self.act_on_core(|core, _| Ok(core.receipts()?.into_iter().map(Action::Receipt).collect())).await?;
                if let Some(orders) = &mut self.orders {
                    orders.connected();
                }
            }
            Event::Subscribed => tracing::debug!("subscribed"),
            Event::Disconnected { why } => {
                tracing::warn!(why, "broker disconnected");
                (self.connected, self.in_flight) = (false, 0);
                self.pulse.connected(false);
            }
            // Flow control only. A receipt that is lost is answered to the next duplicate.
            Event::Acked { .. } | Event::NotTaken { reason: NotTaken::NoSubscriber, .. } => {
                self.in_flight = self.in_flight.saturating_sub(1);
            }
            Event::NotTaken { reason, .. } => {
                self.in_flight = self.in_flight.saturating_sub(1);
                tracing::warn!(
                    ?reason,
                    "the broker did not take a message to an agent; check what the centre may publish"
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
            match self.hand_over(message) {
                Ok(()) => self.receipts_sent += 1,
                // An answer, or the next connection, comes as an event and leads here again.
                Err(PublishError::Offline | PublishError::WindowFull) => return,
                Err(error @ PublishError::TooLarge { .. }) => {
                    tracing::error!(%chain, %error, "receipt cannot be published");
                }
            }
            self.receipts.sent(chain, now_ms);
        }
        while let Some(message) = self.outgoing.peek() {
            match self.hand_over(message) {
                Ok(()) => {}
                Err(PublishError::Offline | PublishError::WindowFull) => return,
                Err(error @ PublishError::TooLarge { .. }) => tracing::error!(%error, "message cannot be published"),
            }
            self.outgoing.sent();
        }
    }

    /// Hands one message to the link and counts it.
    pub(super) fn hand_over(&mut self, message: Message) -> Result<(), PublishError> {
        self.publisher.as_ref().ok_or(PublishError::Offline)?.try_publish(message, self.token)?;
        self.token = self.token.wrapping_add(1);
        self.in_flight += 1;
        Ok(())
    }

    /// When a receipt that is held back may leave; never while the link takes none.
    fn receipt_wake(&self) -> Option<Instant> {
        if self.publisher.as_ref().is_none_or(|it| it.free() == 0) {
            return None;
        }
        self.receipts.next_at().map(|at_ms| self.began + Duration::from_millis(at_ms))
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn commit(&mut self) -> Result<(), RunError> {
        self.due = None;
        if self.batch.is_empty() {
            return Ok(());
        }
        // A key that was closed a moment ago signs nothing more: looked at before each commit, not each second.
        self.reload();
        let batch = std::mem::take(&mut self.batch);
        self.act_on_core(move |core, _| core.accept_batch(&batch)).await
    }

    /// Lets the core work, and does what comes of it.
    async fn act_on_core(
        &mut self,
        work: impl Fn(&mut Core, i64) -> Result<Vec<Action>, CoreError> + Send + Sync + 'static,
    ) -> Result<(), RunError> {
        for action in self.on_core(work).await? {
            self.carry_out(action).await?;
        }
        Ok(())
    }

    /// Lets the core work on a blocking thread, on a store opened anew where the old one fails.
    pub(super) async fn on_core<T: Send + 'static>(
        &mut self,
        work: impl Fn(&mut Core, i64) -> Result<T, CoreError> + Send + Sync + 'static,
    ) -> Result<T, RunError> {
        let work = Arc::new(work);
        let mut attempt = 0;
        loop {
            let mut core = self.core.take().ok_or(RunError::Ended("the store"))?;
            let work = Arc::clone(&work);
            // A core that has failed is dropped there too: its store may wait for its connection to close.
            let (core, outcome) = blocking(move || match work(&mut core, Timestamp::now().as_millisecond()) {
                Ok(done) => (Some(core), Ok(done)),
                Err(error) => (None, Err(error)),
            })
            .await?;
            match outcome {
                Ok(done) => {
                    self.core = core;
                    return Ok(done);
                }
                Err(CoreError::Store(error)) if attempt < REOPEN_ATTEMPTS => {
                    attempt += 1;
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        attempt,
                        "the store failed; opening it anew"
                    );
                    sleep(REOPEN_PAUSE).await;
                    self.core = Some(self.maker.open(self.registry.clone()).await?);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn carry_out(&mut self, action: Action) -> Result<(), RunError> {
        match action {
            Action::Receipt(receipt) => {
                // As the core read it in its last turn: another collector may have issued a newer one than we did.
                if let Some(head) = self.core.as_ref().and_then(Core::newest_head) {
                    self.outgoing.know(&head);
                }
                self.outgoing.greet(&receipt.site, &receipt.agent);
                self.receipts.push(receipt);
            }
            Action::Resend(due) => {
                tracing::info!(agent = due.agent, chain = %due.chain, from = due.from_seq, upto = due.upto_seq, "records are missing; asking for them");
                self.outgoing.ask(due);
            }
            Action::Head(head) => {
                tracing::debug!(number = head.number, size = head.size, "head of the log issued");
                let to = self.on_core(|core, _| core.addressees()).await?;
                self.outgoing.announce(&head, to);
            }
            Action::Gap(gap) => {
                tracing::error!(chain = %gap.chain, from = gap.from_seq, upto = gap.upto_seq, asked = gap.asked, "records have been missing for more than 15 minutes; ask the site");
            }
            Action::Announce(collected) => {
                if let Some(orders) = &mut self.orders {
                    orders.record(&collected);
                }
                self.announce(*collected).await;
            }
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
        Ok(())
    }

    async fn announce(&mut self, collected: Collected) {
        let sent = if self.reader_is_stuck {
            self.events.try_send(collected).map_err(|it| matches!(it, mpsc::error::TrySendError::Full(_)))
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
                    tracing::warn!("the reader of results is stuck; records are stored without being announced");
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
                if let Some(Err(error)) = self.core.as_mut().map(|it| it.set_registry(registry.clone())) {
                    tracing::warn!(%error, "the changed registry is not taken; the old one stays in force");
                    return;
                }
                tracing::info!(keys = registry.keys().count(), "registry read again");
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

    pub(super) async fn summary(&mut self) -> Result<Summary, RunError> {
        let mut summary = self.on_core(|core, _| core.summary()).await?;
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
