//! The 64 bytes in which a device says how it is doing.

use crate::{
    Decimal, Unit,
    reading::{Channels, Doubt, Indication, Missing, Outcome, Quality},
};

/// Length of a status in bytes.
pub const STATUS_BYTES: usize = 64;

/// Fault code of a [`Missing::InstrumentFault`]: the device restarted, what it was counting is lost.
pub const FAULT_RESTARTED: u16 = 0x101;

/// Fault code: the device has no configuration yet, its counters mean nothing.
pub const FAULT_NOT_CONFIGURED: u16 = 0x102;

/// Fault code: the gate input holds events back.
pub const FAULT_GATED: u16 = 0x103;

/// Major and minor number of a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Version {
    /// `0..=15`.
    pub major: u8,
    /// `0..=15`.
    pub minor: u8,
}

macro_rules! devices {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Which device of the family it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Device {
            $($(#[$doc])* $name,)*
            /// A number the guide does not list.
            Other(u8),
        }

        impl Device {
            /// Every listed device, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number on the wire.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* Self::Other(code) => code }
            }

            /// Reads the number.
            pub const fn from_code(code: u8) -> Self {
                match code { $($code => Self::$name,)* other => Self::Other(other) }
            }

            /// The maker's name for it.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Other(_) => "unlisted" }
            }
        }
    };
}

devices! {
    /// DP5 board.
    Dp5 = 0, "DP5";
    /// PX5 box.
    Px5 = 1, "PX5";
    /// DP5G for scintillators; it measures no high voltage and no detector temperature.
    Dp5g = 2, "DP5G";
    /// MCA8000D analyser; the only one with a live time.
    Mca8000d = 3, "MCA8000D";
    /// TB-5 tube base.
    Tb5 = 4, "TB-5";
    /// DP5-X board.
    Dp5x = 5, "DP5-X";
}

/// Flags of the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a bit of its own on the wire")]
pub struct StatusFlags {
    /// The preset real time is reached.
    pub preset_real_time_reached: bool,
    /// The fast threshold has locked; in an MCA8000D, the preset live time is reached.
    pub threshold_locked: bool,
    /// The analyser counts. Cleared when a preset is reached, too.
    pub enabled: bool,
    /// The preset count is reached.
    pub preset_count_reached: bool,
    /// The gate input holds events back.
    pub gated: bool,
    /// The oscilloscope has data.
    pub scope_ready: bool,
    /// The device has a configuration. Bit 1; a public driver reads bit 2 by mistake.
    pub configured: bool,
    /// The input offset is being searched.
    pub searching_offset: bool,
    /// A multichannel-scaler run is over.
    pub scaler_finished: bool,
    /// The first status since the device started: whatever it counted before is gone.
    pub restarted: bool,
    /// The 80 MHz clock runs, not the one of 20 MHz.
    pub fast_clock: bool,
    /// The clock is chosen automatically.
    pub clock_automatic: bool,
    /// A power supply board is there.
    pub power_board: bool,
    /// The high voltage is positive.
    pub positive_voltage: bool,
    /// The supply is the one of 8.5 V.
    pub high_supply: bool,
}

/// A status. Counters and times start again with every clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Events of the fast channel: nearly all.
    pub fast_count: u32,
    /// Events of the slow channel: those whose energy was measured. The spectrum holds no more.
    pub slow_count: u32,
    /// General-purpose counter.
    pub general_count: u32,
    /// Accumulation time in milliseconds, at most 1 677 721 599; it stops while a spectrum is read out.
    pub accumulation_ms: u32,
    /// Live time in milliseconds; meaningful for an MCA8000D only.
    pub live_ms: u32,
    /// Real time in milliseconds.
    pub real_ms: u32,
    /// Firmware.
    pub firmware: Version,
    /// Build of the firmware, `0..=15`.
    pub firmware_build: u8,
    /// Gate array.
    pub fpga: Version,
    /// Serial number.
    pub serial: u32,
    /// High voltage in half volts. Big-endian on the wire, unlike all else; not of a DP5G.
    pub half_volts: i16,
    /// Detector temperature in tenths of a kelvin, `0..=4095`; not of a DP5G.
    pub detector_decikelvin: u16,
    /// Temperature of the board in degrees Celsius.
    pub board_celsius: i8,
    /// Voltage of the cooler in steps of 1/758.5 V, `0..=4095`.
    pub cooler_steps: u16,
    /// Flags.
    pub flags: StatusFlags,
    /// Which device it is.
    pub device: Device,
}

