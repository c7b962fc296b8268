//! What the store holds that a person has to look into, and that stays so.

use tidewaiter_record::ChainId;

use super::{SqliteStore, StoreError, sqlite::seq_of};
use crate::finding::Bad;

/// Two boxes sign as one agent: other records, validly signed, under numbers that are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The agent.
    pub agent: String,
    /// The chain.
    pub chain: ChainId,
    /// The first number with two records.
    pub first_seq: u64,
    /// How many other records are kept.
    pub records: u64,
    /// When the first of them came, UTC milliseconds.
    pub since_ms: i64,
}

impl SqliteStore {
    /// Every chain that forks.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn forks(&self) -> Result<Vec<Fork>, StoreError> {
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
