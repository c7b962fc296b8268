//! The lane held against a tape of what its instruments say, one row per passage.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{sync::Arc, time::Duration};

use tidewaiter_drivers::{
    Unit,
    portal::rpm::{self, GammaTag, Line, NeutronTag},
    reading::{Doubt, Indication, Missing, Outcome},
};
use tidewaiter_screening::{Inspection, inspection::Completion};

use super::*;
use crate::{acquire::Mark, inspect::evidence::KEPT};

/// Counts per second of each detector while vacant: a window of five intervals expects 1000 of all four.
const BACKGROUND: u32 = 250;

/// A lane with a tape running through it.
struct Tape {
    gate: LorryGate,
    ms: u64,
    steps: Vec<Step>,
    passages: u32,
    /// What the scale sends ten times a second; silent without.
    scale: Option<(i64, bool)>,
    /// What the portal sends five times a second while occupied.
    occupied: Option<Line>,
    /// The portal says nothing at all.
    silent: bool,
    /// What the dose-rate monitor shows every second.
    dose: Option<&'static str>,
}

fn instrument(id: &str) -> Instrument {
    Instrument {
        id: id.to_owned(),
        port: "p".to_owned(),
        protocol: Protocol::RpmLines { n_sigma: Decimal::whole(7), intervals: 5, speed_limit_kmh: Decimal::whole(8) },
        simulated: false,
        serial_number: None,
        identity: std::collections::BTreeMap::new(),
        register: None,
        silence: Duration::from_secs(3),
    }
}

fn settings() -> site::LorryGate {
    site::LorryGate {
        scale: "scale-1".to_owned(),
        portal: Some("portal-1".to_owned()),
        dose_rate: Some(("gamma-1".to_owned(), "dose-rate".to_owned())),
        plate: Some("lpr-1".to_owned()),
        container: None,
        threshold: Decimal::whole(500),
        unit: Unit::Kilogram,
        time_limit: Duration::from_secs(60),
        identity_window: Duration::from_secs(4),
        judge: Vec::new(),
    }
}

impl Tape {
    fn new() -> Self {
        Self::of(&settings())
    }

    fn of(settings: &site::LorryGate) -> Self {
        let portal = settings.portal.as_deref().map(instrument);
        Self {
            gate: LorryGate::new("lane-7", 3, settings, portal.as_ref(), false),
            ms: 0,
            steps: Vec::new(),
            passages: 0,
            scale: Some((0, true)),
            occupied: None,
            silent: false,
            dose: Some("0.100"),
        }
    }

    /// A lane that has been vacant for long enough to know its backgrounds.
    fn vacant() -> Self {
        let mut tape = Self::new();
        tape.run(6_000);
        tape
    }

    fn now(&self) -> Moment {
        Moment { mono_ms: self.ms, wall_ms: 0 }
    }

    fn send(&mut self, instrument: &str, raw: &[u8], content: Content) {
        let raw = bytes::Bytes::copy_from_slice(raw);
        let arrival = Arrival { instrument: Arc::from(instrument), at: self.now(), raw, content };
        self.steps.extend(self.gate.arrival(&arrival));
    }

    fn reading(&mut self, instrument: &str, channel: &str, outcome: Outcome) {
        let reading = Reading { channel: channel.try_into().unwrap(), at: self.now(), outcome };
        self.send(instrument, b"\x02+012345\x03", Content::Readings(vec![reading]));
    }

    fn line(&mut self, line: &Line) {
        self.send("portal-1", rpm::encode(line).as_bytes(), Content::Portal(line.clone()));
    }

    /// Lets the instruments speak for so long.
    fn run(&mut self, ms: u64) {
        let until = self.ms + ms;
        while self.ms < until {
            self.ms += 100;
            if let Some((kg, settled)) = self.scale {
                let quality = if settled { Quality::Good } else { Quality::Uncertain(Doubt::Unstable) };
                let value = Decimal::whole(kg);
                self.reading("scale-1", "mass", Ok(Indication { value, unit: Unit::Kilogram, quality }));
            }
            match self.occupied.clone() {
                _ if self.silent => {}
                Some(line) if self.ms.is_multiple_of(200) => self.line(&line),
                None if self.ms.is_multiple_of(1_000) => {
                    self.line(&Line::Gamma { tag: GammaTag::GB, counts: [BACKGROUND; 4] });
                }
                _ => {}
            }
            if let Some(dose) = self.dose.filter(|_| self.ms.is_multiple_of(1_000)) {
                let value = dose.parse().unwrap();
                let unit = Unit::MicrograyPerHour;
                self.reading("gamma-1", "dose-rate", Ok(Indication { value, unit, quality: Quality::Good }));
            }
            self.steps.extend(self.gate.tick(self.now()));
        }
    }

