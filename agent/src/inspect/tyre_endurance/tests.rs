//! The drum bench as polled, one row per run.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use tidewaiter_drivers::reading::Missing;
use tidewaiter_screening::{STAGE_DURATION, inspection::Measured};

use super::*;
use crate::{acquire::Mark, inspect::stages::STAGES};

/// One poll a second.
struct Bench {
    machine: TyreEndurance,
    second: u64,
    steps: Vec<Step>,
}

/// What one poll shows: state, stage, elapsed, speed, alarm bits.
type Shown = (State, u16, i64, Result<&'static str, Missing>, u16);

fn running(stage: u16, elapsed: i64, speed: &'static str) -> Shown {
    (State::Running, stage, elapsed, Ok(speed), 0)
}

fn state(state: State, elapsed: i64) -> Shown {
    (state, 0, elapsed, Ok("0.0"), 0)
}

impl Bench {
    fn new() -> Self {
        let machine = TyreEndurance::new("drum-a", 2, "drum-1", vec!["speed".to_owned()], 3_600_000, 1_000, true);
        Self { machine, second: 0, steps: Vec::new() }
    }

    fn now(&self) -> Moment {
        Moment { mono_ms: self.second * 1000, wall_ms: 0 }
    }

    fn send(&mut self, content: Content) {
        let raw = bytes::Bytes::from_static(&[4, 4, 0, 3]);
        let arrival = Arrival { instrument: Arc::from("drum-1"), at: self.now(), raw, content };
        self.steps.extend(self.machine.arrival(&arrival));
    }

    fn barcode(&mut self, text: &str) {
        self.send(Content::Identity(Mark { kind: "sample", text: text.to_owned(), confidence: None }));
    }

    fn poll(&mut self, shown: Shown) {
        self.second += 1;
        let (state, stage, elapsed, speed, alarms) = shown;
        let at = self.now();
        let whole =
            |value: i64| Ok(Indication { value: Decimal::whole(value), unit: Unit::One, quality: Quality::Good });
        let speed = speed.map(|text| Indication {
            value: text.parse().unwrap(),
            unit: Unit::KilometrePerHour,
            quality: Quality::Good,
        });
        let outcomes = [
            ("state", whole(i64::from(state.register()))),
            ("alarms", whole(i64::from(alarms))),
            ("stage", whole(i64::from(stage))),
            ("elapsed", whole(elapsed)),
            ("speed", speed),
        ];
        let readings = outcomes.map(|(channel, outcome)| Reading { channel: channel.try_into().unwrap(), at, outcome });
        self.send(Content::Readings(readings.to_vec()));
    }

    fn polls(&mut self, shown: impl IntoIterator<Item = Shown>) {
        for shown in shown {
            self.poll(shown);
        }
    }

    fn operate(&mut self, operation: &Operation) -> Result<(), OperationError> {
        let steps = self.machine.operate(operation, self.now())?;
        self.steps.extend(steps);
        Ok(())
    }

    fn start(&mut self, sample: &str) -> Result<(), OperationError> {
        self.operate(&Operation::Start { sample: sample.to_owned() })
    }

    fn done(&self) -> Vec<&Inspection> {
        let done = self.steps.iter().filter_map(|step| match step {
            Step::Done(inspection) => Some(inspection.as_ref()),
            _ => None,
        });
        done.collect()
    }

    /// `specimen | completion | stage: duration min..max … | alarms`.
    fn rows(&self) -> Vec<String> {
        self.done().into_iter().map(row).collect()
    }
}

fn row(inspection: &Inspection) -> String {
    let list = |words: Vec<String>| if words.is_empty() { "-".to_owned() } else { words.join(",") };
    let names = inspection.subject.identities.iter().map(|it| format!("{} {}", it.text, it.source));
    let shown = |measured: &Measured| measured.outcome.map_or_else(|it| it.to_string(), |it| it.value.to_string());
    let stages = inspection.measured.iter().filter(|it| it.parameter == STAGE_DURATION).map(|duration| {
        let speeds = inspection.measured.iter().filter(|it| it.parameter == "speed" && it.stage == duration.stage);
        let speeds = speeds.map(shown).collect::<Vec<_>>().join("..");
        let seconds = if duration.outcome.is_ok() { " s" } else { "" };
        format!("{}: {}{seconds} {speeds}", duration.stage.unwrap(), shown(duration))
    });
    format!(
        "{} | {} | {} | {}",
        list(names.collect()),
        match inspection.completion {
            Completion::Complete => "complete",
            Completion::Incomplete(reason) => reason.word(),
        },
        list(stages.collect()),
        list(inspection.alarms.iter().map(|it| it.kind.clone()).collect()),
    )
}

#[track_caller]
fn check(play: impl FnOnce(&mut Bench), expected: &[&str]) -> Bench {
    let mut bench = Bench::new();
    play(&mut bench);
    assert_eq!(bench.rows(), expected);
    bench
}

#[test]
fn a_run_gives_each_stage_its_duration_and_extremes() {
    let play = |bench: &mut Bench| {
        bench.barcode("TW42");
        bench.poll(state(State::Conditioning, 0));
        bench.polls([running(1, 0, "79.5"), running(1, 1, "80.5"), running(1, 2, "80.0")]);
        bench.polls([running(2, 3, "119.0"), running(2, 4, "121.0")]);
        bench.poll(state(State::FinishedOk, 6));
        bench.poll(state(State::Idle, 0));
    };
    let bench = check(play, &["TW42 read | complete | 1: 3 s 79.5..80.5,2: 3 s 119.0..121.0 | -"]);
    let inspection = bench.done()[0];
    assert_eq!(inspection.id, "drum-a-2-1");
    assert!(inspection.simulated);
    assert!(inspection.readings.iter().any(|it| !it.raw.is_empty()), "the answer's bytes are evidence");
    assert_eq!(bench.machine.running(), None);
}

#[test]
fn how_the_bench_ends_a_run() {
    let ended = |last: State, elapsed: i64| {
        move |bench: &mut Bench| {
            bench.polls([running(1, 0, "80.0"), running(1, 5, "80.0")]);
            bench.poll(state(last, elapsed));
        }
    };
    // A stage that was cut off has no duration, rather than one that is too short.
    for (last, elapsed, row) in [
        (State::FinishedOk, 6, "- | complete | 1: 6 s 80.0..80.0 | -"),
        (State::FinishedFailed, 6, "- | complete | 1: 6 s 80.0..80.0 | tyre-failure"),
        (State::EmergencyStop, 6, "- | instrument-stopped | 1: not-present 80.0..80.0 | -"),
        (State::Idle, 0, "- | instrument-stopped | 1: not-present 80.0..80.0 | -"),
        (State::Mounting, 0, "- | instrument-stopped | 1: not-present 80.0..80.0 | -"),
        (State::Conditioning, 0, "- | instrument-stopped | 1: not-present 80.0..80.0 | -"),
    ] {
        check(ended(last, elapsed), &[row]);
    }
    let cut_off = check(ended(State::Idle, 0), &["- | instrument-stopped | 1: not-present 80.0..80.0 | -"]);
    // A bench at rest shows an elapsed time of no run at all: what was seen of the stage is kept.
    assert_eq!(cut_off.done()[0].measured[0].derivation, "bench-elapsed, 5 s seen, not ended");
    // A pause is part of the run.
    let paused = |bench: &mut Bench| {
        bench.polls([running(1, 0, "80.0"), state(State::Paused, 3), running(1, 3, "80.0")]);
        bench.poll(state(State::FinishedOk, 6));
    };
    check(paused, &["- | complete | 1: 6 s 80.0..80.0 | -"]);
}

#[test]
fn an_end_that_was_not_seen_is_noticed_by_the_time_that_runs_backwards() {
    let play = |bench: &mut Bench| {
        bench.polls([running(1, 100, "80.0"), running(1, 110, "80.0")]);
        for _ in 0..50 {
            bench.send(Content::Missing(Missing::LineDown));
        }
        bench.polls([running(1, 1, "90.0"), running(1, 5, "90.0"), state(State::FinishedOk, 6)]);
    };
    let rows = ["- | instrument-stopped | 1: not-present 80.0..80.0 | -", "- | complete | 1: 6 s 90.0..90.0 | -"];
    let bench = check(play, &rows);
    let lost = bench.done()[0].measured.iter().find(|it| it.parameter == "lost-polls").unwrap();
    assert_eq!(lost.value().unwrap().0, Decimal::whole(50));
}

#[test]
fn a_run_whose_begin_was_not_seen_is_never_complete() {
    let joined = |first: Shown| {
        move |bench: &mut Bench| {
            bench.polls([first, running(2, 50, "119.0"), running(2, 52, "121.0"), state(State::FinishedOk, 60)]);
        }
    };
    // One poll may be lost before the first.
    check(joined(running(1, 2, "80.0")), &["- | complete | 1: 50 s 80.0..80.0,2: 10 s 119.0..121.0 | -"]);
    check(joined(running(1, 3, "80.0")), &["- | interrupted | 1: not-present 80.0..80.0,2: 10 s 119.0..121.0 | -"]);
    check(joined(running(2, 49, "120.0")), &["- | interrupted | 2: not-present 119.0..121.0 | -"]);
    // That the tyre failed is a fact all the same.
    let failed = |bench: &mut Bench| bench.polls([running(1, 40, "80.0"), state(State::FinishedFailed, 60)]);
    check(failed, &["- | interrupted | 1: not-present 80.0..80.0 | tyre-failure"]);
}

#[test]
fn a_run_that_was_given_up_is_not_opened_again() {
    let stopped = |bench: &mut Bench| {
        bench.polls([running(1, 0, "80.0"), running(1, 1, "80.0")]);
        bench.operate(&Operation::Stop).unwrap();
        bench.polls([running(1, 2, "80.0"), state(State::Paused, 2), running(2, 3, "80.0")]);
        assert_eq!(bench.operate(&Operation::Stop), Err(OperationError::Idle("drum-a".to_owned())));
        bench.poll(state(State::FinishedOk, 4));
        bench.polls([running(1, 0, "90.0"), state(State::FinishedOk, 3)]);
    };
    check(stopped, &["- | stopped | 1: not-present 80.0..80.0 | -", "- | complete | 1: 3 s 90.0..90.0 | -"]);
    let too_long = |bench: &mut Bench| {
        bench.poll(running(1, 0, "80.0"));
        bench.second += 3_601;
        let steps = bench.machine.tick(bench.now());
        bench.steps.extend(steps);
        bench.polls([running(1, 3_602, "80.0"), running(1, 3_603, "80.0")]);
        // The end and the beginning of the next run were not seen.
        bench.poll(running(1, 2, "90.0"));
        bench.poll(state(State::FinishedOk, 3));
    };
    check(too_long, &["- | timed-out | 1: not-present 80.0..80.0 | -", "- | complete | 1: 3 s 90.0..90.0 | -"]);
}

#[test]
fn a_specimen_bears_the_names_it_was_given_and_no_other() {
    let run = |bench: &mut Bench| bench.polls([running(1, 0, "80.0"), state(State::FinishedOk, 3)]);
    // The operator's number and the bench's barcode, each with its source.
    let both = |bench: &mut Bench| {
        bench.start("S-1").unwrap();
        bench.barcode("TW42");
        run(bench);
    };
    check(both, &["S-1 manual,TW42 read | complete | 1: 3 s 80.0..80.0 | -"]);
    // A corrected number replaces the first.
    let corrected = |bench: &mut Bench| {
        bench.start("S-1").unwrap();
        bench.start("S-2").unwrap();
        run(bench);
    };
    check(corrected, &["S-2 manual | complete | 1: 3 s 80.0..80.0 | -"]);
    // The barcode stands at the bench until the tyre is taken off; the next tyre has none.
    let next = |bench: &mut Bench| {
        bench.barcode("TW42");
        run(bench);
        for _ in 0..3 {
            bench.barcode("TW42");
            bench.poll(state(State::FinishedOk, 3));
        }
        bench.poll(state(State::Idle, 0));
        bench.poll(running(1, 0, "80.0"));
        bench.poll(state(State::FinishedOk, 3));
    };
    let rows = ["TW42 read | complete | 1: 3 s 80.0..80.0 | -", "- | complete | 1: 3 s 80.0..80.0 | -"];
    check(next, &rows);
    // Two barcodes in one run: neither is believed.
    let two = |bench: &mut Bench| {
        bench.barcode("TW42");
        bench.poll(running(1, 0, "80.0"));
        bench.barcode("TW43");
        bench.poll(running(1, 1, "80.0"));
        assert!(matches!(bench.start("S-9"), Err(OperationError::Running { sample, .. }) if sample == "TW42"));
        bench.poll(state(State::FinishedOk, 3));
    };
    check(two, &["TW42 ambiguous,TW43 ambiguous | complete | 1: 3 s 80.0..80.0 | -"]);
}

#[test]
fn a_channel_without_values_says_why_and_a_lost_poll_is_counted() {
    let play = |bench: &mut Bench| {
        bench.poll((State::Running, 1, 0, Err(Missing::InstrumentFault(3)), 0b1000));
        bench.send(Content::Missing(Missing::TimedOut));
        bench.poll((State::Running, 1, 2, Err(Missing::InstrumentFault(3)), 0));
        bench.poll(state(State::FinishedOk, 3));
    };
    let bench = check(play, &["- | complete | 1: 3 s instrument-fault(3) | pressure-loss"]);
    let lost = bench.done()[0].measured.iter().find(|it| it.parameter == "lost-polls").unwrap();
    assert_eq!(lost.value().unwrap().0, Decimal::whole(1));
}

#[test]
fn a_stop_records_what_is_open() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.operate(&Operation::Next).unwrap_err().to_string(),
        "rig \"drum-a\" follows its bench; it has no step \"next\""
    );
    bench.polls([running(1, 0, "80.0"), running(1, 1, "80.0")]);
    let steps = bench.machine.interrupt(bench.now());
    bench.steps.extend(steps);
    assert_eq!(bench.rows(), ["- | interrupted | 1: not-present 80.0..80.0 | -"]);
}

#[test]
fn a_bench_that_counts_stages_without_end_fills_no_memory() {
    let mut bench = Bench::new();
    for stage in 1..=500 {
        bench.poll(running(stage, i64::from(stage), "80.0"));
    }
    bench.poll(state(State::FinishedOk, 501));
    let inspection = bench.done()[0];
    assert_eq!(inspection.measured.iter().filter(|it| it.parameter == STAGE_DURATION).count(), STAGES);
    assert!(inspection.readings.len() <= crate::inspect::evidence::KEPT);
}
