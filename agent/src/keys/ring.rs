//! Where private keys are: files of the data directory, credentials of the service manager, a token.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tidewaiter_config::site::Keys;
use tidewaiter_record::{Algorithm, Kid, PublicKey, SignError, Signer, SoftwareKey};
#[cfg(feature = "pkcs11")]
use tidewaiter_token::{Settings, Token, TokenError, TokenKey};

use super::{KEY_FILE, KeyError};

/// Names the folder in which the service manager puts credentials (systemd.exec(5), `LoadCredential=`).
pub const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A private key that signs, wherever it is.
#[derive(Debug)]
pub enum Key {
    /// In memory, from a file.
    Software(SoftwareKey),
    /// Inside a token.
    #[cfg(feature = "pkcs11")]
    Token(TokenKey),
}

impl Key {
    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Software(key) => key.public_key(),
            #[cfg(feature = "pkcs11")]
            Self::Token(key) => key.public_key(),
        }
    }

    /// Where it is: `file` or `token`.
    pub const fn place(&self) -> &'static str {
        match self {
            Self::Software(_) => "file",
            #[cfg(feature = "pkcs11")]
            Self::Token(_) => "token",
        }
    }

    fn signer(&self) -> &dyn Signer {
        match self {
            Self::Software(key) => key,
            #[cfg(feature = "pkcs11")]
            Self::Token(key) => key,
        }
    }
}

impl Signer for Key {
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

/// What became of a key that is to be no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erased {
    /// Nothing of it is left here. On flash memory an overwritten block may still be in the chip.
    Gone,
    /// It is a credential, which only the service manager can take away.
    Kept(PathBuf),
}

/// The places in which an agent makes and finds its keys.
#[derive(Clone, Debug)]
pub struct Keyring {
    dir: PathBuf,
    credentials: Option<PathBuf>,
    #[cfg(feature = "pkcs11")]
    token: Option<Token>,
}

impl Keyring {
    /// The key ring of a data directory, with the token the site file names. The token itself is first looked for
    /// when it is needed.
    ///
    /// # Errors
    ///
    /// When the file with the PIN cannot be read or others may read it.
    pub fn open(dir: &Path, keys: &Keys) -> Result<Self, KeyError> {
        Self::with_credentials(dir, keys, std::env::var_os(CREDENTIALS).as_deref())
    }

    fn with_credentials(dir: &Path, keys: &Keys, credentials: Option<&OsStr>) -> Result<Self, KeyError> {
        let credentials = credentials.filter(|it| !it.is_empty()).map(PathBuf::from);
        #[cfg(not(feature = "pkcs11"))]
        if *keys != Keys::File {
            return Err(KeyError::NoPkcs11);
        }
        #[cfg(feature = "pkcs11")]
        let token = match keys {
            Keys::File => None,
            Keys::Pkcs11(place) => {
                let text = secret(&place.pin_file, credentials.as_deref())?;
                let pin = text.lines().next().unwrap_or_default().to_owned();
                if pin.is_empty() {
                    let why = "holds no PIN in its first line".to_owned();
                    return Err(KeyError::Content { path: place.pin_file.clone(), why });
                }
                let settings = Settings::new(place.module.clone(), place.token.clone(), place.label.clone(), pin);
                Some(Token::new(settings)?)
            }
        };
        Ok(Self {
            dir: dir.to_owned(),
            credentials,
            #[cfg(feature = "pkcs11")]
            token,
        })
    }

    /// Whether new keys are made inside a token.
    pub const fn in_token(&self) -> bool {
        #[cfg(feature = "pkcs11")]
        return self.token.is_some();
        #[cfg(not(feature = "pkcs11"))]
        false
    }

