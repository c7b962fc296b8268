//! A store that takes no more: said in the chain, counted exactly, and said again when it goes on.

use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::body::{Detail, Resumed, Stopped};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::{
    super::{Batch, Refusal, StoreError},
    Keeper, Pending,
};

impl Keeper {
    pub(super) async fn refuse(
        &mut self,
        pending: Vec<Pending>,
        remembered: Vec<oneshot::Sender<Result<(), Refusal>>>,
        refusal: &Refusal,
    ) -> Result<(), StoreError> {
        // A sign of life is no result: nobody has lost anything.
        let results = pending.iter().filter(|it| !matches!(it.draft.detail, Detail::Heartbeat(_)));
        let count = results.count() as u64;
        if count > 0 {
            self.status.refused += count;
            self.status.refused_ever += count;
            if self.status.stopped_since_ms.is_none() {
                self.refused_from_ms = self.clock.now().wall_ms;
                self.status.stopped_since_ms = Some(self.refused_from_ms);
            }
            let batch = Batch { refused: Some((self.status.refused, self.refused_from_ms)), ..Batch::default() };
            if let Err(failure) = self.commit(batch).await {
                // The count lives on in memory; it is exact unless the power goes before the disk recovers.
                error!(%failure, refused = self.status.refused, "the refusal count could not be made durable");
                self.recover().await?;
            }
            self.publish();
        }
        for item in pending {
            let _ = item.reply.send(Err(refusal.clone()));
        }
        for reply in remembered {
            let _ = reply.send(Err(refusal.clone()));
        }
        Ok(())
    }

    pub(super) async fn stop(&mut self, why: &str) -> Result<(), StoreError> {
        warn!(why, "not recording");
        let now = self.clock.now();
        self.refused_from_ms = now.wall_ms;
        self.status.stopped_since_ms = Some(now.wall_ms);
        let draft = Self::own(Detail::Stopped(Stopped { reason: why.to_owned() }));
        self.seal_own(draft, Some((self.status.refused, now.wall_ms))).await
    }

    pub(super) async fn resume(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        info!(refused = self.status.refused, "recording again");
        let from = Moment { mono_ms: 0, wall_ms: self.refused_from_ms };
        let draft = Self::own(Detail::Resumed(Resumed { refused: self.status.refused, from, to: now }));
        self.seal_own(draft, Some((0, 0))).await?;
        self.status.stopped_since_ms = None;
        self.status.refused = 0;
        Ok(())
    }
}
