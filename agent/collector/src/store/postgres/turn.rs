//! What a transaction has written and not sent yet, and what it knows without asking.
//!
//! While a collector has its turn nobody else writes. So the head of a chain is asked for once, together with whether
//! anything waits beyond it or lies beside it as evidence; where nothing does, what comes in is compared with what came in
//! before it in the same transaction. Records, leaves and heads go to the server together: before anything else is asked of
//! it, and before the commit. An ordinary commit of 64 records is a dozen questions instead of hundreds.

use std::collections::HashMap;

use tidewaiter_record::{ChainId, Hash, log::Node};

use super::{
    super::{ChainHead, Leaf, Link, StoreError, sqlite::row_seq},
    Outcome, Session,
    chain::Owned,
};

/// What is known of a chain since it was first looked at.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) head: Option<ChainHead>,
    /// Where its prefix ended then.
    pub(super) from: u64,
    /// Records were stored beyond it then.
    pub(super) waiting: bool,
    /// There is evidence beside it.
    pub(super) evidence: bool,
}

/// One turn of a collector.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) chains: HashMap<ChainId, Known>,
    /// Every record that this transaction has put into a chain.
    links: HashMap<(ChainId, u64), Link>,
    unsent: Unsent,
}

/// What the server has not been told.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    records: Vec<Owned>,
    leaves: Vec<(i64, i64, Leaf)>,
    nodes: Vec<(i64, i64, Hash)>,
    /// The one that moved last at the end.
    heads: Vec<(i64, ChainHead)>,
}

impl Turn {
    /// The record under a number; `Err` when only the server knows.
    pub(super) fn link(&self, chain: ChainId, seq: u64) -> Result<Option<Link>, ()> {
        if let Some(link) = self.links.get(&(chain, seq)) {
            return Ok(Some(*link));
        }
        match self.chains.get(&chain) {
            Some(it) if !it.waiting && seq >= it.from => Ok(None),
            _ => Err(()),
        }
    }

    /// Whether nothing lies beside the chain.
    pub(super) fn has_no_evidence(&self, chain: ChainId) -> bool {
        self.chains.get(&chain).is_some_and(|it| !it.evidence)
    }

    pub(super) fn put(&mut self, seq: u64, owned: Owned) {
        self.links.insert((owned.chain, seq), owned.link);
        self.unsent.records.push(owned);
    }

    pub(super) fn promoted(&mut self, chain: ChainId, seq: u64, link: Link) {
        self.links.insert((chain, seq), link);
    }

    /// A record was moved out of its chain: the server is asked about it from here on.
    pub(super) fn demoted(&mut self, chain: ChainId, seq: u64) {
        self.links.remove(&(chain, seq));
        self.evidence(chain);
    }

    pub(super) fn evidence(&mut self, chain: ChainId) {
        if let Some(it) = self.chains.get_mut(&chain) {
            (it.evidence, it.waiting) = (true, true);
        }
    }

    /// Takes the head of a chain that is known; gives it back where it is not.
    pub(super) fn put_head(&mut self, head: &ChainHead) -> Result<bool, StoreError> {
        let next_seq = row_seq(head.next_seq)?;
        let Some(known) = self.chains.get_mut(&head.chain) else { return Ok(false) };
        known.head = Some(head.clone());
        self.unsent.heads.retain(|(_, it)| it.chain != head.chain);
        self.unsent.heads.push((next_seq, head.clone()));
        Ok(true)
    }

    pub(super) fn append_leaf(&mut self, leaf: &Leaf, complete: &[(Node, Hash)]) -> Result<(), StoreError> {
        self.unsent.leaves.push((row_seq(leaf.position)?, row_seq(leaf.seq)?, *leaf));
        for (node, hash) in complete.iter().filter(|(node, _)| node.level > 0) {
            self.unsent.nodes.push((i64::from(node.level), row_seq(node.position)?, *hash));
        }
        Ok(())
    }

    /// What is to be sent now, if anything is.
    pub(super) fn take(&mut self) -> Option<Unsent> {
        let unsent = std::mem::take(&mut self.unsent);
        let is_empty = unsent.records.is_empty() && unsent.leaves.is_empty() && unsent.heads.is_empty();
        (!is_empty).then_some(unsent)
    }
}

impl Unsent {
    /// Sends all of it, in the order in which it came.
    pub(super) fn send(&self, session: &mut Session) -> Outcome<()> {
        if !self.records.is_empty() {
            let all = &self.records;
            let chains: Vec<&[u8]> = all.iter().map(|it| it.chain.0.as_slice()).collect();
            let seqs: Vec<i64> = all.iter().map(|it| it.seq).collect();
            let hashes: Vec<&[u8]> = all.iter().map(|it| it.link.hash.0.as_slice()).collect();
            let prevs: Vec<&[u8]> = all.iter().map(|it| it.link.prev.0.as_slice()).collect();
            let times: Vec<i64> = all.iter().map(|it| it.link.received_ms).collect();
            let bytes: Vec<&[u8]> = all.iter().map(|it| it.bytes.as_slice()).collect();
            session.execute(
                "INSERT INTO record (chain, seq, hash, prev, received_ms, bytes)
                 SELECT chain, seq, hash, prev, received_ms, bytes
                 FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bytea[])
                      WITH ORDINALITY AS it (chain, seq, hash, prev, received_ms, bytes, place) ORDER BY place",
                &[&chains, &seqs, &hashes, &prevs, &times, &bytes],
            )?;
        }
        if !self.leaves.is_empty() {
            let positions: Vec<i64> = self.leaves.iter().map(|it| it.0).collect();
            let seqs: Vec<i64> = self.leaves.iter().map(|it| it.1).collect();
            let chains: Vec<&[u8]> = self.leaves.iter().map(|it| it.2.chain.0.as_slice()).collect();
            let hashes: Vec<&[u8]> = self.leaves.iter().map(|it| it.2.hash.0.as_slice()).collect();
            session.execute(
                "INSERT INTO log_leaf (position, chain, seq, hash)
                 SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bytea[])",
                &[&positions, &chains, &seqs, &hashes],
            )?;
        }
        if !self.nodes.is_empty() {
            let levels: Vec<i64> = self.nodes.iter().map(|it| it.0).collect();
            let positions: Vec<i64> = self.nodes.iter().map(|it| it.1).collect();
            let hashes: Vec<&[u8]> = self.nodes.iter().map(|it| it.2.0.as_slice()).collect();
            session.execute(
                "INSERT INTO log_node (level, position, hash)
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])",
                &[&levels, &positions, &hashes],
            )?;
        }
        for (next_seq, head) in &self.heads {
            session.put_head(*next_seq, head)?;
        }
        Ok(())
    }
}
