//! State and alarm registers of a tyre drum bench.
//!
//! No maker publishes a map; these two registers belong to the map this project proposes and its
//! simulator serves (input registers 0 and 1 of profile `tyre-drum-proposed`).

/// What the bench is doing: input register 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// 0: nothing mounted, nothing running.
    Idle,
    /// 1: a tyre is being mounted.
    Mounting,
    /// 2: the tyre is taking on the temperature of the room.
    Conditioning,
    /// 3: the programme runs.
    Running,
    /// 4: halted, to be continued.
    Paused,
    /// 5: the programme ran to its end.
    FinishedOk,
    /// 6: the programme ended because the tyre failed.
    FinishedFailed,
    /// 7: emergency stop.
    EmergencyStop,
}

impl State {
    /// All states, in the order of their register values from 0.
    pub const ALL: [Self; 8] = [
        Self::Idle,
        Self::Mounting,
        Self::Conditioning,
        Self::Running,
        Self::Paused,
        Self::FinishedOk,
        Self::FinishedFailed,
        Self::EmergencyStop,
    ];

    /// Reads the register; `None` for a value the map does not define.
    pub fn from_register(register: u16) -> Option<Self> {
        Self::ALL.get(usize::from(register)).copied()
    }

    /// The register value.
    pub const fn register(self) -> u16 {
        self as u16
    }

    /// The stable spelling used in records and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Mounting => "mounting",
            Self::Conditioning => "conditioning",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::FinishedOk => "finished-ok",
            Self::FinishedFailed => "finished-failed",
            Self::EmergencyStop => "emergency-stop",
        }
    }

    /// The programme is over and will not go on.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::FinishedOk | Self::FinishedFailed | Self::EmergencyStop)
    }
}

/// One alarm of the bench: a bit of input register 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// Bit 0.
    OverTemperature,
    /// Bit 1.
    LoadDeviation,
    /// Bit 2.
    SpeedDeviation,
    /// Bit 3.
    PressureLoss,
    /// Bit 4.
    TyreFailure,
    /// Bit 5.
    DoorOpen,
    /// Bit 6.
    SensorFault,
    /// Bit 7.
    DriveFault,
}

impl Alarm {
    /// All alarms, in the order of their bits from 0.
    pub const ALL: [Self; 8] = [
        Self::OverTemperature,
        Self::LoadDeviation,
        Self::SpeedDeviation,
        Self::PressureLoss,
        Self::TyreFailure,
        Self::DoorOpen,
        Self::SensorFault,
        Self::DriveFault,
    ];

    /// The stable spelling used in records and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OverTemperature => "over-temperature",
            Self::LoadDeviation => "load-deviation",
            Self::SpeedDeviation => "speed-deviation",
            Self::PressureLoss => "pressure-loss",
            Self::TyreFailure => "tyre-failure",
            Self::DoorOpen => "door-open",
            Self::SensorFault => "sensor-fault",
            Self::DriveFault => "drive-fault",
        }
    }

    const fn mask(self) -> u16 {
        1 << self as u16
    }
}

/// The alarms in force: input register 1, undefined bits included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AlarmBits(pub u16);

impl AlarmBits {
    /// Whether this alarm is in force.
    pub const fn contains(self, alarm: Alarm) -> bool {
        self.0 & alarm.mask() != 0
    }

    /// The same bits and this alarm.
    #[must_use]
    pub const fn with(self, alarm: Alarm) -> Self {
        Self(self.0 | alarm.mask())
    }

    /// No bit is set, not even an undefined one.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The alarms in force, lowest bit first.
    pub fn iter(self) -> impl Iterator<Item = Alarm> {
        Alarm::ALL.into_iter().filter(move |&alarm| self.contains(alarm))
    }

    /// Bits that the map does not define and that are set all the same: a sign of the wrong map.
    pub const fn undefined(self) -> u16 {
        self.0 & 0xFF00
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_read_back_and_others_are_undefined() {
        for (register, state) in (0..).zip(State::ALL) {
            assert_eq!(State::from_register(register), Some(state));
            assert_eq!(state.register(), register);
        }
        assert_eq!(State::from_register(8), None);
        assert_eq!(State::from_register(3), Some(State::Running));
    }

    #[test]
    fn alarm_bits_stand_where_the_map_puts_them() {
        let check = |bits, expected: &[Alarm]| {
            assert!(AlarmBits(bits).iter().eq(expected.iter().copied()), "{bits:#x}");
        };
        check(0, &[]);
        check(0x01, &[Alarm::OverTemperature]);
        check(0x0A, &[Alarm::LoadDeviation, Alarm::PressureLoss]);
        check(0x90, &[Alarm::TyreFailure, Alarm::DriveFault]);
        check(0x8000, &[]);
        assert_eq!(AlarmBits(0x8001).undefined(), 0x8000);
        assert!(!AlarmBits(0x8000).is_empty());
        assert_eq!(AlarmBits::default().with(Alarm::DoorOpen), AlarmBits(0x20));
    }
}
