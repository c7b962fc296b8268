//! What the keeper adds to the chain by itself: anchors, notes of what was deleted, evidence that is there.

use tidewaiter_record::{
    Anchor,
    body::{Evidence, Flags, Trimmed},
};

use super::*;
use crate::evidence::{DiskEvidence, EvidenceStore as _};

impl HandClock {
    fn advance(&self, ms: u64) {
        let mut now = self.0.lock().unwrap();
        now.mono_ms += ms;
        now.wall_ms += i64::try_from(ms).unwrap();
    }
}

impl Bench {
    /// Starts with evidence in the same folder as the store.
    async fn start_beside(&self) -> Started {
        let identity = Identity {
            agent: "a".into(),
            chain: CHAIN,
            statement: self.statement_hash(),
            context: Context { software: "test".into(), config: [0; 32] },
        };
        let (signer, clock): (_, Arc<dyn Clock>) = (Arc::clone(&self.signer) as _, Arc::clone(&self.clock) as _);
        let settings = Settings { keep_ms: self.keep_ms, clock: Policy::default() };
        let opened = Keeper::open(Box::new(self.store()), signer, clock, identity, settings, seal::interrupted).await;
        let (keeper, outbox) = opened.unwrap();
        let (keeper, outbox) = keeper.with_evidence(outbox, Arc::new(DiskEvidence::open(self.dir.path()).unwrap()));
        let stop = CancellationToken::new();
        let task = tokio::spawn(keeper.run(stop.clone()));
        Started { outbox, stop, task }
    }

    fn kept(&self) -> Vec<Hash> {
        DiskEvidence::open(self.dir.path()).unwrap().list().unwrap()
    }
}

fn naming(content: &[u8], id: &str) -> Draft {
    let evidence = Evidence {
        flags: Flags::default(),
        inspection: None,
        instrument: None,
        at: Moment { mono_ms: 0, wall_ms: 0 },
        media: "image/png".into(),
        hash: Hash::of(content),
        size: content.len() as u64,
        content: None,
        facts: BTreeMap::new(),
        context: Context { software: "test".into(), config: [0; 32] },
    };
    Draft { detail: Detail::Evidence(Box::new(evidence)), ..draft(id) }
}

async fn receipt_all(started: &Started, dir: &Path) {
    let last = stored(dir).pop().unwrap();
    let cursor = Cursor { upto_seq: last.seq, hash: last.hash, received_ms: 1 };
    assert_eq!(started.outbox.receipt(cursor).await, ReceiptAnswer::Moved);
}

fn head(number: u64, size: u64, root: u8) -> Head {
    Head { centre: "c".into(), number, size, root: Hash([root; 32]), at_ms: 7 }
}

fn anchors(dir: &Path) -> Vec<(u64, Anchor)> {
    let anchor = |entry: Entry| Some((entry.seq, parse(&entry.bytes).unwrap().header.anchor?));
    stored(dir).into_iter().filter_map(anchor).collect()
}

fn trims(dir: &Path) -> Vec<Trimmed> {
    let trimmed = |entry: Entry| match parse(&entry.bytes).unwrap().body.detail {
        Detail::Trimmed(it) => Some(it),
        _ => None,
    };
    stored(dir).into_iter().filter_map(trimmed).collect()
}

#[tokio::test]
async fn a_record_names_only_evidence_that_is_kept() {
    let bench = Bench::new(PLENTY);
    let started = bench.start_beside().await;
    let content: Arc<[u8]> = vec![7; 20_000].into();
    let absent = started.outbox.seal(naming(&content, "a")).await;
    assert!(matches!(&absent, Err(Refusal::Seal(why)) if why.contains("is not kept")), "{absent:?}");
    let hash = started.outbox.keep(Arc::clone(&content)).await.unwrap();
    let cut = naming(&content[..19_999], "b");
    let Detail::Evidence(it) = &cut.detail else { panic!() };
    let cut = Draft { detail: Detail::Evidence(Box::new(Evidence { hash, ..(**it).clone() })), ..cut };
    assert!(started.outbox.seal(cut).await.is_err(), "another size is another content");
    let recorded = started.outbox.seal(naming(&content, "c")).await.unwrap();
    let named: Vec<_> = started.outbox.status().borrow().evidence.iter().map(|(seq, it)| (*seq, *it)).collect();
    assert_eq!(named, [(recorded.seq, (hash, 20_000))]);
    assert_eq!(started.outbox.content(hash, 19_990, 100).await.unwrap(), vec![7; 10]);
    let (used, _) = started.outbox.status().borrow().usage;
    assert!(used >= 20_000, "evidence counts into the budget");
    started.end().await;
}

#[tokio::test]
async fn evidence_outlives_a_power_cut_with_its_record_and_goes_without_one() {
    let bench = Bench::new(PLENTY);
    let mut started = bench.start_beside().await;
    let (named, orphan): (Arc<[u8]>, Arc<[u8]>) = (vec![1; 17_000].into(), vec![2; 17_000].into());
    let named_hash = started.outbox.keep(Arc::clone(&named)).await.unwrap();
    let recorded = started.outbox.seal(naming(&named, "a")).await.unwrap();
    started.outbox.keep(orphan).await.unwrap();
    assert_eq!(bench.kept().len(), 2);
    started.task.abort();
    let _ = (&mut started.task).await;
    let started = bench.start_beside().await;
    assert_eq!(bench.kept(), [named_hash], "the cut came between a content and its record");
    assert_eq!(started.outbox.status().borrow().evidence.get(&recorded.seq), Some(&(named_hash, 17_000)));
    started.end().await;
}

