//! What comes back from the centre: signed cumulative receipts, and heads of its log.
//!
//! A message is checked whole (signature by a key registered as the centre's, this agent, this chain)
//! before any of it is believed; the outbox then compares the hash with its own record.

use tidewaiter_record::{ChainId, Head, Registry, open_head, open_receipt};

use crate::outbox::{Cursor, LogHead};

/// Why a receipt was not believed.
#[derive(Debug, thiserror::Error)]
pub enum DownlinkError {
    /// Larger than any receipt.
    #[error("{0} bytes are more than any receipt or beacon has; it was not read")]
    Size(usize),
    /// Not a receipt, or not signed by the centre.
    #[error("receipt refused: {0}")]
    Receipt(#[from] tidewaiter_record::ReceiptError),
    /// Not a head of the centre's log, or not signed by the centre.
    #[error("beacon refused: {0}")]
    Beacon(#[source] tidewaiter_record::ReceiptError),
    /// Signed for somebody else.
    #[error("receipt refused: it is for agent {agent:?}, chain {chain}")]
    NotOurs {
        /// Agent it names.
        agent: String,
        /// Chain it names.
        chain: ChainId,
    },
}

/// Largest receipt read: its fields need about 300 bytes.
const MAX_RECEIPT_BYTES: usize = 2048;

/// Opens a beacon. Whether it goes on from the last one is for the outbox to say.
///
/// # Errors
///
/// When it is not the centre's word.
pub fn beacon(payload: &[u8], registry: &Registry) -> Result<Head, DownlinkError> {
    if payload.len() > MAX_RECEIPT_BYTES {
        return Err(DownlinkError::Size(payload.len()));
    }
    open_head(payload, registry).map_err(DownlinkError::Beacon)
}

/// Opens a receipt for `agent` and `chain`: how far it goes, and the head of the centre's log where it names one.
///
/// # Errors
///
/// When it is not the centre's word to this agent about this chain.
pub fn receipt(
    payload: &[u8],
    registry: &Registry,
    agent: &str,
    chain: ChainId,
) -> Result<(Cursor, Option<LogHead>), DownlinkError> {
    if payload.len() > MAX_RECEIPT_BYTES {
        return Err(DownlinkError::Size(payload.len()));
    }
    let receipt = open_receipt(payload, registry)?;
    if receipt.agent != agent || receipt.chain != chain {
        return Err(DownlinkError::NotOurs { agent: receipt.agent, chain: receipt.chain });
    }
    let cursor = Cursor { upto_seq: receipt.upto_seq, hash: receipt.hash, received_ms: receipt.received_at_ms };
    Ok((cursor, receipt.log.map(|(size, root)| LogHead { size, root })))
}
