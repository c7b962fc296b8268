//! The printed slip of a JIK weighing cabinet: fourteen lines of which only the places have a meaning.
//!
//! ```text
//! ^KJIK000     2023-11-07    17:19:26     start, date, local time
//!   0.00 kg      1.94 kg                  tare, gross
//! 0            0                          not known
//!   1.94 kg      1.94 kg                  net, and the mass displayed
//!     0 pcs                               pieces
//!              E             ~P1          blank, blank, not known, end
//! ```
//!
//! A slip counts whole or not at all: a line lost moves every later line into a wrong place. Gross less
//! tare must be net, and so must be the mass displayed, all in one unit; a slip that does not add up is
//! refused. Its lines do not look like those of another indicator here, and lines outside a slip tell
//! nothing. Net and the mass displayed are equal in every capture, so their order does not matter.
//!
//! Source: captures of one cabinet, November 2023, and the public notes that came with them. All of them
//! have a tare of zero, so which of the first two masses is the tare rests on the notes.

use core::fmt::Write as _;

use heapless::{String, Vec};

use super::{
    digits,
    display::{Display, Kind, Motion},
    unit_text,
};
use crate::{
    Decimal, Unit,
    reading::{Channels, Outcome},
    wire::{
        Decode, Event, Refusal,
        line::{Cut, Lines},
    },
};

/// Longest line in bytes; the longest captured has 11.
pub const MAX_LINE_BYTES: usize = 24;

/// Longest slip in bytes, its line ends as LF; the captured one has 93.
pub const MAX_TICKET_BYTES: usize = 256;

/// Lines of a slip.
const LINES: usize = 14;
const START: &[u8] = b"^KJIK000";
const END: &[u8] = b"~P1";

/// A slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// `yyyy-mm-dd`, by the clock of the cabinet.
    pub date: String<10>,
    /// `hh:mm:ss`, local time by the same clock.
    pub time: String<8>,
    /// Tare.
    pub tare: Decimal,
    /// Gross mass.
    pub gross: Decimal,
    /// Net mass.
    pub net: Decimal,
    /// The unit of all three.
    pub unit: Unit,
    /// Pieces counted.
    pub pieces: Decimal,
}

impl Channels for Ticket {
    /// Gross, tare, net and pieces. Slips are printed on a key press and do not say whether the load rested.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        for (kind, value) in [(Kind::Gross, self.gross), (Kind::Tare, self.tare), (Kind::Net, self.net)] {
            Display::value(kind, value, self.unit, Motion::Unstated).each(tell);
        }
        Display::value(Kind::Displayed, self.pieces, Unit::One, Motion::Unstated).each(tell);
    }
}

/// The decoder; a frame is a whole slip.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: Lines<MAX_LINE_BYTES>,
    ticket: Vec<u8, MAX_TICKET_BYTES>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting for the first line of a slip.
    Outside,
    /// This many lines of a slip are there.
    Inside(usize),
}

impl Decoder {
    /// A decoder that waits for the start of a slip.
    pub const fn new() -> Self {
        Self { lines: Lines::at_line_start(), ticket: Vec::new(), state: State::Outside }
    }

    fn line(&mut self) -> Option<Event<Ticket>> {
        let starts = self.lines.line().trim_ascii() == START;
        match self.state {
            State::Outside if starts => {
                self.begin();
                None
            }
            State::Outside => Some(Event::Garbage(u16::try_from(self.lines.line().len()).unwrap_or(u16::MAX))),
            State::Inside(_) if starts => {
                // The slip before it lost its end.
                let lost = u16::try_from(self.ticket.len()).unwrap_or(u16::MAX);
                self.begin();
                Some(Event::Garbage(lost))
            }
            State::Inside(lines) => {
                let fits = self.append();
                let ends = self.lines.line().trim_ascii() == END;
                if !fits || ends || lines + 1 == LINES {
                    self.state = State::Outside;
                    let whole = fits && ends && lines + 1 == LINES;
                    return Some(match if whole { read(&self.ticket) } else { Err(Refusal::Shape) } {
                        Ok(ticket) => Event::Frame(ticket),
                        Err(refusal) => Event::Refused(refusal),
                    });
                }
                self.state = State::Inside(lines + 1);
                None
            }
        }
    }

    fn begin(&mut self) {
        self.ticket.clear();
        self.append();
        self.state = State::Inside(1);
    }

