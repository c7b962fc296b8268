//! The numbers of the protocol and what they stand for.

use crate::reading::Missing;

/// What the checksum field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// Nothing: start, lengths and footer are all that guards the message.
    None,
    /// The MD5 digest of everything before it.
    Md5,
}

/// Flags of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(
    /// As sent, unknown bits included.
    pub u16,
);

impl Flags {
    /// This answers a question.
    pub const RESPONSE: Self = Self(0x0001);
    /// The question was carried out.
    pub const ACKNOWLEDGED: Self = Self(0x0002);
    /// An answer is wanted even without data.
    pub const WANTED: Self = Self(0x0004);
    /// The question was refused; the error number says why.
    pub const REFUSED: Self = Self(0x0008);
    /// The hardware failed; the error number says how.
    pub const EXCEPTION: Self = Self(0x0010);
    /// The protocol version of the question is outdated.
    pub const DEPRECATED: Self = Self(0x0020);

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

macro_rules! numbered {
    ($(#[$outer:meta])* $enum:ident($int:ty) $($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $enum {
            $($(#[$doc])* $name,)*
            /// A number this module does not know.
            Other($int),
        }

        impl $enum {
            /// Every known one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number on the wire.
            pub const fn code(self) -> $int {
                match self { $(Self::$name => $code,)* Self::Other(code) => code }
            }

            /// Reads the number.
            pub const fn from_code(code: $int) -> Self {
                match code { $($code => Self::$name,)* other => Self::Other(other) }
            }
        }
    };
}

numbered! {
    /// The type of a message: what is asked or told.
    Kind(u32)
    /// Oldest spectrum of the buffer, 32-bit pixels behind metadata.
    BufferedSpectrum = 0x0010_0928,
    /// A spectrum taken now, 16-bit pixels.
    RawSpectrum = 0x0010_1100,
    /// Set the integration time.
    IntegrationTime = 0x0011_0010,
    /// Set the trigger mode.
    TriggerMode = 0x0011_0110,
    /// How many wavelength coefficients there are.
    WavelengthCount = 0x0018_0100,
    /// One wavelength coefficient.
    Wavelength = 0x0018_0101,
    /// How many non-linearity coefficients there are.
    NonlinearityCount = 0x0018_1100,
    /// One non-linearity coefficient.
    Nonlinearity = 0x0018_1101,
    /// Temperature of the cooled detector.
    DetectorTemperature = 0x0042_0004,
    /// Switch the cooler.
    CoolerEnable = 0x0042_0010,
    /// Set the temperature the cooler holds.
    CoolerSetPoint = 0x0042_0011,
}

numbered! {
    /// Why a device refuses or fails.
    Failure(u16)
    /// The version of the protocol is not spoken.
    Protocol = 1,
    /// The message type is unknown.
    Kind = 2,
    /// The checksum does not hold.
    Checksum = 3,
    /// The message is too large.
    TooLarge = 4,
    /// The payload does not have the length of the type.
    PayloadLength = 5,
    /// The payload makes no sense.
    Payload = 6,
    /// Not ready.
    NotReady = 7,
    /// The checksum type is unknown.
    ChecksumType = 8,
    /// The device restarted.
    Restarted = 9,
    /// Too many buses are in use.
    TooManyBuses = 10,
    /// Out of memory.
    OutOfMemory = 11,
    /// What is asked for does not exist.
    DoesNotExist = 12,
    /// The device failed inside.
    Internal = 13,
    /// Firmware does not decrypt.
    FirmwareDecrypt = 100,
    /// Firmware has a wrong layout.
    FirmwareLayout = 101,
    /// A firmware packet has a wrong size.
    FirmwareSize = 102,
    /// Firmware is for another hardware.
    FirmwareHardware = 103,
    /// Firmware does not fit the flash map.
    FirmwareFlash = 104,
    /// The answer takes time; neither done nor refused yet.
    Deferred = 255,
}

impl Failure {
    /// Why there is no value.
    pub const fn missing(self) -> Missing {
        match self {
            // The device says that the line spoiled our question.
            Self::Checksum | Self::PayloadLength => Missing::CrcError,
            Self::NotReady | Self::Deferred => Missing::WarmingUp,
            Self::DoesNotExist => Missing::NotPresent,
            other => Missing::InstrumentFault(other.code()),
        }
    }
}

/// Bytes of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelWidth {
    /// Two bytes.
    Two,
    /// Four bytes.
    Four,
}

impl Kind {
    /// Bytes of one pixel of this answer; `None` when it is no spectrum.
    pub const fn pixel_width(self) -> Option<PixelWidth> {
        match self {
            Self::RawSpectrum => Some(PixelWidth::Two),
            Self::BufferedSpectrum => Some(PixelWidth::Four),
            _ => None,
        }
    }
}
