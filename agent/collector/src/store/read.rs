//! Reading the store for people and exports: outlines, records in order, newest states.

use rusqlite::params;
use tidewaiter_record::{ChainId, Hash};

use super::{
    Fork, Leaf, LogHead, Named, SqliteStore, Store, StoreError,
    sqlite::{row_seq, seq_of},
};
use crate::finding::Bad;

/// Records fetched by one query of an export: bounds the memory at 32 KiB times this.
pub(super) const PAGE: u16 = 256;

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

/// The part of the store that is read by people and exports.
///
/// Every method fails with [`StoreError`] alone.
#[allow(clippy::missing_errors_doc, reason = "said once above, it is the same for all")]
pub trait ReadStore {
    /// Holds what is read from here to one moment, also while a collector writes; see [`Moment`].
    fn begin_reading(&self) -> Result<(), StoreError>;
    /// Ends it.
    fn end_reading(&self) -> Result<(), StoreError>;
    /// Lengths and gaps of every chain, by agent and chain.
    fn outline(&self) -> Result<Vec<Outline>, StoreError>;
    /// The next records of one chain from a number on, in sequence order; none when there are no more.
    fn records_from(&self, chain: ChainId, from: u64) -> Result<Vec<StoredRecord>, StoreError>;
    /// The next records after an arrival number, in order of arrival; none when there are no more.
    fn records_after(&self, arrival: u64) -> Result<Vec<StoredRecord>, StoreError>;
    /// The arrival number of the newest record; 0 while there is none.
    fn newest_arrival(&self) -> Result<u64, StoreError>;
    /// The newest unsigned state of every agent: site, agent, JSON text, when.
    fn states(&self) -> Result<Vec<(String, String, String, i64)>, StoreError>;
    /// Content that records name: of a chain or of all, what is missing or what is here.
    fn named(&self, chain: Option<ChainId>, missing: bool) -> Result<Vec<Named>, StoreError>;
    /// Bytes that the store takes on its disk, without what the database keeps beside it for a while.
    fn size_bytes(&self) -> Result<u64, StoreError>;
    /// Every chain that forks.
    fn forks(&self) -> Result<Vec<Fork>, StoreError>;
}

/// One moment of the store: what is read while it lives belongs together.
pub struct Moment<'a>(&'a dyn Store);

impl<'a> Moment<'a> {
    /// The moment that is now.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn of(store: &'a dyn Store) -> Result<Self, StoreError> {
        store.begin_reading()?;
        Ok(Self(store))
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        // What was read is read; a connection that is gone has ended it too.
        let _ = self.0.end_reading();
    }
}

