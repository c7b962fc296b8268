//! The durable queue between judging and sending.
//!
//! What comes in: drafts (a record's detail without its place in the chain), open inspections to
//! remember, verified receipts. What goes out: sealed records in sequence order, and the word
//! "recorded", which is said only after the commit that holds the record.
//!
//! One task, the [`Keeper`], owns store, chain head and signer. It takes what has queued up, seals
//! it in order, and commits sequence number, record bytes, inspection state and cursor as one
//! transaction (group commit). Limits, each with its policy:
//!
//! - [`COMMANDS`] waiting commands: senders wait (back-pressure reaches the ports, whose kernels buffer);
//! - [`GROUP`] records per commit, and no longer wait than [`GROUP_WAIT`]: a record is durable soon,
//!   and a burst costs one flush;
//! - the store's budget, and the disk that others fill too: at the reserve the keeper seals `stopped`, refuses and
//!   counts exactly; when there is room again it seals `resumed` with the count. The two are told apart
//!   ([`StopCause`]): the way out is another one.
//!
//! Evidence too large for a record is kept beside the store ([`Outbox::keep`]) before the record that names it is
//! sealed, counts into the budget, and goes when no record names it any more.
//!
//! Nothing without a receipt is ever deleted. On any commit error the handle is dropped and
//! reopened, the head is read back from disk, and only then are the drafts tried again: a commit
//! that failed may still have happened. When tries are used up, be it for a sign of life alone, nothing is recorded, and
//! everyone is told so; the keeper goes on trying by itself, each few seconds.

mod archive;
mod error;
pub mod fsck;
mod keeper;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod timing;
mod witness;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tidewaiter_record::{Hash, Head, PublicKey, Signer, body::Detail};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    clock::Claim,
    evidence::{self, EvidenceStore},
};

pub use archive::{Archive, Summary};
pub use error::{Refusal, StoreError};
pub use keeper::{Identity, Keeper, Settings};
pub use sqlite::SqliteStore;
pub use store::{Batch, Contents, Cursor, Disk, Entry, Store};
pub use witness::{Beacon, BeaconAnswer, LogHead};

/// Commands that may wait for the keeper.
pub const COMMANDS: usize = 256;
/// Records sealed in one commit at most.
pub const GROUP: usize = 64;
/// How long the first command of a group waits for company.
pub const GROUP_WAIT: Duration = Duration::from_millis(4);
/// Part of the budget kept free for `stopped`, refusal counts and receipts: 1/16.
const RESERVE_SHARE: u64 = 16;
/// How the draft id of a record that ends a clean run begins; the boot number follows.
pub(crate) const SHUTDOWN_DRAFT: &str = "shutdown-";
/// Note that holds the newest receipt as the centre signed it.
pub const RECEIPT_NOTE: &str = "receipt";

/// A record to be sealed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Lane, rig, watch or `self`: the claim `sub`.
    pub place: String,
    /// Unique id where a second sealing must be impossible.
    pub id: Option<String>,
    /// What it says.
    pub detail: Detail,
    /// It also goes ahead of the backlog.
    pub alert: bool,
    /// The open inspection that this record closes.
    pub closes: Option<String>,
    /// Notes that are kept (`Some`) or forgotten (`None`) with it, or not at all.
    pub notes: Vec<(String, Option<Vec<u8>>)>,
}

/// Where a draft ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Position in the chain.
    pub seq: u64,
    /// SHA-256 of the record.
    pub hash: Hash,
}

/// What everyone may know about the outbox; every figure is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Newest record, if there is one.
    pub head: Option<u64>,
    /// Records sealed since the chain began.
    pub sealed: u64,
    /// Cursor.
    pub cursor: Option<Cursor>,
    /// When the oldest record without a receipt was sealed.
    pub oldest_unreceipted_ms: Option<i64>,
    /// Bytes in use and the budget.
    pub usage: (u64, u64),
    /// Since when nothing can be recorded, UTC milliseconds.
    pub stopped_since_ms: Option<i64>,
    /// Why, where it was found in this run and is not the key.
    pub stopped_by: Option<StopCause>,
    /// The clean end is sealed: nothing more is recorded until the next start.
    pub ending: bool,
    /// Drafts refused since then.
    pub refused: u64,
    /// Newest alert sealed, so that the uplink looks for it.
    pub newest_alert: Option<u64>,
    /// The centre signed for bytes that are not ours: deletion has stopped.
    pub fork: Option<String>,
    /// How far the wall clock could be believed when it was last looked at.
    pub clock: Claim,
    /// Why the key does not sign; nothing is recorded while it does not.
    pub key_away: Option<String>,
    /// Drafts refused since the start of the process.
    pub refused_ever: u64,
    /// Evidence beside the chain, by the record that names it.
    pub evidence: Arc<Named>,
    /// The newest beacon of the centre that was believed; its number is what signed orders expire by.
    pub beacon: Option<Beacon>,
    /// The newest head of the centre's log that was seen, in a beacon or a receipt.
    pub log: Option<LogHead>,
    /// The centre has shown two different logs of one size.
    pub log_fork: Option<String>,
}

