//! What a driver hands on: an indication, or the reason there is none, with channel and time.
//!
//! Absence speaks: nothing here defaults to zero, and a [`Missing`] travels, is counted and is
//! recorded like a value. Identity of the instrument and raw bytes are added by the agent, which
//! alone knows them; judging is not done here.

use core::fmt;

use crate::{
    Decimal, Unit,
    modbus::{FrameError, register::RegisterError},
    wire::Refusal,
};

/// The identifier of an instrument or a channel: at most 32 bytes of UTF-8.
pub type Name = heapless::String<32>;

/// A point in time on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// Milliseconds of the monotonic clock (`CLOCK_BOOTTIME`): orders and measures within one boot.
    pub mono_ms: u64,
    /// UTC milliseconds since 1970: a claim, as good as the record's clock quality says.
    pub wall_ms: i64,
}

/// What the instrument showed: displayed digits and their unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indication {
    /// The displayed number, resolution kept.
    pub value: Decimal,
    /// Its unit.
    pub unit: Unit,
    /// How far it can be trusted.
    pub quality: Quality,
}

/// How far a value can be trusted. A bad value is stored and shown, and never passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quality {
    /// Nothing speaks against it.
    Good,
    /// Usable for display; not decisive by itself.
    Uncertain(Doubt),
    /// Not to be judged.
    Bad(Flaw),
}

/// Why a value is uncertain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// Still moving, by the instrument's or the settling rule's motion test.
    Unstable,
    /// Older than three nominal periods.
    Stale,
    /// Verification expires soon.
    VerificationDue,
}

/// Why a value is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// The verification certificate has expired.
    OutOfVerification,
    /// The instrument that answered is not the registered one.
    IdentityMismatch,
    /// The daily function check is overdue or failed.
    FunctionCheckOverdue,
    /// Outside the physically possible range stated for the channel.
    Implausible,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Missing {
    /// No answer, or no line, within the time allowed.
    TimedOut,
    /// Bytes came, and their check did not hold.
    CrcError,
    /// The instrument refused with this Modbus exception code.
    Exception(u8),
    /// Bytes came that are not a complete, known statement.
    Refused,
    /// The instrument says the measurand does not exist.
    NotPresent,
    /// The instrument is still warming up.
    WarmingUp,
    /// Beyond the upper end of its range.
    Overrange,
    /// Below the lower end of its range.
    Underrange,
    /// The instrument reports a fault, with its own code where it has one.
    InstrumentFault(u16),
    /// The port is closed or the connection is gone.
    LineDown,
}

/// A value or the reason there is none.
pub type Outcome = Result<Indication, Missing>;

/// One outcome of one channel at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The channel of the instrument: one stream of one quantity, such as `gross` or `dose-rate`.
    pub channel: Name,
    /// When its last byte arrived, or when it was given up.
    pub at: Moment,
    /// The value, or why there is none.
    pub outcome: Outcome,
}

/// A decoded frame or line seen as channels: what every instrument's statement comes down to.
///
/// The agent, `listen` and profiles work on this view, so a driver is wired in one place.
pub trait Channels {
    /// Calls `tell` with each channel's name and outcome, in the order of the frame. Names are at most 32
    /// bytes of lower-case words joined by `-`.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome));
}

impl Missing {
    /// The stable spelling used in records, interfaces and configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TimedOut => "timed-out",
            Self::CrcError => "crc-error",
            Self::Exception(_) => "exception",
            Self::Refused => "refused",
            Self::NotPresent => "not-present",
            Self::WarmingUp => "warming-up",
            Self::Overrange => "overrange",
            Self::Underrange => "underrange",
            Self::InstrumentFault(_) => "instrument-fault",
            Self::LineDown => "line-down",
        }
    }

    /// The number behind the reason: exception code or the instrument's own fault code.
    pub const fn code(self) -> Option<u16> {
        match self {
            Self::Exception(code) => Some(code as u16),
            Self::InstrumentFault(code) => Some(code),
            _ => None,
        }
    }

    /// Reads [`Self::word`] and [`Self::code`] back.
    pub fn from_word(word: &str, code: Option<u16>) -> Option<Self> {
        Some(match (word, code) {
            ("timed-out", None) => Self::TimedOut,
            ("crc-error", None) => Self::CrcError,
            ("exception", Some(code)) => Self::Exception(u8::try_from(code).ok()?),
            ("refused", None) => Self::Refused,
            ("not-present", None) => Self::NotPresent,
            ("warming-up", None) => Self::WarmingUp,
            ("overrange", None) => Self::Overrange,
            ("underrange", None) => Self::Underrange,
            ("instrument-fault", Some(code)) => Self::InstrumentFault(code),
            ("line-down", None) => Self::LineDown,
            _ => return None,
        })
    }
}