    fn scale(&mut self, kg: i64, settled: bool, ms: u64) {
        self.scale = Some((kg, settled));
        self.run(ms);
    }

    fn gamma(&mut self, tag: GammaTag, count: u32, ms: u64) {
        self.occupied = Some(Line::Gamma { tag, counts: [count; 4] });
        self.run(ms);
    }

    fn end(&mut self) {
        self.occupied = None;
        self.passages += 1;
        self.line(&Line::End { counter: self.passages, neutron_background: Decimal::whole(1) });
    }

    fn plate(&mut self, text: &str) {
        let mark = Mark { kind: "plate", text: text.to_owned(), confidence: Some(90) };
        self.send("lpr-1", text.as_bytes(), Content::Identity(mark));
    }

    fn link(&mut self, instrument: &str, state: LinkState) {
        self.send(instrument, b"", Content::Link(state));
    }

    /// On through the portal, weighed, and off again, in thirteen seconds.
    fn lorry(&mut self, plate: &str, kg: i64) {
        self.scale = Some((kg / 3, false));
        self.gamma(GammaTag::GS, 50, 1_000);
        self.plate(plate);
        self.gamma(GammaTag::GS, 50, 3_000);
        self.scale = Some((kg, false));
        self.run(1_000);
        self.end();
        self.scale(kg, true, 4_000);
        self.scale(kg / 4, false, 1_000);
        self.scale(0, true, 3_000);
    }

    fn done(&self) -> Vec<&Inspection> {
        let done = self.steps.iter().filter_map(|step| match step {
            Step::Done(inspection) => Some(inspection.as_ref()),
            _ => None,
        });
        done.collect()
    }

    fn events(&self) -> Vec<String> {
        let events = self.steps.iter().filter_map(|step| match step {
            Step::Event(event) => Some(event.name.clone()),
            _ => None,
        });
        events.collect()
    }

    /// `plates | completion | mass | alarms | faults` of every passage.
    fn rows(&self) -> Vec<String> {
        self.done().into_iter().map(row).collect()
    }
}

fn value(inspection: &Inspection, parameter: &str) -> String {
    match inspection.measured.iter().find(|it| it.parameter == parameter).map(|it| it.outcome) {
        Some(Ok(it)) if it.quality == Quality::Good => it.value.to_string(),
        Some(Ok(it)) => format!("~{}", it.value),
        Some(Err(missing)) => missing.to_string(),
        None => "-".to_owned(),
    }
}

fn background(inspection: &Inspection, parameter: &str) -> Option<String> {
    inspection.measured.iter().find(|it| it.parameter == parameter)?.background.map(|it| it.to_string())
}

fn row(inspection: &Inspection) -> String {
    let list = |words: Vec<String>| if words.is_empty() { "-".to_owned() } else { words.join(",") };
    let plates = inspection.subject.identities.iter().map(|it| match it.source.as_str() {
        "read" => it.text.clone(),
        source => format!("{} {source}", it.text),
    });
    let alarms = inspection.alarms.iter().map(|it| match (it.by_device, it.recomputed) {
        (true, true) => format!("{}:both", it.kind),
        (true, false) => format!("{}:device", it.kind),
        _ => format!("{}:own", it.kind),
    });
    format!(
        "{} | {} | {} | {} | {}",
        list(plates.collect()),
        match inspection.completion {
            Completion::Complete => "complete",
            Completion::Incomplete(reason) => reason.word(),
        },
        value(inspection, "gross-mass"),
        list(alarms.collect()),
        list(inspection.faults.iter().map(|it| it.kind.clone()).collect()),
    )
}

#[track_caller]
fn check(play: impl FnOnce(&mut Tape), expected: &[&str]) -> Tape {
    let mut tape = Tape::vacant();
    play(&mut tape);
    assert_eq!(tape.rows(), expected);
    tape
}

