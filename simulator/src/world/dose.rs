//! The dose-rate monitor beside the weighbridge.
//!
//! The natural background breathes slowly (radon, rain) and each indication carries counting noise.
//! A source adds its share while the lorry rolls up, stands and leaves; its strength follows from the
//! net count rate the portal sees, because both detectors see the same natural background.

use std::f64::consts::TAU;

use super::{
    chance::{Chance, Purpose},
    rounding::real,
    traffic::Passage,
};
use crate::scene::{Gamma, Portal};

/// The monitor renews its indication this often.
const UPDATE_MS: i64 = 200;
/// Periods of the natural fluctuation in seconds, with their weights; none divides another.
const NATURAL: [(f64, f64); 3] = [(1_117.0, 0.5), (4_049.0, 0.3), (313.0, 0.2)];

/// Dose rate in microgray per hour as indicated at this time, before rounding.
pub(crate) fn rate(
    gamma: &Gamma,
    portal: Option<&Portal>,
    passage: Option<&Passage>,
    chance: Chance,
    at_ms: i64,
) -> f64 {
    let update = at_ms.div_euclid(UPDATE_MS);
    let at = update * UPDATE_MS;
    let source = passage.map_or(0.0, |it| source(gamma, portal, it) * presence(it, at));
    let value = natural(gamma, at) + source;
    let noise = 1.0 + gamma.noise * chance.draw(Purpose::Dose, update).normal();
    (value * noise).max(0.0)
}

/// What the source of this lorry adds while it stands beside the monitor.
pub(crate) fn source(gamma: &Gamma, portal: Option<&Portal>, passage: &Passage) -> f64 {
    let default = Portal::default();
    let counts: f64 = portal.unwrap_or(&default).background_cps.iter().sum();
    passage.lorry.source_cps * gamma.background / counts.max(1.0)
}

fn natural(gamma: &Gamma, at_ms: i64) -> f64 {
    let at = real(at_ms) / 1000.0;
    let swing: f64 = NATURAL.iter().map(|(period, weight)| weight * (TAU * at / period).sin()).sum();
    gamma.background * (1.0 + gamma.fluctuation * swing)
}

/// 0 away, 1 beside the monitor, smooth between.
fn presence(passage: &Passage, at_ms: i64) -> f64 {
    let ramp = |since: i64, length: i64| {
        let part = (real(since) / real(length.max(1))).clamp(0.0, 1.0);
        part * part * (3.0 - 2.0 * part)
    };
    ramp(at_ms - passage.arrives_ms, passage.lorry.drive_on_ms())
        - ramp(at_ms - passage.starts_off_ms(), passage.lorry.drive_off_ms())
}
