//! The centre without sockets, files or clocks: bytes, topic and receive time in, [`Action`]s out.
//!
//! ```text
//! topic, bytes ─► open ─► place in chain ─► recompute ─► commit ─► actions
//!                  │            │                                    ├─ receipt (cumulative)
//!                  ▼            ▼                                    ├─ announcement
//!               refused     duplicate | waiting | evidence           └─ equivocation, refusal
//! ```
//!
//! A batch is one transaction, and its actions exist only after the commit has returned: a receipt can
//! therefore never speak of a record that a crash could still take away. After a crash between commit and
//! publish the receipt is simply issued again, by [`Core::receipts`].
//!
//! A chain is a contiguous prefix plus records that wait for a gap to fill. Links are judged against the
//! prefix; of several records signed under one number, the one that links to the prefix stands, and the
//! rest is evidence. What enters a prefix becomes a leaf of the log, in the same transaction; a receipt stops
//! before the first record whose evidence is missing. Gaps are asked for, by [`Core::tick`] again and again.

mod action;
mod beacon;
mod entering;
mod gaps;
mod opening;
mod placing;
mod sharing;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use action::{Action, Collected, Equivocation, HeadDue, Refusal, ResendDue};
pub use gaps::{MAX_ASKED, REPORT_AFTER_MS, SPACING_MS};
#[cfg(feature = "parquet")]
pub(crate) use opening::cause;
pub use sharing::PATIENCE_MS;
use tidewaiter_config::limits::LimitTable;
use tidewaiter_recompute::{Recomputed, Tables, recompute};
use tidewaiter_record::{ChainId, Hash, Keyring, Piece, Registry, RegistryError, SealError, Signer, log::Frontier};

use self::{
    beacon::Covered,
    opening::{Opened, open},
    placing::{Place, place},
    sharing::Sharing,
};
use crate::{
    finding::{Bad, Finding},
    receipts::ReceiptDue,
    store::{ChainHead, LogHead, Refused, Store, StoreError, Taken},
    summary::{Summary, counter},
    topic::{Stream, Uplink, parse as parse_topic},
};

/// Largest state message kept; an agent's own is well below 2 KiB.
pub const MAX_STATE_BYTES: usize = 16 * 1024;

/// Why the core cannot go on. Nothing that was not committed has been acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The store failed; reopen it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The centre's key does not sign; the records are durable and wait for their receipt.
    #[error("{what} cannot be signed; check the centre's key")]
    Sign {
        /// What was to be signed.
        what: String,
        /// What the signer says.
        #[source]
        source: SealError,
    },
    /// More keys than a registry holds.
    #[error("learned keys: {0}")]
    Keys(#[from] RegistryError),
    /// The store failed before, and this handle was used again.
    #[error("the store has failed before; open it anew and build a new core")]
    Spent,
}

/// One message as it came from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming<B = Vec<u8>> {
    /// Topic name.
    pub topic: String,
    /// Payload.
    pub bytes: B,
    /// When it came, UTC milliseconds.
    pub received_ms: i64,
}

/// The centre's memory and judgement.
pub struct Core {
    keyring: Keyring,
    signer: Arc<dyn Signer>,
    store: Box<dyn Store>,
    tables: Tables,
    /// The right edge of the log, with the leaves of the open transaction.
    log: Frontier,
    newest_head: Option<LogHead>,
    /// Set where several centres share what comes in.
    sharing: Option<Sharing>,
    /// Set by the first error, after which the handle of the store must not be used again.
    spent: bool,
}

/// What one batch has done so far.
#[derive(Default)]
struct Batch {
    actions: Vec<Action>,
    counts: BTreeMap<String, u64>,
    /// Chains whose agents are owed the current receipt.
    owed: BTreeSet<ChainId>,
    /// Chains in which a record came in its turn and has to wait: one before it was lost on the way.
    overtaken: BTreeSet<ChainId>,
}

impl Batch {
    fn count(&mut self, name: &str) {
        *self.counts.entry(name.to_owned()).or_default() += 1;
    }

    fn count_bad(&mut self, bad: Bad) {
        self.count(&format!("{}{bad}", counter::BAD));
    }
}

