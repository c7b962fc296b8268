//! What people and exports read: each method says in SQL what it says in `store/read.rs` for the file.

use postgres::Row;
use tidewaiter_record::ChainId;

use super::{
    super::{Fork, Named, Outline, ReadStore, StoreError, StoredRecord, read::PAGE, sqlite::row_seq},
    Outcome, PostgresStore, chain_id, hash, number, number_if_any,
};
use crate::finding::Bad;

impl ReadStore for PostgresStore {
    fn begin_reading(&self) -> Result<(), StoreError> {
        self.ask("beginning to read", |it| {
            Ok(it.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?)
        })
    }

    fn end_reading(&self) -> Result<(), StoreError> {
        self.ask("ending to read", |it| Ok(it.client.batch_execute("ROLLBACK")?))
    }

    fn outline(&self) -> Result<Vec<Outline>, StoreError> {
        let sql = "SELECT chain, agent, site, next_seq, head_received_ms,
                          (SELECT max(seq) FROM record WHERE record.chain = chain.chain),
                          (SELECT count(*) FROM record WHERE record.chain = chain.chain AND seq >= next_seq),
                          (SELECT count(*) FROM evidence WHERE evidence.chain = chain.chain),
                          (SELECT min(seq) FROM named WHERE named.chain = chain.chain AND missing)
                   FROM chain ORDER BY agent, chain";
        self.ask("reading the outline", |it| it.all(sql, &[], outline_of))
    }

    fn records_from(&self, chain: ChainId, from: u64) -> Result<Vec<StoredRecord>, StoreError> {
        let from = row_seq(from)?;
        self.ask("reading records", move |it| {
            let sql = "SELECT arrival, chain, seq, hash, received_ms, bytes FROM record
                       WHERE chain = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
            it.all(sql, &[&chain.0.as_slice(), &from, &i64::from(PAGE)], record_of)
        })
    }

    fn records_after(&self, arrival: u64) -> Result<Vec<StoredRecord>, StoreError> {
        let arrival = row_seq(arrival)?;
        self.ask("reading records", move |it| {
            let sql = "SELECT arrival, chain, seq, hash, received_ms, bytes FROM record
                       WHERE arrival > $1 ORDER BY arrival LIMIT $2";
            it.all(sql, &[&arrival, &i64::from(PAGE)], record_of)
        })
    }

    fn newest_arrival(&self) -> Result<u64, StoreError> {
        self.ask("reading records", |it| {
            let sql = "SELECT coalesce(max(arrival), 0) FROM record";
            Ok(it.one(sql, &[], |row| number(row, 0))?.unwrap_or(0))
        })
    }

    fn states(&self) -> Result<Vec<(String, String, String, i64)>, StoreError> {
        let sql = "SELECT site, agent, state, received_ms FROM state ORDER BY agent";
        self.ask("reading the states", |it| {
            it.all(sql, &[], |row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)))
        })
    }

    fn named(&self, chain: Option<ChainId>, missing: bool) -> Result<Vec<Named>, StoreError> {
        self.ask("reading content", move |it| {
            let sql = "SELECT chain, seq, sha256, size FROM named
                       WHERE ($1::bytea IS NULL OR chain = $1) AND missing = $2 ORDER BY chain, seq";
            let chain = chain.as_ref().map(|it| it.0.as_slice());
            it.all(sql, &[&chain, &missing], |row| {
                Ok(Named { chain: chain_id(row, 0)?, seq: number(row, 1)?, hash: hash(row, 2)?, size: number(row, 3)? })
            })
        })
    }

    fn size_bytes(&self) -> Result<u64, StoreError> {
        // Tables with their indexes and what is stored out of line.
        let sql = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                   WHERE relnamespace = 'tidewaiter'::regnamespace AND relkind = 'r'";
        self.ask("reading the size", |it| Ok(it.one(sql, &[], |row| number(row, 0))?.unwrap_or(0)))
    }

    fn forks(&self) -> Result<Vec<Fork>, StoreError> {
        let sql =
            "SELECT coalesce(chain.agent, ''), evidence.chain, min(evidence.seq), count(*), min(evidence.received_ms)
                   FROM evidence LEFT JOIN chain ON chain.chain = evidence.chain
                   WHERE evidence.reason = $1 GROUP BY chain.agent, evidence.chain ORDER BY 1, 2";
        self.ask("reading the evidence", |it| {
            it.all(sql, &[&Bad::Equivocation.word()], |row| {
                Ok(Fork {
                    agent: row.try_get(0)?,
                    chain: chain_id(row, 1)?,
                    first_seq: number(row, 2)?,
                    records: number(row, 3)?,
                    since_ms: row.try_get(4)?,
                })
            })
        })
    }
}

fn outline_of(row: &Row) -> Outcome<Outline> {
    Ok(Outline {
        chain: chain_id(row, 0)?,
        agent: row.try_get(1)?,
        site: row.try_get(2)?,
        next_seq: number(row, 3)?,
        head_received_ms: row.try_get(4)?,
        highest: number_if_any(row, 5)?,
        waiting: number(row, 6)?,
        evidence: number(row, 7)?,
        held_at: number_if_any(row, 8)?,
    })
}

fn record_of(row: &Row) -> Outcome<StoredRecord> {
    Ok(StoredRecord {
        arrival: number(row, 0)?,
        chain: chain_id(row, 1)?,
        seq: number(row, 2)?,
        hash: hash(row, 3)?,
        received_ms: row.try_get(4)?,
        bytes: row.try_get(5)?,
    })
}
