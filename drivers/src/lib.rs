//! Instrument codecs and the numbers they read: bytes in, values out.
//!
//! The crate has no clock, no port and no heap, so the agent, the simulator and a Cortex-M node
//! share it. From the bottom up:
//!
//! - [`decimal`] and [`mod@unit`]: the only number that reaches a record, and the closed set of units;
//! - [`counting`]: exact comparison of counts with a background;
//! - [`wire`] and [`modbus`]: framing, checks and register layouts, which know no instrument;
//! - [`reading`]: an indication with its channel and time, or the reason there is none;
//! - one folder per family of instruments ([`scale`], [`portal`], [`radiation`], [`spectrometer`],
//!   [`mod@bench`], [`identity`], [`lab`]), each of which uses the layers below and never a sibling.
//!
//! Not here: opening ports, deciding when to ask, judging what was read.
#![no_std]

pub mod bench;
pub mod counting;
pub mod decimal;
pub mod identity;
pub mod lab;
pub mod modbus;
pub mod portal;
pub mod radiation;
pub mod reading;
pub mod scale;
pub mod spectrometer;
pub mod unit;
pub mod wire;

pub use decimal::Decimal;
pub use unit::Unit;
