//! The simulated lane and laboratory on a clock that is moved: whole worlds, hours in seconds.
//!
//! Each case ends in a small text table that is compared with the one expected. What fails says its seed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod bench;
mod benches;
mod checks;
mod declared;
mod ending;
mod flapping;
mod full;
mod lane;
mod life;
mod orders;
mod outputs;
mod page;
mod passages;
mod plan;
mod reload;
mod second;
mod stills;
mod uplink;
mod watches;

use std::fmt::{Display, Write as _};

use tidewaiter_tests::world::{MINUTE, SECOND, Setting, World};

/// Runs a case on a clock of its own that stands still while anybody works and moves on when everybody waits.
fn play(case: impl AsyncFnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(case());
}

/// A world, or the reason why there is none.
async fn world(setting: Setting) -> World {
    match World::start(setting).await {
        Ok(world) => world,
        Err(why) => panic!("{why:#}"),
    }
}

/// The first whole second from `from` on at which no lorry is in the lane, and the last one's plate has been
/// waited for: what has been found by then is what the oracle foresees.
fn quiet(world: &World, from: i64) -> i64 {
    let passages = world.truth.passages(from + 15 * MINUTE);
    let is_quiet =
        |at: &i64| passages.iter().all(|it| it.leaves_ms() + 8 * SECOND < *at || it.arrives_ms > *at + SECOND);
    (0..600).map(|second| from / SECOND * SECOND + second * SECOND).find(is_quiet).unwrap()
}

/// Compares a table row by row; blanks at line ends and around the table do not count.
fn expect<R: Display>(world: &World, found: impl IntoIterator<Item = R>, expected: &str) {
    let found: Vec<String> = found.into_iter().map(|row| row.to_string()).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if found == expected {
        return;
    }
    let mut told = format!("seed {}: {} rows found, {} expected\n", world.seed(), found.len(), expected.len());
    for place in 0..found.len().max(expected.len()) {
        let (is, ought) = (found.get(place).map(String::as_str), expected.get(place).copied());
        if is == ought {
            let _ = writeln!(told, "    {}", is.unwrap_or_default());
        } else {
            let _ = writeln!(told, "is  {}\nnot {}", is.unwrap_or("(nothing)"), ought.unwrap_or("(nothing)"));
        }
    }
    panic!("{told}");
}

/// Nothing lost, nothing doubted, nothing between: what the centre stored is what the agent sealed.
fn expect_whole(world: &World, sealed: u64) {
    let summary = world.centre.summary().unwrap();
    let report = world.centre.verify().unwrap();
    assert_eq!(world.centre.failures(), Vec::<String>::new(), "seed {}", world.seed());
    let counts = (
        summary.records,
        summary.receipted,
        summary.gaps,
        summary.bad_total(),
        summary.recomputed + summary.not_recomputed,
    );
    let inspections = u64::try_from(world.centre.inspections().unwrap().len()).unwrap();
    assert_eq!(counts, (sealed, sealed, 0, 0, inspections), "seed {}: {summary:?}", world.seed());
    assert_eq!(summary.not_recomputed, 0, "seed {}: {summary:?}", world.seed());
    let bad: Vec<_> = report.findings.iter().map(|it| format!("{:?} {:?} {}", it.code, it.seq, it.what)).collect();
    let answers = [&report.signature, &report.chain, &report.completeness];
    assert!(
        answers.iter().all(|it| **it == tidewaiter_record::Verdict::Ok),
        "seed {}: {answers:?} {bad:#?}",
        world.seed()
    );
}
