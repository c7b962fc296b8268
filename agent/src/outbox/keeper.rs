//! The one task that owns store, chain head and signer.

mod anchor;
mod beat;
mod beside;
mod fork;
mod key;
mod stopping;
mod trim;

use std::sync::Arc;

use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    Anchor, ChainHead, ChainId, Claims, Hash, SealError, Sealed, Signer,
    body::{Body, Context, Detail, Genesis, Recovery},
    seal,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub(super) use self::beat::Beat;
use self::{beat::BEAT, stopping::Recess, trim::Trims};
use super::{
    Batch, COMMANDS, Command, Cursor, Draft, Entry, GROUP, GROUP_WAIT, Outbox, RECEIPT_NOTE, ReceiptAnswer, Recorded,
    Refusal, SHUTDOWN_DRAFT, Status, StopCause, Store, StoreError, timing::Timing, witness::Witness,
};
use crate::{
    clock::{Claim, Clock, Policy},
    evidence::{EvidenceStore, MemoryEvidence},
};

/// Commits tried again after reopening before the drafts are refused.
const COMMIT_TRIES: u32 = 3;

/// Who seals.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Agent id: the claim `iss`.
    pub agent: String,
    /// Chain of this agent's key.
    pub chain: ChainId,
    /// SHA-256 of the enrolment statement: `prev` of the first record.
    pub statement: Hash,
    /// Software and configuration, for the records that name them.
    pub context: Context,
}

/// Policy of the keeper.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Receipted records older than this are deleted, milliseconds.
    pub keep_ms: i64,
    /// What the site says of its clock.
    pub clock: Policy,
}

/// The keeper before it runs.
pub struct Keeper {
    store: Option<Box<dyn Store>>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    identity: Identity,
    settings: Settings,
    head: ChainHead,
    boot: u64,
    status: Status,
    refused_from_ms: i64,
    timing: Timing,
    finished: bool,
    notes: Vec<(String, Vec<u8>)>,
    evidence: Arc<dyn EvidenceStore>,
    witness: Witness,
    beacon_refused: bool,
    trims: Trims,
    commands: mpsc::Receiver<Command>,
    beat: Beat,
    recess: Recess,
    publish: watch::Sender<Arc<Status>>,
}

struct Pending {
    draft: Box<Draft>,
    reply: oneshot::Sender<Result<Recorded, Refusal>>,
}

impl Keeper {
    /// Opens the chain: reads the head, and seals what the last end left open — genesis on a new
    /// chain, `recovery` after an unclean end, and every interrupted inspection.
    ///
    /// `interrupted` turns the remembered state of an open inspection into the draft that records it.
    ///
    /// # Errors
    ///
    /// When the store cannot be read or the first records cannot be made durable.
    pub async fn open(
        mut store: Box<dyn Store>,
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        identity: Identity,
        settings: Settings,
        interrupted: impl Fn(&str, &[u8]) -> Option<Draft>,
    ) -> Result<(Self, Outbox), StoreError> {
        let contents = store.contents()?;
        let left_open = store.open_inspections()?;
        let notes = store.notes()?;
        key::check(&notes, signer.as_ref())?;
        let usage = store.usage()?;
        let witness = anchor::kept(&notes);
        let head = match contents.head {
            Some((seq, hash)) => ChainHead { chain: identity.chain, next_seq: seq + 1, prev: hash },
            None => ChainHead { chain: identity.chain, next_seq: 0, prev: identity.statement },
        };
        let next_unreceipted = contents.cursor.map_or(0, |it| it.upto_seq + 1);
        let oldest_unreceipted_ms = store.entries(next_unreceipted, 1)?.first().map(|entry| entry.sealed_ms);
        let newest_alert =
            store.alerts(contents.cursor.map(|it| it.upto_seq), usize::MAX)?.last().map(|entry| entry.seq);
        let status = Status {
            head: contents.head.map(|(seq, _)| seq),
            sealed: head.next_seq,
            cursor: contents.cursor,
            oldest_unreceipted_ms,
            usage,
            stopped_since_ms: (contents.refused.0 > 0).then_some(contents.refused.1),
            stopped_by: None,
            ending: false,
            refused: contents.refused.0,
            newest_alert,
            fork: fork::remembered(&notes),
            clock: Claim::UNKNOWN,
            key_away: None,
            refused_ever: 0,
            evidence: Arc::new(beside::named(&notes)),
            beacon: witness.beacon,
            log: witness.log,
            log_fork: witness.fork.clone(),
        };
        let (sender, commands) = mpsc::channel(COMMANDS);
        let (publish, receiver) = watch::channel(Arc::new(status.clone()));
        let (shown_ms, cursor) = (contents.wall_floor_ms, contents.cursor);
        let timing = Timing::new(Arc::clone(&clock), settings.clock, contents.boot, &notes, shown_ms, cursor);
        let beat = Beat::at(clock.now().mono_ms);
        let mut keeper = Self {
            store: Some(store),
            signer,
            clock,
            identity,
            settings,
            head,
            boot: contents.boot,
            status,
            refused_from_ms: contents.refused.1,
            timing,
            finished: false,
            trims: trim::kept(&notes),
            notes,
            evidence: Arc::new(MemoryEvidence::default()),
            witness,
            beacon_refused: false,
            commands,
            beat: beat.clone(),
            recess: Recess::default(),
            publish,
        };
        keeper.open_chain(contents.clean, &left_open, interrupted).await?;
        let evidence = Arc::clone(&keeper.evidence);
        Ok((keeper, Outbox { commands: sender, status: receiver, evidence, beat }))
    }

