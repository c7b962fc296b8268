//! Keys: who signs, by which algorithm, and how a key is named.
//!
//! [`Signer`] is the only thing that holds a private key. A message never chooses its own algorithm: the
//! verifier takes it from the registered [`PublicKey`] and refuses a header that says otherwise.
//!
//! | [`Algorithm`] | COSE | raw public key | signature |
//! |---|---|---|---|
//! | `Ed25519` (RFC 8032) | -19 | 32 bytes | 64 bytes, `R` and `s` |
//! | `Esp256` (FIPS 186-5 on P-256 with SHA-256) | -9 | 64 bytes, `x` and `y` | 64 bytes, `r` and `s`, `s` in the lower half |
//! | `Sm2` (GB/T 32918.2 with SM3; feature `gm`) | -70002, private use | 64 bytes, `x` and `y` | 64 bytes, `r` and `s` |
//!
//! All three sign without drawing randomness, so the same record has the same bytes.

mod ed25519;
mod p256;
#[cfg(feature = "gm")]
mod sm2;
mod software;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    cbor::Writer,
    id::{Hash, Kid},
};

#[cfg(feature = "gm")]
pub use self::sm2::Sm2Signer;
pub use self::{
    ed25519::Ed25519Signer,
    p256::{Esp256Signer, low_s},
    software::SoftwareKey,
};

/// A signature algorithm a record may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032), as the fully specified COSE algorithm -19 (RFC 9864).
    Ed25519,
    /// ECDSA on P-256 with SHA-256, as the fully specified COSE algorithm -9 (RFC 9864): what chips and tokens have.
    #[serde(rename = "ESP256")]
    Esp256,
    /// SM2 with SM3 (GB/T 32918.2-2016, GB/T 32905-2016). COSE registers no number for it; -70002 is private use.
    #[cfg(feature = "gm")]
    #[serde(rename = "SM2")]
    Sm2,
}

impl Algorithm {
    /// All that this build has.
    pub const ALL: &[Self] = &[
        Self::Ed25519,
        Self::Esp256,
        #[cfg(feature = "gm")]
        Self::Sm2,
    ];

    /// The identifier in the protected header: of the IANA registry of COSE algorithms, or below -65536 for private use.
    pub const fn cose(self) -> i64 {
        match self {
            Self::Ed25519 => -19,
            Self::Esp256 => -9,
            #[cfg(feature = "gm")]
            Self::Sm2 => -70002,
        }
    }

    /// Reads [`Self::cose`] back.
    pub const fn from_cose(id: i64) -> Option<Self> {
        match id {
            -19 => Some(Self::Ed25519),
            -9 => Some(Self::Esp256),
            #[cfg(feature = "gm")]
            -70002 => Some(Self::Sm2),
            _ => None,
        }
    }

