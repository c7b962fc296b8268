#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
extern crate std;
use std::vec::Vec;

use super::*;
use crate::{
    portal::rpm::{Decoder, encode},
    wire::{Decode, Event},
};

const BACKGROUND: &str = "GB,000231,000238,000225,000240";
const QUIET: &str = "GS,000046,000047,000045,000048";
const END: &str = "GX,000001,001000,000000,000000";

fn settings() -> Settings {
    Settings::new(Decimal::whole(7), 5, Decimal::whole(8))
}

fn line(text: &str) -> Line {
    let mut decoder = Decoder::new();
    let event = text.bytes().chain(*b"\r\n").find_map(|byte| decoder.push(byte));
    let Some(Event::Frame(line)) = event else { panic!("{text}: {event:?}") };
    line
}

/// A portal fed with lines of text 200 ms apart.
struct Fed {
    portal: Recompute,
    now: u64,
}

impl Fed {
    fn new() -> Self {
        Self { portal: Recompute::new(settings()), now: 0 }
    }

    fn feed(&mut self, lines: &[&str]) -> Vec<Happening> {
        lines
            .iter()
            .flat_map(|text| {
                self.now += 200;
                self.portal.push(self.now, &line(text))
            })
            .collect()
    }

    /// Feeds lines that must close exactly one passage.
    fn passage(&mut self, lines: &[&str]) -> Occupancy {
        let mut closed: Vec<_> = self
            .feed(lines)
            .into_iter()
            .filter_map(|it| if let Happening::Closed(occupancy) = it { Some(occupancy) } else { None })
            .collect();
        assert_eq!(closed.len(), 1, "{closed:?}");
        closed.remove(0)
    }
}

fn faults(occupancy: &Occupancy) -> Vec<&'static str> {
    occupancy.faults.iter().map(Fault::word).collect()
}

#[test]
fn a_quiet_passage_is_clean_and_needs_no_neutron_line() {
    let mut fed = Fed::new();
    let occupancy = fed.passage(&[BACKGROUND, QUIET, QUIET, QUIET, QUIET, QUIET, QUIET, END]);
    assert_eq!(faults(&occupancy), [""; 0]);
    assert_eq!((occupancy.windows, occupancy.own_gamma_alarm, occupancy.alarmed()), (2, Some(false), false));
    assert_eq!((occupancy.neutron_counts, occupancy.neutron_lines), (None, 0));
    assert_eq!(occupancy.counter, Some(1));
    // 930 of 934.
    assert_eq!(occupancy.least_per_mille, Some(995));
}

#[test]
fn it_opens_once_and_forgets_the_window_at_the_end() {
    let mut fed = Fed::new();
    assert_eq!(fed.feed(&[BACKGROUND, QUIET, QUIET]), [Happening::Opened]);
    assert!(fed.portal.is_occupied());
    fed.feed(&[QUIET, QUIET, END]);
    // Four lines before and one after would have made a window.
    let occupancy = fed.passage(&[QUIET, "GX,000002,001000,000000,000000"]);
    assert_eq!(occupancy.windows, 0);
    assert_eq!(faults(&occupancy), ["incomplete-window"]);
    assert_eq!(occupancy.own_gamma_alarm, None);
}

#[test]
fn what_voids_a_passage() {
    let check = |lines: &[&str], expected: &[&str]| {
        let occupancy = Fed::new().passage(lines);
        assert_eq!(faults(&occupancy), expected, "{lines:?}");
    };
    let g = QUIET;
    check(&[g, g, g, g, g, END], &["no-background"]);
    check(&["GH,000931,000238,000225,000240", g, g, g, g, g, END], &["background-high", "no-background"]);
    check(&[BACKGROUND, "GL,000001,000238,000225,000240", g, g, g, g, g, END], &["background-low"]);
    check(&[BACKGROUND, "NH,000009,000000,000002,000001", g, g, g, g, g, END], &["neutron-high"]);
    check(&["TT,000000,000000,000000,000000", BACKGROUND, g, g, g, g, g, END], &["tamper"]);
    check(&[BACKGROUND, g, g, "TT,000000,000000,000000,000000", g, g, g, END], &["tamper"]);
    check(&[BACKGROUND, g, g, g, g, END], &["incomplete-window"]);
    check(&[BACKGROUND, END], &["incomplete-window"]);
    check(&[BACKGROUND, g, g, g, g, g, BACKGROUND], &["missing-end"]);
    check(&[BACKGROUND, g, g, g, g, g, "NB,000001,000000,000002,000001"], &["missing-end"]);
    check(&[BACKGROUND, g, "SP,0.0852,08.003,012.88,000000", g, g, g, g, END], &["over-speed"]);
    check(&[BACKGROUND, g, "SP,0.2249,03.032,006.88,000000", g, g, g, g, END], &["speed-inconsistent"]);
}

