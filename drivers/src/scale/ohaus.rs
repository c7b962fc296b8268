//! Lines of Ohaus Defender indicators and those that write alike.
//!
//! ```text
//! captured    sign  seven characters  space  unit(5)  ? or space  G or N             -  1.640 kg    N
//! documented  sign  space  seven characters  space  unit(5)  ? or space  G, NET or T, in three
//! ```
//!
//! `?` means that the load moves. The two forms differ in width and are told apart by it. Neither has a
//! word for overload; then the line is missing or has no digits and is refused.
//!
//! Sources: captures of a Defender 3000 and of a SPUN truck bench (the form of 16 bytes); the manual of
//! the 3000 series p. EN-35 (the form of 19).

use heapless::Vec;

use super::{
    digits,
    display::{Display, Kind, Motion},
    form::{Form, LineDecoder, requests},
    unit_text,
};
use crate::wire::Refusal;

/// Longest line written, with line end.
pub const MAX_ENCODED_BYTES: usize = 21;

const CAPTURED: usize = 16;
const DOCUMENTED: usize = 19;

/// Which line to write; reading takes both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// As captured, 16 bytes.
    Captured,
    /// As documented, 19 bytes.
    Documented,
}

/// The form of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ohaus;

/// Reads such lines.
pub type Decoder = LineDecoder<Ohaus>;

impl Form for Ohaus {
    type Item = Display;

    fn read(&self, line: &[u8]) -> Result<Option<Display>, Refusal> {
        let number_bytes = match line.len() {
            CAPTURED => 8,
            DOCUMENTED => 9,
            _ => return Err(Refusal::Shape),
        };
        let (number, rest) = line.split_at_checked(number_bytes).ok_or(Refusal::Shape)?;
        let [b' ', u0, u1, u2, u3, u4, question, legend @ ..] = rest else {
            return Err(Refusal::Shape);
        };
        let motion = match question {
            b' ' => Motion::Stable,
            b'?' => Motion::Moving,
            _ => return Err(Refusal::Shape),
        };
        let kind = match legend.trim_ascii() {
            b"G" => Kind::Gross,
            b"N" | b"NET" => Kind::Net,
            b"T" => Kind::Tare,
            _ => return Err(Refusal::Shape),
        };
        // The first column is for the sign alone.
        let (sign, magnitude) = number.split_first().ok_or(Refusal::Number)?;
        let magnitude = digits::read_unsigned(magnitude.trim_ascii_start())?;
        let value = match sign {
            b' ' => magnitude,
            b'-' => digits::negated(magnitude)?,
            _ => return Err(Refusal::Number),
        };
        let unit = unit_text::read(&[*u0, *u1, *u2, *u3, *u4]).ok_or(Refusal::Unit)?;
        Ok(Some(Display::value(kind, value, unit, motion)))
    }
}

/// Writes the line, with its CR LF. `None` for what it cannot say: no number, or one wider than seven
/// characters; no kind, or no statement of rest.
pub fn encode(layout: Layout, display: &Display) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    let value = display.shown.ok()?;
    let mut line = Vec::new();
    line.push(digits::sign(value, b' ')).ok()?;
    if layout == Layout::Documented {
        line.push(b' ').ok()?;
    }
    digits::put_magnitude(&mut line, value, 7, b' ')?;
    line.push(b' ').ok()?;
    digits::put_left(&mut line, unit_text::write(display.unit?)?, 5)?;
    line.push(match display.motion {
        Motion::Stable => b' ',
        Motion::Moving => b'?',
        Motion::Unstated => return None,
    })
    .ok()?;
    let legend: &[u8] = match (display.kind, layout) {
        (Kind::Gross, _) => b"G",
        (Kind::Net, Layout::Captured) => b"N",
        (Kind::Net, Layout::Documented) => b"NET",
        (Kind::Tare, _) => b"T",
        (Kind::Displayed, _) => return None,
    };
    digits::put_left(&mut line, legend, if layout == Layout::Captured { 1 } else { 3 })?;
    line.extend_from_slice(b"\r\n").ok()?;
    Some(line)
}

requests! {
    /// What Ohaus indicators obey.
    Request, Requests {
        /// Send what is displayed now, at rest or not.
        Immediate = b"IP",
        /// Send what is displayed, as the menu says.
        Print = b"P",
        /// Send at rest.
        Stable = b"SP",
        /// Send continuously.
        Continuous = b"CP",
    }
}
