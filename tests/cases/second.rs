//! Two vehicles in one lane, containers, and a drill in the middle of the traffic: built-in scenes, from scene to record.

use tidewaiter_record::{Detail, InspectionDetail};
use tidewaiter_simulator::{Expected, scene::BUILT_IN};
use tidewaiter_tests::world::{MINUTE, Setting, World, mass_of};

use super::{expect, expect_whole, play, world};

async fn played(name: &str) -> World {
    let text = BUILT_IN.iter().find(|(known, _)| *known == name).unwrap().1;
    let world = world(Setting::of(text)).await;
    for action in world.truth.operator_script() {
        world.until(action.at.ms()).await;
        world.act(&action).await.unwrap_or_else(|why| panic!("{name}: {action:?}: {why}"));
    }
    world.until(4 * MINUTE).await;
    world
}

/// Rows of what was found beside those of the oracle: subject, verdict, disposition, mass, drill.
fn ought(expected: &Expected) -> String {
    let reason = expected.reason.as_ref().map_or_else(String::new, |it| format!("({it})"));
    let mass = expected.values.iter().find(|it| it.parameter == "gross-mass").map_or("-", |it| it.value.as_str());
    format!(
        "{} | {}{reason} | {} | {mass} | {}",
        expected.subject.as_deref().unwrap_or("?"),
        expected.verdict,
        expected.disposition,
        if expected.drill { "drill" } else { "-" }
    )
}

fn is(found: &InspectionDetail) -> String {
    let reason = found.reason.as_ref().map_or_else(String::new, |it| format!("({it})"));
    let subject = found.subject.identities.first().map_or("?", |it| it.text.as_str());
    let mass = mass_of(found).map_or_else(|| "-".to_owned(), |it| it.to_string());
    let drill = if found.flags.drill { "drill" } else { "-" };
    format!("{subject} | {}{reason} | {} | {mass} | {drill}", found.verdict, found.disposition)
}

/// Plays the scene and compares it with the oracle, and both with these rows.
fn check(name: &str, rows: &str, events: &[&str]) {
    play(async || {
        let mut world = Box::pin(played(name)).await;
        let oracle = world.oracle();
        let status = world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        expect(&world, found.iter().map(is), rows);
        expect(&world, oracle.inspections.iter().map(ought), rows);
        let told = world.centre.records().unwrap().into_iter().filter_map(|record| match record.body.detail {
            Detail::Event(event) if event.name != "portal-setup-seen" => Some(event.name),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), events);
        expect_whole(&world, status.sealed);
    });
}

#[test]
fn a_second_vehicle_is_said_aloud_and_neither_passes() {
    check(
        "two-lorries",
        "粤B12345 | Inconclusive(incomplete) | refer | 12000 | -
         粤BD7702 | Inconclusive(incomplete) | refer | - | -
         闽C3N905 | Pass | clear | 15000 | -",
        &["second-vehicle"],
    );
}

#[test]
fn containers_are_joined_to_their_lorries_as_they_were_read() {
    check(
        "containers",
        "粤B12345 | Pass | clear | 12000 | -
         粤BD7702 | Fail | refer | 21000 | -
         TGHU7599330 | Pass | clear | 15000 | -
         闽C3N905 | Pass | clear | 9000 | -",
        &[],
    );
    play(async || {
        let mut world = Box::pin(played("containers")).await;
        world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        let containers = found.iter().flat_map(|it| &it.subject.identities).filter(|it| it.kind == "container");
        let told: Vec<String> = containers.map(|it| format!("{} {}", it.text, it.source)).collect();
        assert_eq!(told, ["CSQU3054383 read", "MSKU9070323 corrected", "TGHU7599330 read", "HLXU6419881 ambiguous"]);
    });
}

#[test]
fn a_drill_is_marked_inside_its_record_and_nothing_else_is() {
    check(
        "drill",
        "粤B12345 | Pass | clear | 12000 | -
         粤B00110 | Fail | alarm | 9000 | drill
         闽C3N905 | Pass | clear | 15000 | -",
        &["drill-on", "drill-off"],
    );
}