/// Accumulation times count 100 ms in 24 bits and single milliseconds apart.
const MAX_ACCUMULATION_MS: u32 = 0x00FF_FFFF * 100 + 99;

impl Status {
    /// Reads the 64 bytes; every combination of them is a status.
    pub fn from_bytes(s: &[u8; STATUS_BYTES]) -> Self {
        let bit = |byte: u8, at: u8| byte >> at & 1 == 1;
        let hundreds = u32::from_le_bytes([s[13], s[14], s[15], 0]);
        Self {
            fast_count: u32::from_le_bytes([s[0], s[1], s[2], s[3]]),
            slow_count: u32::from_le_bytes([s[4], s[5], s[6], s[7]]),
            general_count: u32::from_le_bytes([s[8], s[9], s[10], s[11]]),
            accumulation_ms: hundreds * 100 + u32::from(s[12]),
            live_ms: u32::from_le_bytes([s[16], s[17], s[18], s[19]]),
            real_ms: u32::from_le_bytes([s[20], s[21], s[22], s[23]]),
            firmware: Version::from_byte(s[24]),
            firmware_build: s[37] & 0x0F,
            fpga: Version::from_byte(s[25]),
            serial: u32::from_le_bytes([s[26], s[27], s[28], s[29]]),
            half_volts: i16::from_be_bytes([s[30], s[31]]),
            detector_decikelvin: u16::from_be_bytes([s[32] & 0x0F, s[33]]),
            board_celsius: s[34].cast_signed(),
            cooler_steps: u16::from_be_bytes([s[40] & 0x0F, s[41]]),
            flags: StatusFlags {
                preset_real_time_reached: bit(s[35], 7),
                threshold_locked: bit(s[35], 6),
                enabled: bit(s[35], 5),
                preset_count_reached: bit(s[35], 4),
                gated: !bit(s[35], 3),
                scope_ready: bit(s[35], 2),
                configured: bit(s[35], 1),
                searching_offset: bit(s[36], 7),
                scaler_finished: bit(s[36], 6),
                restarted: bit(s[36], 5),
                fast_clock: bit(s[36], 1),
                clock_automatic: bit(s[36], 0),
                power_board: bit(s[38], 7),
                positive_voltage: bit(s[38], 6),
                high_supply: bit(s[38], 5),
            },
            device: Device::from_code(s[39]),
        }
    }

    /// Writes the 64 bytes. What is too large for its field is sent as the largest the field holds;
    /// fields this type does not have are sent as zero.
    pub fn to_bytes(&self) -> [u8; STATUS_BYTES] {
        let mut out = [0; STATUS_BYTES];
        let mut put = |at: usize, bytes: &[u8]| {
            for (to, from) in out.iter_mut().skip(at).zip(bytes) {
                *to = *from;
            }
        };
        let accumulation = self.accumulation_ms.min(MAX_ACCUMULATION_MS);
        let [h0, h1, h2, _] = (accumulation / 100).to_le_bytes();
        let [below_hundred, ..] = (accumulation % 100).to_le_bytes();
        put(0, &self.fast_count.to_le_bytes());
        put(4, &self.slow_count.to_le_bytes());
        put(8, &self.general_count.to_le_bytes());
        put(12, &[below_hundred, h0, h1, h2]);
        put(16, &self.live_ms.to_le_bytes());
        put(20, &self.real_ms.to_le_bytes());
        put(24, &[self.firmware.to_byte(), self.fpga.to_byte()]);
        put(26, &self.serial.to_le_bytes());
        put(30, &self.half_volts.to_be_bytes());
        put(32, &self.detector_decikelvin.min(0x0FFF).to_be_bytes());
        put(34, &[self.board_celsius.cast_unsigned()]);
        let f = &self.flags;
        put(
            35,
            &[
                bits([
                    f.preset_real_time_reached,
                    f.threshold_locked,
                    f.enabled,
                    f.preset_count_reached,
                    !f.gated,
                    f.scope_ready,
                    f.configured,
                    false,
                ]),
                bits([
                    f.searching_offset,
                    f.scaler_finished,
                    f.restarted,
                    false,
                    false,
                    false,
                    f.fast_clock,
                    f.clock_automatic,
                ]),
                self.firmware_build.min(0x0F),
                bits([f.power_board, f.positive_voltage, f.high_supply, false, false, false, false, false]),
                self.device.code(),
            ],
        );
        put(40, &self.cooler_steps.min(0x0FFF).to_be_bytes());
        out
    }

