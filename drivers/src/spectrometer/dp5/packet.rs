//! One packet: its two identifiers, what they say about its length, and its checksum.

use super::{
    MAX_CHANNELS, OVERHEAD_BYTES,
    status::{STATUS_BYTES, Status},
};
use crate::{
    Decimal, Unit,
    reading::{Channels, Indication, Missing, Outcome, Quality},
    spectrometer::stream::{Layout, Measure},
    wire::Refusal,
};

pub(super) const SYNC: [u8; 2] = [0xF5, 0xFA];
const HEAD_BYTES: usize = 6;

/// Bytes of one channel.
pub(super) const CHANNEL_BYTES: usize = 3;

/// Most data of a packet without a fixed length. Read-back of 512 request bytes stays below; the limit
/// bounds how much a false start can swallow.
const MAX_FREE_DATA_BYTES: usize = 2048;

/// The channel counts a spectrum may have.
pub const fn channel_counts() -> [u16; 6] {
    [256, 512, 1024, 2048, 4096, 8192]
}

/// What one packet says.
///
/// Long contents stay in the decoder: channels behind [`super::Decoder::spectrum`], texts behind
/// [`super::Decoder::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// A question or a command to the device.
    Request(Request),
    /// Counters, times, temperatures and flags.
    Status(Status),
    /// A spectrum.
    Spectrum {
        /// How many channels: one of [`channel_counts`].
        channels: u16,
        /// Sum over all channels.
        total: u64,
        /// The status of the same moment, with live and real time, when it was asked for.
        status: Option<Status>,
    },
    /// Settings read back, as text.
    Settings,
    /// The data of an echo request.
    Echo,
    /// Done, or why not. The codes 05, 07 and 0B bring the offending command as text.
    Acknowledgement(Acknowledgement),
    /// A sound packet with identifiers that this module does not know.
    Unknown {
        /// First identifier.
        pid1: u8,
        /// Second identifier.
        pid2: u8,
    },
}

/// A question or a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Status.
    Status,
    /// Spectrum.
    Spectrum {
        /// Together with the status.
        status: bool,
        /// Clear spectrum, counters and times behind it.
        clear: bool,
    },
    /// Settings as text, written to flash. See the trap in [`super`].
    ConfigureKept,
    /// Settings as text, lost at power-off (firmware from 6.08).
    Configure,
    /// Names of settings, to be answered with their values.
    ReadBack,
    /// Clear spectrum, counters and times.
    Clear,
    /// Start the analyser.
    Enable,
    /// Stop the analyser.
    Disable,
    /// Arm the oscilloscope.
    ArmScope,
    /// Find the input offset.
    AutoOffset,
    /// Find the fast threshold.
    AutoThreshold,
    /// Clear the general-purpose counter.
    ClearGeneralCounter,
    /// Keep the Ethernet connection, sharing allowed.
    KeepAliveShared,
    /// Keep the Ethernet connection, no sharing.
    KeepAlive,
    /// Keep the Ethernet connection locked.
    KeepAliveLocked,
    /// Answer with this acknowledgement: exercises every error path on a real device.
    TestAcknowledgement(Acknowledgement),
    /// Answer with the same data.
    Echo,
}

macro_rules! acknowledgements {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// How a device answers what brings no data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Acknowledgement {
            $($(#[$doc])* $name,)*
            /// A code the guide does not list.
            Other(u8),
        }

        impl Acknowledgement {
            /// Every listed answer, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code on the wire.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* Self::Other(code) => code }
            }

            /// Reads the code.
            pub const fn from_code(code: u8) -> Self {
                match code { $($code => Self::$name,)* other => Self::Other(other) }
            }
        }
    };
}

acknowledgements! {
    /// Done.
    Done = 0x00,
    /// Sync wrong. RS-232 answers nothing instead.
    Sync = 0x01,
    /// Identifiers unknown.
    Identifier = 0x02,
    /// Length does not fit the identifiers.
    Length = 0x03,
    /// Checksum wrong.
    Checksum = 0x04,
    /// A parameter is wrong; the text names the command.
    Parameter = 0x05,
    /// A hex record is wrong.
    HexRecord = 0x06,
    /// A command is unknown; the text names it.
    Unrecognised = 0x07,
    /// The gate array is not initialised.
    NotInitialised = 0x08,
    /// The Ethernet controller is not there.
    NoEthernet = 0x09,
    /// No oscilloscope data yet.
    NoScope = 0x0A,
    /// The power supply board is not there; the text names the command.
    NoPowerBoard = 0x0B,
    /// Done, and somebody else asks to share the interface.
    DoneSharing = 0x0C,
    /// Another interface is in use.
    Busy = 0x0D,
    /// The I2C bus failed.
    I2c = 0x0E,
    /// Done, with the upload address.
    DoneUpload = 0x0F,
    /// This gate array version cannot do that.
    NotSupported = 0x10,
    /// No calibration data.
    NoCalibration = 0x11,
}

