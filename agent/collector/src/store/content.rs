//! The content of evidence: who named it, what of it is here, and what is missing.
//!
//! Content is kept in the pieces it came in, in the same store as the records, so that one transaction makes a piece
//! durable together with what follows from it, and one backup holds everything. It is put together only while it
//! is read.
//!
//! What is not complete may be dropped at any time: no receipt speaks of it, and it will be sent again. Bounds: one
//! agent may have [`MAX_OPEN_PER_AGENT`] bytes of incomplete content here and all together [`MAX_OPEN`]; the oldest
//! incomplete content gives way.

use rusqlite::{OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use tidewaiter_record::{ChainId, Hash, Piece};

use super::{
    SqliteStore, StoreError,
    sqlite::{row_seq, seq_of},
};

/// Most bytes of incomplete content of one agent: twice the largest content there may be.
pub const MAX_OPEN_PER_AGENT: u64 = 128 * 1024 * 1024;

/// Most bytes of incomplete content of all agents.
pub const MAX_OPEN: u64 = 1024 * 1024 * 1024;

/// What became of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// No stored record of this agent names it, or all of it is here already.
    NotWanted,
    /// It was here before.
    Known,
    /// It is kept, and more is missing.
    Kept,
    /// It was the last one, and the hash is right: what of these chains was held back for it is free.
    Complete(Vec<ChainId>),
    /// It was the last one, and the hash of the whole is another one; all of it was dropped.
    Wrong(Hash),
}

/// Content that a record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Chain of the record.
    pub chain: ChainId,
    /// Its number.
    pub seq: u64,
    /// SHA-256 of the content.
    pub hash: Hash,
    /// Its bytes.
    pub size: u64,
}

