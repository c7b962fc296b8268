//! The store in a database of a `PostgreSQL` server, which several collectors may share.
//!
//! ```text
//! caller ─► job ─► thread of this store ─► connection ─► server
//!           ◄──── answer ◄────
//! ```
//!
//! The client of the database blocks and has a runtime of its own, which must not meet another; so each store has a
//! thread, and a method sends it a job and waits for the answer. What a transaction writes is sent together (see `turn`), so an
//! error of a write may be the error of the next question or of the commit; nothing is committed then.
//!
//! # Turns
//!
//! A transaction begins by counting up the one row of `writer`, and holds it until the end. So collectors take turns, and
//! what was read before is told to be old ([`Since`]). A collector that is killed or cut off loses its connection, and the
//! server ends its transaction; one that is only halted loses it after twenty seconds.
//!
//! # A connection that is lost in mid-commit
//!
//! Nobody has heard whether the commit took place. A new connection waits for the row of `writer`, which is free only when
//! the old transaction is over on the server, and reads from `collector` whose turn it was. Only when that cannot be told
//! either does the commit fail, and the handle is spent.

mod chain;
mod connect;
mod content;
mod log;
mod nodes;
mod password;
mod read;
pub mod schema;
mod turn;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::mpsc::{Receiver, Sender, channel, sync_channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

pub(super) use connect::check;
use connect::{connect, server_error};
use postgres::{Client, Row, Statement, types::ToSql};
use schema::{STEPS, VERSION};
use tidewaiter_record::{ChainId, Hash};
use turn::Turn;

use super::{Address, Since, Store, StoreError};

/// How long the outcome of a commit is asked for when the connection was lost meanwhile: a server that was killed is back by
/// then, or it is no small matter.
const ASK_WITHIN: Duration = Duration::from_secs(20);

/// First wait between two attempts at it.
const ASK_PAUSE: Duration = Duration::from_millis(100);

/// Longest one.
const ASK_PAUSE_MAX: Duration = Duration::from_secs(2);

/// Rows of handles that have not written for so long are dropped: nobody asks after their commits any more.
const FORGET_AFTER: &str = "30 days";

/// A lock that only the making of tables takes: `TWcl`.
const MAKING: i64 = 0x5457_636c;

type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// A store in a database of a server.
#[derive(Debug)]
pub struct PostgresStore {
    place: String,
    /// `None` only while it is dropped.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// Set while a transaction is open.
    turn: RefCell<Option<Turn>>,
}

/// Why a job failed.
enum Trouble {
    /// The server, or the connection.
    Sql(postgres::Error),
    /// What was read cannot have been written by us.
    Row(String),
    /// A job failed before.
    Spent,
}

impl From<postgres::Error> for Trouble {
    fn from(error: postgres::Error) -> Self {
        Self::Sql(error)
    }
}

type Outcome<T> = Result<T, Trouble>;

/// What the thread holds.
struct Session {
    address: Address,
    client: Client,
    statements: BTreeMap<&'static str, Statement>,
    /// This handle among those that write.
    id: String,
    /// Turn of the open transaction.
    turn: i64,
    /// Turn of the last transaction that was committed here.
    last: Option<i64>,
    /// Set by the first error, after which nothing is asked any more.
    spent: bool,
}

impl PostgresStore {
    /// Opens the store for writing; makes or brings up its tables where it may.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, would not keep what it commits, or has a store of another layout.
    pub fn open(address: &Address) -> Result<Self, StoreError> {
        Self::start(address, true)
    }

    /// Opens an existing store for reading, also while collectors write to it.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or has no store of this layout.
    pub fn open_read_only(address: &Address) -> Result<Self, StoreError> {
        Self::start(address, false)
    }

    fn start(address: &Address, write: bool) -> Result<Self, StoreError> {
        let (jobs, work) = channel();
        let (ready, opened) = sync_channel(1);
        let ours = address.clone();
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || match Session::open(ours, write) {
                Ok(session) => {
                    let _ = ready.send(Ok(()));
                    session.work(&work);
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            })
            .map_err(|source| StoreError::Open { path: address.to_string().into(), source })?;
        let store =
            Self { place: address.to_string(), jobs: Some(jobs), thread: Some(thread), turn: RefCell::new(None) };
        opened.recv().map_err(|_| store.gone())??;
        Ok(store)
    }

    /// Has the thread do something after all that was written, and waits for it.
    fn ask<T: Send + 'static>(
        &self,
        doing: &'static str,
        job: impl FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let unsent = self.turn.borrow_mut().as_mut().and_then(Turn::take);
        if let Some(unsent) = unsent {
            self.ask_now("writing", move |it| unsent.send(it))?;
        }
        self.ask_now(doing, job)
    }

