//! Not recording: refusing and counting exactly, saying so, and going on.
//!
//! It begins when a write fails, when the budget is used up, or when the disk is seen to be full or read-only before
//! anything is written: whoever stands at the lane must know before the next lorry comes, and not by its result. It ends
//! with the record `resumed`, which the keeper tries to make by itself.

use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    SealError,
    body::{Detail, Resumed, Stopped},
};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::{Draft, Keeper, Pending, entry};
use crate::outbox::{Batch, Refusal, StopCause, StoreError, timing::is_own};

/// Whether refusing it loses something: a sign of life is no result.
pub(super) fn counts(item: &Pending) -> bool {
    !matches!(item.draft.detail, Detail::Heartbeat(_)) && !is_own(&item.draft)
}

/// Of a disk that others fill too, so much is left to `stopped`, refusal counts and receipts.
const DISK_RESERVE_BYTES: u64 = 1024 * 1024;
/// From one try to go on to the next, milliseconds: the first, and at most. A disk that fails is not worn out by trying.
const TRY_MS: (u64, u64) = (1000, 5000);

/// What holds recording off beside the store's own figures, and when going on is tried again.
#[derive(Debug, Default)]
pub(super) struct Recess {
    disk_away: bool,
    next_try_ms: u64,
    pause_ms: u64,
}

impl Keeper {
    /// Whether budget and disk have room for another record, their reserves left out.
    pub(super) fn has_room(&self) -> bool {
        self.status.has_room() && !self.recess.disk_away
    }

    /// Stops before anything is lost where the disk has no room, or takes nothing.
    pub(super) async fn look_at_disk(&mut self) -> Result<(), StoreError> {
        let Some(disk) = self.with_store(|store| Ok(store.disk())).await? else { return Ok(()) };
        // Twice the reserve to go on: at the edge it would stop and go on each second.
        let wanted = if self.recess.disk_away { 2 * DISK_RESERVE_BYTES } else { DISK_RESERVE_BYTES };
        self.recess.disk_away = disk.read_only || disk.free_bytes < wanted;
        if !self.recess.disk_away || self.finished || self.status.stopped_since_ms.is_some() {
            return Ok(());
        }
        if disk.read_only {
            warn!("not recording: the file system is read-only");
            self.failed();
            return Ok(());
        }
        self.stop(StopCause::Disk).await
    }

    /// Goes on by itself where nothing speaks against it any more: the next draft may be an hour away.
    pub(super) async fn try_again(&mut self) -> Result<(), StoreError> {
        if self.status.stopped_since_ms.is_none() {
            self.recess.pause_ms = 0;
            return Ok(());
        }
        let now_ms = self.clock.now().mono_ms;
        if self.finished || !self.has_room() || now_ms < self.recess.next_try_ms {
            return Ok(());
        }
        if self.resume().await?.is_ok() {
            self.publish();
        }
        self.recess.pause_ms = (self.recess.pause_ms * 2).clamp(TRY_MS.0, TRY_MS.1);
        self.recess.next_try_ms = now_ms + self.recess.pause_ms;
        Ok(())
    }

    /// Nothing can be recorded, and everyone is told: the store failed and was given up for now.
    pub(super) fn failed(&mut self) {
        if self.status.stopped_since_ms.is_none() {
            self.refused_from_ms = self.clock.now().wall_ms;
            self.status.stopped_since_ms = Some(self.refused_from_ms);
            self.status.stopped_by = Some(StopCause::Failed);
            self.publish();
        }
    }

    pub(super) async fn refuse(
        &mut self,
        pending: Vec<Pending>,
        remembered: Vec<oneshot::Sender<Result<(), Refusal>>>,
        refusal: &Refusal,
    ) -> Result<(), StoreError> {
        let (own, pending): (Vec<_>, Vec<_>) = pending.into_iter().partition(|item| is_own(&item.draft));
        self.timing.give_back(own.into_iter().map(|item| *item.draft).collect());
        self.count_refused(pending.iter().filter(|it| counts(it)).count()).await?;
        for item in pending {
            let _ = item.reply.send(Err(refusal.clone()));
        }
        for reply in remembered {
            let _ = reply.send(Err(refusal.clone()));
        }
        Ok(())
    }

