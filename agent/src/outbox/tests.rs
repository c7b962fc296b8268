//! The outbox against a ten-line model: random seals, receipts, failing disks and power cuts.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    ChainId, Ed25519Signer, Hash, RegisteredKey, Registry, RegistryClass, Statement, Verdict, Verifier,
    body::{Context, Detail, Event},
    parse,
};
use tokio_util::sync::CancellationToken;

mod beat;
mod chain;
mod stopping;

use super::*;
use crate::{
    clock::{Clock, Policy},
    seal,
};

mod rotation;

const CHAIN: ChainId = ChainId([7; 16]);
const PLENTY: u64 = 64 << 20;

#[derive(Debug)]
struct HandClock(Mutex<Moment>);

impl Clock for HandClock {
    fn now(&self) -> Moment {
        let mut now = self.0.lock().unwrap();
        now.mono_ms += 1;
        now.wall_ms += 1;
        *now
    }
}

/// How a commit goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    /// Nothing was written.
    Before,
    /// Everything was written, and the caller is told it was not.
    After,
}

/// Mishaps to come, counted in commits.
#[derive(Debug, Default)]
struct Plan {
    next: Mutex<BTreeMap<u32, Mishap>>,
    commits: AtomicU32,
    /// Commits hang in the disk as long as this holds.
    hangs: AtomicBool,
    /// Every commit fails for this as long as it stands.
    short: Mutex<Option<StopCause>>,
    /// What the file system says of itself.
    disk: Mutex<Option<Disk>>,
}

#[derive(Debug)]
struct FailingStore {
    inner: SqliteStore,
    plan: Arc<Plan>,
    /// After a failed commit the handle must not be used before it is reopened.
    spent: bool,
}

fn broken(path: &str) -> StoreError {
    StoreError::Sqlite {
        path: path.into(),
        source: rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(10), None),
    }
}

impl Store for FailingStore {
    fn contents(&mut self) -> Result<Contents, StoreError> {
        self.inner.contents()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        assert!(!self.spent, "a handle was used again after its commit failed");
        while self.plan.hangs.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let number = self.plan.commits.fetch_add(1, Ordering::SeqCst);
        if self.plan.short.lock().unwrap().is_some() {
            self.spent = true;
            return Err(broken("short"));
        }
        match self.plan.next.lock().unwrap().remove(&number) {
            None => self.inner.commit(batch),
            Some(mishap) => {
                self.spent = true;
                if mishap == Mishap::After {
                    self.inner.commit(batch)?;
                }
                Err(broken("mishap"))
            }
        }
    }

    fn stop_cause(&mut self, failure: &StoreError) -> StopCause {
        self.plan.short.lock().unwrap().unwrap_or_else(|| self.inner.stop_cause(failure))
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.spent = false;
        self.inner.reopen()
    }

    fn entries(&mut self, from: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries(from, limit)
    }

    fn alerts(&mut self, above: Option<u64>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.alerts(above, limit)
    }

    fn find_draft(&mut self, draft: &str) -> Result<Option<(u64, Hash)>, StoreError> {
        self.inner.find_draft(draft)
    }

    fn open_inspections(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.inner.open_inspections()
    }

    fn notes(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.inner.notes()
    }

    fn usage(&mut self) -> Result<(u64, u64), StoreError> {
        self.inner.usage()
    }

    fn disk(&self) -> Option<Disk> {
        *self.plan.disk.lock().unwrap()
    }

    fn receipted_before(&mut self, before_ms: i64) -> Result<Option<u64>, StoreError> {
        self.inner.receipted_before(before_ms)
    }
}

/// What every start of one test shares.
struct Bench {
    dir: tempfile::TempDir,
    clock: Arc<HandClock>,
    signer: Arc<Ed25519Signer>,
    statement: Vec<u8>,
    plan: Arc<Plan>,
    budget: u64,
    keep_ms: i64,
}

struct Started {
    outbox: Outbox,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), StoreError>>,
}

