//! The store in one `SQLite` file: WAL, `synchronous=FULL`, bounded by `max_page_count`.
//!
//! ```text
//! meta(key, number, bytes)                          chain, boot, wall floor, refused, clean, note:NAME
//! entry(seq, record, hash, alert, sealed_ms, place, draft)   one row a record, bytes as signed
//! cursor(upto_seq, hash, received_ms)               one row
//! open_inspection(place, state)                     what a power cut must not swallow
//! ```
//!
//! `FULL` because in WAL mode `NORMAL` may lose the newest commits at a power cut.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use rustix::{
    fs::{FlockOperation, StatVfs, StatVfsMountFlags, flock, statvfs},
    io::Errno,
};
use sha2::{Digest, Sha256};
use tidewaiter_record::{ChainId, Hash};

use super::{
    StopCause, StoreError,
    store::{Batch, Contents, Cursor, Disk, Entry, Store},
};

/// `TWOB`: marks the file as ours.
const APPLICATION_ID: i64 = 0x5457_4f42;
/// How often and how long another agent's lock is waited for: two seconds.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// Layout of the tables above. A change of layout is a new number.
const LAYOUT: i64 = 1;

/// A disk with less room is full: a commit of one record writes a few pages to the log and the index of the log.
const LEAST_ROOM_BYTES: u64 = 256 * 1024;

/// How the key of a note begins.
const NOTE: &str = "note:";

pub(super) const TABLES: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, number INTEGER, bytes BLOB) STRICT, WITHOUT ROWID;
CREATE TABLE entry(
    seq INTEGER PRIMARY KEY, record BLOB NOT NULL, hash BLOB NOT NULL, alert INTEGER NOT NULL,
    sealed_ms INTEGER NOT NULL, place TEXT NOT NULL, draft TEXT UNIQUE) STRICT;
CREATE INDEX entry_alert ON entry(seq) WHERE alert = 1;
CREATE TABLE cursor(one INTEGER PRIMARY KEY CHECK(one = 1), upto_seq INTEGER NOT NULL, hash BLOB NOT NULL, received_ms INTEGER NOT NULL) STRICT;
CREATE TABLE open_inspection(place TEXT PRIMARY KEY, state BLOB NOT NULL) STRICT, WITHOUT ROWID;
";

/// A store in a file, or in memory for a test world.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    budget_bytes: u64,
    connection: Connection,
    /// Held while the store is open: two agents on one chain would fork it.
    _lock: Option<File>,
}

impl SqliteStore {
    /// File name inside the data directory.
    pub const FILE: &'static str = "outbox.sqlite";
    /// Name of the lock beside it.
    pub const LOCK: &'static str = "outbox.lock";

    /// Opens or creates the store of `chain` in `dir`.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, belongs to another program or version, or holds another chain.
    pub fn open(dir: &Path, chain: ChainId, budget_bytes: u64) -> Result<Self, StoreError> {
        let lock = lock(&dir.join(Self::LOCK))?;
        Self::at(dir.join(Self::FILE), chain, budget_bytes, Some(lock))
    }

    /// A store that vanishes with the process.
    ///
    /// # Errors
    ///
    /// When `SQLite` cannot start.
    pub fn in_memory(chain: ChainId, budget_bytes: u64) -> Result<Self, StoreError> {
        Self::at(PathBuf::from(":memory:"), chain, budget_bytes, None)
    }

    fn at(path: PathBuf, chain: ChainId, budget_bytes: u64, lock: Option<File>) -> Result<Self, StoreError> {
        let connection = connect(&path, budget_bytes).map_err(explained)?;
        let store = Self { path, budget_bytes, connection, _lock: lock };
        store.ensure_layout(chain).map_err(explained)?;
        Ok(store)
    }