    /// How long its signatures are, in bytes.
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Ed25519 | Self::Esp256 => 64,
            #[cfg(feature = "gm")]
            Self::Sm2 => 64,
        }
    }

    /// How long its raw public keys are, in bytes.
    pub const fn public_bytes(self) -> usize {
        match self {
            Self::Ed25519 => 32,
            Self::Esp256 => 64,
            #[cfg(feature = "gm")]
            Self::Sm2 => 64,
        }
    }

    /// As a person types it and the registry writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::Esp256 => "ESP256",
            #[cfg(feature = "gm")]
            Self::Sm2 => "SM2",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why there is no signature, or no key.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The text is no private key in PKCS#8 PEM.
    #[error(
        "private key: not a key of a kind this build has ({}) in PKCS#8 PEM; make one with `tidewaiter keys init`",
        kinds()
    )]
    Pem(#[source] ed25519_dalek::pkcs8::Error),
    /// The bytes are no public key.
    #[error("public key {raw}: not a usable {algorithm} key")]
    PublicKey {
        /// What it was to be a key of.
        algorithm: Algorithm,
        /// The bytes, in hexadecimal.
        raw: String,
    },
    /// The operating system gives no randomness.
    #[error("no randomness from the operating system")]
    Randomness(#[source] getrandom::Error),
    /// The key is elsewhere and cannot be reached.
    #[error("the key {kid} cannot be used: {why}")]
    Unavailable {
        /// The key.
        kid: Kid,
        /// What its holder says.
        why: String,
    },
}

fn kinds() -> String {
    Algorithm::ALL.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ")
}

/// Holds a private key and signs with it.
pub trait Signer: Send + Sync {
    /// The name of the key.
    fn kid(&self) -> Kid;

    /// The algorithm of the key.
    fn algorithm(&self) -> Algorithm;

    /// Signs `message`.
    ///
    /// # Errors
    ///
    /// Fails when the key cannot be used now. The caller stops: nothing is ever published unsigned.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// A public key that can check signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ed25519(ed25519::Public),
    Esp256(p256::Public),
    #[cfg(feature = "gm")]
    Sm2(sm2::Public),
}

impl PublicKey {
    /// Takes the raw key: for Ed25519 the 32 bytes of RFC 8032 §5.1.5, for the curves of Weierstraß form the
    /// coordinates `x` and `y`, 32 bytes each, most significant byte first.
    ///
    /// # Errors
    ///
    /// Refuses bytes of another length, bytes that are no point of the curve, and points of small order, for
    /// which a signature says nothing about its message.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, SignError> {
        let kind = match algorithm {
            Algorithm::Ed25519 => ed25519::Public::from_bytes(bytes).map(Kind::Ed25519),
            Algorithm::Esp256 => p256::Public::from_bytes(bytes).map(Kind::Esp256),
            #[cfg(feature = "gm")]
            Algorithm::Sm2 => sm2::Public::from_bytes(bytes).map(Kind::Sm2),
        };
        kind.map(Self).ok_or_else(|| SignError::PublicKey { algorithm, raw: hex::encode(bytes) })
    }

    /// The raw key, as [`Self::from_bytes`] takes it.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Kind::Ed25519(key) => key.to_bytes().to_vec(),
            Kind::Esp256(key) => key.to_bytes().to_vec(),
            #[cfg(feature = "gm")]
            Kind::Sm2(key) => key.to_bytes().to_vec(),
        }
    }

    /// The algorithm it is for.
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Kind::Ed25519(_) => Algorithm::Ed25519,
            Kind::Esp256(_) => Algorithm::Esp256,
            #[cfg(feature = "gm")]
            Kind::Sm2(_) => Algorithm::Sm2,
        }
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// The check is the strict one of each algorithm, so that all verifiers agree: an Ed25519 signature whose
    /// first half is of small order is refused, and a P-256 signature whose `s` is in the upper half, since
    /// anyone can make it from the other without the key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Kind::Ed25519(key) => key.verifies(message, signature),
            Kind::Esp256(key) => key.verifies(message, signature),
            #[cfg(feature = "gm")]
            Kind::Sm2(key) => key.verifies(message, signature),
        }
    }
}

/// The name of a key: the first eight bytes of its COSE Key Thumbprint (RFC 9679, SHA-256).
///
/// Eight bytes find a key in a registry; they do not identify it. The registry holds the key itself, and
/// refuses two keys of one name.
pub fn kid_of(key: &PublicKey) -> Kid {
    let Hash([b0, b1, b2, b3, b4, b5, b6, b7, ..]) = thumbprint(key);
    Kid([b0, b1, b2, b3, b4, b5, b6, b7])
}

// RFC 9679 §4: the required members only, in deterministic CBOR.
fn thumbprint(key: &PublicKey) -> Hash {
    match &key.0 {
        // kty 1 = OKP (1), crv -1 = Ed25519 (6), x -2.
        Kind::Ed25519(key) => {
            let mut w = Writer::new();
            w.map(|m| {
                m.int(1, |w| w.uint(1));
                m.int(-1, |w| w.uint(6));
                m.int(-2, |w| w.bytes(&key.to_bytes()));
            });
            Hash::of(&w.finish())
        }
        // crv -1 = P-256 (1).
        Kind::Esp256(key) => thumbprint_ec2(1, &key.to_bytes()),
        #[cfg(feature = "gm")]
        Kind::Sm2(key) => thumbprint_ec2(sm2::CURVE, &key.to_bytes()),
    }
}

// kty 1 = EC2 (2), crv -1, x -2, y -3.
fn thumbprint_ec2(curve: i64, point: &[u8; 64]) -> Hash {
    let (x, y) = point.split_at(32);
    let mut w = Writer::new();
    w.map(|m| {
        m.int(1, |w| w.uint(2));
        m.int(-1, |w| w.int(curve));
        m.int(-2, |w| w.bytes(x));
        m.int(-3, |w| w.bytes(y));
    });
    Hash::of(&w.finish())
}