#[test]
fn faults_end_when_the_portal_says_so() {
    let mut fed = Fed::new();
    let tampered = "TT,000000,000000,000000,000000";
    let closed = "TC,111111,111111,111111,111111";
    let happened = fed.feed(&[tampered, tampered, closed, closed]);
    assert_eq!(happened, [Happening::FaultRaised(Fault::Tamper), Happening::FaultCleared(Fault::Tamper)]);
    // High turns into low with one line: one fault ends, the other begins.
    let happened = fed.feed(&["GH,000931,000238,000225,000240", "GL,000001,000238,000225,000240", BACKGROUND]);
    assert_eq!(
        happened,
        [
            Happening::FaultRaised(Fault::BackgroundHigh),
            Happening::FaultCleared(Fault::BackgroundHigh),
            Happening::FaultRaised(Fault::BackgroundLow),
            Happening::FaultCleared(Fault::BackgroundLow),
        ]
    );
    assert!(fed.portal.standing_faults().is_empty());
}

#[test]
fn a_line_that_closes_and_raises_tells_both() {
    let mut fed = Fed::new();
    fed.feed(&[BACKGROUND, QUIET]);
    let happened = fed.feed(&["GH,000931,000238,000225,000240"]);
    assert!(
        matches!(happened[..], [Happening::Closed(_), Happening::FaultRaised(Fault::BackgroundHigh)]),
        "{happened:?}"
    );
}

#[test]
fn a_jump_of_the_counter_is_a_lost_passage_and_a_fall_is_a_new_day() {
    let mut fed = Fed::new();
    let mut numbered = |counter: u32| {
        let end = encode(&Line::End { counter, neutron_background: Decimal::ZERO });
        let occupancy = fed.passage(&[BACKGROUND, QUIET, QUIET, QUIET, QUIET, QUIET, end.trim_end()]);
        (occupancy.lost_before, occupancy.faults.contains(Fault::LostOccupancy))
    };
    assert_eq!(numbered(41), (0, false));
    assert_eq!(numbered(42), (0, false));
    assert_eq!(numbered(44), (1, true));
    assert_eq!(numbered(1), (0, false));
    assert_eq!(numbered(2), (0, false));
}

#[test]
fn a_passage_closed_without_its_counter_is_not_lost() {
    let mut fed = Fed::new();
    fed.feed(&[BACKGROUND, QUIET, END]);
    assert_eq!(faults(&fed.passage(&[QUIET, BACKGROUND])), ["incomplete-window", "missing-end"]);
    let occupancy = fed.passage(&[QUIET, "GX,000003,001000,000000,000000"]);
    assert_eq!(occupancy.lost_before, 0);
}

#[test]
fn silence_closes_and_a_late_end_is_not_another_passage() {
    let mut fed = Fed::new();
    fed.feed(&[BACKGROUND, QUIET, QUIET]);
    assert_eq!(fed.portal.tick(fed.now + OCCUPIED_SILENCE_MS - 1), None);
    fed.now += OCCUPIED_SILENCE_MS;
    let happened = fed.feed(&[END]);
    let [Happening::Closed(occupancy)] = &happened[..] else { panic!("{happened:?}") };
    assert_eq!(faults(occupancy), ["incomplete-window", "missing-end"]);
    assert_eq!(fed.portal.tick(fed.now + 60_000), None);
    let next = fed.passage(&[BACKGROUND, QUIET, QUIET, QUIET, QUIET, QUIET, "GX,000002,001000,000000,000000"]);
    assert_eq!((next.lost_before, faults(&next).len()), (0, 0));
}