impl Core {
    /// A centre on a store. `signer` is the receipt key, registered with the role of centre.
    ///
    /// The log is held against its newest head before anything is added to it.
    ///
    /// # Errors
    ///
    /// When the store cannot be read, or its log is not the one that was signed for.
    pub fn new(
        registry: Registry,
        signer: Arc<dyn Signer>,
        store: impl Into<Box<dyn Store>>,
        tables: Tables,
    ) -> Result<Self, CoreError> {
        let store = store.into();
        let keyring = Keyring::with(registry, store.rotations()?)?;
        let (log, newest_head) = beacon::load(store.as_ref())?;
        Ok(Self { keyring, signer, store, tables, log, newest_head, sharing: None, spent: false })
    }

    /// Recomputes with these tables too from here on.
    pub fn add_tables(&mut self, tables: Vec<LimitTable>) {
        self.tables.limits.extend(tables);
    }

    /// Takes one message and makes it durable.
    ///
    /// # Errors
    ///
    /// As [`Core::accept_batch`].
    pub fn accept(&mut self, topic: &str, bytes: &[u8], now_ms: i64) -> Result<Vec<Action>, CoreError> {
        self.accept_batch(&[Incoming { topic: topic.to_owned(), bytes, received_ms: now_ms }])
    }

    /// Takes several messages in one transaction: one flush of the disk serves all.
    ///
    /// # Errors
    ///
    /// When the store or the signer fails. No receipt was given for any message of this batch; drop the
    /// core, open the store again, and let the agents offer again what has no receipt.
    pub fn accept_batch<B: AsRef<[u8]>>(&mut self, messages: &[Incoming<B>]) -> Result<Vec<Action>, CoreError> {
        if self.spent {
            return Err(CoreError::Spent);
        }
        let mut batch = Batch::default();
        // Spent for good unless the whole way to the durable receipt is walked.
        self.begin()?;
        for message in messages {
            self.take(&message.topic, message.bytes.as_ref(), message.received_ms, &mut batch)?;
        }
        for (name, n) in &batch.counts {
            self.store.add(name, *n)?;
        }
        // Read inside the transaction: after the commit nothing may fail that would make a caller try the
        // batch again and count it twice.
        let now_ms = messages.last().map_or(0, |it| it.received_ms);
        let mut heads: BTreeMap<ChainId, (ChainHead, Option<Covered>)> = BTreeMap::new();
        let mut asked = Vec::new();
        for chain in &batch.owed {
            if let Some(head) = self.store.head(*chain)? {
                let overtaken = batch.overtaken.contains(chain);
                asked.extend(gaps::watch(self.store.as_mut(), &head, overtaken, now_ms)?);
                let covered = beacon::covered(self.store.as_ref(), &head)?;
                heads.insert(*chain, (head, covered));
            }
        }
        self.store.commit()?;
        self.spent = false;

        for action in &mut batch.actions {
            if let Action::Announce(collected) = action {
                let covered = heads.get(&collected.chain).and_then(|(_, covered)| covered.as_ref());
                collected.receipted_upto = covered.map(|it| it.upto_seq);
            }
        }
        for (head, covered) in heads.values() {
            if let Some(covered) = covered {
                batch.actions.push(Action::Receipt(self.receipt(head, covered)?));
                self.told(head.chain, covered.upto_seq);
            }
        }
        for gap in asked {
            if let Some((head, _)) = heads.get(&gap.chain) {
                batch.actions.push(Action::Resend(self.resend(head, &gap, now_ms)?));
            }
        }
        Ok(batch.actions)
    }

    /// The current receipt of every agent: of its chain that moved last.
    ///
    /// To be published on every connect: the retained one may be older than the last crash of the broker.
    ///
    /// # Errors
    ///
    /// When the store or the signer fails.
    pub fn receipts(&self) -> Result<Vec<ReceiptDue>, CoreError> {
        let heads = self.store.heads()?;
        // One topic retains one receipt: of several chains of an agent, the one that moved last has it.
        let newest: BTreeMap<_, _> = heads.iter().map(|it| ((&it.site, &it.agent), it)).collect();
        let mut receipts = Vec::new();
        for head in newest.values() {
            if let Some(covered) = beacon::covered(self.store.as_ref(), head)? {
                receipts.push(self.receipt(head, &covered)?);
            }
        }
        Ok(receipts)
    }

