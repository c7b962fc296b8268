//! The body and the choice of kinds.

use super::{
    CommandResult, ConfigActivated, Event, Evidence, Flags, FollowUp, Genesis, Heartbeat, InspectionDetail,
    InstrumentIdentity, IntervalDetail, KeyRotate, LimitsActivated, Recovery, Resumed, SingleReading, Stopped,
    TimeBlock, TimeRepair, TimeStep, Trimmed, Warning,
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
    /// A reading of its own: kind 1, or 2 where it has no value.
    Reading(Box<SingleReading>),
    /// The agent is alive.
    Heartbeat(Box<Heartbeat>),
    /// The wall clock was set.
    TimeStep(TimeStep),
    /// What earlier monotonic times mean in UTC.
    TimeRepair(TimeRepair),
    /// An instrument identified itself.
    InstrumentIdentity(Box<InstrumentIdentity>),
    /// Software and configuration from here on.
    ConfigActivated(Box<ConfigActivated>),
    /// Limit tables from here on.
    LimitsActivated(Box<LimitsActivated>),
    /// What became of a command.
    CommandResult(Box<CommandResult>),
    /// The chain goes to a new key.
    KeyRotate(Box<KeyRotate>),
    /// A spectrum, a trace, a document.
    Evidence(Box<Evidence>),
    /// Receipted records were deleted.
    Trimmed(Trimmed),
    /// Content unknown: a kind, or a word within a known kind, that is younger than this build.
    Unknown {
        /// The number of the kind.
        kind: u64,
        /// The detail as it was received, one item of deterministic CBOR.
        cbor: Vec<u8>,
    },
}

const GENESIS: u64 = 0;
const READING: u64 = 1;
const NO_READING: u64 = 2;
const EVENT: u64 = 3;
const HEARTBEAT: u64 = 4;
const TIME_STEP: u64 = 5;
const TIME_REPAIR: u64 = 6;
const INSTRUMENT_IDENTITY: u64 = 7;
const CONFIG_ACTIVATED: u64 = 8;
const LIMITS_ACTIVATED: u64 = 9;
const COMMAND_RESULT: u64 = 10;
const STOPPED: u64 = 11;
const RESUMED: u64 = 12;
const KEY_ROTATE: u64 = 13;
const RECOVERY: u64 = 14;
const SHUTDOWN: u64 = 15;
const INSPECTION: u64 = 16;
const INTERVAL: u64 = 17;
const JUDGED_INSPECTION: u64 = 18;
const QUALIFIED_INTERVAL: u64 = 19;
const FOLLOW_UP: u64 = 20;
const WARNING: u64 = 21;
const EVIDENCE: u64 = 22;
// 23 stands in a frozen vector for a kind that no reader knows, and stays so.
const TRIMMED: u64 = 24;

/// Kinds whose lists and maps have no bound but the length of the record, and whose content no rule of a verifier needs.
const MAY_BE_DENSE: [u64; 5] = [EVENT, INSPECTION, JUDGED_INSPECTION, FOLLOW_UP, WARNING];

