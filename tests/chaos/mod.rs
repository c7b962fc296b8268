//! Programs killed, brokers gone, noise on every line: what is left is counted.
//!
//! The agent, the collector and, where it says so, the broker are the real programs in processes of
//! their own; the simulator lives in the test. SIGKILL ends a process between any two instructions; it
//! does not take away what the kernel has been given, so these tests say nothing about power cuts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod audit;
mod broker;
mod killed;
mod noise;
mod row;
mod witness;

pub(crate) use row::{BUSY, Row, runtime};

#[test]
fn agent_killed_100_times() {
    killed::agent(100).unwrap();
}

#[test]
fn collector_killed_30_times() {
    killed::collector(30).unwrap();
}

#[test]
fn broker_killed_20_times() {
    broker::killed(20).unwrap();
}

#[test]
fn broker_away_for_30_s() {
    broker::away().unwrap();
}

#[test]
fn noise_on_every_port_is_never_a_reading() {
    noise::on_every_port().unwrap();
}
