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
