//! The stages of a step programme as a bench went through them.
//!
//! For each stage the extremes of every held channel and the duration by the bench's own elapsed time. A stage
//! that has not ended, or whose begin was not seen, has no duration yet, rather than one that is too short.

use std::collections::BTreeMap;

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Missing, Outcome, Quality, Reading},
};
use tidewaiter_screening::{STAGE_DURATION, inspection::Measured};

/// Stages kept at most; a bench that counts further is recorded with those.
pub(crate) const STAGES: usize = 32;

/// All stages of one run.
#[derive(Debug)]
pub(crate) struct Stages {
    held: Vec<String>,
    /// The run was under way when it was first seen.
    is_late: bool,
    /// The bench has said that its programme is over.
    has_ended: bool,
    /// The bench's own time at which it was last seen running.
    elapsed: Option<Decimal>,
    current: u16,
    seen: BTreeMap<u16, Stage>,
}

impl Stages {
    /// `held` names the channels that the programme holds within tolerances.
    pub(crate) fn new(held: Vec<String>, is_late: bool) -> Self {
        Self { held, is_late, has_ended: false, elapsed: None, current: 0, seen: BTreeMap::new() }
    }

    pub(crate) const fn is_late(&self) -> bool {
        self.is_late
    }

    /// The stage it is in, from 1, once one was seen.
    pub(crate) fn current(&self) -> Option<u16> {
        (!self.seen.is_empty()).then_some(self.current)
    }

    pub(crate) const fn elapsed(&self) -> Option<Decimal> {
        self.elapsed
    }

    /// Takes one poll of the running bench; true when it has entered another stage.
    pub(crate) fn run(&mut self, stage: Option<u16>, elapsed: Option<Decimal>, readings: &[Reading]) -> bool {
        let stage = stage.unwrap_or(self.current);
        let entered = stage != self.current;
        self.elapsed = elapsed.or(self.elapsed);
        if entered && let Some(previous) = self.seen.get_mut(&self.current) {
            previous.last_elapsed = elapsed.or(previous.last_elapsed);
        }
        self.current = stage;
        if self.seen.contains_key(&stage) || self.seen.len() < STAGES {
            // The bench counts from the begin of the run, and so of its first stage.
            let begin = (self.seen.is_empty() && !self.is_late).then_some(Decimal::ZERO).or(elapsed);
            self.seen.entry(stage).or_default().take(begin, elapsed, &self.held, readings);
        }
        entered
    }

    /// The bench runs no longer; `finished` says that its programme is over.
    pub(crate) fn end(&mut self, elapsed: Option<Decimal>, finished: bool) {
        // An idle bench shows the elapsed time of no run at all.
        let known = elapsed.filter(|_| !is_earlier(elapsed, self.elapsed));
        if let Some(last) = self.seen.get_mut(&self.current) {
            last.last_elapsed = known.or(last.last_elapsed);
        }
        self.has_ended = finished;
    }

    /// The quantities of every stage so far.
    pub(crate) fn measured(&self, bench: &str) -> Vec<Measured> {
        let mut quantities = Vec::new();
        let joined = self.seen.keys().next().filter(|_| self.is_late);
        for (&number, stage) in &self.seen {
            let unknown = if joined == Some(&number) {
                Some("begin not seen")
            } else if number == self.current && !self.has_ended {
                Some("not ended")
            } else {
                None
            };
            quantities.extend(stage.measured(bench, &self.held, number, unknown));
        }
        quantities
    }
}

/// Whether `elapsed` lies before what was already seen.
pub(crate) fn is_earlier(elapsed: Option<Decimal>, seen: Option<Decimal>) -> bool {
    elapsed.zip(seen).is_some_and(|(elapsed, seen)| elapsed.cmp_value(seen).is_lt())
}

/// Extremes and duration of a stage.
#[derive(Debug, Default)]
struct Stage {
    first_elapsed: Option<Decimal>,
    last_elapsed: Option<Decimal>,
    extremes: BTreeMap<String, (Indication, Indication)>,
    missing: BTreeMap<String, Missing>,
}

impl Stage {
    /// Takes one poll. `begin` is the elapsed time at which the stage began, as far as this poll can tell.
    fn take(&mut self, begin: Option<Decimal>, elapsed: Option<Decimal>, held: &[String], readings: &[Reading]) {
        self.first_elapsed = self.first_elapsed.or(begin);
        self.last_elapsed = elapsed.or(self.last_elapsed);
        for reading in readings.iter().filter(|reading| held.iter().any(|held| *held == reading.channel.as_str())) {
            let channel = reading.channel.to_string();
            match reading.outcome {
                Ok(indication) => {
                    let (low, high) = self.extremes.entry(channel).or_insert((indication, indication));
                    if indication.value.cmp_value(low.value).is_lt() {
                        *low = indication;
                    }
                    if indication.value.cmp_value(high.value).is_gt() {
                        *high = indication;
                    }
                }
                Err(missing) => {
                    self.missing.insert(channel, missing);
                }
            }
        }
    }

    /// The stage's quantities. `unknown` says why its duration is not known, where it is not.
    fn measured(&self, drum: &str, held: &[String], number: u16, unknown: Option<&str>) -> Vec<Measured> {
        let seen = self.first_elapsed.zip(self.last_elapsed).and_then(|(first, last)| last.checked_sub(first));
        let (duration, derivation) = match (seen, unknown) {
            (Some(seen), Some(why)) => (Err(Missing::NotPresent), format!("bench-elapsed, {seen} s seen, {why}")),
            (Some(value), None) => {
                (Ok(Indication { value, unit: Unit::Second, quality: Quality::Good }), "bench-elapsed".to_owned())
            }
            (None, _) => (Err(Missing::NotPresent), "bench-elapsed".to_owned()),
        };
        let stage = Some(number);
        let mut quantities = vec![measured(drum, STAGE_DURATION, &derivation, stage, duration)];
        for channel in held {
            match (self.extremes.get(channel), self.missing.get(channel)) {
                (Some((low, high)), _) => {
                    quantities.push(measured(drum, channel, "min", stage, Ok(*low)));
                    quantities.push(measured(drum, channel, "max", stage, Ok(*high)));
                }
                (None, missing) => {
                    let missing = missing.copied().unwrap_or(Missing::NotPresent);
                    quantities.push(measured(drum, channel, "min", stage, Err(missing)));
                }
            }
        }
        quantities
    }
}

/// A quantity as it enters the inspection.
pub(crate) fn measured(
    drum: &str,
    parameter: &str,
    derivation: &str,
    stage: Option<u16>,
    outcome: Outcome,
) -> Measured {
    Measured { stage, ..Measured::new(parameter, drum, outcome, derivation) }
}