#[test]
fn an_interruption_voids_the_passage_and_the_background() {
    let mut fed = Fed::new();
    fed.feed(&[BACKGROUND, QUIET, QUIET, QUIET, QUIET, QUIET]);
    let Some(Happening::Closed(occupancy)) = fed.portal.interrupted() else { panic!("closed") };
    assert_eq!(faults(&occupancy), ["line-down"]);
    assert_eq!(fed.portal.interrupted(), None);
    let occupancy = fed.passage(&[QUIET, QUIET, QUIET, QUIET, QUIET, END]);
    assert_eq!(faults(&occupancy), ["no-background"]);
    assert_eq!((occupancy.strongest.unwrap().counts, occupancy.own_gamma_alarm), (930, None));
}

#[test]
fn a_background_ages_while_vacant_and_not_while_occupied() {
    let mut fed = Fed::new();
    fed.feed(&[BACKGROUND]);
    fed.now += VACANT_SILENCE_MS;
    assert_eq!(faults(&fed.passage(&[QUIET, QUIET, QUIET, QUIET, QUIET, END])), ["no-background"]);

    let mut fed = Fed::new();
    let mut long: Vec<&str> = [BACKGROUND].into_iter().chain([QUIET; 100]).collect();
    long.push(END);
    assert!(fed.passage(&long).faults.is_empty());
    // Twenty seconds of passage, and the next vehicle close behind.
    let next = fed.passage(&[QUIET, QUIET, QUIET, QUIET, QUIET, "GX,000002,001000,000000,000000"]);
    assert_eq!(faults(&next), [""; 0]);
}

#[test]
fn the_background_stays_as_it_was_before_the_passage() {
    let mut fed = Fed::new();
    let occupancy =
        fed.passage(&["GB,000100,000100,000100,000100", BACKGROUND, QUIET, QUIET, QUIET, QUIET, QUIET, END]);
    assert_eq!(occupancy.gamma_background, Some([231, 238, 225, 240]));
}

#[test]
fn device_and_own_alarm_stand_side_by_side() {
    let device_only = "GA,000046,000047,000045,000048";
    let occupancy = Fed::new().passage(&[BACKGROUND, device_only, QUIET, QUIET, QUIET, QUIET, END]);
    assert_eq!((occupancy.device_gamma_alarm, occupancy.own_gamma_alarm), (true, Some(false)));
    assert!(occupancy.alarmed() && occupancy.gamma_disagrees());

    let own_only = "GS,000061,000063,000060,000063";
    let occupancy = Fed::new().passage(&[BACKGROUND, own_only, own_only, own_only, own_only, own_only, END]);
    assert_eq!((occupancy.device_gamma_alarm, occupancy.own_gamma_alarm), (false, Some(true)));
    assert!(occupancy.alarmed() && occupancy.gamma_disagrees());

    let neutron = "NA,000002,000003,000002,000001";
    let occupancy = Fed::new().passage(&[BACKGROUND, neutron, QUIET, QUIET, QUIET, QUIET, QUIET, END]);
    assert!(occupancy.device_neutron_alarm && occupancy.alarmed());
    assert_eq!((occupancy.neutron_counts, occupancy.neutron_most), (Some(8), Some(8)));
}

const SETUP: [&str; 3] =
    ["SG1,000500,000100,03,10,4,000000", "SG2,1234,0.455,4.850,1,SINGLE,C", "SG3,0.455,4.850,20,10,1.10.1"];

