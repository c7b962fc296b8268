//! Lines of the Yaohua A12 family of platform scales.
//!
//! ```text
//! checked    W  G or N  seven characters  kg  XOR XOR  CR LF      WG004.139kg3D
//! classic    w  w, n or t  seven characters  kg  CR LF            wn-0000.1kg
//! overload   nine spaces  OL, below zero  LO, in place of the letters and the number
//! ```
//!
//! G and w are gross, N and n net, t tare. The XOR is over everything before it. Neither line says
//! whether the load rests. The classic form answers to single letters, see [`Request`]; a request that
//! cannot be carried out is answered by an empty line, which is no event.
//!
//! What a classic indicator sends under overload is not documented; the same nine spaces are assumed.
//!
//! Sources: manual of the A12E p. 13; a data page of the A12+SS.

use heapless::Vec;

use super::{
    digits,
    display::{Display, Kind, Motion},
    form::{Form, LineDecoder},
    unit_text,
};
use crate::{reading::Missing, wire::Refusal};

/// Longest line written, with check and line end.
pub const MAX_ENCODED_BYTES: usize = 15;

const BODY_BYTES: usize = 11;
const OVER: &[u8] = b"         OL";
const UNDER: &[u8] = b"         LO";

/// Which of the two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// A12E: capital letters and a check.
    Checked,
    /// A12, A12+, A12+SS: small letters, no check.
    Classic,
}

/// Reads the lines of one form.
pub type Decoder = LineDecoder<Dialect>;

/// A single letter a classic indicator obeys, sent without a line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// `R`: send once.
    Send,
    /// `T`: tare.
    Tare,
    /// `Z`: zero.
    Zero,
}

impl Request {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Send, Self::Tare, Self::Zero];

    /// The byte to send.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Send => b'R',
            Self::Tare => b'T',
            Self::Zero => b'Z',
        }
    }

    /// Reads the byte back.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.byte() == byte)
    }
}

impl Dialect {
    fn kind(self, letters: [u8; 2]) -> Option<Kind> {
        match (self, letters) {
            (Self::Checked, [b'W', b'G']) | (Self::Classic, [b'w', b'w']) => Some(Kind::Gross),
            (Self::Checked, [b'W', b'N']) | (Self::Classic, [b'w', b'n']) => Some(Kind::Net),
            (Self::Classic, [b'w', b't']) => Some(Kind::Tare),
            _ => None,
        }
    }

    fn letters(self, kind: Kind) -> Option<[u8; 2]> {
        match (self, kind) {
            (Self::Checked, Kind::Gross) => Some(*b"WG"),
            (Self::Checked, Kind::Net) => Some(*b"WN"),
            (Self::Classic, Kind::Gross) => Some(*b"ww"),
            (Self::Classic, Kind::Net) => Some(*b"wn"),
            (Self::Classic, Kind::Tare) => Some(*b"wt"),
            (_, Kind::Displayed) | (Self::Checked, Kind::Tare) => None,
        }
    }
}

impl Form for Dialect {
    type Item = Display;

    fn read(&self, line: &[u8]) -> Result<Option<Display>, Refusal> {
        let body = match self {
            Self::Classic => line,
            Self::Checked => {
                let [body @ .., high, low] = line else {
                    return Err(Refusal::Shape);
                };
                if body.len() != BODY_BYTES {
                    return Err(Refusal::Shape);
                }
                if digits::hex(digits::xor(body)) != [*high, *low] {
                    return Err(Refusal::Checksum);
                }
                body
            }
        };
        if body == OVER {
            return Ok(Some(Display::missing(Kind::Displayed, Missing::Overrange)));
        }
        if body == UNDER {
            return Ok(Some(Display::missing(Kind::Displayed, Missing::Underrange)));
        }
        let Ok(&[first, second, ref number @ .., u0, u1]) = <&[u8; BODY_BYTES]>::try_from(body) else {
            return Err(Refusal::Shape);
        };
        let kind = self.kind([first, second]).ok_or(Refusal::Shape)?;
        let unit = unit_text::read(&[u0, u1]).ok_or(Refusal::Unit)?;
        let value = match number {
            [b'-', magnitude @ ..] => digits::negated(digits::read_unsigned(magnitude)?)?,
            magnitude => digits::read_unsigned(magnitude)?,
        };
        Ok(Some(Display::value(kind, value, unit, Motion::Unstated)))
    }
}

/// Writes the line, with its CR LF. `None` for what the form cannot say: tare in the checked one, a
/// number wider than seven characters, a unit that is not two letters, a reason other than the range.
pub fn encode(form: Dialect, display: &Display) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    let mut line = Vec::new();
    match display.shown {
        Err(Missing::Overrange) => line.extend_from_slice(OVER).ok()?,
        Err(Missing::Underrange) => line.extend_from_slice(UNDER).ok()?,
        Err(_) => return None,
        Ok(value) => {
            line.extend_from_slice(&form.letters(display.kind)?).ok()?;
            let negative = value.digits() < 0;
            if negative {
                line.push(b'-').ok()?;
            }
            digits::put_magnitude(&mut line, value, if negative { 6 } else { 7 }, b'0')?;
            let unit = unit_text::write(display.unit?).filter(|it| it.len() == 2)?;
            line.extend_from_slice(unit).ok()?;
        }
    }
    if form == Dialect::Checked {
        let check = digits::hex(digits::xor(&line));
        line.extend_from_slice(&check).ok()?;
    }
    line.extend_from_slice(b"\r\n").ok()?;
    Some(line)
}
