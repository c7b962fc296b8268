//! Moisture analysers and balances of the Sartorius MA line: their 20-character lines.
//!
//! ```text
//! 1     7        17
//! Moist +       22 %M  CR LF     6 characters of header, sign, 9 of value, 4 of unit
//! N     +    67.87 g   CR LF
//! 10:23 +    0.23 %M/S CR LF     print interval: the header is the elapsed time, the value is on its way
//! Stat     ERR 30      CR LF     fault number; H overload, L underload
//! ```
//!
//! Sources: Sartorius MA160 manual page 67, MA37 page 52, MA150C page 40. `%M` is moisture, `%S` dry substance,
//! `%M/S` moisture per dry substance, `g` mass. Trailing blanks may be missing. Lines of words (headings, settings)
//! belong to a printout and are nothing.

use core::fmt::Write;

use heapless::{String, Vec};

use crate::{
    Decimal, Unit,
    reading::{Channels, Doubt, Indication, Missing, Outcome, Quality},
    wire::{
        Refusal, field,
        statement::{Statement, Statements},
    },
};

/// Longest line accepted, in bytes; a full one has 20.
pub const MAX_LINE_BYTES: usize = 40;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A value.
    Value {
        /// The header without its blanks: `Moist`, `N`, or an elapsed time.
        header: Vec<u8, 6>,
        /// What it is.
        quantity: Quantity,
        /// The displayed number.
        value: Decimal,
    },
    /// The analyser has none, and why.
    Status(Status),
}

/// What a value is, by its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// `%M`: moisture, per cent of the wet mass.
    Moisture,
    /// `%S`: dry substance, per cent of the wet mass.
    DrySubstance,
    /// `%M/S`: moisture, per cent of the dry mass.
    MoistureOfDry,
    /// `g`: mass.
    Mass,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// `ERR` and the analyser's number.
    Error(u16),
    /// `H`.
    Overload,
    /// `L`.
    Underload,
}

impl Quantity {
    const ALL: [(Self, &'static str, &'static str, Unit); 4] = [
        (Self::Moisture, "%M", "moisture", Unit::Percent),
        (Self::DrySubstance, "%S", "dry-substance", Unit::Percent),
        (Self::MoistureOfDry, "%M/S", "moisture-of-dry", Unit::Percent),
        (Self::Mass, "g", "mass", Unit::Gram),
    ];
}

/// The decoder; a frame is one value or status.
pub type Decoder = Statements<Line, MAX_LINE_BYTES>;

impl Statement for Line {
    fn read(line: &[u8]) -> Result<Option<Self>, Refusal> {
        // Columns count from the first byte; only what follows the last is cut.
        let line = line.trim_ascii_end();
        if let Some(status) = line.strip_prefix(b"Stat") {
            return status_of(status).map(|status| Some(Self::Status(status)));
        }
        let Some((header, [sign, rest @ ..])) = line.split_at_checked(6) else {
            return Ok(None);
        };
        let negative = match sign {
            b'+' => false,
            b'-' => true,
            // Words: a heading or a setting of the printout.
            _ => return Ok(None),
        };
        if rest.len() > 13 {
            return Err(Refusal::TooLong);
        }
        let (digits, unit) = rest.split_at_checked(9).ok_or(Refusal::Shape)?;
        let shown = field::number(digits)?;
        // One sign stands in its own column; a second one among the digits is damage.
        if digits.contains(&b'-') || digits.contains(&b'+') {
            return Err(Refusal::Number);
        }
        let value = if negative { Decimal::ZERO.checked_sub(shown).ok_or(Refusal::Number)? } else { shown };
        // The unit is blank while the value moves: then it is not known what the number is.
        let quantity = Quantity::ALL.into_iter().find(|(_, text, ..)| text.as_bytes() == unit.trim_ascii());
        let (quantity, ..) = quantity.ok_or(Refusal::Unit)?;
        Ok(Some(Self::Value { header: field::text(header)?, quantity, value }))
    }
}

fn status_of(text: &[u8]) -> Result<Status, Refusal> {
    match text.trim_ascii() {
        b"H" => Ok(Status::Overload),
        b"L" => Ok(Status::Underload),
        other => {
            let number = other.strip_prefix(b"ERR").ok_or(Refusal::Shape)?;
            let number = field::whole(number, 9_999)?;
            u16::try_from(number).map(Status::Error).map_err(|_| Refusal::Number)
        }
    }
}

impl Channels for Line {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        match self {
            Self::Value { header, quantity, value } => {
                let found = Quantity::ALL.into_iter().find(|(it, ..)| it == quantity);
                let Some((.., name, unit)) = found else {
                    return;
                };
                // An elapsed time in the header marks a value taken while the sample dries.
                let drying = header.contains(&b':');
                let quality = if drying { Quality::Uncertain(Doubt::Unstable) } else { Quality::Good };
                tell(name, Ok(Indication { value: *value, unit, quality }));
            }
            Self::Status(status) => {
                let missing = match *status {
                    Status::Error(number) => Missing::InstrumentFault(number),
                    Status::Overload => Missing::Overrange,
                    Status::Underload => Missing::Underrange,
                };
                tell("moisture", Err(missing));
            }
        }
    }
}

/// The command that asks for a printout: ESC, `P`, CR, LF.
pub const PRINT_REQUEST: &[u8] = b"\x1BP\r\n";

/// Writes a line of 20 characters with its CR LF; `None` when it cannot be read back the same.
pub fn encode(line: &Line) -> Option<String<MAX_LINE_BYTES>> {
    let mut out = String::new();
    match line {
        Line::Value { header, quantity, value } => {
            let header = core::str::from_utf8(header).ok()?;
            let (_, unit, ..) = Quantity::ALL.into_iter().find(|(it, ..)| it == quantity)?;
            let sign = if value.digits() < 0 { '-' } else { '+' };
            let mut digits = String::<24>::new();
            write!(digits, "{}", value.abs()).ok()?;
            // A unit of four characters takes the blank's column and pushes the value one to the left.
            let width = if unit.len() < 4 { 9 } else { 8 };
            write!(out, "{header:6}{sign}{digits:>width$} {unit}").ok()?;
            while out.len() < 20 {
                out.push(' ').ok()?;
            }
        }
        Line::Status(Status::Error(number)) => write!(out, "Stat     ERR {number:<7}").ok()?,
        Line::Status(Status::Overload) => write!(out, "Stat{:>5}{:11}", 'H', "").ok()?,
        Line::Status(Status::Underload) => write!(out, "Stat{:>5}{:11}", 'L', "").ok()?,
    }
    if Line::read(out.as_bytes()).ok().flatten().as_ref() != Some(line) {
        return None;
    }
    out.push_str("\r\n").ok()?;
    Some(out)
}