impl From<Refusal> for Missing {
    /// A failed check is a line error; anything else is a frame that says nothing known.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Checksum => Self::CrcError,
            Refusal::Shape | Refusal::Number | Refusal::Unit | Refusal::TooLong => Self::Refused,
        }
    }
}

impl From<RegisterError> for Missing {
    /// A float that is no number is how an instrument says it has none; it gives no code.
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::NotFinite => Self::InstrumentFault(0),
            RegisterError::Count { .. } | RegisterError::Bit(_) | RegisterError::Range | RegisterError::Text => {
                Self::Refused
            }
        }
    }
}

impl From<FrameError> for Missing {
    /// What the line spoiled, what the server refused, and what does not answer the question.
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Crc { .. } => Self::CrcError,
            FrameError::Exception(code) => Self::Exception(code),
            FrameError::Length { .. }
            | FrameError::Protocol(_)
            | FrameError::Function { .. }
            | FrameError::ByteCount { .. }
            | FrameError::Quantity { .. } => Self::Refused,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self.code() {
            Some(code) => write!(f, "({code})"),
            None => Ok(()),
        }
    }
}

impl Quality {
    /// The stable spelling used in records, interfaces and configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain(Doubt::Unstable) => "unstable",
            Self::Uncertain(Doubt::Stale) => "stale",
            Self::Uncertain(Doubt::VerificationDue) => "verification-due",
            Self::Bad(Flaw::OutOfVerification) => "out-of-verification",
            Self::Bad(Flaw::IdentityMismatch) => "identity-mismatch",
            Self::Bad(Flaw::FunctionCheckOverdue) => "function-check-overdue",
            Self::Bad(Flaw::Implausible) => "implausible",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        const ALL: [Quality; 8] = [
            Quality::Good,
            Quality::Uncertain(Doubt::Unstable),
            Quality::Uncertain(Doubt::Stale),
            Quality::Uncertain(Doubt::VerificationDue),
            Quality::Bad(Flaw::OutOfVerification),
            Quality::Bad(Flaw::IdentityMismatch),
            Quality::Bad(Flaw::FunctionCheckOverdue),
            Quality::Bad(Flaw::Implausible),
        ];
        ALL.into_iter().find(|quality| quality.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_layers_below_have_a_reason() {
        assert_eq!(Missing::from(Refusal::Checksum), Missing::CrcError);
        assert_eq!(Missing::from(Refusal::Shape), Missing::Refused);
        assert_eq!(Missing::from(RegisterError::NotFinite), Missing::InstrumentFault(0));
        assert_eq!(Missing::from(RegisterError::Range), Missing::Refused);
        assert_eq!(Missing::from(FrameError::Crc { found: 0, expected: 1 }), Missing::CrcError);
        assert_eq!(Missing::from(FrameError::Exception(6)), Missing::Exception(6));
        assert_eq!(Missing::from(FrameError::Protocol(1)), Missing::Refused);
    }

    #[test]
    fn words_read_back() {
        let all = [
            Missing::TimedOut,
            Missing::CrcError,
            Missing::Exception(2),
            Missing::Refused,
            Missing::NotPresent,
            Missing::WarmingUp,
            Missing::Overrange,
            Missing::Underrange,
            Missing::InstrumentFault(40_000),
            Missing::LineDown,
        ];
        for missing in all {
            assert_eq!(Missing::from_word(missing.word(), missing.code()), Some(missing));
        }
        assert_eq!(Missing::from_word("exception", Some(256)), None);
        assert_eq!(Quality::from_word("stale"), Some(Quality::Uncertain(Doubt::Stale)));
        assert_eq!(Quality::from_word("fine"), None);
    }
}
