//! Background watches: every slot of every period is accounted for, whatever the instrument does.

use tidewaiter_record::{Detail, IntervalDetail};
use tidewaiter_tests::world::{MINUTE, Setting, Unplugged, World};

use super::{expect, expect_whole, play, world};

/// One reading a second, and four of ten minutes in which something is wrong.
const WATCH: &str = r#"
title = "a monitor with bad days"
seed = 8
[gamma]
poll = "1 s"
timeout = "500 ms"
watch = "60 s"

# Minute 1 to 2: silent. Minute 4 to 4.5: refuses. Minute 6 to 6.5: warms up.
[[fault]]
instrument = "gamma-1"
kind = "silence"
at = "60 s"
for = "60 s"
[[fault]]
instrument = "gamma-1"
kind = "exception"
code = 4
at = "240 s"
for = "30 s"
[[fault]]
instrument = "gamma-1"
kind = "warm-up"
at = "360 s"
for = "30 s"
"#;

fn intervals(world: &World) -> Vec<IntervalDetail> {
    let records = world.centre.records().unwrap().into_iter();
    let intervals = records.filter_map(|record| match record.body.detail {
        Detail::Interval(interval) if interval.channel == "dose-rate" => Some(interval),
        _ => None,
    });
    intervals.collect()
}

#[test]
fn a_silent_instrument_is_told_apart_from_a_quiet_one() {
    let unplugged = Unplugged { instrument: "gamma-1".to_owned(), from: 8 * MINUTE, to: 9 * MINUTE };
    play(async || {
        let mut world =
            world(Setting { lead_in: std::time::Duration::ZERO, unplugged: vec![unplugged], ..Setting::of(WATCH) })
                .await;
        world.until(10 * MINUTE + 30_000).await;
        let status = world.stop().await.unwrap();
        expect_whole(&world, status.sealed);
        let intervals = intervals(&world);
        let row = |it: &IntervalDetail| {
            // How soon a unit is asked again that was silent, and a port opened that was away, is left to chance.
            let by_chance = |reason: &str| it.received > 0 && matches!(reason, "timed-out" | "line-down");
            let told = |(reason, count): (&String, &u32)| {
                if by_chance(reason) { format!("some {reason}") } else { format!("{count} {reason}") }
            };
            let received =
                if it.missing.keys().any(|it| by_chance(it)) { "most".to_owned() } else { it.received.to_string() };
            let missing: Vec<_> = it.missing.iter().map(told).collect();
            let values = it.sum.map_or("no values", |_| "values");
            format!("{received} of {} | {} | {values}", it.slots_expected, missing.join(", "))
        };
        for pair in intervals.windows(2) {
            assert_eq!(pair[0].to, pair[1].from, "periods follow each other without a gap");
        }
        for interval in &intervals {
            let told: u32 = interval.received + interval.missing.values().sum::<u32>();
            assert!((interval.slots_expected..=interval.slots_expected + 2).contains(&told), "{interval:?}");
            assert_eq!(interval.unaccounted(), 0);
        }
        expect(
            &world,
            intervals.iter().map(row),
            "60 of 60 |  | values
             0 of 60 | 60 timed-out | no values
             most of 60 | some timed-out | values
             60 of 60 |  | values
             30 of 60 | 30 exception | values
             60 of 60 |  | values
             30 of 60 | 30 not-present | values
             60 of 60 |  | values
             0 of 60 | 61 line-down | no values
             most of 60 | some line-down | values
             30 of 30 |  | values",
        );
    });
}
