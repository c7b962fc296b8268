//! A scale behind an instrument node: what it seals arrives as verified records, and a program that knows nothing of ours agrees.

use std::{fs, process::Command};

use tidewaiter_drivers::{Unit, reading::Quality};
use tidewaiter_record::body::Detail;
use tidewaiter_tests::{
    process::run,
    world::{MINUTE, Setting, World, mass_of},
};

use super::{play, quiet, world};

const NODE: &str = include_str!("../../simulator/scenes/node-scale.toml");
const CHECKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/node.py");
/// The key of the scene.
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// What the Python checker says of everything stored.
fn checked(world: &World, key: &str) -> (i32, serde_json::Value) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.cborseq");
    fs::write(&path, world.centre.stored().unwrap().concat()).unwrap();
    let mut command = Command::new("python3");
    command.args([CHECKER, "--key", key, "--serial", "TWN-SIM", "--instrument", "scale-1"]).arg(&path);
    let ended = run(&mut command).unwrap();
    (ended.code, serde_json::from_str(&ended.stdout).unwrap())
}

#[test]
fn every_mass_is_proven_to_the_node_that_weighed_it() {
    play(async || {
        let mut world = world(Setting::of(NODE)).await;
        let end = quiet(&world, 3 * MINUTE);
        world.until(end).await;
        world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        assert!(found.len() >= 4, "{}", found.len());
        for (number, it) in found.iter().enumerate() {
            let kg = if number % 2 == 0 { 12_000 } else { 20_000 };
            let mass = mass_of(it).unwrap();
            assert_eq!(mass.digits(), kg * 1000, "grams, as the node tells them");
            assert!(it.flags.simulated);
            let weighed = it.readings.iter().find(|it| it.channel == "mass").unwrap();
            assert_eq!(weighed.outcome.unwrap().unit, Unit::Gram);
            assert_eq!(weighed.outcome.unwrap().quality, Quality::Good);
            assert_eq!(weighed.raw.len(), 103, "the answer as it came");
        }
        let verdicts: Vec<&str> = found.iter().map(|it| it.disposition.as_str()).take(2).collect();
        assert_eq!(verdicts, ["clear", "refer"]);
        let summary = world.centre.summary().unwrap();
        assert!(summary.is_clean(), "{summary:?}");
        assert!(summary.node_blocks > 0 && summary.node_blocks == summary.node_sealed, "{summary:?}");
        let names: Vec<String> = world
            .centre
            .records()
            .unwrap()
            .into_iter()
            .filter_map(|it| match it.body.detail {
                Detail::Event(it) if it.name.starts_with("node-") => Some(it.name),
                _ => None,
            })
            .collect();
        assert_eq!(names, ["node-seen"]);

        let (code, said) = checked(&world, KEY);
        assert_eq!(code, 0, "{said}");
        assert_eq!(said["blocks"], summary.node_blocks);
        assert!(said["compared"].as_u64().unwrap() >= found.len() as u64);
        let (code, said) = checked(&world, &KEY.replace("1f", "1e"));
        assert_eq!((code, &said["sealed"]), (1, &serde_json::json!(0)));
    });
}
