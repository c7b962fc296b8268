//! A fork, once seen, is not forgotten: not by a right receipt, and not by a restart.
//!
//! The centre has signed for bytes that are not ours, so somebody holds another chain of our name, or this disk is an
//! old copy. Which of the two, people have to find out; until they have, nothing may be deleted, because
//! every record of ours may be the only one. It ends with the chain.

use tracing::{error, warn};

use super::{Batch, Keeper, ReceiptAnswer, StoreError};

/// The note that remembers it.
const NOTE: &str = "fork";

/// What an earlier run has seen.
pub(super) fn remembered(notes: &[(String, Vec<u8>)]) -> Option<String> {
    let (_, note) = notes.iter().find(|(name, _)| name == NOTE)?;
    Some(String::from_utf8_lossy(note).into_owned())
}

impl Keeper {
    /// Stops deletion for good and says so everywhere.
    pub(super) async fn declare_fork(&mut self, fork: String) -> Result<ReceiptAnswer, StoreError> {
        error!(fork, "fork: nothing will be deleted any more");
        self.status.fork = Some(fork.clone());
        let note = (NOTE.to_owned(), Some(fork.clone().into_bytes()));
        let batch = Batch { notes: vec![note], ..Batch::default() };
        if let Err(failure) = self.commit(batch).await {
            // The centre's receipt is retained: the next start sees it again.
            warn!(%failure, "the fork could not be noted; it holds until the next start");
            self.recover().await?;
        }
        self.publish();
        Ok(ReceiptAnswer::Fork(fork))
    }
}
