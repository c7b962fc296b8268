//! What the instrument node and its readers share.
//!
//! The node is a small board that brings bare sensors or an old serial scale onto RS-485. It serves the registers
//! of [`map`] over Modbus RTU, and one of its register blocks is sealed ([`block`]): sequence, uptime, values and a
//! MAC whose key only the node and the centre have. The gateway in between stores the block as it came and
//! cannot make one.
//!
//! Nothing here reads a clock or a port, keeps a key or allocates: firmware, agent and collector use the same code.
#![no_std]

pub mod block;
pub mod map;
#[cfg(feature = "seal")]
pub mod update;
