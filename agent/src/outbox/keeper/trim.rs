//! Making room: receipted records go, oldest first, and the chain says so.
//!
//! A deletion and the note of it are one commit; the record that tells of it is sealed after that, at most once a minute,
//! over everything deleted since the last one. A power cut in between leaves the note, and the next start tells.

use tidewaiter_record::{
    Hash,
    body::{Detail, Trimmed},
};
use tracing::{error, warn};

use super::{
    super::{Batch, Draft, StoreError},
    Keeper, beside,
};

/// Above this share of the budget receipted records make room, oldest first: 3/4.
const TRIM_SHARE: (u64, u64) = (3, 4);
/// Receipted records deleted in one commit at most, so that one receipt never stalls the lane.
const TRIM_STEP: u64 = 4096;
/// How often records are looked at for their age. Each look may end in a record of its own.
const AGE_LOOK_MS: u64 = 10 * 60_000;
/// Least time between two records that tell of deletions.
const TELL_MS: u64 = 60_000;
/// Name of the note of what was deleted and not told.
const NOTE: &str = "trimmed";

/// What was deleted and not told yet, and when which look was taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trims {
    untold: Option<Trimmed>,
    told_ms: Option<u64>,
    looked_ms: Option<u64>,
}

/// What the last run deleted without telling.
pub(super) fn kept(notes: &[(String, Vec<u8>)]) -> Trims {
    let untold = notes.iter().find(|(name, _)| name == NOTE).and_then(|(_, bytes)| {
        let untold = decode(bytes);
        if untold.is_none() {
            error!("the note of deleted records cannot be read");
        }
        untold
    });
    Trims { untold, ..Trims::default() }
}

fn encode(it: &Trimmed) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(56);
    for number in [it.from_seq, it.upto_seq, it.receipted_upto] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(it.hash.0);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Trimmed> {
    let (from, rest) = bytes.split_first_chunk::<8>()?;
    let (upto, rest) = rest.split_first_chunk::<8>()?;
    let (receipted, hash) = rest.split_first_chunk::<8>()?;
    Some(Trimmed {
        from_seq: u64::from_be_bytes(*from),
        upto_seq: u64::from_be_bytes(*upto),
        hash: Hash(hash.try_into().ok()?),
        receipted_upto: u64::from_be_bytes(*receipted),
    })
}

impl Trims {
    pub(super) fn take(&mut self, name: &str, bytes: Option<&[u8]>) {
        if name == NOTE {
            self.untold = bytes.and_then(decode);
        }
    }

    pub(super) fn recover(&mut self, kept: Self) {
        self.untold = kept.untold;
    }
}

fn is_due(last_ms: Option<u64>, now_ms: u64, period_ms: u64) -> bool {
    last_ms.is_none_or(|last| now_ms.saturating_sub(last) >= period_ms)
}

impl Keeper {
    /// Deletes receipted records that are older than `keep`, or oldest first while room is short.
    pub(super) async fn trim(&mut self) -> Result<(), StoreError> {
        let Some(cursor) = self.status.cursor else { return Ok(()) };
        self.refresh_usage().await;
        let now = self.clock.now();
        let oldest = self.with_store(|store| store.entries(0, 1)).await?;
        let Some(from_seq) = oldest.first().map(|entry| entry.seq) else { return Ok(()) };
        let mut upto = None;
        if is_due(self.trims.looked_ms, now.mono_ms, AGE_LOOK_MS) {
            self.trims.looked_ms = Some(now.mono_ms);
            let before = now.wall_ms.saturating_sub(self.settings.keep_ms);
            upto = self.with_store(move |store| store.receipted_before(before)).await?;
        }
        let (used, budget) = self.status.usage;
        if used > budget / TRIM_SHARE.1 * TRIM_SHARE.0 {
            upto = upto.max(Some(cursor.upto_seq.min(from_seq + TRIM_STEP)));
        }
        // The head itself stays: the chain goes on from its bytes, and `show` can still find it.
        let upto = upto.map(|seq| seq.min(cursor.upto_seq).min(self.head.next_seq.saturating_sub(2)));
        let Some(upto) = upto.filter(|seq| *seq > 0 && *seq >= from_seq) else { return Ok(()) };
        let last = self.with_store(move |store| store.entries(upto, 1)).await?;
        let Some(last) = last.first().filter(|entry| entry.seq == upto) else { return Ok(()) };
        let trimmed = Trimmed {
            from_seq: self.trims.untold.map_or(from_seq, |it| it.from_seq),
            upto_seq: upto,
            hash: last.hash,
            receipted_upto: cursor.upto_seq,
        };
        let named: Vec<(u64, Hash)> =
            self.status.evidence.range(..=upto).map(|(seq, (hash, _))| (*seq, *hash)).collect();
        let mut notes = vec![(NOTE.to_owned(), Some(encode(&trimmed)))];
        notes.extend(named.iter().map(|(seq, _)| beside::gone(*seq)));
        let batch = Batch { trim_upto: Some(upto), notes, ..Batch::default() };
        match self.commit(batch.clone()).await {
            Ok(()) => {
                self.take_notes(&batch.notes);
                self.remove_unnamed(named.into_iter().map(|(_, hash)| hash).collect()).await;
            }
            Err(failure) => {
                warn!(%failure, "receipted records could not be trimmed");
                self.recover().await?;
            }
        }
        self.refresh_usage().await;
        Ok(())
    }

    /// Seals what was deleted, when that is due and records are accepted at all.
    pub(super) async fn note_trims(&mut self) -> Result<(), StoreError> {
        let Some(untold) = self.trims.untold else { return Ok(()) };
        let now_ms = self.clock.now().mono_ms;
        if self.finished || self.status.stopped_since_ms.is_some() || !is_due(self.trims.told_ms, now_ms, TELL_MS) {
            return Ok(());
        }
        self.trims.told_ms = Some(now_ms);
        let draft = Draft { notes: vec![(NOTE.to_owned(), None)], ..Self::own(Detail::Trimmed(untold)) };
        self.seal_own(draft, None).await.map(drop)
    }
}
