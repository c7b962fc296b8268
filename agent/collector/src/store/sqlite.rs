//! The store in one `SQLite` file.
//!
//! WAL with `synchronous=FULL`: a commit returns after the log has been flushed, so a receipt issued after
//! it survives a power cut. With `NORMAL` the newest commits may be lost
//! (<https://sqlite.org/pragma.html#pragma_synchronous>), and a receipt that covers a lost record is the one lie
//! the centre can tell.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use tidewaiter_record::{ChainId, Hash, log::Frontier};

use super::{
    ChainHead, Entry, Link, MAX_EVIDENCE_PER_SEQ, MAX_REFUSED_BYTES, MAX_REFUSED_KEPT, Refused, Since, Store,
    StoreError,
    schema::{APPLICATION_ID, TABLES_1, TABLES_2, TABLES_3, VERSION},
};
use crate::finding::Bad;

/// How long to wait for the lock of a store: a collector that has just ended may still be closing, and a
/// process in the middle of being started (after `fork`, before `exec`) shares the locks of its parent.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Time between two attempts at the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A store in one `SQLite` database.
#[derive(Debug)]
pub struct SqliteStore {
    pub(super) connection: Connection,
    /// Held for as long as we write: a second collector on the same file would issue receipts of its own.
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens or creates the store at `path` for writing. A folder that does not exist is made.
    ///
    /// # Errors
    ///
    /// When another collector writes to it, when it is not a store of this layout, or when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Open { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(lock_path(path)).map_err(failed)?;
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::InUse { path: path.to_owned() });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        let connection = Connection::open(path).map_err(StoreError::database("opening the file"))?;
        prepare(&connection, path)?;
        Ok(Self { connection, _lock: Some(lock) })
    }

    /// Opens an existing store for reading, also while a collector writes to it.
    ///
    /// # Errors
    ///
    /// When there is none, or when it is not a store of this layout.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        std::fs::metadata(path).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        // Read-write flags without CREATE: a reader of a WAL database may have to rebuild its index file.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(StoreError::database("opening the file"))?;
        connection.pragma_update(None, "query_only", true).map_err(StoreError::database("setting query_only"))?;
        check_layout(&connection, path)?;
        Ok(Self { connection, _lock: None })
    }

    /// A store that lives as long as the value: for tests and trials, nothing in it is durable.
    ///
    /// # Errors
    ///
    /// When `SQLite` cannot allocate it.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory().map_err(StoreError::database("opening in memory"))?;
        prepare(&connection, Path::new(":memory:"))?;
        Ok(Self { connection, _lock: None })
    }

    /// Limits the size of the database file; a commit that needs more fails and nothing of it is kept.
    ///
    /// # Errors
    ///
    /// When `SQLite` refuses the limit.
    pub fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.connection
            .pragma_update(None, "max_page_count", pages)
            .map_err(StoreError::database("setting max_page_count"))
    }
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<Since, StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::database("begin"))?;
        // The lock on the file leaves nobody else to write.
        Ok(Since::default())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.connection.execute_batch("COMMIT").map_err(StoreError::database("commit"))
    }

    fn head(&self, chain: ChainId) -> Result<Option<ChainHead>, StoreError> {
        let doing = "reading a chain";
        self.connection
            .prepare_cached("SELECT chain, agent, site, next_seq, head, head_received_ms FROM chain WHERE chain = ?1")
            .and_then(|mut it| it.query_row([&chain.0], head_of).optional())
            .map_err(StoreError::database(doing))
    }

    fn heads(&self) -> Result<Vec<ChainHead>, StoreError> {
        self.connection
            .prepare_cached("SELECT chain, agent, site, next_seq, head, head_received_ms FROM chain ORDER BY moved")
            .and_then(|mut it| it.query_map([], head_of)?.collect())
            .map_err(StoreError::database("reading the chains"))
    }

    fn put_head(&mut self, head: &ChainHead) -> Result<(), StoreError> {
        let next_seq = row_seq(head.next_seq)?;
        self.connection
            .prepare_cached(
                "INSERT INTO chain (chain, agent, site, next_seq, head, head_received_ms, moved)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT coalesce(max(moved), 0) + 1 FROM chain))
                 ON CONFLICT (chain) DO UPDATE SET site = excluded.site, next_seq = excluded.next_seq, head = excluded.head,
                 head_received_ms = excluded.head_received_ms, moved = excluded.moved",
            )
            .and_then(|mut it| {
                it.execute(params![
                    head.chain.0,
                    head.agent,
                    head.site,
                    next_seq,
                    head.head.map(|it| it.0),
                    head.head_received_ms
                ])
            })
            .map_err(StoreError::database("writing a chain"))?;
        Ok(())
    }

    fn link(&self, chain: ChainId, seq: u64) -> Result<Option<Link>, StoreError> {
        let seq = row_seq(seq)?;
        self.connection
            .prepare_cached("SELECT hash, prev, received_ms FROM record WHERE chain = ?1 AND seq = ?2")
            .and_then(|mut it| it.query_row(params![chain.0, seq], link_of).optional())
            .map_err(StoreError::database("reading a record"))
    }

    fn record_bytes(&self, chain: ChainId, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let seq = row_seq(seq)?;
        self.connection
            .prepare_cached("SELECT bytes FROM record WHERE chain = ?1 AND seq = ?2")
            .and_then(|mut it| it.query_row(params![chain.0, seq], |row| row.get(0)).optional())
            .map_err(StoreError::database("reading a record"))
    }

    fn put(&mut self, entry: &Entry<'_>) -> Result<(), StoreError> {
        let seq = row_seq(entry.seq)?;
        let Link { hash, prev, received_ms } = entry.link;
        self.connection
            .prepare_cached(
                "INSERT INTO record (chain, seq, hash, prev, received_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut it| it.execute(params![entry.chain.0, seq, hash.0, prev.0, received_ms, entry.bytes]))
            .map_err(StoreError::database("writing a record"))?;
        Ok(())
    }

    fn is_evidence(&self, chain: ChainId, seq: u64, hash: Hash) -> Result<bool, StoreError> {
        let seq = row_seq(seq)?;
        self.connection
            .prepare_cached("SELECT 1 FROM evidence WHERE chain = ?1 AND seq = ?2 AND hash = ?3")
            .and_then(|mut it| it.exists(params![chain.0, seq, hash.0]))
            .map_err(StoreError::database("reading evidence"))
    }

    fn put_evidence(&mut self, entry: &Entry<'_>, bad: Bad) -> Result<bool, StoreError> {
        let seq = row_seq(entry.seq)?;
        let Link { hash, prev, received_ms } = entry.link;
        self.connection
            .prepare_cached(
                "INSERT INTO evidence (chain, seq, hash, prev, reason, received_ms, bytes)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
                 WHERE (SELECT count(*) FROM evidence WHERE chain = ?1 AND seq = ?2) < ?8",
            )
            .and_then(|mut it| {
                it.execute(params![
                    entry.chain.0,
                    seq,
                    hash.0,
                    prev.0,
                    bad.word(),
                    received_ms,
                    entry.bytes,
                    MAX_EVIDENCE_PER_SEQ
                ])
            })
            .map(|rows| rows == 1)
            .map_err(StoreError::database("writing evidence"))
    }

    fn demote(&mut self, chain: ChainId, seq: u64, bad: Bad) -> Result<(), StoreError> {
        let seq = row_seq(seq)?;
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO evidence (chain, seq, hash, prev, reason, received_ms, bytes)
                 SELECT chain, seq, hash, prev, ?3, received_ms, bytes FROM record WHERE chain = ?1 AND seq = ?2",
            )
            .and_then(|mut it| it.execute(params![chain.0, seq, bad.word()]))
            .and_then(|_| {
                self.connection
                    .prepare_cached("DELETE FROM record WHERE chain = ?1 AND seq = ?2")?
                    .execute(params![chain.0, seq])
            })
            .map_err(StoreError::database("moving a record to the evidence"))?;
        Ok(())
    }

    fn promote(&mut self, chain: ChainId, seq: u64, prev: Hash) -> Result<Option<Link>, StoreError> {
        let seq = row_seq(seq)?;
        let doing = "moving evidence into its chain";
        let link = self
            .connection
            .prepare_cached("SELECT hash, prev, received_ms FROM evidence WHERE chain = ?1 AND seq = ?2 AND prev = ?3 ORDER BY rowid LIMIT 1")
            .and_then(|mut it| it.query_row(params![chain.0, seq, prev.0], link_of).optional())
            .map_err(StoreError::database(doing))?;
        if let Some(link) = &link {
            self.connection
                .prepare_cached(
                    "INSERT INTO record (chain, seq, hash, prev, received_ms, bytes)
                     SELECT chain, seq, hash, prev, received_ms, bytes FROM evidence WHERE chain = ?1 AND seq = ?2 AND hash = ?3",
                )
                .and_then(|mut it| it.execute(params![chain.0, seq, link.hash.0]))
                .and_then(|_| {
                    self.connection
                        .prepare_cached("DELETE FROM evidence WHERE chain = ?1 AND seq = ?2 AND hash = ?3")?
                        .execute(params![chain.0, seq, link.hash.0])
                })
                .map_err(StoreError::database(doing))?;
        }
        Ok(link)
    }

    fn put_refused(&mut self, refused: &Refused<'_>) -> Result<(), StoreError> {
        let kept = refused.bytes.get(..MAX_REFUSED_BYTES).unwrap_or(refused.bytes);
        self.connection
            .prepare_cached(
                "INSERT INTO refused (topic, reason, detail, received_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .and_then(|mut it| {
                it.execute(params![refused.topic, refused.bad.word(), refused.detail, refused.received_ms, kept])
            })
            .and_then(|_| {
                self.connection
                    .prepare_cached("DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?1")?
                    .execute([MAX_REFUSED_KEPT])
            })
            .map_err(StoreError::database("writing a refused message"))?;
        Ok(())
    }

    fn put_state(&mut self, site: &str, agent: &str, state: &str, received_ms: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO state (site, agent, state, received_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (agent) DO UPDATE SET site = excluded.site, state = excluded.state, received_ms = excluded.received_ms",
            )
            .and_then(|mut it| it.execute(params![site, agent, state, received_ms]))
            .map_err(StoreError::database("writing a state"))?;
        Ok(())
    }

    fn add(&mut self, counter: &str, n: u64) -> Result<(), StoreError> {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(
                "INSERT INTO counter (name, n) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n",
            )
            .and_then(|mut it| it.execute(params![counter, n]))
            .map_err(StoreError::database("writing a counter"))?;
        Ok(())
    }

    fn counters(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.connection
            .prepare_cached("SELECT name, n FROM counter")
            .and_then(|mut it| it.query_map([], |row| Ok((row.get(0)?, seq_of(row, 1)?)))?.collect())
            .map_err(StoreError::database("reading the counters"))
    }
}

