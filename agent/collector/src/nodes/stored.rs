//! The readings of nodes in records that are stored, or on their way in: judged by their blocks, and the blocks held against
//! those that came before.
//!
//! A number of a node stands for one moment, for ever. So the order in which records come in does not matter, nor how many of
//! them cite one block: a block is held against its neighbours by number, whichever records those stand in, and the
//! moments must be in the same order as the numbers.
//!
//! Records that came before their node was entered are judged by [`recheck`], by the same rules. Doing it again changes
//! nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    Detail, Hash, Record,
    body::{READINGS_MEDIA, Reading, decode_readings},
    parse,
};

use super::{Judged, Nodes, Proof, judge_inspection, judge_readings, text_of};
use crate::{
    finding::{Bad, Finding},
    store::{NodeBlock, NodeFinding, Side, Store, StoreError, StoredRecord, Walk as _},
    summary::counter,
};

/// How far the time between two readings may differ from the time their node counted between them: a hundredth for both
/// clocks, and this much for how long an answer waits.
const SLACK_MS: u64 = 10_000;
/// How far apart the clocks of two agents may be.
const APART_MS: i64 = 60_000;

/// What a record holds of nodes, before its blocks are held against others.
#[derive(Clone, Debug)]
pub struct Due {
    /// What its readings say against their blocks.
    pub judged: Judged,
    /// Start of the agent that its moments belong to; none where the record does not tell.
    boot: Option<u64>,
}

/// What became of the blocks and findings of a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// Everything found against it.
    pub(crate) findings: Vec<Finding>,
    /// Of those, what was not here before.
    pub(crate) new: Vec<Bad>,
    /// Blocks whose number was not here before.
    pub(crate) blocks: u64,
}

impl Due {
    /// Judges a record; none where it can hold nothing of a node, or where the content it names is not here yet.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn of(store: &dyn Store, nodes: &Nodes, record: &Record) -> Result<Option<Self>, StoreError> {
        let agent = record.header.agent.as_str();
        let mut boot = Some(record.body.time.boot);
        let judged = match &record.body.detail {
            Detail::Reading(it) => judge_readings(nodes, agent, it.flags.simulated, std::slice::from_ref(&it.reading)),
            Detail::Inspection(it) => {
                // It was open when the power went: its moments belong to an earlier start.
                if it.incomplete.as_deref() == Some("interrupted") {
                    boot = None;
                }
                let is_short = it.measured.iter().any(|it| it.parameter == "readings-left-out");
                let beside = if is_short { readings_beside(store, record, &it.id)? } else { None };
                judge_inspection(nodes, agent, it, beside.as_deref())
            }
            Detail::Evidence(it) if it.media == READINGS_MEDIA => {
                let judge = |content: &[u8]| judge_content(nodes, agent, it.flags.simulated, content);
                match &it.content {
                    Some(inside) => judge(inside),
                    None if store.has_content(it.hash)? => judge(&content(store, it.hash)?),
                    None => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { judged, boot }))
    }

    /// Its blocks with a right seal, as the store keeps them.
    fn blocks<'a>(&'a self, record: &'a Record) -> impl Iterator<Item = NodeBlock> + 'a {
        self.judged.proofs.iter().map(|it| {
            let Proof { block, mac, at: Moment { mono_ms, wall_ms } } = *it;
            NodeBlock {
                serial: block.serial,
                sequence: block.sequence,
                mac,
                starts: block.starts,
                events: block.event_counter,
                uptime_ms: block.uptime_ms,
                chain: record.header.chain,
                seq: record.header.seq,
                boot: self.boot,
                mono_ms,
                wall_ms,
            }
        })
    }

    /// Everything that speaks against the record as the store is now; writes nothing.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn findings(&self, store: &dyn Store, record: &Record) -> Result<Vec<Finding>, StoreError> {
        let mut judged = self.judged.clone();
        for block in self.blocks(record) {
            if let Some(why) = contradiction(store, &block)? {
                judged.say(Bad::NodeSequence, || why);
            }
        }
        Ok(judged.findings())
    }

    /// Keeps its blocks and what is found. With `decided`, its order among others was found to be wrong before, and no
    /// block of it takes a place now.
    pub(crate) fn keep(
        &self,
        store: &mut dyn Store,
        record: &Record,
        received_ms: i64,
        decided: bool,
    ) -> Result<Kept, StoreError> {
        let (chain, seq) = (record.header.chain, record.header.seq);
        let mut judged = self.judged.clone();
        let mut kept = Kept::default();
        for block in self.blocks(record) {
            match contradiction(store, &block)? {
                Some(why) => judged.say(Bad::NodeSequence, || why),
                None if decided => {}
                None => kept.blocks += u64::from(store.put_node_block(&block)?),
            }
        }
        kept.findings = judged.findings();
        for finding in &kept.findings {
            let (agent, finding) = (record.header.agent.clone(), finding.clone());
            let bad = finding.bad;
            if store.put_node_finding(&NodeFinding { chain, seq, agent, finding, received_ms })? {
                kept.new.push(bad);
            }
        }
        Ok(kept)
    }

    /// Counts its blocks, once for each record.
    pub(crate) fn count(&self, store: &mut dyn Store) -> Result<(), StoreError> {
        for (name, number) in
            [(counter::NODE_SEALED, self.judged.proofs.len() as u64), (counter::NODE_BLOCKS, self.judged.blocks)]
        {
            if number > 0 {
                store.add(name, number)?;
            }
        }
        Ok(())
    }
}

