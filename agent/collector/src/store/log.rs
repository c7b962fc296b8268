//! The Merkle log in the store: leaves, complete subtrees, signed heads.
//!
//! A leaf is written in the transaction that moves its chain's prefix over the record, with every subtree that it
//! completes. A root or a proof reads one row for each bit of the size.

use rusqlite::{OptionalExtension as _, Row, params};
use tidewaiter_record::{
    ChainId, Hash,
    log::{Node, leaf_hash},
};

use super::{
    SqliteStore, StoreError,
    sqlite::{row_seq, seq_of},
};

/// A signed head as it was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Its number.
    pub number: u64,
    /// Leaves it covers.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// When it was signed, UTC milliseconds.
    pub at_ms: i64,
    /// The signed bytes.
    pub bytes: Vec<u8>,
}

/// A leaf of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Which, from 0.
    pub position: u64,
    /// Chain of the record.
    pub chain: ChainId,
    /// Its number.
    pub seq: u64,
    /// Its hash: the entry of the leaf.
    pub hash: Hash,
}

/// The part of the store that keeps the log.
///
/// Every method fails with [`StoreError`] alone, and after any failure the handle is spent.
#[allow(clippy::missing_errors_doc, reason = "said once above, it is the same for all")]
pub trait LogStore {
    /// How many leaves there are.
    fn log_size(&self) -> Result<u64, StoreError>;
    /// The hash of a complete subtree.
    fn log_node(&self, node: Node) -> Result<Hash, StoreError>;
    /// Appends a leaf and the subtrees that it completes (the leaf's own hash among them is not kept twice).
    fn append_leaf(&mut self, leaf: &Leaf, complete: &[(Node, Hash)]) -> Result<(), StoreError>;
    /// The next leaves from a position on, in order; none when there are no more.
    fn leaves_from(&self, position: u64) -> Result<Vec<Leaf>, StoreError>;
    /// The leaf of a record.
    fn leaf_of(&self, chain: ChainId, seq: u64) -> Result<Option<Leaf>, StoreError>;
    /// The head with the largest number.
    fn newest_head(&self) -> Result<Option<LogHead>, StoreError>;
    /// The head of this number.
    fn numbered_head(&self, number: u64) -> Result<Option<LogHead>, StoreError>;
    /// The next heads from a number on, by number; none when there are no more.
    fn log_heads_from(&self, number: u64) -> Result<Vec<LogHead>, StoreError>;
    /// Keeps a head for ever; an error when its number is taken.
    fn put_log_head(&mut self, head: &LogHead) -> Result<(), StoreError>;
}

/// Leaves or heads fetched by one query.
pub(super) const PAGE: u16 = 1_024;

const HEAD: &str = "SELECT number, size, root, at_ms, bytes FROM log_head";

impl LogStore for SqliteStore {
    fn log_size(&self) -> Result<u64, StoreError> {
        self.connection
            .prepare_cached("SELECT coalesce(max(position) + 1, 0) FROM log_leaf")
            .and_then(|mut it| it.query_row([], |row| seq_of(row, 0)))
            .map_err(StoreError::database("reading the size of the log"))
    }