impl Acknowledgement {
    /// The request was carried out.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::DoneSharing | Self::DoneUpload)
    }

    /// Why a request that was to bring a value brought none; `None` when it was carried out.
    pub const fn missing(self) -> Option<Missing> {
        match self {
            Self::Done | Self::DoneSharing | Self::DoneUpload => None,
            // The device says that the line spoiled our request.
            Self::Sync | Self::Length | Self::Checksum => Some(Missing::CrcError),
            other => Some(Missing::InstrumentFault(other.code() as u16)),
        }
    }
}

impl Request {
    /// Every request; the acknowledgement test with the answer a checksum error gets.
    pub const ALL: [Self; 20] = [
        Self::Status,
        Self::Spectrum { status: false, clear: false },
        Self::Spectrum { status: false, clear: true },
        Self::Spectrum { status: true, clear: false },
        Self::Spectrum { status: true, clear: true },
        Self::ConfigureKept,
        Self::ReadBack,
        Self::Configure,
        Self::Clear,
        Self::Enable,
        Self::Disable,
        Self::ArmScope,
        Self::AutoOffset,
        Self::AutoThreshold,
        Self::ClearGeneralCounter,
        Self::KeepAliveShared,
        Self::KeepAlive,
        Self::KeepAliveLocked,
        Self::TestAcknowledgement(Acknowledgement::Checksum),
        Self::Echo,
    ];

    /// The two identifiers.
    pub const fn identifiers(self) -> [u8; 2] {
        match self {
            Self::Status => [0x01, 0x01],
            Self::Spectrum { status: false, clear: false } => [0x02, 0x01],
            Self::Spectrum { status: false, clear: true } => [0x02, 0x02],
            Self::Spectrum { status: true, clear: false } => [0x02, 0x03],
            Self::Spectrum { status: true, clear: true } => [0x02, 0x04],
            Self::ConfigureKept => [0x20, 0x02],
            Self::ReadBack => [0x20, 0x03],
            Self::Configure => [0x20, 0x04],
            Self::Clear => [0xF0, 0x01],
            Self::Enable => [0xF0, 0x02],
            Self::Disable => [0xF0, 0x03],
            Self::ArmScope => [0xF0, 0x04],
            Self::AutoOffset => [0xF0, 0x05],
            Self::AutoThreshold => [0xF0, 0x06],
            Self::ClearGeneralCounter => [0xF0, 0x10],
            Self::KeepAliveShared => [0xF0, 0x20],
            Self::KeepAlive => [0xF0, 0x21],
            Self::KeepAliveLocked => [0xF0, 0x22],
            Self::TestAcknowledgement(answer) => [0xF1, answer.code() & 0x0F],
            Self::Echo => [0xF1, 0x7F],
        }
    }

    fn from_identifiers(pid1: u8, pid2: u8) -> Option<Self> {
        if pid1 == 0xF1 && pid2 <= 0x0F {
            return Some(Self::TestAcknowledgement(Acknowledgement::from_code(pid2)));
        }
        Self::ALL.into_iter().find(|it| it.identifiers() == [pid1, pid2])
    }

    /// Whether data goes with it.
    pub const fn carries_data(self) -> bool {
        matches!(self, Self::ConfigureKept | Self::Configure | Self::ReadBack | Self::Echo)
    }
}

impl Channels for Packet {
    /// The channels of the status, and with a spectrum `channel-total`: the counts in all channels.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        match self {
            Self::Status(status) => status.each(tell),
            Self::Spectrum { total, status, .. } => {
                let (missing, quality) =
                    status.map_or((None, Quality::Good), |it| (it.counting_fault(), it.counting_quality()));
                let outcome = match (missing, i64::try_from(*total)) {
                    (Some(missing), _) => Err(missing),
                    (None, Ok(total)) => Ok(Indication { value: Decimal::whole(total), unit: Unit::Count, quality }),
                    (None, Err(_)) => Err(Missing::Refused),
                };
                tell("channel-total", outcome);
                if let Some(status) = status {
                    status.each(tell);
                }
            }
            _ => {}
        }
    }
}

/// What the two identifiers promise about the data.
enum Promise {
    Exactly(usize),
    AtMost(usize),
}

