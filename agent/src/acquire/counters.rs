//! What each instrument has delivered, and what it has not, since the agent started.
//!
//! Counters start at zero with the process; a dashboard that needs totals over restarts derives
//! them from rates.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::Serialize;
use tidewaiter_config::site::Site;
use tidewaiter_drivers::reading::Missing;

/// The reasons, in the order of the cells that count them.
const REASONS: [Missing; 10] = [
    Missing::TimedOut,
    Missing::CrcError,
    Missing::Exception(0),
    Missing::Refused,
    Missing::NotPresent,
    Missing::WarmingUp,
    Missing::Overrange,
    Missing::Underrange,
    Missing::InstrumentFault(0),
    Missing::LineDown,
];

/// Counters of every instrument of a site.
#[derive(Debug)]
pub struct Counters {
    instruments: RwLock<BTreeMap<String, Arc<Tally>>>,
}

/// Counters of one instrument.
#[derive(Debug, Default)]
pub(super) struct Tally {
    readings: AtomicU64,
    missing: [AtomicU64; REASONS.len()],
    frames_refused: AtomicU64,
    garbage_bytes: AtomicU64,
    reconnects: AtomicU64,
    late_replies: AtomicU64,
    sealed_taken: AtomicU64,
    sealed_refused: AtomicU64,
    sealed_skipped: AtomicU64,
}

/// The sealed blocks of an instrument that has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SealedBlocks {
    /// Blocks taken.
    pub taken: u64,
    /// Blocks of the wrong shape, or that came before: replayed, or answered from a cache.
    pub refused: u64,
    /// Numbers that never came here. That is normal: every reader of the node takes some.
    pub skipped: u64,
}

/// The counters of one instrument at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Values delivered, one per channel; portal lines and identity marks count one each.
    pub readings: u64,
    /// Outcomes without a value, by the reason's word.
    pub missing: BTreeMap<&'static str, u64>,
    /// Complete frames whose check or content did not hold.
    pub frames_refused: u64,
    /// Bytes thrown away to find the next frame.
    pub garbage_bytes: u64,
    /// Times its port was opened again after the first time.
    pub reconnects: u64,
    /// Answers that came after their request had been given up, and were thrown away.
    pub late_replies: u64,
    /// Sealed blocks, of an instrument that has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedBlocks>,
}

impl Counters {
    /// All counters of a site at zero.
    pub fn new(site: &Site) -> Self {
        let counters = Self { instruments: RwLock::default() };
        counters.turn(site);
        counters
    }

    /// Goes on with another site: instruments that stay keep their counts, new ones begin at zero.
    pub fn turn(&self, site: &Site) {
        let mut instruments = self.instruments.write().unwrap_or_else(PoisonError::into_inner);
        let kept = |id: &str| instruments.get(id).map(Arc::clone).unwrap_or_default();
        *instruments = site.instruments.iter().map(|it| (it.id.clone(), kept(&it.id))).collect();
    }

    /// All counters now, by instrument id.
    pub fn snapshot(&self) -> BTreeMap<String, Snapshot> {
        self.read().iter().map(|(id, tally)| (id.clone(), tally.snapshot())).collect()
    }

    /// Runs `count` on an instrument of this site; an unknown one has no counters.
    pub(super) fn at(&self, instrument: &str, count: impl FnOnce(&Tally)) {
        if let Some(tally) = self.read().get(instrument) {
            count(tally);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Tally>>> {
        self.instruments.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    pub(super) fn reading(&self) {
        self.readings.fetch_add(1, Relaxed);
    }

    pub(super) fn missing(&self, reason: Missing) {
        for (cell, known) in self.missing.iter().zip(REASONS) {
            if known.word() == reason.word() {
                cell.fetch_add(1, Relaxed);
            }
        }
    }

    pub(super) fn frame_refused(&self) {
        self.frames_refused.fetch_add(1, Relaxed);
    }

    pub(super) fn garbage(&self, bytes: u64) {
        self.garbage_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn reconnected(&self) {
        self.reconnects.fetch_add(1, Relaxed);
    }

    pub(super) fn late_replies(&self, replies: u64) {
        self.late_replies.fetch_add(replies, Relaxed);
    }

    pub(super) fn sealed(&self, taken: bool, skipped: u64) {
        if taken {
            self.sealed_taken.fetch_add(1, Relaxed);
            self.sealed_skipped.fetch_add(skipped, Relaxed);
        } else {
            self.sealed_refused.fetch_add(1, Relaxed);
            self.frame_refused();
        }
    }

    fn snapshot(&self) -> Snapshot {
        let missing = self
            .missing
            .iter()
            .zip(REASONS)
            .map(|(cell, reason)| (reason.word(), cell.load(Relaxed)))
            .filter(|&(_, count)| count > 0)
            .collect();
        let sealed = SealedBlocks {
            taken: self.sealed_taken.load(Relaxed),
            refused: self.sealed_refused.load(Relaxed),
            skipped: self.sealed_skipped.load(Relaxed),
        };
        Snapshot {
            readings: self.readings.load(Relaxed),
            missing,
            frames_refused: self.frames_refused.load(Relaxed),
            garbage_bytes: self.garbage_bytes.load(Relaxed),
            reconnects: self.reconnects.load(Relaxed),
            late_replies: self.late_replies.load(Relaxed),
            sealed: (sealed != SealedBlocks::default()).then_some(sealed),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn every_reason_has_its_own_cell() {
        let tally = Tally::default();
        for (index, reason) in REASONS.into_iter().enumerate() {
            for _ in 0..=index {
                tally.missing(reason);
            }
        }
        tally.missing(Missing::Exception(2));
        let missing = tally.snapshot().missing;
        assert_eq!(missing.len(), REASONS.len());
        assert_eq!(missing["timed-out"], 1);
        assert_eq!(missing["exception"], 4);
        assert_eq!(missing["line-down"], 10);
    }

    #[test]
    fn a_snapshot_is_plain_json() {
        let tally = Tally::default();
        tally.reading();
        tally.garbage(7);
        tally.missing(Missing::CrcError);
        let json = serde_json::to_string(&tally.snapshot()).unwrap();
        assert_eq!(
            json,
            r#"{"readings":1,"missing":{"crc-error":1},"frames_refused":0,"garbage_bytes":7,"reconnects":0,"late_replies":0}"#
        );
    }
}
