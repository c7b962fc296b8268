//! What the agent says of itself: no minute without a record, with what it works, who its instruments are; and what
//! stands beside the chain.

use std::collections::BTreeMap;

use tidewaiter_agent::inspector::{AskError, Shot};
use tidewaiter_record::{
    Detail, Hash, Record,
    body::{READINGS_MEDIA, decode_readings},
};
use tidewaiter_tests::world::{EXECUTABLE, MINUTE, SECOND, Setting, World};

use super::{expect, expect_whole, play, world};

/// A meter that nobody uses.
const STILL: &str = "title = \"nothing happens\"\nseed = 21\n[ph_meter]\n";

/// A run that brings far more readings than a record holds.
const DRUM: &str = r#"
title = "a long run on a drum"
seed = 22
[drum]
rig = "drum-a"
every = "600 s"
[[drum.run]]
at = "10 s"
barcode = "TW0001"
"#;

/// The agent's own records, one line each, heartbeats left out.
fn own(records: &[Record]) -> Vec<String> {
    let told = records.iter().filter_map(|record| {
        let told = match &record.body.detail {
            Detail::Genesis(_) => "genesis".to_owned(),
            Detail::Shutdown => "shutdown".to_owned(),
            Detail::ConfigActivated(it) => {
                assert_eq!(it.software.hash, Some(EXECUTABLE));
                format!("software by {}, configuration {}", it.cause, hex::encode(&it.software.config[..1]))
            }
            Detail::LimitsActivated(it) => {
                assert!(it.tables.len() > 30, "{} tables", it.tables.len());
                format!("limits {}", it.cause)
            }
            Detail::InstrumentIdentity(it) => format!("{} is {}, read by {}", it.instrument, it.standing, it.driver),
            _ => return None,
        };
        Some(format!("{} {told}", record.body.time.boot))
    });
    told.collect()
}

#[test]
fn no_minute_passes_without_a_record_and_each_change_is_told_once() {
    play(async || {
        let setting = Setting { on_disk: true, site: |site| site.watches.clear(), ..Setting::of(STILL) };
        let mut world = world(setting).await;
        world.site.digest = [1; 32];
        world.until(0).await;
        world.stop().await.unwrap();
        for minutes in [10, 12, 14] {
            if minutes == 14 {
                world.site.digest = [2; 32];
            }
            world.restart().await.unwrap();
            world.until(minutes * MINUTE).await;
            world.stop().await.unwrap();
        }
        let records = world.centre.records().unwrap();
        let first = hex::encode(
            &{
                let Detail::Genesis(it) = &records[0].body.detail else { panic!() };
                it.config
            }[..1],
        );
        let meter = "is silent, read by ph_stream";
        let id = &world.site.instruments[0].id;
        expect(
            &world,
            own(&records),
            &format!(
                "1 genesis
                 1 software by start, configuration {first}
                 1 limits built-in
                 1 {id} {meter}
                 1 shutdown
                 2 software by start, configuration 01
                 2 {id} {meter}
                 2 shutdown
                 3 {id} {meter}
                 3 shutdown
                 4 software by start, configuration 02
                 4 {id} {meter}
                 4 shutdown"
            ),
        );
        let mut beats = 0;
        let mut counted: BTreeMap<(u64, String), u64> = BTreeMap::new();
        for pair in records.windows(2) {
            let (before, after) = (&pair[0].body.time, &pair[1].body.time);
            let gap = after.mono_ms.saturating_sub(before.mono_ms);
            assert!(before.boot != after.boot || gap <= 60_500, "{gap} ms without a record");
            let Detail::Heartbeat(beat) = &pair[1].body.detail else { continue };
            beats += 1;
            assert_eq!((beat.software.hash, beat.plan.is_none()), (Some(EXECUTABLE), true));
            for name in ["store-used-bytes", "store-budget-bytes", "backlog"] {
                assert!(beat.gauges.contains_key(name), "{:?}", beat.gauges);
            }
            for (name, count) in &beat.counters {
                let last = counted.insert((after.boot, name.clone()), *count);
                assert!(last.is_none_or(|last| last <= *count), "{name} fell in start {}", after.boot);
            }
            assert!(beat.counters["sampled"] > 0 && beat.counters["sealed"] > 0);
        }
        assert!((10..=14).contains(&beats), "{beats} heartbeats in fourteen minutes");
        expect_whole(&world, records.len() as u64);
    });
}

