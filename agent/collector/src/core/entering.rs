//! What a record brings with it into its chain, beside itself: a new key, content that is still to come, a head of our
//! log that the agent has seen, blocks that instrument nodes sealed.

use tidewaiter_record::{ChainId, Detail, Record, log::root_at, parse, rotation::rotation};

use super::{Core, CoreError};
use crate::{
    finding::{Bad, Finding},
    store::{Named, StoreError},
};

impl Core {
    /// A record has come to stand in its chain, in the prefix or behind a gap.
    pub(super) fn enter(
        &mut self,
        record: &Record,
        findings: &mut Vec<Finding>,
        received_ms: i64,
    ) -> Result<(), CoreError> {
        let (chain, seq) = (record.header.chain, record.header.seq);
        match rotation(record) {
            Ok(None) => {}
            Ok(Some(rotation)) => {
                self.store.put_rotation(&rotation)?;
                self.keyring.learn(rotation)?;
            }
            Err(why) => findings.push(Finding::new(Bad::KeyProof, why.to_string())),
        }
        if let Detail::Evidence(evidence) = &record.body.detail
            && evidence.content.is_none()
            && evidence.size > 0
        {
            let named = Named { chain, seq, hash: evidence.hash, size: evidence.size };
            self.store.name_content(&named, &record.header.agent)?;
        }
        findings.extend(self.wrong_anchor(record)?);
        findings.extend(self.judge_nodes(record, received_ms)?);
        Ok(())
    }

    /// A record that waited among the evidence links after all.
    pub(super) fn enter_again(&mut self, chain: ChainId, seq: u64, received_ms: i64) -> Result<(), CoreError> {
        let what = || format!("chain {chain} has no record {seq} that was just put there");
        let bytes = self.store.record_bytes(chain, seq)?.ok_or_else(|| StoreError::Corrupt { what: what() })?;
        let record = parse(&bytes).map_err(|why| StoreError::Corrupt {
            what: format!("record {seq} of chain {chain} cannot be read: {why}"),
        })?;
        // Its findings were counted when it came.
        self.enter(&record, &mut Vec::new(), received_ms)
    }

    /// A record does not stand in its chain any more.
    pub(super) fn leave(&mut self, chain: ChainId, seq: u64) -> Result<(), CoreError> {
        self.store.forget_named(chain, seq)?;
        self.store.forget_node_record(chain, seq)?;
        if self.keyring.forget(chain, seq)? {
            self.store.drop_rotation(chain, seq)?;
        }
        Ok(())
    }

    /// Agents are witnesses: a head that one has seen must be one that this log has had.
    fn wrong_anchor(&self, record: &Record) -> Result<Option<Finding>, StoreError> {
        let Some(anchor) = record.header.anchor else { return Ok(None) };
        let (size, ours) = (anchor.number, self.log.size());
        if size > ours {
            let detail = format!(
                "it names a head of our log with {size} leaves, the log has {ours}; was the store restored from a backup?"
            );
            return Ok(Some(Finding::new(Bad::Anchor, detail)));
        }
        let root = root_at(size, |node| self.store.log_node(node))?;
        if root == anchor.hash {
            return Ok(None);
        }
        let detail = format!("it names root {} of our log at {size} leaves, the root there is {root}", anchor.hash);
        Ok(Some(Finding::new(Bad::Anchor, detail)))
    }
}
