//! One message: header, checks, and what its data are.

use heapless::Vec;

use super::{
    OVERHEAD_BYTES,
    kind::{Checksum, Failure, Flags, Kind, PixelWidth},
    request::Request,
};
use crate::{
    Unit,
    reading::{Channels, Indication, Missing, Outcome, Quality},
    spectrometer::{
        md5,
        stream::{Layout, Measure},
    },
    wire::{
        Refusal,
        single::{Single, SingleError},
    },
};

pub(super) const START: [u8; 2] = [0xC1, 0xC0];
pub(super) const FOOTER: [u8; 4] = [0xC5, 0xC4, 0xC3, 0xC2];
pub(super) const HEADER_BYTES: usize = 44;

/// Checksum and footer, which the count of remaining bytes includes.
pub(super) const TAIL_BYTES: usize = OVERHEAD_BYTES - HEADER_BYTES;

/// Bytes of the tail that the checksum does not cover: itself and the footer.
pub(super) const CHECKSUM_BYTES: usize = 16;

/// Most data that fit the header.
pub const MAX_IMMEDIATE_BYTES: usize = 16;

/// Bytes before the pixels of a buffered spectrum.
pub const METADATA_BYTES: usize = 32;

/// The protocol version this module writes. It reads every version of major number 10 and 11.
pub const VERSION: u16 = 0x1100;

/// The versions devices are known to speak differ in the upper byte.
const KNOWN_VERSIONS: [u8; 2] = [0x10, 0x11];

/// Longest message that a start is believed to open. Nothing known is longer; it bounds the damage of a
/// false start whose length is noise.
const MAX_BELIEVED_BYTES: usize = 1 << 20;

/// One message. Its data stay in the decoder, up to sixteen bytes are also here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Protocol version.
    pub version: u16,
    /// Flags.
    pub flags: Flags,
    /// Error number, `None` for 0.
    pub failure: Option<Failure>,
    /// Message type.
    pub kind: Kind,
    /// Number chosen by who asked.
    pub regarding: u32,
    /// What the checksum field holds.
    pub checksum: Checksum,
    /// Data of the header.
    pub immediate: Vec<u8, MAX_IMMEDIATE_BYTES>,
    /// Bytes of the payload.
    pub payload_bytes: usize,
}

impl Message {
    /// The question in it; `None` for an answer, and for a question whose data do not fit its type.
    pub fn request(&self) -> Option<Request> {
        if self.flags.contains(Flags::RESPONSE) || self.payload_bytes > 0 {
            return None;
        }
        let data = self.immediate.as_slice();
        let one = || <[u8; 1]>::try_from(data).ok().map(|[byte]| byte);
        let four = || <[u8; 4]>::try_from(data).ok();
        let none = |request| data.is_empty().then_some(request);
        match self.kind {
            Kind::BufferedSpectrum => none(Request::BufferedSpectrum),
            Kind::RawSpectrum => none(Request::RawSpectrum),
            Kind::IntegrationTime => four().map(u32::from_le_bytes).map(Request::IntegrationTime),
            Kind::TriggerMode => one().map(Request::TriggerMode),
            Kind::WavelengthCount => none(Request::WavelengthCount),
            Kind::Wavelength => one().map(Request::Wavelength),
            Kind::NonlinearityCount => none(Request::NonlinearityCount),
            Kind::Nonlinearity => one().map(Request::Nonlinearity),
            Kind::DetectorTemperature => none(Request::DetectorTemperature),
            Kind::CoolerEnable => match one() {
                Some(0) => Some(Request::CoolerEnable(false)),
                Some(1) => Some(Request::CoolerEnable(true)),
                _ => None,
            },
            Kind::CoolerSetPoint => four().map(Single::from_le_bytes).map(Request::CoolerSetPoint),
            Kind::Other(_) => None,
        }
    }

    /// Why the device brings no data; `None` when nothing speaks against it.
    pub fn missing(&self) -> Option<Missing> {
        match self.failure {
            Some(failure) => Some(failure.missing()),
            None if self.flags.contains(Flags::REFUSED) || self.flags.contains(Flags::EXCEPTION) => {
                Some(Missing::InstrumentFault(0))
            }
            None => None,
        }
    }
}

impl Channels for Message {
    /// `detector-temperature` for an answer about it; spectra and settings have no scalar.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        if self.kind != Kind::DetectorTemperature || self.request().is_some() {
            return;
        }
        let number = <[u8; 4]>::try_from(self.immediate.as_slice()).map(Single::from_le_bytes);
        let outcome = match (self.missing(), number.map(Single::decimal)) {
            (Some(missing), _) => Err(missing),
            (None, Ok(Ok(value))) => Ok(Indication { value, unit: Unit::Celsius, quality: Quality::Good }),
            (None, Ok(Err(SingleError::NotFinite(_)))) => Err(Missing::InstrumentFault(0)),
            (None, Ok(Err(SingleError::Range)) | Err(_)) => Err(Missing::Refused),
        };
        tell("detector-temperature", outcome);
    }
}

