//! What a spectrum says: energies, net areas, decision limits, known lines.
//!
//! A display and evidence aid. It computes with binary fractions; what a record may carry of it (gross counts, net
//! areas and their uncertainties) is computed in integers instead, see [`region::Area`]. Nothing here decides about a
//! lane: a candidate is a hint for a person and for the confirming measurement.

pub mod calibration;
pub mod iso11929;
pub mod limits;
pub mod lines;
mod normal;
pub mod peaks;
pub mod region;
pub mod scale;
pub mod width;

/// A decimal as a binary fraction, for computing.
pub fn approximate(value: tidewaiter_drivers::Decimal) -> f64 {
    // Digits beyond the sixteenth do not matter to statistics.
    #[allow(clippy::cast_precision_loss)]
    let digits = value.digits() as f64;
    digits / 10_f64.powi(i32::from(value.places()))
}

/// A count or a number of channels as a binary fraction, for computing.
pub(crate) fn real(count: u64) -> f64 {
    // Above 2^53 the nearest double differs by a part in 10^16.
    #[allow(clippy::cast_precision_loss)]
    let real = count as f64;
    real
}
