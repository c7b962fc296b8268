//! Lines of A&D balances and scales.
//!
//! ```text
//! standard   header , nine characters: sign, digits, point  unit, right-aligned in three
//!            ST,+001234.5  g      QT,+00012345 PC      ST,OK,+001234.5  g
//! dump print header  eleven characters, sign before the first digit  unit in three
//!            WT    +1234.5  g
//!
//! ST, WT at rest   US moving   QT pieces at rest   OL out of range, nines for digits
//! HI, OK, LO, -- behind the header: the scale's own comparison
//! ```
//!
//! `t` is refused: on these balances it is the tola, not the tonne. The dump-print form says `E` for
//! out of range, without a header. Default line: 2400 bit/s, seven bits, even parity.
//!
//! Sources: manuals of the EK-L series p. 28, FG-KC p. 35, GC series p. 51, EJ p. 24; of the GX and GH
//! series for the dump-print form, whose exact columns were not seen.

use heapless::Vec;

use super::{
    digits,
    display::{Display, Kind, Motion},
    form::{Form, LineDecoder, requests},
    unit_text,
};
use crate::{
    Unit,
    reading::{Channels, Missing, Outcome},
    wire::Refusal,
};

/// Longest line written, with line end.
pub const MAX_ENCODED_BYTES: usize = 20;

const DUMP_BYTES: usize = 16;

/// What the scale's own comparator found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// HI: above the upper limit set at the scale.
    High,
    /// OK: within.
    Within,
    /// LO: below the lower one.
    Low,
    /// --: not compared.
    None,
}

impl Comparison {
    const ALL: [(&'static [u8], Self); 4] =
        [(b"HI", Self::High), (b"OK", Self::Within), (b"LO", Self::Low), (b"--", Self::None)];

    fn text(self) -> Option<&'static [u8]> {
        Self::ALL.iter().find(|(_, it)| *it == self).map(|(text, _)| *text)
    }
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is displayed.
    pub display: Display,
    /// The comparison, where the scale is set to send it.
    pub comparison: Option<Comparison>,
}

impl Channels for Line {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        self.display.each(tell);
    }
}

/// The form of the lines, both of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AAndD;

/// Reads such lines.
pub type Decoder = LineDecoder<AAndD>;

impl Form for AAndD {
    type Item = Line;

    fn read(&self, line: &[u8]) -> Result<Option<Line>, Refusal> {
        let displayed = |missing| Display::missing(Kind::Displayed, missing);
        let plain = |display| Ok(Some(Line { display, comparison: None }));
        if line.len() == DUMP_BYTES && line.get(2) != Some(&b',') {
            return match line.trim_ascii() {
                b"E" | b"+E" => plain(displayed(Missing::Overrange)),
                b"-E" => plain(displayed(Missing::Underrange)),
                _ => plain(dump(line)?),
            };
        }
        let [h0, h1, b',', rest @ ..] = line else {
            return Err(Refusal::Shape);
        };
        let (comparison, data) = match rest {
            [c0, c1, b',', data @ ..] => {
                let known = Comparison::ALL.iter().find(|(text, _)| *text == [*c0, *c1]);
                (Some(known.ok_or(Refusal::Shape)?.1), data)
            }
            data => (None, data),
        };
        let display = if [*h0, *h1] == *b"OL" {
            // Digits and unit differ between models here, and neither means anything.
            match data.first() {
                Some(b'+') => displayed(Missing::Overrange),
                Some(b'-') => displayed(Missing::Underrange),
                _ => return Err(Refusal::Shape),
            }
        } else {
            standard([*h0, *h1], data)?
        };
        Ok(Some(Line { display, comparison }))
    }
}

fn standard(header: [u8; 2], data: &[u8]) -> Result<Display, Refusal> {
    let Ok(&[sign, ref number @ .., u0, u1, u2]) = <&[u8; 12]>::try_from(data) else {
        return Err(Refusal::Shape);
    };
    let value = digits::read_unsigned(number)?;
    let value = match sign {
        b'+' => value,
        b'-' => digits::negated(value)?,
        _ => return Err(Refusal::Number),
    };
    let unit = unit(&[u0, u1, u2])?;
    Ok(Display::value(Kind::Displayed, value, unit, motion(header, unit)?))
}

fn dump(line: &[u8]) -> Result<Display, Refusal> {
    let Ok(&[h0, h1, ref number @ .., u0, u1, u2]) = <&[u8; DUMP_BYTES]>::try_from(line) else {
        return Err(Refusal::Shape);
    };
    let header = if [h0, h1] == *b"WT" { *b"ST" } else { [h0, h1] };
    let motion = motion(header, unit(&[u0, u1, u2])?)?;
    Ok(Display::value(Kind::Displayed, digits::read(number)?, unit(&[u0, u1, u2])?, motion))
}

fn unit(text: &[u8]) -> Result<Unit, Refusal> {
    unit_text::read(text).filter(|unit| *unit != Unit::Tonne).ok_or(Refusal::Unit)
}

fn motion(header: [u8; 2], unit: Unit) -> Result<Motion, Refusal> {
    match (&header, unit) {
        (b"QT", Unit::One) => Ok(Motion::Stable),
        (b"ST", unit) if unit != Unit::One => Ok(Motion::Stable),
        (b"US", _) => Ok(Motion::Moving),
        // A count that calls itself a mass, or the other way round.
        (b"QT" | b"ST", _) => Err(Refusal::Unit),
        _ => Err(Refusal::Shape),
    }
}

/// Writes the standard line, with its CR LF. `None` for what it cannot say: gross, net or tare, a number
/// wider than eight characters, tonnes, no statement of rest, a reason other than the range.
pub fn encode(line: &Line) -> Option<Vec<u8, MAX_ENCODED_BYTES>> {
    let Line { display, comparison } = line;
    if display.kind != Kind::Displayed {
        return None;
    }
    let header = match (display.shown, display.motion, display.unit) {
        (Err(Missing::Overrange | Missing::Underrange), ..) => b"OL",
        (Ok(_), Motion::Stable, Some(Unit::One)) => b"QT",
        (Ok(_), Motion::Stable, _) => b"ST",
        (Ok(_), Motion::Moving, _) => b"US",
        (Ok(_), Motion::Unstated, _) | (Err(_), ..) => return None,
    };
    let mut out = Vec::new();
    out.extend_from_slice(header).ok()?;
    out.push(b',').ok()?;
    if let Some(comparison) = comparison {
        out.extend_from_slice(comparison.text()?).ok()?;
        out.push(b',').ok()?;
    }
    match display.shown {
        Ok(value) => {
            out.push(digits::sign(value, b'+')).ok()?;
            digits::put_magnitude(&mut out, value, 8, b'0')?;
            let unit = match display.unit? {
                Unit::Tonne => return None,
                Unit::One => b"PC",
                unit => unit_text::write(unit)?,
            };
            digits::put_right(&mut out, unit, 3, b' ')?;
        }
        Err(Missing::Underrange) => out.extend_from_slice(b"-999999.9  g").ok()?,
        Err(_) => out.extend_from_slice(b"+999999.9  g").ok()?,
    }
    out.extend_from_slice(b"\r\n").ok()?;
    Some(out)
}

requests! {
    /// What A&D balances obey.
    Request, Requests {
        /// One line now.
        Once = b"Q",
        /// One line at rest.
        Stable = b"S",
        /// Lines until cancelled.
        Continuous = b"SIR",
        /// Cancel.
        Cancel = b"C",
    }
}