    /// Share of the time in which the device was blind, in per cent with two places:
    /// `1 − slow / fast`. `None` without a fast count.
    pub fn dead_time_percent(&self) -> Option<Decimal> {
        let (fast, slow) = (i64::from(self.fast_count), i64::from(self.slow_count));
        if fast == 0 {
            return None;
        }
        // Two fast pulses may make one slow one too many; a device is not blind for less than no time.
        let lost = (fast - slow).max(0);
        Decimal::new((lost * 10_000 + fast / 2) / fast, 2)
    }

    /// Why the counters are not those of a measurement; `None` when they are.
    pub const fn counting_fault(&self) -> Option<Missing> {
        if self.flags.restarted {
            Some(Missing::InstrumentFault(FAULT_RESTARTED))
        } else if !self.flags.configured {
            Some(Missing::InstrumentFault(FAULT_NOT_CONFIGURED))
        } else if self.flags.enabled && self.flags.gated {
            Some(Missing::InstrumentFault(FAULT_GATED))
        } else {
            None
        }
    }

    /// Counters are uncertain while the analyser still counts.
    pub const fn counting_quality(&self) -> Quality {
        if self.flags.enabled { Quality::Uncertain(Doubt::Unstable) } else { Quality::Good }
    }

    /// Whether this device measures the high voltage and the temperature of the detector.
    const fn has_detector_supply(&self) -> bool {
        !matches!(self.device, Device::Dp5g)
    }
}

impl Channels for Status {
    /// `fast-count`, `slow-count`, `general-count`, `accumulation-time`, `live-time`, `real-time`,
    /// `dead-time`, `high-voltage`, `detector-temperature`, `board-temperature`.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let fault = self.counting_fault();
        let quality = self.counting_quality();
        let counted = |value: Option<Decimal>, unit| match (fault, value) {
            (Some(missing), _) => Err(missing),
            (None, Some(value)) => Ok(Indication { value, unit, quality }),
            (None, None) => Err(Missing::NotPresent),
        };
        let seconds = |ms: u32| Decimal::new(i64::from(ms), 3);
        let has_live_time = self.device == Device::Mca8000d;
        tell("fast-count", counted(Some(Decimal::whole(self.fast_count.into())), Unit::Count));
        tell("slow-count", counted(Some(Decimal::whole(self.slow_count.into())), Unit::Count));
        tell("general-count", counted(Some(Decimal::whole(self.general_count.into())), Unit::Count));
        tell("accumulation-time", counted(seconds(self.accumulation_ms), Unit::Second));
        tell("live-time", counted(seconds(self.live_ms).filter(|_| has_live_time), Unit::Second));
        tell("real-time", counted(seconds(self.real_ms), Unit::Second));
        tell("dead-time", counted(self.dead_time_percent(), Unit::Percent));
        let measured = |value: Option<Decimal>, unit| match value {
            Some(value) => Ok(Indication { value, unit, quality: Quality::Good }),
            None => Err(Missing::NotPresent),
        };
        let supplied = self.has_detector_supply();
        let volts = Decimal::new(i64::from(self.half_volts) * 5, 1).filter(|_| supplied);
        let detector = Decimal::new(self.detector_decikelvin.into(), 1).filter(|_| supplied);
        tell("high-voltage", measured(volts, Unit::Volt));
        tell("detector-temperature", measured(detector, Unit::Kelvin));
        tell("board-temperature", measured(Some(Decimal::whole(self.board_celsius.into())), Unit::Celsius));
    }
}

impl Version {
    const fn from_byte(byte: u8) -> Self {
        Self { major: byte >> 4, minor: byte & 0x0F }
    }

    const fn to_byte(self) -> u8 {
        self.major << 4 | self.minor & 0x0F
    }
}

/// Flags to a byte, the first to bit 7.
fn bits(flags: [bool; 8]) -> u8 {
    flags.into_iter().fold(0, |byte, flag| byte << 1 | u8::from(flag))
}
