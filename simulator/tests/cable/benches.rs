//! Benches: each instrument says what is true of the sample on it, in its own words and at its own time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::peer::{ask, connect, decode, listen, world};
use tidewaiter_drivers::{
    lab::{fastness, hvi, laqua, moisture, photometer},
    modbus::register::{Encoding, WordOrder, ascii, decode as register},
    radiation::kromek_d5,
    reading::Channels,
};
use tidewaiter_simulator::{
    Oracle, Scene, World, WorldOptions,
    scene::{Act, BUILT_IN, Speech},
};
use tokio::io::DuplexStream;

const SECOND: Duration = Duration::from_secs(1);

fn built_in(name: &str, seed: Option<u64>) -> Arc<World> {
    let options = WorldOptions { seed, ..WorldOptions::default() };
    World::new(Scene::built_in(name).unwrap(), &options).unwrap()
}

/// Input registers of unit 1, read by a request written by hand.
async fn registers(cable: &mut DuplexStream, address: u8, count: u8) -> Vec<u16> {
    let answer = ask(cable, &[0, 1, 0, 0, 0, 6, 1, 4, 0, address, 0, count], SECOND).await;
    assert_eq!(answer[7], 4, "{answer:02x?}");
    answer[9..].chunks(2).map(|it| u16::from_be_bytes([it[0], it[1]])).collect()
}

fn single(words: &[u16]) -> Option<String> {
    let encoding = Encoding::F32(WordOrder::Abcd);
    register(&encoding, words, 0, Some(3)).ok().map(|it| it.to_string())
}

fn channels(item: &impl Channels) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    item.each(&mut |name, outcome| {
        all.insert(name.to_owned(), outcome.map_or_else(|it| it.to_string(), |it| it.value.to_string()));
    });
    all
}