/// What the parts of a detail may take beside twice its length: with the texts themselves and the bytes that are kept
/// for the signature, reading stays within four times the input and 64 KiB.
const DENSE_ROOM: usize = 48 * 1024;

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
            Self::Reading(detail) if detail.reading.outcome.is_ok() => READING,
            Self::Reading(_) => NO_READING,
            Self::Heartbeat(_) => HEARTBEAT,
            Self::TimeStep(_) => TIME_STEP,
            Self::TimeRepair(_) => TIME_REPAIR,
            Self::InstrumentIdentity(_) => INSTRUMENT_IDENTITY,
            Self::ConfigActivated(_) => CONFIG_ACTIVATED,
            Self::LimitsActivated(_) => LIMITS_ACTIVATED,
            Self::CommandResult(_) => COMMAND_RESULT,
            Self::KeyRotate(_) => KEY_ROTATE,
            Self::Evidence(_) => EVIDENCE,
            Self::Trimmed(_) => TRIMMED,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// Every [`Detail::word`].
    pub const WORDS: [&str; 23] = [
        "genesis",
        "reading",
        "no-reading",
        "event",
        "heartbeat",
        "time-step",
        "time-repair",
        "instrument-identity",
        "config-activated",
        "limits-activated",
        "command-result",
        "stopped",
        "resumed",
        "key-rotate",
        "recovery",
        "shutdown",
        "inspection",
        "interval",
        "follow-up",
        "warning",
        "evidence",
        "trimmed",
        "unknown",
    ];

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
            Self::Reading(detail) if detail.reading.outcome.is_ok() => "reading",
            Self::Reading(_) => "no-reading",
            Self::Heartbeat(_) => "heartbeat",
            Self::TimeStep(_) => "time-step",
            Self::TimeRepair(_) => "time-repair",
            Self::InstrumentIdentity(_) => "instrument-identity",
            Self::ConfigActivated(_) => "config-activated",
            Self::LimitsActivated(_) => "limits-activated",
            Self::CommandResult(_) => "command-result",
            Self::KeyRotate(_) => "key-rotate",
            Self::Evidence(_) => "evidence",
            Self::Trimmed(_) => "trimmed",
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
            Self::Reading(detail) => detail.flags,
            Self::Heartbeat(detail) => detail.flags,
            Self::InstrumentIdentity(detail) => detail.flags,
            Self::Evidence(detail) => detail.flags,
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
            Self::Reading(detail) => detail.write(w),
            Self::Heartbeat(detail) => detail.write(w),
            Self::TimeStep(detail) => detail.write(w),
            Self::TimeRepair(detail) => detail.write(w),
            Self::InstrumentIdentity(detail) => detail.write(w),
            Self::ConfigActivated(detail) => detail.write(w),
            Self::LimitsActivated(detail) => detail.write(w),
            Self::CommandResult(detail) => detail.write(w),
            Self::KeyRotate(detail) => detail.write(w),
            Self::Evidence(detail) => detail.write(w),
            Self::Trimmed(detail) => detail.write(w),
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
            READING | NO_READING => Self::Reading(Box::new(SingleReading::read(r, kind == READING)?)),
            HEARTBEAT => Self::Heartbeat(Box::new(Heartbeat::read(r)?)),
            TIME_STEP => Self::TimeStep(TimeStep::read(r)?),
            TIME_REPAIR => Self::TimeRepair(TimeRepair::read(r)?),
            INSTRUMENT_IDENTITY => Self::InstrumentIdentity(Box::new(InstrumentIdentity::read(r)?)),
            CONFIG_ACTIVATED => Self::ConfigActivated(Box::new(ConfigActivated::read(r)?)),
            LIMITS_ACTIVATED => Self::LimitsActivated(Box::new(LimitsActivated::read(r)?)),
            COMMAND_RESULT => Self::CommandResult(Box::new(CommandResult::read(r)?)),
            KEY_ROTATE => Self::KeyRotate(Box::new(KeyRotate::read(r)?)),
            EVIDENCE => Self::Evidence(Box::new(Evidence::read(r)?)),
            TRIMMED => Self::Trimmed(Trimmed::read(r)?),
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
        Self::read(bytes)
    }

    // Of bytes that were checked to be one deterministic item. They are read twice: memory is set aside only for
    // what has the shape of its kind to its end, and then just as much as it needs.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, CborError> {
        let mut shape = Reader::shape_only(bytes);
        let kind = Self::take(&mut shape)?.detail.kind();
        let most = 2 * bytes.len() + DENSE_ROOM;
        if MAY_BE_DENSE.contains(&kind) && shape.parts_bytes() > most {
            return Self::undivided(bytes);
        }
        Self::take(&mut Reader::of_shape(bytes))
    }

    fn take(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.array(3)?;
        let kind = r.uint()?;
        let time = TimeBlock::read(r)?;
        let detail = Detail::read(kind, r)?;
        r.end()?;
        Ok(Self { time, detail })
    }

    // With the detail as it was received: it has the shape of its kind, and so many parts of nothing that holding them
    // apart would take many times its length.
    fn undivided(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        r.array(3)?;
        let kind = r.uint()?;
        let time = TimeBlock::read(&mut r)?;
        Ok(Self { time, detail: Detail::Unknown { kind, cbor: r.skip()?.to_vec() } })
    }
}
