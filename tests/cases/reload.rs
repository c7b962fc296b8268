//! Another configuration while lorries pass: what it does not concern goes on as if nothing had happened, what it concerns
//! is finished first or recorded as interrupted, and a faulty one changes nothing.

use std::{fs, sync::Arc, time::Duration};

use tidewaiter_agent::reload::{Answer, Outcome, Reloader, Request};
use tidewaiter_record::{Detail, Record};
use tidewaiter_tests::world::{MINUTE, SECOND, Setting, World, row};

use super::{expect, expect_whole, play, quiet, world};

/// The generated traffic of the shipped scene.
const LANE: &str = include_str!("../../simulator/scenes/lane.toml");

/// Four lorries, 45 s apart, the first at ten seconds: each is on the scale for some twenty.
const FOUR: &str = r#"
title = "four lorries"
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
headway = "45 s"
[[traffic.lorry]]
plate = "粤B00001"
axles = 2
mass_kg = 12000
declared = { mass_kg = 12000, goods = "cotton yarn" }
[[traffic.lorry]]
plate = "粤B00002"
axles = 2
mass_kg = 12000
declared = { mass_kg = 12000, goods = "cotton yarn" }
[[traffic.lorry]]
plate = "粤B00003"
axles = 2
mass_kg = 12000
declared = { mass_kg = 12000, goods = "cotton yarn" }
[[traffic.lorry]]
plate = "粤B00004"
axles = 2
mass_kg = 12000
declared = { mass_kg = 12000, goods = "cotton yarn" }
"#;

const ALL_FOUR: &str = "粤B00001 | complete | Pass | clear | 12000 | - | -
                        粤B00002 | complete | Pass | clear | 12000 | - | -
                        粤B00003 | complete | Pass | clear | 12000 | - | -
                        粤B00004 | complete | Pass | clear | 12000 | - | -";

/// A further place that needs nothing changed elsewhere.
const WATCH: &str = "\n[[watches]]\nid = \"more\"\ninstrument = \"scale-1\"\nperiod = \"20 s\"\nslots = 20\n";

const WAIT: Request = Request { dry_run: false, wait: Duration::from_secs(60), interrupt: false, operator: None };

async fn reloader(world: &World) -> Arc<Reloader> {
    Arc::new(world.agent().reloader(world.stand.site_path(), |_| Ok(())).await)
}

/// Changes the site file as an editor would.
fn edit(world: &World, change: impl FnOnce(String) -> String) {
    let path = world.stand.site_path();
    let text = fs::read_to_string(&path).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "the edit found nothing to change");
    fs::write(path, changed).unwrap();
}

fn masses(world: &World) -> Vec<String> {
    world.centre.inspections().unwrap().iter().map(|detail| row(detail, "gross-mass").to_string()).collect()
}

/// Events and activations after the start, one line each.
fn told(records: &[Record]) -> Vec<String> {
    let told = records.iter().filter_map(|record| match &record.body.detail {
        Detail::Event(it) if !it.name.starts_with("portal-") => {
            Some(format!("{} {}", it.name, it.subject.as_deref().unwrap_or("-")))
        }
        Detail::ConfigActivated(it) if it.cause != "start" => Some(format!("config by {}", it.cause)),
        Detail::LimitsActivated(it) => Some(format!("limits {}", it.cause)),
        Detail::Inspection(it) => Some(format!("passage {}", it.id)),
        _ => None,
    });
    told.collect()
}

fn outcome(answer: &Answer) -> (Outcome, Vec<&str>) {
    (answer.outcome, answer.changes.iter().map(String::as_str).collect())
}