    fn append(&mut self) -> bool {
        let separated = self.ticket.is_empty() || self.ticket.push(b'\n').is_ok();
        separated && self.ticket.extend_from_slice(self.lines.line()).is_ok()
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for Decoder {
    type Item = Ticket;

    fn push(&mut self, byte: u8) -> Option<Event<Ticket>> {
        match self.lines.push(byte)? {
            Cut::Line => self.line(),
            Cut::Garbage(bytes) => Some(Event::Garbage(bytes)),
            Cut::TooLong => {
                // What was longer than any line of a slip spoils the slip it stands in.
                if self.state == State::Outside {
                    self.ticket.clear();
                }
                let _ = self.append();
                self.state = State::Outside;
                Some(Event::Refused(Refusal::TooLong))
            }
        }
    }

    /// The lines of the slip, with LF between them.
    fn raw(&self) -> &[u8] {
        &self.ticket
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

fn read(ticket: &[u8]) -> Result<Ticket, Refusal> {
    let mut lines = ticket.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut next = || lines.next().ok_or(Refusal::Shape);
    next()?;
    let date = pattern(next()?, b"0000-00-00")?;
    let time = pattern(next()?, b"00:00:00")?;
    let (tare, unit) = mass(next()?)?;
    let (gross, gross_unit) = mass(next()?)?;
    // Two lines whose meaning is not known.
    let _ = (next()?, next()?);
    let (net, net_unit) = mass(next()?)?;
    let (displayed, displayed_unit) = mass(next()?)?;
    let pieces = next()?.strip_suffix(b"pcs").ok_or(Refusal::Unit)?;
    let pieces = digits::read(pieces)?;
    if [gross_unit, net_unit, displayed_unit].iter().any(|other| *other != unit) {
        return Err(Refusal::Unit);
    }
    let difference = gross.checked_sub(tare).ok_or(Refusal::Number)?;
    if [net, displayed].iter().any(|it| it.cmp_value(difference).is_ne()) {
        return Err(Refusal::Number);
    }
    Ok(Ticket { date: text(date)?, time: text(time)?, tare, gross, net, unit, pieces })
}

/// The text, when it has digits where the pattern has `0` and is the same elsewhere.
fn pattern<'text>(text: &'text [u8], pattern: &[u8]) -> Result<&'text [u8], Refusal> {
    let fits = |(byte, expected): (&u8, &u8)| if *expected == b'0' { byte.is_ascii_digit() } else { byte == expected };
    if text.len() == pattern.len() && text.iter().zip(pattern).all(fits) { Ok(text) } else { Err(Refusal::Shape) }
}

fn text<const N: usize>(text: &[u8]) -> Result<String<N>, Refusal> {
    String::try_from(str::from_utf8(text).map_err(|_| Refusal::Shape)?).map_err(|_| Refusal::Shape)
}

fn mass(line: &[u8]) -> Result<(Decimal, Unit), Refusal> {
    let at = line.iter().rposition(|byte| *byte == b' ').ok_or(Refusal::Shape)?;
    let (number, unit) = line.split_at_checked(at).ok_or(Refusal::Shape)?;
    Ok((digits::read(number)?, unit_text::read(unit).ok_or(Refusal::Unit)?))
}

/// Writes a slip. `None` when it does not add up or a date, time, unit or number does not fit its line.
pub fn encode(ticket: &Ticket) -> Option<Vec<u8, MAX_TICKET_BYTES>> {
    let unit = str::from_utf8(unit_text::write(ticket.unit)?).ok()?;
    let mut out = String::<MAX_TICKET_BYTES>::new();
    let Ticket { date, time, tare, gross, net, pieces, .. } = ticket;
    write!(out, "^KJIK000\r\n{date}\r\n{time}\r\n").ok()?;
    put_mass(&mut out, *tare, unit)?;
    put_mass(&mut out, *gross, unit)?;
    out.push_str("0\r\n0\r\n").ok()?;
    put_mass(&mut out, *net, unit)?;
    put_mass(&mut out, *net, unit)?;
    let mut number = Vec::<u8, MAX_LINE_BYTES>::new();
    digits::put_signed(&mut number, *pieces, 5)?;
    write!(out, "{} pcs\r\n \r\n \r\nE\r\n~P1\r\n", str::from_utf8(&number).ok()?).ok()?;
    let mut decoder = Decoder::new();
    let read_back = out.bytes().filter_map(|byte| decoder.push(byte)).last();
    (read_back == Some(Event::Frame(ticket.clone()))).then(|| out.into_bytes())
}

/// A mass as the cabinet prints it: six columns, a space, the unit.
fn put_mass(out: &mut String<MAX_TICKET_BYTES>, value: Decimal, unit: &str) -> Option<()> {
    let mut number = Vec::<u8, MAX_LINE_BYTES>::new();
    digits::put_signed(&mut number, value, 6)?;
    write!(out, "{} {unit}\r\n", str::from_utf8(&number).ok()?).ok()
}
