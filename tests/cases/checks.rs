//! A scale whose daily check nobody did: what it shows is recorded and not judged by, until the check is passed, and
//! the pass outlives a power cut.

use std::time::Duration;

use tidewaiter_agent::inspect::CheckOperation;
use tidewaiter_config::site::{Check, CheckProcedure, Control, Judge, Register, ScaleClass, ScaleRange, Site};
use tidewaiter_drivers::{Decimal, Unit};
use tidewaiter_record::Detail;
use tidewaiter_tests::world::{SECOND, Setting, World, row};

use super::{expect, expect_whole, play, quiet, world};

const LANE: &str = r#"
title = "a lane whose scale is checked"
seed = 11
[lane]
time_limit = "60 s"
identity_window = "4 s"
[weighbridge]
noise_kg = 1.0
zero_drift_kg = 0.0
[portal]
[gamma]
[plate_reader]
delay = "1200 ms"
[traffic]
first = "10 s"
headway = "60 s"
"#;

fn scene() -> String {
    let lorry = |number: usize| {
        format!(
            "[[traffic.lorry]]\nplate = \"粤B1000{number}\"\naxles = 2\nmass_kg = 12000\n\
             declared = {{ mass_kg = 12000, goods = \"cotton yarn\" }}\n"
        )
    };
    LANE.to_owned() + &(1..=5).map(lorry).collect::<String>()
}

/// A register entry for the scale, and a zero check that must have been passed 110 s after the first start.
fn checked(site: &mut Site) {
    let kg = Decimal::whole;
    let range = ScaleRange { class: ScaleClass::III, e: kg(20), min: kg(400), max: kg(100_000), unit: Unit::Kilogram };
    let scale = site.lanes[0].gate.scale.clone();
    let entry = site.instruments.iter_mut().find(|it| it.id == scale).unwrap();
    entry.register = Some(Register {
        control: Control::CompulsoryVerification,
        class: Some("III".into()),
        scale: Some(range),
        model_approval: None,
        certificate: Some("C-1".into()),
        issued_by: None,
        verified_on: None,
        valid_until: Some("2027-02-28".parse().unwrap()),
        due_days: 30,
        uncertainties: Vec::new(),
    });
    site.checks.push(Check {
        id: "zero".into(),
        instrument: scale,
        every: Duration::from_secs(86_400),
        grace: Duration::from_secs(110),
        time_limit: Duration::from_secs(60),
        procedure: CheckProcedure::ScaleZero {
            tolerance: kg(10),
            unit: Unit::Kilogram,
            steady: Duration::from_secs(3),
        },
        judge: vec![Judge { table: "function-check".into(), parameters: vec!["zero-margin".into()], advisory: false }],
    });
}

fn rows(world: &World) -> Vec<String> {
    let found = world.centre.inspections().unwrap();
    found.iter().map(|it| row(it, if it.place == "zero" { "zero-margin" } else { "gross-mass" }).to_string()).collect()
}

#[test]
fn what_an_unchecked_scale_shows_is_not_judged_by_until_the_check_is_passed() {
    play(async || {
        let mut world = world(Setting { on_disk: true, site: checked, ..Setting::of(&scene()) }).await;
        // Two lorries in time, one too late.
        world.until(quiet(&world, 155 * SECOND)).await;
        world.check("zero", CheckOperation::Start).await.unwrap();
        let again = world.check("zero", CheckOperation::Start).await.unwrap_err();
        assert!(again.to_string().contains("has not ended"), "{again}");
        let standing = |world: &World| world.agent().live.snapshot().register[0].standing;
        assert_eq!(standing(&world), "function-check-overdue");
        world.until(world.truth.now_ms() + 8 * SECOND).await;
        assert_eq!(standing(&world), "good");
        world.until(quiet(&world, 225 * SECOND)).await;
        world.cut_power().await;
        world.restart().await.unwrap();
        world.until(quiet(&world, 300 * SECOND)).await;
        let status = world.stop().await.unwrap();
        expect(
            &world,
            rows(&world),
            "粤B10001 | complete | Pass | clear | 12000 | - | -
             粤B10002 | complete | Pass | clear | 12000 | - | -
             粤B10003 | complete | Inconclusive(quality) | refer | ~12000 | - | -
             scale-1 (manual) | complete | Pass | clear | 10 | - | -
             粤B10004 | complete | Pass | clear | 12000 | - | -
             粤B10005 | complete | Pass | clear | 12000 | - | -",
        );
        let told = world.centre.records().unwrap().into_iter().filter_map(|record| match record.body.detail {
            Detail::Event(event) if event.name.contains("check") => Some(event.name),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), ["function-check-overdue", "function-check-start"]);
        expect_whole(&world, status.sealed);
    });
}
