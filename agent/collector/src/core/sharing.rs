//! Several centres on one store: what one of them has to know of the others' doings.
//!
//! Whoever begins a transaction has its turn; what the others wrote meanwhile is read first, so that a leaf is appended
//! at the end of the log as it is, and a head has a number above every other. All of them sign the same facts: a receipt
//! that leaves late says less than a newer one, and never anything false.
//!
//! Records of one chain come in at several centres, in any order between them. Three things follow:
//!
//! - A record beyond a gap is no sign of loss; the one before may lie with another centre. Gaps are asked for by
//!   [`Core::tick`] alone, when nothing moved for [`SPACING_MS`](super::SPACING_MS).
//! - A piece of content can come before its record, and a record before the one that hands its chain to the key it is
//!   signed with. Both are *early*: they wait for [`PATIENCE_MS`] and are judged then.
//! - The last receipt of two centres may be published in the wrong order, and the older one stays retained. Each looks
//!   after its own once more with the next tick.

use std::collections::{BTreeMap, VecDeque};

use tidewaiter_record::{ChainId, Detail, Hash, Keyring, parse};

use super::{Action, Batch, Core, CoreError, HeadDue, Incoming, beacon};
use crate::store::{Since, StoreError};

/// How long a message that is early is kept, milliseconds: commits of other centres take some tens of them.
pub const PATIENCE_MS: i64 = 5_000;

/// Most messages that are kept early; the next one is judged at once.
const MAX_EARLY: usize = 1_024;

/// Most bytes of them.
const MAX_EARLY_BYTES: usize = 16 * 1024 * 1024;

/// Pages of records that are looked through for results at once: it is done about once a second.
const PAGES_AT_ONCE: usize = 16;

/// What a centre among several remembers.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    early: VecDeque<Incoming>,
    early_bytes: usize,
    /// Up to where receipts were issued since the last tick.
    told: BTreeMap<ChainId, u64>,
    /// What is early is being judged for the last time.
    last_chance: bool,
}

impl Sharing {
    /// Keeps a message for later; `false` when it is to be judged now.
    pub(super) fn keep(&mut self, topic: &str, bytes: &[u8], received_ms: i64) -> bool {
        let is_full = self.early.len() >= MAX_EARLY || self.early_bytes.saturating_add(bytes.len()) > MAX_EARLY_BYTES;
        if self.last_chance || is_full {
            return false;
        }
        self.early_bytes += bytes.len();
        self.early.push_back(Incoming { topic: topic.to_owned(), bytes: bytes.to_vec(), received_ms });
        true
    }

    fn take(&mut self) -> VecDeque<Incoming> {
        self.early_bytes = 0;
        std::mem::take(&mut self.early)
    }
}

