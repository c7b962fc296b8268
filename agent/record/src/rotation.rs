//! Which key signs where: the registry, and the keys that chains have handed themselves to.
//!
//! A record of kind 13 at number `n`, signed with the key in force there, hands the chain to a new key. From
//! `n + 1` on the new key signs; above `n` the old one does not any more. Nobody needs to be told: whoever holds
//! the chain learns the new key from it.
//!
//! The registry stands above what was learned. A key that it names is taken as it says, so that one it has closed
//! stays closed; and a rotation counts only while the key that signed it may sign at that number, so that closing
//! a key below its rotation takes the keys behind it along.
//!
//! The answer depends on the registry and the set of rotations alone, not on the order in which they came.

use std::collections::BTreeMap;

use crate::{
    body::{Detail, proof_bytes},
    id::{ChainId, Kid},
    open::{Record, SignatureError},
    registry::{MAX_KEYS, RegisteredKey, Registry, RegistryError, Role},
    sign::{Algorithm, PublicKey, SignError, kid_of},
};

/// A chain handed to a new key; the proof of the new key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The chain.
    pub chain: ChainId,
    /// Number of the record that says so: the last one of the old key.
    pub seq: u64,
    /// The key that signed it.
    pub old: Kid,
    /// The key that signs from `seq + 1` on.
    pub new: PublicKey,
}

/// Why a record of kind 13 hands the chain to nobody.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// An algorithm of a version to come.
    #[error("key-rotate: algorithm {0} is not one of this format")]
    Algorithm(i64),
    /// No key.
    #[error("key-rotate: {0}")]
    Key(#[source] SignError),
    /// The new key did not sign that it is meant for this place.
    #[error("key-rotate: the proof is not the signature of the new key {0} for this chain and number")]
    Proof(Kid),
    /// Handed to the key that it has.
    #[error("key-rotate: key {0} is the one that signs already")]
    Same(Kid),
}

/// What a record says about the key after it; `None` for all kinds but 13.
///
/// The signature of the record itself is not judged here.
///
/// # Errors
///
/// When it names no usable key, or the new key has not signed for this chain and number.
pub fn rotation(record: &Record) -> Result<Option<Rotation>, RotationError> {
    let Detail::KeyRotate(rotate) = &record.body.detail else { return Ok(None) };
    let (chain, seq, old) = (record.header.chain, record.header.seq, record.header.kid);
    let algorithm = Algorithm::from_cose(rotate.algorithm).ok_or(RotationError::Algorithm(rotate.algorithm))?;
    let new = PublicKey::from_bytes(algorithm, &rotate.public).map_err(RotationError::Key)?;
    let kid = kid_of(&new);
    if kid == old {
        return Err(RotationError::Same(kid));
    }
    if !new.verifies(&proof_bytes(chain, seq, old, &rotate.public), &rotate.proof) {
        return Err(RotationError::Proof(kid));
    }
    Ok(Some(Rotation { chain, seq, old, new }))
}

/// A registry together with the rotations that were accepted.
#[derive(Clone, Debug)]
pub struct Keyring {
    registered: Registry,
    rotations: BTreeMap<(ChainId, u64), Rotation>,
    /// The registry with the rotations carried out.
    in_force: Registry,
}

impl Keyring {
    /// The keys of a registry, none learned.
    pub fn new(registered: Registry) -> Self {
        Self { in_force: registered.clone(), registered, rotations: BTreeMap::new() }
    }

    /// The keys of a registry, and what was learned before.
    ///
    /// # Errors
    ///
    /// As [`Keyring::learn`].
    pub fn with(registered: Registry, rotations: impl IntoIterator<Item = Rotation>) -> Result<Self, RegistryError> {
        let mut ring = Self::new(registered);
        ring.rotations = rotations.into_iter().map(|it| ((it.chain, it.seq), it)).collect();
        ring.carry_out()?;
        Ok(ring)
    }

    /// The registry with all rotations carried out: [`crate::verify_signature`] takes it, and so does whoever
    /// was not there when the keys changed.
    pub const fn in_force(&self) -> &Registry {
        &self.in_force
    }

    /// The registry without anything learned.
    pub const fn registered(&self) -> &Registry {
        &self.registered
    }

    /// The rotations, by chain and number.
    pub fn rotations(&self) -> impl Iterator<Item = &Rotation> {
        self.rotations.values()
    }

