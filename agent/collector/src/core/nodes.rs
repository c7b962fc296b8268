//! The readings of instrument nodes: judged by their blocks, and the blocks held against those that came before.
//!
//! A number of a node stands for one moment, for ever. So the order in which records come in does not matter, nor how many of
//! them cite one block: a block is held against its neighbours by number, whichever records those stand in, and the
//! moments must be in the same order as the numbers.

use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    Detail, Hash, Record,
    body::{READINGS_MEDIA, Reading, decode_readings},
    parse,
};

use super::{Batch, Core, CoreError};
use crate::{
    finding::{Bad, Finding},
    nodes::{Judged, Nodes, Proof, judge_inspection, judge_readings, text_of},
    store::{NodeBlock, NodeFinding, Side, StoreError, Walk as _},
    summary::counter,
};

/// How far the time between two readings may differ from the time their node counted between them: a hundredth for both
/// clocks, and this much for how long an answer waits.
const SLACK_MS: u64 = 10_000;
/// How far apart the clocks of two agents may be.
const APART_MS: i64 = 60_000;

impl Core {
    /// Goes on with these nodes.
    pub fn set_nodes(&mut self, nodes: Nodes) {
        self.nodes = nodes;
    }

    /// Judges a record that has come to stand in its chain.
    pub(super) fn judge_nodes(&mut self, record: &Record, received_ms: i64) -> Result<Vec<Finding>, CoreError> {
        if self.nodes.is_empty() {
            return Ok(Vec::new());
        }
        let agent = record.header.agent.as_str();
        let mut boot = Some(record.body.time.boot);
        let judged = match &record.body.detail {
            Detail::Reading(it) => {
                judge_readings(&self.nodes, agent, it.flags.simulated, std::slice::from_ref(&it.reading))
            }
            Detail::Inspection(it) => {
                // It was open when the power went: its moments belong to an earlier start.
                if it.incomplete.as_deref() == Some("interrupted") {
                    boot = None;
                }
                let is_short = it.measured.iter().any(|it| it.parameter == "readings-left-out");
                let beside = if is_short { self.readings_beside(record, &it.id)? } else { None };
                judge_inspection(&self.nodes, agent, it, beside.as_deref())
            }
            Detail::Evidence(it) if it.media == READINGS_MEDIA => match &it.content {
                Some(content) => self.judge_content(agent, it.flags.simulated, content),
                None if self.store.has_content(it.hash)? => {
                    let content = self.content(it.hash)?;
                    self.judge_content(agent, it.flags.simulated, &content)
                }
                None => return Ok(Vec::new()),
            },
            _ => return Ok(Vec::new()),
        };
        Ok(self.keep_judged(judged, record, boot, received_ms)?)
    }

    /// Content that has become complete: readings in it are judged now, each with the record that names it.
    pub(super) fn judge_complete(&mut self, hash: Hash, received_ms: i64, batch: &mut Batch) -> Result<(), StoreError> {
        if self.nodes.is_empty() {
            return Ok(());
        }
        for (chain, seq) in self.store.naming(hash)? {
            let Some(record) = self.store.record_bytes(chain, seq)?.and_then(|it| parse(&it).ok()) else { continue };
            let Detail::Evidence(evidence) = &record.body.detail else { continue };
            if evidence.media != READINGS_MEDIA {
                continue;
            }
            let content = self.content(hash)?;
            let judged = self.judge_content(&record.header.agent, evidence.flags.simulated, &content);
            let boot = Some(record.body.time.boot);
            for finding in self.keep_judged(judged, &record, boot, received_ms)? {
                batch.count_bad(finding.bad);
            }
        }
        Ok(())
    }

    fn judge_content(&self, agent: &str, simulated: bool, content: &[u8]) -> Judged {
        match decode_readings(content) {
            Ok(readings) => judge_readings(&self.nodes, agent, simulated, &readings),
            Err(why) => {
                let mut judged = Judged::default();
                judged.say(Bad::NodeBlockMissing, || format!("the readings beside a result cannot be read: {why}"));
                judged
            }
        }
    }

    /// The readings of an inspection that stand in the record before it, where all of them are here.
    fn readings_beside(&self, record: &Record, id: &str) -> Result<Option<Vec<Reading>>, StoreError> {
        let Some(before) = record.header.seq.checked_sub(1) else { return Ok(None) };
        let Some(bytes) = self.store.record_bytes(record.header.chain, before)? else { return Ok(None) };
        let Ok(Detail::Evidence(evidence)) = parse(&bytes).map(|it| it.body.detail) else { return Ok(None) };
        if evidence.media != READINGS_MEDIA || evidence.inspection.as_deref() != Some(id) {
            return Ok(None);
        }
        let content = match evidence.content {
            Some(content) => content,
            None if self.store.has_content(evidence.hash)? => self.content(evidence.hash)?,
            None => return Ok(None),
        };
        Ok(decode_readings(&content).ok())
    }

    fn content(&self, hash: Hash) -> Result<Vec<u8>, StoreError> {
        let mut content = Vec::new();
        self.store.walk_content(hash, |piece| -> Result<(), StoreError> {
            content.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(content)
    }

    fn keep_judged(
        &mut self,
        mut judged: Judged,
        record: &Record,
        boot: Option<u64>,
        received_ms: i64,
    ) -> Result<Vec<Finding>, StoreError> {
        let (chain, seq) = (record.header.chain, record.header.seq);
        for proof in std::mem::take(&mut judged.proofs) {
            let Proof { block, mac, at: Moment { mono_ms, wall_ms } } = proof;
            let new = NodeBlock {
                serial: block.serial,
                sequence: block.sequence,
                mac,
                starts: block.starts,
                events: block.event_counter,
                uptime_ms: block.uptime_ms,
                chain,
                seq,
                boot,
                mono_ms,
                wall_ms,
            };
            match self.contradiction(&new)? {
                Some(why) => judged.say(Bad::NodeSequence, || why),
                None => self.store.put_node_block(&new)?,
            }
            self.store.add(counter::NODE_SEALED, 1)?;
        }
        if judged.blocks > 0 {
            self.store.add(counter::NODE_BLOCKS, judged.blocks)?;
        }
        let findings = judged.findings();
        for finding in &findings {
            let agent = record.header.agent.clone();
            self.store.put_node_finding(&NodeFinding { chain, seq, agent, finding: finding.clone(), received_ms })?;
        }
        Ok(findings)
    }

    /// Why a rightly sealed block cannot have been read at the moment that is claimed for it.
    fn contradiction(&self, new: &NodeBlock) -> Result<Option<String>, StoreError> {
        let (node, number) = (text_of(new.serial), new.sequence);
        if i64::try_from(number).is_err() {
            return Ok(Some(format!("node {node} has no block {number}")));
        }
        if let Some(known) = self.store.node_block(new.serial, number, Side::Same)? {
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
        if let Some(before) = self.store.node_block(new.serial, number, Side::Before)?
            && let Some(why) = out_of_order(&before, new)
        {
            return Ok(Some(format!("node {node}: {why}")));
        }
        if let Some(after) = self.store.node_block(new.serial, number, Side::After)?
            && let Some(why) = out_of_order(new, &after)
        {
            return Ok(Some(format!("node {node}: {why}")));
        }
        Ok(None)
    }
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