fn kind(message: &[u8]) -> Kind {
    let code = message.get(8..12).and_then(|it| it.try_into().ok()).map_or(0, u32::from_le_bytes);
    Kind::from_code(code)
}

fn payload(message: &[u8]) -> &[u8] {
    message.get(HEADER_BYTES..message.len().saturating_sub(TAIL_BYTES)).unwrap_or_default()
}

pub(super) fn data(message: &[u8]) -> &[u8] {
    let payload = payload(message);
    if !payload.is_empty() {
        return payload;
    }
    let length = message.get(23).copied().map_or(0, usize::from);
    message.get(24..24 + length).unwrap_or_default()
}

pub(super) fn metadata(message: &[u8]) -> &[u8] {
    if kind(message) == Kind::BufferedSpectrum {
        payload(message).get(..METADATA_BYTES).unwrap_or_default()
    } else {
        &[]
    }
}

pub(super) fn pixels(message: &[u8]) -> impl Iterator<Item = u32> {
    let (width, skip) = match kind(message).pixel_width() {
        Some(PixelWidth::Two) => (2, 0),
        Some(PixelWidth::Four) => (4, METADATA_BYTES),
        None => (1, usize::MAX),
    };
    payload(message).get(skip..).unwrap_or_default().chunks_exact(width).map(|pixel| {
        // Least significant byte first, so the last one weighs most.
        pixel.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
    })
}

pub(super) struct Obp;

impl Layout for Obp {
    type Item = Message;

    const FIRST: u8 = START[0];

    fn measure(bytes: &[u8]) -> Measure {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            let looks_right = bytes.iter().zip(START).all(|(found, expected)| *found == expected)
                && bytes.get(3).is_none_or(|version| KNOWN_VERSIONS.contains(version));
            return if looks_right { Measure::Unknown } else { Measure::NotAStart };
        };
        let known = header[..2] == START && KNOWN_VERSIONS.contains(&header[3]);
        let fits = header[22] <= 1 && usize::from(header[23]) <= MAX_IMMEDIATE_BYTES;
        let remaining = u32::from_le_bytes([header[40], header[41], header[42], header[43]]);
        match usize::try_from(remaining) {
            Ok(remaining) if known && fits && (TAIL_BYTES..=MAX_BELIEVED_BYTES).contains(&remaining) => {
                Measure::Frame(HEADER_BYTES + remaining)
            }
            _ => Measure::NotAStart,
        }
    }

    fn judge(message: &[u8]) -> Result<Message, Refusal> {
        let Some((checked, footer)) = message.split_last_chunk::<4>() else {
            return Err(Refusal::Shape);
        };
        let (Some((covered, &checksum)), Some(h)) =
            (checked.split_last_chunk::<CHECKSUM_BYTES>(), message.first_chunk::<HEADER_BYTES>())
        else {
            return Err(Refusal::Shape);
        };
        if *footer != FOOTER {
            return Err(Refusal::Shape);
        }
        let kept = match h[22] {
            0 => Checksum::None,
            _ => Checksum::Md5,
        };
        if kept == Checksum::Md5 && checksum != md5::digest(covered) {
            return Err(Refusal::Checksum);
        }
        let kind = kind(message);
        let payload_bytes = payload(message).len();
        let odd = match kind.pixel_width() {
            Some(PixelWidth::Two) => !payload_bytes.is_multiple_of(2),
            Some(PixelWidth::Four) => {
                payload_bytes > 0 && (payload_bytes < METADATA_BYTES || !payload_bytes.is_multiple_of(4))
            }
            None => false,
        };
        if odd {
            return Err(Refusal::Shape);
        }
        let immediate = message.get(24..24 + usize::from(h[23])).ok_or(Refusal::Shape)?;
        let error = u16::from_le_bytes([h[6], h[7]]);
        Ok(Message {
            version: u16::from_le_bytes([h[2], h[3]]),
            flags: Flags(u16::from_le_bytes([h[4], h[5]])),
            failure: (error != 0).then(|| Failure::from_code(error)),
            kind,
            regarding: u32::from_le_bytes([h[12], h[13], h[14], h[15]]),
            checksum: kept,
            immediate: Vec::from_slice(immediate).map_err(|_| Refusal::Shape)?,
            payload_bytes,
        })
    }
}