/// Walks over all of something, page by page: what is held in memory is one page.
///
/// Each fails when the store cannot be read, or with the error of `each`, which ends the walk.
#[allow(clippy::missing_errors_doc, reason = "said once above, it is the same for all")]
pub trait Walk: Store {
    /// Hands every record of one chain to `each`, in sequence order from `from`.
    fn walk_chain<E: From<StoreError>>(
        &self,
        chain: ChainId,
        from: u64,
        each: impl FnMut(StoredRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        pages(from, |from| self.records_from(chain, from), |it| it.seq.saturating_add(1), each)
    }

    /// Hands every record to `each` that arrived after arrival number `after`, in order of arrival.
    fn walk_arrivals<E: From<StoreError>>(
        &self,
        after: u64,
        each: impl FnMut(StoredRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        pages(after, |after| self.records_after(after), |it| it.arrival, each)
    }

    /// Hands every leaf of the log to `each`, in order.
    fn walk_leaves<E: From<StoreError>>(&self, each: impl FnMut(Leaf) -> Result<(), E>) -> Result<(), E> {
        pages(0, |from| self.leaves_from(from), |it| it.position.saturating_add(1), each)
    }

    /// Hands every head of the log to `each`, by number.
    fn walk_heads<E: From<StoreError>>(&self, each: impl FnMut(LogHead) -> Result<(), E>) -> Result<(), E> {
        pages(0, |from| self.log_heads_from(from), |it| it.number.saturating_add(1), each)
    }

    /// Hands the pieces of a content to `each`, in order.
    fn walk_content<E: From<StoreError>>(
        &self,
        hash: Hash,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        pages(0, |from| self.pieces_from(hash, from), |it| it.0.saturating_add(1), |(_, bytes)| each(&bytes))
    }
}

impl<T: Store + ?Sized> Walk for T {}

/// Reads page after page until one is empty.
fn pages<T, E: From<StoreError>>(
    from: u64,
    page: impl Fn(u64) -> Result<Vec<T>, StoreError>,
    next: impl Fn(&T) -> u64,
    mut each: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let mut from = from;
    loop {
        let page = page(from)?;
        let Some(last) = page.last() else { return Ok(()) };
        from = next(last);
        for it in page {
            each(it)?;
        }
    }
}

impl ReadStore for SqliteStore {
    fn begin_reading(&self) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN").map_err(StoreError::database("beginning to read"))
    }

    fn end_reading(&self) -> Result<(), StoreError> {
        self.connection.execute_batch("ROLLBACK").map_err(StoreError::database("ending to read"))
    }

    fn outline(&self) -> Result<Vec<Outline>, StoreError> {
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

    fn records_from(&self, chain: ChainId, from: u64) -> Result<Vec<StoredRecord>, StoreError> {
        self.page(
            "SELECT arrival, chain, seq, hash, received_ms, bytes FROM record
             WHERE chain = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            params![chain.0, row_seq(from)?, PAGE],
        )
    }

    fn newest_arrival(&self) -> Result<u64, StoreError> {
        self.connection
            .prepare_cached("SELECT coalesce(max(arrival), 0) FROM record")
            .and_then(|mut it| it.query_row([], |row| seq_of(row, 0)))
            .map_err(StoreError::database("reading records"))
    }

    fn records_after(&self, arrival: u64) -> Result<Vec<StoredRecord>, StoreError> {
        self.page(
            "SELECT arrival, chain, seq, hash, received_ms, bytes FROM record WHERE arrival > ?1 ORDER BY arrival LIMIT ?2",
            params![row_seq(arrival)?, PAGE],
        )
    }

    fn states(&self) -> Result<Vec<(String, String, String, i64)>, StoreError> {
        self.connection
            .prepare_cached("SELECT site, agent, state, received_ms FROM state ORDER BY agent")
            .and_then(|mut it| {
                it.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
            })
            .map_err(StoreError::database("reading the states"))
    }

    fn named(&self, chain: Option<ChainId>, missing: bool) -> Result<Vec<Named>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT chain, seq, sha256, size FROM named WHERE (?1 IS NULL OR chain = ?1) AND missing = ?2
                 ORDER BY chain, seq",
            )
            .and_then(|mut it| {
                it.query_map(params![chain.map(|it| it.0), missing], |row| {
                    Ok(Named {
                        chain: ChainId(row.get(0)?),
                        seq: seq_of(row, 1)?,
                        hash: Hash(row.get(2)?),
                        size: seq_of(row, 3)?,
                    })
                })?
                .collect()
            })
            .map_err(StoreError::database("reading content"))
    }

    fn size_bytes(&self) -> Result<u64, StoreError> {
        self.connection
            .prepare_cached("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
            .and_then(|mut it| it.query_row([], |row| seq_of(row, 0)))
            .map_err(StoreError::database("reading the size"))
    }

    fn forks(&self) -> Result<Vec<Fork>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT coalesce(chain.agent, ''), evidence.chain, min(evidence.seq), count(*), min(evidence.received_ms)
                 FROM evidence LEFT JOIN chain ON chain.chain = evidence.chain
                 WHERE evidence.reason = ?1 GROUP BY evidence.chain ORDER BY 1, 2",
            )
            .and_then(|mut statement| {
                statement
                    .query_map([Bad::Equivocation.word()], |row| {
                        Ok(Fork {
                            agent: row.get(0)?,
                            chain: ChainId(row.get(1)?),
                            first_seq: seq_of(row, 2)?,
                            records: seq_of(row, 3)?,
                            since_ms: row.get(4)?,
                        })
                    })?
                    .collect()
            })
            .map_err(StoreError::database("reading the evidence"))
    }
}

impl SqliteStore {
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