#[test]
fn a_lorry_is_weighed_scanned_and_named_once() {
    let tape = check(|tape| tape.lorry("A", 30_000), &["A | complete | 30000 | - | -"]);
    let inspection = tape.done()[0];
    assert_eq!(inspection.id, "lane-7-3-1");
    assert_eq!(value(inspection, "gamma-counts"), "1000");
    assert_eq!(value(inspection, "gamma-sigma"), "0.000");
    assert!(inspection.readings.iter().any(|it| it.channel == "GB"), "the background line is evidence");
    assert!(inspection.readings.iter().all(|it| !it.raw.is_empty()));
    assert!(tape.gate.running().is_none());
}

#[test]
fn the_mass_is_the_greatest_settled_one() {
    let play = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 4_000);
        tape.end();
        tape.plate("A");
        // A driver who stops half way settles at half the mass; a swing shows more than there is.
        tape.scale(15_000, true, 2_000);
        tape.scale(31_000, false, 1_000);
        tape.scale(30_000, true, 2_000);
        tape.scale(29_980, true, 2_000);
        tape.scale(8_000, true, 2_000);
        tape.scale(0, true, 2_000);
    };
    check(play, &["A | complete | 30000 | - | -"]);
}

#[test]
fn a_platform_that_swings_makes_no_second_lorry() {
    // After the last axle the platform swings across the threshold, 200 ms on either side.
    let swing = |tape: &mut Tape| {
        for kg in [3_000, -2_500, 2_000, -1_500, 900, -700] {
            tape.scale(kg, false, 200);
        }
        tape.scale(0, true, 3_000);
    };
    check(
        |tape| {
            tape.lorry("A", 30_000);
            swing(tape);
        },
        &["A | complete | 30000 | - | -"],
    );
    // Not even while the plate is still waited for.
    check(
        |tape| {
            tape.gamma(GammaTag::GS, 50, 4_000);
            tape.end();
            tape.scale(30_000, true, 4_000);
            swing(tape);
            tape.plate("A");
            tape.run(3_000);
        },
        &["A | complete | 30000 | - | -"],
    );
}

#[test]
fn a_lorry_that_leaves_unsettled_is_void() {
    let play = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 4_000);
        tape.end();
        tape.plate("A");
        tape.scale(30_000, false, 3_000);
        tape.scale(0, true, 4_000);
    };
    check(play, &["A | drove-off | ~30000 | - | scale-unstable"]);
    // One that rolls back within the time is still the same.
    let back = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 4_000);
        tape.end();
        tape.plate("A");
        tape.scale(30_000, false, 3_000);
        tape.scale(0, true, 1_500);
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    check(back, &["A | complete | 30000 | - | -"]);
}

#[test]
fn a_lorry_that_stays_is_given_up_and_not_taken_twice() {
    let stays = |settled: bool| {
        move |tape: &mut Tape| {
            tape.gamma(GammaTag::GS, 50, 4_000);
            tape.end();
            tape.plate("A");
            tape.scale(30_000, settled, 70_000);
            tape.scale(0, true, 3_000);
            tape.lorry("B", 20_000);
        }
    };
    check(stays(true), &["A | timed-out | 30000 | - | -", "B | complete | 20000 | - | -"]);
    check(stays(false), &["A | timed-out | ~30000 | - | scale-unstable", "B | complete | 20000 | - | -"]);
}

#[test]
fn who_comes_behind_a_lorry_that_was_given_up_is_examined() {
    let play = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 4_000);
        tape.end();
        tape.plate("A");
        tape.scale(30_000, true, 62_000);
        // The next one passes the portal while the first is still on the scale; its mass is not the first one's.
        tape.gamma(GammaTag::GS, 50, 3_000);
        tape.plate("B");
        tape.end();
        tape.run(1_000);
        tape.scale(0, true, 1_500);
        tape.scale(12_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    check(play, &["A | timed-out | 30000 | - | -", "B | complete | 12000 | - | -"]);
}

#[test]
fn the_next_lorry_ends_the_passage_before_it() {
    // The plate is missing and still waited for when the next lorry comes.
    let plateless = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 4_000);
        tape.end();
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 1_000);
        tape.lorry("B", 20_000);
    };
    check(plateless, &["- | complete | 30000 | - | -", "B | complete | 20000 | - | -"]);
    // Bumper to bumper: the scale is never empty, but the portal parts them once the first drives off.
    let close = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 4_000);
        tape.plate("A");
        tape.end();
        tape.scale(30_000, true, 3_000);
        tape.scale(12_000, false, 600);
        tape.gamma(GammaTag::GS, 50, 3_000);
        tape.plate("B");
        tape.end();
        tape.scale(20_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    check(close, &["A | complete | 30000 | - | -", "B | complete | 20000 | - | -"]);
    // Without a portal the scale alone parts them.
    let mut tape = Tape::of(&site::LorryGate { portal: None, plate: None, ..settings() });
    tape.run(6_000);
    for kg in [30_000, 20_000] {
        tape.scale(kg, true, 3_000);
        tape.scale(0, true, 1_000);
    }
    assert_eq!(tape.rows(), ["- | complete | 30000 | - | -", "- | complete | 20000 | - | -"]);
}

