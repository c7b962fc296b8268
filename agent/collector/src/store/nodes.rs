//! Blocks that nodes sealed: which number of which node stands in which record, and what was found against records by them.
//!
//! A number of a node stands for one moment. Several records may cite the block of it, as two lanes may share an
//! instrument; the first one has the row.

use rusqlite::{OptionalExtension as _, Row, params};
use tidewaiter_record::ChainId;

use super::{
    SqliteStore, StoreError,
    sqlite::{row_seq, seq_of},
};
use crate::finding::{Bad, Finding};

/// A block with a right seal, where it was first cited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeBlock {
    /// Serial number of the node.
    pub serial: [u8; 8],
    /// Number of the block.
    pub sequence: u64,
    /// Its seal.
    pub mac: [u8; 16],
    /// Starts of the node.
    pub starts: u32,
    /// Its event counter.
    pub events: u32,
    /// Its uptime.
    pub uptime_ms: u64,
    /// Chain of the record.
    pub chain: ChainId,
    /// Its number.
    pub seq: u64,
    /// Start of the agent that `mono_ms` belongs to; none where the record does not tell.
    pub boot: Option<u64>,
    /// When it was read, monotonic.
    pub mono_ms: u64,
    /// When it was read, UTC milliseconds.
    pub wall_ms: i64,
}

/// Something found against a record by the blocks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFinding {
    /// Chain of the record.
    pub chain: ChainId,
    /// Its number.
    pub seq: u64,
    /// Its agent.
    pub agent: String,
    /// What.
    pub finding: Finding,
    /// When the record came in, UTC milliseconds.
    pub received_ms: i64,
}

/// How far one node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeSeen {
    /// Its serial number.
    pub serial: [u8; 8],
    /// Blocks kept.
    pub blocks: u64,
    /// The highest number.
    pub sequence: u64,
}

/// Which neighbour of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The number itself.
    Same,
    /// The greatest one below.
    Before,
    /// The least one above.
    After,
}

