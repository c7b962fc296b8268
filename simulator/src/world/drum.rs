//! The tyre drum: mounted, brought up to speed, run through its programme, finished or failed.
//!
//! Stages and what they hold come from the step programme of the configuration crate. A stage runs
//! its least duration and a little longer, because whoever polls sees neither its first nor its last
//! instant. Distance is the integral of the speed, by construction.

use std::f64::consts::TAU;

use tidewaiter_config::limits::{Programme, Stage};
use tidewaiter_drivers::{
    Decimal, Unit,
    bench::tyre::{Alarm, AlarmBits, State},
};

use super::{
    chance::{Chance, Purpose},
    rounding::{as_real, below, real},
};
use crate::scene::{Drum, Run};

/// First test number; runs count up from it.
const FIRST_TEST: i64 = 20_260_001;
/// Share of a tolerance by which a held quantity swings around its middle.
const SWING: f64 = 0.2;
/// Room temperature without a programme that holds another.
const ROOM_CELSIUS: f64 = 25.0;
/// Warming of the shoulder above ambient in the long run, and how fast it gets there.
const SHOULDER_RISE: (f64, f64) = (32.0, 1_200.0);
/// Unloaded and loaded radius in millimetres.
const RADIUS_MM: (f64, f64) = (316.0, 296.2);

/// What a register shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shown {
    /// A whole number.
    Whole(i64),
    /// A measured number in this unit.
    Real(f64, Unit),
    /// A number in the channel's own unit, as displayed.
    Number(Decimal),
    /// Text.
    Text(String),
    /// No value: the register holds what its profile calls a sentinel.
    Absent,
}

/// The bench at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    pub(crate) state: State,
    pub(crate) alarms: AlarmBits,
    pub(crate) test: i64,
    /// Running time in milliseconds.
    pub(crate) elapsed_ms: i64,
    pub(crate) distance_m: f64,
    /// From 1; 0 before the first.
    pub(crate) stage: usize,
    pub(crate) barcode: String,
}

/// One drum and its programme.
#[derive(Clone, Debug)]
pub(crate) struct Rig {
    drum: Drum,
    programme: Programme,
    chance: Chance,
}

impl Rig {
    pub(crate) const fn new(drum: Drum, programme: Programme, chance: Chance) -> Self {
        Self { drum, programme, chance }
    }

    /// Running time of the whole programme.
    pub(crate) fn programme_ms(&self) -> i64 {
        self.programme.stages.iter().map(|it| self.stage_ms(it)).sum()
    }

    fn stage_ms(&self, stage: &Stage) -> i64 {
        i64::from(stage.duration_s) * 1000 + self.drum.overrun.ms()
    }

    /// Runs finished by `until_ms`, in order: the run, its start, its end.
    pub(crate) fn finished(&self, until_ms: i64) -> Vec<(&Run, i64, i64)> {
        let mut done: Vec<_> = self
            .drum
            .runs
            .iter()
            .flat_map(|run| {
                let last = self.drum.every.map_or(0, |every| until_ms.max(0) / every.ms().max(1));
                (0..=last).map(move |turn| (run, run.at.ms() + turn * self.drum.every.map_or(0, crate::Span::ms)))
            })
            .map(|(run, start)| (run, start, start + self.drum.conditioning.ms() + self.running_ms(run)))
            .filter(|(_, _, end)| *end <= until_ms)
            .collect();
        done.sort_by_key(|(_, start, _)| *start);
        done
    }

    fn running_ms(&self, run: &Run) -> i64 {
        run.fails_after.map_or(i64::MAX, crate::Span::ms).min(self.programme_ms())
    }

    /// Whether this run ends by failure of the tyre.
    pub(crate) fn fails(&self, run: &Run) -> bool {
        run.fails_after.is_some_and(|after| after.ms() < self.programme_ms())
    }

