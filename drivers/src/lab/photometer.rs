//! UV-Vis photometers with a serial port: absorbance at a wavelength, as for formaldehyde at 412 nm.
//!
//! Two forms of output. A Jenway 6300 is asked with one letter and answers with a number that does not say what
//! it is, so the decoder must be told what was asked:
//!
//! ```text
//! A CR                    → 0.001 TAB 540        absorbance, wavelength in nanometres
//! T CR, C CR, V CR        → transmittance in per cent, concentration, light level
//! ```
//!
//! Printed lines say what they are:
//!
//! ```text
//! 2 0.001 ABS 670 nm      Jenway 63xx: number of the sample, value, quantity, wavelength
//! 1 100.0 %T 670 nm
//! 3 0.4 mg/l 670 nm (xF = 1000.0)
//! 574NM -01.5 A           Spectronic 20D: A absorbance, T transmittance, C concentration
//! ```
//!
//! Sources: Jenway 6300 manual rev. B/12-96, section 6, and its application note on remote control; Spectronic 20 series,
//! data format of the accessory printer. A Jenway 6300 is set to 1200 Bd, 7 data bits, odd parity. How its answers
//! end is not printed; any line end is taken.

use core::fmt::Write;

use heapless::String;

use crate::{
    Decimal, Unit,
    reading::{Channels, Outcome},
    wire::{
        Decode, Event, Refusal, field,
        line::{Cut, Lines},
        statement::{Statement, Statements},
    },
};

/// Longest line accepted, in bytes; the longest printed has 31, headings 40.
pub const MAX_LINE_BYTES: usize = 64;

/// What a photometer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Decadic absorbance.
    Absorbance,
    /// Transmittance, per cent.
    Transmittance,
    /// Concentration in a unit that the operator knows and the line does not say.
    Concentration,
    /// Concentration in milligrams per litre.
    MilligramPerLitre,
    /// Light level in millivolt; proportional, for checking the lamp.
    Level,
}

/// A photometer reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What was read.
    pub quantity: Quantity,
    /// The displayed value.
    pub value: Decimal,
    /// Wavelength in whole nanometres, `190..=1100`.
    pub nanometres: u16,
}

impl Quantity {
    const fn channel(self) -> (&'static str, Unit) {
        match self {
            Self::Absorbance => ("absorbance", Unit::Absorbance),
            Self::Transmittance => ("transmittance", Unit::Percent),
            Self::Concentration => ("concentration", Unit::One),
            Self::MilligramPerLitre => ("concentration", Unit::MilligramPerLitre),
            Self::Level => ("light-level", Unit::One),
        }
    }
}

impl Channels for Reading {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let (name, unit) = self.quantity.channel();
        tell(name, super::good(self.value, unit));
        tell("wavelength", super::good(Decimal::whole(i64::from(self.nanometres)), Unit::Nanometre));
    }
}

/// The wavelengths that photometers of this kind reach, in nanometres; outside, the line is damaged.
fn wavelength(text: &[u8]) -> Result<u16, Refusal> {
    let nanometres = field::whole(text, 1_100)?;
    u16::try_from(nanometres).ok().filter(|&it| it >= 190).ok_or(Refusal::Number)
}

/// What a Jenway 6300 can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// `T`, `A`, `C` or `V`: read this quantity.
    Read(Quantity),
    /// `Z`: take the present sample as zero.
    Zero,
    /// `SC`: close the dark shutter.
    CloseShutter,
    /// `SO`: open it.
    OpenShutter,
    /// `Gnnn`: go to this wavelength in nanometres.
    GoTo(u16),
}

/// Longest request, CR included.
pub const MAX_REQUEST_BYTES: usize = 6;

impl Request {
    /// Writes the request with its CR; `None` for a wavelength that is not of three digits, and for a
    /// concentration whose unit the photometer could not know.
    pub fn encode(self) -> Option<String<MAX_REQUEST_BYTES>> {
        let mut out = String::new();
        match self {
            Self::Read(Quantity::Absorbance) => out.push('A').ok()?,
            Self::Read(Quantity::Transmittance) => out.push('T').ok()?,
            Self::Read(Quantity::Concentration) => out.push('C').ok()?,
            Self::Read(Quantity::Level) => out.push('V').ok()?,
            Self::Zero => out.push('Z').ok()?,
            Self::CloseShutter => out.push_str("SC").ok()?,
            Self::OpenShutter => out.push_str("SO").ok()?,
            Self::GoTo(nanometres @ 100..=999) => write!(out, "G{nanometres}").ok()?,
            Self::Read(Quantity::MilligramPerLitre) | Self::GoTo(_) => return None,
        }
        out.push('\r').ok()?;
        Some(out)
    }

