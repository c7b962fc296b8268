//! What operators do at a bench.

use tidewaiter_config::site::{self, Source, Trigger};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_screening::inspection::IncompleteReason;

use super::{
    super::{
        Operation, OperationError, Step, millis,
        names::{MANUAL, name, typed},
    },
    Bench, State, entry,
};

impl Bench {
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
}