    pub(crate) fn moment(&self, at_ms: i64) -> Moment {
        let every = self.drum.every.map(crate::Span::ms).filter(|it| *it > 0);
        let (turn, local) = match every {
            Some(every) if at_ms >= 0 => (at_ms / every, at_ms % every),
            _ => (0, at_ms),
        };
        let begun =
            self.drum.runs.iter().enumerate().filter(|(_, run)| run.at.ms() <= local).max_by_key(|(_, run)| run.at);
        let idle = Moment {
            state: State::Idle,
            alarms: AlarmBits::default(),
            test: 0,
            elapsed_ms: 0,
            distance_m: 0.0,
            stage: 0,
            barcode: String::new(),
        };
        let Some((place, run)) = begun else {
            return idle;
        };
        let runs = i64::try_from(self.drum.runs.len()).unwrap_or(1);
        let test = FIRST_TEST + turn * runs + i64::try_from(place).unwrap_or(0);
        let mounted = Moment { test, barcode: run.barcode.clone(), ..idle.clone() };
        let since = local - run.at.ms() - self.drum.conditioning.ms();
        if since < 0 {
            return Moment { state: State::Conditioning, ..mounted };
        }
        let whole = self.running_ms(run);
        let (stage, distance_m) = self.progress(since.min(whole));
        let ran = Moment { elapsed_ms: since.min(whole), stage, distance_m, ..mounted };
        if since < whole {
            Moment { state: State::Running, ..ran }
        } else if since < whole + self.drum.dismount.ms() {
            if self.fails(run) {
                Moment {
                    state: State::FinishedFailed,
                    alarms: AlarmBits::default().with(Alarm::PressureLoss).with(Alarm::TyreFailure),
                    ..ran
                }
            } else {
                Moment { state: State::FinishedOk, ..ran }
            }
        } else {
            idle
        }
    }

    /// Stage number and distance after this running time.
    fn progress(&self, running_ms: i64) -> (usize, f64) {
        let (mut left, mut distance, mut stage) = (running_ms, 0.0, 0);
        for (place, it) in self.programme.stages.iter().enumerate() {
            stage = place + 1;
            let length = self.stage_ms(it);
            distance += middle(it, "speed").map_or(0.0, |(speed, _)| speed / 3.6) * real(left.min(length)) / 1000.0;
            if left < length {
                break;
            }
            left -= length;
        }
        (stage, distance)
    }

    /// What the channel of this name shows; `None` for a name this bench does not know.
    pub(crate) fn shown(&self, channel: &str, at_ms: i64) -> Option<Shown> {
        let now = self.moment(at_ms);
        let running = now.state == State::Running;
        Some(match channel {
            "state" => Shown::Whole(i64::from(now.state.register())),
            "alarms" => Shown::Whole(i64::from(now.alarms.0)),
            "test-number" => Shown::Whole(now.test),
            "elapsed" => Shown::Whole(now.elapsed_ms / 1000),
            "distance" => Shown::Whole(below(now.distance_m)),
            "stage" => Shown::Whole(i64::try_from(now.stage).unwrap_or(0)),
            "heartbeat" => Shown::Whole(at_ms.div_euclid(1000).rem_euclid(65_536)),
            "barcode" => Shown::Text(now.barcode),
            "speed" | "load" | "pressure" | "ambient" => self.held(channel, &now, at_ms),
            "shoulder-temperature" => {
                let (rise, time) = SHOULDER_RISE;
                let warmed = rise * (1.0 - (-real(now.elapsed_ms) / 1000.0 / time).exp());
                Shown::Real(ROOM_CELSIUS + warmed, Unit::Celsius)
            }
            "loaded-radius" => Shown::Real(if running { RADIUS_MM.1 } else { RADIUS_MM.0 }, Unit::Millimetre),
            // An endurance run measures no forces: the bench shows 0.
            "rolling-resistance" | "radial-force-variation" | "lateral-force-variation" | "conicity" => {
                Shown::Real(0.0, Unit::Newton)
            }
            _ => return None,
        })
    }

    fn held(&self, channel: &str, now: &Moment, at_ms: i64) -> Shown {
        let rest = match channel {
            "speed" => (0.0, Unit::KilometrePerHour),
            "load" => (0.0, Unit::Newton),
            "pressure" => (0.0, Unit::Kilopascal),
            _ => (ROOM_CELSIUS, Unit::Celsius),
        };
        let stage = now.stage.checked_sub(1).and_then(|it| self.programme.stages.get(it));
        let source = match now.state {
            State::Running => stage,
            // Coming up to the first stage's values.
            State::Conditioning => self.programme.stages.first(),
            _ if channel == "ambient" => self.programme.stages.first(),
            _ => None,
        };
        let Some(hold) = source.and_then(|it| it.hold.iter().find(|hold| hold.channel == channel)) else {
            return Shown::Real(rest.0, rest.1);
        };
        let (low, high) = (as_real(hold.low), as_real(hold.high));
        let phase = self.chance.numbered(Purpose::Drum, 0, now.test).unit();
        let swing = SWING * (high - low) / 2.0 * (TAU * (real(at_ms) / 7_000.0 + phase)).sin();
        Shown::Real(f64::midpoint(low, high) + swing, hold.unit)
    }
}

/// Middle of what a stage allows for a channel, and its unit.
fn middle(stage: &Stage, channel: &str) -> Option<(f64, Unit)> {
    let hold = stage.hold.iter().find(|it| it.channel == channel)?;
    Some((f64::midpoint(as_real(hold.low), as_real(hold.high)), hold.unit))
}
