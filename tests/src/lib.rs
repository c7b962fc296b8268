//! The harness: what the demo and the tests share.
//!
//! This crate may use every other; nothing uses it. The agent and the simulator meet only here.
//!
//! | module | what it sets up |
//! |---|---|
//! | [`broker`] | an MQTT broker inside the process, on a port of its own |
//! | [`stand`] | a folder with keys, registry, declarations and site file for a simulated scene |
//! | [`process`] | the real programs as child processes |
//! | [`tool`] | where programs are: ours, built when stale, and those of others |
//! | [`mosquitto`] | Eclipse Mosquitto as a child process |
//! | [`certs`] | a certification authority with certificates for broker and clients |
//! | [`world`] | agent, simulator and centre on one clock that tests move |
//! | [`fuzz`] | the promises of every reader of bytes, over arbitrary bytes |
//! | [`demo`] | the whole row, live: what `cargo demo` runs |

pub mod broker;
pub mod certs;
pub mod demo;
pub mod fuzz;
pub mod mosquitto;
pub mod process;
pub mod stand;
pub mod tool;
pub mod world;
