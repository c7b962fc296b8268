//! The body and the choice of kinds.

use super::{
    Event, Flags, FollowUp, Genesis, InspectionDetail, IntervalDetail, Recovery, Resumed, Stopped, TimeBlock, Warning,
};
use crate::cbor::{self, CborError, Reader, Writer};

/// What a record says and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// What the clocks said when it was sealed.
    pub time: TimeBlock,
    /// What it says.
    pub detail: Detail,
}

/// What a record says, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one lives at a time; only the inspection is large enough to move apart")]
pub enum Detail {
    /// The chain begins.
    Genesis(Genesis),
    /// Something happened.
    Event(Event),
    /// Recording stops.
    Stopped(Stopped),
    /// Recording goes on.
    Resumed(Resumed),
    /// The agent started after an end that was not clean.
    Recovery(Recovery),
    /// The agent ends cleanly: silence after this is expected.
    Shutdown,
    /// A subject was inspected and screened: kind 18, or 16 where it does not say how it came to be judged.
    Inspection(Box<InspectionDetail>),
    /// A period was watched: kind 19, or 17 where it does not say how the instrument stood.
    Interval(IntervalDetail),
    /// A step of the secondary inspection of a subject.
    FollowUp(Box<FollowUp>),
    /// A warning was proposed.
    Warning(Box<Warning>),
    /// Content unknown: a kind, or a word within a known kind, that is younger than this build.
    Unknown {
        /// The number of the kind.
        kind: u64,
        /// The detail as it was received, one item of deterministic CBOR.
        cbor: Vec<u8>,
    },
}

/// Kinds whose numbers are taken and whose content is not defined in version 1: reading, no-reading,
/// heartbeat, time-step, time-repair, instrument-identity, config-activated, limits-activated,
/// command-result, key-rotate.
pub const RESERVED_KINDS: [u64; 10] = [1, 2, 4, 5, 6, 7, 8, 9, 10, 13];

const GENESIS: u64 = 0;
const EVENT: u64 = 3;
const STOPPED: u64 = 11;
const RESUMED: u64 = 12;
const RECOVERY: u64 = 14;
const SHUTDOWN: u64 = 15;
const INSPECTION: u64 = 16;
const INTERVAL: u64 = 17;
const JUDGED_INSPECTION: u64 = 18;
const QUALIFIED_INTERVAL: u64 = 19;
const FOLLOW_UP: u64 = 20;
const WARNING: u64 = 21;

