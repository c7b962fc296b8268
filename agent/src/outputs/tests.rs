//! The lamps as a table of moments; and the fault account.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use tidewaiter_config::site::{Lines, Output, State, site_from_str};
use tidewaiter_drivers::reading::Missing;

use super::{
    Machine, Seen, Shown,
    faults::{Fault, Faults, Tell},
};

/// A lane's light as a site file has it.
fn output(more: &str) -> Output {
    let site = format!(
        "version = 1\nsite = {{ id = \"s\", agent = \"a\", name = \"n\" }}\nstore = {{ dir = \"d\" }}\n\
         [[ports]]\nid = \"ph\"\nserial = {{ path = \"/dev/x\", baud = 9600 }}\n\
         [[ports]]\nid = \"io\"\nmodbus_tcp = {{ address = \"127.0.0.1:502\" }}\n\
         [[instruments]]\nid = \"ph-1\"\nport = \"ph\"\n[instruments.ph_stream]\n\
         [[rigs]]\nid = \"rig\"\ntime_limit = \"10 min\"\n[rigs.textile_ph]\nmeter = \"ph-1\"\n\
         [[rigs.judge]]\ntable = \"gb18401-2010-t1\"\nparameters = [\"ph\"]\n\
         [[outputs]]\nid = \"light\"\nplace = \"rig\"\n\
         lines = {{ green = 0, amber = 1, red = 2, buzzer = 3, barrier = 4, pulse = 5 }}\n\
         barrier = \"open only on clear and recorded\"\nbuzzer = \"2 s\"\nhold = \"10 s\"\n\
         [outputs.coils]\nport = \"io\"\nunit_id = 1\n{more}"
    );
    let (site, _) = site_from_str(&site, std::path::Path::new("")).unwrap_or_else(|why| panic!("{why}"));
    site.outputs[0].clone()
}

struct Bench {
    machine: Machine,
    output: Output,
    seen: Seen,
}

impl Bench {
    fn new() -> Self {
        let output = output("");
        let seen = Seen { recording: true, ..Seen::default() };
        Self { machine: Machine::new(&output, 0), output, seen }
    }

    /// State and lit lines at this second, the pulse left out.
    fn at(&mut self, second: f64) -> String {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a moment of the table")]
        let now_ms = (second * 1000.0) as u64;
        self.seen.now_ms = now_ms;
        let wanted = self.machine.look(&self.seen);
        let lit = self.output.lines.iter().enumerate().filter(|(at, it)| wanted.lines.has(*at) && it.name != "pulse");
        let lit: Vec<&str> = lit.map(|(_, it)| it.name.as_str()).collect();
        format!("{}: {}", wanted.state.word(), lit.join(" "))
    }

    fn result(&mut self, state: State, ended_ms: u64) {
        let seq = self.seen.results.last().map_or(1, |it| it.seq + 1);
        self.seen.results.push(Shown { seq, state, ended_ms });
    }
}

#[test]
fn before_anything_is_known_it_says_not_recording() {
    let mut bench = Bench::new();
    bench.seen.recording = false;
    assert_eq!(bench.at(0.0), "not-recording: amber buzzer");
    assert_eq!(bench.machine.safe(), Lines(0b10), "amber alone");
    bench.seen.recording = true;
    assert_eq!(bench.at(0.5), "idle: ");
}

#[test]
fn a_lorry_that_is_clear_has_the_barrier_for_the_hold_and_no_longer() {
    let mut bench = Bench::new();
    bench.seen.busy = true;
    assert_eq!(bench.at(1.0), "inspecting: ");
    bench.seen.busy = false;
    // Closed, and not recorded yet: nothing is said.
    assert_eq!(bench.at(5.0), "idle: ");
    bench.result(State::Clear, 5_000);
    assert_eq!(bench.at(5.2), "clear: green barrier");
    assert_eq!(bench.at(14.9), "clear: green barrier");
    assert_eq!(bench.at(15.0), "idle: ");
    assert_eq!(bench.at(99.0), "idle: ");
}

#[test]
fn a_commit_that_came_late_opens_for_nobody() {
    let mut bench = Bench::new();
    bench.result(State::Clear, 5_000);
    assert_eq!(bench.at(15.1), "idle: ");
}

#[test]
fn the_next_inspection_shuts_the_barrier_at_once_and_for_good() {
    let mut bench = Bench::new();
    bench.result(State::Clear, 5_000);
    assert_eq!(bench.at(5.1), "clear: green barrier");
    bench.seen.busy = true;
    assert_eq!(bench.at(6.0), "inspecting: ");
    bench.seen.busy = false;
    assert_eq!(bench.at(7.0), "idle: ", "what was clear before it is not taken up again");
}

