//! The sending loop: a window of un-receipted records, alerts first, rewind on every connection.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use tidewaiter_config::site::Site;
use tidewaiter_mqtt::{Event, Message, NotTaken, PublishError, Qos};
use tidewaiter_record::{ChainId, Hash, Registry};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    Link, RECEIPT_PATIENCE, StateMessage, Telemetry, Topics,
    again::Again,
    pieces::{self, PIECE_BYTES, Pieces, TOKENS},
};
use crate::{
    clock::Clock,
    downlink::{self, Door},
    outbox::{BeaconAnswer, Cursor, Entry, Outbox, ReceiptAnswer, Status},
};

/// Records read from the outbox at once.
const READ_AHEAD: usize = 32;
/// Alerts sent ahead that wait for their place in the chain at most; beyond it they go in order only.
const ALERTS_AHEAD: usize = 256;
/// After a refusal by the broker nothing is sent for this long.
const REFUSAL_PAUSE: Duration = Duration::from_secs(5);
/// How often state is published when nothing changes, and how often a stalled window is looked at.
const BEAT: Duration = Duration::from_secs(1);
/// Token space: records use their sequence number, alerts set this bit, the rest sets the next one, and pieces of
/// evidence among the rest set the one below.
const ALERT: u64 = 1 << 62;
const OTHER: u64 = 1 << 63;
const PIECE: u64 = OTHER | 1 << 61;

/// Who sends, and how much at once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Topic tree.
    pub topics: Topics,
    /// Agent id.
    pub agent: String,
    /// Chain.
    pub chain: ChainId,
    /// Program name and version.
    pub software: String,
    /// SHA-256 of the executable file, hex, where it could be read.
    pub software_hash: Option<String>,
    /// SHA-256 of the site file, hex.
    pub config: String,
    /// Records without a receipt that may be under way.
    pub window: u64,
    /// Keys: the centre's is the one that counts here.
    pub registry: Registry,
}

/// The sender.
#[derive(Debug)]
pub struct Uplink<L> {
    settings: Settings,
    link: L,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    views: mpsc::Receiver<(String, Bytes)>,
    telemetry: watch::Sender<Telemetry>,
    online: bool,
    next: u64,
    read: std::collections::VecDeque<Entry>,
    again: Again,
    alerts_seen: Option<u64>,
    alerts_out: BTreeSet<u64>,
    pieces: Pieces,
    progress_at: Instant,
    paused_until: Option<Instant>,
    pieces_paused_until: Option<Instant>,
    state_sent: Option<(StateMessage, Instant)>,
    /// Where signed orders go, if any are taken.
    door: Option<Door>,
    relink: Option<Relink<L>>,
}

/// Makes a link for another site, with the keys believed for receipts then. `None` where the link of before still does.
pub type MakeLink<L> = Box<dyn FnMut(&Site) -> Result<(Option<L>, Registry), String> + Send>;

/// How the sender goes over to another site.
pub struct Relink<L> {
    /// The site in force.
    pub sites: watch::Receiver<Arc<Site>>,
    /// Makes its link.
    pub make: MakeLink<L>,
}

impl<L> std::fmt::Debug for Relink<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relink").finish_non_exhaustive()
    }
}

