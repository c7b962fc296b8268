//! Every procedure of a bench: the scene's operator acts, the instruments speak, and each sample is found as the
//! simulator's oracle foresees it, with values, verdict, reason and disposition.

use tidewaiter_drivers::Decimal;
use tidewaiter_record::InspectionDetail;
use tidewaiter_simulator::{Expected, Scene, Span, scene::BUILT_IN};
use tidewaiter_tests::world::{SECOND, Setting};

use super::{expect, expect_whole, play, world};

/// After the last value of a scene: the end of the longest time limit of a bench that is not complete, and the ten
/// seconds that a bench with a state waits for what is not required.
const AFTER: i64 = 45 * SECOND;

fn ought(expected: &Expected) -> String {
    let reason = expected.reason.as_ref().map_or_else(String::new, |it| format!("({it})"));
    let subject = expected.subject.as_deref().unwrap_or("?");
    let alarms = if expected.alarms.is_empty() { "-".to_owned() } else { expected.alarms.join(",") };
    let drill = if expected.drill { " | drill" } else { "" };
    format!(
        "{} | {subject} | {}{reason} | {} | {alarms}{drill}",
        expected.procedure, expected.verdict, expected.disposition
    )
}

fn is(found: &InspectionDetail) -> String {
    let reason = found.reason.as_ref().map_or_else(String::new, |it| format!("({it})"));
    let subject = found.subject.identities.first().map_or("?", |it| it.text.as_str());
    let alarms: Vec<&str> = found.alarms.iter().filter(|it| it.by_device).map(|it| it.kind.as_str()).collect();
    let alarms = if alarms.is_empty() { "-".to_owned() } else { alarms.join(",") };
    format!("{} | {subject} | {}{reason} | {} | {alarms}", found.procedure, found.verdict, found.disposition)
}

/// Values that are not where the oracle has them.
fn astray(expected: &Expected, found: &InspectionDetail) -> Vec<String> {
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    let near = |it: &tidewaiter_simulator::ExpectedValue| {
        let values = found.measured.iter().filter(|measured| measured.parameter == it.parameter);
        values.filter_map(|measured| measured.outcome.ok()).any(|indication| {
            let away = indication.value.checked_sub(decimal(&it.value)).unwrap().abs();
            indication.unit.code() == it.unit && away.cmp_value(decimal(&it.tolerance)).is_le()
        })
    };
    let lost = expected.values.iter().filter(|it| !near(it));
    lost.map(|it| format!("{} is not {} ± {} {}", it.parameter, it.value, it.tolerance, it.unit)).collect()
}

/// Plays a built-in scene to its end and compares every inspection with the oracle; gives the rows found.
fn compare(name: &str) -> Vec<String> {
    let text = BUILT_IN.iter().find(|(known, _)| *known == name).unwrap().1;
    let mut rows = Vec::new();
    play(async || {
        let mut world = world(Setting::of(text)).await;
        for action in world.truth.operator_script() {
            world.until(action.at.ms()).await;
            world.act(&action).await.unwrap_or_else(|why| panic!("{name}: {action:?}: {why}"));
        }
        let last = Scene::built_in(name).unwrap().rigs.iter().flat_map(|rig| &rig.samples).filter_map(|it| it.at).max();
        world.until(last.map_or(0, Span::ms).max(world.truth.now_ms()) + AFTER).await;
        let oracle = world.oracle();
        let status = world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        let wrong: Vec<String> =
            oracle.inspections.iter().zip(&found).flat_map(|(expected, found)| astray(expected, found)).collect();
        expect(&world, found.iter().map(is), &oracle.inspections.iter().map(ought).collect::<Vec<_>>().join("\n"));
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        expect_whole(&world, status.sealed);
        rows = found.iter().map(is).collect();
    });
    rows
}

/// Compares a scene with the oracle, and both with what is written here.
fn check(name: &str, verdicts: &[&str]) {
    let rows = compare(name);
    let found: Vec<String> =
        rows.iter().map(|row| row.split(" | ").skip(1).take(3).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(found, verdicts, "{name}");
}

#[test]
fn textiles() {
    check(
        "textile-bench",
        &[
            "T-2701 Pass clear",
            "T-2702 Fail refer",
            "T-2703 Inconclusive(no-declaration) refer",
            "T-2704 Inconclusive(incomplete) refer",
        ],
    );
}

#[test]
fn cotton() {
    check(
        "cotton",
        &[
            "B-1001 Pass clear",
            "B-1002 Fail refer",
            "B-1003 Inconclusive(no-declaration) refer",
            "B-1004 Inconclusive(incomplete) refer",
        ],
    );
}

#[test]
fn tyre_uniformity() {
    check(
        "tyre-uniformity",
        &[
            "TW205551691V0001 Pass clear",
            "TW205551691V0002 Fail refer",
            "TW205551691V0003 Fail alarm",
            "TW205551691V0004 Inconclusive(incomplete) refer",
        ],
    );
}

#[test]
fn rolling_resistance() {
    check(
        "tyre-rolling-resistance",
        &[
            "TW205551691V0101 Pass clear",
            "TW205551691V0102 Fail refer",
            "TW205551691V0103 Inconclusive(incomplete) refer",
        ],
    );
}

#[test]
fn copper_concentrate() {
    check(
        "concentrate",
        &["C-3001 Pass clear", "C-3002 Fail refer", "C-3003 Fail refer", "C-3004 Inconclusive(incomplete) refer"],
    );
}

#[test]
fn coal() {
    check(
        "coal",
        &[
            "K-4001 Pass clear",
            "K-4002 Fail refer",
            "K-4003 Inconclusive(no-declaration) refer",
            "K-4004 Inconclusive(incomplete) refer",
        ],
    );
}

#[test]
fn brake_linings() {
    check(
        "brake-lining",
        &[
            "BL-2026-0041 Pass clear",
            "BL-2026-0042 Fail refer",
            "BL-2026-0043 Inconclusive(no-declaration) refer",
            "BL-2026-0044 Inconclusive(incomplete) refer",
        ],
    );
}

#[test]
fn gamma_spectra() {
    check("gamma-spectrum", &["R-5001 Pass clear", "R-5002 Fail alarm", "R-5003 Inconclusive(incomplete) refer"]);
}

#[test]
fn any_sample() {
    check("generic-sample", &["P-6001 Pass clear", "P-6002 Fail refer", "P-6003 Inconclusive(no-value) refer"]);
}