    /// A new key, kept where the site file says: durable when this returns, and used by nobody yet.
    ///
    /// # Errors
    ///
    /// When there is no randomness, the disk fails, or the token does not do it.
    pub fn make(&self, algorithm: Algorithm) -> Result<Key, KeyError> {
        #[cfg(feature = "pkcs11")]
        if let Some(token) = &self.token {
            return Ok(Key::Token(token.generate(algorithm)?));
        }
        let key = SoftwareKey::generate(algorithm)?;
        write(&self.dir.join(later(key.kid())), key.to_pkcs8_pem()?.as_bytes(), 0o600)?;
        sync(&self.dir)?;
        Ok(Key::Software(key))
    }

    /// The first key of this data directory, from a file.
    pub(super) fn make_first(&self, algorithm: Algorithm) -> Result<Key, KeyError> {
        #[cfg(feature = "pkcs11")]
        if self.token.is_some() {
            return self.make(algorithm);
        }
        Ok(Key::Software(SoftwareKey::generate(algorithm)?))
    }

    /// The key of this name.
    ///
    /// # Errors
    ///
    /// When no place has it; when a file that could be it is readable by others or damaged.
    pub fn find(&self, kid: Kid) -> Result<Key, KeyError> {
        let mut places = Vec::new();
        for path in self.files(kid) {
            match fs::symlink_metadata(&path) {
                Ok(_) => {}
                Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                    places.push(path.display().to_string());
                    continue;
                }
                Err(source) => return Err(KeyError::Io { path, source }),
            }
            let pem = secret(&path, self.credentials.as_deref())?;
            let key = SoftwareKey::from_pkcs8_pem(&pem)
                .map_err(|why| KeyError::Content { path: path.clone(), why: why.to_string() })?;
            if key.kid() == kid {
                return Ok(Key::Software(key));
            }
            places.push(format!("{} (which holds key {})", path.display(), key.kid()));
        }
        #[cfg(feature = "pkcs11")]
        if let Some(token) = &self.token {
            match token.key(kid) {
                Ok(key) => return Ok(Key::Token(key)),
                Err(TokenError::NoKey { token, .. }) => places.push(format!("token {token:?}")),
                Err(why) => return Err(why.into()),
            }
        }
        Err(KeyError::Lost { kid, places: places.join(", ") })
    }

    /// Erases a key that signs nothing any more: a file is overwritten and removed, an object of a token destroyed.
    /// One that is nowhere is erased already.
    ///
    /// # Errors
    ///
    /// When the disk or the token refuses; the key is then still to be erased.
    pub fn erase(&self, kid: Kid) -> Result<Erased, KeyError> {
        let mut kept = None;
        for path in self.files(kid) {
            let Ok(pem) = fs::read_to_string(&path) else { continue };
            if SoftwareKey::from_pkcs8_pem(&pem).is_ok_and(|key| key.kid() == kid) {
                if self.credentials.as_deref().is_some_and(|it| path.starts_with(it)) {
                    kept = Some(path);
                } else {
                    wipe(&path, pem.len())?;
                    sync(&self.dir)?;
                }
            }
        }
        #[cfg(feature = "pkcs11")]
        if let Some(token) = &self.token {
            token.destroy(kid)?;
        }
        Ok(kept.map_or(Erased::Gone, Erased::Kept))
    }

    // The first key has a name of its own, the later ones are named after themselves.
    fn files(&self, kid: Kid) -> Vec<PathBuf> {
        let names = [KEY_FILE.to_owned(), later(kid)];
        [Some(&self.dir), self.credentials.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(|dir| names.iter().map(move |name| dir.join(name)))
            .collect()
    }
}

/// File of a key that is not the first.
fn later(kid: Kid) -> String {
    format!("agent.{kid}.key")
}

/// Reads a file that nobody else may read.
///
/// A credential of the service manager shows the mask of its access list where others show the rights of a group, so
/// only the rights of everybody count there.
fn secret(path: &Path, credentials: Option<&Path>) -> Result<String, KeyError> {
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o777;
    let others = if credentials.is_some_and(|it| path.starts_with(it)) { 0o007 } else { 0o077 };
    if mode & others != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    fs::read_to_string(path).map_err(io)
}

