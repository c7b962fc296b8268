//! Procedure tyre endurance: a drum bench follows its own programme, the agent witnesses it.
//!
//! The bench's state register opens and ends the inspection:
//!
//! ```text
//! state 3 running ─► open     5 finished ─► complete     6 failed ─► complete, tyre-failure alarm
//!                             0, 7 from running ─► incomplete(instrument-stopped)
//! ```
//!
//! For each stage the extremes of every held channel and the duration by the bench's own elapsed
//! time are measured, so that the programme's tolerances can be judged on every reading.

use std::collections::BTreeMap;

use tidewaiter_drivers::{
    Decimal, Unit,
    bench::tyre::{Alarm as BenchAlarm, AlarmBits, State},
    reading::{Indication, Missing, Moment, Outcome, Quality, Reading},
};
use tidewaiter_screening::{
    Inspection, STAGE_DURATION,
    inspection::{
        Alarm, Completion, Declaration, Evidence, Identity, IncompleteReason, Measured, Subject, SubjectKind,
    },
};

use super::{Numbering, Operation, OperationError, Step, Trace, elapsed_ms};
use crate::acquire::{Arrival, Content};

/// Stages kept at most; a bench that counts further is recorded with those.
const STAGES: usize = 32;

/// The machine of one rig.
#[derive(Debug)]
pub(crate) struct TyreEndurance {
    place: String,
    drum: String,
    simulated: bool,
    held: Vec<String>,
    limit_ms: u64,
    numbering: Numbering,
    specimen: Option<String>,
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    id: String,
    specimen: Option<Identity>,
    opened: Moment,
    stages: BTreeMap<u16, Stage>,
    current: u16,
    lost_polls: u32,
    alarms: BTreeMap<String, Alarm>,
    trace: Trace,
}

#[derive(Debug, Default)]
struct Stage {
    first_elapsed: Option<Decimal>,
    last_elapsed: Option<Decimal>,
    extremes: BTreeMap<String, (Indication, Indication)>,
    missing: BTreeMap<String, Missing>,
}

impl TyreEndurance {
    /// `held` names the channels that the programme holds within tolerances.
    pub(crate) fn new(place: &str, boot: u64, drum: &str, held: Vec<String>, limit_ms: u64, simulated: bool) -> Self {
        Self {
            place: place.to_owned(),
            drum: drum.to_owned(),
            simulated,
            held,
            limit_ms,
            numbering: Numbering::new(place, boot),
            specimen: None,
            run: None,
        }
    }

    pub(crate) fn operate(&mut self, operation: &Operation, now: Moment) -> Result<Vec<Step>, OperationError> {
        match operation {
            // The bench starts itself; the operator says which specimen is mounted.
            Operation::Start { sample } => match &mut self.run {
                None => {
                    self.specimen = Some(sample.clone());
                    Ok(Vec::new())
                }
                Some(run) => Err(OperationError::Running {
                    rig: self.place.clone(),
                    sample: run.specimen.as_ref().map_or_else(String::new, |identity| identity.text.clone()),
                }),
            },
            Operation::Next => Err(OperationError::NotHere { rig: self.place.clone(), step: "next" }),
            Operation::Stop if self.run.is_some() => {
                Ok(self.finish(now, Completion::Incomplete(IncompleteReason::Stopped)))
            }
            Operation::Stop => Err(OperationError::Idle(self.place.clone())),
        }
    }

