//! Why a token does not do what it was asked.

use std::path::PathBuf;

use tidewaiter_record::{Algorithm, Kid};

/// Why a token does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The library that speaks with the token cannot be used.
    #[error("pkcs11 module {}: {why}; install the library of the token or correct `module`", module.display())]
    Module {
        /// The library.
        module: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No token of this name is plugged in.
    #[error("no token {token:?} is there; plug it in, or correct `token` (found: {found})")]
    Missing {
        /// Its label.
        token: String,
        /// Labels of those that are there.
        found: String,
    },
    /// The PIN was refused. It is not tried again: tokens count wrong ones and lock.
    #[error("token {token:?} refuses the PIN; correct the file `pin_file` names and start again")]
    Pin {
        /// The token's label.
        token: String,
    },
    /// The token holds no such key.
    #[error("token {token:?} holds no key {kid}")]
    NoKey {
        /// The token's label.
        token: String,
        /// The key.
        kid: Kid,
    },
    /// The token cannot make or use keys of this algorithm.
    #[error("token {token:?} has no {algorithm}; choose another algorithm")]
    Algorithm {
        /// The token's label.
        token: String,
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// What the token answered is no signature of this key.
    #[error("token {token:?} answered with something that is no signature of key {kid}")]
    Answer {
        /// The token's label.
        token: String,
        /// The key.
        kid: Kid,
    },
    /// The token did not answer in time, or its queue is full.
    #[error("token {token:?} does not answer")]
    Silent {
        /// The token's label.
        token: String,
    },
    /// Anything else the token says.
    #[error("token {token:?}: {why}")]
    Failed {
        /// The token's label.
        token: String,
        /// In the words of its library.
        why: String,
    },
}