#[test]
fn a_silent_scale_costs_the_mass_and_no_lorry() {
    let play = |tape: &mut Tape| {
        tape.scale = None;
        for plate in ["A", "B"] {
            tape.gamma(GammaTag::GS, 50, 1_000);
            tape.plate(plate);
            tape.send("scale-1", b"", Content::Missing(Missing::TimedOut));
            tape.gamma(GammaTag::GS, 50, 3_000);
            tape.end();
            tape.run(20_000);
        }
        tape.run(50_000);
    };
    check(play, &["A | overlap | timed-out | - | -", "B | timed-out | timed-out | - | -"]);
}

#[test]
fn portal_faults_void_the_passage() {
    let weighed = |tape: &mut Tape| {
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 6_000);
    };
    // The line breaks while the lorry is inside, and comes back.
    let broken = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 2_000);
        tape.plate("A");
        tape.link("portal-1", LinkState::Down);
        tape.occupied = None;
        tape.scale(30_000, false, 500);
        tape.link("portal-1", LinkState::Up);
        weighed(tape);
    };
    check(broken, &["A | complete | 30000 | - | line-down"]);
    // It was down all the time.
    let down = |tape: &mut Tape| {
        tape.link("portal-1", LinkState::Down);
        // No line comes, not even one of background.
        tape.silent = true;
        tape.plate("A");
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    check(down, &["A | complete | 30000 | - | line-down"]);
    // It says nothing about this lorry although it is up.
    let blind = |tape: &mut Tape| {
        tape.plate("A");
        weighed(tape);
    };
    check(blind, &["A | timed-out | 30000 | - | incomplete-window"]);
    // Too fast, too short, end line lost, cabinet open.
    let speed = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 2_000);
        let decimal = |text: &str| text.parse().unwrap();
        // 12 km/h is 7.456 mph and 0.0914 s for a foot.
        tape.line(&Line::Speed { foot_time: decimal("0.0914"), mph: decimal("7.456"), kmh: decimal("12.00") });
        tape.plate("A");
        tape.end();
        weighed(tape);
    };
    check(speed, &["A | complete | 30000 | - | over-speed"]);
    let short = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 600);
        tape.plate("A");
        tape.end();
        weighed(tape);
    };
    check(short, &["A | complete | 30000 | - | incomplete-window"]);
    let endless = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 4_000);
        tape.plate("A");
        tape.occupied = None;
        weighed(tape);
    };
    check(endless, &["A | complete | 30000 | - | missing-end"]);
    let open = |tape: &mut Tape| {
        tape.line(&Line::Tamper(true));
        tape.gamma(GammaTag::GS, 50, 4_000);
        tape.plate("A");
        tape.end();
        tape.line(&Line::Tamper(false));
        weighed(tape);
    };
    let tape = check(open, &["A | complete | 30000 | - | tamper"]);
    assert_eq!(tape.events(), ["portal-fault-raised", "portal-fault-cleared"]);
    // A passage the portal counted and nobody saw.
    let lost = |tape: &mut Tape| {
        tape.lorry("A", 30_000);
        tape.passages += 2;
        tape.lorry("B", 20_000);
    };
    let tape = check(lost, &["A | complete | 30000 | - | -", "B | complete | 20000 | - | lost-occupancy"]);
    assert_eq!(tape.events(), ["portal-occupancy-lost"]);
}

