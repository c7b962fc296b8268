//! What screening takes: the bounded examination of one subject, as plain data.
//!
//! The agent builds it from readings, the collector rebuilds it from a record; either can screen it
//! and must come to the same result.

use std::collections::BTreeMap;

use tidewaiter_config::limits::Basis;
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Missing, Moment, Outcome, Quality},
};

/// A bounded examination of one subject, complete or with the reason why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Unique within the agent: `<place>-<boot>-<counter>`.
    pub id: String,
    /// Procedure id, e.g. `lorry-gate`.
    pub procedure: String,
    /// Lane or rig id.
    pub place: String,
    /// What was examined.
    pub subject: Subject,
    /// When the first trigger opened it.
    pub opened: Moment,
    /// When it was complete or given up.
    pub closed: Moment,
    /// Whether everything the procedure needs was obtained.
    pub completion: Completion,
    /// At least one instrument in it was simulated.
    pub simulated: bool,
    /// An exercise: recorded, and kept out of statistics.
    pub drill: bool,
    /// Who ran it, where a person did.
    pub operator: Option<String>,
    /// The quantities to be judged, in the order the procedure produced them.
    pub measured: Vec<Measured>,
    /// What instruments and our own recomputation asserted.
    pub alarms: Vec<Alarm>,
    /// What makes the passage void and asks for a re-scan.
    pub faults: Vec<ScanFault>,
    /// The readings behind it, raw bytes verbatim; of very many the decisive ones.
    pub readings: Vec<Evidence>,
    /// Every reading behind it in order of arrival, where `readings` holds only part of them; empty otherwise.
    pub whole: Vec<Evidence>,
}

/// Whether an inspection has all its procedure needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Completion {
    /// Everything needed was obtained.
    Complete,
    /// Something is missing for this reason.
    Incomplete(IncompleteReason),
}

/// Why an inspection ended without all it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IncompleteReason {
    /// A quantity that must be measured never arrived in time.
    TimedOut,
    /// The subject left before the procedure was through.
    DroveOff,
    /// An operator stopped it.
    Stopped,
    /// The agent was stopped or lost power while it was open.
    Interrupted,
    /// The instrument ended its programme early.
    InstrumentStopped,
    /// A second subject entered while the first was open.
    Overlap,
}

impl IncompleteReason {
    /// All reasons.
    pub const ALL: [Self; 6] =
        [Self::TimedOut, Self::DroveOff, Self::Stopped, Self::Interrupted, Self::InstrumentStopped, Self::Overlap];

    /// The stable spelling used in records and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TimedOut => "timed-out",
            Self::DroveOff => "drove-off",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::InstrumentStopped => "instrument-stopped",
            Self::Overlap => "overlap",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

/// What was examined and what is claimed about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What kind of thing it is.
    pub kind: SubjectKind,
    /// How it was identified: zero or more, none of them guessed.
    pub identities: Vec<Identity>,
    /// Whether a declaration was found for it.
    pub declaration: Declaration,
}

/// Kinds of subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// A lorry or another conveyance.
    Conveyance,
    /// A freight container.
    Container,
    /// A lot of goods.
    Lot,
    /// A laboratory sample or specimen.
    Sample,
    /// An instrument under a function check.
    Instrument,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Conveyance, Self::Container, Self::Lot, Self::Sample, Self::Instrument];

    /// The stable spelling used in records and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Conveyance => "conveyance",
            Self::Container => "container",
            Self::Lot => "lot",
            Self::Sample => "sample",
            Self::Instrument => "instrument",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

/// One identity of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `plate`, `container`, `sample`, `declaration`.
    pub kind: String,
    /// As read.
    pub text: String,
    /// `read`, `corrected`, `manual` or `ambiguous`.
    pub source: String,
    /// Confidence of the reader in per cent, where it gives one.
    pub confidence: Option<u8>,
}

/// What is declared about a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declaration {
    /// None was found under any identity.
    None,
    /// Declared facts by name: `axles`, `mass`, `category`, `goods`, `hs-code`, `scrap` …; numbers as decimal text.
    Found(BTreeMap<String, String>),
}

/// One quantity of the inspection, ready to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The parameter that limit rows name: `gross-mass`, `dose-rate`, `gamma-counts`, `ph` …
    pub parameter: String,
    /// Instrument id.
    pub instrument: String,
    /// Its value, or why there is none.
    pub outcome: Outcome,
    /// Background to compare with, in the same unit: for rows above background and k·σ rows.
    pub background: Option<Decimal>,
    /// Expanded uncertainty (k = 2), in the same unit, from the instrument register.
    pub uncertainty: Option<Decimal>,
    /// Expanded uncertainty (k = 2) of the background, in the same unit.
    pub background_uncertainty: Option<Decimal>,
    /// What a mass fraction is referred to, where it is known.
    pub basis: Option<Basis>,
    /// How it came from its readings: `last`, `mean(2,3)`, `max-sum-5`, `mean` …
    pub derivation: String,
    /// Which stage of a step programme it belongs to, from 1.
    pub stage: Option<u16>,
}

/// What an instrument, or our own recomputation, asserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Instrument id.
    pub instrument: String,
    /// `gamma` or `neutron`, or the bench's alarm name.
    pub kind: String,
    /// The device asserted it.
    pub by_device: bool,
    /// Our own recomputation from its raw counts asserted it.
    pub recomputed: bool,
}

/// What makes a passage void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanFault {
    /// Instrument id.
    pub instrument: String,
    /// `background-high`, `background-low`, `neutron-high`, `tamper`, `over-speed`, `incomplete-window`,
    /// `missing-end`, `lost-occupancy`, `scale-unstable`, `line-down`, `speed-inconsistent`.
    pub kind: String,
}

/// One reading behind an inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Instrument id.
    pub instrument: String,
    /// Channel of the instrument.
    pub channel: String,
    /// When.
    pub at: Moment,
    /// What.
    pub outcome: Outcome,
    /// The bytes it was decoded from, verbatim; empty when a neighbour with the same time carries them.
    pub raw: Vec<u8>,
}

impl Measured {
    /// A quantity with neither background, uncertainty, basis nor stage.
    pub fn new(parameter: &str, instrument: &str, outcome: Outcome, derivation: &str) -> Self {
        Self {
            parameter: parameter.to_owned(),
            instrument: instrument.to_owned(),
            outcome,
            background: None,
            uncertainty: None,
            background_uncertainty: None,
            basis: None,
            derivation: derivation.to_owned(),
            stage: None,
        }
    }

    /// The value with its unit and quality.
    ///
    /// # Errors
    ///
    /// The reason when there is no value.
    pub fn value(&self) -> Result<(Decimal, Unit, Quality), Missing> {
        self.outcome.map(|it| (it.value, it.unit, it.quality))
    }
}
