//! The log against everything that speaks of it: its own leaves and subtrees, the stored records, every head that was
//! signed, and the heads that agents have put into their records. And the records against what is kept beside them:
//! a disk that rots must not change in silence what is exported or receipted.
//!
//! Agents are witnesses. A centre that wants to take a record back has to show them another log than before, and what
//! they saw stands in their chains, under their signatures.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use serde::Serialize;
use tidewaiter_record::{
    ChainId, Detail, Hash, Record, Registry, Rotation,
    log::{Frontier, root_at},
    open_head, parse,
    rotation::rotation,
};

use crate::store::{LogHead, Moment, Store, StoreError, StoredRecord, Walk as _};

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
pub fn audit(store: &dyn Store, registry: Option<&Registry>) -> Result<Audit, StoreError> {
    let mut audit = Audit::default();
    // A record that comes in meanwhile would be in one table and not yet in another.
    let _moment = Moment::of(store)?;
    leaves(store, &mut audit)?;
    heads(store, registry, &mut audit)?;
    records(store, &mut audit)?;
    Ok(audit)
}

/// Builds the log again from its leaves, and compares each with its record and each subtree with the one kept.
fn leaves(store: &dyn Store, audit: &mut Audit) -> Result<(), StoreError> {
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
        let found = next.remove(&chain.chain).unwrap_or(0);
        if found != chain.next_seq {
            audit.say(format!("chain {}: {} records in its prefix, {found} in the log", chain.chain, chain.next_seq));
        }
        // Receipts are signed over the head, so it must be the record that stands there.
        let newest = chain.newest().map(|seq| store.link(chain.chain, seq)).transpose()?.flatten();
        if newest.map(|it| it.hash) != chain.head {
            audit.say(format!("chain {}: its head is not the last record of its prefix", chain.chain));
        }
    }
    for (chain, found) in next {
        audit.say(format!("chain {chain}: {found} records in the log, and there is no such chain any more"));
    }
    audit.leaves = log.size();
    audit.root = log.root().to_string();
    Ok(())
}

fn heads(store: &dyn Store, registry: Option<&Registry>, audit: &mut Audit) -> Result<(), StoreError> {
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
        Ok(it) if (it.number, it.size, it.root, it.at_ms) == (head.number, head.size, head.root, head.at_ms) => None,
        Ok(it) => Some(format!(
            "the signed head says number {}, {} leaves, root {}, signed at {} ms",
            it.number, it.size, it.root, it.at_ms
        )),
        Err(why) => Some(why.to_string()),
    }
}

fn wrong_root(store: &dyn Store, leaves: u64, size: u64, root: Hash) -> Result<Option<String>, StoreError> {
    if size > leaves {
        return Ok(Some(format!("it covers {size} leaves, the log has {leaves}")));
    }
    let found = root_at(size, |node| store.log_node(node))?;
    Ok((found != root).then(|| format!("root {root} at {size} leaves, the log has {found} there")))
}

/// Every record against the columns that repeat what is in it, against what was written down of it elsewhere, and its
/// anchor against the log.
fn records(store: &dyn Store, audit: &mut Audit) -> Result<(), StoreError> {
    let mut beside = Beside::read(store, audit)?;
    // Many agents name the same head: each is looked up once.
    let mut judged: BTreeMap<(u64, Hash), Option<String>> = BTreeMap::new();
    let mut witnesses = BTreeSet::new();
    store.walk_arrivals(0, |stored| -> Result<(), StoreError> {
        let Ok(record) = parse(&stored.bytes) else {
            audit.say(format!("record {} of chain {} cannot be read", stored.seq, stored.chain));
            return Ok(());
        };
        if let Some(why) = wrong_columns(store, &stored, &record)? {
            audit.say(format!("record {} of chain {}: {why}", stored.seq, stored.chain));
        }
        beside.compare(&record, audit);
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
    beside.finish(audit);
    Ok(())
}

/// Reads by chain and number too, as every other part does: what an index has lost would be lost there.
fn wrong_columns(store: &dyn Store, stored: &StoredRecord, record: &Record) -> Result<Option<String>, StoreError> {
    let found = Hash::of(&stored.bytes);
    if found != stored.hash {
        return Ok(Some(format!("the stored bytes have hash {found}, they came in as {}", stored.hash)));
    }
    let header = &record.header;
    if (header.chain, header.seq) != (stored.chain, stored.seq) {
        return Ok(Some(format!("it is record {} of chain {}", header.seq, header.chain)));
    }
    Ok(match store.link(stored.chain, stored.seq)? {
        Some(link) if (link.hash, link.prev) == (stored.hash, header.prev) => None,
        Some(link) => Some(format!(
            "by its number, hash {} after {} is found; it has {} after {}",
            link.hash, link.prev, stored.hash, header.prev
        )),
        None => Some("it is not found by its number".to_owned()),
    })
}

/// What is written down of records apart from them.
struct Beside {
    /// The agent of each chain.
    agents: BTreeMap<ChainId, String>,
    /// Hash and size of the content that a record names.
    named: BTreeMap<(ChainId, u64), (Hash, u64)>,
    rotations: BTreeMap<(ChainId, u64), Rotation>,
}

impl Beside {
    fn read(store: &dyn Store, audit: &mut Audit) -> Result<Self, StoreError> {
        let mut named = BTreeMap::new();
        for missing in [false, true] {
            for it in store.named(None, missing)? {
                // Receipts stop before what is missing, and vouch for what is not.
                if store.has_content(it.hash)? == missing {
                    let word = if missing { "missing, and is here" } else { "here, and is missing" };
                    audit.say(format!("content of record {} of chain {} is said to be {word}", it.seq, it.chain));
                }
                named.insert((it.chain, it.seq), (it.hash, it.size));
            }
        }
        Ok(Self {
            agents: store.heads()?.into_iter().map(|it| (it.chain, it.agent)).collect(),
            named,
            rotations: store.rotations()?.into_iter().map(|it| ((it.chain, it.seq), it)).collect(),
        })
    }

    fn compare(&mut self, record: &Record, audit: &mut Audit) {
        let (chain, seq) = (record.header.chain, record.header.seq);
        if self.agents.get(&chain) != Some(&record.header.agent) {
            audit.say(format!("record {seq} of chain {chain}: the chain is not kept as that of its agent"));
        }
        let content = match &record.body.detail {
            Detail::Evidence(it) if it.content.is_none() && it.size > 0 => Some((it.hash, it.size)),
            _ => None,
        };
        if self.named.remove(&(chain, seq)) != content {
            audit.say(format!("record {seq} of chain {chain}: other content is kept for it than it names"));
        }
        if self.rotations.remove(&(chain, seq)) != rotation(record).ok().flatten() {
            audit.say(format!("record {seq} of chain {chain}: another new key is kept for it than it names"));
        }
    }

    /// What is left belongs to no record.
    fn finish(self, audit: &mut Audit) {
        for (chain, seq) in self.named.into_keys() {
            audit.say(format!("content is kept for record {seq} of chain {chain}, which is not here"));
        }
        for (chain, seq) in self.rotations.into_keys() {
            audit.say(format!("a key is kept for record {seq} of chain {chain}, which is not here"));
        }
    }
}
