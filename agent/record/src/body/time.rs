//! The time block: what the clocks said when the record was made, and how far they can be believed.

use crate::cbor::{CborError, Reader, Writer};

/// The time of a record: a claim with an error bound and a quality, beside two counters that need no
/// clock to be set.
///
/// Order comes from the chain. Durations come from `boot` and `mono_ms`. `wall_ms` is what the host
/// believed UTC to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBlock {
    /// UTC milliseconds since 1970, leap seconds not counted.
    pub wall_ms: i64,
    /// Milliseconds since the host started, sleep included (`CLOCK_BOOTTIME`).
    pub mono_ms: u64,
    /// How many times the agent has started on this chain; durable, from 1.
    pub boot: u64,
    /// How far `wall_ms` can be believed.
    pub quality: TimeQuality,
    /// Bound on the error of `wall_ms` in milliseconds; without meaning at [`TimeQuality::U`].
    pub err_ms: u64,
    /// What set the clock last.
    pub src: TimeSource,
    /// Seconds since it did.
    pub age_s: u64,
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident, $expected:literal: $($(#[$vdoc:meta])* $variant:ident = $code:literal, $word:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number in the record.
            pub const fn code(self) -> u64 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The stable spelling used in interfaces.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads [`Self::code`] back.
            pub fn from_code(code: u64) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.code() == code)
            }

            pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
                let at = r.at();
                Self::from_code(r.uint()?).ok_or(CborError::Expected { at, expected: $expected })
            }
        }
    };
}

codes! {
    /// How far a wall time can be believed. The letters follow the Open Charge Metering Format (OCMF),
    /// with holdover added; its letter for relative time is not needed beside a monotonic clock.
    TimeQuality, "a time quality 0 to 3":
    /// Unknown: the clock has not been set since the host started. Never claimed to be right.
    U = 0, "U";
    /// Informative: a real-time clock or a person set it; nothing stands in for it.
    I = 1, "I";
    /// Holdover: synchronised earlier, since then running free with a growing error bound.
    H = 2, "H";
    /// Synchronised, within the error bound.
    S = 3, "S";
}

codes! {
    /// What set the clock last.
    TimeSource, "a time source 0 to 7":
    /// Nothing.
    None = 0, "none";
    /// The battery-backed clock of the host.
    Rtc = 1, "rtc";
    /// NTP (RFC 5905), unauthenticated.
    Ntp = 2, "ntp";
    /// NTP with network time security (RFC 8915).
    Nts = 3, "nts";
    /// The precision time protocol (IEEE 1588).
    Ptp = 4, "ptp";
    /// A satellite receiver.
    Gnss = 5, "gnss";
    /// A person.
    Operator = 6, "operator";
    /// The host says it is synchronised and does not say by what.
    Host = 7, "host";
}

impl TimeSource {
    /// Whether this source can synchronise a clock, which [`TimeQuality::S`] and [`TimeQuality::H`] need.
    pub const fn synchronises(self) -> bool {
        matches!(self, Self::Ntp | Self::Nts | Self::Ptp | Self::Gnss | Self::Host)
    }
}

impl TimeBlock {
    pub(super) fn write(&self, w: &mut Writer) {
        w.array(7);
        w.int(self.wall_ms);
        w.uint(self.mono_ms);
        w.uint(self.boot);
        w.uint(self.quality.code());
        w.uint(self.err_ms);
        w.uint(self.src.code());
        w.uint(self.age_s);
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.array(7)?;
        Ok(Self {
            wall_ms: r.int()?,
            mono_ms: r.uint()?,
            boot: r.uint()?,
            quality: TimeQuality::read(r)?,
            err_ms: r.uint()?,
            src: TimeSource::read(r)?,
            age_s: r.uint()?,
        })
    }
}
