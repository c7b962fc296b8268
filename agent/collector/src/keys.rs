//! The centre's own key, and the registry that is read again when it changes.

mod life;

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

pub use life::{Ended, add_agent, close, excerpt, make_person, note, nothing_after, revoke};
pub(crate) use life::{check_new, closed, in_force};
use tidewaiter_record::{
    Algorithm, ChainId, Kid, RegisteredKey, Registry, RegistryClass, RegistryError, Role, SignError, Signer,
    SoftwareKey,
};
#[cfg(feature = "pkcs11")]
use tidewaiter_token::{Settings, Token, TokenError};

use crate::config::CentreKey;
#[cfg(feature = "pkcs11")]
use crate::config::TokenPlace;
use crate::files::{self, FileError};

/// Largest registry read: some ten thousand keys. It is read again on every change, also by a slip.
pub const MAX_REGISTRY_BYTES: u64 = 8 * 1024 * 1024;

/// File name of the centre's key.
pub const KEY_FILE: &str = "centre.key";

/// File name of the registry.
pub const REGISTRY_FILE: &str = "registry.json";

/// Why a key or a registry is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("{}: cannot be {doing}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The key file is no private key of a kind we use.
    #[error("{}: no usable private key; make one with `tidewaiter-collector keys init --out DIR`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: SignError,
    },
    /// Others may read a secret.
    #[error("{} has mode {mode:o}; nobody but its owner may read it: `chmod 600 {}`", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file with the PIN holds none.
    #[error("{}: holds no PIN in its first line", path.display())]
    NoPin {
        /// The file.
        path: PathBuf,
    },
    /// The token does not do what it was asked.
    #[cfg(feature = "pkcs11")]
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A build that cannot speak with tokens.
    #[cfg(not(feature = "pkcs11"))]
    #[error("the key is in a PKCS#11 token, and this build has no PKCS#11; build with --features pkcs11")]
    NoPkcs11,
    /// The registry is larger than any registry.
    #[error("{}: {bytes} bytes, a registry has at most {MAX_REGISTRY_BYTES}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The registry cannot be understood.
    #[error("registry {}: {source}", path.display())]
    Registry {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: RegistryError,
    },
    /// The registry does not know our key.
    #[error("registry {} has no key {kid} with the role centre; agents would refuse every receipt: add it with `tidewaiter-collector keys add`", path.display())]
    NotCentre {
        /// The registry.
        path: PathBuf,
        /// Our key.
        kid: Kid,
    },
    /// A registry file, or its lock, cannot be changed.
    #[error(transparent)]
    Change(#[from] FileError),
    /// A registry of class production takes no simulated keys.
    #[error(
        "key {kid} of {agent} is marked as simulated and the registry is of class production; make another key, or use a registry of class test"
    )]
    Simulated {
        /// The key.
        kid: Kid,
        /// Its agent.
        agent: String,
    },
    /// An agent writes one chain; another one begins only by a reset.
    #[error(
        "agent {agent} writes chain {there} already, this key is for chain {new}; if the old one cannot go on, two people sign a reset: `tidewaiter-collector reset make`"
    )]
    SecondChain {
        /// The agent.
        agent: String,
        /// The chain it has.
        there: ChainId,
        /// The chain of the new key.
        new: ChainId,
    },
    /// No such key.
    #[error("registry {} has no key {kid}; `tidewaiter-collector keys list` names them", path.display())]
    NoKey {
        /// The registry.
        path: PathBuf,
        /// As asked for.
        kid: Kid,
    },
    /// No such agent.
    #[error("registry {} has no key of an agent {agent:?}; `tidewaiter-collector keys list` names them", path.display())]
    NoAgent {
        /// The registry.
        path: PathBuf,
        /// As asked for.
        agent: String,
    },
    /// A range is only ever made smaller.
    #[error("key {kid} is closed after {closed}; a closed key is never opened again")]
    Closed {
        /// The key.
        kid: Kid,
        /// Its last number.
        closed: u64,
    },
    /// `keys init` never overwrites a key.
    #[error("{} exists; a lost receipt key cannot be made again, so it is not overwritten: choose another folder", path.display())]
    Exists {
        /// The key.
        path: PathBuf,
    },
}

impl KeyError {
    /// Whether a file is to be changed, rather than the machine looked at.
    pub fn is_configuration(&self) -> bool {
        !matches!(self, Self::File { .. } | Self::Change(_))
    }

