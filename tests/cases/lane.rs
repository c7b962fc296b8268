//! The lane as the simulator's oracle foresees it: every lorry of it, with verdict, disposition and mass.

use tidewaiter_drivers::Decimal;
use tidewaiter_record::InspectionDetail;
use tidewaiter_simulator::Expected;
use tidewaiter_tests::world::{MINUTE, Setting};

use super::{expect_whole, play, quiet, world};

/// The generated traffic of the shipped scene: 45 s from lorry to lorry, bit errors, late answers, warm-up.
const LANE: &str = include_str!("../../simulator/scenes/lane.toml");

/// What the oracle expects of one passage, in the words in which it was found.
fn ought(expected: &Expected) -> String {
    format!(
        "{} {} {} {} alarms {:?} faults {:?}",
        expected.subject.as_deref().unwrap_or("?"),
        expected.verdict,
        expected.reason.as_deref().unwrap_or("-"),
        expected.disposition,
        expected.alarms,
        expected.faults
    )
}

fn is(found: &InspectionDetail) -> String {
    let alarms: Vec<_> = found.alarms.iter().filter(|it| it.by_device).map(|it| it.kind.clone()).collect();
    let faults: Vec<_> = found.faults.iter().map(|it| it.kind.clone()).collect();
    format!(
        "{} {} {} {} alarms {alarms:?} faults {faults:?}",
        found.subject.identities.first().map_or("?", |it| it.text.as_str()),
        found.verdict,
        found.reason.as_deref().unwrap_or("-"),
        found.disposition,
    )
}

/// Values that are further from the truth than the oracle allows.
fn astray(expected: &Expected, found: &InspectionDetail) -> Vec<String> {
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    let mut astray = Vec::new();
    for value in &expected.values {
        let measured = found.measured.iter().find(|it| it.parameter == value.parameter);
        let near = measured.and_then(|it| it.outcome.ok()).is_some_and(|indication| {
            let away = indication.value.checked_sub(decimal(&value.value)).unwrap().abs();
            away.cmp_value(decimal(&value.tolerance)).is_le()
        });
        if !near {
            let shown = measured.map(|it| format!("{:?}", it.outcome));
            astray.push(format!("{} is {shown:?}, not {} ± {}", value.parameter, value.value, value.tolerance));
        }
    }
    astray
}

/// Runs the lane for so long and compares every passage; says how many there were.
fn compare(seed: u64, until: i64) -> usize {
    let mut passages = 0;
    play(async || {
        let mut world = world(Setting { seed: Some(seed), ..Setting::of(LANE) }).await;
        let until = quiet(&world, until);
        world.until(until).await;
        let oracle = world.oracle();
        let status = world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        let mut wrong = Vec::new();
        for place in 0..oracle.inspections.len().max(found.len()) {
            let (expected, detail) = (oracle.inspections.get(place), found.get(place));
            let (ought, is) = (expected.map(ought), detail.map(is));
            if ought != is {
                wrong.push(format!(
                    "passage {place}\n  is    {is:?}\n  ought {ought:?} because {:?}",
                    expected.map(|it| &it.why)
                ));
            }
            if let (Some(expected), Some(detail)) = (expected, detail) {
                wrong.extend(astray(expected, detail).into_iter().map(|what| format!("passage {place} {what}")));
            }
        }
        eprintln!("{}", world.cost("lane"));
        assert!(wrong.is_empty(), "seed {seed}, {} of {} passages:\n{}", wrong.len(), found.len(), wrong.join("\n"));
        expect_whole(&world, status.sealed);
        passages = found.len();
    });
    passages
}

#[test]
fn forty_minutes_of_lorries_are_found_as_the_oracle_says() {
    let passages = compare(7, 40 * MINUTE);
    assert!(passages >= 50, "{passages} passages in forty minutes at 45 s");
}

#[test]
fn other_seeds_are_found_as_the_oracle_says() {
    for seed in [1, 2] {
        let passages = compare(seed, 30 * MINUTE);
        assert!(passages >= 38, "seed {seed}: {passages} passages in half an hour at 45 s");
    }
}
