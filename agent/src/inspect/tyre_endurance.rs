//! Procedure tyre endurance: a drum bench follows its own programme, the agent witnesses it.
//!
//! The bench's state register opens and ends the inspection:
//!
//! ```text
//! state 3 running ─► open     5 finished ─► complete     6 failed ─► complete, tyre-failure alarm
//!                             0, 1, 2, 7 from running ─► incomplete(instrument-stopped)
//! ```
//!
//! A run that was given up here (by an operator or at the time limit) is not opened again while the bench goes
//! on with it. An elapsed time that runs backwards is another run, whatever happened in between.
//!
//! A run that was under way when it was first seen, after a restart of the agent or of the line, is incomplete
//! whatever its end: nobody witnessed its beginning. A stage that has not ended, or whose begin was not seen, has
//! no duration yet, rather than one that is too short.
//!
//! For each stage the extremes of every held channel and the duration by the bench's own elapsed
//! time are measured, so that the programme's tolerances can be judged on every reading.

use std::collections::BTreeMap;

use tidewaiter_drivers::{
    Decimal, Unit,
    bench::tyre::{Alarm as BenchAlarm, AlarmBits, State},
    reading::{Indication, Moment, Quality, Reading},
};
use tidewaiter_screening::{
    Inspection,
    inspection::{Alarm, Completion, Declaration, Evidence, Identity, IncompleteReason, Subject, SubjectKind},
};

use super::{
    Numbering, Operation, OperationError, Step, Trace, elapsed_ms,
    names::{MANUAL, READ, name, typed},
    progress::{Awaits, Progress},
    stages::{Stages, is_earlier, measured},
};
use crate::acquire::{Arrival, Content};

/// The machine of one rig.
#[derive(Debug)]
pub(crate) struct TyreEndurance {
    place: String,
    drum: String,
    simulated: bool,
    held: Vec<String>,
    limit_ms: u64,
    /// Elapsed time, in seconds, at which a run seen for the first time may still count as seen from its begin.
    late_s: u64,
    numbering: Numbering,
    /// What is known of the specimen of the next run.
    named: Vec<Identity>,
    /// Elapsed time of the run that goes on at the bench without us.
    given_up: Option<Decimal>,
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    id: String,
    identities: Vec<Identity>,
    opened: Moment,
    stages: Stages,
    lost_polls: u32,
    alarms: BTreeMap<String, Alarm>,
    trace: Trace,
}

impl TyreEndurance {
    /// `held` names the channels that the programme holds within tolerances; `poll_ms` is the time from one look
    /// at the bench to the next.
    pub(crate) fn new(
        place: &str,
        boot: u64,
        drum: &str,
        held: Vec<String>,
        limit_ms: u64,
        poll_ms: u64,
        simulated: bool,
    ) -> Self {
        Self {
            place: place.to_owned(),
            drum: drum.to_owned(),
            simulated,
            held,
            limit_ms,
            // One poll may be lost.
            late_s: poll_ms.saturating_mul(2).div_ceil(1000),
            numbering: Numbering::new(place, boot),
            named: Vec::new(),
            given_up: None,
            run: None,
        }
    }

    pub(crate) fn operate(&mut self, operation: &Operation, now: Moment) -> Result<Vec<Step>, OperationError> {
        match operation {
            // The bench starts itself; the operator says which specimen is mounted.
            Operation::Start { sample } => match &mut self.run {
                None => {
                    self.named.retain(|identity| identity.source != MANUAL);
                    name(&mut self.named, typed("sample", sample));
                    Ok(Vec::new())
                }
                Some(run) => Err(OperationError::Running { rig: self.place.clone(), sample: run.subject().to_owned() }),
            },
            Operation::Next => Err(OperationError::NotHere { rig: self.place.clone(), step: "next" }),
            Operation::Enter { .. } => Err(OperationError::NotHere { rig: self.place.clone(), step: "enter" }),
            Operation::Stop if self.run.is_some() => Ok(self.give_up(now, IncompleteReason::Stopped)),
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
                    source: READ.to_owned(),
                    confidence: mark.confidence,
                };
                name(self.run.as_mut().map_or(&mut self.named, |run| &mut run.identities), identity);
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
            Some(run) if elapsed_ms(run.opened, now) > self.limit_ms => self.give_up(now, IncompleteReason::TimedOut),
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
        self.run.as_ref().map(Run::subject)
    }

