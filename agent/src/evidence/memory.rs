//! Contents that vanish with the process.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidewaiter_record::Hash;

use super::EvidenceStore;

/// Evidence in memory, for worlds without a disk.
#[derive(Debug, Default)]
pub struct MemoryEvidence {
    contents: Mutex<BTreeMap<Hash, Arc<[u8]>>>,
}

impl MemoryEvidence {
    fn contents(&self) -> MutexGuard<'_, BTreeMap<Hash, Arc<[u8]>>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EvidenceStore for MemoryEvidence {
    fn put(&self, hash: Hash, content: &[u8]) -> io::Result<()> {
        self.contents().insert(hash, content.into());
        Ok(())
    }

    fn read(&self, hash: Hash, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let content = self.contents().get(&hash).cloned().ok_or(io::ErrorKind::NotFound)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        Ok(content.get(from..from.saturating_add(len).min(content.len())).unwrap_or_default().to_vec())
    }

    fn remove(&self, hash: Hash) -> io::Result<()> {
        self.contents().remove(&hash);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<Hash>> {
        Ok(self.contents().keys().copied().collect())
    }

    fn used(&self) -> u64 {
        self.contents().values().map(|it| it.len() as u64).sum()
    }
}
