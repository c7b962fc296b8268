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
mod operations;
mod progress;
mod run;
#[cfg(test)]
mod tests;
mod triggers;

use std::collections::BTreeMap;

use tidewaiter_config::site::{self, Source, Trigger};
use tidewaiter_drivers::reading::{Moment, Reading};
use tidewaiter_screening::inspection::{Completion, Identity, IncompleteReason};

use self::{
    follow::{Phase, Watching},
    gathered::Gathered,
    run::Run,
};
use super::{Numbering, Step, elapsed_ms, millis};
use crate::acquire::{Arrival, Content, LinkState};

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
