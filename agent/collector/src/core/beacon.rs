//! The centre's signed words about what it has: heads of the log, and receipts.
//!
//! A head is durable before anyone sees it, and its number is above that of every head before it. So long as the file
//! is the one that issued them: after a backup was restored, [`Core::issue_head`] has to be told the largest number
//! that was ever seen.

use tidewaiter_record::{
    Hash, Head, Receipt, issue, issue_head,
    log::{Frontier, root_at},
};

use super::{Core, CoreError, HeadDue};
use crate::{
    receipts::ReceiptDue,
    store::{ChainHead, LogHead, Store, StoreError},
};

/// What a receipt over a chain may say now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Covered {
    pub(super) upto_seq: u64,
    pub(super) hash: Hash,
    pub(super) received_ms: i64,
}

/// Reads the right edge of the log and its newest head, and holds one against the other.
pub(super) fn load(store: &dyn Store) -> Result<(Frontier, Option<LogHead>), StoreError> {
    // The head first: where others go on writing, the log may grow in between, and a head never covers more than there is.
    let head = store.newest_head()?;
    let log = Frontier::load(store.log_size()?, |node| store.log_node(node))?;
    if let Some(head) = &head {
        let (number, size, root) = (head.number, head.size, head.root);
        if size > log.size() {
            let what = format!("head {number} of the log covers {size} leaves, the log has {}", log.size());
            return Err(StoreError::Corrupt { what });
        }
        let found = root_at(size, |node| store.log_node(node))?;
        if found != root {
            let what = format!("the log has root {found} at {size} leaves, head {number} was signed over {root}");
            return Err(StoreError::Corrupt { what });
        }
    }
    Ok((log, head))
}

/// Up to where a chain is safe: its prefix, as far as no evidence is missing. None while nothing is.
pub(super) fn covered(store: &dyn Store, head: &ChainHead) -> Result<Option<Covered>, StoreError> {
    let (Some(newest), Some(hash)) = (head.newest(), head.head) else { return Ok(None) };
    match store.first_missing(head.chain)? {
        Some(missing) if missing <= newest => {
            let Some(upto_seq) = missing.checked_sub(1) else { return Ok(None) };
            let what = || format!("chain {} has a head at {newest} and no record {upto_seq}", head.chain);
            let link = store.link(head.chain, upto_seq)?.ok_or_else(|| StoreError::Corrupt { what: what() })?;
            Ok(Some(Covered { upto_seq, hash: link.hash, received_ms: link.received_ms }))
        }
        _ => Ok(Some(Covered { upto_seq: newest, hash, received_ms: head.head_received_ms })),
    }
}

impl Core {
    /// Issues a head over the log as it is, with a number above `above` and above every head before it.
    ///
    /// # Errors
    ///
    /// When the store or the signer fails. The head may then be durable without having been seen by anyone, which
    /// costs nothing but its number.
    pub fn issue_head(&mut self, above: u64, now_ms: i64) -> Result<HeadDue, CoreError> {
        if self.spent {
            return Err(CoreError::Spent);
        }
        self.begin()?;
        self.issue_in_turn(above, now_ms)
    }

    /// The same, within the transaction.
    pub(super) fn issue_in_turn(&mut self, above: u64, now_ms: i64) -> Result<HeadDue, CoreError> {
        let last = self.newest_head.as_ref().map(|it| it.number);
        let number = last.map_or(0, |it| it.saturating_add(1)).max(above.saturating_add(u64::from(above > 0)));
        let (size, root) = (self.log.size(), self.log.root());
        let head = Head { centre: self.name(), number, size, root, at_ms: now_ms };
        let sign = |source| CoreError::Sign { what: format!("head {number} of the log"), source };
        let bytes = issue_head(&head, self.signer.as_ref()).map_err(sign)?;
        let kept = LogHead { number, size, root, at_ms: now_ms, bytes: bytes.clone() };
        self.store.put_log_head(&kept)?;
        self.store.commit()?;
        self.spent = false;
        self.newest_head = Some(kept);
        Ok(HeadDue { number, size, bytes })
    }

    /// Whether the log holds records that no head covers.
    pub fn is_ahead_of_heads(&self) -> bool {
        self.newest_head.as_ref().is_none_or(|it| it.size < self.log.size())
    }

    /// The newest head, for agents that come now.
    pub fn newest_head(&self) -> Option<HeadDue> {
        let due = |it: &LogHead| HeadDue { number: it.number, size: it.size, bytes: it.bytes.clone() };
        self.newest_head.as_ref().map(due)
    }

    /// Site and agent of everyone a record has come from.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn addressees(&self) -> Result<Vec<(String, String)>, CoreError> {
        let mut all: Vec<_> = self.store.heads()?.into_iter().map(|it| (it.site, it.agent)).collect();
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// The receipt over a chain: it names the newest head at signing, which need not cover its records yet.
    pub(super) fn receipt(&self, head: &ChainHead, covered: &Covered) -> Result<ReceiptDue, CoreError> {
        let (chain, upto_seq) = (head.chain, covered.upto_seq);
        let receipt = Receipt {
            agent: head.agent.clone(),
            chain,
            upto_seq,
            hash: covered.hash,
            received_at_ms: covered.received_ms,
            log: self.newest_head.as_ref().map(|it| (it.size, it.root)),
        };
        let sign = |source| CoreError::Sign { what: format!("receipt for chain {chain}"), source };
        let bytes = issue(&receipt, self.signer.as_ref()).map_err(sign)?;
        Ok(ReceiptDue { site: head.site.clone(), agent: head.agent.clone(), chain, upto_seq, bytes })
    }

    /// The name under which our key is registered.
    fn name(&self) -> String {
        let key = self.keyring.registered().key(self.signer.kid());
        key.map_or_else(|| "centre".to_owned(), |it| it.agent.clone())
    }
}
