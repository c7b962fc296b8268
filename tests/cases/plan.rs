//! A monitoring plan while the lane runs: what it adds, what replaces it, what follows a referral.

use std::fs;

use tidewaiter_agent::{
    duty::{Enter, Refused, StepTaken},
    inspector::{Ask, AskError},
};
use tidewaiter_record::Detail;
use tidewaiter_screening::duty::{
    audit::{Told, audit},
    transition::Step,
};
use tidewaiter_tests::world::{SECOND, Setting, World};
use tokio::sync::oneshot;

use super::{expect, expect_whole, play, world};

const SCENE: &str = r#"
title = "lorries with scrap"
seed = 21
[lane]
time_limit = "60 s"
identity_window = "4 s"
[weighbridge]
noise_kg = 1.0
zero_drift_kg = 0.0
[plate_reader]
[traffic]
first = "5 s"
headway = "30 s"
[[traffic.lorry]]
plate = "粤B00001"
axles = 2
mass_kg = 12000
[[traffic.lorry]]
plate = "粤B00001"
axles = 2
mass_kg = 12000
[[traffic.lorry]]
plate = "粤B00001"
axles = 2
mass_kg = 12000
"#;

fn plan(version: u32, table: &str) -> String {
    format!(
        r#"
id = "scrap"
version = {version}
title = "scrap metal"
issuer = "an authority"
effective_from = 2026-01-01
point = "example-port"
level = "port"
origin = "regulator"
[[items]]
id = "scrap"
procedures = ["lorry-gate"]
hs = ["7404"]
[items.sampling]
rates = {{ A = "100", B = "20", C = "0" }}
default = "B"
period = "60 s"
[[items.judge]]
table = "{table}"
parameters = ["dose-rate"]
"#
    )
}

async fn enter(world: &World, enter: Enter) -> Result<serde_json::Value, AskError> {
    let (reply, answer) = oneshot::channel();
    world.agent().asks.send(Ask::Enter { enter, reply }).await.unwrap();
    answer.await.unwrap()
}

fn step(inspection: &str, step: Step) -> Enter {
    Enter::FollowUp(StepTaken::new(inspection, step, "Li Na"))
}

/// What the chain says of the plan, without the inspections: name and subject.
fn told(world: &World) -> Vec<String> {
    let names = ["plan-", "sampling-"];
    let records = world.centre.records().unwrap();
    let events = records.iter().filter_map(|record| match &record.body.detail {
        Detail::Event(event) if names.iter().any(|it| event.name.starts_with(it)) => {
            Some(format!("{} {}", event.name, event.subject.as_deref().unwrap_or("-")))
        }
        Detail::FollowUp(step) => Some(format!("{} {} {} {}", step.step, step.follows.id, step.by, step.state)),
        _ => None,
    });
    events.collect()
}

#[test]
fn a_plan_adds_to_the_lane_and_a_faulty_successor_does_not_take_it_away() {
    play(async || {
        let setting = Setting {
            site: |site| {
                let path = site.store.dir.with_file_name("plan.toml");
                fs::write(&path, plan(1, "scrap-radiation")).unwrap();
                site.plan = Some(path);
            },
            ..Setting::of(SCENE)
        };
        let mut world = world(setting).await;
        let facts = [("axles", "2"), ("vehicle", "truck"), ("hs-code", "74040000"), ("risk", "A")];
        world.post("粤B00001", &facts).await.unwrap();
        let path = world.stand.dir.join("plan.toml");
        world.until(33 * SECOND).await;
        fs::write(&path, plan(2, "no-such-table")).unwrap();
        world.until(63 * SECOND).await;
        fs::write(&path, plan(3, "scrap-radiation")).unwrap();
        world.until(100 * SECOND).await;

        let id = world.agent().live.snapshot().results[0].id.clone();
        enter(&world, step(&id, Step::Hold)).await.unwrap();
        enter(&world, step(&id, Step::Release)).await.unwrap();
        let refused = enter(&world, step(&id, Step::Return)).await.unwrap_err();
        assert!(matches!(refused, AskError::Entry(Refused::Step(_))), "{refused}");
        let status = world.stop().await.unwrap();

        // The lane has no dose-rate monitor: what the plan asks for cannot be answered, so a person decides.
        let found = world.centre.inspections().unwrap();
        for detail in &found {
            let tables: Vec<&str> = detail.findings.iter().map(|it| it.table.as_str()).collect();
            assert!(tables.contains(&"scrap-radiation"), "{tables:?}");
            assert_eq!((detail.verdict.as_str(), detail.disposition.as_str()), ("Inconclusive", "refer"));
        }
        assert_eq!(found.len(), 3);
        let named: Vec<u64> =
            found.iter().map(|it| it.judging.as_ref().unwrap().plan.as_ref().unwrap().version).collect();
        assert_eq!(named, [1, 1, 3]);
        // The period of the first plan is over after a minute; the third plan ends that of its predecessor.
        let told = told(&world);
        let plans = told.iter().filter(|it| !it.starts_with("sampling"));
        expect(
            &world,
            plans,
            &format!(
                "plan-activated scrap
                 plan-refused plan.toml
                 plan-activated scrap
                 hold {id} Li Na screened
                 release {id} Li Na released"
            ),
        );
        let records = world.centre.records().unwrap();
        let periods = audit(records.iter().filter_map(|record| match &record.body.detail {
            Detail::Event(event) => Some(Told {
                seq: record.header.seq,
                name: &event.name,
                subject: event.subject.as_deref(),
                facts: &event.facts,
            }),
            _ => None,
        }));
        assert!(periods.iter().all(|it| it.faults.is_empty()), "{periods:?}");
        assert!(periods.iter().filter(|it| it.revealed).count() >= 2, "{told:?}");
        let drawn: u64 = periods.iter().map(|it| it.counts[0].selected).sum();
        assert_eq!(drawn, 3, "class A is always drawn: {periods:?}");
        expect_whole(&world, status.sealed);
    });
}

