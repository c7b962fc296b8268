//! The content of evidence: who named it, what of it is here, and what is missing.
//!
//! Content is kept in the pieces it came in, in the same file as the records, so that one transaction makes a piece
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

/// The part of the store that keeps the content of evidence.
///
/// Every method fails with [`StoreError`] alone, and after any failure the handle is spent.
#[allow(clippy::missing_errors_doc, reason = "said once above, it is the same for all")]
pub trait ContentStore {
    /// A stored record of `agent` names content that travels beside it.
    fn name_content(&mut self, named: &Named, agent: &str) -> Result<(), StoreError>;
    /// The record does not stand in its chain any more.
    fn forget_named(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError>;
    /// The first record of a chain whose content is missing.
    fn first_missing(&self, chain: ChainId) -> Result<Option<u64>, StoreError>;
    /// Takes a piece of content from an agent.
    fn put_piece(&mut self, agent: &str, hash: Hash, piece: &Piece<'_>, now_ms: i64) -> Result<Taken, StoreError>;
}

const WRITING: &str = "writing content";
const READING: &str = "reading content";

impl ContentStore for SqliteStore {
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

    fn put_piece(&mut self, agent: &str, hash: Hash, piece: &Piece<'_>, now_ms: i64) -> Result<Taken, StoreError> {
        let size = row_seq(piece.size)?;
        let wanted = self
            .connection
            .prepare_cached("SELECT 1 FROM named WHERE sha256 = ?1 AND agent = ?2 AND size = ?3 AND missing = 1")
            .and_then(|mut it| it.exists(params![hash.0, agent, size]))
            .map_err(StoreError::database(READING))?;
        if !wanted {
            return Ok(Taken::NotWanted);
        }
        self.begin_content(agent, hash, piece.size, now_ms)?;
        let offset = row_seq(piece.offset)?;
        let new = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO content_piece (sha256, offset, bytes) VALUES (?1, ?2, ?3)")
            .and_then(|mut it| it.execute(params![hash.0, offset, piece.bytes]))
            .map_err(StoreError::database(WRITING))?;
        if new == 0 {
            return Ok(Taken::Known);
        }
        let received = self
            .connection
            .prepare_cached("UPDATE content SET received = received + ?2 WHERE sha256 = ?1 RETURNING received")
            .and_then(|mut it| it.query_row(params![hash.0, piece.bytes.len().cast_signed()], |row| seq_of(row, 0)))
            .map_err(StoreError::database(WRITING))?;
        if received < piece.size {
            self.make_room(agent, hash)?;
            return Ok(Taken::Kept);
        }
        let mut digest = Sha256::new();
        self.walk_content(hash, |bytes| {
            digest.update(bytes);
            Ok::<_, StoreError>(())
        })?;
        let found = Hash(digest.finalize().into());
        if found != hash {
            self.drop_content(hash)?;
            return Ok(Taken::Wrong(found));
        }
        self.complete_content(hash).map(Taken::Complete)
    }
}

impl SqliteStore {
    /// Makes the row of a content; one that was begun with another size is begun anew.
    fn begin_content(&mut self, agent: &str, hash: Hash, size: u64, now_ms: i64) -> Result<(), StoreError> {
        let begun = self
            .connection
            .prepare_cached("SELECT size FROM content WHERE sha256 = ?1")
            .and_then(|mut it| it.query_row([&hash.0], |row| seq_of(row, 0)).optional())
            .map_err(StoreError::database(READING))?;
        if begun == Some(size) {
            return Ok(());
        }
        self.drop_content(hash)?;
        let size = row_seq(size)?;
        self.connection
            .prepare_cached(
                "INSERT INTO content (sha256, agent, size, received, complete, began_ms) VALUES (?1, ?2, ?3, 0, 0, ?4)",
            )
            .and_then(|mut it| it.execute(params![hash.0, agent, size, now_ms]))
            .map_err(StoreError::database(WRITING))?;
        Ok(())
    }

    /// Marks a content as complete; gives the chains that waited for it.
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

    /// Drops incomplete content, oldest first, until the bounds hold; the one in hand stays.
    fn make_room(&mut self, agent: &str, in_hand: Hash) -> Result<(), StoreError> {
        let scopes: [(&str, u64); 2] = [("agent = ?1 AND", MAX_OPEN_PER_AGENT), ("?1 IS NOT NULL AND", MAX_OPEN)];
        for (scope, bound) in scopes {
            let sum = format!("SELECT coalesce(sum(received), 0) FROM content WHERE {scope} complete = 0");
            let oldest = format!(
                "SELECT sha256 FROM content WHERE {scope} complete = 0 AND sha256 <> ?2 ORDER BY began_ms, rowid LIMIT 1"
            );
            loop {
                let open = self
                    .connection
                    .prepare_cached(&sum)
                    .and_then(|mut it| it.query_row([agent], |row| seq_of(row, 0)))
                    .map_err(StoreError::database(READING))?;
                if open <= bound {
                    break;
                }
                let found = self
                    .connection
                    .prepare_cached(&oldest)
                    .and_then(|mut it| it.query_row(params![agent, in_hand.0], |row| row.get(0).map(Hash)).optional())
                    .map_err(StoreError::database(READING))?;
                match found {
                    Some(hash) => self.drop_content(hash)?,
                    None => break,
                }
            }
        }
        Ok(())
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

    /// Hands the pieces of a content to `each`, in order.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or with the error of `each`, which ends the walk.
    pub fn walk_content<E: From<StoreError>>(
        &self,
        hash: Hash,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = || StoreError::database(READING);
        let mut statement = self
            .connection
            .prepare_cached("SELECT bytes FROM content_piece WHERE sha256 = ?1 ORDER BY offset")
            .map_err(failed())?;
        let mut rows = statement.query([&hash.0]).map_err(failed())?;
        while let Some(row) = rows.next().map_err(failed())? {
            let bytes = row.get_ref(0).map_err(failed())?;
            each(bytes.as_blob().unwrap_or_default())?;
        }
        Ok(())
    }

    /// Whether all of a content is here.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn has_content(&self, hash: Hash) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached("SELECT 1 FROM content WHERE sha256 = ?1 AND complete = 1")
            .and_then(|mut it| it.exists([&hash.0]))
            .map_err(StoreError::database(READING))
    }

    /// Content that records name: of a chain or of all, what is missing or what is here.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn named(&self, chain: Option<ChainId>, missing: bool) -> Result<Vec<Named>, StoreError> {
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
            .map_err(StoreError::database(READING))
    }
}
