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
//! rest is evidence.

mod action;
mod opening;
mod placing;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use action::{Action, Collected, Equivocation, Refusal};
use tidewaiter_recompute::{Recomputed, Tables, recompute};
use tidewaiter_record::{ChainId, Receipt, Registry, SealError, Signer};

use self::{
    opening::{Opened, open},
    placing::{Place, place},
};
use crate::{
    finding::{Bad, Finding},
    receipts::ReceiptDue,
    store::{ChainHead, Refused, Store, StoreError},
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
    /// The receipt key does not sign; the records are durable and wait for their receipt.
    #[error("receipt for chain {chain} cannot be signed; check the centre's key")]
    Receipt {
        /// The chain.
        chain: ChainId,
        /// What the signer says.
        #[source]
        source: SealError,
    },
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
    registry: Registry,
    signer: Arc<dyn Signer>,
    store: Box<dyn Store>,
    tables: Tables,
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
    pub fn new(registry: Registry, signer: Arc<dyn Signer>, store: impl Store + 'static, tables: Tables) -> Self {
        Self { registry, signer, store: Box::new(store), tables, spent: false }
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
        // Set for good unless the whole way to the durable receipt is walked.
        self.spent = true;
        let mut batch = Batch::default();
        self.store.begin()?;
        for message in messages {
            self.take(&message.topic, message.bytes.as_ref(), message.received_ms, &mut batch)?;
        }
        for (name, n) in &batch.counts {
            self.store.add(name, *n)?;
        }
        // Read inside the transaction: after the commit nothing may fail that would make a caller try the
        // batch again and count it twice.
        let mut heads = BTreeMap::new();
        for chain in &batch.owed {
            if let Some(head) = self.store.head(*chain)? {
                heads.insert(*chain, head);
            }
        }
        self.store.commit()?;
        self.spent = false;

        for action in &mut batch.actions {
            if let Action::Announce(collected) = action {
                collected.receipted_upto = heads.get(&collected.chain).and_then(ChainHead::receipted_upto);
            }
        }
        for head in heads.values() {
            batch.actions.extend(self.receipt(head)?.map(Action::Receipt));
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
        newest.values().filter_map(|head| self.receipt(head).transpose()).collect()
    }

    /// Goes on with another registry.
    pub fn set_registry(&mut self, registry: Registry) {
        self.registry = registry;
    }

    /// The counts of everything that came in since the store was made.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn summary(&self) -> Result<Summary, CoreError> {
        Ok(Summary::of(&self.store.counters()?, &self.store.outline()?))
    }

    /// The receipt over a head; none while the prefix is empty.
    fn receipt(&self, head: &ChainHead) -> Result<Option<ReceiptDue>, CoreError> {
        let (Some(upto_seq), Some(hash)) = (head.receipted_upto(), head.head) else {
            return Ok(None);
        };
        let chain = head.chain;
        let receipt = Receipt {
            agent: head.agent.clone(),
            chain,
            upto_seq,
            hash,
            received_at_ms: head.head_received_ms,
            log: None,
        };
        let bytes = tidewaiter_record::issue(&receipt, self.signer.as_ref())
            .map_err(|source| CoreError::Receipt { chain, source })?;
        Ok(Some(ReceiptDue { site: head.site.clone(), agent: head.agent.clone(), chain, upto_seq, bytes }))
    }

    fn take(&mut self, topic: &str, bytes: &[u8], received_ms: i64, batch: &mut Batch) -> Result<(), StoreError> {
        let Some(uplink) = parse_topic(topic) else {
            batch.count(counter::RECEIVED);
            let finding = Finding::new(
                Bad::Topic,
                format!("topic {topic:?} is none of tw/1/{{site}}/{{agent}}/record, alert, state"),
            );
            return self.refuse(topic, bytes, received_ms, finding, None, batch);
        };
        match uplink.stream {
            Stream::State => self.take_state(uplink, bytes, received_ms, batch),
            Stream::Record | Stream::Alert => {
                batch.count(counter::RECEIVED);
                if uplink.stream == Stream::Alert {
                    batch.count(counter::ALERTS);
                }
                match open(uplink.agent, bytes, &self.registry) {
                    Ok(opened) => self.take_record(uplink, opened, bytes, received_ms, batch),
                    Err((finding, claimed)) => self.refuse(topic, bytes, received_ms, finding, claimed, batch),
                }
            }
        }
    }

    fn take_record(
        &mut self,
        uplink: Uplink<'_>,
        opened: Opened,
        bytes: &[u8],
        received_ms: i64,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        let place = place(self.store.as_mut(), &opened, uplink.site, bytes, received_ms)?;
        let mut findings = Vec::new();
        let mut recomputed = Recomputed::NotAsked;
        let (mut duplicate, mut stored) = (false, true);
        match place {
            Place::Chain { outcasts } => {
                for cast_out in outcasts {
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
                return self.refuse(&topic, bytes, received_ms, finding, claimed, batch);
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

    /// Keeps the newest state of an agent that is registered; others have no row to fill.
    fn take_state(
        &mut self,
        uplink: Uplink<'_>,
        bytes: &[u8],
        received_ms: i64,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        let is_ours = opening::is_registered(&self.registry, uplink.agent);
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
