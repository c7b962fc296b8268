#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::{path::Path, sync::Arc};

use tidewaiter_config::site::site_from_str;
use tidewaiter_drivers::{
    Decimal, Unit,
    portal::rpm::{self, GammaTag, Line, NeutronTag},
    reading::{Indication, Quality, Reading},
};
use tidewaiter_screening::{
    Inspection, Verdict,
    inspection::{Completion, IncompleteReason},
    screen,
};

use super::*;
use crate::{
    acquire::Content,
    inspect::{By, Engine, Operation},
};

const SITE: &str = r#"version = 1
[site]
id = "s"
agent = "a"
name = "n"
[store]
dir = "data"
[[ports]]
id = "p1"
[ports.tcp]
address = "127.0.0.1:1"
[[ports]]
id = "p2"
[ports.tcp]
address = "127.0.0.1:2"
[[ports]]
id = "p3"
[ports.modbus_tcp]
address = "127.0.0.1:3"
[[ports]]
id = "p4"
[ports.tcp]
address = "127.0.0.1:4"
[[instruments]]
id = "scale-1"
port = "p1"
[instruments.xk3190_tf0]
unit = "kg"
scale_interval = "20"
[instruments.register]
control = "calibration"
class = "III"
e = "20"
min = "400"
max = "80000"
unit = "kg"
[[instruments]]
id = "portal-1"
port = "p2"
[instruments.rpm_lines]
[[instruments]]
id = "gamma-1"
port = "p3"
[instruments.registers]
profile = "gamma-dose-rate-generic"
unit_id = 1
[[instruments]]
id = "ph-1"
port = "p4"
[instruments.ph_stream]
[[lanes]]
id = "lane-7"
[lanes.lorry_gate]
scale = "scale-1"
portal = "portal-1"
dose_rate = { instrument = "gamma-1", channel = "dose-rate" }
threshold = "500"
unit = "kg"
[[rigs]]
id = "bench-a"
time_limit = "10 min"
[rigs.textile_ph]
meter = "ph-1"
[[checks]]
id = "source"
instrument = "portal-1"
kind = "portal-source"
every = "24 h"
sigma = "10"
[[checks]]
id = "neutrons"
instrument = "portal-1"
kind = "portal-source"
every = "24 h"
radiation = "neutron"
[[checks]]
id = "zero"
instrument = "scale-1"
kind = "scale-zero"
every = "24 h"
steady = "2 s"
[[checks]]
id = "mass"
instrument = "scale-1"
kind = "scale-mass"
every = "30 d"
mass = "20000"
steady = "2 s"
time_limit = "2 min"
[[checks]]
id = "buffers"
instrument = "ph-1"
kind = "ph-buffers"
every = "24 h"
buffers = [{ ph = "4.01", tolerance = "0.05" }, { ph = "6.86", tolerance = "0.05" }]
steady = "2 s"
[[checks]]
id = "reference"
instrument = "gamma-1"
kind = "reference"
every = "7 d"
channel = "dose-rate"
value = "0.50"
tolerance = "0.10"
unit = "uGy/h"
readings = 4
"#;

/// Background counts per second of each detector.
const BACKGROUND: u32 = 250;

/// An engine with its clock, and all it has given.
struct Bench {
    site: Site,
    engine: Engine,
    ms: u64,
    steps: Vec<Step>,
    passages: u32,
}

impl Bench {
    fn new() -> Self {
        let (site, _) = site_from_str(SITE, Path::new(".")).unwrap_or_else(|report| panic!("{report}"));
        let engine = Engine::new(&site, 3, Moment { mono_ms: 0, wall_ms: 0 });
        let mut bench = Self { site, engine, ms: 0, steps: Vec::new(), passages: 0 };
        for _ in 0..3 {
            bench.background(BACKGROUND);
        }
        bench
    }

    fn now(&self) -> Moment {
        Moment { mono_ms: self.ms, wall_ms: 0 }
    }

    fn send(&mut self, instrument: &str, after_ms: u64, content: Content, raw: &[u8]) {
        self.ms += after_ms;
        let raw = bytes::Bytes::copy_from_slice(raw);
        let arrival = Arrival { instrument: Arc::from(instrument), at: self.now(), raw, content };
        self.steps.extend(self.engine.arrival(&arrival));
        let now = self.now();
        self.steps.extend(self.engine.tick(now));
    }

    fn shows(&mut self, instrument: &str, channel: &str, value: &str, unit: Unit) {
        let outcome = Ok(Indication { value: value.parse().unwrap(), unit, quality: Quality::Good });
        let reading = Reading { channel: channel.try_into().unwrap(), at: self.now(), outcome };
        self.send(instrument, 500, Content::Readings(vec![reading]), value.as_bytes());
    }