#[tokio::test(start_paused = true)]
async fn a_uniformity_machine_runs_up_measures_and_finishes() {
    let world = built_in("tyre-uniformity", None);
    let mut cable = connect(&world, "tum-1");
    // The first tyre is mounted at 4 s, runs from 6 s to 14 s, is taken off at 17 s.
    let mut seen = Vec::new();
    for (at, state, speed) in [(2, 0, "0.0"), (5, 1, "30.0"), (8, 3, "60.0"), (15, 5, "0.0"), (18, 0, "0.0")] {
        tokio::time::sleep_until(world.instant(at * 1000)).await;
        let words = registers(&mut cable, 0, 43).await;
        assert_eq!(words[0], state, "at {at} s");
        assert_eq!(single(&words[4..6]).unwrap(), format!("{speed}00"), "at {at} s");
        seen.push((single(&words[10..12]), ascii(&words[33..43]).unwrap().to_string()));
    }
    let tyre = "TW205551691V0001".to_owned();
    let value = Some("62.500".to_owned());
    assert_eq!(
        seen,
        [
            (None, String::new()),
            (None, tyre.clone()),
            (value.clone(), tyre.clone()),
            (value, tyre),
            (None, String::new()),
        ]
    );
    // The third fails after five seconds and says so; the fourth is stopped and the machine is idle at once.
    for (at, state, alarms) in [(43_500, 6, 0x10), (57_500, 3, 0), (58_500, 0, 0)] {
        tokio::time::sleep_until(world.instant(at)).await;
        assert_eq!(registers(&mut cable, 0, 2).await, [state, alarms], "at {at} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_brake_lining_fades_application_by_application() {
    let world = built_in("brake-lining", None);
    let mut cable = connect(&world, "friction-1");
    let mut friction = Vec::new();
    // The second lining runs from 27 s on for 12 s, in four applications.
    for at in [28_000, 31_000, 34_000, 37_000] {
        tokio::time::sleep_until(world.instant(at)).await;
        let words = registers(&mut cable, 0, 37).await;
        friction.push((words[6], single(&words[14..16]).unwrap()));
        assert_eq!(ascii(&words[27..37]).unwrap(), "BL-2026-0042");
    }
    let expected = [(1, "0.371"), (2, "0.290"), (3, "0.121"), (4, "0.186")];
    assert_eq!(friction, expected.map(|(application, mu)| (application, mu.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_rolling_resistance_bench_has_no_result_before_it_runs() {
    let world = built_in("tyre-rolling-resistance", None);
    let mut cable = connect(&world, "rrm-1");
    let mut seen = Vec::new();
    for at in [5_000, 9_000, 18_000] {
        tokio::time::sleep_until(world.instant(at)).await;
        let words = registers(&mut cable, 0, 38).await;
        seen.push((words[0], single(&words[18..20]), single(&words[24..26])));
    }
    let result = (Some("38.000".to_owned()), Some("7.751".to_owned()));
    assert_eq!(seen, [(2, None, None), (3, result.0.clone(), result.1.clone()), (5, result.0, result.1)]);
}

#[tokio::test(start_paused = true)]
async fn gauges_over_a_belt_show_the_coal_that_passes() {
    let world = built_in("coal", None);
    let (mut ash, mut moisture) = (connect(&world, "ash-1"), connect(&world, "moisture-1"));
    tokio::time::sleep_until(world.instant(8_000)).await;
    let words = registers(&mut ash, 0, 16).await;
    assert_eq!(words[0..2], [1, 0b0000_0111], "running, belt on, valid, shutter open");
    let shown: f64 = single(&words[4..6]).unwrap().parse().unwrap();
    // One per mille of noise, five standard deviations.
    assert!((shown - 12.80).abs() < 0.07, "{shown}");
    let words = registers(&mut moisture, 0, 16).await;
    assert_eq!(single(&words[6..8]).unwrap(), "9.600");
    // Warming up, the ash gauge says so and shows nothing.
    tokio::time::sleep_until(world.instant(66_000)).await;
    let words = registers(&mut ash, 0, 16).await;
    assert_eq!((single(&words[4..6]), words[15]), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn an_hvi_line_sends_each_repetition_with_the_check_of_the_manual() {
    let world = built_in("cotton", None);
    let bytes = listen(&mut connect(&world, "hvi-1"), Duration::from_secs(60)).await;
    let (records, bad) = decode(hvi::Decoder::new(), &bytes);
    // Two modules and two repetitions of four bales, of which the last lacks its second.
    assert_eq!((records.len(), bad), (14, 0));
    let first = String::from_utf8(bytes[2..].split(|it| *it == b'\r').next().unwrap().to_vec()).unwrap();
    let (body, check) = first.trim_end_matches('@').rsplit_once('@').unwrap();
    let xor = body.bytes().fold(b'@', |all, it| all ^ it);
    assert_eq!(check.parse::<u8>().unwrap(), xor);
    assert_eq!(body, "HVI@L&S@01@100@09:00@21-NOV-26@LOT@B-1001@ 1@ 2@28.60@n@82.4@n@28.9@n@6.8@n@8.1@n");
    let micronaire: Vec<_> = records.iter().filter_map(|it| channels(it).get("micronaire").cloned()).collect();
    assert_eq!(micronaire, ["4.02", "4.08", "5.18", "5.24", "3.90", "3.94", "4.50"]);
}

#[tokio::test(start_paused = true)]
async fn a_textile_bench_prints_its_sheets() {
    let world = built_in("textile-bench", None);
    let (mut ph, mut grades) = (connect(&world, "ph-2"), connect(&world, "grades-1"));
    let time = Duration::from_millis(9_950);
    let (ph, grades) = tokio::join!(listen(&mut ph, time), listen(&mut grades, time));
    assert_eq!(String::from_utf8(grades.clone()).unwrap(), "\r\nfastness-water 4\r\nfastness-dry-rubbing 3-4\r\n");
    assert_eq!(decode(fastness::Decoder::new(), &grades).1, 0);
    let text = String::from_utf8(ph.clone()).unwrap();
    assert_eq!(text, "\r\nRMD,    ,01,1,0,1, ,2026,11,21,09,00,09,   7.12,0,0,0,  25.0,   -7.1,0\r\n");
    let (records, bad) = decode(laqua::Decoder::new(), &ph);
    assert_eq!((records.len(), bad), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_drying_balance_prints_when_the_sample_is_dry() {
    let world = built_in("concentrate", None);
    let bytes = listen(&mut connect(&world, "dryer-1"), Duration::from_secs(12)).await;
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), "\r\nMoist +     8.41 %M \r\n");
    assert_eq!(decode(moisture::Decoder::new(), &bytes).1, 0);
}

#[tokio::test(start_paused = true)]
async fn an_identifier_answers_dose_counts_and_a_spectrum_of_as_many() {
    let world = built_in("gamma-spectrum", None);
    let mut cable = connect(&world, "d5-1");
    let question = kromek_d5::encode_request(kromek_d5::INTERFACE_BOARD, kromek_d5::RADIOMETRICS);
    let mut seen = Vec::new();
    for at in [10_000, 65_000] {
        tokio::time::sleep_until(world.instant(at)).await;
        let heard = {
            use tokio::io::AsyncWriteExt;
            cable.write_all(&question).await.unwrap();
            listen(&mut cable, SECOND).await
        };
        let mut decoder = kromek_d5::Decoder::new(kromek_d5::Crc::Checked);
        let mut told = None;
        for byte in heard {
            use tidewaiter_drivers::wire::{Decode, Event};
            if let Some(Event::Frame(message)) = decoder.push(byte) {
                told = Some((channels(&message), decoder.spectrum().map(u64::from).sum::<u64>()));
            }
        }
        seen.push(told.unwrap());
    }
    let count = |at: usize| seen[at].0["gamma-count"].parse::<u64>().unwrap();
    // Poisson around 400 and 2600, six standard deviations.
    assert!((280..=520).contains(&count(0)) && (2_294..=2_906).contains(&count(1)), "{seen:?}");
    assert_eq!((seen[0].0["dose-rate"].as_str(), seen[1].0["dose-rate"].as_str()), ("0.09", "1.25"));
    // Hardly a count falls beyond the last channel.
    assert!((0..2).all(|at| count(at) - seen[at].1 <= 2), "{seen:?}");
    // Another question is refused.
    let answer = ask(&mut cable, &kromek_d5::encode_request(7, 0x10), SECOND).await;
    assert_eq!(answer, kromek_d5::encode_acknowledgement(7, false).to_vec());
}

/// A gauge by its line profile, and a photometer; neither stands in a built-in scene.
const LINES: &str = "title = 't'\nseed = 1\n[[rig]]\nid = 'r'\nprocedure = 'coal'\nmount = '1 s'\nlasts = '4 s'\ndismount = '1 s'\n\
    [[rig.instrument]]\nid = 'gauge'\nspeaks = 'line'\nprofile = 'coal-gauge-csv'\nheld = { mass-flow = '812.5' }\n\
    [[rig.instrument]]\nid = 'photometer'\nspeaks = 'photometer_prints'\n\
    [[rig.quantity]]\nparameter = 'ash'\ninstrument = 'gauge'\nchannel = 'ash'\nunit = '%'\n\
    [[rig.quantity]]\nparameter = 'moisture'\ninstrument = 'gauge'\nchannel = 'moisture'\nunit = '%'\n\
    [[rig.quantity]]\nparameter = 'absorbance'\ninstrument = 'photometer'\nchannel = 'absorbance'\nunit = '{absorbance}'\nreplicates = 2\n\
    [[rig.sample]]\nsample = 'K-1'\nat = '2 s'\nvalues = { ash = '12.84', moisture = '9.6', absorbance = ['0.214', '0.216'] }";

#[tokio::test(start_paused = true)]
async fn a_line_profile_is_spoken_with_its_check_characters() {
    let world = world(LINES);
    let text = listen(&mut connect(&world, "gauge"), Duration::from_millis(4_500)).await;
    // Before the sample there is nothing on the belt. The second line is the profile's own vector.
    let xor = |body: &str| body.bytes().fold(0, |all, it| all ^ it);
    let idle = format!("$RUN,812.5,----,----*{:02X}\r\n", xor("RUN,812.5,----,----"));
    let expected = [idle.as_str(), &idle, "$RUN,812.5,12.84,9.6*45\r\n", "$RUN,812.5,12.84,9.6*45\r\n"].concat();
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_photometer_prints_each_replicate() {
    let bytes = listen(&mut connect(&world(LINES), "photometer"), Duration::from_secs(8)).await;
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), "\r\n1 0.214 ABS 412 nm\r\n2 0.216 ABS 412 nm\r\n");
    assert_eq!(decode(photometer::Prints::new(), &bytes).0.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_bytes_at_every_bench() {
    for (name, _) in BUILT_IN {
        let scene = Scene::built_in(name).unwrap();
        for it in scene.rigs.iter().flat_map(|rig| &rig.instruments) {
            let hear = async |seed| {
                let world = built_in(name, Some(seed));
                let mut cable = connect(&world, &it.id);
                match it.speaks {
                    Speech::Registers => {
                        tokio::time::sleep_until(world.instant(8_300)).await;
                        let words = registers(&mut cable, 0, 16).await;
                        words.into_iter().flat_map(u16::to_be_bytes).collect()
                    }
                    Speech::KromekD5 => {
                        let question = kromek_d5::encode_request(kromek_d5::INTERFACE_BOARD, kromek_d5::RADIOMETRICS);
                        ask(&mut cable, &question, SECOND).await
                    }
                    _ => listen(&mut cable, Duration::from_secs(70)).await,
                }
            };
            let (first, again): (Vec<u8>, Vec<u8>) = (hear(5).await, hear(5).await);
            assert!(!first.is_empty(), "{name} {}", it.id);
            assert_eq!(first, again, "{name} {}", it.id);
            // Chance is in what has noise or counts.
            if it.noise > 0.0 || it.speaks == Speech::KromekD5 {
                assert_ne!(first, hear(6).await, "{name} {}", it.id);
            }
        }
    }
}

#[test]
fn a_wrong_bench_says_what_to_write() {
    let check = |text: &str, part: &str| {
        let scene = format!("title = 't'\nseed = 1\n[[rig]]\nid = 'r'\nprocedure = 'coal'\n{text}");
        let error = match Scene::from_toml(&scene) {
            Err(error) => error.to_string(),
            Ok(scene) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                let made = runtime.block_on(async { World::new(scene, &WorldOptions::default()) });
                made.err().map(|it| it.to_string()).unwrap_or_default()
            }
        };
        assert!(error.contains(part), "{text} gave {error}");
    };
    let quantity = "[[rig.quantity]]\nparameter = 'ash'\nunit = '%'\n";
    check("quantity = []\ntrigger = 'state'", "registers");
    check("[[rig.quantity]]\nparameter = 'ash'\nunit = 'furlong'", "unit");
    check("[[rig.quantity]]\nparameter = 'ash'\nunit = '%'\nchannel = 'ash'", "both instrument and channel");
    check(
        "[[rig.quantity]]\nparameter = 'ash'\nunit = '%'\ninstrument = 'x'\nchannel = 'ash'",
        "instruments of this rig",
    );
    check(&format!("{quantity}[[rig.instrument]]\nid = 'g'\nspeaks = 'registers'"), "name its profile");
    check(&format!("{quantity}[[rig.instrument]]\nid = 'g'\nspeaks = 'line'\nprofile = 'x'"), "no line profile");
    check(
        "[[rig.instrument]]\nid = 'g'\nspeaks = 'registers'\nprofile = 'coal-ash-proposed'\n\
         [[rig.quantity]]\nparameter = 'ash'\nunit = '%'\ninstrument = 'g'\nchannel = 'ashes'",
        "has no channel \"ashes\"; write one of state,",
    );
    check(
        &format!("{quantity}[[rig.sample]]\nsample = 'S'\nvalues = {{ sulfur = '1' }}"),
        "quantities of this rig are ash",
    );
    check(
        &format!("{quantity}[[rig.sample]]\nsample = 'S'\nvalues = {{ ash = '1,5' }}"),
        "neither a decimal nor a grade",
    );
    let twice = "[[rig.sample]]\nsample = 'A'\nat = '1 s'\n[[rig.sample]]\nsample = 'B'\nat = '9 s'";
    check(&format!("{quantity}{twice}"), "come later");
    let act = |text: &str| format!("{quantity}[[operator]]\nat = '1 s'\n{text}");
    check(&act("place = 'x'\naction = 'stop'"), "places of this scene are r");
    check(&act("place = 'r'\naction = 'start'"), "name the sample");
    check(&act("place = 'r'\naction = 'enter'\nparameter = 'ash'"), "parameter and value");
}

#[tokio::test(start_paused = true)]
async fn two_lorries_stand_on_the_scale_together() {
    let world = built_in("two-lorries", None);
    let [first, second] = &world.passages(120_000)[..2] else { panic!("two lorries at least") };
    assert!(second.arrives_ms > first.stands_ms() && second.stands_ms() < first.starts_off_ms());
    for (mass, at_ms) in [
        (12_000, second.arrives_ms - 200),
        (21_000, first.starts_off_ms() - 200),
        (9_000, second.starts_off_ms() - 200),
    ] {
        let shown = world.mass(at_ms).unwrap();
        assert!((shown.digits() - mass).abs() <= 20, "{shown} for {mass} at {at_ms} ms");
    }
}

#[test]
fn a_drill_is_switched_on_and_off_again() {
    let scene = Scene::built_in("drill").unwrap();
    let switches: Vec<_> = scene.operator.iter().map(|it| (it.at.ms(), it.action)).collect();
    assert_eq!(switches, [(45_000, Act::DrillOn), (90_000, Act::DrillOff)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let world = runtime.block_on(async { World::new(scene, &WorldOptions::default()).unwrap() });
    let drills: Vec<_> = Oracle::at(&world, 200_000).inspections.iter().map(|it| it.drill).collect();
    assert_eq!(drills, [false, true, false]);
}