#[test]
fn alarms_of_the_device_and_our_own_stand_side_by_side() {
    let with = |tag: GammaTag, count: u32| {
        move |tape: &mut Tape| {
            tape.gamma(GammaTag::GS, 50, 2_000);
            tape.gamma(tag, count, 2_000);
            tape.plate("A");
            tape.end();
            tape.scale(30_000, true, 3_000);
            tape.scale(0, true, 3_000);
        }
    };
    // 1000 + 7·√1000 is 1221.4: windows of 1000, 1220 and 1240 counts.
    check(with(GammaTag::GS, 50), &["A | complete | 30000 | - | -"]);
    check(with(GammaTag::GS, 61), &["A | complete | 30000 | - | -"]);
    check(with(GammaTag::GS, 62), &["A | complete | 30000 | gamma:own | -"]);
    check(with(GammaTag::GA, 50), &["A | complete | 30000 | gamma:device | -"]);
    check(with(GammaTag::GA, 62), &["A | complete | 30000 | gamma:both | -"]);
    let neutrons = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 2_000);
        tape.line(&Line::Neutron { tag: NeutronTag::NA, counts: [20; 4] });
        tape.gamma(GammaTag::GS, 50, 2_000);
        tape.plate("A");
        tape.end();
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    check(neutrons, &["A | complete | 30000 | neutron:device | -"]);
}

#[test]
fn an_alarm_survives_whatever_ends_the_passage() {
    // The lorry stands in the portal beyond the time limit: the occupancy never ends, the alarm counts.
    let stuck = |tape: &mut Tape| {
        tape.gamma(GammaTag::GA, 90, 1_000);
        tape.plate("A");
        tape.gamma(GammaTag::GS, 50, 64_000);
        tape.end();
        tape.run(3_000);
    };
    check(stuck, &["A | timed-out | timed-out | gamma:device | -"]);
    // It alarms only after it was given up: that is an examination of its own.
    let later = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 64_000);
        tape.gamma(GammaTag::GA, 90, 2_000);
        tape.end();
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 8_000);
    };
    check(later, &["- | timed-out | timed-out | - | -", "- | complete | 30000 | gamma:both | -"]);
    // A beam that flickers makes many occupancies; the alarm of the last one is not lost among them.
    let flicker = |tape: &mut Tape| {
        for _ in 0..9 {
            tape.gamma(GammaTag::GS, 50, 1_200);
            tape.end();
            tape.run(200);
        }
        tape.gamma(GammaTag::GA, 90, 1_200);
        tape.plate("A");
        tape.end();
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    let tape = check(flicker, &["A | complete | 30000 | gamma:both | -"]);
    assert_eq!(value(tape.done()[0], "gamma-counts"), "1800");
    // Nor that of the first among those that follow: the strongest window stands for the passage.
    let fading = |tape: &mut Tape| {
        for count in [90, 60, 50] {
            tape.gamma(GammaTag::GS, count, 1_200);
            tape.end();
        }
        tape.plate("A");
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    let tape = check(fading, &["A | complete | 30000 | gamma:own | -"]);
    assert_eq!(value(tape.done()[0], "gamma-counts"), "1800");
    // The power goes in the second after the alarm: what was remembered says so.
    let mut tape = Tape::vacant();
    tape.gamma(GammaTag::GA, 90, 200);
    let remembered = tape.steps.iter().rev().find_map(|step| match step {
        Step::Remember(inspection) => Some(row(inspection)),
        _ => None,
    });
    assert_eq!(remembered.unwrap(), "- | interrupted | timed-out | gamma:device | -");
}

#[test]
fn the_dose_background_is_the_exact_mean_of_the_vacant_lane() {
    let mut tape = Tape::new();
    for dose in ["0.100", "0.101", "0.103"] {
        tape.dose = Some(dose);
        tape.run(2_000);
    }
    // While occupied the monitor shows the vehicle; none of it enters the background, now or later.
    tape.dose = Some("0.900");
    tape.lorry("A", 30_000);
    tape.dose = None;
    tape.lorry("B", 20_000);
    let done = tape.done();
    assert_eq!(
        (value(done[0], "dose-rate"), background(done[0], "dose-rate")),
        ("0.900".into(), Some("0.10133".into()))
    );
    // The lane was vacant again before the second lorry: what it showed then counts.
    let second = done[1];
    assert_eq!(value(second, "dose-rate"), "timed-out");
    let vacant = &second.measured.iter().find(|it| it.parameter == "dose-rate").unwrap().derivation;
    let count: i64 = vacant.split(' ').nth(4).unwrap().parse().unwrap();
    // Six readings that add up to 0.608, and some of 0.900.
    let mean = (608 + (count - 6) * 900) * 100 / count;
    let shown = background(second, "dose-rate").unwrap().parse::<Decimal>().unwrap();
    assert!((shown.at_places(5).unwrap().digits() - mean).abs() <= 1, "{shown} of {vacant}");
}

#[test]
fn too_few_vacant_readings_are_no_background() {
    let mut tape = Tape::new();
    tape.run(4_000);
    tape.lorry("A", 30_000);
    assert_eq!(background(tape.done()[0], "dose-rate"), None);
}

#[test]
fn an_identity_belongs_to_the_passage_within_its_window() {
    let early = |ms: u64| {
        move |tape: &mut Tape| {
            tape.plate("A");
            tape.run(ms);
            tape.gamma(GammaTag::GS, 50, 4_000);
            tape.end();
            tape.scale(30_000, true, 3_000);
            tape.scale(0, true, 8_000);
        }
    };
    check(early(3_000), &["A | complete | 30000 | - | -"]);
    check(early(5_000), &["- | complete | 30000 | - | -"]);
    let late = |ms: u64| {
        move |tape: &mut Tape| {
            tape.gamma(GammaTag::GS, 50, 4_000);
            tape.end();
            tape.scale(30_000, true, 3_000);
            tape.scale(0, true, ms);
            tape.plate("A");
            tape.run(8_000);
        }
    };
    check(late(3_000), &["A | complete | 30000 | - | -"]);
    check(late(6_000), &["- | complete | 30000 | - | -"]);
}

#[test]
fn two_plates_are_both_kept_and_neither_is_believed() {
    let play = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 2_000);
        tape.plate("A");
        tape.plate("A");
        tape.plate("B");
        tape.gamma(GammaTag::GS, 50, 2_000);
        tape.end();
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    check(play, &["A ambiguous,B ambiguous | complete | 30000 | - | -"]);
}

