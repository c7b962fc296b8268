//! What begins and ends the runs of a bench by itself: a statement, its own state, a load.

use tidewaiter_config::site::Trigger;
use tidewaiter_drivers::reading::{Moment, Reading};
use tidewaiter_screening::inspection::{Identity, IncompleteReason};

use super::{
    super::{
        Step,
        names::{MANUAL, READ, name},
    },
    Bench, State, follow,
    follow::Phase,
    quantities_of, trigger_instrument,
};
use crate::acquire::{Mark, channel};

impl Bench {
    /// What an instrument calls the sample.
    pub(super) fn identify(&mut self, instrument: &str, now: Moment, mark: &Mark) -> Vec<Step> {
        if mark.text.is_empty() {
            return Vec::new();
        }
        let identity = Identity {
            kind: mark.kind.to_owned(),
            text: mark.text.clone(),
            source: READ.to_owned(),
            confidence: mark.confidence,
        };
        if self.setup.trigger != Trigger::Record {
            return match &mut self.state {
                State::Open(run) => {
                    run.identify(identity);
                    self.remember(now)
                }
                _ => {
                    // The specimen that is mounted now: one read before it was never run.
                    self.named.retain(|it| it.source == MANUAL);
                    self.named_ms = now.mono_ms;
                    name(&mut self.named, identity);
                    Vec::new()
                }
            };
        }
        self.marks.insert(instrument.to_owned(), mark.text.clone());
        match &mut self.state {
            State::Open(run) if run.is_called(&mark.text) => Vec::new(),
            State::Open(run) if run.may_be_called(instrument, &self.setup) => {
                run.identify(identity);
                self.remember(now)
            }
            _ => {
                let mut steps = self.overtaken(now);
                self.named.clear();
                self.named.push(identity);
                steps.extend(self.open(now, false));
                steps
            }
        }
    }

    /// A statement begins a run where none is open, and the next one where the open run has it all and no name.
    pub(super) fn statement(&mut self, instrument: &str, now: Moment, readings: &[Reading]) -> Vec<Step> {
        let is_one = self.on_event.iter().any(|id| id == instrument);
        let wanted = |reading: &Reading| quantities_of(&self.setup, instrument, &reading.channel).next().is_some();
        if !is_one || !readings.iter().any(wanted) {
            return Vec::new();
        }
        let mut steps = Vec::new();
        let called = self.marks.get(instrument).map(|text| {
            let (kind, text, source) = ("sample".to_owned(), text.clone(), READ.to_owned());
            Identity { kind, text, source, confidence: None }
        });
        if let State::Open(run) = &mut self.state {
            if let Some(called) = called.filter(|_| run.may_be_called(instrument, &self.setup)) {
                run.identify(called);
                return steps;
            }
            if !run.is_nameless() || !run.repeats(&self.setup, instrument, readings) {
                return steps;
            }
            steps.extend(self.overtaken(now));
        } else if let Some(called) = called {
            name(&mut self.named, called);
        }
        steps.extend(self.open(now, false));
        steps
    }

    /// The bench's own state.
    pub(super) fn follow(&mut self, now: Moment, readings: &[Reading]) -> Vec<Step> {
        let Trigger::State(trigger) = &self.setup.trigger else { return Vec::new() };
        let Some(phase) = follow::phase(trigger, readings) else {
            if let State::Open(run) = &mut self.state {
                run.lost_polls += 1;
            }
            return Vec::new();
        };
        let marks = follow::marks(readings);
        let mut steps = Vec::new();
        let another = matches!(&self.state, State::Open(run) if run.has_ended() || run.is_another(marks));
        if phase == Phase::Running && another {
            steps.extend(match &self.state {
                State::Open(run) if !run.has_ended() => self.finish(now, Some(IncompleteReason::InstrumentStopped)),
                _ => self.overtaken(now),
            });
        }
        match phase {
            Phase::Running if matches!(self.state, State::Idle) => {
                let late = self.watching.is_late(marks);
                steps.extend(self.open(now, late));
            }
            Phase::Running | Phase::Paused => {}
            Phase::Complete | Phase::Failed | Phase::Rest => {
                self.watching.at_rest();
                if matches!(self.state, State::Leaving) {
                    self.state = State::Idle;
                }
                // The barcode of a specimen that is taken off is not the next one's; what is read with it is.
                let comes_to_rest = phase == Phase::Rest && self.phase.is_some_and(|it| it != Phase::Rest);
                if comes_to_rest && matches!(self.state, State::Idle) && self.named_ms < now.mono_ms {
                    self.named.retain(|identity| identity.source == MANUAL);
                }
            }
        }
        self.phase = Some(phase);
        let instrument = trigger_instrument(&self.setup.trigger).to_owned();
        let State::Open(run) = &mut self.state else { return steps };
        if phase != Phase::Rest || !run.has_ended() {
            run.alarmed(&instrument, readings);
        }
        match phase {
            Phase::Running => {
                if run.running(marks, readings) {
                    steps.extend(self.remember(now));
                }
            }
            Phase::Complete | Phase::Failed if !run.has_ended() => {
                run.end(&instrument, now, marks, phase == Phase::Failed);
                steps.extend(self.remember(now));
            }
            Phase::Paused | Phase::Complete | Phase::Failed => {}
            Phase::Rest if run.has_ended() => run.unloaded(),
            Phase::Rest => {
                run.end_early(marks);
                steps.extend(self.finish(now, Some(IncompleteReason::InstrumentStopped)));
            }
        }
        steps
    }

    /// The load on the scale.
    pub(super) fn weigh(&mut self, now: Moment, readings: &[Reading]) -> Vec<Step> {
        let Trigger::Mass(trigger) = &self.setup.trigger else { return Vec::new() };
        let mut steps = Vec::new();
        let masses = |it: &&Reading| it.channel == channel::MASS || it.channel == channel::GROSS;
        let indications: Vec<_> = readings.iter().filter(masses).filter_map(|it| it.outcome.ok()).collect();
        let (threshold, unit) = (trigger.threshold, trigger.unit);
        for indication in indications {
            // A mass in another unit is on no side of the threshold.
            if indication.unit != unit {
                continue;
            }
            let loaded = indication.value.cmp_value(threshold).is_ge();
            let gone = self.watching.weigh(loaded, now);
            match &self.state {
                State::Idle if loaded && follow::is_settled(indication) => steps.extend(self.open(now, false)),
                State::Open(run) if gone => {
                    let whole = run.has_required(&self.setup);
                    steps.extend(self.finish(now, (!whole).then_some(IncompleteReason::DroveOff)));
                }
                State::Leaving if gone => self.state = State::Idle,
                _ => {}
            }
        }
        steps
    }
}
