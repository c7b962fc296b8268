//! The agent's keys: made once, found at start, replaced in the chain, never logged.
//!
//! ```text
//! <data dir>/agent.key            first key: PKCS#8 PEM, mode 0600
//! <data dir>/agent.<kid>.key      keys after a rotation; one without a rotation in the store signs nothing
//! <data dir>/enrolment.cbor       the self-signed statement: agent, chain, first public key
//! <data dir>/agent.registry.json  what a verifier is to believe: every key with its range
//! ```
//!
//! With `[keys] kind = "pkcs11"` new keys are made inside a token and never leave it; keys in files are still found, so
//! that a chain can move from a file to a token. A key file may also be a credential of the service manager: it is looked
//! for in `$CREDENTIALS_DIRECTORY` under the same names (`LoadCredentialEncrypted=agent.key:…`).
//!
//! Which key signs is said by the chain alone: the statement names the first, and the store's note ([`note`]) those
//! after it. So there is one at every moment, however often the power goes in the middle of a rotation ([`smith`]).
//!
//! Beside them the transport certificate, which another key belongs to: [`transport`] asks the [`centre`] for it,
//! [`half_life`] renews it.

mod believed;
pub mod centre;
mod error;
pub mod half_life;
pub mod note;
mod ring;
pub mod smith;
pub mod transport;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use tidewaiter_config::site::Keys;
use tidewaiter_record::{Algorithm, ChainId, Hash, Kid, Registry, Signer, Statement, kid_of};

pub use believed::{BelievedError, believed, registry_file};
pub use error::KeyError;
pub use note::KeyNote;
pub use ring::{CREDENTIALS, Erased, Key, Keyring};
pub use smith::{Keysmith, RotateError, Rotated};

use crate::{
    clock::Clock,
    outbox::{Archive, SqliteStore},
};

/// Private key file.
pub const KEY_FILE: &str = "agent.key";
/// Enrolment statement file.
pub const STATEMENT_FILE: &str = "enrolment.cbor";
/// Registry entries of this agent.
pub const REGISTRY_FILE: &str = "agent.registry.json";

/// The key that signs now, with what it was enrolled for.
#[derive(Debug)]
pub struct Enrolled {
    /// Signs.
    pub signer: Key,
    /// Chain.
    pub chain: ChainId,
    /// SHA-256 of the statement: `prev` of the first record.
    pub statement: Hash,
    /// What the statement says.
    pub presented: Statement,
    /// The rotations of the chain.
    pub note: KeyNote,
}

/// What a [`Keysmith`] needs to know of the chain whose key is in use elsewhere.
#[derive(Clone, Debug)]
pub struct Known {
    kid: Kid,
    algorithm: Algorithm,
    statement: Hash,
    presented: Statement,
    note: KeyNote,
}

impl Enrolled {
    /// The key for whoever seals, and what a [`Keysmith`] needs to know.
    pub fn split(self) -> (Arc<dyn Signer>, Known) {
        let Self { signer, statement, presented, note, .. } = self;
        let known = Known { kid: signer.kid(), algorithm: signer.algorithm(), statement, presented, note };
        (Arc::new(signer), known)
    }

    /// Each key of the chain with its range.
    ///
    /// # Errors
    ///
    /// When a key in the note is none.
    pub fn registry(&self) -> Result<Registry, KeyError> {
        Ok(self.note.registry(&self.presented, self.statement)?)
    }
}

/// Makes an Ed25519 key in a file of `dir`, its statement and its registry entry.
///
/// # Errors
///
/// When a key is there already, or a file cannot be written.
pub fn init(dir: &Path, agent: &str, simulated: bool, clock: &dyn Clock) -> Result<Registry, KeyError> {
    init_with(dir, agent, simulated, clock, &Keys::File, Algorithm::Ed25519)
}