impl Core {
    /// Goes on as one of several centres that share what comes in.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.sharing = Some(Sharing::default());
        self
    }

    /// Opens the transaction, and reads what others have written since the last one. Until it is committed the core is
    /// spent.
    pub(super) fn begin(&mut self) -> Result<(), CoreError> {
        self.spent = true;
        let Since { written, keys } = self.store.begin()?;
        if written {
            self.catch_up()?;
        }
        if keys {
            self.keyring = Keyring::with(self.keyring.registered().clone(), self.store.rotations()?)?;
        }
        Ok(())
    }

    /// Reads the leaves and the head that others have added, and holds one against the other.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        let head = self.store.newest_head()?;
        let mut root = None;
        loop {
            let leaves = self.store.leaves_from(self.log.size())?;
            if leaves.is_empty() {
                break;
            }
            for leaf in leaves {
                if leaf.position != self.log.size() {
                    let what = format!("leaf {} of the log follows on leaf {}", leaf.position, self.log.size());
                    return Err(StoreError::Corrupt { what });
                }
                self.log.push(&leaf.hash.0);
                if head.as_ref().is_some_and(|it| it.size == self.log.size()) {
                    root = Some(self.log.root());
                }
            }
        }
        if let (Some(head), Some(root)) = (&head, root)
            && head.root != root
        {
            let (number, size, signed) = (head.number, head.size, head.root);
            let what = format!("the log has root {root} at {size} leaves, head {number} was signed over {signed}");
            return Err(StoreError::Corrupt { what });
        }
        self.newest_head = head;
        Ok(())
    }

    /// Issues a head unless a centre has done so within the last `interval_ms`: orders expire by the numbers of heads, so
    /// several centres must not make them run faster than one.
    ///
    /// # Errors
    ///
    /// As [`Core::issue_head`].
    pub fn issue_head_if_due(&mut self, interval_ms: i64, now_ms: i64) -> Result<Option<HeadDue>, CoreError> {
        if self.spent {
            return Err(CoreError::Spent);
        }
        if self.sharing.is_none() {
            return self.issue_head(0, now_ms).map(Some);
        }
        let is_fresh = |core: &Self| {
            let since = core.newest_head.as_ref().map(|it| now_ms.saturating_sub(it.at_ms));
            since.is_some_and(|it| (0..interval_ms).contains(&it))
        };
        self.newest_head = self.store.newest_head()?;
        if is_fresh(self) {
            return Ok(None);
        }
        self.begin()?;
        if is_fresh(self) {
            self.store.commit()?;
            self.spent = false;
            return Ok(None);
        }
        self.issue_in_turn(0, now_ms).map(Some)
    }

    /// Judges again what was early, and looks after receipts that may have been overtaken.
    pub(super) fn tick_shared(&mut self, now_ms: i64) -> Result<Vec<Action>, CoreError> {
        let Some(sharing) = &mut self.sharing else { return Ok(Vec::new()) };
        let told = std::mem::take(&mut sharing.told);
        let (late, early): (Vec<_>, Vec<_>) = sharing
            .take()
            .into_iter()
            .partition(|it| !(0..PATIENCE_MS).contains(&now_ms.saturating_sub(it.received_ms)));
        let mut actions = Vec::new();
        for (messages, is_last) in [(late, true), (early, false)] {
            if messages.is_empty() {
                continue;
            }
            self.set_last_chance(is_last);
            actions.extend(self.accept_batch(&messages)?);
            self.set_last_chance(false);
        }
        for (chain, upto) in told {
            let Some(head) = self.store.head(chain)? else { continue };
            if let Some(covered) = beacon::covered(self.store.as_ref(), &head)?.filter(|it| it.upto_seq > upto) {
                self.told(chain, covered.upto_seq);
                actions.push(Action::Receipt(self.receipt(&head, &covered)?));
            }
        }
        Ok(actions)
    }

    /// Results of commands among the records that any centre took in after an arrival number, or from now on: agent and hash
    /// of the command; and up to where was looked. None where this centre takes everything, and so has seen them.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn results_after(&self, arrival: Option<u64>) -> Result<(u64, Vec<(String, Hash)>), StoreError> {
        let mut results = Vec::new();
        let Some(mut upto) = arrival.filter(|_| self.sharing.is_some()) else {
            return Ok((self.store.newest_arrival()?, results));
        };
        for _ in 0..PAGES_AT_ONCE {
            let records = self.store.records_after(upto)?;
            let Some(last) = records.last() else { break };
            upto = last.arrival;
            for record in records.iter().filter_map(|it| parse(&it.bytes).ok()) {
                if let Detail::CommandResult(result) = &record.body.detail {
                    results.push((record.header.agent, result.command));
                }
            }
        }
        Ok((upto, results))
    }

    /// Notes a receipt, to look after it.
    pub(super) fn told(&mut self, chain: ChainId, upto_seq: u64) {
        if let Some(it) = &mut self.sharing {
            it.told.insert(chain, upto_seq);
        }
    }

    fn set_last_chance(&mut self, is_last: bool) {
        if let Some(it) = &mut self.sharing {
            it.last_chance = is_last;
        }
    }

    /// Whether a message is kept for later; never where one centre takes everything.
    pub(super) fn is_early(&mut self, topic: &str, bytes: &[u8], received_ms: i64) -> bool {
        self.sharing.as_mut().is_some_and(|it| it.keep(topic, bytes, received_ms))
    }

    /// In a batch: a record beyond a gap that came in its turn.
    pub(super) fn note_overtaken(&self, chain: ChainId, batch: &mut Batch) {
        if self.sharing.is_none() {
            batch.overtaken.insert(chain);
        }
    }
}
