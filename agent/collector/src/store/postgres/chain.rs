//! Chains, records, evidence, gaps, learned keys and counters: each method says in SQL what it says in `sqlite.rs`.

use std::collections::BTreeMap;

use postgres::Row;
use tidewaiter_record::{Algorithm, ChainId, Hash, Kid, PublicKey, Rotation};

use super::{
    super::{
        ChainHead, Entry, Gap, GapStore, Link, MAX_EVIDENCE_PER_SEQ, MAX_REFUSED_BYTES, MAX_REFUSED_KEPT, Refused,
        RotationStore, Since, Store, StoreError, sqlite::row_seq,
    },
    Outcome, PostgresStore, Session, Trouble, chain_id, fixed, hash, number, text,
    turn::{Known, Turn},
};
use crate::finding::Bad;

/// The rows of an [`Entry`], owned: a job outlives the call that sends it.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) chain: ChainId,
    pub(super) seq: i64,
    pub(super) link: Link,
    pub(super) bytes: Vec<u8>,
}

impl Owned {
    fn of(entry: &Entry<'_>) -> Result<Self, StoreError> {
        Ok(Self { chain: entry.chain, seq: row_seq(entry.seq)?, link: entry.link, bytes: entry.bytes.to_vec() })
    }
}

impl Store for PostgresStore {
    fn begin(&mut self) -> Result<Since, StoreError> {
        let since = self.ask("beginning", Session::begin)?;
        *self.turn.borrow_mut() = Some(Turn::default());
        Ok(since)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.ask("the commit", Session::commit)?;
        *self.turn.borrow_mut() = None;
        Ok(())
    }

    fn head(&self, chain: ChainId) -> Result<Option<ChainHead>, StoreError> {
        let Some(turn) = &mut *self.turn.borrow_mut() else {
            return self.ask_now("reading a chain", move |it| {
                let sql = "SELECT chain, agent, site, next_seq, head, head_received_ms FROM chain WHERE chain = $1";
                it.one(sql, &[&chain.0.as_slice()], head_of)
            });
        };
        if let Some(known) = turn.chains.get(&chain) {
            return Ok(known.head.clone());
        }
        // Of a chain that is not known nothing is unsent.
        let known = self.ask_now("reading a chain", move |it| it.look_at(chain))?;
        Ok(turn.chains.entry(chain).or_insert(known).head.clone())
    }

    fn heads(&self) -> Result<Vec<ChainHead>, StoreError> {
        let sql = "SELECT chain, agent, site, next_seq, head, head_received_ms FROM chain ORDER BY moved";
        self.ask("reading the chains", |it| it.all(sql, &[], head_of))
    }

    fn put_head(&mut self, head: &ChainHead) -> Result<(), StoreError> {
        if let Some(turn) = &mut *self.turn.borrow_mut()
            && turn.put_head(head)?
        {
            return Ok(());
        }
        let (head, next_seq) = (head.clone(), row_seq(head.next_seq)?);
        self.ask("writing a chain", move |it| it.put_head(next_seq, &head))
    }

    fn link(&self, chain: ChainId, seq: u64) -> Result<Option<Link>, StoreError> {
        if let Some(Ok(known)) = self.turn.borrow().as_ref().map(|it| it.link(chain, seq)) {
            return Ok(known);
        }
        let seq = row_seq(seq)?;
        self.ask("reading a record", move |it| {
            let sql = "SELECT hash, prev, received_ms FROM record WHERE chain = $1 AND seq = $2";
            it.one(sql, &[&chain.0.as_slice(), &seq], link_of)
        })
    }

    fn record_bytes(&self, chain: ChainId, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let seq = row_seq(seq)?;
        self.ask("reading a record", move |it| {
            let sql = "SELECT bytes FROM record WHERE chain = $1 AND seq = $2";
            it.one(sql, &[&chain.0.as_slice(), &seq], |row| Ok(row.try_get(0)?))
        })
    }

