//! Reading a store without being its keeper: for exports and the history, beside a running agent too.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use tidewaiter_record::ChainId;

use super::{
    Entry, SqliteStore, StoreError,
    sqlite::{check_layout, explained, notes, select},
};

/// A store opened for reading only.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    connection: Connection,
}

/// What a store holds, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its chain.
    pub chain: ChainId,
    /// Oldest record stored.
    pub oldest: Option<u64>,
    /// Newest record.
    pub head: Option<u64>,
    /// Newest record the centre has signed for.
    pub receipted: Option<u64>,
}

impl Archive {
    /// Opens the store in `dir`.
    ///
    /// # Errors
    ///
    /// When there is none, or it is of another program or version.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(SqliteStore::FILE);
        let fail = |source| StoreError::Sqlite { path: path.clone(), source };
        // Read-write without create: a WAL store that was not closed needs its log read in, and only a
        // writer may do that. Nothing is written by this type.
        let connection =
            Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
                .map_err(fail)?;
        connection.pragma_update(None, "query_only", true).map_err(fail)?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(fail)?;
        check_layout(&connection, &path).map_err(explained)?;
        Ok(Self { path, connection })
    }

    /// Records from `from` on, each checked against its stored hash.
    ///
    /// # Errors
    ///
    /// When the disk fails or bytes have changed.
    pub fn entries(&self, from: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        select(&self.connection, &self.path, "seq >= ?1", from, limit)
    }

    /// The notes the agent keeps, by name.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn notes(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        notes(&self.connection).map_err(|source| StoreError::Sqlite { path: self.path.clone(), source })
    }

    /// What is there.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn summary(&self) -> Result<Summary, StoreError> {
        let fail = |source| StoreError::Sqlite { path: self.path.clone(), source };
        let chain: [u8; 16] = self
            .connection
            .query_row("SELECT bytes FROM meta WHERE key = 'chain'", [], |row| row.get(0))
            .map_err(fail)?;
        let (oldest, head): (Option<i64>, Option<i64>) = self
            .connection
            .query_row("SELECT min(seq), max(seq) FROM entry", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(fail)?;
        let receipted: Option<i64> =
            self.connection.query_row("SELECT upto_seq FROM cursor", [], |row| row.get(0)).optional().map_err(fail)?;
        let number = |seq: Option<i64>| seq.and_then(|seq| u64::try_from(seq).ok());
        Ok(Summary { chain: ChainId(chain), oldest: number(oldest), head: number(head), receipted: number(receipted) })
    }
}
