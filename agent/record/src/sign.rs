//! Keys: who signs, by which algorithm, and how a key is named.
//!
//! [`Signer`] is the only thing that holds a private key. A message never chooses its own algorithm: the
//! verifier takes it from the registered [`PublicKey`] and refuses a header that says otherwise.

use std::fmt;

use ed25519_dalek::{
    Signature, Signer as _, SigningKey, VerifyingKey,
    pkcs8::{
        DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes,
        spki::der::{pem::LineEnding, zeroize::Zeroizing},
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    cbor::Writer,
    id::{Hash, Kid},
};

/// A signature algorithm a record may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032), as the fully specified COSE algorithm -19 (RFC 9864).
    Ed25519,
}

impl Algorithm {
    /// The identifier in the protected header, from the IANA registry of COSE algorithms.
    pub const fn cose(self) -> i64 {
        match self {
            Self::Ed25519 => -19,
        }
    }

    /// Reads [`Self::cose`] back.
    pub const fn from_cose(id: i64) -> Option<Self> {
        match id {
            -19 => Some(Self::Ed25519),
            _ => None,
        }
    }

    /// How long its signatures are, in bytes.
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Ed25519 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

/// Why there is no signature, or no key.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The text is no private key in PKCS#8 PEM.
    #[error("private key: not an Ed25519 key in PKCS#8 PEM; make one with `tidewaiter keys init`")]
    Pem(#[source] ed25519_dalek::pkcs8::Error),
    /// The bytes are no public key.
    #[error("public key {0}: not a usable Ed25519 key")]
    PublicKey(String),
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
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Takes the raw key: for Ed25519 the 32 bytes of RFC 8032 §5.1.5.
    ///
    /// # Errors
    ///
    /// Refuses bytes that are no point of the curve, and points of small order, for which a signature
    /// says nothing about its message.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, SignError> {
        let Algorithm::Ed25519 = algorithm;
        let refused = || SignError::PublicKey(hex::encode(bytes));
        let raw = <&[u8; 32]>::try_from(bytes).map_err(|_| refused())?;
        let key = VerifyingKey::from_bytes(raw).map_err(|_| refused())?;
        if key.is_weak() { Err(refused()) } else { Ok(Self(key)) }
    }

    /// The raw key.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The algorithm it is for.
    pub const fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// The check is the strict one: it also refuses a first half of small order, which RFC 8032 leaves to
    /// the implementation, so that all verifiers agree.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|it| self.0.verify_strict(message, &it).is_ok())
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

// RFC 9679 §4: the required members only, in deterministic CBOR: kty 1 = OKP (1), crv -1 = Ed25519 (6), x -2.
fn thumbprint(key: &PublicKey) -> Hash {
    let mut w = Writer::new();
    w.map(|m| {
        m.int(1, |w| w.uint(1));
        m.int(-1, |w| w.uint(6));
        m.int(-2, |w| w.bytes(&key.to_bytes()));
    });
    Hash::of(&w.finish())
}

/// A signer with its key in memory. The key is wiped when the signer is dropped.
pub struct Ed25519Signer {
    key: SigningKey,
    kid: Kid,
}

impl Ed25519Signer {
    fn new(key: SigningKey) -> Self {
        let kid = kid_of(&PublicKey(key.verifying_key()));
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
        PublicKey(self.key.verifying_key())
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn seed(hex: &str) -> [u8; 32] {
        let mut seed = [0; 32];
        hex::decode_to_slice(hex, &mut seed).unwrap();
        seed
    }

    #[test]
    fn signs_as_rfc_8032_section_7_1() {
        let check = |secret: &str, public: &str, message: &str, signature: &str| {
            let signer = Ed25519Signer::from_seed(&seed(secret));
            assert_eq!(hex::encode(signer.public_key().to_bytes()), public);
            let message = hex::decode(message).unwrap();
            assert_eq!(hex::encode(signer.sign(&message).unwrap()), signature);
            assert!(signer.public_key().verifies(&message, &hex::decode(signature).unwrap()));
        };
        check(
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        );
        check(
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
    }

    #[test]
    fn thumbprint_is_that_of_rfc_9679() {
        // Its example key is on P-256; what is shared with ours is the encoding and the hash.
        let x = seed("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d");
        let y = seed("1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c");
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.uint(2));
            m.int(-1, |w| w.uint(1));
            m.int(-2, |w| w.bytes(&x));
            m.int(-3, |w| w.bytes(&y));
        });
        let expected = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec";
        assert_eq!(Hash::of(&w.finish()).to_string(), expected);
    }

    #[test]
    fn private_keys_travel_as_pkcs8_pem() {
        // RFC 8410 §10.3, the private key without its public half.
        let pem = "-----BEGIN PRIVATE KEY-----\n\
                   MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                   -----END PRIVATE KEY-----\n";
        let signer = Ed25519Signer::from_pkcs8_pem(pem).unwrap();
        let public = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
        assert_eq!(hex::encode(signer.public_key().to_bytes()), public);
        assert_eq!(*signer.to_pkcs8_pem().unwrap(), pem);
        assert!(matches!(Ed25519Signer::from_pkcs8_pem("no key"), Err(SignError::Pem(_))));
    }

    #[test]
    fn keys_and_signatures_that_prove_nothing_are_refused() {
        // The identity and a point of order eight: any message verifies under such a key.
        for weak in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ] {
            assert!(PublicKey::from_bytes(Algorithm::Ed25519, &seed(weak)).is_err(), "{weak}");
        }
        assert!(PublicKey::from_bytes(Algorithm::Ed25519, &[0; 31]).is_err());

        let signer = Ed25519Signer::generate().unwrap();
        let mut signature = signer.sign(b"m").unwrap();
        assert!(!signer.public_key().verifies(b"n", &signature));
        assert!(!signer.public_key().verifies(b"m", &signature[..63]));
        // s + L is the same scalar in another spelling (RFC 8032 §5.1.7 asks for s < L).
        let order = seed("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut carry = 0_u16;
        for (byte, add) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = u8::try_from(sum & 0xff).unwrap();
            carry = sum >> 8;
        }
        assert!(!signer.public_key().verifies(b"m", &signature));
    }
}
