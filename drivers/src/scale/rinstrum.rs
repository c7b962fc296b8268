//! Rinstrum continuous output, formats 1 and 2.
//!
//! ```text
//! format 1   02  sign  value(7)  status  03                      status G gross  N net  U under  O over  M motion  E error
//! format 2   02  sign  value(7)  S1 S2 S3 S4  unit(3)  03        S1 G N U O E   S2 M motion   S3 Z zero   S4 - 1 2 range
//! ```
//!
//! The sign is a space or `-`. Format 1 carries no unit, and in motion it does not say whether the mass is
//! gross or net. Format 2 blanks its unit while the load moves. The unit where none is sent is configured.
//!
//! Source: R320 reference manual 003R-682-119 p. 44.

use heapless::Vec;

use super::{
    digits,
    display::{Display, Kind, Motion},
    form::{Form, FrameDecoder},
    unit_text,
};
use crate::{Unit, reading::Missing, wire::Refusal};

/// Longest frame: format 2.
pub const MAX_FRAME_BYTES: usize = 17;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;

/// Which frame to write; reading tells them apart by width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Eleven bytes.
    Format1,
    /// Seventeen bytes.
    Format2,
}

/// The form of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rinstrum {
    /// The unit where the frame has none; without it such a frame is not a value.
    pub unit: Option<Unit>,
}

/// Reads such frames.
pub type Decoder = FrameDecoder<Rinstrum, MAX_FRAME_BYTES>;

impl Form for Rinstrum {
    type Item = Display;

    fn read(&self, frame: &[u8]) -> Result<Option<Display>, Refusal> {
        let [STX, body @ .., ETX] = frame else {
            return Err(Refusal::Shape);
        };
        let (sign, rest) = body.split_first().ok_or(Refusal::Shape)?;
        let (number, status) = rest.split_at_checked(7).ok_or(Refusal::Shape)?;
        let (kind, motion, unit) = match *status {
            [b'M'] => (Ok(Kind::Displayed), Motion::Moving, self.unit),
            [s1] => (kind(s1)?, Motion::Stable, self.unit),
            [s1, s2 @ (b'M' | b' '), b'Z' | b' ', b'-' | b' ' | b'1' | b'2', ref text @ ..] if text.len() == 3 => {
                let motion = if s2 == b'M' { Motion::Moving } else { Motion::Stable };
                let unit = match text.trim_ascii() {
                    b"" => self.unit,
                    text => Some(unit_text::read(text).ok_or(Refusal::Unit)?),
                };
                (kind(s1)?, motion, unit)
            }
            _ => return Err(Refusal::Shape),
        };
        let kind = match kind {
            Ok(kind) => kind,
            Err(why) => return Ok(Some(Display::missing(Kind::Displayed, why))),
        };
        let magnitude = digits::read_unsigned(number.trim_ascii_start())?;
        let shown = match sign {
            b' ' => magnitude,
            b'-' => digits::negated(magnitude)?,
            _ => return Err(Refusal::Shape),
        };
        Ok(Some(Display { kind, shown: Ok(shown), unit, motion }))
    }
}

/// The kind of mass, or why there is none.
const fn kind(status: u8) -> Result<Result<Kind, Missing>, Refusal> {
    match status {
        b'G' => Ok(Ok(Kind::Gross)),
        b'N' => Ok(Ok(Kind::Net)),
        b'U' => Ok(Err(Missing::Underrange)),
        b'O' => Ok(Err(Missing::Overrange)),
        b'E' => Ok(Err(Missing::InstrumentFault(0))),
        _ => Err(Refusal::Shape),
    }
}

/// Writes the frame. `None` for what it cannot say: a number wider than seven characters, a kind that the
/// format does not carry, no statement of rest.
pub fn encode(layout: Layout, display: &Display) -> Option<Vec<u8, MAX_FRAME_BYTES>> {
    let moving = display.motion == Motion::Moving;
    let status = match (display.shown, display.kind, layout) {
        (Err(Missing::Underrange), ..) => b'U',
        (Err(Missing::Overrange), ..) => b'O',
        (Err(Missing::InstrumentFault(0)), ..) => b'E',
        (Ok(_), Kind::Displayed, Layout::Format1) if moving => b'M',
        (Ok(_), Kind::Gross | Kind::Net, Layout::Format1) if moving => return None,
        (Ok(_), Kind::Gross, _) => b'G',
        (Ok(_), Kind::Net, _) => b'N',
        (Err(_), ..) | (Ok(_), Kind::Displayed | Kind::Tare, _) => return None,
    };
    let mut frame = Vec::new();
    frame.push(STX).ok()?;
    match display.shown {
        Ok(value) if display.motion != Motion::Unstated => {
            frame.push(digits::sign(value, b' ')).ok()?;
            digits::put_magnitude(&mut frame, value, 7, b' ')?;
        }
        Ok(_) => return None,
        Err(_) => digits::put_left(&mut frame, b"", 8)?,
    }
    frame.push(status).ok()?;
    if layout == Layout::Format2 {
        frame.extend_from_slice(&[if moving { b'M' } else { b' ' }, b' ', b'-']).ok()?;
        let unit: &[u8] = match (display.shown, moving) {
            (Ok(_), false) => unit_text::write(display.unit?)?,
            _ => b"",
        };
        digits::put_right(&mut frame, unit, 3, b' ')?;
    }
    frame.push(ETX).ok()?;
    Some(frame)
}
