//! Set-up lines: the alarm parameters the portal works with.
//!
//! The portal sends `SG1`, `SG2`, `SG3` and `SN1`, `SN2` at power-up and when somebody has changed
//! them. Field widths vary between firmware versions, so fields are told apart by commas alone.

use crate::Decimal;

/// Longest text field kept, in bytes.
pub const MAX_TEXT_BYTES: usize = 12;

/// Most 200 ms intervals an alarm window may have: five seconds, the default being one.
pub const MAX_INTERVALS: u8 = 25;

/// A short text field.
pub type Text = heapless::String<MAX_TEXT_BYTES>;

/// One set-up line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setup {
    /// `SG1`.
    Gamma1(Gamma1),
    /// `SG2`.
    Gamma2(Gamma2),
    /// `SG3`.
    Gamma3(Gamma3),
    /// `SN1`.
    Neutron1(Neutron1),
    /// `SN2`.
    Neutron2(Neutron2),
}

/// First gamma line: what alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gamma1 {
    /// Background above this is a fault, counts per second.
    pub high_fault: u32,
    /// Background below this is a fault, counts per second.
    pub low_fault: u32,
    /// Intervals of 200 ms in the alarm window, `1..=MAX_INTERVALS`.
    pub intervals: u8,
    /// Intervals of 200 ms that still belong to the occupancy after the beam has cleared.
    pub hold_in: u16,
    /// Standard deviations above background that alarm; positive.
    pub n_sigma: Decimal,
}

/// Second gamma line: the detectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gamma2 {
    /// Detectors on line, as the portal words it.
    pub detectors: Text,
    /// Lower level discriminator of the master, volt.
    pub master_lld: Decimal,
    /// Upper level discriminator of the master, volt.
    pub master_uld: Decimal,
    /// Relay output: 0 off, 1 on, 3 automatic.
    pub relay: u8,
    /// Which detectors are summed before comparing.
    pub algorithm: Algorithm,
    /// Letter of the software version.
    pub software: Text,
}

/// Third gamma line; a gamma set-up is complete with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gamma3 {
    /// Lower level discriminator of the slave, volt.
    pub slave_lld: Decimal,
    /// Upper level discriminator of the slave, volt.
    pub slave_uld: Decimal,
    /// Averaging time of the background, seconds.
    pub background_time_s: u16,
    /// Rise of the background, in standard deviations, that restarts its average.
    pub background_sigma: Decimal,
    /// Firmware version.
    pub firmware: Text,
}

/// First neutron line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neutron1 {
    /// Background above this is a fault.
    pub high_fault: u32,
    /// Most intervals of the sequential test.
    pub max_intervals: u16,
    /// False-alarm parameter of the sequential test.
    pub alpha: Decimal,
    /// Limit of the test statistic.
    pub zmax: Decimal,
    /// Intervals in sequence, typically 4.
    pub sequential_intervals: u16,
    /// Averaging time of the background, seconds.
    pub background_time_s: u16,
}

/// Second neutron line; a neutron set-up is complete with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neutron2 {
    /// Lower level discriminator of the master, volt.
    pub master_lld: Decimal,
    /// Upper level discriminator of the master, volt.
    pub master_uld: Decimal,
    /// Lower level discriminator of the slave, volt.
    pub slave_lld: Decimal,
    /// Upper level discriminator of the slave, volt.
    pub slave_uld: Decimal,
}

/// Which detectors are summed before they are compared with their background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// All four together.
    #[default]
    Sum,
    /// The upper pair and the lower pair.
    Horizontal,
    /// The pair of the master pillar and that of the slave pillar.
    Vertical,
    /// Each detector on its own.
    Single,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 4] = [Self::Sum, Self::Horizontal, Self::Vertical, Self::Single];

    /// The word as sent.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Sum => "SUM",
            Self::Horizontal => "HORIZONTAL",
            Self::Vertical => "VERTICAL",
            Self::Single => "SINGLE",
        }
    }
}
