//! One stage of a run as it was seen.

use std::collections::BTreeMap;

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Missing, Outcome, Quality, Reading},
};
use tidewaiter_screening::{STAGE_DURATION, inspection::Measured};

/// Extremes and duration of a stage.
#[derive(Debug, Default)]
pub(super) struct Stage {
    first_elapsed: Option<Decimal>,
    pub(super) last_elapsed: Option<Decimal>,
    extremes: BTreeMap<String, (Indication, Indication)>,
    missing: BTreeMap<String, Missing>,
}

impl Stage {
    /// Takes one poll. `begin` is the elapsed time at which the stage began, as far as this poll can tell.
    pub(super) fn take(
        &mut self,
        begin: Option<Decimal>,
        elapsed: Option<Decimal>,
        held: &[String],
        readings: &[Reading],
    ) {
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
    pub(super) fn measured(&self, drum: &str, held: &[String], number: u16, unknown: Option<&str>) -> Vec<Measured> {
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
pub(super) fn measured(
    drum: &str,
    parameter: &str,
    derivation: &str,
    stage: Option<u16>,
    outcome: Outcome,
) -> Measured {
    Measured { stage, ..Measured::new(parameter, drum, outcome, derivation) }
}