    fn ensure_layout(&self, chain: ChainId) -> Result<(), StoreError> {
        let found: i64 = self.sql(self.connection.pragma_query_value(None, "application_id", |row| row.get(0)))?;
        if found == 0 {
            let empty: i64 =
                self.sql(self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)))?;
            if empty == 0 {
                return self.create(chain);
            }
        }
        check_layout(&self.connection, &self.path)?;
        let stored = self.chain()?;
        if stored == chain.0 {
            Ok(())
        } else {
            Err(StoreError::Chain {
                path: self.path.clone(),
                found: ChainId(stored).to_string(),
                expected: chain.to_string(),
            })
        }
    }

    fn create(&self, chain: ChainId) -> Result<(), StoreError> {
        self.sql(self.connection.execute_batch(&format!("BEGIN IMMEDIATE;{TABLES}")))?;
        self.sql(
            self.connection.execute("INSERT INTO meta(key, bytes) VALUES('chain', ?1)", params![chain.0.as_slice()]),
        )?;
        self.sql(self.connection.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT}; COMMIT;"
        )))
    }

    fn chain(&self) -> Result<[u8; 16], StoreError> {
        self.sql(self.connection.query_row("SELECT bytes FROM meta WHERE key = 'chain'", [], |row| row.get(0)))
    }

    fn number(&self, key: &str) -> Result<i64, StoreError> {
        let number: Option<Option<i64>> = self.sql(
            self.connection.query_row("SELECT number FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional(),
        )?;
        Ok(number.flatten().unwrap_or(0))
    }

    fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::Sqlite { path: self.path.clone(), source })
    }
}

/// Refuses a file of another program or another version.
pub(super) fn check_layout(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let pragma = |name: &str| -> Result<i64, StoreError> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(|source| StoreError::Sqlite { path: path.to_owned(), source })
    };
    let layout = pragma("user_version")?;
    if pragma("application_id")? == APPLICATION_ID && layout == LAYOUT {
        Ok(())
    } else {
        Err(StoreError::Layout { path: path.to_owned(), found: layout, expected: LAYOUT })
    }
}

/// Entries that meet `condition` on `?1`, in order, each checked against its stored hash.
pub(super) fn select(
    connection: &Connection,
    path: &Path,
    condition: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let fail = |source| StoreError::Sqlite { path: path.to_owned(), source };
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT seq, record, hash, alert, sealed_ms, place, draft FROM entry WHERE {condition} ORDER BY seq LIMIT ?2"
        ))
        .map_err(fail)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![to_sql(from), limit], StoredRow::read).map_err(fail)?;
    let rows: Vec<StoredRow> = rows.collect::<rusqlite::Result<_>>().map_err(fail)?;
    rows.into_iter().map(|row| row.checked(path)).collect()
}

/// The notes, by name.
pub(super) fn notes(connection: &Connection) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
    let mut statement = connection.prepare_cached(
        "SELECT substr(key, length(?1) + 1), bytes FROM meta WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
    )?;
    let rows = statement.query_map([NOTE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

struct StoredRow {
    seq: u64,
    record: Vec<u8>,
    hash: [u8; 32],
    alert: bool,
    sealed_ms: i64,
    place: String,
    draft: Option<String>,
}

impl StoredRow {
    fn checked(self, path: &Path) -> Result<Entry, StoreError> {
        let digest: [u8; 32] = Sha256::digest(&self.record).into();
        if digest != self.hash {
            return Err(StoreError::Rotten { path: path.to_owned(), seq: self.seq });
        }
        Ok(Entry {
            seq: self.seq,
            bytes: self.record,
            hash: Hash(digest),
            alert: self.alert,
            sealed_ms: self.sealed_ms,
            place: self.place,
            draft: self.draft,
        })
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: from_sql(row.get(0)?),
            record: row.get(1)?,
            hash: row.get(2)?,
            alert: row.get(3)?,
            sealed_ms: row.get(4)?,
            place: row.get(5)?,
            draft: row.get(6)?,
        })
    }
}