#[test]
fn a_change_that_does_not_concern_the_lane_is_in_force_in_the_middle_of_a_passage() {
    play(async || {
        let mut world = world(Setting::of(FOUR)).await;
        let reloader = reloader(&world).await;
        world.until(20 * SECOND).await;
        assert!(!world.agent().live.snapshot().busy.is_empty(), "a lorry is on the scale");
        let before = world.agent().counters.snapshot();
        edit(&world, |text| text + WATCH);
        let answer = reloader.reload(WAIT).await;
        assert_eq!(outcome(&answer), (Outcome::Activated, vec!["place more", "site file"]), "{answer:?}");
        assert!(!world.agent().live.snapshot().busy.is_empty(), "it is still there");
        world.until(200 * SECOND).await;
        let after = world.agent().counters.snapshot();
        for (instrument, counts) in &before {
            assert_eq!(after[instrument].reconnects, counts.reconnects, "{instrument} was not touched");
            assert!(after[instrument].readings > counts.readings);
        }
        let status = world.stop().await.unwrap();
        expect(&world, masses(&world), ALL_FOUR);
        let records = world.centre.records().unwrap();
        let config = records
            .iter()
            .position(|it| matches!(&it.body.detail, Detail::ConfigActivated(it) if it.cause == "reload"));
        let interval = |it: &Record| match &it.body.detail {
            Detail::Interval(it) => it.watch == "more",
            _ => false,
        };
        let first = records.iter().position(interval);
        assert!(config.is_some() && config < first, "{config:?} {first:?}");
        expect_whole(&world, status.sealed);
    });
}

/// The whole shipped lane with its bit errors and late answers, and a reload every two minutes wherever that falls.
#[test]
fn lorries_under_ever_new_configurations_are_found_as_the_oracle_says() {
    play(async || {
        let mut world = world(Setting { seed: Some(7), ..Setting::of(LANE) }).await;
        let reloader = reloader(&world).await;
        let mut times = 0;
        for minute in (2..20).step_by(2) {
            world.until(minute * MINUTE + 7 * SECOND).await;
            // A comment, another watch, and changes that the lane's instruments are not read differently for.
            edit(&world, |text| match minute % 6 {
                0 => text.replace(WATCH, ""),
                2 => text + WATCH,
                _ => format!("# {minute}\n{text}"),
            });
            let answer = reloader.reload(WAIT).await;
            assert_eq!(answer.outcome, Outcome::Activated, "{answer:?}");
            times += 1;
        }
        let until = quiet(&world, 20 * MINUTE);
        world.until(until).await;
        let oracle = world.oracle();
        let status = world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        let ought: Vec<_> = oracle.inspections.iter().map(|it| (it.verdict.clone(), it.disposition.clone())).collect();
        let is: Vec<_> = found.iter().map(|it| (it.verdict.clone(), it.disposition.clone())).collect();
        assert_eq!(is, ought, "seed 7");
        let events = told(&world.centre.records().unwrap());
        assert_eq!(events.iter().filter(|it| *it == "config by reload").count(), times);
        assert!(events.iter().all(|it| !it.starts_with("interrupted")), "{events:?}");
        eprintln!("{}, {times} reloads, {} passages as foreseen", world.cost("reload"), found.len());
        expect_whole(&world, status.sealed);
    });
}

#[test]
fn a_port_that_changes_is_reopened_when_the_lorry_has_left() {
    play(async || {
        let mut world = world(Setting::of(FOUR)).await;
        let reloader = reloader(&world).await;
        world.until(20 * SECOND).await;
        edit(&world, |text| text.replacen("[instruments.rpm_lines]", "silence = \"4 s\"\n[instruments.rpm_lines]", 1));
        let answer = reloader.reload(WAIT).await;
        assert_eq!(answer.outcome, Outcome::Activated, "{answer:?}");
        assert!(answer.changes.contains(&"port portal-1-line".to_owned()), "{answer:?}");
        assert!(world.agent().live.snapshot().busy.is_empty(), "it waited");
        world.until(200 * SECOND).await;
        let status = world.stop().await.unwrap();
        expect(&world, masses(&world), ALL_FOUR);
        expect_whole(&world, status.sealed);
    });
}

#[test]
fn what_is_open_when_patience_ends_is_recorded_and_numbered_on() {
    play(async || {
        let mut world = world(Setting::of(FOUR)).await;
        let reloader = reloader(&world).await;
        world.until(20 * SECOND).await;
        edit(&world, |text| {
            text.replace("identity_window = ", "#\nidentity_window = ")
                .replace("\"4s\"", "\"5s\"")
                .replace("\"4 s\"", "\"5 s\"")
        });
        let answer = reloader.reload(Request { wait: Duration::ZERO, ..WAIT }).await;
        assert_eq!(answer.outcome, Outcome::Activated, "{answer:?}");
        assert_eq!(answer.interrupted.len(), 1, "{answer:?}");
        world.until(100 * SECOND).await;
        let status = world.stop().await.unwrap();
        let records = world.centre.records().unwrap();
        let events = told(&records);
        let lane = &world.site.lanes[0].id;
        let at =
            |what: &str| events.iter().position(|it| it == what).unwrap_or_else(|| panic!("{what} in {events:#?}"));
        assert!(at(&format!("passage {lane}-1-1")) < at(&format!("interrupted {lane}-1-1")));
        assert!(at(&format!("interrupted {lane}-1-1")) < at("config by reload"));
        assert!(at("config by reload") < at(&format!("passage {lane}-1-2")));
        let found = world.centre.inspections().unwrap();
        assert_eq!(found[0].incomplete.as_deref(), Some("interrupted"));
        assert_ne!(found[0].context.config, found[1].context.config, "each names its own configuration");
        let mut ids: Vec<_> = found.iter().map(|it| it.id.clone()).collect();
        ids.dedup();
        assert_eq!(ids.len(), found.len(), "no id twice");
        expect_whole(&world, status.sealed);
    });
}