/// The part of the store that knows nodes.
///
/// Every method fails with [`StoreError`] alone, and after any failure the handle is spent.
#[allow(clippy::missing_errors_doc, reason = "said once above, it is the same for all")]
pub trait NodeStore {
    /// A block of a node beside a number.
    fn node_block(&self, serial: [u8; 8], sequence: u64, side: Side) -> Result<Option<NodeBlock>, StoreError>;
    /// Keeps a block whose number is free; `false` where it is taken.
    fn put_node_block(&mut self, block: &NodeBlock) -> Result<bool, StoreError>;
    /// Forgets blocks and findings of a record that does not stand in its chain any more.
    fn forget_node_record(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError>;
    /// Keeps a finding; one per record and cause, so `false` where there is one already.
    fn put_node_finding(&mut self, found: &NodeFinding) -> Result<bool, StoreError>;
    /// The newest findings, and no more than so many.
    fn node_findings(&self, most: u32) -> Result<Vec<NodeFinding>, StoreError>;
    /// The findings against the records of a chain with these numbers, both included, by number.
    fn node_findings_of(&self, chain: ChainId, first: u64, last: u64) -> Result<Vec<NodeFinding>, StoreError>;
    /// Every node of which a block is kept.
    fn nodes_seen(&self) -> Result<Vec<NodeSeen>, StoreError>;
    /// Records that name a content.
    fn naming(&self, hash: tidewaiter_record::Hash) -> Result<Vec<(ChainId, u64)>, StoreError>;
}

const READING: &str = "reading the blocks of nodes";
const WRITING: &str = "writing the block of a node";

/// A number that a record claims, as far as a row holds it.
pub(super) fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl NodeStore for SqliteStore {
    fn node_block(&self, serial: [u8; 8], sequence: u64, side: Side) -> Result<Option<NodeBlock>, StoreError> {
        let sql = match side {
            Side::Same => {
                "SELECT serial, sequence, mac, starts, events, uptime_ms, chain, seq, boot, mono_ms, wall_ms
                 FROM node_block WHERE serial = ?1 AND sequence = ?2"
            }
            Side::Before => {
                "SELECT serial, sequence, mac, starts, events, uptime_ms, chain, seq, boot, mono_ms, wall_ms
                 FROM node_block WHERE serial = ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT 1"
            }
            Side::After => {
                "SELECT serial, sequence, mac, starts, events, uptime_ms, chain, seq, boot, mono_ms, wall_ms
                 FROM node_block WHERE serial = ?1 AND sequence > ?2 ORDER BY sequence LIMIT 1"
            }
        };
        self.connection
            .prepare_cached(sql)
            .and_then(|mut it| it.query_row(params![serial, clamped(sequence)], row_of).optional())
            .map_err(StoreError::database(READING))
    }

    fn put_node_block(&mut self, it: &NodeBlock) -> Result<bool, StoreError> {
        let seq = row_seq(it.seq)?;
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO node_block
                 (serial, sequence, mac, starts, events, uptime_ms, chain, seq, boot, mono_ms, wall_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )
            .and_then(|mut to| {
                to.execute(params![
                    it.serial,
                    clamped(it.sequence),
                    it.mac,
                    it.starts,
                    it.events,
                    clamped(it.uptime_ms),
                    it.chain.0,
                    seq,
                    it.boot.map(clamped),
                    clamped(it.mono_ms),
                    it.wall_ms
                ])
            })
            .map(|rows| rows == 1)
            .map_err(StoreError::database(WRITING))
    }

    fn forget_node_record(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError> {
        let seq = row_seq(seq)?;
        for table in ["node_block", "node_finding"] {
            self.connection
                .prepare_cached(&format!("DELETE FROM {table} WHERE chain = ?1 AND seq = ?2"))
                .and_then(|mut it| it.execute(params![chain.0, seq]))
                .map_err(StoreError::database(WRITING))?;
        }
        Ok(())
    }

    fn put_node_finding(&mut self, it: &NodeFinding) -> Result<bool, StoreError> {
        let seq = row_seq(it.seq)?;
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO node_finding (chain, seq, agent, reason, detail, received_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut to| {
                let (bad, detail) = (it.finding.bad.word(), &it.finding.detail);
                to.execute(params![it.chain.0, seq, it.agent, bad, detail, it.received_ms])
            })
            .map(|rows| rows == 1)
            .map_err(StoreError::database("writing a finding"))
    }

    fn node_findings(&self, most: u32) -> Result<Vec<NodeFinding>, StoreError> {
        self.findings(
            "SELECT chain, seq, agent, reason, detail, received_ms FROM node_finding ORDER BY id DESC LIMIT ?1",
            [most],
        )
    }

    fn node_findings_of(&self, chain: ChainId, first: u64, last: u64) -> Result<Vec<NodeFinding>, StoreError> {
        self.findings(
            "SELECT chain, seq, agent, reason, detail, received_ms FROM node_finding
             WHERE chain = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq, id",
            params![chain.0, clamped(first), clamped(last)],
        )
    }

    fn nodes_seen(&self) -> Result<Vec<NodeSeen>, StoreError> {
        self.connection
            .prepare_cached("SELECT serial, count(*), max(sequence) FROM node_block GROUP BY serial ORDER BY serial")
            .and_then(|mut it| {
                it.query_map([], |row| {
                    Ok(NodeSeen { serial: row.get(0)?, blocks: seq_of(row, 1)?, sequence: seq_of(row, 2)? })
                })?
                .collect()
            })
            .map_err(StoreError::database(READING))
    }

    fn naming(&self, hash: tidewaiter_record::Hash) -> Result<Vec<(ChainId, u64)>, StoreError> {
        self.connection
            .prepare_cached("SELECT chain, seq FROM named WHERE sha256 = ?1 ORDER BY chain, seq")
            .and_then(|mut it| it.query_map([&hash.0], |row| Ok((ChainId(row.get(0)?), seq_of(row, 1)?)))?.collect())
            .map_err(StoreError::database(READING))
    }
}

impl SqliteStore {
    fn findings(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<NodeFinding>, StoreError> {
        let rows: Vec<FindingRow> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut it| {
                it.query_map(params, |row| {
                    Ok((ChainId(row.get(0)?), seq_of(row, 1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
                })?
                .collect()
            })
            .map_err(StoreError::database(READING))?;
        rows.into_iter().map(finding_of).collect()
    }
}

pub(super) type FindingRow = (ChainId, u64, String, String, String, i64);

pub(super) fn finding_of(row: FindingRow) -> Result<NodeFinding, StoreError> {
    let (chain, seq, agent, reason, detail, received_ms) = row;
    let what = || format!("record {seq} of chain {chain} has a finding {reason:?}, which is none");
    let bad = Bad::from_word(&reason).ok_or_else(|| StoreError::Corrupt { what: what() })?;
    Ok(NodeFinding { chain, seq, agent, finding: Finding { bad, detail }, received_ms })
}

fn row_of(row: &Row<'_>) -> rusqlite::Result<NodeBlock> {
    Ok(NodeBlock {
        serial: row.get(0)?,
        sequence: seq_of(row, 1)?,
        mac: row.get(2)?,
        starts: row.get(3)?,
        events: row.get(4)?,
        uptime_ms: seq_of(row, 5)?,
        chain: ChainId(row.get(6)?),
        seq: seq_of(row, 7)?,
        boot: row.get::<_, Option<i64>>(8)?.map(i64::cast_unsigned),
        mono_ms: seq_of(row, 9)?,
        wall_ms: row.get(10)?,
    })
}
