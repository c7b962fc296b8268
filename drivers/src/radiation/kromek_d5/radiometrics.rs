//! The report this agent asks for: doses, counts and temperatures.

use super::FIXED_BYTES;
use crate::{
    Decimal, Unit,
    reading::{Channels, Indication, Missing, Outcome, Quality},
    wire::single::{Single, SingleError},
};

/// Doses, counts and temperatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Radiometrics {
    /// Status bits, unexplained.
    pub status: u32,
    /// Real time in milliseconds.
    pub real_ms: u32,
    /// Counts answers.
    pub sequence: u32,
    /// Dose in microsievert.
    pub dose: Single,
    /// Dose rate in microsievert per hour.
    pub dose_rate: Single,
    /// Dose since the user reset it, in microsievert.
    pub user_dose: Single,
    /// Live time of the neutron detector in milliseconds.
    pub neutron_live_ms: u32,
    /// Neutron counts.
    pub neutron_counts: u32,
    /// Temperature of the neutron detector in hundredths of a degree Celsius.
    pub neutron_centicelsius: i16,
    /// Live time of the gamma detector in milliseconds.
    pub gamma_live_ms: u32,
    /// Gamma counts.
    pub gamma_counts: u32,
    /// Temperature of the gamma detector in hundredths of a degree Celsius.
    pub gamma_centicelsius: i16,
    /// Binary digits of a channel number; 12 for 4096 channels.
    pub channel_bits: u8,
}

impl Channels for Radiometrics {
    /// `dose-rate`, `dose`, `user-dose`, `gamma-count`, `neutron-count`, `real-time`,
    /// `gamma-live-time`, `neutron-live-time`, `gamma-temperature`, `neutron-temperature`.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let it = self;
        let shown = |value, unit| Ok(Indication { value, unit, quality: Quality::Good });
        let single = |value: Single, unit| match value.decimal() {
            Ok(value) => shown(value, unit),
            Err(SingleError::NotFinite(_)) => Err(Missing::InstrumentFault(0)),
            Err(SingleError::Range) => Err(Missing::Refused),
        };
        let count = |value: u32| shown(Decimal::whole(value.into()), Unit::Count);
        let seconds = |ms: u32| match Decimal::new(ms.into(), 3) {
            Some(value) => shown(value, Unit::Second),
            None => Err(Missing::Refused),
        };
        let celsius = |hundredths: i16| match Decimal::new(hundredths.into(), 2) {
            Some(value) => shown(value, Unit::Celsius),
            None => Err(Missing::Refused),
        };
        tell("dose-rate", single(it.dose_rate, Unit::MicrosievertPerHour));
        tell("dose", single(it.dose, Unit::Microsievert));
        tell("user-dose", single(it.user_dose, Unit::Microsievert));
        tell("gamma-count", count(it.gamma_counts));
        tell("neutron-count", count(it.neutron_counts));
        tell("real-time", seconds(it.real_ms));
        tell("gamma-live-time", seconds(it.gamma_live_ms));
        tell("neutron-live-time", seconds(it.neutron_live_ms));
        tell("gamma-temperature", celsius(it.gamma_centicelsius));
        tell("neutron-temperature", celsius(it.neutron_centicelsius));
    }
}

impl Radiometrics {
    pub(super) fn from_bytes(p: &[u8; FIXED_BYTES]) -> Self {
        Self {
            status: u32::from_le_bytes([p[0], p[1], p[2], p[3]]),
            real_ms: u32::from_le_bytes([p[4], p[5], p[6], p[7]]),
            sequence: u32::from_le_bytes([p[8], p[9], p[10], p[11]]),
            dose: Single::from_le_bytes([p[12], p[13], p[14], p[15]]),
            dose_rate: Single::from_le_bytes([p[16], p[17], p[18], p[19]]),
            user_dose: Single::from_le_bytes([p[20], p[21], p[22], p[23]]),
            neutron_live_ms: u32::from_le_bytes([p[24], p[25], p[26], p[27]]),
            neutron_counts: u32::from_le_bytes([p[28], p[29], p[30], p[31]]),
            neutron_centicelsius: i16::from_le_bytes([p[32], p[33]]),
            gamma_live_ms: u32::from_le_bytes([p[38], p[39], p[40], p[41]]),
            gamma_counts: u32::from_le_bytes([p[42], p[43], p[44], p[45]]),
            gamma_centicelsius: i16::from_le_bytes([p[46], p[47]]),
            channel_bits: p[52],
        }
    }

    pub(super) fn to_bytes(self) -> impl Iterator<Item = u8> {
        let reserved = [0; 4];
        let words = [
            self.status.to_le_bytes(),
            self.real_ms.to_le_bytes(),
            self.sequence.to_le_bytes(),
            self.dose.to_le_bytes(),
            self.dose_rate.to_le_bytes(),
            self.user_dose.to_le_bytes(),
            self.neutron_live_ms.to_le_bytes(),
            self.neutron_counts.to_le_bytes(),
        ];
        let gamma = [self.gamma_live_ms.to_le_bytes(), self.gamma_counts.to_le_bytes()];
        words
            .into_iter()
            .flatten()
            .chain(self.neutron_centicelsius.to_le_bytes())
            .chain(reserved)
            .chain(gamma.into_iter().flatten())
            .chain(self.gamma_centicelsius.to_le_bytes())
            .chain(reserved)
            .chain([self.channel_bits, 0])
    }
}
