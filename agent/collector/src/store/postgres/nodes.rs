//! Blocks of nodes: each method says in SQL what it says in the file's.

use postgres::Row;
use tidewaiter_record::{ChainId, Hash};

use super::{
    super::{
        NodeBlock, NodeFinding, NodeSeen, NodeStore, Side, StoreError,
        nodes::{FindingRow, clamped, finding_of},
        sqlite::row_seq,
    },
    Outcome, PostgresStore, chain_id, fixed, number, text,
};

impl NodeStore for PostgresStore {
    fn node_block(&self, serial: [u8; 8], sequence: u64, side: Side) -> Result<Option<NodeBlock>, StoreError> {
        let sequence = clamped(sequence);
        self.ask("reading the blocks of nodes", move |it| {
            let sql = match side {
                Side::Same => {
                    "SELECT serial, sequence, mac, starts, events, uptime_ms, chain, seq, boot, mono_ms, wall_ms
                     FROM node_block WHERE serial = $1 AND sequence = $2"
                }
                Side::Before => {
                    "SELECT serial, sequence, mac, starts, events, uptime_ms, chain, seq, boot, mono_ms, wall_ms
                     FROM node_block WHERE serial = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT 1"
                }
                Side::After => {
                    "SELECT serial, sequence, mac, starts, events, uptime_ms, chain, seq, boot, mono_ms, wall_ms
                     FROM node_block WHERE serial = $1 AND sequence > $2 ORDER BY sequence LIMIT 1"
                }
            };
            it.one(sql, &[&serial.as_slice(), &sequence], block_of)
        })
    }

    fn put_node_block(&mut self, block: &NodeBlock) -> Result<bool, StoreError> {
        let (block, seq) = (*block, row_seq(block.seq)?);
        self.ask("writing the block of a node", move |it| {
            let rows = it.execute(
                "INSERT INTO node_block (serial, sequence, mac, starts, events, uptime_ms, chain, seq, boot, mono_ms, wall_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
                &[
                    &block.serial.as_slice(),
                    &clamped(block.sequence),
                    &block.mac.as_slice(),
                    &i64::from(block.starts),
                    &i64::from(block.events),
                    &clamped(block.uptime_ms),
                    &block.chain.0.as_slice(),
                    &seq,
                    &block.boot.map(clamped),
                    &clamped(block.mono_ms),
                    &block.wall_ms,
                ],
            )?;
            Ok(rows == 1)
        })
    }

    fn forget_node_record(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError> {
        let seq = row_seq(seq)?;
        self.ask("writing the block of a node", move |it| {
            for sql in [
                "DELETE FROM node_block WHERE chain = $1 AND seq = $2",
                "DELETE FROM node_finding WHERE chain = $1 AND seq = $2",
            ] {
                it.execute(sql, &[&chain.0.as_slice(), &seq])?;
            }
            Ok(())
        })
    }

    fn put_node_finding(&mut self, found: &NodeFinding) -> Result<bool, StoreError> {
        let (found, seq) = (found.clone(), row_seq(found.seq)?);
        self.ask("writing a finding", move |it| {
            let (agent, detail) = (text(&found.agent), text(&found.finding.detail));
            let rows = it.execute(
                "INSERT INTO node_finding (chain, seq, agent, reason, detail, received_ms)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                &[&found.chain.0.as_slice(), &seq, &agent, &found.finding.bad.word(), &detail, &found.received_ms],
            )?;
            Ok(rows == 1)
        })
    }

    fn node_findings(&self, most: u32) -> Result<Vec<NodeFinding>, StoreError> {
        let most = i64::from(most);
        let rows: Vec<FindingRow> = self.ask("reading the blocks of nodes", move |it| {
            let sql =
                "SELECT chain, seq, agent, reason, detail, received_ms FROM node_finding ORDER BY id DESC LIMIT $1";
            it.all(sql, &[&most], found_in)
        })?;
        rows.into_iter().map(finding_of).collect()
    }

    fn node_findings_of(&self, chain: ChainId, first: u64, last: u64) -> Result<Vec<NodeFinding>, StoreError> {
        let (first, last) = (clamped(first), clamped(last));
        let rows: Vec<FindingRow> = self.ask("reading the blocks of nodes", move |it| {
            let sql = "SELECT chain, seq, agent, reason, detail, received_ms FROM node_finding
                       WHERE chain = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq, id";
            it.all(sql, &[&chain.0.as_slice(), &first, &last], found_in)
        })?;
        rows.into_iter().map(finding_of).collect()
    }

    fn nodes_seen(&self) -> Result<Vec<NodeSeen>, StoreError> {
        self.ask("reading the blocks of nodes", |it| {
            let sql = "SELECT serial, count(*), max(sequence) FROM node_block GROUP BY serial ORDER BY serial";
            it.all(sql, &[], |row| {
                Ok(NodeSeen { serial: fixed(row.try_get(0)?)?, blocks: number(row, 1)?, sequence: number(row, 2)? })
            })
        })
    }

    fn naming(&self, hash: Hash) -> Result<Vec<(ChainId, u64)>, StoreError> {
        self.ask("reading the blocks of nodes", move |it| {
            let sql = "SELECT chain, seq FROM named WHERE sha256 = $1 ORDER BY chain, seq";
            it.all(sql, &[&hash.0.as_slice()], |row| Ok((chain_id(row, 0)?, number(row, 1)?)))
        })
    }
}

fn found_in(row: &Row) -> Outcome<FindingRow> {
    let (chain, seq) = (chain_id(row, 0)?, number(row, 1)?);
    Ok((chain, seq, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?))
}

fn block_of(row: &Row) -> Outcome<NodeBlock> {
    let small = |column: usize| number(row, column).map(|it| u32::try_from(it).unwrap_or(u32::MAX));
    Ok(NodeBlock {
        serial: fixed(row.try_get(0)?)?,
        sequence: number(row, 1)?,
        mac: fixed(row.try_get(2)?)?,
        starts: small(3)?,
        events: small(4)?,
        uptime_ms: number(row, 5)?,
        chain: chain_id(row, 6)?,
        seq: number(row, 7)?,
        boot: row.try_get::<_, Option<i64>>(8)?.map(i64::cast_unsigned),
        mono_ms: number(row, 9)?,
        wall_ms: row.try_get(10)?,
    })
}
