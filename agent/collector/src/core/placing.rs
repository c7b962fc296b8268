//! Where a verified record belongs: into its chain, behind a gap, or beside it as evidence.

use tidewaiter_record::{Hash, log::Frontier};

use super::opening::Opened;
use crate::{
    finding::{Bad, Finding},
    store::{ChainHead, Entry, Leaf, Link, Store, StoreError},
};

/// What became of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is stored in its chain, contiguous or behind a gap.
    Chain {
        /// Waiting records that turned out not to link once the prefix reached them.
        outcasts: Vec<u64>,
        /// Records that came back from the evidence, because they link.
        promoted: Vec<u64>,
    },
    /// The same bytes were here already.
    Duplicate {
        /// In the chain; otherwise among the evidence.
        in_chain: bool,
    },
    /// It contradicts what is stored and is kept beside the chain.
    Evidence {
        /// How.
        finding: Finding,
        /// The record that stands under its number, if any does.
        kept: Option<Hash>,
    },
    /// Its chain belongs to another agent.
    Foreign(Finding),
}

/// Puts a verified record where it belongs. What enters the prefix becomes a leaf of the log.
pub(super) fn place(
    store: &mut dyn Store,
    log: &mut Frontier,
    opened: &Opened,
    site: &str,
    bytes: &[u8],
    received_ms: i64,
) -> Result<Place, StoreError> {
    let (chain, seq) = (opened.chain, opened.seq);
    let link = Link { hash: opened.hash, prev: opened.prev, received_ms };
    let entry = Entry { chain, seq, link, bytes };
    let known = store.head(chain)?;
    if let Some(head) = &known
        && head.agent != opened.agent
    {
        let detail =
            format!("chain {chain} belongs to agent {:?}, the record is issued by {:?}", head.agent, opened.agent);
        return Ok(Place::Foreign(Finding::new(Bad::TopicMismatch, detail)));
    }
    let is_new = known.is_none();
    let mut head = known.unwrap_or_else(|| ChainHead {
        chain,
        agent: opened.agent.clone(),
        site: site.to_owned(),
        next_seq: 0,
        head: None,
        head_received_ms: 0,
    });
    // Receipts follow the agent to the site it publishes from.
    let moved = is_new || head.site != site;
    site.clone_into(&mut head.site);

    if let Some(stored) = store.link(chain, seq)? {
        if moved {
            store.put_head(&head)?;
        }
        return if stored.hash == link.hash {
            Ok(Place::Duplicate { in_chain: true })
        } else {
            let detail = format!(
                "sequence number {seq} is taken by {}, this record is {}; keep both and ask the site",
                stored.hash, link.hash
            );
            evidence(store, &entry, Finding::new(Bad::Equivocation, detail), Some(stored.hash))
        };
    }
    if store.is_evidence(chain, seq, link.hash)? {
        return Ok(Place::Duplicate { in_chain: false });
    }
    if seq < head.next_seq {
        return Err(StoreError::Corrupt {
            what: format!("chain {chain} has a head at {} and no record {seq}", head.next_seq),
        });
    }
    if let Some(finding) = contradiction(store, opened, &head)? {
        if is_new {
            // Remembered, so that its evidence shows in the outline and the chain has an owner.
            store.put_head(&head)?;
        }
        return evidence(store, &entry, finding, None);
    }
    store.put(&entry)?;
    let (mut outcasts, mut promoted) = (Vec::new(), Vec::new());
    if seq == head.next_seq {
        advance(store, log, &mut head, link, (&mut outcasts, &mut promoted))?;
    }
    store.put_head(&head)?;
    Ok(Place::Chain { outcasts, promoted })
}

fn evidence(
    store: &mut dyn Store,
    entry: &Entry<'_>,
    finding: Finding,
    kept: Option<Hash>,
) -> Result<Place, StoreError> {
    if kept.is_some() && store.is_evidence(entry.chain, entry.seq, entry.link.hash)? {
        return Ok(Place::Duplicate { in_chain: false });
    }
    store.put_evidence(entry, finding.bad)?;
    Ok(Place::Evidence { finding, kept })
}

/// What in a new record contradicts its place or its neighbours.
///
/// A neighbour in the prefix is certain. One that waits behind a gap is not: the two contradict each
/// other, and which of them is right shows when the prefix gets there ([`advance`]).
fn contradiction(store: &dyn Store, opened: &Opened, head: &ChainHead) -> Result<Option<Finding>, StoreError> {
    if let Some(detail) = &opened.misplaced {
        return Ok(Some(Finding::new(Bad::ChainLink, detail.clone())));
    }
    let (chain, seq) = (opened.chain, opened.seq);
    let before = match seq.checked_sub(1) {
        None => opened.genesis_prev,
        Some(before) if seq == head.next_seq => {
            let what = || format!("chain {chain} has no hash for its head {before}");
            Some(head.head.ok_or_else(|| StoreError::Corrupt { what: what() })?)
        }
        Some(before) => store.link(chain, before)?.map(|it| it.hash),
    };
    if let Some(before) = before.filter(|it| *it != opened.prev) {
        let whose = if seq == 0 { "the enrolment statement is".to_owned() } else { format!("record {} is", seq - 1) };
        let detail = format!("record {seq} names {} as its predecessor, {whose} {before}", opened.prev);
        return Ok(Some(Finding::new(Bad::ChainLink, detail)));
    }
    if seq != head.next_seq
        && let Some(after) = seq.checked_add(1).map(|it| store.link(chain, it)).transpose()?.flatten()
        && after.prev != opened.hash
    {
        let detail =
            format!("record {} names {} as its predecessor, this record {seq} is {}", seq + 1, after.prev, opened.hash);
        return Ok(Some(Finding::new(Bad::ChainLink, detail)));
    }
    Ok(None)
}

/// Moves the head over `link` and over every waiting record that follows it; notes those that do not, and those that
/// the evidence gives back.
fn advance(
    store: &mut dyn Store,
    log: &mut Frontier,
    head: &mut ChainHead,
    link: Link,
    (outcasts, promoted): (&mut Vec<u64>, &mut Vec<u64>),
) -> Result<(), StoreError> {
    let chain = head.chain;
    let mut newest = link;
    loop {
        let leaf = Leaf { position: log.size(), chain, seq: head.next_seq, hash: newest.hash };
        store.append_leaf(&leaf, &log.push(&newest.hash.0))?;
        head.next_seq += 1;
        head.head = Some(newest.hash);
        head.head_received_ms = newest.received_ms;
        let next = head.next_seq;
        match store.link(chain, next)? {
            Some(waiting) if waiting.prev == newest.hash => {
                newest = waiting;
                continue;
            }
            Some(_) => {
                store.demote(chain, next, Bad::ChainLink)?;
                outcasts.push(next);
            }
            None => {}
        }
        match store.promote(chain, next, newest.hash)? {
            Some(proved) => {
                promoted.push(next);
                newest = proved;
            }
            None => return Ok(()),
        }
    }
}