/// Sequence numbers fit `SQLite`'s signed integers for as long as a chain can last.
fn to_sql(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn from_sql(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

/// Takes the lock of a data directory, waiting a moment for an agent that is just ending.
fn lock(path: &Path) -> Result<File, StoreError> {
    let io = |source: std::io::Error| StoreError::Lock { path: path.to_owned(), source };
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(io)?;
    for _ in 0..LOCK_TRIES {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
            Err(errno) => return Err(io(errno.into())),
        }
    }
    Err(StoreError::Locked { path: path.to_owned() })
}

/// Why the file system around a store takes no more; none where it does.
fn short(store: &Path) -> Option<StopCause> {
    let folder = store.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    statvfs(folder).ok().and_then(|it| shortage(&it))
}

/// A store that does not open says what is used up, where that is why: `SQLite` itself speaks of an I/O error.
pub(super) fn explained(failure: StoreError) -> StoreError {
    match failure {
        StoreError::Sqlite { path, source } => match short(&path) {
            Some(cause) => StoreError::NoRoom { path, why: cause.reason(), source },
            None => StoreError::Sqlite { path, source },
        },
        other => other,
    }
}

/// Why a disk with this room takes no more; none where it has room.
fn shortage(room: &StatVfs) -> Option<StopCause> {
    // What is set aside for root is of use to root alone.
    let blocks = if rustix::process::geteuid().is_root() { room.f_bfree } else { room.f_bavail };
    let free = blocks.saturating_mul(room.f_frsize);
    // A file system that makes inodes as it goes says that it has none at all.
    let inodes = room.f_files == 0 || room.f_favail > 0;
    match (free >= LEAST_ROOM_BYTES, inodes) {
        (false, _) => Some(StopCause::Disk),
        (true, false) => Some(StopCause::Inodes),
        (true, true) => None,
    }
}

fn connect(path: &Path, budget_bytes: u64) -> Result<Connection, StoreError> {
    let fail = |source| StoreError::Sqlite { path: path.to_owned(), source };
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(fail)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(fail)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(fail)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
    // The WAL is outside max_page_count; keeping it short keeps the whole within the budget.
    connection.pragma_update(None, "wal_autocheckpoint", 256).map_err(fail)?;
    connection.pragma_update(None, "journal_size_limit", 4 << 20).map_err(fail)?;
    let page: u64 =
        connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0)).map_err(fail)?.unsigned_abs();
    connection.pragma_update(None, "max_page_count", to_sql(budget_bytes / page.max(512))).map_err(fail)?;
    Ok(connection)
}