#[test]
fn a_stop_records_what_is_open() {
    let mut tape = Tape::vacant();
    tape.gamma(GammaTag::GS, 50, 2_000);
    tape.scale(30_000, true, 1_000);
    let now = tape.now();
    let steps = tape.gate.interrupt(now);
    tape.steps.extend(steps);
    assert_eq!(tape.rows(), ["- | interrupted | 30000 | - | -"]);
    assert!(tape.gate.interrupt(now).is_empty());
}

/// The facts of every `second-vehicle` event: whose passages, by number.
fn seconds(tape: &Tape) -> Vec<String> {
    let events = tape.steps.iter().filter_map(|step| match step {
        Step::Event(event) if event.name == "second-vehicle" => Some(event),
        _ => None,
    });
    let tell = |event: &Event| {
        let facts: Vec<String> = event.facts.iter().map(|(name, fact)| format!("{name} {fact}")).collect();
        facts.join(", ")
    };
    events.map(tell).collect()
}

#[test]
fn a_second_lorry_is_refused_aloud_and_mixed_with_nobody() {
    let counts = |tape: &Tape| [0, 1].map(|passage| value(tape.done()[passage], "gamma-counts"));
    let both = "first lane-7-3-1, second lane-7-3-2, first-subject A";
    // The first stands between portal and scale as the second enters: whose the next mass is, nobody can say.
    let between = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 3_000);
        tape.plate("A");
        tape.end();
        tape.run(6_000);
        tape.gamma(GammaTag::GS, 60, 3_000);
        tape.plate("B");
        tape.end();
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    let tape = check(between, &["A | overlap | timed-out | - | -", "B | overlap | not-present | - | -"]);
    assert_eq!(seconds(&tape), [both]);
    assert_eq!(counts(&tape), ["1000", "1200"], "to each its own");
    assert_eq!(
        ["gamma-counts"; 2].map(|it| value(tape.done()[0], it)),
        ["1000"; 2],
        "the second's counts are not in it"
    );
    assert_eq!(value(tape.done()[1], "gamma-counts"), "1200");
    // The first is on the scale, settled or not: what the scale shows until it is empty is not the second's.
    for (settled, mass) in [(true, "30000"), (false, "~30000")] {
        let on_scale = |tape: &mut Tape| {
            tape.gamma(GammaTag::GS, 50, 3_000);
            tape.plate("A");
            tape.end();
            tape.scale(30_000, settled, 6_000);
            tape.gamma(GammaTag::GS, 60, 3_000);
            tape.plate("B");
            tape.end();
            tape.scale(30_000, true, 2_000);
            tape.scale(0, true, 1_000);
            tape.scale(20_000, true, 3_000);
            tape.scale(0, true, 3_000);
        };
        let tape = check(on_scale, &[&format!("A | overlap | {mass} | - | -"), "B | complete | 20000 | - | -"]);
        assert_eq!(seconds(&tape), [both]);
        assert_eq!(counts(&tape), ["1000", "1200"]);
    }
    // The scale stands before the portal, and the second drives onto it before the portal has seen the first: the
    // occupancy that follows may be either one's. Its alarm stands, its counts do not.
    for (tag, count, alarms) in [(GammaTag::GS, 50, "-"), (GammaTag::GA, 90, "gamma:both")] {
        let scale_first = |tape: &mut Tape| {
            tape.plate("A");
            tape.scale(30_000, true, 3_000);
            tape.scale(0, true, 1_000);
            tape.scale(20_000, true, 2_000);
            tape.gamma(tag, count, 3_000);
            tape.end();
            tape.scale(0, true, 8_000);
        };
        let second = format!("- | overlap | 20000 | {alarms} | -");
        let tape = check(scale_first, &["A | overlap | 30000 | - | -", &second]);
        assert_eq!(seconds(&tape), [both]);
        assert_eq!(value(tape.done()[1], "gamma-counts"), "not-present");
    }
}

