//! Benches held against a tape of what their instruments say and their operators do, one row per run.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::needless_pass_by_value)]

use std::{sync::Arc, time::Duration};

use tidewaiter_config::{
    limits::Basis,
    site::{MassTrigger, Quantity, StateTrigger, Take},
};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Missing, Outcome, Quality},
};
use tidewaiter_screening::{
    Inspection,
    inspection::{Evidence, Measured},
};

use super::*;
use crate::{acquire::Mark, inspect::Operation};

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn from(instrument: &str, channel: &str) -> Quantity {
    Quantity {
        parameter: channel.to_owned(),
        source: Source::Instrument { instrument: instrument.to_owned(), channel: channel.to_owned() },
        basis: None,
        replicates: 1,
        whole_run: false,
        take: Take::Mean,
        required: true,
        background: None,
    }
}

fn by_hand(parameter: &str, unit: Option<Unit>) -> Quantity {
    Quantity { parameter: parameter.to_owned(), source: Source::Operator { unit }, ..from("", "") }
}

fn of_run(channel: &str, take: Take) -> Quantity {
    Quantity { whole_run: true, take, ..from("x", channel) }
}

/// `count` values taken as `take`.
fn several(count: u8, take: Take, quantity: Quantity) -> Quantity {
    Quantity { replicates: count, take, ..quantity }
}

fn optional(quantity: Quantity) -> Quantity {
    Quantity { required: false, ..quantity }
}

fn bench(trigger: Trigger, quantities: &[Quantity]) -> site::Bench {
    site::Bench {
        procedure: "generic-sample".to_owned(),
        trigger,
        quantities: quantities.to_vec(),
        replicates_on_next: false,
        settle: Duration::ZERO,
        programme: None,
    }
}

fn state_trigger() -> Trigger {
    let list = |states: &[i64]| states.iter().map(|state| Decimal::whole(*state)).collect::<Vec<_>>();
    Trigger::State(StateTrigger {
        instrument: "x".to_owned(),
        channel: "state".to_owned(),
        running: list(&[3]),
        complete: list(&[5]),
        failed: list(&[6]),
        paused: list(&[4]),
    })
}

fn mass_trigger() -> Trigger {
    Trigger::Mass(MassTrigger { instrument: "s".to_owned(), threshold: d("500"), unit: Unit::Kilogram })
}

/// A bench with a tape running through it, one step a second.
struct Tape {
    machine: Bench,
    second: u64,
    steps: Vec<Step>,
}

