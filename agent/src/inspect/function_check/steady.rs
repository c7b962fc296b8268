//! The checks that wait for a channel to hold still, and the one that takes a mean.
//!
//! A target is something of known value that the instrument is shown: nothing on the platform, a test mass, a buffer. An
//! indication counts for a target only within reach of it: an empty scale says nothing of a test mass, and rinse water
//! nothing of a buffer. What never comes into reach runs into the time limit, which is a failed check.

use std::{collections::VecDeque, time::Duration};

use tidewaiter_config::site::{Buffer, reference_parameter};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Missing, Outcome, Quality, Reading},
};
use tidewaiter_screening::{conversion::Conversion, inspection::Measured};

use super::super::{mean::mean, millis};
use crate::acquire::channel;

/// A pH meter this far from a buffer is not in it.
const PH_REACH: i64 = 1;
/// The display has left a value beyond this many times the drift.
const DEPARTURE: i64 = 5;
/// Readings a steady stretch needs at least, whatever the rate.
const LEAST_READINGS: usize = 3;
/// Readings of a steady stretch held at most.
const WINDOW: usize = 256;
/// The error of a scale at a test mass; limit rows on it ask for the load too.
const SCALE_ERROR: &str = "scale-error";

/// Targets shown one after the other, each until the channel holds still.
#[derive(Debug)]
pub(super) struct Steady {
    channels: &'static [&'static str],
    unit: Unit,
    /// Greatest change while still.
    drift: Decimal,
    still_ms: u64,
    /// Names of the error and of the margin.
    error: &'static str,
    margin: &'static str,
    targets: Vec<Target>,
    window: VecDeque<(u64, Decimal)>,
    /// The value the display must leave before the next target counts.
    leaving: Option<Decimal>,
}

#[derive(Debug)]
struct Target {
    nominal: Decimal,
    tolerance: Decimal,
    /// How far from `nominal` an indication may be to be one of this target; `None` takes any.
    reach: Option<Decimal>,
    found: Option<Decimal>,
}

/// A reference whose value is the mean of some readings.
#[derive(Debug)]
pub(super) struct Average {
    channel: String,
    unit: Unit,
    nominal: Decimal,
    tolerance: Decimal,
    wanted: usize,
    values: Vec<Decimal>,
}

impl Steady {
    /// The empty scale.
    pub(super) fn zero(tolerance: Decimal, unit: Unit, steady: Duration) -> Self {
        let target = Target { nominal: Decimal::ZERO, tolerance, reach: None, found: None };
        Self::new(
            &[channel::MASS, channel::GROSS],
            unit,
            tolerance,
            steady,
            ("zero-error", "zero-margin"),
            vec![target],
        )
    }

    /// A test mass.
    pub(super) fn mass(mass: Decimal, tolerance: Decimal, unit: Unit, steady: Duration) -> Self {
        let reach = Decimal::new(5, 1).and_then(|half| mass.checked_mul(half));
        let target = Target { nominal: mass, tolerance, reach, found: None };
        Self::new(&[channel::MASS, channel::GROSS], unit, tolerance, steady, (SCALE_ERROR, "mass-margin"), vec![target])
    }

    /// One buffer after the other.
    pub(super) fn buffers(buffers: &[Buffer], drift: Decimal, steady: Duration) -> Self {
        let reach = Some(Decimal::whole(PH_REACH));
        let target = |it: &Buffer| Target { nominal: it.ph, tolerance: it.tolerance, reach, found: None };
        let targets = buffers.iter().map(target).collect();
        Self::new(&[channel::PH], Unit::PH, drift, steady, ("ph-error", "ph-margin"), targets)
    }