    /// Reads a request without its CR, as the simulated photometer does.
    pub fn decode(line: &[u8]) -> Option<Self> {
        Some(match line {
            b"A" => Self::Read(Quantity::Absorbance),
            b"T" => Self::Read(Quantity::Transmittance),
            b"C" => Self::Read(Quantity::Concentration),
            b"V" => Self::Read(Quantity::Level),
            b"Z" => Self::Zero,
            b"SC" => Self::CloseShutter,
            b"SO" => Self::OpenShutter,
            [b'G', digits @ ..] if digits.len() == 3 => {
                let nanometres = field::whole(digits, 999).ok().filter(|&it| it >= 100)?;
                Self::GoTo(u16::try_from(nanometres).ok()?)
            }
            _ => return None,
        })
    }
}

/// The decoder of answers; a frame is one answer to the quantity asked.
#[derive(Clone, Debug)]
pub struct Answers {
    lines: Lines<MAX_LINE_BYTES>,
    asked: Quantity,
}

impl Answers {
    /// A decoder for answers to this quantity, after the input was emptied and the request sent.
    pub const fn to(asked: Quantity) -> Self {
        Self { lines: Lines::at_line_start(), asked }
    }

    /// What is asked from now on.
    pub fn ask(&mut self, asked: Quantity) {
        self.asked = asked;
    }
}

impl Decode for Answers {
    type Item = Reading;

    fn push(&mut self, byte: u8) -> Option<Event<Reading>> {
        Some(match self.lines.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Line => match answer(self.lines.line(), self.asked) {
                Ok(reading) => Event::Frame(reading),
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

fn answer(line: &[u8], quantity: Quantity) -> Result<Reading, Refusal> {
    let at = line.iter().position(|&byte| byte == b'\t').ok_or(Refusal::Shape)?;
    let (value, rest) = line.split_at_checked(at).ok_or(Refusal::Shape)?;
    Ok(Reading { quantity, value: field::number(value)?, nanometres: wavelength(rest)? })
}

/// Writes the answer of a Jenway 6300, with CR LF.
pub fn encode_answer(reading: &Reading) -> Option<String<MAX_LINE_BYTES>> {
    let mut out = String::new();
    write!(out, "{}\t{}", reading.value, reading.nanometres).ok()?;
    if answer(out.as_bytes(), reading.quantity) != Ok(*reading) {
        return None;
    }
    out.push_str("\r\n").ok()?;
    Some(out)
}

/// A reading on a printed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed(pub Reading);

/// The decoder of printed lines; a frame is one reading, headings are nothing.
pub type Prints = Statements<Printed, MAX_LINE_BYTES>;

impl Channels for Printed {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        self.0.each(tell);
    }
}

impl Statement for Printed {
    fn read(line: &[u8]) -> Result<Option<Self>, Refusal> {
        let line = line.trim_ascii();
        // The header block: rules of equals signs, name, operator and time with dots to write on.
        let heading: [&[u8]; 4] = [b"====", b"63", b"OPERATOR", b"TIME"];
        if line.is_empty() || (heading.iter().any(|it| line.starts_with(it)) && !line.ends_with(b"nm")) {
            return Ok(None);
        }
        let mut fields = line.split(|&byte| byte == b' ').filter(|field| !field.is_empty());
        let mut next = || fields.next().ok_or(Refusal::Shape);
        let first = next()?;
        let reading = if let Some(nanometres) = first.strip_suffix(b"NM") {
            let nanometres = wavelength(nanometres)?;
            let value = field::number(next()?)?;
            let quantity = match next()? {
                b"A" => Quantity::Absorbance,
                b"T" => Quantity::Transmittance,
                b"C" => Quantity::Concentration,
                _ => return Err(Refusal::Unit),
            };
            Reading { quantity, value, nanometres }
        } else {
            field::whole(first, 9_999)?;
            let value = field::number(next()?)?;
            let quantity = match next()? {
                b"ABS" => Quantity::Absorbance,
                b"%T" => Quantity::Transmittance,
                b"mg/l" => Quantity::MilligramPerLitre,
                _ => return Err(Refusal::Unit),
            };
            let nanometres = wavelength(next()?)?;
            if next()? != b"nm" {
                return Err(Refusal::Unit);
            }
            // A concentration is followed by its factor.
            if quantity == Quantity::MilligramPerLitre {
                fields.by_ref().for_each(drop);
            }
            Reading { quantity, value, nanometres }
        };
        if fields.next().is_some() { Err(Refusal::Shape) } else { Ok(Some(Self(reading))) }
    }
}

/// Writes the line a Jenway 63xx prints, as sample `number`, with CR LF.
///
/// `None` for a quantity that its printer has no word for.
pub fn encode_print(number: u16, reading: &Reading) -> Option<String<MAX_LINE_BYTES>> {
    let word = match reading.quantity {
        Quantity::Absorbance => "ABS",
        Quantity::Transmittance => "%T",
        Quantity::MilligramPerLitre => "mg/l",
        Quantity::Concentration | Quantity::Level => return None,
    };
    let mut out = String::new();
    write!(out, "{number} {} {word} {} nm", reading.value, reading.nanometres).ok()?;
    if Printed::read(out.as_bytes()) != Ok(Some(Printed(*reading))) {
        return None;
    }
    out.push_str("\r\n").ok()?;
    Some(out)
}