/// Why the store takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// The budget is used up.
    Full,
    /// The disk is used up, within the budget: others fill it, or it is smaller than the budget.
    Disk,
    /// The file system has no inode left for another file.
    Inodes,
    /// It could not be written, or not with certainty.
    Failed,
}

impl StopCause {
    /// What a draft is answered with. `why` is what the store said.
    fn refusal(self, why: &str) -> Refusal {
        match self {
            Self::Full => Refusal::Full,
            Self::Disk => Refusal::DiskFull,
            Self::Inodes => Refusal::NoInodes,
            Self::Failed => Refusal::Store(why.to_owned()),
        }
    }

    /// The reason as it stands in a record `stopped`.
    const fn reason(self) -> &'static str {
        match self {
            Self::Full => "budget used up",
            Self::Disk => "disk full",
            Self::Inodes => "no inodes left",
            Self::Failed => "store failed",
        }
    }
}

/// The order to hand the chain to another key.
pub struct HandOver {
    /// The key that signs from then on.
    pub next: Arc<dyn Signer>,
    /// Its public half.
    pub public: PublicKey,
    /// Who ordered it.
    pub operator: String,
    /// The note that goes into the store with the record, by the record's number.
    pub note: Box<dyn FnOnce(u64) -> (String, Vec<u8>) + Send>,
}

impl std::fmt::Debug for HandOver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandOver")
            .field("next", &self.next.kid())
            .field("operator", &self.operator)
            .finish_non_exhaustive()
    }
}

/// Evidence by the number of the record that names it: hash and size of the content.
pub type Named = BTreeMap<u64, (Hash, u64)>;

impl Status {
    /// Whether records are accepted: there is room, the key signs, and the centre has signed for nothing that is not ours.
    pub fn is_recording(&self) -> bool {
        self.fork.is_none() && self.key_away.is_none() && self.stopped_since_ms.is_none()
    }

    /// What a draft would be refused with, where nothing is recorded.
    pub(crate) fn refusal(&self) -> Refusal {
        match (&self.key_away, self.stopped_by) {
            (Some(away), _) => Refusal::Key(away.clone()),
            (None, Some(cause)) => cause.refusal("the store could not be written"),
            (None, None) => Refusal::Full,
        }
    }

    /// Whether there is room for another record, the reserve left out.
    pub fn has_room(&self) -> bool {
        self.has_room_for(0)
    }

    /// Whether so many bytes more would leave the reserve alone.
    pub fn has_room_for(&self, bytes: u64) -> bool {
        let (used, budget) = self.usage;
        used.saturating_add(bytes) < budget - budget / RESERVE_SHARE
    }
}

pub(crate) enum Command {
    Seal { draft: Box<Draft>, reply: oneshot::Sender<Result<Recorded, Refusal>> },
    Remember { place: String, state: Vec<u8>, reply: oneshot::Sender<Result<(), Refusal>> },
    Notes { notes: Vec<(String, Option<Vec<u8>>)>, reply: oneshot::Sender<Result<(), Refusal>> },
    Find { draft: String, reply: oneshot::Sender<Result<Option<Recorded>, StoreError>> },
    Receipt { cursor: Cursor, signed: Option<Vec<u8>>, reply: oneshot::Sender<ReceiptAnswer> },
    HandOver { order: Box<HandOver>, reply: oneshot::Sender<Result<Recorded, Refusal>> },
    Beacon { head: Box<Head>, reply: oneshot::Sender<BeaconAnswer> },
    Log { head: LogHead, reply: oneshot::Sender<()> },
    Finish { reply: oneshot::Sender<()> },
    Entries { from: u64, limit: usize, reply: oneshot::Sender<Result<Vec<Entry>, StoreError>> },
    Alerts { above: Option<u64>, limit: usize, reply: oneshot::Sender<Result<Vec<Entry>, StoreError>> },
}

/// What became of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptAnswer {
    /// The cursor moved.
    Moved,
    /// Nothing new.
    Known,
    /// It covers records this agent never sealed, or with another hash: nothing is deleted any more.
    Fork(String),
    /// The store failed; the centre will send it again.
    Failed(String),
}

/// The way into the outbox for every other stage.
#[derive(Clone, Debug)]
pub struct Outbox {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<Arc<Status>>,
    evidence: Arc<dyn EvidenceStore>,
    beat: keeper::Beat,
}

