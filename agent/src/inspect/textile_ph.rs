//! Procedure textile pH: parallels on one meter, the mean of those from the second on.
//!
//! GB/T 7573 measures three parallel extracts; the first conditions the electrode. A parallel is
//! accepted when the displayed pH has moved less than `drift` for `steady`. The next one begins when
//! the display leaves the accepted value (electrode lifted and rinsed) or when the operator says so.
//!
//! ```text
//! Idle ──start──► Measuring(n) ──steady──► Accepted(n) ──left or next──► Measuring(n+1) … ──► done
//! ```

use std::{collections::VecDeque, time::Duration};

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Missing, Moment, Quality, Reading},
};
use tidewaiter_screening::{
    Inspection,
    inspection::{Completion, Declaration, Evidence, Identity, IncompleteReason, Measured, Subject, SubjectKind},
};

use super::{
    Numbering, Operation, OperationError, Step, Trace, elapsed_ms,
    mean::mean,
    millis,
    progress::{Awaits, Progress, Quantity},
};
use crate::acquire::{Arrival, Content};

/// The display counts as having left an accepted value beyond this many times `drift`.
const DEPARTURE: i64 = 5;
/// Readings a steady window needs at least, whatever the meter's rate.
const STEADY_READINGS: usize = 3;
/// Readings of a steady window held at most: a fast meter is thinned rather than unbounded.
const WINDOW: usize = 256;

/// The machine of one rig.
#[derive(Debug)]
pub(crate) struct TextilePh {
    place: String,
    meter: String,
    simulated: bool,
    parallels: usize,
    drift: Decimal,
    steady_ms: u64,
    spread: Decimal,
    limit_ms: u64,
    numbering: Numbering,
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    id: String,
    sample: String,
    opened: Moment,
    window: VecDeque<(u64, Decimal)>,
    accepted: Vec<Decimal>,
    /// Waiting for the display to leave the value accepted last.
    leaving: bool,
    temperature: Option<Indication>,
    last_missing: Option<Missing>,
    trace: Trace,
}

/// The configured figures of the procedure.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) meter: String,
    pub(crate) parallels: u8,
    pub(crate) drift: Decimal,
    pub(crate) steady: Duration,
    pub(crate) spread: Decimal,
    pub(crate) time_limit: Duration,
}

impl TextilePh {
    pub(crate) fn new(place: &str, boot: u64, figures: Figures, simulated: bool) -> Self {
        Self {
            place: place.to_owned(),
            meter: figures.meter,
            simulated,
            parallels: usize::from(figures.parallels),
            drift: figures.drift,
            steady_ms: millis(figures.steady),
            spread: figures.spread,
            limit_ms: millis(figures.time_limit),
            numbering: Numbering::new(place, boot),
            run: None,
        }
    }

    pub(crate) fn operate(&mut self, operation: &Operation, now: Moment) -> Result<Vec<Step>, OperationError> {
        match (operation, &mut self.run) {
            (Operation::Start { sample }, None) => {
                self.run = Some(Run {
                    id: self.numbering.take(),
                    sample: sample.clone(),
                    opened: now,
                    window: VecDeque::new(),
                    accepted: Vec::new(),
                    leaving: false,
                    temperature: None,
                    last_missing: None,
                    trace: Trace::default(),
                });
                Ok(self.remember(now))
            }
            (Operation::Start { .. }, Some(run)) => {
                Err(OperationError::Running { rig: self.place.clone(), sample: run.sample.clone() })
            }
            (_, None) => Err(OperationError::Idle(self.place.clone())),
            (Operation::Next, Some(run)) => {
                run.leaving = false;
                run.window.clear();
                Ok(Vec::new())
            }
            (Operation::Enter { .. }, Some(_)) => {
                Err(OperationError::NotHere { rig: self.place.clone(), step: "enter" })
            }
            (Operation::Stop, Some(_)) => Ok(self.finish(now, Completion::Incomplete(IncompleteReason::Stopped))),
        }
    }