#[test]
fn what_parts_the_beam_for_a_moment_is_one_lorry() {
    let trailer = |gap: u64| {
        move |tape: &mut Tape| {
            tape.gamma(GammaTag::GS, 50, 2_000);
            tape.plate("A");
            tape.end();
            tape.run(gap);
            tape.gamma(GammaTag::GS, 50, 2_000);
            tape.end();
            tape.scale(30_000, true, 3_000);
            tape.scale(0, true, 3_000);
        }
    };
    let tape = check(trailer(4_500), &["A | complete | 30000 | - | -"]);
    assert_eq!(seconds(&tape), Vec::<String>::new());
    // The line was away, and who is in the portal when it comes back may have been there all the time.
    let away = |tape: &mut Tape| {
        tape.gamma(GammaTag::GS, 50, 2_000);
        tape.plate("A");
        tape.link("portal-1", LinkState::Down);
        tape.occupied = None;
        tape.silent = true;
        tape.run(7_000);
        tape.silent = false;
        tape.link("portal-1", LinkState::Up);
        tape.gamma(GammaTag::GS, 50, 2_000);
        tape.end();
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 3_000);
    };
    let tape = check(away, &["A | complete | 30000 | - | line-down,no-background"]);
    assert_eq!(seconds(&tape), Vec::<String>::new());
}

#[test]
fn plate_and_container_join_one_passage() {
    let gate = site::LorryGate { container: Some("ocr-1".to_owned()), ..settings() };
    let read = |tape: &mut Tape, text: &str| {
        let mark = Mark { kind: "plate", text: text.to_owned(), confidence: None };
        tape.send("ocr-1", text.as_bytes(), Content::Identity(mark));
    };
    let passage = |numbers: &[&str]| {
        let mut tape = Tape::of(&gate);
        tape.run(6_000);
        let (before, within) = numbers.split_at(numbers.len() / 2);
        for number in before {
            read(&mut tape, number);
        }
        tape.gamma(GammaTag::GS, 50, 2_000);
        tape.plate("A");
        for number in within {
            read(&mut tape, number);
        }
        tape.gamma(GammaTag::GS, 50, 2_000);
        tape.end();
        tape.scale(30_000, true, 3_000);
        tape.scale(0, true, 3_000);
        tape
    };
    for (numbers, expected) in [
        (["CSQU3054383"].as_slice(), "A,CSQU3054383 | complete | 30000 | - | -"),
        (&["csqu 305438 3", "CSQU 305438 3"], "csqu 305438 3 ambiguous,A,CSQU3054383 | complete | 30000 | - | -"),
        // Two containers of half the length, and one that is read twice, the second time well.
        (&["CSQU3054383", "MSKU0000006"], "CSQU3054383,A,MSKU0000006 | complete | 30000 | - | -"),
        (&["C5QU3O54383"], "A,CSQU3054383 corrected | complete | 30000 | - | -"),
        (&["C5QU3O54383", "CSQU3054383"], "CSQU3054383,A | complete | 30000 | - | -"),
        // A check digit that fails, with nothing confused: kept, and not believed.
        (&["CSQU3054384"], "A,CSQU3054384 ambiguous | complete | 30000 | - | -"),
    ] {
        let tape = passage(numbers);
        assert_eq!(tape.rows(), [expected], "{numbers:?}");
    }
    // Without one the passage waits for the window, and no longer.
    let mut tape = passage(&[]);
    assert_eq!(tape.rows(), Vec::<String>::new());
    tape.run(2_000);
    assert_eq!(tape.rows(), ["A | complete | 30000 | - | -"]);
}