fn judge_content(nodes: &Nodes, agent: &str, simulated: bool, content: &[u8]) -> Judged {
    match decode_readings(content) {
        Ok(readings) => judge_readings(nodes, agent, simulated, &readings),
        Err(why) => {
            let mut judged = Judged::default();
            judged.say(Bad::NodeBlockMissing, || format!("the readings beside a result cannot be read: {why}"));
            judged
        }
    }
}

/// The readings of an inspection that stand in the record before it, where all of them are here.
fn readings_beside(store: &dyn Store, record: &Record, id: &str) -> Result<Option<Vec<Reading>>, StoreError> {
    let Some(before) = record.header.seq.checked_sub(1) else { return Ok(None) };
    let Some(bytes) = store.record_bytes(record.header.chain, before)? else { return Ok(None) };
    let Ok(Detail::Evidence(evidence)) = parse(&bytes).map(|it| it.body.detail) else { return Ok(None) };
    if evidence.media != READINGS_MEDIA || evidence.inspection.as_deref() != Some(id) {
        return Ok(None);
    }
    let content = match evidence.content {
        Some(content) => content,
        None if store.has_content(evidence.hash)? => content(store, evidence.hash)?,
        None => return Ok(None),
    };
    Ok(decode_readings(&content).ok())
}

fn content(store: &dyn Store, hash: Hash) -> Result<Vec<u8>, StoreError> {
    let mut content = Vec::new();
    store.walk_content(hash, |piece| -> Result<(), StoreError> {
        content.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(content)
}

/// What came of going over the stored records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rechecked {
    /// Records gone over.
    pub records: u64,
    /// Of those, with readings held against the key of a node.
    pub of_nodes: u64,
    /// Sealed blocks in them.
    pub blocks: u64,
    /// Of those, with a right seal.
    pub sealed: u64,
    /// Blocks whose number was not known before.
    pub blocks_new: u64,
    /// Findings written now, by cause.
    pub findings_new: BTreeMap<Bad, u64>,
    /// Findings in these records that were here before.
    pub findings_known: u64,
    /// Records of nodes whose readings are still to come: they are judged when those are here.
    pub waiting: u64,
    /// Stored records that cannot be read any more; `log check` says which.
    pub unreadable: u64,
}

impl Rechecked {
    /// Whether anything speaks against a record that was gone over.
    pub fn is_bad(&self) -> bool {
        !self.findings_new.is_empty() || self.findings_known > 0 || self.unreadable > 0
    }
}

/// Goes over every record that is here now and writes what is due by these nodes: blocks, findings, counts.
///
/// Page by page, each in a transaction of its own and only where there is something to write; others may write in between.
/// A finding stands at the record that is judged last, and names the other where there are two.
///
/// # Errors
///
/// When the store cannot be read or written. What was committed stays, and the next call goes on with the rest.
pub fn recheck(store: &mut dyn Store, nodes: &Nodes) -> Result<Rechecked, StoreError> {
    let mut done = Rechecked::default();
    let (mut after, upto) = (0, store.newest_arrival()?);
    loop {
        let page = store.records_after(after)?;
        let Some(last) = page.last() else { return Ok(done) };
        after = last.arrival;
        let mut due = Vec::new();
        for stored in page.into_iter().take_while(|it| it.arrival <= upto) {
            done.records += 1;
            let Ok(record) = parse(&stored.bytes) else {
                done.unreadable += 1;
                continue;
            };
            match Due::of(store, nodes, &record)? {
                Some(it) if it.judged.holds_anything() => due.push((stored, record, it)),
                Some(_) => {}
                None => {
                    let is_of = matches!(&record.body.detail, Detail::Evidence(it) if it.media == READINGS_MEDIA);
                    let has_nodes = nodes.all().iter().any(|it| it.agent == record.header.agent);
                    done.waiting += u64::from(is_of && has_nodes);
                }
            }
        }
        if !due.is_empty() {
            store.begin()?;
            for (stored, record, it) in &due {
                again(store, stored, record, it, &mut done)?;
            }
            store.commit()?;
        }
        if after >= upto {
            return Ok(done);
        }
    }
}

fn again(
    store: &mut dyn Store,
    stored: &StoredRecord,
    record: &Record,
    due: &Due,
    done: &mut Rechecked,
) -> Result<(), StoreError> {
    // Since it was read it may have left its chain.
    if store.link(stored.chain, stored.seq)?.is_none_or(|it| it.hash != stored.hash) {
        return Ok(());
    }
    done.of_nodes += u64::from(!due.judged.held.is_empty());
    done.blocks += due.judged.blocks;
    done.sealed += due.judged.proofs.len() as u64;
    let known = store.node_findings_of(stored.chain, stored.seq, stored.seq)?;
    let decided = known.iter().any(|it| it.finding.bad == Bad::NodeSequence);
    let mut first = known.is_empty();
    for block in due.blocks(record) {
        let kept = store.node_block(block.serial, block.sequence, Side::Same)?;
        first &= kept.is_none_or(|it| (it.chain, it.seq) != (block.chain, block.seq));
    }
    let kept = due.keep(store, record, stored.received_ms, decided)?;
    done.findings_known += known.len() as u64;
    done.blocks_new += kept.blocks;
    // What was counted when it came in is not counted again.
    if first && (kept.blocks > 0 || !kept.new.is_empty()) {
        due.count(store)?;
    }
    for bad in kept.new {
        store.add(&format!("{}{bad}", counter::BAD), 1)?;
        *done.findings_new.entry(bad).or_default() += 1;
    }
    Ok(())
}

/// Why a rightly sealed block cannot have been read at the moment that is claimed for it.
fn contradiction(store: &dyn Store, new: &NodeBlock) -> Result<Option<String>, StoreError> {
    let (node, number) = (text_of(new.serial), new.sequence);
    if i64::try_from(number).is_err() {
        return Ok(Some(format!("node {node} has no block {number}")));
    }
    if let Some(known) = store.node_block(new.serial, number, Side::Same)? {
        let cited = known.mac == new.mac
            && known.chain == new.chain
            && (known.mono_ms, known.wall_ms) == (new.mono_ms, new.wall_ms);
        return Ok((!cited).then(|| {
            format!(
                "block {number} of node {node} was read at {} (record {} of chain {}), and is given again for {}",
                known.wall_ms, known.seq, known.chain, new.wall_ms
            )
        }));
    }
    if let Some(before) = store.node_block(new.serial, number, Side::Before)?
        && let Some(why) = out_of_order(&before, new)
    {
        return Ok(Some(format!("node {node}: {why}")));
    }
    if let Some(after) = store.node_block(new.serial, number, Side::After)?
        && let Some(why) = out_of_order(new, &after)
    {
        return Ok(Some(format!("node {node}: {why}")));
    }
    Ok(None)
}

/// Why two blocks of one node, the lower number first, do not follow each other.
fn out_of_order(first: &NodeBlock, second: &NodeBlock) -> Option<String> {
    let (a, b) = (first.sequence, second.sequence);
    if second.starts < first.starts {
        return Some(format!("block {b} says {} starts, block {a} before it {}", second.starts, first.starts));
    }
    if second.events < first.events {
        return Some(format!("block {b} says event counter {}, block {a} before it {}", second.events, first.events));
    }
    let same_start = first.starts == second.starts;
    if same_start && second.uptime_ms < first.uptime_ms {
        return Some(format!("block {b} has a lower uptime than block {a} before it"));
    }
    if first.chain != second.chain {
        let early = first.wall_ms.saturating_sub(second.wall_ms) > APART_MS;
        return early.then(|| format!("block {b} is said to be read before block {a}, in another chain"));
    }
    // Without knowing which start they belong to, monotonic times do not compare.
    let (Some(boot), Some(later)) = (first.boot, second.boot) else { return None };
    if (later, second.mono_ms) < (boot, first.mono_ms) {
        return Some(format!("block {b} is said to be read before block {a}"));
    }
    if !same_start || boot != later {
        return None;
    }
    let read = second.mono_ms.saturating_sub(first.mono_ms);
    let counted = second.uptime_ms.saturating_sub(first.uptime_ms);
    let differ = read.abs_diff(counted);
    (differ > SLACK_MS.saturating_add(read.max(counted) / 100)).then(|| {
        format!("between blocks {a} and {b} the node counted {counted} ms, and the record says {read} ms: one of them was held back")
    })
}