    /// This start's number within the chain.
    pub fn boot(&self) -> u64 {
        self.boot
    }

    /// Notes that the last run left, by name.
    pub fn notes(&self) -> &[(String, Vec<u8>)] {
        &self.notes
    }

    async fn open_chain(
        &mut self,
        clean: bool,
        left_open: &[(String, Vec<u8>)],
        interrupted: impl Fn(&str, &[u8]) -> Option<Draft>,
    ) -> Result<(), StoreError> {
        let mut drafts = Vec::new();
        self.timing.look();
        if self.status.head.is_none() {
            drafts.push(Self::own(Detail::Genesis(Genesis {
                software: self.identity.context.software.clone(),
                config: self.identity.context.config,
                statement: self.identity.statement,
            })));
        } else if !clean {
            let found = if left_open.is_empty() { "unclean end" } else { "unclean end with open inspections" };
            drafts.push(Self::own(Detail::Recovery(Recovery {
                found: found.to_owned(),
                last_seq: self.status.head,
                interrupted: u32::try_from(left_open.len()).unwrap_or(u32::MAX),
            })));
        }
        for (place, state) in left_open {
            match interrupted(place, state) {
                Some(draft) => drafts.push(draft),
                None => {
                    // The bytes are ours, so this is damage: say so in the chain rather than drop it.
                    warn!(place, "the remembered state of an open inspection cannot be read");
                    drafts.push(Draft {
                        place: place.clone(),
                        id: None,
                        detail: Detail::Recovery(Recovery {
                            found: format!("unreadable open inspection at {place}"),
                            last_seq: self.status.head,
                            interrupted: 1,
                        }),
                        alert: false,
                        closes: Some(place.clone()),
                        notes: Vec::new(),
                    });
                }
            }
        }
        drafts.extend(self.timing.take());
        for chunk in drafts.chunks(GROUP) {
            let mut batch = Batch::default();
            let mut head = self.head;
            let now = self.timing.look();
            for draft in chunk {
                match self.seal_one(&head, None, draft, now) {
                    Ok(sealed) => {
                        head = head.after(&sealed);
                        batch.entries.push(entry(draft, sealed, now));
                        batch.open.extend(draft.closes.clone().map(|place| (place, None)));
                        batch.notes.extend(draft.notes.iter().cloned());
                    }
                    // Without these records the chain would go on as if they had not been due.
                    Err(SealError::Sign(why)) => return Err(StoreError::Unsigned(why.to_string())),
                    Err(why) => error!(place = draft.place, %why, "a record of the start could not be sealed"),
                }
            }
            self.timing.remember(&mut batch);
            self.commit(batch.clone()).await?;
            self.accept(&batch, head, now);
        }
        self.publish();
        info!(boot = self.boot, next = self.head.next_seq, clean, "chain open");
        Ok(())
    }

    /// Runs until `stop` or until every [`Outbox`] handle is gone, serves what has queued up, and seals
    /// the clean end.
    ///
    /// # Errors
    ///
    /// When the store cannot be brought back; nothing un-acknowledged is lost by stopping then.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), StoreError> {
        let mut waiting = Vec::with_capacity(GROUP);
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let received = tokio::select! {
                biased;
                received = self.commands.recv_many(&mut waiting, GROUP) => received,
                () = stop.cancelled() => 0,
                _ = beat.tick() => {
                    self.beat().await?;
                    continue;
                }
            };
            if received == 0 {
                break;
            }
            let deadline = tokio::time::Instant::now() + GROUP_WAIT;
            while waiting.len() < GROUP {
                let room = GROUP - waiting.len();
                match timeout_at(deadline, self.commands.recv_many(&mut waiting, room)).await {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
            self.serve(std::mem::take(&mut waiting)).await?;
            self.beat().await?;
        }
        self.finish().await
    }