    fn scale(&mut self, kg: &str, times: usize) {
        for _ in 0..times {
            self.shows("scale-1", "mass", kg, Unit::Kilogram);
        }
    }

    fn line(&mut self, line: &Line, after_ms: u64) {
        self.send("portal-1", after_ms, Content::Portal(line.clone()), rpm::encode(line).as_bytes());
    }

    fn background(&mut self, counts: u32) {
        self.line(&Line::Gamma { tag: GammaTag::GB, counts: [counts; 4] }, 5_000);
    }

    fn occupied(&mut self, tag: GammaTag, counts: u32, times: usize) {
        for _ in 0..times {
            self.line(&Line::Gamma { tag, counts: [counts; 4] }, 200);
        }
    }

    fn end(&mut self) {
        self.passages += 1;
        self.line(&Line::End { counter: self.passages, neutron_background: Decimal::whole(1) }, 200);
    }

    fn check(&mut self, check: &str, operation: CheckOperation) -> Result<(), OperationError> {
        let now = self.now();
        self.steps.extend(self.engine.check(check, operation, "Li Na", now)?);
        Ok(())
    }

    fn start(&mut self, check: &str) {
        self.check(check, CheckOperation::Start).unwrap();
    }

    fn done(&self) -> Vec<&Inspection> {
        let done = self.steps.iter().filter_map(|step| match step {
            Step::Done(inspection) => Some(inspection.as_ref()),
            _ => None,
        });
        done.collect()
    }

    /// The verdict of the only result so far, by the check's own tables.
    fn verdict(&self) -> Verdict {
        let [inspection] = self.done()[..] else { panic!("{:?}", self.done()) };
        let judge = &self.site.check(&inspection.place).unwrap().judge;
        screen(inspection, &self.site.tables, judge, "2026-06-01".parse().unwrap(), None).verdict
    }

    fn value(&self, parameter: &str) -> String {
        let found = self.done()[0].measured.iter().find(|it| it.parameter == parameter);
        found.map_or("-".into(), |it| it.outcome.map_or_else(|missing| missing.to_string(), |it| it.value.to_string()))
    }

    fn events(&self) -> Vec<&str> {
        let events = self.steps.iter().filter_map(|step| match step {
            Step::Event(event) => Some(event.name.as_str()),
            _ => None,
        });
        events.collect()
    }

    /// A lorry through the portal and over the scale.
    fn lorry(&mut self) {
        self.scale("30000", 4);
        self.occupied(GammaTag::GS, 50, 10);
        self.end();
        self.scale("30000", 4);
        self.scale("0", 8);
        self.background(BACKGROUND);
    }
}

#[test]
fn a_source_is_seen_alarmed_and_gone() {
    // Counts of 200 ms with the source, tag, background afterwards, verdict, distance of the strongest window.
    // Four detectors, five intervals: background 1 000 counts in a window.
    for (counts, tag, after, verdict, distance) in [
        (100, GammaTag::GA, BACKGROUND, Verdict::Pass, "31.623"), // 2 000 against 1 000
        (66, GammaTag::GA, BACKGROUND, Verdict::Pass, "10.119"),  // 1 320
        (65, GammaTag::GA, BACKGROUND, Verdict::Fail, "9.487"),   // 1 300
        (100, GammaTag::GS, BACKGROUND, Verdict::Fail, "31.623"), // the portal stayed silent
        (100, GammaTag::GA, 329, Verdict::Pass, "31.623"),        // 1 316: 9.993 sigma
        (100, GammaTag::GA, 330, Verdict::Fail, "31.623"),        // 1 320: 10.119 sigma
    ] {
        let mut bench = Bench::new();
        bench.start("source");
        bench.background(BACKGROUND);
        bench.occupied(tag, counts, 10);
        bench.end();
        for _ in 0..3 {
            bench.background(after);
        }
        assert_eq!(bench.verdict(), verdict, "{counts} {tag:?} {after}");
        assert_eq!(bench.value("source-distance"), distance);
        let done = bench.done()[0];
        assert_eq!((done.procedure.as_str(), done.place.as_str()), ("portal-source-check", "source"));
        assert_eq!(done.operator.as_deref(), Some("Li Na"));
        assert!(done.alarms.is_empty(), "the alarm that was asked for is none of the port's");
        assert!(done.readings.iter().any(|it| it.channel == tag.text() && !it.raw.is_empty()));
    }
}

