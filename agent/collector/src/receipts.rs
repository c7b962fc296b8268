//! Receipts on their way out: at most one per chain and interval, the newest wins.
//!
//! A receipt is cumulative, so an older one that was never sent is worth nothing. The queue therefore
//! holds one place per chain and cannot grow beyond the number of chains.

use std::collections::BTreeMap;

use tidewaiter_record::ChainId;

/// A signed receipt and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptDue {
    /// Site segment of its topic.
    pub site: String,
    /// Agent segment of its topic.
    pub agent: String,
    /// The chain.
    pub chain: ChainId,
    /// Last sequence number covered.
    pub upto_seq: u64,
    /// The signed receipt.
    pub bytes: Vec<u8>,
}

impl ReceiptDue {
    /// The topic it is published on, retained, `QoS` 1.
    pub fn topic(&self) -> String {
        crate::topic::receipt(&self.site, &self.agent)
    }
}

/// Holds back receipts so that a busy chain does not cost one publish per record.
#[derive(Debug)]
pub struct ReceiptQueue {
    interval_ms: u64,
    waiting: BTreeMap<ChainId, ReceiptDue>,
    /// When a chain's last receipt left, by a monotonic clock; forgotten once it no longer holds anything back.
    left_ms: BTreeMap<ChainId, u64>,
}

impl ReceiptQueue {
    /// A queue that lets one receipt per chain out in `interval_ms`.
    pub fn new(interval_ms: u64) -> Self {
        Self { interval_ms, waiting: BTreeMap::new(), left_ms: BTreeMap::new() }
    }

    /// Takes a receipt in, in place of an older one of its chain.
    pub fn push(&mut self, receipt: ReceiptDue) {
        match self.waiting.get(&receipt.chain) {
            // A late repetition must not take back what a newer receipt already says.
            Some(waiting) if waiting.upto_seq > receipt.upto_seq => {}
            _ => {
                self.waiting.insert(receipt.chain, receipt);
            }
        }
    }

    /// The next receipt that may leave now, without removing it.
    pub fn peek(&self, now_ms: u64) -> Option<&ReceiptDue> {
        self.waiting.values().find(|it| self.free_at(it.chain) <= now_ms)
    }

    /// Removes a receipt that has been handed to the network.
    pub fn sent(&mut self, chain: ChainId, now_ms: u64) {
        self.waiting.remove(&chain);
        let interval_ms = self.interval_ms;
        self.left_ms.retain(|_, left| left.saturating_add(interval_ms) > now_ms);
        self.left_ms.insert(chain, now_ms);
    }

    /// When the next receipt may leave, on the clock of `now_ms`.
    pub fn next_at(&self) -> Option<u64> {
        self.waiting.keys().map(|it| self.free_at(*it)).min()
    }

    /// Receipts waiting.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn free_at(&self, chain: ChainId) -> u64 {
        self.left_ms.get(&chain).map_or(0, |left| left.saturating_add(self.interval_ms))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn receipt(chain: u8, upto_seq: u64) -> ReceiptDue {
        ReceiptDue { site: "s".into(), agent: "a".into(), chain: ChainId([chain; 16]), upto_seq, bytes: vec![chain] }
    }

    fn drain(queue: &mut ReceiptQueue, now_ms: u64) -> Vec<(u8, u64)> {
        let mut out = Vec::new();
        while let Some(due) = queue.peek(now_ms).cloned() {
            queue.sent(due.chain, now_ms);
            out.push((due.bytes.first().copied().unwrap(), due.upto_seq));
        }
        out
    }

    #[test]
    fn the_first_leaves_at_once_and_the_newest_of_the_rest_after_the_interval() {
        let mut queue = ReceiptQueue::new(50);
        queue.push(receipt(1, 0));
        assert_eq!(drain(&mut queue, 1_000), [(1, 0)]);
        for upto in 1..=40 {
            queue.push(receipt(1, upto));
        }
        assert_eq!(queue.len(), 1);
        assert_eq!(drain(&mut queue, 1_049), []);
        assert_eq!(queue.next_at(), Some(1_050));
        assert_eq!(drain(&mut queue, 1_050), [(1, 40)]);
        assert!(queue.is_empty());
        assert_eq!(queue.next_at(), None);
    }

    #[test]
    fn a_busy_chain_does_not_hold_back_another() {
        let mut queue = ReceiptQueue::new(50);
        queue.push(receipt(1, 7));
        assert_eq!(drain(&mut queue, 0), [(1, 7)]);
        queue.push(receipt(1, 8));
        queue.push(receipt(2, 3));
        assert_eq!(drain(&mut queue, 1), [(2, 3)]);
        assert_eq!(drain(&mut queue, 50), [(1, 8)]);
    }

    #[test]
    fn an_older_one_never_replaces_a_newer_one() {
        let mut queue = ReceiptQueue::new(50);
        queue.push(receipt(1, 9));
        queue.push(receipt(1, 4));
        assert_eq!(drain(&mut queue, 0), [(1, 9)]);
    }
}
