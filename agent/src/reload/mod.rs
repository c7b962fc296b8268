//! Another configuration while the agent runs, and the last good one for a start with a broken one.
//!
//! ```text
//! SIGHUP, POST /api/v1/reload ─► Candidate (read and checked as a whole) ─► Change (what follows)
//!                                   │ any fault                               │
//!                                   ▼                                         ▼
//!                     config-refused, last good stays          Ask::Turn ─► inspector: waits for the places it
//!                                                                concerns, closes ports, records, switches, opens ports
//!                                                                         └─► site watch: uplink, pulse, page …
//! ```
//!
//! - *Nothing or everything.* A configuration with any fault changes nothing; one without is in force from one record on.
//! - *Nobody else's readings.* Ports that are not concerned stay open, machines that are not concerned keep what they have
//!   begun. A place that is concerned is waited for; what is still open there when patience ends is recorded as interrupted.
//! - *The chain says so.* `config-activated` (and `limits-activated`) stand before the first result under the new
//!   configuration; a refused one has an event `config-refused`, once for each distinct state of its files.
//!
//! What can change and what needs a restart stands in `change.rs`. `kept.rs` lays the configuration in force by; a start
//! whose site file is broken goes on with that, and says so. Not here: what keys mean, that is the `config` crate's.

mod candidate;
mod change;
mod kept;
mod reloader;
mod start;
#[cfg(test)]
mod tests;

pub use self::{
    candidate::{Candidate, Faulty},
    change::Change,
    kept::{Good, Kept},
    reloader::{Answer, FaultLine, Outcome, Reloader, Request, Seat},
    start::{Beginning, begin, kept_dir},
};

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde::Serialize;
use tidewaiter_config::site::Site;
use tidewaiter_record::Hash;

use crate::{acquire::Ports, outbox::Refusal};

/// How long places are waited for unless somebody says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The longest that can be asked for.
pub const MOST_PATIENCE: Duration = Duration::from_secs(3_600);

/// A configuration that was refused and is still the one on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// SHA-256 of the site file; absent when it could not be read.
    pub digest: Option<Hash>,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// How many faults.
    pub faults: usize,
    /// The first of them, `file:line:column: error: …`.
    pub first: String,
    /// The agent was started with the configuration before it.
    pub at_start: bool,
}

/// What the inspector is asked to go over to.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The site.
    pub site: Arc<Site>,
    /// What follows from it.
    pub change: Change,
    /// The ports.
    pub ports: Ports,
    /// How long places are waited for.
    pub wait: Duration,
    /// The run on a rig may be cut when patience ends.
    pub interrupt: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Turned {
    /// The site in force: with the signed tables, where tables come signed.
    pub site: Arc<Site>,
    /// Places whose open inspection was recorded as interrupted.
    pub interrupted: BTreeSet<String>,
}

/// Why the inspector stays with what it has.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// Rigs would lose a run that nobody allowed to cut.
    #[error("{} still at work; stop the run, wait, or say --interrupt", list(.0))]
    Busy(BTreeSet<String>),
    /// One at a time.
    #[error("another configuration is waiting for its places; try again when it is in force")]
    Waiting,
    /// The chain could not say so.
    #[error("the change could not be recorded: {0}")]
    Refused(#[from] Refusal),
}

fn list(places: &BTreeSet<String>) -> String {
    let names: Vec<&str> = places.iter().map(String::as_str).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}