#[test]
fn a_neutron_source_is_asked_for_its_alarm() {
    for (tag, verdict) in [(NeutronTag::NA, Verdict::Pass), (NeutronTag::NS, Verdict::Fail)] {
        let mut bench = Bench::new();
        bench.start("neutrons");
        bench.background(BACKGROUND);
        bench.occupied(GammaTag::GS, 50, 5);
        bench.line(&Line::Neutron { tag, counts: [3; 4] }, 200);
        bench.end();
        for _ in 0..3 {
            bench.background(BACKGROUND);
        }
        assert_eq!(bench.verdict(), verdict, "{tag:?}");
    }
}

#[test]
fn a_check_of_the_portal_is_no_passage_and_the_next_lorry_is_counted_right() {
    let mut bench = Bench::new();
    bench.lorry();
    bench.start("source");
    bench.background(BACKGROUND);
    bench.occupied(GammaTag::GA, 100, 10);
    // The monitor beside the portal sees the source; that is no background of the lane.
    for _ in 0..10 {
        bench.shows("gamma-1", "dose-rate", "9.99", Unit::MicrograyPerHour);
    }
    bench.end();
    for _ in 0..3 {
        bench.background(BACKGROUND);
    }
    for _ in 0..5 {
        bench.shows("gamma-1", "dose-rate", "0.10", Unit::MicrograyPerHour);
    }
    bench.lorry();
    let places: Vec<_> = bench.done().iter().map(|it| it.place.as_str()).collect();
    assert_eq!(places, ["lane-7", "source", "lane-7"]);
    let lorry = bench.done()[2];
    assert_eq!(
        (lorry.completion, lorry.faults.as_slice(), lorry.alarms.as_slice()),
        (Completion::Complete, &[][..], &[][..])
    );
    let dose = lorry.measured.iter().find(|it| it.parameter == "dose-rate").unwrap();
    assert_eq!(dose.background.map(|it| it.to_string()).as_deref(), Some("0.10"));
    assert!(!bench.events().contains(&"portal-occupancy-lost"), "{:?}", bench.events());
}

#[test]
fn a_test_mass_is_judged_by_the_class() {
    // 1 000 e of class III in service: 40 kg. The empty scale before it says nothing.
    for (shown, verdict, error, margin) in [
        ("20000", Verdict::Pass, "0", "40.0"),
        ("20040", Verdict::Pass, "40", "0.0"),
        ("20041", Verdict::Fail, "41", "-1.0"),
        ("19960", Verdict::Pass, "-40", "0.0"),
        ("19959", Verdict::Fail, "-41", "-1.0"),
    ] {
        let mut bench = Bench::new();
        bench.start("mass");
        bench.scale("0", 20);
        bench.scale(shown, 6);
        assert_eq!(bench.verdict(), verdict, "{shown}");
        assert_eq!((bench.value("scale-error"), bench.value("mass-margin")), (error.into(), margin.into()));
        assert_eq!(bench.value("test-load"), "20000");
    }
}

#[test]
fn the_empty_scale_shows_zero_to_half_an_interval() {
    for (shown, verdict) in [("0", Verdict::Pass), ("10", Verdict::Pass), ("-10", Verdict::Pass), ("11", Verdict::Fail)]
    {
        let mut bench = Bench::new();
        bench.start("zero");
        bench.scale(shown, 6);
        assert_eq!(bench.verdict(), verdict, "{shown}");
    }
}

#[test]
fn a_test_mass_left_on_the_scale_is_no_lorry() {
    let mut bench = Bench::new();
    bench.start("mass");
    bench.scale("20000", 20);
    assert_eq!(bench.check("mass", CheckOperation::Start), Err(OperationError::CheckRunning("mass".into())));
    bench.scale("0", 3);
    bench.lorry();
    let places: Vec<_> = bench.done().iter().map(|it| it.place.as_str()).collect();
    assert_eq!(places, ["mass", "lane-7"]);
    assert_eq!(bench.done()[1].completion, Completion::Complete);
}

#[test]
fn a_lorry_during_a_check_of_the_scale_does_not_vanish() {
    let mut bench = Bench::new();
    bench.start("mass");
    bench.occupied(GammaTag::GA, 100, 10);
    bench.end();
    for _ in 0..20 {
        bench.background(BACKGROUND);
    }
    let lorry = *bench.done().iter().find(|it| it.place == "lane-7").expect("the passage has its result");
    assert_ne!(lorry.completion, Completion::Complete);
    assert!(lorry.alarms.iter().any(|it| it.by_device));
}

