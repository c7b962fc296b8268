//! What can go wrong with a key.

use std::path::PathBuf;

use tidewaiter_record::{Kid, SignError};

use super::note::NoteError;

/// What went wrong with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// File.
        path: PathBuf,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// There is a key already.
    #[error(
        "{0} exists; a key is made once, and its chain dies with it (move the whole data directory away to start anew)"
    )]
    Exists(PathBuf),
    /// There is no key yet.
    #[error("{0} is missing; make a key with `tidewaiter keys init --config SITE`")]
    None(PathBuf),
    /// The key that signs the chain now is nowhere.
    #[error(
        "key {kid}, which signs this chain now, is not in {places}; bring back the file or the token that holds it"
    )]
    Lost {
        /// The key.
        kid: Kid,
        /// Where it was looked for.
        places: String,
    },
    /// Others may read a secret.
    #[error("{path} has mode {mode:o}; nobody but its owner may read it: `chmod 600 {path}`")]
    Exposed {
        /// File.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file is not what it should be.
    #[error("{path}: {why}")]
    Content {
        /// File.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The statement was made for another agent.
    #[error("the key in {path} was enrolled for agent {found:?}, the site file says {expected:?}")]
    Agent {
        /// Statement file.
        path: PathBuf,
        /// Agent it names.
        found: String,
        /// Agent of the site file.
        expected: String,
    },
    /// What the store says of its keys is not understood.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] crate::outbox::StoreError),
    /// A key cannot be made.
    #[error(transparent)]
    Make(#[from] SignError),
    /// The token does not do what it was asked.
    #[cfg(feature = "pkcs11")]
    #[error(transparent)]
    Token(#[from] tidewaiter_token::TokenError),
    /// A build that cannot speak with tokens.
    #[error(
        "the site file keeps the keys in a PKCS#11 token, and this build has no PKCS#11; build with --features pkcs11"
    )]
    NoPkcs11,
}
