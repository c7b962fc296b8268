//! A whole site's machines: which arrivals concern which, and what an operator may ask.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod nonsense;

use std::{path::Path, sync::Arc};

use tidewaiter_config::site::site_from_str;
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Missing, Quality, Reading},
};

use super::*;
use crate::acquire::Content;

const SITE: &str = r#"
version = 1
[site]
id = "port"
agent = "gate-07"
name = "port"
[store]
dir = "data"
budget = "64 MiB"
keep = "30 d"
[local]
listen = "127.0.0.1:0"

[[ports]]
id = "scale-line"
[ports.serial]
path = "/dev/serial/by-id/scale"
baud = 9600
[[ports]]
id = "ph-line"
[ports.serial]
path = "/dev/serial/by-id/ph"
baud = 9600
[[ports]]
id = "bus"
[ports.modbus_tcp]
address = "127.0.0.1:502"

[[instruments]]
id = "scale-1"
port = "scale-line"
[instruments.xk3190_tf0]
unit = "kg"
scale_interval = "20"
settle = "1 s"
[[instruments]]
id = "ph-1"
port = "ph-line"
simulated = true
[instruments.ph_stream]
[[instruments]]
id = "gamma-1"
port = "bus"
[instruments.registers]
profile = "gamma-dose-rate-generic"
unit_id = 1
poll = "1 s"
timeout = "500 ms"
[[instruments]]
id = "drum-1"
port = "bus"
[instruments.registers]
profile = "tyre-drum-proposed"
unit_id = 2
poll = "1 s"
timeout = "500 ms"

[[lanes]]
id = "lane-7"
[lanes.lorry_gate]
scale = "scale-1"
threshold = "500"
unit = "kg"
time_limit = "60 s"
identity_window = "4 s"
[[lanes.judge]]
table = "gross-mass-cn-2016"
parameters = ["gross-mass"]

[[rigs]]
id = "bench-a"
time_limit = "30 min"
[rigs.textile_ph]
meter = "ph-1"
parallels = 3
drift = "0.02"
steady = "3 s"
spread = "0.2"
[[rigs.judge]]
table = "gb18401-2010-t1"
parameters = ["ph"]
[[rigs]]
id = "drum-a"
time_limit = "40 h"
[rigs.tyre_endurance]
drum = "drum-1"
programme = "demo"

[[watches]]
id = "background"
instrument = "gamma-1"
period = "10 s"
slots = 10
"#;

struct Bench {
    engine: Engine,
    second: u64,
}

impl Bench {
    fn new() -> Self {
        let site = match site_from_str(SITE, Path::new("/")) {
            Ok((site, _)) => site,
            Err(report) => panic!("{}", report.render(false)),
        };
        Self { engine: Engine::new(&site, 4, Moment { mono_ms: 0, wall_ms: 0 }), second: 0 }
    }

    fn now(&self) -> Moment {
        Moment { mono_ms: self.second * 1000, wall_ms: 0 }
    }

    fn send(&mut self, instrument: &str, channel: &str, value: &str, unit: Unit) -> Vec<Step> {
        self.second += 1;
        let at = self.now();
        let outcome = Ok(Indication { value: value.parse().unwrap(), unit, quality: Quality::Good });
        let content = Content::Readings(vec![Reading { channel: channel.try_into().unwrap(), at, outcome }]);
        let raw = bytes::Bytes::from_static(b"raw");
        self.engine.arrival(&Arrival { instrument: Arc::from(instrument), at, raw, content })
    }

    fn operate(&mut self, rig: &str, operation: &Operation) -> Result<Vec<Step>, OperationError> {
        self.engine.operate(rig, operation, By { operator: "Li Na", drill: false }, self.now())
    }

    fn start(&mut self, rig: &str, sample: &str) -> Result<Vec<Step>, OperationError> {
        self.operate(rig, &Operation::Start { sample: sample.to_owned() })
    }
}

/// `kind place` of each step, in order.
fn told(steps: &[Step]) -> Vec<String> {
    let tell = |step: &Step| match step {
        Step::Remember(inspection) => format!("remember {} {}", inspection.place, inspection.id),
        Step::Done(inspection) => format!("done {} {}", inspection.place, inspection.id),
        Step::Interval(interval) => format!("interval {} {}", interval.watch, interval.channel),
        Step::Event(event) => format!("event {} {}", event.place, event.name),
    };
    steps.iter().map(tell).collect()
}

#[test]
fn an_arrival_moves_the_machines_it_concerns_and_no_other() {
    let mut bench = Bench::new();
    let kg = Unit::Kilogram;
    assert_eq!(told(&bench.send("scale-1", "mass", "30000", kg)), Vec::<String>::new());
    assert_eq!(
        told(&bench.send("scale-1", "mass", "30000", kg)),
        ["remember lane-7 lane-7-4-1", "remember lane-7 lane-7-4-1"]
    );
    // The same number from an instrument of no lane, and of a channel that is no mass.
    assert_eq!(told(&bench.send("ph-1", "mass", "30000", kg)), Vec::<String>::new());
    assert_eq!(told(&bench.send("scale-1", "ph", "0", Unit::PH)), Vec::<String>::new());
    bench.start("bench-a", "S-1").unwrap();
    let busy: Vec<_> = bench.engine.busy().into_iter().collect();
    assert_eq!(busy, [("bench-a".to_owned(), "S-1".to_owned()), ("lane-7".to_owned(), String::new())]);
}

