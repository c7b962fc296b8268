//! The laboratory: an operator with a pH meter, and a drum that ends in each of its ways.

use tidewaiter_agent::inspect::Operation;
use tidewaiter_tests::world::{MINUTE, SECOND, Setting, World, row, value_of};

use super::{expect, expect_whole, play, world};

const BENCH: &str = r#"
title = "pH bench under an operator"
seed = 5
[ph_meter]
rig = "bench-a"
rinse = "15 s"
steady = "10 s"
[[ph_meter.specimen]]
sample = "T-1"
category = "B"
goods = "woven cotton shirt"
ph = [7.00, 7.12, 7.10]
[[ph_meter.specimen]]
sample = "T-2"
category = "A"
goods = "infant romper"
ph = [7.90, 8.00, 8.02]
[[ph_meter.specimen]]
sample = "T-3"
category = "B"
goods = "curtain"
ph = [7.00, 7.00, 7.50]
[[ph_meter.specimen]]
sample = "T-4"
category = "B"
goods = "towel"
ph = [6.50, 6.50, 6.50]
"#;

/// The operator at the bench: starts a sample, dips into each of its extracts for a minute and a quarter, and
/// leaves the electrode in the last one.
async fn measure(world: &World, sample: &str, parallels: usize) {
    world.operate("bench-a", Operation::Start { sample: sample.to_owned() }).await.unwrap();
    for parallel in 1..=parallels {
        world.truth.immerse(sample, parallel).unwrap();
        world.until(world.truth.now_ms() + 75 * SECOND).await;
    }
}

/// Between two samples the electrode is rinsed.
async fn rinse(world: &World) {
    world.truth.rinse();
    world.until(world.truth.now_ms() + 30 * SECOND).await;
}

#[test]
fn an_operator_measures_parallels_that_agree_and_some_that_do_not() {
    play(async || {
        let mut world = world(Setting::of(BENCH)).await;
        for sample in ["T-1", "T-2", "T-3"] {
            measure(&world, sample, 3).await;
            rinse(&world).await;
        }
        // One extract too few: the operator gives up.
        measure(&world, "T-4", 2).await;
        let refused = world.operate("bench-a", Operation::Start { sample: "T-1".to_owned() }).await.unwrap_err();
        assert_eq!(refused.to_string(), "rig \"bench-a\" is running sample \"T-4\"; stop it first");
        world.operate("bench-a", Operation::Stop).await.unwrap();
        let status = world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        // The digits behind the point come from the meter's noise; what they may be is stated beside.
        let near = |detail: &tidewaiter_record::InspectionDetail| {
            let told = value_of(detail, "ph");
            let shown = row(detail, "ph").to_string();
            let Ok(value) = told.trim_start_matches('~').parse::<f64>() else { return shown };
            shown.replace(&told, &format!("{}{:.1}", if told.starts_with('~') { "~" } else { "" }, value))
        };
        expect(
            &world,
            found.iter().map(near),
            "T-1 (manual) | complete | Pass | clear | 7.1 | - | -
             T-2 (manual) | complete | Fail | refer | 8.0 | - | -
             T-3 (manual) | complete | Inconclusive(quality) | refer | ~7.2 | - | -
             T-4 (manual) | stopped | Inconclusive(incomplete) | refer | timed-out | - | -",
        );
        expect_whole(&world, status.sealed);
    });
}

/// Three runs in 56 s: one ends well, one tyre fails, one is cut off when the list begins anew.
const DRUM: &str = r#"
title = "a drum that ends in each of its ways"
seed = 6
[drum]
rig = "drum-a"
every = "56 s"
[[drum.run]]
at = "2 s"
barcode = "TW0001"
[[drum.run]]
at = "25 s"
barcode = "TW0002"
fails_after = "5 s"
[[drum.run]]
at = "48 s"
barcode = "TW0003"
"#;

#[test]
fn a_drum_finishes_fails_and_is_stopped_early() {
    play(async || {
        let mut world = world(Setting::of(DRUM)).await;
        world.until(100 * SECOND).await;
        // The operator ends the witnessing of a run that goes on at the bench.
        world.operate("drum-a", Operation::Stop).await.unwrap_err();
        world.until(108 * SECOND).await;
        world.operate("drum-a", Operation::Stop).await.unwrap();
        world.until(111 * SECOND).await;
        let status = world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        expect(
            &world,
            found.iter().map(|detail| row(detail, "lost-polls")),
            "TW0001 | complete | Pass | clear | 0 | - | -
             TW0002 | complete | Fail | alarm | 0 | pressure-loss:device,tyre-failure:device | -
             TW0003 | instrument-stopped | Inconclusive(incomplete) | refer | 0 | - | -
             TW0001 | complete | Pass | clear | 0 | - | -
             TW0002 | complete | Fail | alarm | 0 | pressure-loss:device,tyre-failure:device | -
             TW0003 | stopped | Inconclusive(incomplete) | refer | 0 | - | -",
        );
        expect_whole(&world, status.sealed);
    });
}

#[test]
fn a_bench_nobody_finishes_runs_into_its_time_limit() {
    play(async || {
        let mut world = world(Setting::of(BENCH)).await;
        measure(&world, "T-4", 1).await;
        world.until(40 * MINUTE).await;
        let status = world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        expect(
            &world,
            found.iter().map(|detail| row(detail, "ph")),
            "T-4 (manual) | timed-out | Inconclusive(incomplete) | refer | timed-out | - | -",
        );
        let lasted = found[0].closed.mono_ms - found[0].opened.mono_ms;
        assert!((1_800_000..1_800_200).contains(&lasted), "{lasted} ms");
        expect_whole(&world, status.sealed);
    });
}