    /// Takes another registry; what was learned stays, as far as that one allows it.
    ///
    /// # Errors
    ///
    /// As [`Keyring::learn`]; the old registry stays in force then.
    pub fn set_registered(&mut self, registered: Registry) -> Result<(), RegistryError> {
        let mut ring = Self { in_force: registered.clone(), registered, rotations: self.rotations.clone() };
        ring.carry_out()?;
        *self = ring;
        Ok(())
    }

    /// Adds a rotation whose record was accepted into its chain. The second one of a number replaces the first.
    ///
    /// # Errors
    ///
    /// When there are more keys than a registry holds.
    pub fn learn(&mut self, rotation: Rotation) -> Result<(), RegistryError> {
        if self.rotations.len() >= MAX_KEYS {
            return Err(RegistryError::TooMany);
        }
        self.rotations.insert((rotation.chain, rotation.seq), rotation);
        self.carry_out()
    }

    /// Drops a rotation whose record turned out not to stand in its chain; says whether there was one.
    ///
    /// # Errors
    ///
    /// As [`Keyring::learn`].
    pub fn forget(&mut self, chain: ChainId, seq: u64) -> Result<bool, RegistryError> {
        let known = self.rotations.remove(&(chain, seq)).is_some();
        if known {
            self.carry_out()?;
        }
        Ok(known)
    }

    /// The key of this name if it may sign at this place of this chain.
    ///
    /// # Errors
    ///
    /// Says which condition does not hold.
    pub fn usable(&self, kid: Kid, chain: ChainId, seq: u64) -> Result<&RegisteredKey, SignatureError> {
        let key = self.in_force.key(kid).ok_or(SignatureError::UnknownKey(kid))?;
        key.may_sign(chain, seq)?;
        Ok(key)
    }

    fn carry_out(&mut self) -> Result<(), RegistryError> {
        let mut in_force = self.registered.clone();
        // By chain and number: the key of a second rotation is the one the first has brought.
        for rotation in self.rotations.values().cloned() {
            let Some(old) = in_force.key(rotation.old) else { continue };
            if old.may_sign(rotation.chain, rotation.seq).is_err() {
                continue;
            }
            // The end of the range goes over too: closing a key in the registry closes what it has handed over to.
            let new = RegisteredKey {
                public: rotation.new,
                from_seq: rotation.seq.saturating_add(1),
                // What the registry says of the chain, it says with the first key.
                statement: None,
                follows: None,
                note: None,
                ..old.clone()
            };
            in_force.close(rotation.old, rotation.seq);
            let holds_any = new.to_seq.is_none_or(|last| new.from_seq <= last);
            if holds_any && in_force.key(new.kid()).is_none() {
                in_force.add(new)?;
            }
        }
        self.in_force = in_force;
        Ok(())
    }
}

