//! Stack light and barrier in the simulated lane: what a lamp shows is what was recorded, and nothing else is written.

use std::collections::BTreeSet;

use tidewaiter_config::site::Wire;
use tidewaiter_record::body::Detail;
use tidewaiter_tests::world::{Asked, MINUTE, SECOND, Setting, World};

use super::{play, quiet, world};

const LIGHTS: &str = include_str!("../../simulator/scenes/lane-lights.toml");
/// The functions that write (MODBUS Application Protocol V1.1b3, §6): single and multiple coils and registers, mask
/// write, read/write, file record.
const WRITES: [u8; 7] = [0x05, 0x06, 0x0F, 0x10, 0x15, 0x16, 0x17];

/// What is lit; amber hangs on the resting contact, the pulse is left out.
fn lit(world: &World) -> String {
    let lamps = world.truth.lamps().unwrap();
    let on = |name: &str| lamps.on.iter().any(|it| it == name);
    let names = ["green", "amber", "red", "buzzer", "barrier"];
    names.into_iter().filter(|it| on(it) != (*it == "amber")).collect::<Vec<_>>().join(" ")
}

/// Coil or register of a write, and how many.
fn written(asked: &Asked) -> (u8, u16, u16) {
    let word = |at: usize| u16::from_be_bytes([asked.data[at], asked.data[at + 1]]);
    let count = if matches!(asked.function, 0x0F | 0x10) { word(2) } else { 1 };
    (asked.function, word(0), count)
}

#[test]
fn three_lorries_are_shown_as_recorded_and_nothing_but_the_coils_is_written() {
    play(async || {
        let mut world = world(Setting::of(LIGHTS)).await;
        world.until(2 * SECOND).await;
        assert_eq!(lit(&world), "", "nothing is going on");
        assert_eq!(world.truth.lamps().unwrap().watchdog, 30, "the module's own watchdog is set at connect");
        let end = quiet(&world, 3 * MINUTE + 30 * SECOND);
        let mut shown = Vec::new();
        while world.truth.now_ms() < end {
            world.until(world.truth.now_ms() + 100).await;
            let now = lit(&world);
            // The barrier never opens but on a result that is recorded as clear.
            if now.contains("barrier") {
                let live = world.agent().live.snapshot();
                assert_eq!(live.results.back().map(|it| it.disposition), Some("clear"));
                assert!(!live.busy.contains_key("lane-7"), "seed {}: open while something is inspected", world.seed());
            }
            if shown.last() != Some(&now) {
                shown.push(now);
            }
        }
        let dispositions: Vec<_> = world.agent().live.snapshot().results.iter().map(|it| it.disposition).collect();
        assert_eq!(dispositions, ["clear", "refer", "alarm"]);
        assert_eq!(shown, ["", "green barrier", "", "amber", "", "red buzzer", "red"], "{}", world.cost("lights"));
        assert_eq!(world.truth.lamps().unwrap().trips, 0);

        world.stop().await.unwrap();
        assert_eq!(lit(&world), "amber", "left in the safe state");
        let asked = world.asked();
        let writes: Vec<&Asked> = asked.iter().filter(|it| WRITES.contains(&it.function)).collect();
        assert!(writes.len() > 1_000, "a heartbeat of six coils, {} writes", writes.len());
        assert!(writes.iter().all(|it| it.instrument == "io-7" && it.unit == 1));
        let places: BTreeSet<_> = writes.iter().map(|it| written(it)).collect();
        let coils = (0..6).map(|coil| (0x05, coil, 1));
        assert_eq!(places, coils.chain([(0x06, 4096, 1)]).collect(), "configured coils and the watchdog, nothing else");
        let known: BTreeSet<u8> = asked.iter().map(|it| it.function).collect();
        assert!(known.is_subset(&[1, 2, 3, 4, 0x2B, 5, 6].into()), "{known:?}");
    });
}

#[test]
fn without_outputs_there_is_no_write_at_all() {
    play(async || {
        let site = |site: &mut tidewaiter_config::site::Site| site.outputs.clear();
        let mut world = world(Setting { site, ..Setting::of(LIGHTS) }).await;
        world.until(2 * MINUTE).await;
        world.stop().await.unwrap();
        let asked = world.asked();
        assert!(asked.len() > 100);
        let functions: BTreeSet<u8> = asked.iter().map(|it| it.function).collect();
        assert!(functions.is_disjoint(&WRITES.into()), "{functions:?}");
        assert!(world.truth.lamps().unwrap().writes.is_empty());
    });
}

#[test]
fn an_agent_that_is_gone_leaves_amber_and_a_shut_barrier() {
    play(async || {
        let together = |site: &mut tidewaiter_config::site::Site| {
            for output in &mut site.outputs {
                if let Wire::Coils { together, .. } = &mut output.wire {
                    *together = true;
                }
            }
        };
        let mut world = world(Setting { site: together, on_disk: true, ..Setting::of(LIGHTS) }).await;
        assert!(world.until_met(MINUTE, |world| lit(world) == "green barrier").await);
        world.cut_power().await;
        assert_eq!(lit(&world), "amber", "the module's watchdog has put its coils off");
        assert_eq!(world.truth.lamps().unwrap().trips, 1);
        world.restart().await.unwrap();
        world.until(world.truth.now_ms() + 3 * SECOND).await;
        assert_eq!(lit(&world), "", "and the agent takes them up again, without the old result");
    });
}

#[test]
fn a_module_that_is_silent_is_recorded_once_and_costs_no_verdict() {
    let fault = "\n[[fault]]\ninstrument = \"io-7\"\nkind = \"silence\"\nat = \"20 s\"\nfor = \"60 s\"\n";
    play(async || {
        let mut world = world(Setting::of(&format!("{LIGHTS}{fault}"))).await;
        world.until(40 * SECOND).await;
        let live = world.agent().live.snapshot();
        assert_eq!(live.outputs["io-7"].fault.as_deref(), Some("timed-out"), "the page says so");
        assert_eq!(lit(&world), "amber", "its watchdog has tripped");
        world.until(quiet(&world, 3 * MINUTE + 30 * SECOND)).await;
        let live = world.agent().live.snapshot();
        assert_eq!(live.outputs["io-7"].fault, None);
        let dispositions: Vec<_> = live.results.iter().map(|it| it.disposition).collect();
        assert_eq!(dispositions, ["clear", "refer", "alarm"]);
        assert_eq!(world.truth.lamps().unwrap().watchdog, 30);
        world.stop().await.unwrap();
        let records = world.centre.records().unwrap();
        let events: Vec<_> = records
            .iter()
            .filter_map(|it| if let Detail::Event(event) = &it.body.detail { Some(event) } else { None })
            .filter(|it| it.name.starts_with("output-"))
            .map(|it| (it.name.clone(), it.subject.clone().unwrap_or_default()))
            .collect();
        let told = |name: &str| (name.to_owned(), "io-7".to_owned());
        assert_eq!(events, [told("output-fault"), told("output-restored")]);
    });
}
