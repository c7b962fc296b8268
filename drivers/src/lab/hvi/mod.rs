//! Uster HVI cotton fibre testers: the records of their serial output.
//!
//! One record per line, fields ended by `@`, the line by CR:
//!
//! ```text
//! HVI@MIC@02@100@12:00@01-DEC-93@TEST RUN@1@3.5@n@91@
//!  |   |   |   |    |      |       |      |  |  |  +- XOR of all bytes before it, in decimal
//!  |   |   |   |    |      |       |      |  |  +- flag of the value
//!  |   |   |   |    |      |       |      |  +- value (several for length and strength)
//!  |   |   |   |    |      |       |      +- sample
//!  |   |   |   |    |      |       +- identifier of the lot
//!  |   |   |   +- instrument, time, date
//!  |   |   +- 01 individual, 02 mean, 03 standard deviation, 04 coefficient of variation
//!  |   +- module
//! ```
//!
//! An individual observation has its number and the number of repetitions before the values. `R` flags a value
//! to be tested again, `L` one outside the limits of the lot, `n` neither; the flag may be empty.
//!
//! Sources: Uster HVI SPECTRUM instruction manual, appendix 2.8 and 2.9 (pages 14-10 to 14-20), and HVI 900
//! instruction manual V4.0, appendix 12. The pages seen name the fields of length and strength, micronaire,
//! moisture and neps. Those of colour and trash were not seen: their values keep numbers for names. The codes
//! of a record that starts or stops a data set were not seen either: such a record is kept as it came.
//! [`quoted`] is the older fixed-width output.

mod lines;
pub mod quoted;

use heapless::Vec;

use crate::{
    Decimal, Unit,
    reading::{Channels, Doubt, Indication, Name, Outcome, Quality},
    wire::statement::Statements,
};

pub use lines::encode;

/// Longest record accepted, in bytes, without its CR. The longest the manual describes has about 150.
pub const MAX_RECORD_BYTES: usize = 256;

/// Longest identifier: 40 characters in the manual.
pub const MAX_IDENTIFIER_BYTES: usize = 40;

/// Longest sample id: 12 characters in the manual.
pub const MAX_SAMPLE_BYTES: usize = 12;

/// Longest instrument id. The manual shows three digits.
pub const MAX_INSTRUMENT_BYTES: usize = 12;

/// Longest unread part of a data-set record.
pub const MAX_REMARK_BYTES: usize = 96;

/// Most values in a record. Length and strength has five; colour and trash shows fewer on the screen.
pub const MAX_VALUES: usize = 8;

/// The decoder; a frame is one record.
pub type Decoder = Statements<Record, MAX_RECORD_BYTES>;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Id of the instrument.
    pub instrument: Vec<u8, MAX_INSTRUMENT_BYTES>,
    /// Time and date of the instrument's clock: a claim, kept beside the agent's own time.
    pub stamp: Stamp,
    /// What the record holds.
    pub content: Content,
}

/// Time and date as the instrument writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Hour, `0..=23`.
    pub hour: u8,
    /// Minute, `0..=59`.
    pub minute: u8,
    /// Day of the month, `1..=31`.
    pub day: u8,
    /// Month, `1..=12`.
    pub month: u8,
    /// Last two digits of the year.
    pub year: u8,
}

impl Stamp {
    /// The full year nearest to `this_year`: within 50 years of it.
    pub fn year_near(self, this_year: u16) -> u16 {
        let century = this_year - this_year % 100;
        let year = century + u16::from(self.year);
        if year > this_year + 50 {
            year - 100
        } else if year + 50 <= this_year {
            year + 100
        } else {
            year
        }
    }
}

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to put an observation on")]
pub enum Content {
    /// Values of one module.
    Observation(Observation),
    /// The start or the stop of a data set; which of both, and what the fields say, is not known.
    DataSet {
        /// The record type.
        code: u8,
        /// The fields behind the date, separators included.
        remark: Vec<u8, MAX_REMARK_BYTES>,
    },
}

/// Values of one module for one sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What was measured.
    pub module: Module,
    /// Which figure of the repetitions.
    pub statistic: Statistic,
    /// Identifier of the lot.
    pub identifier: Vec<u8, MAX_IDENTIFIER_BYTES>,
    /// Sample, a bale number as a rule.
    pub sample: Vec<u8, MAX_SAMPLE_BYTES>,
    /// Number of this repetition and of all, of individual observations alone.
    pub repetition: Option<(u8, u8)>,
    /// The values in the order of the record, at least one.
    pub values: Vec<Value, MAX_VALUES>,
}

/// A value with its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The displayed number.
    pub number: Decimal,
    /// Flags behind it; a mean may have one for the retest and one for the lot limit.
    pub flags: Vec<Flag, 2>,
}