#[tokio::test]
async fn evidence_goes_with_the_last_record_that_names_it() {
    let mut bench = Bench::new(PLENTY);
    bench.keep_ms = 3_600_000;
    let started = bench.start_beside().await;
    let content: Arc<[u8]> = vec![3; 30_000].into();
    let hash = started.outbox.keep(Arc::clone(&content)).await.unwrap();
    started.outbox.seal(naming(&content, "a")).await.unwrap();
    started.outbox.seal(draft("b")).await.unwrap();
    bench.clock.advance(2 * 3_600_000);
    started.outbox.seal(naming(&content, "again")).await.unwrap();
    started.outbox.seal(draft("c")).await.unwrap();
    receipt_all(&started, bench.dir.path()).await;
    assert_eq!(bench.kept(), [hash], "a newer record names it too");
    assert_eq!(started.outbox.status().borrow().evidence.len(), 1);
    bench.clock.advance(2 * 3_600_000);
    started.outbox.seal(draft("d")).await.unwrap();
    started.outbox.seal(draft("e")).await.unwrap();
    receipt_all(&started, bench.dir.path()).await;
    assert!(bench.kept().is_empty() && started.outbox.status().borrow().evidence.is_empty());
    started.end().await;
}

#[tokio::test]
async fn evidence_that_would_use_up_the_reserve_is_refused() {
    let bench = Bench::new(1 << 20);
    let started = bench.start_beside().await;
    assert_eq!(started.outbox.keep(vec![0; 1 << 20].into()).await, Err(Refusal::Full));
    assert!(bench.kept().is_empty());
    started.outbox.seal(draft("a")).await.unwrap();
    started.end().await;
}

#[tokio::test]
async fn what_was_deleted_is_told_once_a_minute_and_survives_a_power_cut() {
    let mut bench = Bench::new(PLENTY);
    bench.keep_ms = 0;
    let mut started = bench.start().await;
    for number in 0..6 {
        started.outbox.seal(draft(&number.to_string())).await.unwrap();
    }
    let all = stored(bench.dir.path());
    let (first, second) = (all[3].clone(), all[5].clone());
    let receipt = |entry: &Entry| Cursor { upto_seq: entry.seq, hash: entry.hash, received_ms: 1 };
    started.outbox.receipt(receipt(&first)).await;
    // The answer comes before the note; the next answer comes after it.
    started.outbox.find("0").await.unwrap().unwrap();
    let expected = Trimmed { from_seq: 0, upto_seq: 3, hash: first.hash, receipted_upto: 3 };
    assert_eq!(trims(bench.dir.path()), [expected]);
    bench.clock.advance(11 * 60_000);
    started.outbox.receipt(receipt(&second)).await;
    // The power goes after the deletion; the chain tells of it all the same.
    started.task.abort();
    let _ = (&mut started.task).await;
    let started = bench.start().await;
    started.outbox.seal(draft("x")).await.unwrap();
    started.outbox.find("x").await.unwrap().unwrap();
    let told = trims(bench.dir.path());
    let expected = Trimmed { from_seq: 4, upto_seq: 5, hash: second.hash, receipted_upto: 5 };
    assert_eq!(told.last(), Some(&expected), "{told:?}");
    started.end().await;
}

#[tokio::test]
async fn each_head_of_the_log_is_anchored_in_the_next_record_and_not_again() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    assert_eq!(started.outbox.beacon(head(1, 5, 1)).await, BeaconAnswer::Moved);
    assert_eq!(started.outbox.beacon(head(1, 5, 1)).await, BeaconAnswer::Known);
    assert_eq!(started.outbox.status().borrow().beacon.unwrap().number, 1);
    let a = started.outbox.seal(draft("a")).await.unwrap();
    started.outbox.seal(draft("b")).await.unwrap();
    started.outbox.log(LogHead { size: 9, root: Hash([2; 32]) }).await;
    started.end().await;
    // Known over a new start: the one that no record names yet is anchored, the other is not again.
    let started = bench.start().await;
    assert!(matches!(started.outbox.beacon(head(1, 9, 2)).await, BeaconAnswer::Refused(_)), "the number is remembered");
    started.outbox.seal(draft("c")).await.unwrap();
    started.end().await;
    let found: Vec<_> = anchors(bench.dir.path());
    let shown: Vec<_> = found.iter().map(|(_, it)| (it.number, it.hash)).collect();
    assert_eq!(shown, [(5, Hash([1; 32])), (9, Hash([2; 32]))]);
    assert_eq!(found[0].0, a.seq);
}

#[tokio::test]
async fn a_beacon_that_goes_back_is_told_once_and_a_forked_log_stays_told() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    started.outbox.beacon(head(5, 10, 1)).await;
    for old in [head(4, 12, 2), head(5, 11, 3), head(6, 9, 4)] {
        assert!(matches!(started.outbox.beacon(old).await, BeaconAnswer::Refused(_)));
    }
    assert_eq!(started.outbox.status().borrow().log_fork, None);
    for _ in 0..2 {
        assert!(matches!(started.outbox.beacon(head(7, 10, 9)).await, BeaconAnswer::Refused(_)));
    }
    assert_eq!(started.outbox.status().borrow().beacon.unwrap().number, 5, "the old one stays");
    started.end().await;
    assert_eq!(names(&stored(bench.dir.path())), ["beacon-refused", "log-fork"]);
    let started = bench.start().await;
    let fork = started.outbox.status().borrow().log_fork.clone();
    assert!(fork.is_some_and(|it| it.contains("two logs of 10 records")));
    started.end().await;
}
