//! A bench by its list of quantities: what the site file says it measures, from instruments and from people.
//!
//! ```text
//! Idle ──trigger──► Open ──everything there, or the bench's own end──► complete
//!                     └─── the bench has ended, values are still to come ──► Settling ──► complete
//!                     └─── stopped, timed out, ended early, overtaken ──► incomplete(reason)
//! ```
//!
//! | trigger | opens | ends |
//! |---|---|---|
//! | operator | start | every quantity is there, stop, time limit |
//! | record | a statement, or a start that says whose it will be | the same, or a statement of another sample |
//! | state | the bench says that it runs | it says that it does not; last values come with or after that |
//! | mass | a settled load | the load is gone |
//!
//! A run ends complete when every required quantity is there. What is given up while the bench goes on, or while the
//! load is on the scale, is not opened again until that is over.
//!
//! An instrument that names its samples is believed to name each: a statement without a name belongs to the sample it
//! named last.

mod entry;
mod follow;
mod gathered;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tidewaiter_config::site::{self, Source, Trigger};
use tidewaiter_drivers::reading::{Moment, Reading};
use tidewaiter_screening::inspection::{Completion, Identity, IncompleteReason};

use self::{
    follow::{Phase, Watching},
    gathered::Gathered,
    run::Run,
};
use super::{
    Numbering, Operation, OperationError, Step, elapsed_ms, millis,
    names::{MANUAL, READ, name, typed},
};
use crate::acquire::{Arrival, Content, LinkState, Mark, channel};

/// How long values of other instruments may come after the end of a run, when nothing that is required is missing.
const SETTLING_MS: u64 = 10_000;

/// The machine of one rig.
#[derive(Debug)]
pub(crate) struct Bench {
    place: String,
    /// Its section of the site file.
    setup: site::Bench,
    simulated: bool,
    limit_ms: u64,
    /// Instruments whose every statement is one measurement.
    on_event: Vec<String>,
    /// Channels that the programme holds within tolerances.
    held: Vec<String>,
    numbering: Numbering,
    /// What is known of the specimen of the next run.
    named: Vec<Identity>,
    /// When the newest of these names was read.
    named_ms: u64,
    /// What the bench was doing when it was looked at last.
    phase: Option<Phase>,
    /// The sample each instrument named last.
    marks: BTreeMap<String, String>,
    /// What the empty bench shows, by quantity.
    vacant: Vec<Gathered>,
    watching: Watching,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    Open(Box<Run>),
    /// Given up, and the bench goes on or the load is still there.
    Leaving,
}

/// What a bench is made of besides its section of the site file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// Longest time from start to completion, milliseconds.
    pub(crate) limit_ms: u64,
    /// Instruments whose every statement is one measurement.
    pub(crate) on_event: Vec<String>,
    /// Channels that the programme holds within tolerances.
    pub(crate) held: Vec<String>,
    /// Time from one look at the bench's state to the next, milliseconds.
    pub(crate) poll_ms: u64,
    /// One of its instruments is simulated.
    pub(crate) simulated: bool,
}

impl Bench {
    pub(crate) fn new(place: &str, boot: u64, setup: &site::Bench, around: Surroundings) -> Self {
        Self {
            place: place.to_owned(),
            setup: setup.clone(),
            simulated: around.simulated,
            limit_ms: around.limit_ms,
            on_event: around.on_event,
            held: around.held,
            numbering: Numbering::new(place, boot),
            named: Vec::new(),
            named_ms: 0,
            phase: None,
            marks: BTreeMap::new(),
            vacant: vec![Gathered::default(); setup.quantities.len()],
            watching: Watching::new(around.poll_ms),
            state: State::Idle,
        }
    }

    pub(crate) fn running(&self) -> Option<&str> {
        match &self.state {
            State::Open(run) => Some(run.subject()),
            State::Idle | State::Leaving => None,
        }
    }

    pub(crate) fn operate(
        &mut self,
        operation: &Operation,
        operator: &str,
        now: Moment,
    ) -> Result<Vec<Step>, OperationError> {
        match operation {
            Operation::Start { sample } => self.start(sample, now),
            Operation::Next => self.next(now),
            Operation::Stop => match &self.state {
                State::Open(run) => {
                    let whole = !self.is_under_way(run) && run.has_required(&self.setup);
                    Ok(self.give_up(now, (!whole).then_some(IncompleteReason::Stopped)))
                }
                _ => Err(OperationError::Idle(self.place.clone())),
            },
            Operation::Enter { values } => self.enter(values, operator, now),
        }
    }