/// A flag of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flag {
    /// `R`: repetitions differ too much, test again.
    Retest,
    /// `L`: outside the limits set for the lot.
    LotLimit,
    /// `n`: neither.
    Clear,
    /// Empty.
    Blank,
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Module {
    /// `L&S`: length, uniformity, strength, elongation, short fibre index.
    LengthStrength,
    /// `MIC`: micronaire.
    Micronaire,
    /// `C&T`: colour and trash.
    ColourTrash,
    /// `SCI`: spinning consistency index.
    SpinningConsistency,
    /// `MST`: moisture.
    Moisture,
    /// `MAT`: maturity.
    Maturity,
    /// `UV`: ultraviolet.
    Ultraviolet,
    /// `NEP`: nep count.
    Neps,
}

/// Which figure of the repetitions a record gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Statistic {
    /// `01`: one observation.
    Individual,
    /// `02`: the mean.
    Mean,
    /// `03`: the standard deviation; sent for three observations and more.
    Deviation,
    /// `04`: the coefficient of variation, per cent; sent for three observations and more.
    Variation,
}

impl Module {
    /// All modules.
    pub const ALL: [Self; 8] = [
        Self::LengthStrength,
        Self::Micronaire,
        Self::ColourTrash,
        Self::SpinningConsistency,
        Self::Moisture,
        Self::Maturity,
        Self::Ultraviolet,
        Self::Neps,
    ];

    /// The code in the record.
    pub const fn code(self) -> &'static str {
        match self {
            Self::LengthStrength => "L&S",
            Self::Micronaire => "MIC",
            Self::ColourTrash => "C&T",
            Self::SpinningConsistency => "SCI",
            Self::Moisture => "MST",
            Self::Maturity => "MAT",
            Self::Ultraviolet => "UV",
            Self::Neps => "NEP",
        }
    }

    /// Names of the values in the order of the record. Without the page that names them, the module's one
    /// word stands for all, and each gets its number.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::LengthStrength => &["length", "uniformity", "strength", "elongation", "short-fibre-index"],
            Self::Micronaire => &["micronaire"],
            Self::ColourTrash => &["colour-trash"],
            Self::SpinningConsistency => &["spinning-consistency-index"],
            Self::Moisture => &["moisture"],
            Self::Maturity => &["maturity"],
            Self::Ultraviolet => &["ultraviolet"],
            Self::Neps => &["nep-count"],
        }
    }

    /// How many values a record of the module has; `None` where its page was not seen.
    pub const fn count(self) -> Option<usize> {
        match self {
            Self::LengthStrength => Some(5),
            Self::Micronaire | Self::Moisture | Self::Neps => Some(1),
            Self::ColourTrash | Self::SpinningConsistency | Self::Maturity | Self::Ultraviolet => None,
        }
    }

    /// Unit of the value at this place. The length says by its decimals which of both units it is in.
    fn unit(self, place: usize, number: Decimal) -> Unit {
        match (self, place) {
            (Self::LengthStrength, 0) if number.places() == 3 => Unit::Inch,
            (Self::LengthStrength, 0) => Unit::Millimetre,
            (Self::LengthStrength, 2) => Unit::GramForcePerTex,
            (Self::LengthStrength | Self::Moisture, _) => Unit::Percent,
            (Self::Neps, _) => Unit::Count,
            _ => Unit::One,
        }
    }
}

impl Statistic {
    /// All figures, in the order of their codes from 1.
    pub const ALL: [Self; 4] = [Self::Individual, Self::Mean, Self::Deviation, Self::Variation];

    /// The number of the record type, `1..=4`.
    pub const fn code(self) -> u8 {
        self as u8 + 1
    }

    /// What is put behind a channel's name.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Individual => "",
            Self::Mean => "-mean",
            Self::Deviation => "-sd",
            Self::Variation => "-cv",
        }
    }
}

impl Observation {
    /// Channel name of the value at this place.
    fn channel(&self, place: usize) -> Option<Name> {
        use core::fmt::Write;

        let mut name = Name::new();
        match (self.module.names(), self.values.len()) {
            ([only], count) if count > 1 => write!(name, "{only}-{}", place + 1).ok()?,
            (names, _) => name.push_str(names.get(place)?).ok()?,
        }
        name.push_str(self.statistic.suffix()).ok()?;
        Some(name)
    }
}

impl Channels for Record {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let Content::Observation(observation) = &self.content else {
            return;
        };
        for (place, value) in observation.values.iter().enumerate() {
            let Some(name) = observation.channel(place) else {
                continue;
            };
            let unit = match observation.statistic {
                Statistic::Variation => Unit::Percent,
                _ => observation.module.unit(place, value.number),
            };
            // A value that its instrument wants tested again must not decide by itself.
            let quality =
                if value.flags.contains(&Flag::Retest) { Quality::Uncertain(Doubt::Unstable) } else { Quality::Good };
            tell(&name, Ok(Indication { value: value.number, unit, quality }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digit_years_are_near() {
        let stamp = |year| Stamp { hour: 0, minute: 0, day: 1, month: 1, year };
        for (year, now, full) in
            [(93, 2026, 1993), (93, 1993, 1993), (26, 2026, 2026), (76, 2026, 2076), (77, 2026, 1977), (2, 1999, 2002)]
        {
            assert_eq!(stamp(year).year_near(now), full);
        }
    }
}
