//! The content of evidence: each method says in SQL what it says in `store/content.rs` for the file.

use tidewaiter_record::{ChainId, Hash};

use super::{
    super::{ContentRows, Named, StoreError, content::PIECES, sqlite::row_seq},
    PostgresStore, chain_id, hash as hash_of, number,
};

const WRITING: &str = "writing content";
const READING: &str = "reading content";

impl ContentRows for PostgresStore {
    fn name_content(&mut self, named: &Named, agent: &str) -> Result<(), StoreError> {
        let (named, agent) = (*named, agent.to_owned());
        let (seq, size) = (row_seq(named.seq)?, row_seq(named.size)?);
        self.ask(WRITING, move |it| {
            it.execute(
                "INSERT INTO named (chain, seq, agent, sha256, size, missing)
                 VALUES ($1, $2, $3, $4, $5, NOT EXISTS (SELECT 1 FROM content WHERE sha256 = $4 AND complete))
                 ON CONFLICT (chain, seq) DO UPDATE SET agent = excluded.agent, sha256 = excluded.sha256,
                 size = excluded.size, missing = excluded.missing",
                &[&named.chain.0.as_slice(), &seq, &agent, &named.hash.0.as_slice(), &size],
            )?;
            Ok(())
        })
    }

    fn forget_named(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError> {
        let seq = row_seq(seq)?;
        self.ask(WRITING, move |it| {
            it.execute("DELETE FROM named WHERE chain = $1 AND seq = $2", &[&chain.0.as_slice(), &seq])?;
            Ok(())
        })
    }

    fn first_missing(&self, chain: ChainId) -> Result<Option<u64>, StoreError> {
        self.ask(READING, move |it| {
            let sql = "SELECT seq FROM named WHERE chain = $1 AND missing ORDER BY seq LIMIT 1";
            it.one(sql, &[&chain.0.as_slice()], |row| number(row, 0))
        })
    }

    fn is_wanted(&self, agent: &str, hash: Hash, size: u64) -> Result<bool, StoreError> {
        let (agent, size) = (agent.to_owned(), row_seq(size)?);
        self.ask(READING, move |it| {
            let sql = "SELECT 1 FROM named WHERE sha256 = $1 AND agent = $2 AND size = $3 AND missing LIMIT 1";
            Ok(it.row(sql, &[&hash.0.as_slice(), &agent, &size])?.is_some())
        })
    }

    fn has_content(&self, hash: Hash) -> Result<bool, StoreError> {
        self.ask(READING, move |it| {
            let sql = "SELECT 1 FROM content WHERE sha256 = $1 AND complete";
            Ok(it.row(sql, &[&hash.0.as_slice()])?.is_some())
        })
    }

    fn begun(&self, hash: Hash) -> Result<Option<u64>, StoreError> {
        self.ask(READING, move |it| {
            it.one("SELECT size FROM content WHERE sha256 = $1", &[&hash.0.as_slice()], |row| number(row, 0))
        })
    }

    fn begin_content(&mut self, agent: &str, hash: Hash, size: u64, now_ms: i64) -> Result<(), StoreError> {
        let (agent, size) = (agent.to_owned(), row_seq(size)?);
        self.ask(WRITING, move |it| {
            it.execute(
                "INSERT INTO content (sha256, agent, size, received, complete, began_ms)
                 VALUES ($1, $2, $3, 0, false, $4)",
                &[&hash.0.as_slice(), &agent, &size, &now_ms],
            )?;
            Ok(())
        })
    }

    fn keep_piece(&mut self, hash: Hash, offset: u64, bytes: &[u8]) -> Result<Option<u64>, StoreError> {
        let (start, bytes) = (row_seq(offset)?, bytes.to_vec());
        self.ask(WRITING, move |it| {
            let new = it.execute(
                "INSERT INTO content_piece (sha256, start, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                &[&hash.0.as_slice(), &start, &bytes],
            )?;
            if new == 0 {
                return Ok(None);
            }
            let sql = "UPDATE content SET received = received + $2 WHERE sha256 = $1 RETURNING received";
            let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            it.one(sql, &[&hash.0.as_slice(), &length], |row| number(row, 0))
        })
    }

    fn complete_content(&mut self, hash: Hash) -> Result<Vec<ChainId>, StoreError> {
        let mut chains = self.ask(WRITING, move |it| {
            it.execute("UPDATE content SET complete = true WHERE sha256 = $1", &[&hash.0.as_slice()])?;
            let sql = "UPDATE named SET missing = false WHERE sha256 = $1 AND missing RETURNING chain";
            it.all(sql, &[&hash.0.as_slice()], |row| chain_id(row, 0))
        })?;
        chains.sort_unstable();
        chains.dedup();
        Ok(chains)
    }

    fn drop_content(&mut self, hash: Hash) -> Result<(), StoreError> {
        self.ask(WRITING, move |it| {
            it.execute("DELETE FROM content_piece WHERE sha256 = $1", &[&hash.0.as_slice()])?;
            it.execute("DELETE FROM content WHERE sha256 = $1", &[&hash.0.as_slice()])?;
            Ok(())
        })
    }

    fn open_bytes(&self, agent: Option<&str>) -> Result<u64, StoreError> {
        let agent = agent.map(str::to_owned);
        self.ask(READING, move |it| {
            let sql = "SELECT coalesce(sum(received), 0)::bigint FROM content
                       WHERE ($1::text IS NULL OR agent = $1) AND NOT complete";
            Ok(it.one(sql, &[&agent], |row| number(row, 0))?.unwrap_or(0))
        })
    }

    fn oldest_open(&self, agent: Option<&str>, but: Hash) -> Result<Option<Hash>, StoreError> {
        let agent = agent.map(str::to_owned);
        self.ask(READING, move |it| {
            let sql =
                "SELECT sha256 FROM content WHERE ($1::text IS NULL OR agent = $1) AND NOT complete AND sha256 <> $2
                       ORDER BY began_ms, id LIMIT 1";
            it.one(sql, &[&agent, &but.0.as_slice()], |row| hash_of(row, 0))
        })
    }

    fn pieces_from(&self, hash: Hash, offset: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let start = row_seq(offset)?;
        self.ask(READING, move |it| {
            let sql =
                "SELECT start, bytes FROM content_piece WHERE sha256 = $1 AND start >= $2 ORDER BY start LIMIT $3";
            it.all(sql, &[&hash.0.as_slice(), &start, &i64::from(PIECES)], |row| Ok((number(row, 0)?, row.try_get(1)?)))
        })
    }
}