    pub(crate) fn arrival(&mut self, arrival: &Arrival) -> Vec<Step> {
        let id: &str = &arrival.instrument;
        let measures =
            self.setup.quantities.iter().any(
                |quantity| matches!(&quantity.source, Source::Instrument { instrument, .. } if *instrument == *id),
            );
        let triggers = match &self.setup.trigger {
            Trigger::State(state) => state.instrument == *id,
            Trigger::Mass(mass) => mass.instrument == *id,
            Trigger::Operator | Trigger::Record => false,
        };
        if !measures && !triggers {
            return Vec::new();
        }
        let mut steps = Vec::new();
        match &arrival.content {
            Content::Readings(readings) => {
                match &self.setup.trigger {
                    Trigger::State(_) if triggers => steps.extend(self.follow(arrival.at, readings)),
                    Trigger::Mass(_) if triggers => steps.extend(self.weigh(arrival.at, readings)),
                    Trigger::Record => steps.extend(self.statement(id, arrival.at, readings)),
                    _ => {}
                }
                steps.extend(self.gather(arrival, readings));
            }
            Content::Identity(mark) => steps.extend(self.identify(id, arrival.at, mark)),
            Content::Missing(missing) => {
                if let State::Open(run) = &mut self.state {
                    run.missing(&self.setup, id, *missing);
                }
            }
            Content::Link(LinkState::Down) => {
                // Another instrument, with another sample, may hang on the line when it comes back.
                self.marks.remove(id);
                if triggers {
                    self.watching.lost();
                    if let State::Open(run) = &mut self.state {
                        run.unseen();
                    }
                }
            }
            _ => {}
        }
        steps.extend(self.advance(arrival.at));
        steps
    }

    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Step> {
        self.advance(now)
    }

    pub(crate) fn interrupt(&mut self, now: Moment) -> Vec<Step> {
        self.finish(now, Some(IncompleteReason::Interrupted))
    }

    fn start(&mut self, sample: &str, now: Moment) -> Result<Vec<Step>, OperationError> {
        let typed = typed("sample", sample);
        let follows = matches!(self.setup.trigger, Trigger::State(_) | Trigger::Mass(_));
        match &mut self.state {
            // A run that began without a name is this sample's: nobody else was named for it.
            State::Open(run) if run.is_nameless() => {
                run.identify(typed);
                Ok(self.remember(now))
            }
            State::Open(run) => {
                Err(OperationError::Running { rig: self.place.clone(), sample: run.subject().to_owned() })
            }
            // The bench or the load starts it; the operator says which specimen it will be.
            State::Idle | State::Leaving if follows => {
                self.named.retain(|identity| identity.source != MANUAL);
                name(&mut self.named, typed);
                Ok(Vec::new())
            }
            State::Idle | State::Leaving => {
                self.named.clear();
                self.named.push(typed);
                Ok(self.open(now, false))
            }
        }
    }

    fn next(&mut self, now: Moment) -> Result<Vec<Step>, OperationError> {
        if self.setup.trigger != Trigger::Operator {
            return Err(OperationError::NotHere { rig: self.place.clone(), step: "next" });
        }
        let settle_ms = millis(self.setup.settle);
        let State::Open(run) = &mut self.state else { return Err(OperationError::Idle(self.place.clone())) };
        run.next(now, settle_ms);
        Ok(self.remember(now))
    }

    fn enter(&mut self, values: &[(String, String)], operator: &str, now: Moment) -> Result<Vec<Step>, OperationError> {
        let State::Open(run) = &mut self.state else { return Err(OperationError::Idle(self.place.clone())) };
        let mut entries = Vec::with_capacity(values.len());
        for (parameter, text) in values {
            let found = self.setup.quantities.iter().position(|quantity| quantity.parameter == *parameter);
            let source = found.and_then(|index| Some((index, &self.setup.quantities.get(index)?.source)));
            match source {
                None => {
                    let typed = |it: &&site::Quantity| matches!(it.source, Source::Operator { .. });
                    let known = self.setup.quantities.iter().filter(typed).map(|it| it.parameter.clone()).collect();
                    let (rig, parameter) = (self.place.clone(), parameter.clone());
                    return Err(OperationError::NoSuchQuantity { rig, parameter, known });
                }
                Some((_, Source::Instrument { instrument, .. })) => {
                    let (parameter, instrument) = (parameter.clone(), instrument.clone());
                    return Err(OperationError::Measured { parameter, instrument });
                }
                Some((index, Source::Operator { unit })) => {
                    let indication = entry::read(text, *unit).map_err(|why| OperationError::NotAValue {
                        parameter: parameter.clone(),
                        text: text.clone(),
                        why,
                    })?;
                    entries.push((index, indication, text));
                }
            }
        }
        for (index, indication, text) in entries {
            run.enter(&self.setup, index, indication, text, operator, now);
        }
        let mut steps = self.remember(now);
        steps.extend(self.advance(now));
        Ok(steps)
    }