    fn file(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, doing, source }
    }
}

/// The key that signs for the centre.
///
/// # Errors
///
/// When the file cannot be read, is readable by others or holds no key; when the token is away or lacks the key.
pub fn load(key: &CentreKey) -> Result<Arc<dyn Signer>, KeyError> {
    match key {
        CentreKey::File(path) => Ok(Arc::new(load_signer(path)?)),
        #[cfg(feature = "pkcs11")]
        CentreKey::Token { place, kid } => Ok(Arc::new(token(place)?.key(*kid)?)),
        #[cfg(not(feature = "pkcs11"))]
        CentreKey::Token { .. } => Err(KeyError::NoPkcs11),
    }
}

/// Reads the centre's private key from a file.
///
/// # Errors
///
/// When the file cannot be read, is readable by others, or holds no key.
pub fn load_signer(path: &Path) -> Result<SoftwareKey, KeyError> {
    let pem = secret(path)?;
    SoftwareKey::from_pkcs8_pem(&pem).map_err(|source| KeyError::Key { path: path.to_owned(), source })
}

/// Reads a file that nobody else may read.
///
/// Under the folder that the service manager names for credentials (systemd.exec(5)) the rights of the group are the
/// mask of an access list and say nothing.
fn secret(path: &Path) -> Result<String, KeyError> {
    let mode = fs::metadata(path).map_err(KeyError::file(path, "read"))?.mode() & 0o777;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|it| !it.is_empty());
    let others = if credentials.is_some_and(|it| path.starts_with(it)) { 0o007 } else { 0o077 };
    if mode & others != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    fs::read_to_string(path).map_err(KeyError::file(path, "read"))
}

#[cfg(feature = "pkcs11")]
fn token(place: &TokenPlace) -> Result<Token, KeyError> {
    let text = secret(&place.pin_file)?;
    let pin = text.lines().next().unwrap_or_default();
    if pin.is_empty() {
        return Err(KeyError::NoPin { path: place.pin_file.clone() });
    }
    let label = "tidewaiter-centre".to_owned();
    Ok(Token::new(Settings::new(place.module.clone(), place.token.clone(), label, pin.to_owned()))?)
}

/// Makes a centre key inside a token and registers it.
///
/// # Errors
///
/// When the token does not make it, or the registry cannot be written.
#[cfg(feature = "pkcs11")]
pub fn init_in_token(
    out: &Path,
    name: &str,
    class: RegistryClass,
    algorithm: Algorithm,
    place: &TokenPlace,
) -> Result<(Kid, PathBuf), KeyError> {
    fs::create_dir_all(out).map_err(KeyError::file(out, "written"))?;
    let registry_path = out.join(REGISTRY_FILE);
    let _lock = files::lock(&registry_path)?;
    let mut registry = if registry_path.exists() { load_registry(&registry_path)? } else { Registry::new(class) };
    let key = token(place)?.generate(algorithm)?;
    registry
        .add(RegisteredKey::centre(name, key.public_key()))
        .map_err(|source| KeyError::Registry { path: registry_path.clone(), source })?;
    write_registry(&registry_path, &registry.to_json())?;
    Ok((key.kid(), registry_path))
}

/// Refuses a receipt key that no agent would accept.
///
/// # Errors
///
/// When the registry does not hold it with the role of centre.
pub fn check_centre(registry: &Registry, signer: &dyn Signer, path: &Path) -> Result<(), KeyError> {
    let kid = signer.kid();
    match registry.key(kid) {
        Some(key) if key.role == Role::Centre => Ok(()),
        _ => Err(KeyError::NotCentre { path: path.to_owned(), kid }),
    }
}

/// Reads a registry.
///
/// # Errors
///
/// When the file cannot be read, is too large, or is no registry.
pub fn load_registry(path: &Path) -> Result<Registry, KeyError> {
    let bytes = fs::metadata(path).map_err(KeyError::file(path, "read"))?.len();
    if bytes > MAX_REGISTRY_BYTES {
        return Err(KeyError::TooLarge { path: path.to_owned(), bytes });
    }
    let text = fs::read_to_string(path).map_err(KeyError::file(path, "read"))?;
    Registry::from_json(&text).map_err(|source| KeyError::Registry { path: path.to_owned(), source })
}

/// A registry file and which state of it was read last.
#[derive(Debug)]
pub struct RegistryFile {
    path: PathBuf,
    seen: Stamp,
}

