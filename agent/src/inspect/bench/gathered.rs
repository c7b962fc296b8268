//! The readings of one quantity while a run lasts, and the value they come to.

use std::{cmp::Ordering, collections::VecDeque};

use tidewaiter_config::site::{Quantity, Source, Take};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Doubt, Indication, Missing, Moment, Outcome, Quality},
};
use tidewaiter_screening::inspection::Measured;

use super::super::mean::divide;

/// Values that a derivation lists one by one; more are only counted.
const LISTED: usize = 8;

/// Instrument id of what a person typed.
pub(super) const OPERATOR: &str = "operator";

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It counts, and it is the first or one of the replicates.
    Decisive,
    /// It counts beside many others, or not at all.
    Indifferent,
    /// It is in another unit than those before it.
    OtherUnit,
}

/// What one quantity has so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    /// Replicates, oldest first; of a whole run only the one that counts.
    values: Vec<Indication>,
    /// Readings that counted, however many are kept.
    count: u32,
    sum: Option<Decimal>,
    /// Their sum does not fit.
    overflowed: bool,
    worst: Option<Quality>,
    newest_ms: u64,
    background: VecDeque<Indication>,
    unsettled: Option<Indication>,
    missing: Option<Missing>,
    entered_by: Option<String>,
}

impl Gathered {
    /// Takes a reading of a run; `most` is how many may count so far.
    pub(super) fn take(&mut self, quantity: &Quantity, outcome: Outcome, at: Moment, most: usize) -> Taken {
        let indication = match outcome {
            Ok(indication) => indication,
            Err(missing) => {
                self.missing = Some(missing);
                return Taken::Indifferent;
            }
        };
        if matches!(indication.quality, Quality::Uncertain(Doubt::Unstable | Doubt::Stale)) {
            self.unsettled = Some(indication);
            return Taken::Indifferent;
        }
        if self.values.first().is_some_and(|first| first.unit != indication.unit) {
            return Taken::OtherUnit;
        }
        if quantity.whole_run {
            self.add(quantity.take, indication);
            self.newest_ms = at.mono_ms;
            return if self.count == 1 { Taken::Decisive } else { Taken::Indifferent };
        }
        if self.values.len() >= most {
            // The newest of several counts until the run is over, and so does what was typed last.
            if quantity.take != Take::Last && !matches!(quantity.source, Source::Operator { .. }) {
                return Taken::Indifferent;
            }
            self.values.remove(0);
        }
        self.newest_ms = at.mono_ms;
        self.values.push(indication);
        self.count = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        Taken::Decisive
    }

    /// There is no value, and why.
    pub(super) fn miss(&mut self, missing: Missing) {
        self.missing = Some(missing);
    }

    /// What a person typed counts as a reading, and says who typed it.
    pub(super) fn enter(&mut self, quantity: &Quantity, indication: Indication, at: Moment, operator: &str) -> Taken {
        let taken = self.take(quantity, Ok(indication), at, usize::from(quantity.replicates));
        if taken == Taken::Decisive {
            self.entered_by = Some(operator.to_owned());
        }
        taken
    }

    /// Takes a reading of the empty bench; true when it makes the background whole.
    pub(super) fn take_background(&mut self, wanted: u16, outcome: Outcome) -> bool {
        let Ok(indication) = outcome else { return false };
        if indication.quality != Quality::Good {
            return false;
        }
        if self.background.front().is_some_and(|first| first.unit != indication.unit) {
            self.background.clear();
        }
        let was_whole = self.background.len() >= usize::from(wanted);
        if was_whole {
            self.background.pop_front();
        }
        self.background.push_back(indication);
        !was_whole && self.background.len() >= usize::from(wanted)
    }

    /// The same background, and nothing of a run.
    pub(super) fn of_background(background: &Self) -> Self {
        Self { background: background.background.clone(), ..Self::default() }
    }

