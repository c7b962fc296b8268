//! Where the store is: a file, or a database server.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{SqliteStore, Store, StoreError};

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// One `SQLite` file, for one collector.
    File(PathBuf),
    /// A database of a `PostgreSQL` server, which several collectors may share.
    Server(Box<Address>),
}

/// A database of a server, and how we prove to it who we are. There is no password in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `postgres://user@host:port/database`.
    pub url: String,
    /// File with the password in its first line.
    pub password_file: Option<PathBuf>,
    /// Who must have signed the server's certificate; its name must be the host's.
    pub ca: Option<PathBuf>,
    /// Our certificate and its key, where the server asks for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// What is wrong with an address, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(pub String);

impl Address {
    /// Checks what can be checked without the server.
    ///
    /// # Errors
    ///
    /// What to write instead: a password in the text, no user, host or database, or a way over a network without TLS.
    pub fn check(&self) -> Result<(), AddressError> {
        #[cfg(feature = "postgres")]
        return super::postgres::check(self);
        #[cfg(not(feature = "postgres"))]
        Err(AddressError("this program was built without PostgreSQL; build it with the feature `postgres`".to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parameters are left out: they say how, not where.
        f.write_str(self.url.split('?').next().unwrap_or_default())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(address) => address.fmt(f),
        }
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl Place {
    /// Opens or creates the store for writing.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, is of another layout, or is a file that another collector writes to.
    pub fn open(&self) -> Result<Box<dyn Store>, StoreError> {
        match self {
            Self::File(path) => Ok(Box::new(SqliteStore::open(path)?)),
            Self::Server(address) => server(address, true),
        }
    }

    /// Opens an existing store for reading, also while collectors write to it.
    ///
    /// # Errors
    ///
    /// When there is none, or when it is not a store of this layout.
    pub fn read(&self) -> Result<Box<dyn Store>, StoreError> {
        match self {
            Self::File(path) => Ok(Box::new(SqliteStore::open_read_only(path)?)),
            Self::Server(address) => server(address, false),
        }
    }

    /// The same, where there is a store already.
    ///
    /// # Errors
    ///
    /// When there is one that cannot be read.
    pub fn read_if_any(&self) -> Result<Option<Box<dyn Store>>, StoreError> {
        match self {
            Self::File(path) if !path.exists() => Ok(None),
            _ => match self.read() {
                Ok(store) => Ok(Some(store)),
                Err(StoreError::NoTables { .. }) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Bytes left on the disk of the file for whoever is not root; none where it is on a server, or where nobody says.
    pub fn free_bytes(&self) -> Option<u64> {
        let file = self.file()?;
        let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let system = rustix::fs::statvfs(folder).ok()?;
        system.f_bavail.checked_mul(system.f_frsize)
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

#[cfg(feature = "postgres")]
fn server(address: &Address, write: bool) -> Result<Box<dyn Store>, StoreError> {
    use super::postgres::PostgresStore;
    let store = if write { PostgresStore::open(address)? } else { PostgresStore::open_read_only(address)? };
    Ok(Box::new(store))
}

#[cfg(not(feature = "postgres"))]
fn server(address: &Address, _write: bool) -> Result<Box<dyn Store>, StoreError> {
    let why = address.check().err().unwrap_or_else(|| AddressError(String::new()));
    Err(StoreError::Address { place: address.to_string(), why })
}

impl From<SqliteStore> for Box<dyn Store> {
    fn from(store: SqliteStore) -> Self {
        Box::new(store)
    }
}