    /// Goes on with another registry; the keys that chains have handed themselves to stay known.
    ///
    /// # Errors
    ///
    /// When there are more keys than a registry holds; the old one stays in force.
    pub fn set_registry(&mut self, registry: Registry) -> Result<(), RegistryError> {
        self.keyring.set_registered(registry)
    }

    /// The registry with the keys that chains have handed themselves to.
    pub const fn keys(&self) -> &Registry {
        self.keyring.in_force()
    }

    /// The counts of everything that came in since the store was made.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn summary(&self) -> Result<Summary, CoreError> {
        Ok(Summary::of(&self.store.counters()?, &self.store.outline()?))
    }

    fn take(&mut self, topic: &str, bytes: &[u8], received_ms: i64, batch: &mut Batch) -> Result<(), CoreError> {
        let Some(uplink) = parse_topic(topic) else {
            batch.count(counter::RECEIVED);
            let finding = Finding::new(
                Bad::Topic,
                format!("topic {topic:?} is none of tw/1/{{site}}/{{agent}}/record, alert, state, evidence/{{sha256}}"),
            );
            return Ok(self.refuse(topic, bytes, received_ms, finding, None, batch)?);
        };
        match uplink.stream {
            Stream::State => Ok(self.take_state(uplink, bytes, received_ms, batch)?),
            Stream::Evidence(hash) => Ok(self.take_piece(topic, uplink, hash, bytes, received_ms, batch)?),
            Stream::Record | Stream::Alert => {
                let opened = open(uplink.agent, bytes, self.keyring.in_force());
                if let Err((finding, _)) = &opened
                    && finding.bad == Bad::UnknownKey
                    && opening::is_registered(self.keyring.registered(), uplink.agent)
                    && self.is_early(topic, bytes, received_ms)
                {
                    return Ok(());
                }
                batch.count(counter::RECEIVED);
                if uplink.stream == Stream::Alert {
                    batch.count(counter::ALERTS);
                }
                match opened {
                    Ok(opened) => self.take_record(uplink, opened, bytes, received_ms, batch),
                    Err((finding, claimed)) => Ok(self.refuse(topic, bytes, received_ms, finding, claimed, batch)?),
                }
            }
        }
    }

    fn take_record(
        &mut self,
        uplink: Uplink<'_>,
        mut opened: Opened,
        bytes: &[u8],
        received_ms: i64,
        batch: &mut Batch,
    ) -> Result<(), CoreError> {
        let place = place(self.store.as_mut(), &mut self.log, &opened, uplink.site, bytes, received_ms)?;
        let mut findings = Vec::new();
        let mut recomputed = Recomputed::NotAsked;
        let (mut duplicate, mut stored) = (false, true);
        match place {
            Place::Chain { outcasts, promoted } => {
                self.enter(&opened.record, &mut opened.findings)?;
                for back in promoted {
                    self.enter_again(opened.chain, back)?;
                }
                for cast_out in outcasts {
                    self.leave(opened.chain, cast_out)?;
                    batch.count_bad(Bad::ChainLink);
                    tracing::warn!(chain = %opened.chain, seq = cast_out, "record does not link to the one before it and was moved to the evidence");
                }
                findings = opened.findings;
                recomputed = recompute(&opened.record, &self.tables);
                match &recomputed {
                    Recomputed::NotAsked => {}
                    Recomputed::Same => batch.count(counter::RECOMPUTED),
                    Recomputed::NotDone(_) => batch.count(counter::NOT_RECOMPUTED),
                    Recomputed::Drift(detail) => {
                        batch.count(counter::RECOMPUTED);
                        findings.push(Finding::new(Bad::VerdictDrift, detail.clone()));
                    }
                }
                if let Some(word) = crate::view::verdict_word(&opened.record) {
                    batch.count(&format!("{}{word}", counter::VERDICT));
                }
                if !findings.is_empty() {
                    batch.count(counter::DOUBTED);
                }
                for finding in &findings {
                    batch.count_bad(finding.bad);
                }
            }
            Place::Duplicate { in_chain } => {
                batch.count(counter::DUPLICATES);
                (duplicate, stored) = (true, in_chain);
            }
            Place::Evidence { finding, kept } => {
                batch.count_bad(finding.bad);
                stored = false;
                if let Some(kept) = kept {
                    batch.actions.push(Action::Equivocation(Equivocation {
                        agent: opened.agent.clone(),
                        chain: opened.chain,
                        seq: opened.seq,
                        kept,
                        other: opened.hash,
                    }));
                }
                findings.push(finding);
            }
            Place::Foreign(finding) => {
                let claimed = Some((opened.chain, opened.seq));
                let topic = format!("tw/1/{}/{}/record", uplink.site, uplink.agent);
                return Ok(self.refuse(&topic, bytes, received_ms, finding, claimed, batch)?);
            }
        }
        if stored && !duplicate && uplink.stream == Stream::Record {
            let next = self.store.head(opened.chain)?.map_or(0, |it| it.next_seq);
            if opened.seq >= next {
                self.note_overtaken(opened.chain, batch);
            }
        }
        // Also after a duplicate (the agent has not seen its receipt) and after a record beyond a gap: as
        // with TCP's duplicate ACK, repeating the last word shows the sender where the gap begins.
        batch.owed.insert(opened.chain);
        batch.actions.push(Action::Announce(Box::new(Collected {
            site: uplink.site.to_owned(),
            agent: opened.agent,
            chain: opened.chain,
            seq: opened.seq,
            record: opened.record,
            received_ms,
            duplicate,
            alert: uplink.stream == Stream::Alert,
            stored,
            findings,
            recomputed,
            receipted_upto: None,
        })));
        Ok(())
    }

    /// Takes a piece of content. One that nobody asks for is as usual as a record that comes twice.
    fn take_piece(
        &mut self,
        topic: &str,
        uplink: Uplink<'_>,
        hash: Hash,
        bytes: &[u8],
        received_ms: i64,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        let piece = match Piece::open(bytes) {
            Ok(piece) => piece,
            Err(why) => {
                batch.count(counter::PIECES);
                let finding = Finding::new(Bad::Malformed, why.to_string());
                return self.refuse(topic, bytes, received_ms, finding, None, batch);
            }
        };
        let taken = self.store.put_piece(uplink.agent, hash, &piece, received_ms)?;
        if taken == Taken::NotWanted
            && opening::is_registered(self.keyring.registered(), uplink.agent)
            && !self.store.has_content(hash)?
            && self.is_early(topic, bytes, received_ms)
        {
            return Ok(());
        }
        batch.count(counter::PIECES);
        match taken {
            Taken::Kept => {}
            Taken::NotWanted | Taken::Known => batch.count(counter::PIECES_IDLE),
            Taken::Complete(chains) => batch.owed.extend(chains),
            Taken::Wrong(found) => {
                let detail = format!("content {hash} came as {found}; it was dropped and has to be sent again");
                let finding = Finding::new(Bad::EvidenceHash, detail);
                // The last piece need not be the wrong one: nothing of it is worth keeping.
                return self.refuse(topic, &[], received_ms, finding, None, batch);
            }
        }
        Ok(())
    }

    /// Keeps the newest state of an agent that is registered; others have no row to fill.
    fn take_state(
        &mut self,
        uplink: Uplink<'_>,
        bytes: &[u8],
        received_ms: i64,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        let is_ours = opening::is_registered(self.keyring.registered(), uplink.agent);
        let text = std::str::from_utf8(bytes).ok().filter(|it| it.len() <= MAX_STATE_BYTES);
        let is_object = |it: &&str| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(it).is_ok();
        if let (true, Some(text)) = (is_ours, text.filter(is_object)) {
            batch.count(counter::STATES);
            self.store.put_state(uplink.site, uplink.agent, text, received_ms)?;
        } else {
            tracing::debug!(
                site = uplink.site,
                agent = uplink.agent,
                bytes = bytes.len(),
                "state not kept: agent not registered, or no JSON object"
            );
        }
        Ok(())
    }

    fn refuse(
        &mut self,
        topic: &str,
        bytes: &[u8],
        received_ms: i64,
        finding: Finding,
        claimed: Option<(ChainId, u64)>,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        batch.count_bad(finding.bad);
        self.store.put_refused(&Refused { topic, bad: finding.bad, detail: &finding.detail, received_ms, bytes })?;
        batch.actions.push(Action::Refused(Refusal { topic: topic.to_owned(), finding, claimed }));
        Ok(())
    }
}
