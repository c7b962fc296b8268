//! Evidence beside the chain: which record names which content, and what goes when no record names it any more.
//!
//! The layout of the store has no table for it; a note per record does: `evidence/{seq}`, hash and size. It is committed
//! with the record and deleted with it.

use std::sync::Arc;

use tidewaiter_record::{Hash, body::Detail};
use tracing::{error, info, warn};

use super::{
    super::{Named, Outbox, Refusal},
    Keeper, Pending,
};
use crate::evidence::EvidenceStore;

/// How the name of a note about evidence begins; the record's number follows.
const NOTE: &str = "evidence/";

/// The evidence that the stored records name.
pub(super) fn named(notes: &[(String, Vec<u8>)]) -> Named {
    notes.iter().filter_map(|(name, bytes)| read(name, bytes)).collect()
}

/// The note of a record, if it names a content that is kept beside it.
pub(super) fn note(detail: &Detail, seq: u64) -> Option<(String, Option<Vec<u8>>)> {
    let (hash, size) = beside(detail)?;
    let mut bytes = hash.0.to_vec();
    bytes.extend(size.to_be_bytes());
    Some((format!("{NOTE}{seq}"), Some(bytes)))
}

/// That the record of this number is gone.
pub(super) fn gone(seq: u64) -> (String, Option<Vec<u8>>) {
    (format!("{NOTE}{seq}"), None)
}

fn beside(detail: &Detail) -> Option<(Hash, u64)> {
    match detail {
        Detail::Evidence(it) if it.content.is_none() => Some((it.hash, it.size)),
        _ => None,
    }
}

fn read(name: &str, bytes: &[u8]) -> Option<(u64, (Hash, u64))> {
    let seq = name.strip_prefix(NOTE)?.parse().ok()?;
    let (hash, size) = bytes.split_first_chunk::<32>()?;
    Some((seq, (Hash(*hash), u64::from_be_bytes(size.try_into().ok()?))))
}

impl Keeper {
    /// Works with this store of evidence. Contents that no record names are removed: a power cut came between them and
    /// their records.
    #[must_use]
    pub fn with_evidence(mut self, outbox: Outbox, evidence: Arc<dyn EvidenceStore>) -> (Self, Outbox) {
        match evidence.list() {
            Ok(there) => {
                let wanted = |hash: &Hash| self.status.evidence.values().any(|(named, _)| named == hash);
                for orphan in there.iter().filter(|it| !wanted(it)) {
                    info!(sha256 = %orphan, "evidence without a record is removed");
                    if let Err(why) = evidence.remove(*orphan) {
                        warn!(%why, "evidence could not be removed");
                    }
                }
                for (seq, (hash, _)) in self.status.evidence.iter().filter(|(_, (hash, _))| !there.contains(hash)) {
                    error!(record = seq, sha256 = %hash, "evidence is lost; put its file back, or the centre will wait for it");
                }
            }
            Err(why) => error!(%why, "the evidence cannot be listed"),
        }
        let (used, budget) = self.status.usage;
        self.status.usage = (used.saturating_add(evidence.used()), budget);
        self.evidence = Arc::clone(&evidence);
        self.publish();
        (self, Outbox { evidence, ..outbox })
    }

    pub(super) fn take_evidence(&mut self, name: &str, bytes: Option<&[u8]>) {
        let Some(number) = name.strip_prefix(NOTE) else { return };
        let named = Arc::make_mut(&mut self.status.evidence);
        match bytes.and_then(|bytes| read(name, bytes)) {
            Some((seq, content)) => {
                named.insert(seq, content);
            }
            None => {
                number.parse().ok().and_then(|seq: u64| named.remove(&seq));
            }
        }
    }

    /// Refuses drafts that name a content which is not kept: a record must never promise what is not there.
    pub(super) async fn without_absent(&mut self, pending: Vec<Pending>) -> Vec<Pending> {
        if !pending.iter().any(|it| beside(&it.draft.detail).is_some()) {
            return pending;
        }
        let mut rest = Vec::with_capacity(pending.len());
        for item in pending {
            let Some((hash, size)) = beside(&item.draft.detail) else {
                rest.push(item);
                continue;
            };
            let last = crate::evidence::read(&self.evidence, hash, size.saturating_sub(1), 2).await;
            if last.is_ok_and(|it| it.len() == usize::from(size > 0)) {
                rest.push(item);
            } else {
                let why = format!("evidence {hash} of {size} bytes is not kept; hand in its content first");
                let _ = item.reply.send(Err(Refusal::Seal(why)));
            }
        }
        rest
    }

    /// Removes contents that no stored record names any more.
    pub(super) async fn remove_unnamed(&mut self, gone: Vec<Hash>) {
        let unnamed: Vec<Hash> =
            gone.into_iter().filter(|hash| !self.status.evidence.values().any(|(named, _)| named == hash)).collect();
        if unnamed.is_empty() {
            return;
        }
        let evidence = Arc::clone(&self.evidence);
        let removed = tokio::task::spawn_blocking(move || {
            for hash in unnamed {
                // What stays is an orphan, and goes at the next start.
                if let Err(why) = evidence.remove(hash) {
                    warn!(%why, "evidence of a trimmed record could not be removed");
                }
            }
        });
        let _ = removed.await;
    }
}
