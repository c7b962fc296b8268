//! A new key on the same chain.
//!
//! The record is signed with the old key and holds the new one with its proof; from the next number on the new
//! key signs, and the old one does not any more. Which key was valid where follows from numbers, never from dates.

use crate::{
    cbor::{CborError, Reader, Writer},
    id::{ChainId, Kid},
};

/// Hands the chain to a new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotate {
    /// COSE algorithm of the new key.
    pub algorithm: i64,
    /// The new public key, raw (see `FORMAT.md` for its length by algorithm).
    pub public: Vec<u8>,
    /// Signature of the new key over [`proof_bytes`].
    pub proof: Vec<u8>,
}

/// What the new key signs to prove that it is held, and that it is meant for this chain and number:
/// the deterministic CBOR `["tidewaiter key-rotate v1", chain, seq, old kid, public]`.
pub fn proof_bytes(chain: ChainId, seq: u64, old: Kid, public: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(5);
    w.text("tidewaiter key-rotate v1");
    w.bytes(&chain.0);
    w.uint(seq);
    w.bytes(&old.0);
    w.bytes(public);
    w.finish()
}

impl KeyRotate {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.int(self.algorithm));
            m.int(2, |w| w.bytes(&self.public));
            m.int(3, |w| w.bytes(&self.proof));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let rotate = Self {
            algorithm: fields.need(1, Reader::int)?,
            public: fields.need(2, Reader::bytes)?.to_vec(),
            proof: fields.need(3, Reader::bytes)?.to_vec(),
        };
        fields.end()?;
        Ok(rotate)
    }
}
