//! The harness: what the demo and the tests share.
//!
//! This crate may use every other; nothing uses it. The agent and the simulator meet only here.
//!
//! | module | what it sets up |
//! |---|---|
//! | [`broker`] | an MQTT broker inside the process, on a port of its own |
//! | [`stand`] | a folder with keys, registry, declarations and site file for a simulated scene |
//! | [`demo`] | the whole row, live: what `cargo demo` runs |

pub mod broker;
pub mod demo;
pub mod stand;
