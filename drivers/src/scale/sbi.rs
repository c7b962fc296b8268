//! Sartorius SBI, the Sartorius Balance Interface: lines of 16 or 22 characters, line end included.
//!
//! ```text
//! 16   sign  space, digit or bracket  value(8)  space  unit(3)  CR LF     +   123.56 g
//! 22   ID(6) and the same                                           N     +   123.56 g
//!      Stat  and High, Low, Cal., ERR 101, APP.ERR …                Stat     ERR 101
//! ```
//!
//! The unit is there only while the load rests: three blanks for it mean motion. The unit in motion is
//! thus unknown unless configured, and a balance can be switched to another one by hand; without a
//! configured unit a moving load has no value.
//!
//! Brackets around digits mark those that are not verified; the digits are kept. Only an ID of a mass, a
//! count or a share is a reading. Limits, sums and statistics carry other IDs and tell nothing.
//!
//! Sources: Sartorius GC803S p. 57, Master series p. 5-5, ME5-F p. 135, Entris II p. 3, LE2202S p. 51.

use heapless::Vec;

use super::{
    digits,
    display::{Display, Kind, Motion},
    form::{Form, LineDecoder, requests},
    unit_text,
};
use crate::{Decimal, Unit, reading::Missing, wire::Refusal};

/// Longest line written, with line end.
pub const MAX_ENCODED_BYTES: usize = 22;

const SHORT: usize = 14;
const ID: usize = 6;

/// Which line to write; reading takes both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Characters {
    /// 16 characters, no ID.
    Sixteen,
    /// 22 characters, with ID.
    TwentyTwo,
}

/// The form of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sbi {
    /// The unit while the load moves, when the balance is known to stay in it.
    pub moving_unit: Option<Unit>,
}

/// Reads such lines.
pub type Decoder = LineDecoder<Sbi>;

impl Form for Sbi {
    type Item = Display;

    fn read(&self, line: &[u8]) -> Result<Option<Display>, Refusal> {
        let (id, body) = match line.len() {
            SHORT => ([].as_slice(), line),
            it if it == ID + SHORT => line.split_at_checked(ID).ok_or(Refusal::Shape)?,
            _ => return Err(Refusal::Shape),
        };
        let kind = match id.trim_ascii() {
            // Whole fields, so that the words of another ID cannot pass.
            b"" | b"Qnt" | b"Prc" => Kind::Displayed,
            b"N" | b"N1" => Kind::Net,
            b"G" | b"G#" => Kind::Gross,
            b"T" | b"T1" => Kind::Tare,
            b"Stat" => {
                return special(body).map(|why| Some(Display::missing(Kind::Displayed, why))).ok_or(Refusal::Shape);
            }
            id if id.is_ascii() && id.first().is_some_and(u8::is_ascii_alphabetic) => return Ok(None),
            _ => return Err(Refusal::Shape),
        };
        if id.is_empty()
            && let Some(why) = special(body)
        {
            return Ok(Some(Display::missing(kind, why)));
        }
        self.value(kind, body).map(Some)
    }
}

impl Sbi {
    fn value(self, kind: Kind, body: &[u8]) -> Result<Display, Refusal> {
        let Ok(&[sign, ref number @ .., after, u0, u1, u2]) = <&[u8; SHORT]>::try_from(body) else {
            return Err(Refusal::Shape);
        };
        let magnitude = bracketed(number, after)?;
        let shown = match sign {
            b'+' | b' ' => magnitude,
            b'-' => digits::negated(magnitude)?,
            _ => return Err(Refusal::Shape),
        };
        let text = [u0, u1, u2];
        let (unit, motion) = if text.trim_ascii().is_empty() {
            (self.moving_unit, Motion::Moving)
        } else {
            (Some(unit_text::read(&text).ok_or(Refusal::Unit)?), Motion::Stable)
        };
        Ok(Display { kind, shown: Ok(shown), unit, motion })
    }
}