#[test]
fn an_alarm_is_not_wiped_by_the_next_lorry_and_stands_until_it() {
    let mut bench = Bench::new();
    bench.result(State::Alarm, 5_000);
    assert_eq!(bench.at(5.1), "alarm: red buzzer");
    assert_eq!(bench.at(7.2), "alarm: red", "the buzzer has sounded");
    bench.seen.busy = true;
    assert_eq!(bench.at(8.0), "alarm: red");
    bench.seen.busy = false;
    bench.result(State::Clear, 9_000);
    assert_eq!(bench.at(9.1), "alarm: red", "within its hold an alarm is stronger than what follows");
    assert_eq!(bench.at(15.0), "clear: green barrier");

    let mut bench = Bench::new();
    bench.result(State::Alarm, 5_000);
    assert_eq!(bench.at(600.0), "alarm: red buzzer", "seen late, it still has to be heard");
    bench.seen.busy = true;
    assert_eq!(bench.at(601.0), "inspecting: ");
}

#[test]
fn refer_and_not_valid_stand_until_the_next_inspection() {
    for (state, word) in [(State::Refer, "refer"), (State::NotValid, "not-valid")] {
        let mut bench = Bench::new();
        bench.result(state, 5_000);
        assert_eq!(bench.at(500.0), format!("{word}: amber"));
        bench.seen.busy = true;
        assert_eq!(bench.at(501.0), "inspecting: ");
    }
}

#[test]
fn not_recording_overrides_everything_with_a_pattern() {
    let mut bench = Bench::new();
    bench.result(State::Alarm, 1_000);
    bench.result(State::Clear, 1_000);
    bench.seen.recording = false;
    let shown: Vec<String> = [2.0, 2.9, 3.1, 6.9, 7.1, 8.1].map(|at| bench.at(at)).into();
    let (sounds, silent) = ("not-recording: amber buzzer", "not-recording: amber");
    // The first look begins the state that the machine has had since it began, at 0 s.
    assert_eq!(shown, [silent, silent, silent, silent, silent, silent].map(str::to_owned));
    assert_eq!([5.0, 5.9, 10.5].map(|at| bench.at(at)), [sounds; 3]);
    bench.seen.recording = true;
    assert_eq!(bench.at(11.0), "idle: ", "a clear from before is not taken up again");
}

#[test]
fn of_two_results_seen_at_once_an_alarm_is_not_missed() {
    let mut bench = Bench::new();
    bench.result(State::Alarm, 1_000);
    bench.result(State::Clear, 1_100);
    assert_eq!(bench.at(1.2), "alarm: red buzzer");
}

#[test]
fn whatever_happens_the_barrier_is_open_on_a_recorded_clear_alone() {
    use proptest::prelude::*;
    let output = output("");
    let barrier = output.line("barrier").unwrap();
    let step = (any::<bool>(), any::<bool>(), 0..4_usize, 0..3_u8, 0..20_000_u64);
    proptest!(|(steps in prop::collection::vec(step, 1..60))| {
        let mut machine = Machine::new(&output, 0);
        let mut seen = Seen::default();
        for (recording, busy, state, brings, passes) in steps {
            seen.now_ms += passes;
            (seen.recording, seen.busy) = (recording, busy);
            if brings == 0 {
                let state = [State::Clear, State::Refer, State::Alarm, State::NotValid][state];
                let seq = seen.results.last().map_or(0, |it| it.seq + 1);
                seen.results.push(Shown { seq, state, ended_ms: seen.now_ms });
            }
            let wanted = machine.look(&seen);
            let newest = seen.results.last();
            let may = recording && !busy
                && newest.is_some_and(|it| it.state == State::Clear && seen.now_ms - it.ended_ms < 10_000);
            prop_assert!(may || !wanted.lines.has(barrier), "{:?} {:?}", seen, wanted);
            prop_assert!(recording || wanted.state == State::NotRecording);
            prop_assert!(!machine.safe().has(barrier));
        }
    });
}

#[test]
fn the_pulse_changes_every_second() {
    let mut bench = Bench::new();
    let pulse = bench.output.line("pulse").unwrap();
    let beats: Vec<bool> = (0..6)
        .map(|second| {
            bench.seen.now_ms = second * 1000;
            bench.machine.look(&bench.seen).lines.has(pulse)
        })
        .collect();
    assert_eq!(beats, [false, true, false, true, false, true]);
}

#[test]
fn a_fault_is_told_once_it_lasts_and_not_over_and_over() {
    let fault = || Some(Fault::NoAnswer(Missing::TimedOut));
    let mut faults = Faults::default();
    assert_eq!(faults.take(None, 0), None);
    assert_eq!(faults.take(fault(), 1_000), None);
    assert_eq!(faults.take(None, 2_000), None, "one lost answer is no fault");
    assert_eq!(faults.take(fault(), 3_000), None);
    assert_eq!(faults.take(fault(), 6_000), Some(Tell::Fault(fault().unwrap())));
    assert_eq!(faults.take(fault(), 9_000), None);
    let mut told = 0;
    for second in 10..130 {
        // A loose cable: away and there every four seconds.
        let outcome = (second / 4 % 2 == 0).then(|| fault().unwrap());
        told += usize::from(faults.take(outcome, second * 1000).is_some());
    }
    assert!(told <= 2, "{told} records in two minutes");
    let told: Vec<Tell> = (130..300).filter_map(|second| faults.take(None, second * 1000)).collect();
    assert!(told.len() <= 1 && told.iter().all(|it| *it == Tell::Restored), "{told:?}");
}