    fn put(&mut self, entry: &Entry<'_>) -> Result<(), StoreError> {
        let owned = Owned::of(entry)?;
        if let Some(turn) = &mut *self.turn.borrow_mut() {
            turn.put(entry.seq, owned);
            return Ok(());
        }
        let Owned { chain, seq, link, bytes } = owned;
        self.ask("writing a record", move |it| {
            it.execute(
                "INSERT INTO record (chain, seq, hash, prev, received_ms, bytes) VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    &chain.0.as_slice(),
                    &seq,
                    &link.hash.0.as_slice(),
                    &link.prev.0.as_slice(),
                    &link.received_ms,
                    &bytes,
                ],
            )?;
            Ok(())
        })
    }

    fn is_evidence(&self, chain: ChainId, seq: u64, hash: Hash) -> Result<bool, StoreError> {
        if self.turn.borrow().as_ref().is_some_and(|it| it.has_no_evidence(chain)) {
            return Ok(false);
        }
        let seq = row_seq(seq)?;
        self.ask("reading evidence", move |it| {
            let sql = "SELECT 1 FROM evidence WHERE chain = $1 AND seq = $2 AND hash = $3";
            Ok(it.row(sql, &[&chain.0.as_slice(), &seq, &hash.0.as_slice()])?.is_some())
        })
    }

    fn put_evidence(&mut self, entry: &Entry<'_>, bad: Bad) -> Result<bool, StoreError> {
        let Owned { chain, seq, link, bytes } = Owned::of(entry)?;
        if let Some(turn) = &mut *self.turn.borrow_mut() {
            turn.evidence(chain);
        }
        self.ask("writing evidence", move |it| {
            let rows = it.execute(
                "INSERT INTO evidence (chain, seq, hash, prev, reason, received_ms, bytes)
                 SELECT $1, $2, $3, $4, $5, $6, $7
                 WHERE (SELECT count(*) FROM evidence WHERE chain = $1 AND seq = $2) < $8",
                &[
                    &chain.0.as_slice(),
                    &seq,
                    &link.hash.0.as_slice(),
                    &link.prev.0.as_slice(),
                    &bad.word(),
                    &link.received_ms,
                    &bytes,
                    &i64::from(MAX_EVIDENCE_PER_SEQ),
                ],
            )?;
            Ok(rows == 1)
        })
    }

    fn demote(&mut self, chain: ChainId, seq: u64, bad: Bad) -> Result<(), StoreError> {
        let number = seq;
        let seq = row_seq(seq)?;
        self.ask("moving a record to the evidence", move |it| {
            it.execute(
                "INSERT INTO evidence (chain, seq, hash, prev, reason, received_ms, bytes)
                 SELECT chain, seq, hash, prev, $3, received_ms, bytes FROM record WHERE chain = $1 AND seq = $2
                 ON CONFLICT DO NOTHING",
                &[&chain.0.as_slice(), &seq, &bad.word()],
            )?;
            it.execute("DELETE FROM record WHERE chain = $1 AND seq = $2", &[&chain.0.as_slice(), &seq])?;
            Ok(())
        })?;
        if let Some(turn) = &mut *self.turn.borrow_mut() {
            turn.demoted(chain, number);
        }
        Ok(())
    }

    fn promote(&mut self, chain: ChainId, seq: u64, prev: Hash) -> Result<Option<Link>, StoreError> {
        if self.turn.borrow().as_ref().is_some_and(|it| it.has_no_evidence(chain)) {
            return Ok(None);
        }
        let number = seq;
        let seq = row_seq(seq)?;
        let link = self.ask("moving evidence into its chain", move |it| {
            it.one(
                "WITH found AS (DELETE FROM evidence WHERE id = (SELECT min(id) FROM evidence
                                WHERE chain = $1 AND seq = $2 AND prev = $3)
                                RETURNING chain, seq, hash, prev, received_ms, bytes)
                 INSERT INTO record (chain, seq, hash, prev, received_ms, bytes)
                 SELECT chain, seq, hash, prev, received_ms, bytes FROM found RETURNING hash, prev, received_ms",
                &[&chain.0.as_slice(), &seq, &prev.0.as_slice()],
                link_of,
            )
        })?;
        if let (Some(turn), Some(link)) = (&mut *self.turn.borrow_mut(), link) {
            turn.promoted(chain, number, link);
        }
        Ok(link)
    }

    fn put_refused(&mut self, refused: &Refused<'_>) -> Result<(), StoreError> {
        let kept = refused.bytes.get(..MAX_REFUSED_BYTES).unwrap_or(refused.bytes).to_vec();
        let (topic, detail) = (text(refused.topic), text(refused.detail));
        let (word, received_ms) = (refused.bad.word(), refused.received_ms);
        self.ask("writing a refused message", move |it| {
            it.execute(
                "INSERT INTO refused (topic, reason, detail, received_ms, bytes) VALUES ($1, $2, $3, $4, $5)",
                &[&topic, &word, &detail, &received_ms, &kept],
            )?;
            let sql = "DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - $1";
            it.execute(sql, &[&i64::from(MAX_REFUSED_KEPT)])?;
            Ok(())
        })
    }

    fn put_state(&mut self, site: &str, agent: &str, state: &str, received_ms: i64) -> Result<(), StoreError> {
        let (site, agent, state) = (text(site), text(agent), text(state));
        self.ask("writing a state", move |it| {
            it.execute(
                "INSERT INTO state (site, agent, state, received_ms) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (agent) DO UPDATE SET site = excluded.site, state = excluded.state,
                 received_ms = excluded.received_ms",
                &[&site, &agent, &state, &received_ms],
            )?;
            Ok(())
        })
    }

    fn add(&mut self, counter: &str, n: u64) -> Result<(), StoreError> {
        let (counter, n) = (text(counter), i64::try_from(n).unwrap_or(i64::MAX));
        self.ask("writing a counter", move |it| {
            it.execute(
                "INSERT INTO counter (name, n) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET n = counter.n + excluded.n",
                &[&counter, &n],
            )?;
            Ok(())
        })
    }

    fn counters(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let rows = self.ask("reading the counters", |it| {
            it.all("SELECT name, n FROM counter", &[], |row| Ok((row.try_get(0)?, number(row, 1)?)))
        })?;
        Ok(rows.into_iter().collect())
    }
}

