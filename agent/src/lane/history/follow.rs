//! Keeps the index up with the store: forward with each record, backward in the background.
//!
//! Reads go through the outbox, whose one task also commits: between two pages others have their turn.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::index::Index;
use crate::outbox::Outbox;

/// Records read at once.
const PAGE: u64 = 128;
/// Records that a page waits for; the rest comes in the background.
pub(super) const AT_ONCE: u64 = 1024;
/// Rest between two looks while records keep coming, and between two pages of an old store.
const REST: Duration = Duration::from_millis(250);
const TURN: Duration = Duration::from_millis(5);

/// The index of a running agent.
#[derive(Debug, Default)]
pub(in crate::lane) struct History {
    index: RwLock<Index>,
    /// Held by whoever reads records into it: two would count them twice.
    reading: Mutex<()>,
}

impl History {
    /// Looks something up; nothing waits on anything inside.
    pub(super) fn look<T>(&self, what: impl FnOnce(&Index) -> T) -> T {
        // Every change of the index is whole when it panics nowhere, and a half one is still a list of true rows.
        what(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, what: impl FnOnce(&mut Index) -> T) -> T {
        what(&mut self.index.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads at most `most` records, newer ones first. Says whether there is more to read.
    pub(super) async fn catch_up(&self, outbox: &Outbox, most: u64) -> bool {
        let Some(head) = outbox.status().borrow().head else { return false };
        let _alone = self.reading.lock().await;
        let mut left = most;
        if self.look(|it| it.next().is_none()) {
            self.change(|it| it.begin(head + 1));
        }
        while let Some(next) = self.look(Index::next).filter(|next| *next <= head) {
            let Some(taken) = left.checked_sub(PAGE) else { return true };
            left = taken;
            let Some(Ok(entries)) = outbox.entries(next, to_len(PAGE)).await else { return false };
            if entries.is_empty() {
                break;
            }
            self.change(|it| it.push_newer(&entries));
            tokio::time::sleep(TURN).await;
        }
        if let Some(Ok(oldest)) = outbox.entries(0, 1).await
            && let Some(oldest) = oldest.first()
        {
            self.change(|it| it.forget_below(oldest.seq));
        }
        while let Some(low) = self.look(Index::low) {
            let Some(taken) = left.checked_sub(PAGE) else { return true };
            left = taken;
            let from = low.saturating_sub(PAGE);
            let Some(Ok(entries)) = outbox.entries(from, to_len(low - from)).await else { return false };
            self.change(|it| it.push_older(from, &entries));
            tokio::time::sleep(TURN).await;
        }
        false
    }

    /// Follows the store until `stop`.
    pub(in crate::lane) async fn follow(self: Arc<Self>, outbox: Outbox, stop: CancellationToken) {
        let mut status = outbox.status();
        loop {
            status.mark_unchanged();
            let more = self.catch_up(&outbox, AT_ONCE).await;
            let rest = async {
                if !more && status.changed().await.is_err() {
                    // The outbox has ended, and so does what can be read.
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(REST).await;
            };
            tokio::select! {
                () = rest => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

fn to_len(records: u64) -> usize {
    usize::try_from(records).unwrap_or(usize::MAX)
}
