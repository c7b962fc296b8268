//! The readings of instrument nodes in what comes in: judged, kept and counted with the record that holds them.

use tidewaiter_record::{Detail, Hash, Record, body::READINGS_MEDIA, parse};

use super::{Batch, Core, CoreError};
use crate::{
    finding::Finding,
    nodes::{Due, Nodes},
    store::StoreError,
};

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
        Ok(self.judge_now(record, received_ms)?)
    }

    /// Content that has become complete: readings in it are judged now, each with the record that names it.
    pub(super) fn judge_complete(&mut self, hash: Hash, received_ms: i64, batch: &mut Batch) -> Result<(), StoreError> {
        if self.nodes.is_empty() {
            return Ok(());
        }
        for (chain, seq) in self.store.naming(hash)? {
            let Some(record) = self.store.record_bytes(chain, seq)?.and_then(|it| parse(&it).ok()) else { continue };
            if !matches!(&record.body.detail, Detail::Evidence(it) if it.media == READINGS_MEDIA) {
                continue;
            }
            for finding in self.judge_now(&record, received_ms)? {
                batch.count_bad(finding.bad);
            }
        }
        Ok(())
    }

    fn judge_now(&mut self, record: &Record, received_ms: i64) -> Result<Vec<Finding>, StoreError> {
        let store = self.store.as_mut();
        let Some(due) = Due::of(store, &self.nodes, record)? else { return Ok(Vec::new()) };
        due.count(store)?;
        Ok(due.keep(store, record, received_ms, false)?.findings)
    }
}