impl Session {
    pub(super) fn put_head(&mut self, next_seq: i64, head: &ChainHead) -> Outcome<()> {
        let newest = head.head.as_ref().map(|it| it.0.as_slice());
        self.execute(
            "INSERT INTO chain (chain, agent, site, next_seq, head, head_received_ms, moved)
             VALUES ($1, $2, $3, $4, $5, $6, nextval('chain_moved'))
             ON CONFLICT (chain) DO UPDATE SET site = excluded.site, next_seq = excluded.next_seq, head = excluded.head,
             head_received_ms = excluded.head_received_ms, moved = excluded.moved",
            &[&head.chain.0.as_slice(), &head.agent, &head.site, &next_seq, &newest, &head.head_received_ms],
        )?;
        Ok(())
    }

    /// A chain as it is when a transaction first looks at it.
    fn look_at(&mut self, chain: ChainId) -> Outcome<Known> {
        let sql = "SELECT chain, agent, site, next_seq, head, head_received_ms FROM chain WHERE chain = $1";
        let head = self.one(sql, &[&chain.0.as_slice()], head_of)?;
        let from = head.as_ref().map_or(0, |it| it.next_seq);
        let sql = "SELECT EXISTS (SELECT 1 FROM record WHERE chain = $1 AND seq >= $2),
                          EXISTS (SELECT 1 FROM evidence WHERE chain = $1)";
        let first = i64::try_from(from).unwrap_or(i64::MAX);
        let row = self.one(sql, &[&chain.0.as_slice(), &first], |row| Ok((row.try_get(0)?, row.try_get(1)?)))?;
        let (waiting, evidence) = row.unwrap_or((true, true));
        Ok(Known { head, from, waiting, evidence })
    }
}

impl GapStore for PostgresStore {
    fn first_waiting(&self, chain: ChainId, from: u64) -> Result<Option<u64>, StoreError> {
        let from = row_seq(from)?;
        self.ask("reading what waits", move |it| {
            let sql = "SELECT seq FROM record WHERE chain = $1 AND seq >= $2 ORDER BY seq LIMIT 1";
            it.one(sql, &[&chain.0.as_slice(), &from], |row| number(row, 0))
        })
    }

    fn gap(&self, chain: ChainId) -> Result<Option<Gap>, StoreError> {
        self.ask("reading a gap", move |it| {
            let sql =
                "SELECT chain, from_seq, upto_seq, opened_ms, asked, asked_ms, reported FROM gap WHERE chain = $1";
            it.one(sql, &[&chain.0.as_slice()], gap_of)
        })
    }

    fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        let sql = "SELECT chain, from_seq, upto_seq, opened_ms, asked, asked_ms, reported FROM gap ORDER BY chain";
        self.ask("reading the gaps", |it| it.all(sql, &[], gap_of))
    }

    fn put_gap(&mut self, gap: &Gap) -> Result<(), StoreError> {
        let (gap, from, upto) = (*gap, row_seq(gap.from_seq)?, row_seq(gap.upto_seq)?);
        self.ask("writing a gap", move |it| {
            it.execute(
                "INSERT INTO gap (chain, from_seq, upto_seq, opened_ms, asked, asked_ms, reported)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (chain) DO UPDATE SET from_seq = excluded.from_seq,
                 upto_seq = excluded.upto_seq, opened_ms = excluded.opened_ms, asked = excluded.asked,
                 asked_ms = excluded.asked_ms, reported = excluded.reported",
                &[
                    &gap.chain.0.as_slice(),
                    &from,
                    &upto,
                    &gap.opened_ms,
                    &i64::from(gap.asked),
                    &gap.asked_ms,
                    &gap.reported,
                ],
            )?;
            Ok(())
        })
    }

    fn close_gap(&mut self, chain: ChainId) -> Result<(), StoreError> {
        self.ask("closing a gap", move |it| {
            it.execute("DELETE FROM gap WHERE chain = $1", &[&chain.0.as_slice()])?;
            Ok(())
        })
    }
}

impl RotationStore for PostgresStore {
    fn rotations(&self) -> Result<Vec<Rotation>, StoreError> {
        let sql = "SELECT chain, seq, old, algorithm, public FROM rotation ORDER BY chain, seq";
        self.ask("reading the learned keys", |it| it.all(sql, &[], rotation_of))
    }

    fn put_rotation(&mut self, rotation: &Rotation) -> Result<(), StoreError> {
        let (chain, old, seq) = (rotation.chain, rotation.old, row_seq(rotation.seq)?);
        let (algorithm, public) = (rotation.new.algorithm().cose(), rotation.new.to_bytes());
        self.ask("writing a learned key", move |it| {
            it.execute(
                "INSERT INTO rotation (chain, seq, old, algorithm, public) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (chain, seq) DO UPDATE SET old = excluded.old, algorithm = excluded.algorithm,
                 public = excluded.public",
                &[&chain.0.as_slice(), &seq, &old.0.as_slice(), &algorithm, &public.as_slice()],
            )?;
            it.execute("UPDATE writer SET keys_turn = turn", &[])?;
            Ok(())
        })
    }

    fn drop_rotation(&mut self, chain: ChainId, seq: u64) -> Result<(), StoreError> {
        let seq = row_seq(seq)?;
        self.ask("forgetting a learned key", move |it| {
            it.execute("DELETE FROM rotation WHERE chain = $1 AND seq = $2", &[&chain.0.as_slice(), &seq])?;
            it.execute("UPDATE writer SET keys_turn = turn", &[])?;
            Ok(())
        })
    }
}

fn head_of(row: &Row) -> Outcome<ChainHead> {
    Ok(ChainHead {
        chain: chain_id(row, 0)?,
        agent: row.try_get(1)?,
        site: row.try_get(2)?,
        next_seq: number(row, 3)?,
        head: row.try_get::<_, Option<&[u8]>>(4)?.map(|it| fixed(it).map(Hash)).transpose()?,
        head_received_ms: row.try_get(5)?,
    })
}

fn link_of(row: &Row) -> Outcome<Link> {
    Ok(Link { hash: hash(row, 0)?, prev: hash(row, 1)?, received_ms: row.try_get(2)? })
}

fn gap_of(row: &Row) -> Outcome<Gap> {
    Ok(Gap {
        chain: chain_id(row, 0)?,
        from_seq: number(row, 1)?,
        upto_seq: number(row, 2)?,
        opened_ms: row.try_get(3)?,
        asked: u32::try_from(row.try_get::<_, i64>(4)?).unwrap_or(u32::MAX),
        asked_ms: row.try_get(5)?,
        reported: row.try_get(6)?,
    })
}

fn rotation_of(row: &Row) -> Outcome<Rotation> {
    let (chain, seq, old) = (chain_id(row, 0)?, number(row, 1)?, Kid(fixed(row.try_get(2)?)?));
    let public: &[u8] = row.try_get(4)?;
    let new = Algorithm::from_cose(row.try_get(3)?).and_then(|it| PublicKey::from_bytes(it, public).ok());
    let what = || format!("the key that chain {chain} handed itself to at {seq} is none of this build");
    new.map(|new| Rotation { chain, seq, old, new }).ok_or_else(|| Trouble::Row(what()))
}