#[test]
fn buffers_come_one_after_the_other() {
    let run = |first: &str, second: &str, between: &[&str]| {
        let mut bench = Bench::new();
        bench.start("buffers");
        let meter = |bench: &mut Bench, value: &str, times: usize| {
            for _ in 0..times {
                bench.shows("ph-1", "ph", value, Unit::PH);
            }
        };
        meter(&mut bench, first, 12);
        for rinse in between {
            meter(&mut bench, rinse, 1);
        }
        meter(&mut bench, second, 6);
        bench
    };
    assert_eq!(run("4.03", "6.83", &["5.00"]).verdict(), Verdict::Pass);
    assert_eq!(run("4.06", "6.91", &[]).verdict(), Verdict::Pass);
    assert_eq!(run("4.07", "6.86", &[]).verdict(), Verdict::Fail);
    assert_eq!(run("4.01", "6.80", &[]).verdict(), Verdict::Fail);
    // Held still in rinse water: within reach of no buffer.
    assert_eq!(run("4.01", "6.86", &["5.50"; 20]).verdict(), Verdict::Pass);
    assert!(run("4.01", "4.01", &[]).done().is_empty());
}

#[test]
fn a_reference_is_judged_by_its_mean() {
    for (values, verdict, error) in [
        (["0.40", "0.60", "0.50", "0.50"], Verdict::Pass, "0.00"),
        (["0.60", "0.60", "0.60", "0.60"], Verdict::Pass, "0.10"),
        (["0.61", "0.60", "0.60", "0.60"], Verdict::Fail, "0.1025"),
        (["0.40", "0.40", "0.40", "0.39"], Verdict::Fail, "-0.1025"),
    ] {
        let mut bench = Bench::new();
        bench.start("reference");
        for value in values {
            bench.shows("gamma-1", "dose-rate", value, Unit::MicrograyPerHour);
        }
        assert_eq!(bench.verdict(), verdict, "{values:?}");
        assert_eq!(bench.value("reference-error"), error);
    }
}

#[test]
fn an_instrument_in_use_is_not_taken_away() {
    let mut bench = Bench::new();
    let in_use = |check: &str, by: &str| OperationError::InUse { check: check.into(), by: by.into() };
    bench.scale("30000", 4);
    assert_eq!(bench.check("source", CheckOperation::Start), Err(in_use("source", "lane-7")));
    bench.scale("0", 20);
    bench.background(BACKGROUND);
    bench.start("source");
    assert_eq!(bench.check("neutrons", CheckOperation::Start), Err(in_use("neutrons", "source")));
    // The source would spoil the reference of the monitor beside it.
    assert_eq!(bench.check("reference", CheckOperation::Start), Err(in_use("reference", "source")));
    bench.start("zero");
    let now = bench.now();
    let li_na = By { operator: "Li Na", drill: false };
    let sample = Operation::Start { sample: "S-1".into() };
    bench.engine.operate("bench-a", &sample, li_na, now).unwrap();
    assert_eq!(bench.check("buffers", CheckOperation::Start), Err(in_use("buffers", "bench-a")));
    bench.engine.operate("bench-a", &Operation::Stop, li_na, now).unwrap();
    bench.start("buffers");
    let refused = bench.engine.operate("bench-a", &sample, li_na, now).unwrap_err();
    assert_eq!(refused, OperationError::UnderCheck { rig: "bench-a".into(), check: "buffers".into() });
    assert_eq!(bench.check("no-such", CheckOperation::Start), Err(OperationError::NoSuchCheck("no-such".into())));
    assert_eq!(bench.check("mass", CheckOperation::Stop), Err(OperationError::CheckIdle("mass".into())));
    assert_eq!(bench.engine.busy().get("zero").map(String::as_str), Some("scale-1"));
}

#[test]
fn a_check_that_ends_early_says_why() {
    let check = |end: fn(&mut Bench), reason| {
        let mut bench = Bench::new();
        bench.start("mass");
        bench.scale("0", 10);
        end(&mut bench);
        assert_eq!(bench.done()[0].completion, Completion::Incomplete(reason));
        assert_ne!(bench.verdict(), Verdict::Pass);
        assert_eq!(bench.value("mass-margin"), "timed-out");
    };
    check(|bench| bench.scale("0", 300), IncompleteReason::TimedOut);
    check(|bench| bench.check("mass", CheckOperation::Stop).unwrap(), IncompleteReason::Stopped);
    check(
        |bench| {
            let now = bench.now();
            bench.steps.extend(bench.engine.interrupt(now));
            bench.steps.retain(|step| !matches!(step, Step::Interval(_)));
        },
        IncompleteReason::Interrupted,
    );
}

#[test]
fn a_started_check_is_made_durable_at_once() {
    let mut bench = Bench::new();
    bench.start("mass");
    assert!(matches!(bench.steps.last(), Some(Step::Remember(open)) if open.place == "mass"));
}