    /// Counts drafts that were not recorded, durably where the disk allows it.
    pub(super) async fn count_refused(&mut self, drafts: usize) -> Result<(), StoreError> {
        let count = u64::try_from(drafts).unwrap_or(u64::MAX);
        if count > 0 {
            self.status.refused += count;
            self.status.refused_ever += count;
            self.failed();
            let batch = Batch { refused: Some((self.status.refused, self.refused_from_ms)), ..Batch::default() };
            if let Err(failure) = self.commit(batch).await {
                // The count lives on in memory; it is exact unless the power goes before the disk recovers.
                error!(%failure, refused = self.status.refused, "the refusal count could not be made durable");
                self.recover().await?;
            }
            self.publish();
        }
        Ok(())
    }

    pub(super) async fn stop(&mut self, cause: StopCause) -> Result<(), StoreError> {
        let why = cause.reason();
        warn!(why, "not recording");
        let now = self.clock.now();
        self.refused_from_ms = now.wall_ms;
        self.status.stopped_since_ms = Some(now.wall_ms);
        self.status.stopped_by = Some(cause);
        let draft = Self::own(Detail::Stopped(Stopped { reason: why.to_owned() }));
        // Told even where the disk had no room left for the record that says so.
        let _ = self.seal_own(draft, Some((self.status.refused, now.wall_ms))).await?;
        self.publish();
        Ok(())
    }

    /// Why a commit failed; asked of the store as it is then.
    pub(super) async fn cause(&mut self, failure: StoreError) -> Result<(StopCause, StoreError), StoreError> {
        self.with_store(move |store| Ok((store.stop_cause(&failure), failure))).await
    }

    /// Says how much was refused, and goes on. Where even that cannot be recorded it still stands still, and the count
    /// goes on: the refusal says why.
    pub(super) async fn resume(&mut self) -> Result<Result<(), Refusal>, StoreError> {
        let now = self.clock.now();
        let from = Moment { mono_ms: 0, wall_ms: self.refused_from_ms };
        let draft = Self::own(Detail::Resumed(Resumed { refused: self.status.refused, from, to: now }));
        if let Err(refusal) = self.seal_own(draft, Some((0, 0))).await? {
            return Ok(Err(refusal));
        }
        info!(refused = self.status.refused, "recording again");
        self.status.stopped_since_ms = None;
        self.status.stopped_by = None;
        self.status.refused = 0;
        self.status.key_away = None;
        Ok(Ok(()))
    }

    /// Seals one record of the keeper's own; a failure leaves the state as it was, is logged, and is the refusal.
    pub(super) async fn seal_own(
        &mut self,
        draft: Draft,
        refused: Option<(u64, i64)>,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let now = self.timing.look();
        let anchor = self.witness.due();
        match self.seal_one(&self.head, anchor, &draft, now) {
            Ok(sealed) => {
                let (head, hash) = (self.head.after(&sealed), sealed.hash);
                let mut notes = draft.notes.clone();
                notes.extend(anchor.map(|it| self.anchored(it)));
                let batch = Batch { entries: vec![entry(&draft, sealed, now)], notes, refused, ..Batch::default() };
                match self.commit(batch.clone()).await {
                    Ok(()) => {
                        self.accept(&batch, head, now);
                        self.publish();
                    }
                    Err(failure) => {
                        error!(%failure, "a record about the store itself could not be kept");
                        let (cause, failure) = self.cause(failure).await?;
                        self.recover().await?;
                        // A commit that failed may have happened: then it is the head that was read back.
                        if self.head.prev != hash {
                            if self.status.stopped_since_ms.is_some() {
                                self.status.stopped_by = Some(cause);
                            }
                            return Ok(Err(cause.refusal(&failure.to_string())));
                        }
                        self.publish();
                    }
                }
                Ok(Ok(()))
            }
            Err(why @ SealError::Sign(_)) => Ok(Err(self.key_away(&why))),
            Err(why) => {
                error!(%why, "a record about the store itself could not be sealed");
                Ok(Err(Refusal::Seal(why.to_string())))
            }
        }
    }
}