/// Settings that make "committed" mean "durable", and the tables of a new file.
fn prepare(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let doing = "setting up durability";
    connection.busy_timeout(Duration::from_secs(5)).map_err(StoreError::database(doing))?;
    let empty: bool = connection
        .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
        .map_err(StoreError::database("reading the layout"))?;
    let layout = layout_of(connection)?;
    // Before anything is set: what another program wrote stays as it is.
    let older = layout.0 == APPLICATION_ID && (1..VERSION).contains(&layout.1);
    if !empty && !older {
        check_layout(connection, path)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(StoreError::database(doing))?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(StoreError::database(doing))?;
    connection.pragma_update(None, "trusted_schema", false).map_err(StoreError::database(doing))?;
    if empty || older {
        let from = if empty { 0 } else { layout.1 };
        let steps = [(1, TABLES_1), (2, TABLES_2), (3, TABLES_3)];
        let lacking: String = steps.iter().filter(|(version, _)| *version > from).map(|(_, sql)| *sql).collect();
        let create = format!("BEGIN IMMEDIATE; {lacking} PRAGMA application_id = {APPLICATION_ID}");
        connection.execute_batch(&create).map_err(StoreError::database("creating the tables"))?;
        if from < 2 {
            fill_log(connection)?;
        }
        let close = format!("PRAGMA user_version = {VERSION}; COMMIT");
        connection.execute_batch(&close).map_err(StoreError::database("creating the tables"))?;
    }
    check_layout(connection, path)
}

/// Gives the records of a file that had no log their leaves: those of each chain's prefix, in order of arrival.
fn fill_log(connection: &Connection) -> Result<(), StoreError> {
    let failed = || StoreError::database("filling the log");
    let mut records = connection
        .prepare(
            "SELECT record.chain, seq, hash FROM record JOIN chain ON chain.chain = record.chain
             WHERE seq < next_seq ORDER BY arrival",
        )
        .map_err(failed())?;
    let mut leaf = connection
        .prepare("INSERT INTO log_leaf (position, chain, seq, hash) VALUES (?1, ?2, ?3, ?4)")
        .map_err(failed())?;
    let mut subtree =
        connection.prepare("INSERT INTO log_node (level, position, hash) VALUES (?1, ?2, ?3)").map_err(failed())?;
    let mut log = Frontier::new();
    let mut rows = records.query([]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        let chain: [u8; 16] = row.get(0).map_err(failed())?;
        let seq: i64 = row.get(1).map_err(failed())?;
        let hash: [u8; 32] = row.get(2).map_err(failed())?;
        leaf.execute(params![row_seq(log.size())?, chain, seq, hash]).map_err(failed())?;
        for (node, hash) in log.push(&hash).iter().filter(|(node, _)| node.level > 0) {
            subtree.execute(params![node.level, row_seq(node.position)?, hash.0]).map_err(failed())?;
        }
    }
    Ok(())
}

fn layout_of(connection: &Connection) -> Result<(i32, i32), StoreError> {
    let read = |pragma: &str| {
        connection
            .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0))
            .map_err(StoreError::database("reading the layout"))
    };
    Ok((read("application_id")?, read("user_version")?))
}

