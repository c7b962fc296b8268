//! What a bench says it is doing, and what lies on a scale: when a run begins and when it is over.

use tidewaiter_config::site::{StateTrigger, Trigger};
use tidewaiter_drivers::{
    Decimal,
    bench::tyre::{Alarm as BenchAlarm, AlarmBits},
    reading::{Doubt, Indication, Moment, Quality, Reading},
};

use super::super::{
    elapsed_ms,
    load::{Load, SWING_MS},
    stages::is_earlier,
};

/// What the state of a bench means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A run goes on.
    Running,
    /// It is halted, to be continued.
    Paused,
    /// It has come to its end.
    Complete,
    /// It has come to its end, and the specimen failed.
    Failed,
    /// Nothing runs.
    Rest,
}

/// What tells one run of a bench from the next, where the bench shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Its own time since the begin.
    pub(super) elapsed: Option<Decimal>,
    /// Its number of the test.
    pub(super) test_number: Option<Decimal>,
    /// The stage of its programme.
    pub(super) stage: Option<u16>,
}

impl Marks {
    /// Whether these marks belong to another run than `seen`.
    pub(super) fn is_another(self, seen: Self) -> bool {
        let other = |a: Option<Decimal>, b: Option<Decimal>| a.zip(b).is_some_and(|(a, b)| a.cmp_value(b).is_ne());
        other(self.test_number, seen.test_number) || is_earlier(self.elapsed, seen.elapsed)
    }

    /// These, and of `seen` what they lack.
    pub(super) fn or(self, seen: Self) -> Self {
        Self {
            elapsed: self.elapsed.or(seen.elapsed),
            test_number: self.test_number.or(seen.test_number),
            stage: self.stage.or(seen.stage),
        }
    }
}

fn value(readings: &[Reading], channel: &str) -> Option<Decimal> {
    readings
        .iter()
        .find(|reading| reading.channel == channel)
        .and_then(|reading| reading.outcome.ok())
        .map(|it| it.value)
}

/// What the bench is doing by this poll; `None` when it does not say.
pub(super) fn phase(trigger: &StateTrigger, readings: &[Reading]) -> Option<Phase> {
    let reading = readings.iter().find(|reading| reading.channel == trigger.channel.as_str())?;
    let indication = reading.outcome.ok()?;
    // A register outside its plausible range is no state at all.
    if matches!(indication.quality, Quality::Bad(_)) {
        return None;
    }
    let is_in = |states: &[Decimal]| states.iter().any(|state| state.cmp_value(indication.value).is_eq());
    Some(if is_in(&trigger.running) {
        Phase::Running
    } else if is_in(&trigger.paused) {
        Phase::Paused
    } else if is_in(&trigger.complete) {
        Phase::Complete
    } else if is_in(&trigger.failed) {
        Phase::Failed
    } else {
        Phase::Rest
    })
}

/// The marks of this poll, by the channel names that have a meaning of their own.
pub(super) fn marks(readings: &[Reading]) -> Marks {
    let stage = value(readings, "stage").and_then(|it| it.at_places(0)).and_then(|it| u16::try_from(it.digits()).ok());
    Marks { elapsed: value(readings, "elapsed"), test_number: value(readings, "test-number"), stage }
}

/// What the bench asserts when the specimen failed.
pub(super) const SPECIMEN_FAILED: &str = "specimen-failed";

/// The alarms of this poll, where the bench has a register for them.
pub(super) fn alarms(readings: &[Reading]) -> impl Iterator<Item = &'static str> {
    let bits = value(readings, "alarms").and_then(|it| it.at_places(0)).and_then(|it| u16::try_from(it.digits()).ok());
    bits.map(AlarmBits).into_iter().flat_map(AlarmBits::iter).map(|alarm| match alarm {
        // The same bit of the same register, whatever the specimen is.
        BenchAlarm::TyreFailure => SPECIMEN_FAILED,
        other => other.word(),
    })
}

/// Whether an indication has come to rest.
pub(super) fn is_settled(indication: Indication) -> bool {
    !matches!(indication.quality, Quality::Uncertain(Doubt::Unstable | Doubt::Stale))
}

/// What is known of the bench between its runs.
#[derive(Debug)]
pub(super) struct Watching {
    /// The bench was seen at rest, so that the next run will be seen from its begin.
    has_rested: bool,
    /// Elapsed time, in seconds, at which a run seen for the first time still counts as seen from its begin.
    late_s: u64,
    load: Load,
    loaded: bool,
}

impl Watching {
    /// `poll_ms` is the time from one look at the bench to the next; one look may be lost.
    pub(super) fn new(poll_ms: u64) -> Self {
        let late_s = poll_ms.saturating_mul(2).div_ceil(1000);
        Self { has_rested: false, late_s, load: Load::default(), loaded: false }
    }

    /// The bench can be seen no longer.
    pub(super) fn lost(&mut self) {
        self.has_rested = false;
    }

    pub(super) fn at_rest(&mut self) {
        self.has_rested = true;
    }

    /// Whether a run that is seen now was under way before; it takes the rest before it away.
    pub(super) fn is_late(&mut self, marks: Marks) -> bool {
        let rested = std::mem::replace(&mut self.has_rested, false);
        let limit = Decimal::whole(i64::try_from(self.late_s).unwrap_or(i64::MAX));
        match marks.elapsed {
            Some(elapsed) => is_earlier(Some(limit), Some(elapsed)) || marks.stage.is_some_and(|stage| stage > 1),
            None => !rested,
        }
    }

    /// Takes an indication on one side of the threshold; true when the load is gone.
    pub(super) fn weigh(&mut self, loaded: bool, at: Moment) -> bool {
        let since = self.load.take(loaded, at);
        self.loaded = loaded;
        !loaded && elapsed_ms(since, at) >= SWING_MS
    }

    /// Whether nothing is in the bench, as far as it can tell.
    pub(super) fn is_vacant(&self, trigger: &Trigger) -> bool {
        match trigger {
            Trigger::Operator | Trigger::Record => true,
            Trigger::State(_) => self.has_rested,
            Trigger::Mass(_) => !self.loaded,
        }
    }
}
