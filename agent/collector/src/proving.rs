//! Proofs from the store, for those who hold none of it.

use tidewaiter_record::{
    ChainId, Consistency, Inclusion,
    log::{consistency_path, inclusion_path},
};

use crate::store::{LogHead, Store, StoreError};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record is not in the log.
    #[error(
        "record {seq} of chain {chain} is not in the log: it is not here, or records before it are missing; see `tidewaiter-collector status`"
    )]
    NotInLog {
        /// The chain.
        chain: ChainId,
        /// The number.
        seq: u64,
    },
    /// No head covers the leaf.
    #[error(
        "record {seq} of chain {chain} is leaf {index} of the log, and no signed head covers it yet; try again after the next one"
    )]
    NotYet {
        /// The chain.
        chain: ChainId,
        /// The number.
        seq: u64,
        /// Its leaf.
        index: u64,
    },
    /// No such head.
    #[error("there is no head {0}; see `tidewaiter-collector log heads`")]
    NoHead(u64),
    /// Heads in the wrong order.
    #[error("head {0} does not come before head {1}; write the earlier one first")]
    Order(u64, u64),
}

/// Proves that a record is in the log, by the newest head.
///
/// # Errors
///
/// When it is not, or the store cannot be read.
pub fn inclusion(store: &dyn Store, chain: ChainId, seq: u64) -> Result<Inclusion, ProveError> {
    let leaf = store.leaf_of(chain, seq)?.ok_or(ProveError::NotInLog { chain, seq })?;
    let index = leaf.position;
    let not_yet = ProveError::NotYet { chain, seq, index };
    let Some(head) = store.newest_head()? else { return Err(not_yet) };
    let Some(path) = inclusion_path(index, head.size, |node| store.log_node(node))? else { return Err(not_yet) };
    Ok(Inclusion { chain, seq, hash: leaf.hash, index, path, head: head.bytes })
}

/// Proves that the later of two heads takes back nothing of the earlier.
///
/// # Errors
///
/// When there are no such heads, or the store cannot be read.
pub fn consistency(store: &dyn Store, earlier: u64, later: u64) -> Result<Consistency, ProveError> {
    let head =
        |number| -> Result<LogHead, ProveError> { store.numbered_head(number)?.ok_or(ProveError::NoHead(number)) };
    let (first, second) = (head(earlier)?, head(later)?);
    if earlier > later || first.size > second.size {
        return Err(ProveError::Order(earlier, later));
    }
    let path = consistency_path(first.size, second.size, |node| store.log_node(node))?;
    // Of an empty log there is nothing to prove.
    Ok(Consistency { path: path.unwrap_or_default(), earlier: first.bytes, later: second.bytes })
}