impl Bench {
    fn new(budget: u64) -> Self {
        let signer = Ed25519Signer::from_seed(&[3; 32]);
        let statement =
            Statement { agent: "a".into(), chain: CHAIN, public: signer.public_key(), created_ms: 0, simulated: true };
        let statement = statement.issue(&signer).unwrap();
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Arc::new(HandClock(Mutex::new(Moment { mono_ms: 0, wall_ms: 1_790_000_000_000 }))),
            signer: Arc::new(signer),
            statement,
            plan: Arc::default(),
            budget,
            keep_ms: i64::MAX,
        }
    }

    fn statement_hash(&self) -> Hash {
        use sha2::Digest as _;
        Hash(sha2::Sha256::digest(&self.statement).into())
    }

    fn store(&self) -> FailingStore {
        let inner = SqliteStore::open(self.dir.path(), CHAIN, self.budget).unwrap();
        FailingStore { inner, plan: Arc::clone(&self.plan), spent: false }
    }

    /// Starts anew until a start meets no mishap, as a service manager does.
    async fn start(&self) -> Started {
        for _ in 0..8 {
            if let Ok(started) = self.try_start().await {
                return started;
            }
        }
        panic!("the store never came up");
    }

    async fn try_start(&self) -> Result<Started, StoreError> {
        self.try_start_with(Arc::clone(&self.signer) as _).await
    }

    async fn try_start_with(&self, signer: Arc<dyn Signer>) -> Result<Started, StoreError> {
        let identity = Identity {
            agent: "a".into(),
            chain: CHAIN,
            statement: self.statement_hash(),
            context: Context { software: "test".into(), config: [0; 32] },
        };
        let settings = Settings { keep_ms: self.keep_ms, clock: Policy::default() };
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        let (keeper, outbox) =
            Keeper::open(Box::new(self.store()), signer, clock, identity, settings, seal::interrupted).await?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(keeper.run(stop.clone()));
        Ok(Started { outbox, stop, task })
    }

    fn registry(&self) -> Registry {
        let mut registry = Registry::new(RegistryClass::Test);
        let key: RegisteredKey = Statement::open(&self.statement).unwrap().register(self.statement_hash());
        registry.add(key).unwrap();
        registry
    }
}

impl Started {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

fn draft(id: &str) -> Draft {
    Draft {
        place: "lane".into(),
        id: Some(id.into()),
        detail: Detail::Event(Event { name: id.into(), subject: None, facts: BTreeMap::new() }),
        alert: false,
        closes: None,
        notes: Vec::new(),
    }
}

fn stored(dir: &Path) -> Vec<Entry> {
    Archive::open(dir).unwrap().entries(0, usize::MAX).unwrap()
}

fn names(entries: &[Entry]) -> Vec<String> {
    let event = |entry: &Entry| match parse(&entry.bytes).unwrap().body.detail {
        Detail::Event(event) => Some(event.name),
        _ => None,
    };
    entries.iter().filter_map(event).collect()
}

/// Small generator, so that a failing seed replays without another crate.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_lives_lose_nothing_and_seal_nothing_twice() {
    let mut mishaps = 0;
    let mut cuts = 0;
    for seed in 1..=12_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let bench = Bench::new(PLENTY);
        // The model: what was acknowledged under which number, and what the centre has signed for.
        let mut acknowledged: BTreeMap<u64, (String, Hash)> = BTreeMap::new();
        let mut receipted: Option<u64> = None;
        let mut next = 0;
        let mut started = bench.start().await;
        for _ in 0..120 {
            match dice.roll(20) {
                0 => {
                    // A power cut: the task vanishes with whatever it was doing.
                    started.task.abort();
                    let _ = (&mut started.task).await;
                    started = bench.start().await;
                    cuts += 1;
                }
                1 => {
                    started.end().await;
                    started = bench.start().await;
                }
                2 | 3 => {
                    let soon = bench.plan.commits.load(Ordering::SeqCst) + u32::try_from(dice.roll(3)).unwrap();
                    let mishap = if dice.roll(2) == 0 { Mishap::Before } else { Mishap::After };
                    bench.plan.next.lock().unwrap().insert(soon, mishap);
                    mishaps += 1;
                }
                4 | 5 if !acknowledged.is_empty() => {
                    let upto = *acknowledged
                        .keys()
                        .nth(usize::try_from(dice.roll(acknowledged.len() as u64)).unwrap())
                        .unwrap();
                    let cursor = Cursor { upto_seq: upto, hash: acknowledged[&upto].1, received_ms: 1 };
                    match started.outbox.receipt(cursor).await {
                        ReceiptAnswer::Moved => receipted = receipted.max(Some(upto)),
                        ReceiptAnswer::Known | ReceiptAnswer::Failed(_) => {}
                        ReceiptAnswer::Fork(why) => panic!("seed {seed}: {why}"),
                    }
                }
                6 => {
                    let place = format!("rig-{}", dice.roll(3));
                    let _ = started.outbox.remember(&place, b"not a body".to_vec()).await;
                }
                burst => {
                    let mut waits = Vec::new();
                    for _ in 0..=burst % 4 {
                        let id = format!("{seed}-{next}");
                        next += 1;
                        let outbox = started.outbox.clone();
                        waits.push(tokio::spawn(async move { (id.clone(), outbox.seal(draft(&id)).await) }));
                    }
                    for wait in waits {
                        let (id, answer) = wait.await.unwrap();
                        if let Ok(recorded) = answer {
                            let before = acknowledged.insert(recorded.seq, (id, recorded.hash));
                            assert!(before.is_none(), "seed {seed}: number {} was given twice", recorded.seq);
                        }
                    }
                }
            }
        }
        bench.plan.next.lock().unwrap().clear();
        started.end().await;

