//! The instrument node without its board.
//!
//! Bytes, samples and instants come in; replies, orders to the watchdog and writes to the store go out. The board
//! under it owns the peripherals and the clock; on the host the same code runs in tests.
//!
//! ```text
//! line ─► server ─► served ─► input, store          node: the whole, and the only thing a board needs to call
//! ```
//!
//! Time is microseconds since the start, a `u64` that is passed in. Nothing here allocates, reads a clock or a port, or
//! panics: arithmetic says what happens at its ends, and nothing is indexed.
#![no_std]

pub mod board;
pub mod device;
pub mod input;
pub mod instant;
pub mod line;
pub mod node;
pub mod plant;
mod self_test;
mod served;
pub mod server;
pub mod store;
pub mod update;
