//! Codes of a 24-bit converter to the mass a scale would show.
//!
//! ```text
//! code ─► filter ─► − zero ─► × span ─► linearisation ─► to the scale interval ─► mass, g
//!                                              └──────► motion test
//! ```
//!
//! *Filter.* Mean of the last 2^n conversions, n 0 to 6, carried as a sum, so it loses nothing: a step is half through
//! after half of them and whole after all. Until as many have come the load counts as moving.
//!
//! *Range.* A code at either end of the converter is out of range at once and empties the filter. So is a mass above
//! Max + 9 d, where OIML R 76 wants the display dark, and one below −20 d.
//!
//! *Linearisation.* What is added at an indicated mass lies on a straight line between the points, and beyond them it
//! is that of the nearest.
//!
//! *Rounding.* To the nearest scale interval; at the changeover point itself away from zero.
//!
//! *Motion.* The load rests when the mass before rounding has stayed within a band of the mass it had, for a number of
//! conversions. Leaving the band starts the count anew.

use tidewaiter_node::block::{Sample, State};

use super::{
    aged_since,
    exact::{Fraction, times},
};
use crate::store::{Parameters, Point};

/// Longest filter, conversions.
pub const MAX_FILTER: usize = 64;
/// Greatest code of the converter; it says "or more".
pub const RAIL_HIGH: i32 = 0x7F_FFFF;
/// Least code of the converter; it says "or less".
pub const RAIL_LOW: i32 = -0x80_0000;

/// Scale intervals above Max that are still shown.
const OVER_INTERVALS: i64 = 9;
/// Scale intervals below zero that are still shown.
const UNDER_INTERVALS: i64 = -20;
/// Parts of a gram in which motion is watched.
const MOTION_PARTS: u8 = 8;

/// The mass in g of `codes` conversions that add up to `sum`, as a fraction; `None` for parameters that are none.
fn mass(parameters: &Parameters, sum: i64, codes: u8) -> Option<Fraction> {
    // Widths: 64 times a code and a zero of 24 bits, times a mass of 31: below 2^62. The denominator is below 2^38.
    let codes = i64::from(codes);
    let mut net = sum.wrapping_sub(i64::from(parameters.zero()).wrapping_mul(codes));
    let mut codes = codes.wrapping_mul(i64::from(parameters.span_codes()));
    if codes < 0 {
        (net, codes) = (net.wrapping_neg(), codes.wrapping_neg());
    }
    if codes == 0 {
        return None;
    }
    let numerator = times(i128::from(net), i64::from(parameters.span_mass()));
    let plain = Fraction { numerator, denominator: i128::from(codes) };
    // How far beyond a point, times the denominator; 2^31 times 2^38.
    let beyond = |point: Point| plain.numerator.wrapping_sub(times(plain.denominator, i64::from(point.mass)));
    let mut below: Option<Point> = None;
    for point in parameters.points() {
        if beyond(point) < 0 {
            let Some(low) = below else { return Some(plain.plus(point.correction)) };
            // low.correction + (mass − low.mass) · rise / run: 2^70 times 2^17 over 2^38 times 2^31. Points rise, so the
            // run is positive.
            let rise = i64::from(point.correction).wrapping_sub(i64::from(low.correction));
            let run = i64::from(point.mass).wrapping_sub(i64::from(low.mass));
            let numerator = times(plain.numerator, run).wrapping_add(times(beyond(low), rise));
            let fraction = Fraction { numerator, denominator: times(plain.denominator, run) };
            return Some(fraction.plus(low.correction));
        }
        below = Some(point);
    }
    Some(plain.plus(below.map_or(0, |point| point.correction)))
}

/// A load cell and what it said last.
#[derive(Debug)]
pub struct LoadCell {
    parameters: Option<Parameters>,
    codes: [i32; MAX_FILTER],
    /// How many of the codes count, the newest at `newest`.
    filled: u8,
    newest: u8,
    last: Option<u64>,
    shown: Sample,
    /// The mass, in parts of a gram, that the load must stay near, and for how many conversions it has.
    resting: Option<(i64, u8)>,
}