#[test]
fn plan_and_findings_outlive_a_power_cut_with_a_faulty_file() {
    play(async || {
        let setting = Setting {
            on_disk: true,
            site: |site| {
                let path = site.store.dir.with_file_name("plan.toml");
                fs::write(&path, plan(1, "scrap-radiation")).unwrap();
                site.plan = Some(path);
            },
            ..Setting::of(SCENE)
        };
        let mut world = world(setting).await;
        let facts = [("axles", "2"), ("vehicle", "truck"), ("hs-code", "74040000"), ("risk", "A")];
        world.post("粤B00001", &facts).await.unwrap();
        world.until(33 * SECOND).await;
        let id = world.agent().live.snapshot().results[0].id.clone();
        let values = [("dose-rate".to_owned(), "0.12 uGy/h".to_owned())].into();
        let measured = StepTaken { values, ..StepTaken::new(&id, Step::Handheld, "Li Na") };
        enter(&world, Enter::FollowUp(measured)).await.unwrap();
        enter(&world, step(&id, Step::Hold)).await.unwrap();
        fs::write(world.stand.dir.join("plan.toml"), "no plan at all").unwrap();
        world.cut_power().await;
        world.restart().await.unwrap();
        world.until(75 * SECOND).await;
        // The finding is still known, and the second lorry's ticket follows the first one's.
        enter(&world, step(&id, Step::Release)).await.unwrap();
        world.until(100 * SECOND).await;
        let status = world.stop().await.unwrap();

        let records = world.centre.records().unwrap();
        let told = told(&world);
        let steps: Vec<&String> = told.iter().filter(|it| it.contains(&id)).collect();
        assert_eq!(
            steps,
            [
                &format!("handheld {id} Li Na screened"),
                &format!("hold {id} Li Na screened"),
                &format!("release {id} Li Na released"),
            ]
        );
        assert_eq!(
            told.iter().filter(|it| it.starts_with("plan-")).collect::<Vec<_>>(),
            ["plan-activated scrap", "plan-refused plan.toml"]
        );
        // The hand-held value is an inspection of its own, which the step points at and the centre judges again.
        let judged = records.iter().find_map(|record| match &record.body.detail {
            Detail::FollowUp(step) => step.judged.clone(),
            _ => None,
        });
        let judged = judged.unwrap();
        let inspection = world.centre.inspections().unwrap().into_iter().find(|it| it.id == judged.id).unwrap();
        assert_eq!((inspection.procedure.as_str(), judged.id), ("handheld", format!("{id}-f1")));
        let periods = audit(records.iter().filter_map(|record| match &record.body.detail {
            Detail::Event(event) => Some(Told {
                seq: record.header.seq,
                name: &event.name,
                subject: event.subject.as_deref(),
                facts: &event.facts,
            }),
            _ => None,
        }));
        assert!(periods.iter().all(|it| it.faults.is_empty()), "{periods:?}");
        expect_whole(&world, status.sealed);
    });
}

/// Results that were sealed when nobody could hand them on any more: those open at a power cut.
#[test]
fn what_a_power_cut_interrupted_is_followed_up_once() {
    play(async || {
        let mut world = world(Setting { on_disk: true, ..Setting::of(SCENE) }).await;
        let facts = [("axles", "2"), ("vehicle", "truck")];
        world.post("粤B00001", &facts).await.unwrap();
        world.until(9 * SECOND).await;
        assert!(world.agent().live.snapshot().busy.contains_key("lane-7"), "the first lorry is in the lane");
        world.cut_power().await;
        world.restart().await.unwrap();
        world.until(11 * SECOND).await;
        let interrupted: Vec<String> = open_findings(&world).await;
        assert_eq!(interrupted.len(), 1, "{interrupted:?}");
        world.cut_power().await;
        world.restart().await.unwrap();
        world.until(13 * SECOND).await;
        let after: Vec<String> = open_findings(&world).await;
        assert!(after.starts_with(&interrupted), "{interrupted:?} {after:?}");
        assert_eq!(after.iter().filter(|it| **it == interrupted[0]).count(), 1);
        let recorded = world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        assert_eq!(found[0].id, interrupted[0]);
        assert_eq!(found[0].incomplete.as_deref(), Some("interrupted"));
        expect_whole(&world, recorded.sealed);
    });
}

async fn open_findings(world: &World) -> Vec<String> {
    let (reply, answer) = oneshot::channel();
    world.agent().asks.send(Ask::Findings { open: true, reply }).await.unwrap();
    let told = answer.await.unwrap();
    let findings = told["findings"].as_array().unwrap();
    findings.iter().map(|it| it["inspection"].as_str().unwrap().to_owned()).collect()
}
