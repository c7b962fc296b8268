//! Laboratory instruments: fibre testers, meters, photometers, balances, and the link they share.
//!
//! Each module is one protocol, both ways; the modules do not know each other. What an answer means for a
//! sample is decided by the procedure that asked for it.

pub mod astm;
pub mod dma;
pub mod fastness;
pub mod formaldehyde;
pub mod hanna;
pub mod hvi;
pub mod laqua;
pub mod moisture;
pub mod orion;
pub mod photometer;
pub mod seven;

use crate::{
    Decimal, Unit,
    reading::{Indication, Outcome, Quality},
};

/// A displayed value that nothing speaks against.
#[expect(clippy::unnecessary_wraps, reason = "what a channel is told is an outcome")]
const fn good(value: Decimal, unit: Unit) -> Outcome {
    Ok(Indication { value, unit, quality: Quality::Good })
}