/// Makes a key where `keys` says, and its statement and registry entry in `dir`.
///
/// # Errors
///
/// When a key is there already, a file cannot be written, or the token does not make one.
pub fn init_with(
    dir: &Path,
    agent: &str,
    simulated: bool,
    clock: &dyn Clock,
    keys: &Keys,
    algorithm: Algorithm,
) -> Result<Registry, KeyError> {
    let (key_file, statement_file) = (dir.join(KEY_FILE), dir.join(STATEMENT_FILE));
    for path in [&key_file, &statement_file] {
        if path.exists() {
            return Err(KeyError::Exists(path.clone()));
        }
    }
    fs::create_dir_all(dir).map_err(|source| KeyError::Io { path: dir.to_owned(), source })?;
    let content = |why: String| KeyError::Content { path: statement_file.clone(), why };
    let key = Keyring::open(dir, keys)?.make_first(algorithm)?;
    let mut chain = [0; 16];
    getrandom::fill(&mut chain).map_err(|failure| content(failure.to_string()))?;
    let chain = ChainId(chain);
    let created_ms = clock.now().wall_ms;
    let statement = Statement { agent: agent.to_owned(), chain, public: key.public_key(), created_ms, simulated };
    let bytes = statement.issue(&key).map_err(|failure| content(failure.to_string()))?;
    let registry = KeyNote::default().registry(&statement, Hash(Sha256::digest(&bytes).into()))?;
    // The private key last where it is a file: with a key there is always a statement.
    ring::write(&dir.join(REGISTRY_FILE), registry.to_json().as_bytes(), 0o644)?;
    ring::write(&statement_file, &bytes, 0o644)?;
    if let Key::Software(key) = &key {
        ring::write(&key_file, key.to_pkcs8_pem()?.as_bytes(), 0o600)?;
    }
    ring::sync(dir)?;
    Ok(registry)
}

/// Loads the key of `agent` from files of `dir`.
///
/// # Errors
///
/// As [`load_with`].
pub fn load(dir: &Path, agent: &str) -> Result<Enrolled, KeyError> {
    load_with(dir, agent, &Keys::File)
}

/// Loads the key that signs the chain of `agent` now.
///
/// # Errors
///
/// When it is missing, readable by others, damaged, or made for another agent; when the token is away.
pub fn load_with(dir: &Path, agent: &str, keys: &Keys) -> Result<Enrolled, KeyError> {
    let path = dir.join(STATEMENT_FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            let key = dir.join(KEY_FILE);
            return Err(KeyError::None(if key.exists() { path } else { key }));
        }
        Err(source) => return Err(KeyError::Io { path, source }),
    };
    let content = |why: String| KeyError::Content { path: path.clone(), why };
    let presented = Statement::open(&bytes).map_err(|failure| content(failure.to_string()))?;
    if presented.agent != agent {
        return Err(KeyError::Agent { path, found: presented.agent, expected: agent.to_owned() });
    }
    let note = note_of(dir)?;
    let current = kid_of(&note.current()?.unwrap_or(presented.public));
    let signer = Keyring::open(dir, keys)?.find(current)?;
    let statement = Hash(Sha256::digest(&bytes).into());
    Ok(Enrolled { signer, chain: presented.chain, statement, presented, note })
}

/// The rotations of the chain stored in `dir`; none while nothing is stored.
fn note_of(dir: &Path) -> Result<KeyNote, KeyError> {
    if !dir.join(SqliteStore::FILE).exists() {
        return Ok(KeyNote::default());
    }
    Ok(KeyNote::among(&Archive::open(dir)?.notes()?)?)
}

/// Writes the registry entries of a chain anew where they are not the ones on disk.
///
/// # Errors
///
/// When the file cannot be written.
fn refresh_registry(dir: &Path, registry: &Registry) -> Result<(), KeyError> {
    let path: PathBuf = dir.join(REGISTRY_FILE);
    let text = registry.to_json();
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    ring::replace(&path, text.as_bytes())
}
