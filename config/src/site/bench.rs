//! A bench of a site file: a procedure made of quantities, wherever they come from.

use std::time::Duration;

use tidewaiter_drivers::{Decimal, Unit};

use super::{Codec, Protocol};
use crate::limits::Basis;

/// Procedures a bench may follow. The word goes into every record, so the set is closed.
pub const BENCH_PROCEDURES: [&str; 9] = [
    "textile-bench",
    "cotton-hvi",
    "tyre-uniformity",
    "tyre-rolling-resistance",
    "concentrate",
    "coal",
    "brake-lining",
    "gamma-spectrum",
    "generic-sample",
];

/// Quantities of one bench at most: a GB 18401 report has nine, a full concentrate analysis some thirty.
pub const MOST_QUANTITIES: usize = 48;

/// A bench: what begins a run, and what a run needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bench {
    /// Procedure word, one of [`BENCH_PROCEDURES`].
    pub procedure: String,
    /// What begins and ends a run.
    pub trigger: Trigger,
    /// What a run measures, in the order of the file.
    pub quantities: Vec<Quantity>,
    /// Each replicate waits for the operator's `next`; otherwise every statement is one.
    pub replicates_on_next: bool,
    /// How long readings are left out after a start or a `next`, for the instrument to come to rest.
    pub settle: Duration,
    /// Step programme that the bench follows, by its `stage` and `elapsed`.
    pub programme: Option<String>,
}

/// What begins and ends the run of a bench.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The operator starts and stops it.
    Operator,
    /// A statement of an instrument is, or begins, a run.
    Record,
    /// A bench's own state.
    State(StateTrigger),
    /// A load on a scale.
    Mass(MassTrigger),
}

/// A channel that says what a bench is doing. What is in none of the lists ends a run early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateTrigger {
    /// Instrument id.
    pub instrument: String,
    /// Its channel.
    pub channel: String,
    /// Values while a run goes on.
    pub running: Vec<Decimal>,
    /// Values at its good end.
    pub complete: Vec<Decimal>,
    /// Values when the specimen failed.
    pub failed: Vec<Decimal>,
    /// Values while it is halted, to be continued.
    pub paused: Vec<Decimal>,
}

/// A load that begins a run when it has settled, and ends it when it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MassTrigger {
    /// Scale id.
    pub instrument: String,
    /// Mass from which on something is on the scale.
    pub threshold: Decimal,
    /// Unit of the threshold.
    pub unit: Unit,
}

/// One quantity of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Parameter, as limit rows name it.
    pub parameter: String,
    /// Where it comes from.
    pub source: Source,
    /// What a mass fraction is referred to.
    pub basis: Option<Basis>,
    /// How many values it needs; with [`Quantity::whole_run`] those of the whole run count.
    pub replicates: u8,
    /// Every reading from the begin to the end of the run counts, however many.
    pub whole_run: bool,
    /// How one value is made of them.
    pub take: Take,
    /// A run without it is incomplete.
    pub required: bool,
    /// Readings of the empty bench whose mean is its background.
    pub background: Option<u16>,
}

/// Where a quantity comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A channel of an instrument.
    Instrument {
        /// Instrument id.
        instrument: String,
        /// Its channel.
        channel: String,
    },
    /// Typed by the operator.
    Operator {
        /// Unit of a number that is typed without one.
        unit: Option<Unit>,
    },
}

/// How one value is made of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Take {
    /// The exact mean.
    Mean,
    /// The greatest.
    Greatest,
    /// The least.
    Least,
    /// Each is a value of its own.
    Each,
    /// The newest.
    Last,
}

impl Take {
    /// The spelling of the site file and of derivations.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Greatest => "greatest",
            Self::Least => "least",
            Self::Each => "each",
            Self::Last => "last",
        }
    }
}

impl Bench {
    /// Instruments that take part, each once, in the order of the file.
    pub fn instruments(&self) -> Vec<&str> {
        let trigger = match &self.trigger {
            Trigger::State(state) => Some(state.instrument.as_str()),
            Trigger::Mass(mass) => Some(mass.instrument.as_str()),
            Trigger::Operator | Trigger::Record => None,
        };
        let measured = self.quantities.iter().filter_map(|quantity| match &quantity.source {
            Source::Instrument { instrument, .. } => Some(instrument.as_str()),
            Source::Operator { .. } => None,
        });
        let mut ids: Vec<&str> = Vec::new();
        for id in trigger.into_iter().chain(measured) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }
}

impl Protocol {
    /// It speaks when somebody presses a key or a test is over, not by the clock: each statement is one
    /// measurement.
    pub const fn speaks_on_event(&self) -> bool {
        match self {
            Self::Line { profile, polling } => profile.on_event && polling.is_none(),
            Self::Stream { codec, polling } => match codec {
                Codec::MoistureMa => polling.is_none(),
                Codec::Laqua
                | Codec::PhotometerPrints
                | Codec::UsterHvi
                | Codec::UsterHviQuoted
                | Codec::GradeLines
                | Codec::JikTicket
                | Codec::SpectralDaily
                | Codec::CodeReader(_)
                | Codec::Axxon { .. } => true,
                _ => false,
            },
            Self::PlateLines { .. } => true,
            _ => false,
        }
    }

    /// Its statements name the sample, or can.
    pub fn names_samples(&self) -> bool {
        use tidewaiter_drivers::modbus::register::Encoding;
        match self {
            Self::Line { profile, .. } => profile.lines.iter().any(|line| line.sample.is_some()),
            Self::Stream { codec, .. } => {
                matches!(codec, Codec::Orion | Codec::Laqua | Codec::UsterHvi | Codec::CodeReader(_))
            }
            Self::Registers { profile, .. } => {
                profile.channels.iter().any(|channel| matches!(channel.encoding, Encoding::Ascii(_)))
            }
            _ => false,
        }
    }
}