/// What a store keeps of content, row by row. [`ContentStore`] decides with these.
///
/// Every method fails with [`StoreError`] alone, and after any failure the handle is spent.
#[allow(clippy::missing_errors_doc, reason = "said once above, it is the same for all")]
pub trait ContentRows {
    /// A stored record of `agent` names content that travels beside it.
    fn name_content(&mut self, named: &Named, agent: &str) -> Result<(), StoreError>;
    /// The record does not stand in its chain any more.
    fn forget_named(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError>;
    /// The first record of a chain whose content is missing.
    fn first_missing(&self, chain: ChainId) -> Result<Option<u64>, StoreError>;
    /// Whether a stored record of the agent names this content, of this size, and waits for it.
    fn is_wanted(&self, agent: &str, hash: Hash, size: u64) -> Result<bool, StoreError>;
    /// Whether all of a content is here.
    fn has_content(&self, hash: Hash) -> Result<bool, StoreError>;
    /// The size of a content of which something is here.
    fn begun(&self, hash: Hash) -> Result<Option<u64>, StoreError>;
    /// Makes the row of a content of which nothing is here.
    fn begin_content(&mut self, agent: &str, hash: Hash, size: u64, now_ms: i64) -> Result<(), StoreError>;
    /// Keeps a piece; gives how many bytes are here with it, or nothing when there was one at its offset.
    fn keep_piece(&mut self, hash: Hash, offset: u64, bytes: &[u8]) -> Result<Option<u64>, StoreError>;
    /// Marks a content as complete; gives the chains that waited for it, each once.
    fn complete_content(&mut self, hash: Hash) -> Result<Vec<ChainId>, StoreError>;
    /// Forgets a content and its pieces.
    fn drop_content(&mut self, hash: Hash) -> Result<(), StoreError>;
    /// Bytes of incomplete content, of an agent or of all.
    fn open_bytes(&self, agent: Option<&str>) -> Result<u64, StoreError>;
    /// The incomplete content that was begun first, of an agent or of all, but for one.
    fn oldest_open(&self, agent: Option<&str>, but: Hash) -> Result<Option<Hash>, StoreError>;
    /// The next pieces of a content from an offset on, with their offsets; none when there are no more.
    fn pieces_from(&self, hash: Hash, offset: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError>;
}

/// The part of the store that takes the content of evidence.
pub trait ContentStore: ContentRows {
    /// Takes a piece of content from an agent.
    ///
    /// # Errors
    ///
    /// A [`StoreError`], after which the handle is spent.
    fn put_piece(&mut self, agent: &str, hash: Hash, piece: &Piece<'_>, now_ms: i64) -> Result<Taken, StoreError> {
        if !self.is_wanted(agent, hash, piece.size)? {
            return Ok(Taken::NotWanted);
        }
        // One that was begun with another size is begun anew.
        if self.begun(hash)? != Some(piece.size) {
            self.drop_content(hash)?;
            self.begin_content(agent, hash, piece.size, now_ms)?;
        }
        let Some(received) = self.keep_piece(hash, piece.offset, piece.bytes)? else { return Ok(Taken::Known) };
        if received < piece.size {
            make_room(self, agent, hash)?;
            return Ok(Taken::Kept);
        }
        let mut digest = Sha256::new();
        let mut next = 0;
        loop {
            let pieces = self.pieces_from(hash, next)?;
            let Some((last, _)) = pieces.last() else { break };
            next = last.saturating_add(1);
            for (_, bytes) in &pieces {
                digest.update(bytes);
            }
        }
        let found = Hash(digest.finalize().into());
        if found != hash {
            self.drop_content(hash)?;
            return Ok(Taken::Wrong(found));
        }
        self.complete_content(hash).map(Taken::Complete)
    }
}

impl<T: ContentRows + ?Sized> ContentStore for T {}

/// Drops incomplete content, oldest first, until the bounds hold; the one in hand stays.
fn make_room<T: ContentRows + ?Sized>(rows: &mut T, agent: &str, in_hand: Hash) -> Result<(), StoreError> {
    for (whose, bound) in [(Some(agent), MAX_OPEN_PER_AGENT), (None, MAX_OPEN)] {
        while rows.open_bytes(whose)? > bound {
            match rows.oldest_open(whose, in_hand)? {
                Some(hash) => rows.drop_content(hash)?,
                None => break,
            }
        }
    }
    Ok(())
}

const WRITING: &str = "writing content";
const READING: &str = "reading content";

/// Pieces fetched by one query: 256 KiB.
pub(super) const PIECES: u16 = 16;

impl ContentRows for SqliteStore {
    fn name_content(&mut self, named: &Named, agent: &str) -> Result<(), StoreError> {
        let (seq, size) = (row_seq(named.seq)?, row_seq(named.size)?);
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO named (chain, seq, agent, sha256, size, missing)
                 VALUES (?1, ?2, ?3, ?4, ?5, NOT EXISTS (SELECT 1 FROM content WHERE sha256 = ?4 AND complete = 1))",
            )
            .and_then(|mut it| it.execute(params![named.chain.0, seq, agent, named.hash.0, size]))
            .map_err(StoreError::database(WRITING))?;
        Ok(())
    }

    fn forget_named(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError> {
        let seq = row_seq(seq)?;
        self.connection
            .prepare_cached("DELETE FROM named WHERE chain = ?1 AND seq = ?2")
            .and_then(|mut it| it.execute(params![chain.0, seq]))
            .map_err(StoreError::database(WRITING))?;
        Ok(())
    }

    fn first_missing(&self, chain: ChainId) -> Result<Option<u64>, StoreError> {
        self.connection
            .prepare_cached("SELECT seq FROM named WHERE chain = ?1 AND missing = 1 ORDER BY seq LIMIT 1")
            .and_then(|mut it| it.query_row([&chain.0], |row| seq_of(row, 0)).optional())
            .map_err(StoreError::database(READING))
    }

    fn is_wanted(&self, agent: &str, hash: Hash, size: u64) -> Result<bool, StoreError> {
        let size = row_seq(size)?;
        self.connection
            .prepare_cached("SELECT 1 FROM named WHERE sha256 = ?1 AND agent = ?2 AND size = ?3 AND missing = 1")
            .and_then(|mut it| it.exists(params![hash.0, agent, size]))
            .map_err(StoreError::database(READING))
    }

    fn has_content(&self, hash: Hash) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached("SELECT 1 FROM content WHERE sha256 = ?1 AND complete = 1")
            .and_then(|mut it| it.exists([&hash.0]))
            .map_err(StoreError::database(READING))
    }

    fn begun(&self, hash: Hash) -> Result<Option<u64>, StoreError> {
        self.connection
            .prepare_cached("SELECT size FROM content WHERE sha256 = ?1")
            .and_then(|mut it| it.query_row([&hash.0], |row| seq_of(row, 0)).optional())
            .map_err(StoreError::database(READING))
    }

    fn begin_content(&mut self, agent: &str, hash: Hash, size: u64, now_ms: i64) -> Result<(), StoreError> {
        let size = row_seq(size)?;
        self.connection
            .prepare_cached(
                "INSERT INTO content (sha256, agent, size, received, complete, began_ms) VALUES (?1, ?2, ?3, 0, 0, ?4)",
            )
            .and_then(|mut it| it.execute(params![hash.0, agent, size, now_ms]))
            .map_err(StoreError::database(WRITING))?;
        Ok(())
    }

    fn keep_piece(&mut self, hash: Hash, offset: u64, bytes: &[u8]) -> Result<Option<u64>, StoreError> {
        let offset = row_seq(offset)?;
        let new = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO content_piece (sha256, offset, bytes) VALUES (?1, ?2, ?3)")
            .and_then(|mut it| it.execute(params![hash.0, offset, bytes]))
            .map_err(StoreError::database(WRITING))?;
        if new == 0 {
            return Ok(None);
        }
        self.connection
            .prepare_cached("UPDATE content SET received = received + ?2 WHERE sha256 = ?1 RETURNING received")
            .and_then(|mut it| it.query_row(params![hash.0, bytes.len().cast_signed()], |row| seq_of(row, 0)))
            .map(Some)
            .map_err(StoreError::database(WRITING))
    }

    fn complete_content(&mut self, hash: Hash) -> Result<Vec<ChainId>, StoreError> {
        self.connection
            .prepare_cached("UPDATE content SET complete = 1 WHERE sha256 = ?1")
            .and_then(|mut it| it.execute([&hash.0]))
            .map_err(StoreError::database(WRITING))?;
        let mut chains: Vec<ChainId> = self
            .connection
            .prepare_cached("UPDATE named SET missing = 0 WHERE sha256 = ?1 AND missing = 1 RETURNING chain")
            .and_then(|mut it| it.query_map([&hash.0], |row| row.get(0).map(ChainId))?.collect())
            .map_err(StoreError::database(WRITING))?;
        chains.sort_unstable();
        chains.dedup();
        Ok(chains)
    }

    fn drop_content(&mut self, hash: Hash) -> Result<(), StoreError> {
        for sql in ["DELETE FROM content_piece WHERE sha256 = ?1", "DELETE FROM content WHERE sha256 = ?1"] {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut it| it.execute([&hash.0]))
                .map_err(StoreError::database(WRITING))?;
        }
        Ok(())
    }