    fn add(&mut self, take: Take, indication: Indication) {
        let value = indication.value;
        self.count = self.count.saturating_add(1);
        if !self.overflowed {
            self.sum = self.sum.map_or(Some(value), |sum| sum.checked_add(value));
            self.overflowed = self.sum.is_none();
        }
        self.worst = Some(worse(self.worst, indication.quality));
        let replaces = self.values.first().is_none_or(|kept| match take {
            Take::Greatest => value.cmp_value(kept.value) == Ordering::Greater,
            Take::Least => value.cmp_value(kept.value) == Ordering::Less,
            Take::Mean | Take::Each | Take::Last => true,
        });
        if replaces {
            self.values = vec![indication];
        }
    }

    /// Readings that counted.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Replicates, oldest first; of a whole run the one that counts.
    pub(super) fn values(&self) -> &[Indication] {
        &self.values
    }

    /// Why there was no value when there was none last.
    pub(super) const fn newest_missing(&self) -> Option<Missing> {
        self.missing
    }

    /// Whether it has nothing yet.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether it needs no further reading. The last value of a run counts when it is not from before `ended`.
    pub(super) fn is_full(&self, quantity: &Quantity, ended: Option<Moment>) -> bool {
        if !quantity.whole_run {
            return self.values.len() >= usize::from(quantity.replicates);
        }
        match (quantity.take, ended) {
            (Take::Last, Some(ended)) => self.count > 0 && self.newest_ms >= ended.mono_ms,
            _ => self.count > 0,
        }
    }

    /// The quantity as it enters the inspection; `full` as [`Self::is_full`] says.
    pub(super) fn measured(&self, quantity: &Quantity, full: bool) -> Vec<Measured> {
        let instrument = match &quantity.source {
            Source::Instrument { instrument, .. } => instrument.as_str(),
            Source::Operator { .. } => OPERATOR,
        };
        let (background, told) = self.background(quantity);
        let by = self.entered_by.as_ref().map_or_else(String::new, |name| format!(", entered by {name}"));
        let of = |outcome: Outcome, derivation: &str| Measured {
            basis: quantity.basis,
            background: background.filter(|(_, unit)| outcome.is_ok_and(|it| it.unit == *unit)).map(|(mean, _)| mean),
            ..Measured::new(&quantity.parameter, instrument, outcome, &format!("{derivation}{by}{told}"))
        };
        if !full {
            let (outcome, derivation) = self.lacking(quantity);
            return vec![of(outcome, &derivation)];
        }
        if quantity.take == Take::Each && self.values.len() > 1 {
            let each = |(number, value): (usize, &Indication)| {
                of(Ok(*value), &format!("replicate {number} of {}", self.values.len()))
            };
            return (1..).zip(&self.values).map(each).collect();
        }
        let (outcome, derivation) =
            if quantity.whole_run { self.of_run(quantity) } else { self.of_replicates(quantity) };
        vec![of(outcome, &derivation)]
    }

    /// What is there of a quantity that is not whole: shown with its quality, never judged as settled.
    fn lacking(&self, quantity: &Quantity) -> (Outcome, String) {
        let missing = Err(self.missing.unwrap_or(Missing::TimedOut));
        if quantity.whole_run && self.count > 0 {
            return (Err(self.missing.unwrap_or(Missing::NotPresent)), "not read at the end of the run".to_owned());
        }
        match self.unsettled.filter(|_| self.values.is_empty()) {
            Some(indication) => (Ok(indication), "newest, not settled".to_owned()),
            None if quantity.replicates > 1 => {
                (missing, format!("{} of {} replicates", self.values.len(), quantity.replicates))
            }
            None => (missing, "none".to_owned()),
        }
    }