impl Outbox {
    /// Seals a draft and answers once it is durable.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]; the draft is then not recorded and the refusal is counted.
    pub async fn seal(&self, draft: Draft) -> Result<Recorded, Refusal> {
        self.ask(|reply| Command::Seal { draft: Box::new(draft), reply }).await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Keeps the state of an open inspection, so that a power cut cannot swallow it.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]; the inspection goes on in memory.
    pub async fn remember(&self, place: &str, state: Vec<u8>) -> Result<(), Refusal> {
        self.ask(|reply| Command::Remember { place: place.to_owned(), state, reply })
            .await
            .unwrap_or(Err(Refusal::Stopping))
    }

    /// Keeps (`Some`) or forgets (`None`) small states of the agent that must outlive it, by name; all or none.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]; the old ones stay.
    pub async fn notes(&self, notes: Vec<(String, Option<Vec<u8>>)>) -> Result<(), Refusal> {
        self.ask(|reply| Command::Notes { notes, reply }).await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Where the draft of this id is in the chain, if it was sealed and is still stored.
    ///
    /// # Errors
    ///
    /// When the store fails; `None` when the agent is stopping.
    pub async fn find(&self, draft: &str) -> Option<Result<Option<Recorded>, StoreError>> {
        self.ask(|reply| Command::Find { draft: draft.to_owned(), reply }).await
    }

    /// Hands in a receipt whose signature has been verified.
    pub async fn receipt(&self, cursor: Cursor) -> ReceiptAnswer {
        self.take_receipt(cursor, None).await
    }

    /// As [`Self::receipt`], and keeps the signed bytes of the newest one, for bundles.
    pub async fn signed_receipt(&self, cursor: Cursor, signed: Vec<u8>) -> ReceiptAnswer {
        self.take_receipt(cursor, Some(signed)).await
    }

    async fn take_receipt(&self, cursor: Cursor, signed: Option<Vec<u8>>) -> ReceiptAnswer {
        self.ask(|reply| Command::Receipt { cursor, signed, reply })
            .await
            .unwrap_or_else(|| ReceiptAnswer::Failed("the agent is stopping".to_owned()))
    }

    /// Hands the chain to another key: in one transaction the event that names who ordered it, the record that hands
    /// over, and the note. From the next record on the other key signs.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]; then the key in use goes on signing. [`Refusal::Stopping`] alone leaves it open what happened.
    pub async fn hand_over(&self, order: HandOver) -> Result<Recorded, Refusal> {
        self.ask(|reply| Command::HandOver { order: Box::new(order), reply }).await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Hands in a beacon whose signature has been verified.
    pub async fn beacon(&self, head: Head) -> BeaconAnswer {
        self.ask(|reply| Command::Beacon { head: Box::new(head), reply })
            .await
            .unwrap_or_else(|| BeaconAnswer::Failed("the agent is stopping".to_owned()))
    }

    /// Hands in the head of the centre's log that a verified receipt names.
    pub async fn log(&self, head: LogHead) {
        let _ = self.ask(|reply| Command::Log { head, reply }).await;
    }

    /// Keeps a content beside the chain, durably, for a record that is sealed next.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]; then it is not kept.
    pub async fn keep(&self, content: Arc<[u8]>) -> Result<Hash, Refusal> {
        if !self.status.borrow().has_room_for(content.len() as u64) {
            return Err(Refusal::Full);
        }
        evidence::put(&self.evidence, content).await.map_err(|why| Refusal::Store(why.to_string()))
    }

    /// A part of a content kept beside the chain.
    ///
    /// # Errors
    ///
    /// When it is not there, or the disk fails.
    pub async fn content(&self, hash: Hash, offset: u64, len: usize) -> std::io::Result<Vec<u8>> {
        evidence::read(&self.evidence, hash, offset, len).await
    }

    /// Seals the clean end of this run. Drafts are refused from then on; receipts still count.
    pub async fn finish(&self) {
        let _ = self.ask(|reply| Command::Finish { reply }).await;
    }

    /// Records from `from` on.
    ///
    /// # Errors
    ///
    /// When the store fails; `None` when the agent is stopping.
    pub async fn entries(&self, from: u64, limit: usize) -> Option<Result<Vec<Entry>, StoreError>> {
        self.ask(|reply| Command::Entries { from, limit, reply }).await
    }

    /// Alerts above a sequence number, oldest first.
    ///
    /// # Errors
    ///
    /// When the store fails; `None` when the agent is stopping.
    pub async fn alerts(&self, above: Option<u64>, limit: usize) -> Option<Result<Vec<Entry>, StoreError>> {
        self.ask(|reply| Command::Alerts { above, limit, reply }).await
    }

    /// The durable state, updated after each commit.
    pub fn status(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// When the keeper last looked at its store and was answered, monotonic milliseconds. It does so each second: an
    /// older look says that nobody knows whether [`Self::status`] still holds.
    pub fn looked_mono_ms(&self) -> u64 {
        self.beat.mono_ms()
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
