//! What the centre keeps: chains, their records, the log over them, the content of evidence, and the records that did
//! not fit into a chain.
//!
//! In: verified records inside one transaction. Out: heads, neighbours and counters. Judging is not done
//! here; the core decides what is a record, a duplicate or evidence, and the store holds the one rule that
//! must never depend on a caller: one record per (chain, sequence number).
//!
//! Two databases can keep it: one `SQLite` file for one collector, or a `PostgreSQL` server that several share. [`Place`] says
//! which, and opens it. Their SQL differs; what is decided (a piece, a bound, a walk) is written once, above both.
//!
//! Durable means: [`Store::commit`] has returned `Ok`. After any error the transaction is void and the
//! handle is spent; reopen the store and let the agents offer again what has no receipt.

mod content;
mod error;
mod gap;
mod incidents;
mod log;
mod nodes;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod read;
mod rotation;
mod schema;
mod sqlite;

use std::collections::BTreeMap;

pub use content::{ContentRows, ContentStore, MAX_OPEN, MAX_OPEN_PER_AGENT, Named, Taken};
pub use error::StoreError;
pub use gap::{Gap, GapStore};
pub use incidents::Fork;
pub use log::{Leaf, LogHead, LogStore};
pub use nodes::{NodeBlock, NodeFinding, NodeSeen, NodeStore, Side};
pub use place::{Address, AddressError, Place};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresStore, schema as postgres_schema};
pub use read::{Moment, Outline, ReadStore, StoredRecord, Walk};
pub use rotation::RotationStore;
pub use sqlite::SqliteStore;
use tidewaiter_record::{ChainId, Hash};

use crate::finding::Bad;

/// Refused messages kept for diagnosis, newest kept. Whoever may publish can fill this, so it is a ring.
pub const MAX_REFUSED_KEPT: u32 = 1_000;

/// Bytes kept of one refused message: the largest record there may be.
pub const MAX_REFUSED_BYTES: usize = 32 * 1024;

/// Records kept as evidence under one sequence number. Each needs a valid signature of the agent's own key,
/// so a second one already proves the fork; the rest would only fill the disk.
pub const MAX_EVIDENCE_PER_SEQ: u32 = 16;

/// How far one chain has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// The chain.
    pub chain: ChainId,
    /// The agent whose key signed it.
    pub agent: String,
    /// Site segment of the topic on which its newest record came: where receipts go.
    pub site: String,
    /// Length of the contiguous prefix: records `0..next_seq` are stored and linked.
    pub next_seq: u64,
    /// Hash of record `next_seq - 1`; `None` while the prefix is empty.
    pub head: Option<Hash>,
    /// When the newest record of the prefix came in, UTC milliseconds; 0 while the prefix is empty.
    pub head_received_ms: i64,
}

impl ChainHead {
    /// The newest record of the prefix, if any.
    pub fn newest(&self) -> Option<u64> {
        self.next_seq.checked_sub(1)
    }
}

/// How a stored record hangs in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// SHA-256 of its bytes.
    pub hash: Hash,
    /// Hash it names as its predecessor.
    pub prev: Hash,
    /// When it came in, UTC milliseconds.
    pub received_ms: i64,
}

/// A verified record on its way into the store.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its chain.
    pub chain: ChainId,
    /// Its sequence number.
    pub seq: u64,
    /// Its hash and its predecessor's.
    pub link: Link,
    /// The record as received, never re-encoded.
    pub bytes: &'a [u8],
}

/// A message that is no record of any chain.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Topic it came on.
    pub topic: &'a str,
    /// Why.
    pub bad: Bad,
    /// Why, in words.
    pub detail: &'a str,
    /// When, UTC milliseconds.
    pub received_ms: i64,
    /// The message; cut at [`MAX_REFUSED_BYTES`].
    pub bytes: &'a [u8],
}

/// What other collectors have written to the same store since this handle's last transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Anything: the log may have grown, there may be a newer head.
    pub written: bool,
    /// Learned keys among it.
    pub keys: bool,
}

/// The seam between the core and a database.
///
/// Everything between [`begin`](Store::begin) and [`commit`](Store::commit) becomes durable together or
/// not at all. Reads see the writes of the open transaction.
///
/// Every method fails with [`StoreError`] alone, and after any failure the handle is spent.
#[allow(clippy::missing_errors_doc, reason = "said once above, it is the same for all")]
pub trait Store: LogStore + ContentStore + GapStore + RotationStore + NodeStore + ReadStore + Send {
    /// Opens the transaction. Until it ends nobody else writes: where several collectors share the store, they take turns
    /// here, and what others wrote is said so that nothing is decided on what was read before.
    fn begin(&mut self) -> Result<Since, StoreError>;
    /// Makes the transaction durable; returns only after the disk has said so.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// The head of a chain, if any record of it was ever taken.
    fn head(&self, chain: ChainId) -> Result<Option<ChainHead>, StoreError>;
    /// All heads, the one that moved last at the end.
    fn heads(&self) -> Result<Vec<ChainHead>, StoreError>;
    /// Writes a head.
    fn put_head(&mut self, head: &ChainHead) -> Result<(), StoreError>;

    /// The record stored under a sequence number.
    fn link(&self, chain: ChainId, seq: u64) -> Result<Option<Link>, StoreError>;
    /// The bytes of the record stored under a sequence number.
    fn record_bytes(&self, chain: ChainId, seq: u64) -> Result<Option<Vec<u8>>, StoreError>;
    /// Stores a record; an error when the sequence number is taken.
    fn put(&mut self, entry: &Entry<'_>) -> Result<(), StoreError>;

    /// Whether exactly this record is kept as evidence.
    fn is_evidence(&self, chain: ChainId, seq: u64, hash: Hash) -> Result<bool, StoreError>;
    /// Keeps a record as evidence beside the chain; `false` when [`MAX_EVIDENCE_PER_SEQ`] are kept already.
    fn put_evidence(&mut self, entry: &Entry<'_>, bad: Bad) -> Result<bool, StoreError>;
    /// Moves a stored record out of the chain into the evidence.
    fn demote(&mut self, chain: ChainId, seq: u64, bad: Bad) -> Result<(), StoreError>;
    /// Moves the record that follows `prev` from the evidence into the chain, where there is one.
    fn promote(&mut self, chain: ChainId, seq: u64, prev: Hash) -> Result<Option<Link>, StoreError>;

    /// Keeps a refused message for diagnosis.
    fn put_refused(&mut self, refused: &Refused<'_>) -> Result<(), StoreError>;
    /// Keeps the newest unsigned state of an agent.
    fn put_state(&mut self, site: &str, agent: &str, state: &str, received_ms: i64) -> Result<(), StoreError>;

    /// Adds to a durable counter.
    fn add(&mut self, counter: &str, n: u64) -> Result<(), StoreError>;
    /// All durable counters.
    fn counters(&self) -> Result<BTreeMap<String, u64>, StoreError>;
}
