//! A store whose budget is used up: it says so, counts what it refuses, and gives nothing away.

use tidewaiter_agent::{inspector::AskError, outbox::Refusal};
use tidewaiter_record::Detail;
use tidewaiter_tests::world::{HOUR, MINUTE, SECOND, Setting, Trouble, TroubleKind, World};

use super::{expect, expect_whole, play, quiet, world};

/// A meter that nobody uses: only the test makes records.
const STILL: &str = "title = \"a store and its budget\"\nseed = 4\n[ph_meter]\n";

/// Lorries every 45 s; their inspections are the only records.
const LANE: &str = r#"
title = "a lane and its budget"
seed = 4
[lane]
time_limit = "90 s"
identity_window = "4 s"
[weighbridge]
[portal]
[plate_reader]
[traffic]
first = "10 s"
headway = "45 s"
[traffic.generator]
"#;

fn tiny(scene: &str, back: i64) -> Setting {
    Setting {
        troubles: vec![Trouble { from: 0, to: back, one_in: 1, kind: TroubleKind::Offline }],
        site: |site| {
            site.store.budget_bytes = 256 * 1024;
            site.watches.clear();
        },
        ..Setting::of(scene)
    }
}

/// Records about the store itself, with their counts.
fn about_the_store(world: &World) -> Vec<String> {
    let told = world.centre.records().unwrap().into_iter().filter_map(|record| match record.body.detail {
        Detail::Stopped(stopped) => Some(format!("stopped: {}", stopped.reason)),
        Detail::Resumed(resumed) => Some(format!("resumed after {} refused", resumed.refused)),
        Detail::Recovery(recovery) => Some(format!("recovery: {}", recovery.found)),
        Detail::Shutdown => Some("shutdown".to_owned()),
        _ => None,
    });
    told.collect()
}

#[test]
fn every_refusal_is_counted_and_nothing_unreceipted_makes_room() {
    play(async || {
        let back = HOUR;
        let mut world = world(tiny(STILL, back)).await;
        world.until(0).await;
        let begun = world.status().sealed;
        let (mut taken, mut refused) = (0_u64, 0_u64);
        for at in 0..1_200 {
            world.until(at * SECOND).await;
            match world.post("粤B00001", &[("axles", "6")]).await {
                Ok(()) => {
                    assert_eq!(refused, 0, "seed {}: post {at} was taken while stopped", world.seed());
                    taken += 1;
                }
                Err(AskError::Refused(Refusal::Full)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        let full = world.status();
        assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
        assert_eq!(full.refused, refused);
        assert!(full.stopped_since_ms.is_some());
        assert!(full.usage.0 <= full.usage.1, "{:?} beyond the budget", full.usage);
        // What was taken, and the record that says it stopped: in a post a second there is no minute for a heartbeat.
        assert_eq!(full.sealed, begun + taken + 1);
        assert_eq!(world.agent().outbox.entries(0, 10_000).await.unwrap().unwrap().len() as u64, full.sealed);

        world.until(back + MINUTE).await;
        assert!(world.status().cursor.unwrap().upto_seq + 1 >= full.sealed, "the centre has everything");
        world.post("粤B00001", &[("axles", "6")]).await.unwrap();
        let after = world.status();
        assert_eq!((after.refused, after.stopped_since_ms), (0, None));
        let status = world.stop().await.unwrap();
        expect(
            &world,
            about_the_store(&world),
            &format!("stopped: budget used up\nresumed after {refused} refused\nshutdown"),
        );
        expect_whole(&world, status.sealed);
        let after = world.centre.records().unwrap().into_iter().skip(usize::try_from(full.sealed).unwrap());
        let mut after: Vec<_> = after.map(|record| record.body.detail.word()).collect();
        // With room again recording goes on at once, without a sign of life to start it, and tells what made the room.
        let beats = after.iter().filter(|it| **it == "heartbeat").count();
        after.retain(|it| *it != "heartbeat");
        assert_eq!((after.as_slice(), beats), (["resumed", "trimmed", "event", "shutdown"].as_slice(), 0));
    });
}

#[test]
fn lorries_that_could_not_be_recorded_are_counted() {
    play(async || {
        let back = 20 * MINUTE;
        let mut world = world(Setting { site: |site| site.store.budget_bytes = 160 * 1024, ..tiny(LANE, back) }).await;
        let until = quiet(&world, back - 2 * MINUTE);
        world.until(until).await;
        let full = world.status();
        let came = world.oracle().inspections.len() as u64;
        let until = quiet(&world, back + 5 * MINUTE);
        world.until(until).await;
        let all = world.oracle().inspections.len() as u64;
        let status = world.stop().await.unwrap();
        eprintln!("{}", world.cost("full"));
        let inspections = world.centre.inspections().unwrap();
        let refused = all - inspections.len() as u64;
        assert!(full.refused > 5 && full.refused <= refused, "{} of {came} refused", full.refused);
        let told = about_the_store(&world);
        assert!(told[0].starts_with("stopped: "), "{told:?}");
        assert_eq!(told[1..], [format!("resumed after {refused} refused"), "shutdown".to_owned()]);
        expect_whole(&world, status.sealed);
    });
}
