//! `ST,GS` lines, the commonest text of indicators without a famous name.
//!
//! ```text
//! ST , GS ,   245.6 g      a comma before the number, or
//! ST , GS     85.5g        none, or
//! ST , GS ,+ 0001234kg     a sign, a space and leading zeros; some put a comma before the unit, too
//!
//! ST at rest   US moving   OL out of range      GS gross   NT net   TR tare
//! ```
//!
//! Out of range, the sign tells which end and the rest is blank. There is no check: where the width
//! of the lines is known it should be configured, because then a lost digit makes a refused line and
//! not another mass.
//!
//! Sources: captures of T-Scale NHB and QHW indicators; LUW2001 p. 17 and TI-02-P p. 21 for the widths.

use heapless::Vec;

use super::{
    digits,
    display::{Display, Kind, Motion},
    form::{Form, LineDecoder, requests},
    unit_text,
};
use crate::{reading::Missing, wire::Refusal};

/// Longest line written, with line end.
pub const MAX_ENCODED_BYTES: usize = 20;

/// How an indicator fills its line; reading takes all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `ST,GS,   245.6 g`: sign and seven characters, unit to the right.
    Comma,
    /// `ST,GS    85.5g  `: no second comma, unit to the left.
    NoComma,
    /// `ST,GS,+ 0001234kg`: sign, space, seven characters with zeros, unit.
    Zeros,
}

/// The form of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StGs {
    /// The width of every line in bytes, without its end, where it is known: 16 for both captured
    /// indicators. Lines of another width are refused.
    pub line_bytes: Option<usize>,
}

/// Reads such lines.
pub type Decoder = LineDecoder<StGs>;

impl Form for StGs {
    type Item = Display;

    fn read(&self, line: &[u8]) -> Result<Option<Display>, Refusal> {
        if self.line_bytes.is_some_and(|bytes| bytes != line.len()) {
            return Err(Refusal::Shape);
        }
        read(line).map(Some)
    }
}

fn read(line: &[u8]) -> Result<Display, Refusal> {
    let (status, rest) = line.split_at_checked(2).ok_or(Refusal::Shape)?;
    let rest = rest.trim_ascii_start().strip_prefix(b",").ok_or(Refusal::Shape)?.trim_ascii_start();
    let (kind, rest) = rest.split_at_checked(2).ok_or(Refusal::Shape)?;
    let kind = match kind {
        b"GS" => Kind::Gross,
        b"NT" => Kind::Net,
        b"TR" => Kind::Tare,
        _ => return Err(Refusal::Shape),
    };
    let field = match rest {
        [b',' | b' ', field @ ..] => field,
        // Without the second comma, a sign may stand right behind the kind.
        [b'-' | b'+', ..] | [] => rest,
        _ => return Err(Refusal::Shape),
    };
    let motion = match status {
        b"ST" => Motion::Stable,
        b"US" => Motion::Moving,
        b"OL" if field.trim_ascii_start().first() == Some(&b'-') => {
            return Ok(Display::missing(kind, Missing::Underrange));
        }
        b"OL" => return Ok(Display::missing(kind, Missing::Overrange)),
        _ => return Err(Refusal::Shape),
    };
    let unit_at = field.iter().rposition(|byte| byte.is_ascii_digit() || *byte == b'.').map_or(0, |last| last + 1);
    let (number, unit) = field.split_at_checked(unit_at).ok_or(Refusal::Number)?;
    let value = digits::read(number)?;
    let unit = unit.trim_ascii_start();
    let unit = unit_text::read(unit.strip_prefix(b",").unwrap_or(unit)).ok_or(Refusal::Unit)?;
    Ok(Display::value(kind, value, unit, motion))
}

/// Writes the line, with its CR LF. `None` for what it cannot say: a mass of no kind, a number too wide, a
/// unit of more than two characters, no statement of rest, a reason other than the range.
pub fn encode(layout: Layout, display: &Display) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    let kind = match display.kind {
        Kind::Gross => b"GS",
        Kind::Net => b"NT",
        Kind::Tare => b"TR",
        Kind::Displayed => return None,
    };
    let status = match (display.shown, display.motion) {
        (Err(Missing::Overrange | Missing::Underrange), _) => b"OL",
        (Ok(_), Motion::Stable) => b"ST",
        (Ok(_), Motion::Moving) => b"US",
        (Ok(_), Motion::Unstated) | (Err(_), _) => return None,
    };
    let mut line = Vec::new();
    line.extend_from_slice(status).ok()?;
    line.push(b',').ok()?;
    line.extend_from_slice(kind).ok()?;
    if layout != Layout::NoComma {
        line.push(b',').ok()?;
    }
    let positive = if layout == Layout::Zeros { b'+' } else { b' ' };
    match display.shown {
        Ok(value) => {
            line.push(digits::sign(value, positive)).ok()?;
            if layout == Layout::Zeros {
                line.push(b' ').ok()?;
            }
            digits::put_magnitude(&mut line, value, 7, if layout == Layout::Zeros { b'0' } else { b' ' })?;
            let unit = unit_text::write(display.unit?)?;
            match layout {
                Layout::NoComma => digits::put_left(&mut line, unit, 3)?,
                Layout::Comma | Layout::Zeros => digits::put_right(&mut line, unit, 2, b' ')?,
            }
        }
        Err(missing) => {
            line.push(if missing == Missing::Underrange { b'-' } else { b'+' }).ok()?;
            let blanks = if layout == Layout::Comma { 9 } else { 10 };
            digits::put_left(&mut line, b"", blanks)?;
        }
    }
    line.extend_from_slice(b"\r\n").ok()?;
    Some(line)
}

requests! {
    /// What many of these indicators obey.
    Request, Requests {
        /// Zero.
        Zero = b"MZ",
        /// Tare.
        Tare = b"MT",
        /// Clear the tare.
        ClearTare = b"CT",
        /// Send what is displayed.
        Displayed = b"RW",
        /// Send the gross mass.
        Gross = b"RG",
        /// Send the net mass.
        Net = b"RN",
        /// Send the tare.
        TareValue = b"RT",
        /// Send continuously.
        Continuous = b"SC",
        /// Send when at rest.
        Automatic = b"SA",
        /// Send when the key is pressed.
        Manual = b"SM",
        /// Send when asked.
        OnCommand = b"SO",
    }
}
