//! The keeper's sign of life: who asks how old the durable state is must not have to trust the one who stands still.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tracing::warn;

use super::Keeper;
use crate::outbox::StoreError;

/// How often the keeper looks at its store when it has nothing else to do.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// When the keeper last looked at its store and was answered, shared with everyone who has an
/// [`Outbox`](crate::outbox::Outbox).
///
/// It moves only while the keeper serves: a commit that hangs in the disk, or a task that is gone, stops it, and
/// whatever the status said last is then no longer known to be so.
#[derive(Clone, Debug)]
pub(in crate::outbox) struct Beat(Arc<AtomicU64>);

impl Beat {
    pub(super) fn at(mono_ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(mono_ms)))
    }

    /// Monotonic milliseconds of the last look.
    pub(in crate::outbox) fn mono_ms(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Keeper {
    /// Looks at the store and its disk when a look is due, says when it has been answered, and goes on where it can.
    ///
    /// # Errors
    ///
    /// When the store cannot be brought back.
    pub(super) async fn beat(&mut self) -> Result<(), StoreError> {
        let age = self.clock.now().mono_ms.saturating_sub(self.beat.mono_ms());
        // Half of it, because two clocks that count the same second do not end it together.
        if u128::from(age) < BEAT.as_millis() / 2 {
            return Ok(());
        }
        match self.with_store(|store| store.usage()).await {
            Ok(_) => self.beat.0.store(self.clock.now().mono_ms, Relaxed),
            Err(failure) => {
                warn!(%failure, "the store does not answer");
                return Ok(());
            }
        }
        self.look_at_disk().await?;
        self.try_again().await
    }
}
