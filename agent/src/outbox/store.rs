//! The storage seam: what the outbox asks of a disk.

use std::fmt::Debug;

use tidewaiter_record::Hash;

use super::{StopCause, StoreError};

/// One sealed record as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Position in the chain.
    pub seq: u64,
    /// The COSE bytes, exactly as signed.
    pub bytes: Vec<u8>,
    /// SHA-256 of `bytes`.
    pub hash: Hash,
    /// Its disposition alarms: it also goes ahead of the backlog.
    pub alert: bool,
    /// UTC milliseconds when it was sealed, for ages and the history.
    pub sealed_ms: i64,
    /// Where it comes from: lane, rig, watch or `self`.
    pub place: String,
    /// The draft's own id, so that a retry after an indeterminate commit does not seal it twice.
    pub draft: Option<String>,
}

/// How far the centre has signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Everything up to and including this record is safe at the centre.
    pub upto_seq: u64,
    /// Hash of that record.
    pub hash: Hash,
    /// When the centre stored it, UTC milliseconds.
    pub received_ms: i64,
}

/// One durable step: everything in it happens, or nothing does.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Records to append, in sequence order.
    pub entries: Vec<Entry>,
    /// Open inspections to keep (`Some`) or forget (`None`), by place.
    pub open: Vec<(String, Option<Vec<u8>>)>,
    /// Notes to keep (`Some`) or forget (`None`), by name; a new one replaces the old one.
    pub notes: Vec<(String, Option<Vec<u8>>)>,
    /// New cursor.
    pub cursor: Option<Cursor>,
    /// Receipted records to delete: all up to and including this sequence number.
    pub trim_upto: Option<u64>,
    /// Drafts refused since the store stopped, with the first refusal's UTC milliseconds; `Some((0, _))` clears it.
    pub refused: Option<(u64, i64)>,
}

/// What a store holds when it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Chain id of the store.
    pub chain: [u8; 16],
    /// Sequence number and hash of the newest record.
    pub head: Option<(u64, Hash)>,
    /// Oldest record still stored.
    pub oldest: Option<u64>,
    /// Cursor.
    pub cursor: Option<Cursor>,
    /// Wall clock of the newest record: the clock never counts as right below it.
    pub wall_floor_ms: i64,
    /// Refusals not yet told in a record.
    pub refused: (u64, i64),
    /// This start's number: one higher than ever before.
    pub boot: u64,
    /// The last record was a clean shutdown.
    pub clean: bool,
}

/// A file system as it is seen without writing to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that we may still take, whatever the budget says: others write there too.
    pub free_bytes: u64,
    /// It takes no write at all, as after an error that it found in itself.
    pub read_only: bool,
}

/// Durable storage of one chain.
pub trait Store: Send + Debug {
    /// Counts this start and says what is there. Called once after opening.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn contents(&mut self) -> Result<Contents, StoreError>;

    /// Makes `batch` durable as a whole.
    ///
    /// # Errors
    ///
    /// When the disk fails or is full; then it is unknown whether the batch is there, and the
    /// caller must [`Store::reopen`] and look.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Why a commit that failed cannot be made. Asked before [`Store::reopen`], which may free a little.
    fn stop_cause(&mut self, failure: &StoreError) -> StopCause {
        if failure.is_full() { StopCause::Full } else { StopCause::Failed }
    }

    /// Drops the handle that failed and opens the file anew, recovering what `SQLite` recovers.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
    fn reopen(&mut self) -> Result<(), StoreError>;

    /// Records from `from` on, at most `limit`, each checked against its stored hash.
    ///
    /// # Errors
    ///
    /// When the disk fails or bytes have changed.
    fn entries(&mut self, from: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Alerts above `above`, oldest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Store::entries`].
    fn alerts(&mut self, above: Option<u64>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// The sequence number and hash under which a draft was stored, if it was.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn find_draft(&mut self, draft: &str) -> Result<Option<(u64, Hash)>, StoreError>;

    /// Inspections that were open, by place.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn open_inspections(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Notes, by name: small states of the agent that must outlive it.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn notes(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Bytes in use, and the budget.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn usage(&mut self) -> Result<(u64, u64), StoreError>;

    /// What the file system below has to say of itself, where there is one and it says so.
    fn disk(&self) -> Option<Disk> {
        None
    }

    /// Newest receipted record that is sealed before `before_ms`.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn receipted_before(&mut self, before_ms: i64) -> Result<Option<u64>, StoreError>;
}
