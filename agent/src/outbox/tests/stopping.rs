//! Not recording, found before there was a result to lose, and the way back without one.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use tidewaiter_record::body::{Flags, Heartbeat, SoftwareId};

use super::{beat::until, *};

const MIB: u64 = 1024 * 1024;

fn sign_of_life() -> Draft {
    let software = SoftwareId { name: "test".into(), hash: None, config: [0; 32] };
    let (counters, gauges) = (BTreeMap::new(), BTreeMap::new());
    let beat = Heartbeat { flags: Flags::default(), counters, gauges, software, tables: Vec::new(), plan: None };
    Draft { id: None, detail: Detail::Heartbeat(Box::new(beat)), place: "self".into(), ..draft("-") }
}

impl Bench {
    /// The next commits fail.
    fn fails(&self, commits: u32, mishap: Mishap) {
        let done = self.plan.commits.load(Ordering::SeqCst);
        *self.plan.next.lock().unwrap() = (done..done + commits).map(|at| (at, mishap)).collect();
    }

    fn disk(&self, free_bytes: u64, read_only: bool) {
        *self.plan.disk.lock().unwrap() = Some(Disk { free_bytes, read_only });
    }
}

/// What the chain says of recording itself.
fn told(bench: &Bench) -> Vec<String> {
    let told =
        stored(bench.dir.path()).into_iter().filter_map(|entry| match parse(&entry.bytes).unwrap().body.detail {
            Detail::Stopped(it) => Some(format!("stopped: {}", it.reason)),
            Detail::Resumed(it) => Some(format!("resumed after {}", it.refused)),
            _ => None,
        });
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_of_life_that_cannot_be_kept_says_that_nothing_is_recorded() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    let status = started.outbox.status();
    bench.fails(3, Mishap::Before);
    assert!(matches!(started.outbox.seal(sign_of_life()).await, Err(Refusal::Store(_))));
    assert_eq!((status.borrow().stopped_by, status.borrow().refused), (Some(StopCause::Failed), 0));
    // Likewise what an inspection leaves behind when it opens.
    bench.pass(10_000);
    until(|| status.borrow().stopped_since_ms.is_none()).await;
    bench.fails(3, Mishap::Before);
    assert!(started.outbox.remember("lane", b"open".to_vec()).await.is_err());
    assert_eq!(status.borrow().stopped_by, Some(StopCause::Failed));
    bench.pass(10_000);
    until(|| status.borrow().stopped_since_ms.is_none()).await;
    started.end().await;
    assert_eq!(told(&bench), ["resumed after 0", "resumed after 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_not_forgotten_by_a_try_that_fails() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    let status = started.outbox.status();
    bench.fails(3, Mishap::Before);
    started.outbox.seal(draft("one")).await.unwrap_err();
    let since = status.borrow().stopped_since_ms;
    // The record that says "resumed" fails: still stopped, since the same moment, and one more is refused.
    bench.fails(1, Mishap::Before);
    started.outbox.seal(draft("two")).await.unwrap_err();
    assert_eq!((status.borrow().refused, status.borrow().stopped_since_ms), (2, since));
    // It was written after all: it is not said a second time.
    bench.fails(1, Mishap::After);
    started.outbox.seal(draft("three")).await.unwrap();
    assert_eq!((status.borrow().refused, status.borrow().stopped_since_ms), (0, None));
    started.end().await;
    assert_eq!(told(&bench), ["resumed after 2"]);
    assert_eq!(names(&stored(bench.dir.path())), ["three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_others_fill_stops_recording_before_a_result_is_lost() {
    let bench = Bench::new(PLENTY);
    let started = bench.start().await;
    let status = started.outbox.status();
    let stopped = || status.borrow().stopped_by;
    bench.disk(MIB, false);
    bench.pass(1000);
    started.outbox.seal(draft("one")).await.unwrap();
    assert_eq!(stopped(), None);
    bench.disk(MIB - 1, false);
    bench.pass(1000);
    until(|| stopped() == Some(StopCause::Disk)).await;
    assert!(matches!(started.outbox.seal(draft("two")).await, Err(Refusal::DiskFull)));
    // At the edge it does not stop and go on in turn.
    bench.disk(2 * MIB - 1, false);
    bench.pass(10_000);
    assert!(matches!(started.outbox.seal(draft("three")).await, Err(Refusal::DiskFull)));
    bench.disk(2 * MIB, false);
    bench.pass(10_000);
    until(|| stopped().is_none()).await;
    started.outbox.seal(draft("four")).await.unwrap();
    bench.disk(PLENTY, true);
    bench.pass(1000);
    until(|| stopped() == Some(StopCause::Failed)).await;
    bench.disk(PLENTY, false);
    bench.pass(10_000);
    until(|| stopped().is_none()).await;
    started.end().await;
    assert_eq!(told(&bench), ["stopped: disk full", "resumed after 2", "resumed after 0"]);
}
