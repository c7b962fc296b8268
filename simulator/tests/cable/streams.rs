//! Instruments that speak unasked: physics as bytes, replay, faults.

use std::time::Duration;

use crate::peer::{connect, decode, demo, listen, world};
use tidewaiter_drivers::{
    Decimal,
    bench::ph,
    counting,
    identity::plate,
    portal::rpm::{self, GammaTag, Line, NeutronTag, setup::Setup},
    scale::{
        settle::{Motion, Settle},
        xk3190,
    },
};
use tidewaiter_simulator::{Scene, World, WorldOptions};

const STREAMS: [&str; 4] = ["scale", "portal", "plate", "ph"];

async fn heard(seed: u64, instrument: &str) -> Vec<u8> {
    let options = WorldOptions { seed: Some(seed), ..WorldOptions::default() };
    let world = World::new(Scene::built_in("demo").unwrap(), &options).unwrap();
    listen(&mut connect(&world, instrument), Duration::from_secs(25)).await
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    for instrument in STREAMS {
        let (first, again, other) =
            (heard(5, instrument).await, heard(5, instrument).await, heard(6, instrument).await);
        assert!(!first.is_empty(), "{instrument}");
        assert_eq!(first, again, "{instrument}");
        assert_ne!(first, other, "{instrument}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_clients_of_one_portal_hear_the_same() {
    let world = demo();
    let (mut early, mut late) = (connect(&world, "portal"), connect(&world, "portal"));
    let (a, b) = tokio::join!(listen(&mut early, Duration::from_secs(12)), listen(&mut late, Duration::from_secs(12)));
    assert_eq!(a, b);
}

#[tokio::test(start_paused = true)]
async fn every_lorry_settles_on_the_scale_at_its_true_mass() {
    let world = demo();
    let bytes = listen(&mut connect(&world, "scale"), Duration::from_millis(20_450)).await;
    let (frames, _) = decode(xk3190::Decoder::new(), &bytes);
    // Ten frames a second, some of which the scene's bit flips cost.
    assert!((190..=204).contains(&frames.len()), "{}", frames.len());
    for passage in world.passages(20_400) {
        let truth = world.settled_mass(&passage).unwrap();
        // Read from the world, not from the frames, so that a lost frame does not shift the time.
        let mut settle = Settle::new(Decimal::whole(20), 600, 5);
        let stable: Vec<Decimal> = (passage.arrives_ms..passage.starts_off_ms())
            .step_by(100)
            .filter_map(|at| match settle.push(u64::try_from(at).unwrap(), world.mass(at).unwrap()) {
                Motion::Stable(mass) if mass.digits() > 500 => Some(mass),
                _ => None,
            })
            .collect();
        assert!(!stable.is_empty(), "lorry {} never settles", passage.number);
        for mass in stable {
            assert!((mass.digits() - truth.digits()).abs() <= 20, "{mass} for {truth}");
            assert_eq!(mass.digits() % 20, 0);
        }
        // Just before the next one the scale is empty.
        assert!(world.mass(passage.leaves_ms() + 1_200).unwrap().digits().abs() <= 20);
    }
}

#[tokio::test(start_paused = true)]
async fn frames_of_the_weighbridge_carry_the_check_of_the_manual() {
    let world = world("title = 't'\nseed = 1\n[weighbridge]");
    let bytes = listen(&mut connect(&world, "scale"), Duration::from_millis(1_050)).await;
    assert_eq!(bytes.len(), 12 * 10);
    for frame in bytes.chunks(12) {
        // Not by our decoder: STX, sign, six digits, decimals, XOR of bytes 2 to 9 in hex, ETX.
        let xor = frame[1..9].iter().fold(0, |xor, it| xor ^ it);
        assert_eq!((frame[0], frame[11]), (2, 3));
        assert_eq!(&frame[9..11], format!("{xor:02X}").as_bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn the_portal_speaks_in_order_and_alarms_by_its_own_rule() {
    let world = demo();
    let bytes = listen(&mut connect(&world, "portal"), Duration::from_millis(20_400)).await;
    let (lines, bad) = decode(rpm::Decoder::new(), &bytes);
    assert_eq!(bad, 0);
    assert!(matches!(
        lines[..5],
        [
            Line::Setup(Setup::Gamma1(_)),
            Line::Setup(Setup::Gamma2(_)),
            Line::Setup(Setup::Gamma3(_)),
            Line::Setup(Setup::Neutron1(_)),
            Line::Setup(Setup::Neutron2(_))
        ]
    ));
    let (mut background, mut window, mut ends, mut alarmed) = (None, Vec::new(), Vec::new(), Vec::new());
    for line in &lines[5..] {
        match line {
            Line::Gamma { tag: GammaTag::GB, counts } => {
                assert!(window.is_empty(), "background while occupied");
                background = Some(counts.iter().sum::<u32>());
            }
            Line::Gamma { tag, counts } => {
                window.push(counts.iter().sum::<u32>());
                let sum = window.iter().rev().take(5).sum::<u32>();
                // The device's alarm, recomputed by the codec crate's exact comparison.
                let above = counting::exceeds_sigma(u64::from(sum), u64::from(background.unwrap()), Decimal::whole(7));
                assert_eq!(*tag == GammaTag::GA, window.len() >= 5 && above);
                if *tag == GammaTag::GA {
                    alarmed.push(ends.len());
                }
            }
            Line::Speed { kmh, .. } => assert_eq!(kmh.to_string(), "7.50"),
            Line::End { counter, .. } => {
                ends.push((*counter, window.len()));
                window.clear();
            }
            Line::Neutron { tag, .. } => assert!(matches!(tag, NeutronTag::NB | NeutronTag::NS)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ends.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(ends.iter().all(|it| it.1 >= 8), "{ends:?}");
    alarmed.dedup();
    assert_eq!(alarmed, [2], "only the third lorry carries a source");
    let shielded = world.passages(20_400);
    assert_eq!(world.portal_alarms(&shielded[2]), (true, false));
    assert_eq!(world.portal_alarms(&shielded[0]), (false, false));
}

#[tokio::test(start_paused = true)]
async fn a_lorry_shields_the_background() {
    // Sixty harmless lorries: their counts stay below the background by 5 to 25 per cent.
    let scene = "title = 't'\nseed = 9\n[portal]\n[weighbridge]\n[traffic]\nfirst = '10 s'\nheadway = '40 s'\ncount = 60\n\
                 [traffic.generator]\noverloaded = 0.0\nundeclared = 0.0\nradioactive = 0.0\nscrap = 0.0\nplate_wrong = 0.0\nplate_missing = 0.0\nspeeding = 0.0";
    let world = world(scene);
    let mut shares = Vec::new();
    for passage in world.passages(2_500_000) {
        let middle = i64::midpoint(passage.arrives_ms, passage.stands_ms()) / 200;
        let counts: u32 = (middle..middle + 5)
            .flat_map(|it| world.portal_lines(it))
            .map(|line| if let Line::Gamma { counts, .. } = line { counts.iter().sum() } else { 0 })
            .sum();
        shares.push(f64::from(counts) / 934.0);
        assert_eq!(world.portal_alarms(&passage), (false, false), "false alarm of lorry {}", passage.number);
    }
    assert_eq!(shares.len(), 60);
    let mean = shares.iter().sum::<f64>() / 60.0;
    assert!((0.78..0.92).contains(&mean), "{mean}");
}

#[tokio::test(start_paused = true)]
async fn plates_come_once_per_lorry_as_read() {
    let world = demo();
    let bytes = listen(&mut connect(&world, "plate"), Duration::from_millis(20_400)).await;
    let (plates, bad) = decode(plate::Decoder::new(), &bytes);
    assert_eq!(bad, 0);
    let texts: Vec<&str> = plates.iter().map(|it| it.text().unwrap()).collect();
    assert_eq!(texts, ["粤B12345", "粤BD7702", "湘A88K31", "闽C3N905"]);
    assert!(plates.iter().all(|it| it.confidence.is_some_and(|it| it >= 93)));
}

#[tokio::test(start_paused = true)]
async fn container_numbers_come_as_the_camera_takes_them() {
    let world = World::new(Scene::built_in("containers").unwrap(), &WorldOptions::default()).unwrap();
    let bytes = listen(&mut connect(&world, "ocr-1"), Duration::from_secs(160)).await;
    let (numbers, bad) = decode(plate::Decoder::new(), &bytes);
    let texts: Vec<&str> = numbers.iter().map(|it| it.text().unwrap()).collect();
    assert_eq!((texts, bad), (vec!["CSQU3054383", "MSKU9O70323", "TGHU7599330", "HLXU6419881"], 0));
}

#[tokio::test(start_paused = true)]
async fn the_ph_meter_is_steady_at_the_end_of_each_extract() {
    let world = demo();
    let bytes = listen(&mut connect(&world, "ph"), Duration::from_millis(20_100)).await;
    let (lines, bad) = decode(ph::Decoder::at_line_start(), &bytes);
    assert_eq!((lines.len(), bad), (100, 0));
    for (specimen, truth) in world.specimens().iter().zip([[708, 712, 710], [815, 820, 818]]) {
        for (immersed, truth) in specimen.immersed_ms.iter().zip(truth) {
            let end = usize::try_from((immersed + specimen.dwell_ms) / 200).unwrap();
            for line in &lines[end - 5..end] {
                assert!((line.ph.digits() - truth).abs() <= 1, "{} for {truth}", line.ph);
                assert_eq!(line.ph.places(), 2);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wire_faults_show_as_what_they_are() {
    let scene = |fault: &str| {
        format!(
            "title = 't'\nseed = 1\n[weighbridge]\n[[fault]]\ninstrument = 'scale-1'\nat = '1 s'\nfor = '1 s'\n{fault}"
        )
    };
    let hear = async |fault: &str| {
        let bytes = listen(&mut connect(&world(&scene(fault)), "scale"), Duration::from_millis(3_050)).await;
        let (frames, bad) = decode(xk3190::Decoder::new(), &bytes);
        (bytes.len() / 12, frames.len(), bad)
    };
    // Thirty frames, ten of them within the fault.
    assert_eq!(hear("kind = 'silence'").await, (20, 20, 0));
    let (sent, good, bad) = hear("kind = 'bit-flip'").await;
    assert_eq!(sent, 30);
    // A turned STX costs a frame without a refusal; a turned ETX can only be refused.
    assert!((20..30).contains(&good) && bad >= 5, "{good} good, {bad} bad");
    let (sent, good, bad) = hear("kind = 'half-frame'").await;
    assert_eq!((sent, good), (25, 20));
    assert!(bad >= 9, "{bad}");
    // The first late frame, due after one second, arrives after three.
    assert_eq!(hear("kind = 'late'\ndelay = '2 s'").await, (10, 10, 0));
    assert_eq!(hear("kind = 'hangup'").await, (9, 9, 0));
}

#[tokio::test(start_paused = true)]
async fn device_faults_of_the_portal_reach_its_lines_and_the_oracle() {
    let scene = |kind: &str| {
        format!(
            "title = 't'\nseed = 1\n[portal]\n[weighbridge]\n[traffic]\nfirst = '20 s'\nheadway = '60 s'\n\
             [[traffic.lorry]]\nplate = 'A1'\naxles = 2\nmass_kg = 9000\ndeclared = {{ mass_kg = 9000, goods = 'x' }}\n\
             [[fault]]\ninstrument = 'portal-1'\nkind = '{kind}'\nat = '10 s'\nfor = '15 s'"
        )
    };
    for (kind, tag, fault) in [
        ("background-high", "GH,", "background-high"),
        ("background-low", "GL,", "background-low"),
        ("tamper", "TT,000000", "tamper"),
    ] {
        let world = world(&scene(kind));
        let bytes = listen(&mut connect(&world, "portal"), Duration::from_secs(60)).await;
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.lines().any(|it| it.starts_with(tag)), "{kind}: {text}");
        let oracle = tidewaiter_simulator::Oracle::at(&world, 60_000);
        assert_eq!(oracle.inspections[0].disposition, "not-valid");
        assert_eq!(oracle.inspections[0].faults, [fault]);
    }
}
