//! Keys that a chain handed itself to.
//!
//! The registry names the key a chain began with. A key-rotate record at number `n`, signed with the key in force,
//! holds the next one: from `n + 1` on that one signs, and the one before does not any more. [`Keys`] is fed with
//! records in the order of the stream and judges each by registry and chain together. Where the registry has
//! an entry for a key, the entry counts: a key that was revoked or closed is not opened again by a chain.

use std::collections::BTreeMap;

use crate::{
    body::{Detail, KeyRotate, proof_bytes},
    id::{ChainId, Kid},
    open::{Record, SignatureError, check_key},
    registry::{RegisteredKey, Registry},
    sign::{Algorithm, PublicKey, kid_of},
};

/// Most keys learned from chains, all chains together. A chain rotates once in years; what rotates with each record
/// is no key management but an attempt to fill the memory.
pub const MAX_LEARNED: usize = 1 << 16;

/// Why a chain does not go to the key that a key-rotate record names. The key before stays in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RotationError {
    /// A signature algorithm that this build does not have.
    #[error("the new key is of algorithm {0}, which this build does not have; use one that does")]
    Algorithm(i64),
    /// Bytes that are no key of the algorithm.
    #[error("the new key {0} is not a usable key of its algorithm")]
    PublicKey(String),
    /// The new key did not sign for this place.
    #[error("the proof is not a signature of the new key {0} for this chain and number")]
    Proof(Kid),
    /// The key has another place already.
    #[error("the new key {0} signs elsewhere, or did; a key is never used twice")]
    Taken(Kid),
    /// The bound on learned keys.
    #[error("more than {MAX_LEARNED} keys were handed over in these chains; verify them one by one")]
    TooMany,
}

/// What the chains read so far say about keys, beside the registry.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    learned: BTreeMap<Kid, RegisteredKey>,
    // The last number that a key which handed over may sign.
    ended: BTreeMap<Kid, u64>,
}

impl Keys {
    /// A ring that knows of no rotation.
    pub(super) const fn new() -> Self {
        Self { learned: BTreeMap::new(), ended: BTreeMap::new() }
    }

    fn key<'a>(&'a self, kid: Kid, registry: &'a Registry) -> Option<&'a RegisteredKey> {
        registry.key(kid).or_else(|| self.learned.get(&kid))
    }

    /// Checks that the record is signed by a key that may sign at its place of its chain.
    ///
    /// # Errors
    ///
    /// As [`verify_signature`](crate::verify_signature).
    pub(super) fn verify<'a>(
        &'a self,
        record: &Record,
        registry: &'a Registry,
    ) -> Result<&'a RegisteredKey, SignatureError> {
        let kid = record.header.kid;
        let key = self.key(kid, registry).ok_or(SignatureError::UnknownKey(kid))?;
        check_key(record, key, self.ended.get(&kid).copied())?;
        Ok(key)
    }

    /// Takes a record that was verified and has its place in its chain; one of another kind changes nothing.
    ///
    /// # Errors
    ///
    /// Says why a rotation has no effect.
    pub(super) fn follow(&mut self, record: &Record, registry: &Registry) -> Result<(), RotationError> {
        let Detail::KeyRotate(rotate) = &record.body.detail else { return Ok(()) };
        let (old, chain, seq) = (record.header.kid, record.header.chain, record.header.seq);
        let public = proven(rotate, chain, seq, old)?;
        let kid = kid_of(&public);
        if self.learned.contains_key(&kid) || self.ended.contains_key(&kid) || kid == old {
            return Err(RotationError::Taken(kid));
        }
        let Some(before) = self.key(old, registry) else { return Ok(()) };
        match registry.key(kid) {
            Some(entry) if entry.role != before.role || entry.agent != before.agent || entry.chain != Some(chain) => {
                return Err(RotationError::Taken(kid));
            }
            Some(_) => {}
            None if self.learned.len() >= MAX_LEARNED => return Err(RotationError::TooMany),
            None => {
                // The end of the range goes over too: closing a key in the registry closes what it handed over to.
                let next = RegisteredKey { public, from_seq: seq.saturating_add(1), statement: None, ..before.clone() };
                self.learned.insert(kid, RegisteredKey { follows: None, ..next });
            }
        }
        self.ended.insert(old, seq);
        Ok(())
    }
}

fn proven(rotate: &KeyRotate, chain: ChainId, seq: u64, old: Kid) -> Result<PublicKey, RotationError> {
    let algorithm = Algorithm::from_cose(rotate.algorithm).ok_or(RotationError::Algorithm(rotate.algorithm))?;
    let public = PublicKey::from_bytes(algorithm, &rotate.public)
        .map_err(|_| RotationError::PublicKey(hex::encode(&rotate.public)))?;
    if public.verifies(&proof_bytes(chain, seq, old, &rotate.public), &rotate.proof) {
        Ok(public)
    } else {
        Err(RotationError::Proof(kid_of(&public)))
    }
}