    /// How far the run is.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let run = self.run.as_ref()?;
        Some(Progress {
            id: run.id.clone(),
            opened: run.opened,
            identities: run.identities.clone(),
            awaits: Awaits::Programme,
            stage: run.stages.current(),
            elapsed: run.stages.elapsed(),
            quantities: Vec::new(),
            alarms: run.alarms.keys().cloned().collect(),
        })
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
        let elapsed = value("elapsed").and_then(Result::ok).map(|indication| indication.value);
        let mut steps = Vec::new();
        if state == State::Running {
            if self.run.as_ref().is_some_and(|run| is_earlier(elapsed, run.stages.elapsed())) {
                steps.extend(self.finish(arrival.at, Completion::Incomplete(IncompleteReason::InstrumentStopped)));
            }
            let goes_on = self.given_up.is_some() && !is_earlier(elapsed, self.given_up);
            self.given_up = self.given_up.filter(|_| goes_on).map(|until| elapsed.unwrap_or(until));
            if self.run.is_none() && !goes_on {
                let late_s = Decimal::whole(i64::try_from(self.late_s).unwrap_or(i64::MAX));
                let is_late = register("stage").is_some_and(|stage| stage > 1) || is_earlier(Some(late_s), elapsed);
                self.open(arrival.at, is_late);
                steps.extend(self.remember(arrival.at));
            }
        } else if state != State::Paused {
            self.given_up = None;
            if self.run.is_none() && (state == State::Idle || state.is_final()) {
                // The barcode of a specimen that is taken off is not the next one's.
                self.named.retain(|identity| identity.source == MANUAL);
            }
        }
        let Some(run) = &mut self.run else { return steps };
        for alarm in register("alarms").map(AlarmBits).into_iter().flat_map(AlarmBits::iter) {
            run.alarm(&self.drum, alarm.word());
        }
        if state == State::Running {
            let entered = run.stages.run(register("stage"), elapsed, readings);
            run.keep(arrival, readings, &self.held, entered);
            if entered {
                steps.extend(self.remember(arrival.at));
            }
            return steps;
        }
        if state != State::Paused {
            run.stages.end(elapsed, matches!(state, State::FinishedOk | State::FinishedFailed));
            run.keep(arrival, readings, &self.held, true);
            if state == State::FinishedFailed {
                run.alarm(&self.drum, BenchAlarm::TyreFailure.word());
            }
            let completion = match state {
                State::FinishedOk | State::FinishedFailed if run.stages.is_late() => {
                    Completion::Incomplete(IncompleteReason::Interrupted)
                }
                State::FinishedOk | State::FinishedFailed => Completion::Complete,
                _ => Completion::Incomplete(IncompleteReason::InstrumentStopped),
            };
            steps.extend(self.finish(arrival.at, completion));
        }
        steps
    }

    fn open(&mut self, now: Moment, is_late: bool) {
        self.run = Some(Run {
            id: self.numbering.take(),
            identities: std::mem::take(&mut self.named),
            opened: now,
            stages: Stages::new(self.held.clone(), is_late),
            lost_polls: 0,
            alarms: BTreeMap::new(),
            trace: Trace::default(),
        });
    }

    fn remember(&self, now: Moment) -> Vec<Step> {
        let completion = Completion::Incomplete(IncompleteReason::Interrupted);
        self.run.iter().map(|run| Step::Remember(Box::new(self.inspection(run, now, completion)))).collect()
    }

    /// Ends our part in a run that the bench goes on with.
    fn give_up(&mut self, now: Moment, reason: IncompleteReason) -> Vec<Step> {
        self.given_up = self.run.as_ref().map(|run| run.stages.elapsed().unwrap_or(Decimal::ZERO));
        self.finish(now, Completion::Incomplete(reason))
    }

    fn finish(&mut self, now: Moment, completion: Completion) -> Vec<Step> {
        let Some(run) = self.run.take() else { return Vec::new() };
        vec![Step::Done(Box::new(self.inspection(&run, now, completion)))]
    }

    fn inspection(&self, run: &Run, now: Moment, completion: Completion) -> Inspection {
        let mut quantities = run.stages.measured(&self.drum);
        quantities.push(measured(&self.drum, "lost-polls", "count", None, Ok(count(run.lost_polls))));
        quantities.extend(run.trace.left_out(&self.drum));
        Inspection {
            id: run.id.clone(),
            procedure: "tyre-endurance".to_owned(),
            place: self.place.clone(),
            subject: Subject {
                kind: SubjectKind::Sample,
                identities: run.identities.clone(),
                declaration: Declaration::None,
            },
            opened: run.opened,
            closed: now,
            completion,
            simulated: self.simulated,
            drill: false,
            operator: None,
            measured: quantities,
            alarms: run.alarms.values().cloned().collect(),
            faults: Vec::new(),
            readings: run.trace.readings(),
            whole: run.trace.whole(),
        }
    }
}

impl Run {
    fn subject(&self) -> &str {
        self.identities.first().map_or("", |identity| identity.text.as_str())
    }

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

fn count(number: u32) -> Indication {
    Indication { value: Decimal::whole(i64::from(number)), unit: Unit::Count, quality: Quality::Good }
}

#[cfg(test)]
mod tests;
