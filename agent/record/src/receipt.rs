//! The receipt: the centre's signed word that every record up to a number is stored.
//!
//! ```text
//! payload = { 1: agent, 2: chain, 3: upto_seq, 4: hash, 5: received_at_ms, ? 6: [log size, log root] }
//! ```
//!
//! A receipt is cumulative: one over `n` says everything up to `n`. It names the hash of record `n`, and the
//! holder of the chain compares it with its own before it deletes anything. A difference means that
//! somebody holds another chain of the same name.

use crate::{
    cbor::{CborError, Reader, Writer},
    envelope::{self, ContentType, Envelope},
    id::{ChainId, Hash},
    open::{ParseError, SignatureError},
    registry::{RegisteredKey, Registry, Role},
    seal::SealError,
    sign::Signer,
};

/// What the centre has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The agent.
    pub agent: String,
    /// The chain.
    pub chain: ChainId,
    /// Every record up to this one, itself included.
    pub upto_seq: u64,
    /// The hash of record `upto_seq`.
    pub hash: Hash,
    /// UTC milliseconds since 1970 at the centre when it was stored.
    pub received_at_ms: i64,
    /// Size and root hash of the centre's log, where it keeps one.
    pub log: Option<(u64, Hash)>,
}

/// Why a receipt is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The bytes are no receipt.
    #[error("receipt: {0}")]
    Parse(#[from] ParseError),
    /// No centre's key signed it.
    #[error("receipt: {0}")]
    Signature(#[from] SignatureError),
}

/// Signs a receipt.
///
/// # Errors
///
/// Fails when the key does not sign.
pub fn issue(receipt: &Receipt, signer: &dyn Signer) -> Result<Vec<u8>, SealError> {
    let mut w = Writer::new();
    w.map(|m| {
        m.int(1, |w| w.text(&receipt.agent));
        m.int(2, |w| w.bytes(&receipt.chain.0));
        m.int(3, |w| w.uint(receipt.upto_seq));
        m.int(4, |w| w.bytes(&receipt.hash.0));
        m.int(5, |w| w.int(receipt.received_at_ms));
        m.optional(6, receipt.log, |w, (size, root)| {
            w.array(2);
            w.uint(size);
            w.bytes(&root.0);
        });
    });
    Ok(envelope::issue(ContentType::Receipt, &w.finish(), signer)?)
}

/// Reads a receipt and checks that a centre's key of the registry signed it.
///
/// # Errors
///
/// Refuses everything else. Whether the receipt fits a chain is for the holder of the chain to say.
pub fn open_receipt(bytes: &[u8], registry: &Registry) -> Result<Receipt, ReceiptError> {
    open_by(bytes, registry).map(|(receipt, _)| receipt)
}

// The same, with the key that signed it.
pub(crate) fn open_by<'r>(bytes: &[u8], registry: &'r Registry) -> Result<(Receipt, &'r RegisteredKey), ReceiptError> {
    let envelope = Envelope::open_as(ContentType::Receipt, bytes)?;
    let receipt = read(envelope.payload).map_err(ParseError::Body)?;
    let key = centre_key(&envelope, ContentType::Receipt, Some(receipt.chain), registry)?;
    Ok((receipt, key))
}

/// The centre's key that signed something, which speaks of `chain`.
pub(crate) fn centre_key<'r>(
    envelope: &Envelope<'_>,
    kind: ContentType,
    chain: Option<ChainId>,
    registry: &'r Registry,
) -> Result<&'r RegisteredKey, ReceiptError> {
    envelope::signed_by(envelope, kind, Role::Centre, registry, |kid, key| match (key.chain, chain) {
        (Some(of_key), Some(found)) if of_key != found => Err(SignatureError::ForeignChain { kid, found }),
        _ => Ok(()),
    })
}

fn read(payload: &[u8]) -> Result<Receipt, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let receipt = Receipt {
        agent: fields.need(1, Reader::text)?.to_owned(),
        chain: ChainId(fields.need(2, Reader::fixed)?),
        upto_seq: fields.need(3, Reader::uint)?,
        hash: Hash(fields.need(4, Reader::fixed)?),
        received_at_ms: fields.need(5, Reader::int)?,
        log: fields.optional(6, |r| {
            r.array(2)?;
            Ok::<_, CborError>((r.uint()?, Hash(r.fixed()?)))
        })?,
    };
    fields.end()?;
    Ok(receipt)
}
