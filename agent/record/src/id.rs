//! The three fixed-size byte strings that name things: chains, bytes and keys.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

/// A text that is not the hexadecimal form of an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted} hexadecimal digits")]
pub struct IdError {
    text: String,
    wanted: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; $len];
                match hex::decode_to_slice(text, &mut bytes) {
                    Ok(()) => Ok(Self(bytes)),
                    Err(_) => Err(IdError { text: text.to_owned(), wanted: 2 * $len }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

id! {
    /// Names one chain of records; drawn at random when an agent is enrolled.
    ChainId, 16
}
id! {
    /// SHA-256 (FIPS 180-4) over stored bytes.
    Hash, 32
}
id! {
    /// Names a key: the first eight bytes of its COSE Key Thumbprint (RFC 9679).
    Kid, 8
}

impl Hash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl ChainId {
    /// A fresh random chain name.
    ///
    /// # Errors
    ///
    /// Fails when the operating system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_sha_256() {
        // FIPS 180-4 example: the one-block message "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hash::of(b"abc").to_string(), expected);
    }

    #[test]
    fn text_form_reads_back_or_is_refused() {
        let kid = Kid([0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff]);
        assert_eq!(kid.to_string(), "00010203fcfdfeff");
        assert_eq!(kid.to_string().parse(), Ok(kid));
        for text in ["", "00010203fcfdfef", "00010203fcfdfeff00", "0x010203fcfdfeff"] {
            let error = text.parse::<Kid>().map_err(|it| it.to_string());
            assert_eq!(error, Err(format!("`{text}` is not 16 hexadecimal digits")));
        }
    }
}