    /// What an instrument calls the sample.
    fn identify(&mut self, instrument: &str, now: Moment, mark: &Mark) -> Vec<Step> {
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
    fn statement(&mut self, instrument: &str, now: Moment, readings: &[Reading]) -> Vec<Step> {
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
    fn follow(&mut self, now: Moment, readings: &[Reading]) -> Vec<Step> {
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
    fn weigh(&mut self, now: Moment, readings: &[Reading]) -> Vec<Step> {
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

    /// Gives each reading to the quantities it is of.
    fn gather(&mut self, arrival: &Arrival, readings: &[Reading]) -> Vec<Step> {
        let id: &str = &arrival.instrument;
        let weighs = matches!(self.setup.trigger, Trigger::Mass(_));
        match &mut self.state {
            // What comes while the load is taken off is not of it.
            State::Open(_) if weighs && self.watching.is_vacant(&self.setup.trigger) => {}
            State::Open(run) => {
                if run.gather(&self.setup, arrival, readings) {
                    return self.remember(arrival.at);
                }
            }
            // With an operator, the background is measured within the run: until then anything may be in the bench.
            State::Idle if self.setup.trigger != Trigger::Operator && self.watching.is_vacant(&self.setup.trigger) => {
                for reading in readings {
                    for (index, quantity) in quantities_of(&self.setup, id, &reading.channel) {
                        if let (Some(wanted), Some(vacant)) = (quantity.background, self.vacant.get_mut(index)) {
                            vacant.take_background(wanted, reading.outcome);
                        }
                    }
                }
            }
            State::Idle | State::Leaving => {}
        }
        Vec::new()
    }

    fn open(&mut self, now: Moment, late: bool) -> Vec<Step> {
        let background = self.setup.trigger == Trigger::Operator
            && self.setup.quantities.iter().any(|quantity| quantity.background.is_some());
        let run = Run::new(
            self.numbering.take(),
            now,
            std::mem::take(&mut self.named),
            self.vacant.iter().map(Gathered::of_background).collect(),
            run::Begin {
                late,
                background,
                settle_ms: millis(self.setup.settle),
                held: self.setup.programme.is_some().then(|| self.held.clone()),
            },
        );
        self.state = State::Open(Box::new(run));
        self.remember(now)
    }

    /// Whether the bench itself still works on the run.
    fn is_under_way(&self, run: &Run) -> bool {
        matches!(self.setup.trigger, Trigger::State(_)) && !run.has_ended()
    }

    /// The next sample is here: the open run ends with what it has.
    fn overtaken(&mut self, now: Moment) -> Vec<Step> {
        let State::Open(run) = &self.state else { return Vec::new() };
        let whole = run.has_required(&self.setup);
        self.finish(now, (!whole).then_some(IncompleteReason::Overlap))
    }

    /// Ends our part in a run that the bench may go on with.
    fn give_up(&mut self, now: Moment, reason: Option<IncompleteReason>) -> Vec<Step> {
        let goes_on = match &self.state {
            State::Open(run) => self.is_under_way(run) || matches!(self.setup.trigger, Trigger::Mass(_)),
            _ => false,
        };
        let steps = self.finish(now, reason);
        if goes_on {
            self.state = State::Leaving;
        }
        steps
    }

    /// Whether the open run ends now.
    fn advance(&mut self, now: Moment) -> Vec<Step> {
        let State::Open(run) = &self.state else { return Vec::new() };
        let required = run.has_required(&self.setup);
        let by_itself = match &self.setup.trigger {
            Trigger::Operator | Trigger::Record => run.has_all(&self.setup),
            Trigger::State(_) => run
                .ended()
                .is_some_and(|ended| run.has_all(&self.setup) || (required && elapsed_ms(ended, now) >= SETTLING_MS)),
            Trigger::Mass(_) => false,
        };
        if by_itself {
            return self.finish(now, None);
        }
        if elapsed_ms(run.opened, now) >= self.limit_ms {
            let whole = required && !self.is_under_way(run);
            return self.give_up(now, (!whole).then_some(IncompleteReason::TimedOut));
        }
        Vec::new()
    }

    fn remember(&self, now: Moment) -> Vec<Step> {
        match &self.state {
            State::Open(run) => {
                let completion = Completion::Incomplete(IncompleteReason::Interrupted);
                vec![Step::Remember(Box::new(run.inspection(
                    &self.place,
                    &self.setup,
                    self.simulated,
                    now,
                    completion,
                )))]
            }
            _ => Vec::new(),
        }
    }

    fn finish(&mut self, now: Moment, reason: Option<IncompleteReason>) -> Vec<Step> {
        let State::Open(run) = std::mem::replace(&mut self.state, State::Idle) else { return Vec::new() };
        // Nobody witnessed the beginning of a run that was under way when it was first seen.
        let reason = reason.or_else(|| run.is_late().then_some(IncompleteReason::Interrupted));
        let completion = reason.map_or(Completion::Complete, Completion::Incomplete);
        vec![Step::Done(Box::new(run.inspection(&self.place, &self.setup, self.simulated, now, completion)))]
    }
}

/// The quantities that a channel of an instrument gives.
fn quantities_of<'b>(
    bench: &'b site::Bench,
    instrument: &'b str,
    channel: &'b str,
) -> impl Iterator<Item = (usize, &'b site::Quantity)> {
    bench.quantities.iter().enumerate().filter(move |(_, quantity)| {
        matches!(&quantity.source, Source::Instrument { instrument: id, channel: name } if id == instrument && name == channel)
    })
}

fn trigger_instrument(trigger: &Trigger) -> &str {
    match trigger {
        Trigger::State(state) => &state.instrument,
        Trigger::Mass(mass) => &mass.instrument,
        Trigger::Operator | Trigger::Record => "",
    }
}
