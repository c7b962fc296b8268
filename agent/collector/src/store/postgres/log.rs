//! The log: each method says in SQL what it says in `store/log.rs` for the file.

use postgres::Row;
use tidewaiter_record::{
    ChainId, Hash,
    log::{Node, leaf_hash},
};

use super::{
    super::{Leaf, LogHead, LogStore, StoreError, log::PAGE, sqlite::row_seq},
    Outcome, PostgresStore, Trouble, chain_id, hash, number,
};

impl LogStore for PostgresStore {
    fn log_size(&self) -> Result<u64, StoreError> {
        self.ask("reading the size of the log", |it| {
            let sql = "SELECT coalesce(max(position) + 1, 0) FROM log_leaf";
            Ok(it.one(sql, &[], |row| number(row, 0))?.unwrap_or(0))
        })
    }

    fn log_node(&self, node: Node) -> Result<Hash, StoreError> {
        let position = row_seq(node.position)?;
        self.ask("reading the log", move |it| {
            let found = if node.level == 0 {
                let sql = "SELECT hash FROM log_leaf WHERE position = $1";
                it.one(sql, &[&position], |row| hash(row, 0))?.map(|it| leaf_hash(&it.0))
            } else {
                let sql = "SELECT hash FROM log_node WHERE level = $1 AND position = $2";
                it.one(sql, &[&i64::from(node.level), &position], |row| hash(row, 0))?
            };
            let what = || format!("the log has no node {} of level {}", node.position, node.level);
            found.ok_or_else(|| Trouble::Row(what()))
        })
    }

    fn append_leaf(&mut self, leaf: &Leaf, complete: &[(Node, Hash)]) -> Result<(), StoreError> {
        if let Some(turn) = &mut *self.turn.borrow_mut() {
            return turn.append_leaf(leaf, complete);
        }
        let (leaf, position, seq) = (*leaf, row_seq(leaf.position)?, row_seq(leaf.seq)?);
        let nodes: Vec<(i64, i64, Hash)> = complete
            .iter()
            .filter(|(node, _)| node.level > 0)
            .map(|(node, hash)| Ok((i64::from(node.level), row_seq(node.position)?, *hash)))
            .collect::<Result<_, StoreError>>()?;
        self.ask("appending to the log", move |it| {
            it.execute(
                "INSERT INTO log_leaf (position, chain, seq, hash) VALUES ($1, $2, $3, $4)",
                &[&position, &leaf.chain.0.as_slice(), &seq, &leaf.hash.0.as_slice()],
            )?;
            for (level, position, hash) in &nodes {
                let sql = "INSERT INTO log_node (level, position, hash) VALUES ($1, $2, $3)";
                it.execute(sql, &[level, position, &hash.0.as_slice()])?;
            }
            Ok(())
        })
    }

    fn leaves_from(&self, position: u64) -> Result<Vec<Leaf>, StoreError> {
        let position = row_seq(position)?;
        self.ask("reading the log", move |it| {
            let sql = "SELECT position, chain, seq, hash FROM log_leaf WHERE position >= $1 ORDER BY position LIMIT $2";
            it.all(sql, &[&position, &i64::from(PAGE)], leaf_of)
        })
    }

    fn leaf_of(&self, chain: ChainId, seq: u64) -> Result<Option<Leaf>, StoreError> {
        let seq = row_seq(seq)?;
        self.ask("reading the log", move |it| {
            let sql = "SELECT position, chain, seq, hash FROM log_leaf WHERE chain = $1 AND seq = $2";
            it.one(sql, &[&chain.0.as_slice(), &seq], leaf_of)
        })
    }

    fn newest_head(&self) -> Result<Option<LogHead>, StoreError> {
        let sql = "SELECT number, size, root, at_ms, bytes FROM log_head ORDER BY number DESC LIMIT 1";
        self.ask("reading the heads of the log", |it| it.one(sql, &[], head_of))
    }

    fn numbered_head(&self, number: u64) -> Result<Option<LogHead>, StoreError> {
        let number = row_seq(number)?;
        self.ask("reading the heads of the log", move |it| {
            let sql = "SELECT number, size, root, at_ms, bytes FROM log_head WHERE number = $1";
            it.one(sql, &[&number], head_of)
        })
    }

    fn log_heads_from(&self, number: u64) -> Result<Vec<LogHead>, StoreError> {
        let number = row_seq(number)?;
        self.ask("reading the heads of the log", move |it| {
            let sql =
                "SELECT number, size, root, at_ms, bytes FROM log_head WHERE number >= $1 ORDER BY number LIMIT $2";
            it.all(sql, &[&number, &i64::from(PAGE)], head_of)
        })
    }

    fn put_log_head(&mut self, head: &LogHead) -> Result<(), StoreError> {
        let (head, number, size) = (head.clone(), row_seq(head.number)?, row_seq(head.size)?);
        self.ask("writing a head of the log", move |it| {
            it.execute(
                "INSERT INTO log_head (number, size, root, at_ms, bytes) VALUES ($1, $2, $3, $4, $5)",
                &[&number, &size, &head.root.0.as_slice(), &head.at_ms, &head.bytes],
            )?;
            Ok(())
        })
    }
}

fn leaf_of(row: &Row) -> Outcome<Leaf> {
    Ok(Leaf { position: number(row, 0)?, chain: chain_id(row, 1)?, seq: number(row, 2)?, hash: hash(row, 3)? })
}

fn head_of(row: &Row) -> Outcome<LogHead> {
    Ok(LogHead {
        number: number(row, 0)?,
        size: number(row, 1)?,
        root: hash(row, 2)?,
        at_ms: row.try_get(3)?,
        bytes: row.try_get(4)?,
    })
}
