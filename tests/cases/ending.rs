//! How an agent ends: as asked, with everything open recorded; or with its power, and told of afterwards.

use std::collections::BTreeSet;

use tidewaiter_agent::inspect::Operation;
use tidewaiter_record::Detail;
use tidewaiter_tests::world::{MINUTE, SECOND, Setting, World, row};

use super::{expect, expect_whole, play, world};

/// A lane, a pH bench and a drum, all of them busy twenty seconds in.
const BUSY: &str = r#"
title = "everything under way at once"
seed = 13
[lane]
time_limit = "60 s"
identity_window = "4 s"
[weighbridge]
noise_kg = 1.0
zero_drift_kg = 0.0
[portal]
[plate_reader]
[traffic]
first = "5 s"
headway = "45 s"
cycle = true
[[traffic.lorry]]
plate = "粤B00001"
axles = 2
mass_kg = 12000
declared = { mass_kg = 12000, goods = "cotton yarn" }
[[traffic.lorry]]
plate = "粤B00002"
axles = 2
mass_kg = 14000
declared = { mass_kg = 14000, goods = "cotton yarn" }
[ph_meter]
rig = "bench-a"
[[ph_meter.specimen]]
sample = "T-1"
category = "B"
goods = "shirt"
ph = [7.0, 7.0, 7.0]
[drum]
rig = "drum-a"
every = "600 s"
[[drum.run]]
at = "14 s"
barcode = "TW0001"
"#;

/// Until all three are open: the lorry has settled on the scale, the drum turns, a sample is started.
async fn all_busy(world: &World) {
    world.operate("bench-a", Operation::Start { sample: "T-1".to_owned() }).await.unwrap();
    world.until(21 * SECOND).await;
    let busy: Vec<_> =
        world.agent().live.snapshot().busy.into_iter().map(|(place, subject)| format!("{place} {subject}")).collect();
    expect(world, busy, "bench-a T-1\ndrum-a TW0001\nlane-7 粤B00001");
}

/// The records of the agent's own life, and its inspections, in chain order.
fn life(world: &World) -> Vec<String> {
    let told = world.centre.records().unwrap().into_iter().filter_map(|record| {
        let boot = record.body.time.boot;
        let told = match record.body.detail {
            Detail::Genesis(_) => "genesis".to_owned(),
            Detail::Shutdown => "shutdown".to_owned(),
            Detail::Recovery(it) => format!("recovery: {}, {} interrupted", it.found, it.interrupted),
            Detail::Inspection(it) => row(&it, "gross-mass").to_string(),
            _ => return None,
        };
        Some(format!("{boot} {told}"))
    });
    told.collect()
}

#[test]
fn a_stop_records_everything_that_is_open() {
    play(async || {
        let mut world = world(Setting { on_disk: true, ..Setting::of(BUSY) }).await;
        all_busy(&world).await;
        let status = world.stop().await.unwrap();
        expect_whole(&world, status.sealed);
        // A new start finds a clean end and nothing to recover. What is still under way gets a record of its own:
        // the lorry that drives off, the rest of the run.
        world.restart().await.unwrap();
        world.until(90 * SECOND).await;
        let status = world.stop().await.unwrap();
        expect_whole(&world, status.sealed);
        expect(
            &world,
            life(&world),
            "1 genesis
             1 粤B00001 | interrupted | Inconclusive(incomplete) | refer | 12000 | - | -
             1 T-1 (manual) | interrupted | Inconclusive(incomplete) | refer | - | - | -
             1 TW0001 | interrupted | Inconclusive(incomplete) | refer | - | - | -
             1 shutdown
             2 TW0001 | interrupted | Inconclusive(incomplete) | refer | - | - | -
             2 ? | drove-off | Inconclusive(incomplete) | not-valid | ~12000 | - | scale-unstable
             2 粤B00002 | complete | Pass | clear | 14000 | - | -
             2 shutdown",
        );
    });
}

#[test]
fn a_power_cut_loses_no_inspection_and_uses_no_number_twice() {
    play(async || {
        let mut world = world(Setting { on_disk: true, ..Setting::of(BUSY) }).await;
        all_busy(&world).await;
        let head = world.status().head.unwrap();
        world.cut_power().await;
        world.restart().await.unwrap();
        let after = world.status().head.unwrap();
        assert_eq!(after - head, 4, "recovery and three interrupted inspections");
        world.until(90 * SECOND).await;
        // And once more, in the middle of nothing.
        world.cut_power().await;
        world.restart().await.unwrap();
        world.until(3 * MINUTE).await;
        let status = world.stop().await.unwrap();
        expect_whole(&world, status.sealed);
        // The lane has no background yet when the next lorry comes five seconds after the second start.
        expect(
            &world,
            life(&world),
            "1 genesis
             2 recovery: unclean end with open inspections, 3 interrupted
             2 T-1 (manual) | interrupted | Inconclusive(incomplete) | refer | - | - | -
             2 TW0001 | interrupted | Inconclusive(incomplete) | refer | - | - | -
             2 粤B00001 | interrupted | Inconclusive(incomplete) | refer | 12000 | - | -
             2 TW0001 | interrupted | Inconclusive(incomplete) | refer | - | - | -
             2 粤B00002 | complete | Pass | clear | 14000 | - | -
             3 recovery: unclean end, 0 interrupted
             3 粤B00001 | complete | Inconclusive(no-background) | not-valid | 12000 | - | no-background
             3 粤B00002 | complete | Pass | clear | 14000 | - | -
             3 shutdown",
        );
        let records = world.centre.records().unwrap();
        let numbers: BTreeSet<u64> = records.iter().map(|record| record.header.seq).collect();
        assert_eq!(numbers.len(), records.len());
        let ids: BTreeSet<String> = world.centre.inspections().unwrap().into_iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), world.centre.inspections().unwrap().len(), "an inspection's id is used once: {ids:?}");
        let boots: Vec<u64> = records.iter().map(|record| record.body.time.boot).collect();
        assert!(boots.is_sorted());
    });
}
