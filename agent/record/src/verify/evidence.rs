//! Evidence that records name by its hash and that travels beside the chain.

use std::collections::BTreeMap;

use super::{chain::FreeRemark, report::Code};
use crate::{
    body::Detail,
    id::{ChainId, Hash},
    open::Record,
};

/// How many pieces of evidence that nobody has shown yet are remembered.
pub const MAX_EVIDENCE: usize = 1 << 18;

#[derive(Debug, Default)]
pub(super) struct Wanted {
    store: bool,
    named: u64,
    // Hash and size → the first record that names them.
    open: BTreeMap<(Hash, u64), (ChainId, u64)>,
    left_out: u64,
    // Without a store: by chain, the first record that names evidence, and how many do.
    by_chain: BTreeMap<ChainId, (u64, u64)>,
}

impl Wanted {
    /// States that the evidence is at hand: what is not shown by the end is missing.
    pub(super) const fn expect(&mut self) {
        self.store = true;
    }

    /// Takes an accepted record.
    pub(super) fn look_at(&mut self, record: &Record) {
        let Detail::Evidence(evidence) = &record.body.detail else { return };
        if evidence.content.is_some() {
            return;
        }
        let (chain, seq) = (record.header.chain, record.header.seq);
        self.named += 1;
        let (first, count) = self.by_chain.entry(chain).or_insert((seq, 0));
        (*first, *count) = ((*first).min(seq), *count + 1);
        let key = (evidence.hash, evidence.size);
        if self.open.contains_key(&key) || self.open.len() < MAX_EVIDENCE {
            self.open.entry(key).or_insert((chain, seq));
        } else {
            self.left_out += 1;
        }
    }

    /// States that content with this hash and size is there.
    pub(super) fn present(&mut self, hash: Hash, size: u64) {
        self.open.remove(&(hash, size));
    }

    pub(super) fn open(&self) -> impl Iterator<Item = (Hash, u64)> {
        self.open.keys().copied()
    }

    pub(super) const fn named(&self) -> u64 {
        self.named
    }

    /// What can be said only at the end of the stream.
    pub(super) fn finish(&self, remarks: &mut Vec<FreeRemark>) {
        if self.store {
            for (&(hash, size), &place) in &self.open {
                let what = format!("names evidence {hash} of {size} bytes, which is not there");
                remarks.push((Code::EvidenceMissing, Some(place), what));
            }
            if self.left_out > 0 {
                let what = format!("{} more pieces of evidence were not looked for", self.left_out);
                remarks.push((Code::EvidenceMissing, None, what));
            }
        } else {
            for (&chain, &(first, count)) in &self.by_chain {
                let what = format!("{count} records from here on name evidence beside the chain");
                remarks.push((Code::EvidenceNotGiven, Some((chain, first)), what));
            }
        }
    }
}
