//! The log against everything that speaks of it: its own leaves and subtrees, the stored records, every head that was
//! signed, and the heads that agents have put into their records.
//!
//! Agents are witnesses. A centre that wants to take a record back has to show them another log than before, and what
//! they saw stands in their chains, under their signatures.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::Serialize;
use tidewaiter_record::{
    ChainId, Hash, Registry,
    log::{Frontier, root_at},
    open_head, parse,
};

use crate::store::{LogHead, LogStore as _, SqliteStore, Store as _, StoreError};

/// Findings told in full; more are only counted.
pub const MAX_TOLD: usize = 100;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Leaves of the log.
    pub leaves: u64,
    /// Root over them, computed from the leaves.
    pub root: String,
    /// Heads signed.
    pub heads: u64,
    /// Number of the newest head.
    pub newest: Option<u64>,
    /// Records that name a head.
    pub anchors: u64,
    /// Agents that wrote them.
    pub witnesses: u64,
    /// How many findings there are.
    pub bad: u64,
    /// The first of them.
    pub findings: Vec<String>,
}

impl Audit {
    fn say(&mut self, finding: String) {
        self.bad += 1;
        if self.findings.len() < MAX_TOLD {
            self.findings.push(finding);
        }
    }
}

/// Reads the whole store. With a registry, the signatures of the heads are checked too.
///
/// # Errors
///
/// When the store cannot be read.
pub fn audit(store: &SqliteStore, registry: Option<&Registry>) -> Result<Audit, StoreError> {
    let mut audit = Audit::default();
    leaves(store, &mut audit)?;
    heads(store, registry, &mut audit)?;
    anchors(store, &mut audit)?;
    Ok(audit)
}

/// Builds the log again from its leaves, and compares each with its record and each subtree with the one kept.
fn leaves(store: &SqliteStore, audit: &mut Audit) -> Result<(), StoreError> {
    let mut log = Frontier::new();
    let mut next: BTreeMap<ChainId, u64> = BTreeMap::new();
    store.walk_leaves(|leaf| -> Result<(), StoreError> {
        if leaf.position != log.size() {
            let what = format!("leaf {} follows on leaf {}", leaf.position, log.size());
            return Err(StoreError::Corrupt { what });
        }
        for (node, hash) in log.push(&leaf.hash.0) {
            if node.level > 0 && store.log_node(node)? != hash {
                audit.say(format!("subtree {} of level {} is not the one over its leaves", node.position, node.level));
            }
        }
        let expected = next.entry(leaf.chain).or_default();
        if leaf.seq != *expected {
            // A log that was filled from an older store may have them in order of arrival.
            tracing::debug!(chain = %leaf.chain, seq = leaf.seq, expected = *expected, "leaf out of order");
        }
        *expected += 1;
        match store.link(leaf.chain, leaf.seq)? {
            Some(link) if link.hash == leaf.hash => {}
            Some(link) => audit.say(format!(
                "leaf {}: record {} of chain {} is {} now, the log has {}",
                leaf.position, leaf.seq, leaf.chain, link.hash, leaf.hash
            )),
            None => audit.say(format!(
                "leaf {}: record {} of chain {} is not here any more",
                leaf.position, leaf.seq, leaf.chain
            )),
        }
        Ok(())
    })?;
    for chain in store.heads()? {
        let found = next.get(&chain.chain).copied().unwrap_or(0);
        if found != chain.next_seq {
            audit.say(format!("chain {}: {} records in its prefix, {found} in the log", chain.chain, chain.next_seq));
        }
    }
    audit.leaves = log.size();
    audit.root = log.root().to_string();
    Ok(())
}

fn heads(store: &SqliteStore, registry: Option<&Registry>, audit: &mut Audit) -> Result<(), StoreError> {
    let mut last_size = 0;
    store.walk_heads(|head| -> Result<(), StoreError> {
        audit.heads += 1;
        audit.newest = Some(head.number);
        if head.size < last_size {
            audit.say(format!(
                "head {} covers {} leaves, one before it covers {last_size}: the log was rolled back",
                head.number, head.size
            ));
        }
        last_size = last_size.max(head.size);
        if let Some(why) = wrong_root(store, audit.leaves, head.size, head.root)? {
            audit.say(format!("head {}: {why}", head.number));
        }
        if let Some(why) = registry.and_then(|it| wrong_signature(&head, it)) {
            audit.say(format!("head {}: {why}", head.number));
        }
        Ok(())
    })
}

fn wrong_signature(head: &LogHead, registry: &Registry) -> Option<String> {
    match open_head(&head.bytes, registry) {
        Ok(it) if (it.number, it.size, it.root) == (head.number, head.size, head.root) => None,
        Ok(it) => Some(format!("the signed head says number {}, {} leaves, root {}", it.number, it.size, it.root)),
        Err(why) => Some(why.to_string()),
    }
}

fn wrong_root(store: &SqliteStore, leaves: u64, size: u64, root: Hash) -> Result<Option<String>, StoreError> {
    if size > leaves {
        return Ok(Some(format!("it covers {size} leaves, the log has {leaves}")));
    }
    let found = root_at(size, |node| store.log_node(node))?;
    Ok((found != root).then(|| format!("root {root} at {size} leaves, the log has {found} there")))
}

fn anchors(store: &SqliteStore, audit: &mut Audit) -> Result<(), StoreError> {
    // Many agents name the same head: each is looked up once.
    let mut judged: BTreeMap<(u64, Hash), Option<String>> = BTreeMap::new();
    let mut witnesses = std::collections::BTreeSet::new();
    store.walk_arrivals(0, |stored| -> Result<(), StoreError> {
        let Ok(record) = parse(&stored.bytes) else {
            audit.say(format!("record {} of chain {} cannot be read", stored.seq, stored.chain));
            return Ok(());
        };
        let Some(anchor) = record.header.anchor else { return Ok(()) };
        audit.anchors += 1;
        let judged = match judged.entry((anchor.number, anchor.hash)) {
            Entry::Occupied(it) => it.into_mut(),
            Entry::Vacant(it) => it.insert(wrong_root(store, audit.leaves, anchor.number, anchor.hash)?),
        };
        if let Some(why) = judged {
            audit.say(format!(
                "agent {} has seen another log (record {} of chain {}): {why}",
                record.header.agent, stored.seq, stored.chain
            ));
        }
        witnesses.insert(record.header.agent);
        Ok(())
    })?;
    audit.witnesses = witnesses.len() as u64;
    Ok(())
}
