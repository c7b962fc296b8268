//! Programs killed, brokers gone, noise on every line: what is left is counted.
//!
//! The agent, the collector and, where it says so, the broker are the real programs in processes of
//! their own; the simulator lives in the test. SIGKILL ends a process between any two instructions; it
//! does not take away what the kernel has been given, so these tests say nothing about power cuts.
#![allow(clippy::indexing_slicing)]

mod audit;
mod broker;
mod killed;
mod noise;
mod row;
mod witness;

pub(crate) use audit::{Promises, audit};
pub(crate) use row::{BUSY, Poster, Row, runtime};

use tidewaiter_tests::process::pass;

#[test]
fn agent_killed_100_times() {
    pass(killed::agent(100));
}

#[test]
fn collector_killed_30_times() {
    pass(killed::collector(30));
}

#[test]
fn broker_killed_20_times() {
    pass(broker::killed(20));
}

#[test]
fn broker_away_for_30_s() {
    pass(broker::away());
}

#[test]
fn noise_on_every_port_is_never_a_reading() {
    pass(noise::on_every_port());
}