    /// Seals the clean end, once; from then on drafts are refused and receipts still count.
    async fn finish(&mut self) -> Result<(), StoreError> {
        if self.finished {
            return Ok(());
        }
        let id = format!("{SHUTDOWN_DRAFT}{}", self.boot);
        let end = Draft { id: Some(id), ..Self::own(Detail::Shutdown) };
        let _ = self.seal_own(end, None).await?;
        self.finished = true;
        self.status.ending = true;
        self.publish();
        Ok(())
    }

    async fn serve(&mut self, commands: Vec<Command>) -> Result<(), StoreError> {
        let mut pending = Vec::new();
        let mut remembered = Vec::new();
        let mut batch = Batch::default();
        let mut receipts = Vec::new();
        let mut reads = Vec::new();
        let mut finishing = Vec::new();
        let mut orders = Vec::new();
        let mut words = Vec::new();
        for command in commands {
            match command {
                Command::Seal { reply, .. } if self.finished => {
                    let _ = reply.send(Err(Refusal::Stopping));
                }
                Command::Seal { draft, reply } => pending.push(Pending { draft, reply }),
                Command::Remember { place, state, reply } => {
                    batch.open.push((place, Some(state)));
                    remembered.push(reply);
                }
                Command::Notes { notes, reply } => {
                    batch.notes.extend(notes);
                    remembered.push(reply);
                }
                Command::Receipt { cursor, signed, reply } => receipts.push((cursor, signed, reply)),
                Command::HandOver { order, reply } => orders.push((order, reply)),
                word @ (Command::Beacon { .. } | Command::Log { .. }) => words.push(word),
                Command::Finish { reply } => finishing.push(reply),
                read @ (Command::Entries { .. } | Command::Alerts { .. } | Command::Find { .. }) => reads.push(read),
            }
        }
        if !pending.is_empty() || !batch.open.is_empty() || !batch.notes.is_empty() {
            self.seal_group(pending, batch, remembered).await?;
        }
        for (order, reply) in orders {
            let answer = self.hand_over(*order).await?;
            let _ = reply.send(answer);
        }
        for reply in finishing {
            self.finish().await?;
            let _ = reply.send(());
        }
        for (cursor, signed, reply) in receipts {
            let answer = self.take_receipt(cursor, signed).await?;
            let _ = reply.send(answer);
        }
        for word in words {
            match word {
                Command::Beacon { head, reply } => {
                    let answer = self.take_beacon(&head).await?;
                    let _ = reply.send(answer);
                }
                Command::Log { head, reply } => {
                    self.take_log(head).await?;
                    let _ = reply.send(());
                }
                _ => {}
            }
        }
        self.note_trims().await?;
        for read in reads {
            match read {
                Command::Entries { from, limit, reply } => {
                    let found = self.with_store(move |store| store.entries(from, limit)).await;
                    let _ = reply.send(found);
                }
                Command::Alerts { above, limit, reply } => {
                    let found = self.with_store(move |store| store.alerts(above, limit)).await;
                    let _ = reply.send(found);
                }
                Command::Find { draft, reply } => {
                    let found = self.with_store(move |store| store.find_draft(&draft)).await;
                    let _ = reply.send(found.map(|it| it.map(|(seq, hash)| Recorded { seq, hash })));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Seals and commits a group, answering each draft only after its commit.
    async fn seal_group(
        &mut self,
        mut pending: Vec<Pending>,
        remember: Batch,
        remembered: Vec<oneshot::Sender<Result<(), Refusal>>>,
    ) -> Result<(), StoreError> {
        if self.status.stopped_since_ms.is_some() {
            if !self.has_room() {
                let refusal = self.status.refusal();
                return self.refuse(pending, remembered, &refusal).await;
            }
            if let Err(refusal) = self.resume().await? {
                return self.refuse(pending, remembered, &refusal).await;
            }
        } else if !self.status.has_room() {
            self.stop(StopCause::Full).await?;
            return self.refuse(pending, remembered, &Refusal::Full).await;
        }
        pending = self.without_absent(pending).await;
        let mut last = None;
        for attempt in 0..COMMIT_TRIES {
            let now = self.timing.look();
            // What the look found goes first: it says how the times after it are to be read.
            let found = self.timing.take().into_iter();
            pending.splice(0..0, found.map(|it| Pending { draft: Box::new(it), reply: oneshot::channel().0 }));
            let mut batch = remember.clone();
            self.timing.remember(&mut batch);
            let mut head = self.head;
            let mut anchor = self.witness.due();
            let mut answers: Vec<Result<Recorded, Refusal>> = Vec::with_capacity(pending.len());
            let mut unsigned = None;
            for item in &pending {
                if let Some(refusal) = &unsigned {
                    answers.push(Err(Refusal::clone(refusal)));
                    continue;
                }
                match self.seal_one(&head, anchor, &item.draft, now) {
                    Ok(sealed) => {
                        batch.notes.extend(anchor.take().map(|it| self.anchored(it)));
                        batch.notes.extend(beside::note(&item.draft.detail, sealed.seq));
                        answers.push(Ok(Recorded { seq: sealed.seq, hash: sealed.hash }));
                        head = head.after(&sealed);
                        if let Some(place) = &item.draft.closes {
                            // Closing wins over a state remembered in the same group.
                            batch.open.retain(|(open, _)| open != place);
                            batch.open.push((place.clone(), None));
                        }
                        batch.notes.extend(item.draft.notes.iter().cloned());
                        batch.entries.push(entry(&item.draft, sealed, now));
                    }
                    Err(why @ SealError::Sign(_)) => {
                        let refusal = self.key_away(&why);
                        answers.push(Err(refusal.clone()));
                        unsigned = Some(refusal);
                    }
                    Err(why) => answers.push(Err(Refusal::Seal(why.to_string()))),
                }
            }
            match self.commit(batch.clone()).await {
                Ok(()) => {
                    self.accept(&batch, head, now);
                    self.refresh_usage().await;
                    if unsigned.is_some() {
                        let unsigned = |it: &Result<_, _>| matches!(it, Err(Refusal::Key(_)));
                        let refused = pending.iter().zip(&answers).filter(|(_, answer)| unsigned(answer));
                        let refused = refused.filter(|(item, _)| stopping::counts(item)).count();
                        self.count_refused(refused).await?;
                    } else if self.status.stopped_since_ms.is_none() {
                        // It had failed a heartbeat alone, which stops nothing.
                        self.status.key_away = None;
                    }
                    self.publish();
                    for (item, answer) in pending.into_iter().zip(answers) {
                        let _ = item.reply.send(answer);
                    }
                    for reply in remembered {
                        let _ = reply.send(Ok(()));
                    }
                    return Ok(());
                }
                Err(failure) => {
                    error!(attempt, %failure, "commit failed; reopening the store");
                    let (cause, failure) = self.cause(failure).await?;
                    self.recover().await?;
                    // What the failed commit did write is read back, so that it is not sealed twice.
                    pending = self.answer_durable(pending).await?;
                    if cause != StopCause::Failed {
                        self.stop(cause).await?;
                        return self.refuse(pending, remembered, &cause.refusal("")).await;
                    }
                    last = Some(failure);
                }
            }
        }
        let why = last.map_or_else(|| "store failed".to_owned(), |failure| failure.to_string());
        self.failed();
        self.refuse(pending, remembered, &Refusal::Store(why)).await
    }

    async fn answer_durable(&mut self, pending: Vec<Pending>) -> Result<Vec<Pending>, StoreError> {
        let mut rest = Vec::with_capacity(pending.len());
        for item in pending {
            let found = match item.draft.id.clone() {
                Some(id) => self.with_store(move |store| store.find_draft(&id)).await?,
                _ => None,
            };
            match found {
                Some((seq, hash)) => {
                    let _ = item.reply.send(Ok(Recorded { seq, hash }));
                }
                None => rest.push(item),
            }
        }
        Ok(rest)
    }

    async fn take_receipt(&mut self, cursor: Cursor, signed: Option<Vec<u8>>) -> Result<ReceiptAnswer, StoreError> {
        if let Some(fork) = &self.status.fork {
            return Ok(ReceiptAnswer::Fork(fork.clone()));
        }
        if let Some(known) = self.status.cursor
            && (cursor.upto_seq < known.upto_seq || (cursor.upto_seq == known.upto_seq && cursor.hash == known.hash))
        {
            return Ok(ReceiptAnswer::Known);
        }
        let seq = cursor.upto_seq;
        let own = self.with_store(move |store| store.entries(seq, 1)).await?;
        let own = own.first().filter(|entry| entry.seq == seq).map(|entry| entry.hash);
        let fork = match own {
            Some(hash) if hash == cursor.hash => None,
            Some(hash) => {
                Some(format!("the centre signed for record {seq} with hash {}, ours has {hash}", cursor.hash))
            }
            None => Some(format!("the centre signed for record {seq}, which this store does not hold")),
        };
        if let Some(fork) = fork {
            return self.declare_fork(fork).await;
        }
        let notes = signed.map(|signed| (RECEIPT_NOTE.to_owned(), Some(signed))).into_iter().collect();
        let batch = Batch { cursor: Some(cursor), notes, ..Batch::default() };
        if let Err(failure) = self.commit(batch).await {
            self.recover().await?;
            return Ok(ReceiptAnswer::Failed(failure.to_string()));
        }
        self.status.cursor = Some(cursor);
        self.timing.receipt(cursor);
        let oldest = self.with_store(move |store| store.entries(seq + 1, 1)).await?;
        self.status.oldest_unreceipted_ms = oldest.first().map(|entry| entry.sealed_ms);
        self.trim().await?;
        self.publish();
        Ok(ReceiptAnswer::Moved)
    }

    async fn refresh_usage(&mut self) {
        if let Ok(usage) = self.with_store(|store| store.usage()).await {
            self.status.usage = (usage.0.saturating_add(self.evidence.used()), usage.1);
        }
    }

    fn accept(&mut self, batch: &Batch, head: ChainHead, now: Moment) {
        self.head = head;
        self.timing.durable(batch, now.mono_ms);
        if let Some(last) = batch.entries.last() {
            self.status.head = Some(last.seq);
            self.status.sealed = last.seq + 1;
        }
        if self.status.oldest_unreceipted_ms.is_none() {
            self.status.oldest_unreceipted_ms = batch.entries.first().map(|entry| entry.sealed_ms);
        }
        if let Some(alert) = batch.entries.iter().rev().find(|entry| entry.alert) {
            self.status.newest_alert = Some(alert.seq);
        }
        self.take_notes(&batch.notes);
    }

    /// Takes over what committed notes say of the keeper's own affairs.
    fn take_notes(&mut self, notes: &[(String, Option<Vec<u8>>)]) {
        for (name, bytes) in notes {
            self.take_evidence(name, bytes.as_deref());
            self.take_witness(name, bytes.as_deref());
            self.trims.take(name, bytes.as_deref());
        }
    }

    fn publish(&mut self) {
        self.status.clock = self.timing.claim();
        self.publish.send_replace(Arc::new(self.status.clone()));
    }

    /// Reopens the store and takes the head from the disk.
    async fn recover(&mut self) -> Result<(), StoreError> {
        self.with_store(|store| store.reopen()).await?;
        let next = self.head.next_seq;
        let written = self.with_store(move |store| store.entries(next, usize::MAX)).await?;
        for entry in &written {
            self.head = ChainHead { chain: self.identity.chain, next_seq: entry.seq + 1, prev: entry.hash };
        }
        if let Some(last) = written.last() {
            self.status.head = Some(last.seq);
            self.status.sealed = last.seq + 1;
        }
        // A commit that failed may have happened, with its notes.
        let notes = self.with_store(|store| store.notes()).await?;
        self.status.evidence = Arc::new(beside::named(&notes));
        self.set_witness(anchor::kept(&notes));
        self.trims.recover(trim::kept(&notes));
        Ok(())
    }

    fn seal_one(
        &self,
        head: &ChainHead,
        anchor: Option<Anchor>,
        draft: &Draft,
        now: Moment,
    ) -> Result<Sealed, SealError> {
        let claims = Claims { agent: self.identity.agent.clone(), subject: draft.place.clone() };
        let body = Body { time: self.timing.block(now), detail: draft.detail.clone() };
        seal(head, &claims, anchor, &body, self.signer.as_ref())
    }

    fn own(detail: Detail) -> Draft {
        Draft { place: "self".to_owned(), id: None, detail, alert: false, closes: None, notes: Vec::new() }
    }

    async fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.with_store(move |store| store.commit(&batch)).await
    }

    /// Runs disk work off the async threads; a paused clock stands still meanwhile.
    async fn with_store<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut store = self.store.take().ok_or_else(gone)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work(store.as_mut());
            (store, result)
        })
        .await;
        match done {
            Ok((store, result)) => {
                self.store = Some(store);
                result
            }
            Err(_) => Err(gone()),
        }
    }
}

fn gone() -> StoreError {
    StoreError::Sqlite { path: "(store task ended)".into(), source: rusqlite::Error::InvalidQuery }
}

fn entry(draft: &Draft, sealed: Sealed, now: Moment) -> Entry {
    Entry {
        seq: sealed.seq,
        hash: sealed.hash,
        bytes: sealed.bytes,
        alert: draft.alert,
        sealed_ms: now.wall_ms,
        place: draft.place.clone(),
        draft: draft.id.clone(),
    }
}