impl LoadCell {
    /// A load cell that has said nothing and is not calibrated.
    pub fn new() -> Self {
        Self {
            parameters: None,
            codes: [0; MAX_FILTER],
            filled: 0,
            newest: 0,
            last: None,
            shown: Sample::missing(State::NotPresent),
            resting: None,
        }
    }

    /// Takes its parameters and starts over.
    pub fn configure(&mut self, parameters: Option<Parameters>) {
        self.parameters = parameters;
        (self.filled, self.last, self.resting) = (0, None, None);
        self.shown = Sample::missing(State::NotPresent);
    }

    /// Takes a conversion.
    pub fn push(&mut self, at: u64, code: i32) {
        let Some(parameters) = self.parameters else { return };
        self.last = Some(at);
        let rail = match code {
            RAIL_HIGH.. => Some(State::Overrange),
            ..=RAIL_LOW => Some(State::Underrange),
            _ => None,
        };
        if let Some(state) = rail {
            // Codes from before tell nothing about what comes after.
            (self.filled, self.resting) = (0, None);
            // A cell wired the other way round falls under load.
            self.shown = Sample::missing(if parameters.span_codes() < 0 { opposite(state) } else { state });
            return;
        }
        let length = filter_length(&parameters);
        self.keep(code, length);
        let sum = self.codes.get(..usize::from(self.filled)).unwrap_or_default();
        let sum = sum.iter().fold(0_i64, |sum, &code| sum.wrapping_add(i64::from(code)));
        self.shown = self.show(&parameters, sum).unwrap_or(Sample::missing(State::Fault));
    }

    /// The mass now.
    pub fn sample(&self, now: u64) -> Sample {
        if self.parameters.is_none() { self.shown } else { aged_since(self.shown, self.last, now) }
    }

    fn keep(&mut self, code: i32, length: u8) {
        let next = self.newest.saturating_add(1);
        self.newest = if self.filled == 0 || next >= length { 0 } else { next };
        if let Some(place) = self.codes.get_mut(usize::from(self.newest)) {
            *place = code;
        }
        self.filled = self.filled.saturating_add(1).min(length);
    }

    fn show(&mut self, parameters: &Parameters, sum: i64) -> Option<Sample> {
        let mass = mass(parameters, sum, self.filled)?;
        let fine = mass.in_steps(1, MOTION_PARTS)?;
        // 32 bits times 8.
        let band = u64::from(parameters.motion_band()).wrapping_mul(u64::from(MOTION_PARTS));
        let still = match self.resting {
            Some((near, still)) if fine.abs_diff(near) <= band => {
                let still = still.saturating_add(1);
                self.resting = Some((near, still));
                still
            }
            _ => {
                self.resting = Some((fine, 1));
                1
            }
        };
        let interval = i64::from(parameters.scale_interval());
        let shown = mass.in_steps(parameters.scale_interval(), 1)?;
        // A mass below 2^62 in steps of one or more gives as much again. Max and interval have 31 bits.
        let grams = shown.wrapping_mul(interval);
        let most = i64::from(parameters.capacity()).wrapping_add(interval.wrapping_mul(OVER_INTERVALS));
        if grams > most {
            return Some(Sample::missing(State::Overrange));
        }
        if shown < UNDER_INTERVALS {
            return Some(Sample::missing(State::Underrange));
        }
        let rests = still >= parameters.still() && self.filled >= filter_length(parameters);
        let state = if rests { State::Good } else { State::Unstable };
        // A Max near the end of an i32, and the nine intervals above it.
        Some(i32::try_from(grams).map_or(Sample::missing(State::Overrange), |value| Sample { state, value }))
    }
}

/// Conversions the mean is taken of.
fn filter_length(parameters: &Parameters) -> u8 {
    1_u8.checked_shl(u32::from(parameters.filter())).unwrap_or(1).clamp(1, 64)
}

impl Default for LoadCell {
    fn default() -> Self {
        Self::new()
    }
}

fn opposite(state: State) -> State {
    match state {
        State::Overrange => State::Underrange,
        State::Underrange => State::Overrange,
        other => other,
    }
}

#[cfg(test)]
mod tests;