    pub(crate) fn arrival(&mut self, arrival: &Arrival) -> Vec<Step> {
        if *arrival.instrument != *self.drum {
            return Vec::new();
        }
        match &arrival.content {
            Content::Readings(readings) => self.poll(arrival, readings),
            Content::Identity(mark) if !mark.text.is_empty() => {
                let identity = Identity {
                    kind: mark.kind.to_owned(),
                    text: mark.text.clone(),
                    source: "read".to_owned(),
                    confidence: mark.confidence,
                };
                match &mut self.run {
                    Some(run) if run.specimen.is_none() => run.specimen = Some(identity),
                    Some(_) => {}
                    None => self.specimen = Some(mark.text.clone()),
                }
                Vec::new()
            }
            Content::Missing(_) => {
                if let Some(run) = &mut self.run {
                    run.lost_polls += 1;
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Step> {
        match &self.run {
            Some(run) if elapsed_ms(run.opened, now) > self.limit_ms => {
                self.finish(now, Completion::Incomplete(IncompleteReason::TimedOut))
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn interrupt(&mut self, now: Moment) -> Vec<Step> {
        if self.run.is_some() {
            self.finish(now, Completion::Incomplete(IncompleteReason::Interrupted))
        } else {
            Vec::new()
        }
    }

    pub(crate) fn running(&self) -> Option<&str> {
        self.run.as_ref().map(|run| run.specimen.as_ref().map_or("", |identity| identity.text.as_str()))
    }

    fn poll(&mut self, arrival: &Arrival, readings: &[Reading]) -> Vec<Step> {
        let value = |name: &str| readings.iter().find(|reading| reading.channel == name).map(|reading| reading.outcome);
        let whole = |name: &str| match value(name) {
            Some(Ok(indication)) => indication.value.at_places(0).map(Decimal::digits),
            _ => None,
        };
        let register = |name: &str| whole(name).and_then(|value| u16::try_from(value).ok());
        let Some(state) = register("state").and_then(State::from_register) else {
            if let Some(run) = &mut self.run {
                run.lost_polls += 1;
            }
            return Vec::new();
        };
        let mut steps = Vec::new();
        if state == State::Running && self.run.is_none() {
            self.open(arrival.at);
            steps.extend(self.remember(arrival.at));
        }
        let Some(run) = &mut self.run else { return steps };
        for alarm in register("alarms").map(AlarmBits).into_iter().flat_map(AlarmBits::iter) {
            run.alarm(&self.drum, alarm.word());
        }
        if state == State::Running {
            let stage = register("stage").unwrap_or(run.current);
            let entered = stage != run.current;
            let elapsed = value("elapsed").and_then(Result::ok).map(|indication| indication.value);
            if entered && let Some(previous) = run.stages.get_mut(&run.current) {
                previous.last_elapsed = elapsed.or(previous.last_elapsed);
            }
            run.current = stage;
            if run.stages.contains_key(&stage) || run.stages.len() < STAGES {
                run.stages.entry(stage).or_default().take(elapsed, &self.held, readings);
            }
            run.keep(arrival, readings, &self.held, entered);
            if entered {
                steps.extend(self.remember(arrival.at));
            }
            return steps;
        }
        if state.is_final() || state == State::Idle {
            let elapsed = value("elapsed").and_then(Result::ok).map(|indication| indication.value);
            if let Some(last) = run.stages.get_mut(&run.current) {
                last.last_elapsed = elapsed.or(last.last_elapsed);
            }
            run.keep(arrival, readings, &self.held, true);
            if state == State::FinishedFailed {
                run.alarm(&self.drum, BenchAlarm::TyreFailure.word());
            }
            let completion = match state {
                State::Idle | State::EmergencyStop => Completion::Incomplete(IncompleteReason::InstrumentStopped),
                _ => Completion::Complete,
            };
            steps.extend(self.finish(arrival.at, completion));
        }
        steps
    }

    fn open(&mut self, now: Moment) {
        let specimen = self.specimen.take().map(|text| Identity {
            kind: "sample".to_owned(),
            text,
            source: "read".to_owned(),
            confidence: None,
        });
        self.run = Some(Run {
            id: self.numbering.take(),
            specimen,
            opened: now,
            stages: BTreeMap::new(),
            current: 0,
            lost_polls: 0,
            alarms: BTreeMap::new(),
            trace: Trace::default(),
        });
    }

    fn remember(&self, now: Moment) -> Vec<Step> {
        let completion = Completion::Incomplete(IncompleteReason::Interrupted);
        self.run.iter().map(|run| Step::Remember(Box::new(self.inspection(run, now, completion)))).collect()
    }

    fn finish(&mut self, now: Moment, completion: Completion) -> Vec<Step> {
        let Some(run) = self.run.take() else { return Vec::new() };
        vec![Step::Done(Box::new(self.inspection(&run, now, completion)))]
    }

    fn inspection(&self, run: &Run, now: Moment, completion: Completion) -> Inspection {
        let mut measured = Vec::new();
        for (&number, stage) in &run.stages {
            measured.extend(self.stage_measured(number, stage));
        }
        measured.push(self.measured("lost-polls", "count", None, Ok(count(run.lost_polls))));
        measured.extend(run.trace.left_out(&self.drum));
        Inspection {
            id: run.id.clone(),
            procedure: "tyre-endurance".to_owned(),
            place: self.place.clone(),
            subject: Subject {
                kind: SubjectKind::Sample,
                identities: run.specimen.iter().cloned().collect(),
                declaration: Declaration::None,
            },
            opened: run.opened,
            closed: now,
            completion,
            simulated: self.simulated,
            drill: false,
            measured,
            alarms: run.alarms.values().cloned().collect(),
            faults: Vec::new(),
            readings: run.trace.readings(),
        }
    }

    fn stage_measured(&self, number: u16, stage: &Stage) -> Vec<Measured> {
        let duration = stage
            .first_elapsed
            .zip(stage.last_elapsed)
            .and_then(|(first, last)| last.checked_sub(first))
            .map_or(Err(Missing::NotPresent), |value| {
                Ok(Indication { value, unit: Unit::Second, quality: Quality::Good })
            });
        let mut measured = vec![self.measured(STAGE_DURATION, "bench-elapsed", Some(number), duration)];
        for channel in &self.held {
            match (stage.extremes.get(channel), stage.missing.get(channel)) {
                (Some((low, high)), _) => {
                    measured.push(self.measured(channel, "min", Some(number), Ok(*low)));
                    measured.push(self.measured(channel, "max", Some(number), Ok(*high)));
                }
                (None, missing) => {
                    let missing = missing.copied().unwrap_or(Missing::NotPresent);
                    measured.push(self.measured(channel, "min", Some(number), Err(missing)));
                }
            }
        }
        measured
    }

    fn measured(&self, parameter: &str, derivation: &str, stage: Option<u16>, outcome: Outcome) -> Measured {
        Measured {
            parameter: parameter.to_owned(),
            instrument: self.drum.clone(),
            outcome,
            background: None,
            uncertainty: None,
            derivation: derivation.to_owned(),
            stage,
        }
    }
}

impl Run {
    fn alarm(&mut self, drum: &str, kind: &str) {
        self.alarms.entry(kind.to_owned()).or_insert_with(|| Alarm {
            instrument: drum.to_owned(),
            kind: kind.to_owned(),
            by_device: true,
            recomputed: false,
        });
    }

    fn keep(&mut self, arrival: &Arrival, readings: &[Reading], held: &[String], decisive: bool) {
        let mut raw = arrival.raw.to_vec();
        let wanted = |name: &str| matches!(name, "state" | "stage" | "elapsed") || held.iter().any(|held| held == name);
        for reading in readings.iter().filter(|reading| wanted(&reading.channel)) {
            let evidence = Evidence {
                instrument: arrival.instrument.to_string(),
                channel: reading.channel.to_string(),
                at: reading.at,
                outcome: reading.outcome,
                raw: std::mem::take(&mut raw),
            };
            self.trace.keep(evidence, decisive);
        }
    }
}

impl Stage {
    fn take(&mut self, elapsed: Option<Decimal>, held: &[String], readings: &[Reading]) {
        self.first_elapsed = self.first_elapsed.or(elapsed);
        self.last_elapsed = elapsed.or(self.last_elapsed);
        for reading in readings.iter().filter(|reading| held.iter().any(|held| *held == reading.channel.as_str())) {
            let channel = reading.channel.to_string();
            match reading.outcome {
                Ok(indication) => {
                    let (low, high) = self.extremes.entry(channel).or_insert((indication, indication));
                    if worse(indication, *low).is_lt() {
                        *low = indication;
                    }
                    if worse(indication, *high).is_gt() {
                        *high = indication;
                    }
                }
                Err(missing) => {
                    self.missing.insert(channel, missing);
                }
            }
        }
    }
}

fn worse(a: Indication, b: Indication) -> std::cmp::Ordering {
    a.value.cmp_value(b.value)
}

fn count(number: u32) -> Indication {
    Indication { value: Decimal::whole(i64::from(number)), unit: Unit::Count, quality: Quality::Good }
}
