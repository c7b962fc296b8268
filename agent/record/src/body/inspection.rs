//! A bounded examination of one subject: what was read, how it was judged, by which tables.
//!
//! The fields mirror the inspection and the screening that the agent worked with, as plain data: a
//! centre rebuilds both from the record and recomputes the verdict. Words that screening owns (verdict,
//! reason, disposition) stand here as text in the spellings of `record.cddl`.

use std::collections::BTreeMap;

use tidewaiter_drivers::{
    Decimal,
    reading::{Moment, Outcome},
};

use super::{Context, Flags, Judging};

/// One inspection and its screening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectionDetail {
    /// Simulated, drill.
    pub flags: Flags,
    /// Unique within the agent.
    pub id: String,
    /// Procedure id.
    pub procedure: String,
    /// Lane or rig id.
    pub place: String,
    /// What was examined.
    pub subject: Subject,
    /// When the first trigger opened it.
    pub opened: Moment,
    /// When it was complete or given up.
    pub closed: Moment,
    /// Why it ended without all it needs; none when complete.
    pub incomplete: Option<String>,
    /// The quantities that were judged.
    pub measured: Vec<Measured>,
    /// What instruments and our own recomputation asserted.
    pub alarms: Vec<Alarm>,
    /// What makes the passage void.
    pub faults: Vec<Fault>,
    /// The readings behind it.
    pub readings: Vec<Reading>,
    /// One for each row that was required.
    pub findings: Vec<Finding>,
    /// The strictest verdict, in the spellings of `record.cddl`.
    pub verdict: String,
    /// Why it is inconclusive.
    pub reason: Option<String>,
    /// What the lane did.
    pub disposition: String,
    /// Device and recomputation disagreed about an alarm; the stricter one was used.
    pub alarm_mismatch: bool,
    /// The limit tables judged by.
    pub tables: Vec<Table>,
    /// Software and configuration.
    pub context: Context,
    /// Under which plan, by whom, and what was asked for. With it the record is of kind 18, without it of kind 16,
    /// which has no room for the fields marked "kind 18" and leaves them out.
    pub judging: Option<Judging>,
}

/// What was examined and what is claimed about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// `conveyance`, `container`, `lot` or `sample`.
    pub kind: String,
    /// How it was identified.
    pub identities: Vec<Identity>,
    /// Declared facts by name; `None` when no declaration was found.
    pub declared: Option<BTreeMap<String, String>>,
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

/// One quantity as judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The parameter that limit rows name.
    pub parameter: String,
    /// Instrument id.
    pub instrument: String,
    /// Its value, or why there is none.
    pub outcome: Outcome,
    /// Background compared with, in the same unit.
    pub background: Option<Decimal>,
    /// Expanded uncertainty (k = 2), in the same unit.
    pub uncertainty: Option<Decimal>,
    /// How it came from its readings.
    pub derivation: String,
    /// Stage of a step programme, from 1.
    pub stage: Option<u16>,
    /// Expanded uncertainty (k = 2) of the background; kind 18.
    pub background_uncertainty: Option<Decimal>,
    /// What a mass fraction is referred to, `as-received` or `dry`; kind 18.
    pub basis: Option<String>,
}

/// What an instrument, or our own recomputation, asserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Instrument id.
    pub instrument: String,
    /// `gamma`, `neutron`, or the bench's alarm name.
    pub kind: String,
    /// The device asserted it.
    pub by_device: bool,
    /// Our own recomputation asserted it.
    pub recomputed: bool,
}

/// What makes a passage void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Instrument id.
    pub instrument: String,
    /// What kind of fault.
    pub kind: String,
}

/// One reading behind an inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Instrument id.
    pub instrument: String,
    /// Channel of the instrument.
    pub channel: String,
    /// When.
    pub at: Moment,
    /// What, or why nothing.
    pub outcome: Outcome,
    /// The bytes it was decoded from, verbatim; empty when a neighbour with the same time carries them.
    pub raw: Vec<u8>,
}

/// One judged row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Limit table id.
    pub table: String,
    /// Edition of the table.
    pub edition: String,
    /// Row id within the table.
    pub row: String,
    /// Parameter judged.
    pub parameter: String,
    /// Result, in the spellings of `record.cddl`.
    pub verdict: String,
    /// Why it is inconclusive.
    pub reason: Option<String>,
    /// A failed row alarms instead of referring.
    pub alarms: bool,
    /// The value as judged, with its unit.
    pub value: Option<String>,
    /// The limit as applied.
    pub limit: String,
    /// Decision rule, comparison and conversions applied.
    pub rule: String,
    /// Stage of a step programme, from 1.
    pub stage: Option<u16>,
    /// What kinds of hazard a breach is; kind 18.
    pub hazards: Vec<String>,
    /// Legal force of the table; kind 18.
    pub legal_force: String,
    /// Probability of conformity, 0 to 1; kind 18.
    pub probability: Option<Decimal>,
    /// It leaves verdict and disposition alone; kind 18.
    pub advisory: bool,
}

/// One limit table, as it was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Id.
    pub id: String,
    /// Edition.
    pub edition: String,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}
