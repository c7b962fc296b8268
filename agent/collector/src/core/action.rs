//! What the core wants done after a batch is durable.

use tidewaiter_record::{ChainId, Hash, Record};

use tidewaiter_recompute::Recomputed;

use crate::{finding::Finding, receipts::ReceiptDue, store::Gap};

/// One thing to do. Actions of one batch are in the order of its messages, receipts last.
#[derive(Clone, Debug)]
pub enum Action {
    /// Publish a receipt, retained, `QoS` 1. Everything it covers is durable.
    Receipt(ReceiptDue),
    /// Tell whoever listens.
    Announce(Box<Collected>),
    /// Two different records are signed under one sequence number: an incident, for ever.
    Equivocation(Equivocation),
    /// A message was no record, or not one of ours. Nothing of it was believed.
    Refused(Refusal),
    /// Publish a request to send again, not retained, `QoS` 1.
    Resend(ResendDue),
    /// Publish a head of the log to every agent, retained, `QoS` 1. It is durable.
    Head(HeadDue),
    /// Records have been missing for so long that somebody must look.
    Gap(Gap),
}

/// A signed request to send records again, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResendDue {
    /// Site segment of its topic.
    pub site: String,
    /// Agent segment of its topic.
    pub agent: String,
    /// The chain.
    pub chain: ChainId,
    /// First number missing.
    pub from_seq: u64,
    /// Last number asked for.
    pub upto_seq: u64,
    /// The signed request.
    pub bytes: Vec<u8>,
}

impl ResendDue {
    /// The topic it is published on.
    pub fn topic(&self) -> String {
        crate::topic::resend(&self.site, &self.agent)
    }
}

/// A signed head of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadDue {
    /// Its number.
    pub number: u64,
    /// Leaves it covers.
    pub size: u64,
    /// The signed head.
    pub bytes: Vec<u8>,
}

/// A record that came in, with what was found about it.
#[derive(Clone, Debug)]
pub struct Collected {
    /// Site segment of the topic.
    pub site: String,
    /// Issuer of the record.
    pub agent: String,
    /// Its chain.
    pub chain: ChainId,
    /// Its sequence number.
    pub seq: u64,
    /// The record, parsed; its signature holds.
    pub record: Record,
    /// UTC milliseconds when it came in.
    pub received_ms: i64,
    /// The same bytes were here before.
    pub duplicate: bool,
    /// It came on the alert topic.
    pub alert: bool,
    /// It stands in the chain (now, or since before); false when a finding keeps it out.
    pub stored: bool,
    /// What speaks against it. A duplicate is not judged again.
    pub findings: Vec<Finding>,
    /// What our own screening of it gave.
    pub recomputed: Recomputed,
    /// The sequence number up to which the chain is covered by a receipt after this batch.
    pub receipted_upto: Option<u64>,
}

impl Collected {
    /// Whether the centre's receipt covers this record.
    pub fn is_receipted(&self) -> bool {
        self.stored && self.receipted_upto.is_some_and(|it| self.seq <= it)
    }
}

/// Two different records under one sequence number, both with a valid signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// The agent whose key signed both.
    pub agent: String,
    /// The chain.
    pub chain: ChainId,
    /// The sequence number.
    pub seq: u64,
    /// The one that stands in the chain.
    pub kept: Hash,
    /// The one kept as evidence.
    pub other: Hash,
}

/// A message that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Topic it came on.
    pub topic: String,
    /// Why.
    pub finding: Finding,
    /// What it claims to be, where it could be read that far. Nobody vouches for it.
    pub claimed: Option<(ChainId, u64)>,
}