impl Store for SqliteStore {
    fn contents(&mut self) -> Result<Contents, StoreError> {
        let boot = self.number("boot").map_err(explained)? + 1;
        let clean = self.number("clean")? == 1;
        self.sql(self.connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             INSERT OR REPLACE INTO meta(key, number) VALUES('boot', {boot}), ('clean', 0);
             COMMIT;"
        )))
        .map_err(explained)?;
        let head: Option<(i64, [u8; 32])> = self.sql(
            self.connection
                .query_row("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional(),
        )?;
        let oldest: Option<i64> =
            self.sql(self.connection.query_row("SELECT min(seq) FROM entry", [], |row| row.get(0)))?;
        let cursor: Option<(i64, [u8; 32], i64)> = self.sql(
            self.connection
                .query_row("SELECT upto_seq, hash, received_ms FROM cursor", [], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional(),
        )?;
        let cursor =
            cursor.map(|(upto, hash, received_ms)| Cursor { upto_seq: from_sql(upto), hash: Hash(hash), received_ms });
        // When everything has been trimmed the chain still goes on from the receipted head.
        let head = head.map(|(seq, hash)| (from_sql(seq), Hash(hash))).or(cursor.map(|it| (it.upto_seq, it.hash)));
        Ok(Contents {
            chain: self.chain()?,
            head,
            oldest: oldest.map(from_sql),
            cursor,
            wall_floor_ms: self.number("wall_floor")?,
            refused: (from_sql(self.number("refused")?), self.number("refused_from")?),
            boot: from_sql(boot),
            clean,
        })
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let path = self.path.clone();
        let fail = |source| StoreError::Sqlite { path: path.clone(), source };
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(fail)?;
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO entry(seq, record, hash, alert, sealed_ms, place, draft) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
                .map_err(fail)?;
            for entry in &batch.entries {
                insert
                    .execute(params![
                        to_sql(entry.seq),
                        entry.bytes,
                        entry.hash.0.as_slice(),
                        entry.alert,
                        entry.sealed_ms,
                        entry.place,
                        entry.draft
                    ])
                    .map_err(fail)?;
            }
        }
        let mut set =
            transaction.prepare_cached("INSERT OR REPLACE INTO meta(key, number) VALUES(?1, ?2)").map_err(fail)?;
        if let Some(last) = batch.entries.last() {
            set.execute(params!["wall_floor", last.sealed_ms]).map_err(fail)?;
            set.execute(params![
                "clean",
                i64::from(last.draft.as_deref().is_some_and(|id| id.starts_with(super::SHUTDOWN_DRAFT)))
            ])
            .map_err(fail)?;
        }
        if let Some((count, from_ms)) = batch.refused {
            set.execute(params!["refused", to_sql(count)]).map_err(fail)?;
            set.execute(params!["refused_from", from_ms]).map_err(fail)?;
        }
        drop(set);
        for (place, state) in &batch.open {
            match state {
                Some(state) => transaction
                    .execute(
                        "INSERT OR REPLACE INTO open_inspection(place, state) VALUES(?1, ?2)",
                        params![place, state],
                    )
                    .map_err(fail)?,
                None => transaction.execute("DELETE FROM open_inspection WHERE place = ?1", [place]).map_err(fail)?,
            };
        }
        for (name, bytes) in &batch.notes {
            let key = format!("{NOTE}{name}");
            match bytes {
                Some(bytes) => transaction
                    .execute("INSERT OR REPLACE INTO meta(key, bytes) VALUES(?1, ?2)", params![key, bytes])
                    .map_err(fail)?,
                None => transaction.execute("DELETE FROM meta WHERE key = ?1", [key]).map_err(fail)?,
            };
        }
        if let Some(cursor) = batch.cursor {
            transaction
                .execute(
                    "INSERT OR REPLACE INTO cursor(one, upto_seq, hash, received_ms) VALUES(1, ?1, ?2, ?3)",
                    params![to_sql(cursor.upto_seq), cursor.hash.0.as_slice(), cursor.received_ms],
                )
                .map_err(fail)?;
        }
        if let Some(upto) = batch.trim_upto {
            // The receipt is the only licence to delete, and it is checked here once more.
            transaction
                .execute("DELETE FROM entry WHERE seq <= ?1 AND seq <= (SELECT upto_seq FROM cursor)", [to_sql(upto)])
                .map_err(fail)?;
        }
        transaction.commit().map_err(fail)
    }

    fn stop_cause(&mut self, failure: &StoreError) -> StopCause {
        match short(&self.path) {
            Some(short) => short,
            None if failure.is_full() => StopCause::Full,
            None => StopCause::Failed,
        }
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        if self.path.as_os_str() != ":memory:" {
            self.connection = connect(&self.path, self.budget_bytes)?;
        }
        Ok(())
    }

    fn entries(&mut self, from: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        select(&self.connection, &self.path, "seq >= ?1", from, limit)
    }

    fn alerts(&mut self, above: Option<u64>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        select(&self.connection, &self.path, "alert = 1 AND seq >= ?1", above.map_or(0, |seq| seq + 1), limit)
    }

    fn find_draft(&mut self, draft: &str) -> Result<Option<(u64, Hash)>, StoreError> {
        let found: Option<(i64, [u8; 32])> = self.sql(
            self.connection
                .query_row("SELECT seq, hash FROM entry WHERE draft = ?1", [draft], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional(),
        )?;
        Ok(found.map(|(seq, hash)| (from_sql(seq), Hash(hash))))
    }

    fn open_inspections(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut statement =
            self.sql(self.connection.prepare_cached("SELECT place, state FROM open_inspection ORDER BY place"))?;
        let rows = self.sql(statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))))?;
        self.sql(rows.collect())
    }

    fn notes(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.sql(notes(&self.connection))
    }

    fn usage(&mut self) -> Result<(u64, u64), StoreError> {
        let pragma = |name: &str| -> Result<u64, StoreError> {
            self.sql(self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))).map(i64::unsigned_abs)
        };
        let used = (pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?;
        Ok((used, self.budget_bytes))
    }

    fn disk(&self) -> Option<Disk> {
        // A store in memory has no folder.
        let told = statvfs(self.path.parent().filter(|it| it.is_dir())?).ok()?;
        let free_bytes = told.f_bavail.saturating_mul(told.f_frsize);
        Some(Disk { free_bytes, read_only: told.f_flag.contains(StatVfsMountFlags::RDONLY) })
    }

    fn receipted_before(&mut self, before_ms: i64) -> Result<Option<u64>, StoreError> {
        let newest: Option<i64> = self.sql(self.connection.query_row(
            "SELECT max(seq) FROM entry WHERE sealed_ms < ?1 AND seq <= (SELECT upto_seq FROM cursor)",
            [before_ms],
            |row| row.get(0),
        ))?;
        Ok(newest.map(from_sql))
    }
}
