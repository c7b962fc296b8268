//! Not recording: refusing and counting exactly, saying so, and going on.

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

impl Keeper {
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
            if self.status.stopped_since_ms.is_none() {
                self.refused_from_ms = self.clock.now().wall_ms;
                self.status.stopped_since_ms = Some(self.refused_from_ms);
                self.status.stopped_by = Some(StopCause::Failed);
            }
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
        self.seal_own(draft, Some((self.status.refused, now.wall_ms))).await.map(drop)
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