    /// Has the thread do something, and waits for it.
    fn ask_now<T: Send + 'static>(
        &self,
        doing: &'static str,
        job: impl FnOnce(&mut Session) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        let job: Job = Box::new(move |session| {
            // Nobody waits any more only when the caller is gone.
            let _ = answer.send(session.run(job));
        });
        self.jobs.as_ref().ok_or_else(|| self.gone())?.send(job).map_err(|_| self.gone())?;
        answered.recv().map_err(|_| self.gone())?.map_err(|trouble| match trouble {
            Trouble::Sql(source) => server_error(self.place.clone(), doing, source),
            Trouble::Row(what) => StoreError::Corrupt { what },
            Trouble::Spent => StoreError::Server {
                place: self.place.clone(),
                doing,
                is_away: false,
                source: "it has failed before; open it anew".into(),
            },
        })
    }

    fn gone(&self) -> StoreError {
        let source = "its thread has ended; please report this".into();
        StoreError::Server { place: self.place.clone(), doing: "asking", is_away: false, source }
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        drop(self.jobs.take());
        // The connection is closed when this returns, so that whoever opens the store next does not wait for its turn.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl From<PostgresStore> for Box<dyn Store> {
    fn from(store: PostgresStore) -> Self {
        Box::new(store)
    }
}

impl Session {
    fn open(address: Address, write: bool) -> Result<Self, StoreError> {
        let mut client = connect(&address, write)?;
        layout(&mut client, &address, write)?;
        let mut random = [0; 16];
        let source = |_| StoreError::Server {
            place: address.to_string(),
            doing: "naming this handle",
            is_away: false,
            source: "the operating system gives no random bytes".into(),
        };
        getrandom::fill(&mut random).map_err(source)?;
        let id = hex::encode(random);
        Ok(Self { address, client, statements: BTreeMap::new(), id, turn: 0, last: None, spent: false })
    }

    fn work(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            job(&mut self);
        }
    }

    fn run<T>(&mut self, job: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.spent {
            return Err(Trouble::Spent);
        }
        let outcome = job(self);
        // Also what a failed transaction would still answer is worth nothing: its COMMIT says ROLLBACK, and no error.
        self.spent = outcome.is_err();
        outcome
    }

    fn statement(&mut self, sql: &'static str) -> Outcome<Statement> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let prepared = self.client.prepare(sql)?;
        self.statements.insert(sql, prepared.clone());
        Ok(prepared)
    }

    fn execute(&mut self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Outcome<u64> {
        let statement = self.statement(sql)?;
        Ok(self.client.execute(&statement, values)?)
    }

    fn rows(&mut self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Outcome<Vec<Row>> {
        let statement = self.statement(sql)?;
        Ok(self.client.query(&statement, values)?)
    }

    fn row(&mut self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Outcome<Option<Row>> {
        let statement = self.statement(sql)?;
        Ok(self.client.query_opt(&statement, values)?)
    }

    /// All rows, each read by `read`.
    fn all<T>(
        &mut self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
        read: impl Fn(&Row) -> Outcome<T>,
    ) -> Outcome<Vec<T>> {
        self.rows(sql, values)?.iter().map(read).collect()
    }

    /// The row, if there is one, read by `read`.
    fn one<T>(
        &mut self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
        read: impl Fn(&Row) -> Outcome<T>,
    ) -> Outcome<Option<T>> {
        self.row(sql, values)?.as_ref().map(read).transpose()
    }

    fn begin(&mut self) -> Outcome<Since> {
        self.client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")?;
        let id = self.id.clone();
        let row = self.row(
            "WITH taken AS (UPDATE writer SET turn = turn + 1 RETURNING turn, keys_turn),
                  noted AS (INSERT INTO collector (id, turn) SELECT $1, turn FROM taken
                            ON CONFLICT (id) DO UPDATE SET turn = excluded.turn)
             SELECT turn, keys_turn FROM taken",
            &[&id],
        )?;
        let row = row.ok_or_else(|| Trouble::Row("the row of writer is gone".to_owned()))?;
        let (turn, keys_turn): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        self.turn = turn;
        Ok(match self.last {
            Some(last) => Since { written: turn != last.saturating_add(1), keys: keys_turn > last },
            None => Since { written: true, keys: true },
        })
    }

    fn commit(&mut self) -> Outcome<()> {
        match self.client.batch_execute("COMMIT") {
            Ok(()) => {}
            Err(error) if error.is_closed() || error.code().is_none_or(|it| it.code().starts_with("57")) => {
                if !self.was_committed() {
                    return Err(error.into());
                }
                tracing::warn!(store = %self.address, "the connection was lost in mid-commit; the commit is there");
            }
            Err(error) => return Err(error.into()),
        }
        self.last = Some(self.turn);
        Ok(())
    }

    /// Asks on a new connection whether the commit took place, and goes on with that connection.
    fn was_committed(&mut self) -> bool {
        let until = Instant::now() + ASK_WITHIN;
        let mut pause = ASK_PAUSE;
        loop {
            std::thread::sleep(pause);
            pause = (pause * 2).min(ASK_PAUSE_MAX);
            match self.ask_turn() {
                Ok(turn) => return turn == Some(self.turn),
                Err(error) if Instant::now() > until => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, store = %self.address, "whether the last commit took place cannot be asked");
                    return false;
                }
                Err(_) => {}
            }
        }
    }

    fn ask_turn(&mut self) -> Result<Option<i64>, StoreError> {
        let mut client = connect(&self.address, true)?;
        let failed = |source| server_error(self.address.to_string(), "asking after a commit", source);
        // Waits until the old transaction is over: it holds this row. Only the statement after it sees what it left.
        let mut transaction = client.transaction().map_err(failed)?;
        transaction.query("SELECT turn FROM writer FOR UPDATE", &[]).map_err(failed)?;
        let row = transaction.query_opt("SELECT turn FROM collector WHERE id = $1", &[&self.id]).map_err(failed)?;
        transaction.rollback().map_err(failed)?;
        self.client = client;
        self.statements.clear();
        row.map(|it| it.try_get(0)).transpose().map_err(failed)
    }
}