fn check_layout(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let (application, version) = layout_of(connection)?;
    if (application, version) == (APPLICATION_ID, VERSION) {
        return Ok(());
    }
    if application == APPLICATION_ID && (1..VERSION).contains(&version) {
        return Err(StoreError::Older { path: path.to_owned(), found: version });
    }
    Err(StoreError::Layout {
        path: path.to_owned(),
        found: format!("{application:#x}/{version}"),
        expected: format!("{APPLICATION_ID:#x}/{VERSION}"),
    })
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

pub(super) fn row_seq(seq: u64) -> Result<i64, StoreError> {
    i64::try_from(seq).map_err(|_| StoreError::Sequence { seq })
}

pub(super) fn seq_of(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let raw: i64 = row.get(column)?;
    u64::try_from(raw).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, raw))
}

fn link_of(row: &Row<'_>) -> rusqlite::Result<Link> {
    Ok(Link { hash: Hash(row.get(0)?), prev: Hash(row.get(1)?), received_ms: row.get(2)? })
}

fn head_of(row: &Row<'_>) -> rusqlite::Result<ChainHead> {
    Ok(ChainHead {
        chain: ChainId(row.get(0)?),
        agent: row.get(1)?,
        site: row.get(2)?,
        next_seq: seq_of(row, 3)?,
        head: row.get::<_, Option<[u8; 32]>>(4)?.map(Hash),
        head_received_ms: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_commit_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("collector.db")).unwrap();
        let read =
            |pragma: &str| store.connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, String>(0));
        assert_eq!(read("journal_mode").unwrap(), "wal");
        let flush: i32 = store.connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        // 2 is FULL; 1, NORMAL, would let a power cut take back what a receipt has covered.
        assert_eq!(flush, 2);
    }

    #[test]
    fn one_record_per_sequence_number_whatever_the_caller_does() {
        let mut store = SqliteStore::in_memory().unwrap();
        let link = |byte| Link { hash: Hash([byte; 32]), prev: Hash([0; 32]), received_ms: 1 };
        let put = |store: &mut SqliteStore, seq, byte| {
            store.put(&Entry { chain: ChainId([1; 16]), seq, link: link(byte), bytes: &[byte] })
        };
        put(&mut store, 5, 1).unwrap();
        assert!(put(&mut store, 5, 2).is_err());
        assert!(matches!(put(&mut store, u64::MAX, 2), Err(StoreError::Sequence { .. })));
        assert_eq!(store.link(ChainId([1; 16]), 5).unwrap(), Some(link(1)));
    }

    #[test]
    fn evidence_and_refused_messages_are_bounded() {
        let mut store = SqliteStore::in_memory().unwrap();
        let chain = ChainId([1; 16]);
        let kept = (0..MAX_EVIDENCE_PER_SEQ + 5)
            .filter(|it| {
                let link = Link { hash: Hash::of(&it.to_be_bytes()), prev: Hash([0; 32]), received_ms: 1 };
                store.put_evidence(&Entry { chain, seq: 0, link, bytes: b"x" }, Bad::Equivocation).unwrap()
            })
            .count();
        assert_eq!(kept, usize::try_from(MAX_EVIDENCE_PER_SEQ).unwrap());
        let large = vec![0; MAX_REFUSED_BYTES + 1];
        for received_ms in 0..i64::from(MAX_REFUSED_KEPT) + 20 {
            let bytes = if received_ms == 1_010 { large.as_slice() } else { b"x" };
            store.put_refused(&Refused { topic: "t", bad: Bad::Malformed, detail: "d", received_ms, bytes }).unwrap();
        }
        let (count, oldest, longest): (u32, i64, usize) = store
            .connection
            .query_row("SELECT count(*), min(received_ms), max(length(bytes)) FROM refused", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.try_into().unwrap()))
            })
            .unwrap();
        assert_eq!((count, oldest, longest), (MAX_REFUSED_KEPT, 20, MAX_REFUSED_BYTES));
    }
}
