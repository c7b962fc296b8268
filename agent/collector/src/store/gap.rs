//! Numbers that are missing behind a chain's prefix, and how often they were asked for.

use rusqlite::{OptionalExtension as _, Row, params};
use tidewaiter_record::ChainId;

use super::{
    SqliteStore, StoreError,
    sqlite::{row_seq, seq_of},
};

/// The first gap of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The chain.
    pub chain: ChainId,
    /// First number missing.
    pub from_seq: u64,
    /// Last one, itself included.
    pub upto_seq: u64,
    /// Since when the first one is known to be missing, UTC milliseconds.
    pub opened_ms: i64,
    /// How often it was asked for.
    pub asked: u32,
    /// When the last time; when a gap before it in this chain was asked for, if that was later.
    pub asked_ms: i64,
    /// It stood so long that it was counted as an incident.
    pub reported: bool,
}

/// The part of the store that keeps open gaps.
///
/// Every method fails with [`StoreError`] alone, and after any failure the handle is spent.
#[allow(clippy::missing_errors_doc, reason = "said once above, it is the same for all")]
pub trait GapStore {
    /// The smallest number stored at or beyond `from`.
    fn first_waiting(&self, chain: ChainId, from: u64) -> Result<Option<u64>, StoreError>;
    /// The open gap of a chain.
    fn gap(&self, chain: ChainId) -> Result<Option<Gap>, StoreError>;
    /// All open gaps, by chain.
    fn gaps(&self) -> Result<Vec<Gap>, StoreError>;
    /// Writes the open gap of a chain.
    fn put_gap(&mut self, gap: &Gap) -> Result<(), StoreError>;
    /// The chain has no gap any more.
    fn close_gap(&mut self, chain: ChainId) -> Result<(), StoreError>;
}

const GAP: &str = "SELECT chain, from_seq, upto_seq, opened_ms, asked, asked_ms, reported FROM gap";

impl GapStore for SqliteStore {
    fn first_waiting(&self, chain: ChainId, from: u64) -> Result<Option<u64>, StoreError> {
        let from = row_seq(from)?;
        self.connection
            .prepare_cached("SELECT seq FROM record WHERE chain = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1")
            .and_then(|mut it| it.query_row(params![chain.0, from], |row| seq_of(row, 0)).optional())
            .map_err(StoreError::database("reading what waits"))
    }

    fn gap(&self, chain: ChainId) -> Result<Option<Gap>, StoreError> {
        self.connection
            .prepare_cached(&format!("{GAP} WHERE chain = ?1"))
            .and_then(|mut it| it.query_row([&chain.0], gap_of).optional())
            .map_err(StoreError::database("reading a gap"))
    }

    fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        self.connection
            .prepare_cached(&format!("{GAP} ORDER BY chain"))
            .and_then(|mut it| it.query_map([], gap_of)?.collect())
            .map_err(StoreError::database("reading the gaps"))
    }

    fn put_gap(&mut self, gap: &Gap) -> Result<(), StoreError> {
        let (from, upto) = (row_seq(gap.from_seq)?, row_seq(gap.upto_seq)?);
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO gap (chain, from_seq, upto_seq, opened_ms, asked, asked_ms, reported)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut it| {
                it.execute(params![gap.chain.0, from, upto, gap.opened_ms, gap.asked, gap.asked_ms, gap.reported])
            })
            .map_err(StoreError::database("writing a gap"))?;
        Ok(())
    }

    fn close_gap(&mut self, chain: ChainId) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM gap WHERE chain = ?1")
            .and_then(|mut it| it.execute([&chain.0]))
            .map_err(StoreError::database("closing a gap"))?;
        Ok(())
    }
}

fn gap_of(row: &Row<'_>) -> rusqlite::Result<Gap> {
    Ok(Gap {
        chain: ChainId(row.get(0)?),
        from_seq: seq_of(row, 1)?,
        upto_seq: seq_of(row, 2)?,
        opened_ms: row.get(3)?,
        asked: row.get(4)?,
        asked_ms: row.get(5)?,
        reported: row.get(6)?,
    })
}