#[test]
fn each_rig_takes_the_operations_of_its_procedure() {
    let mut bench = Bench::new();
    let refused = |result: Result<Vec<Step>, OperationError>| result.unwrap_err().to_string();
    assert_eq!(refused(bench.start("bench-x", "S-1")), "there is no rig \"bench-x\"; `tidewaiter status` lists them");
    assert_eq!(
        refused(bench.operate("bench-a", &Operation::Stop)),
        "rig \"bench-a\" is idle; start it with a sample number"
    );
    assert_eq!(told(&bench.start("bench-a", "S-1").unwrap()), ["remember bench-a bench-a-4-1"]);
    assert_eq!(refused(bench.start("bench-a", "S-2")), "rig \"bench-a\" is running sample \"S-1\"; stop it first");
    assert_eq!(
        refused(bench.operate("drum-a", &Operation::Next)),
        "rig \"drum-a\" follows its bench; it has no step \"next\""
    );
    assert_eq!(told(&bench.operate("bench-a", &Operation::Stop).unwrap()), ["done bench-a bench-a-4-1"]);
}

#[test]
fn only_what_a_simulator_stands_behind_is_marked() {
    let mut bench = Bench::new();
    bench.start("bench-a", "S-1").unwrap();
    for _ in 0..2 {
        bench.send("scale-1", "mass", "30000", Unit::Kilogram);
    }
    let now = bench.now();
    let steps = bench.engine.interrupt(now);
    let marked: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Done(inspection) => Some((inspection.place.as_str(), inspection.simulated)),
            _ => None,
        })
        .collect();
    assert_eq!(marked, [("lane-7", false), ("bench-a", true)]);
}

#[test]
fn a_stop_ends_everything_that_is_open_and_each_once() {
    let mut bench = Bench::new();
    bench.start("bench-a", "S-1").unwrap();
    for _ in 0..2 {
        bench.send("scale-1", "mass", "30000", Unit::Kilogram);
    }
    let now = bench.now();
    let steps = told(&bench.engine.interrupt(now));
    let done: Vec<_> = steps.iter().filter(|step| step.starts_with("done")).collect();
    assert_eq!(done, ["done lane-7 lane-7-4-1", "done bench-a bench-a-4-1"]);
    assert!(steps.contains(&"interval background dose-rate".to_owned()), "{steps:?}");
    assert!(!told(&bench.engine.interrupt(now)).iter().any(|step| step.starts_with("done")));
    assert!(bench.engine.busy().is_empty());
}

#[test]
fn a_watch_has_an_interval_for_every_channel_with_a_number() {
    let mut bench = Bench::new();
    bench.send("gamma-1", "dose-rate", "0.100", Unit::MicrograyPerHour);
    let mut steps = Vec::new();
    for second in 2..=10 {
        bench.second = second;
        steps.extend(bench.engine.tick(bench.now()));
    }
    assert_eq!(told(&steps), ["interval background count-rate", "interval background dose-rate"]);
    for step in &steps {
        let Step::Interval(interval) = step else { panic!("{step:?}") };
        let received = u32::from(interval.channel == "dose-rate");
        let silent = vec![(Missing::TimedOut.word().to_owned(), 10 - received)];
        assert_eq!((interval.received, &interval.missing), (received, &silent));
        assert_eq!(interval.sum, (received == 1).then(|| "0.100".parse::<Decimal>().unwrap()));
    }
}

/// `id drill operator` of each inspection in these steps.
fn standing(steps: &[Step]) -> Vec<String> {
    let tell = |step: &Step| match step {
        Step::Remember(it) | Step::Done(it) => {
            let drill = if it.drill { "drill" } else { "real" };
            Some(format!("{} {drill} {}", it.id, it.operator.as_deref().unwrap_or("nobody")))
        }
        _ => None,
    };
    steps.iter().filter_map(tell).collect()
}

