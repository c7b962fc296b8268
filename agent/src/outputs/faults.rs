//! When an output that does not do what it is told becomes a record: once it has lasted, and not over and over.

use tidewaiter_config::site::Lines;
use tidewaiter_drivers::reading::Missing;

/// A fault must last so long: one lost answer is none.
const PATIENCE_MS: u64 = 3_000;
/// From one record about an output to the next, at least: a loose cable must not fill the chain.
const QUIET_MS: u64 = 60_000;

/// What is wrong with an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not answer, or refuses.
    NoAnswer(Missing),
    /// It reads back otherwise than it was written.
    Differs {
        /// Lines as they should be.
        wanted: Lines,
        /// Lines as they are.
        found: Lines,
    },
    /// The system does not give the lines.
    System(String),
}

impl Fault {
    /// Stable word.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::NoAnswer(_) => "no-answer",
            Self::Differs { .. } => "differs",
            Self::System(_) => "system",
        }
    }
}

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tell {
    /// It has been out of order since.
    Fault(Fault),
    /// It does what it is told again.
    Restored,
}

/// The account of one output.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// What lasts, and since when.
    now: Option<Fault>,
    since_ms: u64,
    /// What the chain says.
    told: bool,
    told_ms: Option<u64>,
}

impl Faults {
    /// Takes the outcome of one attempt; says what is to be recorded, if anything is.
    pub(super) fn take(&mut self, outcome: Option<Fault>, now_ms: u64) -> Option<Tell> {
        if outcome.is_some() != self.now.is_some() {
            self.since_ms = now_ms;
        }
        self.now = outcome;
        let lasted = now_ms.saturating_sub(self.since_ms) >= PATIENCE_MS;
        let quiet = self.told_ms.is_some_and(|told| now_ms.saturating_sub(told) < QUIET_MS);
        if self.now.is_some() == self.told || !lasted || quiet {
            return None;
        }
        self.told = self.now.is_some();
        self.told_ms = Some(now_ms);
        Some(self.now.clone().map_or(Tell::Restored, Tell::Fault))
    }

    /// What is wrong right now.
    pub(super) const fn standing(&self) -> Option<&Fault> {
        self.now.as_ref()
    }
}
