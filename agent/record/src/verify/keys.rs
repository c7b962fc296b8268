//! Keys that a chain handed itself to.
//!
//! The registry names the key a chain began with. A key-rotate record at number `n`, signed with the key in force,
//! holds the next one: from `n + 1` on that one signs, and the one before does not any more. [`Keys`] is fed with
//! records in the order of the stream and judges each by registry and chain together. Where the registry has
//! an entry for a key, the entry counts: a key that was revoked or closed is not opened again by a chain.

use std::collections::BTreeMap;

use crate::{
    id::Kid,
    open::{Record, SignatureError, check_key},
    registry::{RegisteredKey, Registry},
    rotation::{self, Rotation},
    sign::kid_of,
};

/// Most keys learned from chains, all chains together. A chain rotates once in years; what rotates with each record
/// is no key management but an attempt to fill the memory.
pub const MAX_LEARNED: usize = 1 << 16;

/// Why a chain does not go to the key that a key-rotate record names. The key before stays in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum RotationError {
    /// It names no key that has signed for this place.
    #[error(transparent)]
    NoKey(#[from] rotation::RotationError),
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
        let Some(Rotation { chain, seq, old, new: public }) = rotation::rotation(record)? else { return Ok(()) };
        let kid = kid_of(&public);
        if self.learned.contains_key(&kid) || self.ended.contains_key(&kid) {
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