    pub(crate) fn arrival(&mut self, arrival: &Arrival) -> Vec<Step> {
        if *arrival.instrument != *self.meter {
            return Vec::new();
        }
        let Some(run) = &mut self.run else { return Vec::new() };
        match &arrival.content {
            Content::Readings(readings) => {
                let mut raw = arrival.raw.to_vec();
                let mut decisive = false;
                for reading in readings {
                    let evidence = Run::evidence(&self.meter, reading, std::mem::take(&mut raw));
                    let accepted = reading.channel == "ph" && run.take(reading, self.drift, self.steady_ms);
                    if reading.channel == "temperature" {
                        run.temperature = reading.outcome.ok().or(run.temperature);
                    }
                    run.trace.keep(evidence, accepted);
                    decisive |= accepted;
                }
                if run.accepted.len() >= self.parallels {
                    return self.finish(arrival.at, Completion::Complete);
                }
                if decisive { self.remember(arrival.at) } else { Vec::new() }
            }
            Content::Missing(missing) => {
                run.last_missing = Some(*missing);
                // A gap breaks the steady window: what happened in it is unknown.
                run.window.clear();
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
        self.run.as_ref().map(|run| run.sample.as_str())
    }

    /// How far the run is.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let run = self.run.as_ref()?;
        let indication = |value: &Decimal| Indication { value: *value, unit: Unit::PH, quality: Quality::Good };
        Some(Progress {
            id: run.id.clone(),
            opened: run.opened,
            identities: vec![Self::identity(run)],
            awaits: if run.leaving { Awaits::Next } else { Awaits::Steady },
            stage: None,
            elapsed: None,
            quantities: vec![Quantity {
                parameter: "ph".to_owned(),
                instrument: Some(self.meter.clone()),
                wanted: u8::try_from(self.parallels).unwrap_or(u8::MAX),
                count: u32::try_from(run.accepted.len()).unwrap_or(u32::MAX),
                values: run.accepted.iter().map(indication).collect(),
                is_full: run.accepted.len() >= self.parallels,
                missing: run.last_missing,
            }],
            alarms: Vec::new(),
        })
    }

    fn identity(run: &Run) -> Identity {
        Identity { kind: "sample".to_owned(), text: run.sample.clone(), source: "manual".to_owned(), confidence: None }
    }

    fn remember(&self, now: Moment) -> Vec<Step> {
        self.run
            .iter()
            .map(|run| {
                Step::Remember(Box::new(self.inspection(
                    run,
                    now,
                    Completion::Incomplete(IncompleteReason::Interrupted),
                )))
            })
            .collect()
    }

    fn finish(&mut self, now: Moment, completion: Completion) -> Vec<Step> {
        let Some(run) = self.run.take() else { return Vec::new() };
        vec![Step::Done(Box::new(self.inspection(&run, now, completion)))]
    }

    fn inspection(&self, run: &Run, now: Moment, completion: Completion) -> Inspection {
        let mut measured = vec![self.result(run)];
        for (number, value) in (1_u16..).zip(&run.accepted) {
            measured.push(Measured {
                parameter: format!("ph-parallel-{number}"),
                derivation: "steady".to_owned(),
                ..self.measured(*value, Quality::Good)
            });
        }
        if let Some(temperature) = run.temperature {
            measured.push(Measured {
                parameter: "temperature".to_owned(),
                outcome: Ok(temperature),
                derivation: "last".to_owned(),
                ..self.measured(temperature.value, temperature.quality)
            });
        }
        measured.extend(run.trace.left_out(&self.meter));
        Inspection {
            id: run.id.clone(),
            procedure: "textile-ph".to_owned(),
            place: self.place.clone(),
            subject: Subject {
                kind: SubjectKind::Sample,
                identities: vec![Self::identity(run)],
                declaration: Declaration::None,
            },
            opened: run.opened,
            closed: now,
            completion,
            simulated: self.simulated,
            drill: false,
            operator: None,
            measured,
            alarms: Vec::new(),
            faults: Vec::new(),
            readings: run.trace.readings(),
            whole: run.trace.whole(),
        }
    }

    fn result(&self, run: &Run) -> Measured {
        let missing = Measured {
            parameter: "ph".to_owned(),
            outcome: Err(run.last_missing.unwrap_or(Missing::TimedOut)),
            derivation: format!("{} of {} parallels", run.accepted.len(), self.parallels),
            ..self.measured(Decimal::ZERO, Quality::Good)
        };
        if run.accepted.len() < self.parallels {
            return missing;
        }
        // With a single parallel there is nothing to leave out.
        let counted = if run.accepted.len() > 1 { run.accepted.get(1..).unwrap_or_default() } else { &run.accepted };
        let Some(mean) = mean(counted) else { return missing };
        let spread = counted
            .iter()
            .max_by(|a, b| a.cmp_value(**b))
            .zip(counted.iter().min_by(|a, b| a.cmp_value(**b)))
            .and_then(|(high, low)| high.checked_sub(*low));
        let quality = match spread {
            Some(spread) if spread.cmp_value(self.spread).is_le() => Quality::Good,
            // The parallels disagree: the method asks for a repetition, not for a verdict.
            _ => Quality::Uncertain(tidewaiter_drivers::reading::Doubt::Unstable),
        };
        let first = if run.accepted.len() > 1 { 2 } else { 1 };
        Measured { derivation: format!("mean({first}..{})", run.accepted.len()), ..self.measured(mean, quality) }
    }

    fn measured(&self, value: Decimal, quality: Quality) -> Measured {
        Measured::new("ph", &self.meter, Ok(Indication { value, unit: Unit::PH, quality }), "")
    }
}

impl Run {
    fn evidence(meter: &str, reading: &Reading, raw: Vec<u8>) -> Evidence {
        Evidence {
            instrument: meter.to_owned(),
            channel: reading.channel.to_string(),
            at: reading.at,
            outcome: reading.outcome,
            raw,
        }
    }