/// The longest names there may be, and an alarm that lasts for a minute: every line is decisive.
#[test]
fn the_longest_passage_fits_into_a_record() {
    let long = |word: &str| format!("{word}{}", "x".repeat(32 - word.len()));
    let gate = site::LorryGate { time_limit: Duration::from_secs(120), ..settings() };
    let mut tape = Tape::of(&gate);
    tape.run(6_000);
    for number in 0..20 {
        tape.plate(&long(&format!("plate-{number}")));
    }
    tape.gamma(GammaTag::GS, 50, 10_000);
    tape.gamma(GammaTag::GA, 999_999, 60_000);
    tape.gamma(GammaTag::GS, 50, 10_000);
    tape.end();
    tape.scale(30_000, true, 3_000);
    tape.scale(0, true, 6_000);
    let mut inspection = tape.done()[0].clone();
    assert_eq!(inspection.readings.len(), KEPT);
    assert!(inspection.measured.iter().any(|it| it.parameter == "readings-left-out"));
    assert!(inspection.readings.is_sorted_by_key(|it| it.at.mono_ms));
    for reading in &mut inspection.readings {
        reading.instrument = long(&reading.instrument);
        reading.at.wall_ms = 1_780_272_000_000;
    }
    let size = sealed_bytes(&inspection);
    assert!(size <= tidewaiter_record::MAX_RECORD_BYTES, "{size} bytes");
    eprintln!("the longest passage makes a record of {size} bytes");
}

/// The lines that the result was taken from are kept before any other, wherever in the passage they stood.
#[test]
fn the_window_that_decided_is_among_the_evidence() {
    let mut tape = Tape::vacant();
    tape.gamma(GammaTag::GA, 70, 40_000);
    tape.gamma(GammaTag::GA, 200, 1_000);
    tape.gamma(GammaTag::GA, 70, 2_000);
    tape.end();
    tape.plate("A");
    tape.scale(30_000, true, 3_000);
    tape.scale(0, true, 3_000);
    let inspection = tape.done()[0];
    assert_eq!(value(inspection, "gamma-counts"), "4000");
    let strong = inspection.readings.iter().filter(|it| it.channel == "GA");
    let strong = strong.filter(|it| it.outcome.unwrap().value.cmp_value(Decimal::whole(800)).is_eq()).count();
    assert_eq!((inspection.readings.len(), strong), (KEPT, 5));
}

fn sealed_bytes(inspection: &Inspection) -> usize {
    use tidewaiter_record::{
        Body, ChainHead, ChainId, Claims, Context, Ed25519Signer, Hash, TimeBlock, TimeQuality, TimeSource, seal,
    };
    let tables = tidewaiter_config::limits::builtin();
    let judge =
        [("gross-mass-cn-2016", "gross-mass"), ("portal-sigma", "gamma-counts"), ("scrap-radiation", "dose-rate")].map(
            |(table, parameter)| site::Judge {
                table: table.to_owned(),
                parameters: vec![parameter.to_owned()],
                advisory: false,
            },
        );
    let screening = tidewaiter_screening::screen(inspection, &tables, &judge, jiff::civil::date(2026, 6, 1), None);
    let context = Context { software: crate::app::SOFTWARE.to_owned(), config: [7; 32] };
    let standing = crate::seal::Standing { context, plan: None, origin: None };
    let draft = crate::seal::inspection(inspection, &screening, &judge, Vec::new(), &standing);
    let time = TimeBlock {
        wall_ms: 1_780_272_000_000,
        mono_ms: u64::from(u32::MAX),
        boot: 9,
        quality: TimeQuality::I,
        err_ms: 0,
        src: TimeSource::None,
        age_s: 0,
    };
    let head = ChainHead { chain: ChainId([1; 16]), next_seq: 1 << 40, prev: Hash([2; 32]) };
    let claims = Claims { agent: "gate-07".to_owned(), subject: draft.place.clone() };
    let signer = Ed25519Signer::from_seed(&[3; 32]);
    seal(&head, &claims, None, &Body { time, detail: draft.detail }, &signer).unwrap().bytes.len()
}
