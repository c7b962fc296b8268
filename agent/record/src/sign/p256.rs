//! ECDSA on P-256 with SHA-256 (FIPS 186-5): what security chips, tokens and cards have.
//!
//! `(r, s)` and `(r, n - s)` are signatures of the same message, and whoever sees one can write down the
//! other. Two spellings of one record would be two records of one number, so only the smaller `s` counts.

use std::fmt;

use ed25519_dalek::pkcs8::spki::der::{pem::LineEnding, zeroize::Zeroizing};
use p256::{
    SecretKey,
    ecdsa::{
        Signature, SigningKey, VerifyingKey,
        signature::{Signer as _, Verifier as _},
    },
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _},
};

use super::{Algorithm, Kind, PublicKey, SignError, Signer, kid_of};
use crate::id::Kid;

/// Random numbers drawn before giving up; one in 2^32 is not below the order of the group.
const DRAWS: u32 = 8;

/// A point of the curve, not the one at infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Public(VerifyingKey);

impl Public {
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let raw = <&[u8; 64]>::try_from(bytes).ok()?;
        // SEC 1 §2.3.4: 04 before a point in full.
        let mut tagged = [4; 65];
        tagged.get_mut(1..)?.copy_from_slice(raw);
        VerifyingKey::from_sec1_bytes(&tagged).ok().map(Self)
    }

    pub(super) fn to_bytes(self) -> [u8; 64] {
        let mut raw = [0; 64];
        if let Some(point) = self.0.to_sec1_point(false).as_bytes().get(1..) {
            raw.copy_from_slice(point);
        }
        raw
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|it| it.normalize_s() == it && self.0.verify(message, &it).is_ok())
    }
}

/// The same signature with the smaller `s`, or nothing when the 64 bytes are none.
///
/// For signers whose hardware knows nothing of the rule.
pub fn low_s(signature: &[u8]) -> Option<[u8; 64]> {
    Signature::from_slice(signature).ok().map(|it| it.normalize_s().to_bytes().into())
}

/// A signer with its key in memory. The key is wiped when the signer is dropped.
///
/// The number that each signature uses once is derived from key and message (RFC 6979), never drawn: with a
/// weak or repeated one the signatures would give the key away.
pub struct Esp256Signer {
    key: SigningKey,
    kid: Kid,
}

impl Esp256Signer {
    fn new(key: SigningKey) -> Self {
        let kid = kid_of(&public(&key));
        Self { key, kid }
    }

    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`SignError::Randomness`].
    pub fn generate() -> Result<Self, SignError> {
        let mut secret = Zeroizing::new([0; 32]);
        for _ in 0..DRAWS {
            getrandom::fill(secret.as_mut()).map_err(SignError::Randomness)?;
            if let Some(signer) = Self::from_secret(&secret) {
                return Ok(signer);
            }
        }
        Err(SignError::Randomness(getrandom::Error::UNEXPECTED))
    }

    /// The key with this secret number, if it is one: above zero and below the order of the group.
    pub fn from_secret(secret: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(secret).ok().map(Self::new)
    }

    /// Reads a private key in PKCS#8 PEM (RFC 5958, RFC 5915).
    ///
    /// # Errors
    ///
    /// [`SignError::Pem`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, SignError> {
        SigningKey::from_pkcs8_pem(pem).map(Self::new).map_err(SignError::Pem)
    }

    /// The private key in PKCS#8 PEM; the text is wiped when dropped.
    ///
    /// # Errors
    ///
    /// [`SignError::Pem`], which a key in memory does not meet.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, SignError> {
        SecretKey::from(&self.key).to_pkcs8_pem(LineEnding::LF).map_err(SignError::Pem)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        public(&self.key)
    }
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey(Kind::Esp256(Public(*key.verifying_key())))
}

impl fmt::Debug for Esp256Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Esp256Signer({})", self.kid)
    }
}

impl Signer for Esp256Signer {
    fn kid(&self) -> Kid {
        self.kid
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Esp256
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature: Signature = self.key.sign(message);
        Ok(signature.normalize_s().to_bytes().to_vec())
    }
}