#[test]
fn a_site_that_asks_for_more_heartbeats_gets_them() {
    play(async || {
        let often = |site: &mut tidewaiter_config::site::Site| {
            site.watches.clear();
            site.record.heartbeat = std::time::Duration::from_secs(5);
        };
        let mut world = world(Setting { site: often, ..Setting::of(STILL) }).await;
        world.until(2 * MINUTE).await;
        let status = world.stop().await.unwrap();
        let beats = world.centre.records().unwrap();
        let beats = beats.iter().filter(|it| matches!(it.body.detail, Detail::Heartbeat(_))).count();
        assert!((23..=27).contains(&beats), "{beats} in 130 s");
        expect_whole(&world, status.sealed);
    });
}

async fn read(world: &World, instrument: &str, channel: Option<&str>) -> Result<serde_json::Value, AskError> {
    let shot = Shot {
        instrument: instrument.to_owned(),
        channel: channel.map(str::to_owned),
        sample: Some("S-1".to_owned()),
        operator: "wang".to_owned(),
    };
    world.read(shot).await
}

#[test]
fn a_single_reading_is_a_record_with_its_bytes_or_with_the_reason() {
    play(async || {
        let mut world = world(Setting::of(STILL)).await;
        let id = world.site.instruments[0].id.clone();
        world.until(10 * SECOND).await;
        let all = read(&world, &id, None).await.unwrap();
        assert_eq!(all["records"].as_array().map(Vec::len), Some(2), "acidity and temperature: {all}");
        let one = read(&world, &id, Some("ph")).await.unwrap();
        assert_eq!(one["records"][0]["unit"], "[pH]", "{one}");
        let before = world.truth.now_ms();
        let none = read(&world, &id, Some("salinity")).await.unwrap();
        assert_eq!(none["records"][0]["missing"], "timed-out", "{none}");
        assert!((8 * SECOND..9 * SECOND).contains(&(world.truth.now_ms() - before)));
        let nobody = read(&world, "ph-z", None).await.unwrap_err();
        assert!(nobody.to_string().contains("no instrument \"ph-z\""), "{nobody}");
        let status = world.stop().await.unwrap();
        let records = world.centre.records().unwrap();
        let told = records.iter().filter_map(|record| match &record.body.detail {
            Detail::Reading(it) => {
                assert_eq!((it.operator.as_deref(), it.sample.as_deref()), (Some("wang"), Some("S-1")));
                let kind = if it.reading.outcome.is_ok() { "reading" } else { "no-reading" };
                let raw = if it.reading.raw.is_empty() { "-" } else { "with its bytes" };
                Some(format!("{kind} {} {raw}", it.reading.channel))
            }
            _ => None,
        });
        expect(
            &world,
            told,
            "reading ph with its bytes
             reading temperature -
             reading ph with its bytes
             no-reading salinity -",
        );
        expect_whole(&world, status.sealed);
    });
}

#[test]
fn every_reading_of_a_long_run_stands_beside_its_record_and_arrives() {
    play(async || {
        let mut world = world(Setting::of(DRUM)).await;
        world.until(5 * MINUTE).await;
        let status = world.stop().await.unwrap();
        let records = world.centre.records().unwrap();
        let place = records.iter().position(|it| matches!(it.body.detail, Detail::Inspection(_))).unwrap();
        let Detail::Inspection(detail) = &records[place].body.detail else { panic!() };
        let Detail::Evidence(evidence) = &records[place - 1].body.detail else {
            panic!("{:?} stands before the inspection", records[place - 1].body.detail.word())
        };
        assert_eq!((evidence.media.as_str(), evidence.inspection.as_ref()), (READINGS_MEDIA, Some(&detail.id)));
        assert!(evidence.flags.simulated);
        let content = match &evidence.content {
            Some(content) => content.clone(),
            None => world.centre.content(evidence.hash),
        };
        assert_eq!((Hash::of(&content), content.len() as u64), (evidence.hash, evidence.size));
        let all = decode_readings(&content).unwrap();
        let left_out = detail.measured.iter().find(|it| it.parameter == "readings-left-out").unwrap();
        let left_out = left_out.outcome.unwrap().value;
        assert_eq!(left_out.to_string(), (all.len() - detail.readings.len()).to_string());
        assert!(detail.readings.iter().all(|it| all.contains(it)), "the record holds part of them");
        expect_whole(&world, status.sealed);
    });
}