#[test]
fn a_drill_is_in_every_inspection_that_opens_while_it_is_on() {
    let mut bench = Bench::new();
    let load = |bench: &mut Bench| {
        let mut steps = bench.send("scale-1", "mass", "30000", Unit::Kilogram);
        steps.extend(bench.send("scale-1", "mass", "30000", Unit::Kilogram));
        standing(&steps)
    };
    let off = |bench: &mut Bench| {
        let mut steps = bench.send("scale-1", "mass", "0", Unit::Kilogram);
        steps.extend(bench.send("scale-1", "mass", "0", Unit::Kilogram));
        standing(&steps)
    };
    assert_eq!(load(&mut bench), ["lane-7-4-1 real nobody"; 2]);
    let now = bench.now();
    let event = bench.engine.set_drill("lane-7", true, "Wang Wei", now).unwrap();
    assert_eq!((event.place.as_str(), event.name.as_str()), ("lane-7", "drill-on"));
    assert_eq!(event.facts, [("operator".to_owned(), "Wang Wei".to_owned())]);
    let again = bench.engine.set_drill("lane-7", true, "Li Na", now).unwrap_err();
    assert_eq!(again.to_string(), "a drill at \"lane-7\" is already on");
    let nowhere = bench.engine.set_drill("lane-8", true, "Li Na", now).unwrap_err();
    assert_eq!(nowhere.to_string(), "there is no lane or rig \"lane-8\"; `tidewaiter status` lists them");
    // What was open stays real; the next one is an exercise, to its end, whatever is switched meanwhile.
    assert_eq!(off(&mut bench), ["lane-7-4-1 real nobody"]);
    assert_eq!(load(&mut bench), ["lane-7-4-2 drill nobody"; 2]);
    bench.engine.set_drill("lane-7", false, "Li Na", now).unwrap();
    assert_eq!(off(&mut bench), ["lane-7-4-2 drill nobody"]);
    assert_eq!(load(&mut bench), ["lane-7-4-3 real nobody"; 2]);
    // Other places have nothing to do with it.
    bench.engine.set_drill("drum-a", true, "Li Na", now).unwrap();
    assert_eq!(standing(&bench.start("bench-a", "S-1").unwrap()), ["bench-a-4-1 real Li Na"]);
}

#[test]
fn a_drill_survives_a_restart() {
    let mut bench = Bench::new();
    let now = bench.now();
    bench.engine.set_drill("lane-7", true, "Li Na", now).unwrap();
    bench.engine.set_drill("bench-a", true, "Li Na", now).unwrap();
    let kept = serde_json::to_string(bench.engine.drill_state()).unwrap();
    assert_eq!(kept, r#"{"bench-a":{"operator":"Li Na","since_ms":0},"lane-7":{"operator":"Li Na","since_ms":0}}"#);
    let mut restarted = Bench::new();
    let drills = serde_json::from_str(&kept.replace("bench-a", "bench-gone")).unwrap();
    restarted.engine.restore_drills(drills);
    assert_eq!(restarted.engine.drill_state().keys().collect::<Vec<_>>(), ["lane-7"]);
    for _ in 0..2 {
        restarted.send("scale-1", "mass", "30000", Unit::Kilogram);
    }
    let now = restarted.now();
    assert_eq!(standing(&restarted.engine.interrupt(now)), ["lane-7-4-1 drill nobody"]);
}

#[test]
fn a_start_says_who_runs_it_and_whether_as_an_exercise() {
    let mut bench = Bench::new();
    let by = |operator: &'static str, drill| By { operator, drill };
    let start = |sample: &str| Operation::Start { sample: sample.to_owned() };
    let now = bench.now();
    let steps = bench.engine.operate("bench-a", &start("S-1"), by("Wang Wei", true), now).unwrap();
    assert_eq!(standing(&steps), ["bench-a-4-1 drill Wang Wei"]);
    // Who stops it is in the event; who ran it stays.
    let steps = bench.engine.operate("bench-a", &Operation::Stop, by("Li Na", false), now).unwrap();
    assert_eq!(standing(&steps), ["bench-a-4-1 drill Wang Wei"]);
    let steps = bench.engine.operate("bench-a", &start("S-2"), by("Li Na", false), now).unwrap();
    assert_eq!(standing(&steps), ["bench-a-4-2 real Li Na"]);
    // A drum begins by itself, later; the start before it is of that run and of no other.
    bench.engine.operate("drum-a", &start("T-1"), by("Zhao Min", true), now).unwrap();
    let poll = |bench: &mut Bench, state: i64, elapsed: i64| {
        bench.second += 1;
        let at = bench.now();
        let reading = |channel: &str, value: i64| Reading {
            channel: channel.try_into().unwrap(),
            at,
            outcome: Ok(Indication { value: Decimal::whole(value), unit: Unit::One, quality: Quality::Good }),
        };
        let content =
            Content::Readings(vec![reading("state", state), reading("stage", 1), reading("elapsed", elapsed)]);
        let raw = bytes::Bytes::from_static(b"raw");
        bench.engine.arrival(&Arrival { instrument: Arc::from("drum-1"), at, raw, content })
    };
    assert_eq!(standing(&poll(&mut bench, 3, 1))[0], "drum-a-4-1 drill Zhao Min");
    assert_eq!(standing(&poll(&mut bench, 5, 9)), ["drum-a-4-1 drill Zhao Min"]);
    poll(&mut bench, 0, 0);
    assert_eq!(standing(&poll(&mut bench, 3, 1))[0], "drum-a-4-2 real nobody");
}
