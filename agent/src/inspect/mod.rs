//! Turns readings, triggers and identities into inspections.
//!
//! What comes in: [`Arrival`](crate::acquire::Arrival)s in the order they were taken, operator actions, and the passing of
//! time. What goes out: [`Step`]s, each an inspection to remember, a finished inspection, an interval
//! of a background watch, or an event worth a record. Incomplete is a result too: nothing a subject
//! went through vanishes.
//!
//! Not here: judging, sealing, clocks. Every machine is fed with moments and returns values, so a
//! test holds the clock.

mod bench;
mod declarations;
mod engine;
mod evidence;
mod function_check;
mod load;
mod lorry_gate;
mod mean;
mod names;
pub mod progress;
mod stages;
mod standing;
mod textile_ph;
mod tyre_endurance;
mod watch;

use tidewaiter_drivers::{Decimal, Unit, reading::Moment};
use tidewaiter_screening::Inspection;

pub use declarations::{DeclarationBook, Subjects};
pub use engine::Engine;
pub(crate) use engine::held_channels;
pub(crate) use evidence::Trace;
pub use function_check::CheckOperation;
pub(crate) use lorry_gate::portal::evidence as portal_evidence;
pub use progress::Progress;
pub use standing::{Drill, DrillState};

/// What a machine hands on.
#[derive(Clone, Debug)]
pub enum Step {
    /// An inspection has opened or gained something decisive: make it durable.
    Remember(Box<Inspection>),
    /// An inspection is complete, or incomplete with its reason.
    Done(Box<Inspection>),
    /// A period of a background watch is over.
    Interval(Interval),
    /// Something worth a record of its own.
    Event(Event),
}

/// An event for the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Place it concerns, or `self`.
    pub place: String,
    /// Stable name, e.g. `portal-setup-changed`.
    pub name: String,
    /// Instrument or subject it is about.
    pub subject: Option<String>,
    /// Facts in words, by name.
    pub facts: Vec<(String, String)>,
}

/// What one channel of one instrument delivered in one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Watch id.
    pub watch: String,
    /// Instrument id.
    pub instrument: String,
    /// Channel.
    pub channel: String,
    /// First moment of the period.
    pub from: Moment,
    /// Last moment of the period.
    pub to: Moment,
    /// Readings that should have come.
    pub slots_expected: u32,
    /// Values that came.
    pub received: u32,
    /// Slots without a value, by reason word; with `received` they add up to at least `slots_expected`.
    pub missing: Vec<(String, u32)>,
    /// Sum of the values, so that a mean can be taken exactly; absent when it does not fit.
    pub sum: Option<Decimal>,
    /// Least value.
    pub min: Option<Decimal>,
    /// Greatest value.
    pub max: Option<Decimal>,
    /// Newest value.
    pub last: Option<Decimal>,
    /// Unit of the values.
    pub unit: Option<Unit>,
    /// The instrument is a simulator.
    pub simulated: bool,
}

/// What an operator asks of a rig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Start a run on a sample.
    Start {
        /// Sample number as written on the bag.
        sample: String,
    },
    /// The next parallel is in the vessel.
    Next,
    /// End the run with what there is.
    Stop,
    /// Quantities that a person read or assessed: parameter and text as typed, `18.3 mg/kg`, `3-4`, `absent`.
    Enter {
        /// What was typed, in its order. All of it is taken, or nothing.
        values: Vec<(String, String)>,
    },
}

/// Who asks for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By<'a> {
    /// Name of the operator.
    pub operator: &'a str,
    /// The run it begins is an exercise.
    pub drill: bool,
}

/// Why an operation was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// No rig of that name.
    #[error("there is no rig {0:?}; `tidewaiter status` lists them")]
    NoSuchRig(String),
    /// A run is going on.
    #[error("rig {rig:?} is running sample {sample:?}; stop it first")]
    Running {
        /// Rig.
        rig: String,
        /// Sample on it.
        sample: String,
    },
    /// Nothing is going on.
    #[error("rig {0:?} is idle; start it with a sample number")]
    Idle(String),
    /// The procedure has no such step.
    #[error("rig {rig:?} follows its bench; it has no step {step:?}")]
    NotHere {
        /// Rig.
        rig: String,
        /// Step asked for.
        step: &'static str,
    },
    /// No function check of that name.
    #[error("there is no function check {0:?}; `tidewaiter register` lists them")]
    NoSuchCheck(String),
    /// The check is going on, or its instrument is not clear yet.
    #[error("function check {0:?} has not ended: its instrument is not clear yet; empty it, or stop the check")]
    CheckRunning(String),
    /// The check is not going on.
    #[error("function check {0:?} is not running; start it")]
    CheckIdle(String),
    /// The instrument to be checked is in use.
    #[error("function check {check:?} needs an instrument that {by:?} is using; wait until it is free")]
    InUse {
        /// Check asked for.
        check: String,
        /// Lane, rig or check that has it.
        by: String,
    },
    /// An instrument of the rig is being checked.
    #[error("an instrument of {rig:?} is under the function check {check:?}; wait for its end, or stop it")]
    UnderCheck {
        /// Rig.
        rig: String,
        /// Check that has it.
        check: String,
    },
    /// Neither lane nor rig of that name.
    #[error("there is no lane or rig {0:?}; `tidewaiter status` lists them")]
    NoSuchPlace(String),
    /// It is so already.
    #[error("a drill at {place:?} is already {state}")]
    DrillAlready {
        /// Lane or rig.
        place: String,
        /// `on` or `off`.
        state: &'static str,
    },
    /// The run has no such quantity.
    #[error("rig {rig:?} measures no {parameter:?}; typed are {}", list(known))]
    NoSuchQuantity {
        /// Rig.
        rig: String,
        /// What was typed.
        parameter: String,
        /// What can be typed.
        known: Vec<String>,
    },
    /// The quantity is read from an instrument.
    #[error("{parameter:?} is read from {instrument:?}; a typed value would stand beside what it shows")]
    Measured {
        /// Parameter.
        parameter: String,
        /// Instrument.
        instrument: String,
    },
    /// The text is no value.
    #[error("{parameter}={text:?}: {why}")]
    NotAValue {
        /// Parameter.
        parameter: String,
        /// As typed.
        text: String,
        /// What is wrong with it, and what to type.
        why: String,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no quantities at all".to_owned() } else { names.join(", ") }
}

/// Numbers inspections of one place: `<place>-<boot>-<counter>`, never reused.
#[derive(Clone, Debug)]
pub(crate) struct Numbering {
    place: String,
    boot: u64,
    next: u64,
}

impl Numbering {
    pub(crate) fn new(place: &str, boot: u64) -> Self {
        Self { place: place.to_owned(), boot, next: 1 }
    }

    pub(crate) fn take(&mut self) -> String {
        let id = format!("{}-{}-{}", self.place, self.boot, self.next);
        self.next += 1;
        id
    }
}

/// Milliseconds between two moments of the same boot.
pub(crate) fn elapsed_ms(from: Moment, to: Moment) -> u64 {
    to.mono_ms.saturating_sub(from.mono_ms)
}

/// A configured duration in the milliseconds the machines count in.
pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