impl Detail {
    /// The number of the kind.
    pub fn kind(&self) -> u64 {
        match self {
            Self::Genesis(_) => GENESIS,
            Self::Event(_) => EVENT,
            Self::Stopped(_) => STOPPED,
            Self::Resumed(_) => RESUMED,
            Self::Recovery(_) => RECOVERY,
            Self::Shutdown => SHUTDOWN,
            Self::Inspection(detail) if detail.judging.is_some() => JUDGED_INSPECTION,
            Self::Inspection(_) => INSPECTION,
            Self::Interval(detail) if detail.standing.is_some() => QUALIFIED_INTERVAL,
            Self::Interval(_) => INTERVAL,
            Self::FollowUp(_) => FOLLOW_UP,
            Self::Warning(_) => WARNING,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// The stable name of the kind, `unknown` where the content is.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Genesis(_) => "genesis",
            Self::Event(_) => "event",
            Self::Stopped(_) => "stopped",
            Self::Resumed(_) => "resumed",
            Self::Recovery(_) => "recovery",
            Self::Shutdown => "shutdown",
            Self::Inspection(_) => "inspection",
            Self::Interval(_) => "interval",
            Self::FollowUp(_) => "follow-up",
            Self::Warning(_) => "warning",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The flags, also those of content unknown.
    pub fn flags(&self) -> Flags {
        match self {
            Self::Inspection(detail) => detail.flags,
            Self::Interval(detail) => detail.flags,
            Self::FollowUp(detail) => detail.flags,
            Self::Warning(detail) => detail.flags,
            Self::Unknown { cbor, .. } => flags_of_unknown(cbor),
            _ => Flags::default(),
        }
    }

    /// How many poll slots of an interval were neither measured nor explained; 0 for other kinds.
    ///
    /// Counts do not depend on words, so an interval whose unit is younger than this build answers too.
    pub fn unaccounted_slots(&self) -> u64 {
        match self {
            Self::Interval(detail) => detail.unaccounted(),
            Self::Unknown { kind: kind @ (INTERVAL | QUALIFIED_INTERVAL), cbor } => {
                let qualified = *kind == QUALIFIED_INTERVAL;
                IntervalDetail::read(&mut Reader::new(cbor), qualified).map_or(0, |it| it.unaccounted())
            }
            _ => 0,
        }
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Genesis(detail) => detail.write(w),
            Self::Event(detail) => detail.write(w),
            Self::Stopped(detail) => detail.write(w),
            Self::Resumed(detail) => detail.write(w),
            Self::Recovery(detail) => detail.write(w),
            Self::Shutdown => w.map(|_| {}),
            Self::Inspection(detail) => detail.write(w),
            Self::Interval(detail) => detail.write(w),
            Self::FollowUp(detail) => detail.write(w),
            Self::Warning(detail) => detail.write(w),
            Self::Unknown { cbor, .. } => w.encoded(cbor),
        }
    }

    // Content unknown is `Unknown`, with the bytes it was read from.
    fn read(kind: u64, r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut ahead = r.clone();
        let known = match kind {
            GENESIS => Self::Genesis(Genesis::read(r)?),
            EVENT => Self::Event(Event::read(r)?),
            STOPPED => Self::Stopped(Stopped::read(r)?),
            RESUMED => Self::Resumed(Resumed::read(r)?),
            RECOVERY => Self::Recovery(Recovery::read(r)?),
            SHUTDOWN => {
                r.fields()?.end()?;
                Self::Shutdown
            }
            INSPECTION | JUDGED_INSPECTION => {
                Self::Inspection(Box::new(InspectionDetail::read(r, kind == JUDGED_INSPECTION)?))
            }
            INTERVAL | QUALIFIED_INTERVAL => Self::Interval(IntervalDetail::read(r, kind == QUALIFIED_INTERVAL)?),
            FOLLOW_UP => Self::FollowUp(Box::new(FollowUp::read(r)?)),
            WARNING => Self::Warning(Box::new(Warning::read(r)?)),
            _ => {
                let cbor = r.skip()?.to_vec();
                return Ok(Self::Unknown { kind, cbor });
            }
        };
        if r.met_unknown() {
            return Ok(Self::Unknown { kind, cbor: ahead.skip()?.to_vec() });
        }
        Ok(known)
    }
}

// Key 0 of a detail map holds the flags in every kind; bits beyond those known here are ignored.
fn flags_of_unknown(cbor: &[u8]) -> Flags {
    let bits = Reader::new(cbor).fields().and_then(|mut it| it.optional(0, Reader::uint));
    let bits = bits.ok().flatten().unwrap_or(0);
    Flags { simulated: bits & 1 != 0, drill: bits & 2 != 0 }
}

impl Body {
    /// The body as deterministic CBOR.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(3);
        w.uint(self.detail.kind());
        self.time.write(&mut w);
        self.detail.write(&mut w);
        w.finish()
    }

    /// Reads a body.
    ///
    /// # Errors
    ///
    /// Refuses what is not deterministic CBOR, and a detail that has not the shape of its kind.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        cbor::check(bytes)?;
        let mut r = Reader::new(bytes);
        r.array(3)?;
        let kind = r.uint()?;
        let time = TimeBlock::read(&mut r)?;
        let detail = Detail::read(kind, &mut r)?;
        r.end()?;
        Ok(Self { time, detail })
    }
}
