//! Ed25519 (RFC 8032), private keys as in RFC 8410.

use std::fmt;

use ed25519_dalek::{
    Signature, Signer as _, SigningKey, VerifyingKey,
    pkcs8::{
        DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes,
        spki::der::{pem::LineEnding, zeroize::Zeroizing},
    },
};

use super::{Algorithm, Kind, PublicKey, SignError, Signer, kid_of};
use crate::id::Kid;

/// A point that is not of small order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Public(VerifyingKey);

impl Public {
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(<&[u8; 32]>::try_from(bytes).ok()?).ok()?;
        (!key.is_weak()).then_some(Self(key))
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|it| self.0.verify_strict(message, &it).is_ok())
    }
}

/// A signer with its key in memory. The key is wiped when the signer is dropped.
pub struct Ed25519Signer {
    key: SigningKey,
    kid: Kid,
}

impl Ed25519Signer {
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
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(SignError::Randomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key that follows from a 32-byte seed (RFC 8032 §5.1.5): for vectors and seeded simulations.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::new(SigningKey::from_bytes(seed))
    }

    /// Reads a private key in PKCS#8 PEM (RFC 5958, RFC 8410).
    ///
    /// # Errors
    ///
    /// [`SignError::Pem`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, SignError> {
        SigningKey::from_pkcs8_pem(pem).map(Self::new).map_err(SignError::Pem)
    }

    /// The private key in PKCS#8 PEM; the text is wiped when dropped.
    ///
    /// Written without the public key, the form of RFC 8410 §7 that every other tool reads.
    ///
    /// # Errors
    ///
    /// [`SignError::Pem`], which a key in memory does not meet.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, SignError> {
        KeypairBytes { secret_key: self.key.to_bytes(), public_key: None }
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(SignError::Pem)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        public(&self.key)
    }
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey(Kind::Ed25519(Public(key.verifying_key())))
}

impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519Signer({})", self.kid)
    }
}

impl Signer for Ed25519Signer {
    fn kid(&self) -> Kid {
        self.kid
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.key.sign(message).to_vec())
    }
}
