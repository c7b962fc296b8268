//! Sealing: a body becomes the next record of a chain.

use crate::{
    MAX_RECORD_BYTES,
    body::{Body, Detail},
    cbor::Writer,
    envelope::{self, ContentType, label},
    id::{ChainId, Hash},
    open::{self, ParseError},
    sign::{SignError, Signer},
};

/// The largest sequence number: what a signed 64-bit column of a store holds.
pub const MAX_SEQ: u64 = i64::MAX.cast_unsigned();

/// Where a chain stands: what the next record needs to know of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// The chain.
    pub chain: ChainId,
    /// The number of the next record.
    pub next_seq: u64,
    /// The hash of the last record; of the enrolment statement before the first.
    pub prev: Hash,
}

/// Who says it, of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The agent.
    pub agent: String,
    /// Instrument or place, or `self`.
    pub subject: String,
}

/// A head of the centre's log, as the agent verified it: a receipt or a beacon.
///
/// It says "not before": the record that carries it was sealed after the centre published it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its number: the log size of a receipt, or the number of a beacon.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
}

/// A record in its final bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The bytes to store and to send, never to be encoded again.
    pub bytes: Vec<u8>,
    /// Its number in the chain.
    pub seq: u64,
    /// SHA-256 of the bytes.
    pub hash: Hash,
}

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The record would be larger than any reader takes.
    #[error("record of {bytes} bytes, at most {MAX_RECORD_BYTES} allowed; move raw bytes and traces into evidence")]
    TooLarge {
        /// How large it would be.
        bytes: usize,
    },
    /// A detail of content unknown, which only a reader may have.
    #[error("kind {0} cannot be sealed by this build, its content is unknown here")]
    UnknownContent(u64),
    /// The agent or the subject has no name.
    #[error("claims: {0} is empty")]
    EmptyClaim(&'static str),
    /// The chain is at its end.
    #[error("chain {0} is full; enrol the agent again to begin a new chain")]
    ChainFull(ChainId),
    /// The key did not sign.
    #[error("record not signed: {0}")]
    Sign(#[from] SignError),
    /// What was sealed does not read back: a defect of this crate or of the signer.
    #[error("sealed bytes do not read back: {0}")]
    Unreadable(#[source] ParseError),
}

impl ChainHead {
    /// The head of a chain without records.
    ///
    /// `statement` is the SHA-256 of the enrolment statement: it ties the first record to the act by
    /// which the key came to be trusted.
    pub const fn new(chain: ChainId, statement: Hash) -> Self {
        Self { chain, next_seq: 0, prev: statement }
    }

    /// The head after `sealed`.
    #[must_use]
    pub const fn after(&self, sealed: &Sealed) -> Self {
        Self { chain: self.chain, next_seq: sealed.seq + 1, prev: sealed.hash }
    }
}

/// Seals `body` as the next record of the chain at `head`.
///
/// The result counts as a record only once it is durable; until then `head` does not move.
///
/// # Errors
///
/// Nothing is sealed that a reader would refuse, and nothing without a signature.
pub fn seal(
    head: &ChainHead,
    claims: &Claims,
    anchor: Option<Anchor>,
    body: &Body,
    signer: &dyn Signer,
) -> Result<Sealed, SealError> {
    if let Detail::Unknown { kind, .. } = body.detail {
        return Err(SealError::UnknownContent(kind));
    }
    for (name, claim) in [("agent", &claims.agent), ("subject", &claims.subject)] {
        if claim.is_empty() {
            return Err(SealError::EmptyClaim(name));
        }
    }
    if head.next_seq >= MAX_SEQ {
        return Err(SealError::ChainFull(head.chain));
    }
    let protected = header(head, claims, anchor, signer);
    let bytes = envelope::sign(&protected, &body.encode(), signer)?;
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(SealError::TooLarge { bytes: bytes.len() });
    }
    // The pair of the checks above, at the other side of the encoding: every reader will take this.
    open::parse(&bytes).map_err(SealError::Unreadable)?;
    Ok(Sealed { seq: head.next_seq, hash: Hash::of(&bytes), bytes })
}

fn header(head: &ChainHead, claims: &Claims, anchor: Option<Anchor>, signer: &dyn Signer) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(|m| {
        m.int(label::ALG.cast_signed(), |w| w.int(signer.algorithm().cose()));
        m.int(label::KID.cast_signed(), |w| w.bytes(&signer.kid().0));
        m.int(label::CWT_CLAIMS.cast_signed(), |w| {
            w.map(|m| {
                m.int(1, |w| w.text(&claims.agent));
                m.int(2, |w| w.text(&claims.subject));
            });
        });
        m.int(label::TYP.cast_signed(), |w| w.text(ContentType::Record.typ()));
        m.int(label::CHAIN, |w| {
            w.array(4);
            w.bytes(&head.chain.0);
            w.uint(head.next_seq);
            w.bytes(&head.prev.0);
            match anchor {
                Some(anchor) => {
                    w.array(2);
                    w.uint(anchor.number);
                    w.bytes(&anchor.hash.0);
                }
                None => w.null(),
            }
        });
    });
    w.finish()
}
