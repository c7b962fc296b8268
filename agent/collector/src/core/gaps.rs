//! Numbers that did not come: asked for at once, again with growing patience, and reported when nothing helps.
//!
//! One request per chain is under way at a time, for the first gap behind its prefix. A record that came ahead of
//! its turn on purpose (an alert before a backlog) opens a gap too, which closes by itself; it is asked for only when
//! nothing has moved for [`SPACING_MS`].

use tidewaiter_record::{Resend, issue_resend};

use super::{Action, Core, CoreError, ResendDue};
use crate::{
    finding::Bad,
    store::{ChainHead, Gap, Store, StoreError},
    summary::counter,
};

/// Shortest time between two requests to one chain, milliseconds.
pub const SPACING_MS: i64 = 2_000;

/// Longest time between two requests for the same gap, milliseconds.
const PATIENCE_MS: i64 = 60_000;

/// A gap that stays open for so long is an incident, milliseconds.
pub const REPORT_AFTER_MS: i64 = 15 * 60_000;

/// Most records that one request names.
pub const MAX_ASKED: u64 = 10_000;

/// Requests signed by one tick; the rest follow with the next.
const ASKED_PER_TICK: usize = 256;

/// Notes where a chain has its first gap; gives it back when it is to be asked for now.
pub(super) fn watch(
    store: &mut dyn Store,
    head: &ChainHead,
    overtaken: bool,
    now_ms: i64,
) -> Result<Option<Gap>, StoreError> {
    let (chain, from_seq) = (head.chain, head.next_seq);
    let known = store.gap(chain)?;
    let Some(upto_seq) = store.first_waiting(chain, from_seq)?.and_then(|it| it.checked_sub(1)) else {
        if known.is_some() {
            store.close_gap(chain)?;
        }
        return Ok(None);
    };
    let last_asked = known.map(|it| it.asked_ms);
    let mut gap = match known {
        Some(known) if known.from_seq == from_seq => Gap { upto_seq, ..known },
        _ => Gap {
            chain,
            from_seq,
            upto_seq,
            opened_ms: now_ms,
            asked: 0,
            asked_ms: last_asked.unwrap_or(i64::MIN),
            reported: false,
        },
    };
    let ask = overtaken && gap.asked == 0 && has_passed(gap.asked_ms, SPACING_MS, now_ms);
    if ask {
        count_asked(store, &mut gap, now_ms)?;
    }
    if known != Some(gap) {
        store.put_gap(&gap)?;
    }
    Ok(ask.then_some(gap))
}

fn count_asked(store: &mut dyn Store, gap: &mut Gap, now_ms: i64) -> Result<(), StoreError> {
    gap.asked = gap.asked.saturating_add(1);
    gap.asked_ms = now_ms;
    store.add(counter::RESENDS, 1)
}

/// Whether it is to be asked for again.
fn is_due(gap: &Gap, now_ms: i64) -> bool {
    match gap.asked.checked_sub(1) {
        // Progress would have moved it.
        None => has_passed(gap.opened_ms.max(gap.asked_ms), SPACING_MS, now_ms),
        Some(before) => {
            let wait = SPACING_MS.saturating_mul(1 << before.min(10)).min(PATIENCE_MS);
            has_passed(gap.asked_ms, wait, now_ms)
        }
    }
}

/// A clock that was set back must not silence us: a time in the future has passed.
fn has_passed(since_ms: i64, wait_ms: i64, now_ms: i64) -> bool {
    now_ms < since_ms || now_ms.saturating_sub(since_ms) >= wait_ms
}

impl Core {
    /// Asks again for what is still missing, and reports what has been missing for too long. To be called about once
    /// a second.
    ///
    /// # Errors
    ///
    /// When the store or the signer fails; as after [`Core::accept_batch`], the core is spent if it was the store.
    pub fn tick(&mut self, now_ms: i64) -> Result<Vec<Action>, CoreError> {
        if self.spent {
            return Err(CoreError::Spent);
        }
        let mut actions = self.tick_shared(now_ms)?;
        let is_late = |gap: &Gap| !gap.reported && has_passed(gap.opened_ms, REPORT_AFTER_MS, now_ms);
        let is_open = |gap: &Gap| is_due(gap, now_ms) || is_late(gap);
        if !self.store.gaps()?.iter().any(is_open) {
            return Ok(actions);
        }
        self.begin()?;
        let mut asked = Vec::new();
        // Read again: where several centres share the store, another may have asked a moment ago.
        for mut gap in self.store.gaps()?.into_iter().filter(is_open).take(ASKED_PER_TICK) {
            if is_late(&gap) {
                gap.reported = true;
                self.store.add(&format!("{}{}", counter::BAD, Bad::OpenGap), 1)?;
                actions.push(Action::Gap(gap));
            }
            if is_due(&gap, now_ms)
                && let Some(head) = self.store.head(gap.chain)?
            {
                count_asked(self.store.as_mut(), &mut gap, now_ms)?;
                asked.push((head, gap));
            }
            self.store.put_gap(&gap)?;
        }
        self.store.commit()?;
        self.spent = false;
        for (head, gap) in asked {
            actions.push(Action::Resend(self.resend(&head, &gap, now_ms)?));
        }
        Ok(actions)
    }

    pub(super) fn resend(&self, head: &ChainHead, gap: &Gap, now_ms: i64) -> Result<ResendDue, CoreError> {
        let (chain, from_seq) = (gap.chain, gap.from_seq);
        let upto_seq = gap.upto_seq.min(from_seq.saturating_add(MAX_ASKED - 1));
        let resend = Resend { agent: head.agent.clone(), chain, from_seq, upto_seq, at_ms: now_ms };
        let sign = |source| CoreError::Sign { what: format!("resend request for chain {chain}"), source };
        let bytes = issue_resend(&resend, self.signer.as_ref()).map_err(sign)?;
        Ok(ResendDue { site: head.site.clone(), agent: resend.agent, chain, from_seq, upto_seq, bytes })
    }
}
