//! SM2 with SM3 (GB/T 32918.2-2016 on the curve of GB/T 32918.5-2017, GB/T 32905-2016).
//!
//! Before the message SM3 takes a digest of the signer's identity, the curve and the public key. The identity
//! is the sixteen bytes that GM/T 0009-2012 §10 sets where none is agreed. COSE has no numbers for any of this:
//! algorithm -70002 and curve -70003 are ours, of the range for private use.

use std::fmt;

use ed25519_dalek::pkcs8::spki::der::{pem::LineEnding, zeroize::Zeroizing};
use sm2::{
    PublicKey as Point, SecretKey,
    dsa::{
        Signature, SigningKey, VerifyingKey,
        signature::{Signer as _, Verifier as _},
    },
    elliptic_curve::sec1::ToSec1Point as _,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _},
};

use super::{Algorithm, Kind, PublicKey, SignError, Signer, kid_of};
use crate::id::Kid;

/// The curve, for the thumbprint of a key.
pub(super) const CURVE: i64 = -70003;

/// The identity of every signer.
const IDENTITY: &str = "1234567812345678";

/// Random numbers drawn before giving up; one in 2^32 is not below the order of the group.
const DRAWS: u32 = 8;

/// A point of the curve, not the one at infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Public(Point);

impl Public {
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let raw = <&[u8; 64]>::try_from(bytes).ok()?;
        let mut tagged = [4; 65];
        tagged.get_mut(1..)?.copy_from_slice(raw);
        Point::from_sec1_bytes(&tagged).ok().map(Self)
    }

    pub(super) fn to_bytes(self) -> [u8; 64] {
        let mut raw = [0; 64];
        if let Some(point) = self.0.to_sec1_point(false).as_bytes().get(1..) {
            raw.copy_from_slice(point);
        }
        raw
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        VerifyingKey::new(IDENTITY, self.0).is_ok_and(|key| key.verify(message, &signature).is_ok())
    }
}

/// A signer with its key in memory. The key is wiped when the signer is dropped.
pub struct Sm2Signer {
    key: SigningKey,
    public: PublicKey,
    kid: Kid,
}

impl Sm2Signer {
    fn new(secret: &SecretKey) -> Option<Self> {
        let public = PublicKey(Kind::Sm2(Public(secret.public_key())));
        // The one number refused here is n - 1, for which no signature exists.
        Some(Self { key: SigningKey::new(IDENTITY, secret).ok()?, public, kid: kid_of(&public) })
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

    /// The key with this secret number, if it is one: above zero and below the order of the group less one.
    pub fn from_secret(secret: &[u8; 32]) -> Option<Self> {
        Self::new(&SecretKey::from_slice(secret).ok()?)
    }

    /// Reads a private key in PKCS#8 PEM (RFC 5958, RFC 5915).
    ///
    /// # Errors
    ///
    /// [`SignError::Pem`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, SignError> {
        let secret = SecretKey::from_pkcs8_pem(pem).map_err(SignError::Pem)?;
        Self::new(&secret)
            .ok_or(SignError::Pem(ed25519_dalek::pkcs8::Error::KeyMalformed(ed25519_dalek::pkcs8::KeyError::Invalid)))
    }

    /// The private key in PKCS#8 PEM; the text is wiped when dropped.
    ///
    /// # Errors
    ///
    /// [`SignError::Pem`], which a key in memory does not meet.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, SignError> {
        SecretKey::from(self.key.as_nonzero_scalar()).to_pkcs8_pem(LineEnding::LF).map_err(SignError::Pem)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }
}

impl fmt::Debug for Sm2Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sm2Signer({})", self.kid)
    }
}

impl Signer for Sm2Signer {
    fn kid(&self) -> Kid {
        self.kid
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sm2
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature: Signature =
            self.key.try_sign(message).map_err(|why| SignError::Unavailable { kid: self.kid, why: why.to_string() })?;
        Ok(signature.to_bytes().to_vec())
    }
}
