//! Mettler-Toledo `SevenMulti` and `SevenCompact` meters: answers in the manner of MT-SICS.
//!
//! ```text
//! MF06 A D 7.02 pH 25.2 0 0 CR LF
//!  |   | |  |   |   |   | +- 0 temperature compensated by the probe, 1 by hand
//!  |   | |  |   |   |   +- 0 degrees Celsius
//!  |   | |  |   |   +- temperature
//!  |   | |  |   +- unit
//!  |   | |  +- displayed value
//!  |   | +- S stable, D still moving
//!  |   +- A command carried out
//!  +- command
//! ES  ET  EL                 not understood, damaged on the way, cannot be carried out
//! ```
//!
//! Source: `SevenMulti` Command Set, reference manual draft 0.98, 1.3 and 1.5, which prints the first line. `S` and the
//! 1 of the last field are read after MT-SICS and are not on the pages seen. Fields are parted by runs of
//! blanks, not by columns.

use core::fmt::Write;

use heapless::String;

use crate::{
    Decimal, Unit,
    reading::{Channels, Doubt, Indication, Missing, Outcome, Quality},
    wire::{
        Refusal, field,
        statement::{Statement, Statements},
    },
};

/// Longest line accepted, in bytes; the printed one has 25.
pub const MAX_LINE_BYTES: usize = 64;

/// The command that asks for the current measurement.
const MEASURE: &[u8] = b"MF06";

/// What the meter answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A measurement.
    Measurement {
        /// The displayed value.
        value: Decimal,
        /// What it is.
        quantity: Quantity,
        /// The meter calls it stable.
        stable: bool,
        /// Temperature in degrees Celsius.
        celsius: Decimal,
        /// Compensated by the temperature probe.
        automatic: bool,
    },
    /// There is none, and why.
    Failed(Failure),
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// `pH`.
    Ph,
    /// `mV`.
    Potential,
}

/// Why there is no measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// `ES`: the command is unknown.
    Syntax,
    /// `ET`: the command was damaged on the line.
    Transmission,
    /// `EL`: the command cannot be carried out.
    Logical,
    /// `MF06 I`: not at present.
    Busy,
}

impl Failure {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Syntax, "ES"), (Self::Transmission, "ET"), (Self::Logical, "EL"), (Self::Busy, "MF06 I")];
}

/// The decoder; a frame is one answer.
pub type Decoder = Statements<Answer, MAX_LINE_BYTES>;

impl Statement for Answer {
    fn read(line: &[u8]) -> Result<Option<Self>, Refusal> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        if let Some((failure, _)) = Failure::ALL.into_iter().find(|(_, text)| text.as_bytes() == line) {
            return Ok(Some(Self::Failed(failure)));
        }
        let mut fields = line.split(|&byte| byte == b' ').filter(|field| !field.is_empty());
        let mut next = || fields.next().ok_or(Refusal::Shape);
        if next()? != MEASURE || next()? != b"A" {
            return Err(Refusal::Shape);
        }
        let stable = match next()? {
            b"S" => true,
            b"D" => false,
            _ => return Err(Refusal::Shape),
        };
        let value = field::number(next()?)?;
        let quantity = match next()? {
            b"pH" => Quantity::Ph,
            b"mV" => Quantity::Potential,
            _ => return Err(Refusal::Unit),
        };
        let celsius = field::number(next()?)?;
        if next()? != b"0" {
            return Err(Refusal::Unit);
        }
        let automatic = match next()? {
            b"0" => true,
            b"1" => false,
            _ => return Err(Refusal::Shape),
        };
        if fields.next().is_some() {
            return Err(Refusal::Shape);
        }
        Ok(Some(Self::Measurement { value, quantity, stable, celsius, automatic }))
    }
}

impl Channels for Answer {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        match *self {
            Self::Measurement { value, quantity, stable, celsius, .. } => {
                let quality = if stable { Quality::Good } else { Quality::Uncertain(Doubt::Unstable) };
                let (name, unit) = match quantity {
                    Quantity::Ph => ("ph", Unit::PH),
                    Quantity::Potential => ("potential", Unit::Millivolt),
                };
                tell(name, Ok(Indication { value, unit, quality }));
                tell("temperature", super::good(celsius, Unit::Celsius));
            }
            // What arrived damaged at the meter is a line error, as if it had been the answer.
            Self::Failed(Failure::Transmission) => tell("ph", Err(Missing::CrcError)),
            Self::Failed(Failure::Syntax | Failure::Logical | Failure::Busy) => {
                tell("ph", Err(Missing::InstrumentFault(0)));
            }
        }
    }
}

/// Writes the request for the current measurement.
pub const fn encode_request() -> &'static [u8] {
    b"MF06\r\n"
}

/// Whether a line without its end is that request.
pub fn is_request(line: &[u8]) -> bool {
    line.trim_ascii() == MEASURE
}

/// Writes an answer with its CR LF; `None` for a number too long for the line.
pub fn encode(answer: &Answer) -> Option<String<MAX_LINE_BYTES>> {
    let mut out = String::new();
    match *answer {
        Answer::Measurement { value, quantity, stable, celsius, automatic } => {
            let stable = if stable { 'S' } else { 'D' };
            let unit = match quantity {
                Quantity::Ph => "pH",
                Quantity::Potential => "mV",
            };
            write!(out, "MF06 A {stable} {value} {unit} {celsius} 0 {}", u8::from(!automatic)).ok()?;
        }
        Answer::Failed(failure) => {
            let (_, text) = Failure::ALL.into_iter().find(|(it, _)| *it == failure)?;
            out.push_str(text).ok()?;
        }
    }
    if Answer::read(out.as_bytes()) != Ok(Some(*answer)) {
        return None;
    }
    out.push_str("\r\n").ok()?;
    Some(out)
}
