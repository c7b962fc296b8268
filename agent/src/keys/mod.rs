//! The agent's key on disk: made once, read at start, never logged.
//!
//! ```text
//! <data dir>/agent.key          PKCS#8 PEM, mode 0600
//! <data dir>/enrolment.cbor     the self-signed statement: agent, chain, public key
//! <data dir>/agent.registry.json  what the centre adds to its registry
//! ```
//!
//! Beside it the transport certificate, which another key belongs to: [`transport`] asks the [`centre`] for it,
//! [`half_life`] renews it.

pub mod centre;
pub mod half_life;
pub mod transport;

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tidewaiter_record::{ChainId, Ed25519Signer, Hash, Registry, RegistryClass, Signer, Statement, kid_of};

use crate::clock::Clock;

/// Private key file.
pub const KEY_FILE: &str = "agent.key";
/// Enrolment statement file.
pub const STATEMENT_FILE: &str = "enrolment.cbor";
/// Registry entry of this agent.
pub const REGISTRY_FILE: &str = "agent.registry.json";

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
    /// Others may read the key.
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
}

/// The loaded key with what it was enrolled for.
#[derive(Debug)]
pub struct Enrolled {
    /// Signs.
    pub signer: Ed25519Signer,
    /// Chain.
    pub chain: ChainId,
    /// SHA-256 of the statement: `prev` of the first record.
    pub statement: Hash,
}

/// Makes key, statement and registry entry in `dir`.
///
/// # Errors
///
/// When a key is there already, or a file cannot be written.
pub fn init(dir: &Path, agent: &str, simulated: bool, clock: &dyn Clock) -> Result<Registry, KeyError> {
    let key = dir.join(KEY_FILE);
    if key.exists() {
        return Err(KeyError::Exists(key));
    }
    fs::create_dir_all(dir).map_err(|source| KeyError::Io { path: dir.to_owned(), source })?;
    let content = |path: &Path, why: String| KeyError::Content { path: path.to_owned(), why };
    let signer = Ed25519Signer::generate().map_err(|failure| content(&key, failure.to_string()))?;
    let mut chain = [0; 16];
    getrandom::fill(&mut chain).map_err(|failure| content(&key, failure.to_string()))?;
    let chain = ChainId(chain);
    let created_ms = clock.now().wall_ms;
    let statement = Statement { agent: agent.to_owned(), chain, public: signer.public_key(), created_ms, simulated };
    let bytes = statement.issue(&signer).map_err(|failure| content(&key, failure.to_string()))?;
    let class = if simulated { RegistryClass::Test } else { RegistryClass::Production };
    let mut registry = Registry::new(class);
    registry
        .add(statement.register(Hash(Sha256::digest(&bytes).into())))
        .map_err(|failure| content(&key, failure.to_string()))?;
    let pem = signer.to_pkcs8_pem().map_err(|failure| content(&key, failure.to_string()))?;
    // The key last: with a key there is always a statement.
    write(&dir.join(STATEMENT_FILE), &bytes, 0o644)?;
    write(&dir.join(REGISTRY_FILE), registry.to_json().as_bytes(), 0o644)?;
    write(&key, pem.as_bytes(), 0o600)?;
    Ok(registry)
}

/// Loads the key of `agent` from `dir`.
///
/// # Errors
///
/// When it is missing, readable by others, damaged, or made for another agent.
pub fn load(dir: &Path, agent: &str) -> Result<Enrolled, KeyError> {
    let key = dir.join(KEY_FILE);
    if !key.exists() {
        return Err(KeyError::None(key));
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| KeyError::Io { path, source }
    };
    let mode = fs::metadata(&key).map_err(io(&key))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: key, mode });
    }
    let content = |path: &Path, why: String| KeyError::Content { path: path.to_owned(), why };
    let pem = fs::read_to_string(&key).map_err(io(&key))?;
    let signer = Ed25519Signer::from_pkcs8_pem(&pem).map_err(|failure| content(&key, failure.to_string()))?;
    let path = dir.join(STATEMENT_FILE);
    let bytes = fs::read(&path).map_err(io(&path))?;
    let statement = Statement::open(&bytes).map_err(|failure| content(&path, failure.to_string()))?;
    if kid_of(&statement.public) != signer.kid() {
        return Err(content(
            &path,
            "it was made for another key; restore the file that was made with agent.key".to_owned(),
        ));
    }
    if statement.agent != agent {
        return Err(KeyError::Agent { path, found: statement.agent, expected: agent.to_owned() });
    }
    Ok(Enrolled { signer, chain: statement.chain, statement: Hash(Sha256::digest(&bytes).into()) })
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.sync_all().map_err(io)
}
