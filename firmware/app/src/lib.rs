//! The instrument node without its board.
//!
//! Bytes, samples and instants come in; replies, orders to the watchdog and writes to the store go out. The board
//! under it owns the peripherals and the clock; on the host the same code runs in tests.
#![no_std]

pub mod board;
pub mod store;
