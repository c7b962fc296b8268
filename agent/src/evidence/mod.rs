//! Evidence beside the chain: spectra, traces, stills and documents that are too large for a record.
//!
//! What comes in: content, kept under its SHA-256 before the record that names it is sealed. What goes out: the same
//! bytes, in parts, to the uplink and to whoever asks. Which record names which content is the outbox's to know; a file
//! that no record names is an orphan of a power cut, and goes at the next start.
//!
//! ```text
//! <data dir>/evidence/<sha-256, hex>          one file a content, written whole or not at all
//! <data dir>/evidence/.<sha-256, hex>.part    what a power cut left of one
//! ```
//!
//! IO is in `disk.rs` alone; `memory.rs` serves test worlds.

mod attach;
mod disk;
mod memory;

use std::{fmt::Debug, io, sync::Arc};

use tidewaiter_record::Hash;

pub(crate) use self::attach::seal;
pub use self::{
    attach::{AttachError, Attachment, attach, draft},
    disk::DiskEvidence,
    memory::MemoryEvidence,
};

/// Where contents are kept. Calls block, and may come from several threads at once.
pub trait EvidenceStore: Send + Sync + Debug {
    /// Keeps `content` under `hash`, durably: it survives a power cut from the moment this returns. Once is enough.
    ///
    /// # Errors
    ///
    /// When the disk fails or is full; then nothing is kept.
    fn put(&self, hash: Hash, content: &[u8]) -> io::Result<()>;

    /// At most `len` bytes from `offset` on; fewer at the end.
    ///
    /// # Errors
    ///
    /// When it is not there, or the disk fails.
    fn read(&self, hash: Hash, offset: u64, len: usize) -> io::Result<Vec<u8>>;

    /// Forgets a content; one that is not there is forgotten already.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn remove(&self, hash: Hash) -> io::Result<()>;

    /// Every content kept.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn list(&self) -> io::Result<Vec<Hash>>;

    /// Bytes in use: part of the store's budget.
    fn used(&self) -> u64;
}

/// Keeps content off the async threads.
pub(crate) async fn put(store: &Arc<dyn EvidenceStore>, content: Arc<[u8]>) -> io::Result<Hash> {
    let store = Arc::clone(store);
    blocking(move || {
        let hash = Hash::of(&content);
        store.put(hash, &content).map(|()| hash)
    })
    .await
}

/// Reads a part off the async threads.
pub(crate) async fn read(store: &Arc<dyn EvidenceStore>, hash: Hash, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let store = Arc::clone(store);
    blocking(move || store.read(hash, offset, len)).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|failure| Err(io::Error::other(failure)))
}
