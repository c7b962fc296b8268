//! The keeper's view of time: every group of records is preceded by a look at the clocks, and what that look found goes into
//! the chain ahead of them.

use std::sync::Arc;

use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::body::{Detail, TimeBlock};
use tracing::{info, warn};

use super::{Batch, Cursor, Draft};
use crate::clock::{Claim, Clock, ClockWatch, Memory, NOTE, Policy};

/// Findings about the clock that wait for room in the store; the oldest go first when it stays full.
const WAITING: usize = 16;

/// Clocks and judgement.
#[derive(Debug)]
pub(super) struct Timing {
    clock: Arc<dyn Clock>,
    watch: ClockWatch,
    boot: u64,
    waiting: Vec<Draft>,
}

impl Timing {
    /// Takes up the note of the last run, if there is one among `notes`.
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        policy: Policy,
        boot: u64,
        notes: &[(String, Vec<u8>)],
        shown_ms: i64,
        cursor: Option<Cursor>,
    ) -> Self {
        let memory = notes.iter().find(|(name, _)| name == NOTE).map(|(_, bytes)| Memory::read(bytes));
        let mut watch = ClockWatch::new(policy, clock.host(), boot, memory.unwrap_or_default(), shown_ms);
        if let Some(cursor) = cursor {
            watch.centre(cursor.received_ms);
        }
        Self { clock, watch, boot, waiting: Vec::new() }
    }

    /// Looks at the clocks.
    pub(super) fn look(&mut self) -> Moment {
        let now = self.clock.now();
        let before = self.watch.claim().quality;
        for detail in self.watch.look(now, &self.clock.kernel()) {
            let word = detail.word();
            if self.waiting.len() == WAITING {
                self.waiting.remove(0);
            }
            warn!(word, mono_ms = now.mono_ms, "the clock");
            let id = Some(format!("{word}-{}-{}", self.boot, now.mono_ms));
            self.waiting.push(Draft {
                place: "self".to_owned(),
                id,
                detail,
                alert: false,
                closes: None,
                notes: Vec::new(),
            });
        }
        let claim = self.watch.claim();
        if claim.quality != before {
            info!(from = before.word(), to = claim.quality.word(), err_ms = claim.err_ms, "clock quality");
        }
        now
    }

    /// What the chain must be told of the clock before anything else.
    pub(super) fn take(&mut self) -> Vec<Draft> {
        std::mem::take(&mut self.waiting)
    }

    /// Takes back what could not be recorded.
    pub(super) fn give_back(&mut self, mut drafts: Vec<Draft>) {
        drafts.append(&mut self.waiting);
        let surplus = drafts.len().saturating_sub(WAITING);
        self.waiting = drafts.split_off(surplus);
    }

    /// The time block of a record made at `now`.
    pub(super) fn block(&self, now: Moment) -> TimeBlock {
        self.watch.block(now)
    }

    /// What is claimed of the clock.
    pub(super) fn claim(&self) -> Claim {
        self.watch.claim()
    }

    /// Adds the note to a batch, where it is due.
    pub(super) fn remember(&self, batch: &mut Batch) {
        batch.notes.extend(self.watch.note().map(|note| (NOTE.to_owned(), Some(note))));
    }

    /// `batch` is durable and was sealed at `now`.
    pub(super) fn durable(&mut self, batch: &Batch, mono_ms: u64) {
        for entry in &batch.entries {
            self.watch.sealed(entry.seq, mono_ms);
        }
        if batch.notes.iter().any(|(name, _)| name == NOTE) {
            self.watch.kept();
        }
    }

    /// A verified head of the centre's log has come in that goes on from the last one.
    pub(super) fn beacon(&mut self, at_ms: i64) {
        self.watch.centre(at_ms);
    }

    /// A verified receipt has come in.
    pub(super) fn receipt(&mut self, cursor: Cursor) {
        let now = self.clock.now();
        self.watch.receipt(cursor.upto_seq, cursor.received_ms, now);
    }
}

/// Whether a draft is one of these, which nobody waits for.
pub(super) fn is_own(draft: &Draft) -> bool {
    matches!(draft.detail, Detail::TimeStep(_) | Detail::TimeRepair(_))
}