impl RegisteredKey {
    /// Whether it signs records at this place of this chain.
    ///
    /// # Errors
    ///
    /// Says which condition does not hold.
    pub fn may_sign(&self, chain: ChainId, seq: u64) -> Result<(), SignatureError> {
        let kid = self.kid();
        if self.role != Role::Agent {
            return Err(SignatureError::WrongRole { kid, found: self.role, expected: Role::Agent });
        }
        if self.chain != Some(chain) {
            return Err(SignatureError::ForeignChain { kid, found: chain });
        }
        if seq < self.from_seq || self.to_seq.is_some_and(|last| seq > last) {
            return Err(SignatureError::OutsideRange { kid, seq });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{
        Body, ChainHead, Claims, Ed25519Signer, Hash, KeyRotate, RegistryClass, Signer as _, TimeBlock, TimeQuality,
        TimeSource, parse, seal, verify_signature,
    };

    const CHAIN: ChainId = ChainId([1; 16]);

    fn signer(seed: u8) -> Ed25519Signer {
        Ed25519Signer::from_seed(&[seed; 32])
    }

    fn registry(to_seq: Option<u64>) -> Registry {
        let mut registry = Registry::new(RegistryClass::Test);
        registry
            .add(RegisteredKey {
                role: Role::Agent,
                agent: "gate-1".into(),
                chain: Some(CHAIN),
                to_seq,
                ..RegisteredKey::centre("", signer(1).public_key())
            })
            .unwrap();
        registry
    }

    fn handed(seq: u64, old: u8, new: u8) -> Rotation {
        Rotation { chain: CHAIN, seq, old: signer(old).kid(), new: signer(new).public_key() }
    }

    /// Which of the keys 1 to 3 signs at each of the numbers.
    fn signs(ring: &Keyring, seqs: &[u64]) -> Vec<Vec<u8>> {
        let signs = |seq| (1..=3).filter(|it| ring.usable(signer(*it).kid(), CHAIN, seq).is_ok()).collect();
        seqs.iter().map(|seq| signs(*seq)).collect()
    }

    #[test]
    fn each_number_has_one_key_however_the_rotations_came() {
        let seqs = [0, 9, 10, 19, 20, 1_000];
        let expected: [&[u8]; 6] = [&[1], &[1], &[2], &[2], &[3], &[3]];
        for order in [[handed(9, 1, 2), handed(19, 2, 3)], [handed(19, 2, 3), handed(9, 1, 2)]] {
            let mut ring = Keyring::new(registry(None));
            for it in order.clone() {
                ring.learn(it).unwrap();
            }
            assert_eq!(signs(&ring, &seqs), expected);
            assert_eq!(signs(&Keyring::with(registry(None), order).unwrap(), &seqs), expected);
            // What was written out is read back as the same, with and without the rotations beside it.
            let written = Registry::from_json(&ring.in_force().to_json()).unwrap();
            assert_eq!(signs(&Keyring::new(written.clone()), &seqs), expected);
            ring.set_registered(written).unwrap();
            assert_eq!(signs(&ring, &seqs), expected);
        }
    }

    #[test]
    fn the_registry_stands_above_what_was_learned() {
        let rotations = || [handed(9, 1, 2), handed(19, 2, 3)];
        // Closed below its rotation: nothing behind it counts.
        let ring = Keyring::with(registry(Some(8)), rotations()).unwrap();
        assert_eq!(signs(&ring, &[8, 9, 10, 20]), [vec![1], vec![], vec![], vec![]]);
        // The second key is named and closed at 14: it stays closed, and cannot hand on at 19.
        let mut closed = registry(None);
        closed
            .add(RegisteredKey {
                public: signer(2).public_key(),
                from_seq: 10,
                to_seq: Some(14),
                ..closed.key(signer(1).kid()).unwrap().clone()
            })
            .unwrap();
        let ring = Keyring::with(closed, rotations()).unwrap();
        assert_eq!(signs(&ring, &[9, 14, 15, 20]), [vec![1], vec![2], vec![], vec![]]);
        // A rotation that turned out not to stand is taken back.
        let mut ring = Keyring::with(registry(None), rotations()).unwrap();
        assert!(ring.forget(CHAIN, 9).unwrap() && !ring.forget(CHAIN, 9).unwrap());
        assert_eq!(signs(&ring, &[9, 10, 20]), [vec![1], vec![1], vec![1]]);
        // Another chain's key hands on nothing here.
        let foreign = Rotation { chain: ChainId([2; 16]), ..handed(9, 1, 2) };
        assert_eq!(signs(&Keyring::with(registry(None), [foreign]).unwrap(), &[10]), [vec![1]]);
    }

    #[test]
    fn a_rotation_is_one_only_with_the_proof_of_the_new_key() {
        let (old, new) = (signer(1), signer(2));
        let public = new.public_key().to_bytes();
        let head = ChainHead { chain: CHAIN, next_seq: 5, prev: Hash([3; 32]) };
        let record = |algorithm, public: &[u8], proof: Vec<u8>| {
            let time = TimeBlock {
                wall_ms: 0,
                mono_ms: 0,
                boot: 0,
                quality: TimeQuality::U,
                err_ms: 0,
                src: TimeSource::None,
                age_s: 0,
            };
            let detail = Detail::KeyRotate(Box::new(KeyRotate { algorithm, public: public.to_vec(), proof }));
            let claims = Claims { agent: "gate-1".into(), subject: "self".into() };
            parse(&seal(&head, &claims, None, &Body { time, detail }, &old).unwrap().bytes).unwrap()
        };
        let proof = |seq, by: &Ed25519Signer| by.sign(&proof_bytes(CHAIN, seq, old.kid(), &public)).unwrap();
        let good = record(-19, &public, proof(5, &new));
        assert!(verify_signature(&good, &registry(None)).is_ok());
        assert_eq!(rotation(&good).unwrap(), Some(handed(5, 1, 2)));
        assert!(matches!(rotation(&record(-19, &public, proof(6, &new))), Err(RotationError::Proof(_))));
        assert!(matches!(rotation(&record(-19, &public, proof(5, &old))), Err(RotationError::Proof(_))));
        assert!(matches!(rotation(&record(-8, &public, proof(5, &new))), Err(RotationError::Algorithm(-8))));
        assert!(matches!(rotation(&record(-19, &[0; 7], proof(5, &new))), Err(RotationError::Key(_))));
        let own = old.public_key().to_bytes();
        assert!(matches!(rotation(&record(-19, &own, proof(5, &old))), Err(RotationError::Same(_))));
    }
}
