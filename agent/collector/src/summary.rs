//! The counts of everything that came in, from the durable counters: the same before and after a restart.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{finding::Bad, store::Outline};

/// Names of the durable counters.
pub(crate) mod counter {
    /// Messages on `record` and `alert`.
    pub(crate) const RECEIVED: &str = "received";
    /// Of those, on `alert`.
    pub(crate) const ALERTS: &str = "alerts";
    /// Stored records with a finding against their answer.
    pub(crate) const DOUBTED: &str = "doubted";
    /// Messages that repeated a stored record byte for byte.
    pub(crate) const DUPLICATES: &str = "duplicates_folded";
    /// Inspections screened again here.
    pub(crate) const RECOMPUTED: &str = "recomputed";
    /// Inspections that could not be screened again here.
    pub(crate) const NOT_RECOMPUTED: &str = "not_recomputed";
    /// Messages on `evidence`.
    pub(crate) const PIECES: &str = "pieces";
    /// Of those, pieces that no stored record asks for (any more).
    pub(crate) const PIECES_IDLE: &str = "pieces_idle";
    /// Sealed blocks of instrument nodes.
    pub(crate) const NODE_BLOCKS: &str = "node_blocks";
    /// Of those, with a right seal.
    pub(crate) const NODE_SEALED: &str = "node_sealed";
    /// Requests to send again.
    pub(crate) const RESENDS: &str = "resends";
    /// Messages on `state`.
    pub(crate) const STATES: &str = "states";
    /// Prefix of causes, see `Bad::word`.
    pub(crate) const BAD: &str = "bad.";
    /// Prefix of verdict words of stored inspections.
    pub(crate) const VERDICT: &str = "verdict.";
}

/// What came in and what became of it.
///
/// `received = records + duplicates_folded + everything refused`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Messages on `record` and `alert`, duplicates and refused ones included.
    pub received: u64,
    /// Of those, on `alert`.
    pub alerts: u64,
    /// Distinct records stored in their chain; each has a valid signature.
    pub records: u64,
    /// Stored records with no finding against them.
    pub verified: u64,
    /// Records covered by a receipt.
    pub receipted: u64,
    /// Findings by cause; see [`Bad`].
    pub bad: BTreeMap<String, u64>,
    /// Sequence numbers missing below the highest one of each chain.
    pub gaps: u64,
    /// Chains whose receipts stop before a record whose evidence is missing.
    pub held: u64,
    /// Requests to send records again.
    pub resends: u64,
    /// Messages that repeated a stored record byte for byte.
    pub duplicates_folded: u64,
    /// Inspections screened again here with the same tables.
    pub recomputed: u64,
    /// Inspections that could not be, for want of the same tables.
    pub not_recomputed: u64,
    /// Sealed blocks of instrument nodes, in readings of nodes whose keys are here.
    pub node_blocks: u64,
    /// Of those, sealed rightly.
    pub node_sealed: u64,
    /// Of the recomputed, those with another result.
    pub verdict_drift: u64,
    /// Other records signed under a sequence number already taken.
    pub equivocations: u64,
    /// Stored inspections by verdict word.
    pub verdicts: BTreeMap<String, u64>,
    /// Chains known.
    pub chains: u64,
    /// Results that nobody took in time; they are stored, and were not announced. Not durable.
    pub announcements_dropped: u64,
}

impl Summary {
    /// Sums up the durable counters and the outline of the chains.
    pub fn of(counters: &BTreeMap<String, u64>, outline: &[Outline]) -> Self {
        let count = |name: &str| counters.get(name).copied().unwrap_or(0);
        let group = |prefix: &str| {
            counters
                .iter()
                .filter_map(|(name, n)| Some((name.strip_prefix(prefix)?.to_owned(), *n)))
                .collect::<BTreeMap<_, _>>()
        };
        let bad = group(counter::BAD);
        let of_cause = |cause: Bad| bad.get(cause.word()).copied().unwrap_or(0);
        let records = outline.iter().map(Outline::stored).sum();
        Self {
            received: count(counter::RECEIVED),
            alerts: count(counter::ALERTS),
            records,
            verified: u64::saturating_sub(records, count(counter::DOUBTED)),
            receipted: outline.iter().map(Outline::receipted).sum(),
            gaps: outline.iter().map(Outline::missing).sum(),
            held: outline.iter().filter(|it| it.receipted() < it.next_seq).count() as u64,
            resends: count(counter::RESENDS),
            duplicates_folded: count(counter::DUPLICATES),
            recomputed: count(counter::RECOMPUTED),
            not_recomputed: count(counter::NOT_RECOMPUTED),
            node_blocks: count(counter::NODE_BLOCKS),
            node_sealed: count(counter::NODE_SEALED),
            verdict_drift: of_cause(Bad::VerdictDrift),
            equivocations: of_cause(Bad::Equivocation),
            verdicts: group(counter::VERDICT),
            chains: u64::try_from(outline.len()).unwrap_or(u64::MAX),
            announcements_dropped: 0,
            bad,
        }
    }

    /// Findings of all causes.
    pub fn bad_total(&self) -> u64 {
        self.bad.values().sum()
    }

    /// Whether nothing is bad and nothing is missing.
    pub fn is_clean(&self) -> bool {
        self.bad_total() == 0 && self.gaps == 0 && self.held == 0
    }
}
