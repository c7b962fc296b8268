//! What is asked of a device.

use heapless::Vec;

use super::{kind::Kind, message::MAX_IMMEDIATE_BYTES};
use crate::wire::single::Single;

/// A question this agent asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Oldest spectrum of the buffer.
    BufferedSpectrum,
    /// A spectrum taken now.
    RawSpectrum,
    /// Set the integration time, in microseconds.
    IntegrationTime(u32),
    /// Set the trigger mode; what the numbers mean differs by model.
    TriggerMode(u8),
    /// How many wavelength coefficients there are.
    WavelengthCount,
    /// The wavelength coefficient of this power of the pixel.
    Wavelength(u8),
    /// How many non-linearity coefficients there are.
    NonlinearityCount,
    /// The non-linearity coefficient of this power of the intensity.
    Nonlinearity(u8),
    /// Temperature of the cooled detector.
    DetectorTemperature,
    /// Switch the cooler.
    CoolerEnable(bool),
    /// Set the temperature the cooler holds, in degrees Celsius.
    CoolerSetPoint(Single),
}

impl Request {
    /// The message type.
    pub const fn kind(self) -> Kind {
        match self {
            Self::BufferedSpectrum => Kind::BufferedSpectrum,
            Self::RawSpectrum => Kind::RawSpectrum,
            Self::IntegrationTime(_) => Kind::IntegrationTime,
            Self::TriggerMode(_) => Kind::TriggerMode,
            Self::WavelengthCount => Kind::WavelengthCount,
            Self::Wavelength(_) => Kind::Wavelength,
            Self::NonlinearityCount => Kind::NonlinearityCount,
            Self::Nonlinearity(_) => Kind::Nonlinearity,
            Self::DetectorTemperature => Kind::DetectorTemperature,
            Self::CoolerEnable(_) => Kind::CoolerEnable,
            Self::CoolerSetPoint(_) => Kind::CoolerSetPoint,
        }
    }

    /// The data that go with it, at most four bytes.
    pub fn data(self) -> Vec<u8, MAX_IMMEDIATE_BYTES> {
        let four = |bytes: [u8; 4]| bytes.into_iter().collect();
        let one = |byte: u8| core::iter::once(byte).collect();
        match self {
            Self::BufferedSpectrum
            | Self::RawSpectrum
            | Self::WavelengthCount
            | Self::NonlinearityCount
            | Self::DetectorTemperature => Vec::new(),
            Self::IntegrationTime(microseconds) => four(microseconds.to_le_bytes()),
            Self::CoolerSetPoint(celsius) => four(celsius.to_le_bytes()),
            Self::TriggerMode(byte) | Self::Wavelength(byte) | Self::Nonlinearity(byte) => one(byte),
            Self::CoolerEnable(on) => one(u8::from(on)),
        }
    }
}
