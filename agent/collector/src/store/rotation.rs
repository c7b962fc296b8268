//! Keys that chains have handed themselves to, as learned from their records.

use rusqlite::{Row, params};
use tidewaiter_record::{Algorithm, ChainId, Kid, PublicKey, Rotation};

use super::{
    SqliteStore, StoreError,
    sqlite::{row_seq, seq_of},
};

/// The part of the store that keeps rotations, each written with its record.
///
/// Every method fails with [`StoreError`] alone, and after any failure the handle is spent.
#[allow(clippy::missing_errors_doc, reason = "said once above, it is the same for all")]
pub trait RotationStore {
    /// All of them, by chain and number.
    fn rotations(&self) -> Result<Vec<Rotation>, StoreError>;
    /// Keeps one.
    fn put_rotation(&mut self, rotation: &Rotation) -> Result<(), StoreError>;
    /// Forgets the one of a record that does not stand in its chain any more.
    fn drop_rotation(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError>;
}

impl RotationStore for SqliteStore {
    fn rotations(&self) -> Result<Vec<Rotation>, StoreError> {
        let rows: Vec<_> = self
            .connection
            .prepare_cached("SELECT chain, seq, old, algorithm, public FROM rotation ORDER BY chain, seq")
            .and_then(|mut it| it.query_map([], row_of)?.collect())
            .map_err(StoreError::database("reading the learned keys"))?;
        rows.into_iter()
            .map(|(chain, seq, old, algorithm, public)| {
                let new = Algorithm::from_cose(algorithm).and_then(|it| PublicKey::from_bytes(it, &public).ok());
                let what = || format!("the key that chain {chain} handed itself to at {seq} is none of this build");
                new.map(|new| Rotation { chain, seq, old, new }).ok_or_else(|| StoreError::Corrupt { what: what() })
            })
            .collect()
    }

    fn put_rotation(&mut self, rotation: &Rotation) -> Result<(), StoreError> {
        let seq = row_seq(rotation.seq)?;
        let (algorithm, public) = (rotation.new.algorithm().cose(), rotation.new.to_bytes());
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO rotation (chain, seq, old, algorithm, public) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .and_then(|mut it| it.execute(params![rotation.chain.0, seq, rotation.old.0, algorithm, public.as_slice()]))
            .map_err(StoreError::database("writing a learned key"))?;
        Ok(())
    }

    fn drop_rotation(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError> {
        let seq = row_seq(seq)?;
        self.connection
            .prepare_cached("DELETE FROM rotation WHERE chain = ?1 AND seq = ?2")
            .and_then(|mut it| it.execute(params![chain.0, seq]))
            .map_err(StoreError::database("forgetting a learned key"))?;
        Ok(())
    }
}

type Columns = (ChainId, u64, Kid, i64, Vec<u8>);

fn row_of(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((ChainId(row.get(0)?), seq_of(row, 1)?, Kid(row.get(2)?), row.get(3)?, row.get(4)?))
}
