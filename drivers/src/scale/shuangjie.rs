//! Lines of Shuangjie balances.
//!
//! ```text
//! sign or space  value(8)  unit(3)  CR LF          -   1.234g
//! ```
//!
//! Nothing says whether the load rests; [`super::settle`] finds out. What an overloaded balance sends is not
//! documented, and anything but a number is refused.
//!
//! Source: the maker's data page; no capture is at hand.

use heapless::Vec;

use super::{
    digits,
    display::{Display, Kind, Motion},
    form::{Form, LineDecoder, requests},
    unit_text,
};
use crate::wire::Refusal;

/// Longest line written, with line end.
pub const MAX_ENCODED_BYTES: usize = 14;

/// The form of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shuangjie;

/// Reads such lines.
pub type Decoder = LineDecoder<Shuangjie>;

impl Form for Shuangjie {
    type Item = Display;

    fn read(&self, line: &[u8]) -> Result<Option<Display>, Refusal> {
        let Ok(&[sign, ref number @ .., u0, u1, u2]) = <&[u8; 12]>::try_from(line) else {
            return Err(Refusal::Shape);
        };
        let magnitude = digits::read_unsigned(number.trim_ascii())?;
        let value = match sign {
            b' ' | b'+' => magnitude,
            b'-' => digits::negated(magnitude)?,
            _ => return Err(Refusal::Shape),
        };
        let unit = unit_text::read(&[u0, u1, u2]).ok_or(Refusal::Unit)?;
        Ok(Some(Display::value(Kind::Displayed, value, unit, Motion::Unstated)))
    }
}

/// Writes the line, with its CR LF. `None` for no number or one wider than eight characters, and for gross,
/// net or tare.
pub fn encode(display: &Display) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    if display.kind != Kind::Displayed {
        return None;
    }
    let value = display.shown.ok()?;
    let mut line = Vec::new();
    line.push(digits::sign(value, b' ')).ok()?;
    digits::put_magnitude(&mut line, value, 8, b' ')?;
    digits::put_left(&mut line, unit_text::write(display.unit?)?, 3)?;
    line.extend_from_slice(b"\r\n").ok()?;
    Some(line)
}

requests! {
    /// What these balances obey; the first byte is ESC unless the menu sets another.
    Request, Requests {
        /// Send what is displayed.
        Print = b"\x1Bp",
        /// Tare.
        Tare = b"\x1Bt",
        /// Adjust.
        Adjust = b"\x1Bq",
    }
}