        let entries = stored(bench.dir.path());
        for (seq, (id, hash)) in &acknowledged {
            let entry = entries
                .iter()
                .find(|entry| entry.seq == *seq)
                .unwrap_or_else(|| panic!("seed {seed}: #{seq} {id} lost"));
            assert_eq!(entry.hash, *hash, "seed {seed}: #{seq} changed");
        }
        let told = names(&entries);
        let distinct: BTreeSet<_> = told.iter().collect();
        assert_eq!(distinct.len(), told.len(), "seed {seed}: a draft was sealed twice");
        let registry = bench.registry();
        let mut verifier = Verifier::new(&registry);
        for entry in &entries {
            verifier.push(&entry.bytes);
        }
        let report = verifier.finish();
        assert_eq!(report.signature, Verdict::Ok, "seed {seed}");
        assert_eq!(report.chain, Verdict::Ok, "seed {seed}: {:?}", report.findings);
        assert_eq!(report.completeness, Verdict::Ok, "seed {seed}: {:?}", report.findings);
        let archive = Archive::open(bench.dir.path()).unwrap();
        assert!(archive.summary().unwrap().receipted >= receipted, "seed {seed}: a receipt was forgotten");
    }
    println!("12 lives, {mishaps} failing commits, {cuts} power cuts");
}

#[tokio::test]
async fn a_commit_that_happened_after_all_is_not_sealed_twice() {
    for mishap in [Mishap::Before, Mishap::After] {
        let bench = Bench::new(PLENTY);
        let started = bench.start().await;
        let at = bench.plan.commits.load(Ordering::SeqCst);
        bench.plan.next.lock().unwrap().insert(at, mishap);
        let recorded = started.outbox.seal(draft("x")).await.unwrap();
        assert_eq!(recorded.seq, 1, "{mishap:?}: genesis is 0");
        started.end().await;
        assert_eq!(names(&stored(bench.dir.path())), ["x"], "{mishap:?}");
    }
}

#[tokio::test]
async fn a_disk_that_stays_broken_refuses_and_counts() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    let at = bench.plan.commits.load(Ordering::SeqCst);
    for commit in at..at + 3 {
        bench.plan.next.lock().unwrap().insert(commit, Mishap::Before);
    }
    assert!(matches!(started.outbox.seal(draft("lost")).await, Err(Refusal::Store(_))));
    assert_eq!(started.outbox.status().borrow().refused, 1);
    // The disk is back: the gap is told before the next record.
    let recorded = started.outbox.seal(draft("kept")).await.unwrap();
    started.end().await;
    let entries = stored(bench.dir.path());
    let before = parse(&entries[usize::try_from(recorded.seq).unwrap() - 1].bytes).unwrap().body.detail;
    assert!(matches!(before, Detail::Resumed(resumed) if resumed.refused == 1), "the refusal must stand in the chain");
}