    fn open_bytes(&self, agent: Option<&str>) -> Result<u64, StoreError> {
        let sql = match agent {
            Some(_) => "SELECT coalesce(sum(received), 0) FROM content WHERE agent = ?1 AND complete = 0",
            None => "SELECT coalesce(sum(received), 0) FROM content WHERE ?1 IS NULL AND complete = 0",
        };
        self.connection
            .prepare_cached(sql)
            .and_then(|mut it| it.query_row([agent], |row| seq_of(row, 0)))
            .map_err(StoreError::database(READING))
    }

    fn oldest_open(&self, agent: Option<&str>, but: Hash) -> Result<Option<Hash>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT sha256 FROM content WHERE (?1 IS NULL OR agent = ?1) AND complete = 0 AND sha256 <> ?2
                 ORDER BY began_ms, rowid LIMIT 1",
            )
            .and_then(|mut it| it.query_row(params![agent, but.0], |row| row.get(0).map(Hash)).optional())
            .map_err(StoreError::database(READING))
    }

    fn pieces_from(&self, hash: Hash, offset: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let offset = row_seq(offset)?;
        self.connection
            .prepare_cached(
                "SELECT offset, bytes FROM content_piece WHERE sha256 = ?1 AND offset >= ?2 ORDER BY offset LIMIT ?3",
            )
            .and_then(|mut it| {
                it.query_map(params![hash.0, offset, PIECES], |row| Ok((seq_of(row, 0)?, row.get(1)?)))?.collect()
            })
            .map_err(StoreError::database(READING))
    }
}