    fn log_node(&self, node: Node) -> Result<Hash, StoreError> {
        let position = row_seq(node.position)?;
        let read = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut it| it.query_row(params, |row| row.get(0).map(Hash)).optional())
                .map_err(StoreError::database("reading the log"))
        };
        let found = if node.level == 0 {
            let entry = read("SELECT hash FROM log_leaf WHERE position = ?1", &[&position])?;
            entry.map(|it| leaf_hash(&it.0))
        } else {
            read("SELECT hash FROM log_node WHERE level = ?1 AND position = ?2", &[&node.level, &position])?
        };
        let what = || format!("the log has no node {} of level {}", node.position, node.level);
        found.ok_or_else(|| StoreError::Corrupt { what: what() })
    }

    fn append_leaf(&mut self, leaf: &Leaf, complete: &[(Node, Hash)]) -> Result<(), StoreError> {
        let (position, seq) = (row_seq(leaf.position)?, row_seq(leaf.seq)?);
        let failed = StoreError::database("appending to the log");
        self.connection
            .prepare_cached("INSERT INTO log_leaf (position, chain, seq, hash) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut it| it.execute(params![position, leaf.chain.0, seq, leaf.hash.0]))
            .map_err(failed)?;
        for (node, hash) in complete.iter().filter(|(node, _)| node.level > 0) {
            let position = row_seq(node.position)?;
            self.connection
                .prepare_cached("INSERT INTO log_node (level, position, hash) VALUES (?1, ?2, ?3)")
                .and_then(|mut it| it.execute(params![node.level, position, hash.0]))
                .map_err(StoreError::database("appending to the log"))?;
        }
        Ok(())
    }

    fn leaf_of(&self, chain: ChainId, seq: u64) -> Result<Option<Leaf>, StoreError> {
        let seq = row_seq(seq)?;
        self.connection
            .prepare_cached("SELECT position, chain, seq, hash FROM log_leaf WHERE chain = ?1 AND seq = ?2")
            .and_then(|mut it| it.query_row(params![chain.0, seq], leaf_of).optional())
            .map_err(StoreError::database("reading the log"))
    }

    fn leaves_from(&self, position: u64) -> Result<Vec<Leaf>, StoreError> {
        let position = row_seq(position)?;
        self.connection
            .prepare_cached(
                "SELECT position, chain, seq, hash FROM log_leaf WHERE position >= ?1 ORDER BY position LIMIT ?2",
            )
            .and_then(|mut it| it.query_map(params![position, PAGE], leaf_of)?.collect())
            .map_err(StoreError::database("reading the log"))
    }

    fn log_heads_from(&self, number: u64) -> Result<Vec<LogHead>, StoreError> {
        let number = row_seq(number)?;
        self.connection
            .prepare_cached(&format!("{HEAD} WHERE number >= ?1 ORDER BY number LIMIT ?2"))
            .and_then(|mut it| it.query_map(params![number, PAGE], head_of)?.collect())
            .map_err(StoreError::database("reading the heads of the log"))
    }

    fn newest_head(&self) -> Result<Option<LogHead>, StoreError> {
        self.connection
            .prepare_cached(&format!("{HEAD} ORDER BY number DESC LIMIT 1"))
            .and_then(|mut it| it.query_row([], head_of).optional())
            .map_err(StoreError::database("reading the heads of the log"))
    }

    fn numbered_head(&self, number: u64) -> Result<Option<LogHead>, StoreError> {
        let number = row_seq(number)?;
        self.connection
            .prepare_cached(&format!("{HEAD} WHERE number = ?1"))
            .and_then(|mut it| it.query_row([number], head_of).optional())
            .map_err(StoreError::database("reading the heads of the log"))
    }

    fn put_log_head(&mut self, head: &LogHead) -> Result<(), StoreError> {
        let (number, size) = (row_seq(head.number)?, row_seq(head.size)?);
        self.connection
            .prepare_cached("INSERT INTO log_head (number, size, root, at_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5)")
            .and_then(|mut it| it.execute(params![number, size, head.root.0, head.at_ms, head.bytes]))
            .map_err(StoreError::database("writing a head of the log"))?;
        Ok(())
    }
}

fn leaf_of(row: &Row<'_>) -> rusqlite::Result<Leaf> {
    Ok(Leaf { position: seq_of(row, 0)?, chain: ChainId(row.get(1)?), seq: seq_of(row, 2)?, hash: Hash(row.get(3)?) })
}

fn head_of(row: &Row<'_>) -> rusqlite::Result<LogHead> {
    Ok(LogHead {
        number: seq_of(row, 0)?,
        size: seq_of(row, 1)?,
        root: Hash(row.get(2)?),
        at_ms: row.get(3)?,
        bytes: row.get(4)?,
    })
}