fn spectrum_shape(pid1: u8, pid2: u8) -> Option<(u16, bool)> {
    if pid1 != 0x81 || !(0x01..=0x0C).contains(&pid2) {
        return None;
    }
    let channels = channel_counts().get(usize::from((pid2 - 1) / 2)).copied()?;
    Some((channels, pid2.is_multiple_of(2)))
}

/// The second identifier of a spectrum answer; `None` for a channel count the devices do not have.
pub(super) fn spectrum_identifier(channels: usize, with_status: bool) -> Option<u8> {
    let size = channel_counts().iter().position(|&it| usize::from(it) == channels)?;
    Some(u8::try_from(2 * size + 1).ok()? + u8::from(with_status))
}

fn promise(pid1: u8, pid2: u8) -> Promise {
    if let Some((channels, with_status)) = spectrum_shape(pid1, pid2) {
        let status = if with_status { STATUS_BYTES } else { 0 };
        return Promise::Exactly(usize::from(channels) * CHANNEL_BYTES + status);
    }
    match (pid1, pid2) {
        (0x80, 0x01) => Promise::Exactly(STATUS_BYTES),
        _ => match Request::from_identifiers(pid1, pid2) {
            Some(request) if request.carries_data() => Promise::AtMost(super::MAX_REQUEST_DATA_BYTES),
            Some(_) => Promise::Exactly(0),
            None => Promise::AtMost(MAX_FREE_DATA_BYTES),
        },
    }
}

/// The 16-bit sum of bytes, carries dropped.
pub(super) fn sum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, &byte| sum.wrapping_add(u16::from(byte)))
}

pub(super) fn data(packet: &[u8]) -> &[u8] {
    packet.get(HEAD_BYTES..packet.len().saturating_sub(2)).unwrap_or_default()
}

pub(super) fn spectrum(packet: &[u8]) -> impl ExactSizeIterator<Item = u32> {
    let shape = match packet {
        [_, _, pid1, pid2, ..] => spectrum_shape(*pid1, *pid2),
        _ => None,
    };
    let bytes = shape.map_or(0, |(channels, _)| usize::from(channels) * CHANNEL_BYTES);
    let channels = data(packet).get(..bytes).unwrap_or_default().as_chunks::<CHANNEL_BYTES>().0;
    channels.iter().map(|&[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]))
}

pub(super) struct DP5;

impl Layout for DP5 {
    type Item = Packet;

    const FIRST: u8 = SYNC[0];

    fn measure(bytes: &[u8]) -> Measure {
        let (pid1, pid2, length) = match *bytes {
            [_, second, ..] if second != SYNC[1] => return Measure::NotAStart,
            [_, _, pid1, pid2, high, low, ..] => (pid1, pid2, usize::from(u16::from_be_bytes([high, low]))),
            _ => return Measure::Unknown,
        };
        let fits = match promise(pid1, pid2) {
            Promise::Exactly(expected) => length == expected,
            Promise::AtMost(most) => length <= most,
        };
        if fits { Measure::Frame(length + OVERHEAD_BYTES) } else { Measure::NotAStart }
    }

    fn judge(frame: &[u8]) -> Result<Packet, Refusal> {
        let Some((covered, &[high, low])) = frame.split_last_chunk() else {
            return Err(Refusal::Shape);
        };
        if sum(covered).wrapping_add(u16::from_be_bytes([high, low])) != 0 {
            return Err(Refusal::Checksum);
        }
        let &[_, _, pid1, pid2, ..] = covered else {
            return Err(Refusal::Shape);
        };
        let data = data(frame);
        if let Some((channels, with_status)) = spectrum_shape(pid1, pid2) {
            let status = if with_status { Some(status(data.last_chunk())?) } else { None };
            let total = spectrum(frame).map(u64::from).sum();
            return Ok(Packet::Spectrum { channels, total, status });
        }
        Ok(match (pid1, pid2) {
            (0x80, 0x01) => Packet::Status(status(data.first_chunk())?),
            (0x82, 0x07) => Packet::Settings,
            (0x8F, 0x7F) => Packet::Echo,
            (0xFF, code) => Packet::Acknowledgement(Acknowledgement::from_code(code)),
            _ => Request::from_identifiers(pid1, pid2).map_or(Packet::Unknown { pid1, pid2 }, Packet::Request),
        })
    }
}

fn status(bytes: Option<&[u8; STATUS_BYTES]>) -> Result<Status, Refusal> {
    bytes.map(Status::from_bytes).ok_or(Refusal::Shape)
}

// A spectrum's sum cannot overflow: 8192 channels of 24 bits stay below 2^37.
const _: () = assert!((MAX_CHANNELS as u64) << 24 < 1 << 40);