pub(super) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.sync_all().map_err(io)
}

/// Puts a file in place of another in one step.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let new = path.with_extension("new");
    // What a power cut left of an earlier attempt.
    let _ = fs::remove_file(&new);
    write(&new, bytes, 0o644)?;
    fs::rename(&new, path).map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
    sync(path.parent().unwrap_or(Path::new(".")))
}

/// Makes new and removed names of a folder durable.
pub(super) fn sync(dir: &Path) -> Result<(), KeyError> {
    fs::File::open(dir).and_then(|it| it.sync_all()).map_err(|source| KeyError::Io { path: dir.to_owned(), source })
}

fn wipe(path: &Path, length: usize) -> Result<(), KeyError> {
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    let mut file = fs::OpenOptions::new().write(true).open(path).map_err(io)?;
    file.write_all(&vec![0; length]).map_err(io)?;
    file.sync_all().map_err(io)?;
    fs::remove_file(path).map_err(io)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_key_in_a_file_is_made_found_and_wiped() {
        let dir = tempfile::tempdir().unwrap();
        let ring = Keyring::with_credentials(dir.path(), &Keys::File, None).unwrap();
        for algorithm in [Algorithm::Ed25519, Algorithm::Esp256] {
            let key = ring.make(algorithm).unwrap();
            let path = dir.path().join(later(key.kid()));
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            let found = ring.find(key.kid()).unwrap();
            assert_eq!((found.public_key(), found.place()), (key.public_key(), "file"));
            // A second name for the same bytes shows what is left of them.
            let witness = dir.path().join("witness");
            fs::hard_link(&path, &witness).unwrap();
            assert_eq!(ring.erase(key.kid()).unwrap(), Erased::Gone);
            assert!(fs::read(&witness).unwrap().iter().all(|it| *it == 0));
            fs::remove_file(&witness).unwrap();
            assert!(!path.exists());
            assert_eq!(ring.erase(key.kid()).unwrap(), Erased::Gone);
            let lost = ring.find(key.kid()).unwrap_err().to_string();
            assert!(lost.contains(&key.kid().to_string()) && lost.contains("agent.key"), "{lost}");
        }
    }

    #[test]
    fn a_key_that_others_may_read_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let ring = Keyring::with_credentials(dir.path(), &Keys::File, None).unwrap();
        let key = ring.make(Algorithm::Ed25519).unwrap();
        let path = dir.path().join(later(key.kid()));
        for exposed in [0o640, 0o604, 0o660, 0o644] {
            mode(&path, exposed);
            assert!(matches!(ring.find(key.kid()), Err(KeyError::Exposed { .. })), "{exposed:o}");
        }
        mode(&path, 0o400);
        assert!(ring.find(key.kid()).is_ok());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "no key").unwrap();
        mode(&path, 0o600);
        assert!(matches!(ring.find(key.kid()), Err(KeyError::Content { .. })));
    }

    #[test]
    fn credentials_of_the_service_manager_are_used_and_not_touched() {
        let (dir, given) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = SoftwareKey::generate(Algorithm::Esp256).unwrap();
        let path = given.path().join(KEY_FILE);
        fs::write(&path, key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
        mode(&path, 0o440);
        let ring = Keyring::with_credentials(dir.path(), &Keys::File, Some(given.path().as_os_str())).unwrap();
        assert_eq!(ring.find(key.kid()).unwrap().public_key(), key.public_key());
        assert_eq!(ring.erase(key.kid()).unwrap(), Erased::Kept(path.clone()));
        assert!(path.exists());
        mode(&path, 0o444);
        assert!(matches!(ring.find(key.kid()), Err(KeyError::Exposed { .. })));
        let without = Keyring::with_credentials(dir.path(), &Keys::File, Some(OsStr::new(""))).unwrap();
        assert!(matches!(without.find(key.kid()), Err(KeyError::Lost { .. })));
    }
}