    fn new(
        channels: &'static [&'static str],
        unit: Unit,
        drift: Decimal,
        steady: Duration,
        (error, margin): (&'static str, &'static str),
        targets: Vec<Target>,
    ) -> Self {
        let (window, leaving) = (VecDeque::new(), None);
        Self { channels, unit, drift, still_ms: millis(steady), error, margin, targets, window, leaving }
    }

    pub(super) fn reads(&self, channel: &str) -> bool {
        self.channels.contains(&channel)
    }

    /// Takes a reading; whether a target was accepted by it.
    pub(super) fn take(&mut self, reading: &Reading) -> bool {
        let Some(target) = self.targets.iter_mut().find(|it| it.found.is_none()) else { return false };
        // A gap or a moving display breaks the stretch: what happened in it is unknown.
        let Some(value) = usable(reading.outcome, self.unit) else {
            self.window.clear();
            return false;
        };
        let distance = |from: Decimal| value.checked_sub(from).map(Decimal::abs);
        let beyond = |from: Decimal, bound: Decimal| distance(from).is_none_or(|it| it.cmp_value(bound).is_gt());
        if let Some(left) = self.leaving {
            let departed = self.drift.checked_mul(Decimal::whole(DEPARTURE)).is_none_or(|bound| beyond(left, bound));
            if !departed {
                return false;
            }
            self.leaving = None;
            self.window.clear();
        }
        if target.reach.is_some_and(|reach| beyond(target.nominal, reach)) {
            self.window.clear();
            return false;
        }
        let at = reading.at.mono_ms;
        if let Some(last) = self.window.iter().rposition(|(_, held)| beyond(*held, self.drift)) {
            self.window.drain(..=last);
        }
        if self.window.len() >= WINDOW {
            self.window.remove(1);
        }
        self.window.push_back((at, value));
        let since = self.window.front().map_or(at, |(first, _)| *first);
        if self.window.len() < LEAST_READINGS || at.saturating_sub(since) < self.still_ms {
            return false;
        }
        target.found = Some(value);
        self.leaving = Some(value);
        self.window.clear();
        true
    }

    /// A gap: nothing holds still across it.
    pub(super) fn broken(&mut self) {
        self.window.clear();
    }

    /// The operator says that the next target is there.
    pub(super) fn next(&mut self) {
        self.leaving = None;
        self.window.clear();
    }

    pub(super) fn is_done(&self) -> bool {
        self.targets.iter().all(|it| it.found.is_some())
    }

    pub(super) fn measured(&self, instrument: &str, missing: Missing) -> Vec<Measured> {
        let mut measured = Vec::new();
        for target in &self.targets {
            let derivation = format!("at {} {}", target.nominal, self.unit);
            let told = told(target.found, target.nominal, target.tolerance, self.unit, missing);
            if self.error == SCALE_ERROR {
                let load = Ok(good(target.nominal, self.unit));
                measured.push(Measured::new("test-load", instrument, load, "test mass"));
            }
            measured.push(Measured::new(self.error, instrument, told.0, &derivation));
            measured.push(Measured::new(self.margin, instrument, told.1, &derivation));
        }
        measured
    }
}

impl Average {
    pub(super) fn new(channel: &str, nominal: Decimal, tolerance: Decimal, unit: Unit, readings: u16) -> Self {
        Self {
            channel: channel.to_owned(),
            unit,
            nominal,
            tolerance,
            wanted: usize::from(readings),
            values: Vec::new(),
        }
    }

    pub(super) fn reads(&self, channel: &str) -> bool {
        self.channel == channel
    }

    pub(super) fn take(&mut self, reading: &Reading) {
        if !self.is_done() {
            self.values.extend(usable(reading.outcome, self.unit));
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.values.len() >= self.wanted
    }

    pub(super) fn measured(&self, instrument: &str, missing: Missing) -> Vec<Measured> {
        let found = if self.is_done() { mean(&self.values) } else { None };
        let told = told(found, self.nominal, self.tolerance, self.unit, missing);
        let derivation = format!("mean({}) at {} {}", self.values.len(), self.nominal, self.unit);
        let mut measured = vec![Measured::new("reference-error", instrument, told.0, &derivation)];
        measured.extend(
            reference_parameter(self.unit).map(|margin| Measured::new(margin, instrument, told.1, &derivation)),
        );
        measured
    }
}

/// The number of a good indication in `unit`.
fn usable(outcome: Outcome, unit: Unit) -> Option<Decimal> {
    let indication = outcome.ok().filter(|it| it.quality == Quality::Good)?;
    Conversion::between(indication.unit, unit)?.apply(indication.value)
}

/// Error and margin of what was found.
fn told(
    found: Option<Decimal>,
    nominal: Decimal,
    tolerance: Decimal,
    unit: Unit,
    missing: Missing,
) -> (Outcome, Outcome) {
    let error = found.and_then(|found| found.checked_sub(nominal));
    let margin = error.and_then(|error| tolerance.checked_sub(error.abs()));
    let outcome = |value: Option<Decimal>| value.map(|value| good(value, unit)).ok_or(missing);
    (outcome(error), outcome(margin))
}

pub(super) const fn good(value: Decimal, unit: Unit) -> Indication {
    Indication { value, unit, quality: Quality::Good }
}