#[test]
fn a_faulty_one_changes_nothing_and_is_said_once() {
    play(async || {
        let mut world = world(Setting::of(FOUR)).await;
        let reloader = reloader(&world).await;
        let good = fs::read_to_string(world.stand.site_path()).unwrap();
        world.until(20 * SECOND).await;
        edit(&world, |text| text.replace("window = 64", "window = 0\nwindwo = 64"));
        for _ in 0..3 {
            let answer = reloader.reload(WAIT).await;
            assert_eq!(answer.outcome, Outcome::Refused);
            let errors: Vec<_> = answer.findings.iter().filter(|it| it.severity == "error").collect();
            assert_eq!(errors.len(), 2, "{answer:?}");
            assert!(errors.iter().all(|it| it.line > 0 && it.column > 0 && !it.way_out.is_empty()));
        }
        assert_eq!(world.agent().refused.borrow().as_ref().unwrap().faults, 2);
        // What cannot change without a restart is a fault too, and the sentence says so.
        fs::write(world.stand.site_path(), good.replace("budget = \"512 MiB\"", "budget = \"256 MiB\"")).unwrap();
        let answer = reloader.reload(WAIT).await;
        assert_eq!((answer.outcome, answer.restart.as_slice()), (Outcome::Refused, &["[store]".to_owned()][..]));
        fs::write(world.stand.site_path(), &good).unwrap();
        assert_eq!(reloader.reload(WAIT).await.outcome, Outcome::Unchanged);
        assert!(world.agent().refused.borrow().is_none());
        world.until(200 * SECOND).await;
        let status = world.stop().await.unwrap();
        expect(&world, masses(&world), ALL_FOUR);
        let records = world.centre.records().unwrap();
        let refused: Vec<_> = records
            .iter()
            .filter_map(|it| match &it.body.detail {
                Detail::Event(it) if it.name == "config-refused" => Some(&it.facts),
                _ => None,
            })
            .collect();
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert_eq!(refused[0]["faults"], "2");
        assert!(refused[0]["fault-1"].contains("site.toml:"), "{refused:?}");
        assert!(refused[1]["fault-1"].contains("[store]"), "{refused:?}");
        expect_whole(&world, status.sealed);
    });
}

#[test]
fn a_dry_run_says_what_would_be_and_does_nothing() {
    play(async || {
        let mut world = world(Setting::of(FOUR)).await;
        let reloader = reloader(&world).await;
        world.until(20 * SECOND).await;
        edit(&world, |text| {
            text.replace("n_sigma = ", "# higher\nn_sigma = \"6\" # ").replace("window = 64", "window = 32")
        });
        let dry = Request { dry_run: true, ..WAIT };
        let answer = reloader.reload(dry.clone()).await;
        assert_eq!(answer.outcome, Outcome::WouldActivate, "{answer:?}");
        assert_eq!(answer.busy.keys().collect::<Vec<_>>(), [&world.site.lanes[0].id], "{answer:?}");
        assert!(answer.changes.contains(&"[uplink]".to_owned()), "{answer:?}");
        edit(&world, |text| text.replace("version = 1", "version = 2"));
        assert_eq!(reloader.reload(dry).await.outcome, Outcome::Refused);
        assert!(world.agent().refused.borrow().is_none());
        let status = world.stop().await.unwrap();
        assert!(told(&world.centre.records().unwrap()).iter().all(|it| !it.contains("config")));
        expect_whole(&world, status.sealed);
    });
}