/// Looks at the version of the tables; makes or brings them up where `write`.
fn layout(client: &mut Client, address: &Address, write: bool) -> Result<(), StoreError> {
    let place = || address.to_string();
    let failed = |source| server_error(place(), "reading the layout", source);
    let mut found = version(client).map_err(failed)?;
    if write && found.is_none_or(|it| it < VERSION) {
        let may_create = "SELECT has_database_privilege(current_database(), 'CREATE')";
        let may: bool = client.query_one(may_create, &[]).and_then(|it| it.try_get(0)).map_err(failed)?;
        if !may {
            // An administrator made the tables, and brings them up too.
            return Err(match found {
                Some(found) => {
                    StoreError::OlderServer { place: place(), found: i32::try_from(found).unwrap_or(0), upto: VERSION }
                }
                None => StoreError::NoTables { place: place() },
            });
        }
        let failed = |source| server_error(place(), "making the tables", source);
        // Several collectors may start at once: the second one finds them made. The lock is taken before the transaction begins:
        // within one, what others have made meanwhile is not always seen.
        client.execute("SELECT pg_advisory_lock($1)", &[&MAKING]).map_err(failed)?;
        let mut transaction = client.transaction().map_err(failed)?;
        let now = version(&mut transaction).map_err(failed)?;
        for (_, sql) in STEPS.iter().filter(|(version, _)| now.is_none_or(|it| it < *version)) {
            transaction.batch_execute(sql).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        client.execute("SELECT pg_advisory_unlock($1)", &[&MAKING]).map_err(failed)?;
        found = version(client).map_err(failed)?;
    }
    match found {
        Some(VERSION) => {}
        Some(found) if found < VERSION => {
            return Err(StoreError::Older { path: place().into(), found: i32::try_from(found).unwrap_or(0) });
        }
        Some(found) => {
            let (found, expected) = (found.to_string(), VERSION.to_string());
            return Err(StoreError::Layout { path: place().into(), found, expected });
        }
        None => return Err(StoreError::NoTables { place: place() }),
    }
    if write {
        let old = format!("DELETE FROM collector WHERE began < now() - interval '{FORGET_AFTER}'");
        client.batch_execute(&old).map_err(failed)?;
    }
    Ok(())
}

fn version(client: &mut impl postgres::GenericClient) -> Result<Option<i64>, postgres::Error> {
    let there = client.query_one("SELECT to_regclass('tidewaiter.layout') IS NOT NULL", &[])?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    client.query_one("SELECT max(version) FROM tidewaiter.layout", &[])?.try_get(0)
}

/// A number that is never negative.
fn number(row: &Row, column: usize) -> Outcome<u64> {
    let raw: i64 = row.try_get(column)?;
    u64::try_from(raw).map_err(|_| Trouble::Row(format!("a number is {raw} where none is below 0")))
}

/// The same, where there may be none.
fn number_if_any(row: &Row, column: usize) -> Outcome<Option<u64>> {
    match row.try_get::<_, Option<i64>>(column)? {
        Some(_) => number(row, column).map(Some),
        None => Ok(None),
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Outcome<[u8; N]> {
    bytes.try_into().map_err(|_| Trouble::Row(format!("{} bytes where there are always {N}", bytes.len())))
}

fn hash(row: &Row, column: usize) -> Outcome<Hash> {
    fixed(row.try_get(column)?).map(Hash)
}

fn chain_id(row: &Row, column: usize) -> Outcome<ChainId> {
    fixed(row.try_get(column)?).map(ChainId)
}

/// The server keeps no NUL in a text; what we write of others' texts must not fail by one.
fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
