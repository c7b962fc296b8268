//! How far an open inspection is: what a person in front of it wants to know before there is a result.
//!
//! Nothing of it is recorded, and nothing is judged by it.

use tidewaiter_drivers::{
    Decimal,
    reading::{Indication, Missing, Moment},
};
use tidewaiter_screening::inspection::Identity;

/// An open inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Inspection id.
    pub id: String,
    /// When it opened.
    pub opened: Moment,
    /// What is known of the subject.
    pub identities: Vec<Identity>,
    /// What it waits for.
    pub awaits: Awaits,
    /// Stage of the bench's own programme, from 1.
    pub stage: Option<u16>,
    /// The bench's own time in it, seconds.
    pub elapsed: Option<Decimal>,
    /// Each quantity of a bench, in the order of the site file; a lane has none.
    pub quantities: Vec<Quantity>,
    /// What instruments have asserted so far, by kind.
    pub alarms: Vec<String>,
}

/// What an open inspection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaits {
    /// A settled mass.
    Mass,
    /// The vehicle to pass the portal.
    Portal,
    /// The vehicle to leave the scale.
    Leaving,
    /// The identity of the subject.
    Identity,
    /// The display to hold still.
    Steady,
    /// The display to leave the value accepted last: the next parallel.
    Next,
    /// The readings of the empty bench.
    Background,
    /// More values.
    Values,
    /// The bench's programme to end.
    Programme,
}

impl Awaits {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Mass,
        Self::Portal,
        Self::Leaving,
        Self::Identity,
        Self::Steady,
        Self::Next,
        Self::Background,
        Self::Values,
        Self::Programme,
    ];

    /// The spelling by which the message catalogue knows it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mass => "mass",
            Self::Portal => "portal",
            Self::Leaving => "leaving",
            Self::Identity => "identity",
            Self::Steady => "steady",
            Self::Next => "next",
            Self::Background => "background",
            Self::Values => "values",
            Self::Programme => "programme",
        }
    }
}

/// What a bench has of one quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Parameter.
    pub parameter: String,
    /// The instrument it comes from; without one a person types it.
    pub instrument: Option<String>,
    /// Values it needs.
    pub wanted: u8,
    /// Readings that counted.
    pub count: u32,
    /// The replicates, oldest first; of a whole run the one that counts.
    pub values: Vec<Indication>,
    /// It has all it needs.
    pub is_full: bool,
    /// Why the newest reading had no value.
    pub missing: Option<Missing>,
}
