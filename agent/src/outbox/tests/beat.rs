//! The keeper's sign of life, and why nothing is recorded.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use tokio::time::{sleep, timeout};

use super::*;

/// Longer than any bounded wait of the keeper, shorter than a test may take.
const LONG: Duration = Duration::from_secs(30);

pub(super) async fn until(mut met: impl FnMut() -> bool) {
    let waited = timeout(LONG, async {
        while !met() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.expect("within half a minute");
}

impl Bench {
    pub(super) fn pass(&self, ms: u64) -> u64 {
        let mut now = self.clock.0.lock().unwrap();
        now.mono_ms += ms;
        now.wall_ms += i64::try_from(ms).unwrap();
        now.mono_ms
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_hangs_in_the_disk_gives_no_sign_of_life() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    // At rest it looks by itself.
    let passed = bench.pass(10_000);
    until(|| started.outbox.looked_mono_ms() >= passed).await;

    bench.plan.hangs.store(true, Ordering::SeqCst);
    let sealing = tokio::spawn({
        let outbox = started.outbox.clone();
        async move { outbox.seal(draft("one")).await }
    });
    sleep(Duration::from_millis(100)).await;
    let looked = started.outbox.looked_mono_ms();
    let now = bench.pass(60_000);
    sleep(Duration::from_millis(2500)).await;
    assert_eq!(started.outbox.looked_mono_ms(), looked);
    assert!(now - looked > 5000 && !sealing.is_finished());

    bench.plan.hangs.store(false, Ordering::SeqCst);
    sealing.await.unwrap().unwrap();
    until(|| started.outbox.looked_mono_ms() >= now).await;
    started.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_disk_is_told_from_a_full_one() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    let done = bench.plan.commits.load(Ordering::SeqCst);
    *bench.plan.next.lock().unwrap() = (done..done + 3).map(|at| (at, Mishap::Before)).collect::<BTreeMap<_, _>>();
    assert!(matches!(started.outbox.seal(draft("one")).await, Err(Refusal::Store(_))));
    let status = Arc::clone(&started.outbox.status().borrow());
    assert!(status.stopped_since_ms.is_some());
    assert_eq!(status.stopped_by, Some(StopCause::Failed));
    started.outbox.seal(draft("two")).await.unwrap();
    let status = Arc::clone(&started.outbox.status().borrow());
    assert_eq!((status.stopped_since_ms, status.stopped_by, status.ending), (None, None, false));
    let status = started.outbox.status();
    started.outbox.finish().await;
    assert!(status.borrow().ending);
    started.end().await;

    let small = Bench::new(128 * 1024);
    let started = small.start().await;
    let mut number = 0;
    while started.outbox.seal(draft(&number.to_string())).await.is_ok() {
        number += 1;
    }
    assert_eq!(started.outbox.status().borrow().stopped_by, Some(StopCause::Full));
    started.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_others_have_filled_is_told_from_the_budget_and_costs_no_count() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    let stopped_by = || started.outbox.status().borrow().stopped_by;
    let refused = || started.outbox.status().borrow().refused;
    started.outbox.seal(draft("before")).await.unwrap();
    bench.plan.short.lock().unwrap().replace(StopCause::Disk);
    for number in 0..5 {
        assert_eq!(started.outbox.seal(draft(&number.to_string())).await, Err(Refusal::DiskFull));
        assert_eq!((stopped_by(), refused()), (Some(StopCause::Disk), number + 1), "not one of them is forgotten");
    }
    // Space is back, and inodes are not.
    bench.plan.short.lock().unwrap().replace(StopCause::Inodes);
    assert_eq!(started.outbox.seal(draft("six")).await, Err(Refusal::NoInodes));
    assert_eq!((stopped_by(), refused()), (Some(StopCause::Inodes), 6));
    *bench.plan.short.lock().unwrap() = None;
    let after = started.outbox.seal(draft("after")).await.unwrap();
    assert_eq!((stopped_by(), refused()), (None, 0));
    started.end().await;
    let resumed = stored(bench.dir.path()).into_iter().find(|it| it.seq == after.seq - 1).unwrap();
    let told = parse(&resumed.bytes).unwrap().body.detail;
    assert!(matches!(told, Detail::Resumed(resumed) if resumed.refused == 6), "the chain tells all six");
}

#[test]
fn a_real_disk_says_which_of_its_two_stores_is_used_up() {
    // A file system of this machine has room and inodes: what SQLite calls full is the budget then.
    let dir = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(dir.path(), CHAIN, 1 << 20).unwrap();
    let full = || StoreError::Sqlite {
        path: "x".into(),
        source: rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(13), None),
    };
    assert!(full().is_full());
    assert_eq!((store.stop_cause(&full()), store.stop_cause(&broken("x"))), (StopCause::Full, StopCause::Failed));
}