    /// Takes one pH reading; true when it completed a parallel.
    fn take(&mut self, reading: &Reading, drift: Decimal, steady_ms: u64) -> bool {
        let indication = match reading.outcome {
            Ok(indication) if matches!(indication.quality, Quality::Good) => indication,
            Ok(_) => return false,
            Err(missing) => {
                self.last_missing = Some(missing);
                self.window.clear();
                return false;
            }
        };
        let value = indication.value;
        if self.leaving {
            let departure = drift.checked_mul(Decimal::whole(DEPARTURE)).unwrap_or(drift);
            let left = self
                .accepted
                .last()
                .and_then(|accepted| value.checked_sub(*accepted))
                .is_none_or(|moved| moved.abs().cmp_value(departure).is_gt());
            if !left {
                return false;
            }
            self.leaving = false;
            self.window.clear();
        }
        let at = reading.at.mono_ms;
        // The steady stretch begins after the last reading that is further away: one in the middle counts as much as
        // the first.
        let away =
            |held: &(u64, Decimal)| value.checked_sub(held.1).is_none_or(|moved| moved.abs().cmp_value(drift).is_ge());
        if let Some(last) = self.window.iter().rposition(away) {
            self.window.drain(..=last);
        }
        if self.window.len() >= WINDOW {
            self.window.remove(1);
        }
        self.window.push_back((at, value));
        let steady = self.window.len() >= STEADY_READINGS
            && self.window.front().is_some_and(|(first, _)| at.saturating_sub(*first) >= steady_ms);
        if steady {
            self.accepted.push(value);
            self.leaving = true;
            self.window.clear();
        }
        steady
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::sync::Arc;

    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn machine() -> TextilePh {
        let figures = Figures {
            meter: "ph-1".into(),
            parallels: 3,
            drift: d("0.02"),
            steady: Duration::from_secs(3),
            spread: d("0.2"),
            time_limit: Duration::from_secs(120),
        };
        TextilePh::new("bench-a", 1, figures, true)
    }

    fn at(second: u64) -> Moment {
        Moment { mono_ms: second * 1000, wall_ms: 0 }
    }

    fn shows(second: u64, value: &str) -> Arrival {
        let reading = Reading {
            channel: "ph".try_into().unwrap(),
            at: at(second),
            outcome: Ok(Indication { value: d(value), unit: Unit::PH, quality: Quality::Good }),
        };
        Arrival {
            instrument: Arc::from("ph-1"),
            at: at(second),
            raw: bytes::Bytes::from(format!("{value}pH")),
            content: Content::Readings(vec![reading]),
        }
    }

    fn run(machine: &mut TextilePh, values: &[&str]) -> Vec<Step> {
        machine.operate(&Operation::Start { sample: "S-1".into() }, at(0)).unwrap();
        let mut steps = Vec::new();
        for (second, value) in (1..).zip(values) {
            steps.extend(machine.arrival(&shows(second, value)));
        }
        steps
    }

    fn done(steps: &[Step]) -> Option<&Inspection> {
        steps.iter().find_map(|step| if let Step::Done(inspection) = step { Some(inspection.as_ref()) } else { None })
    }

    #[test]
    fn three_parallels_give_the_mean_of_the_last_two() {
        let values = [
            "5.10", "6.00", "6.50", "6.51", "6.51", "6.51", "7.00", "6.80", "6.60", "6.60", "6.60", "6.60", "7.00",
            "6.71", "6.70", "6.70", "6.71", "6.70",
        ];
        let steps = run(&mut machine(), &values);
        let inspection = done(&steps).expect("complete");
        assert_eq!(inspection.completion, Completion::Complete);
        assert_eq!(inspection.measured[0].value().unwrap().0, d("6.655"));
        assert_eq!(inspection.measured[0].derivation, "mean(2..3)");
        assert_eq!(inspection.measured.len(), 4);
        assert!(inspection.readings.iter().any(|evidence| evidence.raw == b"6.51pH"));
    }

    #[test]
    fn a_drifting_meter_is_never_accepted() {
        let mut machine = machine();
        let values: Vec<String> = (0..100).map(|step| format!("5.{step:02}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let steps = run(&mut machine, &values);
        assert!(done(&steps).is_none());
        let steps = machine.tick(at(121));
        assert_eq!(done(&steps).unwrap().completion, Completion::Incomplete(IncompleteReason::TimedOut));
    }

    #[test]
    fn parallels_that_disagree_are_not_decisive() {
        let values = [
            "6.00", "6.00", "6.00", "6.00", "7.00", "6.00", "6.00", "6.00", "6.00", "7.50", "6.30", "6.30", "6.30",
            "6.30",
        ];
        let steps = run(&mut machine(), &values);
        let (_, _, quality) = done(&steps).unwrap().measured[0].value().unwrap();
        assert_ne!(quality, Quality::Good);
    }

    #[test]
    fn operations_out_of_order_are_refused() {
        let mut machine = machine();
        assert_eq!(machine.operate(&Operation::Stop, at(0)).unwrap_err(), OperationError::Idle("bench-a".into()));
        machine.operate(&Operation::Start { sample: "S-1".into() }, at(0)).unwrap();
        assert!(machine.operate(&Operation::Start { sample: "S-2".into() }, at(1)).is_err());
        let steps = machine.operate(&Operation::Stop, at(2)).unwrap();
        assert_eq!(done(&steps).unwrap().completion, Completion::Incomplete(IncompleteReason::Stopped));
    }

    #[test]
    fn a_step_back_in_the_middle_delays_a_parallel_and_no_more() {
        // 6.98 lies within the drift of the first reading and not of the last.
        let values = ["6.99", "6.98", "6.99", "7.00", "7.00", "7.00", "7.00"];
        let accepted = |values: &[&str]| {
            let mut machine = machine();
            run(&mut machine, values);
            machine.run.unwrap().accepted
        };
        assert_eq!(accepted(&values), [d("7.00")]);
        assert_eq!(accepted(&values[..5]), []);
        // However far apart the readings come.
        let mut slow = machine();
        slow.operate(&Operation::Start { sample: "S-1".into() }, at(0)).unwrap();
        for (second, value) in [(1, "6.99"), (2, "6.99"), (3, "6.98"), (7, "7.00"), (9, "7.00")] {
            slow.arrival(&shows(second, value));
        }
        assert_eq!(slow.run.unwrap().accepted, []);
    }
}
