//! The pH bench: an electrode goes from the rinsing water into extract after extract.
//!
//! The electrode answers like a first-order system; immersions follow the scene's schedule until an
//! operator (or a test) takes over, and from then on only calls move the electrode.

use std::sync::{Mutex, PoisonError};

use super::{
    chance::{Chance, Purpose},
    rounding::{displayed, real},
};
use crate::scene::PhMeter;
use tidewaiter_drivers::Decimal;

/// Moves remembered: each moves the electrode for many response times, so older ones are forgotten
/// by the physics as well.
const REMEMBERED_MOVES: usize = 64;

/// The electrode is put somewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Move {
    at_ms: i64,
    into_ph: f64,
    /// Into the rinsing water.
    is_rinse: bool,
}

/// One specimen as the scene's schedule measures it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSpecimen {
    /// Sample number.
    pub sample: String,
    /// Category of GB 18401.
    pub category: String,
    /// When each parallel is immersed, scene milliseconds; empty when only an operator starts it.
    pub immersed_ms: Vec<i64>,
    /// How long each parallel is measured, milliseconds.
    pub dwell_ms: i64,
}

/// The bench and who moves the electrode.
#[derive(Debug)]
pub(crate) struct Bench {
    meter: PhMeter,
    chance: Chance,
    scheduled: Vec<Move>,
    called: Mutex<Vec<Move>>,
}

impl Bench {
    pub(crate) fn new(meter: PhMeter, chance: Chance) -> Self {
        let mut scheduled = Vec::new();
        for (specimen, plan) in meter.specimens.iter().zip(plan(&meter)) {
            for (&at_ms, &into_ph) in plan.immersed_ms.iter().zip(&specimen.ph) {
                scheduled.push(Move { at_ms, into_ph, is_rinse: false });
                scheduled.push(Move { at_ms: at_ms + meter.dwell.ms(), into_ph: meter.rinse_ph, is_rinse: true });
            }
        }
        scheduled.sort_by_key(|it| it.at_ms);
        Self { meter, chance, scheduled, called: Mutex::default() }
    }

    pub(crate) fn plan(&self) -> Vec<PlannedSpecimen> {
        plan(&self.meter)
    }

    /// Puts the electrode into a parallel (from 1) of a specimen, or into the rinsing water.
    ///
    /// From one extract to the next it is rinsed for the scene's time, as in any laboratory.
    pub(crate) fn immerse(&self, at_ms: i64, into: Option<(&str, usize)>) -> Result<(), NoSuchExtract> {
        let into_ph = match into {
            None => self.meter.rinse_ph,
            Some((sample, parallel)) => self
                .meter
                .specimens
                .iter()
                .find(|it| it.sample == sample)
                .and_then(|it| it.ph.get(parallel.checked_sub(1)?))
                .copied()
                .ok_or_else(|| NoSuchExtract {
                    sample: sample.to_owned(),
                    parallel,
                    known: self.meter.specimens.iter().map(|it| it.sample.as_str()).collect::<Vec<_>>().join(", "),
                })?,
        };
        let mut called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
        // A move not yet made is not made any more.
        called.retain(|it| it.at_ms <= at_ms);
        let dry = called.last().is_none_or(|it| it.is_rinse);
        let is_rinse = into.is_none();
        if !dry && !is_rinse {
            called.push(Move { at_ms, into_ph: self.meter.rinse_ph, is_rinse: true });
        }
        let at_ms = if dry || is_rinse { at_ms } else { at_ms + self.meter.rinse.ms() };
        called.push(Move { at_ms, into_ph, is_rinse });
        let forgotten = called.len().saturating_sub(REMEMBERED_MOVES);
        called.drain(..forgotten);
        Ok(())
    }

    /// Indicated pH and temperature.
    pub(crate) fn indicated(&self, at_ms: i64) -> (Decimal, Decimal) {
        let called = self.called.lock().unwrap_or_else(PoisonError::into_inner);
        let moves: &[Move] = if called.is_empty() { &self.scheduled } else { &called };
        let round = self.meter.again.map(crate::scene::Span::ms).filter(|it| *it > 0 && called.is_empty() && at_ms > 0);
        let into_round = round.map_or(at_ms, |round| at_ms % round);
        let response = self.meter.response.seconds().max(0.001);
        let (mut value, mut target, mut since) = (self.meter.rinse_ph, self.meter.rinse_ph, i64::MIN);
        let settle = |value: f64, target: f64, from: i64, to: i64| {
            if from == i64::MIN {
                target
            } else {
                target + (value - target) * (-real(to - from) / 1000.0 / response).exp()
            }
        };
        for step in moves.iter().take_while(|it| it.at_ms <= into_round) {
            value = settle(value, target, since, step.at_ms);
            (target, since) = (step.into_ph, step.at_ms);
        }
        value = settle(value, target, since, into_round);
        drop(called);
        let mut draw = self.chance.draw(Purpose::Ph, at_ms);
        let celsius = self.meter.celsius + 0.02 * draw.normal();
        (displayed(value + self.meter.noise * draw.normal(), 2), displayed(celsius, 1))
    }
}