/// The number in the value columns; one pair of brackets may enclose its last digits.
fn bracketed(number: &[u8], after: u8) -> Result<Decimal, Refusal> {
    let mut digits_only = Vec::<u8, 10>::new();
    let mut open = false;
    let mut closed = false;
    for &byte in number.iter().chain(&[after]) {
        match byte {
            b'[' if !open => open = true,
            b']' if open && !closed => closed = true,
            b'[' | b']' => return Err(Refusal::Number),
            b' ' if closed => {}
            _ if closed => return Err(Refusal::Number),
            _ => digits_only.push(byte).map_err(|_| Refusal::Number)?,
        }
    }
    // Column 11 holds a space or the closing bracket, never a digit.
    if open != closed || !matches!(after, b' ' | b']') {
        return Err(Refusal::Number);
    }
    digits::read_unsigned(digits_only.trim_ascii())
}

/// What a line without a number says.
fn special(body: &[u8]) -> Option<Missing> {
    let text = body.trim_ascii();
    Some(match text {
        b"High" | b"H" | b"HH" => Missing::Overrange,
        b"Low" | b"L" | b"LL" => Missing::Underrange,
        b"APP.ERR" | b"DIS.ERR" | b"PRT.ERR" => Missing::InstrumentFault(0),
        b"" | b"--" | b"C" | [b'C', b'a', b'l', b'.', ..] => Missing::NotPresent,
        [b'E', b'R' | b'r', b'R' | b'r', code @ ..] => {
            let code = code.trim_ascii();
            let code = digits::read_unsigned(code.strip_prefix(b"/").unwrap_or(code)).ok()?;
            Missing::InstrumentFault(u16::try_from(code.digits()).ok().filter(|_| code.places() == 0)?)
        }
        _ => return None,
    })
}

/// Writes the line, with its CR LF. `None` for what it cannot say: a kind in the short form, a number wider
/// than eight characters, a load of which nothing says whether it rests.
pub fn encode(characters: Characters, display: &Display) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    let mut out = Vec::new();
    if characters == Characters::TwentyTwo {
        let id: &[u8] = match (display.shown, display.kind) {
            (Err(_), Kind::Displayed) => b"Stat",
            (Ok(_), Kind::Displayed) => b"",
            (Ok(_), Kind::Net) => b"N",
            (Ok(_), Kind::Gross) => b"G",
            (Ok(_), Kind::Tare) => b"T",
            (Err(_), _) => return None,
        };
        digits::put_left(&mut out, id, ID)?;
    } else if display.kind != Kind::Displayed {
        return None;
    }
    match display.shown {
        Ok(value) => {
            out.extend_from_slice(&[digits::sign(value, b'+'), b' ']).ok()?;
            digits::put_magnitude(&mut out, value, 8, b' ')?;
            out.push(b' ').ok()?;
            let unit = match display.motion {
                Motion::Stable => unit_text::write(display.unit?)?,
                Motion::Moving => b"",
                Motion::Unstated => return None,
            };
            digits::put_left(&mut out, unit, 3)?;
        }
        Err(why) => {
            out.extend_from_slice(b"   ").ok()?;
            let mut text = Vec::<u8, 11>::new();
            match why {
                Missing::Overrange => text.extend_from_slice(b"High").ok()?,
                Missing::Underrange => text.extend_from_slice(b"Low").ok()?,
                Missing::NotPresent => text.extend_from_slice(b"Cal.").ok()?,
                Missing::InstrumentFault(code) => {
                    text.extend_from_slice(b"ERR ").ok()?;
                    digits::put_magnitude(&mut text, Decimal::whole(i64::from(code)), 3, b'0')?;
                }
                _ => return None,
            }
            digits::put_left(&mut out, &text, 11)?;
        }
    }
    out.extend_from_slice(b"\r\n").ok()?;
    Some(out)
}

requests! {
    /// What Sartorius balances obey; the first byte is ESC.
    Request, Requests {
        /// Send what is displayed.
        Print = b"\x1BP",
        /// Tare and zero.
        TareAndZero = b"\x1BT",
        /// Tare.
        Tare = b"\x1BU",
        /// Zero.
        Zero = b"\x1BV",
        /// Filter for very stable surroundings.
        VeryStable = b"\x1BK",
        /// Filter for stable surroundings.
        Stable = b"\x1BL",
        /// Filter for unstable surroundings.
        Unstable = b"\x1BM",
        /// Filter for very unstable surroundings.
        VeryUnstable = b"\x1BN",
        /// Start again.
        Restart = b"\x1BS",
        /// Adjust with the internal mass.
        Adjust = b"\x1BZ",
        /// Send the model.
        Model = b"\x1Bx1_",
    }
}
