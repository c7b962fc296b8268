//! Inputs, outputs and status: registers whose bits each say something.

use crate::reading::Missing;

/// The inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inputs(
    /// As read, undefined bits included.
    pub u16,
);

impl Inputs {
    /// Button pressed.
    pub const BUTTON: Self = Self(1 << 4);
    /// Sensor contact.
    pub const SENSOR: Self = Self(1 << 5);
    /// Passage in direction 01.
    pub const DIRECTION_01: Self = Self(1 << 6);
    /// Passage in direction 10.
    pub const DIRECTION_10: Self = Self(1 << 7);
    /// Mains failed.
    pub const POWER_FAIL: Self = Self(1 << 8);
    /// Battery low.
    pub const LOW_BATTERY: Self = Self(1 << 9);
    /// The cabinet is open.
    pub const OPEN: Self = Self(1 << 10);
    /// Error of the portal.
    pub const ERROR: Self = Self(1 << 11);
    /// The portal restarted.
    pub const RESET: Self = Self(1 << 15);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The four occupancy sensors, as bits 0 to 3.
    pub const fn occupancy(self) -> u16 {
        self.0 & 0x000F
    }

    /// Whether any occupancy sensor sees something.
    pub const fn is_occupied(self) -> bool {
        self.occupancy() != 0
    }

    /// The bits of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The status of one kind of detectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DetectorStatus(
    /// As read, undefined bits included.
    pub u16,
);

impl DetectorStatus {
    /// First alarm threshold exceeded.
    pub const ALARM_1: Self = Self(1 << 0);
    /// Second alarm threshold exceeded.
    pub const ALARM_2: Self = Self(1 << 1);
    /// The background is too low: a detector fails or is shielded.
    pub const LOW_COUNT: Self = Self(1 << 4);
    /// The background is too high.
    pub const HIGH_COUNT: Self = Self(1 << 5);
    /// The detector is overloaded.
    pub const OVERLOAD: Self = Self(1 << 6);
    /// The background is known; alarms are possible.
    pub const READY: Self = Self(1 << 7);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any alarm is in force.
    pub const fn is_alarm(self) -> bool {
        self.0 & (Self::ALARM_1.0 | Self::ALARM_2.0) != 0
    }

    /// The detectors concerned, as bits 0 to 7.
    pub const fn detectors(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// The bits of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Why counts are none. A fault code is the bit of the status.
    ///
    /// An alarm stands beside this: it is told even where the count is not.
    pub const fn missing(self) -> Option<Missing> {
        if self.contains(Self::OVERLOAD) {
            Some(Missing::Overrange)
        } else if self.contains(Self::LOW_COUNT) {
            Some(Missing::InstrumentFault(Self::LOW_COUNT.0))
        } else if self.contains(Self::HIGH_COUNT) {
            Some(Missing::InstrumentFault(Self::HIGH_COUNT.0))
        } else if !self.contains(Self::READY) {
            Some(Missing::WarmingUp)
        } else {
            None
        }
    }
}

/// The outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outputs(
    /// As read, undefined bits included.
    pub u16,
);

impl Outputs {
    /// Alarm.
    pub const ALARM: Self = Self(1 << 0);
    /// Video recording.
    pub const VIDEO: Self = Self(1 << 1);
    /// Yellow lamp.
    pub const YELLOW: Self = Self(1 << 2);
    /// Fast flashing.
    pub const FAST_FLASH: Self = Self(1 << 3);
    /// Slow flashing.
    pub const SLOW_FLASH: Self = Self(1 << 4);
    /// Busy.
    pub const BUSY: Self = Self(1 << 5);
    /// Adapting to a new background.
    pub const ADAPTATION: Self = Self(1 << 6);
    /// Green lamp at the entry.
    pub const ENTRY_GREEN: Self = Self(1 << 8);
    /// Green lamp at the exit.
    pub const EXIT_GREEN: Self = Self(1 << 9);
    /// Arrow at the exit.
    pub const EXIT_ARROW: Self = Self(1 << 10);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