fn plan(meter: &PhMeter) -> Vec<PlannedSpecimen> {
    let turn = meter.dwell.ms() + meter.rinse.ms();
    let planned = |at: i64, parallels: usize| {
        std::iter::successors(Some(at), |it| Some(it + turn)).take(parallels).collect::<Vec<_>>()
    };
    meter
        .specimens
        .iter()
        .map(|it| PlannedSpecimen {
            sample: it.sample.clone(),
            category: it.category.clone(),
            immersed_ms: it.at.map_or_else(Vec::new, |at| planned(at.ms(), it.ph.len())),
            dwell_ms: meter.dwell.ms(),
        })
        .collect()
}

/// No extract bears this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no extract {parallel} of sample {sample:?}; parallels count from 1, samples of this scene are {known}")]
pub struct NoSuchExtract {
    sample: String,
    parallel: usize,
    known: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::Scene;

    fn bench() -> Bench {
        let scene = Scene::from_toml(
            "title = 't'\nseed = 1\n[ph_meter]\nresponse = '5 s'\ndwell = '60 s'\nrinse = '15 s'\nrinse_ph = 6.1\n\
             [[ph_meter.specimen]]\nsample = 'S-1'\ncategory = 'B'\ngoods = 'cloth'\nph = [7.62, 7.60, 7.58]\nat = '10 s'",
        )
        .unwrap();
        Bench::new(scene.ph_meter.unwrap(), Chance::new(1))
    }

    fn shown(bench: &Bench, at_ms: i64) -> f64 {
        super::super::rounding::as_real(bench.indicated(at_ms).0)
    }

    #[test]
    fn the_electrode_approaches_stays_and_is_rinsed() {
        let bench = bench();
        assert!((shown(&bench, 0) - 6.1).abs() < 0.02);
        // One response time after immersion 63 % of the step is covered.
        assert!((shown(&bench, 15_000) - (6.1 + 1.52 * 0.632)).abs() < 0.03);
        // In the last ten seconds it drifts less than 0.02.
        let last: Vec<f64> = (60..70).map(|s| shown(&bench, s * 1000)).collect();
        let (low, high) = last.iter().fold((9.0_f64, 0.0_f64), |(low, high), it| (low.min(*it), high.max(*it)));
        assert!(high - low <= 0.02 && (high - 7.62).abs() < 0.02, "{last:?}");
        assert!((shown(&bench, 84_900) - 6.1).abs() < 0.1);
        assert_eq!(bench.plan()[0].immersed_ms, [10_000, 85_000, 160_000]);
    }

    #[test]
    fn a_schedule_that_begins_again_measures_the_same() {
        let mut bench = bench();
        bench.meter.again = Some(crate::scene::Span::from_ms(240_000));
        for at_ms in [5_000, 69_000, 84_900, 200_000] {
            assert!((shown(&bench, at_ms) - shown(&bench, at_ms + 10 * 240_000)).abs() < 0.02, "{at_ms}");
        }
        bench.immerse(1_000_000, None).unwrap();
        assert!((shown(&bench, 1_040_000) - 6.1).abs() < 0.02, "whoever takes the electrode has it");
    }

    #[test]
    fn a_call_takes_the_bench_over_from_the_schedule() {
        let bench = bench();
        bench.immerse(1_000, Some(("S-1", 3))).unwrap();
        assert!((shown(&bench, 120_000) - 7.58).abs() < 0.02);
        // Into the next extract by way of the rinse, which takes 15 s in this scene.
        bench.immerse(120_000, Some(("S-1", 2))).unwrap();
        assert!((shown(&bench, 134_900) - 6.1).abs() < 0.1);
        assert!((shown(&bench, 180_000) - 7.60).abs() < 0.02);
        bench.immerse(181_000, None).unwrap();
        assert!((shown(&bench, 240_000) - 6.1).abs() < 0.02);
        let refused = bench.immerse(250_000, Some(("S-1", 4))).unwrap_err().to_string();
        assert_eq!(refused, "no extract 4 of sample \"S-1\"; parallels count from 1, samples of this scene are S-1");
    }
}