/// What tells two states of a file apart: a replaced file has another inode, an edited one another time
/// or length.
type Stamp = (i64, i64, u64, u64);

impl RegistryFile {
    /// Reads a registry and remembers its state.
    ///
    /// # Errors
    ///
    /// As [`load_registry`].
    pub fn open(path: &Path) -> Result<(Self, Registry), KeyError> {
        // Taken before reading: a change in between is then seen the next time.
        let seen = stamp(path)?;
        let registry = load_registry(path)?;
        Ok((Self { path: path.to_owned(), seen }, registry))
    }

    /// The registry, if the file has changed since it was read last.
    ///
    /// # Errors
    ///
    /// As [`load_registry`], once per state of the file: a broken edit is reported, not repeated.
    pub fn changed(&mut self) -> Result<Option<Registry>, KeyError> {
        let now = stamp(&self.path)?;
        if now == self.seen {
            return Ok(None);
        }
        self.seen = now;
        load_registry(&self.path).map(Some)
    }
}

fn stamp(path: &Path) -> Result<Stamp, KeyError> {
    let it = fs::metadata(path).map_err(KeyError::file(path, "read"))?;
    Ok((it.mtime(), it.mtime_nsec(), it.len(), it.ino()))
}

/// Makes a centre key and registers it.
///
/// The key is written for its owner only. A registry already in the folder is kept and added to, so an
/// agent's own registry can be copied there first.
///
/// # Errors
///
/// When there is a key already, or a file cannot be written.
pub fn init(out: &Path, name: &str, class: RegistryClass) -> Result<(Kid, PathBuf, PathBuf), KeyError> {
    init_as(out, name, class, Algorithm::Ed25519)
}

/// As [`init`], with a key of `algorithm`.
///
/// # Errors
///
/// As [`init`].
pub fn init_as(
    out: &Path,
    name: &str,
    class: RegistryClass,
    algorithm: Algorithm,
) -> Result<(Kid, PathBuf, PathBuf), KeyError> {
    fs::create_dir_all(out).map_err(KeyError::file(out, "written"))?;
    let (key_path, registry_path) = (out.join(KEY_FILE), out.join(REGISTRY_FILE));
    let wrong = |source| KeyError::Key { path: key_path.clone(), source };
    let signer = SoftwareKey::generate(algorithm).map_err(wrong)?;
    let pem = signer.to_pkcs8_pem().map_err(wrong)?;
    let _lock = files::lock(&registry_path)?;
    let mut registry = if registry_path.exists() { load_registry(&registry_path)? } else { Registry::new(class) };
    registry
        .add(RegisteredKey::centre(name, signer.public_key()))
        .map_err(|source| KeyError::Registry { path: registry_path.clone(), source })?;
    let json = registry.to_json();
    let mut file = match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key_path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyError::Exists { path: key_path });
        }
        Err(source) => {
            return Err(KeyError::File { path: key_path, doing: "written", source });
        }
    };
    file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(KeyError::file(&key_path, "written"))?;
    write_registry(&registry_path, &json)?;
    Ok((signer.kid(), key_path, registry_path))
}

/// Adds the keys of another registry file, e.g. the one an agent wrote when it was enrolled.
///
/// Gives how many keys the registry has afterwards.
///
/// # Errors
///
/// When a file cannot be read or written, or when the two contradict each other.
pub fn add(registry_path: &Path, other: &Path) -> Result<usize, KeyError> {
    let more = load_registry(other)?;
    change(registry_path, |registry| {
        for key in more.keys() {
            check_new(registry, key)?;
        }
        registry.merge(&more).map_err(|source| KeyError::Registry { path: other.to_owned(), source })?;
        Ok(registry.keys().count())
    })
}

/// Changes a registry under its lock.
///
/// # Errors
///
/// When it cannot be read or written, or when `how` refuses; the file is as it was then.
pub fn change<T>(path: &Path, how: impl FnOnce(&mut Registry) -> Result<T, KeyError>) -> Result<T, KeyError> {
    let _lock = files::lock(path)?;
    let before = load_registry(path)?;
    let mut registry = before.clone();
    let given = how(&mut registry)?;
    if registry != before {
        write_registry(path, &registry.to_json())?;
    }
    Ok(given)
}

fn write_registry(path: &Path, json: &str) -> Result<(), KeyError> {
    Ok(files::replace(path, json.as_bytes(), 0o644)?)
}