#[test]
fn the_portals_own_setup_is_used_once_it_is_whole() {
    let mut fed = Fed::new();
    assert_eq!(fed.feed(&SETUP[..2]), []);
    assert!(fed.portal.gamma_setup().is_none());
    assert_eq!(fed.feed(&SETUP[2..]), [Happening::SetupSeen(SetupKind::Gamma)]);
    let occupancy = fed.passage(&[BACKGROUND, QUIET, QUIET, QUIET, END]);
    assert_eq!((occupancy.intervals, occupancy.n_sigma, occupancy.windows), (3, Decimal::whole(4), 1));
    assert_eq!((occupancy.algorithm, occupancy.by_portal_setup), (Algorithm::Single, true));
    // Three fifths of 240 expected in the fourth field.
    let strongest = occupancy.strongest.unwrap();
    assert!(strongest.counts < 150 && strongest.background.unwrap().cmp_value(Decimal::whole(150)).is_lt());
}

#[test]
fn one_hot_detector_alarms_alone_and_drowns_in_the_sum() {
    let hot = "GS,000046,000047,000045,000075";
    let passage = [BACKGROUND, hot, hot, hot, hot, hot, END];
    let sum = Fed::new().passage(&passage);
    assert_eq!(sum.own_gamma_alarm, Some(false));
    let mut portal = Fed { portal: Recompute::new(Settings { algorithm: Algorithm::Single, ..settings() }), now: 0 };
    let single = portal.passage(&passage);
    assert_eq!(single.own_gamma_alarm, Some(true));
    let strongest = single.strongest.unwrap();
    assert_eq!((strongest.counts, strongest.background), (375, Some(Decimal::whole(240))));
    assert!(strongest.group.contains(3) && !strongest.group.contains(0));
}

#[test]
fn a_changed_setup_is_told_and_halves_of_two_are_not_mixed() {
    let mut fed = Fed::new();
    assert_eq!(fed.feed(&SETUP), [Happening::SetupSeen(SetupKind::Gamma)]);
    assert_eq!(fed.feed(&SETUP), []);
    let other = "SG1,000500,000100,03,10,8,000000";
    assert_eq!(fed.feed(&[other, SETUP[1], SETUP[2]]), [Happening::SetupChanged(SetupKind::Gamma)]);
    // The lines of a set-up that began anew, without its second line.
    assert_eq!(fed.feed(&[SETUP[0], SETUP[1], SETUP[0], SETUP[2]]), []);
    // The third line without the second, and the second without the first.
    assert_eq!(fed.feed(&[SETUP[0], SETUP[2], SETUP[1], SETUP[2]]), []);
    assert_eq!(fed.portal.gamma_setup().unwrap().alarm.n_sigma, Decimal::whole(8));

    let neutron = ["SN1,000020,40,0.001,3.1,4,60", "SN2,0.600,4.950,0.600,4.950"];
    assert_eq!(fed.feed(&neutron[1..]), []);
    assert_eq!(fed.feed(&neutron), [Happening::SetupSeen(SetupKind::Neutron)]);
    let changed = fed.feed(&[neutron[0], "SN2,0.700,4.950,0.600,4.950"]);
    assert_eq!(changed, [Happening::SetupChanged(SetupKind::Neutron)]);
}

#[test]
fn a_setup_that_comes_during_a_passage_waits_for_the_next() {
    let mut fed = Fed::new();
    let passage = [BACKGROUND, QUIET, SETUP[0], SETUP[1], SETUP[2], QUIET, QUIET, QUIET, QUIET, END];
    let occupancy = fed.passage(&passage);
    assert_eq!((occupancy.intervals, occupancy.by_portal_setup), (5, false));
}

#[test]
fn few_counts_are_judged_by_the_poisson_tail() {
    // One count per second in all four: 7 sigma would be 8 counts, the Poisson rule asks for 15.
    let background = "GB,000001,000000,000000,000000";
    let alarm = |counts: u32| {
        let hot = encode(&Line::Gamma { tag: GammaTag::GS, counts: [counts, 0, 0, 0] });
        let none = "GS,000000,000000,000000,000000";
        Fed::new().passage(&[background, hot.trim_end(), none, none, none, none, END]).own_gamma_alarm
    };
    assert_eq!((alarm(14), alarm(15)), (Some(false), Some(true)));
}
