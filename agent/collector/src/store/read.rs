//! Reading the store for people and exports: outlines, records in order, newest states.

use rusqlite::params;
use tidewaiter_record::{ChainId, Hash};

use super::{
    SqliteStore, StoreError,
    sqlite::{row_seq, seq_of},
};

/// Records fetched by one query of an export: bounds the memory at 32 KiB times this.
const PAGE: u16 = 256;

/// How much of a chain is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The chain.
    pub chain: ChainId,
    /// Its agent.
    pub agent: String,
    /// Site of its newest record.
    pub site: String,
    /// Length of the contiguous prefix.
    pub next_seq: u64,
    /// Highest sequence number stored, if any record is.
    pub highest: Option<u64>,
    /// Records stored beyond the prefix.
    pub waiting: u64,
    /// Records kept as evidence beside the chain.
    pub evidence: u64,
    /// When the newest record of the prefix came in, UTC milliseconds; 0 while it is empty.
    pub head_received_ms: i64,
    /// The first record whose evidence is missing: receipts stop before it.
    pub held_at: Option<u64>,
}

impl Outline {
    /// Sequence numbers below the highest one that are not here.
    pub fn missing(&self) -> u64 {
        let span = self.highest.map_or(0, |it| (it + 1).saturating_sub(self.next_seq));
        span.saturating_sub(self.waiting)
    }

    /// Records covered by a receipt: those of the prefix before the first one whose evidence is missing.
    pub fn receipted(&self) -> u64 {
        self.held_at.map_or(self.next_seq, |it| it.min(self.next_seq))
    }

    /// Records stored in the chain.
    pub fn stored(&self) -> u64 {
        self.next_seq + self.waiting
    }
}

/// A record as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Order of arrival, from 1; rises, may skip.
    pub arrival: u64,
    /// Its chain.
    pub chain: ChainId,
    /// Its sequence number.
    pub seq: u64,
    /// Its hash, as computed when it came.
    pub hash: Hash,
    /// When it came, UTC milliseconds.
    pub received_ms: i64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl SqliteStore {
    /// Holds what is read until it is dropped to one moment, also while a collector writes.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub(crate) fn snapshot(&self) -> Result<rusqlite::Transaction<'_>, StoreError> {
        self.connection.unchecked_transaction().map_err(StoreError::database("beginning to read"))
    }

    pub(super) fn read_outline(&self) -> Result<Vec<Outline>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT chain, agent, site, next_seq, head_received_ms,
                        (SELECT max(seq) FROM record WHERE record.chain = chain.chain),
                        (SELECT count(*) FROM record WHERE record.chain = chain.chain AND seq >= next_seq),
                        (SELECT count(*) FROM evidence WHERE evidence.chain = chain.chain),
                        (SELECT min(seq) FROM named WHERE named.chain = chain.chain AND missing = 1)
                 FROM chain ORDER BY agent, chain",
            )
            .and_then(|mut statement| {
                statement
                    .query_map([], |row| {
                        let highest: Option<i64> = row.get(5)?;
                        Ok(Outline {
                            chain: ChainId(row.get(0)?),
                            agent: row.get(1)?,
                            site: row.get(2)?,
                            next_seq: seq_of(row, 3)?,
                            head_received_ms: row.get(4)?,
                            highest: highest.map(|_| seq_of(row, 5)).transpose()?,
                            waiting: seq_of(row, 6)?,
                            evidence: seq_of(row, 7)?,
                            held_at: row.get::<_, Option<i64>>(8)?.map(|_| seq_of(row, 8)).transpose()?,
                        })
                    })?
                    .collect()
            })
            .map_err(StoreError::database("reading the outline"))
    }

    /// The stored bytes of one record.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn bytes(&self, chain: ChainId, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        use rusqlite::OptionalExtension as _;
        let seq = row_seq(seq)?;
        self.connection
            .prepare_cached("SELECT bytes FROM record WHERE chain = ?1 AND seq = ?2")
            .and_then(|mut it| it.query_row(params![chain.0, seq], |row| row.get(0)).optional())
            .map_err(StoreError::database("reading a record"))
    }

    /// Hands every record of one chain to `each`, in sequence order from `from`.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or with the error of `each`, which ends the walk.
    pub fn walk_chain<E: From<StoreError>>(
        &self,
        chain: ChainId,
        from: u64,
        mut each: impl FnMut(StoredRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut next = from;
        loop {
            let page = self.page(
                "SELECT arrival, chain, seq, hash, received_ms, bytes FROM record
                 WHERE chain = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
                params![chain.0, row_seq(next)?, PAGE],
            )?;
            let full = page.len() == usize::from(PAGE);
            for record in page {
                next = record.seq.saturating_add(1);
                each(record)?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Hands every record to `each` that arrived after arrival number `after`, in order of arrival.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or with the error of `each`, which ends the walk.
    pub fn walk_arrivals<E: From<StoreError>>(
        &self,
        after: u64,
        mut each: impl FnMut(StoredRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut last = after;
        loop {
            let page = self.page(
                "SELECT arrival, chain, seq, hash, received_ms, bytes FROM record WHERE arrival > ?1 ORDER BY arrival LIMIT ?2",
                params![row_seq(last)?, PAGE],
            )?;
            let full = page.len() == usize::from(PAGE);
            for record in page {
                last = record.arrival;
                each(record)?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// The newest unsigned state of every agent: site, agent, JSON text, when.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn states(&self) -> Result<Vec<(String, String, String, i64)>, StoreError> {
        self.connection
            .prepare_cached("SELECT site, agent, state, received_ms FROM state ORDER BY agent")
            .and_then(|mut it| {
                it.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
            })
            .map_err(StoreError::database("reading the states"))
    }

    fn page(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<StoredRecord>, StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| {
                statement
                    .query_map(params, |row| {
                        Ok(StoredRecord {
                            arrival: seq_of(row, 0)?,
                            chain: ChainId(row.get(1)?),
                            seq: seq_of(row, 2)?,
                            hash: Hash(row.get(3)?),
                            received_ms: row.get(4)?,
                            bytes: row.get(5)?,
                        })
                    })?
                    .collect()
            })
            .map_err(StoreError::database("reading records"))
    }
}
