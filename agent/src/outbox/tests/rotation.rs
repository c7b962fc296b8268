//! A chain that changes its key, with the disk failing and the power going at every step; and a key that goes away.

use std::{sync::atomic::AtomicBool, time::Duration};

use tidewaiter_config::site::Keys;
use tidewaiter_record::{Algorithm, Esp256Signer, Kid, SealError, SignError, Signer, kid_of, seal as seal_record};
use tokio::task::JoinHandle;

use super::*;
use crate::keys::{self, Key, KeyNote, Keyring, Keysmith, RotateError};

/// An enrolled agent on a disk, without the process.
struct Site {
    dir: tempfile::TempDir,
    clock: Arc<HandClock>,
    plan: Arc<Plan>,
}

struct Live {
    outbox: Outbox,
    smith: Arc<Keysmith>,
    stop: CancellationToken,
    keeper: JoinHandle<Result<(), StoreError>>,
    watch: JoinHandle<()>,
}

impl Site {
    fn new(algorithm: Algorithm) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock(Mutex::new(Moment { mono_ms: 0, wall_ms: 1_790_000_000_000 })));
        keys::init_with(dir.path(), "a", true, clock.as_ref(), &Keys::File, algorithm).unwrap();
        Self { dir, clock, plan: Arc::default() }
    }

    fn ring(&self) -> Keyring {
        Keyring::open(self.dir.path(), &Keys::File).unwrap()
    }

    fn loaded(&self) -> keys::Enrolled {
        keys::load(self.dir.path(), "a").unwrap()
    }

    async fn start(&self) -> Live {
        let enrolled = self.loaded();
        let inner = SqliteStore::open(self.dir.path(), enrolled.chain, PLENTY).unwrap();
        let store = FailingStore { inner, plan: Arc::clone(&self.plan), spent: false };
        let identity = Identity {
            agent: "a".into(),
            chain: enrolled.chain,
            statement: enrolled.statement,
            context: Context { software: "test".into(), config: [0; 32] },
        };
        let (signer, known) = enrolled.split();
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        let settings = Settings { keep_ms: i64::MAX, clock: Policy::default() };
        let (keeper, outbox) =
            Keeper::open(Box::new(store), signer, clock, identity, settings, seal::interrupted).await.unwrap();
        let stop = CancellationToken::new();
        let keeper = tokio::spawn(keeper.run(stop.clone()));
        let smith = Arc::new(Keysmith::new(self.dir.path().to_owned(), self.ring(), known, outbox.clone()));
        let watch = tokio::spawn({
            let (smith, stop) = (Arc::clone(&smith), stop.clone());
            async move { smith.watch(stop).await }
        });
        Live { outbox, smith, stop, keeper, watch }
    }

    fn fail(&self, ahead: u32, mishap: Mishap) {
        let number = self.plan.commits.load(Ordering::SeqCst) + ahead;
        self.plan.next.lock().unwrap().insert(number, mishap);
    }

    /// Everything the chain must be, whatever happened to it.
    fn check(&self, about: &str) -> Vec<Entry> {
        let entries = stored(self.dir.path());
        let enrolled = self.loaded();
        let registry = enrolled.registry().unwrap();
        let mut verifier = Verifier::new(&registry);
        for entry in &entries {
            verifier.push(&entry.bytes);
        }
        let report = verifier.finish();
        assert_eq!(report.signature, Verdict::Ok, "{about}: {report:#?}");
        assert_eq!(report.chain, Verdict::Ok, "{about}: {report:#?}");
        assert_eq!(report.completeness, Verdict::Ok, "{about}: {report:#?}");
        // Where record and note agree there is one key at every number.
        let handed: Vec<(u64, Kid)> = entries
            .iter()
            .filter_map(|entry| match parse(&entry.bytes).unwrap().body.detail {
                Detail::KeyRotate(it) => {
                    let algorithm = Algorithm::from_cose(it.algorithm).unwrap();
                    let key = PublicKey::from_bytes(algorithm, &it.public).unwrap();
                    let old = parse(&entry.bytes).unwrap().header.kid;
                    let message = tidewaiter_record::body::proof_bytes(enrolled.chain, entry.seq, old, &it.public);
                    assert!(key.verifies(&message, &it.proof), "{about}: the proof of the new key");
                    Some((entry.seq, kid_of(&key)))
                }
                _ => None,
            })
            .collect();
        let noted: Vec<(u64, Kid)> =
            enrolled.note.rotations().iter().map(|it| (it.seq, kid_of(&it.key().unwrap()))).collect();
        assert_eq!(handed, noted, "{about}");
        if let Some((seq, kid)) = handed.last() {
            assert_eq!(enrolled.signer.kid(), *kid, "{about}");
            for entry in &entries {
                assert_eq!(parse(&entry.bytes).unwrap().header.kid == *kid, entry.seq > *seq, "{about}");
            }
        }
        entries
    }

    fn key_files(&self) -> usize {
        let names = std::fs::read_dir(self.dir.path()).unwrap().map(|it| it.unwrap().file_name());
        names.filter(|it| Path::new(it).extension().is_some_and(|it| it == "key")).count()
    }
}