#[tokio::test]
async fn a_full_store_stops_counts_and_resumes_when_receipts_make_room() {
    let mut bench = Bench::new(1 << 20);
    bench.keep_ms = 0;
    let started = bench.start().await;
    let filler: BTreeMap<String, String> = [("filler".to_owned(), "x".repeat(8000))].into();
    let big = |number: u32| Draft {
        detail: Detail::Event(Event { name: number.to_string(), subject: None, facts: filler.clone() }),
        ..draft(&number.to_string())
    };
    let mut sealed = Vec::new();
    let mut refused = 0;
    for number in 0..200 {
        match started.outbox.seal(big(number)).await {
            Ok(recorded) => sealed.push((number, recorded)),
            Err(Refusal::Full) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0 && sealed.len() > 50, "{} sealed, {refused} refused", sealed.len());
    let status = started.outbox.status().borrow().clone();
    assert_eq!(status.refused, refused);
    assert!(status.stopped_since_ms.is_some());
    let entries = stored(bench.dir.path());
    assert_eq!(names(&entries).len(), sealed.len(), "nothing without a receipt was deleted");
    let stopped =
        entries.iter().filter(|entry| matches!(parse(&entry.bytes).unwrap().body.detail, Detail::Stopped(_))).count();
    assert_eq!(stopped, 1);

    // The centre signs for everything so far: room, and the exact count in the chain.
    let last = entries.last().unwrap();
    let cursor = Cursor { upto_seq: last.seq, hash: last.hash, received_ms: 1 };
    assert_eq!(started.outbox.receipt(cursor).await, ReceiptAnswer::Moved);
    let after = started.outbox.seal(draft("after")).await.unwrap();
    started.end().await;
    let entries = stored(bench.dir.path());
    let resumed = entries.iter().find(|entry| entry.seq == after.seq - 1).unwrap();
    assert!(
        matches!(parse(&resumed.bytes).unwrap().body.detail, Detail::Resumed(resumed) if resumed.refused == refused),
        "the record before the first new one tells how many were refused"
    );
}

#[tokio::test]
async fn a_receipt_for_other_bytes_stops_deletion() {
    let mut bench = Bench::new(PLENTY);
    bench.keep_ms = 0;
    let started = bench.start().await;
    let first = started.outbox.seal(draft("a")).await.unwrap();
    let wrong = Cursor { upto_seq: first.seq, hash: Hash([9; 32]), received_ms: 1 };
    assert!(matches!(started.outbox.receipt(wrong).await, ReceiptAnswer::Fork(_)));
    let right = Cursor { upto_seq: first.seq, hash: first.hash, received_ms: 1 };
    assert!(matches!(started.outbox.receipt(right).await, ReceiptAnswer::Fork(_)), "a fork is not forgotten");
    assert!(started.outbox.status().borrow().fork.is_some());
    let future = Cursor { upto_seq: 99, hash: first.hash, received_ms: 1 };
    let fresh = Bench::new(PLENTY);
    let other = fresh.start().await;
    assert!(matches!(other.outbox.receipt(future).await, ReceiptAnswer::Fork(_)), "more than was ever sealed");
    other.end().await;
    started.end().await;
    assert_eq!(names(&stored(bench.dir.path())), ["a"]);

    // Nor by a restart, and the lane says so before anything has come from the centre.
    let again = bench.start().await;
    assert!(again.outbox.status().borrow().fork.as_deref().is_some_and(|it| it.contains("0909")));
    assert!(matches!(again.outbox.receipt(right).await, ReceiptAnswer::Fork(_)));
    again.end().await;
    assert_eq!(names(&stored(bench.dir.path())), ["a"]);
    let started = fresh.start().await;
    assert!(started.outbox.status().borrow().fork.as_deref().is_some_and(|it| it.contains("does not hold")));
    started.end().await;
}

#[tokio::test]
async fn only_receipted_records_are_trimmed_and_the_chain_goes_on() {
    let mut bench = Bench::new(PLENTY);
    bench.keep_ms = 0;
    let started = bench.start().await;
    let mut last = None;
    for number in 0..10 {
        last = Some(started.outbox.seal(draft(&number.to_string())).await.unwrap());
    }
    let middle = stored(bench.dir.path())[5].clone();
    let cursor = Cursor { upto_seq: middle.seq, hash: middle.hash, received_ms: 1 };
    assert_eq!(started.outbox.receipt(cursor).await, ReceiptAnswer::Moved);
    let entries = stored(bench.dir.path());
    assert_eq!(entries.first().unwrap().seq, middle.seq + 1, "receipted and old enough: gone");
    assert!(entries.iter().any(|entry| entry.seq == last.unwrap().seq), "what has no receipt stays");
    started.end().await;
    let started = bench.start().await;
    let next = started.outbox.seal(draft("next")).await.unwrap();
    assert_eq!(next.seq, last.unwrap().seq + 3, "after the note of what was deleted, and the shutdown record");
    started.end().await;
}

#[tokio::test]
async fn an_unclean_end_is_told_and_a_clean_one_is_not() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    started.end().await;
    let mut started = bench.start().await;
    started.task.abort();
    let _ = (&mut started.task).await;
    bench.start().await.end().await;
    let words: Vec<_> =
        stored(bench.dir.path()).iter().map(|entry| parse(&entry.bytes).unwrap().body.detail.word()).collect();
    assert_eq!(words, ["genesis", "shutdown", "recovery", "shutdown"]);
}