/// Resolves when the site is another.
async fn turned<L>(relink: &mut Option<Relink<L>>) {
    if let Some(relink) = relink
        && relink.sites.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

impl<L: Link> Uplink<L> {
    /// A sender over `link`. `views` carries live values as topic and JSON; they are dropped when offline.
    pub fn new(
        settings: Settings,
        link: L,
        outbox: Outbox,
        clock: Arc<dyn Clock>,
        views: mpsc::Receiver<(String, Bytes)>,
        telemetry: watch::Sender<Telemetry>,
    ) -> Self {
        Self {
            settings,
            link,
            outbox,
            clock,
            views,
            telemetry,
            online: false,
            next: 0,
            read: std::collections::VecDeque::new(),
            again: Again::default(),
            alerts_seen: None,
            alerts_out: BTreeSet::new(),
            pieces: Pieces::default(),
            progress_at: Instant::now(),
            paused_until: None,
            pieces_paused_until: None,
            state_sent: None,
            door: None,
            relink: None,
        }
    }

    /// Hands signed orders on.
    #[must_use]
    pub fn with_door(mut self, door: Option<Door>) -> Self {
        self.door = door;
        self
    }

    /// Follows the site in force.
    #[must_use]
    pub fn relinking(mut self, relink: Relink<L>) -> Self {
        self.relink = Some(relink);
        self
    }

    /// The site is another: says so to the centre, and goes over to another link where it names another broker.
    fn follow(&mut self) {
        let Some(relink) = &mut self.relink else { return };
        let site = Arc::clone(&relink.sites.borrow_and_update());
        self.settings.config = hex::encode(site.digest);
        if let Some(uplink) = &site.uplink {
            self.settings.window = u64::from(uplink.window);
        }
        match (relink.make)(&site) {
            Ok((link, registry)) => {
                self.settings.registry = registry;
                if let Some(link) = link {
                    info!("going over to another broker");
                    // What the old link had under way has no receipt, and is sent again.
                    self.link = link;
                    self.online = false;
                    self.state_sent = None;
                    let now = self.clock.now().mono_ms;
                    self.telemetry.send_modify(|it| {
                        it.online = false;
                        it.offline_since_mono_ms.get_or_insert(now);
                    });
                }
            }
            Err(why) => {
                error!(why, "the uplink stays as it was");
                self.telemetry.send_modify(|it| it.last_failure = Some(why));
            }
        }
    }

    /// Runs until `stop`; whatever has no receipt then stays in the outbox for the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut status = self.outbox.status();
        let offline_since = self.clock.now().mono_ms;
        self.telemetry.send_modify(|it| it.offline_since_mono_ms = Some(offline_since));
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut views_open = true;
        loop {
            let pause = self.paused_until.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                event = self.link.event() => match event {
                    Some(event) => self.on_event(event).await,
                    None => break,
                },
                changed = status.changed() => if changed.is_err() { break },
                () = sleep_until(pause), if self.paused_until.is_some() => self.paused_until = None,
                view = self.views.recv(), if views_open => match view {
                    Some((instrument, payload)) => self.publish_view(&instrument, payload),
                    None => views_open = false,
                },
                () = turned(&mut self.relink) => self.follow(),
                _ = beat.tick() => {}
            }
            let now = Arc::clone(&status.borrow_and_update());
            if self.online {
                self.look_for_stall(&now);
                self.send_alerts(&now).await;
                self.send_again().await;
                self.send_records(&now).await;
                self.send_pieces().await;
                self.send_state("online", &now);
            }
        }
        if self.online {
            let now = Arc::clone(&status.borrow());
            self.state_sent = None;
            self.send_state("stopped", &now);
        }
    }

    async fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected { .. } => {
                info!("uplink connected");
                self.online = true;
                self.paused_until = None;
                self.state_sent = None;
                self.rewind();
                self.telemetry.send_modify(|it| {
                    it.online = true;
                    it.offline_since_mono_ms = None;
                });
            }
            Event::Disconnected { why } => {
                if self.online {
                    warn!(why, "uplink down; records stay in the outbox");
                }
                let was_online = std::mem::replace(&mut self.online, false);
                let now = self.clock.now().mono_ms;
                self.telemetry.send_modify(|it| {
                    it.online = false;
                    if was_online || it.offline_since_mono_ms.is_none() {
                        it.offline_since_mono_ms = Some(now);
                    }
                    it.last_failure = Some(why);
                });
            }
            Event::Acked { token } if token & (ALERT | OTHER) == 0 => {
                self.telemetry.send_modify(|it| {
                    it.sent += 1;
                    it.sent_upto = it.sent_upto.max(Some(token));
                });
            }
            Event::Acked { token } if token & PIECE == PIECE => {
                // A large content takes longer than a receipt may; it is under way, not stuck.
                self.progress_at = Instant::now();
                self.pieces.acked(token & TOKENS);
                self.telemetry.send_modify(|it| it.pieces_sent += 1);
            }
            Event::NotTaken { token, reason } if token & PIECE == PIECE => {
                if self.pieces_paused_until.is_none() {
                    warn!(%reason, "the broker did not take a piece of evidence: may this agent publish evidence/#?");
                }
                // Records and alerts go on: a broker may refuse this topic alone.
                self.pieces_paused_until = Some(Instant::now() + REFUSAL_PAUSE);
                self.pieces.rewind();
            }
            Event::NotTaken { token, reason } if token & OTHER == 0 => self.not_taken(token & !ALERT, &reason),
            Event::Message(incoming) if incoming.topic == self.settings.topics.receipt() => {
                self.on_receipt(&incoming.payload).await;
            }
            Event::Message(incoming) if incoming.topic == self.settings.topics.resend() => {
                self.on_resend(&incoming.payload);
            }
            Event::Message(incoming) if incoming.topic == self.settings.topics.beacon() => {
                self.on_beacon(&incoming.payload).await;
            }
            Event::Message(incoming) => {
                if let (Some(door), Some(rest)) = (&self.door, self.settings.topics.below_down(&incoming.topic)) {
                    door.put(rest, incoming.payload.clone());
                }
            }
            _ => {}
        }
    }

    fn not_taken(&mut self, seq: u64, reason: &NotTaken) {
        // What was sent with it is answered alike; one line until sending begins again says it.
        let first = self.paused_until.is_none();
        match reason {
            // The broker took it and threw it away: nobody is subscribed. Only the receipt counts, so it
            // will be sent again; the operator hears why nothing moves.
            NotTaken::NoSubscriber => {
                if first {
                    warn!(seq, "the broker has no subscriber for this record: is the collector running?");
                }
                self.telemetry.send_modify(|it| it.no_subscriber += 1);
            }
            other => {
                if first {
                    error!(seq, reason = %other, "the broker did not take this record");
                }
                self.telemetry.send_modify(|it| it.refused += 1);
            }
        }
        // Later records would be received ahead of a gap; wait and begin again at the last receipt.
        self.paused_until = Some(Instant::now() + REFUSAL_PAUSE);
        self.rewind();
    }

    async fn on_receipt(&mut self, payload: &[u8]) {
        let settings = &self.settings;
        match downlink::receipt(payload, &settings.registry, &settings.agent, settings.chain) {
            Ok((cursor, log)) => match self.answered(cursor, payload).await {
                answer @ (ReceiptAnswer::Moved | ReceiptAnswer::Known) => {
                    if let Some(log) = log {
                        self.outbox.log(log).await;
                    }
                    if answer == ReceiptAnswer::Known {
                        return;
                    }
                    self.progress_at = Instant::now();
                    self.next = self.next.max(cursor.upto_seq + 1);
                    while self.read.front().is_some_and(|entry| entry.seq < self.next) {
                        self.read.pop_front();
                    }
                    self.alerts_out.retain(|seq| *seq > cursor.upto_seq);
                    self.pieces.receipted(cursor.upto_seq);
                }
                ReceiptAnswer::Fork(why) => error!(why, "receipt does not fit the chain"),
                ReceiptAnswer::Failed(why) => warn!(why, "receipt could not be kept; the centre will repeat it"),
            },
            Err(why) => {
                warn!(%why, "receipt not believed");
                self.telemetry.send_modify(|it| it.receipts_refused += 1);
            }
        }
    }

    fn on_resend(&mut self, payload: &[u8]) {
        let settings = &self.settings;
        match downlink::resend(payload, &settings.registry, &settings.agent, settings.chain) {
            Ok(asked) => {
                if self.again.take(asked.from_seq, asked.upto_seq, self.next, Instant::now()) {
                    info!(
                        from = asked.from_seq,
                        upto = asked.upto_seq,
                        "the centre misses records; sending them again"
                    );
                    self.telemetry.send_modify(|it| it.resends += 1);
                }
            }
            Err(why) => warn!(%why, "request to send again not believed"),
        }
    }

    /// Hands a receipt to the outbox. Signed orders rest on what it says: that the centre knows this chain as it is.
    async fn answered(&mut self, cursor: Cursor, payload: &[u8]) -> ReceiptAnswer {
        let answer = self.outbox.signed_receipt(cursor, payload.to_vec()).await;
        if let Some(door) = &self.door {
            match &answer {
                ReceiptAnswer::Moved => door.receipt_fits(true),
                ReceiptAnswer::Fork(_) => door.receipt_fits(false),
                ReceiptAnswer::Known => {
                    let known = self.outbox.status().borrow().cursor;
                    if known.is_some_and(|it| (it.upto_seq, it.hash) == (cursor.upto_seq, cursor.hash)) {
                        door.receipt_fits(true);
                    }
                }
                ReceiptAnswer::Failed(_) => {}
            }
        }
        answer
    }

    async fn on_beacon(&mut self, payload: &[u8]) {
        match downlink::beacon(payload, &self.settings.registry) {
            Ok(head) => match self.outbox.beacon(head).await {
                BeaconAnswer::Moved | BeaconAnswer::Known => {
                    if let Some(door) = &self.door {
                        door.put("beacon", Bytes::copy_from_slice(payload));
                    }
                }
                BeaconAnswer::Refused(_) => self.telemetry.send_modify(|it| it.beacons_refused += 1),
                BeaconAnswer::Failed(why) => warn!(why, "beacon could not be kept; the centre will repeat it"),
            },
            Err(why) => {
                warn!(%why, "beacon not believed");
                self.telemetry.send_modify(|it| it.beacons_refused += 1);
            }
        }
    }

    /// Starts again at the last receipt: what lies between may have been lost anywhere.
    fn rewind(&mut self) {
        let receipted = self.outbox.status().borrow().cursor;
        self.next = receipted.map_or(0, |cursor| cursor.upto_seq + 1);
        self.read.clear();
        self.again.forget();
        self.alerts_seen = receipted.map(|cursor| cursor.upto_seq);
        self.alerts_out.clear();
        self.pieces.rewind();
        self.progress_at = Instant::now();
    }

    fn look_for_stall(&mut self, status: &Status) {
        let first = status.cursor.map_or(0, |cursor| cursor.upto_seq + 1);
        if self.next > first && self.progress_at.elapsed() >= RECEIPT_PATIENCE {
            info!(from = first, "no receipt for a while; sending again");
            self.telemetry.send_modify(|it| it.rewinds += 1);
            self.rewind();
        }
    }

    async fn send_alerts(&mut self, status: &Status) {
        if self.paused_until.is_some()
            || self.alerts_out.len() >= ALERTS_AHEAD
            || status.newest_alert <= self.alerts_seen
        {
            return;
        }
        let Some(Ok(entries)) = self.outbox.alerts(self.alerts_seen, READ_AHEAD).await else { return };
        for entry in entries {
            // One that is next in order anyway needs no second way.
            let message = record_message(self.settings.topics.alert(), &entry);
            match self.link.publish(message, entry.seq | ALERT) {
                Ok(()) => {
                    self.alerts_seen = Some(entry.seq);
                    self.alerts_out.insert(entry.seq);
                    self.telemetry.send_modify(|it| it.published += 1);
                }
                Err(PublishError::TooLarge { .. }) => self.alerts_seen = Some(entry.seq),
                Err(_) => return,
            }
        }
        self.alerts_seen = self.alerts_seen.max(status.newest_alert);
    }

    /// Sends what the centre has asked for; records that are not here any more are passed over.
    async fn send_again(&mut self) {
        while let (None, Some((from, last))) = (self.paused_until, self.again.range()) {
            let entries = match self.outbox.entries(from, READ_AHEAD).await {
                Some(Ok(entries)) => entries,
                Some(Err(failure)) => {
                    error!(%failure, "the outbox cannot be read");
                    self.paused_until = Some(Instant::now() + REFUSAL_PAUSE);
                    return;
                }
                None => return,
            };
            if entries.first().is_none_or(|entry| entry.seq > last) {
                self.again.forget();
                return;
            }
            for entry in entries.iter().take_while(|entry| entry.seq <= last) {
                match self.link.publish(record_message(self.settings.topics.record(), entry), entry.seq) {
                    Ok(()) => self.telemetry.send_modify(|it| it.published += 1),
                    // The stream of records says so, and stops there.
                    Err(PublishError::TooLarge { .. }) => {}
                    Err(PublishError::WindowFull | PublishError::Offline) => return,
                }
                self.again.sent(entry.seq);
            }
        }
    }

    async fn send_records(&mut self, status: &Status) {
        let Some(head) = status.head else { return };
        let first = status.cursor.map_or(0, |cursor| cursor.upto_seq + 1);
        while self.paused_until.is_none() && self.next <= head && self.next - first < self.settings.window {
            if self.read.is_empty() {
                match self.outbox.entries(self.next, READ_AHEAD).await {
                    Some(Ok(entries)) => self.read.extend(entries),
                    Some(Err(failure)) => {
                        error!(%failure, "the outbox cannot be read");
                        self.paused_until = Some(Instant::now() + REFUSAL_PAUSE);
                        return;
                    }
                    None => return,
                }
            }
            let Some(entry) = self.read.front() else { return };
            let message = record_message(self.settings.topics.record(), entry);
            match self.link.publish(message, entry.seq) {
                Ok(()) => {
                    if self.next == first {
                        self.progress_at = Instant::now();
                    }
                    self.next = entry.seq + 1;
                    if let Some((hash, size)) = status.evidence.get(&entry.seq) {
                        self.pieces.owe(entry.seq, *hash, *size);
                    }
                    self.read.pop_front();
                    self.telemetry.send_modify(|it| it.published += 1);
                }
                Err(PublishError::TooLarge { bytes, limit }) => {
                    // Nothing after it can be receipted either: say so loudly, and keep everything.
                    error!(
                        seq = entry.seq,
                        bytes, limit, "the broker's packet limit is below this record; raise it to 64 KiB"
                    );
                    self.telemetry.send_modify(|it| it.refused += 1);
                    self.paused_until = Some(Instant::now() + REFUSAL_PAUSE);
                }
                Err(PublishError::WindowFull | PublishError::Offline) => return,
            }
        }
    }

    /// Evidence follows its record, a few pieces at a time, so that an alert never waits behind a spectrum.
    async fn send_pieces(&mut self) {
        if self.pieces_paused_until.is_some_and(|until| Instant::now() >= until) {
            self.pieces_paused_until = None;
        }
        while self.paused_until.is_none()
            && self.pieces_paused_until.is_none()
            && let Some((token, piece)) = self.pieces.next(self.next)
        {
            let len = usize::try_from(PIECE_BYTES.min(piece.size.saturating_sub(piece.offset))).unwrap_or_default();
            let bytes = match self.outbox.content(piece.hash, piece.offset, len).await {
                Ok(bytes) if bytes.len() == len => bytes,
                Ok(_) => return self.no_content(piece.hash, "the file is cut off"),
                Err(why) => return self.no_content(piece.hash, &why.to_string()),
            };
            let payload = pieces::encode(&piece, &bytes).into();
            let topic = self.settings.topics.evidence(&piece.hash.to_string());
            let message = Message { topic, payload, qos: Qos::AtLeastOnce, retain: false };
            match self.link.publish(message, PIECE | token) {
                Ok(()) => self.pieces.sent(self.next, len as u64),
                Err(PublishError::TooLarge { bytes, limit }) => {
                    error!(bytes, limit, "the broker's packet limit is below a piece of evidence; raise it to 64 KiB");
                    self.pieces.give_up(self.next);
                }
                Err(PublishError::WindowFull | PublishError::Offline) => return,
            }
        }
    }

    fn no_content(&mut self, hash: Hash, why: &str) {
        // Records and alerts go on; it is tried again when they are sent again.
        error!(sha256 = %hash, why, "evidence cannot be read; the centre waits for it, put its file back");
        self.pieces.give_up(self.next);
    }

    fn send_state(&mut self, state: &str, status: &Status) {
        let message = StateMessage {
            version: 1,
            state: state.to_owned(),
            agent: self.settings.agent.clone(),
            software: self.settings.software.clone(),
            config: self.settings.config.clone(),
            head: status.head,
            receipted: status.cursor.map(|cursor| cursor.upto_seq),
            backlog: status.sealed.saturating_sub(status.cursor.map_or(0, |cursor| cursor.upto_seq + 1)),
            stopped_since_ms: status.stopped_since_ms,
            clock: status.clock.quality.word().to_owned(),
            software_hash: self.settings.software_hash.clone(),
        };
        // The head moves with every record: once a beat is enough, a change of state goes out at once.
        let settled = |(sent, at): &(StateMessage, Instant)| {
            *sent == message
                || (sent.state == message.state
                    && sent.stopped_since_ms == message.stopped_since_ms
                    && sent.clock == message.clock
                    && at.elapsed() < BEAT)
        };
        if self.state_sent.as_ref().is_some_and(settled) {
            return;
        }
        let publish = Message {
            topic: self.settings.topics.state(),
            payload: message.to_json(),
            qos: Qos::AtLeastOnce,
            retain: true,
        };
        if self.link.publish(publish, OTHER).is_ok() {
            self.state_sent = Some((message, Instant::now()));
        }
    }

    fn publish_view(&self, instrument: &str, payload: Bytes) {
        if self.online {
            let topic = self.settings.topics.view(instrument);
            // A live value that finds no room is stale by the next one.
            let _ = self.link.publish(Message { topic, payload, qos: Qos::AtMostOnce, retain: false }, OTHER);
        }
    }
}

fn record_message(topic: String, entry: &Entry) -> Message {
    Message { topic, payload: Bytes::from(entry.bytes.clone()), qos: Qos::AtLeastOnce, retain: false }
}
