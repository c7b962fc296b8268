//! A private key in memory, of whichever algorithm its file holds.

use ed25519_dalek::pkcs8::spki::der::zeroize::Zeroizing;

#[cfg(feature = "gm")]
use super::Sm2Signer;
use super::{Algorithm, Ed25519Signer, Esp256Signer, PublicKey, SignError, Signer};
use crate::id::Kid;

/// A key in memory. It is wiped when dropped.
#[derive(Debug)]
pub enum SoftwareKey {
    /// Ed25519.
    Ed25519(Ed25519Signer),
    /// ECDSA on P-256.
    Esp256(Esp256Signer),
    /// SM2 with SM3.
    #[cfg(feature = "gm")]
    Sm2(Sm2Signer),
}

impl SoftwareKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// [`SignError::Randomness`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, SignError> {
        Ok(match algorithm {
            Algorithm::Ed25519 => Self::Ed25519(Ed25519Signer::generate()?),
            Algorithm::Esp256 => Self::Esp256(Esp256Signer::generate()?),
            #[cfg(feature = "gm")]
            Algorithm::Sm2 => Self::Sm2(Sm2Signer::generate()?),
        })
    }

    /// Reads a private key in PKCS#8 PEM; the algorithm is the one the text names.
    ///
    /// # Errors
    ///
    /// [`SignError::Pem`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, SignError> {
        // Each reader compares the algorithm in the text with its own, so at most one of them succeeds.
        let read = Ed25519Signer::from_pkcs8_pem(pem).map(Self::Ed25519);
        let read = read.or_else(|_| Esp256Signer::from_pkcs8_pem(pem).map(Self::Esp256));
        #[cfg(feature = "gm")]
        let read = read.or_else(|_| Sm2Signer::from_pkcs8_pem(pem).map(Self::Sm2));
        read
    }

    /// The private key in PKCS#8 PEM; the text is wiped when dropped.
    ///
    /// # Errors
    ///
    /// [`SignError::Pem`], which a key in memory does not meet.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, SignError> {
        match self {
            Self::Ed25519(key) => key.to_pkcs8_pem(),
            Self::Esp256(key) => key.to_pkcs8_pem(),
            #[cfg(feature = "gm")]
            Self::Sm2(key) => key.to_pkcs8_pem(),
        }
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => key.public_key(),
            Self::Esp256(key) => key.public_key(),
            #[cfg(feature = "gm")]
            Self::Sm2(key) => key.public_key(),
        }
    }

    fn signer(&self) -> &dyn Signer {
        match self {
            Self::Ed25519(key) => key,
            Self::Esp256(key) => key,
            #[cfg(feature = "gm")]
            Self::Sm2(key) => key,
        }
    }
}

impl Signer for SoftwareKey {
    fn kid(&self) -> Kid {
        self.signer().kid()
    }

    fn algorithm(&self) -> Algorithm {
        self.signer().algorithm()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer().sign(message)
    }
}
