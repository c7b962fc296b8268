//! Ludlum 2363 survey meters: the answer to `RR`, with gamma and neutron rate and the dose.
//!
//! ```text
//! 000003 002305 012456      neutron rate, gamma rate (two places implied), dose (one place implied)
//! ```
//!
//! Twenty characters and CR LF, no check and no unit: units are those of the calibration and stand in
//! the configuration. The page of the manual this was written from does not say how a command ends;
//! [`REQUEST`] ends with CR, as the answers do.
//!
//! Source: Ludlum Measurements, *Model 2363 Technical Manual*, January 2015, p. 7-4.

use core::fmt::Write;

use crate::{
    Decimal, Unit,
    reading::{Channels, Indication, Quality},
    wire::{
        Decode, Event, Refusal,
        line::{Cut, Lines},
    },
};

/// Longest line accepted, in bytes; the answer has 20.
pub const MAX_LINE_BYTES: usize = 32;

/// Asks for the readings.
pub const REQUEST: &[u8] = b"RR\r";

/// Places implied in the rates.
const RATE_PLACES: u8 = 2;

/// Places implied in the dose.
const DOSE_PLACES: u8 = 1;

/// Most a field of six digits can say.
pub const MAX_FIELD: u32 = 999_999;

/// Units of the calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units {
    /// Of both rates.
    pub rate: Unit,
    /// Of the dose.
    pub dose: Unit,
}

/// The readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readings {
    /// Neutron dose-equivalent rate.
    pub neutron_rate: Decimal,
    /// Gamma rate.
    pub gamma_rate: Decimal,
    /// Integrated dose of both.
    pub dose: Decimal,
    /// Their units.
    pub units: Units,
}

impl Channels for Readings {
    /// `neutron-dose-rate`, `gamma-dose-rate`, `dose`.
    fn each(&self, tell: &mut dyn FnMut(&str, crate::reading::Outcome)) {
        let shown = |value, unit| Ok(Indication { value, unit, quality: Quality::Good });
        tell("neutron-dose-rate", shown(self.neutron_rate, self.units.rate));
        tell("gamma-dose-rate", shown(self.gamma_rate, self.units.rate));
        tell("dose", shown(self.dose, self.units.dose));
    }
}

/// The decoder; a frame is one answer.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: Lines<MAX_LINE_BYTES>,
    units: Units,
}

impl Decoder {
    /// A decoder for a meter calibrated in these units.
    pub const fn new(units: Units) -> Self {
        Self { lines: Lines::at_line_start(), units }
    }
}

impl Decode for Decoder {
    type Item = Readings;

    fn push(&mut self, byte: u8) -> Option<Event<Readings>> {
        Some(match self.lines.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Line => match read(self.lines.line()) {
                Ok([neutron_rate, gamma_rate, dose]) => {
                    Event::Frame(Readings { neutron_rate, gamma_rate, dose, units: self.units })
                }
                Err(refusal) => Event::Refused(refusal),
            },
        })
    }

    fn raw(&self) -> &[u8] {
        self.lines.line()
    }

    fn reset(&mut self) {
        self.lines = Lines::in_mid_line();
    }
}

fn read(line: &[u8]) -> Result<[Decimal; 3], Refusal> {
    let mut fields = line.split(|&byte| byte == b' ');
    let mut next = |places| {
        let digits = fields.next().filter(|it| it.len() == 6).ok_or(Refusal::Shape)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(Refusal::Number);
        }
        let whole = digits.iter().fold(0_i64, |sum, &digit| sum * 10 + i64::from(digit - b'0'));
        Decimal::new(whole, places).ok_or(Refusal::Number)
    };
    let readings = [next(RATE_PLACES)?, next(RATE_PLACES)?, next(DOSE_PLACES)?];
    if fields.next().is_some() { Err(Refusal::Shape) } else { Ok(readings) }
}

/// Writes an answer with its CR LF; `None` when six digits with the implied places do not hold a value.
pub fn encode(readings: &Readings) -> Option<heapless::String<MAX_LINE_BYTES>> {
    let field = |value: Decimal, places| {
        let digits = value.at_places(places).map(Decimal::digits)?;
        u32::try_from(digits).ok().filter(|&it| it <= MAX_FIELD)
    };
    let neutron = field(readings.neutron_rate, RATE_PLACES)?;
    let gamma = field(readings.gamma_rate, RATE_PLACES)?;
    let dose = field(readings.dose, DOSE_PLACES)?;
    let mut out = heapless::String::new();
    write!(out, "{neutron:06} {gamma:06} {dose:06}\r\n").ok()?;
    Some(out)
}