/// One thing that happens on the tape.
#[derive(Clone, Copy)]
enum Do {
    Start(&'static str),
    Next,
    Stop,
    Enter(&'static str, &'static str),
    /// `channel=value unit quality` of the instrument `x`, several separated by semicolons.
    X(&'static str),
    /// The same of another instrument.
    Y(&'static str),
    /// The scale `s` shows so many kilograms, settled or not.
    Scale(&'static str, bool),
    /// The instrument `x` names a sample.
    Named(&'static str),
    /// The line of `x` is gone.
    Down,
    /// Nothing for so many seconds.
    Wait(u64),
}

fn outcome(text: &str) -> Outcome {
    let mut words = text.split(' ');
    let value = words.next().unwrap();
    if value == "none" {
        return Err(Missing::CrcError);
    }
    let unit = words.next().map_or(Unit::Percent, |code| code.parse().unwrap());
    let quality = words.next().map_or(Quality::Good, |word| Quality::from_word(word).unwrap());
    Ok(Indication { value: d(value), unit, quality })
}

impl Tape {
    fn of(bench: &site::Bench) -> Self {
        Self::with(bench, Surroundings { limit_ms: 600_000, poll_ms: 1_000, ..Surroundings::default() })
    }

    /// A bench whose instrument `x` speaks once a measurement.
    fn on_event(bench: &site::Bench) -> Self {
        let around = Surroundings { limit_ms: 600_000, on_event: vec!["x".to_owned()], ..Surroundings::default() };
        Self::with(bench, around)
    }

    fn with(bench: &site::Bench, around: Surroundings) -> Self {
        Self { machine: Bench::new("bench-a", 7, bench, around), second: 0, steps: Vec::new() }
    }

    fn now(&self) -> Moment {
        Moment { mono_ms: self.second * 1000, wall_ms: 0 }
    }

    fn send(&mut self, instrument: &str, raw: &str, content: Content) {
        let raw = bytes::Bytes::copy_from_slice(raw.as_bytes());
        let arrival = Arrival { instrument: Arc::from(instrument), at: self.now(), raw, content };
        self.steps.extend(self.machine.arrival(&arrival));
    }

    fn shows(&mut self, instrument: &str, text: &str) {
        let reading = |text: &str| {
            let (channel, value) = text.split_once('=').unwrap();
            Reading { channel: channel.try_into().unwrap(), at: self.now(), outcome: outcome(value) }
        };
        let readings: Vec<Reading> = text.split("; ").map(reading).collect();
        self.send(instrument, text, Content::Readings(readings));
    }

    /// Lets one thing happen; what an operator is refused is panicked with.
    fn step(&mut self, what: Do) {
        self.second += 1;
        let now = self.now();
        let operation = match what {
            Do::Start(sample) => Some(Operation::Start { sample: sample.to_owned() }),
            Do::Next => Some(Operation::Next),
            Do::Stop => Some(Operation::Stop),
            Do::Enter(parameter, text) => {
                Some(Operation::Enter { values: vec![(parameter.to_owned(), text.to_owned())] })
            }
            _ => None,
        };
        if let Some(operation) = operation {
            let steps = self.machine.operate(&operation, "Li Na", now).unwrap_or_else(|refused| panic!("{refused}"));
            self.steps.extend(steps);
            return;
        }
        match what {
            Do::X(text) => self.shows("x", text),
            Do::Y(text) => self.shows("y", text),
            Do::Scale(kilograms, settled) => {
                self.shows("s", &format!("mass={kilograms} kg {}", if settled { "good" } else { "unstable" }));
            }
            Do::Named(text) => {
                let mark = Mark { kind: "sample", text: text.to_owned(), confidence: None };
                self.send("x", text, Content::Identity(mark));
            }
            Do::Down => self.send("x", "", Content::Link(LinkState::Down)),
            Do::Wait(seconds) => {
                for _ in 0..seconds {
                    self.second += 1;
                    let steps = self.machine.tick(self.now());
                    self.steps.extend(steps);
                }
            }
            _ => unreachable!(),
        }
    }

    fn run(mut self, tape: &[Do]) -> Self {
        for what in tape {
            self.step(*what);
        }
        self
    }

    fn refused(&mut self, operation: Operation) -> String {
        self.machine.operate(&operation, "Li Na", self.now()).unwrap_err().to_string()
    }

    fn done(&self) -> Vec<&Inspection> {
        let done = self.steps.iter().filter_map(|step| match step {
            Step::Done(inspection) => Some(inspection.as_ref()),
            _ => None,
        });
        done.collect()
    }

    fn rows(&self) -> Vec<String> {
        self.done().into_iter().map(row).collect()
    }
}

fn shown(measured: &Measured) -> String {
    let value = match measured.outcome {
        Ok(it) if it.quality == Quality::Good => format!("{} {}", it.value, it.unit),
        Ok(it) => format!("{} {} {}", it.value, it.unit, it.quality.word()),
        Err(missing) => missing.to_string(),
    };
    format!("{} {value} [{}]", measured.parameter, measured.derivation)
}

/// `names | completion | quantities`
fn row(inspection: &Inspection) -> String {
    let names: Vec<String> =
        inspection.subject.identities.iter().map(|it| format!("{}({})", it.text, it.source)).collect();
    let completion = match inspection.completion {
        Completion::Complete => "complete",
        Completion::Incomplete(reason) => reason.word(),
    };
    let quantities: Vec<String> =
        inspection.measured.iter().filter(|it| it.parameter != "lost-polls").map(shown).collect();
    format!("{} | {completion} | {}", names.join(" "), quantities.join("; "))
}

fn check(bench: &site::Bench, tape: &[Do], expected: &[&str]) {
    assert_eq!(Tape::of(bench).run(tape).rows(), expected);
}

fn check_event(bench: &site::Bench, tape: &[Do], expected: &[&str]) {
    assert_eq!(Tape::on_event(bench).run(tape).rows(), expected);
}

#[test]
fn an_operator_runs_a_sample_of_instruments_and_hands() {
    use Do::{Enter, Start, Stop, Wait, X};
    let fabric = bench(
        Trigger::Operator,
        &[
            by_hand("formaldehyde", Some(Unit::MilligramPerKilogram)),
            by_hand("odour", None),
            from("x", "ph"),
            optional(by_hand("fastness-water", Some(Unit::FastnessGrade))),
        ],
    );
    check(
        &fabric,
        &[
            Start("S-1"),
            X("ph=7.10 [pH]"),
            Enter("formaldehyde", "18.3"),
            Enter("odour", "absent"),
            Enter("fastness-water", "3-4"),
        ],
        &["S-1(manual) | complete | formaldehyde 18.3 mg/kg [one value, entered by Li Na]; \
           odour 0 1 [one value, entered by Li Na]; ph 7.10 [pH] [one value]; \
           fastness-water 3.5 {grade} [one value, entered by Li Na]"],
    );
    // Without the optional grade it waits for the operator, and is whole all the same.
    check(
        &fabric,
        &[Start("S-1"), X("ph=7.10 [pH]"), Enter("formaldehyde", "18.3"), Enter("odour", "present"), Wait(5), Stop],
        &["S-1(manual) | complete | formaldehyde 18.3 mg/kg [one value, entered by Li Na]; \
           odour 1 1 [one value, entered by Li Na]; ph 7.10 [pH] [one value]; fastness-water timed-out [none]"],
    );
    check(
        &fabric,
        &[Start("S-1"), X("ph=none"), Enter("odour", "absent"), Stop],
        &["S-1(manual) | stopped | formaldehyde timed-out [none]; odour 0 1 [one value, entered by Li Na]; \
           ph crc-error [none]; fastness-water timed-out [none]"],
    );
    check(
        &fabric,
        &[Start("S-1"), X("ph=7.10 [pH] unstable"), Wait(600)],
        &["S-1(manual) | timed-out | formaldehyde timed-out [none]; odour timed-out [none]; \
           ph 7.10 [pH] unstable [newest, not settled]; fastness-water timed-out [none]"],
    );
    // A slip of the pen is typed again, and both stand in the evidence.
    let tape =
        Tape::of(&fabric).run(&[Start("S-1"), Enter("formaldehyde", "183"), Enter("formaldehyde", "18.3"), Stop]);
    let inspection = tape.done()[0];
    assert_eq!(shown(&inspection.measured[0]), "formaldehyde 18.3 mg/kg [one value, entered by Li Na]");
    let typed: Vec<(&str, &str, &[u8])> =
        inspection.readings.iter().map(|it| (&*it.instrument, &*it.channel, &*it.raw)).collect();
    assert_eq!(
        typed,
        [("operator", "formaldehyde", b"183".as_slice()), ("operator", "formaldehyde", b"18.3".as_slice())]
    );
}

#[test]
fn replicates_are_taken_as_configured() {
    use Do::{Next, Start, Stop, X};
    let with = |count, take| bench(Trigger::Operator, &[several(count, take, from("x", "pb"))]);
    let three = [Start("S"), X("pb=1.20"), X("pb=1.25"), X("pb=1.10")];
    for (take, row) in [
        (Take::Mean, "pb 1.18333 % [mean of 3: 1.20, 1.25, 1.10; does not end, two places more kept]"),
        (Take::Greatest, "pb 1.25 % [greatest of 3: 1.20, 1.25, 1.10]"),
        (Take::Least, "pb 1.10 % [least of 3: 1.20, 1.25, 1.10]"),
        (Take::Last, "pb 1.10 % [last of 3: 1.20, 1.25, 1.10]"),
        (Take::Each, "pb 1.20 % [replicate 1 of 3]; pb 1.25 % [replicate 2 of 3]; pb 1.10 % [replicate 3 of 3]"),
    ] {
        let row = row.replace("1.18333", "1.1833");
        check(&with(3, take), &three, &[&format!("S(manual) | complete | {row}")]);
    }
    // Eighths end after three places, and all of them are kept.
    let eighths: Vec<Do> = [Start("S")].into_iter().chain((0..7).map(|_| X("pb=0"))).chain([X("pb=1")]).collect();
    check(&with(8, Take::Mean), &eighths, &["S(manual) | complete | pb 0.125 % [mean of 8: 0, 0, 0, 0, 0, 0, 0, 1]"]);
    check(
        &with(2, Take::Mean),
        &[Start("S"), X("pb=1.20"), Stop],
        &["S(manual) | stopped | pb timed-out [1 of 2 replicates]"],
    );
    // What moves or is old is no replicate; what is bad is one, and the mean is as bad.
    check(
        &with(2, Take::Mean),
        &[Start("S"), X("pb=9.9 % unstable"), X("pb=1.2"), X("pb=9.9 % stale"), X("pb=1.4 % verification-due")],
        &["S(manual) | complete | pb 1.3 % verification-due [mean of 2: 1.2, 1.4]"],
    );
    check(
        &with(2, Take::Mean),
        &[Start("S"), X("pb=1.2 % implausible"), X("pb=1.4")],
        &["S(manual) | complete | pb 1.3 % implausible [mean of 2: 1.2, 1.4]"],
    );
    // With `replicates_on = "next"` an instrument that speaks all the time gives one value for each portion.
    let portions = site::Bench { replicates_on_next: true, settle: Duration::from_secs(2), ..with(2, Take::Mean) };
    check(
        &portions,
        &[Start("S"), X("pb=8.8"), X("pb=1.0"), X("pb=1.1"), X("pb=1.1"), Next, X("pb=8.8"), X("pb=2.0"), X("pb=2.1")],
        &["S(manual) | complete | pb 1.5 % [mean of 2: 1.0, 2.0]"],
    );
}

#[test]
fn grades_have_no_mean_and_units_do_not_mix() {
    use Do::{Start, Stop, X};
    let twice = bench(Trigger::Operator, &[several(2, Take::Mean, from("x", "fastness-water"))]);
    check(
        &twice,
        &[Start("S"), X("fastness-water=3 {grade}"), X("fastness-water=4 {grade}")],
        &["S(manual) | complete | fastness-water refused [mean of 2: 3, 4; grades that differ have no mean]"],
    );
    check(
        &twice,
        &[Start("S"), X("fastness-water=3.5 {grade}"), X("fastness-water=3.5 {grade}")],
        &["S(manual) | complete | fastness-water 3.5 {grade} [mean of 2: 3.5, 3.5]"],
    );
    let tape = Tape::of(&twice).run(&[Start("S"), X("fastness-water=3 %"), X("fastness-water=300 mg/kg"), Stop]);
    assert_eq!(tape.rows(), ["S(manual) | stopped | fastness-water timed-out [1 of 2 replicates]"]);
    assert_eq!(tape.done()[0].faults[0].kind, "unit-changed");
}

#[test]
fn a_background_comes_before_the_sample() {
    use Do::{Next, Start, X};
    let spectrum = bench(
        Trigger::Operator,
        &[Quantity { background: Some(3), ..several(2, Take::Greatest, from("x", "dose-rate")) }],
    );
    let tape = Tape::of(&spectrum).run(&[
        Start("S"),
        X("dose-rate=0.10 uGy/h"),
        X("dose-rate=0.11 uGy/h"),
        X("dose-rate=9.99 uGy/h unstable"),
        X("dose-rate=0.12 uGy/h"),
        Next,
        X("dose-rate=0.30 uGy/h"),
        X("dose-rate=0.35 uGy/h"),
    ]);
    assert_eq!(
        tape.rows(),
        ["S(manual) | complete | dose-rate 0.35 uGy/h [greatest of 2: 0.30, 0.35; background mean of 3 readings]"]
    );
    assert_eq!(tape.done()[0].measured[0].background, Some(d("0.11")));
    // Too short a background is none.
    let tape = Tape::of(&spectrum).run(&[
        Start("S"),
        X("dose-rate=0.10 uGy/h"),
        Next,
        X("dose-rate=0.30 uGy/h"),
        X("dose-rate=0.35 uGy/h"),
    ]);
    assert_eq!(
        tape.rows(),
        ["S(manual) | complete | dose-rate 0.35 uGy/h [greatest of 2: 0.30, 0.35; no background, 1 of 3 readings]"]
    );
    assert_eq!(tape.done()[0].measured[0].background, None);
}

#[test]
fn a_statement_is_a_sample() {
    use Do::{Down, Named, Start, Wait, X};
    let cotton = bench(Trigger::Record, &[from("x", "micronaire"), from("x", "strength")]);
    check_event(
        &cotton,
        &[
            Named("B-1"),
            X("micronaire=4.4 1"),
            X("strength=29.1 %"),
            // The next bale, and again the next before it is through.
            Named("B-2"),
            X("micronaire=4.1 1"),
            Named("B-3"),
            X("micronaire=3.9 1; strength=30.0 %"),
            // A retest of the same bale.
            X("micronaire=3.8 1; strength=30.1 %"),
            Named("B-4"),
            Wait(600),
        ],
        &[
            "B-1(read) | complete | micronaire 4.4 1 [one value]; strength 29.1 % [one value]",
            "B-2(read) | overlap | micronaire 4.1 1 [one value]; strength timed-out [none]",
            "B-3(read) | complete | micronaire 3.9 1 [one value]; strength 30.0 % [one value]",
            "B-3(read) | complete | micronaire 3.8 1 [one value]; strength 30.1 % [one value]",
            "B-4(read) | timed-out | micronaire timed-out [none]; strength timed-out [none]",
        ],
    );
    let grades = bench(Trigger::Record, &[from("x", "fastness-water"), from("x", "fastness-saliva")]);
    check_event(
        &grades,
        &[
            // Nobody said whose: the subject is unknown, and a second grade of the same test is another sample's.
            X("fastness-water=3 {grade}"),
            X("fastness-water=4 {grade}"),
            X("fastness-saliva=5 {grade}"),
            // Named before, and named while it runs.
            Start("S-2"),
            X("fastness-water=4 {grade}"),
            X("fastness-saliva=4.5 {grade}"),
            X("fastness-water=2 {grade}"),
            Start("S-3"),
            X("fastness-saliva=2.5 {grade}"),
            Down,
        ],
        &[
            " | overlap | fastness-water 3 {grade} [one value]; fastness-saliva timed-out [none]",
            " | complete | fastness-water 4 {grade} [one value]; fastness-saliva 5 {grade} [one value]",
            "S-2(manual) | complete | fastness-water 4 {grade} [one value]; fastness-saliva 4.5 {grade} [one value]",
            "S-3(manual) | complete | fastness-water 2 {grade} [one value]; fastness-saliva 2.5 {grade} [one value]",
        ],
    );
    // A name that was typed, and the name the instrument gives it.
    check_event(
        &cotton,
        &[Start("S-9"), Named("B-9"), X("micronaire=4.4 1; strength=29.1 %")],
        &["S-9(manual) B-9(read) | complete | micronaire 4.4 1 [one value]; strength 29.1 % [one value]"],
    );
    // An instrument that goes on showing the same named sample does not make a run of each poll.
    check(
        &cotton,
        &[Named("B-1"), X("micronaire=4.4 1; strength=29.1 %"), X("micronaire=4.4 1; strength=29.1 %")],
        &["B-1(read) | complete | micronaire 4.4 1 [one value]; strength 29.1 % [one value]"],
    );
}

#[test]
fn a_bench_bounds_its_own_run() {
    use Do::{Down, Enter, Named, Start, Stop, Wait, X, Y};
    let uniformity = bench(
        state_trigger(),
        &[of_run("rfv", Take::Last), of_run("load", Take::Least), Quantity { whole_run: true, ..from("y", "room") }],
    );
    check(
        &uniformity,
        &[
            Start("T-1"),
            X("state=0 1; rfv=0 N; load=0 N"),
            Named("BAR-1"),
            X("state=3 1; rfv=11 N; load=5150 N"),
            Y("room=23.0 Cel"),
            X("state=4 1; rfv=12 N; load=5140 N"),
            X("state=3 1; rfv=40 N; load=5145 N"),
            Y("room=23.2 Cel"),
            X("state=5 1; rfv=61 N; load=5146 N"),
            // The next tyre.
            X("state=0 1; rfv=0 N; load=0 N"),
            X("state=3 1; rfv=9 N; load=5150 N"),
            X("state=7 1; rfv=10 N; load=0 N"),
        ],
        &[
            "T-1(manual) BAR-1(read) | complete | rfv 61 N [last of the run]; \
             load 5140 N [least of the run, 4 readings]; room 23.1 Cel [mean of the run, 2 readings]",
            " | instrument-stopped | rfv not-present [not read at the end of the run]; \
             load 5150 N [least of the run, 1 reading]; room timed-out [none]",
        ],
    );
    let one = bench(state_trigger(), &[of_run("rfv", Take::Last), optional(by_hand("note", Some(Unit::One)))]);
    // The last value may come with a later poll, as long as the bench stands at its end.
    check(
        &one,
        &[X("state=0 1"), X("state=3 1; rfv=11 N"), X("state=5 1; rfv=none"), X("state=5 1; rfv=60 N"), Wait(9)],
        &[" | complete | rfv 60 N [last of the run]; note timed-out [none]"],
    );
    check(
        &one,
        &[X("state=0 1"), X("state=3 1; rfv=1 N"), X("state=5 1; rfv=none"), X("state=0 1; rfv=0 N"), Wait(600)],
        &[" | timed-out | rfv crc-error [not read at the end of the run]; note timed-out [none]"],
    );
    check(
        &one,
        &[X("state=0 1"), X("state=3 1"), X("state=5 1; rfv=60 N"), Enter("note", "2")],
        &[" | complete | rfv 60 N [last of the run]; note 2 1 [one value, entered by Li Na]"],
    );
    // The next run begins before the last value of this one came.
    check(
        &one,
        &[X("state=0 1"), X("state=3 1"), X("state=5 1"), X("state=3 1; rfv=9 N"), X("state=5 1; rfv=70 N"), Wait(10)],
        &[
            " | overlap | rfv timed-out [none]; note timed-out [none]",
            " | complete | rfv 70 N [last of the run]; note timed-out [none]",
        ],
    );
    // Stopped here, it is not opened again while the bench goes on.
    check(
        &one,
        &[X("state=0 1"), X("state=3 1; rfv=1 N"), Stop, X("state=3 1; rfv=2 N"), X("state=5 1; rfv=3 N"), Wait(20)],
        &[" | stopped | rfv not-present [not read at the end of the run]; note timed-out [none]"],
    );
    // Under way when first seen, or out of sight without a mark that would tell it from the next: nobody witnessed it.
    check(
        &one,
        &[X("state=3 1; rfv=1 N"), X("state=5 1; rfv=60 N"), Wait(10)],
        &[" | interrupted | rfv 60 N [last of the run]; note timed-out [none]"],
    );
    check(
        &one,
        &[X("state=0 1"), X("state=3 1; rfv=1 N"), Down, X("state=5 1; rfv=60 N"), Wait(10)],
        &[" | interrupted | rfv 60 N [last of the run]; note timed-out [none]"],
    );
    check(
        &one,
        &[
            X("state=0 1; test-number=7 1"),
            X("state=3 1; test-number=8 1; rfv=1 N"),
            Down,
            X("state=3 1; test-number=8 1; rfv=2 N"),
            X("state=3 1; test-number=9 1; rfv=9 N"),
            X("state=5 1; test-number=9 1; rfv=60 N"),
            Wait(10),
        ],
        &[
            " | instrument-stopped | rfv not-present [not read at the end of the run]; note timed-out [none]",
            " | interrupted | rfv 60 N [last of the run]; note timed-out [none]",
        ],
    );
    // A barcode that is told once, while the specimen is mounted, is the next run's; one that was mounted and taken
    // off without a run is not.
    check(
        &one,
        &[
            X("state=0 1"),
            Named("BAR-1"),
            X("state=1 1"),
            Named("BAR-2"),
            X("state=1 1"),
            X("state=3 1"),
            X("state=5 1; rfv=60 N"),
            Wait(10),
            X("state=0 1"),
            X("state=3 1"),
            X("state=5 1; rfv=70 N"),
            Wait(10),
        ],
        &[
            "BAR-2(read) | complete | rfv 60 N [last of the run]; note timed-out [none]",
            " | complete | rfv 70 N [last of the run]; note timed-out [none]",
        ],
    );
    // Bits 0 and 4 of the alarm register: over-temperature, and the specimen failed, as the state says too.
    let tape = Tape::of(&one).run(&[
        X("state=0 1; alarms=32 1"),
        X("state=3 1; alarms=1 1"),
        X("state=3 1; alarms=17 1"),
        X("state=6 1; alarms=0 1; rfv=60 N"),
        Wait(10),
    ]);
    assert_eq!(tape.done()[0].completion, Completion::Complete);
    let alarms: Vec<_> = tape.done()[0].alarms.iter().map(|alarm| (&*alarm.kind, alarm.by_device)).collect();
    assert_eq!(alarms, [("over-temperature", true), ("specimen-failed", true)]);
}

#[test]
fn a_programme_is_measured_stage_by_stage() {
    use Do::X;
    let with_programme =
        site::Bench { programme: Some("demo".into()), ..bench(state_trigger(), &[of_run("wear", Take::Last)]) };
    let around =
        Surroundings { limit_ms: 600_000, poll_ms: 1_000, held: vec!["speed".to_owned()], ..Surroundings::default() };
    let tape = Tape::with(&with_programme, around).run(&[
        X("state=0 1; stage=0 1; elapsed=0 s; speed=0 km/h"),
        X("state=3 1; stage=1 1; elapsed=1 s; speed=79 km/h"),
        X("state=3 1; stage=1 1; elapsed=2 s; speed=81 km/h"),
        X("state=3 1; stage=2 1; elapsed=3 s; speed=120 km/h"),
        X("state=5 1; stage=0 1; elapsed=5 s; speed=0 km/h; wear=0.2 mm"),
    ]);
    let stages: Vec<String> =
        tape.done()[0].measured.iter().filter_map(|it| Some(format!("{} {}", it.stage?, shown(it)))).collect();
    assert_eq!(
        stages,
        [
            "1 stage-duration 3 s [bench-elapsed]",
            "1 speed 79 km/h [min]",
            "1 speed 81 km/h [max]",
            "2 stage-duration 2 s [bench-elapsed]",
            "2 speed 120 km/h [min]",
            "2 speed 120 km/h [max]",
        ]
    );
    assert_eq!(tape.done()[0].completion, Completion::Complete);
}

#[test]
fn a_load_bounds_its_run() {
    use Do::{Scale, Start, Stop, X};
    let weighed = Quantity { parameter: "lot-mass".into(), ..from("s", "mass") };
    let lot = bench(
        mass_trigger(),
        &[Quantity { whole_run: true, take: Take::Greatest, ..weighed }, of_run("moisture", Take::Mean)],
    );
    check(
        &lot,
        &[
            Start("L-1"),
            Scale("0", true),
            Scale("700", false),
            X("moisture=9.9 %"),
            Scale("720", true),
            X("moisture=8.0 %"),
            X("moisture=8.5 %"),
            Scale("722", true),
            Scale("300", false),
            Scale("0", true),
            // A load that is taken off before anything else was measured.
            Scale("900", true),
            Scale("0", true),
            Scale("0", true),
            // One that is given up stays given up until it is gone.
            Scale("800", true),
            Stop,
            Scale("800", true),
            Scale("0", true),
            Scale("0", true),
            Scale("600", true),
            X("moisture=7.0 %"),
            Scale("0", true),
            Scale("0", true),
        ],
        &[
            "L-1(manual) | complete | lot-mass 722 kg [greatest of the run, 2 readings]; \
             moisture 8.25 % [mean of the run, 2 readings]",
            " | drove-off | lot-mass 900 kg [greatest of the run, 1 reading]; moisture timed-out [none]",
            " | stopped | lot-mass 800 kg [greatest of the run, 1 reading]; moisture timed-out [none]",
            " | complete | lot-mass 600 kg [greatest of the run, 1 reading]; moisture 7.0 % [mean of the run, 1 reading]",
        ],
    );
}

#[test]
fn operations_that_do_not_fit_are_refused_with_a_way_out() {
    let fabric = bench(Trigger::Operator, &[by_hand("odour", None), from("x", "ph")]);
    let enter = |parameter: &str, text: &str| Operation::Enter { values: vec![(parameter.into(), text.into())] };
    let mut tape = Tape::of(&fabric);
    let idle = "rig \"bench-a\" is idle; start it with a sample number";
    for operation in [Operation::Next, Operation::Stop, enter("odour", "absent")] {
        assert_eq!(tape.refused(operation), idle);
    }
    tape = tape.run(&[Do::Start("S-1")]);
    for (operation, says) in [
        (Operation::Start { sample: "S-2".into() }, "rig \"bench-a\" is running sample \"S-1\"; stop it first"),
        (enter("oduor", "absent"), "rig \"bench-a\" measures no \"oduor\"; typed are odour"),
        (enter("ph", "7[pH]"), "\"ph\" is read from \"x\"; a typed value would stand beside what it shows"),
        (
            enter("odour", "a bit"),
            "odour=\"a bit\": type a number with its unit such as 18.3mg/kg, a grade 3-4, or absent",
        ),
    ] {
        assert_eq!(tape.refused(operation), says);
    }
    // One wrong value of several: none is taken.
    let values = vec![("odour".to_owned(), "absent".to_owned()), ("ph".to_owned(), "7[pH]".to_owned())];
    tape.refused(Operation::Enter { values });
    let tape = tape.run(&[Do::Stop]);
    assert_eq!(tape.rows(), ["S-1(manual) | stopped | odour timed-out [none]; ph timed-out [none]"]);
    let mut bench = Tape::of(&bench(state_trigger(), &[of_run("rfv", Take::Last)]));
    assert_eq!(bench.refused(Operation::Next), "rig \"bench-a\" follows its bench; it has no step \"next\"");
}

#[test]
fn what_is_decisive_is_remembered_before_the_end() {
    use Do::{Enter, Start, X};
    let fabric = bench(Trigger::Operator, &[by_hand("odour", None), from("x", "ph"), by_hand("azo-amine", None)]);
    let tape =
        Tape::of(&fabric).run(&[Start("S-1"), X("ph=7.1 [pH] unstable"), X("ph=7.1 [pH]"), Enter("odour", "absent")]);
    let remembered: Vec<String> = tape
        .steps
        .iter()
        .map(|step| match step {
            Step::Remember(inspection) => row(inspection),
            other => panic!("{other:?}"),
        })
        .collect();
    let missing = "azo-amine timed-out [none]";
    assert_eq!(
        remembered,
        [
            format!("S-1(manual) | interrupted | odour timed-out [none]; ph timed-out [none]; {missing}"),
            format!("S-1(manual) | interrupted | odour timed-out [none]; ph 7.1 [pH] [one value]; {missing}"),
            format!(
                "S-1(manual) | interrupted | odour 0 1 [one value, entered by Li Na]; ph 7.1 [pH] [one value]; {missing}"
            ),
        ]
    );
}

#[test]
fn quantities_keep_basis_and_raw_bytes() {
    use Do::{Start, X};
    let ore = bench(Trigger::Operator, &[Quantity { basis: Some(Basis::Dry), ..from("x", "pb") }]);
    let tape = Tape::of(&ore).run(&[Start("S"), X("fe=30 %; pb=1.2 %")]);
    let inspection = tape.done()[0];
    assert_eq!(inspection.measured[0].basis, Some(Basis::Dry));
    let [Evidence { channel, raw, .. }] = inspection.readings.as_slice() else { panic!() };
    assert_eq!((channel.as_str(), raw.as_slice()), ("pb", b"fe=30 %; pb=1.2 %".as_slice()));
}