#[test]
fn rotten_bytes_are_named_and_never_sent() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(dir.path(), CHAIN, PLENTY).unwrap();
    let entry = Entry {
        seq: 0,
        bytes: vec![1, 2, 3],
        hash: Hash([0; 32]),
        alert: false,
        sealed_ms: 0,
        place: "lane".into(),
        draft: None,
    };
    store.commit(&Batch { entries: vec![entry], ..Batch::default() }).unwrap();
    assert!(matches!(store.entries(0, 1), Err(StoreError::Rotten { seq: 0, .. })));
}

#[test]
fn a_second_agent_on_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(dir.path(), CHAIN, PLENTY).unwrap();
    assert!(matches!(SqliteStore::open(dir.path(), CHAIN, PLENTY), Err(StoreError::Locked { .. })));
    drop(first);
    SqliteStore::open(dir.path(), CHAIN, PLENTY).unwrap();
}

#[test]
fn a_store_of_another_chain_or_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path(), CHAIN, PLENTY).unwrap());
    assert!(matches!(SqliteStore::open(dir.path(), ChainId([8; 16]), PLENTY), Err(StoreError::Chain { .. })));
    let other = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(other.path().join(SqliteStore::FILE)).unwrap();
    connection.execute_batch("CREATE TABLE theirs(x)").unwrap();
    drop(connection);
    assert!(matches!(SqliteStore::open(other.path(), CHAIN, PLENTY), Err(StoreError::Layout { .. })));
}

#[tokio::test]
async fn notes_outlive_the_agent_alone_and_with_a_record() {
    let bench = Bench::new(1 << 24);
    let started = bench.start().await;
    let note = |name: &str, bytes: &[u8]| (name.to_owned(), Some(bytes.to_vec()));
    started.outbox.notes(vec![note("drill", b"lane-1"), note("gone", b"x")]).await.unwrap();
    let with = Draft { notes: vec![note("duty", &[1]), note("drill", &[2]), ("gone".to_owned(), None)], ..draft("a") };
    let sealed = started.outbox.seal(with).await.unwrap();
    // A note of the same name replaces the old one, whichever way it came.
    started.outbox.notes(vec![note("duty", &[3])]).await.unwrap();
    assert_eq!(started.outbox.find("a").await.unwrap().unwrap(), Some(sealed));
    assert_eq!(started.outbox.find("b").await.unwrap().unwrap(), None);
    started.end().await;
    let mut store = bench.store();
    let notes = store.notes().unwrap();
    assert_eq!(notes, [("drill".to_owned(), vec![2]), ("duty".to_owned(), vec![3])]);
}

#[tokio::test]
async fn a_note_of_a_record_that_was_not_sealed_is_not_kept() {
    let bench = Bench::new(1 << 24);
    let started = bench.start().await;
    let facts = (0..40_u32).map(|number| (number.to_string(), "x".repeat(1024))).collect();
    let detail = Detail::Event(Event { name: "too large".into(), subject: None, facts });
    let outgrown = Draft { detail, notes: vec![("duty".to_owned(), Some(vec![1]))], ..draft("big") };
    assert!(matches!(started.outbox.seal(outgrown).await, Err(Refusal::Seal(_))));
    started.end().await;
    assert_eq!(bench.store().notes().unwrap(), []);
}