    fn of_run(&self, quantity: &Quantity) -> (Outcome, String) {
        let word = quantity.take.word();
        let Some(kept) = self.values.first().copied() else { return (Err(Missing::NotPresent), "none".to_owned()) };
        let quality = self.worst.unwrap_or(kept.quality);
        let readings = if self.count == 1 { "reading" } else { "readings" };
        match quantity.take {
            Take::Last => (Ok(kept), "last of the run".to_owned()),
            Take::Mean => {
                let told = format!("{word} of the run, {} {readings}", self.count);
                let sum = self.sum.filter(|_| !self.overflowed);
                averaged(sum, self.count, Indication { quality, ..kept }, told, false)
            }
            _ => (Ok(Indication { quality, ..kept }), format!("{word} of the run, {} {readings}", self.count)),
        }
    }

    fn of_replicates(&self, quantity: &Quantity) -> (Outcome, String) {
        let word = quantity.take.word();
        let Some((newest, rest)) = self.values.split_last() else {
            return (Err(Missing::NotPresent), "none".to_owned());
        };
        if rest.is_empty() {
            return (Ok(*newest), "one value".to_owned());
        }
        let listed = if self.values.len() <= LISTED {
            let texts: Vec<String> = self.values.iter().map(|it| it.value.to_string()).collect();
            format!(": {}", texts.join(", "))
        } else {
            String::new()
        };
        let told = format!("{word} of {}{listed}", self.values.len());
        let worst = self.values.iter().fold(newest.quality, |so_far, it| worse(Some(so_far), it.quality));
        let extreme = |wanted: Ordering| {
            rest.iter().fold(*newest, |kept, it| if it.value.cmp_value(kept.value) == wanted { *it } else { kept })
        };
        match quantity.take {
            Take::Greatest => (Ok(Indication { quality: worst, ..extreme(Ordering::Greater) }), told),
            Take::Least => (Ok(Indication { quality: worst, ..extreme(Ordering::Less) }), told),
            Take::Last | Take::Each => (Ok(*newest), told),
            Take::Mean => {
                let sum = rest.iter().try_fold(newest.value, |sum, it| sum.checked_add(it.value));
                let alike = rest.iter().all(|it| it.value.cmp_value(newest.value).is_eq());
                averaged(sum, self.count, Indication { quality: worst, ..*newest }, told, alike)
            }
        }
    }

    /// Mean and unit of the background where it is whole, and what the derivation says of it.
    fn background(&self, quantity: &Quantity) -> (Option<(Decimal, Unit)>, String) {
        let Some(wanted) = quantity.background else { return (None, String::new()) };
        let seen = self.background.len();
        let newest = self.background.back();
        let mean = newest.filter(|_| seen >= usize::from(wanted)).and_then(|newest| {
            let mut values = self.background.iter().map(|it| it.value);
            let first = values.next()?;
            let sum = values.try_fold(first, Decimal::checked_add)?;
            Some((divide(sum, u32::try_from(seen).ok()?)?.value, newest.unit))
        });
        let told = match mean {
            Some(_) => format!("; background mean of {seen} readings"),
            None => format!("; no background, {seen} of {wanted} readings"),
        };
        (mean, told)
    }
}

/// The mean with its quality and unit as `like` has them. A grade is a rank and has no mean, unless all are `alike`.
fn averaged(sum: Option<Decimal>, count: u32, like: Indication, told: String, alike: bool) -> (Outcome, String) {
    if like.unit == Unit::FastnessGrade && !alike {
        return (Err(Missing::Refused), format!("{told}; grades that differ have no mean"));
    }
    match sum.and_then(|sum| divide(sum, count)) {
        Some(quotient) => {
            let told = if quotient.exact { told } else { format!("{told}; does not end, two places more kept") };
            (Ok(Indication { value: quotient.value, ..like }), told)
        }
        None => (Err(Missing::Overrange), format!("{told}; the sum does not fit")),
    }
}

/// The worse of two qualities.
fn worse(so_far: Option<Quality>, other: Quality) -> Quality {
    let rank = |quality: Quality| match quality {
        Quality::Good => 0,
        Quality::Uncertain(_) => 1,
        Quality::Bad(_) => 2,
    };
    so_far.filter(|so_far| rank(*so_far) >= rank(other)).unwrap_or(other)
}
