//! The weighbridge: axles roll on, the platform swings and settles, the indicator rounds.
//!
//! Platform and lorry answer a step of load like a damped oscillator: `1 − e^(−t/τ)·cos(2πft)`. A
//! rolling lorry shakes the platform in proportion to the mass already on it, so a lorry half on
//! the scale never looks settled for long. The zero point wanders slowly, as load cells do.

use std::f64::consts::TAU;

use tidewaiter_drivers::Decimal;

use super::{
    chance::{Chance, Purpose},
    rounding::{in_steps, real},
    traffic::Passage,
};
use crate::scene::Weighbridge;

/// Share of the mass on the front axle relative to each of the others.
const FRONT_AXLE: f64 = 0.6;

/// What the indicator shows; `None` beyond capacity, where this indicator falls silent.
pub(crate) fn indicated(
    scale: &Weighbridge,
    present: impl Iterator<Item = Passage>,
    chance: Chance,
    at_ms: i64,
) -> Option<Decimal> {
    let at = real(at_ms) / 1000.0;
    let load: f64 = present.map(|it| load(scale, &it, chance, at_ms)).sum();
    let zero = scale.zero_drift_kg * (TAU * at / scale.zero_drift_period.seconds().max(1.0)).sin();
    let noise = scale.noise_kg * chance.draw(Purpose::Scale, at_ms).normal();
    let total = load + zero + noise;
    (total <= scale.capacity_kg).then(|| in_steps(total, scale.scale_interval))
}

/// What the settled indication of this lorry is, without noise and drift.
pub(crate) fn settled(scale: &Weighbridge, passage: &Passage) -> Decimal {
    in_steps(f64::from(passage.lorry.mass_kg), scale.scale_interval)
}

fn load(scale: &Weighbridge, passage: &Passage, chance: Chance, at_ms: i64) -> f64 {
    let lorry = &passage.lorry;
    let (on, off) = (real(lorry.drive_on_ms()) / 1000.0, real(lorry.drive_off_ms()) / 1000.0);
    let since_arrival = real(at_ms - passage.arrives_ms) / 1000.0;
    let since_start = real(at_ms - passage.starts_off_ms()) / 1000.0;
    let shares = FRONT_AXLE + f64::from(lorry.axles - 1);
    let mass = f64::from(lorry.mass_kg);
    let (mut felt, mut resting) = (0.0, 0.0);
    for axle in 0..lorry.axles {
        let share = mass * if axle == 0 { FRONT_AXLE } else { 1.0 } / shares;
        let place = f64::from(axle) / f64::from(lorry.axles - 1).max(1.0);
        let (since_on, since_off) = (since_arrival - place * on, since_start - place * off);
        felt += share * (step(scale, since_on) - step(scale, since_off));
        resting += if since_on >= 0.0 && since_off < 0.0 { share } else { 0.0 };
    }
    let rolling = (0.0..on).contains(&since_arrival) || (0.0..off).contains(&since_start);
    if rolling {
        let mut draw = chance.draw(Purpose::Rolling, passage.number.cast_signed());
        let (slow, fast) = (draw.between(0.0, TAU), draw.between(0.0, TAU));
        felt += resting
            * scale.rolling
            * ((TAU * 1.9 * since_arrival + slow).sin() + 0.6 * (TAU * 3.3 * since_arrival + fast).sin());
    }
    felt
}

/// Answer of the platform to a unit load put on `since` seconds ago.
fn step(scale: &Weighbridge, since: f64) -> f64 {
    if since < 0.0 {
        return 0.0;
    }
    1.0 - (-since / scale.damping.seconds().max(0.001)).exp() * (TAU * scale.natural_hz * since).cos()
}