impl Live {
    async fn end(self) {
        self.outbox.finish().await;
        self.stop.cancel();
        self.keeper.await.unwrap().unwrap();
        self.watch.await.unwrap();
    }

    async fn cut(self) {
        self.keeper.abort();
        self.watch.abort();
        let _ = (self.keeper.await, self.watch.await);
    }

    async fn receipt(&self, recorded: Recorded) {
        let cursor = Cursor { upto_seq: recorded.seq, hash: recorded.hash, received_ms: 1 };
        assert_eq!(self.outbox.receipt(cursor).await, ReceiptAnswer::Moved);
    }
}

async fn until(about: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{about} did not come");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_goes_on_under_a_new_key_and_the_old_one_is_erased_when_receipted() {
    for (from, to) in [
        (Algorithm::Ed25519, Algorithm::Ed25519),
        (Algorithm::Ed25519, Algorithm::Esp256),
        (Algorithm::Esp256, Algorithm::Ed25519),
    ] {
        let about = format!("{from} to {to}");
        let site = Site::new(from);
        let first = site.loaded().signer.kid();
        let live = site.start().await;
        live.outbox.seal(draft("before")).await.unwrap();
        let done = live.smith.rotate(Some(to), "Li Na").await.unwrap();
        assert_eq!((done.old, done.algorithm), (first, to));
        let after = live.outbox.seal(draft("after")).await.unwrap();
        assert_eq!(after.seq, done.seq + 1);
        // No receipt yet: both are there, and only the new one is loaded.
        assert_eq!(site.key_files(), 2);
        site.check(&about);
        assert_eq!(names(&stored(site.dir.path())), ["before", "key-rotation", "after"]);

        live.receipt(after).await;
        until("the old key is erased", || site.key_files() == 1).await;
        until("the event", || names(&stored(site.dir.path())).contains(&"key-erased".to_owned())).await;
        live.end().await;
        let entries = site.check(&about);
        assert!(site.loaded().note.rotations()[0].old_erased);
        let ordered = entries.iter().find_map(|entry| match parse(&entry.bytes).unwrap().body.detail {
            Detail::Event(event) if event.name == "key-rotation" => Some(event.facts),
            _ => None,
        });
        assert_eq!(ordered.unwrap()["operator"], "Li Na");

        // What the centre is given says the same.
        let text = std::fs::read_to_string(site.dir.path().join(keys::REGISTRY_FILE)).unwrap();
        assert_eq!(Registry::from_json(&text).unwrap(), site.loaded().registry().unwrap());

        // Again, and by the algorithm of the key in use.
        let live = site.start().await;
        let again = live.smith.rotate(None, "Li Na").await.unwrap();
        assert_eq!((again.old, again.algorithm), (done.new, to));
        live.end().await;
        site.check(&about);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_it_is_interrupted_there_is_exactly_one_key() {
    // Commits of a rotation and what follows: the hand-over itself, and one more.
    for ahead in 0..2 {
        for mishap in [Mishap::Before, Mishap::After] {
            for cut in [false, true] {
                let about = format!("commit {ahead}, {mishap:?}, cut {cut}");
                let site = Site::new(Algorithm::Ed25519);
                let live = site.start().await;
                live.outbox.seal(draft("before")).await.unwrap();
                site.fail(ahead, mishap);
                let rotated = live.smith.rotate(None, "Li Na").await;
                match (ahead, mishap, &rotated) {
                    (0, Mishap::Before, Err(RotateError::Refused(Refusal::Store(_)))) | (_, _, Ok(_)) => {}
                    other => panic!("{about}: {other:?}"),
                }
                if cut {
                    live.cut().await;
                } else {
                    live.outbox.seal(draft("after")).await.unwrap();
                    live.end().await;
                }
                site.plan.next.lock().unwrap().clear();
                let kept = site.check(&about).len();
                // A key made for nothing is gone again.
                assert_eq!(site.key_files(), if rotated.is_ok() { 2 } else { 1 }, "{about}");
                let live = site.start().await;
                live.outbox.seal(draft("later")).await.unwrap();
                live.end().await;
                assert!(site.check(&about).len() > kept, "{about}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_between_the_steps_is_finished_by_the_next_start() {
    // After the key was made: it signs nothing, and the next rotation makes its own.
    let site = Site::new(Algorithm::Ed25519);
    let stray = site.ring().make(Algorithm::Esp256).unwrap().kid();
    let live = site.start().await;
    live.outbox.seal(draft("one")).await.unwrap();
    assert_ne!(site.loaded().signer.kid(), stray);
    let done = live.smith.rotate(None, "Li Na").await.unwrap();
    let last = live.outbox.seal(draft("two")).await.unwrap();
    live.cut().await;
    site.check("after the hand-over");

    // The registry was not written any more: the next start does it.
    std::fs::remove_file(site.dir.path().join(keys::REGISTRY_FILE)).unwrap();
    // The old key was wiped, and the power went before the event: it follows, once.
    assert_eq!(site.ring().erase(done.old).unwrap(), keys::Erased::Gone);
    let live = site.start().await;
    live.receipt(last).await;
    let told = || names(&stored(site.dir.path())).iter().filter(|it| *it == "key-erased").count();
    until("the event", || told() == 1).await;
    until("the registry", || site.dir.path().join(keys::REGISTRY_FILE).exists()).await;
    live.cut().await;
    let live = site.start().await;
    assert!(!live.smith.erase_receipted(last.seq).await);
    live.end().await;
    assert_eq!(told(), 1);
    site.check("at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_does_not_sign_now_is_never_used() {
    let site = Site::new(Algorithm::Ed25519);
    let old = std::fs::read(site.dir.path().join(keys::KEY_FILE)).unwrap();
    let live = site.start().await;
    live.smith.rotate(None, "Li Na").await.unwrap();
    live.end().await;
    let entries = site.check("rotated").len();

    let enrolled = site.loaded();
    let stale = Ed25519Signer::from_pkcs8_pem(std::str::from_utf8(&old).unwrap()).unwrap();
    let store = SqliteStore::open(site.dir.path(), enrolled.chain, PLENTY).unwrap();
    let identity = Identity {
        agent: "a".into(),
        chain: enrolled.chain,
        statement: enrolled.statement,
        context: Context { software: "test".into(), config: [0; 32] },
    };
    let clock: Arc<dyn Clock> = Arc::clone(&site.clock) as _;
    let settings = Settings { keep_ms: i64::MAX, clock: Policy::default() };
    let opened = Keeper::open(Box::new(store), Arc::new(stale), clock, identity, settings, seal::interrupted).await;
    let Err(why) = opened else { panic!("a stale key opened the chain") };
    assert!(matches!(why, StoreError::Key { .. }), "{why}");
    assert_eq!(stored(site.dir.path()).len(), entries);

    // With the new key's file lost the agent says which one it needs, and takes no other.
    let name = format!("agent.{}.key", enrolled.signer.kid());
    std::fs::remove_file(site.dir.path().join(name)).unwrap();
    let why = keys::load(site.dir.path(), "a").unwrap_err();
    assert!(matches!(why, keys::KeyError::Lost { .. }), "{why}");
    assert!(!why.to_string().contains("PRIVATE"));
}

/// A key in a token that can be pulled out.
#[derive(Debug)]
struct Pulled {
    key: Esp256Signer,
    out: Arc<AtomicBool>,
}

impl Signer for Pulled {
    fn kid(&self) -> Kid {
        self.key.kid()
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Esp256
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.out.load(Ordering::SeqCst) {
            return Err(SignError::Unavailable { kid: self.kid(), why: "no token \"gate\" is there".into() });
        }
        self.key.sign(message)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_key_is_away_nothing_is_recorded_and_everything_is_counted() {
    let out = Arc::new(AtomicBool::new(false));
    let key = Esp256Signer::from_secret(&[5; 32]).unwrap();
    let statement =
        Statement { agent: "a".into(), chain: CHAIN, public: key.public_key(), created_ms: 0, simulated: true };
    let statement = statement.issue(&key).unwrap();
    let mut bench = Bench::new(PLENTY);
    bench.statement = statement;
    let signer = Arc::new(Pulled { key, out: Arc::clone(&out) });
    let started = bench.try_start_with(Arc::clone(&signer) as _).await.unwrap();
    started.outbox.seal(draft("good")).await.unwrap();
    let status = started.outbox.status();

    out.store(true, Ordering::SeqCst);
    for i in 0..5 {
        let why = started.outbox.seal(draft(&format!("lost-{i}"))).await.unwrap_err();
        assert!(matches!(why, Refusal::Key(_)), "{why}");
    }
    // A burst, so that one group holds several.
    let burst = (0..20).map(|i| {
        let outbox = started.outbox.clone();
        tokio::spawn(async move { outbox.seal(draft(&format!("burst-{i}"))).await })
    });
    for wait in burst.collect::<Vec<_>>() {
        assert!(matches!(wait.await.unwrap(), Err(Refusal::Key(_))));
    }
    let now = status.borrow().clone();
    assert_eq!(now.refused, 25);
    assert!(now.stopped_since_ms.is_some() && now.key_away.as_deref().unwrap().contains("no token"));
    assert_eq!(names(&stored(bench.dir.path())), ["good"]);

    out.store(false, Ordering::SeqCst);
    started.outbox.seal(draft("back")).await.unwrap();
    let now = status.borrow().clone();
    assert_eq!((now.refused, now.stopped_since_ms, now.key_away.clone()), (0, None, None));
    let entries = stored(bench.dir.path());
    assert_eq!(names(&entries), ["good", "back"]);
    let told = entries.iter().find_map(|entry| match parse(&entry.bytes).unwrap().body.detail {
        Detail::Resumed(it) => Some(it.refused),
        _ => None,
    });
    assert_eq!(told, Some(25));
    // The count outlives a power cut in the middle.
    out.store(true, Ordering::SeqCst);
    assert!(started.outbox.seal(draft("lost")).await.is_err());
    started.task.abort();
    let _ = started.task.await;
    let Err(why) = bench.try_start_with(Arc::clone(&signer) as _).await else {
        panic!("a start without its key went on without the records of the start");
    };
    assert!(matches!(why, StoreError::Unsigned(_)), "{why}");
    out.store(false, Ordering::SeqCst);
    let started = bench.try_start_with(signer).await.unwrap();
    assert_eq!(started.outbox.status().borrow().refused, 1);
    started.end().await;

    let registry = bench.registry();
    let mut verifier = Verifier::new(&registry);
    for entry in stored(bench.dir.path()) {
        verifier.push(&entry.bytes);
    }
    let report = verifier.finish();
    assert_eq!((report.signature, report.chain), (Verdict::Ok, Verdict::Ok));
}

#[test]
fn a_key_that_is_away_seals_nothing() {
    let out = Arc::new(AtomicBool::new(true));
    let signer = Pulled { key: Esp256Signer::from_secret(&[5; 32]).unwrap(), out };
    let head = tidewaiter_record::ChainHead::new(CHAIN, Hash([0; 32]));
    let claims = tidewaiter_record::Claims { agent: "a".into(), subject: "self".into() };
    let time = tidewaiter_record::TimeBlock {
        wall_ms: 0,
        mono_ms: 0,
        boot: 1,
        quality: tidewaiter_record::TimeQuality::U,
        err_ms: 0,
        src: tidewaiter_record::TimeSource::None,
        age_s: 0,
    };
    let body = tidewaiter_record::Body { time, detail: draft("x").detail };
    assert!(matches!(seal_record(&head, &claims, None, &body, &signer), Err(SealError::Sign(_))));
}

#[test]
fn a_key_of_a_file_says_where_it_is_and_nothing_of_itself() {
    let site = Site::new(Algorithm::Ed25519);
    let enrolled = site.loaded();
    assert_eq!(enrolled.signer.place(), "file");
    let pem = std::fs::read_to_string(site.dir.path().join(keys::KEY_FILE)).unwrap();
    let said = format!("{:?} {:?}", enrolled, KeyNote::default());
    assert!(!said.contains(pem.lines().nth(1).unwrap()));
    assert!(matches!(enrolled.signer, Key::Software(_)));
}
